// SPDX-License-Identifier: MIT
#include "coordinator/intake/prefetch.h"

#include <math.h>
#include <omp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include "common/config/config_fetch.h"
#include "common/net/downloads.h"
#include "common/system/clock.h"
#include "common/system/thread.h"
#include "coordinator/intake/load.h"

static const double pixels_enough = 1 << 30; // bytes of pixels, above which nothing further is decoded
static const double patience = 2;            // seconds that a picture waits for those before it

enum state { DOWNLOADING, LOADABLE, LOADING, DONE };

struct item {
    TAILQ_ENTRY(item) link;
    struct task *task;
    enum intake_kind kind;
    char *source;
    enum state state;
    int descriptor; // of the download; -1: none
    uint64_t bytes; // of the download
    double since;   // when it was done
    bool late;      // others have waited for it long enough
    struct timing timing;
};

struct prefetch {
    enum config_use use;
    const struct config *config;
    const char *output;
    const struct checkpoint_folder *checkpoints;
    int capacity, count;         // of items
    struct downloads *downloads; // NULL until there is a URL
    pthread_t threads[PREFETCH_THREADS_MAX];
    int thread_count;      // that have started
    pthread_mutex_t mutex; // of what follows, and of items that are not being loaded
    pthread_cond_t work;
    TAILQ_HEAD(, item) items; // in the order of the inputs
    int loading, done;
    double done_bytes, largest; // of pictures; of the largest one so far
    uint64_t disk_bytes, disk_enough;
    bool stopping;
};

static void item_destroy(struct item *item)
{
    if (item->descriptor >= 0)
        close(item->descriptor);
    task_destroy(&item->task);
    free(item->source);
    free(item);
}

// With the mutex.
static void set_done(struct prefetch *p, struct item *item)
{
    const double bytes = (double)task_bytes(item->task);
    item->state = DONE;
    item->since = now();
    p->done++;
    p->done_bytes += bytes;
    p->largest = fmax(p->largest, bytes);
}

// In the downloads' thread.
static void on_download(void *context, void *data, enum status status, int descriptor, uint64_t bytes, double seconds)
{
    struct prefetch *p = context;
    struct item *item = data;
    pthread_mutex_lock(&p->mutex);
    item->descriptor = descriptor;
    item->task->record.seconds_read = seconds;
    if (status == STATUS_OK) {
        item->state = LOADABLE;
        item->bytes = bytes;
        p->disk_bytes += bytes;
        pthread_cond_signal(&p->work);
    } else {
        task_failed(item->task);
        set_done(p, item);
    }
    pthread_mutex_unlock(&p->mutex);
}

// The first that has come always: others may have to wait until it is taken. One that is being decoded counts as the largest so far.
static bool may_load(const struct prefetch *p, const struct item *item)
{
    const double expected = p->done_bytes + p->loading * p->largest;
    const struct item *first = TAILQ_FIRST(&p->items);
    while (first && first->state == DOWNLOADING)
        first = TAILQ_NEXT(first, link);
    return item == first || (p->loading + p->done < p->thread_count && expected < pixels_enough);
}

static struct item *find_loadable(const struct prefetch *p)
{
    struct item *item = TAILQ_FIRST(&p->items);
    while (item && item->state != LOADABLE)
        item = TAILQ_NEXT(item, link);
    return item && may_load(p, item) ? item : NULL;
}

static void load(const struct prefetch *p, struct item *item)
{
    enum status rc = load_pixels(item->task, item->kind, item->source, item->descriptor, p->config, &item->timing);
    if (rc == STATUS_OK && p->checkpoints && !task_is_clip(item->task, p->config))
        rc = checkpoint_folder_load(p->checkpoints, p->config, item->task);
    if (rc != STATUS_OK)
        task_failed(item->task);
    if (item->descriptor >= 0)
        close(item->descriptor);
    item->descriptor = -1;
}

static void *run(void *data)
{
    struct prefetch *p = data;
    omp_set_num_threads(1); // the cores are the workers'
    pthread_mutex_lock(&p->mutex);
    while (!p->stopping) {
        struct item *item = find_loadable(p);
        if (!item) {
            pthread_cond_wait(&p->work, &p->mutex);
            continue;
        }
        item->state = LOADING;
        p->loading++;
        pthread_mutex_unlock(&p->mutex);
        load(p, item);
        pthread_mutex_lock(&p->mutex);
        p->disk_bytes -= item->bytes;
        p->loading--;
        set_done(p, item);
    }
    pthread_mutex_unlock(&p->mutex);
    return NULL;
}

