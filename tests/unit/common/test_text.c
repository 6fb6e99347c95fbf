// SPDX-License-Identifier: MIT
// Texts that grow in a buffer, and what a message shows of one from outside.
#include "common/system/text.h"

#include <stdio.h>
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

// What is well-formed UTF-8 by the Unicode standard, table 3-7: the first and the last of each row, and their neighbours that are not.
static void test_utf8(void)
{
    static const char *const good[] = {"a",
                                       "\x7f",
                                       "\xc2\x80",
                                       "\xdf\xbf",
                                       "\xe0\xa0\x80",
                                       "\xe0\xbf\xbf",
                                       "\xe1\x80\x80",
                                       "\xec\xbf\xbf",
                                       "\xed\x80\x80",
                                       "\xed\x9f\xbf",
                                       "\xee\x80\x80",
                                       "\xef\xbf\xbf",
                                       "\xf0\x90\x80\x80",
                                       "\xf0\xbf\xbf\xbf",
                                       "\xf1\x80\x80\x80",
                                       "\xf3\xbf\xbf\xbf",
                                       "\xf4\x80\x80\x80",
                                       "\xf4\x8f\xbf\xbf"};
    static const char *const bad[] = {"\x80",
                                      "\xbf",
                                      "\xc0\x80",
                                      "\xc1\xbf",
                                      "\xc2",
                                      "\xc2\xc2",
                                      "\xc2\x7f",
                                      "\xe0\x9f\xbf",
                                      "\xe0\x80\x80",
                                      "\xed\xa0\x80",
                                      "\xed\xbf\xbf",
                                      "\xe1\x80",
                                      "\xe1\x80\x7f",
                                      "\xf0\x8f\xbf\xbf",
                                      "\xf4\x90\x80\x80",
                                      "\xf5\x80\x80\x80",
                                      "\xf1\x80\x80",
                                      "\xf8\x88\x80\x80\x80",
                                      "\xff"};
    char text[64];
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        CU_ASSERT_EQUAL(utf8_length(good[i]), strlen(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        CU_ASSERT_EQUAL(utf8_length(bad[i]), 0);
    strcpy(text, "a\xc3\xa9\xed\xa0\x80\xff"
                 "b\xe2\x82");
    utf8_clean(text, '?');
    CU_ASSERT_STRING_EQUAL(text, "a\xc3\xa9????b??");
}

// Never within a character.
static void test_cut(void)
{
    static const char whole[] = "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z"; // of 1, 2, 3, 4 and 1 bytes
    static const size_t left[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11, 11};
    for (size_t bytes = 0; bytes < sizeof left / sizeof left[0]; bytes++) {
        char text[sizeof whole];
        memcpy(text, whole, sizeof whole);
        utf8_cut(text, bytes);
        CU_ASSERT(strlen(text) == left[bytes] && strncmp(text, whole, left[bytes]) == 0);
    }
}

static void test_words(void)
{
    static const char *const pairs[][2] = {{"dreams/a-b_c.1", "dreams/a-b_c.1"},
                                           {"my dreams", "'my dreams'"},
                                           {"it's", "'it'\\''s'"},
                                           {"'", "''\\'''"},
                                           {"", "''"},
                                           {"a$b", "'a$b'"},
                                           {"~", "'~'"},
                                           {"--", "./--"},
                                           {"-o x", "./'-o x'"}};
    char out[TEXT_WORD_MAX];
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
        CU_ASSERT_STRING_EQUAL(text_word(pairs[i][0], out), pairs[i][1]);
    CU_ASSERT_STRING_EQUAL(PLURAL(1), "");
    CU_ASSERT_STRING_EQUAL(PLURAL(0), "s");
}

static void test_columns(void)
{
    CU_ASSERT_EQUAL(utf8_columns(""), 0);
    CU_ASSERT_EQUAL(utf8_columns("abc"), 3);
    CU_ASSERT_EQUAL(utf8_columns("caf\xc3\xa9"), 4);
    CU_ASSERT_EQUAL(utf8_columns("\xe7\x8c\xab"), 2);
    CU_ASSERT_EQUAL(utf8_columns("\xff\xff"), 2);
}

static void test_printable(void)
{
    static const char *const pairs[][2] = {
        {"a \xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", "a \xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"},
        {"\x1b[31m\n\r\t\x7f", "?[31m????"},
        {"\xc2\x9b"
         "2J\xc2\xa0",
         "?2J\xc2\xa0"},
        {"a\xe2\x80\xae"
         "b\xe2\x80\xa8"
         "c\xe2\x81\xa6"
         "d\xe2\x80\x8f",
         "a?b?c?d?"},
        {"\xff\xc3(", "?\?("},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        char text[64];
        snprintf(text, sizeof text, "%s", pairs[i][0]);
        text_make_printable(text);
        CU_ASSERT_STRING_EQUAL(text, pairs[i][1]);
    }
}

static const struct unit_test tests[] = {
    {"append", test_append}, {"excerpt", test_excerpt}, {"utf-8", test_utf8},         {"cut", test_cut},
    {"words", test_words},   {"columns", test_columns}, {"printable", test_printable}};
UNIT_MAIN("text", tests)
