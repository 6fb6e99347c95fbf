// SPDX-License-Identifier: MIT
// The executor against the network written as plain loops, against finite differences, and against itself: other targets, other thread
// counts, other executors in the same memory.
#include "common/picture/geometry.h"
#include "executor_setup.h"

#include <omp.h>

static void check_activations(struct setup *s, const struct naive_network *n)
{
    for (int t = 0; t < s->target_count; t++) {
        const struct tensor a = executor_target(s->executor, t);
        const size_t count = target_count(&a);
        float *planar = naive_alloc(count * sizeof *planar);
        double *expected = as_doubles(n->activation[s->targets[t]], count);
        CU_ASSERT(a.height == n->height[s->targets[t]] && a.width == n->width[s->targets[t]]);
        naive_unblock(a.data, planar, a.channels, (size_t)a.height * (size_t)a.width, a.block);
        CU_ASSERT(naive_error(planar, expected, count) < allowed(1e-5, 1e-4, 3e-2));
        free(expected);
        free(planar);
    }
}

static void check_against_loops(int width, int height, const char *names)
{
    static const double scale[GRAPH_TARGETS_MAX] = {1, 0.5, 2, 0.25, 1, 3, 1, 1, 1, 1, 1, 1};
    static const struct {
        enum gradient_mode mode;
        const char *above;
        float leak;
    } rules[] = {{GRADIENT_MODE_GUIDED, "input", 0},    {GRADIENT_MODE_PLAIN, "input", 0},      {GRADIENT_MODE_DECONV, "input", 0},
                 {GRADIENT_MODE_GUIDED, "conv2d_3", 0}, {GRADIENT_MODE_GUIDED, "input", 0.25f}, {GRADIENT_MODE_GUIDED, "input", 1}};
    struct naive_network n;
    struct setup s;
    int last = 0;
    set_up(&s, width, height, names);
    for (int t = 0; t < s.target_count; t++)
        last = s.targets[t] > last ? s.targets[t] : last;
    float *image = naive_random(image_count(&s), 3);
    naive_network_create(&n, net, weights, image, width, height, last);
    for (int k = 0; k < unit_cases(6, 2); k++) {
        const struct gradient_rule rule = {.mode = rules[k].mode, .above = network_find(net, rules[k].above), .leak = rules[k].leak};
        forward(&s, image, scale);
        check_activations(&s, &n);
        const float *gradient = backward(&s, scale, rule);
        naive_network_backward(&n, s.target_count, s.targets, scale, rule);
        double *expected = as_doubles(n.gradient[0], image_count(&s));
        // Rounding decides on which side of zero a few of the million values before a ReLU are. Where nothing else masks the gradient
        // (plain), one such value on a path of one position moves the whole by a per cent; without it the error is 1e-7.
        const double tolerance =
            rule.mode == GRADIENT_MODE_PLAIN || rule.above > 0 || rule.leak > 0 ? allowed(3e-2, 3e-2, 0.25) : allowed(1e-3, 1e-2, 0.25);
        const double error = rms_difference(gradient, expected, image_count(&s));
        if (!(error < tolerance))
            printf("\n%d x %d %s, mode %d: error %g\n", width, height, names, (int)rule.mode, error);
        CU_ASSERT(error < tolerance);
        free(expected);
    }
    naive_network_destroy(&n);
    free(image);
    tear_down(&s);
}

static void test_whole_network(void)
{
    check_against_loops(75, 78, "mixed0 mixed1 mixed2 mixed3 mixed4 mixed5 mixed6 mixed7 mixed8 mixed9 mixed10");
}

static void test_nested_targets(void)
{
    check_against_loops(83, 75, "conv2d_6 mixed0 conv2d_12 conv2d_7");
    check_against_loops(75, 75, "mixed9_0 mixed9 conv2d_80 conv2d_81 mixed8 max_pooling2d_4");
    check_against_loops(80, 77, "max_pooling2d_3 mixed3 average_pooling2d_3 max_pooling2d_1");
    check_against_loops(20, 11, "conv2d_1 conv2d_3"); // smaller images do where the targets allow it
}

