// SPDX-License-Identifier: MIT
// Gradients at the targets, and going on from a target's activation: against the plain loops, finite differences, and whole passes.
#include "executor_setup.h"

#include <omp.h>

static const double scale[GRAPH_TARGETS_MAX] = {1, 0.5, 2, 0.25, 1, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};

// What a backward pass showed.
struct taps {
    struct setup *setup;
    int count;
    int order[GRAPH_TARGETS_MAX];
    float *gradient[GRAPH_TARGETS_MAX]; // [target], blocked; NULL: not seen
};

static size_t bytes_of(struct setup *s, int t)
{
    const struct tensor a = executor_target(s->executor, t);
    return target_count(&a) * sizeof(float);
}

static float *copy_of(struct setup *s, int t)
{
    return memcpy(naive_alloc(bytes_of(s, t)), executor_target(s->executor, t).data, bytes_of(s, t));
}

static void keep(void *context, int target, const struct tensor *gradient)
{
    struct taps *taps = context;
    const struct tensor a = executor_target(taps->setup->executor, target);
    CU_ASSERT_FATAL(taps->count < taps->setup->target_count && !taps->gradient[target]);
    CU_ASSERT(a.channels == gradient->channels && a.height == gradient->height && a.width == gradient->width && a.block == gradient->block);
    taps->order[taps->count++] = target;
    taps->gradient[target] = memcpy(naive_alloc(bytes_of(taps->setup, target)), gradient->data, bytes_of(taps->setup, target));
}

static void listen(struct taps *taps, struct setup *s)
{
    *taps = (struct taps){.setup = s};
    executor_on_gradient(s->executor, keep, taps);
}

static void forget(struct taps *taps)
{
    for (int t = 0; t < GRAPH_TARGETS_MAX; t++)
        free(taps->gradient[t]);
    executor_on_gradient(taps->setup->executor, NULL, NULL);
}

static int number_of(const struct setup *s, const char *name)
{
    int t = 0;
    while (s->targets[t] != network_find(net, name))
        CU_ASSERT_FATAL(++t < s->target_count);
    return t;
}

// Each target down to row `last`, once, from the last row to the first.
static void check_order(const struct taps *taps, int last)
{
    int expected = 0;
    for (int t = 0; t < taps->setup->target_count; t++) {
        CU_ASSERT_EQUAL(taps->gradient[t] != NULL, taps->setup->targets[t] >= last);
        expected += taps->setup->targets[t] >= last;
    }
    CU_ASSERT_EQUAL(taps->count, expected);
    for (int k = 1; k < taps->count; k++)
        CU_ASSERT(taps->setup->targets[taps->order[k]] < taps->setup->targets[taps->order[k - 1]]);
}

static void check_against_loops(int width, int height, const char *names)
{
    static const enum gradient_mode modes[] = {GRADIENT_MODE_GUIDED, GRADIENT_MODE_PLAIN, GRADIENT_MODE_DECONV};
    struct naive_network n;
    struct taps taps;
    struct setup s;
    int last = 0;
    set_up(&s, width, height, names);
    for (int t = 0; t < s.target_count; t++)
        last = s.targets[t] > last ? s.targets[t] : last;
    float *image = naive_random(image_count(&s), 3);
    naive_network_create(&n, net, weights, image, width, height, last);
    for (int k = 0; k < 3; k++) {
        listen(&taps, &s);
        forward(&s, image, scale);
        backward(&s, scale, (struct gradient_rule){.mode = modes[k]});
        check_order(&taps, 0);
        naive_network_backward(&n, s.target_count, s.targets, scale, (struct gradient_rule){.mode = modes[k]});
        for (int t = 0; t < s.target_count; t++) {
            const struct tensor a = executor_target(s.executor, t);
            const size_t count = target_count(&a);
            float *planar = naive_alloc(count * sizeof *planar);
            double *expected = as_doubles(n.gradient[s.targets[t]], count);
            naive_unblock(taps.gradient[t], planar, a.channels, (size_t)a.height * (size_t)a.width, a.block);
            const double error = rms_difference(planar, expected, count);
            const double limit = allowed(1e-2, 2e-2, 0.25); // rounding decides some ReLUs; a wrong path is tens of per cent
            if (!(error < limit))
                printf("\n%s in mode %d: error %g\n", net->layers[s.targets[t]].name, (int)modes[k], error);
            CU_ASSERT(error < limit);
            free(expected);
            free(planar);
        }
        forget(&taps);
    }
    naive_network_destroy(&n);
    free(image);
    tear_down(&s);
}

