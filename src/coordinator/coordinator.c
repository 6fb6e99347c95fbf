// SPDX-License-Identifier: MIT
#include "coordinator/coordinator.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/system/clock.h"
#include "common/system/file.h"
#include "common/system/log.h"
#include "common/system/stop_request.h"
#include "common/system/text.h"
#include "common/wire/messages.h"
#include "common/wire/timing.h"
#include "coordinator/clip/clip_list.h"
#include "coordinator/closing.h"
#include "coordinator/delegation.h"
#include "coordinator/intake/intake.h"
#include "coordinator/intake/intake_ahead.h"
#include "coordinator/intake/load.h"
#include "coordinator/intake/prefetch.h"
#include "coordinator/progress/notices.h"
#include "coordinator/progress/progress.h"
#include "coordinator/resume/earlier_work.h"
#include "coordinator/resume/forget.h"
#include "coordinator/resume/parting.h"
#include "coordinator/same_images.h"
#include "coordinator/schedule/baseline_images.h"
#include "coordinator/task/checkpoint_folder.h"
#include "coordinator/task/task.h"
#include "coordinator/task/task_notices.h"

struct coordinator {
    const struct coordinator_options *options;
    struct coordinator_outcome *outcome;
    struct intake *intake;
    struct intake_ahead *ahead;
    struct prefetch *prefetch;
    struct run_file *run_file;
    struct progress *progress;
    struct notices notices;
    double started;
    struct timing timing;
    struct timing_part own, workers; // filled in at the end
    struct dispatcher *dispatcher;
    struct checkpoint_folder checkpoints;
    struct earlier_work earlier;
    struct delegation *delegation; // NULL: rank 0 reads and writes all
    struct same_images *same;
    struct clip_list clips;
    int64_t taken;             // from the intake, and read
    int downloads;             // URLs among what is being read
    char last[ROW_SOURCE_MAX]; // output of the image that was done last
    bool all_put;              // the intake has no more
    bool all_taken;            // and what it had has been read
    bool told;                 // that it is time to stop
};

// What is known of a finished image alone.
static void note(struct coordinator *c, struct task *task)
{
    const struct run_setup *setup = &c->options->setup;
    task_notices_done(task, setup->config);
    const bool alone = task->record.status == IMAGE_DONE && !task->record.same && task->others == 0 &&
                       baseline_images_are_wanted(setup->config, setup->use);
    if (alone && intake_ahead_total(c->ahead) != 1) // that has been said
        image_notice(&task->image, NOTICE_BASELINES, "importance.baselines: images, and no other picture of the run could be read");
    notices_say(&c->notices, task->record.source, &task->image);
}

// Writes a finished image's row, whatever became of it, and frees it. Those of its steps and frames are there already.
static enum status write_down(void *context, struct task *task)
{
    struct coordinator *c = context;
    const struct image_row *record = &task->record;
    const bool ok = record->status == IMAGE_DONE;
    const double start = now();
    enum status rc;
    c->outcome->done += ok;
    c->outcome->failed += record->status == IMAGE_FAILED;
    c->outcome->stopped += record->status == IMAGE_STOPPED;
    if (record->status == IMAGE_FAILED)
        log_error("%s: %s", record->source, record->error);
    else if (!record->same)
        log_debug("%s: %s, loss %.6g -> %.6g, %.1f s on rank %d", record->source, ok ? "done" : "stopped", record->before.loss,
                  record->after.loss, record->seconds_dream, record->rank);
    note(c, task);
    if (ok)
        snprintf(c->last, sizeof c->last, "%s", record->output);
    if (ok)
        checkpoint_folder_are_obsolete(&c->checkpoints, record->sha256);
    same_images_end(c->same, record);
    if (c->options->resume)
        resume_written(c->options->resume, &task->record);
    if (record->status != IMAGE_STOPPED)
        progress_image_done(c->progress, ok);
    TRY_OUT(dispatcher_tolerate(c->dispatcher, run_file_add_image(c->run_file, record, task->results.importance, task->results.peaks)));
    timing_add(&c->timing, PHASE_WRITE, start, 0);
out:
    task_destroy(&task);
    return rc;
}

