// SPDX-License-Identifier: MIT
// Messages between real ranks, at any number of them.
#include "common/messages.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "model/model_fetch.h"
#include "unit.h"
#include "worker/shared_weights.h"

static MPI_Comm comm;
static int rank, size;

static double seconds(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

// Every rank sends to the next and receives from the one before; MPI_Sendrecv would hide who waits.
static void test_ring(void)
{
    enum { COUNT = 3 * 1000 * 1001 };
    const int next = (rank + 1) % size, before = (rank + size - 1) % size;
    float *out = malloc(COUNT * sizeof *out), *in = calloc(COUNT, sizeof *in);
    MPI_Request request;
    CU_ASSERT_FATAL(out != NULL && in != NULL);
    for (int i = 0; i < COUNT; i++)
        out[i] = (float)(i % 1000 + 1000 * rank);
    UNIT_OK(mpi_check(MPI_Isend(out, COUNT, MPI_FLOAT, next, 1, comm, &request), "send"));
    UNIT_OK(mpi_receive_floats(in, COUNT, before, 1, comm));
    UNIT_OK(mpi_wait(&request));
    int wrong = 0;
    for (int i = 0; i < COUNT; i++)
        wrong += in[i] != (float)(i % 1000 + 1000 * before);
    CU_ASSERT_EQUAL(wrong, 0);
    free(out);
    free(in);
}

static void test_wrong_size(void)
{
    const char sent[8] = "1234567";
    char received[16];
    MPI_Request request;
    UNIT_OK(mpi_check(MPI_Isend(sent, sizeof sent, MPI_BYTE, rank, 2, comm, &request), "send"));
    CU_ASSERT_EQUAL(mpi_receive(received, sizeof received, rank, 2, comm), STATUS_INTERNAL);
    CU_ASSERT_PTR_NOT_NULL(strstr(status_message(), "has 8 items where 16 belong"));
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

// A wait of a second and a half costs under 3% of a core.
static void test_waiting_does_not_spin(void)
{
    char received;
    if (size == 1)
        return; // nobody to wait for; the worker thread of a lone process is tested with the program itself
    if (rank == size - 1) {
        nanosleep(&(struct timespec){.tv_sec = 1, .tv_nsec = 500000000}, NULL);
        for (int to = 0; to < size - 1; to++)
            UNIT_OK(mpi_send("x", 1, to, 4, comm));
        return;
    }
    const double wall = seconds(CLOCK_MONOTONIC), cpu = seconds(CLOCK_THREAD_CPUTIME_ID);
    UNIT_OK(mpi_receive(&received, 1, size - 1, 4, comm));
    const double waited = seconds(CLOCK_MONOTONIC) - wall, used = seconds(CLOCK_THREAD_CPUTIME_ID) - cpu;
    CU_ASSERT_TRUE(waited > 0.5);
    CU_ASSERT_TRUE(used < 0.03 * waited);
    if (used >= 0.03 * waited)
        printf("rank %d used %.3f s in %.3f s\n", rank, used, waited);
}

static void test_shared_weights(void)
{
    const struct network *network = network_inception_v3();
    struct shared_weights *shared;
    char path[FILE_PATH_MAX];
    double sum = 0, least, most;
    UNIT_OK(model_default_path(path));
    UNIT_OK(shared_weights_create(&shared, comm, rank == 0 ? path : "only rank 0 reads"));
    const float *weights = shared_weights_array(shared);
    const size_t count = weights_count(network);
    for (size_t i = 0; i < count; i++)
        sum += weights[i] * (double)(i % 7 + 1);
    UNIT_OK(mpi_check(MPI_Allreduce(&sum, &least, 1, MPI_DOUBLE, MPI_MIN, comm), "reduce"));
    UNIT_OK(mpi_check(MPI_Allreduce(&sum, &most, 1, MPI_DOUBLE, MPI_MAX, comm), "reduce"));
    CU_ASSERT_TRUE(least == most && sum != 0);
    CU_ASSERT_EQUAL(strlen(shared_weights_info(shared)->md5), 32);
    shared_weights_destroy(&shared);
    CU_ASSERT_PTR_NULL(shared);
}

static void test_missing_weights(void)
{
    struct shared_weights *shared;
    CU_ASSERT_NOT_EQUAL(shared_weights_create(&shared, comm, rank == 0 ? "/no/such/weights.h5" : ""), STATUS_OK);
    CU_ASSERT_PTR_NOT_NULL(strstr(status_message(), "/no/such/weights.h5")); // rank 0's message, everywhere
    shared_weights_destroy(&shared);
}

static const struct unit_test tests[] = {
    {"a ring of large messages", test_ring},
    {"a message of the wrong size is refused", test_wrong_size},
    {"probe", test_probe},
    {"waiting does not spin", test_waiting_does_not_spin},
    {"weights are the same on all ranks", test_shared_weights},
    {"missing weights fail on all ranks alike", test_missing_weights},
};

int main(int argc, char **argv)
{
    int failed = 1;
    if (MPI_Init(&argc, &argv) == MPI_SUCCESS && MPI_Comm_dup(MPI_COMM_WORLD, &comm) == MPI_SUCCESS &&
        MPI_Comm_set_errhandler(comm, MPI_ERRORS_RETURN) == MPI_SUCCESS && MPI_Comm_rank(comm, &rank) == MPI_SUCCESS &&
        MPI_Comm_size(comm, &size) == MPI_SUCCESS)
        failed = unit_run("messages", tests, sizeof tests / sizeof tests[0]);
    MPI_Finalize();
    return failed;
}
