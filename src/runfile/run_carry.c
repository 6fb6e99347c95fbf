// SPDX-License-Identifier: MIT
#include "runfile/run_carry.h"

#include <stdlib.h>
#include <string.h>

#include "runfile/run_reader.h"

// An earlier run file whose rows are carried over.
struct carrying {
    struct run_file *file;
    struct run_reader *reader;
    const struct run_earlier *earlier;
    int targets;
    size_t row;                            // of the table that is carried over
    float *importance[CONFIG_TARGETS_MAX]; // of one image, [channels] each
    float *peaks[CONFIG_TARGETS_MAX];      // of an atlas, likewise
};

static bool is_kept(const struct carrying *c, int64_t image)
{
    return c->earlier->keep(c->earlier->context, image);
}

static enum status carry_step(struct carrying *c, const void *row)
{
    const struct step_row *step = row;
    return is_kept(c, step->image) ? run_file_add_steps(c->file, step, 1) : STATUS_OK;
}

static enum status carry_frame(struct carrying *c, const void *row)
{
    const struct cam_row *frame = row;
    float *values;
    if (!is_kept(c, frame->image))
        return STATUS_OK;
    TRY(run_reader_map(c->reader, frame, &values));
    const enum status rc = run_file_add_cam(c->file, frame, values);
    free(values);
    return rc;
}

static enum status carry_clip_frame(struct carrying *c, const void *row)
{
    const struct frame_row *frame = row;
    return is_kept(c, frame->image) ? run_file_add_frame(c->file, frame) : STATUS_OK;
}

static enum status carry_faithfulness(struct carrying *c, const void *row)
{
    const struct faithfulness_row *score = row;
    return is_kept(c, score->image) ? run_file_add_faithfulness(c->file, score) : STATUS_OK;
}

static enum status remember(struct carrying *c, const struct image_row *image, bool before)
{
    const struct run_earlier *earlier = c->earlier;
    if (!earlier->remember || !earlier->remember(earlier->context, image->id, before))
        return STATUS_OK;
    return run_file_add_earlier(c->file, image);
}

static enum status carry_earlier(struct carrying *c, const void *row)
{
    return remember(c, row, true);
}

static enum status carry_image(struct carrying *c, const void *row)
{
    const struct image_row *image = row;
    if (!is_kept(c, image->id))
        return remember(c, image, false);
    for (int t = 0; t < c->targets; t++) {
        TRY(run_reader_importance(c->reader, t, c->row, c->importance[t]));
        if (c->peaks[t])
            TRY(run_reader_peaks(c->reader, t, c->row, c->peaks[t]));
    }
    struct image_row kept = *image;
    if (c->earlier->is_missing)
        kept.missing = c->earlier->is_missing(c->earlier->context, image->id);
    if (c->earlier->is_own && c->earlier->is_own(c->earlier->context, image->id))
        kept.same = 0;
    return run_file_add_image(c->file, &kept, c->importance, c->peaks);
}

static enum status carry_table(struct carrying *c, enum run_dataset table, enum status (*carry)(struct carrying *c, const void *row))
{
    struct run_cursor *cursor;
    enum status rc = STATUS_OK;
    TRY(run_cursor_open(&cursor, c->reader, table));
    if (!cursor->ours)
        rc = fail(STATUS_FORMAT, "%s: its rows are not like ours", c->earlier->path);
    c->row = 0;
    for (const void *row; rc == STATUS_OK && (row = run_cursor_next(cursor)); c->row++)
        rc = carry(c, row);
    return run_cursor_close(&cursor, rc);
}

static enum status carry_all(struct carrying *c, const struct run_file_header *header)
{
    if ((int)c->reader->facts.targets.count != c->targets)
        return fail(STATUS_FORMAT, "%s: it is of other targets", c->earlier->path);
    for (int t = 0; t < c->targets; t++) {
        if (run_reader_channels(c->reader, t, NULL) != header->channels[t])
            return fail(STATUS_FORMAT, "%s: its importance is not like ours", c->earlier->path);
        TRY(ALLOCATE(c->importance[t], (size_t)header->channels[t], "for the importance of %d channels", header->channels[t]));
        if (strcmp(header->kind, "atlas") == 0)
            TRY(ALLOCATE(c->peaks[t], (size_t)header->channels[t] * PEAK_KINDS * PEAK_NUMBERS, "for the peaks of %d channels",
                         header->channels[t]));
    }
    TRY(carry_table(c, RUN_STEPS, carry_step));
    TRY(carry_table(c, RUN_CAM_FRAMES, carry_frame));
    TRY(carry_table(c, RUN_FRAMES, carry_clip_frame));
    TRY(carry_table(c, RUN_FAITHFULNESS, carry_faithfulness));
    TRY(carry_table(c, RUN_IMAGES, carry_image));
    return carry_table(c, RUN_EARLIER, carry_earlier);
}

enum status run_carry_over(struct run_file *file, const struct run_file_header *header, const struct run_earlier *earlier)
{
    struct carrying c = {.file = file, .earlier = earlier, .targets = header->config->targets.count};
    TRY(run_reader_open(&c.reader, earlier->path));
    const enum status rc = carry_all(&c, header);
    for (int t = 0; t < c.targets; t++) {
        free(c.importance[t]);
        free(c.peaks[t]);
    }
    run_reader_close(&c.reader);
    return rc;
}
