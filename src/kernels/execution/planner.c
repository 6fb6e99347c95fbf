// SPDX-License-Identifier: MIT
#include "kernels/execution/planner.h"

#include <stdlib.h>
#include <string.h>

#include "common/system/clock.h"
#include "kernels/network/arena.h"

enum { ROUNDS = 4, FLUSH_BYTES = 64 << 20, PAGE = 4096 };
static const double hopeless = 1.6; // times the best of the first round: not tried again
static const double close = 1.03;   // times the best: as good

// One convolution of the targets' graph at one of the sizes of plans.
struct operation {
    struct conv_spec spec;
    int size;
    bool timed; // here; otherwise the plan knew it, or it is like one that was
};

// All of them; the list is the caller's to free, also after a failure.
static enum status list_operations(const struct planner_options *options, bool bf16, struct operation **list, int *count)
{
    *count = 0;
    TRY(ALLOCATE(*list, 2 * PLAN_SIZES * PLAN_CONVS_MAX, "to plan"));
    for (int size = 0; size < PLAN_SIZES; size++) {
        struct graph *graph;
        TRY(graph_create(&graph, &(struct graph_options){.network = options->network,
                                                         .width = plan_sides[size],
                                                         .height = plan_sides[size],
                                                         .target_count = options->target_count,
                                                         .targets = options->targets,
                                                         .bf16 = bf16}));
        for (int i = 0; i < graph->op_count; i++)
            if (op_is_convolution(&graph->ops[i]))
                (*list)[(*count)++] = (struct operation){.spec = conv_spec_of(options->network, &graph->ops[i]), .size = size};
        graph_destroy(&graph);
    }
    return STATUS_OK;
}

enum status planner_missing(const struct planner_options *options, const struct plan *plan, int *missing)
{
    struct operation *list;
    int count;
    const enum status rc = list_operations(options, plan->bf16, &list, &count);
    *missing = 0;
    for (int i = 0; i < count; i++)
        *missing += !plan_find(plan, &list[i].spec, list[i].size);
    free(list);
    return rc;
}

static enum status can_do(const struct conv_spec *spec, enum conv_method method)
{
    struct convolution *convolution;
    const enum status rc = convolution_create(&convolution, spec, method, NULL);
    convolution_destroy(&convolution);
    return rc;
}

enum status planner_fixed(const struct planner_options *options, enum conv_method method, struct plan *plan)
{
    struct operation *list;
    int count;
    enum status rc = list_operations(options, plan->bf16, &list, &count);
    for (int i = 0; rc == STATUS_OK && i < count; i++) {
        rc = can_do(&list[i].spec, method);
        plan_set(plan, &list[i].spec, list[i].size, rc == STATUS_OK ? method : CONV_DIRECT, 0);
        rc = rc == STATUS_UNSUPPORTED ? STATUS_OK : rc;
    }
    free(list);
    return rc;
}

static enum status check(const struct network *network, const struct operation *operation, const struct plan *plan)
{
    const char *name = network_conv(network, operation->spec.parts[0])->name;
    const char *direction = operation->spec.backward ? "backward" : "forward";
    const struct plan_entry *entry = plan_find(plan, &operation->spec, operation->size);
    if (!entry)
        return fail(STATUS_UNSUPPORTED, "it does not know %s %s of %d pixels; it was made for other targets", name, direction,
                    plan_sides[operation->size]);
    const enum conv_method method = (enum conv_method)entry->method;
    return fail_in(can_do(&operation->spec, method), "%s of %s %s", conv_method_name(method), name, direction);
}

enum status planner_check(const struct planner_options *options, const struct plan *plan)
{
    struct operation *list;
    int count;
    enum status rc = list_operations(options, plan->bf16, &list, &count);
    for (int i = 0; rc == STATUS_OK && i < count; i++)
        rc = check(options->network, &list[i], plan);
    free(list);
    return rc;
}

// Memory for one operation: its tensors with values like those of a picture, bits of ReLUs, scratch.
struct workspace {
    char *memory;
    size_t bytes;
    size_t in_bytes; // of the operation's input, first in `memory`
    char *flush;     // FLUSH_BYTES: read, they drive all else out of the caches
    struct simd_out out[SIMD_BLOCKS_MAX];
    const void *in[SIMD_BLOCKS_MAX];
};

