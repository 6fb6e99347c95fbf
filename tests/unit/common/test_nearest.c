// SPDX-License-Identifier: MIT
#include "common/config/nearest.h"

#include <string.h>

#include "unit.h"

static const char *best_of(const char *text)
{
    static const char *const candidates[] = {"dream", "model", "bench", "octaves.count", "a", "mixed1", "mixed10"};
    static struct nearest nearest;
    nearest_init(&nearest, text);
    for (size_t i = 0; i < sizeof candidates / sizeof candidates[0]; i++)
        nearest_offer(&nearest, candidates[i]);
    return nearest.best;
}

static void test_near(void)
{
    static const char *const pairs[][2] = {
        {"dream", "dream"},  {"draem", "dream"},  {"drem", "dream"},
        {"dreams", "dream"}, {"breach", "bench"}, {"modal", "model"},
        {"xyzzy", ""},       {"drxxm", ""},       {"octave.cuont", "octaves.count"},
        {"", "a"},           {"b", "a"},          {"bc", ""},
        {"bnech", "bench"},  {"modelmodel", ""},  {"mixed11", "mixed10"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
        CU_ASSERT_STRING_EQUAL(best_of(pairs[i][0]), pairs[i][1]);
}

static void test_limits(void)
{
    char text[NEAREST_TEXT_MAX + 10], hint[NEAREST_HINT_MAX];
    struct nearest nearest;
    for (size_t length = NEAREST_TEXT_MAX - 2; length < sizeof text; length++) {
        memset(text, 'q', length);
        text[length] = '\0';
        nearest_init(&nearest, text);
        nearest_offer(&nearest, text);
        CU_ASSERT_EQUAL(nearest.best[0] != '\0', length < NEAREST_TEXT_MAX);
    }
    CU_ASSERT_STRING_EQUAL(nearest_hint(&nearest, "; none", hint), "; none");
    nearest_init(&nearest, "cuont");
    nearest_offer_as(&nearest, "count", "octaves.count");
    CU_ASSERT_STRING_EQUAL(nearest_hint(&nearest, "; none", hint), "; did you mean octaves.count?");
}

static const struct unit_test tests[] = {
    {"what is near and what is not", test_near},
    {"long texts, hints", test_limits},
};
UNIT_MAIN("nearest", tests)
