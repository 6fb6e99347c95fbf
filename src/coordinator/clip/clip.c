// SPDX-License-Identifier: MIT
#include "coordinator/clip/clip.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/picture/geometry.h"
#include "common/system/clock.h"
#include "common/system/log.h"
#include "common/system/work_queue.h"
#include "coordinator/clip/clip_joint.h"
#include "coordinator/clip/clip_output.h"
#include "coordinator/output/stale_files.h"
#include "runfile/run_file.h"

struct member {                 // one of the clip's segments
    struct segment *open;       // NULL: it has not begun, or is whole
    bool whole, counted;        // its rows of an earlier run are in the run file
    struct picture_metrics sum; // of the frames that it owns
    int64_t frames;             // that it owns and are dreamed
    double kept;                // when its state was, seconds of the monotonic clock
};

struct clip {
    struct clip_options options;
    struct task *task;
    struct segment_setup setup;
    char stem[FILE_PATH_MAX];
    struct member *members;       // [setup.plan.segments]
    int opened, whole;            // how many: those before have begun
    int in_hand;                  // frames that are tasks
    int joints;                   // of which it has been seen to
    struct work_queue *queue;     // joints, and the clip itself
    bool ending;                  // nothing more will be put there
    struct frame_colours colours; // of the picture that a zoom begins with
    bool failed;                  // as the task's record says
    double started;
};

static const struct config *config_of(const struct clip *c)
{
    return c->options.setup->config;
}

static double rate_of(const struct clip *c)
{
    return config_of(c)->video.rate;
}

static void set_up(struct clip *c)
{
    const struct config *config = config_of(c);
    const struct clip_source *source = c->task->video;
    struct segment_setup *s = &c->setup;
    const int width = c->task->image.width, height = c->task->image.height;
    *s = (struct segment_setup){.source = source,
                                .plan = clip_plan_make(config, source ? source->scan.count : config->zoom.frames, !source),
                                .width = width,
                                .height = height,
                                .make = {.encoder = config->video.encoder, .quality = config->video.quality},
                                .sha256 = c->task->record.sha256,
                                .stem = c->stem,
                                .limits = {.side = config->input.max_side, .pixels = config->input.max_pixels},
                                .image = c->task->record.id};
    s->make.form = source ? source->scan.facts.form : video_form_of_pictures(width, height, rate_of(c));
    s->make.form.width = width;
    s->make.form.height = height;
}

// Tells those who look for what can be gone on with that there is something.
static enum status write_marker(const struct clip *c)
{
    struct record_writer writer = {0};
    if (access(c->stem, F_OK) == 0)
        return STATUS_OK;
    TRY(record_create(&writer, c->stem));
    record_write(&writer, c->setup.sha256, sizeof c->task->record.sha256);
    return record_commit(&writer);
}

// Of one frame that goes on from another.
static double work_of(const struct clip *c)
{
    const struct config *config = config_of(c);
    const double whole = c->options.setup->work(config, JOB_DREAM, c->setup.width, c->setup.height);
    return whole * (c->setup.source ? config->motion.steps : config->zoom.steps) / config->steps;
}

static double work_of_first(const struct clip *c)
{
    return c->options.setup->work(config_of(c), JOB_DREAM, c->setup.width, c->setup.height);
}

static double work_of_frame(const struct clip *c, const struct frame_row *row)
{
    return work_of_first(c) * row->facts.steps / config_of(c)->steps;
}

static void find_colours(struct clip *c)
{
    const size_t plane = (size_t)c->setup.width * (size_t)c->setup.height;
    for (size_t k = 0; k < 3; k++) {
        double sum = 0, squares = 0;
        for (size_t i = k * plane; i < (k + 1) * plane; i++) {
            sum += c->task->image.rgb[i];
            squares += (double)c->task->image.rgb[i] * c->task->image.rgb[i];
        }
        const double mean = sum / (double)plane, variance = squares / (double)plane - mean * mean;
        c->colours.mean[k] = mean;
        c->colours.deviation[k] = variance > 0 ? sqrt(variance) : 0;
    }
}

