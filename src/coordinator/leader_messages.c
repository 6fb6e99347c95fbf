// SPDX-License-Identifier: MIT
#include "coordinator/leader_messages.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct packed {
    uint64_t steps, maps;
    uint32_t importance; // a bit for each target of which it is known
};

static size_t values_of(const struct cam_record *map)
{
    return (size_t)map->grid.width * (size_t)map->grid.height;
}

size_t order_bytes(const struct order *order)
{
    return offsetof(struct order, source) + strlen(order->source) + 1;
}

enum status order_receive(struct order *order, MPI_Comm comm)
{
    size_t size;
    enum status rc;
    TRY(mpi_receive_some(order, sizeof *order, &size, COORDINATOR_RANK, MESSAGE_ORDER, comm));
    if (size <= offsetof(struct order, source) || ((char *)order)[size - 1] != '\0' || !memchr(order->name, '\0', sizeof order->name))
        rc = fail(STATUS_INTERNAL, "an order of %zu bytes", size);
out:
    return rc;
}

enum status account_pack(const struct task *task, const int *channels, int targets, void **bytes, size_t *size)
{
    const struct history *history = &task->findings.history;
    struct packed packed = {.steps = history->step_count, .maps = history->map_count};
    char *text = NULL;
    FILE *stream = open_memstream(&text, size);
    if (!stream)
        return fail(STATUS_LIMIT, "no memory for the rows of an image");
    for (int t = 0; t < targets && t < CONFIG_TARGETS_MAX; t++)
        packed.importance |= (uint32_t)(task->findings.importance[t] != NULL) << t;
    fwrite(&task->record, sizeof task->record, 1, stream);
    fwrite(&packed, sizeof packed, 1, stream);
    if (history->step_count)
        fwrite(history->steps, sizeof *history->steps, history->step_count, stream);
    for (size_t i = 0; i < history->map_count; i++) {
        fwrite(&history->maps[i].record, sizeof history->maps[i].record, 1, stream);
        fwrite(history->maps[i].values, sizeof(float), values_of(&history->maps[i].record), stream);
    }
    for (int t = 0; t < targets; t++)
        if (task->findings.importance[t])
            fwrite(task->findings.importance[t], sizeof(float), (size_t)channels[t], stream);
    const bool whole = !ferror(stream);
    if (fclose(stream) != 0 || !whole) {
        free(text);
        return fail(STATUS_LIMIT, "no memory for the rows of an image");
    }
    *bytes = text;
    return STATUS_OK;
}

static enum status unpack_map(struct history *history, struct saved_reader *reader)
{
    struct cam_record map;
    enum status rc;
    TRY(saved_read(reader, &map, sizeof map));
    if (map.grid.width < 1 || map.grid.height < 1 || values_of(&map) > reader->left / sizeof(float))
        return fail(STATUS_INTERNAL, "a map that is not whole");
    rc = history_add_map(history, &map, saved_next(reader, values_of(&map) * sizeof(float)));
out:
    return rc;
}

enum status account_unpack(struct task *task, const int *channels, int targets, const void *bytes, size_t size)
{
    struct saved_reader reader = {.bytes = bytes, .left = size};
    struct history *history = &task->findings.history;
    struct packed packed;
    enum status rc;
    TRY(saved_read(&reader, &task->record, sizeof task->record));
    TRY(saved_read(&reader, &packed, sizeof packed));
    for (uint64_t i = 0; i < packed.steps; i++) {
        struct step_record step;
        TRY(saved_read(&reader, &step, sizeof step));
        TRY(history_add_step(history, &step));
    }
    for (uint64_t i = 0; i < packed.maps; i++)
        TRY(unpack_map(history, &reader));
    for (int t = 0; t < targets; t++) {
        const size_t count = (size_t)channels[t];
        if (!(packed.importance >> t & 1))
            continue;
        task->findings.importance[t] = malloc(count * sizeof(float));
        if (!task->findings.importance[t])
            return fail(STATUS_LIMIT, "no memory for the importance of channels");
        TRY(saved_read(&reader, task->findings.importance[t], count * sizeof(float)));
    }
out:
    return rc;
}
