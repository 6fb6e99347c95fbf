// SPDX-License-Identifier: MIT
#include "worker/worker.h"

#include <assert.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/system/clock.h"
#include "common/system/stop_request.h"
#include "common/wire/messages.h"
#include "worker/ascent/clip_frame.h"
#include "worker/ascent/dream.h"
#include "worker/look/explain.h"
#include "worker/look/scan.h"
#include "worker/network/balance.h"

struct worker {
    struct worker_options options;
    MPI_Comm comm;           // that jobs come over; MPI_COMM_NULL: none do
    const struct lead *lead; // of this process; NULL: there is none
    struct objective objective;
    struct engine *engine, *randomised;
    struct timing timing;
    struct outbox outbox;
    // Of the image in hand: the team, and this rank's rows of it, of the other pictures, and of the dream to go on with.
    struct team *team;
    struct slab rgb, others[BASELINE_IMAGES_MAX], dreamed;
    float *ripe;        // [job.frame.ripe], of a frame of a clip
    double part_sent;   // when, seconds of the monotonic clock
    double kept;        // when the dream in hand was, or when it began
    int states;         // of it that were kept
    bool stopping;      // by the coordinator's word or by a signal
    enum status broken; // of the connection, found in a hook
};

static void send_step(const struct step_row *record, void *context)
{
    struct worker *w = context;
    const struct report report = {.kind = REPORT_STEP, .step = *record};
    w->part_sent = now();
    if (w->broken == STATUS_OK)
        w->broken = outbox_report(&w->outbox, &report);
}

// A step of a large picture may take minutes; once a second is enough.
static void send_part(double pixels, void *context)
{
    struct worker *w = context;
    const struct report report = {.kind = REPORT_PART, .part = {.pixels = pixels}};
    const double time = now();
    if (w->broken != STATUS_OK || time - w->part_sent < 1)
        return;
    w->part_sent = time;
    w->broken = outbox_report(&w->outbox, &report);
}

static bool should_save(void *context)
{
    struct worker *w = context;
    const double seconds = w->options.config->checkpoint.seconds;
    return seconds > 0 && now() - w->kept >= seconds;
}

// On its way to the coordinator while the dream goes on.
static enum status send_state(const struct dream_state *state, const struct slab *rows, void *context)
{
    struct worker *w = context;
    const struct report before = {.kind = REPORT_BEFORE, .before = state->before};
    const struct array_part part = {
        .image = state->image, .kind = ARRAY_STATE, .target = -1, .frame = w->states++, .octave = state->octave, .step = state->step};
    w->kept = now();
    if (w->team->rank == 0)
        TRY(outbox_report(&w->outbox, &before));
    return outbox_send_rows(&w->outbox, part, rows, 3);
}

static bool should_stop(void *context)
{
    struct worker *w = context;
    bool there = false;
    MPI_Status status;
    if (w->broken == STATUS_OK && w->comm != MPI_COMM_NULL)
        w->broken = mpi_probe(w->comm, COORDINATOR_RANK, MESSAGE_STOP, &there, &status);
    w->stopping = w->stopping || there || stop_requested();
    return w->stopping || w->broken != STATUS_OK;
}

static void fail_result(struct result *result)
{
    result->status = IMAGE_FAILED;
    snprintf(result->error, sizeof result->error, "%s", status_message());
}

static enum status copy_channel(const struct worker *w, const struct job *job, struct image_job *work, struct objective *own)
{
    const struct objective *objective = &w->objective;
    if (job->target < 0 || job->target >= objective->count || job->channel < 0 || job->channel >= objective->channels[job->target])
        return fail(STATUS_USAGE, "channel %d is none of the layer's", job->channel);
    TRY(objective_copy_channel(own, objective, job->target, job->channel));
    work->objective = own;
    return STATUS_OK;
}

static enum status choose_and_run(struct worker *w, const struct job *job, struct image_job *work, struct frame_facts *facts,
                                  struct image_outcome *outcome)
{
    struct objective own = {0};
    enum status rc = STATUS_OK;
    if (job->one_channel)
        rc = team_agree(w->team, copy_channel(w, job, work, &own));
    else if (config_chooses_channels(w->options.config))
        rc = choice_make(&own, work, &w->rgb, &w->options.ordinary);
    if (rc != STATUS_OK)
        *outcome = (struct image_outcome){
            .before = picture_metrics_unknown(), .after = picture_metrics_unknown(), .broken = !w->team->agreed && w->team->size > 1};
    else
        rc = job->kind == JOB_EXPLAIN ? explain_image(work, &w->rgb, outcome)
             : job->kind == JOB_SCAN  ? scan_image(work, &w->rgb, outcome)
             : job->kind == JOB_FRAME ? clip_frame_dream(work, &job->frame, w->ripe, &w->rgb, facts, outcome)
                                      : dream_image(work, &w->rgb, outcome);
    objective_copy_destroy(&own);
    return rc;
}

