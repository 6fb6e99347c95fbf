// SPDX-License-Identifier: MIT
#include "coordinator/delegation_messages.h"

#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct packed {
    uint64_t steps, maps;
    uint32_t importance; // a bit for each target of which it is known
};

static size_t values_of(const struct cam_row *map)
{
    return (size_t)map->grid.width * (size_t)map->grid.height;
}

size_t delegated_bytes(const struct delegated *delegated)
{
    return offsetof(struct delegated, source) + strlen(delegated->source) + 1;
}

enum status delegated_receive(struct delegated *delegated, MPI_Comm comm)
{
    size_t size;
    TRY(mpi_receive_some(delegated, sizeof *delegated, &size, COORDINATOR_RANK, MESSAGE_READ, comm));
    if (size <= offsetof(struct delegated, source) || ((char *)delegated)[size - 1] != '\0' ||
        !memchr(delegated->name, '\0', sizeof delegated->name))
        return fail(STATUS_INTERNAL, "the name of a picture in %zu bytes", size);
    return STATUS_OK;
}

enum status rows_pack(const struct task *task, const int *channels, int targets, void **bytes, size_t *size)
{
    const struct image_rows *rows = &task->results.rows;
    struct packed packed = {.steps = rows->step_count, .maps = rows->map_count};
    char *text = NULL;
    FILE *stream = open_memstream(&text, size);
    if (!stream)
        return fail(STATUS_LIMIT, "no memory for the rows of an image");
    for (int t = 0; t < targets && t < CONFIG_TARGETS_MAX; t++)
        packed.importance |= (uint32_t)(task->results.importance[t] != NULL) << t;
    fwrite(&task->record, sizeof task->record, 1, stream);
    fwrite(&packed, sizeof packed, 1, stream);
    if (rows->step_count)
        fwrite(rows->steps, sizeof *rows->steps, rows->step_count, stream);
    for (size_t i = 0; i < rows->map_count; i++) {
        fwrite(&rows->maps[i].record, sizeof rows->maps[i].record, 1, stream);
        fwrite(rows->maps[i].values, sizeof(float), values_of(&rows->maps[i].record), stream);
    }
    for (int t = 0; t < targets; t++)
        if (task->results.importance[t])
            fwrite(task->results.importance[t], sizeof(float), (size_t)channels[t], stream);
    const bool whole = !ferror(stream);
    if (fclose(stream) != 0 || !whole) {
        free(text);
        return fail(STATUS_LIMIT, "no memory for the rows of an image");
    }
    if (*size > INT_MAX) {
        free(text);
        return fail(STATUS_LIMIT, "the rows of %s are more than one message between ranks can hold", task->record.source);
    }
    *bytes = text;
    return STATUS_OK;
}

static enum status unpack_map(struct image_rows *rows, struct record_reader *reader)
{
    struct cam_row map;
    TRY(record_read(reader, &map, sizeof map));
    if (map.grid.width < 1 || map.grid.height < 1 || values_of(&map) > reader->left / sizeof(float))
        return fail(STATUS_INTERNAL, "a map that is not whole");
    void *values;
    TRY(record_read_array(reader, &values, values_of(&map), sizeof(float)));
    const enum status rc = image_rows_add_map(rows, &map, values);
    free(values);
    return rc;
}

enum status rows_unpack(struct task *task, const int *channels, int targets, const void *bytes, size_t size)
{
    struct record_reader reader = {.bytes = bytes, .left = size};
    struct image_rows *rows = &task->results.rows;
    struct packed packed;
    TRY(record_read(&reader, &task->record, sizeof task->record));
    TRY(record_read(&reader, &packed, sizeof packed));
    for (uint64_t i = 0; i < packed.steps; i++) {
        struct step_row step;
        TRY(record_read(&reader, &step, sizeof step));
        TRY(image_rows_add_step(rows, &step));
    }
    for (uint64_t i = 0; i < packed.maps; i++)
        TRY(unpack_map(rows, &reader));
    for (int t = 0; t < targets; t++) {
        const size_t count = (size_t)channels[t];
        if (!(packed.importance >> t & 1))
            continue;
        task->results.importance[t] = malloc(count * sizeof(float));
        if (!task->results.importance[t])
            return fail(STATUS_LIMIT, "no memory for the importance of channels");
        TRY(record_read(&reader, task->results.importance[t], count * sizeof(float)));
    }
    return STATUS_OK;
}