enum status prefetch_create(struct prefetch **out, enum config_use use, const struct config *config, const char *output,
                            const struct checkpoint_folder *checkpoints, int workers, uint64_t disk_bytes)
{
    TRY(ALLOCATE(*out, 1, "for the inputs"));
    struct prefetch *p = *out;
    const int threads = workers < PREFETCH_THREADS_MAX ? workers : PREFETCH_THREADS_MAX;
    enum status rc = STATUS_OK;
    p->use = use;
    p->config = config;
    p->output = output;
    p->checkpoints = checkpoints;
    p->disk_enough = disk_bytes;
    p->capacity = threads + DOWNLOADS_OPEN_MAX * config->fetch.parallel;
    TAILQ_INIT(&p->items);
    pthread_mutex_init(&p->mutex, NULL);
    pthread_cond_init(&p->work, NULL);
    pthread_mutex_lock(&p->mutex); // the threads read their number
    for (int i = 0; rc == STATUS_OK && i < threads; i++) {
        rc = thread_start(&p->threads[i], run, p);
        p->thread_count += rc == STATUS_OK;
    }
    pthread_mutex_unlock(&p->mutex);
    if (rc != STATUS_OK)
        prefetch_destroy(out);
    return rc;
}

bool prefetch_has_room(struct prefetch *p)
{
    pthread_mutex_lock(&p->mutex);
    const bool room = p->count < p->capacity && p->disk_bytes < p->disk_enough;
    pthread_mutex_unlock(&p->mutex);
    return room;
}

static enum status item_create(struct item **out, enum config_use use, const struct intake_entry *entry)
{
    TRY(ALLOCATE(*out, 1, "for another image"));
    struct item *item = *out;
    item->descriptor = -1;
    item->kind = entry->kind;
    item->state = entry->kind == INTAKE_URL ? DOWNLOADING : LOADABLE;
    item->task = task_create();
    item->source = strdup(entry->source);
    if (!item->task || !item->source) {
        item_destroy(item);
        return fail(STATUS_LIMIT, "no memory for another image");
    }
    load_begin(item->task, entry);
    item->task->job = task_job(use, entry->source);
    return STATUS_OK;
}

enum status prefetch_put(struct prefetch *p, const struct intake_entry *entry)
{
    struct item *item;
    TRY(item_create(&item, p->use, entry));
    pthread_mutex_lock(&p->mutex);
    TAILQ_INSERT_TAIL(&p->items, item, link);
    p->count++;
    if (entry->status != STATUS_OK) {
        (void)fail(entry->status, "%s", entry->error);
        task_failed(item->task);
        set_done(p, item);
    }
    pthread_cond_signal(&p->work);
    pthread_mutex_unlock(&p->mutex);
    if (entry->status != STATUS_OK || entry->kind != INTAKE_URL)
        return STATUS_OK;
    if (!p->downloads)
        TRY(downloads_create(&p->downloads, &(struct downloads_options){.fetch = config_fetch_options(p->config),
                                                                        .parallel = p->config->fetch.parallel,
                                                                        .folder = p->output,
                                                                        .done = on_download,
                                                                        .context = p}));
    return downloads_add(p->downloads, item->source, item);
}

// Takes the first finished item out of the list. With the mutex.
static struct item *unlink_done(struct prefetch *p, bool in_order)
{
    struct item *item = TAILQ_FIRST(&p->items);
    const double long_ago = now() - patience;
    bool late = false; // those before it
    for (const struct item *other = item; other && !in_order; other = TAILQ_NEXT(other, link))
        late = late || (other->state == DONE && other->since <= long_ago);
    for (; item && item->state != DONE && !in_order && (late || item->late); item = TAILQ_NEXT(item, link))
        item->late = true; // and is waited for no more
    if (!item || item->state != DONE)
        return NULL;
    TAILQ_REMOVE(&p->items, item, link);
    p->count--;
    p->done--;
    p->done_bytes -= (double)task_bytes(item->task);
    return item;
}

struct task *prefetch_take(struct prefetch *p, bool in_order, struct timing *timing)
{
    pthread_mutex_lock(&p->mutex);
    struct item *item = unlink_done(p, in_order);
    if (item)
        pthread_cond_broadcast(&p->work); // there is room, and another one is the first
    pthread_mutex_unlock(&p->mutex);
    if (!item)
        return NULL;
    struct task *task = item->task;
    item->task = NULL;
    timing_merge(timing, &item->timing);
    item_destroy(item);
    return task;
}

int prefetch_count(const struct prefetch *p)
{
    return p->count;
}

void prefetch_stop(struct prefetch *p)
{
    pthread_mutex_lock(&p->mutex);
    p->stopping = true;
    pthread_cond_broadcast(&p->work);
    pthread_mutex_unlock(&p->mutex);
    if (p->downloads)
        downloads_stop(p->downloads);
}

void prefetch_destroy(struct prefetch **out)
{
    struct prefetch *p = *out;
    if (!p)
        return;
    prefetch_stop(p);
    downloads_destroy(&p->downloads);
    for (int i = 0; i < p->thread_count; i++)
        pthread_join(p->threads[i], NULL);
    for (struct item *item; (item = TAILQ_FIRST(&p->items));) {
        TAILQ_REMOVE(&p->items, item, link);
        item_destroy(item);
    }
    pthread_cond_destroy(&p->work);
    pthread_mutex_destroy(&p->mutex);
    free(p);
    *out = NULL;
}
