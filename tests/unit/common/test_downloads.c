// SPDX-License-Identifier: MIT
// Many downloads at once, from a server most of whose answers are bad: each comes to its own end, and none waits for another's.
#include "common/net/downloads.h"

#include <dirent.h>
#include <dlfcn.h>
#include <netdb.h>
#include <poll.h>
#include <stdatomic.h>
#include <sys/stat.h>

#include "common/system/clock.h"
#include "common/system/file.h"
#include "http_server.h"
#include "scratch.h"
#include "unit.h"

enum { MOST = 128, PARALLEL = 8 };

// On a busy machine all takes long: what must not be waited for takes LONG, and what has to be there by itself has SOON for it.
enum { SOON = 60, LONG = 300 };

struct item {
    char url[128];
    atomic_bool ended;
    enum status status;
    char message[STATUS_MESSAGE_MAX];
    bool whole;      // the file is the server's
    double end_time; // seconds since the downloads were made
};

static struct server server;
static struct item items[MOST];
static int count;
static double start;
static struct downloads *downloads;

static bool is_whole(int descriptor, uint64_t bytes)
{
    static unsigned char read_back[SERVER_BODY_SIZE]; // of the downloads' thread alone
    return bytes == SERVER_BODY_SIZE && pread(descriptor, read_back, SERVER_BODY_SIZE, 0) == SERVER_BODY_SIZE &&
           memcmp(read_back, server.body, SERVER_BODY_SIZE) == 0;
}

static void done(void *context, void *data, enum status status, int descriptor, uint64_t bytes, double seconds)
{
    struct item *item = data;
    (void)context, (void)seconds;
    item->status = status;
    item->end_time = now() - start;
    if (status == STATUS_OK) {
        item->whole = is_whole(descriptor, bytes);
        close(descriptor);
    } else {
        snprintf(item->message, sizeof item->message, "%s", status_message());
    }
    item->ended = true;
}

static struct fetch_options quick(void)
{
    struct fetch_options options = fetch_defaults(SERVER_BODY_SIZE);
    options.back_off_seconds = 0.01;
    options.stall_seconds = 2;
    return options;
}

static void create(const struct fetch_options *fetch)
{
    const struct downloads_options options = {.fetch = *fetch, .parallel = PARALLEL, .folder = scratch, .done = done};
    server_forget(&server);
    count = 0;
    start = now();
    UNIT_OK(downloads_create(&downloads, &options));
}

static struct item *add(const char *what)
{
    struct item *item = &items[count++];
    *item = (struct item){.status = STATUS_INTERNAL};
    snprintf(item->url, sizeof item->url, "http://127.0.0.1:%d%s?%d", server.port, what, count);
    UNIT_OK(downloads_add(downloads, item->url, item));
    return item;
}

// True when all have ended in time.
static bool wait_for(const struct item *first, int number, double seconds)
{
    const double end = now() + seconds;
    for (int i = 0; i < number;)
        if (first[i].ended)
            i++;
        else if (now() > end)
            return false;
        else
            poll(NULL, 0, 5);
    return true;
}

static bool scratch_is_empty(void)
{
    DIR *folder = opendir(scratch);
    int entries = 0;
    while (readdir(folder))
        entries++;
    closedir(folder);
    return entries == 2; // . and ..
}

static void check_refused(const struct item *item, enum status want, const char *reason)
{
    const bool right = item->status == want && strstr(item->message, reason);
    CU_ASSERT(right);
    if (!right)
        printf("\n  %s: status %d: %s\n", item->url, (int)item->status, item->message);
}

