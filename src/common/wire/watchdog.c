// SPDX-License-Identifier: MIT
#include "common/wire/watchdog.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include "common/system/clock.h"
#include "common/system/thread.h"
#include "common/wire/messages.h"

enum { FIRST_WORKER = 1, WORDS = 6 }; // words within the limit: some may be late

struct watchdog {
    struct watchdog_options options;
    MPI_Comm comm;
    int rank, size;
    int first, end; // the ranks that this one listens to: first <= rank < end
    double *heard;  // [size] when, seconds of the monotonic clock, of those
    double said, looked;
    MPI_Request word; // of this rank, on its way
    bool reported;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool stopping; // under the mutex
};

// Does not wait for a word to arrive: who has stopped takes none, and is to be missed.
static enum status say(struct watchdog *w, double time)
{
    static const char word = 0;
    int arrived;
    TRY(mpi_check(MPI_Test(&w->word, &arrived, MPI_STATUS_IGNORE), "test"));
    if (!arrived || time - w->said < w->options.seconds / WORDS)
        return STATUS_OK;
    w->said = time;
    return mpi_check(MPI_Isend(&word, sizeof word, MPI_BYTE, w->rank == COORDINATOR_RANK ? FIRST_WORKER : COORDINATOR_RANK, MESSAGE_PULSE,
                               w->comm, &w->word),
                     "send");
}

static enum status hear(struct watchdog *w, double time)
{
    for (;;) {
        bool there;
        char word;
        MPI_Status status;
        TRY(mpi_probe(w->comm, MPI_ANY_SOURCE, MESSAGE_PULSE, &there, &status));
        if (!there)
            break;
        TRY(mpi_receive(&word, sizeof word, status.MPI_SOURCE, MESSAGE_PULSE, w->comm));
        w->heard[status.MPI_SOURCE] = time;
    }
    return STATUS_OK;
}

static enum status wait_hearing(struct watchdog *w, MPI_Request *request)
{
    unsigned idle = 0;
    for (int done = 0; !done; mpi_idle(&idle)) {
        TRY(mpi_check(MPI_Test(request, &done, MPI_STATUS_IGNORE), "test"));
        TRY(hear(w, now()));
    }
    return STATUS_OK;
}

// Who has been stopped and goes on, as a job that was suspended, has not listened: nobody is to blame.
static void forgive(struct watchdog *w, double time)
{
    for (int rank = w->first; rank < w->end; rank++)
        w->heard[rank] = time;
}

static void look(struct watchdog *w, double time)
{
    if (time - w->looked > w->options.seconds / 2)
        forgive(w, time);
    w->looked = time;
    for (int rank = w->first; rank < w->end && !w->reported; rank++)
        if (time - w->heard[rank] > w->options.seconds) {
            (void)fail(STATUS_INTERNAL, "rank %d has not answered for %.0f s", rank, time - w->heard[rank]);
            w->reported = true;
            w->options.silent(w->options.context, rank);
        }
}

static void *run(void *data)
{
    struct watchdog *w = data;
    const long pause = (long)(1e9 * w->options.seconds / (4 * WORDS));
    pthread_mutex_lock(&w->mutex);
    while (!w->stopping) {
        struct timespec until;
        pthread_mutex_unlock(&w->mutex);
        if (say(w, now()) != STATUS_OK || hear(w, now()) != STATUS_OK)
            return NULL; // whoever needs the connection will find out
        look(w, now());
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += (until.tv_nsec + pause) / 1000000000;
        until.tv_nsec = (until.tv_nsec + pause) % 1000000000;
        pthread_mutex_lock(&w->mutex);
        while (!w->stopping && pthread_cond_timedwait(&w->changed, &w->mutex, &until) != ETIMEDOUT)
            continue;
    }
    pthread_mutex_unlock(&w->mutex);
    return NULL;
}

static void watchdog_free(struct watchdog **watchdog)
{
    pthread_mutex_destroy(&(*watchdog)->mutex);
    pthread_cond_destroy(&(*watchdog)->changed);
    free((*watchdog)->heard);
    free(*watchdog);
    *watchdog = NULL;
}

enum status watchdog_start(struct watchdog **watchdog, const struct watchdog_options *options)
{
    struct watchdog *w;
    enum status rc;
    *watchdog = NULL;
    TRY(ALLOCATE(w, 1, "to watch over the ranks"));
    w->options = *options;
    w->word = MPI_REQUEST_NULL;
    pthread_mutex_init(&w->mutex, NULL);
    pthread_cond_init(&w->changed, NULL);
    TRY_OUT(mpi_check(MPI_Comm_size(options->comm, &w->size), "size"));
    if (w->size == 1 || options->seconds <= 0)
        goto out;
    TRY_OUT(mpi_check(MPI_Comm_dup(options->comm, &w->comm), "communicator of the watchdog"));
    TRY_OUT(mpi_check(MPI_Comm_set_errhandler(w->comm, MPI_ERRORS_RETURN), "error handler"));
    TRY_OUT(mpi_check(MPI_Comm_rank(w->comm, &w->rank), "rank"));
    TRY_OUT(ALLOCATE(w->heard, w->size, "to watch over the ranks"));
    w->first = w->rank == COORDINATOR_RANK ? FIRST_WORKER : COORDINATOR_RANK;
    w->end = w->rank == COORDINATOR_RANK ? w->size : w->rank == FIRST_WORKER ? COORDINATOR_RANK + 1 : w->first;
    w->looked = now();
    forgive(w, w->looked);
    TRY_OUT(thread_start(&w->thread, run, w));
    *watchdog = w;
    w = NULL;
out:
    if (w)
        watchdog_free(&w);
    return rc;
}

enum status watchdog_stop(struct watchdog **watchdog)
{
    struct watchdog *w = *watchdog;
    MPI_Request request;
    enum status rc;
    if (!w)
        return STATUS_OK;
    // Until all are here somebody may still be missed.
    TRY_OUT(mpi_check(MPI_Ibarrier(w->options.comm, &request), "barrier"));
    TRY_OUT(mpi_wait(&request));
    pthread_mutex_lock(&w->mutex);
    w->stopping = true;
    pthread_cond_signal(&w->changed);
    pthread_mutex_unlock(&w->mutex);
    pthread_join(w->thread, NULL);
    // Words that are still on their way: each is heard before anybody leaves.
    TRY_OUT(wait_hearing(w, &w->word));
    TRY_OUT(mpi_check(MPI_Ibarrier(w->options.comm, &request), "barrier"));
    TRY_OUT(wait_hearing(w, &request));
    TRY_OUT(mpi_check(MPI_Comm_free(&w->comm), "free"));
out:
    watchdog_free(watchdog);
    return rc;
}
