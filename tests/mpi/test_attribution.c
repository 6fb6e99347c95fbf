// SPDX-License-Identifier: MIT
// Why an octave dreams, found out by teams of every size: the same bytes as by one rank alone.
#include "worker/ascent/guidance.h"
#include "worker/look/cam.h"
#include "worker/look/importance.h"
#include "worker/look/metrics.h"
#include "worker/network/sweep.h"

#include "ranks.h"
#include "shallow.h"

enum { TARGETS = 2, CHANNELS_MAX = 256, METHODS = 5, GUIDES = 3, MAP_MAX = 64 * 64, MARGIN = 3 };

static struct setup shallow;

static const enum config_cam methods[METHODS] = {CAM_GRAD, CAM_GRAD_PLUS_PLUS, CAM_LAYER, CAM_HIRES, CAM_CLASS};

// Masks, added terms, everything.
static const char *const guides[GUIDES][6] = {
    {"guidance.saliency=0.7", "guidance.cam=0.6"},
    {"guidance.add_magnitude=0.2", "guidance.add_saliency=0.3", "guidance.add_cam=0.4"},
    {"guidance.saliency=1", "guidance.cam=0.5", "guidance.add_magnitude=0.2", "guidance.add_cam=0.4", "guidance.add_saliency=0.1"}};

// An octave, and what a rank alone finds out about it. Bytes that nothing is written to stay 0.
struct octave_case {
    int width, height, dy, dx;
    float *picture; // (3, height, width)
    struct found {
        struct target_metrics metrics[CONFIG_TARGETS_MAX];
        double scale[TARGETS][METHODS];
        float maps[TARGETS][METHODS][MAP_MAX];
        float importance[TARGETS][CHANNELS_MAX];
    } found;
    float *guided[GUIDES]; // (3, height, width) the gradient afterwards
};

// Many tiles; two; one, for all members together.
static struct octave_case cases[] = {
    {.width = 158, .height = 151, .dy = 17, .dx = -300},
    {.width = 94, .height = 163, .dy = -1000, .dx = 55},
    {.width = 91, .height = 83, .dy = -30, .dx = 0},
};
enum { CASES = sizeof cases / sizeof cases[0] };

static void look(const struct features *features, const struct sweep_losses *losses, const struct octave_case *c, struct found *found)
{
    memset(found, 0, sizeof *found);
    TOGETHER(metrics_measure(features, losses->targets, found->metrics));
    for (int t = 0; t < TARGETS; t++) {
        for (int m = 0; m < METHODS; m++) {
            struct heat heat;
            TOGETHER(cam_make(features, t, methods[m], c->dy, c->dx, &heat, &found->scale[t][m]));
            const size_t count = (size_t)heat.grid.width * (size_t)heat.grid.height;
            CU_ASSERT_FATAL(count <= MAP_MAX);
            memcpy(found->maps[t][m], heat.values, count * sizeof(float));
            heat_destroy(&heat);
        }
        TOGETHER(importance_gradient_activation(features, t, found->importance[t]));
    }
}

// The gradient by the rules of guides[k].
static void guide(struct team *team, const struct features *features, const struct octave_case *c, int k, struct slab *gradient)
{
    struct config config = shallow.config;
    struct guidance guidance = {.config = &config, .team = team};
    struct heat cam;
    double scale;
    for (int i = 0; i < 6 && guides[k][i]; i++)
        UNIT_OK(config_set(&config, guides[k][i]));
    TOGETHER(cam_make(features, 0, CAM_GRAD, c->dy, c->dx, &cam, &scale));
    TOGETHER(guidance_look(&guidance, gradient, &cam));
    TOGETHER(guidance_apply(&guidance, gradient));
    guidance_destroy(&guidance);
}

