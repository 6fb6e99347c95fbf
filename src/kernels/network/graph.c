// SPDX-License-Identifier: MIT
#include "kernels/network/graph.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/network/graph_nodes.h"

struct builder {
    const struct graph_options *options;
    const struct network *network;
    struct graph *graph;
    struct node *nodes;
    int op_capacity;
};

static enum status add_buffer(struct graph *graph, size_t bytes, int *buffer)
{
    // Grown by one: a graph has some hundreds of buffers and is built once for a size.
    struct buffer *grown = realloc(graph->buffers, ((size_t)graph->buffer_count + 1) * sizeof *grown);
    if (!grown)
        return fail(STATUS_LIMIT, "no memory for the graph");
    graph->buffers = grown;
    *buffer = graph->buffer_count++;
    grown[*buffer] = (struct buffer){.bytes = bytes, .first = 1, .last = 0};
    return STATUS_OK;
}

static enum status add_tensor(struct builder *b, const struct node *node, int channels, bool bf16, struct view *view)
{
    *view = (struct view){.channels = channels, .height = node->height, .width = node->width, .bf16 = bf16};
    return add_buffer(b->graph, graph_tensor_bytes(channels, node->height, node->width, bf16), &view->buffer);
}

static enum status add_op(struct builder *b, const struct op *op)
{
    struct graph *graph = b->graph;
    if (graph->op_count == b->op_capacity) {
        b->op_capacity = b->op_capacity ? 2 * b->op_capacity : 256;
        struct op *grown = realloc(graph->ops, (size_t)b->op_capacity * sizeof *grown);
        if (!grown)
            return fail(STATUS_LIMIT, "no memory for the graph");
        graph->ops = grown;
    }
    graph->ops[graph->op_count] = *op;
    graph->ops[graph->op_count++].scratch = NO_BUFFER;
    return STATUS_OK;
}

// An operation of one input and one result.
static struct op simple_op(enum op_kind kind, int layer, struct view in, struct view out)
{
    return (struct op){.kind = kind,
                       .layer = layer,
                       .input_count = 1,
                       .inputs = {in},
                       .result_count = 1,
                       .results = {{.view = out, .layer = layer, .mask = NO_BUFFER, .gate = NO_BUFFER}},
                       .index = NO_BUFFER};
}

static struct view part_of(struct view whole, const struct node *node, int channels)
{
    return (struct view){.buffer = whole.buffer,
                         .offset = whole.offset + node->enclosing_offset,
                         .channels = channels,
                         .height = node->height,
                         .width = node->width,
                         .bf16 = whole.bf16};
}

static bool is_root(const struct builder *b, int layer)
{
    return b->nodes[layer].enclosing == layer;
}

// Activations and gradients of every needed layer. A target that is not inside another tensor keeps its gradient where its activation is.
static enum status add_tensors(struct builder *b)
{
    for (int i = b->network->layer_count - 1; i >= 1; i--) {
        struct node *node = &b->nodes[i];
        const int channels = b->network->layers[i].channels;
        const bool bf16 = graph_nodes_bf16(b->options, i);
        if (!node->needed)
            continue;
        if (node->swapped && node->leader >= 0) {
            TRY(add_tensor(b, node, channels, bf16, &node->before));
            TRY(add_tensor(b, node, channels, bf16, &node->before_gradient));
        }
        if (!is_root(b, i)) { // the enclosing tensor has a higher row number and is there already
            node->activation = part_of(b->nodes[node->enclosing].activation, node, channels);
            node->gradient = part_of(b->nodes[node->enclosing].gradient, node, channels);
            continue;
        }
        TRY(add_tensor(b, node, channels, bf16, &node->activation));
        node->gradient = node->activation;
        if (node->target < 0 || bf16)
            TRY(add_tensor(b, node, channels, bf16, &node->gradient));
    }
    struct node *input = &b->nodes[0];
    input->activation = (struct view){.channels = 3, .height = input->height, .width = input->width, .planar = true};
    const size_t planar = 3 * (size_t)input->height * (size_t)input->width * sizeof(float);
    TRY(add_buffer(b->graph, planar, &input->activation.buffer));
    input->gradient = input->activation;
    TRY(add_buffer(b->graph, planar, &input->gradient.buffer));
    b->graph->image = input->activation;
    b->graph->gradient = input->gradient;
    return STATUS_OK;
}

static size_t value_count(const struct view *view)
{
    return (size_t)view->channels * (size_t)view->height * (size_t)view->width;
}

