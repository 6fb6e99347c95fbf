// SPDX-License-Identifier: MIT
// Parts of arrays on their way from members to the coordinator, which puts them together in whatever order they come, while the members go
// on. Rank 0 is the coordinator, all others are members; a rank alone is both.
#include "worker/team/outbox.h"

#include <time.h>

#include "coordinator/results/array_assembly.h"
#include "naive.h"
#include "ranks.h"

enum { IMAGE = 41, NOTE = 999, CHANNELS = 288, FRAMES = 6 };

static int member_count(void)
{
    return ranks.size > 1 ? ranks.size - 1 : 1;
}

// This rank's number as a member; -1: it is none.
static int member_number(void)
{
    return ranks.size > 1 ? ranks.rank - 1 : 0;
}

static float value_of(const struct array_part *part, int c, int y, int x)
{
    return (float)(part->kind * 7 + part->frame * 13 + part->target * 101 + c * 1009 + y * 31 + x % 29);
}

static float *part_values(const struct array_part *part)
{
    float *values = malloc(naive_count(part->channels, part->rows, part->columns) * sizeof *values + 1), *to = values;
    CU_ASSERT_PTR_NOT_NULL_FATAL(values);
    for (int c = 0; c < part->channels; c++)
        for (int y = part->y; y < part->y + part->rows; y++)
            for (int x = part->x; x < part->x + part->columns; x++)
                *to++ = value_of(part, c, y, x);
    return values;
}

static void check_whole(const struct array *array)
{
    const struct array_part *part = &array->part;
    int wrong = 0;
    CU_ASSERT(part->image == IMAGE && part->y == 0 && part->x == 0 && part->rows == part->height && part->columns == part->width);
    float *expected = part_values(part);
    for (size_t i = 0; i < naive_count(part->channels, part->height, part->width); i++)
        wrong += array->values[i] != expected[i];
    CU_ASSERT_EQUAL(wrong, 0);
    free(expected);
}

// The rows of a frame that a member has.
static struct array_part frame_part(int frame, int height, int width, int member)
{
    const struct span rows = tiling_rows(height, member_count(), member);
    return (struct array_part){.image = IMAGE,
                               .kind = ARRAY_FRAME,
                               .target = -1,
                               .frame = frame,
                               .octave = frame / 2,
                               .step = frame % 2,
                               .channels = 3,
                               .height = height,
                               .width = width,
                               .y = rows.begin,
                               .rows = rows.end - rows.begin,
                               .columns = width};
}

// Of the frames only some bands are there, so that a member may have none.
static int frame_height(int frame)
{
    return 16 * (1 + frame) + 5;
}

static void send_part(struct outbox *outbox, const struct array_part *part)
{
    TOGETHER(outbox_send(outbox, part, part_values(part)));
}

// As a dream sends them, more than fit into the outbox at once.
static void send_all(struct outbox *outbox, int member)
{
    for (int frame = 0; frame < FRAMES; frame++) {
        const struct array_part part = frame_part(frame, frame_height(frame), 70 + frame, member);
        const struct array_part heat = {.image = IMAGE,
                                        .kind = ARRAY_HEAT,
                                        .target = -1,
                                        .frame = frame,
                                        .channels = 1,
                                        .height = 9,
                                        .width = 8,
                                        .rows = 9,
                                        .columns = 8,
                                        .grid = {.width = 8, .height = 9, .dy = -3},
                                        .facts = {0.5, 0, 2}};
        if (member == 0)
            send_part(outbox, &heat);
        send_part(outbox, &part);
    }
    if (member == 0)
        for (int t = 0; t < 2; t++)
            send_part(outbox, &(struct array_part){.image = IMAGE,
                                                   .kind = ARRAY_IMPORTANCE,
                                                   .target = t,
                                                   .frame = -1,
                                                   .channels = CHANNELS,
                                                   .height = 1,
                                                   .width = 1,
                                                   .rows = 1,
                                                   .columns = 1});
}

