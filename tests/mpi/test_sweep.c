// SPDX-License-Identifier: MIT
// The gradient and the losses of an octave from teams of every size: the same bytes as one rank makes; and in tiles with an exact halo,
// as good as the same numbers as from one window.
#include "worker/network/sweep.h"

#include <math.h>

#include "common/system/rng.h"
#include "ranks.h"
#include "shallow.h"

static struct shallow shallow;

// One rank's pass over a whole octave, and what it gave.
struct pass {
    int width, height, margin, dy, dx;
    float *picture, *gradient; // (3, height, width)
    double most;               // |gradient|
    struct sweep_losses losses;
};

static void create_sweep(struct sweep **sweep, struct team *team, const struct pass *p, const struct tile_rules *rules)
{
    TOGETHER(sweep_create(sweep, &(struct sweep_options){.team = team,
                                                         .engine = shallow.engine,
                                                         .objective = &shallow.objective,
                                                         .rules = rules,
                                                         .width = p->width,
                                                         .height = p->height,
                                                         .margin = p->margin}));
}

static struct sweep_pass pass_of(const struct pass *p, const struct slab *image, struct slab *gradient, struct slab *scratch)
{
    return (struct sweep_pass){.image = image,
                               .dy = p->dy,
                               .dx = p->dx,
                               .objective = &shallow.objective,
                               .rule = shallow.config.gradient,
                               .above = network_find(network_inception_v3(), shallow.config.gradient_above),
                               .gradient = gradient,
                               .scratch = scratch};
}

// NaN where nothing is written.
static void create_rows(struct slab *field, const struct pass *p, struct span rows)
{
    UNIT_OK(slab_create(field, p->width, p->height, rows));
    memset(field->data, 0xff, slab_count(field) * sizeof(float));
}

// On rank 0, for all to see.
static void make_pass(struct pass *p, const struct tile_rules *rules)
{
    const size_t count = naive_count(3, p->height, p->width);
    p->picture = shallow_picture(p->width, p->height);
    p->gradient = naive_alloc(count * sizeof(float));
    if (ranks.rank == 0) {
        struct team *alone;
        struct sweep *sweep;
        struct slab image, gradient, scratch;
        bool flag = false;
        TOGETHER(team_create(&alone, MPI_COMM_NULL, &(int32_t){0}, 1, &ranks.timing));
        create_sweep(&sweep, alone, p, rules);
        ranks_cut_out(&image, alone, p->picture, p->width, p->height);
        create_rows(&gradient, p, sweep_gradient_rows(sweep));
        create_rows(&scratch, p, sweep_gradient_rows(sweep));
        const struct sweep_pass pass = pass_of(p, &image, &gradient, &scratch);
        p->losses = (struct sweep_losses){0}; // those of targets that there are not stay 0
        TOGETHER(sweep_run(sweep, &pass, &p->losses, &flag));
        CU_ASSERT_FALSE(flag);
        memcpy(p->gradient, gradient.data, count * sizeof(float));
        slab_destroy(&scratch);
        slab_destroy(&gradient);
        slab_destroy(&image);
        sweep_destroy(&sweep);
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

// Twice with one sweep, in between only the losses of the octave as it is.
static void check_pass(struct team *team, const struct pass *p)
{
    struct sweep *sweep;
    struct slab image, gradient, scratch;
    create_sweep(&sweep, team, p, &shallow.rules);
    ranks_cut_out(&image, team, p->picture, p->width, p->height);
    create_rows(&gradient, p, sweep_gradient_rows(sweep));
    create_rows(&scratch, p, sweep_gradient_rows(sweep));
    for (int time = 0; time < 2; time++) {
        bool flag = false;
        struct sweep_losses losses = {0};
        const struct sweep_pass pass = pass_of(p, &image, &gradient, &scratch);
        TOGETHER(sweep_run(sweep, &pass, &losses, &flag));
        CU_ASSERT_FALSE(flag);
        CU_ASSERT(memcmp(&losses, &p->losses, sizeof losses) == 0);
        CU_ASSERT_EQUAL(ranks_unlike(&gradient, p->gradient), 0);
        if (time == 1)
            break;
        flag = team->rank == team->size - 1;
        TOGETHER(sweep_run(sweep, &(struct sweep_pass){.image = &image, .objective = &shallow.objective}, &losses, &flag));
        CU_ASSERT(flag);
        CU_ASSERT(losses.total != p->losses.total && fabs(losses.total / p->losses.total - 1) < 0.5); // another view of the same octave
    }
    CU_ASSERT_EQUAL(ranks_unlike(&image, p->picture), 0);
    slab_destroy(&scratch);
    slab_destroy(&gradient);
    slab_destroy(&image);
    sweep_destroy(&sweep);
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
    shallow_destroy(&shallow);
}

static struct pass whole;

static void run_exact(struct team *team)
{
    struct sweep *sweep;
    struct slab image, gradient, scratch;
    struct sweep_losses losses;
    size_t wrong = 0;
    bool flag = false;
    create_sweep(&sweep, team, &whole, &shallow.rules);
    CU_ASSERT(sweep_tiling(sweep)->across.count > 1 && sweep_tiling(sweep)->down.count > 1);
    ranks_cut_out(&image, team, whole.picture, whole.width, whole.height);
    create_rows(&gradient, &whole, sweep_gradient_rows(sweep));
    create_rows(&scratch, &whole, sweep_gradient_rows(sweep));
    const struct sweep_pass pass = pass_of(&whole, &image, &gradient, &scratch);
    TOGETHER(sweep_run(sweep, &pass, &losses, &flag));
    CU_ASSERT_DOUBLE_EQUAL(losses.total / whole.losses.total, 1, 1e-6);
    for (int c = 0; c < 3; c++)
        for (int y = gradient.rows.begin; y < gradient.rows.end; y++)
            for (int x = 0; x < whole.width; x++) {
                const double expected = whole.gradient[(size_t)(c * whole.height + y) * (size_t)whole.width + (size_t)x];
                wrong += !(fabs(slab_row(&gradient, c, y)[x] - expected) <= 1e-4 * whole.most); // NaN, too
            }
    CU_ASSERT_EQUAL(wrong, 0);
    slab_destroy(&scratch);
    slab_destroy(&gradient);
    slab_destroy(&image);
    sweep_destroy(&sweep);
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
    shallow_destroy(&shallow);
    free(members);
}

static const struct unit_test tests[] = {
    {"the same bytes from all teams", test_same_bytes},
    {"an exact halo", test_exact_halo},
};
RANKS_MAIN("sweep", tests)
