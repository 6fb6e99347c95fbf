// SPDX-License-Identifier: MIT
#include "kernels/executor.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/arena.h"
#include "kernels/dnn.h"

// What an operation needs to run; the graph's op of the same number says the rest.
struct runner {
    struct dnn_primitive *primitive; // NULL: one of our own passes
    const struct dnn_weights *weights;
    const float *bias;
};

struct executor {
    const struct network *network;
    struct graph *graph;
    struct runner *runners; // [graph->op_count]
    size_t bytes;
    char *memory;
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

static bool is_backward(enum op_kind kind)
{
    return kind == OP_CONV_BACKWARD || kind == OP_MAX_POOL_BACKWARD || kind == OP_AVG_POOL_BACKWARD;
}

static struct dnn_shape forward_shape(const struct layer *layer, const struct view *src, const struct view *dst)
{
    return (struct dnn_shape){.src_channels = src->channels,
                              .src_h = src->height,
                              .src_w = src->width,
                              .dst_channels = dst->channels,
                              .dst_h = dst->height,
                              .dst_w = dst->width,
                              .kernel_h = layer->kernel_h,
                              .kernel_w = layer->kernel_w,
                              .stride = layer->stride,
                              .pad_h = layer->same ? (layer->kernel_h - 1) / 2 : 0,
                              .pad_w = layer->same ? (layer->kernel_w - 1) / 2 : 0};
}

// The specification of an operation's primitive; false for our own passes.
static bool specify(const struct executor *ex, const struct plan *plan, const struct op *op, struct dnn_spec *spec)
{
    const struct layer *layer = &ex->network->layers[op->layer];
    *spec = (struct dnn_spec){.shape = is_backward(op->kind) ? forward_shape(layer, &op->out, &op->in)
                                                             : forward_shape(layer, &op->in, &op->out)};
    switch (op->kind) {
    case OP_CONV:
        spec->kind = DNN_CONV;
        spec->bias = spec->relu = true;
        spec->winograd = plan->forward[layer->conv].winograd;
        spec->planar_source = layer->inputs[0] == 0;
        return true;
    case OP_CONV_BACKWARD:
        spec->kind = DNN_CONV_BACKWARD_DATA;
        if (plan->backward[layer->conv].flipped) {
            const int pad_h = spec->shape.pad_h, pad_w = spec->shape.pad_w;
            spec->kind = DNN_CONV;
            spec->accumulate = op->accumulate;
            spec->winograd = plan->backward[layer->conv].winograd;
            spec->shape = forward_shape(layer, &op->in, &op->out);
            spec->shape.pad_h = layer->kernel_h - 1 - pad_h;
            spec->shape.pad_w = layer->kernel_w - 1 - pad_w;
        }
        return true;
    case OP_MAX_POOL:
        spec->kind = DNN_MAX_POOL;
        return true;
    case OP_MAX_POOL_BACKWARD:
        spec->kind = DNN_MAX_POOL_BACKWARD;
        return true;
    case OP_AVG_POOL:
        spec->kind = DNN_AVG_POOL;
        return true;
    case OP_AVG_POOL_BACKWARD:
        spec->kind = DNN_AVG_POOL_BACKWARD;
        return true;
    default:
        return false;
    }
}

static enum status create_runner(struct executor *ex, const struct executor_options *options, int op_number)
{
    const struct op *op = &ex->graph->ops[op_number];
    const int conv = ex->network->layers[op->layer].conv;
    struct runner *runner = &ex->runners[op_number];
    struct dnn_spec spec;
    enum status rc = STATUS_OK;
    if (!specify(ex, options->plan, op, &spec))
        return STATUS_OK;
    TRY(dnn_primitive_create(&runner->primitive, &spec));
    if (conv >= 0) {
        const bool flip = op->kind == OP_CONV_BACKWARD && options->plan->backward[conv].flipped;
        TRY(prepared_get(options->prepared, conv, runner->primitive, flip, &runner->weights));
        runner->bias = prepared_bias(options->prepared, conv);
    }
    if (op->kind == OP_MAX_POOL)
        ex->graph->buffers[op->extra].bytes = dnn_workspace_bytes(runner->primitive);
    TRY(graph_add_scratch(ex->graph, op_number, dnn_scratch_bytes(runner->primitive)));
out:
    return fail_in(rc, "layer %s at %d x %d pixels", ex->network->layers[op->layer].name, options->width, options->height);
}

static enum status create_graph(struct graph **graph, const struct executor_options *options)
{
    bool adds[PLAN_CONVS_MAX];
    for (int i = 0; i < options->network->conv_count; i++)
        adds[i] = options->plan->backward[i].flipped;
    return graph_create(graph, &(struct graph_options){.network = options->network,
                                                       .width = options->width,
                                                       .height = options->height,
                                                       .target_count = options->target_count,
                                                       .targets = options->targets,
                                                       .adds = adds});
}

enum status executor_create(struct executor **executor, const struct executor_options *options)
{
    enum status rc;
    struct executor *ex = *executor = calloc(1, sizeof *ex);
    if (!ex)
        return fail(STATUS_LIMIT, "no memory for an executor");
    ex->network = options->network;
    TRY(create_graph(&ex->graph, options));
    ex->runners = calloc((size_t)ex->graph->op_count, sizeof *ex->runners);
    if (!ex->runners) {
        rc = fail(STATUS_LIMIT, "no memory for an executor");
        goto out;
    }
    for (int i = 0; i < ex->graph->op_count; i++)
        TRY(create_runner(ex, options, i));
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
    for (int i = 0; ex->runners && i < ex->graph->op_count; i++)
        dnn_primitive_destroy(&ex->runners[i].primitive);
    free(ex->runners);
    graph_destroy(&ex->graph);
    free(ex);
    *executor = NULL;
}

size_t executor_bytes(const struct executor *ex)
{
    return ex->bytes;
}

enum status executor_bind(struct executor *ex, void *memory)
{
    if (ex->memory == memory)
        return STATUS_OK;
    ex->memory = memory;
    for (int i = 0; i < ex->graph->op_count; i++) {
        const struct op *op = &ex->graph->ops[i];
        const struct runner *runner = &ex->runners[i];
        if (!runner->primitive)
            continue;
        struct dnn_binding binding = {.src = at(ex, &op->in),
                                      .dst = at(ex, &op->out),
                                      .weights = runner->weights,
                                      .bias = runner->bias,
                                      .workspace = buffer_at(ex, op->extra),
                                      .scratch = buffer_at(ex, op->scratch)};
        if (is_backward(op->kind) && !dnn_runs_forward(runner->primitive)) {
            binding.src = at(ex, &op->out);
            binding.dst = at(ex, &op->in);
        }
        enum status rc = dnn_bind(runner->primitive, &binding);
        if (rc != STATUS_OK) {
            ex->memory = NULL;
            return rc;
        }
    }
    return STATUS_OK;
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
        .data = at(ex, view), .channels = view->channels, .height = view->height, .width = view->width, .block = dnn_block()};
}

