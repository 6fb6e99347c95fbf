// SPDX-License-Identifier: MIT
// Every convolution that the network has against plain loops, at odd sizes. Run for several instruction sets (ONEDNN_MAX_CPU_ISA).
#include "kernels/onednn/onednn.h"

#include "naive.h"

enum { LEFT_OVER = 1, SIZES = 3 };
// (height, width). With a window of 3 and stride 2 the last row and column of an even size are left over.
static const int sizes[SIZES][2] = {{13, 19}, {18, 11}, {7, 7}};

// A direct sum of n products in float differs from the exact one by about sqrt(n) rounding errors of 6e-8: 1e-6 here.
static const double DIRECT = 5e-6;
// Winograd's F(4, 3) sums transformed values, which are larger than the result.
static const double WINOGRAD = 5e-4;

enum padding { VALID, SAME };

static struct onednn_shape shape_of(int in, int out, int kernel_h, int kernel_w, int stride, enum padding padding, const int size[2])
{
    struct onednn_shape s = {.src_channels = in,
                             .src_h = size[0],
                             .src_w = size[1],
                             .dst_channels = out,
                             .kernel_h = kernel_h,
                             .kernel_w = kernel_w,
                             .stride = stride};
    if (padding == SAME) {
        s.pad_h = (kernel_h - 1) / 2;
        s.pad_w = (kernel_w - 1) / 2;
    }
    s.dst_h = padding == SAME ? size[0] : (size[0] - kernel_h) / stride + 1;
    s.dst_w = padding == SAME ? size[1] : (size[1] - kernel_w) / stride + 1;
    return s;
}

// The forward convolution that takes the gradient of the output to that of the input, for stride 1.
static struct onednn_shape flipped(const struct onednn_shape *s)
{
    return (struct onednn_shape){.src_channels = s->dst_channels,
                                 .src_h = s->dst_h,
                                 .src_w = s->dst_w,
                                 .dst_channels = s->src_channels,
                                 .dst_h = s->src_h,
                                 .dst_w = s->src_w,
                                 .kernel_h = s->kernel_h,
                                 .kernel_w = s->kernel_w,
                                 .stride = 1,
                                 .pad_h = s->kernel_h - 1 - s->pad_h,
                                 .pad_w = s->kernel_w - 1 - s->pad_w};
}

static size_t src_positions(const struct onednn_shape *s)
{
    return (size_t)s->src_h * (size_t)s->src_w;
}

static size_t dst_positions(const struct onednn_shape *s)
{
    return (size_t)s->dst_h * (size_t)s->dst_w;
}

static float *blocked_copy(const float *planar, int channels, size_t positions)
{
    float *blocked = naive_alloc(onednn_tensor_bytes(channels, (int)positions, 1));
    naive_block(planar, blocked, channels, positions, onednn_block());
    return blocked;
}

static double error_of(const float *blocked, const double *expected, int channels, size_t positions)
{
    float *planar = naive_alloc((size_t)channels * positions * sizeof *planar);
    naive_unblock(blocked, planar, channels, positions, onednn_block());
    const double error = naive_error(planar, expected, (size_t)channels * positions);
    free(planar);
    return error;
}

// Runs it in memory of the test's own, and once before that in other memory, so that binding again is tried each time.
static void run(struct onednn_primitive *p, bool forward, const struct onednn_binding *binding, size_t written, size_t read)
{
    struct onednn_binding b = *binding, other = *binding;
    b.scratch = naive_alloc(onednn_scratch_bytes(p));
    void **output = forward ? &other.dst : &other.src, **input = forward ? &other.src : &other.dst;
    other.scratch = naive_alloc(onednn_scratch_bytes(p));
    *output = naive_alloc(written);
    *input = naive_alloc(read);
    memset(*output, 0, written);
    memset(*input, 0, read);
    UNIT_OK(onednn_bind(p, &other));
    UNIT_OK(onednn_run(p));
    UNIT_OK(onednn_bind(p, &b));
    UNIT_OK(onednn_run(p));
    free(other.scratch);
    free(b.scratch);
    free(*output);
    free(*input);
}