// A part that is on its way from a rank, into its place.
static enum status receive_part(struct arrays *arrays, int rank, struct array *whole)
{
    struct array_part part;
    float *values;
    const enum status rc = arrays_receive(ranks.comm, rank, &part, &values);
    *whole = (struct array){0};
    return rc == STATUS_OK ? arrays_add(arrays, IMAGE, &part, values, whole) : rc;
}

// Receives until `expected` arrays are whole, each time from whichever rank the dice show, if it has something.
static void receive_all(struct arrays *arrays, int expected, void (*check)(const struct array *))
{
    uint32_t dice = (uint32_t)ranks.size;
    unsigned idle = 0;
    while (expected > 0) {
        const int rank = (int)(naive_next(&dice) % (uint32_t)ranks.size);
        struct array whole;
        bool there;
        MPI_Status status;
        TOGETHER(mpi_probe(ranks.comm, rank, MESSAGE_ARRAY, &there, &status));
        if (!there) {
            if (naive_next(&dice) % 64 == 0)
                mpi_idle(&idle);
            continue;
        }
        idle = 0;
        TOGETHER(receive_part(arrays, rank, &whole));
        if (whole.values) {
            check(&whole);
            free(whole.values);
            expected--;
        }
    }
    CU_ASSERT_PTR_NULL(arrays->first);
}

static int seen[3][FRAMES + 1]; // by kind and number

static void check_array(const struct array *array)
{
    const struct array_part *part = &array->part;
    const int number = part->kind == ARRAY_IMPORTANCE ? part->target : part->frame;
    CU_ASSERT_FATAL(part->kind >= 0 && part->kind <= ARRAY_IMPORTANCE && number >= 0 && number < FRAMES);
    seen[part->kind][number]++;
    check_whole(array);
    if (part->kind == ARRAY_FRAME)
        CU_ASSERT(part->octave == number / 2 && part->step == number % 2 && part->height == frame_height(number));
    if (part->kind == ARRAY_HEAT)
        CU_ASSERT(part->grid.dy == -3 && part->facts[0] == 0.5 && part->facts[2] == 2);
}

static int64_t sum_over_ranks(int64_t mine)
{
    int64_t sum = 0;
    TOGETHER(mpi_check(MPI_Allreduce(&mine, &sum, 1, MPI_INT64_T, MPI_SUM, ranks.comm), "sum"));
    return sum;
}

// A rank alone sends no more than the outbox holds before it receives, or it would wait for itself.
static void test_put_together(void)
{
    struct outbox outbox = {.comm = ranks.comm};
    struct arrays arrays = {0};
    memset(seen, 0, sizeof seen);
    if (ranks.size == 1) {
        for (int frame = 0; frame < FRAMES; frame++) {
            const struct array_part part = frame_part(frame, frame_height(frame), 70, 0);
            send_part(&outbox, &part);
            receive_all(&arrays, 1, check_array);
        }
        CU_ASSERT_EQUAL(arrays.received, FRAMES);
    } else if (ranks.rank == COORDINATOR_RANK) {
        receive_all(&arrays, 2 * FRAMES + 2, check_array);
        for (int frame = 0; frame < FRAMES; frame++)
            CU_ASSERT(seen[ARRAY_FRAME][frame] == 1 && seen[ARRAY_HEAT][frame] == 1);
        CU_ASSERT(seen[ARRAY_IMPORTANCE][0] == 1 && seen[ARRAY_IMPORTANCE][1] == 1);
    } else {
        send_all(&outbox, member_number());
    }
    TOGETHER(outbox_flush(&outbox));
    CU_ASSERT_EQUAL(outbox.sends.count, 0);
    CU_ASSERT_EQUAL(sum_over_ranks(outbox.sent), sum_over_ranks(arrays.received));
    arrays_destroy(&arrays);
}

enum { FRAMES_AT_ONCE = OUTBOX_MAX / 2 };       // two messages each
enum { LARGE_HEIGHT = 800, LARGE_WIDTH = 900 }; // 8.6 MB a frame

static void check_large(const struct array *array)
{
    seen[0][array->part.frame]++;
    check_whole(array);
}

