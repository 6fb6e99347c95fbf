// SPDX-License-Identifier: MIT
#include "coordinator/clip/segment.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/system/work_queue.h"
#include "coordinator/clip/segment_file.h"

struct segment {
    const struct segment_setup *setup;
    int number;
    struct clip_range range;
    struct work_queue *queue;
    // Rank 0's loop's, but while `begun` is false.
    int64_t next;     // frame to be handed out
    float *frame;     // it; NULL: it has not come yet, or is in hand
    float *before[2]; // the one before it, NULL in a zoom, and its dream, NULL at the beginning
    float *ripe;      // [ripe_count]
    int64_t ripe_count;
    bool in_hand;
    // Between the two threads.
    atomic_bool begun, whole, failed;
    _Atomic(float *) incoming; // the frame behind the one in hand
    char error[STATUS_MESSAGE_MAX];
    // The queue's, but `rows` before a frame is handed out.
    struct video_reader *reader;
    struct video_part *part; // the group under way; NULL: none
    struct frame_row *rows;  // [row_count]
    size_t row_count, row_room;
};

enum status clip_part_path(char path[FILE_PATH_MAX], const char *stem, int segment, char kind, int group, const char *suffix)
{
    if (snprintf(path, FILE_PATH_MAX, "%s-%05d%c%05d%s", stem, segment, kind, group, suffix) >= FILE_PATH_MAX)
        return fail(STATUS_LIMIT, "the path of a part of a clip is longer than %d bytes", FILE_PATH_MAX - 1);
    return STATUS_OK;
}

static size_t values(const struct segment *s)
{
    return 3 * (size_t)s->setup->width * (size_t)s->setup->height;
}

static enum status copy(const float *from, size_t count, float **to)
{
    TRY(ALLOCATE(*to, count, "for a frame"));
    memcpy(*to, from, count * sizeof **to);
    return STATUS_OK;
}

// One work of the queue's. What it needs of these is filled in.
struct item {
    struct segment *segment;
    float *dream, *ripe; // of the frame before `next`
    int64_t ripe_count, next;
    struct frame_row row;
    bool add, save;
};

static void item_destroy(void *data)
{
    struct item *item = data;
    free(item->dream);
    free(item->ripe);
    free(item);
}

// The queue's thread has failed: rank 0's loop hears of it.
static enum status note(struct segment *s, enum status rc)
{
    if (rc == STATUS_OK || atomic_load(&s->failed))
        return rc;
    snprintf(s->error, sizeof s->error, "%s", status_message());
    atomic_store(&s->failed, true);
    return rc;
}

// Takes what the item owns in any case.
static enum status put(struct segment *s, enum status (*run)(void *data), const struct item *item)
{
    struct item *own = malloc(sizeof *own);
    if (!own) {
        free(item->dream);
        free(item->ripe);
        return no_memory("for a frame");
    }
    *own = *item;
    own->segment = s;
    work_queue_put(s->queue, &(struct work){.run = run, .destroy = item_destroy, .data = own});
    return STATUS_OK;
}

static enum status read_frame(struct segment *s, float **rgb)
{
    return clip_source_read(s->setup->source, s->reader, rgb);
}

// Of a zoom nothing comes.
static enum status run_read(void *data)
{
    struct segment *s = ((struct item *)data)->segment;
    float *rgb = NULL;
    const enum status rc = s->setup->source ? read_frame(s, &rgb) : ALLOCATE(rgb, values(s), "for a frame");
    free(atomic_exchange(&s->incoming, rgb));
    return note(s, rc);
}

static struct clip_range group_of(const struct segment *s, int64_t frame, enum clip_kind *kind, int *group)
{
    if (!clip_plan_kind(&s->setup->plan, s->number, frame, kind))
        return (struct clip_range){0, 0};
    const struct clip_range range = clip_plan_range(&s->setup->plan, s->number, *kind);
    *group = (int)((frame - range.begin) / VIDEO_GROUP);
    return clip_plan_group(range, *group);
}

// What is dreamed twice is kept without loss, for the joint.
static enum status open_part(struct segment *s, enum clip_kind kind)
{
    struct video_make make = s->setup->make;
    if (kind != CLIP_BODY)
        make.encoder = "ffv1";
    return video_part_create(&s->part, &make);
}

