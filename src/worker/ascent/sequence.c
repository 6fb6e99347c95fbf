// SPDX-License-Identifier: MIT
#include "worker/ascent/sequence.h"

#include <math.h>
#include <string.h>

#include "common/system/clock.h"
#include "worker/ascent/colours.h"
#include "worker/ascent/dream.h"
#include "worker/team/rescale.h"
#include "worker/team/row_exchange.h"

struct sequence {
    struct image_job *job;
    const struct sequence_rule *rule;
    int width, height;
    int flow_width, flow_height; // of what the flow is found on; 0: it is not
    struct slab detail;          // of the last dream; without values: there is none
    float *frame, *dream;        // (flow_height, flow_width) and more: luminance of the last frame and of its dream, all rows of it
    float *ripe;                 // (flow_height, flow_width): how far each pixel has been dreamed, 0..1, all rows of it; NULL: no haste
    struct mask unripe;          // of that size: the rest to 1, of the frame that is being dreamed
};

static int bands(const struct sequence *s)
{
    return (s->flow_height + TILING_BAND - 1) / TILING_BAND;
}

size_t sequence_grid(const struct sequence *s)
{
    return (size_t)s->flow_width * (size_t)s->flow_height;
}

const float *sequence_ripe(const struct sequence *s)
{
    return s->ripe;
}

enum status sequence_create(struct sequence **sequence, struct image_job *job, const struct sequence_rule *rule, int width, int height)
{
    TRY(ALLOCATE(*sequence, 1, "for a sequence"));
    struct sequence *s = *sequence;
    const double shrink = fmin(sqrt(rule->flow_pixels / ((double)width * height)), 1);
    *s = (struct sequence){.job = job, .rule = rule, .width = width, .height = height};
    if (rule->flow_pixels <= 0)
        return STATUS_OK;
    s->flow_width = (int)fmax(round(width * shrink), FLOW_MIN_SIDE);
    s->flow_height = (int)fmax(round(height * shrink), FLOW_MIN_SIDE);
    if (rule->haste <= 1)
        return STATUS_OK;
    TRY(ALLOCATE(s->ripe, sequence_grid(s), "for a sequence"));
    s->unripe = (struct mask){.width = s->flow_width, .height = s->flow_height};
    return ALLOCATE(s->unripe.values, sequence_grid(s), "for a sequence");
}

void sequence_destroy(struct sequence **sequence)
{
    struct sequence *s = *sequence;
    if (!s)
        return;
    slab_destroy(&s->detail);
    free(s->frame);
    free(s->dream);
    free(s->ripe);
    mask_destroy(&s->unripe);
    free(s);
    *sequence = NULL;
}

// All rows of a picture's luminance (Rec. 601) at the flow's size, 0..255, on every member; malloc'ed. In whole bands: the last may end
// behind the picture.
static enum status see(const struct sequence *s, const struct slab *picture, float **luminance)
{
    struct team *team = s->job->team;
    const int width = TILING_BAND * s->flow_width;
    struct slab small = {0};
    enum status rc;
    *luminance = NULL;
    TRY_OUT(rescale(team, picture, s->flow_width, s->flow_height, &small));
    TRY_OUT(team_agree(team, ALLOCATE(*luminance, (size_t)bands(s) * (size_t)width, "for the luminance of a frame")));
    const size_t plane = slab_plane(&small);
    float *to = *luminance + (size_t)small.rows.begin * (size_t)s->flow_width;
    for (size_t i = 0; i < plane; i++) {
        const float light = 0.299f * small.data[i] + 0.587f * small.data[plane + i] + 0.114f * small.data[2 * plane + i];
        to[i] = 127.5f * (light + 1);
    }
    rc = team_exchange(team, *luminance, bands(s), width);
out:
    slab_destroy(&small);
    if (rc != STATUS_OK) {
        free(*luminance);
        *luminance = NULL;
    }
    return rc;
}

// The rows of the older detail that each member reads.
static enum status create_gather(const struct sequence *s, const struct field *field, struct row_exchange **gather)
{
    struct team *team = s->job->team;
    struct span *reach;
    TRY(ALLOCATE(reach, team->size, "to move a frame"));
    for (int m = 0; m < team->size; m++)
        reach[m] = field_reach(field, s->width, s->height, tiling_rows(s->height, team->size, m));
    const enum status rc = row_exchange_create(gather, team, s->width, s->height, reach, 1);
    free(reach);
    return rc;
}

// rows += the older detail, where it has gone, as far as that is to be believed.
static enum status add_moved(const struct sequence *s, const struct field *field, struct slab *rows)
{
    struct team *team = s->job->team;
    const struct span reach = field_reach(field, s->width, s->height, rows->rows);
    struct row_exchange *gather = NULL;
    struct slab moved = {0};
    enum status rc;
    TRY_OUT(team_agree(team, slab_create(&moved, s->width, s->height, rows->rows)));
    TRY_OUT(team_agree(team, create_gather(s, field, &gather)));
    TRY_OUT(row_exchange_begin(gather, &s->detail));
    TRY_OUT(row_exchange_end(gather));
    if (rows->rows.begin < rows->rows.end)
        field_move(field, row_exchange_values(gather, 0), reach, 3, s->width, s->height, moved.data, rows->rows, (float)s->rule->keep);
    slab_add(rows, &moved, 1);
    if (s->rule->colours)
        TRY_OUT(colours_hold(team, rows, s->rule->colours));
    slab_clip(rows, s->job->objective->config->clip == CLIP_COLOUR);
out:
    row_exchange_destroy(&gather);
    slab_destroy(&moved);
    return rc;
}

