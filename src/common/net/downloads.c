// SPDX-License-Identifier: MIT
#include "common/net/downloads.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <unistd.h>

#include "common/net/transfer.h"
#include "common/net/url.h"
#include "common/system/clock.h"
#include "common/system/file.h"
#include "common/system/log.h"
#include "common/system/thread.h"

static const double silent_seconds = 2; // after which a transfer no longer keeps others from beginning

struct download {
    TAILQ_ENTRY(download) link;
    void *item;
    double started;   // 0: not yet
    double due;       // when to begin, or begin again
    uint64_t seen;    // bytes, when they last grew ...
    double seen_time; // ... and when that was
    struct transfer transfer;
};

TAILQ_HEAD(download_list, download);

struct downloads {
    struct downloads_options options;
    CURLM *multi;
    pthread_t thread;
    bool started;
    struct download_list all;   // the thread's, in the order in which they were added
    pthread_mutex_t mutex;      // of what follows
    struct download_list added; // that the thread has not seen yet
    bool stopping;
};

static void drop(struct downloads *downloads, struct download_list *list, struct download *download)
{
    TAILQ_REMOVE(list, download, link);
    if (download->transfer.curl)
        curl_multi_remove_handle(downloads->multi, download->transfer.curl);
    transfer_abandon(&download->transfer);
    if (download->transfer.descriptor >= 0)
        close(download->transfer.descriptor);
    free(download);
}

static void drop_all(struct downloads *downloads, struct download_list *list)
{
    while (!TAILQ_EMPTY(list))
        drop(downloads, list, TAILQ_FIRST(list));
}

// Tells; it is gone afterwards.
static void end(struct downloads *downloads, struct download *download, enum status status)
{
    const struct downloads_options *options = &downloads->options;
    const double seconds = download->started > 0 ? now() - download->started : 0;
    const int descriptor = status == STATUS_OK ? download->transfer.descriptor : -1;
    options->done(options->context, download->item, status, descriptor, download->transfer.size, seconds);
    if (status == STATUS_OK)
        download->transfer.descriptor = -1;
    drop(downloads, &downloads->all, download);
}

static enum status begin(struct downloads *downloads, struct download *download)
{
    struct transfer *transfer = &download->transfer;
    download->seen_time = now();
    if (download->started <= 0)
        download->started = download->seen_time;
    if (transfer->descriptor < 0)
        TRY(file_create_nameless(downloads->options.folder, &transfer->descriptor));
    TRY(transfer_begin(transfer));
    curl_easy_setopt(transfer->curl, CURLOPT_PRIVATE, (char *)download);
    if (curl_multi_add_handle(downloads->multi, transfer->curl) == CURLM_OK)
        return STATUS_OK;
    transfer_abandon(transfer);
    return fail(STATUS_INTERNAL, "libcurl does not take the address");
}

// One attempt is over: that was all, or there will be another.
static void end_attempt(struct downloads *downloads, CURL *curl, CURLcode code)
{
    struct download *download = NULL;
    double seconds;
    curl_easy_getinfo(curl, CURLINFO_PRIVATE, (char **)&download);
    curl_multi_remove_handle(downloads->multi, curl);
    const enum status rc = transfer_end(&download->transfer, code);
    if (rc != STATUS_OK && transfer_again(&download->transfer, &seconds)) {
        char shown[URL_SHOWN_MAX];
        if (seconds > 0)
            log_debug("%s: %s; trying again in %.1f s", url_shown(download->transfer.url, NULL, shown), status_message(), seconds);
        download->due = now() + seconds;
    } else {
        end(downloads, download, transfer_give_up(&download->transfer, rc));
    }
}

static void collect(struct downloads *downloads)
{
    int left;
    for (CURLMsg *message; (message = curl_multi_info_read(downloads->multi, &left));)
        if (message->msg == CURLMSG_DONE)
            end_attempt(downloads, message->easy_handle, message->data.result);
}

// How many connections there are, and how many of them keep others from beginning.
static void count(struct downloads *downloads, int *open, int *moving)
{
    const double time = now();
    *open = *moving = 0;
    for (struct download *d = TAILQ_FIRST(&downloads->all); d; d = TAILQ_NEXT(d, link)) {
        if (d->transfer.size != d->seen) {
            d->seen = d->transfer.size;
            d->seen_time = time;
        }
        *open += d->transfer.curl != NULL;
        *moving += d->transfer.curl && time - d->seen_time < silent_seconds;
    }
}

