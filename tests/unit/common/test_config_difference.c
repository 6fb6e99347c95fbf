// SPDX-License-Identifier: MIT
// Each key either makes another dream, and is named with both values, or does not, and is left out.
#include "common/config/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/config/config_idle.h"
#include "common/config/config_schema.h"
#include "common/config/config_value.h"
#include "unit.h"

static struct config was, is;
static char text[512];

static bool differs(const char *setting)
{
    config_init(&was);
    config_init(&is);
    UNIT_OK(config_set(&is, setting));
    return config_difference(&was, &is, CONFIG_DREAM, text, sizeof text);
}

static void equal(void)
{
    config_init(&was);
    config_init(&is);
    CU_ASSERT(!config_difference(&was, &is, CONFIG_DREAM, text, sizeof text));
    CU_ASSERT_STRING_EQUAL(text, "");
}

static void named(void)
{
    CU_ASSERT(differs("steps=40"));
    CU_ASSERT_STRING_EQUAL(text, "steps was 20 and is 40");
    UNIT_OK(config_set(&is, "seed=1"));
    CU_ASSERT(config_difference(&was, &is, CONFIG_DREAM, text, sizeof text));
    CU_ASSERT_STRING_EQUAL(text, "steps was 20 and is 40; seed was 0 and is 1");
    CU_ASSERT(differs("targets=mixed4:1"));
    CU_ASSERT_STRING_EQUAL(text, "targets was mixed3:0.5,mixed6:1 and is mixed4:1");
    CU_ASSERT(differs("octaves.scale=1.5"));
    CU_ASSERT(differs("tile.size=512"));
}

static void neutral(void)
{
    static const char *const settings[] = {"threads=3",           "team.size=2",          "plan=off",         "precision=f32",
                                           "memory.limit=1G",     "checkpoint.seconds=1", "fetch.parallel=3", "watchdog.seconds=5",
                                           "input.max_side=9000", "model.path=/a.h5",     "fetch.attempts=2"};
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++)
        if (differs(settings[i]))
            CU_FAIL("a neutral setting is named");
}

// What matters beside other settings alone, or to the other command.
static void without_effect(void)
{
    CU_ASSERT(!differs("class=281"));
    CU_ASSERT(!differs("saliency.samples=3"));
    CU_ASSERT(!differs("importance.samples=3"));
    CU_ASSERT(!differs("video.encoder=libx264"));
    CU_ASSERT(!differs("output.quality=80"));
    UNIT_OK(config_set(&is, "output.format=jpeg"));
    CU_ASSERT(config_difference(&was, &is, CONFIG_DREAM, text, sizeof text));
    CU_ASSERT_STRING_EQUAL(text, "output.format was auto and is jpeg; output.quality was 95 and is 80");
    UNIT_OK(config_set(&was, "output.format=jpeg"));
    CU_ASSERT(config_difference(&was, &is, CONFIG_DREAM, text, sizeof text));
    config_init(&was);
    config_init(&is);
    UNIT_OK(config_set(&is, "saliency.samples=3"));
    CU_ASSERT(config_difference(&was, &is, CONFIG_EXPLAIN, text, sizeof text));
    config_init(&is);
    UNIT_OK(config_set(&is, "steps=3"));
    CU_ASSERT(!config_difference(&was, &is, CONFIG_EXPLAIN, text, sizeof text));
}

static void many(void)
{
    static const char *const settings[] = {"steps=40", "seed=1", "jitter=0", "step_size=0.1", "octaves.count=2", "tile.blend=1"};
    config_init(&was);
    config_init(&is);
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++)
        UNIT_OK(config_set(&is, settings[i]));
    CU_ASSERT(config_difference(&was, &is, CONFIG_DREAM, text, sizeof text));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "; and 2 more"));
    char tiny[8];
    CU_ASSERT(config_difference(&was, &is, CONFIG_DREAM, tiny, sizeof tiny));
    CU_ASSERT(strlen(tiny) < sizeof tiny);
}

// A value that is not the key's default.
static enum status change(const struct config_key *key)
{
    char value[64];
    switch (key->type) {
    case CONFIG_TYPE_BOOL:
        snprintf(value, sizeof value, "%s", strcmp(key->initial, "true") == 0 ? "false" : "true");
        break;
    case CONFIG_TYPE_WORD:
        snprintf(value, sizeof value, "%s", key->words[strcmp(key->words[0].name, key->initial) == 0].name);
        break;
    case CONFIG_TYPE_REAL:
        snprintf(value, sizeof value, "%.17g", strtod(key->initial, NULL) == key->low ? key->high : key->low);
        break;
    case CONFIG_TYPE_TEXT:
        snprintf(value, sizeof value, "another");
        break;
    case CONFIG_TYPE_TARGETS:
        snprintf(value, sizeof value, "mixed4:1");
        break;
    default:
        snprintf(value, sizeof value, "%llu",
                 (unsigned long long)(strtoull(key->initial, NULL, 10) == key->least ? key->least + 1 : key->least));
    }
    return config_value_parse(&is, key, value);
}