// dst = relu(conv(src) + bias + dst) as far as `spec` asks for it. False where oneDNN has no such primitive.
static bool check_forward(const struct onednn_spec *spec, double tolerance)
{
    const struct onednn_shape *s = &spec->shape;
    const size_t in = src_positions(s), out = dst_positions(s), count = (size_t)s->dst_channels * out;
    struct onednn_primitive *p = NULL;
    struct onednn_weights *weights = NULL;
    enum status rc = onednn_primitive_create(&p, spec);
    if (rc == STATUS_UNSUPPORTED) {
        CU_ASSERT_PTR_NULL(p);
        return false;
    }
    UNIT_OK(rc);
    float *src = naive_random((size_t)s->src_channels * in, 1), *before = naive_random(count, 2);
    float *kernel = naive_random(naive_weight(s, s->dst_channels, 0, 0, 0), 3), *bias = naive_random((size_t)s->dst_channels, 4);
    double *expected = calloc(count, sizeof *expected);
    naive_conv(s, src, kernel, expected);
    for (size_t i = 0; i < count; i++) {
        expected[i] += (spec->bias ? bias[i / out] : 0) + (spec->accumulate ? before[i] : 0);
        if (spec->relu && expected[i] < 0)
            expected[i] = 0;
    }
    float *from = spec->planar_source ? src : blocked_copy(src, s->src_channels, in);
    float *to = spec->accumulate ? blocked_copy(before, s->dst_channels, out)
                                 : naive_alloc(onednn_tensor_bytes(s->dst_channels, s->dst_h, s->dst_w));
    UNIT_OK(onednn_weights_create(&weights, p, kernel, false));
    CU_ASSERT(onednn_weights_fit(weights, p));
    CU_ASSERT(onednn_weights_bytes(weights) >= naive_weight(s, s->dst_channels, 0, 0, 0) * sizeof(float));
    // `run` also writes into its own zeros, where an accumulating primitive must not read NaNs
    run(p, true, &(struct onednn_binding){.src = from, .dst = to, .weights = weights, .bias = bias},
        onednn_tensor_bytes(s->dst_channels, s->dst_h, s->dst_w), onednn_tensor_bytes(s->src_channels, s->src_h, s->src_w));
    const double error = error_of(to, expected, s->dst_channels, out);
    if (!(error <= tolerance))
        printf("\n%d->%d %dx%d/%d at %dx%d (%s): error %g\n", s->src_channels, s->dst_channels, s->kernel_h, s->kernel_w, s->stride,
               s->src_h, s->src_w, onednn_implementation(p), error);
    CU_ASSERT(error <= tolerance);
    if (from != src)
        free(from);
    free(to);
    free(expected);
    free(bias);
    free(kernel);
    free(before);
    free(src);
    onednn_weights_destroy(&weights);
    onednn_primitive_destroy(&p);
    CU_ASSERT_PTR_NULL(p);
    return true;
}

// The gradient of the input of a convolution of shape `s`, by oneDNN's own backward pass or by a flipped forward one.
static bool check_backward(const struct onednn_shape *s, const struct onednn_spec *spec, double tolerance)
{
    const bool flip = spec->kind == ONEDNN_CONV;
    const size_t in = src_positions(s), out = dst_positions(s), count = (size_t)s->src_channels * in;
    struct onednn_primitive *p = NULL;
    struct onednn_weights *weights = NULL;
    enum status rc = onednn_primitive_create(&p, spec);
    if (rc == STATUS_UNSUPPORTED)
        return false;
    UNIT_OK(rc);
    float *gradient = naive_random((size_t)s->dst_channels * out, 5), *before = naive_random(count, 6);
    float *kernel = naive_random(naive_weight(s, s->dst_channels, 0, 0, 0), 7);
    double *expected = calloc(count, sizeof *expected);
    for (size_t i = 0; spec->accumulate && i < count; i++)
        expected[i] = before[i];
    naive_conv_backward(s, gradient, kernel, expected);
    float *from = blocked_copy(gradient, s->dst_channels, out);
    float *to = spec->accumulate ? blocked_copy(before, s->src_channels, in)
                                 : naive_alloc(onednn_tensor_bytes(s->src_channels, s->src_h, s->src_w));
    UNIT_OK(onednn_weights_create(&weights, p, kernel, flip));
    run(p, flip, &(struct onednn_binding){.src = flip ? from : to, .dst = flip ? to : from, .weights = weights},
        onednn_tensor_bytes(s->src_channels, s->src_h, s->src_w), onednn_tensor_bytes(s->dst_channels, s->dst_h, s->dst_w));
    const double error = error_of(to, expected, s->src_channels, in);
    if (!(error <= tolerance))
        printf("\nbackward %d->%d %dx%d/%d at %dx%d (%s): error %g\n", s->src_channels, s->dst_channels, s->kernel_h, s->kernel_w,
               s->stride, s->src_h, s->src_w, onednn_implementation(p), error);
    CU_ASSERT(error <= tolerance);
    free(from);
    free(to);
    free(expected);
    free(kernel);
    free(before);
    free(gradient);
    onednn_weights_destroy(&weights);
    onednn_primitive_destroy(&p);
    return true;
}

