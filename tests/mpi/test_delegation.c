// SPDX-License-Identifier: MIT
// Pictures that rank 0 leaves to workers whole: who gets which, what comes back with its rows, and what comes back undone. Rank 0 is the
// coordinator, all others are workers; a rank alone is both.
#include "coordinator/delegation.h"

#include <stdio.h>

#include "ranks.h"

enum { CHANNELS = 5 };

static const int channels[CONFIG_TARGETS_MAX] = {CHANNELS, 2};

static struct {
    struct delegation *delegation;
    int64_t images, next; // that there are, and that are not given yet
    int ended;
} lead;

static struct pending_sends sends; // a rank alone sends to itself, and may then not wait until it has received

static int worker_count(void)
{
    return ranks.size > 1 ? ranks.size - 1 : 1;
}

static int first_worker(void)
{
    return ranks.size > 1 ? 1 : 0;
}

// -1: this rank is none.
static int worker_number(void)
{
    return ranks.rank - first_worker();
}

static struct intake_entry entry_of(int64_t image)
{
    struct intake_entry entry = {.id = image, .kind = image % 3 ? INTAKE_FILE : INTAKE_URL};
    snprintf(entry.name, sizeof entry.name, "name %d", (int)image);
    snprintf(entry.source, sizeof entry.source, "source %d", (int)image);
    return entry;
}

static enum status next(void *context, struct intake_entry *entry, bool *given, bool *end)
{
    (void)context;
    *given = lead.next < lead.images;
    *end = !*given;
    *entry = entry_of(lead.next);
    lead.next += *given;
    return STATUS_OK;
}

// The rows are those of this image, each in its place.
static enum status ended(void *context, struct task *task)
{
    const int64_t image = task->record.id;
    const struct image_rows *rows = &task->results.rows;
    (void)context;
    lead.ended++;
    CU_ASSERT(task->record.status == IMAGE_DONE && task->record.importance_residual[1] == (double)image / 8);
    CU_ASSERT_FATAL(rows->step_count == 2 && rows->map_count == 1 && rows->value_count == 2);
    CU_ASSERT(rows->steps[1].image == image && rows->steps[1].step == 1 && rows->maps[0].image == image && rows->values[1] == (float)image);
    CU_ASSERT_FATAL(task->results.importance[0] == NULL && task->results.importance[1] != NULL);
    CU_ASSERT(task->results.importance[1][0] == (float)image && task->results.importance[1][1] == -1);
    task_destroy(&task);
    return STATUS_OK;
}

static void create(int64_t images)
{
    static struct config config;
    static struct run_file_header header = {.config = &config, .channels = channels};
    config.targets.count = 2;
    lead.images = images;
    lead.next = lead.ended = 0;
    if (ranks.rank == 0)
        TOGETHER(delegation_create(&lead.delegation, &(struct delegation_options){.comm = ranks.comm,
                                                                                  .first_worker = first_worker(),
                                                                                  .workers = worker_count(),
                                                                                  .header = &header,
                                                                                  .next = next,
                                                                                  .ended = ended}));
}

// Rank 0 goes on until so many images are in flight.
static void lead_until(int in_flight)
{
    bool found = false;
    unsigned idle = 0;
    if (ranks.rank != 0)
        return;
    do {
        TOGETHER(delegation_turn(lead.delegation, &found));
        mpi_pause_moving(&idle);
    } while (lead.delegation->in_flight != in_flight);
}

static void expect_order(int64_t image)
{
    const struct intake_entry entry = entry_of(image);
    struct intake_entry order;
    TOGETHER(delegated_receive(&order, ranks.comm));
    CU_ASSERT(order.id == image && order.kind == entry.kind);
    CU_ASSERT(strcmp(order.name, entry.name) == 0 && strcmp(order.source, entry.source) == 0);
}

static void give_back(int64_t image, bool stopping)
{
    struct returned *returned = calloc(1, sizeof *returned);
    CU_ASSERT_PTR_NOT_NULL_FATAL(returned);
    *returned = (struct returned){.image = image, .stopping = stopping};
    TOGETHER(pending_sends_add(&sends, returned, sizeof *returned, MPI_BYTE, COORDINATOR_RANK, MESSAGE_RETURNED, ranks.comm));
}

