// SPDX-License-Identifier: MIT
// Frames in a row by teams of every size: the same dreams, to the bit, as by one rank alone; and a sequence that is taken up in its middle
// goes on as it would have.
#include "worker/ascent/sequence.h"

#include <math.h>

#include "common/config/config_schema.h"
#include "ranks.h"
#include "shallow.h"

enum { WIDTH = 131, HEIGHT = 118, FRAMES = 4, CUT = 3, PLANE = WIDTH * HEIGHT };

static const struct sequence_rule flowing = {.steps = 1, .keep = 0.8, .haste = 4, .flow_pixels = PLANE / 2},
                                  known = {.steps = 1, .keep = 1};
static struct setup shallow;
static float ripe[FRAMES][PLANE]; // behind each dream of the first rule, on every rank
static float *frames, *dreams[2]; // (FRAMES, 3, HEIGHT, WIDTH); dreams of the two rules, by one rank alone
static struct frame_facts facts[2][FRAMES];
static double losses[2][FRAMES];

// A picture that moves to the left, and behind the cut another one.
static float *make_frames(void)
{
    float *all = naive_alloc(FRAMES * 3 * (size_t)PLANE * sizeof *all), *other = naive_random(3 * (size_t)PLANE, 5);
    for (int k = 0; k < FRAMES; k++)
        for (int i = 0; i < 3 * PLANE; i++) {
            const float x = (float)(i % WIDTH + 4 * k), y = (float)(i / WIDTH % HEIGHT), c = (float)(i / PLANE);
            all[k * 3 * PLANE + i] =
                k >= CUT ? 0.5f * other[i]
                         : 0.4f * sinf(0.1f * x + c + 0.001f * x * y) * cosf(0.13f * y - c) + 0.2f * sinf(0.31f * x - 0.27f * y);
        }
    free(other);
    return all;
}

static const float *frame(int k)
{
    return frames + (size_t)k * 3 * PLANE;
}

// Of a zoom nothing is photographed but the first frame.
static void take_frame(const struct team *team, bool zoomed, int k, struct slab *rows)
{
    ranks_cut_out(rows, team, frame(k), WIDTH, HEIGHT);
    if (zoomed && k > 0)
        slab_fill(rows, 0);
}

// From frame `from` on, which is taken up from the dream before; each frame's dream is looked at by `see`.
static void run(struct team *team, bool zoomed, int from, void (*see)(const struct slab *rows, int k, const struct frame_facts *facts, double loss))
{
    struct image_job job = shallow_job(&shallow, team);
    struct sequence *sequence;
    struct field zoom;
    struct slab rows, dream;
    TOGETHER(field_similarity(&zoom, WIDTH, HEIGHT, 1.05, 2, WIDTH / 2.0, HEIGHT / 2.0));
    TOGETHER(sequence_create(&sequence, &job, zoomed ? &known : &flowing, WIDTH, HEIGHT));
    if (from > 0) {
        take_frame(team, zoomed, from - 1, &rows);
        ranks_cut_out(&dream, team, dreams[zoomed] + (size_t)(from - 1) * 3 * PLANE, WIDTH, HEIGHT);
        if (zoomed) // all of a zoom is detail
            slab_fill(&rows, 0);
        TOGETHER(sequence_take_up(sequence, &rows, &dream, zoomed ? NULL : ripe[from - 1]));
        slab_destroy(&rows);
        slab_destroy(&dream);
    }
    for (int k = from; k < FRAMES; k++) {
        struct frame_facts found;
        struct image_outcome outcome;
        take_frame(team, zoomed, k, &rows);
        TOGETHER(sequence_next(sequence, &rows, zoomed && k > 0 ? &zoom : NULL, &found, &outcome));
        CU_ASSERT(!outcome.stopped && !outcome.broken && outcome.seconds > 0);
        if (team->size == 1 && !zoomed && !from)
            memcpy(ripe[k], sequence_ripe(sequence), sequence_grid(sequence) * sizeof ripe[0][0]);
        see(&rows, k, &found, outcome.after.loss);
        slab_destroy(&rows);
    }
    sequence_destroy(&sequence);
    CU_ASSERT_PTR_NULL(sequence);
    field_destroy(&zoom);
}

static bool zoomed_now;

static void keep(const struct slab *rows, int k, const struct frame_facts *found, double loss)
{
    memcpy(dreams[zoomed_now] + (size_t)k * 3 * PLANE, rows->data, 3 * (size_t)PLANE * sizeof(float));
    facts[zoomed_now][k] = *found;
    losses[zoomed_now][k] = loss;
}

static void expect_same(const struct slab *rows, int k, const struct frame_facts *found, double loss)
{
    CU_ASSERT_EQUAL(ranks_unlike(rows, dreams[zoomed_now] + (size_t)k * 3 * PLANE), 0);
    const struct frame_facts *alone = &facts[zoomed_now][k];
    CU_ASSERT(found->warp_error == alone->warp_error || isnan(alone->warp_error));
    CU_ASSERT(found->warp_error_input == alone->warp_error_input || isnan(alone->warp_error_input));
    CU_ASSERT(found->trust == alone->trust && found->steps == alone->steps && found->cut == alone->cut);
    CU_ASSERT(loss == losses[zoomed_now][k]);
}

static void run_all(struct team *team)
{
    run(team, zoomed_now, 0, expect_same);
    run(team, zoomed_now, 2, expect_same);
}

static void make_references(void)
{
    static const char *const settings[] = {
        "steps=2", "octaves.count=2", "octaves.scale=1.3", "jitter=4", "step_size=0.03", "saturation=none", NULL};
    struct team *alone;
    shallow_create(&shallow, settings);
    frames = make_frames();
    TOGETHER(team_create(&alone, MPI_COMM_NULL, &(int32_t){0}, 1, &ranks.timing));
    for (int k = 0; k < 2; k++) {
        dreams[k] = naive_alloc(FRAMES * 3 * (size_t)PLANE * sizeof *dreams[k]);
        zoomed_now = k == 1;
        run(alone, zoomed_now, 0, keep);
        ranks_share(dreams[k], FRAMES * 3 * (size_t)PLANE * sizeof *dreams[k]);
    }
    team_destroy(&alone);
}

static void test_video(void)
{
    const struct frame_facts *f = facts[0];
    make_references();
    CU_ASSERT(f[0].first && f[0].steps == 2 && f[0].trust == 0 && isnan(f[0].warp_error));
    CU_ASSERT(!f[1].first && !f[1].cut && f[1].steps == 1 && f[1].trust > 0.6);
    CU_ASSERT(f[2].warp_error > 0 && f[2].warp_error_input > 0 && f[2].warp_error < 30);
    CU_ASSERT(!f[CUT].first && f[CUT].cut && f[CUT].steps == 2 && isnan(f[CUT].warp_error));
    zoomed_now = false;
    ranks_each_team(run_all);
}

static void test_zoom(void)
{
    const struct frame_facts *f = facts[1];
    CU_ASSERT(f[0].first && !f[1].first && f[1].trust == 1 && f[1].steps == 1 && isnan(f[1].warp_error));
    zoomed_now = true;
    ranks_each_team(run_all);
    free(frames);
    for (int k = 0; k < 2; k++)
        free(dreams[k]);
    tear_down(&shallow);
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {{"a video with a cut", test_video}, {"a zoom", test_zoom}};
    return ranks_run(&argc, &argv, "sequence", tests, sizeof tests / sizeof tests[0]);
}
