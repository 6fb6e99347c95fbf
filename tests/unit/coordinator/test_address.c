// SPDX-License-Identifier: MIT
// What is shown of the addresses of pictures, and that they are told apart and known again by it.
#include "coordinator/intake/address.h"

#include <sys/stat.h>
#include <unistd.h>

#include "common/system/file.h"
#include "scratch.h"
#include "unit.h"

static const char *show(struct address_key *key, bool keep, const char *source)
{
    static char shown[4][ROW_SOURCE_MAX];
    static int next;
    next = (next + 1) % 4;
    address_show(key, scratch, keep, source, shown[next]);
    return shown[next];
}

// Nothing to hide: as it is, and there is no key.
static void test_open(void)
{
    struct address_key key = {0};
    CU_ASSERT_STRING_EQUAL(show(&key, true, "http://host/a@b.png"), "http://host/a@b.png");
    CU_ASSERT_STRING_EQUAL(show(&key, true, "a?b.png"), "a?b.png");
    CU_ASSERT_STRING_EQUAL(show(&key, true, "b\xff.png"), "b?.png");
    CU_ASSERT_FALSE(key.known);
    char path[FILE_PATH_MAX];
    UNIT_OK(file_join(path, scratch, ADDRESS_KEY_FILE));
    CU_ASSERT_NOT_EQUAL(access(path, F_OK), 0);
}

static void test_hidden(void)
{
    struct address_key key = {0}, again = {0};
    char path[FILE_PATH_MAX], first[ROW_SOURCE_MAX];
    struct stat info;
    snprintf(first, sizeof first, "%s", show(&key, true, "https://me:geheim@host/a.png?key=geheim"));
    CU_ASSERT_EQUAL(strncmp(first, "https://...@host/a.png?...#", 27), 0);
    CU_ASSERT_EQUAL(strlen(first), 27 + 16);
    UNIT_OK(file_join(path, scratch, ADDRESS_KEY_FILE));
    CU_ASSERT(stat(path, &info) == 0 && info.st_size == 32 && (info.st_mode & 077) == 0);
    CU_ASSERT_STRING_EQUAL(show(&again, false, "https://me:geheim@host/a.png?key=geheim"), first); // by the key that is kept
    CU_ASSERT_STRING_EQUAL(show(&key, true, "https://me:other@host/a.png?key=geheim"), first);     // no password is in it
    CU_ASSERT_STRING_NOT_EQUAL(show(&key, true, "https://you:geheim@host/a.png?key=geheim"), first);
    CU_ASSERT_STRING_NOT_EQUAL(show(&key, true, "https://me:geheim@host/a.png?key=geheim2"), first);
    CU_ASSERT_STRING_NOT_EQUAL(show(&key, true, "https://host/a.png?a"), show(&key, true, "https://host/a.png?b"));
    CU_ASSERT_STRING_NOT_EQUAL(show(&key, true, "https://host/a.png#a"), show(&key, true, "https://host/a.png#b"));
    struct address_key other = {.known = true}; // of another run: another digest
    CU_ASSERT_STRING_NOT_EQUAL(show(&other, false, "https://me:geheim@host/a.png?key=geheim"), first);
    CU_ASSERT_EQUAL(strncmp(show(&key, true, "@https://me:geheim@host/list?x"), "@https://...@host/list?...#", 27), 0);
}

// What is no address, but meant as one; and no password is in the digest of one that lacks its host.
static void test_nearly(void)
{
    struct address_key key = {0};
    char first[ROW_SOURCE_MAX];
    CU_ASSERT_EQUAL(strncmp(show(&key, false, "\"https://host/a.png?key=geheim\""), "\"https://host/a.png?...#", 24), 0);
    CU_ASSERT_EQUAL(strncmp(show(&key, false, "@//host/a?geheim"), "@//host/a?...#", 14), 0);
    snprintf(first, sizeof first, "%s", show(&key, false, "http://me:geheim/a"));
    CU_ASSERT_EQUAL(strncmp(first, "http://me:...#", 14), 0);
    CU_ASSERT_STRING_EQUAL(show(&key, false, "http://me:other/b"), first);
    CU_ASSERT_STRING_NOT_EQUAL(show(&key, false, "http://you:geheim/a"), first);
    CU_ASSERT_STRING_NOT_EQUAL(show(&key, false, "http://host/a;b"), show(&key, false, "http://host/a;c"));
    address_show_path("me:geheim@host/a.png", first); // is there
    CU_ASSERT_STRING_EQUAL(first, "me:geheim@host/a.png");
}

// The end of what is too long stays, and with it the digest; nothing of the query does.
static void test_long(void)
{
    struct address_key key = {0};
    char url[FILE_PATH_MAX], other[FILE_PATH_MAX];
    snprintf(url, sizeof url, "http://me:geheim@host/%02000d/a.png?%01000d", 0, 1);
    snprintf(other, sizeof other, "http://me:geheim@host/%02000d/a.png?%01000d", 0, 2);
    const char *shown = show(&key, false, url);
    CU_ASSERT_EQUAL(strlen(shown), ROW_SOURCE_MAX - 1);
    CU_ASSERT_EQUAL(strncmp(shown, "...0", 4), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(shown, "0/a.png?...#"));
    CU_ASSERT_STRING_NOT_EQUAL(shown, show(&key, false, other));
}

static const struct unit_test tests[] = {{"open", test_open}, {"hidden", test_hidden}, {"nearly", test_nearly}, {"long", test_long}};
UNIT_MAIN_IN_SCRATCH("address", tests)
