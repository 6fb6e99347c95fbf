// SPDX-License-Identifier: MIT
// The gradient of the loss with respect to the picture, of every kind of objective, against finite differences of the loss.
#include "job_setup.h"
#include "worker/network/sweep.h"

enum { WIDTH = 123, HEIGHT = 111, COUNT = 3 * WIDTH * HEIGHT, BLOCKS = 4 };

// A picture under the network, by a team of one.
struct look {
    struct setup setup;
    struct sweep *sweep;
    struct slab image, gradient, scratch;
};

static void look_create(struct look *l, const char *targets, enum config_objective kind, enum config_network_input input)
{
    const struct span rows = {0, HEIGHT};
    set_up(&l->setup, targets, kind);
    l->setup.config.network_input = input;
    if (kind == OBJECTIVE_GUIDE)
        show_guide(&l->setup, 90, 80);
    UNIT_OK(sweep_create(&l->sweep, &l->setup.job, WIDTH, HEIGHT, 0));
    UNIT_OK(slab_create(&l->image, WIDTH, HEIGHT, rows));
    UNIT_OK(slab_create(&l->gradient, WIDTH, HEIGHT, rows));
    UNIT_OK(slab_create(&l->scratch, WIDTH, HEIGHT, rows));
    naive_fill(l->image.data, COUNT, 5);
}

static void look_destroy(struct look *l)
{
    slab_destroy(&l->image);
    slab_destroy(&l->gradient);
    slab_destroy(&l->scratch);
    sweep_destroy(&l->sweep);
    tear_down(&l->setup);
}

static double run(struct look *l, int dy, int dx, bool back)
{
    const struct sweep_pass pass = {.image = &l->image,
                                    .dy = dy,
                                    .dx = dx,
                                    .rule = {.mode = GRADIENT_MODE_PLAIN},
                                    .gradient = back ? &l->gradient : NULL,
                                    .scratch = back ? &l->scratch : NULL};
    struct sweep_losses losses;
    UNIT_OK(sweep_run(l->sweep, &pass, &losses));
    return losses.total;
}

// Values of one quarter of the picture.
static bool in_block(int i, int block)
{
    const int x = i % WIDTH, y = i / WIDTH % HEIGHT;
    return (x >= WIDTH / 2) + 2 * (y >= HEIGHT / 2) == block;
}

// Along the gradient itself, quarter by quarter: there the loss changes by more than it rounds, and few kinks (a ReLU or a max pool that
// switches) lie within a small step. What is said of them at check_differences() in test_executor.c holds here.
static void check_saturated(const char *targets, enum config_objective kind, enum config_network_input input, int dy, int dx,
                            double saturation)
{
    struct look l;
    static float picture[COUNT];
    double most = 0, found[BLOCKS], expected[BLOCKS], worst = 0, largest = 0;
    look_create(&l, targets, kind, input);
    l.setup.config.saturation = saturation;
    memcpy(picture, l.image.data, sizeof picture);
    run(&l, dy, dx, true);
    for (int i = 0; i < COUNT; i++)
        most = fmax(most, fabsf(l.gradient.data[i]));
    CU_ASSERT_FATAL(most > 0);
    for (int block = 0; block < BLOCKS; block++) {
        const double step = 1e-3 / most;
        double losses[2];
        found[block] = 0;
        for (int side = 0; side < 2; side++) {
            for (int i = 0; i < COUNT; i++)
                l.image.data[i] = picture[i] + (in_block(i, block) ? (float)((2 * side - 1) * step * l.gradient.data[i]) : 0);
            losses[side] = run(&l, dy, dx, false);
        }
        for (int i = 0; i < COUNT; i++)
            found[block] += in_block(i, block) ? (double)l.gradient.data[i] * l.gradient.data[i] : 0;
        expected[block] = (losses[1] - losses[0]) / (2 * step);
        worst = fmax(worst, fabs(found[block] - expected[block]));
        largest = fmax(largest, fabs(expected[block]));
    }
    if (!(worst < 0.02 * largest))
        printf("\n%s, objective %d: error %g\n", targets, (int)kind, worst / largest);
    CU_ASSERT(worst < 0.02 * largest);
    look_destroy(&l);
}

static void check_differences(const char *targets, enum config_objective kind, enum config_network_input input, int dy, int dx)
{
    check_saturated(targets, kind, input, dy, dx, 0);
}

static void test_saturation(void)
{
    check_saturated("mixed0:1,mixed2:-0.5", OBJECTIVE_MEAN_SQUARE, NETWORK_INPUT_SIGNED, 0, 0, 2);
    check_saturated("mixed1#20+21-22-23+24-25+26-27-28+29-0", OBJECTIVE_MEAN_SQUARE, NETWORK_INPUT_SIGNED, 3, 3, 0.2);
}