// One operation for all convolutions that `leader` leads.
static enum status add_convolutions(struct builder *b, int leader)
{
    struct op op = {.kind = OP_CONV, .layer = leader, .index = NO_BUFFER, .input_count = 1};
    op.inputs[0] = b->nodes[b->nodes[leader].source].activation;
    for (int i = leader; i < b->network->layer_count; i++) {
        struct node *node = &b->nodes[i];
        if (!node->needed || node->leader != leader)
            continue;
        struct op_result *result = &op.results[op.result_count++];
        TRY(add_buffer(b->graph, value_count(&node->activation) / 8, &node->mask));
        *result = (struct op_result){.view = node->activation, .layer = i, .relu = true, .mask = node->mask, .gate = NO_BUFFER};
        if (node->swapped)
            *result = (struct op_result){.view = node->before, .layer = i, .mask = NO_BUFFER, .gate = NO_BUFFER};
        op.parts[op.part_count++] = i;
    }
    return add_op(b, &op);
}

static enum status add_forward(struct builder *b, int row)
{
    const struct layer *layer = &b->network->layers[row];
    struct node *node = &b->nodes[row];
    struct op op;
    enum status rc = STATUS_OK;
    switch (layer->kind) {
    case LAYER_CONV:
        if (node->leader == row)
            TRY(add_convolutions(b, row));
        if (node->swapped) {
            op = simple_op(OP_AVG_POOL, row, node->before, node->activation);
            op.results[0].relu = true;
            op.results[0].mask = node->mask;
            TRY(add_op(b, &op));
        }
        break;
    case LAYER_MAX_POOL:
        TRY(add_buffer(b->graph, value_count(&node->activation), &node->mask));
        op = simple_op(OP_MAX_POOL, row, b->nodes[node->source].activation, node->activation);
        op.index = node->mask;
        TRY(add_op(b, &op));
        break;
    case LAYER_AVG_POOL:
        op = simple_op(OP_AVG_POOL, row, b->nodes[node->source].activation, node->activation);
        if (!node->swapped)
            TRY(add_op(b, &op));
        break;
    case LAYER_CONCAT: // its parts are in place already
    case LAYER_INPUT:
        break;
    }
    if (node->target < 0)
        return rc;
    struct view *target = &b->graph->targets[node->target].view;
    b->graph->targets[node->target].activation = node->activation;
    if (is_root(b, row) && !graph_nodes_bf16(b->options, row)) {
        *target = node->activation;
        node->has_gradient = true;
    } else {
        TRY(add_tensor(b, node, layer->channels, false, target));
        op = simple_op(OP_PASS, row, node->activation, *target);
        TRY(add_op(b, &op));
    }
    b->graph->targets[node->target].behind = b->graph->op_count;
    return rc;
}

// What later layers and, in place already or added here, the caller have made of a target's gradient is the whole of it.
static enum status add_tap(struct builder *b, int row)
{
    struct node *node = &b->nodes[row], *root = &b->nodes[node->enclosing];
    struct graph_target *target = &b->graph->targets[node->target];
    struct op op = simple_op(OP_PASS, row, target->view, node->gradient);
    op.results[0].accumulate = root->has_gradient;
    if (!is_root(b, row) || graph_nodes_bf16(b->options, row))
        TRY(add_op(b, &op));
    root->has_gradient = true;
    target->tap = b->graph->op_count;
    op = simple_op(OP_TAP, row, node->gradient, target->view);
    return add_op(b, &op);
}

static void add_result(struct builder *b, struct op *op, int row, bool accumulate, bool last)
{
    const struct layer *layer = &b->network->layers[row];
    struct node *node = &b->nodes[row];
    if (layer->kind == LAYER_CONCAT) {
        for (int k = 0; k < layer->input_count; k++)
            add_result(b, op, layer->inputs[k], accumulate, last && node->target < 0);
        return;
    }
    assert(op->result_count < GRAPH_RESULTS_MAX);
    struct op_result *result = &op->results[op->result_count++];
    *result = (struct op_result){.view = node->gradient, .layer = row, .mask = NO_BUFFER, .gate = NO_BUFFER, .accumulate = accumulate};
    if (last && layer->kind == LAYER_CONV && node->target < 0) { // before a tap there is no gate
        result->gate = node->mask;
        node->gated = true;
    }
}

// The gradient of what `source` is, as the result of `op`. The last that writes to it applies the gates of the ReLUs.
static enum status add_gradient(struct builder *b, struct op *op, int source)
{
    struct node *node = &b->nodes[source];
    assert(is_root(b, source) && node->writers > 0); // parts are read through their concatenation only
    op->result_count = 0;
    add_result(b, op, source, node->has_gradient, --node->writers == 0);
    node->has_gradient = true;
    return add_op(b, op);
}