// An image, or a frame of a clip, has come to its end.
static enum status on_ended(void *context, struct task *task)
{
    struct coordinator *c = context;
    return task->job == JOB_FRAME ? clip_list_frame_ended(&c->clips, task) : write_down(c, task);
}

// What is to be taken in next, as intake_ahead_next(): where workers read by themselves, what they gave back when the rest is done.
static enum status next_entry(struct coordinator *c, struct intake_entry *entry, bool *given, bool *end)
{
    if (!c->delegation)
        return intake_ahead_next(c->ahead, entry, given, end);
    *given = delegation_is_over(c->delegation) && delegation_take_back(c->delegation, entry);
    *end = !*given && delegation_is_over(c->delegation);
    return STATUS_OK;
}

// The next inputs to those who read them, as many as they take. What is done already is not read, but as a baseline of others.
static enum status put_in(struct coordinator *c, bool in_order)
{
    while (!c->all_put && prefetch_has_room(c->prefetch)) {
        struct intake_entry entry;
        bool given;
        TRY(next_entry(c, &entry, &given, &c->all_put));
        if (!given)
            break;
        const bool resumed = resume_is_done(c->options->resume, entry.id) && !in_order;
        if (resumed)
            c->taken++;
        else
            TRY(prefetch_put(c->prefetch, &entry));
        c->downloads += entry.kind == INTAKE_URL && !resumed;
    }
    return STATUS_OK;
}

// Inputs on their way, without waiting for any. The first ones are baselines in the order of the inputs; after that those that are there.
static enum status take_inputs(struct coordinator *c, bool *found)
{
    bool in_order;
    const bool wanted = dispatcher_wants_more(c->dispatcher, c->all_taken, &in_order) && same_images_waiting(c->same) < SAME_WAITING_MAX &&
                        clip_list_coming(&c->clips) == 0;
    TRY(put_in(c, in_order));
    struct task *task = wanted ? prefetch_take(c->prefetch, in_order, &c->timing) : NULL;
    if (task) {
        c->taken++;
        c->downloads -= intake_is_url(task->record.source);
        *found = true;
        (void)earlier_work_see(&c->earlier, task->record.sha256, c->progress);
        task_notices_loaded(&task->image, c->options->setup.config, c->options->setup.use == CONFIG_EXPLAIN);
        notices_say(&c->notices, task->record.source, &task->image);
        TRY(same_images_see(c->same, &task));
        const bool done = task && resume_is_done(c->options->resume, task->record.id);
        if (task && !done && task_is_clip(task, c->options->setup.config))
            TRY(clip_list_add(&c->clips, task));
        else if (task)
            TRY(dispatcher_put(c->dispatcher, task, done));
    }
    c->all_taken = c->all_put && prefetch_count(c->prefetch) == 0;
    return STATUS_OK;
}

static enum status stop(struct coordinator *c)
{
    const char *reason = stop_reason(); // NULL: only a worker has heard of it
    log_warning("stopping (%s): each worker ends its step%s", reason ? reason : "a signal to a worker",
                c->options->setup.use == CONFIG_EXPLAIN ? "" : ", then what is dreamed so far is saved");
    progress_set_stopping(c->progress);
    if (c->delegation)
        c->delegation->stopping = true;
    prefetch_stop(c->prefetch);
    return dispatcher_stop(c->dispatcher);
}

// Images that will still be put in; -1: unknown.
static int64_t coming(const struct coordinator *c)
{
    const struct delegation *d = c->delegation;
    const int64_t left = d ? prefetch_count(c->prefetch) + d->returned_count : intake_ahead_total(c->ahead) - c->taken;
    const bool unknown = d ? !delegation_is_over(d) : intake_ahead_total(c->ahead) < 0;
    return unknown && !c->all_taken ? -1 : (c->all_taken ? 0 : left) + clip_list_coming(&c->clips);
}

// For the display and for those who look at the run. `over`: nothing more will come.
static void set_progress(struct coordinator *c, bool over)
{
    struct run_progress known = run_progress_unknown();
    progress_set_total(c->progress, intake_ahead_total(c->ahead));
    struct progress_state state = progress_now(c->progress);
    const double fraction = progress_fraction(&state), left = progress_seconds_left(&state);
    if (over)
        state.rate = 0; // that of the whole session
    known.inputs = state.total;
    known.in_hand = state.in_flight;
    if (fraction >= 0)
        known.progress = fraction;
    known.images_per_second = progress_image_rate(&state);
    if (left >= 0 && !over)
        known.seconds_left = left;
    run_file_set_progress(c->run_file, &known);
}

