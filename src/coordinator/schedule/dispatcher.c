// SPDX-License-Identifier: MIT
#include "coordinator/schedule/dispatcher.h"

#include <stdlib.h>
#include <string.h>

#include "common/picture/geometry.h"
#include "common/system/clock.h"
#include "common/system/log.h"
#include "common/system/text.h"
#include "coordinator/schedule/dispatcher_inside.h"
#include "coordinator/schedule/image_transfer.h"
#include "coordinator/task/task_output.h"

enum status dispatcher_tolerate(struct dispatcher *c, enum status rc)
{
    if (rc != STATUS_IO)
        return rc;
    if (!c->warned)
        log_warning("%s; it is tried again until the end of the run", status_message());
    c->warned = true;
    return STATUS_OK;
}

// The image has come to its end, whatever became of it.
static enum status end(struct dispatcher *c, struct task *task)
{
    if (task->record.status == IMAGE_FAILED)
        progress_add_work(c->options.progress, task->work_done + task->part - task->work, task->job == JOB_DREAM); // what it left undone
    else if (task->record.status == IMAGE_STOPPED && task->job != JOB_DREAM)
        progress_take_up(c->options.progress, -task->work_done - task->part); // nothing of it is kept
    return c->options.ended(c->options.context, task);
}

static enum status cut_task(const struct dispatcher *c, struct task *task)
{
    const struct schedule *schedule = c->options.setup->schedule;
    const struct schedule_image image = task_size(task);
    TRY(schedule_tiles(schedule, image, &task->record.tiles, &task->record.redundancy));
    if (schedule_least(schedule, image) == 0)
        return fail(STATUS_LIMIT,
                    "%d x %d pixels need %.1f GiB of each of %d rank%s and one may use %.1f GiB: start more ranks on more nodes, raise "
                    "memory.limit or set a smaller tile.size",
                    image.width, image.height, schedule_memory(schedule, image, schedule->workers) / (1 << 30), schedule->workers,
                    PLURAL(schedule->workers), (double)schedule->memory_limit / (1 << 30));
    return STATUS_OK;
}

enum status dispatcher_write_rows(struct dispatcher *c, const struct image_rows *rows)
{
    struct run_file *file = c->options.run_file;
    if (!file)
        return STATUS_OK;
    TRY(dispatcher_tolerate(c, run_file_add_steps(file, rows->steps, rows->step_count)));
    for (size_t i = 0; i < rows->map_count; i++)
        TRY(dispatcher_tolerate(c, run_file_add_cam(file, &rows->maps[i], rows->values + rows->maps[i].offset)));
    for (size_t i = 0; i < rows->score_count; i++)
        TRY(dispatcher_tolerate(c, run_file_add_faithfulness(file, &rows->scores[i])));
    return STATUS_OK;
}

// The rows of a dream that is gone on with: so much of its work is done.
static enum status take_up(struct dispatcher *c, struct task *task)
{
    struct image_rows *rows = &task->earlier.rows;
    task->work -= image_rows_pixels(rows);
    progress_take_up(c->options.progress, image_rows_pixels(rows));
    TRY(dispatcher_write_rows(c, rows));
    task->results.rows = *rows;
    *rows = (struct image_rows){0};
    log_debug("%s: goes on in octave %d, step %d", task->record.source, (int)task->earlier.state.octave, (int)task->earlier.state.step);
    return STATUS_OK;
}

enum status dispatcher_put(struct dispatcher *c, struct task *task, bool is_done)
{
    task->job = task_job(c->options.setup->use, task->record.source);
    task->peaks = c->options.setup->use == CONFIG_ATLAS;
    if (task->record.status != IMAGE_FAILED && cut_task(c, task) != STATUS_OK)
        task_failed(task);
    if (task->record.status == IMAGE_FAILED && !is_done)
        return end(c, task);
    if (task->record.status != IMAGE_FAILED && baseline_images_are_wanted(c->options.setup->config, c->options.setup->use))
        TRY(baseline_images_add(&c->baselines, task->record.id, &task->image));
    if (is_done) {
        task_destroy(&task);
        return STATUS_OK;
    }
    task->work = c->options.setup->work(c->options.setup->config, task->job, task->image.width, task->image.height);
    progress_add_work(c->options.progress, task->work, task->job == JOB_DREAM);
    if (task->earlier.rgb)
        TRY(take_up(c, task));
    task->ready_at = now();
    task_queue_put(&c->ready, task);
    c->look_again = true;
    return STATUS_OK;
}

