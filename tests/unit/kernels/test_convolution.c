// SPDX-License-Identifier: MIT
// Convolutions of the network by every method against plain loops, at odd sizes. Run for several instruction sets (ONEDNN_MAX_CPU_ISA,
// ONEIROS_SIMD).
#include "kernels/convolution/convolution.h"

#include <omp.h>

#include "conv_samples.h"

// Relative to the largest value. Measured were, at most, 2e-6 by direct sums, 5.4e-6, 1.7e-5 and 9.4e-6 by our Winograd transforms, and
// 4e-6 in phases: about five times that, but where direct sums are wrong they are so by more.
static const double tolerances[CONV_METHODS] = {[CONV_DIRECT] = 5e-6,      [CONV_WINOGRAD_6] = 2.5e-5,    [CONV_WINOGRAD_8] = 1e-4,
                                                [CONV_WINOGRAD_10] = 5e-5, [CONV_WINOGRAD_PHASES] = 2e-5, [CONV_ONEDNN] = 5e-6};

// The kinds of convolution in InceptionV3, and the widest of them, at a size with remainders and at a small one. At the second the last row
// and column of a stride are left over.
static const struct {
    int conv, sizes[2][2]; // (height, width)
} kinds[] = {
    {CONV2D(4), {{13, 19}, {1, 1}}}, // 1 x 1, 64 -> 80
    {CONV2D(2), {{13, 19}, {8, 6}}}, // 3 x 3 valid, 32 -> 32
    {CONV2D(3), {{11, 9}, {2, 6}}},  // 3 x 3 same, 32 -> 64
    {CONV2D(5), {{7, 9}, {4, 3}}},   // 3 x 3 valid, 80 -> 192
    {CONV2D(30), {{9, 13}, {4, 8}}}, // 3 x 3, stride 2, 96 -> 96
    {CONV2D(72), {{5, 7}, {4, 4}}},  // the same, 192 -> 320
    {CONV2D(8), {{7, 9}, {2, 2}}},   // 5 x 5, 48 -> 64
    {CONV2D(33), {{5, 19}, {1, 3}}}, // 1 x 7, 128 -> 128
    {CONV2D(34), {{11, 5}, {2, 1}}}, // 7 x 1, 128 -> 192
    {CONV2D(79), {{3, 7}, {1, 1}}},  // 1 x 3, 384 -> 384
    {CONV2D(80), {{7, 3}, {1, 1}}},  // 3 x 1, 384 -> 384
    {CONV2D(86), {{3, 5}, {1, 1}}},  // 1 x 1, 2048 -> 320
};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

// The sum that the method is to be compared with: some have bfloat16 weights for bfloat16 sources.
static const double *exact_of(const struct sample *sample, enum conv_method method, int r)
{
    const bool pairs = simd_here()->bf16_products;
    enum rounded rounded = ROUNDED_NONE;
    if (pairs && (method == CONV_ONEDNN || method == CONV_DIRECT))
        rounded = ROUNDED_ALL;
    else if (method == CONV_WINOGRAD_PHASES && pairs)
        rounded = ROUNDED_CENTRE;
    return sample->exact[reads_bf16(&sample->spec) ? rounded : ROUNDED_NONE][r];
}

// What is asked for of result r: of a linear part nothing.
static struct finishing finishing_of(const struct sample *sample, int r, const struct finishing *how)
{
    const struct conv_spec *spec = &sample->spec;
    struct finishing f = spec->backward || !spec->linear[r] ? *how : (struct finishing){.bias = false};
    f.plane = spec->backward && spec->image;
    f.bf16 = spec->backward ? spec->src_bf16 : spec->dst_bf16;
    return f;
}

// With scratch of this run's own.
static void bind_and_run(struct convolution *convolution, const struct sample *sample, struct simd_out *out, void **scratch)
{
    const void *in[SIMD_BLOCKS_MAX];
    const size_t bytes = convolution_scratch_bytes(convolution);
    sources_of(sample, in);
    *scratch = bytes > 0 ? naive_alloc(bytes) : NULL;
    UNIT_OK(convolution_bind(convolution, in, out, *scratch));
    UNIT_OK(convolution_run(convolution));
}

