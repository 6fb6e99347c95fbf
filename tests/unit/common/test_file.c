// SPDX-License-Identifier: MIT
#include "common/system/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit.h"

static char folder[64];

static void in_folder(char path[FILE_PATH_MAX], const char *name)
{
    UNIT_OK(file_join(path, folder, name));
}

static int entries(void)
{
    int count = 0;
    DIR *dir = opendir(folder);
    CU_ASSERT_PTR_NOT_NULL_FATAL(dir);
    while (readdir(dir))
        count++;
    closedir(dir);
    return count - 2;
}

static void write_text(const char *path, const char *text)
{
    struct file_writer writer;
    UNIT_OK(file_create(&writer, path));
    fputs(text, writer.stream);
    UNIT_OK(file_commit(&writer));
}

static void expect_text(const char *path, const char *text)
{
    void *bytes;
    size_t size;
    UNIT_OK(file_read(path, 1000, &bytes, &size));
    CU_ASSERT_EQUAL(size, strlen(text));
    CU_ASSERT_STRING_EQUAL((char *)bytes, text);
    free(bytes);
}

static void begin(void)
{
    strcpy(folder, "test_file.XXXXXX");
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(folder));
}

static void end(void)
{
    char path[FILE_PATH_MAX];
    DIR *dir = opendir(folder);
    CU_ASSERT_PTR_NOT_NULL_FATAL(dir);
    for (struct dirent *entry; (entry = readdir(dir));)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            in_folder(path, entry->d_name);
            CU_ASSERT_EQUAL(remove(path), 0);
        }
    closedir(dir);
    CU_ASSERT_EQUAL(rmdir(folder), 0);
}

static void written_aside_until_committed(void)
{
    begin();
    char path[FILE_PATH_MAX];
    in_folder(path, "a.txt");
    struct file_writer writer;
    UNIT_OK(file_create(&writer, path));
    CU_ASSERT_NOT_EQUAL(access(path, F_OK), 0);
    CU_ASSERT_EQUAL(access(writer.aside, F_OK), 0);
    fputs("new", writer.stream);
    UNIT_OK(file_commit(&writer));
    expect_text(path, "new");
    CU_ASSERT_EQUAL(entries(), 1);
    file_abandon(&writer); // harmless
    expect_text(path, "new");

    mode_t mask = umask(0);
    umask(mask);
    struct stat facts;
    CU_ASSERT_EQUAL_FATAL(stat(path, &facts), 0);
    CU_ASSERT_EQUAL(facts.st_mode & 0777, 0666 & ~mask);
    end();
}

static void abandoned_leaves_the_old_file(void)
{
    begin();
    char path[FILE_PATH_MAX];
    in_folder(path, "a.txt");
    write_text(path, "old");
    struct file_writer writer;
    UNIT_OK(file_create(&writer, path));
    fputs("new", writer.stream);
    file_abandon(&writer);
    file_abandon(&writer);
    expect_text(path, "old");
    CU_ASSERT_EQUAL(entries(), 1);
    write_text(path, "newer");
    expect_text(path, "newer");
    end();
}

static void two_writers_of_one_name(void)
{
    begin();
    char path[FILE_PATH_MAX];
    in_folder(path, "a.txt");
    struct file_writer first, second;
    UNIT_OK(file_create(&first, path));
    UNIT_OK(file_create(&second, path));
    fputs("first", first.stream);
    fputs("second", second.stream);
    UNIT_OK(file_commit(&first));
    UNIT_OK(file_commit(&second));
    expect_text(path, "second");
    CU_ASSERT_EQUAL(entries(), 1);
    end();
}

static void refuses_to_create(void)
{
    begin();
    char path[FILE_PATH_MAX];
    struct file_writer writer;
    in_folder(path, "no/such/folder.txt");
    CU_ASSERT_EQUAL(file_create(&writer, path), STATUS_IO);
    CU_ASSERT_PTR_NULL(writer.stream);
    CU_ASSERT_PTR_NOT_NULL(strstr(status_message(), "no/such/folder.txt"));
    file_abandon(&writer);
    CU_ASSERT_EQUAL(file_create(&writer, ""), STATUS_IO);
    in_folder(path, "");
    CU_ASSERT_EQUAL(file_create(&writer, path), STATUS_IO);

    char longest[2 * FILE_PATH_MAX];
    memset(longest, 'x', sizeof longest);
    longest[FILE_PATH_MAX] = '\0';
    CU_ASSERT_EQUAL(file_create(&writer, longest), STATUS_LIMIT);
    longest[255] = '\0'; // the longest name that file systems take still works
    in_folder(path, longest);
    write_text(path, "long");
    expect_text(path, "long");
    end();
}

