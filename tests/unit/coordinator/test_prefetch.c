// SPDX-License-Identifier: MIT
// Inputs from files and from a server, good and bad: all come, each once, in the order of the inputs where that is asked for.
#include "coordinator/intake/prefetch.h"

#include <dirent.h>
#include <poll.h>

#include "common/system/clock.h"
#include "http_server.h"
#include "media/picture/codec.h"
#include "scratch.h"
#include "unit.h"

enum { MOST = 256 };

static struct server server;
static struct config config;
static char folder[FILE_PATH_MAX], picture[FILE_PATH_MAX]; // where downloads go; a file
static char digest[65];                                    // of the picture
static int64_t put;
static struct prefetch *prefetch;
static struct task *taken[MOST]; // by their id

static void create_with(int workers, uint64_t disk_bytes)
{
    config_init(&config);
    config.fetch.attempts = 2;
    config.fetch.stall_seconds = 1;
    config.input.max_bytes = 1 << 20;
    put = 0;
    memset(taken, 0, sizeof taken);
    server_forget(&server);
    UNIT_OK(prefetch_create(&prefetch, CONFIG_EXPLAIN, &config, folder, NULL, workers, disk_bytes));
}

static void create(int workers)
{
    create_with(workers, PREFETCH_DISK_BYTES);
}

static void put_entry(enum intake_kind kind, enum status status, const char *source)
{
    static struct intake_entry entry;
    entry = (struct intake_entry){.id = put++, .kind = kind, .status = status};
    snprintf(entry.source, sizeof entry.source, "%s", source);
    snprintf(entry.name, sizeof entry.name, "name-%d", (int)entry.id);
    snprintf(entry.error, sizeof entry.error, "%s", status == STATUS_OK ? "" : "no such thing");
    CU_ASSERT(prefetch_has_room(prefetch));
    UNIT_OK(prefetch_put(prefetch, &entry));
}

static void put_url(const char *what)
{
    char url[256];
    snprintf(url, sizeof url, "http://127.0.0.1:%d%s?%d", server.port, what, (int)put);
    put_entry(INTAKE_URL, STATUS_OK, url);
}

// The next one that comes within a time.
static struct task *take(bool in_order, double seconds)
{
    const double end = now() + seconds;
    struct timing timing = {0};
    struct task *task;
    while (!(task = prefetch_take(prefetch, in_order, &timing)) && now() < end)
        poll(NULL, 0, 1);
    if (task) {
        CU_ASSERT_PTR_NULL_FATAL(taken[task->record.id]);
        taken[task->record.id] = task;
    }
    return task;
}

static void destroy(void)
{
    prefetch_destroy(&prefetch);
    for (int i = 0; i < MOST; i++)
        task_destroy(&taken[i]);
    DIR *entries = opendir(folder);
    int found = 0;
    while (readdir(entries))
        found++;
    closedir(entries);
    CU_ASSERT_EQUAL(found, 2); // . and ..
}

static bool is_picture(const struct task *task)
{
    return task->job == JOB_EXPLAIN && task->record.status == IMAGE_DONE && task->image.rgb && task->image.width == 40 &&
           task->record.width == 40 && strcmp(task->record.sha256, digest) == 0;
}

static void check_failed(const struct task *task, const char *reason)
{
    const bool right = task->record.status == IMAGE_FAILED && strstr(task->record.error, reason);
    CU_ASSERT(right);
    if (!right)
        printf("\n  %s: status %d: %s\n", task->record.source, (int)task->record.status, task->record.error);
}

static void test_files(void)
{
    create(3);
    for (int i = 0; i < 30; i++)
        put_entry(INTAKE_FILE, i % 5 == 1 ? STATUS_IO : STATUS_OK, i % 5 == 3 ? "/no/such/file" : picture);
    CU_ASSERT_EQUAL(prefetch_count(prefetch), 30);
    for (int i = 0; i < 30; i++)
        CU_ASSERT_PTR_NOT_NULL_FATAL(take(false, 20));
    CU_ASSERT_EQUAL(prefetch_count(prefetch), 0);
    CU_ASSERT_PTR_NULL(take(false, 0));
    for (int i = 0; i < 30; i++) {
        char name[32];
        snprintf(name, sizeof name, "name-%d", i);
        CU_ASSERT_STRING_EQUAL(taken[i]->name, name);
        if (i % 5 == 1)
            check_failed(taken[i], "no such thing");
        else if (i % 5 == 3)
            check_failed(taken[i], "cannot open '/no/such/file'");
        else
            CU_ASSERT(is_picture(taken[i]));
    }
    destroy();
}

static void test_hostile(void)
{
    static const struct {
        const char *path, *reason;
    } bad[] = {
        {"/missing", "the server answered 404"},
        {"/html", "this looks like HTML"},
        {"/loop", "redirects"},
        {"/to-file", "only http and https are followed"},
        {"/to-ftp", "only http and https are followed"},
        {"/endless", "more than the 1048576 bytes allowed"},
        {"/announces-10GB", "more than the 1048576 bytes allowed"},
        {"/announces-less", "PNG"},
        {"/announces-more", " bytes "},
        {"/resets-in-body", "reset"},
        {"/closes", "Empty reply"},
        {"/stalls", "too slow"},
        {"/empty", "empty"},
        {"/file", "does not look like a picture"},
    };
    enum { BAD = sizeof bad / sizeof bad[0] };
    create(2);
    for (int i = 0; i < BAD; i++) {
        put_url(bad[i].path);
        put_url("/picture");
    }
    for (int i = 0; i < 2 * BAD; i++)
        CU_ASSERT_PTR_NOT_NULL_FATAL(take(false, 20));
    for (int i = 0; i < BAD; i++) {
        check_failed(taken[2 * i], bad[i].reason);
        CU_ASSERT(is_picture(taken[2 * i + 1]));
        CU_ASSERT(taken[2 * i + 1]->record.seconds_read > 0);
    }
    destroy();
}