static void each_key(void)
{
    for (int i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];
        config_init(&was);
        config_init(&is);
        UNIT_OK(change(key));
        const bool matters = !key->neutral && config_key_matters(key, CONFIG_DREAM) &&
                             !(config_is_idle(&was, false, key->name) && config_is_idle(&is, false, key->name));
        CU_ASSERT_EQUAL(config_difference(&was, &is, CONFIG_DREAM, text, sizeof text), matters);
        if (matters && !strstr(text, key->name))
            CU_FAIL("a key is not named");
    }
}

static int changes;
static char setting[1024];

static void take(void *context, const char *key, const char *value)
{
    CU_ASSERT_PTR_EQUAL(context, &changes);
    snprintf(setting, sizeof setting, "%s=%s", key, value);
    changes++;
}

// What is not at its default can be typed again.
static void changes_come_back(void)
{
    config_init(&is);
    CU_ASSERT(config_changes(&is, CONFIG_DREAM, take, &changes) && changes == 0);
    UNIT_OK(config_set(&is, "output.folders=tree"));
    CU_ASSERT(config_changes(&is, CONFIG_DREAM, take, &changes) && changes == 0);
    for (int i = 0; i < config_key_count; i++) {
        config_init(&is);
        UNIT_OK(change(&config_keys[i]));
        changes = 0;
        CU_ASSERT(config_changes(&is, config_keys[i].only ? config_keys[i].only : CONFIG_DREAM, take, &changes));
        CU_ASSERT(changes ==
                  (!config_keys[i].secret && (strcmp(config_keys[i].name, "output.folders") != 0 || is.output.folders != FOLDERS_TREE)));
        config_init(&was);
        if (changes)
            UNIT_OK(config_set(&was, setting));
        CU_ASSERT(changes == 0 || memcmp(&was, &is, sizeof is) == 0);
    }
    config_init(&is);
    UNIT_OK(config_set(&is, "targets=mixed4#12+45@0.5/0.25:-0.5,mixed5"));
    CU_ASSERT(config_changes(&is, CONFIG_DREAM, take, &changes));
    CU_ASSERT_STRING_EQUAL(setting, "targets=mixed4#12+45@0.5/0.25:-0.5,mixed5:1");
    UNIT_OK(config_set(&is, "targets=mixed4#-3+12-0+45%0.50..1,mixed5#-7@1/0%0..1e-5"));
    CU_ASSERT(config_changes(&is, CONFIG_DREAM, take, &changes));
    CU_ASSERT_STRING_EQUAL(setting, "targets=mixed4#12+45-3-0%0.5..1:1,mixed5#-7@1/0%0..1e-05:1");
    UNIT_OK(config_set(&is, "targets=mixed4#auto,mixed5#auto3@0.5/0.25:2"));
    CU_ASSERT(config_changes(&is, CONFIG_DREAM, take, &changes));
    CU_ASSERT_STRING_EQUAL(setting, "targets=mixed4#auto8:1,mixed5#auto3@0.5/0.25:2");
}

// Explanations do not look at all keys, and are not balanced unless asked.
static void changes_that_matter(void)
{
    config_init(&is);
    UNIT_OK(config_set(&is, "steps=5"));
    is.balance = 0;
    changes = 0;
    CU_ASSERT(config_changes(&is, CONFIG_EXPLAIN, take, &changes) && changes == 0);
    CU_ASSERT(config_changes(&is, CONFIG_DREAM, take, &changes) && changes == 2);
    UNIT_OK(config_set(&is, "saliency.samples=3"));
    changes = 0;
    CU_ASSERT(config_changes(&is, CONFIG_EXPLAIN, take, &changes) && changes == 1);
    CU_ASSERT_STRING_EQUAL(setting, "saliency.samples=3");
}

static const struct unit_test tests[] = {{"equal", equal},
                                         {"named", named},
                                         {"neutral", neutral},
                                         {"many", many},
                                         {"without effect", without_effect},
                                         {"each_key", each_key},
                                         {"changes come back", changes_come_back},
                                         {"changes that matter", changes_that_matter}};
UNIT_MAIN("config_difference", tests)