static void failed_writes_are_reported(void)
{
    begin();
    char path[FILE_PATH_MAX];
    in_folder(path, "folder");
    UNIT_OK(file_make_folder(path));
    struct file_writer writer;
    UNIT_OK(file_create(&writer, path)); // cannot be renamed over a folder
    CU_ASSERT_EQUAL(file_commit(&writer), STATUS_IO);
    CU_ASSERT_EQUAL(entries(), 1);

    in_folder(path, "full.txt");
    UNIT_OK(file_create(&writer, path));
    int full = open("/dev/full", O_WRONLY); // a disk without space
    CU_ASSERT_FATAL(full >= 0);
    CU_ASSERT_FATAL(dup2(full, fileno(writer.stream)) >= 0);
    close(full);
    fputs("lost", writer.stream);
    UNIT_FAILS(file_commit(&writer), STATUS_IO, "No space left");
    CU_ASSERT_EQUAL(entries(), 1);
    end();
}

static void reads_only_what_it_should(void)
{
    begin();
    char path[FILE_PATH_MAX];
    void *bytes;
    size_t size;
    in_folder(path, "a.txt");
    write_text(path, "12345");
    UNIT_OK(file_read(path, 5, &bytes, &size));
    CU_ASSERT_EQUAL(size, 5);
    free(bytes);
    CU_ASSERT_EQUAL(file_read(path, 4, &bytes, &size), STATUS_LIMIT);
    CU_ASSERT_PTR_NULL(bytes);
    write_text(path, "");
    expect_text(path, "");
    UNIT_FAILS(file_read(folder, 100, &bytes, &size), STATUS_IO, "folder");
    in_folder(path, "absent");
    CU_ASSERT_EQUAL(file_read(path, 100, &bytes, &size), STATUS_IO);
    in_folder(path, "pipe");
    CU_ASSERT_EQUAL_FATAL(mkfifo(path, 0600), 0);
    CU_ASSERT_EQUAL(file_read(path, 100, &bytes, &size), STATUS_IO); // and does not wait for a writer
    CU_ASSERT_EQUAL(file_read("/dev/zero", 100, &bytes, &size), STATUS_IO);
    end();
}

// As a shell's <(...) is: /dev/fd/63.
static void reads_pipes_to_their_end(void)
{
    static const char text[] = "12345";
    for (uint64_t limit = 4; limit < 100; limit += 1 + limit / 2) {
        int ends[2];
        char path[64];
        void *bytes;
        size_t size;
        CU_ASSERT_EQUAL_FATAL(pipe(ends), 0);
        CU_ASSERT_EQUAL_FATAL(write(ends[1], text, 5), 5);
        close(ends[1]);
        snprintf(path, sizeof path, "/dev/fd/%d", ends[0]);
        if (limit < 5) {
            UNIT_FAILS(file_read_any(path, limit, &bytes, &size), STATUS_LIMIT, "more than 4 bytes");
            CU_ASSERT_PTR_NULL(bytes);
        } else {
            UNIT_OK(file_read_any(path, limit, &bytes, &size));
            CU_ASSERT_EQUAL(size, 5);
            CU_ASSERT_STRING_EQUAL(bytes, text);
            free(bytes);
        }
        close(ends[0]);
    }
    void *bytes;
    size_t size;
    UNIT_OK(file_read_any("/dev/null", 0, &bytes, &size));
    CU_ASSERT_EQUAL(size, 0);
    free(bytes);
    UNIT_FAILS(file_read_any("/dev/zero", 100000, &bytes, &size), STATUS_LIMIT, "more than 100000 bytes");
    UNIT_FAILS(file_read_any("/", 100, &bytes, &size), STATUS_IO, "folder");
    CU_ASSERT_EQUAL(file_read_any("/no/such/file", 100, &bytes, &size), STATUS_IO);
}

static void removes_what_was_missing(void)
{
    begin();
    static const char *const names[] = {"x", "x/", "x/y//z", "x/y/z/"};
    char path[FILE_PATH_MAX], first[FILE_PATH_MAX];
    in_folder(first, "x");
    const size_t least = strlen(first);
    for (int i = 0; i < 4; i++) {
        in_folder(path, names[i]);
        const size_t missing = file_missing_folder(path);
        CU_ASSERT_EQUAL(missing, least);
        UNIT_OK(file_make_folder(path));
        CU_ASSERT_EQUAL(file_missing_folder(path), 0);
        file_remove_folders(path, missing);
        CU_ASSERT(access(first, F_OK) != 0);
    }
    UNIT_OK(file_make_folder(path));
    in_folder(first, "x/y/file");
    write_text(first, "");
    file_remove_folders(path, 1); // what is not empty stays
    CU_ASSERT(access(path, F_OK) != 0 && access(first, F_OK) == 0);
    remove(first);
    file_remove_folders(path, least); // also behind one that has gone
    CU_ASSERT(file_missing_folder("") == 0 && file_missing_folder("/") == 0 && file_missing_folder("/no-such") == 8);
    end();
}