// Files and quick servers do not wait for those that stall, and where the order matters nothing comes before its turn.
static void test_order(void)
{
    create(2);
    config.fetch.stall_seconds = 4;
    put_entry(INTAKE_FILE, STATUS_OK, picture);
    put_url("/stalls");
    put_url("/picture");
    for (int i = 0; i < 20; i++)
        put_entry(INTAKE_FILE, STATUS_OK, picture);
    CU_ASSERT_PTR_NOT_NULL_FATAL(take(true, 20));
    CU_ASSERT_PTR_NOT_NULL(taken[0]);
    CU_ASSERT_PTR_NULL(take(true, 0.2));
    CU_ASSERT_PTR_NOT_NULL(take(false, 3)); // two seconds are enough
    for (int i = 0; i < 4; i++)
        CU_ASSERT_PTR_NOT_NULL(take(false, 0.5));
    CU_ASSERT_PTR_NULL(taken[1]);
    CU_ASSERT_PTR_NOT_NULL(take(true, 20));
    check_failed(taken[1], "too slow"); // the first of those that are left
    int last = 1;
    for (int left = 16; left > 0; left--) {
        const struct task *task = take(true, 20);
        CU_ASSERT_FATAL(task && task->record.id > last);
        last = (int)task->record.id;
    }
    CU_ASSERT_EQUAL(prefetch_count(prefetch), 0);
    destroy();
}

// No more is decoded than there are threads, however long nobody takes it.
static void test_bounds(void)
{
    create(2);
    while (put < MOST && prefetch_has_room(prefetch))
        put_url("/picture");
    CU_ASSERT(put >= 32 && put < MOST);
    poll(NULL, 0, 1000);
    int decoded = 0;
    while (take(false, 0) && decoded < MOST)
        decoded++; // one may be done while another is taken
    CU_ASSERT(decoded >= 1 && decoded <= 6);
    while (prefetch_count(prefetch) > 0)
        CU_ASSERT_PTR_NOT_NULL_FATAL(take(false, 20));
    CU_ASSERT(prefetch_has_room(prefetch));
    destroy();
}

// What has been decoded is on disk no more.
static void test_disk(void)
{
    create_with(1, 1);
    for (int i = 0; i < 5; i++) {
        put_url("/picture");
        CU_ASSERT_PTR_NOT_NULL_FATAL(take(false, 20));
        CU_ASSERT(prefetch_has_room(prefetch));
    }
    destroy();
}

static void test_stop(void)
{
    for (int milliseconds = 0; milliseconds < 30; milliseconds += 3) {
        create(4);
        for (int i = 0; i < 30; i++)
            if (i % 3 == 0)
                put_entry(INTAKE_FILE, STATUS_OK, picture);
            else
                put_url(i % 3 == 1 ? "/stalls" : "/picture");
        poll(NULL, 0, milliseconds);
        const double start = now();
        prefetch_stop(prefetch);
        CU_ASSERT(now() - start < 0.1);
        destroy();
        CU_ASSERT(now() - start < 1);
    }
    prefetch_destroy(&prefetch); // of none
}

static bool prepare(void)
{
    struct image image;
    void *bytes = NULL;
    if (!scratch_create() || file_join(picture, scratch, "picture.png") != STATUS_OK || file_join(folder, scratch, "out") != STATUS_OK ||
        file_make_folder(folder) != STATUS_OK || image_create(&image, 40, 30) != STATUS_OK)
        return false;
    for (int i = 0; i < 3 * 40 * 30; i++)
        image.rgb[i] = (float)(i * 7919 % 255) / 127.5f - 1;
    image.bits = 8;
    image.format = IMAGE_FORMAT_PNG;
    const bool ok = codec_encode(picture, IMAGE_FORMAT_PNG, &image) == STATUS_OK &&
                    file_read(picture, 1 << 20, &bytes, &server.picture_size) == STATUS_OK &&
                    bytes_sha256(bytes, server.picture_size, digest) == STATUS_OK;
    image_destroy(&image);
    server.picture = bytes;
    return ok && server_start(&server);
}

int main(void)
{
    static const struct unit_test tests[] = {
        {"files", test_files},          {"hostile servers", test_hostile}, {"order", test_order},
        {"how far ahead", test_bounds}, {"what is on disk", test_disk},    {"stopped in the middle", test_stop},
    };
    unsetenv("http_proxy"); // the server is here
    if (!prepare())
        return 1;
    const int rc = unit_run("prefetch", tests, sizeof tests / sizeof tests[0]);
    server_stop(&server);
    free((void *)server.picture);
    scratch_remove();
    return rc;
}