enum status clip_create(struct clip **clip, const struct clip_options *options, struct task **task)
{
    TRY(ALLOCATE(*clip, 1, "for a clip"));
    struct clip *c = *clip;
    enum status rc;
    c->options = *options;
    c->task = *task;
    c->started = now();
    set_up(c);
    if (!c->setup.source)
        find_colours(c);
    const int segments = c->setup.plan.segments;
    TRY_OUT(checkpoint_folder_path(options->checkpoints, c->setup.sha256, c->stem));
    TRY_OUT(write_marker(c));
    TRY_OUT(ALLOCATE(c->members, segments, "for a clip"));
    TRY_OUT(work_queue_create(&c->queue));
    progress_add_work(options->progress, segments * work_of_first(c) + (double)(clip_plan_total(&c->setup.plan) - segments) * work_of(c),
                      true);
    log_debug("%s: %lld frames of %d x %d pixels in %d segments", c->task->record.source, (long long)c->setup.plan.frames, c->setup.width,
              c->setup.height, segments);
    *task = NULL;
out:
    if (rc != STATUS_OK) {
        c->task = NULL;
        clip_destroy(clip);
    }
    return rc;
}

void clip_destroy(struct clip **clip)
{
    struct clip *c = *clip;
    if (!c)
        return;
    work_queue_abandon(&c->queue);
    for (int k = 0; c->members && k < c->setup.plan.segments; k++)
        segment_destroy(&c->members[k].open);
    free(c->members);
    task_destroy(&c->task);
    free(c);
    *clip = NULL;
}

static void fail_clip(struct clip *c)
{
    if (!c->failed)
        task_failed(c->task);
    c->failed = true;
}

// Frames that are in memory for each segment that is open: itself, the one before and its dream, the one that is read, those to be encoded.
static bool has_room(const struct clip *c)
{
    const double enough = 4.0 * (1 << 30), each = 7.0 * 12 * c->setup.width * c->setup.height;
    const int open = c->opened - c->whole;
    return open == 0 || (open <= c->options.setup->schedule->workers && (open + 1) * each < enough);
}

static enum status open_next(struct clip *c)
{
    const int k = c->opened++;
    c->members[k].kept = now();
    return segment_create(&c->members[k].open, &c->setup, k, c->setup.source ? NULL : c->task->image.rgb);
}

static void describe(const struct clip *c, const struct segment_frame *from, int segment, struct task *task)
{
    const struct config *config = config_of(c);
    struct frame_job *job = &task->frame.job;
    double x = 0.5, y = 0.5;
    task->record.id = c->task->record.id;
    snprintf(task->record.source, sizeof task->record.source, "%s", c->task->record.source);
    snprintf(task->record.sha256, sizeof task->record.sha256, "%s", c->task->record.sha256);
    snprintf(task->name, sizeof task->name, "%s", c->task->name);
    task->image.rgb = from->rgb;
    task->image.width = c->setup.width;
    task->image.height = c->setup.height;
    task->job = JOB_FRAME;
    task->others = from->before_count;
    task->work = from->before_count ? work_of(c) : work_of_first(c);
    task->frame.segment = segment;
    for (int i = 0; i < from->before_count; i++)
        task->frame.before[i] = from->before[i];
    task->frame.ripe = from->ripe;
    *job = (struct frame_job){.number = from->number, .ripe = from->ripe_count, .zoomed = !c->setup.source};
    if (job->zoomed && config_zoom_centre(config, &x, &y) == STATUS_OK) {
        job->scale = config->zoom.scale;
        job->degrees = config->zoom.rotate;
        job->x = x * c->setup.width;
        job->y = y * c->setup.height;
        job->colours = c->colours;
    }
}

static enum status hand_out(struct clip *c, int k, struct task **task)
{
    struct segment_frame frame;
    TRY(segment_hand_out(c->members[k].open, &frame));
    *task = task_create();
    if (!*task) {
        free(frame.rgb);
        return no_memory("for a frame");
    }
    describe(c, &frame, k, *task);
    c->in_hand++;
    return STATUS_OK;
}

enum status clip_next(struct clip *c, bool more, struct task **task)
{
    *task = NULL;
    for (int k = 0; k < c->opened && !*task && !c->failed; k++) {
        struct member *m = &c->members[k];
        if (m->open && segment_look(m->open) == SEGMENT_READY && m->counted && hand_out(c, k, task) != STATUS_OK)
            fail_clip(c);
    }
    if (!*task && more && !c->failed && c->opened < c->setup.plan.segments && has_room(c) && open_next(c) != STATUS_OK)
        fail_clip(c);
    return STATUS_OK;
}