static void finish(int64_t image)
{
    struct task *task = task_create();
    const struct cam_row map = {.image = image, .grid = {.width = 2, .height = 1}};
    void *bytes;
    size_t size;
    CU_ASSERT_PTR_NOT_NULL_FATAL(task);
    task->record.id = image;
    task->record.status = IMAGE_DONE;
    task->record.importance_residual[1] = (double)image / 8;
    for (int step = 0; step < 2; step++)
        TOGETHER(image_rows_add_step(&task->results.rows, &(struct step_row){.image = image, .step = step}));
    TOGETHER(image_rows_add_map(&task->results.rows, &map, (const float[]){0, (float)image}));
    task->results.importance[1] = calloc(2, sizeof(float));
    task->results.importance[1][0] = (float)image;
    task->results.importance[1][1] = -1;
    TOGETHER(rows_pack(task, channels, 2, &bytes, &size));
    TOGETHER(pending_sends_add(&sends, bytes, (int)size, MPI_BYTE, COORDINATOR_RANK, MESSAGE_ROWS, ranks.comm));
    task_destroy(&task);
}

static void together(void)
{
    char nothing = 0;
    TOGETHER(pending_sends_wait(&sends, ranks.size > 1 ? 0 : sends.count));
    ranks_share(&nothing, sizeof nothing);
}

// Each worker gets one before any gets its second. Of the first two of each one is done and one comes back.
static void test_to_the_end(void)
{
    const int workers = worker_count(), self = worker_number();
    create((DELEGATED_MAX + 1) * workers);
    lead_until(DELEGATED_MAX * workers);
    together();
    if (self >= 0)
        for (int k = 0; k < DELEGATED_MAX; k++)
            expect_order(self + (int64_t)k * workers);
    if (self >= 0)
        give_back(self, false);
    together(); // all have come back before any is done, so that it is known who gets what then
    if (ranks.rank == 0)
        while (lead.delegation->returned_count < workers)
            lead_until(DELEGATED_MAX * workers);
    together();
    if (self >= 0) {
        struct intake_entry order;
        TOGETHER(delegated_receive(&order, ranks.comm));
        finish(self + workers);
        finish(order.id);
    }
    lead_until(0);
    if (ranks.rank == 0) {
        struct intake_entry entry;
        CU_ASSERT(lead.ended == 2 * workers && delegation_is_over(lead.delegation) && !lead.delegation->stopping);
        CU_ASSERT(!delegation_is_complete(lead.delegation)); // those that came back are to be done yet
        bool seen[64] = {false};
        for (int i = 0; i < workers; i++) {
            CU_ASSERT_FATAL(delegation_take_back(lead.delegation, &entry) && entry.id >= 0 && entry.id < workers);
            const struct intake_entry given = entry_of(entry.id);
            CU_ASSERT(!seen[entry.id] && entry.kind == given.kind && strcmp(entry.name, given.name) == 0 &&
                      strcmp(entry.source, given.source) == 0);
            seen[entry.id] = true;
        }
        CU_ASSERT(!delegation_take_back(lead.delegation, &entry) && delegation_is_complete(lead.delegation));
        delegation_destroy(&lead.delegation);
    }
    together();
}

// A signal that one worker gets: nothing more is handed out, and what is not begun comes back.
static void test_stopping(void)
{
    const int workers = worker_count(), self = worker_number();
    create(INT64_C(100) * workers);
    lead_until(DELEGATED_MAX * workers);
    together();
    if (self >= 0)
        for (int k = 0; k < DELEGATED_MAX; k++)
            expect_order(self + (int64_t)k * workers);
    if (self == workers - 1)
        give_back(-1, true);
    if (ranks.rank == 0)
        do
            lead_until(DELEGATED_MAX * workers);
        while (!lead.delegation->stopping);
    together();
    if (self >= 0) {
        finish(self);
        give_back(self + workers, false);
    }
    lead_until(0);
    if (ranks.rank == 0) {
        CU_ASSERT(lead.ended == workers && lead.next == DELEGATED_MAX * workers && lead.delegation->returned_count == workers);
        CU_ASSERT(delegation_is_over(lead.delegation) && !delegation_is_complete(lead.delegation));
        delegation_destroy(&lead.delegation);
    }
    together();
}

static const struct unit_test tests[] = {
    {"to the end", test_to_the_end},
    {"stopping", test_stopping},
};
RANKS_MAIN("delegation", tests)
