// SPDX-License-Identifier: MIT
#include "worker/worker.h"

#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/messages.h"
#include "common/stop.h"
#include "worker/dream.h"

struct worker {
    const struct worker_options *options;
    struct engine *engine;
    bool stopping;      // by the coordinator's word or by a signal
    enum status broken; // of the connection, found in a hook
};

static void send_step(const struct step_record *record, void *context)
{
    struct worker *w = context;
    const struct report report = {.kind = REPORT_STEP, .step = *record};
    if (w->broken == STATUS_OK)
        w->broken = mpi_send(&report, sizeof report, COORDINATOR_RANK, MESSAGE_REPORT, w->options->comm);
}

static bool should_stop(void *context)
{
    struct worker *w = context;
    bool there = false;
    MPI_Status status;
    if (w->broken == STATUS_OK)
        w->broken = mpi_probe(w->options->comm, COORDINATOR_RANK, MESSAGE_STOP, &there, &status);
    w->stopping = w->stopping || there || stop_requested();
    return w->stopping || w->broken != STATUS_OK;
}

static enum status check_memory(const struct worker *w, const struct job *job)
{
    size_t bytes;
    enum status rc;
    TRY(engine_estimate(w->options->config, job->width, job->height, &bytes));
    if (bytes > w->options->memory_limit)
        rc = fail(STATUS_LIMIT,
                  "%d x %d pixels need %.1f GiB and a rank may use %.1f GiB; start fewer ranks on a node, raise memory.limit or use a "
                  "smaller picture",
                  job->width, job->height, (double)bytes / (1 << 30), (double)w->options->memory_limit / (1 << 30));
out:
    return rc;
}

// Dreams on `rgb` in place and says in *result how it went.
static void dream_job(struct worker *w, const struct job *job, float *rgb, struct result *result)
{
    const struct dream_hooks hooks = {.step = send_step, .stop = should_stop, .context = w};
    struct dream_outcome outcome = {.loss_before = NAN, .loss_after = NAN};
    enum status rc = check_memory(w, job);
    if (rc == STATUS_OK)
        rc = dream_image(w->engine, w->options->config, job->image, rgb, job->width, job->height, &hooks, &outcome);
    result->seconds = outcome.seconds;
    result->loss_before = outcome.loss_before;
    result->loss_after = outcome.loss_after;
    result->status = rc != STATUS_OK ? IMAGE_FAILED : outcome.stopped ? IMAGE_STOPPED : IMAGE_DONE;
    result->has_pixels = rc == STATUS_OK;
    if (rc != STATUS_OK)
        snprintf(result->error, sizeof result->error, "%s", status_message());
}

static enum status do_job(struct worker *w, const struct job *job)
{
    const MPI_Comm comm = w->options->comm;
    const size_t count = 3 * (size_t)job->width * (size_t)job->height;
    struct report report = {.kind = REPORT_RESULT, .result = {.image = job->image, .width = job->width, .height = job->height}};
    enum status rc;
    float *rgb = malloc(count * sizeof *rgb);
    if (!rgb)
        return fail(STATUS_LIMIT, "no memory for an image of %d x %d pixels", job->width, job->height);
    TRY(mpi_receive_floats(rgb, count, COORDINATOR_RANK, MESSAGE_JOB_PIXELS, comm));
    dream_job(w, job, rgb, &report.result);
    TRY(w->broken);
    TRY(mpi_send(&report, sizeof report, COORDINATOR_RANK, MESSAGE_REPORT, comm));
    if (report.result.has_pixels)
        TRY(mpi_send_floats(rgb, count, COORDINATOR_RANK, MESSAGE_REPORT_PIXELS, comm));
out:
    free(rgb);
    return rc;
}

// A stop that came too late for any image must not stay behind as an unreceived message.
static enum status take_stop(struct worker *w)
{
    bool there;
    char nothing;
    MPI_Status status;
    enum status rc;
    TRY(mpi_probe(w->options->comm, COORDINATOR_RANK, MESSAGE_STOP, &there, &status));
    if (there)
        TRY(mpi_receive(&nothing, sizeof nothing, COORDINATOR_RANK, MESSAGE_STOP, w->options->comm));
out:
    return rc;
}

enum status worker_run(const struct worker_options *options)
{
    struct worker w = {.options = options};
    enum status rc;
    omp_set_num_threads(options->threads);
    TRY(engine_create(&w.engine, options->config, options->weights));
    for (;;) {
        struct job job;
        TRY(mpi_receive(&job, sizeof job, COORDINATOR_RANK, MESSAGE_JOB, options->comm));
        if (job.kind == JOB_EXIT)
            break;
        TRY(do_job(&w, &job));
    }
    TRY(take_stop(&w));
out:
    engine_destroy(&w.engine);
    return rc;
}
