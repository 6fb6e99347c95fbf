// SPDX-License-Identifier: MIT
#include "runfile/run_carry.h"

#include <stdlib.h>

#include "runfile/run_reader.h"

struct carrying {
    struct run_file *file;
    struct run_reader *reader;
    const struct run_earlier *earlier;
    int targets;
    float *importance[CONFIG_TARGETS_MAX]; // of one image, [channels] each
};

static bool is_kept(const struct carrying *c, int64_t image)
{
    return c->earlier->keep(c->earlier->context, image);
}

static enum status carry_step(struct carrying *c, const void *row, size_t number)
{
    const struct step_row *step = row;
    (void)number;
    return is_kept(c, step->image) ? run_file_add_steps(c->file, step, 1) : STATUS_OK;
}

static enum status carry_frame(struct carrying *c, const void *row, size_t number)
{
    const struct cam_row *frame = row;
    float *values;
    (void)number;
    if (!is_kept(c, frame->image))
        return STATUS_OK;
    TRY(run_reader_map(c->reader, frame, &values));
    const enum status rc = run_file_add_cam(c->file, frame, values);
    free(values);
    return rc;
}

static enum status carry_image(struct carrying *c, const void *row, size_t number)
{
    const struct image_row *image = row;
    if (!is_kept(c, image->id))
        return STATUS_OK;
    for (int t = 0; t < c->targets; t++)
        TRY(run_reader_importance(c->reader, t, number, c->importance[t]));
    return run_file_add_image(c->file, image, (const float *const *)c->importance);
}

static enum status carry_table(struct carrying *c, enum run_dataset table,
                               enum status (*carry)(struct carrying *c, const void *row, size_t number))
{
    struct run_cursor *cursor;
    enum status rc = STATUS_OK;
    size_t number = 0;
    TRY(run_cursor_open(&cursor, c->reader, table));
    if (!cursor->ours)
        rc = fail(STATUS_FORMAT, "%s: its rows are not like ours", c->earlier->path);
    for (const void *row; rc == STATUS_OK && (row = run_cursor_next(cursor)); number++)
        rc = carry(c, row, number);
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
    }
    TRY(carry_table(c, RUN_STEPS, carry_step));
    TRY(carry_table(c, RUN_CAM_FRAMES, carry_frame));
    return carry_table(c, RUN_IMAGES, carry_image);
}

enum status run_carry(struct run_file *file, const struct run_file_header *header, const struct run_earlier *earlier)
{
    struct carrying c = {.file = file, .earlier = earlier, .targets = header->config->targets.count};
    TRY(run_reader_open(&c.reader, earlier->path));
    const enum status rc = carry_all(&c, header);
    for (int t = 0; t < c.targets; t++)
        free(c.importance[t]);
    run_reader_close(&c.reader);
    return rc;
}
