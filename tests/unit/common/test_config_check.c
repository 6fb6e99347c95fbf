// SPDX-License-Identifier: MIT
// What only the whole configuration can show: settings that do not go together.
#include "common/config/config_targets.h"

#include "unit.h"

// `settings` end with NULL. An empty message: they are fine.
static void check(const char *const *settings, const char *message)
{
    struct config config;
    config_init(&config);
    for (; *settings; settings++)
        UNIT_OK(config_set(&config, *settings));
    const enum status rc = config_check(&config);
    if (message[0] == '\0') {
        UNIT_OK(rc);
        return;
    }
    CU_ASSERT_EQUAL(rc, STATUS_USAGE);
    CU_ASSERT_STRING_EQUAL(status_message(), message);
}
#define CHECK(message, ...) check((const char *const[]){__VA_ARGS__, NULL}, message)

static void test_check(void)
{
    CHECK("targets: every weight is 0, so there is nothing to raise", "targets=mixed3:0,mixed4:0");
    CHECK("", "targets=mixed3:0,mixed4:-1");
    CHECK("", "targets=mixed3#4@0.5/0.5,mixed4@1/0");
    CHECK("faithfulness.steps: a curve has 2 steps at least, 16 are usual; 0 is none", "faithfulness.steps=1");
    CHECK("", "faithfulness.steps=2");
}

// In every octave of every picture, which may be too small for all of them, some target counts.
static void test_check_octaves(void)
{
    CHECK("", "targets=mixed3%0..0.5,mixed4%0.5..1");
    CHECK("", "targets=mixed3%0..1");
    CHECK("", "targets=mixed3%1..1,mixed4");
    CHECK("", "targets=mixed3%0..0.33,mixed4%0.5..1", "octaves.count=3");
    CHECK("", "targets=mixed3%1..1", "octaves.count=1");
    CHECK("", "targets=mixed3%0..0.5,mixed4%0.5..1", "octaves.count=auto");
    CHECK("", "targets=mixed3%0..0.3,mixed4%0.7..1", "octaves.count=2");
#define NONE(gap, add)                                                                                                                     \
    "targets: none counts in %" gap " (0: the smallest octave, 1: full size), and each octave needs one: add such as " add "%" gap
    CHECK(NONE("0.5..1", "mixed4") "; octaves.count: auto gives pictures any number of octaves, a number gives no more than that",
          "targets=mixed3%0..0.5");
    CHECK(NONE("0.3..0.7", "mixed5") "; octaves.count: auto gives pictures any number of octaves, a number gives no more than that",
          "targets=mixed3%0..0.3,mixed4%0.7..1");
    CHECK(NONE("0..0.5", "mixed4"), "targets=mixed3%0.5..1", "octaves.count=4");
    CHECK(NONE("0.5..1", "mixed3"), "targets=mixed6%0..0.5", "octaves.count=4");
    CHECK(NONE("0.5..1", "mixed5"), "targets=mixed3%0..0.5,mixed4%0.5..1:0", "octaves.count=4");
    CHECK(NONE("0.34..0.6", "mixed5") "; a picture that is too small for all octaves has one there", "targets=mixed3%0..0.34,mixed4%0.6..1",
          "octaves.count=4");
}

// Of each octave of pictures of some, by the parts of the way counted by hand.
static void test_counts(void)
{
    static const struct {
        const char *octaves;
        int count;
        unsigned counts; // a bit each
    } cases[] = {{"0..1", 5, 31},      {"0..0.5", 5, 7},   {"0.5..1", 5, 28},  {"0..0", 5, 1},      {"1..1", 5, 16},
                 {"0.26..0.74", 5, 4}, {"0..0.5", 4, 3},   {"0.5..1", 4, 12},  {"0..0.33", 4, 3},   {"0.67..1", 4, 12},
                 {"0..0.3", 4, 1},     {"0..0.334", 4, 3}, {"0..0.5", 2, 1},   {"0.51..0.9", 2, 0}, {"0..0.99", 2, 1},
                 {"1..1", 1, 1},       {"0..0", 1, 1},     {"0.4..0.5", 1, 1}, {"0.49..1", 3, 6},   {"0.51..1", 3, 4}};
    struct config config;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char setting[64];
        unsigned found = 0;
        config_init(&config);
        snprintf(setting, sizeof setting, "targets=mixed3%%%s", cases[i].octaves);
        UNIT_OK(config_set(&config, setting));
        for (int octave = 0; octave < cases[i].count; octave++)
            found |= (unsigned)config_target_counts(&config.targets.items[0], octave, cases[i].count) << octave;
        CU_ASSERT_EQUAL(found, cases[i].counts);
    }
    config_init(&config);
    for (int octave = 0; octave < 3; octave++)
        CU_ASSERT_TRUE(config_target_counts(&config.targets.items[0], octave, 3));
}