static void test_means(void)
{
    check_differences("mixed0:1,mixed2:-0.5", OBJECTIVE_MEAN_SQUARE, NETWORK_INPUT_SIGNED, 0, 0);
    check_differences("mixed3", OBJECTIVE_MEAN_SQUARE, NETWORK_INPUT_UNIT, 5, -20);
    check_differences("mixed0:1,mixed2:3", OBJECTIVE_MEAN, NETWORK_INPUT_SIGNED, -40, 7);
    check_differences("mixed1", OBJECTIVE_MEAN, NETWORK_INPUT_UNIT, 0, 0);
}

static void test_channels_and_places(void)
{
    check_differences("mixed1#20+21+22+23+24+25+26+27+28+29", OBJECTIVE_MEAN_SQUARE, NETWORK_INPUT_SIGNED, 3, 3);
    check_differences("mixed1#20+21-22-23+24-25+26-27-28+29-0", OBJECTIVE_MEAN_SQUARE, NETWORK_INPUT_SIGNED, 3, 3);
    check_differences("mixed0#-20-21-22-23,mixed1#-30-31-32-33+34:0.5", OBJECTIVE_MEAN, NETWORK_INPUT_SIGNED, -8, 11);
    check_differences("mixed1@0.4/0.6", OBJECTIVE_MEAN_SQUARE, NETWORK_INPUT_SIGNED, -30, 60);
    check_differences("mixed2@0.1/0.9", OBJECTIVE_MEAN, NETWORK_INPUT_UNIT, 10, 0);
}

static void test_guide(void)
{
    check_differences("mixed1:1,conv2d_5:2", OBJECTIVE_GUIDE, NETWORK_INPUT_SIGNED, 2, -9);
    check_differences("mixed2", OBJECTIVE_GUIDE, NETWORK_INPUT_UNIT, 0, 0);
}

static void test_class(void)
{
    check_differences("mixed10", OBJECTIVE_CLASS, NETWORK_INPUT_SIGNED, -6, 14);
    check_differences("mixed10:2", OBJECTIVE_CLASS, NETWORK_INPUT_UNIT, 0, 0);
}

// network_input: unit is the same as a picture of 0..1 before.
static void test_network_input(void)
{
    struct look unit, plain;
    double *expected = calloc(COUNT, sizeof *expected);
    look_create(&unit, "mixed0", OBJECTIVE_MEAN_SQUARE, NETWORK_INPUT_UNIT);
    look_create(&plain, "mixed0", OBJECTIVE_MEAN_SQUARE, NETWORK_INPUT_SIGNED);
    for (int i = 0; i < COUNT; i++)
        plain.image.data[i] = (unit.image.data[i] + 1) / 2;
    const double loss = run(&plain, 0, 0, true);
    CU_ASSERT(fabs(run(&unit, 0, 0, true) / loss - 1) < 1e-9);
    for (int i = 0; i < COUNT; i++)
        expected[i] = plain.gradient.data[i] / 2;
    CU_ASSERT(naive_error(unit.gradient.data, expected, COUNT) < 1e-6);
    free(expected);
    look_destroy(&unit);
    look_destroy(&plain);
}

// A neuron stays at its place in the picture, wherever the picture is rolled to: by whole strides it sees the same pixels, as long as the
// seam is out of its sight.
static void test_place_stays(void)
{
    static const struct {
        int dy, dx;
        bool whole; // strides
    } rolls[] = {{16, -24, true}, {-8, 8, true}, {HEIGHT + 8, -WIDTH - 8, true}, {1, -3, false}};
    struct look l;
    look_create(&l, "mixed0@0.5/0.5", OBJECTIVE_MEAN_SQUARE, NETWORK_INPUT_SIGNED);
    const double loss = run(&l, 0, 0, true);
    double *gradient = calloc(COUNT, sizeof *gradient);
    for (int i = 0; i < COUNT; i++)
        gradient[i] = l.gradient.data[i];
    for (size_t k = 0; k < sizeof rolls / sizeof rolls[0]; k++) {
        const double rolled = run(&l, rolls[k].dy, rolls[k].dx, true);
        int far = 0;
        for (int i = 0; i < COUNT; i++) // the field of 63 pixels may lie up to half a stride aside
            far += (abs(i % WIDTH - WIDTH / 2) > 36 || abs(i / WIDTH % HEIGHT - HEIGHT / 2) > 36) && l.gradient.data[i] != 0;
        CU_ASSERT_EQUAL(far, 0);
        if (rolls[k].whole) {
            CU_ASSERT(fabs(rolled / loss - 1) < 1e-5);
            CU_ASSERT(naive_error(l.gradient.data, gradient, COUNT) < 1e-4);
        } else {
            CU_ASSERT(fabs(rolled / loss - 1) > 1e-3); // the grid lies elsewhere
        }
    }
    free(gradient);
    look_destroy(&l);
}

static const struct unit_test tests[] = {
    {"means", test_means},
    {"saturation", test_saturation},
    {"channels and places", test_channels_and_places},
    {"a guide", test_guide},
    {"a class", test_class},
    {"what the network sees", test_network_input},
    {"a place stays", test_place_stays},
};
UNIT_MAIN("loss_gradient", tests)
