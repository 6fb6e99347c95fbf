// SPDX-License-Identifier: MIT
// Each key either makes another dream, and is named with both values, or does not, and is left out.
#include "common/config_difference.h"

#include <string.h>

#include "common/config_schema.h"
#include "unit.h"

static struct config was, is;
static char text[512];

static bool differs(const char *setting)
{
    config_init(&was);
    config_init(&is);
    UNIT_OK(config_set(&is, setting));
    return config_difference(&was, &is, text, sizeof text);
}

static void equal(void)
{
    config_init(&was);
    config_init(&is);
    CU_ASSERT(!config_difference(&was, &is, text, sizeof text));
    CU_ASSERT_STRING_EQUAL(text, "");
}

static void named(void)
{
    CU_ASSERT(differs("steps=40"));
    CU_ASSERT_STRING_EQUAL(text, "steps was 20 and is 40");
    UNIT_OK(config_set(&is, "seed=1"));
    CU_ASSERT(config_difference(&was, &is, text, sizeof text));
    CU_ASSERT_STRING_EQUAL(text, "steps was 20 and is 40; seed was 0 and is 1");
    CU_ASSERT(differs("targets=mixed4:1"));
    CU_ASSERT_STRING_EQUAL(text, "the targets are others");
    CU_ASSERT(differs("octaves.scale=1.5"));
    CU_ASSERT(differs("output.quality=80"));
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

static void many(void)
{
    static const char *const settings[] = {"steps=40", "seed=1", "jitter=0", "step_size=0.1", "octaves.count=2", "tile.blend=1"};
    config_init(&was);
    config_init(&is);
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++)
        UNIT_OK(config_set(&is, settings[i]));
    CU_ASSERT(config_difference(&was, &is, text, sizeof text));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "; and 2 more"));
    char tiny[8];
    CU_ASSERT(config_difference(&was, &is, tiny, sizeof tiny));
    CU_ASSERT(strlen(tiny) < sizeof tiny);
}

static const struct unit_test tests[] = {{"equal", equal}, {"named", named}, {"neutral", neutral}, {"many", many}};
UNIT_MAIN("config_difference", tests)
