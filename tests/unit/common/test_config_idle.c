// SPDX-License-Identifier: MIT
// Settings that have no effect beside the others: each is named, with what it would take.
#include "common/config/config_idle.h"

#include "common/config/config_schema.h"
#include "unit.h"

static void configure(struct config *config, const char *const *settings)
{
    config_init(config);
    for (; *settings; settings++)
        UNIT_OK(config_set(config, *settings));
}

static void check(bool explains, const char *const *settings, const char *expected)
{
    struct config config;
    char text[1024];
    configure(&config, settings);
    config_idle(&config, explains, text, sizeof text);
    CU_ASSERT_STRING_EQUAL(text, expected);
}
#define DREAM(expected, ...) check(false, (const char *const[]){__VA_ARGS__, NULL}, expected)
#define EXPLAIN(expected, ...) check(true, (const char *const[]){__VA_ARGS__, NULL}, expected)

static void test_named(void)
{
    DREAM("", "steps=4");
    DREAM("guide has no effect unless objective is guide", "guide=a.png");
    DREAM("", "guide=a.png", "objective=guide");
    DREAM("balance has no effect unless objective is mean_square or mean", "balance=0.5", "objective=class");
    DREAM("", "balance=0.5", "objective=mean");
    DREAM("mask_feather has no effect unless mask names a picture", "mask_feather=0.1");
    DREAM("", "mask_feather=0.1", "mask=a.png");
    DREAM("class has no effect unless objective is class", "class=3");
    DREAM("", "class=3", "objective=class");
    DREAM("class has no effect unless objective is class", "class=3", "objective=guide", "guide=a.png");
    DREAM("importance.samples has no effect unless importance.method is expected_gradients; "
          "importance.baselines has no effect unless importance.method is expected_gradients",
          "importance.baselines=images", "importance.samples=3");
    DREAM("", "importance.baselines=images", "importance.method=expected_gradients");
    DREAM("output.quality has no effect unless output.format is jpeg", "output.quality=50");
    DREAM("", "output.quality=50", "output.format=jpeg");
    DREAM("octaves.scale has no effect unless octaves.count is more than 1", "octaves.count=1", "octaves.scale=2");
    DREAM("guidance.every has no effect unless another key of guidance is above 0", "guidance.every=4");
    DREAM("saturation has no effect unless objective is mean_square", "objective=mean", "saturation=0.5");
    DREAM("", "objective=mean", "saturation=none"); // what is off, as in presets, need not have an effect
    DREAM("", "guidance.every=4", "guidance.add_cam=1");
}

static void test_frames(void)
{
    DREAM("video.rate has no effect unless frames.cam or frames.dream is true", "frames.cam=false", "frames.dream=false", "video.rate=5");
    DREAM("video.colormap has no effect unless frames.cam is true", "frames.cam=false", "video.rate=5", "video.colormap=jet");
    DREAM("", "video.rate=5", "video.colormap=jet", "frames.png=true");
    DREAM("cam.method has no effect unless frames.cam is true, or guidance.cam or guidance.add_cam above 0", "frames.cam=false",
          "cam.method=layercam");
    DREAM("", "frames.cam=false", "cam.method=layercam", "guidance.cam=1");
}

static void test_explanations(void)
{
    EXPLAIN("guide has no effect unless objective is guide", "guide=a.png");
    EXPLAIN("", "importance.baselines=images", "video.colormap=jet", "frames.cam=false", "output.quality=50", "octaves.count=1",
            "octaves.scale=2");
}

// What nothing is said of by default, and a key that always counts.
static void test_single_keys(void)
{
    struct config config;
    configure(&config, (const char *const[]){NULL});
    CU_ASSERT(config_is_idle(&config, false, "guide"));
    CU_ASSERT(!config_is_idle(&config, false, "steps"));
    CU_ASSERT(!config_is_idle(&config, false, "video.rate"));
    DREAM("", "steps=20");
}

static const struct unit_test tests[] = {
    {"each is named", test_named},
    {"frames and videos", test_frames},
    {"explanations", test_explanations},
    {"single keys", test_single_keys},
};
UNIT_MAIN("config: without effect", tests)