// Central differences at single pixels. The loss is piecewise a polynomial in the pixel, with kinks where a ReLU or a max pool switches.
// The larger the step h, the more of them lie within it (measured: 10% error at 0.03, 1% at 0.001); the smaller it is, the more the
// rounding of the loss to 1e-7 or so, divided by h, counts (5% at 0.0002). A wrong path through the network is tens of per cent.
static void check_differences(struct setup *s, const float *image)
{
    const float h = 1e-3f;
    const double tolerance = allowed(0.05, 0.1, 0);
    static const double scale[GRAPH_TARGETS_MAX] = {1, 0.5};
    enum { PIXELS = 40 };
    const int pixels = unit_cases(PIXELS, 5);
    float *moved = naive_alloc(image_count(s) * sizeof *moved), found[PIXELS];
    double expected[PIXELS];
    uint32_t state = 17;
    memcpy(moved, image, image_count(s) * sizeof *moved);
    const double loss = forward(s, image, scale);
    CU_ASSERT(loss > 0);
    float *gradient = naive_alloc(image_count(s) * sizeof *gradient);
    memcpy(gradient, backward(s, scale, (struct gradient_rule){.mode = GRADIENT_MODE_PLAIN}), image_count(s) * sizeof *gradient);
    for (int k = 0; k < pixels; k++) {
        const size_t i = naive_next(&state) % image_count(s);
        moved[i] = image[i] + h;
        const double above = forward(s, moved, scale);
        moved[i] = image[i] - h;
        const double below = forward(s, moved, scale);
        moved[i] = image[i];
        expected[k] = (above - below) / (2 * h);
        found[k] = gradient[i];
    }
    const double error = rms_difference(found, expected, (size_t)pixels);
    if (!(error < tolerance))
        printf("\nfinite differences at %d x %d: error %g\n", s->width, s->height, error);
    CU_ASSERT(error < tolerance);
    free(gradient);
    free(moved);
}

static void test_finite_differences(void)
{
    struct setup s;
    set_up(&s, 111, 93, "mixed3 mixed5");
    if (plan.bf16) { // its rounding is more than the differences
        tear_down(&s);
        return;
    }
    float *image = naive_random(image_count(&s), 4);
    check_differences(&s, image);
    free(image);
    tear_down(&s);
}

// Plain backpropagation is linear in the targets' gradients: the whole is the sum of its parts.
static void check_sum(const char *names, int width, int height)
{
    static const double scale[] = {1, 0.5, -2, 0.125};
    struct setup all, one;
    set_up(&all, width, height, names);
    const size_t count = image_count(&all);
    float *image = naive_random(count, 5);
    double *sum = calloc(count, sizeof *sum);
    for (int t = 0; t < all.target_count; t++) {
        set_up(&one, width, height, net->layers[all.targets[t]].name);
        forward(&one, image, scale + t);
        const float *gradient = backward(&one, scale + t, (struct gradient_rule){.mode = GRADIENT_MODE_PLAIN});
        for (size_t i = 0; i < count; i++)
            sum[i] += gradient[i];
        tear_down(&one);
    }
    forward(&all, image, scale);
    const double error = naive_error(backward(&all, scale, (struct gradient_rule){.mode = GRADIENT_MODE_PLAIN}), sum, count);
    if (!(error < allowed(1e-5, 1e-4, 5e-2)))
        printf("\n%s: error %g\n", names, error);
    CU_ASSERT(error < allowed(1e-5, 1e-4, 5e-2)); // forward passes are the same bytes, so that only sums round
    free(sum);
    free(image);
    tear_down(&all);
}

static void test_sum_of_targets(void)
{
    check_sum("mixed3 mixed5", 139, 101);
    check_sum("mixed10 conv2d_1 mixed9_0 mixed9", 107, 99);
    check_sum("conv2d_6 mixed0 max_pooling2d_3 mixed3", 91, 120);
}