static void makes_folders(void)
{
    begin();
    char path[FILE_PATH_MAX], inner[FILE_PATH_MAX];
    in_folder(path, "a");
    UNIT_OK(file_join(inner, path, "b//c/"));
    bool made;
    UNIT_OK(file_make_missing_folder(inner, &made));
    CU_ASSERT(made);
    UNIT_OK(file_make_missing_folder(inner, &made));
    CU_ASSERT(!made);
    UNIT_OK(file_make_folder(inner));
    UNIT_OK(file_may_create(inner));
    UNIT_OK(file_sync_name(inner));
    UNIT_OK(file_make_folder("/"));
    struct stat facts;
    CU_ASSERT_EQUAL_FATAL(stat(inner, &facts), 0);
    CU_ASSERT(S_ISDIR(facts.st_mode));
    CU_ASSERT_EQUAL(rmdir(inner), 0);
    UNIT_OK(file_join(inner, path, "b"));
    CU_ASSERT_EQUAL(rmdir(inner), 0);

    in_folder(path, "file");
    write_text(path, "");
    CU_ASSERT_EQUAL(file_make_folder(path), STATUS_IO);
    UNIT_OK(file_join(inner, path, "below"));
    CU_ASSERT_EQUAL(file_make_folder(inner), STATUS_IO);
    CU_ASSERT_EQUAL(file_make_folder(""), STATUS_IO);
    UNIT_FAILS(file_may_create(inner), STATUS_IO, inner);
    UNIT_FAILS(file_sync_name(inner), STATUS_IO, path);
    end();
}

static void joins(void)
{
    char path[FILE_PATH_MAX], longest[FILE_PATH_MAX];
    UNIT_OK(file_join(path, "a", "b"));
    CU_ASSERT_STRING_EQUAL(path, "a/b");
    UNIT_OK(file_join(path, "a/", "b"));
    CU_ASSERT_STRING_EQUAL(path, "a/b");
    UNIT_OK(file_join(path, "/", "b"));
    CU_ASSERT_STRING_EQUAL(path, "/b");
    UNIT_OK(file_join(path, "", "b"));
    CU_ASSERT_STRING_EQUAL(path, "b");
    memset(longest, 'x', sizeof longest);
    longest[FILE_PATH_MAX - 3] = '\0';
    UNIT_OK(file_join(path, longest, "b"));
    CU_ASSERT_EQUAL(strlen(path), FILE_PATH_MAX - 1);
    CU_ASSERT_EQUAL(file_join(path, longest, "bc"), STATUS_LIMIT);
}