static void test_loops(void)
{
    check_against_loops(75, 78, "mixed0 mixed1 mixed2 mixed3 mixed4 mixed5 mixed6 mixed7 mixed8 mixed9 mixed10");
    check_against_loops(80, 77, "mixed3 conv2d_30 max_pooling2d_3 conv2d_27 average_pooling2d_3 max_pooling2d_1");
    check_against_loops(83, 75, "conv2d_6 mixed0 conv2d_12 conv2d_7 conv2d_13 mixed1 conv2d_1");
    check_against_loops(75, 75, "mixed9_0 mixed9 conv2d_80 conv2d_81 mixed8 conv2d_86");
}

// Central differences with respect to single values of the activation at `name`, as in test_executor.c.
static void check_differences(const char *names, const char *name)
{
    enum { VALUES = 40 };
    const int values = unit_cases(VALUES, 5);
    const float h = 5e-3f;
    struct setup s;
    struct taps taps;
    float found[VALUES];
    double expected[VALUES];
    uint32_t state = 23;
    set_up(&s, 111, 93, names);
    const int t = number_of(&s, name);
    const size_t count = bytes_of(&s, t) / sizeof(float);
    float *image = naive_random(image_count(&s), 4);
    forward(&s, image, scale);
    float *activation = copy_of(&s, t);
    listen(&taps, &s);
    write_gradients(&s, scale);
    UNIT_OK(executor_backward(s.executor, (struct gradient_rule){.mode = GRADIENT_MODE_PLAIN}, t));
    check_order(&taps, s.targets[t]);
    for (int k = 0; k < values; k++) {
        const size_t i = naive_next(&state) % count;
        double loss[2];
        for (int side = 0; side < 2; side++) {
            float *data = executor_target(s.executor, t).data;
            memcpy(data, activation, count * sizeof *data);
            data[i] += side ? h : -h;
            UNIT_OK(executor_forward_from(s.executor, t));
            loss[side] = loss_of(&s, scale, s.targets[t]); // earlier targets hold something else by now
        }
        expected[k] = (loss[1] - loss[0]) / (2 * h);
        found[k] = taps.gradient[t][i];
    }
    const double error = rms_difference(found, expected, (size_t)values);
    const double limit = allowed(0.03, 0.06, INFINITY); // bfloat16 rounds more than that away
    if (!(error < limit))
        printf("\nfinite differences at %s: error %g\n", name, error);
    CU_ASSERT(error < limit);
    forget(&taps);
    free(activation);
    free(image);
    tear_down(&s);
}

static void test_finite_differences(void)
{
    check_differences("mixed3 mixed5", "mixed3");
    check_differences("mixed3 mixed5", "mixed5");
    check_differences("mixed5 conv2d_30 mixed2 mixed3", "mixed3");
    check_differences("conv2d_30 mixed2 mixed3", "mixed2");
    check_differences("mixed9 mixed9_0 mixed7 mixed8", "mixed8");
    check_differences("conv2d_4 mixed0", "conv2d_4"); // conv2d_3 has ties in the pool behind it
}

// From an activation of another image: the later targets are what that image gives, to the byte, however often, on however many threads.
static void check_going_on(const char *names, const char *name)
{
    const int threads = omp_get_max_threads();
    struct setup s;
    float *image[2], *activation[2][GRAPH_TARGETS_MAX];
    set_up(&s, 107, 99, names);
    const int from = number_of(&s, name);
    for (int k = 0; k < 2; k++) {
        image[k] = naive_random(image_count(&s), 11 + (uint32_t)k);
        forward(&s, image[k], scale);
        for (int t = 0; t < s.target_count; t++)
            activation[k][t] = copy_of(&s, t);
    }
    memset(s.memory, 0xff, executor_bytes(s.executor));
    forward(&s, image[0], scale);
    for (int run = 0; run < 6; run++) {
        const int k = (run + 1) % 2;
        omp_set_num_threads(1 + run % 3);
        if (run > 0) { // the first time right after the forward pass
            for (int t = 0; t < s.target_count; t++)
                memset(executor_target(s.executor, t).data, 0, s.targets[t] >= s.targets[from] ? bytes_of(&s, t) : 0);
            UNIT_OK(executor_backward(s.executor, (struct gradient_rule){.mode = GRADIENT_MODE_GUIDED}, from));
        }
        memcpy(executor_target(s.executor, from).data, activation[k][from], bytes_of(&s, from));
        UNIT_OK(executor_forward_from(s.executor, from));
        for (int t = 0; t < s.target_count; t++) {
            const int image_seen = s.targets[t] < s.targets[from] ? 0 : k;
            CU_ASSERT(memcmp(executor_target(s.executor, t).data, activation[image_seen][t], bytes_of(&s, t)) == 0);
        }
    }
    omp_set_num_threads(threads);
    for (int k = 0; k < 2; k++) {
        for (int t = 0; t < s.target_count; t++)
            free(activation[k][t]);
        free(image[k]);
    }
    tear_down(&s);
}