// Dreams on the picture in place, or explains it, and says in *result how it went.
static enum status work_on(struct worker *w, const struct job *job, struct result *result)
{
    struct image_job work = {.team = w->team,
                             .engine = w->engine,
                             .randomised = w->randomised,
                             .objective = &w->objective,
                             .rules = w->options.rules,
                             .mask = w->options.mask,
                             .outbox = &w->outbox,
                             .others = w->others,
                             .other_count = job->others,
                             .image = job->image,
                             .peaks = job->peaks,
                             .picture = job->picture,
                             .step = send_step,
                             .part = send_part,
                             .stop = should_stop,
                             .save = should_save,
                             .keep = send_state,
                             .from = job->goes_on ? &job->from : NULL,
                             .dreamed = &w->dreamed,
                             .context = w};
    struct image_outcome outcome;
    w->kept = now();
    w->states = 0;
    const enum status rc = choose_and_run(w, job, &work, &result->frame, &outcome);
    if (outcome.broken)
        return rc;
    result->seconds = outcome.seconds;
    result->before = outcome.before;
    result->after = outcome.after;
    result->status = rc != STATUS_OK ? IMAGE_FAILED : outcome.stopped ? IMAGE_STOPPED : IMAGE_DONE;
    result->has_pixels = rc == STATUS_OK && w->rgb.data;
    if (rc != STATUS_OK)
        fail_result(result);
    return w->broken;
}

// This rank's rows of the job's picture number `number`, from whoever leads, and of the dream back.
static enum status receive_rows(struct worker *w, int number, struct slab *rows)
{
    const struct lead *lead = w->outbox.lead;
    const size_t plane = slab_plane(rows);
    const double start = now();
    const enum status rc = lead ? lead->pixels(lead->context, number, rows->data)
                                : mpi_receive_rows(rows->data, plane, plane, COORDINATOR_RANK, MESSAGE_JOB_PIXELS, w->comm);
    timing_add(&w->timing, PHASE_RECEIVE, start, lead ? 0 : (int64_t)(slab_count(rows) * sizeof(float)));
    return rc;
}

// All of it, on each member.
static enum status receive_ripe(struct worker *w, const struct job *job)
{
    const struct lead *lead = w->outbox.lead;
    return lead ? lead->pixels(lead->context, 1 + job->others, w->ripe)
                : mpi_receive(w->ripe, (size_t)job->frame.ripe * sizeof *w->ripe, COORDINATOR_RANK, MESSAGE_JOB_PIXELS, w->comm);
}

// Everything that the members have sent of this image besides rows has left; the coordinator hears how much that was.
static enum status count_arrays(struct worker *w, struct result *result)
{
    const double mine = (double)w->outbox.sent;
    double all;
    TRY(outbox_flush(&w->outbox));
    TRY(team_sum(w->team, &mine, w->team->size, 1, &all, NULL));
    result->arrays = (int64_t)all;
    return STATUS_OK;
}

static enum status make_room(struct worker *w, const struct job *job)
{
    const struct dream_state *from = &job->from;
    const int members = w->team->size, rank = w->team->rank;
    const struct span rows = tiling_rows(job->height, members, rank);
    assert(job->others <= BASELINE_IMAGES_MAX);
    TRY(slab_create(&w->rgb, job->width, job->height, rows));
    for (int i = 0; i < job->others; i++)
        TRY(slab_create(&w->others[i], job->width, job->height, rows));
    if (job->frame.ripe > 0)
        TRY(ALLOCATE(w->ripe, job->frame.ripe, "for a frame's ripeness"));
    return job->goes_on ? slab_create(&w->dreamed, from->width, from->height, tiling_rows(from->height, members, rank)) : STATUS_OK;
}

// All that the job is made of has room; the pictures come and are worked on.
static enum status take_and_work(struct worker *w, const struct job *job, struct result *result)
{
    const struct report ready = {.kind = REPORT_READY};
    if (w->team->rank == 0 && !w->outbox.lead)
        TRY(mpi_send(&ready, sizeof ready, COORDINATOR_RANK, MESSAGE_REPORT, w->comm));
    TRY(receive_rows(w, 0, &w->rgb));
    for (int i = 0; i < job->others; i++)
        TRY(receive_rows(w, 1 + i, &w->others[i]));
    if (job->goes_on)
        TRY(receive_rows(w, 1 + job->others, &w->dreamed));
    if (job->frame.ripe > 0)
        TRY(receive_ripe(w, job));
    return work_on(w, job, result);
}

// How it went, and this member's rows of the dream, if there is one.
static enum status give_back(struct worker *w, const struct result *result)
{
    const struct lead *lead = w->outbox.lead;
    const size_t plane = slab_plane(&w->rgb);
    struct report report = {.kind = REPORT_RESULT, .result = *result};
    if (lead) {
        float *dream = result->has_pixels ? w->rgb.data : NULL;
        if (dream)
            w->rgb.data = NULL;
        return lead->end(lead->context, result, dream);
    }
    TRY(count_arrays(w, &report.result));
    if (w->team->rank == 0)
        TRY(mpi_send(&report, sizeof report, COORDINATOR_RANK, MESSAGE_REPORT, w->comm));
    if (!result->has_pixels)
        return STATUS_OK;
    const double start = now();
    const enum status rc = mpi_send_rows(w->rgb.data, plane, plane, COORDINATOR_RANK, MESSAGE_REPORT_PIXELS, w->comm);
    timing_add(&w->timing, PHASE_SEND, start, (int64_t)(slab_count(&w->rgb) * sizeof(float)));
    return rc;
}

