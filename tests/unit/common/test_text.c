// SPDX-License-Identifier: MIT
// Texts that grow in a buffer, and what a message shows of one from outside.
#include "common/system/text.h"

#include <string.h>

#include "unit.h"

static void test_append(void)
{
    char text[8] = "";
    text_append(text, 6, "%d", 12);
    CU_ASSERT_STRING_EQUAL(text, "12");
    text_append(text, 6, "%s", "");
    text_append(text, 6, "-%s", "345678"); // cut
    CU_ASSERT_STRING_EQUAL(text, "12-34");
    text_append(text, 6, "6");
    CU_ASSERT_STRING_EQUAL(text, "12-34");
    CU_ASSERT_EQUAL(text[6], 0);
}

static void test_excerpt(void)
{
    char out[TEXT_EXCERPT_MAX], text[2 * TEXT_EXCERPT_MAX];
    CU_ASSERT_STRING_EQUAL(text_excerpt("a b", out), "a b");
    CU_ASSERT_STRING_EQUAL(text_excerpt("\x1b[31m\n\x7f\xc3\xa9", out), "?[31m??\xc3\xa9");
    for (size_t length = TEXT_EXCERPT_MAX - 3; length < sizeof text; length++) {
        memset(text, 'a', length);
        text[length] = '\0';
        CU_ASSERT_EQUAL(text_excerpt(text, out), out);
        CU_ASSERT(length < TEXT_EXCERPT_MAX ? strcmp(out, text) == 0
                                            : strlen(out) == TEXT_EXCERPT_MAX - 1 && strcmp(out + TEXT_EXCERPT_MAX - 5, "a...") == 0);
    }
}

static const struct unit_test tests[] = {{"append", test_append}, {"excerpt", test_excerpt}};
UNIT_MAIN("text", tests)
