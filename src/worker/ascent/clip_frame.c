// SPDX-License-Identifier: MIT
#include "worker/ascent/clip_frame.h"

#include "worker/ascent/sequence.h"

// A frame of more is shrunk to so many before its flow is found.
enum { FLOW_PIXELS = 1 << 19 };

static struct sequence_rule rule_of(const struct config *config, const struct frame_job *frame)
{
    const bool zoomed = frame->zoomed;
    return (struct sequence_rule){.steps = zoomed ? config->zoom.steps : config->motion.steps,
                                  .keep = zoomed ? 1 : config->motion.keep,
                                  .haste = zoomed ? 1 : config->motion.haste,
                                  .colours = zoomed ? &frame->colours : NULL,
                                  .flow_pixels = zoomed ? 0 : FLOW_PIXELS};
}

static enum status take_up(struct sequence *sequence, struct image_job *job, const struct frame_job *frame, const float *ripe)
{
    const struct slab *dream = &job->others[job->other_count - 1];
    struct slab nothing = {0};
    enum status rc;
    if (ripe && (size_t)frame->ripe != sequence_grid(sequence))
        return fail(STATUS_INTERNAL, "a frame's ripeness of %lld values", (long long)frame->ripe);
    if (frame->zoomed) {
        TRY_OUT(team_agree(job->team, slab_create(&nothing, dream->width, dream->height, dream->rows)));
        slab_fill(&nothing, 0);
    }
    rc = sequence_take_up(sequence, frame->zoomed ? &nothing : &job->others[0], dream, ripe);
out:
    slab_destroy(&nothing);
    return rc;
}

static enum status send_ripe(const struct image_job *job, const struct sequence *sequence)
{
    const struct array_part part = {.image = job->image, .kind = ARRAY_RIPE, .target = -1, .frame = -1};
    const float *ripe = sequence_ripe(sequence);
    if (!ripe || job->team->rank != 0)
        return STATUS_OK;
    return outbox_send_whole(job->outbox, part, 1, 1, (int)sequence_grid(sequence), ripe);
}

enum status clip_frame_dream(struct image_job *job, const struct frame_job *frame, const float *ripe, struct slab *rows,
                             struct frame_facts *facts, struct image_outcome *outcome)
{
    const struct sequence_rule rule = rule_of(job->objective->config, frame);
    const bool follows = job->other_count > 0;
    struct sequence *sequence = NULL;
    struct field field = {0};
    enum status rc;
    *outcome = (struct image_outcome){.before = picture_metrics_unknown(), .after = picture_metrics_unknown()};
    TRY_OUT(team_agree(job->team, sequence_create(&sequence, job, &rule, rows->width, rows->height)));
    if (follows)
        TRY_OUT(take_up(sequence, job, frame, ripe));
    if (follows && frame->zoomed)
        TRY_OUT(
            team_agree(job->team, field_similarity(&field, rows->width, rows->height, frame->scale, frame->degrees, frame->x, frame->y)));
    TRY_OUT(sequence_next(sequence, rows, field.trust ? &field : NULL, facts, outcome));
    rc = send_ripe(job, sequence);
out:
    field_destroy(&field);
    sequence_destroy(&sequence);
    outcome->broken = rc != STATUS_OK && !job->team->agreed && job->team->size > 1;
    return rc;
}
