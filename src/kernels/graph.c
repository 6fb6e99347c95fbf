// SPDX-License-Identifier: MIT
#include "kernels/graph.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/dnn.h"

// What the builder knows of each row of the table.
struct node {
    bool needed;       // a target depends on it
    bool has_gradient; // something has been written to its gradient
    int height, width;
    int enclosing; // the needed concatenation that it is a part of, or itself
    size_t enclosing_offset;
    struct view activation, gradient;
    int extra;  // buffer of ReLU bits or arg-max
    int target; // number of the target, or -1
};

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

static enum status add_tensor(struct builder *b, const struct node *node, int channels, struct view *view)
{
    *view = (struct view){.channels = channels, .height = node->height, .width = node->width};
    return add_buffer(b->graph, dnn_tensor_bytes(channels, node->height, node->width), &view->buffer);
}

static enum status add_op(struct builder *b, struct op op)
{
    struct graph *graph = b->graph;
    if (graph->op_count == b->op_capacity) {
        b->op_capacity = b->op_capacity ? 2 * b->op_capacity : 256;
        struct op *grown = realloc(graph->ops, (size_t)b->op_capacity * sizeof *grown);
        if (!grown)
            return fail(STATUS_LIMIT, "no memory for the graph");
        graph->ops = grown;
    }
    op.scratch = NO_BUFFER;
    graph->ops[graph->op_count++] = op;
    return STATUS_OK;
}

static void mark_needed(struct builder *b, int layer)
{
    if (b->nodes[layer].needed)
        return;
    b->nodes[layer].needed = true;
    for (int k = 0; k < b->network->layers[layer].input_count; k++)
        mark_needed(b, b->network->layers[layer].inputs[k]);
}

static enum status find_sizes(struct builder *b)
{
    b->nodes[0].height = b->options->height;
    b->nodes[0].width = b->options->width;
    for (int i = 1; i < b->network->layer_count; i++) {
        const struct layer *layer = &b->network->layers[i];
        struct node *node = &b->nodes[i];
        if (!node->needed)
            continue;
        node->height = layer_output_size(layer, layer->kernel_h, b->nodes[layer->inputs[0]].height);
        node->width = layer_output_size(layer, layer->kernel_w, b->nodes[layer->inputs[0]].width);
        if (node->height < 1 || node->width < 1)
            return fail(STATUS_LIMIT, "%d x %d pixels are too few for layer %s; %d a side are enough for every layer", b->options->width,
                        b->options->height, layer->name, NETWORK_MIN_SIDE);
    }
    return STATUS_OK;
}

// Every tensor that is a part of a needed concatenation lies inside it. From the last row to the first, so that nesting resolves.
static void find_enclosing(struct builder *b)
{
    for (int i = b->network->layer_count - 1; i >= 0; i--) {
        const struct layer *layer = &b->network->layers[i];
        if (layer->kind != LAYER_CONCAT || !b->nodes[i].needed)
            continue;
        size_t offset = b->nodes[i].enclosing_offset;
        for (int k = 0; k < layer->input_count; k++) {
            struct node *part = &b->nodes[layer->inputs[k]];
            assert(part->enclosing == layer->inputs[k]); // a part belongs to one concatenation
            part->enclosing = b->nodes[i].enclosing;
            part->enclosing_offset = offset;
            offset += dnn_tensor_bytes(b->network->layers[layer->inputs[k]].channels, part->height, part->width);
        }
    }
}

static struct view part_of(struct view whole, const struct node *node, int channels)
{
    return (struct view){.buffer = whole.buffer,
                         .offset = whole.offset + node->enclosing_offset,
                         .channels = channels,
                         .height = node->height,
                         .width = node->width};
}

static bool is_root(const struct builder *b, int layer)
{
    return b->nodes[layer].enclosing == layer;
}

// Activations and gradients of every needed layer. A target that is not inside another tensor keeps its gradient where its activation is.
static enum status add_tensors(struct builder *b)
{
    enum status rc = STATUS_OK;
    for (int i = b->network->layer_count - 1; i >= 1; i--) {
        struct node *node = &b->nodes[i];
        const int channels = b->network->layers[i].channels;
        if (!node->needed)
            continue;
        if (!is_root(b, i)) { // the enclosing tensor has a higher row number and is there already
            node->activation = part_of(b->nodes[node->enclosing].activation, node, channels);
            node->gradient = part_of(b->nodes[node->enclosing].gradient, node, channels);
            continue;
        }
        TRY(add_tensor(b, node, channels, &node->activation));
        node->gradient = node->activation;
        if (node->target < 0)
            TRY(add_tensor(b, node, channels, &node->gradient));
    }
    struct node *input = &b->nodes[0];
    input->activation = (struct view){.channels = 3, .height = input->height, .width = input->width};
    const size_t planar = 3 * (size_t)input->height * (size_t)input->width * sizeof(float);
    TRY(add_buffer(b->graph, planar, &input->activation.buffer));
    b->graph->image = b->graph->gradient = input->activation;
    TRY(add_buffer(b->graph, planar, &b->graph->gradient.buffer));
    TRY(add_tensor(b, input, 3, &input->gradient));
out:
    return rc;
}

static size_t value_count(const struct view *view)
{
    return (size_t)view->channels * (size_t)view->height * (size_t)view->width;
}