static enum status grow(struct workspace *work, size_t bytes)
{
    if (bytes <= work->bytes)
        return STATUS_OK;
    free(work->memory);
    work->memory = aligned_alloc(PAGE, (bytes + PAGE - 1) / PAGE * PAGE);
    work->bytes = work->memory ? bytes : 0;
    return work->memory ? STATUS_OK : no_memory("to time convolutions (%zu MiB)", bytes >> 20);
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

// Where the operation's tensors lie; the scratch comes last, at *scratch.
static enum status lay_out(struct workspace *work, const struct conv_spec *spec, const struct weight_cache *cache, size_t scratch_bytes,
                           void **scratch)
{
    const struct view in = conv_source(spec), out = conv_result(spec);
    const size_t in_bytes = arena_aligned((size_t)view_blocks(&in) * view_block_bytes(&in));
    const size_t out_bytes = arena_aligned((size_t)view_blocks(&out) * view_block_bytes(&out));
    const size_t mask = view_pixels(&out) * (size_t)onednn_block() / 8, masks = arena_aligned((size_t)view_blocks(&out) * mask);
    TRY(grow(work, in_bytes + out_bytes + masks + scratch_bytes));
    work->in_bytes = in_bytes;
    char *to = work->memory + in_bytes, *bits = to + out_bytes;
    *scratch = bits + masks;
    fill(work->memory, in_bytes, in.bf16);
    fill(to, out_bytes, out.bf16);
    memset(bits, 0x5a, masks);
    for (int b = 0; b < view_blocks(&in); b++)
        work->in[b] = work->memory + (size_t)b * view_block_bytes(&in);
    for (int b = 0; b < view_blocks(&out); b++) {
        work->out[b] = (struct simd_out){.data = to + (size_t)b * view_block_bytes(&out), .bf16 = out.bf16};
        if (out.planar) {
            work->out[b].plane = view_pixels(&out);
        } else if (spec->backward) {
            work->out[b].accumulate = spec->accumulate;
            work->out[b].gate = (uint8_t *)bits + (size_t)b * mask;
            work->out[b].rule = GATE_MASK_POSITIVE;
        }
    }
    for (int p = 0, b = 0; !spec->backward && p < spec->part_count; p++)
        for (int k = 0; k < spec->part_channels[p] / onednn_block(); k++, b++)
            if (!spec->linear[p]) {
                work->out[b].bias = weight_cache_bias(cache, spec->parts[p]) + k * onednn_block();
                work->out[b].relu = true;
                work->out[b].mask = (uint8_t *)bits + (size_t)b * mask;
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

struct candidate {
    enum conv_method method;
    struct convolution *convolution;
    double best; // seconds
    bool out;
};

static enum status run_candidates(const struct workspace *work, struct candidate *candidates, int count)
{
    for (int round = 0; round < ROUNDS; round++) {
        double best = 0;
        for (int i = 0; i < count; i++) {
            struct candidate *c = &candidates[i];
            if (c->out)
                continue;
            // As in a whole step: the operation before has left the input in the caches, and weights were last seen a step ago.
            read_all(work->flush, FLUSH_BYTES);
            read_all(work->memory, work->in_bytes);
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
    double best = candidates[0].best;
    for (int i = 1; i < count; i++)
        best = candidates[i].best < best ? candidates[i].best : best;
    while (candidates->best > close * best)
        candidates++;
    return candidates;
}

static enum status time_operation(const struct planner_options *options, struct workspace *work, const struct conv_spec *spec,
                                  struct plan_entry *entry)
{
    struct candidate candidates[CONV_METHODS] = {0};
    struct weight_cache *cache = NULL;
    size_t scratch_bytes = 0;
    void *scratch;
    int count = 0;
    enum status rc;
    TRY_OUT(weight_cache_create(&cache, options->network, options->weights));
    for (enum conv_method method = 0; method < CONV_METHODS; method++) {
        rc = convolution_create(&candidates[count].convolution, spec, method, cache);
        if (rc == STATUS_UNSUPPORTED)
            continue;
        TRY_OUT(rc);
        if (convolution_is_reference(candidates[count].convolution)) {
            convolution_destroy(&candidates[count].convolution);
            continue;
        }
        const size_t bytes = convolution_scratch_bytes(candidates[count].convolution);
        scratch_bytes = bytes > scratch_bytes ? bytes : scratch_bytes;
        candidates[count++].method = method;
    }
    TRY_OUT(lay_out(work, spec, cache, scratch_bytes, &scratch));
    for (int i = 0; i < count; i++)
        TRY_OUT(convolution_bind(candidates[i].convolution, work->in, work->out, scratch));
    TRY_OUT(run_candidates(work, candidates, count));
    const struct candidate *chosen = choose(candidates, count);
    entry->method = (uint8_t)chosen->method;
    entry->seconds = (float)chosen->best;
out:
    for (int i = 0; i < CONV_METHODS; i++)
        convolution_destroy(&candidates[i].convolution);
    weight_cache_destroy(&cache);
    return rc;
}

// But for their weights.
static bool alike(struct conv_spec a, struct conv_spec b)
{
    memset(a.parts, 0, sizeof a.parts);
    memset(b.parts, 0, sizeof b.parts);
    return memcmp(&a.shape, &b.shape, sizeof a.shape) == 0 && a.backward == b.backward && a.part_count == b.part_count &&
           memcmp(a.linear, b.linear, sizeof a.linear) == 0 && a.accumulate == b.accumulate && a.image == b.image &&
           a.src_bf16 == b.src_bf16 && a.dst_bf16 == b.dst_bf16;
}

// The one before `operation` in the list that was timed and is like it; NULL.
static const struct operation *find_timed(const struct operation *list, const struct operation *operation)
{
    while (list < operation && !(list->timed && alike(list->spec, operation->spec)))
        list++;
    return list < operation ? list : NULL;
}

enum status planner_complete(const struct planner_options *options, struct plan *plan)
{
    struct workspace work = {.flush = aligned_alloc(PAGE, FLUSH_BYTES)};
    struct operation *list = NULL;
    int count, missing = 0, done = 0;
    enum status rc;
    if (!work.flush)
        TRY_OUT(no_memory("to plan"));
    memset(work.flush, 1, FLUSH_BYTES);
    TRY_OUT(planner_missing(options, plan, &missing));
    TRY_OUT(list_operations(options, plan->bf16, &list, &count));
    for (struct operation *o = list; o < list + count; o++) {
        const struct operation *same = find_timed(list, o);
        struct plan_entry entry = {0};
        if (plan_find(plan, &o->spec, o->size))
            continue;
        if (same)
            entry = *plan_find(plan, &same->spec, same->size);
        else
            TRY_OUT(time_operation(options, &work, &o->spec, &entry));
        o->timed = true;
        plan_set(plan, &o->spec, o->size, (enum conv_method)entry.method, entry.seconds);
        if (options->progress && !options->progress(options->context, ++done, missing))
            TRY_OUT(fail(STATUS_STOPPED, "stopped while convolutions were timed"));
    }
out:
    free(list);
    free(work.flush);
    free(work.memory);
    return rc;
}