// Gradient of this layer's output -> gradient of its input.
static enum status add_backward(struct builder *b, int row)
{
    const struct layer *layer = &b->network->layers[row];
    struct node *node = &b->nodes[row];
    struct op op;
    enum status rc = STATUS_OK;
    if (node->target >= 0)
        TRY(add_tap(b, row));
    switch (layer->kind) {
    case LAYER_CONV:
        op = simple_op(OP_PASS, row, node->gradient, node->gradient);
        op.results[0].gate = node->mask;
        if (!node->gated)
            TRY(add_op(b, &op));
        op = simple_op(OP_AVG_POOL_BACKWARD, row, node->gradient, node->before_gradient);
        if (node->swapped)
            TRY(add_op(b, &op));
        if (node->leader != row)
            break;
        op = (struct op){.kind = OP_CONV_BACKWARD, .layer = row, .index = NO_BUFFER};
        for (int i = row; i < b->network->layer_count; i++)
            if (b->nodes[i].needed && b->nodes[i].leader == row) {
                op.inputs[op.input_count++] = b->nodes[i].swapped ? b->nodes[i].before_gradient : b->nodes[i].gradient;
                op.parts[op.part_count++] = i;
            }
        rc = add_gradient(b, &op, node->source);
        break;
    case LAYER_MAX_POOL:
        op = simple_op(OP_MAX_POOL_BACKWARD, row, node->gradient, node->gradient);
        op.index = node->mask;
        rc = add_gradient(b, &op, node->source);
        break;
    case LAYER_AVG_POOL:
        op = simple_op(OP_AVG_POOL_BACKWARD, row, node->gradient, node->gradient);
        if (!node->swapped)
            rc = add_gradient(b, &op, node->source);
        break;
    case LAYER_CONCAT: // the gradients of its parts are in place already
    case LAYER_INPUT:
        break;
    }
    return rc;
}

static void touch(struct graph *graph, int buffer, int op)
{
    if (buffer == NO_BUFFER)
        return;
    struct buffer *self = &graph->buffers[buffer];
    if (self->first > self->last)
        self->first = op;
    self->last = op;
}

static void find_lifetimes(struct graph *graph)
{
    for (int i = 0; i < graph->op_count; i++) {
        const struct op *op = &graph->ops[i];
        if (op->kind == OP_TARGETS) {
            for (int t = 0; t < graph->target_count; t++)
                touch(graph, graph->targets[t].view.buffer, i);
            continue;
        }
        for (int k = 0; k < op->input_count; k++)
            touch(graph, op->inputs[k].buffer, i);
        for (int k = 0; k < op->result_count; k++) {
            touch(graph, op->results[k].view.buffer, i);
            touch(graph, op->results[k].mask, i);
            touch(graph, op->results[k].gate, i);
        }
        touch(graph, op->index, i);
    }
}

static enum status build(struct builder *b)
{
    TRY(graph_nodes_find(b->nodes, b->options));
    TRY(add_tensors(b));
    for (int i = 1; i < b->network->layer_count; i++)
        if (b->nodes[i].needed)
            TRY(add_forward(b, i));
    b->graph->targets_op = b->graph->op_count;
    TRY(add_op(b, &(struct op){.kind = OP_TARGETS, .index = NO_BUFFER}));
    for (int i = b->network->layer_count - 1; i >= 1; i--)
        if (b->nodes[i].needed)
            TRY(add_backward(b, i));
    find_lifetimes(b->graph);
    return STATUS_OK;
}

enum status graph_create(struct graph **graph, const struct graph_options *options)
{
    const struct network *network = options->network;
    struct builder b = {.options = options, .network = network};
    enum status rc;
    *graph = b.graph = calloc(1, sizeof *b.graph);
    b.nodes = calloc((size_t)network->layer_count, sizeof *b.nodes);
    if (!b.graph || !b.nodes) {
        rc = fail(STATUS_LIMIT, "no memory for the graph");
        goto out;
    }
    if (options->target_count < 1 || options->target_count > GRAPH_TARGETS_MAX) {
        rc = fail(STATUS_USAGE, "%d targets: there must be 1 to %d", options->target_count, GRAPH_TARGETS_MAX);
        goto out;
    }
    b.graph->width = options->width;
    b.graph->height = options->height;
    b.graph->target_count = options->target_count;
    for (int i = 0; i < network->layer_count; i++)
        b.nodes[i].mask = NO_BUFFER;
    for (int t = 0; t < options->target_count; t++)
        b.graph->targets[t].layer = options->targets[t];
    rc = build(&b);
out:
    free(b.nodes);
    if (rc != STATUS_OK)
        graph_destroy(graph);
    return rc;
}

void graph_destroy(struct graph **graph)
{
    if (!*graph)
        return;
    free((*graph)->ops);
    free((*graph)->buffers);
    free(*graph);
    *graph = NULL;
}

enum status graph_add_scratch(struct graph *graph, int op, size_t bytes)
{
    enum status rc = bytes ? add_buffer(graph, bytes, &graph->ops[op].scratch) : STATUS_OK;
    if (rc == STATUS_OK && bytes)
        touch(graph, graph->ops[op].scratch, op);
    return rc;
}