// Runs it in memory of its own.
static void check_run(const struct sample *sample, struct convolution *convolution, const struct finishing *how)
{
    static struct result results[CONV_PARTS_MAX]; // large for a stack
    struct simd_out out[SIMD_BLOCKS_MAX];
    void *scratch;
    int blocks = 0;
    for (int r = 0; r < sample->result_count; r++) {
        const struct finishing f = finishing_of(sample, r, how);
        result_create(&results[r], &f, sample->result_channels[r], sample->result_positions, onednn_block(), false);
        memcpy(out + blocks, results[r].out, (size_t)results[r].mask.count * sizeof out[0]);
        blocks += results[r].mask.count;
    }
    bind_and_run(convolution, sample, out, &scratch);
    free(scratch);
    for (int r = 0; r < sample->result_count; r++) {
        const enum conv_method method = convolution_method(convolution);
        const double error = result_error(&results[r], exact_of(sample, method, r)), tolerance = tolerances[method];
        if (!(error <= tolerance))
            printf("\nconv2d_%d %s at %dx%d by %s (%s), result %d: error %g\n", sample->spec.parts[0] + 1,
                   sample->spec.backward ? "backward" : "forward", sample->spec.shape.src_h, sample->spec.shape.src_w,
                   conv_method_name(method), simd_here()->name, r, error);
        CU_ASSERT(error <= tolerance);
        result_destroy(&results[r]);
    }
}

// Whether the method is for this kind of convolution.
static bool possible(enum conv_method method, const struct conv_spec *spec)
{
    const struct onednn_shape *s = &spec->shape;
    const bool square = s->kernel_h == s->kernel_w, strided = s->stride > 1;
    const int longest = s->kernel_h > s->kernel_w ? s->kernel_h : s->kernel_w;
    switch (method) {
    case CONV_WINOGRAD_6:
        return !strided && (longest == 3 || (square && longest == 5));
    case CONV_WINOGRAD_8:
        return !strided && (square ? longest == 3 || longest == 5 : longest == 7);
    case CONV_WINOGRAD_10:
        return !strided && !square && longest == 7;
    case CONV_WINOGRAD_PHASES:
        return strided && !spec->image && (spec->backward || !spec->dst_bf16);
    default:
        return true;
    }
}

// portable16 stands for a machine that multiplies bfloat16; where this one doesn't, oneDNN lacks it.
static bool is_missing(enum conv_method method, const struct conv_spec *spec)
{
    return method == CONV_ONEDNN && reads_bf16(spec) && strcmp(simd_here()->name, "portable16") == 0;
}

// By every method that there is for it; the others must say so, with weights and without.
static void check_methods(struct sample *sample, const struct finishing *how)
{
    for (enum conv_method method = CONV_DIRECT; method < CONV_METHODS; method++) {
        struct convolution *convolution = NULL, *trial = NULL;
        sample->spec.accumulate = how->accumulate;
        const enum status rc = convolution_create(&convolution, &sample->spec, method, cache);
        CU_ASSERT_EQUAL(convolution_create(&trial, &sample->spec, method, NULL), rc);
        if (rc == STATUS_UNSUPPORTED) {
            CU_ASSERT_PTR_NULL(convolution);
            CU_ASSERT_PTR_NULL(trial);
            CU_ASSERT(!possible(method, &sample->spec) || is_missing(method, &sample->spec));
            continue;
        }
        UNIT_OK(rc);
        CU_ASSERT(possible(method, &sample->spec));
        CU_ASSERT_EQUAL(convolution_method(convolution), method);
        CU_ASSERT_EQUAL(convolution_scratch_bytes(trial), convolution_scratch_bytes(convolution));
        for (int times = 0; times < 2; times++) // the second in other memory, which must not matter
            check_run(sample, convolution, how);
        convolution_destroy(&trial);
        convolution_destroy(&convolution);
        CU_ASSERT_PTR_NULL(convolution);
    }
}

