// SPDX-License-Identifier: MIT
// Every convolution that the network has against plain loops, at odd sizes. Run for several instruction sets (ONEDNN_MAX_CPU_ISA).
#include "kernels/onednn/onednn.h"

#include <omp.h>

#include "blocks.h"
#include "kernels/simd/simd.h"

enum { LEFT_OVER = 1, SIZES = 3 };
// (height, width). With a window of 3 and stride 2 the last row and column of an even size are left over.
static const int sizes[SIZES][2] = {{13, 19}, {18, 11}, {7, 7}};

// A sum of n products in float differs from the exact one by about sqrt(n) rounding errors of 6e-8: 1e-6 here.
static const double TOLERANCE = 5e-6;

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

// Between (channels, positions) and (positions, channels).
static float *transposed(const float *from, size_t rows, size_t columns)
{
    float *to = naive_alloc(rows * columns * sizeof *to);
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < columns; c++)
            to[c * rows + r] = from[r * columns + c];
    return to;
}

// In bfloat16, and what that leaves of the values, in place.
static uint16_t *rounded(float *values, size_t count)
{
    uint16_t *to = naive_alloc(count * sizeof *to);
    for (size_t i = 0; i < count; i++)
        values[i] = bf16_value(to[i] = bf16_of(values[i]));
    return to;
}

// What a thread has for a primitive: from `in` to `out`, bound anew and run twice, the first time elsewhere.
static void run(const struct onednn_primitive *p, const struct onednn_weights *weights, const void *in, size_t read, float *out,
                size_t written)
{
    struct onednn_binding *binding = NULL;
    void *elsewhere = naive_alloc(read), *scratch = naive_alloc(onednn_scratch_bytes(p) + 1);
    float *other = naive_alloc(written);
    memset(elsewhere, 0, read);
    UNIT_OK(onednn_bind(&binding, p, weights, elsewhere, other, scratch));
    UNIT_OK(onednn_run(binding));
    onednn_binding_destroy(&binding);
    CU_ASSERT_PTR_NULL(binding);
    UNIT_OK(onednn_bind(&binding, p, weights, in, out, scratch));
    for (int times = 0; times < 2; times++)
        UNIT_OK(onednn_run(binding));
    onednn_binding_destroy(&binding);
    free(other);
    free(scratch);
    free(elsewhere);
}

// `spec` beside plain loops. False where oneDNN has no such primitive.
static bool check(const struct onednn_spec *spec)
{
    const struct onednn_shape *s = &spec->shape;
    const size_t in_channels = (size_t)(spec->backward ? s->dst_channels : s->src_channels),
                 out_channels = (size_t)(spec->backward ? s->src_channels : s->dst_channels);
    const size_t src = naive_count(1, s->src_h, s->src_w), dst = naive_count(1, s->dst_h, s->dst_w), in = spec->backward ? dst : src,
                 out = spec->backward ? src : dst, weight_count = naive_weight(s, s->dst_channels, 0, 0, 0);
    struct onednn_primitive *p = NULL;
    struct onednn_weights *weights = NULL;
    const enum status rc = onednn_primitive_create(&p, spec);
    if (rc == STATUS_UNSUPPORTED) {
        CU_ASSERT_PTR_NULL(p);
        return false;
    }
    UNIT_OK(rc);
    float *values = naive_random(in_channels * in, 1), *kernel = naive_random(weight_count, 3);
    float *found = naive_alloc(out_channels * out * sizeof *found);
    double *expected = calloc(out_channels * out, sizeof *expected);
    if (spec->bf16) {
        free(rounded(values, in_channels * in));
        free(rounded(kernel, weight_count));
    }
    (spec->backward ? naive_conv_backward : naive_conv)(s, values, kernel, expected);
    UNIT_OK(onednn_weights_create(&weights, p, kernel));
    CU_ASSERT(onednn_weights_fit(weights, p));
    float *last = transposed(values, in_channels, in);
    void *read = spec->bf16 ? (void *)rounded(last, in_channels * in) : last;
    run(p, weights, read, in_channels * in * (spec->bf16 ? 2 : sizeof(float)), found, out_channels * out * sizeof *found);
    float *planar = transposed(found, out, out_channels);
    const double error = naive_error(planar, expected, out_channels * out);
    if (!(error <= TOLERANCE))
        printf("\n%s %d->%d %dx%d/%d at %dx%d: error %g\n", spec->backward ? "backward" : "forward", s->src_channels, s->dst_channels,
               s->kernel_h, s->kernel_w, s->stride, s->src_h, s->src_w, error);
    CU_ASSERT(error <= TOLERANCE);
    if (read != last)
        free(read);
    free(last);
    free(planar);
    free(found);
    free(expected);
    free(kernel);
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
    {32, 48, 1, 1, 1, SAME}, {32, 32, 3, 3, 1, VALID}, {32, 64, 3, 3, 1, SAME}, {64, 96, 3, 3, 2, VALID},
    {48, 64, 5, 5, 1, SAME}, {32, 48, 1, 7, 1, SAME},  {48, 32, 7, 1, 1, SAME}, {32, 48, 1, 3, 1, SAME},
    {48, 32, 3, 1, 1, SAME}, {80, 64, 3, 3, 1, VALID}, {64, 80, 1, 1, 1, SAME}, {768, 320, 1, 1, 1, SAME},
};
enum { CONVS = sizeof convs / sizeof convs[0] };