static int64_t time_of(const struct segment *s, int64_t frame, int64_t *duration)
{
    const struct clip_source *source = s->setup->source;
    *duration = source ? video_scan_duration(&source->scan, frame) : 1;
    return source ? source->scan.times[frame] : frame;
}

static enum status add(struct segment *s, const struct item *item)
{
    const int64_t frame = item->next - 1;
    enum clip_kind kind;
    int group = 0;
    char path[FILE_PATH_MAX];
    const struct clip_range range = group_of(s, frame, &kind, &group);
    if (s->row_count == s->row_room) {
        const size_t room = 2 * s->row_room + 64;
        struct frame_row *rows = realloc(s->rows, room * sizeof *rows);
        if (!rows)
            return no_memory("for the rows of a clip");
        s->rows = rows;
        s->row_room = room;
    }
    s->rows[s->row_count++] = item->row;
    if (range.begin == range.end)
        return STATUS_OK;
    if (!s->part)
        TRY(open_part(s, kind));
    int64_t duration;
    const int64_t time = time_of(s, frame, &duration);
    TRY(video_part_add(s->part, item->dream, time, duration));
    if (item->next < range.end)
        return STATUS_OK;
    TRY(clip_part_path(path, s->setup->stem, s->number, (char)kind, group, ""));
    return video_part_finish(&s->part, path);
}

static enum status save(struct segment *s, const struct item *item)
{
    const struct segment_file file = {.setup = s->setup,
                                      .segment = s->number,
                                      .next = item->next,
                                      .dream = item->next < s->range.end ? item->dream : NULL,
                                      .ripe = item->ripe,
                                      .ripe_count = item->ripe_count,
                                      .rows = s->rows,
                                      .row_count = s->row_count};
    return segment_file_write(&file, s->part);
}

static enum status run_keep(void *data)
{
    const struct item *item = data;
    struct segment *s = item->segment;
    enum status rc = item->add ? add(s, item) : STATUS_OK;
    if (rc == STATUS_OK && item->save)
        rc = save(s, item);
    if (rc == STATUS_OK && item->next == s->range.end)
        atomic_store(&s->whole, true);
    return note(s, rc);
}

// Where an earlier run has left off: the dream of the frame before `next`, and the group that it is in.
static enum status take_up(struct segment *s)
{
    struct segment_file file = {.setup = s->setup, .segment = s->number};
    enum clip_kind kind;
    int group = 0;
    TRY(segment_file_read(&file));
    s->rows = file.rows;
    s->row_count = s->row_room = file.row_count;
    s->before[1] = file.dream;
    s->ripe = file.ripe;
    s->ripe_count = file.ripe_count;
    enum status rc = STATUS_OK;
    if (file.part.left > 0) {
        (void)group_of(s, file.next - 1, &kind, &group);
        rc = open_part(s, kind);
        if (rc == STATUS_OK)
            rc = video_part_load(s->part, &file.part);
    }
    if (rc == STATUS_OK && file.next > 0)
        s->next = file.next;
    free(file.memory);
    return rc;
}

static enum status open_reader(struct segment *s)
{
    const struct clip_source *source = s->setup->source;
    const int64_t from = s->before[1] ? s->next - 1 : s->next;
    TRY(video_reader_open(&s->reader, source->path, &s->setup->limits));
    if (from > 0)
        TRY(video_reader_seek(s->reader, source->scan.times[from]));
    return s->before[1] ? read_frame(s, &s->before[0]) : STATUS_OK;
}

static enum status begin(struct segment *s)
{
    TRY(take_up(s));
    if (s->next == s->range.end) {
        atomic_store(&s->whole, true);
        return STATUS_OK;
    }
    if (s->setup->source)
        return open_reader(s);
    return STATUS_OK;
}

static enum status run_begin(void *data)
{
    struct segment *s = ((struct item *)data)->segment;
    enum status rc = begin(s);
    if (rc == STATUS_OK && s->next < s->range.end && (s->setup->source || s->next > 0))
        rc = run_read(data);
    atomic_store(&s->begun, true);
    return note(s, rc);
}