// As activations are made.
static const struct finishing activation = {.bias = true, .relu = true, .mask = true}, no_mask = {.bias = true, .relu = true};

// Each part linear or not as said, and then the other way round.
static void check_forward(const int *convs, int count, const bool *linear, const int size[2], enum type type)
{
    const struct conv_spec spec = spec_of(convs, count, size, false, type);
    struct sample sample;
    sample_create(&sample, &spec);
    for (int other = 0; other < 2; other++) {
        for (int p = 0; p < count; p++)
            sample.spec.linear[p] = linear[p] != other;
        check_methods(&sample, &activation);
        if (type == FLOAT)
            check_methods(&sample, &no_mask);
    }
    sample_destroy(&sample);
}

// As gradients are: of one of several consumers, and of the last of them, which applies the gate.
static void check_backward(const int *convs, int count, const int size[2], enum type type)
{
    static const struct finishing ways[] = {{.bias = false},
                                            {.accumulate = true},
                                            {.rule = GATE_MASK},
                                            {.rule = GATE_POSITIVE},
                                            {.accumulate = true, .rule = GATE_MASK_POSITIVE}};
    const struct conv_spec spec = spec_of(convs, count, size, true, type);
    struct sample sample;
    sample_create(&sample, &spec);
    for (int way = 0; way < (spec.image ? 1 : 5); way += type == FLOAT ? 1 : 4)
        check_methods(&sample, &ways[way]);
    sample_destroy(&sample);
}

static void check_kinds(bool backward, enum type type, int sizes)
{
    begin();
    for (int kind = 0; kind < KINDS; kind++)
        for (int size = 0; size < sizes; size++)
            if (sizes == 1 && unit_skips((size_t)kind))
                continue;
            else if (backward)
                check_backward(&kinds[kind].conv, 1, kinds[kind].sizes[size], type);
            else
                check_forward(&kinds[kind].conv, 1, &(bool){false}, kinds[kind].sizes[size], type);
    end();
}

static void test_forward(void)
{
    check_kinds(false, FLOAT, 2);
}

static void test_backward(void)
{
    check_kinds(true, FLOAT, 2);
}

static void test_bf16(void)
{
    for (enum type type = SRC_BF16; type <= BF16; type++) {
        check_kinds(false, type, type == BF16 ? 2 : 1);
        check_kinds(true, type, type == BF16 ? 2 : 1);
    }
}

static void test_image(void)
{
    static const int first = CONV2D(1), sizes[][2] = {{13, 19}, {18, 8}, {3, 3}, {75, 30}};
    begin();
    for (int size = 0; size < 4; size++)
        for (enum type type = FLOAT; type <= DST_BF16; type += DST_BF16) {
            check_forward(&first, 1, &(bool){false}, sizes[size], type);
            check_backward(&first, 1, sizes[size], type);
        }
    end();
}

// Convolutions of one source as one. The first are those of mixed1, the fourth of which is behind an average pool: it has changed places
// with it, and is linear here. Other kernels have no such company in the network, but nothing says that they can't.
static void test_parts(void)
{
    static const struct {
        int count, convs[CONV_PARTS_MAX];
        bool linear[CONV_PARTS_MAX];
    } groups[] = {
        {4, {CONV2D(13), CONV2D(14), CONV2D(16), CONV2D(19)}, {false, false, false, true}},
        {2, {CONV2D(14), CONV2D(13)}, {true, false}},
        {3, {CONV2D(12), CONV2D(6), CONV2D(7)}, {true, false, false}},
        {2, {CONV2D(10), CONV2D(17)}, {false, true}},
        {2, {CONV2D(33), CONV2D(37)}, {false, false}},
    };
    static const int sizes[][2] = {{5, 7}, {1, 1}};
    begin();
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++)
        for (int size = 0; size < 2; size++)
            for (enum type type = FLOAT; type <= BF16; type += BF16) {
                check_forward(groups[i].convs, groups[i].count, groups[i].linear, sizes[size], type);
                check_backward(groups[i].convs, groups[i].count, sizes[size], type);
            }
    end();
}

