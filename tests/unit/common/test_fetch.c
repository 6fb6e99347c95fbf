// SPDX-License-Identifier: MIT
// Downloads from a real server on loopback that serves, redirects, lies, breaks off, stalls and resets.
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "common/net/fetch.h"
#include "common/system/clock.h"
#include "common/system/file.h"
#include "http_server.h"
#include "scratch.h"
#include "unit.h"

static struct server server;
static struct fetch_options options;
static char path[FILE_PATH_MAX], partial[FILE_PATH_MAX], whole_md5[33];

static enum status get(const char *what)
{
    char url[256];
    snprintf(url, sizeof url, "http://127.0.0.1:%d%s", server.port, what);
    return fetch_file(url, path, &options);
}

// Before each fetch: no files, no counts, quick options.
static void start_anew(void)
{
    remove(path);
    remove(partial);
    server_forget(&server);
    options = fetch_defaults(SERVER_BODY_SIZE);
    options.back_off_seconds = 0.01;
}

static bool exists(const char *name)
{
    return access(name, F_OK) == 0;
}

static bool is_whole(void)
{
    char md5[33];
    return file_md5(path, md5) == STATUS_OK && strcmp(md5, whole_md5) == 0;
}

static void write_bytes(const char *name, const void *bytes, size_t size)
{
    FILE *stream = fopen(name, "wb");
    CU_ASSERT_PTR_NOT_NULL_FATAL(stream);
    CU_ASSERT_EQUAL(fwrite(bytes, 1, size, stream), size);
    fclose(stream);
}

static void check_fetched(const char *what, int requests)
{
    start_anew();
    UNIT_OK(get(what));
    CU_ASSERT(is_whole());
    CU_ASSERT_FALSE(exists(partial));
    CU_ASSERT_EQUAL(server.requests, requests);
}

// And starts anew.
static void check_refused(const char *what, enum status want, const char *reason, int requests)
{
    enum status rc = get(what);
    CU_ASSERT_EQUAL(rc, want);
    CU_ASSERT_PTR_NOT_NULL(strstr(status_message(), reason));
    CU_ASSERT_FALSE(exists(path));
    CU_ASSERT_FALSE(exists(partial));
    CU_ASSERT_EQUAL(server.requests, requests);
    if (rc != want || !strstr(status_message(), reason) || server.requests != requests)
        printf("\n  %s: status %d after %d requests: %s\n", what, (int)rc, server.requests, status_message());
    start_anew();
}

static void test_set_up(void)
{
    CU_ASSERT_FATAL(scratch_create() && server_start(&server));
    unsetenv("http_proxy"); // the server is here
    UNIT_OK(file_join(path, scratch, "file"));
    UNIT_OK(file_join(partial, scratch, "file.partial"));
    write_bytes(path, server.body, SERVER_BODY_SIZE);
    UNIT_OK(file_md5(path, whole_md5));
}

static void test_clean_up(void)
{
    server_stop(&server);
    scratch_remove();
}

static void test_whole(void)
{
    check_fetched("/file", 1);
    CU_ASSERT_PTR_NOT_NULL(strstr(server.request, "\r\nUser-Agent: oneiros/" ONEIROS_VERSION "\r\n"));
    check_fetched("/hop", 2);
    check_fetched("/unannounced", 1);
    start_anew();
    write_bytes(path, "old", 3);
    UNIT_OK(get("/file")); // replaces
    CU_ASSERT(is_whole());
}

static void test_empty(void)
{
    struct stat info;
    start_anew();
    UNIT_OK(get("/empty"));
    CU_ASSERT(stat(path, &info) == 0 && info.st_size == 0);
}

static void test_redirects(void)
{
    start_anew();
    check_refused("/loop", STATUS_IO, "redirects", 6);
    check_refused("/to-file", STATUS_IO, "only http and https", 1);
    check_refused("/to-ftp", STATUS_IO, "only http and https", 1);
}

static bool was_asked_with(const char *line)
{
    return strstr(server.request, line) != NULL;
}

