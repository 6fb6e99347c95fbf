// SPDX-License-Identifier: MIT
// The loops of each instruction set that this machine has, against plain loops, at sizes where every border and remainder is met.
#include "kernels/simd/simd.h"

#include <omp.h>

#include "kernels/simd/points.h"
#include "simd_jobs.h"

// Four or five times the largest errors measured, relative to the largest value. A direct sum of n products in float differs from the exact
// one by about sqrt(n) rounding errors of 6e-8: 1.2e-6 where there are few results.
static const double DIRECT = 5e-6;

// Winograd sums transformed values, which are larger than the result, the more so the more inputs a tile has: 3.1e-6, 8.9e-6 and, in one
// direction only, 4.1e-6.
static double winograd_tolerance(int n)
{
    return n == 6 ? 1.5e-5 : n == 8 ? 5e-5 : 2e-5;
}

static void for_sets(void (*check)(const struct simd *))
{
    static const char *const names[] = {"avx512bf16", "avx512", "avx2", "neon", "portable", "portable16"};
    for (int i = 0; i < 6; i++) {
        const struct simd *simd = simd_find(names[i]);
        if (simd)
            check(simd);
    }
}

static const struct finishing plain = {.bf16 = false};

// What the network asks for, and some that it doesn't.
static const struct finishing finishings[] = {
    {.bias = true, .relu = true, .mask = true},
    {.accumulate = true, .rule = GATE_MASK_POSITIVE},
    {.rule = GATE_MASK_POSITIVE, .leak = 0.5f},
    {.bf16 = true},
    {.bias = true, .accumulate = true, .mask = true, .rule = GATE_MASK},
    {.bias = true, .relu = true, .mask = true, .bf16 = true},
    {.accumulate = true, .mask = true, .rule = GATE_POSITIVE, .bf16 = true},
};
enum { FINISHINGS = sizeof finishings / sizeof finishings[0] };

static void test_find(void)
{
    static const struct {
        const char *name;
        int lanes;
        bool bf16_products;
    } known[] = {{"avx512bf16", 16, true}, {"avx512", 16, false},  {"avx2", 8, false},
                 {"neon", 8, false},       {"portable", 8, false}, {"portable16", 16, true}};
    for (int i = 0; i < 6; i++) {
        const struct simd *simd = simd_find(known[i].name);
        CU_ASSERT(simd || i < 4); // every machine has the portable ones
        if (simd) {
            CU_ASSERT_STRING_EQUAL(simd->name, known[i].name);
            CU_ASSERT_EQUAL(simd->lanes, known[i].lanes);
            CU_ASSERT_EQUAL(simd->bf16_products, known[i].bf16_products);
        }
    }
    CU_ASSERT_PTR_NULL(simd_find("avx"));
    CU_ASSERT_PTR_NULL(simd_find(""));
    const char *wanted = getenv("ONEIROS_SIMD"), *most = getenv("ONEDNN_MAX_CPU_ISA");
    CU_ASSERT_PTR_NOT_NULL_FATAL(simd_here());
    CU_ASSERT_PTR_EQUAL(simd_here(), simd_find(simd_here()->name));
    if (wanted && simd_find(wanted))
        CU_ASSERT_PTR_EQUAL(simd_here(), simd_find(wanted));
    if (!wanted && most && strcmp(most, "SSE41") == 0)
        CU_ASSERT_STRING_EQUAL(simd_here()->name, "portable");
#ifdef __aarch64__
    if (!wanted)
        CU_ASSERT_STRING_EQUAL(simd_here()->name, "neon");
#endif
}

static void test_points(void)
{
    static const int squares[][2] = {{6, 2}, {6, 3}, {6, 5}, {8, 3}, {8, 5}}, rows[][2] = {{6, 2}, {6, 3}, {8, 7}, {10, 7}};
    for (int i = 0; i < 5; i++)
        CU_ASSERT(simd_has_winograd(squares[i][0], squares[i][0] - squares[i][1] + 1, squares[i][0] - squares[i][1] + 1));
    for (int i = 0; i < 4; i++) {
        CU_ASSERT(simd_has_winograd(rows[i][0], 1, rows[i][0] - rows[i][1] + 1));
        CU_ASSERT(simd_has_winograd(rows[i][0], rows[i][0] - rows[i][1] + 1, 1));
    }
    CU_ASSERT_FALSE(simd_has_winograd(6, 1, 1));
    CU_ASSERT_FALSE(simd_has_winograd(6, 4, 2));
    CU_ASSERT_FALSE(simd_has_winograd(10, 8, 8));
    CU_ASSERT_FALSE(simd_has_winograd(4, 2, 2));
    for (int n = 6; n <= WINOGRAD_N_MAX; n += 2)
        for (int i = 0; i < n / 2 - 1; i++)
            CU_ASSERT(winograd_points[n / 2 - 3][i] > (i > 0 ? winograd_points[n / 2 - 3][i - 1] : 0.0f)); // all different
}

