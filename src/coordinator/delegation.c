// SPDX-License-Identifier: MIT
#include "coordinator/delegation.h"

#include <inttypes.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "common/system/clock.h"

enum status delegated_receive(struct intake_entry *entry, MPI_Comm comm)
{
    size_t size;
    TRY(mpi_receive_some(entry, sizeof *entry, &size, COORDINATOR_RANK, MESSAGE_READ, comm));
    if (size <= offsetof(struct intake_entry, source) || ((char *)entry)[size - 1] != '\0' ||
        !memchr(entry->name, '\0', sizeof entry->name))
        return fail(STATUS_INTERNAL, "the name of a picture in %zu bytes", size);
    return STATUS_OK;
}

// What there is for each channel of a target, or that there is nothing.
static void pack_floats(struct record_writer *writer, const float *values, uint64_t count)
{
    const uint64_t there = values ? count : 0;
    record_write(writer, &there, sizeof there);
    record_write(writer, values, (size_t)there * sizeof *values);
}

static enum status unpack_floats(struct record_reader *reader, uint64_t count, float **values)
{
    uint64_t there;
    void *bytes;
    TRY(record_read(reader, &there, sizeof there));
    if (there && there != count)
        return fail(STATUS_INTERNAL, "%llu numbers of channels where there are %llu", (unsigned long long)there, (unsigned long long)count);
    TRY(record_read_array(reader, &bytes, there, sizeof(float)));
    *values = bytes;
    return STATUS_OK;
}

enum status rows_pack(const struct task *task, const int *channels, int targets, void **bytes, size_t *size)
{
    struct record_writer writer;
    TRY(record_create_in_memory(&writer));
    record_write(&writer, &task->record, sizeof task->record);
    record_write(&writer, &task->image.notices, sizeof task->image.notices);
    record_write(&writer, task->image.notice, sizeof task->image.notice);
    image_rows_save(&task->results.rows, &writer);
    for (int t = 0; t < targets; t++) {
        pack_floats(&writer, task->results.importance[t], (uint64_t)channels[t]);
        pack_floats(&writer, task->results.peaks[t], (uint64_t)channels[t] * PEAK_KINDS * PEAK_NUMBERS);
    }
    TRY(record_take(&writer, bytes, size));
    if (*size <= INT_MAX)
        return STATUS_OK;
    free(*bytes);
    *bytes = NULL;
    return fail(STATUS_LIMIT, "the rows of %s are more than one message between ranks can hold", task->record.source);
}

// Into an empty task.
static enum status rows_unpack(struct task *task, const struct run_file_header *header, const void *bytes, size_t size)
{
    const int *channels = header->channels;
    struct record_reader reader = {.bytes = bytes, .left = size};
    TRY(record_read(&reader, &task->record, sizeof task->record));
    TRY(record_read(&reader, &task->image.notices, sizeof task->image.notices));
    TRY(record_read(&reader, task->image.notice, sizeof task->image.notice));
    TRY(image_rows_load(&task->results.rows, &(struct dream_state){.image = task->record.id, .octave = INT32_MAX}, &reader));
    for (int t = 0; t < header->config->targets.count; t++) {
        TRY(unpack_floats(&reader, (uint64_t)channels[t], &task->results.importance[t]));
        TRY(unpack_floats(&reader, (uint64_t)channels[t] * PEAK_KINDS * PEAK_NUMBERS, &task->results.peaks[t]));
    }
    return STATUS_OK;
}

// Out of the worker's list.
static enum status take_out(struct delegation *d, int worker, int64_t image, struct held_entry **given)
{
    *given = STAILQ_FIRST(&d->given[worker]);
    while (*given && (*given)->id != image)
        *given = STAILQ_NEXT(*given, link);
    if (!*given)
        return fail(STATUS_INTERNAL, "a worker gives image %" PRId64 " back, which it has not got", image);
    STAILQ_REMOVE(&d->given[worker], *given, held_entry, link);
    d->held[worker]--;
    d->in_flight--;
    return STATUS_OK;
}

static enum status take_question(struct delegation *d, const MPI_Status *status)
{
    const int worker = status->MPI_SOURCE - d->options.first_worker;
    struct question *question = &d->questions[worker];
    TRY(mpi_receive(&question->row, sizeof question->row, status->MPI_SOURCE, MESSAGE_ASK, d->options.comm));
    question->since = now();
    question->entry = STAILQ_FIRST(&d->given[worker]);
    while (question->entry && question->entry->id != question->row.id)
        question->entry = STAILQ_NEXT(question->entry, link);
    if (!question->entry)
        return fail(STATUS_INTERNAL, "a worker asks for image %" PRId64 ", which it has not got", question->row.id);
    question->entry->read = true;
    d->question_count++;
    return STATUS_OK;
}