int64_t clip_coming(const struct clip *c)
{
    return c->failed ? 0 : c->setup.plan.segments - c->opened;
}

static void add_metrics(struct picture_metrics *sum, const struct picture_metrics *more, int targets)
{
    sum->loss += more->loss;
    sum->total_variation += more->total_variation;
    sum->psnr += more->psnr;
    for (int t = 0; t < targets; t++) {
        struct target_metrics *to = &sum->targets[t];
        const struct target_metrics *from = &more->targets[t];
        *to = (struct target_metrics){to->loss + from->loss,   to->score + from->score,         to->sparsity + from->sparsity,
                                      to->hoyer + from->hoyer, to->diversity + from->diversity, to->diversity_seed + from->diversity_seed};
    }
}

// Each frame counts once: as its owner has dreamed it.
static void count_row(struct clip *c, int k, const struct frame_row *row)
{
    enum clip_kind kind;
    if (!clip_plan_kind(&c->setup.plan, k, row->frame, &kind) || kind == CLIP_LEAD)
        return;
    add_metrics(&c->members[k].sum, &row->metrics, config_of(c)->targets.count);
    c->members[k].frames++;
}

static enum status add_row(struct clip *c, int k, const struct frame_row *row)
{
    count_row(c, k, row);
    return dispatcher_tolerate(c->options.dispatcher, run_file_add_frame(c->options.run_file, row));
}

static double time_of(const struct clip *c, int64_t frame)
{
    return c->setup.source ? clip_source_time(c->setup.source, frame) : (double)frame / rate_of(c);
}

bool clip_has(const struct clip *c, const struct task *frame)
{
    return c->task->record.id == frame->record.id;
}

static enum status take_dream(struct clip *c, struct task *frame)
{
    const int k = frame->frame.segment;
    struct member *m = &c->members[k];
    const double every = config_of(c)->checkpoint.seconds;
    const bool save = every > 0 && now() - m->kept >= every;
    const struct frame_row row = {.image = c->task->record.id,
                                  .frame = frame->frame.job.number,
                                  .segment = k,
                                  .time = time_of(c, frame->frame.job.number),
                                  .facts = frame->result.frame,
                                  .metrics = frame->record.after,
                                  .seconds = frame->record.seconds_dream};
    float *dream = frame->image.rgb, *ripe = frame->results.ripe;
    frame->image.rgb = frame->results.ripe = NULL;
    if (save)
        m->kept = now();
    c->task->record.seconds_dream += row.seconds;
    c->task->record.tiles = frame->record.tiles;
    c->task->record.redundancy = frame->record.redundancy;
    if (c->task->record.rank < 0 || frame->record.rank < c->task->record.rank)
        c->task->record.rank = frame->record.rank;
    if (c->task->record.team < frame->record.team)
        c->task->record.team = frame->record.team;
    progress_take_up(c->options.progress, frame->work - work_of_frame(c, &row)); // a cut takes more
    if (segment_dreamed(m->open, dream, ripe, frame->results.ripe_count, &row, save) != STATUS_OK)
        fail_clip(c);
    return add_row(c, k, &row);
}

enum status clip_frame_ended(struct clip *c, struct task *frame)
{
    enum status rc = STATUS_OK;
    c->in_hand--;
    if (frame->record.status == IMAGE_FAILED) {
        (void)fail(STATUS_INTERNAL, "frame %lld: %s", (long long)frame->frame.job.number, frame->record.error);
        fail_clip(c);
    } else if (frame->record.status == IMAGE_DONE)
        rc = take_dream(c, frame);
    task_destroy(&frame);
    return rc;
}

// What an earlier run has dreamed of a segment.
static enum status count_earlier(struct clip *c, int k)
{
    struct member *m = &c->members[k];
    size_t count;
    const struct frame_row *rows = segment_rows(m->open, &count);
    double work = 0;
    m->counted = true;
    for (size_t i = 0; i < count; i++) {
        work += work_of_frame(c, &rows[i]);
        c->task->record.seconds_dream += rows[i].seconds;
        TRY(add_row(c, k, &rows[i]));
    }
    progress_take_up(c->options.progress, work);
    return STATUS_OK;
}