// Once round the loop, whoever reads and writes.
static enum status look_after(struct coordinator *c, bool *found)
{
    const int reading = prefetch_count(c->prefetch);
    progress_set_waiting(c->progress, c->downloads, reading - c->downloads, dispatcher_writing(c->dispatcher));
    progress_tick(c->progress);
    TRY(folder_lock_touch(c->options->lock));
    const bool waited = !run_file_is_written(c->run_file);
    if (!waited)
        checkpoint_folder_clean(&c->checkpoints);
    const double start = now();
    set_progress(c, false);
    const enum status rc = dispatcher_tolerate(c->dispatcher, run_file_tick(c->run_file));
    if (waited && run_file_is_written(c->run_file)) {
        timing_add(&c->timing, PHASE_WRITE, start, 0);
        *found = true;
    }
    return rc;
}

static bool is_over(const struct coordinator *c, bool stopping)
{
    if (!dispatcher_is_idle(c->dispatcher) || (!stopping && c->clips.count > 0) || (c->delegation && !delegation_is_over(c->delegation)))
        return false;
    return stopping || (c->all_taken && dispatcher_is_empty(c->dispatcher));
}

// Once round all that there is to do. A job of kind JOB_EXIT: that was all.
static enum status turn(void *context, struct job *job, bool *found)
{
    struct coordinator *c = context;
    if (c->delegation) {
        TRY(delegation_turn(c->delegation, found));
        if (!delegation_is_over(c->delegation))
            progress_set_in_flight(c->progress, c->delegation->in_flight);
    }
    TRY(dispatcher_turn(c->dispatcher, coming(c), found));
    TRY(clip_list_turn(&c->clips, found));
    TRY(look_after(c, found));
    const bool stopping = stop_requested() || dispatcher_is_stopping(c->dispatcher) || (c->delegation && c->delegation->stopping);
    if (stopping && !c->told)
        TRY(stop(c));
    c->told = c->told || stopping;
    if (!stopping)
        TRY(take_inputs(c, found));
    else if (c->delegation && delegation_is_complete(c->delegation) && prefetch_count(c->prefetch) == 0)
        c->all_taken = true;
    for (struct task *task; (task = same_images_next(c->same));)
        TRY(write_down(c, task));
    if (job && is_over(c, stopping))
        job->kind = JOB_EXIT;
    return STATUS_OK;
}

static enum status serve(struct coordinator *c)
{
    struct job job = {.kind = JOB_NONE};
    unsigned idle = 0;
    while (job.kind == JOB_NONE) {
        const double start = now();
        bool found = false;
        TRY(turn(c, &job, &found));
        if (found) {
            idle = 0;
        } else { // the turn was idle, and so is the next moment
            mpi_idle(&idle);
            timing_add(&c->timing, PHASE_IDLE, start, 0);
        }
    }
    return STATUS_OK;
}

// What every rank's time went to, into the run file.
static enum status collect_timing(struct coordinator *c)
{
    struct timing timing;
    bool found = false;
    for (int w = 0; !c->options->here.serve && w < c->options->setup.schedule->workers; w++) {
        const int rank = c->options->first_worker + w;
        TRY(mpi_receive(&timing, sizeof timing, rank, MESSAGE_TIMING, c->options->comm));
        timing_part_add(&c->workers, &timing);
        TRY(dispatcher_tolerate(c->dispatcher, run_file_add_timing(c->run_file, rank, &timing)));
    }
    if (c->options->here.serve) {
        timing_part_add(&c->workers, c->options->here.timing);
        timing_merge(&c->timing, c->options->here.timing);
    }
    if (c->delegation) // no message must stay behind that nobody receives
        TRY(delegation_turn(c->delegation, &found));
    return dispatcher_tolerate(c->dispatcher, run_file_add_timing(c->run_file, COORDINATOR_RANK, &c->timing));
}

