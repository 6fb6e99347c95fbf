// SPDX-License-Identifier: MIT
#include "kernels/execution/executor.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/convolution/convolution.h"
#include "kernels/network/arena.h"
#include "kernels/onednn/onednn.h"
#include "kernels/simd/simd.h"

// What an operation needs to run; the graph's op of the same number says the rest.
struct runner {
    struct convolution *convolution;
    struct simd_pool *pool;
    void (*run_pool)(const struct simd_pool *);
    struct simd_out *out; // the blocks of all results
};

struct executor {
    const struct network *network;
    const struct weight_cache *cache;
    struct graph *graph;
    struct runner *runners; // [graph->op_count]
    size_t bytes;
    char *memory;
    struct gradient_rule rule; // that the gates are set for
    void (*between)(void *context);
    void *between_context;
    void (*on_gradient)(void *context, int target, const struct tensor *gradient);
    void *gradient_context;
};

static void *at(const struct executor *ex, const struct view *view)
{
    return ex->memory + ex->graph->buffers[view->buffer].offset + view->offset;
}

static void *buffer_at(const struct executor *ex, int buffer)
{
    return buffer == NO_BUFFER ? NULL : ex->memory + ex->graph->buffers[buffer].offset;
}

static enum status create_pool(const struct executor *ex, struct runner *runner, const struct op *op)
{
    const struct simd *simd = simd_here();
    const bool backward = op->kind == OP_MAX_POOL_BACKWARD || op->kind == OP_AVG_POOL_BACKWARD;
    const struct view *in = backward ? &op->results[0].view : &op->inputs[0], *out = backward ? &op->inputs[0] : &op->results[0].view;
    runner->run_pool = op->kind == OP_MAX_POOL            ? simd->max_pool
                       : op->kind == OP_MAX_POOL_BACKWARD ? simd->max_pool_backward
                       : op->kind == OP_AVG_POOL          ? simd->avg_pool
                                                          : simd->avg_pool_backward;
    TRY(ALLOCATE(runner->pool, 1, "for an executor"));
    *runner->pool = (struct simd_pool){.blocks = view_blocks(&op->inputs[0]),
                                       .in_h = in->height,
                                       .in_w = in->width,
                                       .out_h = out->height,
                                       .out_w = out->width,
                                       .in_bf16 = op->inputs[0].bf16,
                                       .count_padding = ex->cache && weight_cache_count_padding(ex->cache),
                                       .out = runner->out};
    return STATUS_OK;
}

static enum status create_runner(struct executor *ex, const struct executor_options *options, int op_number)
{
    const struct op *op = &ex->graph->ops[op_number];
    struct runner *runner = &ex->runners[op_number];
    int blocks = 0;
    for (int r = 0; r < op->result_count; r++)
        blocks += view_blocks(&op->results[r].view);
    TRY(ALLOCATE(runner->out, (size_t)blocks + 1, "for an executor"));
    if (op_is_convolution(op)) {
        const struct conv_spec spec = conv_spec_of(ex->network, op);
        const enum conv_method method = plan_method(options->plan, &spec, options->width, options->height);
        TRY(fail_in(convolution_create(&runner->convolution, &spec, method, options->cache), "layer %s at %d x %d pixels",
                    ex->network->layers[op->layer].name, options->width, options->height));
        graph_add_scratch(ex->graph, op_number, convolution_scratch_bytes(runner->convolution));
    } else if (op->kind < OP_PASS) {
        TRY(create_pool(ex, runner, op));
    }
    return STATUS_OK;
}

static enum status create_graph(struct graph **graph, const struct executor_options *options)
{
    return graph_create(graph, &(struct graph_options){.network = options->network,
                                                       .width = options->width,
                                                       .height = options->height,
                                                       .target_count = options->target_count,
                                                       .targets = options->targets,
                                                       .bf16 = options->plan->bf16});
}

enum status executor_create(struct executor **executor, const struct executor_options *options)
{
    enum status rc;
    TRY(ALLOCATE(*executor, 1, "for an executor"));
    struct executor *ex = *executor;
    ex->network = options->network;
    ex->cache = options->cache;
    TRY_OUT(create_graph(&ex->graph, options));
    TRY_OUT(ALLOCATE(ex->runners, ex->graph->op_count, "for an executor"));
    for (int i = 0; i < ex->graph->op_count; i++)
        TRY_OUT(create_runner(ex, options, i));
    rc = arena_layout(ex->graph->buffers, ex->graph->buffer_count, &ex->bytes);
out:
    if (rc != STATUS_OK)
        executor_destroy(executor);
    return rc;
}

void executor_destroy(struct executor **executor)
{
    struct executor *ex = *executor;
    if (!ex)
        return;
    for (int i = 0; ex->runners && i < ex->graph->op_count; i++) {
        convolution_destroy(&ex->runners[i].convolution);
        free(ex->runners[i].pool);
        free(ex->runners[i].out);
    }
    free(ex->runners);
    graph_destroy(&ex->graph);
    free(ex);
    *executor = NULL;
}

