// SPDX-License-Identifier: MIT
#include "coordinator/task/checkpoint.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/system/log.h"

static const char magic[16] = "oneiros dream\n";
static const uint64_t file_bytes_max = UINT64_C(1) << 40; // the memory that there is decides

// First in the file. What it is made of belongs to a version; the lengths of records tell versions that were not given a number apart.
struct head {
    char magic[sizeof magic], version[32], sha256[65];
};

static size_t value_count(const struct dream_state *state)
{
    return 3 * (size_t)state->width * (size_t)state->height;
}

void checkpoint_destroy(struct checkpoint *checkpoint)
{
    free(checkpoint->rgb);
    free(checkpoint->memory);
    image_rows_destroy(&checkpoint->rows);
    memset(checkpoint, 0, sizeof *checkpoint);
}

enum status checkpoint_write(const char *path, const struct checkpoint *checkpoint,
                             void (*more)(void *context, struct record_writer *writer), void *context)
{
    struct head head = {.version = ONEIROS_VERSION};
    struct record_writer writer;
    memcpy(head.magic, magic, sizeof magic);
    memcpy(head.sha256, checkpoint->sha256, sizeof head.sha256);
    TRY(record_create(&writer, path));
    record_write(&writer, &head, sizeof head);
    record_write(&writer, &checkpoint->state, sizeof checkpoint->state);
    record_write(&writer, checkpoint->rgb, value_count(&checkpoint->state) * sizeof *checkpoint->rgb);
    image_rows_save(&checkpoint->rows, &writer);
    if (more)
        more(context, &writer);
    return record_commit(&writer);
}

void checkpoint_warn(void)
{
    static atomic_bool warned;
    if (!atomic_exchange(&warned, true))
        log_warning("%s; dreams go on, and of further checkpoints that cannot be written nothing is said", status_message());
}

static enum status read_head(struct record_reader *reader, struct checkpoint *checkpoint)
{
    struct head head;
    TRY(record_read(reader, &head, sizeof head));
    if (memcmp(head.magic, magic, sizeof magic) != 0)
        return fail(STATUS_FORMAT, "it is no checkpoint");
    head.version[sizeof head.version - 1] = '\0';
    if (strcmp(head.version, ONEIROS_VERSION) != 0)
        return fail(STATUS_UNSUPPORTED, "oneiros %s wrote it, and this is another build, %s", head.version, ONEIROS_VERSION);
    memcpy(checkpoint->sha256, head.sha256, sizeof head.sha256);
    checkpoint->sha256[sizeof head.sha256 - 1] = '\0';
    return STATUS_OK;
}

static enum status read_pixels(struct record_reader *reader, const struct image_limits *limits, struct checkpoint *checkpoint)
{
    const struct dream_state *state = &checkpoint->state;
    void *values;
    TRY(record_read(reader, &checkpoint->state, sizeof checkpoint->state));
    if (state->width < 1 || state->height < 1 || state->width > limits->side || state->height > limits->side ||
        (uint64_t)state->width * (uint64_t)state->height > limits->pixels)
        return fail(STATUS_LIMIT, "it is of %d x %d pixels", (int)state->width, (int)state->height);
    const size_t count = value_count(state);
    TRY(record_read_array(reader, &values, count, sizeof *checkpoint->rgb));
    checkpoint->rgb = values;
    for (size_t i = 0; i < count; i++)
        if (!(fabsf(checkpoint->rgb[i]) <= 1))
            return fail(STATUS_FORMAT, "value %zu of its pixels is %g", i, (double)checkpoint->rgb[i]);
    return STATUS_OK;
}

enum status checkpoint_glance(const char *path, struct dream_state *state)
{
    unsigned char bytes[2 * sizeof(uint64_t) + sizeof(struct head) + sizeof *state];
    struct checkpoint checkpoint;
    struct stat facts;
    int descriptor;
    TRY(file_open(path, file_bytes_max, &descriptor, &facts));
    const ssize_t got = read(descriptor, bytes, sizeof bytes);
    struct record_reader reader = {.bytes = bytes, .left = got > 0 ? (size_t)got : 0};
    close(descriptor);
    TRY(read_head(&reader, &checkpoint));
    return record_read(&reader, state, sizeof *state);
}

enum status checkpoint_read(const char *path, const struct image_limits *limits, struct checkpoint *checkpoint)
{
    struct record_reader *rest = &checkpoint->rest;
    enum status rc;
    *checkpoint = (struct checkpoint){0};
    TRY(fail_in(record_open(path, file_bytes_max, &checkpoint->memory, rest), "a checkpoint")); // which names the file
    TRY_OUT(read_head(rest, checkpoint));
    TRY_OUT(read_pixels(rest, limits, checkpoint));
    rc = image_rows_load(&checkpoint->rows, &checkpoint->state, rest);
out:
    if (rc != STATUS_OK)
        checkpoint_destroy(checkpoint);
    return fail_in(rc, "checkpoint '%s'", path);
}
