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
static void run(struct onednn_primitive *p, const struct onednn_binding *binding, size_t written, size_t read)
{
    for (int other = 1; other >= 0; other--) {
        struct onednn_binding b = *binding;
        void *in = naive_alloc(read), *out = naive_alloc(written);
        memset(in, 0, read);
        memset(out, 0, written); // where an accumulating primitive must not read NaNs
        b.scratch = naive_alloc(onednn_scratch_bytes(p));
        b.in = other ? in : b.in;
        b.out = other ? out : b.out;
        UNIT_OK(onednn_bind(p, &b));
        UNIT_OK(onednn_run(p));
        free(b.scratch);
        free(out);
        free(in);
    }
}

// The kernel as a primitive of this kind wants it, to be freed.
static float *kernel_for(const struct onednn_spec *spec, const float *kernel)
{
    const struct onednn_shape *s = &spec->shape;
    const size_t count = naive_weight(s, s->dst_channels, 0, 0, 0), taps = (size_t)(s->kernel_h * s->kernel_w);
    const size_t in = (size_t)s->src_channels, out = (size_t)s->dst_channels;
    float *copy = naive_alloc(count * sizeof *copy);
    for (size_t o = 0; o < out; o++)
        for (size_t i = 0; i < in; i++)
            for (size_t k = 0; k < taps; k++) {
                const size_t turned = (i * out + o) * taps + taps - 1 - k, same = (o * in + i) * taps + k;
                copy[spec->kind == ONEDNN_TURNED ? turned : same] = kernel[same];
            }
    return copy;
}

// All that `spec` asks for beside plain loops. False where oneDNN has no such primitive.
static bool check(const struct onednn_spec *spec, double tolerance)
{
    const struct onednn_shape *s = &spec->shape;
    const bool back = spec->kind != ONEDNN_FORWARD;
    const int in_channels = back ? s->dst_channels : s->src_channels, out_channels = back ? s->src_channels : s->dst_channels;
    const size_t src = naive_count(1, s->src_h, s->src_w), dst = naive_count(1, s->dst_h, s->dst_w), in = back ? dst : src,
                 out = back ? src : dst, count = (size_t)out_channels * out;
    struct onednn_primitive *p = NULL;
    struct onednn_weights *weights = NULL;
    const enum status rc = onednn_primitive_create(&p, spec);
    if (rc == STATUS_UNSUPPORTED) {
        CU_ASSERT_PTR_NULL(p);
        return false;
    }
    UNIT_OK(rc);
    float *values = naive_random((size_t)in_channels * in, 1), *before = naive_random(count, 2);
    float *kernel = naive_random(naive_weight(s, s->dst_channels, 0, 0, 0), 3), *bias = naive_random((size_t)out_channels, 4);
    double *expected = calloc(count, sizeof *expected);
    (back ? naive_conv_backward : naive_conv)(s, values, kernel, expected);
    for (size_t i = 0; i < count; i++) {
        expected[i] += (spec->bias ? bias[i / out] : 0) + (spec->accumulate ? before[i] : 0);
        if (spec->relu && expected[i] < 0)
            expected[i] = 0;
    }
    float *from = spec->planar_source ? values : blocked_copy(values, in_channels, in), *to = blocked_copy(before, out_channels, out);
    float *wanted = kernel_for(spec, kernel);
    UNIT_OK(onednn_weights_create(&weights, p, wanted));
    free(wanted);
    CU_ASSERT(onednn_weights_fit(weights, p));
    run(p, &(struct onednn_binding){.in = from, .out = to, .weights = weights, .bias = bias},
        onednn_tensor_bytes(out_channels, (int)out, 1), onednn_tensor_bytes(in_channels, (int)in, 1));
    const double error = error_of(to, expected, out_channels, out);
    if (!(error <= tolerance))
        printf("\nkind %d %d->%d %dx%d/%d at %dx%d: error %g\n", (int)spec->kind, s->src_channels, s->dst_channels, s->kernel_h,
               s->kernel_w, s->stride, s->src_h, s->src_w, error);
    CU_ASSERT(error <= tolerance);
    if (from != values)
        free(from);
    free(to);
    free(expected);
    free(bias);
    free(kernel);
    free(before);
    free(values);
    onednn_weights_destroy(&weights);
    onednn_primitive_destroy(&p);
    CU_ASSERT_PTR_NULL(p);
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
            struct onednn_spec spec = {.kind = ONEDNN_FORWARD, .shape = conv_shape(i, size)};
            CU_ASSERT(check(&spec, DIRECT));
            spec.bias = spec.relu = true;
            CU_ASSERT(check(&spec, DIRECT));
        }
}

