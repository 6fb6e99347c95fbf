// SPDX-License-Identifier: MIT
#include "media/video/video_scan.h"

#include <stdlib.h>

void video_scan_destroy(struct video_scan *scan)
{
    free(scan->times);
    *scan = (struct video_scan){0};
}

static enum status note(struct video_scan *scan, int64_t time, int64_t *room)
{
    if (scan->count == VIDEO_FRAMES_MAX)
        return fail(STATUS_LIMIT, "more than %d frames", VIDEO_FRAMES_MAX);
    if (scan->count == *room) {
        const int64_t more = *room > 0 ? 2 * *room : 1024;
        int64_t *times = realloc(scan->times, (size_t)more * sizeof *times);
        if (!times)
            return no_memory("for the times of %lld frames", (long long)more);
        scan->times = times;
        *room = more;
    }
    scan->times[scan->count++] = time;
    return STATUS_OK;
}

enum status video_scan(struct video_scan *scan, const char *path, const struct image_limits *limits, bool (*stop)(void *context),
                       void *context)
{
    struct video_reader *reader;
    int64_t room = 0, time;
    bool there = true;
    enum status rc;
    *scan = (struct video_scan){0};
    TRY(video_reader_open(&reader, path, limits));
    for (;;) {
        if (stop && stop(context))
            TRY_OUT(fail(STATUS_STOPPED, "stopped while '%s' was read", path));
        TRY_OUT(video_reader_next(reader, NULL, &time, &there));
        if (!there)
            break;
        TRY_OUT(fail_in(note(scan, time, &room), "%s", path));
    }
    scan->facts = *video_reader_facts(reader);
out:
    video_reader_close(&reader);
    if (rc != STATUS_OK)
        video_scan_destroy(scan);
    return rc;
}

int64_t video_scan_duration(const struct video_scan *scan, int64_t i)
{
    const struct video_form *form = &scan->facts.form;
    const int64_t last = scan->count - 1, at = i < last ? i : last - 1;
    if (last == 0) {
        const double ticks = (double)form->rate[1] / form->rate[0] * form->tick[1] / form->tick[0];
        return ticks > 1 ? (int64_t)ticks : 1;
    }
    return scan->times[at + 1] - scan->times[at];
}