static void digests(void)
{
    begin();
    char path[FILE_PATH_MAX], sha256[65], md5[33];
    in_folder(path, "abc");
    write_text(path, "abc"); // the test vectors of RFC 1321 and FIPS 180-2
    UNIT_OK(bytes_sha256("abc", 3, sha256));
    UNIT_OK(file_md5(path, md5));
    CU_ASSERT_STRING_EQUAL(sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CU_ASSERT_STRING_EQUAL(md5, "900150983cd24fb0d6963f7d28e17f72");

    struct file_writer writer;
    UNIT_OK(file_create(&writer, path)); // more than one block: a million times 'a'
    for (int i = 0; i < 1000000; i++)
        putc('a', writer.stream);
    UNIT_OK(file_commit(&writer));
    UNIT_OK(file_md5(path, md5));
    CU_ASSERT_STRING_EQUAL(md5, "7707d6ae4e027c70eea2a935c2296f21");
    CU_ASSERT_EQUAL(file_md5(folder, md5), STATUS_IO);
    end();
}

// A file that has become longer or shorter since it was looked at is still being written: half of it is no picture.
static void notices_a_change_of_size(void)
{
    char path[FILE_PATH_MAX];
    begin();
    in_folder(path, "growing");
    write_text(path, "12345");
    for (uint64_t expected = 4; expected <= 6; expected++) {
        void *bytes;
        size_t size;
        const int descriptor = open(path, O_RDONLY);
        const enum status rc = file_read_open(descriptor, path, expected, &bytes, &size);
        CU_ASSERT_EQUAL(rc, expected == 5 ? STATUS_OK : STATUS_IO);
        CU_ASSERT(rc == STATUS_OK ? size == 5 && strcmp(bytes, "12345") == 0 : !bytes && strstr(status_message(), "changed its size"));
        free(bytes);
        close(descriptor);
    }
    end();
}

static void set_or_unset(const char *name, const char *value)
{
    if (value)
        setenv(name, value, 1);
    else
        unsetenv(name);
}

// By the XDG Base Directory specification: paths that are not absolute are as if they were not set.
static void caches_where_it_should(void)
{
    static const struct {
        const char *cache, *home, *path;
    } cases[] = {{"/cache", "/home/me", "/cache/oneiros/plan"},
                 {NULL, "/home/me", "/home/me/.cache/oneiros/plan"},
                 {"", "/home/me", "/home/me/.cache/oneiros/plan"},
                 {"cache", "/home/me", "/home/me/.cache/oneiros/plan"},
                 {"./cache", "/home/me", "/home/me/.cache/oneiros/plan"},
                 {NULL, "me", NULL},
                 {"cache", NULL, NULL}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char path[FILE_PATH_MAX];
        set_or_unset("XDG_CACHE_HOME", cases[i].cache);
        set_or_unset("HOME", cases[i].home);
        const enum status rc = file_cache_path(path, "plan");
        CU_ASSERT(cases[i].path ? rc == STATUS_OK && strcmp(path, cases[i].path) == 0 : rc == STATUS_IO);
    }
}

// As file_make_folder() does a moment later, and nothing is left of the trial.
static void expect_may_make(const char *path, bool may)
{
    char said[STATUS_MESSAGE_MAX] = "";
    const bool there = access(path, F_OK) == 0;
    const enum status rc = file_may_make_folder(path);
    if (rc != STATUS_OK)
        snprintf(said, sizeof said, "%s", status_message());
    CU_ASSERT_EQUAL(access(path, F_OK) == 0, there);
    CU_ASSERT_EQUAL(rc == STATUS_OK, may);
    CU_ASSERT_EQUAL(file_make_folder(path), rc);
    if (rc != STATUS_OK)
        CU_ASSERT_STRING_EQUAL(said, status_message());
}

static void knows_which_folders_can_be_made(void)
{
    UNIT_OK(file_make_folder("may"));
    write_text("may/file", "x");
    expect_may_make("may", true);
    expect_may_make("may/", true);
    expect_may_make("may/a", true);
    expect_may_make("may/b/c//d/", true);
    expect_may_make("/", true);
    expect_may_make("may/file", false);
    expect_may_make("may/file/a", false);
    expect_may_make("may/file/a/b", false);
    expect_may_make("/proc/none", false);
    expect_may_make("/proc/none/a", false);
    expect_may_make("", false);
    CU_ASSERT(symlink("nowhere", "may/link") == 0);
    expect_may_make("may/link", false);
    expect_may_make("may/link/a", false);
    expect_may_make("may/link/", false);
    UNIT_FAILS(file_make_folder("may/link"), STATUS_IO, "'may/link': it is a link to 'nowhere', which is not there");
    if (geteuid() != 0) {
        CU_ASSERT(chmod("may", 0555) == 0);
        expect_may_make("may/e", false);
        CU_ASSERT(chmod("may", 0755) == 0);
    }
    unlink("may/link");
    unlink("may/file");
    static const char *const made[] = {"may/a", "may/b/c/d", "may/b/c", "may/b", "may"};
    for (size_t i = 0; i < sizeof made / sizeof made[0]; i++)
        CU_ASSERT(rmdir(made[i]) == 0);
}

static const struct unit_test tests[] = {
    {"written aside until committed", written_aside_until_committed},
    {"abandoned leaves the old file", abandoned_leaves_the_old_file},
    {"two writers of one name", two_writers_of_one_name},
    {"refuses to create", refuses_to_create},
    {"failed writes are reported", failed_writes_are_reported},
    {"reads only regular files within the limit", reads_only_what_it_should},
    {"reads pipes to their end", reads_pipes_to_their_end},
    {"removes what was missing", removes_what_was_missing},
    {"makes folders", makes_folders},
    {"knows which folders can be made", knows_which_folders_can_be_made},
    {"joins paths", joins},
    {"digests", digests},
    {"notices a change of size", notices_a_change_of_size},
    {"caches where it should", caches_where_it_should},
};
UNIT_MAIN("file", tests)