// The gradient that goes back through the gate that `activations` left in their mask, by each rule in turn without binding again.
static void check_rules(struct convolution *convolution, const struct sample *sample, const struct result *activations)
{
    static struct result gradients; // large for a stack
    const enum conv_method method = convolution_method(convolution);
    const struct finishing how = {.accumulate = true, .bf16 = sample->spec.src_bf16};
    void *scratch;
    result_create(&gradients, &how, sample->spec.shape.src_channels, sample->result_positions, onednn_block(), false);
    for (int b = 0; b < gradients.mask.count; b++)
        gradients.out[b].gate = activations->mask.block[b];
    for (int c = 0; c < sample->spec.shape.src_channels; c++)
        for (size_t i = 0; i < sample->result_positions; i++)
            gradients.open[(size_t)c * sample->result_positions + i] = blocks_at(&activations->data, c, i) > 0;
    bind_and_run(convolution, sample, gradients.out, &scratch);
    CU_ASSERT(result_error(&gradients, exact_of(sample, method, 0)) <= tolerances[method]);
    for (int rule = GATE_MASK; rule <= GATE_MASK_POSITIVE; rule++) {
        gradients.how.rule = (enum gate_rule)rule;
        for (int b = 0; b < gradients.mask.count; b++)
            gradients.out[b].rule = (enum gate_rule)rule;
        result_reset(&gradients);
        UNIT_OK(convolution_run(convolution));
        CU_ASSERT(result_error(&gradients, exact_of(sample, method, 0)) <= tolerances[method]);
    }
    free(scratch);
    result_destroy(&gradients);
}

// `second` reads what `first` makes: the mask that `first` leaves is the gate for what comes back through `second`, by every method.
static void check_gate(int first, int second, enum conv_method forward, const int size[2], enum type type)
{
    static struct result activations; // large for a stack
    const struct conv_spec spec = spec_of(&first, 1, size, false, type);
    const int inner[2] = {spec.shape.dst_h, spec.shape.dst_w};
    struct conv_spec spec_back = spec_of(&second, 1, inner, true, type);
    struct finishing how = activation;
    struct sample sample, sample_back;
    struct convolution *convolution;
    void *scratch;
    how.bf16 = spec.dst_bf16;
    spec_back.accumulate = true;
    sample_create(&sample, &spec);
    sample_create(&sample_back, &spec_back);
    result_create(&activations, &how, spec.shape.dst_channels, sample.result_positions, onednn_block(), false);
    UNIT_OK(convolution_create(&convolution, &spec, forward, cache));
    bind_and_run(convolution, &sample, activations.out, &scratch);
    CU_ASSERT(result_error(&activations, exact_of(&sample, forward, 0)) <= tolerances[forward]);
    convolution_destroy(&convolution);
    free(scratch);
    for (int method = 0; method < CONV_METHODS; method++) {
        if (convolution_create(&convolution, &spec_back, (enum conv_method)method, cache) != STATUS_OK)
            continue;
        check_rules(convolution, &sample_back, &activations);
        convolution_destroy(&convolution);
    }
    result_destroy(&activations);
    sample_destroy(&sample_back);
    sample_destroy(&sample);
}

static void test_gates(void)
{
    static const int size[2] = {5, 7};
    begin();
    check_gate(CONV2D(9), CONV2D(10), CONV_DIRECT, size, FLOAT);
    check_gate(CONV2D(9), CONV2D(10), CONV_ONEDNN, size, FLOAT);
    check_gate(CONV2D(9), CONV2D(10), CONV_DIRECT, size, BF16);
    check_gate(CONV2D(29), CONV2D(30), CONV_WINOGRAD_8, size, FLOAT);
    check_gate(CONV2D(29), CONV2D(30), CONV_WINOGRAD_6, size, BF16);
    check_gate(CONV2D(33), CONV2D(34), CONV_WINOGRAD_10, size, FLOAT);
    end();
}