// The field that brings older detail to this frame: the caller's, or the flow's, in *own; NULL: there is none.
static enum status find_field(const struct sequence *s, const float *luminance, const struct field *known, struct field *own,
                              const struct field **field)
{
    *field = NULL;
    if (!s->detail.data)
        return STATUS_OK;
    *field = known;
    if (known || !s->frame || !luminance)
        return STATUS_OK;
    TRY(team_agree(s->job->team, field_find(own, luminance, s->frame, s->flow_width, s->flow_height)));
    *field = own;
    return STATUS_OK;
}

// What the next frame begins with: `frame`, `dream` are this member's rows, `seen` the frame's luminance, which is taken over.
static enum status remember(struct sequence *s, const struct slab *frame, const struct slab *dream, float **seen)
{
    float *dreamed = NULL;
    slab_destroy(&s->detail);
    TRY(team_agree(s->job->team, slab_copy(&s->detail, dream)));
    slab_add(&s->detail, frame, -1);
    if (s->flow_width > 0)
        TRY(see(s, dream, &dreamed));
    free(s->frame);
    free(s->dream);
    s->frame = *seen;
    s->dream = dreamed;
    *seen = NULL;
    return STATUS_OK;
}

// Ripeness moves as detail does. On the flow's grid, of which every member has all: it takes no message.
static enum status move_ripe(struct sequence *s, const struct field *field)
{
    const struct span all = {0, s->flow_height};
    const size_t count = sequence_grid(s);
    float *moved;
    TRY(ALLOCATE(moved, count, "to move a frame"));
    field_move(field, s->ripe, all, 1, s->flow_width, s->flow_height, moved, all, 1);
    for (size_t i = 0; i < count; i++) {
        s->ripe[i] = fminf(fmaxf(moved[i], 0), 1); // Lanczos overshoots
        s->unripe.values[i] = (uint16_t)lrintf(MASK_FULL * (1 - s->ripe[i]));
    }
    free(moved);
    return STATUS_OK;
}

// What a frame's steps add to it: all of them dream it through.
static void ripen(struct sequence *s, bool begins)
{
    const float part = (float)fmin(s->rule->haste * s->rule->steps / s->job->objective->config->steps, 1);
    for (size_t i = 0; i < sequence_grid(s); i++)
        s->ripe[i] = begins ? 1 : s->ripe[i] + part * (1 - s->ripe[i]);
}

static enum status dream_on(struct sequence *s, const struct field *field, struct slab *rows, struct image_outcome *outcome)
{
    struct image_job *job = s->job;
    const bool begins = !field || field->cut;
    job->bare = true;
    job->steps = begins ? 0 : s->rule->steps;
    const bool paced = s->ripe && (begins || field->flow.width == s->flow_width);
    if (paced && !begins) {
        TRY(team_agree(job->team, move_ripe(s, field)));
        job->pace = &s->unripe;
        job->haste = (float)s->rule->haste;
    }
    const enum status rc = dream_image(job, rows, outcome);
    job->pace = NULL;
    if (paced)
        ripen(s, begins);
    return rc;
}

enum status sequence_next(struct sequence *s, struct slab *rows, const struct field *known, struct frame_facts *facts,
                          struct image_outcome *outcome)
{
    const double start = now();
    struct field own = {0};
    const struct field *field;
    struct slab frame = {0};
    float *seen = NULL, *before = NULL;
    enum status rc;
    *facts = (struct frame_facts){.warp_error = NAN, .warp_error_input = NAN};
    *outcome = (struct image_outcome){.before = picture_metrics_unknown(), .after = picture_metrics_unknown()};
    if (s->flow_width > 0)
        TRY_OUT(see(s, rows, &seen));
    TRY_OUT(find_field(s, seen, known, &own, &field));
    facts->first = !field;
    facts->cut = field && field->cut;
    facts->trust = field ? field->trusted : 0;
    TRY_OUT(team_agree(s->job->team, slab_copy(&frame, rows)));
    const bool begins = !field || field->cut;
    if (!begins)
        TRY_OUT(add_moved(s, field, rows));
    if (field == &own)
        facts->warp_error_input = field_error(field, seen, s->frame);
    TRY_OUT(dream_on(s, field, rows, outcome));
    facts->steps = begins ? s->job->objective->config->steps : s->rule->steps;
    before = s->dream;
    s->dream = NULL;
    TRY_OUT(remember(s, &frame, rows, &seen));
    if (field == &own && before)
        facts->warp_error = field_error(field, s->dream, before);
out:
    free(before);
    free(seen);
    slab_destroy(&frame);
    field_destroy(&own);
    outcome->seconds = now() - start;
    outcome->broken = rc != STATUS_OK && !s->job->team->agreed && s->job->team->size > 1;
    return rc;
}

enum status sequence_take_up(struct sequence *s, const struct slab *frame, const struct slab *dream, const float *ripe)
{
    float *seen = NULL;
    if (s->ripe && ripe)
        memcpy(s->ripe, ripe, sequence_grid(s) * sizeof *ripe);
    if (s->flow_width > 0)
        TRY(see(s, frame, &seen));
    const enum status rc = remember(s, frame, dream, &seen);
    free(seen);
    return rc;
}