static struct onednn_shape conv_shape(int conv, int size)
{
    return shape_of(convs[conv].in, convs[conv].out, convs[conv].kernel_h, convs[conv].kernel_w, convs[conv].stride, convs[conv].padding,
                    sizes[size]);
}

static struct onednn_shape first_shape(const int size[2])
{
    return shape_of(3, 32, 3, 3, 2, VALID, size);
}

static void check_all(bool bf16)
{
    for (int backward = 0; backward < 2; backward++)
        for (int size = 0; size < SIZES; size++) {
            for (int i = 0; i < CONVS; i++)
                CU_ASSERT(check(&(struct onednn_spec){.shape = conv_shape(i, size), .backward = backward, .bf16 = bf16}));
            CU_ASSERT(check(&(struct onednn_spec){.shape = first_shape(sizes[size]), .backward = backward, .bf16 = bf16}));
        }
}

static void test_float(void)
{
    check_all(false);
}

// Where the processor multiplies bfloat16, oneDNN has all of it; elsewhere it may have some.
static void test_bf16(void)
{
    const struct onednn_spec any = {.shape = conv_shape(0, 0), .bf16 = true};
    if (check(&any))
        check_all(true);
    else
        CU_ASSERT_FALSE(simd_here()->bf16_products && !getenv("ONEDNN_MAX_CPU_ISA"));
}

// More padding than the convolution has: what a band in the middle of a picture is asked for.
static void test_padded_backward(void)
{
    struct onednn_shape s = first_shape((const int[]){12, 30});
    s.pad_h = s.pad_w = 2;
    s.dst_h = 7;
    s.dst_w = 16;
    for (s.src_channels = 3; s.src_channels <= 96; s.src_channels += 93)
        CU_ASSERT(check(&(struct onednn_spec){.shape = s, .backward = true}));
}

// A primitive that was made with many threads is the one that was made with one, and leaves the number as it was.
static void test_threads(void)
{
    const struct onednn_spec spec = {.shape = conv_shape(1, 0)};
    const int threads = omp_get_max_threads();
    struct onednn_primitive *p;
    size_t bytes[2];
    for (int i = 0; i < 2; i++) {
        omp_set_num_threads(i ? 48 : 1);
        UNIT_OK(onednn_primitive_create(&p, &spec));
        CU_ASSERT_EQUAL(omp_get_max_threads(), i ? 48 : 1);
        bytes[i] = onednn_scratch_bytes(p);
        onednn_primitive_destroy(&p);
    }
    omp_set_num_threads(threads);
    CU_ASSERT_EQUAL(bytes[0], bytes[1]);
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
    {"layout", test_layout},   {"float32", test_float}, {"bfloat16", test_bf16}, {"backward with more padding", test_padded_backward},
    {"threads", test_threads},
};
UNIT_MAIN("onednn", tests)
