// SPDX-License-Identifier: MIT
#include "coordinator/coordinator.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/file.h"
#include "common/log.h"
#include "common/messages.h"
#include "common/stop.h"
#include "coordinator/checkpoints.h"
#include "coordinator/ending.h"
#include "coordinator/handover.h"
#include "coordinator/intake.h"
#include "coordinator/intake_ahead.h"
#include "coordinator/output.h"
#include "coordinator/prefetch.h"
#include "coordinator/progress.h"
#include "coordinator/ready.h"
#include "coordinator/references.h"
#include "coordinator/task.h"
#include "coordinator/teams.h"

struct coordinator {
    const struct coordinator_options *options;
    struct coordinator_outcome *outcome;
    struct intake *intake;
    struct intake_ahead *ahead;
    struct prefetch *prefetch;
    struct run_file *run_file;
    struct progress *progress;
    struct timing timing;
    struct ready ready;
    struct teams teams;
    struct ending ending;
    struct references references;
    struct checkpoints checkpoints;
    int64_t taken;   // from the intake, and read
    bool all_put;    // the intake has no more
    bool all_taken;  // and what it had has been read
    bool look_again; // something changed since an image was last found no team
    bool counted;    // the progress knows how many images there are
    bool stopping;
    bool warned; // that the run file could not be written
};

// The run file keeps the rows that it could not write and tries again; pictures do not have to wait for that.
static enum status tolerate_full_disk(struct coordinator *c, enum status rc)
{
    if (rc != STATUS_IO)
        return rc;
    if (!c->warned)
        log_warning("%s; trying again, make room", status_message());
    c->warned = true;
    return STATUS_OK;
}

// Writes a finished image's row, whatever became of it, and frees it. Those of its steps and frames are there already.
static enum status write_down(struct coordinator *c, struct task **task)
{
    struct image_record *record = &(*task)->record;
    const bool ok = record->status == IMAGE_DONE;
    const double start = now();
    enum status rc;
    c->outcome->done += ok;
    c->outcome->failed += record->status == IMAGE_FAILED;
    c->outcome->stopped += record->status == IMAGE_STOPPED;
    if (record->status == IMAGE_FAILED)
        log_error("%s: %s", record->source, record->error);
    else
        log_debug("%s: %s, loss %.6g -> %.6g, %.1f s on rank %d", record->source, ok ? "done" : "stopped", record->before.loss,
                  record->after.loss, record->seconds_dream, record->rank);
    progress_add_work(c->progress, (*task)->work_done + (*task)->part - (*task)->work); // what a failure or a stop left undone
    if (record->status != IMAGE_STOPPED)
        progress_image_done(c->progress, ok);
    TRY(tolerate_full_disk(c, run_file_add_image(c->run_file, record, (const float *const *)(*task)->findings.importance)));
    timing_add(&c->timing, PHASE_WRITE, start, 0);
out:
    task_destroy(task);
    return rc;
}

static enum status cut_task(const struct coordinator *c, struct task *task)
{
    const struct schedule *schedule = c->options->schedule;
    const struct schedule_image image = task_size(task);
    int tiles;
    enum status rc;
    TRY(schedule_tiles(schedule, image, &tiles, &task->record.redundancy));
    task->record.tiles = tiles;
    if (schedule_least(schedule, image) == 0)
        rc = fail(STATUS_LIMIT,
                  "%d x %d pixels need %.1f GiB of each of %d ranks and one may use %.1f GiB: start more ranks on more nodes, raise "
                  "memory.limit or set a smaller tile.size",
                  image.width, image.height, schedule_memory(schedule, image, schedule->workers) / (1 << 30), schedule->workers,
                  (double)schedule->memory_limit / (1 << 30));
out:
    return rc;
}

// The first images are the others' baselines: they are all read before work on any begins.
static bool has_references(const struct coordinator *c)
{
    return !references_are_wanted(c->options->config, c->options->kind) || references_are_full(&c->references) || c->all_taken;
}

// By an earlier run into the same folder.
static bool was_done(const struct coordinator *c, int64_t image)
{
    return c->options->resume && resume_is_done(c->options->resume, image);
}