enum status segment_create(struct segment **segment, const struct segment_setup *setup, int number, const float *first)
{
    TRY(ALLOCATE(*segment, 1, "for a segment of a clip"));
    struct segment *s = *segment;
    enum status rc;
    s->setup = setup;
    s->number = number;
    s->range = clip_plan_dreamed(&setup->plan, number);
    s->next = s->range.begin;
    if (first) {
        TRY_OUT(copy(first, values(s), &s->frame));
        atomic_store(&s->incoming, s->frame);
        s->frame = NULL;
    }
    TRY_OUT(work_queue_create(&s->queue));
    rc = put(s, run_begin, &(struct item){0});
out:
    if (rc != STATUS_OK)
        segment_destroy(segment);
    return rc;
}

void segment_destroy(struct segment **segment)
{
    struct segment *s = *segment;
    if (!s)
        return;
    work_queue_abandon(&s->queue);
    video_reader_close(&s->reader);
    video_part_abandon(&s->part);
    free(atomic_load(&s->incoming));
    free(s->frame);
    free(s->before[0]);
    free(s->before[1]);
    free(s->ripe);
    free(s->rows);
    free(s);
    *segment = NULL;
}

enum segment_state segment_look(struct segment *s)
{
    if (atomic_load(&s->failed)) {
        (void)fail(STATUS_IO, "%s", s->error);
        return SEGMENT_FAILED;
    }
    if (atomic_load(&s->whole))
        return SEGMENT_WHOLE;
    if (!atomic_load(&s->begun) || s->in_hand || s->next == s->range.end || !work_queue_has_room(s->queue))
        return SEGMENT_WAITING;
    if (!s->frame)
        s->frame = atomic_exchange(&s->incoming, NULL);
    return s->frame ? SEGMENT_READY : SEGMENT_WAITING;
}

const struct frame_row *segment_rows(const struct segment *s, size_t *count)
{
    *count = s->row_count;
    return s->rows;
}

enum status segment_hand_out(struct segment *s, struct segment_frame *frame)
{
    const int missing = s->before[0] ? 0 : 1; // of a zoom
    *frame = (struct segment_frame){.number = s->next, .ripe = s->ripe, .ripe_count = s->ripe_count};
    for (int i = missing; i < 2 && s->before[1]; i++)
        frame->before[frame->before_count++] = s->before[i];
    TRY(copy(s->frame, values(s), &frame->rgb));
    s->in_hand = true;
    return s->next + 1 < s->range.end ? put(s, run_read, &(struct item){0}) : STATUS_OK;
}

enum status segment_dreamed(struct segment *s, float *dream, float *ripe, int64_t ripe_count, const struct frame_row *row, bool save_it)
{
    const bool last = s->next + 1 == s->range.end;
    struct item item = {.next = s->next + 1, .row = *row, .add = true, .save = save_it || last, .ripe_count = ripe ? ripe_count : 0};
    free(s->before[0]);
    free(s->before[1]);
    free(s->ripe);
    s->before[0] = s->setup->source ? s->frame : NULL;
    if (!s->setup->source)
        free(s->frame);
    s->frame = NULL;
    s->before[1] = dream;
    s->ripe = ripe;
    s->ripe_count = item.ripe_count;
    s->next++;
    s->in_hand = false;
    TRY(copy(dream, values(s), &item.dream));
    if (item.save && ripe && copy(ripe, (size_t)ripe_count, &item.ripe) != STATUS_OK) {
        free(item.dream);
        return STATUS_LIMIT;
    }
    return put(s, run_keep, &item);
}

enum status segment_stop(struct segment *s)
{
    struct item item = {.next = s->next, .save = true, .ripe_count = s->ripe_count};
    s->in_hand = false;
    if (!atomic_load(&s->begun) || !s->before[1] || s->next == s->range.end)
        return STATUS_OK;
    TRY(copy(s->before[1], values(s), &item.dream));
    if (s->ripe && copy(s->ripe, (size_t)s->ripe_count, &item.ripe) != STATUS_OK) {
        free(item.dream);
        return STATUS_LIMIT;
    }
    TRY(put(s, run_keep, &item));
    work_queue_end(s->queue);
    return work_queue_finish(&s->queue, NULL);
}