// An image for a worker that reads and writes by itself. One that cannot be taken in has failed.
static enum status next_to_delegate(void *context, struct intake_entry *entry, bool *given, bool *end)
{
    struct coordinator *c = context;
    for (;;) {
        TRY(intake_ahead_next(c->ahead, entry, given, end));
        if (!*given || (entry->status == STATUS_OK && !resume_is_done(c->options->resume, entry->id)))
            return STATUS_OK;
        if (resume_is_done(c->options->resume, entry->id))
            continue;
        struct task *task = task_create();
        TRY(task ? STATUS_OK : no_memory("for another image"));
        load_begin(task, entry);
        (void)fail(entry->status, "%s", entry->error);
        task_failed(task);
        TRY(write_down(c, task));
    }
}

// The rows of an image that a worker has done by itself come all at once.
static enum status take_delegated(void *context, struct task *task)
{
    struct coordinator *c = context;
    const struct run_setup *setup = &c->options->setup;
    const struct image_row *record = &task->record;
    const double earlier = earlier_work_see(&c->earlier, record->sha256, c->progress);
    if (record->status != IMAGE_FAILED) {
        const double work = setup->work(setup->config, task_job(setup->use, record->source), record->width, record->height);
        progress_add_work(c->progress, work, task_job(setup->use, record->source) == JOB_DREAM);
        progress_take_up(c->progress, earlier);
        progress_advance(c->progress, (record->status == IMAGE_DONE ? work : image_rows_pixels(&task->results.rows)) - earlier);
    }
    const enum status rc = dispatcher_write_rows(c->dispatcher, &task->results.rows);
    if (rc == STATUS_OK)
        return write_down(c, task);
    task_destroy(&task);
    return rc;
}

static enum status create_delegation(struct coordinator *c)
{
    const struct coordinator_options *o = c->options;
    return delegation_create(&c->delegation, &(struct delegation_options){.comm = o->comm,
                                                                          .first_worker = o->first_worker,
                                                                          .workers = o->setup.schedule->workers,
                                                                          .header = &o->setup.header,
                                                                          .next = next_to_delegate,
                                                                          .same = c->same,
                                                                          .ended = take_delegated,
                                                                          .context = c});
}

static enum status create_dispatcher(struct coordinator *c)
{
    const struct coordinator_options *o = c->options;
    TRY(dispatcher_create(&c->dispatcher, &(struct dispatcher_options){.comm = o->here.serve ? MPI_COMM_NULL : o->comm,
                                                                       .first_worker = o->first_worker,
                                                                       .setup = &o->setup,
                                                                       .checkpoints = &c->checkpoints,
                                                                       .run_file = c->run_file,
                                                                       .progress = c->progress,
                                                                       .timing = &c->timing,
                                                                       .ended = on_ended,
                                                                       .context = c}));
    c->clips = (struct clip_list){
        .options = {&o->setup, &c->checkpoints, c->run_file, c->progress, c->dispatcher}, .ended = write_down, .context = c};
    return STATUS_OK;
}

// The run file and the inputs, anew or as an earlier run has left them.
static enum status open_run(struct coordinator *c)
{
    const struct coordinator_options *o = c->options;
    const char *output = o->setup.output;
    char path[FILE_PATH_MAX];
    TRY(file_join(path, output, "run.h5"));
    TRY(checkpoint_folder_init(&c->checkpoints, output));
    if (!o->resume) // what is there was made with other settings or pictures
        TRY(checkpoint_folder_remove(output, NULL, NULL));
    TRY(o->resume ? parting_make(o->resume, output) : forget_run(output));
    const enum status rc = run_file_create(&c->run_file, path, &o->setup.header, o->resume ? &o->resume->earlier : NULL);
    c->outcome->refused = rc == STATUS_IO;
    TRY(rc);
    return intake_create(&c->intake, &(struct intake_options){.output = output,
                                                              .folders = o->setup.config->output.folders,
                                                              .known = o->resume ? &o->resume->known : NULL,
                                                              .inputs = o->inputs,
                                                              .count = o->input_count,
                                                              .lists = o->lists,
                                                              .videos = o->setup.use == CONFIG_DREAM,
                                                              .keep_key = true});
}

// A session that ends before it has come to a dream of the one before leaves it as it was.
static enum status keep_unfinished(struct coordinator *c)
{
    if (!c->options->resume || !dispatcher_is_stopping(c->dispatcher))
        return STATUS_OK;
    for (const struct image_row *row; (row = resume_next_unfinished(c->options->resume));) {
        TRY(dispatcher_tolerate(c->dispatcher, run_file_add_image(c->run_file, row, NULL, NULL)));
        c->outcome->stopped++;
    }
    return STATUS_OK;
}