size_t executor_bytes(const struct executor *ex)
{
    return ex->bytes;
}

static enum gate_rule rule_of(const struct executor *ex, const struct op_result *result)
{
    static const enum gate_rule rules[] = {
        [GRADIENT_MODE_GUIDED] = GATE_MASK_POSITIVE, [GRADIENT_MODE_PLAIN] = GATE_MASK, [GRADIENT_MODE_DECONV] = GATE_POSITIVE};
    return result->gate == NO_BUFFER ? GATE_OPEN : rules[result->layer > ex->rule.above ? ex->rule.mode : GRADIENT_MODE_PLAIN];
}

static void bind_result(const struct executor *ex, const struct op_result *result, struct simd_out *out)
{
    const struct view *view = &result->view;
    const size_t mask_bytes = view_pixels(view) * (size_t)onednn_block() / 8;
    const float *bias = result->relu ? weight_cache_bias(ex->cache, ex->network->layers[result->layer].conv) : NULL;
    uint8_t *mask = buffer_at(ex, result->mask);
    const uint8_t *gate = buffer_at(ex, result->gate);
    for (int b = 0; b < view_blocks(view); b++)
        out[b] = (struct simd_out){.bias = bias ? bias + b * onednn_block() : NULL,
                                   .accumulate = result->accumulate,
                                   .relu = result->relu,
                                   .mask = mask ? mask + (size_t)b * mask_bytes : NULL,
                                   .gate = gate ? gate + (size_t)b * mask_bytes : NULL,
                                   .rule = rule_of(ex, result),
                                   .leak = ex->rule.leak,
                                   .data = (char *)at(ex, view) + (size_t)b * view_block_bytes(view),
                                   .bf16 = view->bf16,
                                   .plane = view->planar ? view_pixels(view) : 0};
}

// The blocks of all inputs; of the image its planes.
static int bind_inputs(const struct executor *ex, const struct op *op, const void **in)
{
    int count = 0;
    for (int k = 0; k < op->input_count; k++) {
        const struct view *view = &op->inputs[k];
        for (int b = 0; b < view_blocks(view); b++)
            in[count++] = (char *)at(ex, view) + (size_t)b * view_block_bytes(view);
    }
    return count;
}

static enum status bind_runner(const struct executor *ex, int op_number)
{
    const struct op *op = &ex->graph->ops[op_number];
    const struct runner *runner = &ex->runners[op_number];
    const void *in[SIMD_BLOCKS_MAX];
    struct simd_out *out = runner->out;
    for (int r = 0; r < op->result_count; out += view_blocks(&op->results[r++].view))
        bind_result(ex, &op->results[r], out);
    const int count = bind_inputs(ex, op, in);
    if (runner->convolution)
        return convolution_bind(runner->convolution, in, runner->out, buffer_at(ex, op->scratch));
    if (runner->pool) {
        memcpy(runner->pool->in, in, (size_t)count * sizeof in[0]);
        for (int b = 0; op->index != NO_BUFFER && b < runner->pool->blocks; b++)
            runner->pool->index[b] = (uint8_t *)buffer_at(ex, op->index) +
                                     (size_t)b * (size_t)runner->pool->out_h * (size_t)runner->pool->out_w * (size_t)onednn_block();
    }
    return STATUS_OK;
}

enum status executor_bind(struct executor *ex, void *memory)
{
    enum status rc = STATUS_OK;
    if (ex->memory == memory)
        return STATUS_OK;
    ex->memory = memory;
    for (int i = 0; rc == STATUS_OK && i < ex->graph->op_count; i++)
        rc = bind_runner(ex, i);
    if (rc != STATUS_OK)
        ex->memory = NULL;
    return rc;
}

static void set_rule(struct executor *ex, struct gradient_rule rule)
{
    if (ex->rule.mode == rule.mode && ex->rule.above == rule.above && ex->rule.leak == rule.leak)
        return;
    ex->rule = rule;
    for (int i = ex->graph->targets_op; i < ex->graph->op_count; i++) {
        const struct op *op = &ex->graph->ops[i];
        struct simd_out *out = ex->runners[i].out;
        for (int r = 0; r < op->result_count; r++)
            for (int b = 0; b < view_blocks(&op->results[r].view); b++, out++) {
                out->rule = rule_of(ex, &op->results[r]);
                out->leak = rule.leak;
            }
    }
}

float *executor_image(struct executor *ex)
{
    return at(ex, &ex->graph->image);
}

const float *executor_gradient(const struct executor *ex)
{
    return at(ex, &ex->graph->gradient);
}

static struct tensor tensor_at(const struct executor *ex, const struct view *view)
{
    return (struct tensor){
        .data = at(ex, view), .channels = view->channels, .height = view->height, .width = view->width, .block = onednn_block()};
}

struct tensor executor_target(struct executor *ex, int target)
{
    return tensor_at(ex, &ex->graph->targets[target].view);
}