static void test_unsupported(void)
{
    static const struct {
        int conv;
        bool backward;
        enum type type;
        enum conv_method method;
    } cases[] = {
        // a stride, 1 x 1, kernels without such a transform, the image
        {CONV2D(30), false, FLOAT, CONV_WINOGRAD_6},    {CONV2D(30), true, FLOAT, CONV_WINOGRAD_8},
        {CONV2D(4), false, FLOAT, CONV_WINOGRAD_6},     {CONV2D(4), true, BF16, CONV_WINOGRAD_10},
        {CONV2D(33), false, FLOAT, CONV_WINOGRAD_6},    {CONV2D(79), false, FLOAT, CONV_WINOGRAD_10},
        {CONV2D(3), false, FLOAT, CONV_WINOGRAD_10},    {CONV2D(1), false, FLOAT, CONV_WINOGRAD_6},
        {CONV2D(1), true, FLOAT, CONV_WINOGRAD_PHASES}, {CONV2D(3), false, FLOAT, CONV_WINOGRAD_PHASES},
        {CONV2D(8), true, FLOAT, CONV_WINOGRAD_PHASES}, {CONV2D(30), false, DST_BF16, CONV_WINOGRAD_PHASES},
    };
    static const int size[2] = {9, 9};
    begin();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct conv_spec spec = spec_of(&cases[i].conv, 1, size, cases[i].backward, cases[i].type);
        struct convolution *convolution = NULL;
        CU_ASSERT_EQUAL(convolution_create(&convolution, &spec, cases[i].method, cache), STATUS_UNSUPPORTED);
        CU_ASSERT_PTR_NULL(convolution);
    }
    end();
}

static void test_names(void)
{
    static const char *const known[CONV_METHODS] = {"direct", "winograd6", "winograd8", "winograd10", "winograd-phases", "onednn"};
    for (int i = 0; i < CONV_METHODS; i++) {
        enum conv_method method = CONV_METHODS;
        CU_ASSERT_STRING_EQUAL(conv_method_name((enum conv_method)i), known[i]);
        CU_ASSERT(conv_method_find(known[i], &method));
        CU_ASSERT_EQUAL(method, (enum conv_method)i);
    }
    enum conv_method method = CONV_ONEDNN;
    CU_ASSERT_FALSE(conv_method_find("winograd", &method));
    CU_ASSERT_FALSE(conv_method_find("", &method));
    CU_ASSERT_EQUAL(method, CONV_ONEDNN);
}

// Each layout is made once, however often it is asked for, and another one for each key.
static void test_weight_cache(void)
{
    static const struct weight_key keys[] = {
        {.part_count = 1, .parts = {CONV2D(10)}},
        {.part_count = 1, .parts = {CONV2D(10)}, .backward = true},
        {.part_count = 1, .parts = {CONV2D(10)}, .pairs = true},
        {.part_count = 1, .parts = {CONV2D(10)}, .winograd = 6},
        {.part_count = 1, .parts = {CONV2D(10)}, .winograd = 8},
        {.part_count = 1, .parts = {CONV2D(10)}, .winograd = 8, .backward = true},
        {.part_count = 1, .parts = {CONV2D(10)}, .winograd = 6, .taps = TAPS_EVEN_ODD},
        {.part_count = 1, .parts = {CONV2D(10)}, .taps = TAPS_ODD_ODD},
        {.part_count = 2, .parts = {CONV2D(10), CONV2D(17)}},
        {.part_count = 2, .parts = {CONV2D(10), CONV2D(24)}},
    };
    enum { KEYS = sizeof keys / sizeof keys[0] };
    const float *panels[KEYS], *again;
    begin();
    for (int i = 0; i < KEYS; i++) {
        UNIT_OK(weight_cache_panels(cache, &keys[i], &panels[i]));
        CU_ASSERT_EQUAL((uintptr_t)panels[i] % 64, 0);
    }
    for (int i = 0; i < KEYS; i++) {
        UNIT_OK(weight_cache_panels(cache, &keys[i], &again));
        CU_ASSERT_PTR_EQUAL(again, panels[i]);
        for (int k = 0; k < i; k++)
            CU_ASSERT_PTR_NOT_EQUAL(panels[k], panels[i]);
    }
    CU_ASSERT_PTR_EQUAL(weight_cache_bias(cache, CONV2D(10)), parameters_bias(network, weights, CONV2D(10)));
    // oneDNN's, once for each layout and convolution, and turned apart from not turned: of 96 -> 96 channels the layouts are the same
    const struct onednn_weights *found[2][3];
    struct onednn_primitive *primitive;
    UNIT_OK(onednn_primitive_create(&primitive, &(struct onednn_spec){.shape = shape_of(CONV2D(11), (const int[]){9, 9})}));
    for (int turned = 0; turned < 2; turned++) {
        const struct weight_key key = {.part_count = 1, .parts = {CONV2D(11)}, .backward = turned};
        const struct weight_key other = {.part_count = 1, .parts = {CONV2D(18)}, .backward = turned}; // of the same shape
        UNIT_OK(weight_cache_onednn(cache, &key, primitive, &found[turned][0]));
        UNIT_OK(weight_cache_onednn(cache, &key, primitive, &found[turned][1]));
        UNIT_OK(weight_cache_onednn(cache, &other, primitive, &found[turned][2]));
        CU_ASSERT_PTR_EQUAL(found[turned][0], found[turned][1]);
        CU_ASSERT_PTR_NOT_EQUAL(found[turned][0], found[turned][2]);
    }
    onednn_primitive_destroy(&primitive);
    CU_ASSERT_PTR_NOT_EQUAL(found[0][0], found[1][0]);
    end();
}