enum status dispatcher_put_frame(struct dispatcher *c, struct task *task)
{
    if (cut_task(c, task) != STATUS_OK) {
        task_failed(task);
        return end(c, task);
    }
    task->ready_at = now();
    task_queue_put(&c->ready, task);
    c->look_again = true;
    return STATUS_OK;
}

// The first images are the others' baselines: they are all read before work on any begins.
static bool has_references(const struct dispatcher *c)
{
    return !baseline_images_are_wanted(c->options.setup->config, c->options.setup->use) || baseline_images_are_full(&c->baselines) ||
           c->all_taken;
}

// One image ahead for each worker, so that none waits for a file; of large ones fewer. What is being read comes on top of that.
bool dispatcher_wants_more(const struct dispatcher *c, bool all_taken, bool *in_order)
{
    const double enough = UINT64_C(1) << 30;
    *in_order = !has_references(c);
    return !all_taken && (*in_order || (c->ready.count < c->options.setup->schedule->workers && c->ready.bytes < enough));
}

// What is written while the workers are at it.
static enum status begin_outputs(struct dispatcher *c, struct task *task)
{
    const struct run_setup *o = c->options.setup;
    const double start = now();
    const enum status rc = task->job == JOB_FRAME     ? STATUS_OK // its clip does it
                           : task->job == JOB_EXPLAIN ? output_begin_explanation(&o->header, o->output, task)
                           : task->job == JOB_SCAN    ? output_begin_nothing(task)
                                                      : output_begin_dream(o->config, o->output, task);
    timing_add(c->options.timing, PHASE_ENCODE, start, 0);
    return rc;
}

// Of the one image in hand.
static void show_place(struct dispatcher *c, const struct task *task, int octave, int step)
{
    const struct run_setup *setup = c->options.setup;
    struct octave octaves[GEOMETRY_OCTAVES_MAX];
    const struct schedule_image size = task_size(task);
    struct progress_place place = {.octave = octave, .step = step, .steps = setup->config->steps};
    if (c->teams.count != 1)
        return;
    if (task->job == JOB_DREAM)
        place.octaves = geometry_octaves(size.width, size.height, &setup->config->octaves, octaves);
    progress_set_place(c->options.progress, task->record.source, &place);
}

// The first image in the queue to the first `members` free workers.
static enum status dispatch(struct dispatcher *c, int members)
{
    struct task *task = task_queue_take(&c->ready);
    if (begin_outputs(c, task) != STATUS_OK) {
        task_failed(task);
        return end(c, task);
    }
    enum status rc = teams_assign(&c->teams, task, members);
    if (rc != STATUS_OK) {
        if (!task->team)
            task_destroy(&task);
        return rc;
    }
    progress_set_in_flight(c->options.progress, c->teams.count);
    show_place(c, task, task->earlier.rgb ? task->earlier.state.octave : 0, (task->earlier.rgb ? task->earlier.state.step : 0) - 1);
    if (task->job != JOB_FRAME)
        task->others = baseline_images_count(&c->baselines, task->record.id); // all are there: has_references()
    task->record.seconds_wait = now() - task->ready_at;
    log_debug("%s: %d x %d pixels, %d tile%s, to %d rank%s from %d on", task->record.source, task->image.width, task->image.height,
              task->record.tiles, PLURAL(task->record.tiles), members, PLURAL(members), task->record.rank);
    return c->options.comm == MPI_COMM_NULL ? STATUS_OK : image_transfer_offer(c->options.comm, task);
}

// As many images as there are teams for. The first in the queue waits for its team, and the others behind it.
static enum status dispatch_all(struct dispatcher *c)
{
    while (c->ready.first && c->look_again) {
        const int available = c->teams.free_workers;
        int members = available + 1;
        if (available > 0)
            TRY(teams_choose(&c->teams, &c->ready, c->coming, &members));
        if (members <= available)
            TRY(dispatch(c, members));
        else
            c->look_again = false;
    }
    return STATUS_OK;
}

static enum status take_step(struct dispatcher *c, struct task *task, const struct step_row *step)
{
    const double work = (double)step->width * step->height;
    task->work_done += work;
    show_place(c, task, step->octave, step->step);
    progress_advance(c->options.progress, work - task->part);
    task->part = 0;
    if (task->job == JOB_FRAME) // the clip has a row of all of it
        return STATUS_OK;
    TRY(image_rows_add_step(&task->results.rows, step));
    return c->options.run_file ? dispatcher_tolerate(c, run_file_add_steps(c->options.run_file, step, 1)) : STATUS_OK;
}

