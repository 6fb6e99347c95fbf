// SPDX-License-Identifier: MIT
#include "kernels/execution/planner.h"

#include <stdlib.h>
#include <string.h>

#include "common/system/clock.h"
#include "kernels/convolution/op_convolution.h"

enum { ROUNDS = 4, CACHE_MAX = 64 << 20 };
static const double hopeless = 1.6; // times the best of the first round: not tried again
static const double close = 1.03;   // times the best: as good

// Memory for one operation: its tensors with values like those of a picture, bits of ReLUs, scratch.
struct bench {
    char *memory;
    size_t bytes;
    size_t in_bytes; // of the operation's input, first in `memory`
    char *flush;     // CACHE_MAX bytes: read, they drive all else out of the caches
    struct simd_out out[SIMD_BLOCKS_MAX];
    const void *in[SIMD_BLOCKS_MAX];
};

struct candidate {
    enum conv_method method;
    struct convolution *convolution;
    double best; // seconds
    bool out;
};

static size_t whole_lines(size_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

static enum status grow(struct bench *bench, size_t bytes)
{
    if (bytes <= bench->bytes)
        return STATUS_OK;
    free(bench->memory);
    bench->memory = aligned_alloc(4096, (bytes + 4095) / 4096 * 4096);
    bench->bytes = bench->memory ? bytes : 0;
    return bench->memory ? STATUS_OK : fail(STATUS_LIMIT, "no memory to time convolutions (%zu MiB)", bytes >> 20);
}

// Half of the values 0, as behind a ReLU, the others of the size that activations have.
static void fill(void *memory, size_t bytes, bool bf16)
{
    uint32_t state = 1;
    for (size_t i = 0; i < bytes / (bf16 ? 2 : 4); i++) {
        state = state * 1664525u + 1013904223u;
        const float value = state >> 31 ? (float)(state >> 8) / (1 << 24) : 0.0f;
        uint32_t bits;
        memcpy(&bits, &value, sizeof bits);
        if (bf16)
            ((uint16_t *)memory)[i] = (uint16_t)(bits >> 16);
        else
            ((float *)memory)[i] = value;
    }
}

struct tensor_shape {
    int blocks; // or planes
    size_t block_bytes, pixels;
};

static struct tensor_shape shape_of(const struct conv_spec *spec, bool source)
{
    const struct onednn_shape *s = &spec->shape;
    const bool bf16 = source ? spec->src_bf16 : spec->dst_bf16;
    const size_t pixels = source ? (size_t)s->src_h * (size_t)s->src_w : (size_t)s->dst_h * (size_t)s->dst_w;
    if (source && spec->image)
        return (struct tensor_shape){3, pixels * sizeof(float), pixels};
    return (struct tensor_shape){(source ? s->src_channels : s->dst_channels) / onednn_block(),
                                 pixels * (size_t)onednn_block() * (bf16 ? 2 : 4), pixels};
}

// Where the operation's tensors lie; the scratch comes last, at *scratch.
static enum status lay_out(struct bench *bench, const struct conv_spec *spec, const struct weight_cache *cache, size_t scratch_bytes,
                           void **scratch)
{
    const struct tensor_shape in = shape_of(spec, !spec->backward), out = shape_of(spec, spec->backward);
    const size_t in_bytes = whole_lines((size_t)in.blocks * in.block_bytes), out_bytes = whole_lines((size_t)out.blocks * out.block_bytes);
    const size_t mask = out.pixels * (size_t)onednn_block() / 8, masks = whole_lines((size_t)out.blocks * mask);
    const bool planar = spec->image && spec->backward, out_bf16 = spec->backward ? spec->src_bf16 : spec->dst_bf16;
    enum status rc = grow(bench, in_bytes + out_bytes + masks + scratch_bytes);
    if (rc != STATUS_OK)
        return rc;
    bench->in_bytes = in_bytes;
    char *to = bench->memory + in_bytes, *bits = to + out_bytes;
    *scratch = bits + masks;
    fill(bench->memory, in_bytes, spec->backward ? spec->dst_bf16 : spec->src_bf16);
    fill(to, out_bytes, out_bf16);
    memset(bits, 0x5a, masks);
    for (int b = 0; b < in.blocks; b++)
        bench->in[b] = bench->memory + (size_t)b * in.block_bytes;
    for (int b = 0; b < (planar ? 1 : out.blocks); b++) {
        bench->out[b] = (struct simd_out){.data = to + (size_t)b * out.block_bytes, .bf16 = out_bf16};
        if (spec->backward) {
            bench->out[b].accumulate = spec->accumulate;
            bench->out[b].gate = planar ? NULL : (uint8_t *)bits + (size_t)b * mask;
            bench->out[b].rule = planar ? GATE_OPEN : GATE_MASK_POSITIVE;
            bench->out[b].plane = planar ? out.pixels : 0;
        }
    }
    for (int p = 0, b = 0; !spec->backward && p < spec->part_count; p++)
        for (int k = 0; k < spec->part_channels[p] / onednn_block(); k++, b++)
            if (!spec->linear[p]) {
                bench->out[b].bias = weight_cache_bias(cache, spec->parts[p]) + k * onednn_block();
                bench->out[b].relu = true;
                bench->out[b].mask = (uint8_t *)bits + (size_t)b * mask;
            }
    return STATUS_OK;
}

static void read_all(const char *bytes, size_t count)
{
    const uint64_t *words = (const uint64_t *)(const void *)bytes;
    uint64_t sum = 0;
#pragma omp parallel for schedule(static) reduction(+ : sum)
    for (size_t i = 0; i < count / sizeof *words; i += 8)
        sum += words[i];
    __asm__ volatile("" : : "r"(sum));
}

// As in a whole step: the operation before has left the input in the caches, and weights were last seen a step ago.
static void set_caches(const struct bench *bench)
{
    read_all(bench->flush, CACHE_MAX);
    read_all(bench->memory, bench->in_bytes);
}

static enum status run_candidates(const struct bench *bench, struct candidate *candidates, int count)
{
    for (int round = 0; round < ROUNDS; round++) {
        double best = 0;
        for (int i = 0; i < count; i++) {
            struct candidate *c = &candidates[i];
            if (c->out)
                continue;
            set_caches(bench);
            const double start = now();
            TRY(convolution_run(c->convolution));
            const double seconds = now() - start;
            if (round <= 1 || seconds < c->best) // the first is only to warm up
                c->best = seconds;
            best = best == 0 || c->best < best ? c->best : best;
        }
        for (int i = 0; i < count; i++)
            candidates[i].out |= round >= 1 && candidates[i].best > hopeless * best;
    }
    return STATUS_OK;
}

// In the order of conv_method, what rounds less comes first among our own.
static const struct candidate *choose(const struct candidate *candidates, int count)
{
    double best = 0;
    for (int i = 0; i < count; i++)
        best = best == 0 || candidates[i].best < best ? candidates[i].best : best;
    for (int i = 0; i < count; i++)
        if (candidates[i].best <= close * best)
            return &candidates[i];
    return candidates;
}

static enum status time_operation(const struct planner_options *options, struct bench *bench, const struct conv_spec *spec,
                                  struct plan_entry *entry)
{
    struct candidate candidates[CONV_METHODS] = {0};
    struct weight_cache *cache = NULL;
    size_t scratch_bytes = 0;
    void *scratch;
    int count = 0;
    enum status rc;
    TRY_OUT(weight_cache_create(&cache, options->network, options->weights));
    for (int m = 0; m < CONV_METHODS; m++) {
        rc = convolution_create(&candidates[count].convolution, spec, (enum conv_method)m, cache);
        if (rc == STATUS_UNSUPPORTED)
            continue;
        if (rc != STATUS_OK)
            goto out;
        const size_t bytes = convolution_scratch_bytes(candidates[count].convolution);
        scratch_bytes = bytes > scratch_bytes ? bytes : scratch_bytes;
        candidates[count++].method = (enum conv_method)m;
    }
    TRY_OUT(lay_out(bench, spec, cache, scratch_bytes, &scratch));
    for (int i = 0; i < count; i++)
        TRY_OUT(convolution_bind(candidates[i].convolution, bench->in, bench->out, scratch));
    TRY_OUT(run_candidates(bench, candidates, count));
    const struct candidate *chosen = choose(candidates, count);
    entry->method = (uint8_t)chosen->method;
    entry->seconds = (float)chosen->best;
out:
    for (int i = 0; i < CONV_METHODS; i++)
        convolution_destroy(&candidates[i].convolution);
    weight_cache_destroy(&cache);
    return rc;
}

// Operations that are alike but for their weights are timed once.
struct timed {
    struct conv_spec spec;
    struct plan_entry entry;
};

static bool alike(struct conv_spec a, struct conv_spec b)
{
    memset(a.parts, 0, sizeof a.parts);
    memset(b.parts, 0, sizeof b.parts);
    return memcmp(&a.shape, &b.shape, sizeof a.shape) == 0 && a.backward == b.backward && a.part_count == b.part_count &&
           memcmp(a.linear, b.linear, sizeof a.linear) == 0 && a.accumulate == b.accumulate && a.image == b.image &&
           a.src_bf16 == b.src_bf16 && a.dst_bf16 == b.dst_bf16;
}

// Calls `visit` for every convolution of the targets' graphs in the sizes of plans.
static enum status for_each(const struct planner_options *options, bool bf16,
                            enum status (*visit)(void *context, const struct conv_spec *spec, int size), void *context)
{
    enum status rc = STATUS_OK;
    for (int s = 0; s < PLAN_SIZES && rc == STATUS_OK; s++) {
        struct graph *graph = NULL;
        rc = graph_create(&graph, &(struct graph_options){.network = options->network,
                                                          .width = plan_sides[s],
                                                          .height = plan_sides[s],
                                                          .target_count = options->target_count,
                                                          .targets = options->targets,
                                                          .bf16 = bf16});
        for (int i = 0; rc == STATUS_OK && i < graph->op_count; i++)
            if (op_is_convolution(&graph->ops[i])) {
                const struct conv_spec spec = op_conv_spec(options->network, &graph->ops[i]);
                rc = visit(context, &spec, s);
            }
        graph_destroy(&graph);
    }
    return rc;
}

struct work {
    const struct planner_options *options;
    struct plan *plan;
    enum conv_method method; // planner_fixed()
    int missing, done;
    struct bench bench;
    struct timed *timed;
    int timed_count;
};

static enum status count_missing(void *context, const struct conv_spec *spec, int size)
{
    struct work *work = context;
    work->missing += !plan_find(work->plan, spec, size);
    return STATUS_OK;
}

enum status planner_missing(const struct planner_options *options, const struct plan *plan, int *missing)
{
    struct plan copy = *plan;
    struct work work = {.plan = &copy};
    const enum status rc = for_each(options, plan->bf16, count_missing, &work);
    *missing = work.missing;
    return rc;
}

static enum status can_do(const struct conv_spec *spec, enum conv_method method)
{
    struct convolution *convolution;
    const enum status rc = convolution_create(&convolution, spec, method, NULL);
    convolution_destroy(&convolution);
    return rc;
}

static enum status set_fixed(void *context, const struct conv_spec *spec, int size)
{
    const struct work *work = context;
    enum status rc = can_do(spec, work->method);
    if (rc == STATUS_OK || rc == STATUS_UNSUPPORTED)
        plan_set(work->plan, spec, size, rc == STATUS_OK ? work->method : CONV_DIRECT, 0);
    return rc == STATUS_UNSUPPORTED ? STATUS_OK : rc;
}

enum status planner_fixed(const struct planner_options *options, enum conv_method method, struct plan *plan)
{
    struct work work = {.options = options, .plan = plan, .method = method};
    return for_each(options, plan->bf16, set_fixed, &work);
}

static enum status check(void *context, const struct conv_spec *spec, int size)
{
    const struct work *work = context;
    const struct layer *layer = &work->options->network->layers[work->options->network->convs[spec->parts[0]]];
    const struct plan_entry *entry = plan_find(work->plan, spec, size);
    if (!entry)
        return fail(STATUS_UNSUPPORTED, "it does not know %s %s of %d pixels; it was made for other targets", layer->name,
                    spec->backward ? "backward" : "forward", plan_sides[size]);
    return fail_in(can_do(spec, (enum conv_method)entry->method), "%s of %s %s", conv_method_name((enum conv_method)entry->method),
                   layer->name, spec->backward ? "backward" : "forward");
}

enum status planner_check(const struct planner_options *options, const struct plan *plan)
{
    struct plan copy = *plan;
    struct work work = {.options = options, .plan = &copy};
    return for_each(options, plan->bf16, check, &work);
}

static enum status complete(void *context, const struct conv_spec *spec, int size)
{
    struct work *work = context;
    struct timed *same = work->timed;
    enum status rc = STATUS_OK;
    if (plan_find(work->plan, spec, size))
        return rc;
    while (same < work->timed + work->timed_count && !alike(same->spec, *spec))
        same++;
    if (same == work->timed + work->timed_count) {
        same->spec = *spec;
        TRY(time_operation(work->options, &work->bench, spec, &same->entry));
        work->timed_count++;
    }
    plan_set(work->plan, spec, size, (enum conv_method)same->entry.method, same->entry.seconds);
    if (work->options->progress)
        work->options->progress(work->options->context, ++work->done, work->missing);
    return rc;
}

enum status planner_complete(const struct planner_options *options, struct plan *plan)
{
    struct work work = {.options = options, .plan = plan};
    enum status rc;
    work.timed = calloc(2 * PLAN_SIZES * PLAN_CONVS_MAX, sizeof *work.timed);
    work.bench.flush = aligned_alloc(4096, CACHE_MAX);
    if (!work.timed || !work.bench.flush) {
        rc = fail(STATUS_LIMIT, "no memory to plan");
        goto out;
    }
    TRY_OUT(for_each(options, plan->bf16, count_missing, &work));
    memset(work.bench.flush, 1, CACHE_MAX);
    rc = for_each(options, plan->bf16, complete, &work);
out:
    free(work.bench.flush);
    free(work.bench.memory);
    free(work.timed);
    return rc;
}