static void test_whole(void)
{
    const struct fetch_options options = quick();
    create(&options);
    for (int i = 0; i < 100; i++)
        add(i % 4 == 0 ? "/tired" : i % 4 == 1 ? "/breaks" : i % 4 == 2 ? "/hop" : "/unannounced");
    CU_ASSERT(wait_for(items, count, SOON));
    for (int i = 0; i < count; i++)
        CU_ASSERT(items[i].status == STATUS_OK && items[i].whole);
    CU_ASSERT_EQUAL(server_count(&server, "/tired?1"), 3);
    CU_ASSERT_EQUAL(server_count(&server, "/breaks?2"), 2);
    CU_ASSERT_EQUAL(server.conditional, 25); // each that breaks is gone on with
    downloads_destroy(&downloads);
    CU_ASSERT_PTR_NULL(downloads);
    CU_ASSERT(scratch_is_empty());
}

static void test_refused(void)
{
    static const struct {
        const char *path;
        enum status status;
        const char *reason;
        int requests; // 0: of another path, too
    } bad[] = {
        {"/missing", STATUS_IO, "answered 404", 1},
        {"/busy", STATUS_IO, "answered 503", 4},
        {"/no-content", STATUS_IO, "answered 204", 1},
        {"/loop", STATUS_IO, "redirects", 0},
        {"/to-file", STATUS_IO, "only http and https", 1},
        {"/to-ftp", STATUS_IO, "only http and https", 1},
        {"/endless", STATUS_LIMIT, "more than the 300000 bytes allowed", 1},
        {"/announces-10GB", STATUS_LIMIT, "more than the 300000 bytes allowed", 1},
        {"/always-breaks", STATUS_IO, "200000 bytes", 4},
        {"/resets-in-body", STATUS_IO, "reset", 4},
        {"/closes", STATUS_IO, "Empty reply", 4},
        {"/stalls", STATUS_IO, "too slow", 4},
    };
    enum { BAD = sizeof bad / sizeof bad[0] };
    const struct fetch_options options = quick();
    create(&options);
    for (int i = 0; i < BAD; i++)
        add(bad[i].path);
    const struct item *good = add("/file");
    CU_ASSERT(wait_for(items, count, SOON));
    for (int i = 0; i < BAD; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s?%d", bad[i].path, i + 1);
        check_refused(&items[i], bad[i].status, bad[i].reason);
        if (bad[i].requests)
            CU_ASSERT_EQUAL(server_count(&server, path), bad[i].requests);
    }
    CU_ASSERT(good->whole && good->end_time < good[-1].end_time); // that of the stalled one
    downloads_destroy(&downloads);
    CU_ASSERT(scratch_is_empty());
}

static int requests(void)
{
    int sum = 0;
    for (int i = 0; i < count; i++)
        sum += server_count(&server, items[i].url + strlen("http://127.0.0.1:12345"));
    return sum;
}

// As many servers that stall as there may be downloads at once, and later so many that there are no connections left.
static void test_stalled(void)
{
    struct fetch_options options = quick();
    options.stall_seconds = LONG;
    create(&options);
    for (int i = 0; i < PARALLEL; i++)
        add("/stalls");
    for (int i = 0; i < 50; i++)
        add("/file");
    CU_ASSERT(wait_for(items + PARALLEL, 50, SOON));
    for (int i = PARALLEL; i < count; i++)
        CU_ASSERT(items[i].whole);
    printf("\n  50 good ones behind %d stalled ones: %.2f s ", PARALLEL, now() - start);
    for (int i = 0; i < PARALLEL; i++)
        CU_ASSERT_FALSE(items[i].ended);
    for (int i = 0; i < 40; i++)
        add("/stalls");
    const double end = now() + SOON;
    while (requests() < 50 + DOWNLOADS_OPEN_MAX * PARALLEL && now() < end)
        poll(NULL, 0, 50);
    poll(NULL, 0, 2500); // more than the seconds after which a silent one does not count
    CU_ASSERT_EQUAL(requests(), 50 + DOWNLOADS_OPEN_MAX * PARALLEL);
    const double stop = now();
    downloads_destroy(&downloads);
    printf("and the end of them: %.3f s ", now() - stop);
    CU_ASSERT(now() - stop < SOON);
    CU_ASSERT(scratch_is_empty());
}