// `guided` [GUIDES] are this member's rows of the gradient, margins included, guided; made here.
static void find_out(struct team *team, const struct octave_case *c, struct found *found, struct slab guided[GUIDES])
{
    struct image_job job = shallow_job(&shallow, team);
    struct sweep *sweep;
    struct features features;
    struct slab image, gradient, scratch;
    struct sweep_losses losses;
    TOGETHER(sweep_create(&sweep, &job, c->width, c->height, MARGIN));
    TOGETHER(features_create(&features, &shallow.objective, team, sweep_tiling(sweep), 3));
    ranks_cut_out(&image, team, c->picture, c->width, c->height);
    const struct span rows = tiling_grown(image.rows, MARGIN, c->height);
    UNIT_OK(slab_create(&gradient, c->width, c->height, rows));
    UNIT_OK(slab_create(&scratch, c->width, c->height, rows));
    TOGETHER(sweep_run(sweep,
                       &(struct sweep_pass){.image = &image,
                                            .dy = c->dy,
                                            .dx = c->dx,
                                            .rule = {.mode = GRADIENT_MODE_GUIDED},
                                            .gradient = &gradient,
                                            .scratch = &scratch,
                                            .features = &features},
                       &losses));
    look(&features, &losses, c, found);
    for (int k = 0; k < GUIDES; k++) {
        UNIT_OK(slab_copy(&guided[k], &gradient));
        guide(team, &features, c, k, &guided[k]);
    }
    slab_destroy(&scratch);
    slab_destroy(&gradient);
    slab_destroy(&image);
    features_destroy(&features);
    sweep_destroy(&sweep);
}

// On rank 0, for all to see.
static void make_case(struct octave_case *c)
{
    const size_t bytes = naive_count(3, c->height, c->width) * sizeof(float);
    c->picture = wavy_picture(c->width, c->height);
    for (int k = 0; k < GUIDES; k++)
        c->guided[k] = naive_alloc(bytes);
    if (ranks.rank == 0) {
        struct slab guided[GUIDES];
        struct team *alone;
        TOGETHER(team_create(&alone, MPI_COMM_NULL, &(int32_t){0}, 1, &ranks.timing));
        find_out(alone, c, &c->found, guided);
        for (int k = 0; k < GUIDES; k++) {
            memcpy(c->guided[k], guided[k].data, bytes);
            slab_destroy(&guided[k]);
        }
        team_destroy(&alone);
    }
    ranks_share(&c->found, sizeof c->found);
    for (int k = 0; k < GUIDES; k++)
        ranks_share(c->guided[k], bytes);
    for (int t = 0; t < TARGETS; t++) {
        CU_ASSERT(c->found.metrics[t].score > 0 && c->found.metrics[t].diversity > 0);
        for (int m = 0; m < METHODS; m++)
            CU_ASSERT(c->found.scale[t][m] > 0);
    }
    CU_ASSERT(memcmp(c->guided[0], c->guided[1], bytes) != 0 && memcmp(c->guided[1], c->guided[2], bytes) != 0);
}

static void run_cases(struct team *team)
{
    struct found *found = malloc(sizeof *found);
    CU_ASSERT_PTR_NOT_NULL_FATAL(found);
    for (int i = 0; i < CASES; i++) {
        struct slab guided[GUIDES];
        find_out(team, &cases[i], found, guided);
        CU_ASSERT(memcmp(found->metrics, cases[i].found.metrics, sizeof found->metrics) == 0);
        CU_ASSERT(memcmp(found->scale, cases[i].found.scale, sizeof found->scale) == 0);
        CU_ASSERT(memcmp(found->maps, cases[i].found.maps, sizeof found->maps) == 0);
        CU_ASSERT(memcmp(found->importance, cases[i].found.importance, sizeof found->importance) == 0);
        for (int k = 0; k < GUIDES; k++) {
            CU_ASSERT_EQUAL(ranks_unlike(&guided[k], cases[i].guided[k]), 0);
            slab_destroy(&guided[k]);
        }
    }
    free(found);
}

static void test_same_bytes(void)
{
    shallow_create(&shallow, (const char *const[]){NULL});
    CU_ASSERT_EQUAL_FATAL(shallow.objective.count, TARGETS);
    for (int i = 0; i < CASES; i++)
        make_case(&cases[i]);
    ranks_each_team(run_cases);
    for (int i = 0; i < CASES; i++) {
        free(cases[i].picture);
        for (int k = 0; k < GUIDES; k++)
            free(cases[i].guided[k]);
    }
    tear_down(&shallow);
}

static const struct unit_test tests[] = {
    {"the same bytes from all teams", test_same_bytes},
};
RANKS_MAIN("attribution", tests)