static void test_planar_source(void)
{
    static const int first[2] = {75, 82};
    for (int size = 0; size <= SIZES; size++)
        CU_ASSERT(check(&(struct onednn_spec){.kind = ONEDNN_FORWARD,
                                              .shape = shape_of(3, 32, 3, 3, 2, VALID, size < SIZES ? sizes[size] : first),
                                              .bias = true,
                                              .relu = true,
                                              .planar_source = true},
                        DIRECT));
}

static void test_accumulate(void)
{
    for (int i = 0; i < CONVS; i++) {
        struct onednn_spec spec = {.kind = ONEDNN_FORWARD, .shape = conv_shape(i, LEFT_OVER), .accumulate = true};
        CU_ASSERT(check(&spec, DIRECT));
        spec.relu = spec.bias = true;
        CU_ASSERT(check(&spec, DIRECT));
    }
}

static void check_backward(struct onednn_shape shape)
{
    CU_ASSERT(check(&(struct onednn_spec){.kind = ONEDNN_BACKWARD, .shape = shape}, DIRECT));
}

static void test_backward(void)
{
    for (int size = 0; size < SIZES; size++) {
        for (int i = 0; i < CONVS; i++)
            check_backward(conv_shape(i, size));
        check_backward(shape_of(3, 32, 3, 3, 2, VALID, sizes[size])); // down to the three channels of the image
    }
}

static bool is_reference(const struct onednn_shape *s)
{
    struct onednn_primitive *p;
    UNIT_OK(onednn_primitive_create(&p, &(struct onednn_spec){.kind = ONEDNN_BACKWARD, .shape = *s}));
    const bool reference = onednn_is_reference(p);
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
        check_backward(shape_of(3, 32, 3, 3, 2, VALID, size));
        check_backward(shape_of(48, 32, 3, 3, 2, VALID, size));
    }
}

static void test_turned(void)
{
    for (int i = 0; i < CONVS; i++)
        for (int size = 0; size < SIZES && convs[i].stride == 1; size++) {
            struct onednn_spec spec = {.kind = ONEDNN_TURNED, .shape = conv_shape(i, size)};
            CU_ASSERT(check(&spec, DIRECT));
            spec.accumulate = true;
            CU_ASSERT(check(&spec, DIRECT));
        }
}

static void test_winograd(void)
{
    int supported = 0;
    for (int i = 0; i < CONVS; i++) {
        if (convs[i].kernel_h != 3 || convs[i].kernel_w != 3 || convs[i].stride != 1)
            continue;
        for (int size = 0; size < SIZES; size++) {
            struct onednn_spec spec = {.kind = ONEDNN_FORWARD, .shape = conv_shape(i, size), .winograd = true, .bias = true, .relu = true};
            supported += check(&spec, WINOGRAD);
            spec = (struct onednn_spec){.kind = ONEDNN_TURNED, .shape = spec.shape, .winograd = true};
            supported += check(&spec, WINOGRAD);
            spec.accumulate = true;
            supported += check(&spec, WINOGRAD);
        }
    }
    if (onednn_block() == 16 && atoi(onednn_version()) < 3) // oneDNN 2 has it for AVX-512 only, 3 not at all
        CU_ASSERT(supported > 0);
    // never for a stride or a kernel that the algorithm does not have
    const struct onednn_shape strided = shape_of(64, 96, 3, 3, 2, VALID, sizes[0]), wide = shape_of(32, 48, 1, 7, 1, SAME, sizes[0]);
    CU_ASSERT_FALSE(check(&(struct onednn_spec){.kind = ONEDNN_FORWARD, .shape = strided, .winograd = true}, WINOGRAD));
    CU_ASSERT(strstr(status_message(), "unimplemented") != NULL);
    CU_ASSERT_FALSE(check(&(struct onednn_spec){.kind = ONEDNN_FORWARD, .shape = wide, .winograd = true}, WINOGRAD));
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
    {"backward", test_backward},
    {"backward by a turned kernel", test_turned},
    {"backward widths", test_backward_widths},
    {"winograd", test_winograd},
};
UNIT_MAIN("onednn", tests)