static void begin_some(struct downloads *downloads)
{
    const int most = downloads->options.parallel;
    const double time = now();
    int open, moving;
    count(downloads, &open, &moving);
    for (struct download *d = TAILQ_FIRST(&downloads->all), *next; d && moving < most && open < DOWNLOADS_OPEN_MAX * most; d = next) {
        next = TAILQ_NEXT(d, link);
        if (d->transfer.curl || d->due > time)
            continue;
        const enum status rc = begin(downloads, d);
        if (rc != STATUS_OK) {
            end(downloads, d, rc);
            continue;
        }
        open++;
        moving++;
    }
}

// Moves what has been added behind the others. False: it is time to stop.
static bool take_added(struct downloads *downloads)
{
    pthread_mutex_lock(&downloads->mutex);
    const bool go_on = !downloads->stopping;
    TAILQ_CONCAT(&downloads->all, &downloads->added, link);
    pthread_mutex_unlock(&downloads->mutex);
    return go_on;
}

// Until something is to be done that libcurl does not know of: another attempt, or a transfer that has fallen silent. It wakes up by itself
// for what it does know, and when something is added.
static int milliseconds_to_wait(const struct downloads *downloads)
{
    const double time = now();
    double seconds = 60;
    for (const struct download *d = TAILQ_FIRST(&downloads->all); d; d = TAILQ_NEXT(d, link)) {
        const double event = d->transfer.curl ? d->seen_time + silent_seconds : d->due;
        if (event > time) // what is past waits for others, which will end
            seconds = fmin(seconds, event - time);
    }
    return (int)ceil(1000 * seconds);
}

static void *run(void *data)
{
    struct downloads *downloads = data;
    int running;
    while (take_added(downloads)) {
        curl_multi_perform(downloads->multi, &running);
        collect(downloads);
        begin_some(downloads);
        curl_multi_poll(downloads->multi, NULL, 0, milliseconds_to_wait(downloads), NULL);
    }
    drop_all(downloads, &downloads->all);
    return NULL;
}

enum status downloads_create(struct downloads **out, const struct downloads_options *options)
{
    TRY(ALLOCATE(*out, 1, "for downloads"));
    struct downloads *downloads = *out;
    downloads->options = *options;
    TAILQ_INIT(&downloads->all);
    TAILQ_INIT(&downloads->added);
    pthread_mutex_init(&downloads->mutex, NULL);
    transfer_start();
    downloads->multi = curl_multi_init();
    const enum status rc =
        downloads->multi ? thread_start(&downloads->thread, run, downloads) : fail(STATUS_INTERNAL, "libcurl does not start");
    downloads->started = rc == STATUS_OK;
    if (rc != STATUS_OK)
        downloads_destroy(out);
    return rc;
}

enum status downloads_add(struct downloads *downloads, const char *url, void *item)
{
    struct download *download;
    TRY(ALLOCATE(download, 1, "for another download"));
    download->item = item;
    download->transfer =
        (struct transfer){.url = url, .place = downloads->options.folder, .options = &downloads->options.fetch, .descriptor = -1};
    pthread_mutex_lock(&downloads->mutex);
    TAILQ_INSERT_TAIL(&downloads->added, download, link);
    pthread_mutex_unlock(&downloads->mutex);
    curl_multi_wakeup(downloads->multi);
    return STATUS_OK;
}

void downloads_stop(struct downloads *downloads)
{
    pthread_mutex_lock(&downloads->mutex);
    downloads->stopping = true;
    pthread_mutex_unlock(&downloads->mutex);
    curl_multi_wakeup(downloads->multi);
}

void downloads_destroy(struct downloads **out)
{
    struct downloads *downloads = *out;
    if (!downloads)
        return;
    if (downloads->started) {
        downloads_stop(downloads);
        pthread_join(downloads->thread, NULL);
    }
    drop_all(downloads, &downloads->added); // after the thread's last look
    curl_multi_cleanup(downloads->multi);
    pthread_mutex_destroy(&downloads->mutex);
    free(downloads);
    *out = NULL;
}