// The kinds of convolution in InceptionV3.
static const struct {
    int in, out, kernel_h, kernel_w, stride;
    enum padding padding;
} convs[] = {
    {32, 48, 1, 1, 1, SAME}, {32, 32, 3, 3, 1, VALID}, {32, 64, 3, 3, 1, SAME}, {64, 96, 3, 3, 2, VALID}, {48, 64, 5, 5, 1, SAME},
    {32, 48, 1, 7, 1, SAME}, {48, 32, 7, 1, 1, SAME},  {32, 48, 1, 3, 1, SAME}, {48, 32, 3, 1, 1, SAME},  {80, 64, 3, 3, 1, VALID},
};
enum { CONVS = sizeof convs / sizeof convs[0] };

static struct onednn_shape conv_shape(int conv, int size)
{
    return shape_of(convs[conv].in, convs[conv].out, convs[conv].kernel_h, convs[conv].kernel_w, convs[conv].stride, convs[conv].padding,
                    sizes[size]);
}

static void test_forward(void)
{
    for (int i = 0; i < CONVS; i++)
        for (int size = 0; size < SIZES; size++) {
            struct onednn_spec spec = {.kind = ONEDNN_CONV, .shape = conv_shape(i, size)};
            CU_ASSERT(check_forward(&spec, DIRECT));
            spec.bias = spec.relu = true;
            CU_ASSERT(check_forward(&spec, DIRECT));
        }
}

static void test_planar_source(void)
{
    static const int first[2] = {75, 82};
    for (int size = 0; size <= SIZES; size++) {
        const struct onednn_shape shape = shape_of(3, 32, 3, 3, 2, VALID, size < SIZES ? sizes[size] : first);
        CU_ASSERT(check_forward(
            &(struct onednn_spec){.kind = ONEDNN_CONV, .shape = shape, .bias = true, .relu = true, .planar_source = true}, DIRECT));
    }
}

static void test_accumulate(void)
{
    for (int i = 0; i < CONVS; i++) {
        struct onednn_spec spec = {.kind = ONEDNN_CONV, .shape = conv_shape(i, LEFT_OVER), .accumulate = true};
        CU_ASSERT(check_forward(&spec, DIRECT));
        spec.relu = spec.bias = true;
        CU_ASSERT(check_forward(&spec, DIRECT));
    }
}

static void test_backward_data(void)
{
    for (int i = 0; i < CONVS; i++)
        for (int size = 0; size < SIZES; size++) {
            const struct onednn_shape s = conv_shape(i, size);
            CU_ASSERT(check_backward(&s, &(struct onednn_spec){.kind = ONEDNN_CONV_BACKWARD_DATA, .shape = s}, DIRECT));
        }
    // down to the three channels of the image
    for (int size = 0; size < SIZES; size++) {
        const struct onednn_shape s = shape_of(3, 32, 3, 3, 2, VALID, sizes[size]);
        CU_ASSERT(check_backward(&s, &(struct onednn_spec){.kind = ONEDNN_CONV_BACKWARD_DATA, .shape = s}, DIRECT));
    }
}

static bool is_reference(const struct onednn_shape *s)
{
    struct onednn_primitive *p;
    UNIT_OK(onednn_primitive_create(&p, &(struct onednn_spec){.kind = ONEDNN_CONV_BACKWARD_DATA, .shape = *s}));
    const bool reference = strncmp(onednn_implementation(p), "ref", 3) == 0;
    onednn_primitive_destroy(&p);
    return reference;
}