// How many pictures wait of a run that was stopped as it began, where a moment's patience tells.
static void wait_for_total(const struct coordinator *c)
{
    unsigned idle = 0;
    for (const double until = now() + 1; intake_ahead_total(c->ahead) < 0 && now() < until;)
        mpi_idle(&idle);
}

static void say_end(const struct coordinator *c)
{
    notices_end(&c->notices);
    same_images_warn(c->same);
    if (intake_ahead_total(c->ahead) == 0)
        log_warning("nothing to do: the inputs name no picture");
    closing_unfinished(c->outcome, c->options->setup.use);
}

enum status coordinator_run(const struct coordinator_options *options, struct coordinator_outcome *outcome)
{
    struct coordinator c = {.options = options, .outcome = outcome, .started = now()};
    double elapsed = 0;
    char reason[STATUS_MESSAGE_MAX];
    enum status rc;
    *outcome = (struct coordinator_outcome){0};
    TRY_OUT(open_run(&c));
    TRY_OUT(same_images_create(&c.same, options->setup.output, options->resume, options->setup.config->input.equal == EQUAL_EACH));
    TRY_OUT(intake_ahead_create(&c.ahead, c.intake));
    TRY_OUT(prefetch_create(&c.prefetch, options->setup.use, options->setup.config, options->setup.output, &c.checkpoints,
                            options->setup.schedule->workers, PREFETCH_DISK_BYTES));
    TRY_OUT(progress_create(&c.progress, -1, log_get_level(), STDERR_FILENO));
    earlier_work_count(&c.earlier, options->resume, &options->setup, c.progress);
    TRY_OUT(create_dispatcher(&c));
    if (options->delegates)
        TRY_OUT(create_delegation(&c));
    if (options->here.serve)
        TRY_OUT(options->here.serve(options->here.worker, dispatcher_lead(c.dispatcher, turn, &c)));
    else
        TRY_OUT(serve(&c));
    TRY_OUT(clip_list_stop(&c.clips));
    TRY_OUT(keep_unfinished(&c));
    wait_for_total(&c);
    say_end(&c);
    if (!options->here.serve)
        TRY_OUT(dispatcher_dismiss(c.dispatcher));
    timing_part_add(&c.own, &c.timing);
    elapsed = now() - c.started;
    set_progress(&c, true);
    rc = collect_timing(&c);
    outcome->was_stopped =
        dispatcher_is_stopping(c.dispatcher) && (outcome->stopped > 0 || !dispatcher_is_empty(c.dispatcher) || !c.all_taken);
out:
    progress_destroy(&c.progress);
    if (rc == STATUS_OK)
        closing_timing(outcome, &c.workers, &c.own, elapsed);
    prefetch_destroy(&c.prefetch);
    intake_ahead_destroy(&c.ahead);
    intake_destroy(&c.intake);
    dispatcher_destroy(&c.dispatcher);
    clip_list_destroy(&c.clips);
    delegation_destroy(&c.delegation);
    same_images_destroy(&c.same);
    if (rc != STATUS_OK)
        snprintf(reason, sizeof reason, "%s", status_message());
    outcome->rows_lost = run_file_close(&c.run_file, rc == STATUS_OK && !outcome->was_stopped) != STATUS_OK;
    if (!outcome->rows_lost)
        checkpoint_folder_clean(&c.checkpoints);
    checkpoint_folder_end(&c.checkpoints, rc == STATUS_OK && !outcome->rows_lost && !outcome->was_stopped && outcome->failed == 0);
    checkpoint_folder_destroy(&c.checkpoints);
    earlier_work_destroy(&c.earlier);
    if (outcome->rows_lost)
        log_error("rows of the run file are lost: %s; run the same command again when that is mended", status_message());
    if (rc == STATUS_OK && !outcome->rows_lost && c.options->setup.use != CONFIG_ATLAS) // an atlas is there when it is written
        closing_where(outcome, &options->setup, c.last);
    return rc == STATUS_OK ? rc : fail(rc, "%s", reason);
}