// `ranks`: [job->members] the team.
static enum status do_job(struct worker *w, const struct job *job, const int32_t *ranks)
{
    struct result result = {.image = job->image, .before = picture_metrics_unknown(), .after = picture_metrics_unknown()};
    enum status rc;
    TRY_OUT(team_create(&w->team, w->comm, ranks, job->members, &w->timing));
    rc = team_agree(w->team, make_room(w, job));
    if (rc != STATUS_OK && !w->team->agreed)
        goto out;
    if (rc != STATUS_OK)
        fail_result(&result);
    else
        TRY_OUT(take_and_work(w, job, &result));
    rc = give_back(w, &result);
out:
    slab_destroy(&w->rgb);
    for (int i = 0; i < BASELINE_IMAGES_MAX; i++)
        slab_destroy(&w->others[i]);
    slab_destroy(&w->dreamed);
    free(w->ripe);
    w->ripe = NULL;
    team_destroy(&w->team);
    return rc;
}

// By messages: the team comes behind the job.
static enum status do_team_job(struct worker *w, const struct job *job)
{
    int32_t *ranks;
    TRY(ALLOCATE(ranks, job->members, "for a team of %d ranks", (int)job->members));
    enum status rc = mpi_receive(ranks, (size_t)job->members * sizeof *ranks, COORDINATOR_RANK, MESSAGE_JOB_RANKS, w->comm);
    if (rc == STATUS_OK)
        rc = do_job(w, job, ranks);
    free(ranks);
    return rc;
}

// A stop that came too late for any image must not stay behind as an unreceived message.
static enum status take_stop(struct worker *w)
{
    bool there;
    char nothing;
    MPI_Status status;
    TRY(mpi_probe(w->comm, COORDINATOR_RANK, MESSAGE_STOP, &there, &status));
    if (there)
        TRY(mpi_receive(&nothing, sizeof nothing, COORDINATOR_RANK, MESSAGE_STOP, w->comm));
    return STATUS_OK;
}

static enum status next_job(struct worker *w, struct job *job, bool *called)
{
    const double start = now();
    *called = false;
    const enum status rc =
        w->lead ? w->lead->next(w->lead->context, job, called) : mpi_receive(job, sizeof *job, COORDINATOR_RANK, MESSAGE_JOB, w->comm);
    timing_add(&w->timing, PHASE_WAIT, start, w->lead ? 0 : (int64_t)sizeof *job);
    return rc;
}

// The guide's features at the targets.
static enum status look_at_guide(struct worker *w)
{
    const struct image *guide = w->options.guide;
    const size_t count = 3 * (size_t)guide->width * (size_t)guide->height;
    struct executor *executor;
    enum status rc;
    TRY_OUT(engine_executor(w->engine, guide->width, guide->height, &executor));
    float *seen = executor_image(executor);
    for (size_t i = 0; i < count; i++)
        seen[i] = network_input(w->options.config, guide->rgb[i]);
    TRY_OUT(executor_forward(executor));
    rc = objective_set_guide(&w->objective, executor);
out:
    return fail_in(rc, "guide");
}

enum status worker_create(struct worker **worker, const struct worker_options *options)
{
    TRY(ALLOCATE(*worker, 1, "for a worker"));
    struct worker *w = *worker;
    enum status rc;
    w->options = *options;
    omp_set_num_threads(options->threads);
    TRY_OUT(objective_init(&w->objective, options->config, options->weights, options->classes));
    balance_objective(&w->objective, options->ordinary.statistics);
    TRY_OUT(engine_create(&w->engine, &w->objective, options->weights, options->plan));
    if (options->randomised)
        TRY_OUT(engine_create(&w->randomised, &w->objective, options->randomised, options->plan));
    if (options->guide)
        rc = look_at_guide(w);
out:
    if (rc != STATUS_OK)
        worker_destroy(worker);
    return rc;
}

enum status worker_serve(struct worker *w, MPI_Comm comm, const struct lead *lead)
{
    const int32_t alone = 0;
    w->comm = comm;
    w->lead = lead;
    for (;;) {
        struct job job;
        bool called;
        TRY(next_job(w, &job, &called));
        if (job.kind == JOB_EXIT)
            break;
        w->outbox = (struct outbox){.lead = called ? lead : NULL, .comm = comm};
        TRY(called ? do_job(w, &job, &alone) : do_team_job(w, &job));
    }
    return comm == MPI_COMM_NULL ? STATUS_OK : take_stop(w);
}

struct timing *worker_timing(struct worker *w)
{
    return &w->timing;
}

void worker_destroy(struct worker **worker)
{
    if (!*worker)
        return;
    engine_destroy(&(*worker)->engine);
    engine_destroy(&(*worker)->randomised);
    objective_destroy(&(*worker)->objective);
    free(*worker);
    *worker = NULL;
}