// The next inputs to those who read them, as many as they take. What is done already is not read, but as a baseline of others.
static enum status put_in(struct coordinator *c)
{
    enum status rc = STATUS_OK;
    while (!c->all_put && prefetch_has_room(c->prefetch)) {
        struct intake_entry entry;
        bool given;
        TRY(intake_ahead_next(c->ahead, &entry, &given, &c->all_put));
        if (!given)
            break;
        if (was_done(c, entry.id) && has_references(c))
            c->taken++;
        else
            TRY(prefetch_put(c->prefetch, &entry));
    }
out:
    return rc;
}

// The rows of a dream that is gone on with. Returns what of its work is done.
static enum status take_up(struct coordinator *c, struct task *task, double *work)
{
    struct history *history = &task->earlier.checkpoint.history;
    enum status rc = STATUS_OK;
    *work = 0;
    for (size_t i = 0; i < history->step_count; i++) {
        *work += (double)history->steps[i].width * history->steps[i].height;
        TRY(tolerate_full_disk(c, run_file_add_steps(c->run_file, &history->steps[i], 1)));
    }
    for (size_t i = 0; i < history->map_count; i++)
        TRY(tolerate_full_disk(c, run_file_add_cam(c->run_file, &history->maps[i].record, history->maps[i].values)));
    task->findings.history = *history;
    *history = (struct history){0};
    log_debug("%s: goes on in octave %d, step %d", task->record.source, (int)task->earlier.checkpoint.state.octave,
              (int)task->earlier.checkpoint.state.step);
out:
    return rc;
}

// Puts an input that has been read in the queue, or writes down that it failed.
static enum status take_in(struct coordinator *c, struct task *task)
{
    enum status rc = STATUS_OK;
    double done = 0;
    c->taken++;
    if (task->record.status != IMAGE_FAILED && cut_task(c, task) != STATUS_OK)
        task_failed(task);
    if (task->record.status == IMAGE_FAILED)
        return write_down(c, &task);
    if (references_are_wanted(c->options->config, c->options->kind))
        TRY(references_add(&c->references, task->record.id, &task->image));
    if (was_done(c, task->record.id)) {
        task_destroy(&task);
        return STATUS_OK;
    }
    if (task->earlier.checkpoint.rgb)
        TRY(take_up(c, task, &done));
    task->work = c->options->work(c->options->config, task->image.width, task->image.height) - done;
    progress_add_work(c->progress, task->work);
    task->ready_at = now();
    ready_put(&c->ready, task);
    c->look_again = true;
out:
    return rc;
}

// What is written while the workers are at it.
static enum status begin_outputs(struct coordinator *c, struct task *task)
{
    const struct coordinator_options *o = c->options;
    const double start = now();
    const enum status rc =
        o->kind == JOB_EXPLAIN ? output_begin_explanation(&o->header, o->output, task) : output_begin_dream(o->config, o->output, task);
    free(task->earlier.memory);
    task->earlier.memory = NULL;
    timing_add(&c->timing, PHASE_ENCODE, start, 0);
    return rc;
}

// The first image in the queue to the first `members` free workers.
static enum status dispatch(struct coordinator *c, int members)
{
    struct task *task = ready_take(&c->ready);
    if (begin_outputs(c, task) != STATUS_OK) {
        task_failed(task);
        return write_down(c, &task);
    }
    enum status rc = teams_assign(&c->teams, task, members);
    if (rc != STATUS_OK) {
        if (!task->team)
            task_destroy(&task);
        return rc;
    }
    progress_set_in_flight(c->progress, c->teams.count);
    task->others = references_count(&c->references, task->record.id); // all are there: has_references()
    task->record.seconds_wait = now() - task->ready_at;
    log_debug("%s: %d x %d pixels, %d tiles, to %d ranks from %d on", task->record.source, task->image.width, task->image.height,
              task->record.tiles, members, task->record.rank);
    return handover_offer(c->options->comm, task, c->options->kind);
}

// As many images as there are teams for. The first in the queue waits for its team, and the others behind it.
static enum status dispatch_all(struct coordinator *c)
{
    enum status rc = STATUS_OK;
    while (c->ready.first && c->look_again) {
        const int available = teams_free_workers(&c->teams);
        const int64_t total = intake_ahead_total(c->ahead);
        int members = available + 1;
        if (available > 0)
            TRY(teams_choose(&c->teams, &c->ready, total < 0 ? -1 : total - c->taken, &members));
        if (members <= available)
            TRY(dispatch(c, members));
        else
            c->look_again = false;
    }
out:
    return rc;
}

