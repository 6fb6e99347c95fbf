// SPDX-License-Identifier: MIT
#include "coordinator/load.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/fetch.h"
#include "common/stop.h"
#include "coordinator/codec.h"

// The end of a long path says more than its beginning.
static void copy_source(char out[RECORD_SOURCE_MAX], const char *source)
{
    const size_t length = strlen(source);
    if (length < RECORD_SOURCE_MAX)
        memcpy(out, source, length + 1);
    else
        snprintf(out, RECORD_SOURCE_MAX, "...%s", source + length - (RECORD_SOURCE_MAX - 4));
}

static bool go_on(void *context, uint64_t done, uint64_t total)
{
    (void)context, (void)done, (void)total;
    return !stop_requested();
}

// Downloads to a hidden file in the output folder, which is gone again afterwards.
static enum status read_url(const char *url, const char *output, uint64_t limit, void **bytes, size_t *size)
{
    struct fetch_options options = fetch_defaults(limit);
    char path[FILE_PATH_MAX], name[64];
    enum status rc;
    options.attempts = 2; // the other pictures wait meanwhile
    options.total_seconds = 300;
    options.progress = go_on;
    snprintf(name, sizeof name, ".download-%ld", (long)getpid());
    TRY(file_join(path, output, name));
    TRY(fetch_file(url, path, &options));
    rc = file_read(path, limit, bytes, size);
    unlink(path);
out:
    return rc;
}

enum status load_task(struct task *task, const struct intake_entry *entry, const struct config *config, const char *output,
                      struct timing *timing)
{
    const struct image_limits limits = {.side = config->input.max_side, .pixels = config->input.max_pixels};
    struct image_record *record = &task->record;
    void *bytes = NULL;
    size_t size = 0;
    enum status rc;
    const double start = now();
    record->id = entry->id;
    copy_source(record->source, entry->source);
    snprintf(task->name, sizeof task->name, "%s", entry->name);
    if (entry->status != STATUS_OK) {
        rc = fail(entry->status, "%s", entry->error);
        goto out;
    }
    if (entry->kind == INTAKE_URL)
        TRY(read_url(entry->source, output, config->input.max_bytes, &bytes, &size));
    else
        TRY(file_read(entry->source, config->input.max_bytes, &bytes, &size));
    TRY(bytes_sha256(bytes, size, record->sha256));
    const double read = timing_add(timing, PHASE_FETCH, start, (int64_t)size);
    record->seconds_read = read - start;
    TRY(codec_decode(bytes, size, &limits, &task->image));
    if ((int64_t)task->image.width * task->image.height > INT_MAX) {
        rc = fail(STATUS_LIMIT, "%d x %d pixels are more than one message between ranks can hold", task->image.width, task->image.height);
        goto out;
    }
    record->seconds_decode = timing_add(timing, PHASE_DECODE, read, 0) - read;
    record->width = task->image.width;
    record->height = task->image.height;
    record->bits = task->image.bits;
out:
    free(bytes);
    return rc;
}