// Values on which roundings and comparisons turn: halfway between two bfloat16, just beside that, largest, smallest, not finite.
static uint32_t special_bits(uint32_t number)
{
    static const uint32_t bits[] = {0x00000000, 0x80000000, 0x3f808000, 0x3f818000, 0xbf808000, 0xbf818000, 0x3f807fff, 0x3f808001,
                                    0x3f817fff, 0x3f818001, 0x3fff8000, 0x3fffffff, 0x7f7f7fff, 0x7f7f8000, 0xff7fffff, 0x7f800000,
                                    0xff800000, 0x7fc00000, 0xffc00000, 0x7f810000, 0x7fa01234, 0x00000001, 0x80000001, 0x00008000,
                                    0x00018000, 0x007fffff, 0x00800000, 0x0080ffff, 0x477fe000, 0xc2f6e979};
    return bits[number % (sizeof bits / sizeof bits[0])];
}

static float special_value(uint32_t number)
{
    const uint32_t bits = special_bits(number);
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

// The same bits; of values that are not a number that they aren't.
static bool same_value(float a, float b)
{
    return isnan(a) || isnan(b) ? isnan(a) && isnan(b) : memcmp(&a, &b, sizeof a) == 0;
}

// The one operation in each step of simd_out, in float as the program does it: the result must be the same to the bit.
static float finished(const struct result *r, int c, size_t i, float value)
{
    const size_t at = (size_t)c * r->data.positions + i;
    const enum gate_rule rule = r->how.rule;
    if (r->how.bias)
        value += r->bias[c];
    if (r->how.accumulate)
        value += r->before[at];
    if (r->how.relu)
        value = value > 0 ? value : 0.0f;
    if (rule == GATE_POSITIVE || rule == GATE_MASK_POSITIVE)
        value = value > 0 ? value : value < 0 && r->how.leak > 0 ? 0.0f + r->how.leak * value : 0.0f; // no -0
    if (rule == GATE_MASK || rule == GATE_MASK_POSITIVE)
        value = r->open[at] > 0 ? value : 0.0f;
    return value;
}

enum { PASS_PIXELS = 41 };

// Two blocks, to anywhere or, as after oneDNN, to where they are.
static int pass_differences(const struct simd *simd, const struct finishing *how, bool in_bf16, bool in_place)
{
    const int channels = 2 * simd->lanes, lanes = simd->lanes;
    struct result r;
    result_create(&r, how, channels, PASS_PIXELS, lanes, !in_place);
    float *values = naive_random((size_t)channels * PASS_PIXELS, 21);
    for (size_t i = 0; i < (size_t)channels * PASS_PIXELS; i += 3)
        values[i] = special_value((uint32_t)i / 3);
    struct blocks in = blocks_of(in_bf16 ? VALUE_BF16 : VALUE_FLOAT, values, channels, PASS_PIXELS, lanes, false);
    if (in_place)
        memcpy(r.data.block[0], in.block[0], 2 * in.bytes);
    simd->pass(&(struct simd_pass){
        .in = in_place ? r.data.block[0] : in.block[0], .in_bf16 = in_bf16, .blocks = 2, .pixels = PASS_PIXELS, .out = r.out});
    int differences = 0;
    for (int c = 0; c < channels; c++)
        for (size_t i = 0; i < PASS_PIXELS; i++) {
            const float found = blocks_at(&r.data, c, i), value = finished(&r, c, i, values[(size_t)c * PASS_PIXELS + i]);
            differences += !same_value(found, how->bf16 ? bf16_value(bf16_of(value)) : value);
            differences += how->mask && blocks_at(&r.mask, c, i) != (value > 0);
        }
    blocks_free(&in);
    free(values);
    result_destroy(&r);
    return differences;
}

static void check_pass(const struct simd *simd)
{
    for (int bits = 0; bits < 64; bits++)
        for (int rule = GATE_OPEN; rule <= GATE_MASK_POSITIVE; rule++) {
            struct finishing how = {.bias = bits & 1,
                                    .accumulate = bits & 2,
                                    .relu = bits & 4,
                                    .mask = bits & 8,
                                    .bf16 = bits & 16,
                                    .rule = (enum gate_rule)rule,
                                    .leak = rule > GATE_MASK && bits & 1 ? 0.3f : 0};
            const bool in_bf16 = bits & 32;
            CU_ASSERT_EQUAL(pass_differences(simd, &how, in_bf16, false), 0);
            if (in_bf16 == how.bf16 && !how.accumulate)
                CU_ASSERT_EQUAL(pass_differences(simd, &how, in_bf16, true), 0);
        }
}

static void test_pass(void)
{
    for_sets(check_pass);
}

// Three channels of a block as the planes of an image, from either type, with the bias.
static void check_plane(const struct simd *simd)
{
    for (int bits = 0; bits < 4; bits++) {
        const bool in_bf16 = bits & 1;
        struct result r;
        result_create(&r, &(struct finishing){.plane = true, .bias = bits & 2}, 3, PASS_PIXELS, simd->lanes, false);
        float *values = naive_random((size_t)simd->lanes * PASS_PIXELS, 22);
        struct blocks in = blocks_of(in_bf16 ? VALUE_BF16 : VALUE_FLOAT, values, simd->lanes, PASS_PIXELS, simd->lanes, true);
        simd->pass(&(struct simd_pass){.in = in.block[0], .in_bf16 = in_bf16, .blocks = 1, .pixels = PASS_PIXELS, .out = r.out});
        for (int c = 0; c < 3; c++)
            for (size_t i = 0; i < PASS_PIXELS; i++)
                CU_ASSERT(same_value(blocks_at(&r.data, c, i), finished(&r, c, i, values[(size_t)c * PASS_PIXELS + i])));
        blocks_free(&in);
        free(values);
        result_destroy(&r);
    }
}

static void test_plane(void)
{
    for_sets(check_plane);
}

// Every float that is a bfloat16 stays itself, and its neighbours on both sides and the halves go where the distances say.
static void check_rounding(const struct simd *simd)
{
    static const uint32_t around[] = {0x0000, 0x0001, 0x7fff, 0x8000, 0x8001, 0xffff};
    enum { AROUND = sizeof around / sizeof around[0] };
    const size_t count = 0x10000 * AROUND, pixels = count / (size_t)simd->lanes;
    uint32_t *in = naive_alloc(count * sizeof *in);
    uint16_t *out = naive_alloc(count * sizeof *out);
    for (size_t i = 0; i < count; i++)
        in[i] = (uint32_t)(i / AROUND) << 16 | around[i % AROUND];
    simd->pass(&(struct simd_pass){.in = in, .blocks = 1, .pixels = pixels, .out = &(struct simd_out){.data = out, .bf16 = true}});
    int wrong = 0;
    for (size_t i = 0; i < pixels * (size_t)simd->lanes; i++) {
        float value;
        memcpy(&value, &in[i], sizeof value);
        if (!isnan(value))
            wrong += out[i] != bf16_of(value);
        else
            wrong += !isnan(bf16_value(out[i]));
    }
    CU_ASSERT_EQUAL(wrong, 0);
    free(out);
    free(in);
}

static void test_rounding(void)
{
    for_sets(check_rounding);
}

static bool count_padding; // of average pools

// Forward, then backward by what the forward pass left in `index`. `values` are the source's; bfloat16 changes them.
static void check_pool(const struct simd *simd, const struct onednn_shape *s, bool max, const struct finishing *how, float *values)
{
    const size_t in = naive_count(1, s->src_h, s->src_w), out = naive_count(1, s->dst_h, s->dst_w);
    const int channels = s->src_channels, lanes = simd->lanes;
    const enum value value = how->bf16 ? VALUE_BF16 : VALUE_FLOAT;
    struct result forward, backward;
    double *exact = calloc((size_t)channels * out + 1, sizeof *exact), *exact_back = calloc((size_t)channels * in, sizeof *exact_back);
    float *gradient = naive_random((size_t)channels * out + 1, 42);
    struct blocks src = blocks_of(value, values, channels, in, lanes, true), index = blocks_alloc(VALUE_BYTE, channels, out, lanes, true);
    struct blocks dst = blocks_of(value, gradient, channels, out, lanes, true);
    result_create(&forward, how, channels, out, lanes, true);
    result_create(&backward, how, channels, in, lanes, true);
    struct simd_pool job = pool_job(s, &src, &forward, &index), job_back = pool_job(s, &dst, &backward, &index);
    job.count_padding = job_back.count_padding = count_padding;
    if (max) {
        naive_max_pool(s, values, exact);
        naive_max_pool_backward(s, values, gradient, exact_back);
    } else {
        naive_avg_pool(s, values, exact);
        NAIVE_FOR_OUTPUTS(s, o, y, x)
        {
            const double share = count_padding ? naive_window(s, y, x) / 9.0 : 1;
            exact[naive_output(s, o, y, x)] *= share;
            gradient[naive_output(s, o, y, x)] *= (float)share;
        }
        naive_avg_pool_backward(s, gradient, exact_back);
    }
    (max ? simd->max_pool : simd->avg_pool)(&job);
    if (out > 0)
        CU_ASSERT(result_error(&forward, exact) <= (max && !how->bias && !how->accumulate ? 0 : DIRECT));
    if (max)
        CU_ASSERT_EQUAL(wrong_index(s, values, &index), 0);
    memset(src.memory, 0xff, src.whole); // the way back has no need of it
    (max ? simd->max_pool_backward : simd->avg_pool_backward)(&job_back);
    if (out > 0 || how->accumulate)
        CU_ASSERT(result_error(&backward, exact_back) <= DIRECT);
    for (int c = 0; out == 0 && !how->accumulate && !how->bias && c < channels; c++) // nothing to gather is 0
        for (size_t i = 0; i < in; i++)
            CU_ASSERT_EQUAL(blocks_at(&backward.data, c, i), 0);
    result_destroy(&forward);
    result_destroy(&backward);
    blocks_free(&src);
    blocks_free(&dst);
    blocks_free(&index);
    free(gradient);
    free(exact_back);
    free(exact);
}

static void check_pools(const struct simd *simd, int height, int width, bool max)
{
    const struct onednn_shape s = pool_shape(2 * simd->lanes, height, width, max);
    const size_t count = naive_count(s.src_channels, height, width);
    for (int way = -1; way < FINISHINGS; way++) {
        const struct finishing *how = way < 0 ? &plain : &finishings[way];
        float *values = naive_random(count, 41);
        check_pool(simd, &s, max, how, values);
        for (size_t i = 0; i < count; i++) // ties, as after a ReLU
            values[i] = values[i] < 0.5f ? 0.0f : 1.0f;
        if (max)
            check_pool(simd, &s, max, how, values);
        memset(values, 0, count * sizeof *values);
        values[0] = 1; // so that there is something to compare
        if (max)
            check_pool(simd, &s, max, how, values);
        free(values);
    }
}

static void check_max_pool(const struct simd *simd)
{
    static const int sizes[][2] = {{3, 3}, {3, 4}, {4, 3}, {4, 4}, {5, 6}, {6, 9}, {7, 7}, {13, 19}, {18, 11}, {2, 5}, {5, 1}};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        check_pools(simd, sizes[i][0], sizes[i][1], true);
}

static void test_max_pool(void)
{
    for_sets(check_max_pool);
}

static void check_avg_pool(const struct simd *simd)
{
    for (int height = 1; height <= 5; height++)
        for (int width = 1; width <= 2; width++) { // mixed10 of 75 x 75 pixels is one position
            check_pools(simd, height, width, false);
            check_pools(simd, width, height, false);
        }
    check_pools(simd, 7, 7, false);
    check_pools(simd, 13, 18, false);
}

static void test_avg_pool(void)
{
    for_sets(check_avg_pool);
    count_padding = true;
    for_sets(check_avg_pool);
    count_padding = false;
}

static void run_conv(const struct simd *simd, struct conv_job *job)
{
    if (job->winograd.n > 0)
        simd->winograd(&job->winograd);
    else
        simd->direct(&job->direct);
}

// The same bytes for any number of threads.
static void check_threads(const struct simd *simd, struct conv_job *job)
{
    char *bytes = result_bytes(&job->result);
    const int threads = omp_get_max_threads();
    for (int few = 1; few <= 3; few++) {
        omp_set_num_threads(few);
        job->winograd.threads = few;
        result_reset(&job->result);
        run_conv(simd, job);
        CU_ASSERT(result_same(&job->result, bytes));
    }
    omp_set_num_threads(threads);
    free(bytes);
}

static int turn; // through all that there is to combine

// The job's result beside what plain loops found.
static void check_conv(const struct simd *simd, const struct conv_case *c, double tolerance)
{
    static struct conv_job job; // large for a stack
    const struct onednn_shape *s = &c->shape;
    if (c->n > 0)
        winograd_create(&job, c, simd);
    else
        direct_create(&job, c, simd);
    run_conv(simd, &job);
    const double error = result_error(&job.result, job.exact);
    if (!(error <= tolerance))
        printf("\n%s n=%d %s %d->%d %dx%d/%d+%d+%d at %dx%d: error %g\n", simd->name, c->n, c->backward ? "backward" : "forward",
               s->src_channels, s->dst_channels, s->kernel_h, s->kernel_w, s->stride, s->pad_h, s->pad_w, s->src_h, s->src_w, error);
    CU_ASSERT(error <= tolerance);
    if (turn % 4 == 0)
        check_threads(simd, &job);
    conv_destroy(&job);
}

// Twice: as it is, and with something asked for of the result, from bfloat16 every other time. Where the padding leaves a result.
static void check_direct(const struct simd *simd, struct conv_case c)
{
    if (c.shape.src_h + 2 * c.shape.pad_h < c.shape.kernel_h || c.shape.src_w + 2 * c.shape.pad_w < c.shape.kernel_w)
        return;
    c.how = (struct finishing){.plane = c.image && c.backward};
    check_conv(simd, &c, DIRECT);
    c.bf16 = turn / FINISHINGS % 2 && (c.backward || !c.image);
    if (!c.how.plane)
        c.how = finishings[turn % FINISHINGS];
    check_conv(simd, &c, DIRECT);
    turn++;
}

static const int pixels[][2] = {{13, 19}, {1, 1}, {4, 33}, {2, 3}, {18, 8}, {7, 7}, {1, 16}};
enum { SIZES = sizeof pixels / sizeof pixels[0] };

static void padding_of(int pad[2], const int kernel[2], int kind)
{
    for (int k = 0; k < 2; k++)
        pad[k] = kind == 0 ? 0 : kind == 1 ? (kernel[k] - 1) / 2 : kernel[k] - 1;
}

static void check_directs(const struct simd *simd)
{
    static const int kernels[][2] = {{1, 1}, {3, 3}, {5, 5}, {1, 7}, {7, 1}, {1, 3}, {3, 1}};
    for (int k = 0; k < 7; k++)
        for (int bits = 0; bits < 12; bits++) // backward, stride, padding
            for (int i = 0; i < SIZES; i++) {
                int pad[2];
                padding_of(pad, kernels[k], bits / 4);
                const int in = 1 + turn / 3 % 2, out = 1 + turn % 5; // blocks
                const struct onednn_shape s = conv_shape((bits & 1 ? out : in) * simd->lanes, (bits & 1 ? in : out) * simd->lanes,
                                                         kernels[k], 1 + bits / 2 % 2, pad, pixels[i]);
                check_direct(simd, (struct conv_case){.shape = s, .backward = bits & 1});
            }
}

static void test_direct(void)
{
    for_sets(check_directs);
}

// All rows as one, as 1 x 1 convolutions are run.
static void check_flat(const struct simd *simd)
{
    static const int one[2] = {1, 1}, none[2] = {0, 0};
    for (int i = 0; i < SIZES; i++)
        for (int backward = 0; backward < 2; backward++) {
            const struct onednn_shape s = conv_shape(3 * simd->lanes, (2 + i % 4) * simd->lanes, one, 1, none, pixels[i]);
            check_direct(simd, (struct conv_case){.shape = s, .backward = backward, .flat = true});
        }
}

static void test_flat(void)
{
    for_sets(check_flat);
}

// Sums go over the channels in their order, each product added in one rounding (but for the portable loops): the same bits by every
// instruction set.
static void check_bits(const struct simd *simd)
{
    static const int one[2] = {1, 1}, none[2] = {0, 0};
    static struct conv_job job;
    const bool fused = strncmp(simd->name, "portable", 8) != 0;
    const struct onednn_shape s = conv_shape(3 * simd->lanes, 2 * simd->lanes, one, 1, none, pixels[0]);
    direct_create(&job, &(struct conv_case){.shape = s}, simd);
    float *weights = naive_random(naive_weight(&s, s.dst_channels, 0, 0, 0), CONV_WEIGHTS_SEED);
    simd->direct(&job.direct);
    int differences = 0;
    for (int o = 0; o < s.dst_channels; o++)
        for (size_t i = 0; i < naive_count(1, s.src_h, s.src_w); i++) {
            float sum = 0;
            for (int c = 0; c < s.src_channels; c++) {
                const float value = blocks_at(&job.in, c, i), weight = weights[naive_weight(&s, o, c, 0, 0)];
                sum = fused ? fmaf(value, weight, sum) : value * weight + sum;
            }
            differences += !same_value(blocks_at(&job.result.data, o, i), sum);
        }
    CU_ASSERT_EQUAL(differences, 0);
    free(weights);
    conv_destroy(&job);
}

static void test_bits(void)
{
    for_sets(check_bits);
}

static void check_image(const struct simd *simd)
{
    static const int square[2] = {3, 3}, none[2] = {0, 0}, sizes[][2] = {{3, 3}, {75, 82}, {18, 9}, {4, 64}, {13, 31}};
    for (int i = 0; i < 5; i++)
        for (int blocks = 1; blocks <= 3; blocks++) {
            const struct onednn_shape s = conv_shape(3, blocks * simd->lanes, square, 2, none, sizes[i]);
            check_direct(simd, (struct conv_case){.shape = s, .image = true});
            check_direct(simd, (struct conv_case){.shape = s, .image = true, .backward = true});
        }
}

static void test_image(void)
{
    for_sets(check_image);
}

// From less than a tile to several and a piece, without padding, with as much as keeps the size, and with as much as the way back takes.
static void check_winograd(const struct simd *simd, int n, int tile_h, int tile_w)
{
    static const int groups[] = {12, 1, 5, 48}, out_groups[] = {2, 4, 6};
    const int kernel[2] = {tile_h > 1 ? n - tile_h + 1 : 1, tile_w > 1 ? n - tile_w + 1 : 1};
    for (int padding = 0; padding < 3; padding++)
        for (int i = 0; i < SIZES; i++) {
            int pad[2];
            padding_of(pad, kernel, padding);
            struct conv_case c = {.n = n, .group = groups[turn % 4], .out_group = out_groups[turn % 3], .threads = 3};
            c.shape = conv_shape((1 + turn / 3 % 2) * simd->lanes, (1 + turn % 5) * simd->lanes, kernel, 1, pad, pixels[i]);
            if (c.shape.dst_h < 1 || c.shape.dst_w < 1)
                continue;
            check_conv(simd, &c, winograd_tolerance(n));
            c.bf16 = turn / FINISHINGS % 2;
            c.how = finishings[turn % FINISHINGS];
            check_conv(simd, &c, winograd_tolerance(n));
            turn++;
        }
}

static void check_winograds(const struct simd *simd)
{
#define CHECK(n, tile_h, tile_w) check_winograd(simd, n, tile_h, tile_w);
    WINOGRAD_TRANSFORMS(CHECK)
}

static void test_winograd(void)
{
    for_sets(check_winograds);
}

static const struct unit_test tests[] = {
    {"sets", test_find},
    {"points", test_points},
    {"pass", test_pass},
    {"plane", test_plane},
    {"rounding", test_rounding},
    {"max pools", test_max_pool},
    {"average pools", test_avg_pool},
    {"direct", test_direct},
    {"flat", test_flat},
    {"bits", test_bits},
    {"image", test_image},
    {"winograd", test_winograd},
};
UNIT_MAIN("simd", tests)