// A header, user and password go where the address says, and to no other host.
static void test_secrets(void)
{
    static const char key[] = "\r\nX-Key: geheim\r\n", basic[] = "\r\nAuthorization: Basic bWU6Z2VoZWlt\r\n"; // me:geheim
    static const struct {
        const char *path, *host;
        bool key, basic; // are in the last request
    } rows[] = {{"/file", NULL, true, true},       {"/hop", NULL, true, true},          {"/near", NULL, true, true},
                {"/away", NULL, false, false},     {"/file", "127.0.0.1", true, true},  {"/file", "example.org", false, true},
                {"/file", "127.0.0", false, true}, {"/away", "localhost", false, false}};
    char url[256];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        start_anew();
        options.header = "X-Key: geheim";
        options.header_host = rows[i].host;
        options.user_agent = "somebody/1 (me@example.org)";
        snprintf(url, sizeof url, "http://me:geheim@127.0.0.1:%d%s?key=geheim", server.port, rows[i].path);
        UNIT_OK(fetch_file(url, path, &options));
        CU_ASSERT(is_whole());
        CU_ASSERT_EQUAL(was_asked_with(key), rows[i].key);
        CU_ASSERT_EQUAL(was_asked_with(basic), rows[i].basic);
        CU_ASSERT(was_asked_with("\r\nUser-Agent: somebody/1 (me@example.org)\r\n"));
        if (was_asked_with(key) != rows[i].key || was_asked_with(basic) != rows[i].basic)
            printf("\n  %s, %s: %s\n", rows[i].path, rows[i].host ? rows[i].host : "any", server.request);
    }
    options.attempts = 1;
    snprintf(url, sizeof url, "http://me:geheim@127.0.0.1:%d/missing?key=geheim", server.port);
    UNIT_FAILS(fetch_file(url, path, &options), STATUS_IO, "http://...@127.0.0.1:");
    CU_ASSERT_PTR_NULL(strstr(status_message(), "geheim"));
    static const char *const proxies[] = {"http://me:geheim@127.0.0.1:1", "foo://me:geheim@127.0.0.1", "me:geheim@ x y",
                                          "http://me:geheim@[bad"};
    for (size_t i = 0; i < sizeof proxies / sizeof proxies[0]; i++) {
        setenv("http_proxy", proxies[i], 1);
        CU_ASSERT_EQUAL(fetch_file("http://example.org/a?geheim", path, &options), STATUS_IO);
        CU_ASSERT_PTR_NULL(strstr(status_message(), "geheim"));
    }
    unsetenv("http_proxy");
    start_anew();
}

static void test_other_protocols(void)
{
    start_anew();
    CU_ASSERT_EQUAL(fetch_file("file:///etc/passwd", path, &options), STATUS_IO);
    CU_ASSERT_EQUAL(fetch_file("ftp://127.0.0.1/x", path, &options), STATUS_IO);
    CU_ASSERT_EQUAL(fetch_file("", path, &options), STATUS_IO);
    CU_ASSERT_FALSE(exists(path));
    CU_ASSERT_FALSE(exists(partial));
}

static void test_errors(void)
{
    start_anew();
    check_refused("/missing", STATUS_IO, "answered 404", 1);
    check_refused("/no-content", STATUS_IO, "answered 204", 1);
    options.attempts = 3;
    check_refused("/busy", STATUS_IO, "answered 503", 3);
    options.attempts = 2;
    check_refused("/unasked-range", STATUS_IO, "answered 206", 2);
}

static void test_limit(void)
{
    start_anew();
    options.limit = SERVER_BODY_SIZE - 1;
    check_refused("/file", STATUS_LIMIT, "bytes allowed", 1);
    options.limit = SERVER_BODY_SIZE - 1;
    check_refused("/unannounced", STATUS_LIMIT, "bytes allowed", 1);
}

static void test_retries(void)
{
    check_fetched("/tired", 3);
    check_fetched("/resets", 2);
    check_fetched("/too-many", 2);
    check_fetched("/too-late", 2);
    start_anew();
    options.attempts = 2;
    check_refused("/tired", STATUS_IO, "answered 500", 2);
}

