// SPDX-License-Identifier: MIT
// Where the weights are looked for, when they are left alone, and that a fetch which fails leaves nothing behind. Neither the official
// host nor a registry is asked: the proxy is a closed port, and npm is the test's own.
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "fake_npm.h"
#include "files.h"
#include "weights/model_fetch.h"
#include "weights_fixture.h"

static char cache[FILE_PATH_MAX], path[FILE_PATH_MAX];
static struct fixture fixture;

static void check_refused(bool force, const char *out, enum status want, const char *reason)
{
    enum status rc = model_fetch(force, out);
    CU_ASSERT_EQUAL(rc, want);
    CU_ASSERT_PTR_NOT_NULL(strstr(status_message(), reason));
    if (rc != want || !strstr(status_message(), reason))
        printf("\n  status %d: %s\n", (int)rc, status_message());
}

static void test_set_up(void)
{
    fixture_create(&fixture);
    setenv("https_proxy", "http://127.0.0.1:9", 1);
    setenv("XDG_CACHE_HOME", scratch, 1);
    UNIT_OK(file_join(cache, scratch, "oneiros"));
    UNIT_OK(file_join(path, cache, "inception_v3.h5"));
}

static void test_default_path(void)
{
    char found[FILE_PATH_MAX], want[FILE_PATH_MAX];
    CU_ASSERT_EQUAL(model_default_path(found), STATUS_IO);
    CU_ASSERT_PTR_NOT_NULL(strstr(status_message(), "oneiros model fetch"));
    CU_ASSERT_PTR_NOT_NULL(strstr(status_message(), path));
    UNIT_OK(file_make_folder(cache));
    write_text(path, "x");
    UNIT_OK(model_default_path(found));
    CU_ASSERT_STRING_EQUAL(found, path);
    setenv("HOME", scratch, 1);
    setenv("XDG_CACHE_HOME", "relative", 1); // to be ignored
    UNIT_OK(file_join(want, scratch, ".cache/oneiros/inception_v3.h5"));
    CU_ASSERT_EQUAL(model_default_path(found), STATUS_IO);
    CU_ASSERT_STRING_EQUAL(found, want);
    unsetenv("HOME");
    CU_ASSERT_EQUAL(model_default_path(found), STATUS_IO);
    CU_ASSERT_PTR_NOT_NULL(strstr(status_message(), "set HOME"));
    setenv("XDG_CACHE_HOME", scratch, 1);
    remove(path);
}

static void test_left_alone(void)
{
    struct stat before, after;
    fake_npm(NULL);
    CU_ASSERT_EQUAL_FATAL(rename(fixture.path, path), 0);
    CU_ASSERT_EQUAL(stat(path, &before), 0);
    UNIT_OK(model_fetch(false, NULL));
    UNIT_OK(model_fetch(false, path));
    CU_ASSERT_EQUAL(stat(path, &after), 0);
    CU_ASSERT(before.st_ino == after.st_ino && before.st_mtim.tv_nsec == after.st_mtim.tv_nsec);
    CU_ASSERT_EQUAL(count_files(cache), 1);
    check_refused(true, NULL, STATUS_UNSUPPORTED, "npm is not installed"); // and the file stays
    CU_ASSERT_EQUAL(count_files(cache), 1);
    UNIT_OK(model_fetch(false, NULL));
    remove(path);
}

static void test_not_replaced(void)
{
    char out[FILE_PATH_MAX], md5[33];
    fake_npm(NULL);
    UNIT_OK(file_join(out, scratch, "precious.txt"));
    write_text(out, "precious");
    check_refused(false, out, STATUS_FORMAT, "not replaced without --force");
    check_refused(true, out, STATUS_UNSUPPORTED, out);
    UNIT_OK(file_md5(out, md5));
    CU_ASSERT_STRING_EQUAL(md5, "23f9d50ecd20ccc464f4ad45a3328948");
    check_refused(false, "/nonexistent/folder/file.h5", STATUS_IO, "/nonexistent/folder");
    remove(out);
}

static void test_nothing_left(void)
{
    fake_npm("exit 1");
    check_refused(false, NULL, STATUS_IO, "npm pack nsfwjs@4.4.0");
    fake_npm("echo other > \"$4\"/nsfwjs-4.4.0.tgz");
    check_refused(false, NULL, STATUS_FORMAT, "not the expected file");
    CU_ASSERT_PTR_NOT_NULL(strstr(status_message(), "https://")); // what else to do
    CU_ASSERT_EQUAL(count_files(cache), 0);
    write_text(path, "damaged"); // in the cache: replaced, once there is something to replace it with
    check_refused(false, NULL, STATUS_FORMAT, "not the expected file");
    CU_ASSERT_EQUAL(count_files(cache), 1);
    remove(path);
}

static void test_interrupted(void)
{
    int result = 0;
    char script[2 * FILE_PATH_MAX], runs[FILE_PATH_MAX];
    UNIT_OK(file_join(runs, scratch, "npm-runs"));
    snprintf(script, sizeof script, "echo some > \"$4\"/some; echo > '%s'; exec /bin/sleep 60", runs);
    fake_npm(script);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0)
        _exit((int)model_fetch(false, NULL));
    for (int i = 0; i < 1000 && access(runs, F_OK) != 0; i++)
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    CU_ASSERT_EQUAL(count_files(cache), 1);
    CU_ASSERT_EQUAL(kill(child, SIGINT), 0);
    time_t start = time(NULL);
    CU_ASSERT_EQUAL(waitpid(child, &result, 0), child);
    CU_ASSERT(time(NULL) - start < 10);
    CU_ASSERT(WIFEXITED(result) && WEXITSTATUS(result) == STATUS_STOPPED);
    CU_ASSERT_EQUAL(count_files(cache), 0);
}

static void test_clean_up(void)
{
    fixture_destroy(&fixture);
}

static const struct unit_test tests[] = {
    {"set up", test_set_up},
    {"default path", test_default_path},
    {"a whole file is left alone", test_left_alone},
    {"a file that is none is not replaced", test_not_replaced},
    {"failures leave nothing", test_nothing_left},
    {"interrupted", test_interrupted},
    {"clean up", test_clean_up},
};
UNIT_MAIN("model_fetch", tests)