// The coordinator is busy elsewhere until every member says that it has gone on; and then receives what has been waiting.
static void test_members_go_on(void)
{
    struct outbox outbox = {.comm = ranks.comm};
    struct arrays arrays = {0};
    memset(seen, 0, sizeof seen);
    if (member_number() >= 0) {
        for (int frame = 0; frame < FRAMES_AT_ONCE; frame++) {
            const struct array_part part = frame_part(frame, LARGE_HEIGHT, LARGE_WIDTH, member_number());
            send_part(&outbox, &part);
        }
        CU_ASSERT(outbox.sends.count >= FRAMES_AT_ONCE); // none has been asked for, though what tells of one may have arrived
        TOGETHER(outbox_progress(&outbox));
        CU_ASSERT(outbox.sends.count > 0);
    }
    if (ranks.size > 1 && ranks.rank != COORDINATOR_RANK)
        TOGETHER(mpi_send("", 1, COORDINATOR_RANK, NOTE, ranks.comm));
    if (ranks.rank == COORDINATOR_RANK) {
        char note;
        for (int r = 1; r < ranks.size; r++)
            TOGETHER(mpi_receive(&note, 1, r, NOTE, ranks.comm));
        receive_all(&arrays, FRAMES_AT_ONCE, check_large);
        for (int frame = 0; frame < FRAMES_AT_ONCE; frame++)
            CU_ASSERT_EQUAL(seen[0][frame], 1);
        CU_ASSERT_EQUAL(arrays.received, FRAMES_AT_ONCE * member_count());
    }
    TOGETHER(outbox_flush(&outbox));
    CU_ASSERT_EQUAL(outbox.sends.count, 0);
    arrays_destroy(&arrays);
}

// Reports between parts: each arrives, in the order in which it was sent, and none counts as a part.
static void test_reports(void)
{
    enum { REPORTS = 3 * OUTBOX_MAX };
    struct outbox outbox = {.comm = ranks.comm};
    struct arrays arrays = {0};
    int received[64] = {0}, left = REPORTS * member_count(), parts = OUTBOX_MAX / 4 * member_count();
    TOGETHER(mpi_check(MPI_Barrier(ranks.comm), "barrier")); // nothing of an earlier test is still on its way
    // A rank alone keeps what it has sent within the outbox, and receives it before it sends more.
    const int at_once = ranks.size > 1 ? REPORTS : OUTBOX_MAX / 4;
    for (int done = 0; done < REPORTS; done += at_once) {
        for (int i = 0; member_number() >= 0 && i < at_once; i++) {
            const struct array_part part = frame_part(i, 128, 16, member_number());
            if (done == 0 && i < OUTBOX_MAX / 4)
                send_part(&outbox, &part);
            TOGETHER(outbox_report(&outbox, &(struct report){.kind = REPORT_PART, .part = {.pixels = done + i}}));
        }
        const int wanted = ranks.size > 1 ? 0 : left - at_once;
        while (ranks.rank == COORDINATOR_RANK && (left > wanted || parts > 0)) {
            bool there;
            MPI_Status status;
            struct report report;
            struct array whole;
            TOGETHER(mpi_probe(ranks.comm, MPI_ANY_SOURCE, MESSAGE_ARRAY, &there, &status));
            if (there) {
                TOGETHER(receive_part(&arrays, status.MPI_SOURCE, &whole));
                free(whole.values);
                parts--;
            }
            TOGETHER(mpi_probe(ranks.comm, MPI_ANY_SOURCE, MESSAGE_REPORT, &there, &status));
            if (!there)
                continue;
            TOGETHER(mpi_receive(&report, sizeof report, status.MPI_SOURCE, MESSAGE_REPORT, ranks.comm));
            CU_ASSERT_EQUAL(report.kind, REPORT_PART);
            CU_ASSERT_EQUAL(report.part.pixels, received[status.MPI_SOURCE]++);
            left--;
        }
    }
    TOGETHER(outbox_flush(&outbox));
    CU_ASSERT_EQUAL(outbox.sent, member_number() >= 0 ? OUTBOX_MAX / 4 : 0);
    if (ranks.rank == COORDINATOR_RANK)
        CU_ASSERT_EQUAL(left, 0);
    arrays_destroy(&arrays);
}

