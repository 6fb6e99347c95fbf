// SPDX-License-Identifier: MIT
#include "coordinator/delegation_messages.h"

#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

size_t delegated_bytes(const struct intake_entry *entry)
{
    return offsetof(struct intake_entry, source) + strlen(entry->source) + 1;
}

enum status delegated_receive(struct intake_entry *entry, MPI_Comm comm)
{
    size_t size;
    TRY(mpi_receive_some(entry, sizeof *entry, &size, COORDINATOR_RANK, MESSAGE_READ, comm));
    if (size <= offsetof(struct intake_entry, source) || ((char *)entry)[size - 1] != '\0' ||
        !memchr(entry->name, '\0', sizeof entry->name))
        return fail(STATUS_INTERNAL, "the name of a picture in %zu bytes", size);
    return STATUS_OK;
}

enum status rows_pack(const struct task *task, const int *channels, int targets, void **bytes, size_t *size)
{
    struct record_writer writer;
    TRY(record_create_in_memory(&writer));
    record_write(&writer, &task->record, sizeof task->record);
    image_rows_save(&task->results.rows, &writer);
    for (int t = 0; t < targets; t++) {
        const float *importance = task->results.importance[t];
        const uint64_t count = importance ? (uint64_t)channels[t] : 0;
        record_write(&writer, &count, sizeof count);
        record_write(&writer, importance, (size_t)count * sizeof *importance);
    }
    TRY(record_take(&writer, bytes, size));
    if (*size <= INT_MAX)
        return STATUS_OK;
    free(*bytes);
    *bytes = NULL;
    return fail(STATUS_LIMIT, "the rows of %s are more than one message between ranks can hold", task->record.source);
}

enum status rows_unpack(struct task *task, const int *channels, int targets, const void *bytes, size_t size)
{
    struct record_reader reader = {.bytes = bytes, .left = size};
    TRY(record_read(&reader, &task->record, sizeof task->record));
    TRY(image_rows_load(&task->results.rows, &(struct dream_state){.image = task->record.id, .octave = INT32_MAX}, &reader));
    for (int t = 0; t < targets; t++) {
        uint64_t count;
        void *importance;
        TRY(record_read(&reader, &count, sizeof count));
        if (count && count != (uint64_t)channels[t])
            return fail(STATUS_INTERNAL, "the importance of %llu channels where there are %d", (unsigned long long)count, channels[t]);
        TRY(record_read_array(&reader, &importance, count, sizeof(float)));
        task->results.importance[t] = importance;
    }
    return STATUS_OK;
}