static enum status add_forward(struct builder *b, int layer_number)
{
    const struct layer *layer = &b->network->layers[layer_number];
    struct node *node = &b->nodes[layer_number];
    const struct view in = b->nodes[layer->inputs[0]].activation, out = node->activation;
    enum status rc = STATUS_OK;
    switch (layer->kind) {
    case LAYER_CONV:
        TRY(add_buffer(b->graph, value_count(&out) / 8, &node->extra));
        TRY(add_op(b, (struct op){.kind = OP_CONV, .layer = layer_number, .in = in, .out = out, .extra = NO_BUFFER}));
        TRY(add_op(b, (struct op){.kind = OP_RELU_MASK, .layer = layer_number, .in = out, .out = out, .extra = node->extra}));
        break;
    case LAYER_MAX_POOL:
        TRY(add_buffer(b->graph, 0, &node->extra)); // oneDNN says how large
        TRY(add_op(b, (struct op){.kind = OP_MAX_POOL, .layer = layer_number, .in = in, .out = out, .extra = node->extra}));
        break;
    case LAYER_AVG_POOL:
        TRY(add_op(b, (struct op){.kind = OP_AVG_POOL, .layer = layer_number, .in = in, .out = out, .extra = NO_BUFFER}));
        break;
    case LAYER_CONCAT: // its parts are in place already
    case LAYER_INPUT:
        break;
    }
    if (node->target < 0)
        goto out;
    struct view *target = &b->graph->targets[node->target].view;
    if (is_root(b, layer_number)) {
        *target = node->activation;
        node->has_gradient = true;
    } else {
        TRY(add_tensor(b, node, layer->channels, target));
        TRY(add_op(b, (struct op){.kind = OP_COPY, .layer = layer_number, .in = node->activation, .out = *target, .extra = NO_BUFFER}));
    }
    b->graph->targets[node->target].behind = b->graph->op_count;
out:
    return rc;
}

// What later layers and, in place already or added here, the caller have made of a target's gradient is the whole of it.
static enum status add_tap(struct builder *b, int layer_number)
{
    const struct node *node = &b->nodes[layer_number];
    struct graph_target *target = &b->graph->targets[node->target];
    enum status rc = STATUS_OK;
    if (!is_root(b, layer_number))
        TRY(add_op(b, (struct op){.kind = OP_ADD, .layer = layer_number, .in = target->view, .out = node->gradient, .extra = NO_BUFFER}));
    target->tap = b->graph->op_count;
    rc = add_op(b, (struct op){.kind = OP_TAP, .layer = layer_number, .in = node->gradient, .out = node->gradient, .extra = NO_BUFFER});
out:
    return rc;
}

// Gradient of this layer's output -> gradient of its input; through a tensor of its own where the operation can't add but has to.
static enum status add_backward(struct builder *b, int layer_number)
{
    const struct layer *layer = &b->network->layers[layer_number];
    struct node *node = &b->nodes[layer_number], *input = &b->nodes[layer->inputs[0]];
    enum status rc = STATUS_OK;
    struct op op = {.layer = layer_number, .in = node->gradient, .out = input->gradient, .extra = NO_BUFFER};
    if (node->target >= 0)
        TRY(add_tap(b, layer_number));
    switch (layer->kind) {
    case LAYER_CONV:
        TRY(add_op(
            b, (struct op){
                   .kind = OP_RELU_GRADIENT, .layer = layer_number, .in = node->gradient, .out = node->gradient, .extra = node->extra}));
        op.kind = OP_CONV_BACKWARD;
        op.accumulate = input->has_gradient && b->options->adds[layer->conv];
        break;
    case LAYER_MAX_POOL:
        op.kind = OP_MAX_POOL_BACKWARD;
        op.extra = node->extra;
        break;
    case LAYER_AVG_POOL:
        op.kind = OP_AVG_POOL_BACKWARD;
        break;
    case LAYER_CONCAT: // the gradients of its parts are in place already
    case LAYER_INPUT:
        goto out;
    }
    if (input->has_gradient && !op.accumulate) {
        TRY(add_tensor(b, input, b->network->layers[layer->inputs[0]].channels, &op.out));
        TRY(add_op(b, op));
        rc = add_op(b, (struct op){.kind = OP_ADD, .layer = layer_number, .in = op.out, .out = input->gradient, .extra = NO_BUFFER});
    } else {
        rc = add_op(b, op);
    }
    input->has_gradient = true;
out:
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
        touch(graph, op->in.buffer, i);
        touch(graph, op->out.buffer, i);
        touch(graph, op->extra, i);
    }
}

static enum status build(struct builder *b)
{
    enum status rc;
    TRY(find_sizes(b));
    find_enclosing(b);
    TRY(add_tensors(b));
    for (int i = 1; i < b->network->layer_count; i++)
        if (b->nodes[i].needed)
            TRY(add_forward(b, i));
    b->graph->targets_op = b->graph->op_count;
    TRY(add_op(b, (struct op){.kind = OP_TARGETS, .extra = NO_BUFFER}));
    for (int i = b->network->layer_count - 1; i >= 1; i--)
        if (b->nodes[i].needed)
            TRY(add_backward(b, i));
    TRY(add_op(b, (struct op){.kind = OP_UNBLOCK, .in = b->nodes[0].gradient, .out = b->graph->gradient, .extra = NO_BUFFER}));
    find_lifetimes(b->graph);
out:
    return rc;
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
    for (int i = 0; i < network->layer_count; i++) {
        b.nodes[i].enclosing = i;
        b.nodes[i].target = -1;
        b.nodes[i].extra = NO_BUFFER;
    }
    for (int t = 0; t < options->target_count; t++) {
        assert(options->targets[t] > 0 && b.nodes[options->targets[t]].target < 0);
        b.nodes[options->targets[t]].target = t;
        b.graph->targets[t].layer = options->targets[t];
        mark_needed(&b, options->targets[t]);
    }
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