// The first that is asked for of those that may be answered: those before it are read, or have had their time (as prefetch.h has it).
static int choose_question(const struct delegation *d)
{
    static const double patience = 2; // seconds
    int64_t unread = INT64_MAX;
    int first = -1;
    bool late = d->stopping;
    for (int w = 0; w < d->options.workers; w++) {
        const struct question *question = &d->questions[w];
        const struct held_entry *given;
        STAILQ_FOREACH(given, &d->given[w], link)
        unread = !given->read && given->place < unread ? given->place : unread;
        if (question->entry && (first < 0 || question->entry->place < d->questions[first].entry->place))
            first = w;
        late = late || (question->entry && now() - question->since > patience);
    }
    return first >= 0 && (late || d->questions[first].entry->place < unread) ? first : -1;
}

// Those that were handed out before this one are waited for no more.
static void pass(struct delegation *d, const struct held_entry *entry)
{
    for (int w = 0; w < d->options.workers; w++) {
        struct held_entry *given;
        STAILQ_FOREACH(given, &d->given[w], link)
        given->read = given->read || given->place < entry->place;
    }
}

// The answers that can be given.
static enum status answer(struct delegation *d, bool *found)
{
    for (int worker; d->question_count > 0 && (worker = choose_question(d)) >= 0;) {
        struct question *question = &d->questions[worker];
        struct held_entry *given = question->entry;
        struct task *task = task_create();
        struct answer *answer;
        pass(d, given);
        TRY(task ? STATUS_OK : no_memory("for another image"));
        task->record = question->row;
        snprintf(task->name, sizeof task->name, "%s", given->texts + strlen(given->texts) + 1);
        TRY(d->stopping || !d->options.same ? STATUS_OK : same_images_see(d->options.same, &task));
        TRY(ALLOCATE(answer, 1, "for an answer"));
        *answer = (struct answer){.image = given->id, .dream = task != NULL};
        question->entry = NULL;
        d->question_count--;
        if (!task) {
            TRY(take_out(d, worker, answer->image, &given));
            free(given);
        }
        task_destroy(&task);
        *found = true;
        TRY(pending_sends_add(&d->sends, answer, sizeof *answer, MPI_BYTE, d->options.first_worker + worker, MESSAGE_ANSWER,
                              d->options.comm));
    }
    return STATUS_OK;
}

static enum status take_rows(struct delegation *d, const MPI_Status *status)
{
    struct task *task = task_create();
    struct held_entry *given = NULL;
    char *bytes = NULL;
    int size = 0;
    enum status rc;
    TRY_OUT(mpi_check(MPI_Get_count(status, MPI_BYTE, &size), "count"));
    TRY_OUT(task ? STATUS_OK : no_memory("for the rows of an image"));
    TRY_OUT(ALLOCATE(bytes, size, "for the rows of an image"));
    TRY_OUT(mpi_receive(bytes, (size_t)size, status->MPI_SOURCE, MESSAGE_ROWS, d->options.comm));
    TRY_OUT(rows_unpack(task, d->options.header, bytes, (size_t)size));
    TRY_OUT(take_out(d, status->MPI_SOURCE - d->options.first_worker, task->record.id, &given));
    d->stopping = d->stopping || task->record.status == IMAGE_STOPPED; // the signal reached the worker alone
    rc = d->options.ended(d->options.context, task);
    task = NULL;
out:
    task_destroy(&task);
    free(given);
    free(bytes);
    return rc;
}

static enum status take_returned(struct delegation *d, const MPI_Status *status)
{
    struct held_entry *given;
    struct returned returned;
    TRY(mpi_receive(&returned, sizeof returned, status->MPI_SOURCE, MESSAGE_RETURNED, d->options.comm));
    d->stopping = d->stopping || returned.stopping;
    if (returned.image < 0)
        return STATUS_OK;
    TRY(take_out(d, status->MPI_SOURCE - d->options.first_worker, returned.image, &given));
    STAILQ_INSERT_TAIL(&d->returned, given, link);
    d->returned_count++;
    return STATUS_OK;
}