// Widths for which oneDNN itself has reference code only, dozens of times slower: multiples of 28 with AVX-512, of 6 or 10 with AVX2.
static void test_backward_widths(void)
{
    static const int channels[][2] = {{3, 32}, {96, 96}, {288, 384}, {192, 320}};
    for (int i = 0; i < 4; i++)
        for (int width = 9; width < 230; width++) {
            const int size[2] = {11, width}, odd[2] = {11, 9};
            const struct onednn_shape s = shape_of(channels[i][0], channels[i][1], 3, 3, 2, VALID, size);
            const struct onednn_shape usual = shape_of(channels[i][0], channels[i][1], 3, 3, 2, VALID, odd);
            CU_ASSERT(!is_reference(&s) || is_reference(&usual));
        }
    static const int widths[] = {30, 56, 60, 84, 168};
    for (int i = 0; i < 5; i++) {
        const int size[2] = {13, widths[i]};
        const struct onednn_shape image = shape_of(3, 32, 3, 3, 2, VALID, size), deep = shape_of(48, 32, 3, 3, 2, VALID, size);
        CU_ASSERT(check_backward(&image, &(struct onednn_spec){.kind = ONEDNN_CONV_BACKWARD_DATA, .shape = image}, DIRECT));
        CU_ASSERT(check_backward(&deep, &(struct onednn_spec){.kind = ONEDNN_CONV_BACKWARD_DATA, .shape = deep}, DIRECT));
    }
}

static void test_flipped_backward(void)
{
    for (int i = 0; i < CONVS; i++)
        for (int size = 0; size < SIZES && convs[i].stride == 1; size++) {
            const struct onednn_shape s = conv_shape(i, size);
            struct onednn_spec spec = {.kind = ONEDNN_CONV, .shape = flipped(&s)};
            CU_ASSERT(check_backward(&s, &spec, DIRECT));
            spec.accumulate = true;
            CU_ASSERT(check_backward(&s, &spec, DIRECT));
        }
}

static void test_winograd(void)
{
    int supported = 0;
    for (int i = 0; i < CONVS; i++) {
        if (convs[i].kernel_h != 3 || convs[i].kernel_w != 3 || convs[i].stride != 1)
            continue;
        for (int size = 0; size < SIZES; size++) {
            const struct onednn_shape s = conv_shape(i, size);
            supported += check_forward(&(struct onednn_spec){.kind = ONEDNN_CONV, .shape = s, .winograd = true, .bias = true, .relu = true},
                                       WINOGRAD);
            supported += check_backward(&s, &(struct onednn_spec){.kind = ONEDNN_CONV, .shape = flipped(&s), .winograd = true}, WINOGRAD);
            supported += check_backward(
                &s, &(struct onednn_spec){.kind = ONEDNN_CONV, .shape = flipped(&s), .winograd = true, .accumulate = true}, WINOGRAD);
        }
    }
    if (onednn_block() == 16) // oneDNN has it for AVX-512 only
        CU_ASSERT(supported > 0);
    // never for a stride or a kernel that the algorithm does not have
    const struct onednn_shape strided = shape_of(64, 96, 3, 3, 2, VALID, sizes[0]), wide = shape_of(32, 48, 1, 7, 1, SAME, sizes[0]);
    CU_ASSERT_FALSE(check_forward(&(struct onednn_spec){.kind = ONEDNN_CONV, .shape = strided, .winograd = true}, WINOGRAD));
    CU_ASSERT(strstr(status_message(), "unimplemented") != NULL);
    CU_ASSERT_FALSE(check_forward(&(struct onednn_spec){.kind = ONEDNN_CONV, .shape = wide, .winograd = true}, WINOGRAD));
}

static void test_layout(void)
{
    const size_t block = (size_t)onednn_block();
    CU_ASSERT(block == 8 || block == 16);
    const char *isa = getenv("ONEDNN_MAX_CPU_ISA");
    if (isa && (strcmp(isa, "AVX2") == 0 || strcmp(isa, "SSE41") == 0))
        CU_ASSERT_EQUAL(block, 8);
    CU_ASSERT_EQUAL(onednn_tensor_bytes(3, 5, 7), block * 35 * sizeof(float));
    CU_ASSERT_EQUAL(onednn_tensor_bytes(64, 5, 7), 64 * 35 * sizeof(float));
    CU_ASSERT_EQUAL(onednn_tensor_bytes(17, 1, 1) % (block * sizeof(float)), 0);
    CU_ASSERT(onednn_tensor_bytes(768, 4000, 4000) == (size_t)768 * 4000 * 4000 * 4); // beyond 32 bits
}

static const struct unit_test tests[] = {
    {"layout", test_layout},
    {"convolutions", test_forward},
    {"planar source", test_planar_source},
    {"accumulate", test_accumulate},
    {"backward data", test_backward_data},
    {"flipped backward", test_flipped_backward},
    {"backward widths", test_backward_widths},
    {"winograd", test_winograd},
};
UNIT_MAIN("onednn", tests)
