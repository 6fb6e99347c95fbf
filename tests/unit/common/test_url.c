// SPDX-License-Identifier: MIT
// Addresses as people write them: what a browser would send.
#include "common/net/url.h"

#include <stdio.h>
#include <string.h>

#include "unit.h"

static void test_encode(void)
{
    static const char *const pairs[][2] = {
        {"http://host/a.png", "http://host/a.png"},
        {"http://host/my cat.png", "http://host/my%20cat.png"},
        {"https://host/my%20cat%2.png", "https://host/my%20cat%2.png"}, // encoded already, more or less
        {"http://host/caf\xc3\xa9/\xe7\x8c\xab.jpg", "http://host/caf%C3%A9/%E7%8C%AB.jpg"},
        {"http://host/\xff\x01\x7f", "http://host/%FF%01%7F"},
        {" \thttp://host/a b \r\n", "http://host/a%20b"},
        {"http://host/a\"<>`{}^|[]~'\\b", "http://host/a%22%3C%3E%60%7B%7D%5E|[]~'/b"},
        {"http://host?q=a b'\"<>{}\\", "http://host?q=a%20b%27%22%3C%3E{}\\"},
        {"http://host/a?b?c d#e f", "http://host/a?b?c%20d#e%20f"},
        {"http://b\xc3\xbc"
         "cher.example:80/\xc3\xbc",
         "http://b\xc3\xbc"
         "cher.example:80/%C3%BC"}, // libcurl's to encode
        {"http://host\\a\\b", "http://host/a/b"},
        {"no address", "no address"},
        {"", ""},
    };
    char out[URL_MAX];
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        UNIT_OK(url_encode(pairs[i][0], out));
        CU_ASSERT_STRING_EQUAL(out, pairs[i][1]);
        if (strcmp(out, pairs[i][1]) != 0)
            printf("\n  %s -> %s instead of %s\n", pairs[i][0], out, pairs[i][1]);
    }
}

static void test_length(void)
{
    char long_one[2 * URL_MAX], out[URL_MAX];
    snprintf(long_one, sizeof long_one, "http://host/%0*d", URL_MAX - 20, 0);
    UNIT_OK(url_encode(long_one, out));
    CU_ASSERT_STRING_EQUAL(out, long_one);
    snprintf(long_one, sizeof long_one, "http://host/%*d", URL_MAX / 3 + 1, 0);
    UNIT_FAILS(url_encode(long_one, out), STATUS_LIMIT, "longer than");
}

static void test_schemes(void)
{
    static const char *const with[] = {"ftp://host/a", "FILE:///a", "s3://b/c", "git+ssh://x", "http://"};
    static const char *const without[] = {"", "a.png", "://a", "1a://b", "C:/a", "a:b", "a/b://c", "x://y"};
    for (size_t i = 0; i < sizeof with / sizeof with[0]; i++)
        CU_ASSERT_TRUE(url_has_scheme(with[i]));
    for (size_t i = 0; i < sizeof without / sizeof without[0]; i++)
        CU_ASSERT_FALSE(url_has_scheme(without[i]));
}