// Broken off after a third: gone on with where that is safe, else begun again.
static void test_resume(void)
{
    check_fetched("/breaks", 2);
    CU_ASSERT_EQUAL(server.ranges[1], SERVER_BODY_SIZE / 3);
    CU_ASSERT(server.conditional);
    check_fetched("/breaks-untagged", 2);
    CU_ASSERT_EQUAL(server.ranges[1], -1);
    check_fetched("/breaks-weak", 2); // a weak tag does not promise the same bytes
    CU_ASSERT_EQUAL(server.ranges[1], -1);
    check_fetched("/breaks-ignores-range", 2);
    CU_ASSERT_EQUAL(server.ranges[1], SERVER_BODY_SIZE / 3);
    check_fetched("/breaks-shifts-range", 3);
    CU_ASSERT_EQUAL(server.ranges[2], -1);
    const char *const others[] = {"/breaks-retags", "/breaks-forgets-tag", "/breaks-grows", "/breaks-gives-less"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) { // a rest, but of another file, or not all of it
        check_fetched(others[i], 3);
        CU_ASSERT_EQUAL(server.ranges[1], SERVER_BODY_SIZE / 3);
        CU_ASSERT_EQUAL(server.ranges[2], -1);
    }
    start_anew();
    check_refused("/always-breaks", STATUS_IO, "", 4);
}

static void test_partial_file(void)
{
    start_anew(); // without an MD5 an old part is worth nothing
    write_bytes(partial, "from another file", 17);
    UNIT_OK(get("/file"));
    CU_ASSERT(is_whole());
    CU_ASSERT_EQUAL(server.ranges[0], -1);

    start_anew();
    options.md5 = whole_md5;
    write_bytes(partial, server.body, 1234);
    UNIT_OK(get("/file"));
    CU_ASSERT(is_whole());
    CU_ASSERT_EQUAL(server.ranges[0], 1234);

    start_anew(); // found out by the MD5
    options.md5 = whole_md5;
    write_bytes(partial, "from another file", 17);
    UNIT_OK(get("/file"));
    CU_ASSERT(is_whole());
    CU_ASSERT_EQUAL(server.ranges[0], 17);
    CU_ASSERT_EQUAL(server.ranges[1], -1);

    start_anew(); // all there already: 416
    options.md5 = whole_md5;
    write_bytes(partial, server.body, SERVER_BODY_SIZE);
    UNIT_OK(get("/file"));
    CU_ASSERT(is_whole());

    start_anew(); // stays for the next time
    options.md5 = whole_md5;
    options.attempts = 1;
    CU_ASSERT_EQUAL(get("/breaks"), STATUS_IO);
    CU_ASSERT(exists(partial));
    UNIT_OK(get("/breaks"));
    CU_ASSERT(is_whole());
    CU_ASSERT_EQUAL(server.ranges[1], SERVER_BODY_SIZE / 3);
}

static void test_wrong_md5(void)
{
    start_anew();
    options.md5 = "00000000000000000000000000000000";
    check_refused("/file", STATUS_FORMAT, whole_md5, 1);
}

static void test_partial_is_no_file(void)
{
    char other[FILE_PATH_MAX];
    start_anew();
    UNIT_OK(file_join(other, scratch, "other"));
    CU_ASSERT_EQUAL(symlink(other, partial), 0);
    CU_ASSERT_EQUAL(get("/file"), STATUS_IO);
    CU_ASSERT_FALSE(exists(other));
    remove(partial);
    CU_ASSERT_EQUAL(mkdir(partial, 0700), 0);
    CU_ASSERT_EQUAL(get("/file"), STATUS_IO);
    remove(partial);
    CU_ASSERT_EQUAL(server.requests, 0);
}

static void test_stall(void)
{
    start_anew();
    options.stall_seconds = 1;
    options.attempts = 1;
    double start = now();
    check_refused("/stalls", STATUS_IO, "too slow", 1);
    CU_ASSERT(now() - start < 15);
}

static void test_total_time(void)
{
    start_anew();
    options.total_seconds = 0.5;
    options.attempts = 1;
    double start = now();
    check_refused("/stalls", STATUS_IO, "timed out", 1);
    CU_ASSERT(now() - start < 5);
}