static void test_check_objective(void)
{
    CHECK("objective: guide needs a picture: set guide to its file or URL", "objective=guide");
    CHECK("", "objective=guide", "guide=a.png");
    CHECK("", "guide=a.png"); // not used, no harm
    CHECK("targets: objective: guide takes whole layers, without # and @", "objective=guide", "guide=a.png", "targets=mixed3,mixed4#1");
    CHECK("targets: objective: guide takes whole layers, without # and @", "objective=guide", "guide=a.png", "targets=mixed3@0.5/0.5");
    CHECK("targets: objective: class takes whole layers, without # and @", "objective=class", "targets=mixed10#7");
    CHECK("targets: objective: class takes whole layers, without # and @", "objective=class", "targets=mixed10#-7");
    CHECK("targets: objective: guide takes whole layers, without # and @", "objective=guide", "guide=a.png", "targets=mixed3#-4");
    CHECK("", "objective=guide", "guide=a.png", "targets=mixed3%0..0.5,mixed4%0.5..1");
    CHECK("", "objective=class", "targets=mixed10", "class=208");
    CHECK("targets: objective: guide takes whole layers, without # and @", "objective=guide", "guide=a.png", "targets=mixed3#auto");
}

static void test_check_maps(void)
{
    CHECK("cam.method: class needs objective: class", "cam.method=class");
    CHECK("cam.method: class needs objective: class", "cam.method=class", "objective=mean");
    CHECK("", "cam.method=class", "objective=class", "targets=mixed10");
    CHECK("cam.layer: mixed4 is none of the targets", "cam.layer=mixed4");
    CHECK("cam.layer: mixed is none of the targets", "cam.layer=mixed");
    CHECK("", "cam.layer=mixed3");
    CHECK("", "cam.layer=mixed4", "targets=mixed3,mixed4#5");
}

static void test_baselines(void)
{
    static const char *const wrong[] = {"white", "black,", ",", "black,black", "black blurred", "blackblurred", "Black", "images,none"};
    struct config config;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char setting[128], message[256];
        snprintf(setting, sizeof setting, "importance.baselines=%s", wrong[i]);
        snprintf(message, sizeof message, "importance.baselines: %s is not a list of black, blurred and images with commas", wrong[i]);
        CHECK(message, setting);
    }
    CHECK("", "importance.baselines=images,black,blurred");
    config_init(&config);
    UNIT_OK(config_set(&config, "importance.baselines=blurred,images"));
    CU_ASSERT_TRUE(config_has_baseline(&config, "blurred"));
    CU_ASSERT_TRUE(config_has_baseline(&config, "images"));
    CU_ASSERT_FALSE(config_has_baseline(&config, "black"));
}

static void test_check_statistics(void)
{
    static const char refused[] = "balance and channels: auto need network_input: signed, which channels were measured with";
    CHECK(refused, "balance=0.1", "network_input=unit");
    CHECK(refused, "targets=mixed3,mixed4#auto", "network_input=unit");
    CHECK("", "balance=0.1", "network_input=unit", "objective=class", "targets=mixed10"); // has no effect
    CHECK("", "network_input=unit");
    CHECK("", "balance=1", "targets=mixed4#auto3");
}

static const struct unit_test tests[] = {
    {"weights that are all zero are refused", test_check},
    {"octaves without a target are refused", test_check_octaves},
    {"which octaves a target counts in", test_counts},
    {"objectives that lack something are refused", test_check_objective},
    {"what channels were not measured with", test_check_statistics},
    {"maps of layers that are no targets are refused", test_check_maps},
    {"baselines", test_baselines},
};
UNIT_MAIN("config_check", tests)