static enum status take_step(struct coordinator *c, struct task *task, const struct step_record *step)
{
    const double work = (double)step->width * step->height;
    task->work_done += work;
    progress_advance(c->progress, work - task->part);
    task->part = 0;
    const enum status rc = history_add_step(&task->findings.history, step);
    return rc == STATUS_OK ? tolerate_full_disk(c, run_file_add_steps(c->run_file, step, 1)) : rc;
}

static void take_part(struct coordinator *c, struct task *task, const struct part *part)
{
    progress_advance(c->progress, part->pixels - task->part);
    task->part = part->pixels;
}

// All outputs are written; the row follows.
static enum status finish(struct coordinator *c, struct task *task)
{
    const double start = now(), before = task->record.seconds_encode;
    if (output_finish(c->options->output, task) != STATUS_OK)
        task_failed(task);
    timing_add(&c->timing, PHASE_ENCODE, start - (task->record.seconds_encode - before), 0); // what took place at the desk
    if (task->record.status == IMAGE_DONE)
        checkpoints_are_obsolete(&c->checkpoints, task->record.id);
    return write_down(c, &task);
}

static enum status finish_ended(struct coordinator *c, bool *found)
{
    enum status rc = STATUS_OK;
    for (struct task *task; (task = ending_take(&c->ending, c->options->schedule->workers));) {
        TRY(finish(c, task));
        *found = true;
    }
out:
    return rc;
}

// The team has said how it went, and all that it found out has come.
static enum status end_task(struct coordinator *c, struct task *task)
{
    const struct result *result = &task->result;
    enum status rc = STATUS_OK;
    task->record.status = result->status;
    task->record.seconds_dream = result->seconds;
    task->record.before = result->before;
    task->record.after = result->after;
    memcpy(task->record.error, result->error, sizeof task->record.error);
    if (result->has_pixels) {
        const double start = now();
        TRY(handover_receive(c->options->comm, task));
        timing_add(&c->timing, PHASE_RECEIVE, start, handover_bytes(task));
    }
    teams_release(&c->teams, task);
    progress_set_in_flight(c->progress, c->teams.count);
    c->look_again = true;
    c->stopping = c->stopping || result->status == IMAGE_STOPPED; // the signal reached the worker alone
    if (!c->stopping)
        TRY(dispatch_all(c)); // the workers go on while this picture is written
    if (result->status == IMAGE_FAILED)
        return finish(c, task);
    TRY(output_end(c->options->config, c->options->output, task));
    ending_put(&c->ending, task);
out:
    return rc;
}

// To the desk, if it is all there.
static enum status save_state(struct coordinator *c, struct task *task)
{
    char path[FILE_PATH_MAX];
    struct checkpoint checkpoint;
    enum status rc;
    TRY(findings_take_state(&task->findings, &task->record, c->options->config->steps, &checkpoint));
    if (!checkpoint.rgb)
        return STATUS_OK;
    if (checkpoints_path(&c->checkpoints, task->record.id, path) == STATUS_OK)
        return output_checkpoint(&task->output, path, &checkpoint);
    log_warning("%s", status_message());
    checkpoint_destroy(&checkpoint);
out:
    return rc;
}

static enum status end_if_complete(struct coordinator *c, struct task *task)
{
    const enum status rc = save_state(c, task);
    if (rc != STATUS_OK)
        return rc;
    if (!task->has_result || task->findings.arrays.received < task->result.arrays)
        return STATUS_OK;
    return end_task(c, task);
}

static enum status take_report(struct coordinator *c, struct task *task, const struct report *report, double start)
{
    enum status rc = STATUS_OK;
    switch ((enum report_kind)report->kind) {
    case REPORT_READY:
        TRY(handover_send(c->options->comm, task, &c->references));
        timing_add(&c->timing, PHASE_SEND, start, handover_bytes(task));
        break;
    case REPORT_STEP:
        TRY(take_step(c, task, &report->step));
        TRY(save_state(c, task));
        timing_add(&c->timing, PHASE_STEPS, start, (int64_t)sizeof *report);
        break;
    case REPORT_PART:
        take_part(c, task, &report->part);
        timing_add(&c->timing, PHASE_STEPS, start, (int64_t)sizeof *report);
        break;
    case REPORT_BEFORE:
        task->findings.before = report->before;
        task->findings.has_before = true;
        rc = save_state(c, task);
        break;
    case REPORT_RESULT:
        task->result = report->result;
        task->has_result = true;
        rc = end_if_complete(c, task);
        break;
    }
out:
    return rc;
}