static void test_nobody_there(void)
{
    char url[64];
    int unused = socket(AF_INET, SOCK_STREAM, 0); // bound, but it does not listen
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    CU_ASSERT_EQUAL_FATAL(bind(unused, (struct sockaddr *)&address, sizeof address), 0);
    CU_ASSERT_EQUAL_FATAL(getsockname(unused, (struct sockaddr *)&address, &length), 0);
    start_anew();
    snprintf(url, sizeof url, "http://127.0.0.1:%d/file", ntohs(address.sin_port));
    double start = now();
    CU_ASSERT_EQUAL(fetch_file(url, path, &options), STATUS_IO);
    CU_ASSERT_EQUAL(fetch_file("http://no-such-host.invalid/file", path, &options), STATUS_IO);
    CU_ASSERT(now() - start < 25);
    CU_ASSERT_FALSE(exists(partial));
    close(unused);
}

static uint64_t last_done, last_total;

static bool watch(void *context, uint64_t done, uint64_t total)
{
    last_done = done;
    last_total = total ? total : last_total;
    return context == NULL;
}

static void test_progress(void)
{
    start_anew();
    options.progress = watch;
    UNIT_OK(get("/file"));
    CU_ASSERT_EQUAL(last_done, SERVER_BODY_SIZE);
    CU_ASSERT_EQUAL(last_total, SERVER_BODY_SIZE);
    start_anew();
    options.progress = watch;
    options.context = &server;
    CU_ASSERT_EQUAL(get("/file"), STATUS_STOPPED);
    CU_ASSERT_FALSE(exists(path));
    CU_ASSERT_FALSE(exists(partial));
}

// Two processes at once: one waits, and finds the file there.
static void test_two_processes(void)
{
    start_anew();
    options.md5 = whole_md5;
    pid_t children[2];
    for (int i = 0; i < 2; i++) {
        fflush(stdout);
        children[i] = fork();
        if (children[i] == 0)
            _exit(get("/tired") == STATUS_OK && is_whole() ? 0 : 1);
    }
    for (int i = 0; i < 2; i++) {
        int result = -1;
        CU_ASSERT_EQUAL(waitpid(children[i], &result, 0), children[i]);
        CU_ASSERT_EQUAL(result, 0);
    }
    CU_ASSERT(is_whole());
    CU_ASSERT_FALSE(exists(partial));
}

// Killed in the middle: nothing has the final name, and the next one goes on.
static void test_killed(void)
{
    start_anew();
    options.md5 = whole_md5;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0)
        _exit(get("/stalls") == STATUS_OK);
    struct stat info = {0};
    for (int i = 0; i < 500 && info.st_size < 1000; i++) {
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
        if (stat(partial, &info) != 0)
            info.st_size = 0;
    }
    kill(child, SIGKILL);
    CU_ASSERT_EQUAL(waitpid(child, NULL, 0), child);
    CU_ASSERT_EQUAL(info.st_size, 1000);
    CU_ASSERT_FALSE(exists(path));
    UNIT_OK(get("/file"));
    CU_ASSERT(is_whole());
    CU_ASSERT_EQUAL(server.ranges[1], 1000);
}

static const struct unit_test tests[] = {
    {"start the server", test_set_up},
    {"whole files, with and without a redirect", test_whole},
    {"an empty file", test_empty},
    {"bad redirects", test_redirects},
    {"secrets", test_secrets},
    {"other protocols", test_other_protocols},
    {"answers that are errors", test_errors},
    {"more bytes than allowed, announced or not", test_limit},
    {"tried again", test_retries},
    {"broken off and gone on with", test_resume},
    {"partial files from before", test_partial_file},
    {"wrong md5", test_wrong_md5},
    {"a partial file that is none", test_partial_is_no_file},
    {"a stalled server", test_stall},
    {"no more time", test_total_time},
    {"nobody there", test_nobody_there},
    {"progress and stopping", test_progress},
    {"two processes at once", test_two_processes},
    {"killed in the middle", test_killed},
    {"clean up", test_clean_up},
};
UNIT_MAIN("fetch", tests)