static enum status look_after(struct clip *c, int k, bool *found)
{
    struct member *m = &c->members[k];
    const enum segment_state state = segment_look(m->open);
    if (state == SEGMENT_FAILED)
        fail_clip(c);
    if ((state == SEGMENT_READY || state == SEGMENT_WHOLE) && !m->counted)
        TRY(count_earlier(c, k));
    if (state != SEGMENT_WHOLE)
        return STATUS_OK;
    segment_destroy(&m->open);
    m->whole = *found = true;
    c->whole++;
    return STATUS_OK;
}

// Of the queue.
struct order {
    struct clip *clip;
    int joint; // 0: the clip itself
};

static enum status run_order(void *data)
{
    const struct order *order = data;
    struct clip *c = order->clip;
    return order->joint ? clip_joint_make(&c->setup, order->joint)
                        : clip_output_write(&c->setup, c->options.setup->output, c->task, c->setup.plan.segments);
}

static enum status put(struct clip *c, int joint)
{
    struct order *order = malloc(sizeof *order);
    if (!order)
        return no_memory("for a clip");
    *order = (struct order){.clip = c, .joint = joint};
    work_queue_put(c->queue, &(struct work){.run = run_order, .destroy = free, .data = order});
    return STATUS_OK;
}

// Joints in their order, as soon as both sides are there, and at last the clip.
static enum status put_orders(struct clip *c)
{
    const int segments = c->setup.plan.segments;
    while (c->joints < segments - 1 && c->members[c->joints].whole && c->members[c->joints + 1].whole && work_queue_has_room(c->queue))
        TRY(put(c, ++c->joints));
    if (c->whole < segments || c->joints < segments - 1 || !work_queue_has_room(c->queue))
        return STATUS_OK;
    TRY(put(c, 0));
    work_queue_end(c->queue);
    c->ending = true;
    return STATUS_OK;
}

static void find_means(struct clip *c)
{
    struct picture_metrics *mean = &c->task->record.after;
    const int targets = config_of(c)->targets.count;
    int64_t frames = 0;
    *mean = (struct picture_metrics){0};
    for (int k = 0; k < c->setup.plan.segments; k++) {
        add_metrics(mean, &c->members[k].sum, targets);
        frames += c->members[k].frames;
    }
    const double part = frames > 0 ? 1.0 / (double)frames : 0;
    mean->loss *= part;
    mean->total_variation *= part;
    mean->psnr *= part;
    for (int t = 0; t < targets; t++) {
        struct target_metrics *m = &mean->targets[t];
        *m = (struct target_metrics){part * m->loss,  part * m->score,     part * m->sparsity,
                                     part * m->hoyer, part * m->diversity, part * m->diversity_seed};
    }
}

static struct task *give(struct clip *c)
{
    struct task *task = c->task;
    c->task = NULL;
    return task;
}

enum status clip_turn(struct clip *c, bool *found, struct task **task)
{
    double seconds = 0;
    *task = NULL;
    for (int k = 0; k < c->opened; k++)
        if (c->members[k].open)
            TRY(look_after(c, k, found));
    if (c->failed && c->in_hand == 0) {
        clip_output_remove(c->options.setup->output, c->task);
        *task = give(c);
        return STATUS_OK;
    }
    if (!c->failed && !c->ending && put_orders(c) != STATUS_OK)
        fail_clip(c);
    if (!c->ending || !work_queue_is_done(c->queue))
        return STATUS_OK;
    if (work_queue_finish(&c->queue, &seconds) != STATUS_OK) {
        fail_clip(c);
        c->ending = false;
        return STATUS_OK;
    }
    c->task->record.seconds_encode = seconds;
    c->task->record.status = IMAGE_DONE;
    find_means(c);
    *task = give(c);
    *found = true;
    return STATUS_OK;
}

enum status clip_stop(struct clip *c, struct task **task)
{
    enum status rc = STATUS_OK;
    int whole = 0;
    for (int k = 0; k < c->opened && rc == STATUS_OK; k++)
        if (c->members[k].open)
            rc = segment_stop(c->members[k].open);
    work_queue_end(c->queue);
    if (rc == STATUS_OK)
        rc = work_queue_finish(&c->queue, NULL);
    while (whole < c->setup.plan.segments && c->members[whole].whole && whole <= c->joints)
        whole++;
    if (rc == STATUS_OK) {
        c->task->record.status = IMAGE_STOPPED;
        rc = whole ? clip_output_write(&c->setup, c->options.setup->output, c->task, whole) : STATUS_OK;
    }
    if (rc != STATUS_OK)
        task_failed(c->task);
    *task = give(c);
    return STATUS_OK;
}