static void test_other_targets_change_nothing(void)
{
    static const char *const sets[] = {"mixed3", "mixed3 mixed5", "mixed10 mixed3 conv2d_27 max_pooling2d_3", "mixed2 mixed8 mixed3"};
    static const double scale[4] = {0};
    struct setup s;
    float *first = NULL;
    for (int k = 0; k < 4; k++) {
        set_up(&s, 131, 109, sets[k]);
        float *image = naive_random(image_count(&s), 6);
        forward(&s, image, scale);
        free(image);
        for (int t = 0; t < s.target_count; t++)
            if (s.targets[t] == network_find(net, "mixed3")) {
                const struct tensor a = executor_target(s.executor, t);
                const size_t bytes = target_count(&a) * sizeof(float);
                if (!first)
                    first = memcpy(naive_alloc(bytes), a.data, bytes);
                CU_ASSERT(memcmp(first, a.data, bytes) == 0);
            }
        tear_down(&s);
    }
    free(first);
}

static void test_same_bytes(void)
{
    static const double scale[] = {1, 1};
    const int threads = omp_get_max_threads();
    struct setup s;
    set_up(&s, 181, 150, "mixed3 mixed5");
    const size_t bytes = image_count(&s) * sizeof(float);
    float *image = naive_random(image_count(&s), 7), *first = NULL;
    for (int run = 0; run < unit_cases(6, 3); run++) {
        omp_set_num_threads(1 + run % 3);
        memset(s.memory, run % 2 ? 0xff : 0x3f, executor_bytes(s.executor)); // nothing in it is from before
        forward(&s, image, scale);
        const float *gradient = backward(&s, scale, (struct gradient_rule){.mode = GRADIENT_MODE_GUIDED});
        if (!first)
            first = memcpy(naive_alloc(bytes), gradient, bytes);
        CU_ASSERT(memcmp(first, gradient, bytes) == 0);
    }
    omp_set_num_threads(threads);
    free(first);
    free(image);
    tear_down(&s);
}

static void test_shared_memory(void)
{
    static const double scale[] = {1, 1};
    static const int sizes[3][2] = {{150, 120}, {107, 86}, {76, 75}};
    struct setup s[3];
    float *image[3], *first[3] = {NULL};
    size_t most = 0;
    for (int k = 0; k < 3; k++) {
        set_up(&s[k], sizes[k][0], sizes[k][1], "mixed3 mixed5");
        image[k] = naive_random(image_count(&s[k]), (uint32_t)k);
        most = executor_bytes(s[k].executor) > most ? executor_bytes(s[k].executor) : most;
    }
    void *memory = naive_alloc(most);
    for (int run = 0; run < unit_cases(9, 6); run++) {
        const int k = run % 3;
        const size_t bytes = image_count(&s[k]) * sizeof(float);
        UNIT_OK(executor_bind(s[k].executor, run < 3 ? s[k].memory : memory)); // first each in its own
        forward(&s[k], image[k], scale);
        const float *gradient = backward(&s[k], scale, (struct gradient_rule){.mode = GRADIENT_MODE_GUIDED});
        if (!first[k])
            first[k] = memcpy(naive_alloc(bytes), gradient, bytes);
        CU_ASSERT(memcmp(first[k], gradient, bytes) == 0);
    }
    free(memory);
    for (int k = 0; k < 3; k++) {
        free(first[k]);
        free(image[k]);
        tear_down(&s[k]);
    }
}

static void test_sizes(void)
{
    struct setup s;
    size_t estimate;
    set_up(&s, GEOMETRY_MIN_SIDE, GEOMETRY_MIN_SIDE, "mixed10");
    const struct tensor a = executor_target(s.executor, 0);
    CU_ASSERT(a.channels == 2048 && a.height == 1 && a.width == 1);
    struct executor *executor;
    for (int k = 0; k < 2; k++) {
        struct executor_options options = options_of(&s);
        *(k ? &options.width : &options.height) = GEOMETRY_MIN_SIDE - 1;
        CU_ASSERT_EQUAL(executor_create(&executor, &options), STATUS_LIMIT);
        CU_ASSERT_PTR_NULL(executor);
        CU_ASSERT(strstr(status_message(), "layer conv2d_72") != NULL);
        CU_ASSERT_EQUAL(executor_estimate(&options, &estimate), STATUS_LIMIT);
    }
    tear_down(&s);
}

