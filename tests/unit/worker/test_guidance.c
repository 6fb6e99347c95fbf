// SPDX-License-Identifier: MIT
// Masks and added terms against the formulas of guidance.h, pixel by pixel.
#include "worker/ascent/guidance.h"

#include <omp.h>

#include "naive.h"

enum { WIDTH = 53, HEIGHT = 39, COUNT = 3 * WIDTH * HEIGHT, CELLS_ACROSS = 4, CELLS_DOWN = 3 }; // the last cells are 5 wide, 7 high

struct setup {
    struct config config;
    struct timing timing;
    struct team *team;
    struct guidance guidance;
    struct slab gradient;
    float *original; // the gradient before
};

static void set_up(struct setup *s)
{
    memset(s, 0, sizeof *s);
    config_init(&s->config);
    s->original = naive_random(COUNT, 8);
    for (int i = 0; i < COUNT; i++)
        s->original[i] *= 0.01f; // as gradients are
    UNIT_OK(team_create(&s->team, MPI_COMM_NULL, &(int32_t){0}, 1, &s->timing));
    UNIT_OK(slab_create(&s->gradient, WIDTH, HEIGHT, (struct span){0, HEIGHT}));
    memcpy(s->gradient.data, s->original, COUNT * sizeof(float));
    s->guidance = (struct guidance){.config = &s->config, .team = s->team};
}

static void tear_down(struct setup *s)
{
    guidance_destroy(&s->guidance);
    slab_destroy(&s->gradient);
    team_destroy(&s->team);
    free(s->original);
}

static double value_at(const float *gradient, int c, int y, int x)
{
    return gradient[(c * HEIGHT + y) * WIDTH + x];
}

static double saliency_at(const float *gradient, int y, int x)
{
    return fmax(fabs(value_at(gradient, 0, y, x)), fmax(fabs(value_at(gradient, 1, y, x)), fabs(value_at(gradient, 2, y, x))));
}

// A map of a layer, rolled.
static void make_cam(struct heat *heat)
{
    const struct heat_grid grid = {
        .width = 6, .height = 4, .stride = 8, .centre = 5, .octave_width = WIDTH, .octave_height = HEIGHT, .dy = -3, .dx = 10};
    UNIT_OK(heat_create(heat, &grid));
    naive_fill(heat->values, 24, 3);
    for (int i = 0; i < 24; i++)
        heat->values[i] = i == 11 ? 1 : fabsf(heat->values[i]);
}

static void naive_saliency(const float *gradient, double cells[CELLS_DOWN * CELLS_ACROSS])
{
    double most = 0;
    int counts[CELLS_DOWN * CELLS_ACROSS] = {0};
    memset(cells, 0, CELLS_DOWN * CELLS_ACROSS * sizeof *cells);
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++) {
            cells[y / 16 * CELLS_ACROSS + x / 16] += saliency_at(gradient, y, x);
            counts[y / 16 * CELLS_ACROSS + x / 16]++;
        }
    for (int i = 0; i < CELLS_DOWN * CELLS_ACROSS; i++)
        most = fmax(most, cells[i] /= counts[i]);
    for (int i = 0; i < CELLS_DOWN * CELLS_ACROSS; i++)
        cells[i] /= most;
}

// The map that a look leaves.
static const struct heat *find_saliency(struct setup *s)
{
    struct heat none = {0};
    s->config.guidance.saliency = 1;
    UNIT_OK(guidance_look(&s->guidance, &s->gradient, &none));
    return &s->guidance.saliency;
}

static void test_saliency(void)
{
    struct setup s;
    double cells[CELLS_DOWN * CELLS_ACROSS];
    set_up(&s);
    naive_saliency(s.original, cells);
    const struct heat *heat = find_saliency(&s);
    CU_ASSERT(heat->grid.width == CELLS_ACROSS && heat->grid.height == CELLS_DOWN && heat->grid.stride == 16);
    CU_ASSERT(heat->grid.octave_width == WIDTH && heat->grid.octave_height == HEIGHT && heat->grid.dy == 0 && heat->grid.dx == 0);
    CU_ASSERT(naive_error(heat->values, cells, CELLS_DOWN * CELLS_ACROSS) < 1e-6);
    // One pixel in the last cell, which is the smallest; then none at all.
    for (int pixels = 1; pixels >= 0; pixels--) {
        slab_fill(&s.gradient, 0);
        slab_row(&s.gradient, 1, HEIGHT - 1)[WIDTH - 1] = -3.0f * (float)pixels;
        heat = find_saliency(&s);
        for (int i = 0; i < CELLS_DOWN * CELLS_ACROSS; i++)
            CU_ASSERT_EQUAL(heat->values[i], pixels && i == CELLS_DOWN * CELLS_ACROSS - 1);
    }
    tear_down(&s);
}

