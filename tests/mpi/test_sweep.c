// SPDX-License-Identifier: MIT
// The gradient and the losses of an octave from teams of every size: the same bytes as one rank makes; and in tiles with an exact halo,
// as good as the same numbers as from one window.
#include "worker/network/sweep.h"

#include <math.h>

#include "common/system/rng.h"
#include "ranks.h"
#include "shallow.h"

static struct setup shallow;

// One rank's pass over a whole octave, and what it gave.
struct pass {
    int width, height, margin, dy, dx;
    float *picture, *gradient; // (3, height, width)
    double most;               // |gradient|
    struct sweep_losses losses;
};

// What a member has of an octave. The gradient is NaN where nothing is written.
struct share {
    struct image_job job;
    struct sweep *sweep;
    struct slab image, gradient, scratch;
};

static void share_create(struct share *s, struct team *team, const struct pass *p, const struct tile_rules *rules)
{
    *s = (struct share){.job = shallow_job(&shallow, team)};
    s->job.rules = rules;
    TOGETHER(sweep_create(&s->sweep, &s->job, p->width, p->height, p->margin));
    ranks_cut_out(&s->image, team, p->picture, p->width, p->height);
    const struct span rows = tiling_grown(s->image.rows, p->margin, p->height);
    UNIT_OK(slab_create(&s->gradient, p->width, p->height, rows));
    UNIT_OK(slab_create(&s->scratch, p->width, p->height, rows));
    slab_fill(&s->gradient, NAN);
    slab_fill(&s->scratch, NAN);
}

static void share_destroy(struct share *s)
{
    slab_destroy(&s->scratch);
    slab_destroy(&s->gradient);
    slab_destroy(&s->image);
    sweep_destroy(&s->sweep);
}

static struct sweep_pass pass_of(const struct pass *p, struct share *s)
{
    return (struct sweep_pass){.image = &s->image,
                               .dy = p->dy,
                               .dx = p->dx,
                               .rule = objective_gradient_rule(&shallow.config),
                               .gradient = &s->gradient,
                               .scratch = &s->scratch};
}

// On rank 0, for all to see.
static void make_pass(struct pass *p, const struct tile_rules *rules)
{
    const size_t count = naive_count(3, p->height, p->width);
    p->picture = wavy_picture(p->width, p->height);
    p->gradient = naive_alloc(count * sizeof(float));
    if (ranks.rank == 0) {
        struct team *alone;
        struct share share;
        TOGETHER(team_create(&alone, MPI_COMM_NULL, &(int32_t){0}, 1, &ranks.timing));
        share_create(&share, alone, p, rules);
        const struct sweep_pass pass = pass_of(p, &share);
        p->losses = (struct sweep_losses){0}; // those of targets that there are not stay 0
        TOGETHER(sweep_run(share.sweep, &pass, &p->losses));
        CU_ASSERT_FALSE(share.job.stopping);
        memcpy(p->gradient, share.gradient.data, count * sizeof(float));
        share_destroy(&share);
        team_destroy(&alone);
    }
    ranks_share(p->gradient, count * sizeof(float));
    p->most = 0;
    for (size_t i = 0; i < count; i++)
        p->most = isfinite(p->gradient[i]) ? fmax(p->most, fabsf(p->gradient[i])) : INFINITY;
    CU_ASSERT(p->most > 0 && isfinite(p->most));
    ranks_share(&p->losses, sizeof p->losses);
}

static void free_pass(struct pass *p)
{
    free(p->picture);
    free(p->gradient);
}

// Many tiles; as many as fit beside each other; one, for all members together. Rolls beyond a side, margins beyond a band.
static struct pass passes[] = {
    {.width = 158, .height = 151, .margin = 3, .dy = 17, .dx = -300},
    {.width = 94, .height = 163, .margin = 40, .dy = -1000, .dx = 55},
    {.width = 91, .height = 83, .margin = 0, .dy = -30, .dx = 0},
};
enum { PASSES = sizeof passes / sizeof passes[0] };