static void test_memory_and_work(void)
{
    static const char *const sets[] = {"mixed3 mixed5", "mixed10 mixed0", "conv2d_3"};
    struct setup s;
    for (int k = 0; k < 3; k++) {
        size_t estimate;
        set_up(&s, 299, 299 - k, sets[k]);
        const struct executor_options options = options_of(&s);
        UNIT_OK(executor_estimate(&options, &estimate));
        const double ratio = (double)estimate / (double)executor_bytes(s.executor);
        CU_ASSERT(getenv("TEST_METHOD") || (ratio > 0.97 && ratio < 1.03)); // what Winograd needs besides is a matter of threads
        if (k == 0) { // 14.4 GFLOP by the table; a PyTorch step takes 920 bytes a pixel
            CU_ASSERT(fabs(executor_flop(s.executor) - 14.4e9) < 0.2e9);
#ifdef __x86_64__
            const bool bounded = true;
#else
            const char *method = getenv("TEST_METHOD"); // what oneDNN's own need besides is more on other processors
            const bool bounded = !method || strcmp(method, "onednn") != 0;
#endif
            CU_ASSERT(!bounded || (double)executor_bytes(s.executor) < (plan.bf16 ? 80.0 : 130.0) * 299 * 299);
        }
        tear_down(&s);
    }
}

// One that is only looked at, without weights: the same memory, the same work, by the same methods, operation by operation.
static void test_without_weights(void)
{
    struct setup s;
    struct executor *seen;
    double flop = 0;
    set_up(&s, 131, 150, "mixed3 mixed5 conv2d_30");
    struct executor_options options = options_of(&s);
    options.cache = NULL;
    UNIT_OK(executor_create(&seen, &options));
    CU_ASSERT_EQUAL(executor_bytes(seen), executor_bytes(s.executor));
    const struct graph *graph = executor_graph(seen), *other = executor_graph(s.executor);
    CU_ASSERT_EQUAL_FATAL(graph->op_count, other->op_count);
    for (int i = 0; i < graph->op_count; i++) {
        const struct executor_op op = executor_op(seen, i);
        CU_ASSERT_STRING_EQUAL(op.method, executor_op(s.executor, i).method);
        CU_ASSERT(op_is_convolution(&graph->ops[i]) == (op.flop > 0) && op.backward == (i > graph->targets_op));
        flop += op.flop;
    }
    CU_ASSERT_EQUAL(flop, executor_flop(s.executor));
    CU_ASSERT_EQUAL_FATAL(graph->buffer_count, other->buffer_count);
    for (int i = 0; i < graph->buffer_count; i++)
        CU_ASSERT_EQUAL(graph->buffers[i].offset, other->buffers[i].offset);
    executor_destroy(&seen);
    tear_down(&s);
}

static void test_trained_weights(void)
{
    struct setup s;
    start();
    use_weights(weights_real(net));
    set_up(&s, 139, 107, "mixed3 mixed5");
    float *image = naive_random(image_count(&s), 9);
    if (!plan.bf16)
        check_differences(&s, image);
    free(image);
    tear_down(&s);
    weight_cache_destroy(&cache);
    free(weights);
}

static const struct unit_test tests[] = {
    {"whole network against loops", test_whole_network},
    {"nested targets against loops", test_nested_targets},
    {"finite differences", test_finite_differences},
    {"sum of targets", test_sum_of_targets},
    {"other targets change nothing", test_other_targets_change_nothing},
    {"same bytes", test_same_bytes},
    {"shared memory", test_shared_memory},
    {"smallest sizes", test_sizes},
    {"memory and work", test_memory_and_work},
    {"without weights", test_without_weights},
    {"trained weights", test_trained_weights},
};
UNIT_MAIN("executor", tests)