static uint64_t digest_of(const struct result *r)
{
    uint64_t hash = 0;
    for (int b = 0; b < r->data.count; b++)
        for (size_t i = 0; i < r->data.bytes; i++)
            hash = (hash ^ ((const uint8_t *)r->data.block[b])[i]) * UINT64_C(0x100000001b3);
    return hash;
}

// The same bytes for any number of threads.
static void check_threads(const struct sample *sample, enum conv_method method)
{
    static const int threads[] = {1, 12, 128, 2, 7, 48};
    static struct result result; // large for a stack
    struct finishing how = {.bf16 = sample->spec.backward ? sample->spec.src_bf16 : sample->spec.dst_bf16};
    uint64_t first = 0;
    for (int t = 0; t < unit_cases(sizeof threads / sizeof threads[0], 2); t++) {
        struct convolution *convolution;
        void *scratch;
        omp_set_num_threads(threads[t]);
        if (convolution_create(&convolution, &sample->spec, method, cache) != STATUS_OK)
            break;
        result_create(&result, &how, sample->result_channels[0], sample->result_positions, onednn_block(), false);
        bind_and_run(convolution, sample, result.out, &scratch);
        first = t == 0 ? digest_of(&result) : first;
        CU_ASSERT_EQUAL(digest_of(&result), first);
        result_destroy(&result);
        convolution_destroy(&convolution);
        free(scratch);
    }
}

static void test_threads(void)
{
    static const int convs[] = {CONV2D(3), CONV2D(13), CONV2D(30), CONV2D(33), CONV2D(86)}, size[2] = {17, 35};
    const int before = omp_get_max_threads();
    begin();
    for (size_t i = 0; i < sizeof convs / sizeof convs[0]; i++)
        for (int backward = 0; backward < 2; backward++)
            for (enum type type = FLOAT; type <= BF16; type += BF16) {
                const struct conv_spec spec = spec_of(&convs[i], 1, size, backward, type);
                struct sample sample;
                sample_create(&sample, &spec);
                for (enum conv_method method = CONV_DIRECT; method < CONV_METHODS; method++)
                    check_threads(&sample, method);
                sample_destroy(&sample);
            }
    end();
    omp_set_num_threads(before);
}

static const struct unit_test tests[] = {
    {"threads", test_threads},
    {"names", test_names},
    {"weight cache", test_weight_cache},
    {"unsupported", test_unsupported},
    {"forward", test_forward},
    {"backward", test_backward},
    {"parts", test_parts},
    {"gates", test_gates},
    {"image", test_image},
    {"bfloat16", test_bf16},
};
UNIT_MAIN("convolution", tests)