// Whatever may be a secret goes; what is left tells no more and no less each time.
static void test_shown(void)
{
    static const char *const rows[][3] = {
        // address, shown with "MARK", shown without
        {"http://host/a.png", "http://host/a.png", "http://host/a.png"},
        {" HTTPS://host:80/a@b:c/d.png ", "HTTPS://host:80/a@b:c/d.png ", "HTTPS://host:80/a@b:c/d.png "},
        {"http://me:geheim@host/a.png", "http://...@host/a.png#MARK", "http://...@host/a.png"},
        {"http://geheim@host", "http://...@host#MARK", "http://...@host"},
        {"http://me:ge@heim@host:80/a", "http://...@host:80/a#MARK", "http://...@host:80/a"},
        {"http://host/a.png?key=geheim", "http://host/a.png?...#MARK", "http://host/a.png?..."},
        {"http://host?geheim", "http://host?...#MARK", "http://host?..."},
        {"http://host/a#geheim", "http://host/a#MARK", "http://host/a#..."},
        {"http://me:g@host/a?b#c", "http://...@host/a?...#MARK", "http://...@host/a?...#..."},
        {"http://me:ge/heim@host/a", "http://...@host/a#MARK", "http://...@host/a"},
        {"http://me:ge?h#eim@host/a", "http://...@host/a#MARK", "http://...@host/a"},
        {"http://[::1]:8080/a", "http://[::1]:8080/a", "http://[::1]:8080/a"},
        {"http://me:geheim@[::1]/a", "http://...@[::1]/a#MARK", "http://...@[::1]/a"},
        {"ftp://me:geheim@host/a?b", "ftp://...@host/a?...#MARK", "ftp://...@host/a?..."},
        {"https:/me:geheim@host", "https:...", "https:..."},
        {"http://host/a.png;key=geheim/b?c", "http://host/a.png;...#MARK", "http://host/a.png;..."},
        {"http://host/a?b;c", "http://host/a?...#MARK", "http://host/a?..."},
        {"http://127.0.0.1:Geheim/x", "http://127.0.0.1:...#MARK", "http://127.0.0.1:..."}, // a user, and the host is missing
        {"http://me:ge/heim", "http://me:...#MARK", "http://me:..."},
        {"\"http://host/a?geheim\"", "\"http://host/a?...#MARK", "\"http://host/a?..."},
        {"<http://host/a.png>", "<http://host/a.png>", "<http://host/a.png>"},
        {"- http://me:geheim@host/a", "- http://...@host/a#MARK", "- http://...@host/a"},
        {"-H geheim http://host/a?b", "...http://host/a?...#MARK", "...http://host/a?..."},
        {"//host/x?geheim", "//host/x?...#MARK", "//host/x?..."},
        {"'//me:geheim@host/x?u=http://b/c", "'//...@host/x?...#MARK", "'//...@host/x?..."},
        {"x?u=http://me:geheim@b/c", "...http://...@b/c#MARK", "...http://...@b/c"},
        {"me:geheim@host/a.jpg", "...@host/a.jpg#MARK", "...@host/a.jpg"},
        {"[me:geheim@host/a?b", "[...@host/a?...#MARK", "[...@host/a?..."},
        {"\"http:/host?geheim\"", "\"http:...", "\"http:..."},
        {"what?.png", "what?.png", "what?.png"},
        {"a//b@c:d?e.png", "a//b@c:d?e.png", "a//b@c:d?e.png"},
        {"a/me:b@c.png", "a/me:b@c.png", "a/me:b@c.png"},
        {"a;b.png", "a;b.png", "a;b.png"},
        {"10:30?.png", "10:30?.png", "10:30?.png"},
        {"me@host:a.png", "me@host:a.png", "me@host:a.png"},
        {"", "", ""},
    };
    char out[URL_SHOWN_MAX], again[URL_SHOWN_MAX];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        CU_ASSERT_STRING_EQUAL(url_shown(rows[i][0], "MARK", out), rows[i][1]);
        CU_ASSERT_STRING_EQUAL(url_shown(rows[i][0], NULL, again), rows[i][2]);
        if (strcmp(out, rows[i][1]) != 0 || strcmp(again, rows[i][2]) != 0)
            printf("\n  %s: %s, %s\n", rows[i][0], out, again);
        CU_ASSERT_STRING_EQUAL(url_shown(again, NULL, out), again);
    }
}

static void test_origins(void)
{
    CU_ASSERT(url_same_origin("http://host/a", "HTTP://me:you@HOST:80/b?c"));
    CU_ASSERT(url_same_origin("https://host:443/", "https://host"));
    CU_ASSERT_FALSE(url_same_origin("http://host/a", "https://host/a"));
    CU_ASSERT_FALSE(url_same_origin("http://host/a", "http://host:8080/a"));
    CU_ASSERT_FALSE(url_same_origin("http://host/a", "http://host.evil/a"));
    CU_ASSERT_FALSE(url_same_origin("http://host/a", "http://host@evil/a"));
    CU_ASSERT_FALSE(url_same_origin("http://host/a", "//"));
}

static const struct unit_test tests[] = {{"what is typed is encoded", test_encode},
                                         {"a bound", test_length},
                                         {"schemes", test_schemes},
                                         {"what is shown", test_shown},
                                         {"origins", test_origins}};
UNIT_MAIN("url", tests)