// expected *= (1 - strength) + strength * map
static void naive_mask(double *expected, const struct heat *heat, double strength)
{
    for (int y = 0; y < HEIGHT; y++) {
        float row[WIDTH];
        heat_row(heat, WIDTH, HEIGHT, y, row);
        for (int c = 0; c < 3; c++)
            for (int x = 0; x < WIDTH; x++)
                expected[(c * HEIGHT + y) * WIDTH + x] *= 1 - strength + strength * row[x];
    }
}

static double norm(const double *values)
{
    double sum = 0;
    for (int i = 0; i < COUNT; i++)
        sum += values[i] * values[i];
    return sqrt(sum);
}

static void add_term(double *sum, double weight, const double *term)
{
    const double length = norm(term) + 1e-8;
    for (int i = 0; i < COUNT; i++)
        sum[i] += weight * term[i] / length;
}

// l2n(g) + a l2n(|g|) + b l2n(max |g|) + c l2n(CAM g), clipped; returns how many values are.
static int naive_terms(double *g, const struct config *config, const struct heat *cam)
{
    static double sum[COUNT], magnitude[COUNT], saliency[COUNT], masked[COUNT];
    int clipped = 0;
    memset(sum, 0, sizeof sum);
    memcpy(masked, g, sizeof masked);
    naive_mask(masked, cam, 1);
    for (int i = 0; i < COUNT; i++) {
        const int p = i % (WIDTH * HEIGHT);
        magnitude[i] = fabs(g[i]);
        saliency[i] = fmax(fabs(g[p]), fmax(fabs(g[p + WIDTH * HEIGHT]), fabs(g[p + 2 * WIDTH * HEIGHT])));
    }
    add_term(sum, 1, g);
    add_term(sum, config->guidance.add_magnitude, magnitude);
    add_term(sum, config->guidance.add_saliency, saliency);
    add_term(sum, config->guidance.add_cam, masked);
    for (int i = 0; i < COUNT; i++) {
        clipped += fabs(sum[i]) > 1;
        g[i] = fmax(-1, fmin(1, sum[i]));
    }
    return clipped;
}

// `settings` up to NULL. Returns how many values were clipped.
static int check(const char *const *settings)
{
    static double expected[COUNT];
    struct setup s;
    struct heat cam, copy;
    int clipped = 0;
    set_up(&s);
    s.original[7] = s.gradient.data[7] = 2; // one that sticks out
    for (; *settings; settings++)
        UNIT_OK(config_set(&s.config, *settings));
    for (int i = 0; i < COUNT; i++)
        expected[i] = s.original[i];
    make_cam(&cam);
    make_cam(&copy);
    UNIT_OK(guidance_look(&s.guidance, &s.gradient, &cam));
    CU_ASSERT_PTR_NULL(cam.values); // taken over
    CU_ASSERT(memcmp(s.gradient.data, s.original, COUNT * sizeof(float)) == 0);
    UNIT_OK(guidance_apply(&s.guidance, &s.gradient));
    if (s.config.guidance.saliency > 0)
        naive_mask(expected, &s.guidance.saliency, s.config.guidance.saliency); // whose values test_saliency() checks
    if (s.config.guidance.cam > 0)
        naive_mask(expected, &copy, s.config.guidance.cam);
    if (s.config.guidance.add_magnitude + s.config.guidance.add_saliency + s.config.guidance.add_cam > 0)
        clipped = naive_terms(expected, &s.config, &copy);
    CU_ASSERT(naive_error(s.gradient.data, expected, COUNT) < 1e-6);
    CU_ASSERT(memcmp(s.gradient.data, s.original, COUNT * sizeof(float)) != 0);
    CU_ASSERT_TRUE(guidance_is_on(&s.config));
    CU_ASSERT_EQUAL(guidance_wants_cam(&s.config), s.config.guidance.cam > 0 || s.config.guidance.add_cam > 0);
    heat_destroy(&copy);
    tear_down(&s);
    return clipped;
}
#define CHECK(...) check((const char *const[]){__VA_ARGS__, NULL})

static void test_masks(void)
{
    CHECK("guidance.saliency=0.4");
    CHECK("guidance.saliency=1");
    CHECK("guidance.cam=0.7");
    CHECK("guidance.cam=1", "guidance.saliency=0.3");
}