// Takes the parts of arrays that are there.
static enum status collect_arrays(struct coordinator *c, bool *found)
{
    enum status rc = STATUS_OK;
    for (;;) {
        bool there;
        MPI_Status status;
        TRY(mpi_probe(c->options->comm, MPI_ANY_SOURCE, MESSAGE_ARRAY, &there, &status));
        if (!there)
            break;
        const double start = now();
        struct task *task = teams_task(&c->teams, status.MPI_SOURCE);
        const int64_t before = task->findings.arrays.bytes;
        TRY(tolerate_full_disk(c, findings_receive(&task->findings, c->options->comm, status.MPI_SOURCE, &task->record, c->options->config,
                                                   &task->output, c->run_file)));
        timing_add(&c->timing, PHASE_STEPS, start, task->findings.arrays.bytes - before);
        TRY(end_if_complete(c, task));
        *found = true;
    }
out:
    return rc;
}

// Takes every report that is there, from whichever worker.
static enum status collect(struct coordinator *c, bool *found)
{
    enum status rc = STATUS_OK;
    for (;;) {
        bool there;
        MPI_Status status;
        struct report report;
        TRY(mpi_probe(c->options->comm, MPI_ANY_SOURCE, MESSAGE_REPORT, &there, &status));
        if (!there)
            break;
        const double start = now();
        TRY(mpi_receive(&report, sizeof report, status.MPI_SOURCE, MESSAGE_REPORT, c->options->comm));
        TRY(take_report(c, teams_task(&c->teams, status.MPI_SOURCE), &report, start));
        *found = true;
    }
out:
    return rc;
}

static enum status stop_workers(struct coordinator *c)
{
    const char nothing = 0;
    enum status rc = STATUS_OK;
    log_warning("stopping: each worker ends its step%s", c->options->kind == JOB_EXPLAIN ? "" : ", then what is dreamed so far is saved");
    for (int w = 0; w < c->options->schedule->workers; w++)
        TRY(mpi_send(&nothing, sizeof nothing, c->options->first_worker + w, MESSAGE_STOP, c->options->comm));
out:
    return rc;
}

static void show_total(struct coordinator *c)
{
    const int64_t total = c->counted ? -1 : intake_ahead_total(c->ahead);
    if (total < 0)
        return;
    c->counted = true;
    progress_set_total(c->progress, total - (c->options->resume ? resume_done(c->options->resume) : 0));
}

// One image ahead for each worker, so that none waits for a file; of large ones fewer. What is being read comes on top of that.
static bool wants_more(const struct coordinator *c)
{
    const double enough = UINT64_C(1) << 30;
    return !c->all_taken && (!has_references(c) || (c->ready.count < c->options->schedule->workers && c->ready.bytes < enough));
}

// Inputs on their way, without waiting for any. The first ones are baselines in the order of the inputs; after that whichever is there.
static enum status take_inputs(struct coordinator *c, bool *found)
{
    enum status rc = STATUS_OK;
    TRY(put_in(c));
    if (wants_more(c)) {
        struct task *task = prefetch_take(c->prefetch, !has_references(c), &c->timing);
        if (task)
            TRY(take_in(c, task));
        *found = *found || task;
    }
    c->all_taken = c->all_put && prefetch_count(c->prefetch) == 0;
out:
    return rc;
}

static void rest(struct coordinator *c, unsigned *idle)
{
    const double start = now();
    mpi_idle(idle);
    timing_add(&c->timing, PHASE_IDLE, start, 0);
}