// All outputs are written; the row follows.
static enum status finish(struct dispatcher *c, struct task *task)
{
    const double start = now(), before = task->record.seconds_encode;
    if (output_finish(c->options.setup->output, task) != STATUS_OK)
        task_failed(task);
    timing_add(c->options.timing, PHASE_ENCODE, start - (task->record.seconds_encode - before), 0); // what the queue did
    return end(c, task);
}

enum status dispatcher_end_task(struct dispatcher *c, struct task *task)
{
    const struct result *result = &task->result;
    task->record.status = result->status;
    task->record.seconds_dream = result->seconds;
    task->record.before = result->before;
    task->record.after = result->after;
    memcpy(task->record.error, result->error, sizeof task->record.error);
    teams_release(&c->teams, task);
    progress_set_in_flight(c->options.progress, c->teams.count);
    c->look_again = true;
    c->stopping = c->stopping || result->status == IMAGE_STOPPED; // the signal reached the worker alone
    if (!c->stopping)
        TRY(dispatch_all(c)); // the workers go on while this picture is written
    if (task->job == JOB_FRAME)
        return end(c, task);
    if (result->status == IMAGE_FAILED)
        return finish(c, task);
    TRY(output_end(c->options.setup->config, c->options.setup->output, task));
    task_queue_append(&c->unwritten, task);
    return STATUS_OK;
}

// To the queue, if it is all there.
static enum status save_state(struct dispatcher *c, struct task *task)
{
    char path[FILE_PATH_MAX];
    struct checkpoint checkpoint;
    TRY(task_results_take_state(task, c->options.setup->config->steps, &checkpoint));
    if (!checkpoint.rgb)
        return STATUS_OK;
    if (checkpoint_folder_path(c->options.checkpoints, task->record.sha256, path) == STATUS_OK)
        return output_checkpoint(&task->output, path, &checkpoint);
    checkpoint_warn();
    checkpoint_destroy(&checkpoint);
    return STATUS_OK;
}

enum status dispatcher_take_report(struct dispatcher *c, struct task *task, const struct report *report)
{
    if (report->kind == REPORT_PART) {
        if (task->job != JOB_DREAM)
            show_place(c, task, 0, 0);
        progress_advance(c->options.progress, report->part.pixels - task->part);
        task->part = report->part.pixels;
        return STATUS_OK;
    }
    if (report->kind == REPORT_STEP)
        TRY(take_step(c, task, &report->step));
    if (report->kind == REPORT_BEFORE) {
        task->results.before = report->before;
        task->results.has_before = true;
    }
    return save_state(c, task);
}

enum status dispatcher_take_array(struct dispatcher *c, struct task *task, const struct array_part *part, float *values)
{
    TRY(dispatcher_tolerate(c, task_results_add(task, part, values, c->options.setup->config, c->options.run_file)));
    return save_state(c, task);
}

// Once the first member has said how it went and all that the members had sent has come.
static enum status end_if_complete(struct dispatcher *c, struct task *task)
{
    if (!task->has_result || task->results.arrays.received < task->result.arrays)
        return STATUS_OK;
    if (task->result.has_pixels) {
        const double start = now();
        TRY(image_transfer_receive(c->options.comm, task));
        timing_add(c->options.timing, PHASE_RECEIVE, start, task_pixel_bytes(task));
    }
    return dispatcher_end_task(c, task);
}

static enum status take_message(struct dispatcher *c, struct task *task, const struct report *report, double start)
{
    if (report->kind == REPORT_READY) {
        TRY(image_transfer_send(c->options.comm, task, &c->baselines));
        timing_add(c->options.timing, PHASE_SEND, start, task_pixel_bytes(task));
        return STATUS_OK;
    }
    if (report->kind == REPORT_RESULT) {
        task->result = report->result;
        task->has_result = true;
        return end_if_complete(c, task);
    }
    TRY(dispatcher_take_report(c, task, report));
    timing_add(c->options.timing, PHASE_STEPS, start, (int64_t)sizeof *report);
    return STATUS_OK;
}

static bool has_room(const struct dispatcher *c, int worker)
{
    const struct task *task = c->teams.busy[worker];
    return !task || task->job == JOB_FRAME || work_queue_has_room(task->output.queue);
}