static enum status collect(struct delegation *d, bool *found)
{
    static const struct {
        int tag;
        enum status (*take)(struct delegation *d, const MPI_Status *status);
    } kinds[] = {{MESSAGE_ASK, take_question}, {MESSAGE_ROWS, take_rows}, {MESSAGE_RETURNED, take_returned}};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        for (bool there = true; there;) {
            MPI_Status status;
            TRY(mpi_probe(d->options.comm, MPI_ANY_SOURCE, kinds[i].tag, &there, &status));
            if (there)
                TRY(kinds[i].take(d, &status));
            *found = *found || there;
        }
    return STATUS_OK;
}

static enum status give(struct delegation *d, int worker, const struct intake_entry *entry)
{
    struct intake_entry *order;
    struct held_entry *given = intake_hold(entry);
    TRY(given ? STATUS_OK : no_memory("for another image"));
    STAILQ_INSERT_HEAD(&d->given[worker], given, link);
    given->place = d->given_count++;
    d->held[worker]++;
    d->in_flight++;
    TRY(ALLOCATE(order, 1, "for another image"));
    *order = *entry;
    const size_t bytes = offsetof(struct intake_entry, source) + strlen(entry->source) + 1;
    return pending_sends_add(&d->sends, order, (int)bytes, MPI_BYTE, d->options.first_worker + worker, MESSAGE_READ, d->options.comm);
}

// In turn, so that all get one before any gets its second; -1: none has room.
static int choose_worker(struct delegation *d)
{
    const int workers = d->options.workers;
    for (int held = 0; held < DELEGATED_MAX; held++)
        for (int i = 0; i < workers; i++)
            if (d->held[(d->next + i) % workers] == held) {
                const int worker = (d->next + i) % workers;
                d->next = (worker + 1) % workers;
                return worker;
            }
    return -1;
}

static enum status hand_out(struct delegation *d, bool *found)
{
    while (!d->all_given && d->in_flight < DELEGATED_MAX * d->options.workers) {
        struct intake_entry entry;
        bool given;
        TRY(d->options.next(d->options.context, &entry, &given, &d->all_given));
        if (!given)
            break;
        TRY(give(d, choose_worker(d), &entry));
        *found = true;
    }
    return STATUS_OK;
}

enum status delegation_turn(struct delegation *d, bool *found)
{
    TRY(pending_sends_progress(&d->sends));
    TRY(collect(d, found));
    TRY(answer(d, found));
    return d->stopping ? STATUS_OK : hand_out(d, found);
}

bool delegation_is_over(const struct delegation *d)
{
    return (d->all_given || d->stopping) && d->in_flight == 0;
}

bool delegation_is_complete(const struct delegation *d)
{
    return d->all_given && d->in_flight == 0 && d->returned_count == 0;
}

bool delegation_take_back(struct delegation *d, struct intake_entry *entry)
{
    struct held_entry *given = STAILQ_FIRST(&d->returned);
    if (!given)
        return false;
    STAILQ_REMOVE_HEAD(&d->returned, link);
    d->returned_count--;
    intake_release(given, entry);
    return true;
}

enum status delegation_create(struct delegation **delegation, const struct delegation_options *options)
{
    enum status rc;
    TRY(ALLOCATE(*delegation, 1, "for %d workers", options->workers));
    struct delegation *d = *delegation;
    d->options = *options;
    STAILQ_INIT(&d->returned);
    TRY_OUT(ALLOCATE(d->given, options->workers, "for %d workers", options->workers));
    TRY_OUT(ALLOCATE(d->held, options->workers, "for %d workers", options->workers));
    TRY_OUT(ALLOCATE(d->questions, options->workers, "for %d workers", options->workers));
    for (int w = 0; w < options->workers; w++)
        STAILQ_INIT(&d->given[w]);
out:
    if (rc != STATUS_OK)
        delegation_destroy(delegation);
    return rc;
}

static void drop(struct held_entries *list)
{
    for (struct held_entry *held; (held = STAILQ_FIRST(list));) {
        STAILQ_REMOVE_HEAD(list, link);
        free(held);
    }
}

void delegation_destroy(struct delegation **delegation)
{
    struct delegation *d = *delegation;
    if (!d)
        return;
    pending_sends_destroy(&d->sends);
    for (int w = 0; d->given && w < d->options.workers; w++)
        drop(&d->given[w]);
    drop(&d->returned);
    free(d->given);
    free(d->held);
    free(d->questions);
    free(d);
    *delegation = NULL;
}