// out = in
static void pass(const struct executor *ex, const struct view *in, const struct simd_out *out)
{
    simd_here()->pass(
        &(struct simd_pass){.in = at(ex, in), .in_bf16 = in->bf16, .blocks = view_blocks(in), .pixels = view_pixels(in), .out = out});
}

static void tap(const struct executor *ex, int op_number)
{
    const struct op *op = &ex->graph->ops[op_number];
    int target = 0;
    if (!ex->on_gradient)
        return;
    while (ex->graph->targets[target].layer != op->layer)
        target++;
    if (op->inputs[0].bf16) // to where the caller wrote the target's own part, which has been added
        pass(ex, &op->inputs[0], ex->runners[op_number].out);
    const struct tensor gradient = tensor_at(ex, op->inputs[0].bf16 ? &op->results[0].view : &op->inputs[0]);
    ex->on_gradient(ex->gradient_context, target, &gradient);
}

enum status executor_run_op(struct executor *ex, int number)
{
    const struct op *op = &ex->graph->ops[number];
    const struct runner *runner = &ex->runners[number];
    if (runner->convolution)
        return convolution_run(runner->convolution);
    if (runner->pool)
        runner->run_pool(runner->pool);
    else if (op->kind == OP_PASS)
        pass(ex, &op->inputs[0], runner->out);
    else if (op->kind == OP_TAP)
        tap(ex, number);
    return STATUS_OK;
}

void executor_between(struct executor *ex, void (*call)(void *context), void *context)
{
    ex->between = call;
    ex->between_context = context;
}

void executor_on_gradient(struct executor *ex, void (*call)(void *context, int target, const struct tensor *gradient), void *context)
{
    ex->on_gradient = call;
    ex->gradient_context = context;
}

static enum status run_range(struct executor *ex, int first, int end)
{
    enum status rc = STATUS_OK;
    for (int i = first; rc == STATUS_OK && i < end; i++) {
        rc = executor_run_op(ex, i);
        if (ex->between)
            ex->between(ex->between_context);
    }
    return rc;
}

enum status executor_forward(struct executor *ex)
{
    return run_range(ex, 0, ex->graph->targets_op);
}

enum status executor_forward_from(struct executor *ex, int target)
{
    const struct graph_target *from = &ex->graph->targets[target];
    assert(network_is_cut(ex->network, from->layer));
    if (from->activation.bf16) {
        struct simd_out out[SIMD_BLOCKS_MAX] = {0};
        for (int b = 0; b < view_blocks(&from->activation); b++) {
            out[b].data = (char *)at(ex, &from->activation) + (size_t)b * view_block_bytes(&from->activation);
            out[b].bf16 = true;
        }
        pass(ex, &from->view, out);
    }
    return run_range(ex, from->behind, ex->graph->targets_op);
}

enum status executor_backward(struct executor *ex, struct gradient_rule rule, int target)
{
    set_rule(ex, rule);
    return run_range(ex, ex->graph->targets_op + 1, target == EXECUTOR_IMAGE ? ex->graph->op_count : ex->graph->targets[target].tap + 1);
}

const struct graph *executor_graph(const struct executor *ex)
{
    return ex->graph;
}

struct executor_op executor_op(const struct executor *ex, int number)
{
    static const char *const works[] = {[OP_CONV] = "convolution",
                                        [OP_CONV_BACKWARD] = "convolution backward",
                                        [OP_MAX_POOL] = "max pool",
                                        [OP_MAX_POOL_BACKWARD] = "max pool backward",
                                        [OP_AVG_POOL] = "average pool",
                                        [OP_AVG_POOL_BACKWARD] = "average pool backward",
                                        [OP_PASS] = "pass",
                                        [OP_TARGETS] = "targets",
                                        [OP_TAP] = "tap"};
    const struct op *op = &ex->graph->ops[number];
    struct executor_op found = {
        .layer = ex->network->layers[op->layer].name, .work = works[op->kind], .method = "", .backward = number > ex->graph->targets_op};
    if (op_is_convolution(op)) {
        const struct conv_spec spec = conv_spec_of(ex->network, op);
        found.method = conv_method_name(convolution_method(ex->runners[number].convolution));
        found.flop = conv_flop(&spec);
        found.part_count = op->part_count;
        for (int p = 0; p < op->part_count; p++)
            found.parts[p] = ex->network->layers[op->parts[p]].name;
    }
    return found;
}

double executor_flop(const struct executor *ex)
{
    double flop = 0;
    for (int i = 0; i < ex->graph->op_count; i++)
        flop += executor_op(ex, i).flop;
    return flop;
}

enum status executor_estimate(const struct executor_options *options, size_t *bytes)
{
    struct graph *graph;
    TRY(create_graph(&graph, options));
    const enum status rc = arena_layout(graph->buffers, graph->buffer_count, bytes);
    graph_destroy(&graph);
    return rc;
}
