// SPDX-License-Identifier: MIT
// Messages between real ranks, at any number of them.
#include "common/wire/messages.h"
#include "kernels/network/parameters.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/wire/agreement.h"
#include "job/shared_weights.h"
#include "unit.h"
#include "weights/model_fetch.h"

static MPI_Comm comm;
static int rank, size;

static double seconds(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

// Values in a plane, and from one plane's first to the next one's: a band of rows, all rows, one value; small and large messages.
static const struct rows_case {
    size_t count, stride;
} rows_cases[] = {{1, 1}, {7, 1000}, {1000 * 1001, 1000 * 1001}, {1000 * 333, 1000 * 1001}};
enum { ROWS_CASES = sizeof rows_cases / sizeof rows_cases[0] };

static const float GAP = -1;

static float value_of(int from, size_t plane, size_t i)
{
    return (float)((size_t)from * 1000000 + plane * 300000 + i % 299993);
}

// Three planes, GAP between them; filled by rank `from`, or GAP everywhere for -1.
static float *make_planes(const struct rows_case *rows, int from)
{
    float *values = malloc(3 * rows->stride * sizeof *values);
    CU_ASSERT_PTR_NOT_NULL_FATAL(values);
    for (size_t i = 0; i < 3 * rows->stride; i++)
        values[i] = from >= 0 && i % rows->stride < rows->count ? value_of(from, i / rows->stride, i % rows->stride) : GAP;
    return values;
}

static void check_planes(const float *values, const struct rows_case *rows, int from)
{
    float *expected = make_planes(rows, from);
    CU_ASSERT(memcmp(values, expected, 3 * rows->stride * sizeof *values) == 0);
    free(expected);
}

// Every rank sends to the next and receives from the one before. Alone with itself it can't wait for both: the other end of each call is
// the same values without gaps.
static void test_ring(void)
{
    const int next = (rank + 1) % size, before = (rank + size - 1) % size;
    for (int k = 0; k < ROWS_CASES; k++) {
        const struct rows_case *rows = &rows_cases[k], dense = {rows->count, rows->count};
        float *out = make_planes(rows, rank), *in = make_planes(rows, -1);
        float *dense_out = make_planes(&dense, rank), *dense_in = make_planes(&dense, -1);
        MPI_Request request;
        UNIT_OK(mpi_check(MPI_Irecv(dense_in, 3 * (int)rows->count, MPI_FLOAT, before, 1, comm, &request), "receive"));
        UNIT_OK(mpi_send_rows(out, rows->count, rows->stride, next, 1, comm));
        UNIT_OK(mpi_wait_moving(&request));
        check_planes(dense_in, &dense, before);
        UNIT_OK(mpi_check(MPI_Isend(dense_out, 3 * (int)rows->count, MPI_FLOAT, next, 1, comm, &request), "send"));
        UNIT_OK(mpi_receive_rows(in, rows->count, rows->stride, before, 1, comm));
        UNIT_OK(mpi_wait_moving(&request));
        check_planes(in, rows, before);
        check_planes(out, rows, rank);
        free(dense_in);
        free(dense_out);
        free(in);
        free(out);
    }
}

// Rank 0's rows go round, and lie differently on every second rank.
static void test_rows_at_both_ends(void)
{
    if (size == 1)
        return;
    for (int k = 0; k < ROWS_CASES; k++) {
        const struct rows_case rows = {rows_cases[k].count, rows_cases[k].stride + (size_t)(rank % 2) * 10};
        float *values = make_planes(&rows, rank == 0 ? 0 : -1);
        if (rank > 0)
            UNIT_OK(mpi_receive_rows(values, rows.count, rows.stride, rank - 1, 6, comm));
        UNIT_OK(mpi_send_rows(values, rows.count, rows.stride, (rank + 1) % size, 6, comm));
        if (rank == 0) {
            for (size_t i = 0; i < 3 * rows.stride; i++)
                values[i] = GAP;
            UNIT_OK(mpi_receive_rows(values, rows.count, rows.stride, size - 1, 6, comm));
        }
        check_planes(values, &rows, 0);
        free(values);
    }
}

static void test_wrong_size(void)
{
    const char sent[24] = "1234567";
    char received[17] = "";
    MPI_Request request;
    for (size_t length = 8; length <= 24; length += 16) { // 16 belong there
        UNIT_OK(mpi_check(MPI_Isend(sent, (int)length, MPI_BYTE, rank, 2, comm, &request), "send"));
        received[16] = 'x';
        CU_ASSERT_EQUAL(mpi_receive(received, 16, rank, 2, comm), STATUS_INTERNAL);
        CU_ASSERT_PTR_NOT_NULL(
            strstr(status_message(), length < 16 ? "a message with tag 2 is shorter than the 16 items that belong there" : "MPI: "));
        CU_ASSERT_EQUAL(received[16], 'x');
        UNIT_OK(mpi_wait(&request));
    }
}

static void test_rows_of_wrong_size(void)
{
    static const struct rows_case expected = {5, 9};
    static const int wrong[] = {3, 4, 12, 14, 16, 30}; // values; 15 belong there
    float sent[30] = {0};
    for (size_t k = 0; k < sizeof wrong / sizeof wrong[0]; k++) {
        float *values = make_planes(&expected, -1);
        MPI_Request request;
        UNIT_OK(mpi_check(MPI_Isend(sent, wrong[k], MPI_FLOAT, rank, 7, comm, &request), "send"));
        CU_ASSERT_EQUAL(mpi_receive_rows(values, expected.count, expected.stride, rank, 7, comm), STATUS_INTERNAL);
        for (size_t i = 0; i < 3 * expected.stride; i++)
            CU_ASSERT(i % expected.stride < expected.count || values[i] == GAP);
        UNIT_OK(mpi_wait(&request));
        free(values);
    }
    CU_ASSERT_EQUAL(mpi_send_rows(sent, (size_t)INT_MAX + 1, (size_t)INT_MAX + 1, rank, 7, comm), STATUS_LIMIT);
    CU_ASSERT_EQUAL(mpi_receive_rows(sent, (size_t)INT_MAX + 1, (size_t)INT_MAX + 1, rank, 7, comm), STATUS_LIMIT);
}

static void test_no_rows(void)
{
    const int next = (rank + 1) % size, before = (rank + size - 1) % size;
    bool there = true;
    MPI_Status status;
    UNIT_OK(mpi_send_rows(NULL, 0, 1000, next, 8, comm));
    UNIT_OK(mpi_receive_rows(NULL, 0, 1000, before, 8, comm)); // does not wait
    UNIT_OK(mpi_check(MPI_Barrier(comm), "barrier"));
    UNIT_OK(mpi_probe(comm, before, 8, &there, &status));
    CU_ASSERT_FALSE(there);
}

// A message of any size up to the room for it.
static void test_some(void)
{
    const char text[] = "of any size";
    char found[64] = "";
    size_t got = 0;
    MPI_Request request;
    for (size_t bytes = 0; bytes <= sizeof text; bytes += 4) {
        CU_ASSERT_EQUAL(MPI_Isend(text, (int)bytes, MPI_BYTE, (rank + 1) % size, 7, comm, &request), MPI_SUCCESS);
        UNIT_OK(mpi_receive_some(found, sizeof found, &got, (rank + size - 1) % size, 7, comm));
        UNIT_OK(mpi_wait(&request));
        CU_ASSERT_EQUAL(got, bytes);
        CU_ASSERT(memcmp(found, text, bytes) == 0);
    }
    CU_ASSERT_EQUAL(MPI_Isend(text, sizeof text, MPI_BYTE, (rank + 1) % size, 7, comm, &request), MPI_SUCCESS);
    CU_ASSERT_EQUAL(mpi_receive_some(found, 4, &got, (rank + size - 1) % size, 7, comm), STATUS_INTERNAL); // more than there is room for
    UNIT_OK(mpi_wait(&request));
}

static void test_probe(void)
{
    const char nothing = 0;
    char received;
    bool there = true;
    MPI_Status status;
    MPI_Request request;
    UNIT_OK(mpi_probe(comm, rank, 3, &there, &status));
    CU_ASSERT_FALSE(there);
    UNIT_OK(mpi_check(MPI_Isend(&nothing, 1, MPI_BYTE, rank, 3, comm, &request), "send"));
    for (int i = 0; i < 1000 && !there; i++)
        UNIT_OK(mpi_probe(comm, rank, 3, &there, &status));
    CU_ASSERT_TRUE(there);
    UNIT_OK(mpi_receive(&received, 1, rank, 3, comm));
    UNIT_OK(mpi_wait(&request));
}

// A wait of a second and a half takes 2% of a core, or a little more where others want it, too; a spinning one takes all that it gets.
static void test_waiting_does_not_spin(void)
{
    char received;
    if (size == 1)
        return; // nobody to wait for; the worker thread of a lone process is tested with the program itself
    if (rank == size - 1) {
        for (int from = 0; from < size - 1; from++)
            UNIT_OK(mpi_receive(&received, 1, from, 5, comm)); // it will wait now
        nanosleep(&(struct timespec){.tv_sec = 1, .tv_nsec = 500000000}, NULL);
        for (int to = 0; to < size - 1; to++)
            UNIT_OK(mpi_send("x", 1, to, 4, comm));
        return;
    }
    UNIT_OK(mpi_send("x", 1, size - 1, 5, comm));
    const double wall = seconds(CLOCK_MONOTONIC), cpu = seconds(CLOCK_THREAD_CPUTIME_ID);
    UNIT_OK(mpi_receive(&received, 1, size - 1, 4, comm));
    const double waited = seconds(CLOCK_MONOTONIC) - wall, used = seconds(CLOCK_THREAD_CPUTIME_ID) - cpu;
    CU_ASSERT_TRUE(waited > 0.5);
    CU_ASSERT_TRUE(used < 0.08 * waited);
    if (used >= 0.08 * waited)
        printf("rank %d used %.3f s in %.3f s\n", rank, used, waited);
}

static void test_shared_weights(void)
{
    const struct network *network = network_inception_v3();
    struct launch launch = {.comm = comm, .rank = rank, .size = size};
    struct shared_weights shared;
    char path[FILE_PATH_MAX];
    double sum = 0, least, most;
    UNIT_OK(model_default_path(path));
    UNIT_OK(shared_weights_create(&shared, &launch, rank == 0 ? path : "only rank 0 reads"));
    const float *weights = shared.array;
    const size_t count = parameters_count(network);
    for (size_t i = 0; i < count; i++)
        sum += weights[i] * (double)(i % 7 + 1);
    UNIT_OK(mpi_check(MPI_Allreduce(&sum, &least, 1, MPI_DOUBLE, MPI_MIN, comm), "reduce"));
    UNIT_OK(mpi_check(MPI_Allreduce(&sum, &most, 1, MPI_DOUBLE, MPI_MAX, comm), "reduce"));
    CU_ASSERT_TRUE(least == most && sum != 0);
    CU_ASSERT_EQUAL(strlen(shared.info.md5), 32);
    shared_weights_destroy(&shared);
}

static void test_missing_weights(void)
{
    struct launch launch = {.comm = comm, .rank = rank, .size = size};
    struct shared_weights shared;
    CU_ASSERT_NOT_EQUAL(shared_weights_create(&shared, &launch, rank == 0 ? "/no/such/weights.h5" : ""), STATUS_OK);
    CU_ASSERT_PTR_NOT_NULL(strstr(status_message(), "/no/such/weights.h5")); // rank 0's message, everywhere
    CU_ASSERT(launch.agreed);
    shared_weights_destroy(&shared);
}

// Whichever ranks fail, all hear the first of them.
static void test_agreement(void)
{
    for (int first = 0; first <= size; first++) {
        char expected[64];
        bool agreed = true;
        snprintf(expected, sizeof expected, "rank %d has no room", first);
        const enum status mine = rank >= first ? fail(STATUS_LIMIT, "rank %d has no room", rank) : STATUS_OK;
        const enum status rc = agreement(comm, mine, &agreed);
        CU_ASSERT_EQUAL(rc, first < size ? STATUS_LIMIT : STATUS_OK);
        CU_ASSERT_EQUAL(agreed, first < size);
        if (first < size)
            CU_ASSERT_STRING_EQUAL(status_message(), expected);
    }
}

// A text that one rank has, or that it has not, is everybody's.
static void test_shared_text(void)
{
    struct launch launch = {.comm = comm, .rank = rank, .size = size};
    char own[] = "a plan", *text = rank == size - 1 ? own : NULL, *none = NULL;
    UNIT_OK(launch_share_text(&launch, size - 1, &text));
    CU_ASSERT_STRING_EQUAL(text, "a plan");
    if (text != own)
        free(text);
    UNIT_OK(launch_share_text(&launch, 0, &none));
    CU_ASSERT_PTR_NULL(none);
}

static const struct unit_test tests[] = {
    {"a ring of rows", test_ring},
    {"rows at both ends", test_rows_at_both_ends},
    {"a message of the wrong size is refused", test_wrong_size},
    {"rows of the wrong size are refused", test_rows_of_wrong_size},
    {"no rows, no message", test_no_rows},
    {"of any size", test_some},
    {"probe", test_probe},
    {"waiting does not spin", test_waiting_does_not_spin},
    {"weights are the same on all ranks", test_shared_weights},
    {"missing weights fail on all ranks alike", test_missing_weights},
    {"what fails on one rank, all know", test_agreement},
    {"a text of one rank", test_shared_text},
};

int main(int argc, char **argv)
{
    int failed = 1;
    if (MPI_Init(&argc, &argv) == MPI_SUCCESS && mpi_errors_return() == STATUS_OK && MPI_Comm_dup(MPI_COMM_WORLD, &comm) == MPI_SUCCESS &&
        MPI_Comm_rank(comm, &rank) == MPI_SUCCESS && MPI_Comm_size(comm, &size) == MPI_SUCCESS)
        failed = unit_run("messages", tests, sizeof tests / sizeof tests[0]);
    MPI_Finalize();
    return failed;
}