// A team whose queue is full waits until there is room, and no other team with it.
static enum status probe_array(const struct dispatcher *c, bool *there, MPI_Status *status)
{
    const int workers = c->options.setup->schedule->workers;
    bool full = false;
    for (int w = 0; w < workers && !full; w++)
        full = !has_room(c, w);
    if (!full)
        return mpi_probe(c->options.comm, MPI_ANY_SOURCE, MESSAGE_ARRAY, there, status);
    *there = false;
    for (int w = 0; w < workers && !*there; w++)
        if (c->teams.busy[w] && has_room(c, w))
            TRY(mpi_probe(c->options.comm, c->options.first_worker + w, MESSAGE_ARRAY, there, status));
    return STATUS_OK;
}

// Takes the parts of arrays that are there.
static enum status collect_arrays(struct dispatcher *c, bool *found)
{
    for (;;) {
        bool there;
        MPI_Status status;
        TRY(probe_array(c, &there, &status));
        if (!there)
            break;
        const double start = now();
        struct task *task = teams_task(&c->teams, status.MPI_SOURCE);
        const int64_t before = task->results.arrays.bytes;
        struct array_part part;
        float *values;
        TRY(arrays_receive(c->options.comm, status.MPI_SOURCE, &part, &values));
        TRY(dispatcher_take_array(c, task, &part, values));
        timing_add(c->options.timing, PHASE_STEPS, start, task->results.arrays.bytes - before);
        TRY(end_if_complete(c, task));
        *found = true;
    }
    return STATUS_OK;
}

// Takes every report that is there, from whichever worker.
static enum status collect(struct dispatcher *c, bool *found)
{
    for (;;) {
        bool there;
        MPI_Status status;
        struct report report;
        TRY(mpi_probe(c->options.comm, MPI_ANY_SOURCE, MESSAGE_REPORT, &there, &status));
        if (!there)
            break;
        const double start = now();
        TRY(mpi_receive(&report, sizeof report, status.MPI_SOURCE, MESSAGE_REPORT, c->options.comm));
        TRY(take_message(c, teams_task(&c->teams, status.MPI_SOURCE), &report, start));
        *found = true;
    }
    return STATUS_OK;
}

enum status dispatcher_stop(struct dispatcher *c)
{
    const char nothing = 0;
    c->stopping = true;
    for (int w = 0; !c->told && c->options.comm != MPI_COMM_NULL && w < c->options.setup->schedule->workers; w++)
        TRY(mpi_send(&nothing, sizeof nothing, c->options.first_worker + w, MESSAGE_STOP, c->options.comm));
    c->told = true;
    return STATUS_OK;
}

enum status dispatcher_turn(struct dispatcher *c, int64_t coming, bool *found)
{
    c->coming = coming;
    c->all_taken = coming == 0;
    if (c->options.comm != MPI_COMM_NULL) {
        TRY(collect(c, found));
        TRY(collect_arrays(c, found));
    }
    for (struct task *task; (task = task_queue_take_written(&c->unwritten, c->options.setup->schedule->workers));) {
        TRY(finish(c, task));
        *found = true;
    }
    if (!c->stopping && has_references(c))
        TRY(dispatch_all(c));
    return STATUS_OK;
}

bool dispatcher_is_stopping(const struct dispatcher *c)
{
    return c->stopping;
}

int dispatcher_writing(const struct dispatcher *c)
{
    return c->unwritten.count;
}

bool dispatcher_is_idle(const struct dispatcher *c)
{
    return c->teams.count == 0 && c->unwritten.count == 0;
}

bool dispatcher_is_empty(const struct dispatcher *c)
{
    return !c->ready.first;
}

enum status dispatcher_dismiss(struct dispatcher *c)
{
    const struct job job = {.kind = JOB_EXIT};
    for (int w = 0; w < c->options.setup->schedule->workers; w++)
        TRY(mpi_send(&job, sizeof job, c->options.first_worker + w, MESSAGE_JOB, c->options.comm));
    return STATUS_OK;
}

enum status dispatcher_create(struct dispatcher **dispatcher, const struct dispatcher_options *options)
{
    TRY(ALLOCATE(*dispatcher, 1, "to dispatch images"));
    struct dispatcher *c = *dispatcher;
    c->options = *options;
    const enum status rc = teams_create(&c->teams, options->setup->schedule, options->first_worker);
    if (rc != STATUS_OK)
        dispatcher_destroy(dispatcher);
    return rc;
}

void dispatcher_destroy(struct dispatcher **dispatcher)
{
    struct dispatcher *c = *dispatcher;
    if (!c)
        return;
    task_queue_clear(&c->ready);
    teams_destroy(&c->teams);
    task_queue_clear(&c->unwritten);
    baseline_images_destroy(&c->baselines);
    free(c);
    *dispatcher = NULL;
}
