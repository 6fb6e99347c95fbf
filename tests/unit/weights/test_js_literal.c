// SPDX-License-Identifier: MIT
// JavaScript literals -> strict JSON, and what is refused.
#include <stdlib.h>
#include <string.h>

#include "unit.h"
#include "weights/formats/js_literal.h"

static void check(const char *js, const char *want)
{
    char *json = NULL;
    size_t size = 0;
    UNIT_OK(js_literal_to_json(js, strlen(js), &json, &size, NULL));
    CU_ASSERT_STRING_EQUAL(json, want);
    CU_ASSERT_EQUAL(size, strlen(want));
    if (strcmp(json, want) != 0)
        printf("\n  %s -> %s\n", js, json);
    free(json);
}

static void check_refused(const char *js, const char *reason)
{
    char *json = (char *)js; // must be overwritten
    size_t size;
    CU_ASSERT_EQUAL(js_literal_to_json(js, strlen(js), &json, &size, NULL), STATUS_FORMAT);
    CU_ASSERT_PTR_NULL(json);
    CU_ASSERT_PTR_NOT_NULL(strstr(status_message(), reason));
    if (!strstr(status_message(), reason))
        printf("\n  %s: %s\n", js, status_message());
}

static void test_numbers(void)
{
    check("[0,-0,7,-12.5,.5,-.25,3.,1e3,1E+3,2.5e-7,.1e1]", "[0,-0,7,-12.5,0.5,-0.25,3.0,1e3,1e3,2.5e-7,0.1e1]");
    check("0.022262044981414198", "0.022262044981414198");
    check_refused("0x10", "decimal");
    check_refused("012", "decimal");
    check_refused("1n", "runs into");
    check_refused("-", "not a value");
    check_refused(".", "not a value");
    check_refused("1e", "exponent");
    check_refused("-Infinity", "not a value");
}

static void test_words(void)
{
    check("[!0,!1,true,false,null,void 0]", "[true,false,true,false,null,null]");
    check_refused("undefined", "not a value");
    check_refused("nullx", "not a value");
    check_refused("!2", "not a value");
    check_refused("alert(1)", "not a value");
    check_refused("", "not a value");
}

static void test_strings(void)
{
    check("\"a\\\"b\\\\c\\/\"", "\"a\\\"b\\\\c\\/\"");
    check("'it\\'s \"so\"'", "\"it's \\\"so\\\"\"");
    check("'\\x41\\u00e9\\v\\n\\q'", "\"\\u0041\\u00e9\\u000b\\nq\"");
    check("'a\\\nb'", "\"ab\"");
    check("'tab\there'", "\"tab\\u0009here\"");
    check("'\xc3\xa9'", "\"\xc3\xa9\"");
    check_refused("'abc", "no end");
    check_refused("'abc\\", "no end");
    check_refused("'a\nb'", "no end");
    check_refused("'\\x4'", "hexadecimal");
    check_refused("'\\0'", "octal");
    check_refused("`template`", "not a value");
}

static void test_lists(void)
{
    check("{a:1,$b_2:{},\"c d\":[],'e':[[]],5:!1}", "{\"a\":1,\"$b_2\":{},\"c d\":[],\"e\":[[]],\"5\":false}");
    check(" { a : [ 1 , 2 ] } ", "{\"a\":[1,2]}");
    check("{a:1}},{},[1])(1)});", "{\"a\":1}");
    check_refused("{a:1", "comma or the end");
    check_refused("[1 2]", "comma or the end");
    check_refused("[1,]", "not a value");
    check_refused("[,1]", "not a value");
    check_refused("{a}", "no colon");
    check_refused("{a:1,}", "key is missing");
    check_refused("{[a]:1}", "key is missing");
    check_refused("{a:function(){}}", "not a value");
}

static void test_depth(void)
{
    char text[300];
    memset(text, '[', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    check_refused(text, "too deeply");
}

// A NUL is a character like any other, and nothing past `size` is read.
static void test_bounds(void)
{
    char *json;
    size_t size;
    char *bytes = malloc(4); // exactly, so that the sanitizer sees one byte more
    memcpy(bytes, "[12]", 4);
    for (size_t length = 0; length < 4; length++) {
        char *cut = malloc(length + 1);
        memcpy(cut, bytes, length);
        char *exact = realloc(cut, length ? length : 1);
        CU_ASSERT_EQUAL(js_literal_to_json(exact, length, &json, &size, NULL), STATUS_FORMAT);
        free(exact);
    }
    UNIT_OK(js_literal_to_json(bytes, 4, &json, &size, NULL));
    CU_ASSERT_STRING_EQUAL(json, "[12]");
    free(json);
    free(bytes);
    CU_ASSERT_EQUAL(js_literal_to_json("[\0]", 3, &json, &size, NULL), STATUS_FORMAT);
}

static void test_exports(void)
{
    static const char bundle[] = "!function(a){\"object\"==typeof exports?module.exports=a():0}(function(){c={exports:{}};"
                                 "return{1:[function(e,n){n.exports = {a:1}},{}]}});";
    size_t offset = 0;
    UNIT_OK(js_find_export(bundle, sizeof bundle - 1, &offset));
    CU_ASSERT_NSTRING_EQUAL(bundle + offset, "{a:1}", 5);
    UNIT_OK(js_find_export("n.exports=\"AA==\"", 16, &offset));
    CU_ASSERT_EQUAL(offset, 10);
    CU_ASSERT_EQUAL(js_find_export("n.exports=", 10, &offset), STATUS_FORMAT);
    CU_ASSERT_EQUAL(js_find_export("n.exports==\"a\"", 14, &offset), STATUS_FORMAT);
    CU_ASSERT_EQUAL(js_find_export("exports", 7, &offset), STATUS_FORMAT);
    CU_ASSERT_EQUAL(js_find_export("", 0, &offset), STATUS_FORMAT);
}

static const struct unit_test tests[] = {
    {"numbers", test_numbers}, {"words", test_words},   {"strings", test_strings}, {"objects and arrays", test_lists},
    {"depth", test_depth},     {"bounds", test_bounds}, {"exports", test_exports},
};
UNIT_MAIN("js_literal", tests)