static void test_going_on(void)
{
    check_going_on("mixed3 mixed5", "mixed3");
    check_going_on("mixed3 mixed5", "mixed5"); // nothing lies behind it
    check_going_on("mixed5 mixed0 conv2d_30 mixed3 max_pooling2d_3 mixed4 conv2d_33", "mixed3");
    check_going_on("mixed10 conv2d_6 mixed0 max_pooling2d_1 conv2d_88", "mixed0");
    check_going_on("conv2d_3 max_pooling2d_4 mixed8", "conv2d_3");
}

// A whole pass after parts of one, and one that is watched, give the bytes of an undisturbed one; from the same activation, too.
static void test_same_bytes(void)
{
    struct setup s;
    struct taps taps[2];
    set_up(&s, 131, 109, "mixed3 mixed5 conv2d_30 mixed2");
    const size_t bytes = image_count(&s) * sizeof(float);
    const int from = number_of(&s, "mixed2");
    float *image = naive_random(image_count(&s), 7);
    forward(&s, image, scale);
    float *gradient = memcpy(naive_alloc(bytes), backward(&s, scale, (struct gradient_rule){.mode = GRADIENT_MODE_GUIDED}), bytes);
    for (int k = 0; k < 2; k++)
        for (int to = 0; to < s.target_count; to++) {
            listen(&taps[0], &s);
            forward(&s, image, scale);
            float *activation = copy_of(&s, from);
            write_gradients(&s, scale);
            UNIT_OK(executor_backward(s.executor, (struct gradient_rule){.mode = GRADIENT_MODE_GUIDED}, to));
            check_order(&taps[0], s.targets[to]);
            listen(&taps[1], &s);
            if (k == 0) {
                forward(&s, image, scale);
            } else {
                memcpy(executor_target(s.executor, from).data, activation, bytes_of(&s, from));
                UNIT_OK(executor_forward_from(s.executor, from));
            }
            CU_ASSERT(memcmp(backward(&s, scale, (struct gradient_rule){.mode = GRADIENT_MODE_GUIDED}), gradient, bytes) == 0);
            check_order(&taps[1], 0);
            for (int t = 0; t < s.target_count; t++)
                CU_ASSERT(!taps[0].gradient[t] || memcmp(taps[0].gradient[t], taps[1].gradient[t], bytes_of(&s, t)) == 0);
            forget(&taps[0]);
            forget(&taps[1]);
            free(activation);
        }
    forward(&s, image, scale); // nobody listens any more
    CU_ASSERT(memcmp(backward(&s, scale, (struct gradient_rule){.mode = GRADIENT_MODE_GUIDED}), gradient, bytes) == 0);
    free(gradient);
    free(image);
    tear_down(&s);
}

// The last target's gradient is what the caller wrote, and needs no operation of the network.
static void test_last_target(void)
{
    struct setup s;
    struct taps taps;
    set_up(&s, 99, 86, "mixed3 conv2d_3 conv2d_30");
    float *image = naive_random(image_count(&s), 8);
    listen(&taps, &s);
    forward(&s, image, scale);
    naive_fill(executor_target(s.executor, 0).data, bytes_of(&s, 0) / sizeof(float), 9);
    float *written = copy_of(&s, 0);
    UNIT_OK(executor_backward(s.executor, (struct gradient_rule){.mode = GRADIENT_MODE_GUIDED}, 0));
    check_order(&taps, s.targets[0]);
    CU_ASSERT(plan.bf16 || memcmp(taps.gradient[0], written, bytes_of(&s, 0)) == 0); // bfloat16 rounds it
    forget(&taps);
    free(written);
    free(image);
    tear_down(&s);
    weight_cache_destroy(&cache);
    free(weights);
}

static const struct unit_test tests[] = {
    {"gradients at targets against loops", test_loops},
    {"gradients at targets against finite differences", test_finite_differences},
    {"going on from a target", test_going_on},
    {"same bytes", test_same_bytes},
    {"last target", test_last_target},
};
UNIT_MAIN("executor taps", tests)