// What is tried again does not keep others waiting, and comes when the server said.
static void test_later(void)
{
    const struct fetch_options options = quick();
    create(&options);
    for (int i = 0; i < 10; i++)
        add("/later");
    const struct item *good = add("/file");
    CU_ASSERT(wait_for(items, count, SOON));
    CU_ASSERT(good->whole);
    for (int i = 0; i < 10; i++)
        CU_ASSERT(items[i].whole && items[i].end_time >= 4 && items[i].end_time > good->end_time);
    downloads_destroy(&downloads);
}

// Stands before the C library's: a name server that takes its time.
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **result)
{
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
    if (!node || strcmp(node, "slow.invalid") != 0)
        return real(node, service, hints, result);
    poll(NULL, 0, 1000 * LONG);
    return EAI_AGAIN;
}

// Nobody waits for the name server any longer when the time to connect is over, nor when all is stopped.
static void test_names(void)
{
    struct fetch_options options = quick();
    options.connect_seconds = 3;
    options.stall_seconds = LONG;
    options.attempts = 1;
    create(&options);
    struct item *slow = &items[count++];
    *slow = (struct item){.url = "http://slow.invalid/file"};
    UNIT_OK(downloads_add(downloads, slow->url, slow));
    const struct item *stalled = add("/stalls");
    CU_ASSERT(wait_for(slow, 1, SOON));
    check_refused(slow, STATUS_IO, "timed out");
    const struct item *good = add("/file");
    CU_ASSERT(wait_for(good, 1, SOON) && good->whole);
    CU_ASSERT_FALSE(stalled->ended);
    downloads_destroy(&downloads);

    options.connect_seconds = LONG;
    create(&options);
    slow->ended = false;
    UNIT_OK(downloads_add(downloads, slow->url, slow));
    poll(NULL, 0, 100);
    const double stop = now();
    downloads_destroy(&downloads);
    CU_ASSERT(now() - stop < SOON);
}

static void test_no_folder(void)
{
    const struct fetch_options fetch = quick();
    const struct downloads_options options = {.fetch = fetch, .parallel = 1, .folder = "/no/such/folder", .done = done};
    UNIT_OK(downloads_create(&downloads, &options));
    count = 0;
    const struct item *item = add("/file");
    CU_ASSERT(wait_for(items, 1, SOON));
    check_refused(item, STATUS_IO, "/no/such/folder");
    downloads_destroy(&downloads);
}

// Nobody asks any more: whatever state they are in.
static void test_stop(void)
{
    struct fetch_options options = quick();
    options.back_off_seconds = options.stall_seconds = LONG;
    for (int milliseconds = 0; milliseconds < 40; milliseconds += 5) {
        create(&options);
        for (int i = 0; i < 60; i++)
            add(i % 4 == 0 ? "/busy" : i % 4 == 1 ? "/stalls" : i % 4 == 2 ? "/endless" : "/file");
        poll(NULL, 0, milliseconds);
        const double stop = now();
        downloads_destroy(&downloads);
        CU_ASSERT(now() - stop < SOON);
        CU_ASSERT(scratch_is_empty());
    }
    downloads_destroy(&downloads); // of none
}

static const struct unit_test tests[] = {
    {"whole files, many at once", test_whole},
    {"every way to be bad", test_refused},
    {"stalled ones hold no other up", test_stalled},
    {"later, as the server asks", test_later},
    {"names that are not found out", test_names},
    {"no folder", test_no_folder},
    {"stopped in the middle", test_stop},
};

int main(void)
{
    unsetenv("http_proxy"); // the server is here
    if (!scratch_create() || !server_start(&server))
        return 1;
    const int rc = unit_run("downloads", tests, sizeof tests / sizeof tests[0]);
    server_stop(&server);
    scratch_remove();
    return rc;
}