static void test_added_terms(void)
{
    CU_ASSERT_EQUAL(CHECK("guidance.add_magnitude=0.2"), 1);
    CHECK("guidance.add_saliency=0.2");
    CHECK("guidance.add_cam=0.2");
    CHECK("guidance.add_magnitude=0.2", "guidance.add_saliency=0.3", "guidance.add_cam=0.4");
    CHECK("guidance.add_saliency=0.3", "guidance.cam=0.4", "guidance.saliency=0.5");
    CU_ASSERT(CHECK("guidance.add_magnitude=1000") > 1000); // of both signs
}

// Without a look there are no maps: their masks and their term are left out.
static void test_before_the_first_look(void)
{
    struct setup s;
    double *expected = calloc(COUNT, sizeof *expected);
    set_up(&s);
    s.config.guidance.saliency = s.config.guidance.cam = 1;
    UNIT_OK(guidance_apply(&s.guidance, &s.gradient));
    CU_ASSERT(memcmp(s.gradient.data, s.original, COUNT * sizeof(float)) == 0);
    s.config.guidance.add_cam = 1;
    for (int i = 0; i < COUNT; i++)
        expected[i] = s.original[i];
    const double length = norm(expected) + 1e-8;
    for (int i = 0; i < COUNT; i++)
        expected[i] /= length;
    UNIT_OK(guidance_apply(&s.guidance, &s.gradient));
    CU_ASSERT(naive_error(s.gradient.data, expected, COUNT) < 1e-6);
    free(expected);
    tear_down(&s);
}

// Each look replaces the maps of the one before; what nobody asks for changes no bit.
static void test_looks(void)
{
    struct setup s;
    struct heat cam, none = {0};
    set_up(&s);
    make_cam(&cam);
    CU_ASSERT_FALSE(guidance_is_on(&s.config));
    CU_ASSERT_FALSE(guidance_wants_cam(&s.config));
    UNIT_OK(guidance_look(&s.guidance, &s.gradient, &cam));
    UNIT_OK(guidance_apply(&s.guidance, &s.gradient));
    CU_ASSERT(memcmp(s.gradient.data, s.original, COUNT * sizeof(float)) == 0);
    CU_ASSERT_PTR_NULL(s.guidance.saliency.values);
    s.config.guidance.cam = s.config.guidance.saliency = 1;
    UNIT_OK(guidance_look(&s.guidance, &s.gradient, &none));
    CU_ASSERT_PTR_NULL(s.guidance.cam.values);
    const float before = s.guidance.saliency.values[0];
    for (int i = 0; i < 5; i++)
        s.gradient.data[i] = 9;
    UNIT_OK(guidance_look(&s.guidance, &s.gradient, &none));
    CU_ASSERT(s.guidance.saliency.values[0] != before);
    tear_down(&s);
}

static void test_no_gradient(void)
{
    struct setup s;
    struct heat cam;
    int wrong = 0;
    set_up(&s);
    memset(s.gradient.data, 0, COUNT * sizeof(float));
    s.config.guidance.add_magnitude = s.config.guidance.add_saliency = s.config.guidance.add_cam = s.config.guidance.saliency = 1;
    make_cam(&cam);
    UNIT_OK(guidance_look(&s.guidance, &s.gradient, &cam));
    UNIT_OK(guidance_apply(&s.guidance, &s.gradient));
    for (int i = 0; i < COUNT; i++)
        wrong += s.gradient.data[i] != 0;
    CU_ASSERT_EQUAL(wrong, 0);
    tear_down(&s);
}

static void test_threads(void)
{
    const int threads = omp_get_max_threads();
    float *first = naive_alloc(COUNT * sizeof *first);
    for (int n = 1; n <= 4; n++) {
        struct setup s;
        struct heat cam;
        set_up(&s);
        s.config.guidance.add_magnitude = s.config.guidance.add_saliency = s.config.guidance.add_cam = s.config.guidance.saliency = 0.5;
        omp_set_num_threads(n);
        make_cam(&cam);
        UNIT_OK(guidance_look(&s.guidance, &s.gradient, &cam));
        UNIT_OK(guidance_apply(&s.guidance, &s.gradient));
        if (n == 1)
            memcpy(first, s.gradient.data, COUNT * sizeof *first);
        CU_ASSERT(memcmp(first, s.gradient.data, COUNT * sizeof *first) == 0);
        tear_down(&s);
    }
    omp_set_num_threads(threads);
    free(first);
}

static const struct unit_test tests[] = {
    {"saliency", test_saliency},
    {"masks", test_masks},
    {"added terms", test_added_terms},
    {"before the first look", test_before_the_first_look},
    {"looks", test_looks},
    {"no gradient", test_no_gradient},
    {"threads", test_threads},
};
UNIT_MAIN("guidance", tests)