static void refuse(struct arrays *arrays, const struct array_part *part)
{
    struct array whole;
    CU_ASSERT_EQUAL(arrays_add(arrays, IMAGE, part, calloc(1, sizeof(float)), &whole), STATUS_INTERNAL);
    CU_ASSERT_PTR_NOT_NULL(strstr(status_message(), "a part of an array does not belong to image 41"));
    CU_ASSERT_PTR_NULL(whole.values);
}

// One after the other to oneself; the values behind a part that lies outside its array are left for the caller.
static void refuse_message(const struct array_part *part)
{
    float none = 0, left, *values;
    struct array_part received;
    MPI_Request requests[2];
    TOGETHER(mpi_check(MPI_Isend(part, sizeof *part, MPI_BYTE, ranks.rank, MESSAGE_ARRAY, ranks.comm, &requests[0]), "send"));
    TOGETHER(mpi_check(MPI_Isend(&none, 1, MPI_FLOAT, ranks.rank, MESSAGE_ARRAY_VALUES, ranks.comm, &requests[1]), "send"));
    CU_ASSERT_EQUAL(arrays_receive(ranks.comm, ranks.rank, &received, &values), STATUS_INTERNAL);
    CU_ASSERT_PTR_NOT_NULL(strstr(status_message(), "sent a part of an array that lies outside it"));
    CU_ASSERT_PTR_NULL(values);
    TOGETHER(mpi_receive_values(&left, 1, ranks.rank, MESSAGE_ARRAY_VALUES, ranks.comm));
    TOGETHER(mpi_wait(&requests[0]));
    TOGETHER(mpi_wait(&requests[1]));
}

static void accept(struct arrays *arrays, const struct array_part *part, struct array *whole)
{
    TOGETHER(arrays_add(arrays, IMAGE, part, part_values(part), whole));
}

static void test_refused(void)
{
    const struct array_part good = {
        .image = IMAGE, .kind = ARRAY_FRAME, .target = -1, .channels = 3, .height = 20, .width = 10, .y = 4, .rows = 6, .columns = 10};
    struct arrays arrays = {0};
    struct array whole;
    struct array_part bad[12];
    for (int i = 0; i < 12; i++)
        bad[i] = good;
    bad[0].image = 42;
    bad[1].y = 15; // beyond the last row
    bad[2].x = 1;
    bad[3].y = -1;
    bad[4].rows = 0;
    bad[5].columns = -10;
    bad[6].channels = 0;
    bad[7].rows = bad[7].height = bad[7].columns = bad[7].width = INT_MAX;
    bad[7].y = 0;
    for (int i = 0; i < 8; i++)
        refuse(&arrays, &bad[i]);
    for (int i = 1; i < 8; i++)
        refuse_message(&bad[i]);
    accept(&arrays, &good, &whole);
    CU_ASSERT_PTR_NULL(whole.values);
    // Of another shape than the part that is there, or more than is missing.
    bad[8].width = 30;
    bad[9].height = 40;
    bad[10].channels = 4;
    bad[11].y = 0;
    bad[11].rows = 15;
    for (int i = 8; i < 12; i++)
        refuse(&arrays, &bad[i]);
    struct array_part rest = good;
    rest.y = 10;
    rest.rows = 10;
    accept(&arrays, &rest, &whole);
    CU_ASSERT_PTR_NULL(whole.values);
    rest.y = 0;
    rest.rows = 4;
    accept(&arrays, &rest, &whole);
    CU_ASSERT_PTR_NOT_NULL_FATAL(whole.values);
    check_whole(&whole);
    free(whole.values);
    CU_ASSERT_EQUAL(arrays.received, 3);
    accept(&arrays, &good, &whole); // begun and left
    arrays_destroy(&arrays);
    CU_ASSERT_PTR_NULL(arrays.first);
}

static const struct unit_test tests[] = {
    {"put together", test_put_together},
    {"members go on", test_members_go_on},
    {"reports", test_reports},
    {"refused", test_refused},
};
RANKS_MAIN("outbox", tests)