struct tensor executor_target(struct executor *ex, int target)
{
    return tensor_at(ex, &ex->graph->targets[target].view);
}

static size_t value_count(const struct view *view)
{
    return (size_t)view->channels * (size_t)view->height * (size_t)view->width;
}

static void tap(const struct executor *ex, const struct op *op)
{
    const struct tensor gradient = tensor_at(ex, &op->in);
    int target = 0;
    while (ex->graph->targets[target].layer != op->layer)
        target++;
    if (ex->on_gradient)
        ex->on_gradient(ex->gradient_context, target, &gradient);
}

static enum status run(struct executor *ex, int op_number, enum gradient_mode mode, int above)
{
    const struct op *op = &ex->graph->ops[op_number];
    switch (op->kind) {
    case OP_RELU_MASK:
        relu_mask(at(ex, &op->in), buffer_at(ex, op->extra), value_count(&op->in));
        return STATUS_OK;
    case OP_RELU_GRADIENT:
        relu_gradient(at(ex, &op->out), buffer_at(ex, op->extra), value_count(&op->out), op->layer > above ? mode : GRADIENT_MODE_PLAIN);
        return STATUS_OK;
    case OP_COPY:
        memcpy(at(ex, &op->out), at(ex, &op->in), value_count(&op->in) * sizeof(float));
        return STATUS_OK;
    case OP_ADD:
        add(at(ex, &op->out), at(ex, &op->in), value_count(&op->out));
        return STATUS_OK;
    case OP_UNBLOCK:
        unblock_first(at(ex, &op->in), at(ex, &op->out), op->in.channels, (size_t)op->in.height * (size_t)op->in.width, dnn_block());
        return STATUS_OK;
    case OP_TARGETS:
        return STATUS_OK;
    case OP_TAP:
        tap(ex, op);
        return STATUS_OK;
    default:
        return dnn_run(ex->runners[op_number].primitive);
    }
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

static enum status run_range(struct executor *ex, int first, int end, enum gradient_mode mode, int above)
{
    enum status rc = STATUS_OK;
    for (int i = first; rc == STATUS_OK && i < end; i++) {
        rc = run(ex, i, mode, above);
        if (ex->between)
            ex->between(ex->between_context);
    }
    return rc;
}

enum status executor_forward(struct executor *ex)
{
    return run_range(ex, 0, ex->graph->targets_op, GRADIENT_MODE_PLAIN, 0);
}

enum status executor_forward_from(struct executor *ex, int target)
{
    const struct graph_target *from = &ex->graph->targets[target];
    assert(network_is_cut(ex->network, from->layer));
    return run_range(ex, from->behind, ex->graph->targets_op, GRADIENT_MODE_PLAIN, 0);
}

enum status executor_backward(struct executor *ex, enum gradient_mode mode, int above)
{
    return run_range(ex, ex->graph->targets_op + 1, ex->graph->op_count, mode, above);
}

enum status executor_backward_to(struct executor *ex, enum gradient_mode mode, int above, int target)
{
    return run_range(ex, ex->graph->targets_op + 1, ex->graph->targets[target].tap + 1, mode, above);
}

double executor_flop(const struct executor *ex)
{
    double flop = 0;
    for (int i = 0; i < ex->graph->op_count; i++) {
        const struct op *op = &ex->graph->ops[i];
        const struct layer *layer = &ex->network->layers[op->layer];
        const struct view *dst = op->kind == OP_CONV ? &op->out : &op->in;
        if (op->kind == OP_CONV || op->kind == OP_CONV_BACKWARD)
            flop += 2.0 * (double)value_count(dst) * layer->kernel_h * layer->kernel_w * ex->network->layers[layer->inputs[0]].channels;
    }
    return flop;
}

enum status executor_estimate(const struct executor_options *options, size_t *bytes)
{
    struct graph *graph = NULL;
    enum status rc;
    TRY(create_graph(&graph, options));
    for (int i = 0; i < graph->op_count; i++) // one byte a value: where the maximum was
        if (graph->ops[i].kind == OP_MAX_POOL)
            graph->buffers[graph->ops[i].extra].bytes = value_count(&graph->ops[i].out);
    rc = arena_layout(graph->buffers, graph->buffer_count, bytes);
out:
    graph_destroy(&graph);
    return rc;
}