static enum status serve(struct coordinator *c)
{
    unsigned idle = 0;
    bool told = false;
    enum status rc = STATUS_OK;
    for (;;) {
        bool found = false;
        TRY(collect(c, &found));
        TRY(collect_arrays(c, &found));
        TRY(finish_ended(c, &found));
        show_total(c);
        c->stopping = c->stopping || stop_requested();
        if (c->stopping && !told) {
            prefetch_stop(c->prefetch);
            TRY(stop_workers(c));
            told = true;
        }
        if (!c->stopping) {
            if (has_references(c))
                TRY(dispatch_all(c));
            TRY(take_inputs(c, &found));
        }
        if (c->teams.count == 0 && c->ending.count == 0 && (c->stopping || (c->all_taken && !c->ready.first)))
            break;
        progress_tick(c->progress);
        TRY(tolerate_full_disk(c, run_file_tick(c->run_file)));
        if (run_file_is_written(c->run_file))
            checkpoints_clean(&c->checkpoints);
        if (found)
            idle = 0;
        else
            rest(c, &idle);
    }
out:
    return rc;
}

static enum status dismiss_workers(struct coordinator *c)
{
    const struct job job = {.kind = JOB_EXIT};
    enum status rc = STATUS_OK;
    for (int w = 0; rc == STATUS_OK && w < c->options->schedule->workers; w++)
        rc = mpi_send(&job, sizeof job, c->options->first_worker + w, MESSAGE_JOB, c->options->comm);
    return rc;
}

// What every rank's time went to, into the run file.
static enum status collect_timing(struct coordinator *c)
{
    enum status rc = STATUS_OK;
    for (int w = 0; w < c->options->schedule->workers; w++) {
        const int rank = c->options->first_worker + w;
        struct timing timing;
        TRY(mpi_receive(&timing, sizeof timing, rank, MESSAGE_TIMING, c->options->comm));
        if (rank == COORDINATOR_RANK)
            timing_merge(&c->timing, &timing);
        else
            TRY(tolerate_full_disk(c, run_file_add_timing(c->run_file, rank, &timing)));
    }
    rc = tolerate_full_disk(c, run_file_add_timing(c->run_file, COORDINATOR_RANK, &c->timing));
out:
    return rc;
}

enum status coordinator_run(const struct coordinator_options *options, struct coordinator_outcome *outcome)
{
    struct coordinator c = {.options = options, .outcome = outcome};
    char path[FILE_PATH_MAX], reason[STATUS_MESSAGE_MAX];
    enum status rc;
    *outcome = (struct coordinator_outcome){0};
    TRY(teams_create(&c.teams, options->schedule, options->first_worker));
    TRY(file_join(path, options->output, "run.h5"));
    TRY(checkpoints_init(&c.checkpoints, options->output));
    TRY(run_file_create(&c.run_file, path, &options->header, options->resume ? resume_earlier(options->resume) : NULL));
    TRY(intake_create(&c.intake, options->output, options->inputs, options->input_count));
    TRY(intake_ahead_create(&c.ahead, c.intake));
    TRY(prefetch_create(&c.prefetch, options->config, options->output, &c.checkpoints, options->schedule->workers));
    TRY(progress_create(&c.progress, -1, log_get_level(), STDERR_FILENO));
    TRY(serve(&c));
    if (c.all_taken && !options->resume && outcome->done + outcome->failed + outcome->stopped == 0)
        log_warning("nothing to do: the inputs name no picture");
    if (outcome->stopped > 0)
        log_warning(options->kind == JOB_EXPLAIN ? "%" PRId64 " pictures were not explained to the end; nothing is kept of them"
                                                 : "%" PRId64 " unfinished dreams are saved; run the same command again to go on with them",
                    outcome->stopped);
    TRY(dismiss_workers(&c));
    rc = collect_timing(&c);
    outcome->was_stopped = c.stopping && (outcome->stopped > 0 || c.ready.first || !c.all_taken);
out:
    progress_destroy(&c.progress);
    prefetch_destroy(&c.prefetch);
    intake_ahead_destroy(&c.ahead);
    intake_destroy(&c.intake);
    ready_clear(&c.ready);
    teams_destroy(&c.teams);
    ending_clear(&c.ending);
    references_destroy(&c.references);
    if (rc != STATUS_OK)
        snprintf(reason, sizeof reason, "%s", status_message());
    outcome->rows_lost = run_file_close(&c.run_file, rc == STATUS_OK && !outcome->was_stopped) != STATUS_OK;
    if (!outcome->rows_lost)
        checkpoints_clean(&c.checkpoints);
    checkpoints_destroy(&c.checkpoints);
    if (outcome->rows_lost)
        log_error("rows of the run file are lost: %s", status_message());
    return rc == STATUS_OK ? rc : fail(rc, "%s", reason);
}