// Twice with one sweep, in between only the losses of the octave as it is, and the word of the last member that the job is to stop.
static void check_pass(struct team *team, const struct pass *p)
{
    struct share share;
    share_create(&share, team, p, &shallow.rules);
    for (int time = 0; time < 2; time++) {
        struct sweep_losses losses = {0};
        const struct sweep_pass pass = pass_of(p, &share);
        TOGETHER(sweep_run(share.sweep, &pass, &losses));
        CU_ASSERT_FALSE(share.job.stopping);
        CU_ASSERT(memcmp(&losses, &p->losses, sizeof losses) == 0);
        CU_ASSERT_EQUAL(ranks_unlike(&share.gradient, p->gradient), 0);
        if (time == 1)
            break;
        share.job.stopping = team->rank == team->size - 1;
        TOGETHER(sweep_run(share.sweep, &(struct sweep_pass){.image = &share.image}, &losses));
        CU_ASSERT(share.job.stopping);
        share.job.stopping = false;
        CU_ASSERT(losses.total != p->losses.total && fabs(losses.total / p->losses.total - 1) < 0.5); // another view of the same octave
    }
    CU_ASSERT_EQUAL(ranks_unlike(&share.image, p->picture), 0);
    share_destroy(&share);
}

static void run_passes(struct team *team)
{
    for (int i = 0; i < PASSES; i++)
        check_pass(team, &passes[i]);
}

static void test_same_bytes(void)
{
    shallow_create(&shallow, (const char *const[]){NULL});
    for (int i = 0; i < PASSES; i++)
        make_pass(&passes[i], &shallow.rules);
    ranks_each_team(run_passes);
    for (int i = 0; i < PASSES; i++)
        free_pass(&passes[i]);
    tear_down(&shallow);
}

static struct pass whole;

static void run_exact(struct team *team)
{
    struct share share;
    struct sweep_losses losses;
    size_t wrong = 0;
    share_create(&share, team, &whole, &shallow.rules);
    CU_ASSERT(sweep_tiling(share.sweep)->across.count > 1 && sweep_tiling(share.sweep)->down.count > 1);
    const struct sweep_pass pass = pass_of(&whole, &share);
    TOGETHER(sweep_run(share.sweep, &pass, &losses));
    CU_ASSERT_DOUBLE_EQUAL(losses.total / whole.losses.total, 1, 1e-6);
    for (int c = 0; c < 3; c++)
        for (int y = share.gradient.rows.begin; y < share.gradient.rows.end; y++)
            for (int x = 0; x < whole.width; x++) {
                const double expected = whole.gradient[(size_t)(c * whole.height + y) * (size_t)whole.width + (size_t)x];
                wrong += !(fabs(slab_row(&share.gradient, c, y)[x] - expected) <= 1e-4 * whole.most); // NaN, too
            }
    CU_ASSERT_EQUAL(wrong, 0);
    share_destroy(&share);
}

static void test_exact_halo(void)
{
    struct team *all;
    int32_t *members = calloc((size_t)ranks.size, sizeof *members);
    CU_ASSERT_PTR_NOT_NULL_FATAL(members);
    for (int r = 0; r < ranks.size; r++)
        members[r] = r;
    shallow_create(&shallow, (const char *const[]){"targets=mixed0:1,mixed2:2", "tile.size=352", "tile.halo=exact", NULL});
    whole = (struct pass){.width = 410, .height = 371};
    rng_jitter(5, 1, 2, ranks.size, 500, &whole.dy, &whole.dx);
    const struct tile_rules one = {
        .size = INT_MAX, .halo = shallow.rules.halo, .blend = shallow.rules.blend, .stride = shallow.rules.stride};
    make_pass(&whole, &one);
    TOGETHER(team_create(&all, ranks.comm, members, ranks.size, &ranks.timing));
    run_exact(all);
    team_destroy(&all);
    free_pass(&whole);
    tear_down(&shallow);
    free(members);
}

static const struct unit_test tests[] = {
    {"the same bytes from all teams", test_same_bytes},
    {"an exact halo", test_exact_halo},
};
RANKS_MAIN("sweep", tests)
