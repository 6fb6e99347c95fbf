// SPDX-License-Identifier: MIT
// Names of classes: the files that there are of ImageNet's, and what is found by a name.
#include "weights/formats/class_names.h"

#include "unit.h"

static struct class_names names;

static void check_three(const char *text)
{
    memset(&names, 0xff, sizeof names);
    UNIT_OK(class_names_parse(text, strlen(text), &names));
    CU_ASSERT_EQUAL_FATAL(names.count, 3);
    CU_ASSERT_STRING_EQUAL(names.names[0], "tench, Tinca tinca");
    CU_ASSERT_STRING_EQUAL(names.names[1], "cock");
    CU_ASSERT_STRING_EQUAL(names.names[2], "crane");
}

static void check_refused(const char *text, const char *words)
{
    UNIT_FAILS(class_names_parse(text, strlen(text), &names), STATUS_FORMAT, words);
}

static void test_files(void)
{
    check_three("tench, Tinca tinca\ncock\ncrane");
    check_three("\xef\xbb\xbfn01440764 tench, Tinca tinca\r\nn01514668\tcock\r\n  crane \r\n\r\n");
    check_three("[\"tench, Tinca tinca\", \"cock\", \"crane\"]");
    check_three(" {\"1\": [\"n01514668\", \"cock\"], \"0\": [\"n01440764\", \"tench, Tinca tinca\"], \"2\": [\"n02012849\", \"crane\"]}\n");
    check_three("{\"cock\": 1, \"tench, Tinca tinca\": 0, \"crane\": 2}");
    check_three("{0: 'tench, Tinca tinca',\n 1: 'cock', 2: 'crane'}");
}

static void test_refused_files(void)
{
    check_refused("", "no names");
    check_refused(" \n", "no names");
    check_refused("a\n\nb", "class 1 has no name");
    check_refused("[\"a\", 1]", "class 1: neither a name nor a list");
    check_refused("[\"a\", []]", "class 1: neither");
    check_refused("{\"0\": \"a\", \"2\": \"b\"}", "of 2 classes number 1 is not there");
    check_refused("{\"a\": 0, \"b\": 0}", "number 1 is not there");
    check_refused("[\"a\"", "");
    check_refused("\n[\"a\"] [\"b\"]", "behind the names of classes, at byte 5, there is more");
    check_refused("{0: 'a'}b", "behind the names of classes, at byte 8, there is more");
    UNIT_FAILS(class_names_parse("a\nb\0c\nd", 7, &names), STATUS_FORMAT, "the name of class 1 goes on behind a NUL");
    check_refused("[\"a\\u0000b\"]", "");
    char many[2 * (CLASS_NAMES_MAX + 1) + 1] = "";
    for (int i = 0; i <= CLASS_NAMES_MAX; i++)
        strcpy(many + 2 * i, "a\n");
    UNIT_FAILS(class_names_parse(many, strlen(many), &names), STATUS_LIMIT, "more than 1001 classes");
    many[2 * CLASS_NAMES_MAX] = '\0';
    UNIT_OK(class_names_parse(many, strlen(many), &names));
}

static void test_hostile_names(void)
{
    char text[600];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    UNIT_OK(class_names_parse(text, strlen(text), &names));
    CU_ASSERT_EQUAL(strlen(names.names[0]), CLASS_NAME_MAX - 1);
    UNIT_OK(class_names_parse("\x1b[31mred\xff", 9, &names));
    CU_ASSERT_STRING_EQUAL(names.names[0], "?[31mred?");
}

static int find(const char *text)
{
    int number = -1;
    UNIT_OK(class_names_find(&names, names.count, text, &number));
    return number;
}

static void check_unknown(const char *text, const char *words)
{
    int number;
    UNIT_FAILS(class_names_find(&names, names.count, text, &number), STATUS_USAGE, words);
}

static void test_find(void)
{
    static const char file[] = "tabby, tabby cat\ncrane\nEgyptian cat\ncrane\nPersian_cat";
    UNIT_OK(class_names_parse(file, strlen(file), &names));
    CU_ASSERT(find("0") == 0 && find("4") == 4 && find("65535") == 65535);
    CU_ASSERT(find("tabby") == 0 && find("Tabby Cat") == 0 && find("tabby, tabby cat") == 0 && find("tabby_cat") == 0);
    CU_ASSERT(find("egyptian cat") == 2 && find("persian cat") == 4);
    check_unknown("crane", "2 classes are called 'crane': give the number: 1 (crane), 3 (crane)");
    check_unknown("cat", "no class is called 'cat'; there are 0 (tabby, tabby cat), 2 (Egyptian cat), 4 (Persian_cat)");
    check_unknown("tabyb", "no class is called 'tabyb'; did you mean tabby?");
    check_unknown("-1", "no class is called '-1'; `oneiros model info` lists all");
    names.count = 0;
    int number = 0;
    UNIT_FAILS(class_names_find(&names, 1000, "tabby", &number), STATUS_USAGE, "has no names of its classes");
    UNIT_OK(class_names_find(&names, 0, "tabby", &number)); // that there is no classifier matters more
}

static const struct unit_test tests[] = {
    {"files", test_files}, {"refused files", test_refused_files}, {"hostile names", test_hostile_names}, {"what is found", test_find}};
UNIT_MAIN("names of classes", tests)
