// SPDX-License-Identifier: MIT
#include "kernels/network/graph.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "common/picture/geometry.h"
#include "kernels/onednn/onednn.h"

// At most, of each row of the network: operations forward and backward, and buffers, one for the scratch of each operation among them.
enum { OPS_A_ROW = 8, BUFFERS_A_ROW = 6 + OPS_A_ROW };

// What is known of each row of the table, and which pass finds it out.
struct node {
    // mark()
    bool needed; // a target depends on it
    int target;  // number of the target, or -1
    // measure()
    int height, width;
    // enclose()
    int enclosing;           // the needed concatenation that it is a part of, or itself
    size_t enclosing_offset; // bytes from its start
    // join()
    int leader;   // convolutions of 1 x 1 with the same source are one operation, that of the first; -1 for all other kinds
    int source;   // what the operation reads
    bool swapped; // an average pool: done after the convolution that reads it; a convolution: read by such a pool
    int writers;  // operations that have yet to write to its gradient; counted down by add_backward()
    // add_tensors()
    struct view activation, gradient;
    struct view before, before_gradient; // what a swapped convolution and its pool share
    bool has_gradient;                   // something has been written to its gradient: by the caller, or lately by add_backward()
    // add_forward()
    int mask; // buffer of ReLU bits, or of a max pool's arg-max
    // add_backward()
    bool gated; // its gradient has been through its ReLU
};

struct builder {
    const struct graph_options *options;
    const struct network *network;
    struct graph *graph; // with room for all operations and buffers
    struct node *nodes;  // [network->layer_count]
};

size_t view_pixels(const struct view *view)
{
    return (size_t)view->height * (size_t)view->width;
}

int view_blocks(const struct view *view)
{
    return view->planar ? view->channels : (view->channels + onednn_block() - 1) / onednn_block();
}

size_t view_block_bytes(const struct view *view)
{
    return view_pixels(view) * (size_t)(view->planar ? 1 : onednn_block()) * (view->bf16 ? sizeof(uint16_t) : sizeof(float));
}

static size_t tensor_bytes(int channels, int height, int width, bool bf16)
{
    return onednn_tensor_bytes(channels, height, width) / (bf16 ? 2 : 1);
}

// The first convolution stays in float32: its rounding is seen by every later layer, and decides max pools and ReLUs in dark and even
// parts of a picture. With it in bfloat16 the cosine of a dark picture's plain gradient with that of float32 falls from 0.97 to 0.90.
static bool is_bf16(const struct builder *b, int row)
{
    return b->options->bf16 && b->network->layers[row].conv != 0 && row > 0;
}

// From all zeros to: which rows there are, and which of them are targets.
static void mark(struct builder *b)
{
    const struct network *network = b->network;
    const struct graph_options *options = b->options;
    struct node *nodes = b->nodes;
    for (int i = 0; i < network->layer_count; i++)
        nodes[i].target = -1;
    for (int t = 0; t < options->target_count; t++) {
        struct node *node = &nodes[options->targets[t]];
        assert(options->targets[t] > 0 && node->target < 0);
        node->target = t;
        node->needed = true;
    }
    for (int i = network->layer_count - 1; i > 0; i--) // inputs come before their consumers
        for (int k = 0; nodes[i].needed && k < network->layers[i].input_count; k++)
            nodes[network->layers[i].inputs[k]].needed = true;
}

// Needs to know which rows there are. Leaves the size of each. STATUS_LIMIT where one has no output.
static enum status measure(struct builder *b)
{
    const struct graph_options *options = b->options;
    struct node *nodes = b->nodes;
    nodes[0].height = options->height;
    nodes[0].width = options->width;
    for (int i = 1; i < options->network->layer_count; i++) {
        const struct layer *layer = &options->network->layers[i];
        struct node *node = &nodes[i];
        if (!node->needed)
            continue;
        node->height = layer_output_size(layer, layer->kernel_h, nodes[layer->inputs[0]].height);
        node->width = layer_output_size(layer, layer->kernel_w, nodes[layer->inputs[0]].width);
        if (node->height < 1 || node->width < 1)
            return fail(STATUS_LIMIT, "%d x %d pixels are too few for layer %s; %d a side are enough for every layer", options->width,
                        options->height, layer->name, GEOMETRY_MIN_SIDE);
    }
    return STATUS_OK;
}

// Needs the rows and their sizes. Leaves where each lies: every tensor that is a part of a needed concatenation lies inside it.
static void enclose(struct builder *b)
{
    const struct network *network = b->network;
    struct node *nodes = b->nodes;
    for (int i = 0; i < network->layer_count; i++)
        nodes[i].enclosing = i;
    for (int i = network->layer_count - 1; i >= 0; i--) { // from the last row to the first, so that nesting resolves
        const struct layer *layer = &network->layers[i];
        size_t offset = nodes[i].enclosing_offset;
        for (int k = 0; layer->kind == LAYER_CONCAT && nodes[i].needed && k < layer->input_count; k++) {
            struct node *part = &nodes[layer->inputs[k]];
            assert(part->enclosing == layer->inputs[k]); // a part belongs to one concatenation
            part->enclosing = nodes[i].enclosing;
            part->enclosing_offset = offset;
            offset += tensor_bytes(network->layers[layer->inputs[k]].channels, part->height, part->width, is_bf16(b, i));
        }
    }
}

static bool is_pointwise(const struct layer *layer)
{
    return layer->kind == LAYER_CONV && layer->kernel_h == 1 && layer->kernel_w == 1 && layer->stride == 1;
}

static int count_needed_readers(const struct builder *b, int row)
{
    int count = 0;
    for (int i = row + 1; i < b->network->layer_count; i++)
        for (int k = 0; k < b->network->layers[i].input_count; k++)
            count += b->nodes[i].needed && b->network->layers[i].inputs[k] == row;
    return count;
}

// An average pool that only this convolution reads comes after it.
static void swap_pool(struct builder *b, struct node *node)
{
    struct node *pool = &b->nodes[node->source];
    if (b->network->layers[node->source].kind != LAYER_AVG_POOL || pool->target >= 0 || count_needed_readers(b, node->source) > 1)
        return;
    pool->swapped = node->swapped = true;
    b->nodes[pool->source].writers--; // the pool as such is not there any more
    node->source = pool->source;
}

// Joins the group of the first convolution with the same source, if there is one and it has room.
static void join_group(struct builder *b, int row)
{
    struct node *nodes = b->nodes, *node = &nodes[row];
    int members = 1;
    for (int k = 1; k < row && node->leader == row; k++)
        if (nodes[k].needed && nodes[k].leader == k && is_pointwise(&b->network->layers[k]) && nodes[k].source == node->source)
            node->leader = k;
    for (int k = node->leader; k < row; k++)
        members += nodes[k].leader == node->leader;
    if (members > CONV_PARTS_MAX)
        node->leader = row;
}

// Needs the rows and the targets. Leaves what the operations are: which convolutions are done together, which pools come after theirs,
// what each reads, and how many will write to each gradient.
static void join(struct builder *b)
{
    for (int i = 0; i < b->network->layer_count; i++) {
        const struct layer *layer = &b->network->layers[i];
        struct node *node = &b->nodes[i];
        node->leader = -1;
        if (!node->needed || i == 0 || layer->kind == LAYER_CONCAT)
            continue;
        node->source = layer->inputs[0];
        if (layer->kind == LAYER_CONV)
            node->leader = i;
        if (is_pointwise(layer)) {
            swap_pool(b, node);
            join_group(b, i);
        }
        if (node->leader < 0 || node->leader == i)
            b->nodes[node->source].writers++;
    }
}

static int add_buffer(struct graph *graph, size_t bytes)
{
    graph->buffers[graph->buffer_count] = (struct buffer){.bytes = bytes, .first = 1, .last = 0};
    return graph->buffer_count++;
}

static struct view add_tensor(struct builder *b, const struct node *node, int channels, bool bf16)
{
    return (struct view){.buffer = add_buffer(b->graph, tensor_bytes(channels, node->height, node->width, bf16)),
                         .channels = channels,
                         .height = node->height,
                         .width = node->width,
                         .bf16 = bf16};
}

// An operation that reads `in`; more inputs, and results, are the caller's to add.
static struct op *add_op(struct builder *b, enum op_kind kind, int layer, struct view in)
{
    struct op *op = &b->graph->ops[b->graph->op_count++];
    *op = (struct op){.kind = kind, .layer = layer, .input_count = 1, .inputs = {in}, .index = NO_BUFFER, .scratch = NO_BUFFER};
    return op;
}

static struct op_result *add_result(struct op *op, int layer, struct view view)
{
    assert(op->result_count < GRAPH_RESULTS_MAX);
    struct op_result *result = &op->results[op->result_count++];
    *result = (struct op_result){.view = view, .layer = layer, .mask = NO_BUFFER, .gate = NO_BUFFER};
    return result;
}

static bool is_root(const struct builder *b, int layer)
{
    return b->nodes[layer].enclosing == layer;
}

static struct view part_of(struct view whole, const struct node *node, int channels)
{
    whole.offset += node->enclosing_offset;
    whole.channels = channels;
    return whole;
}

// Needs all that the passes before find. Leaves activation and gradient of every needed layer, inside the enclosing one's where
// there is one. A target of its own in float32 keeps its gradient where its activation is: the caller's part is there from the start.
static void add_tensors(struct builder *b)
{
    for (int i = b->network->layer_count - 1; i >= 1; i--) {
        struct node *node = &b->nodes[i];
        const int channels = b->network->layers[i].channels;
        const bool bf16 = is_bf16(b, i);
        if (!node->needed)
            continue;
        if (node->swapped && node->leader >= 0) {
            node->before = add_tensor(b, node, channels, bf16);
            node->before_gradient = add_tensor(b, node, channels, bf16);
        }
        if (!is_root(b, i)) { // the enclosing tensor has a higher row number and is there already
            node->activation = part_of(b->nodes[node->enclosing].activation, node, channels);
            node->gradient = part_of(b->nodes[node->enclosing].gradient, node, channels);
            continue;
        }
        node->activation = add_tensor(b, node, channels, bf16);
        node->has_gradient = node->target >= 0 && !bf16;
        node->gradient = node->has_gradient ? node->activation : add_tensor(b, node, channels, bf16);
    }
    struct node *input = &b->nodes[0];
    struct view image = {.channels = 3, .height = input->height, .width = input->width, .planar = true};
    image.buffer = add_buffer(b->graph, 3 * view_block_bytes(&image));
    b->graph->image = input->activation = image;
    image.buffer = add_buffer(b->graph, 3 * view_block_bytes(&image));
    b->graph->gradient = input->gradient = image;
}

// One operation for all convolutions that `leader` leads.
static void add_convolutions(struct builder *b, int leader)
{
    struct op *op = add_op(b, OP_CONV, leader, b->nodes[b->nodes[leader].source].activation);
    for (int i = leader; i < b->network->layer_count; i++) {
        struct node *node = &b->nodes[i];
        if (!node->needed || node->leader != leader)
            continue;
        struct op_result *result = add_result(op, i, node->swapped ? node->before : node->activation);
        node->mask = add_buffer(b->graph, (size_t)node->activation.channels * view_pixels(&node->activation) / 8);
        result->relu = !node->swapped;
        result->mask = node->swapped ? NO_BUFFER : node->mask;
        op->parts[op->part_count++] = i;
    }
}

// The target's activation where the caller is to read it, in float32 and by itself.
static void add_target(struct builder *b, int row)
{
    const struct node *node = &b->nodes[row];
    struct graph_target *target = &b->graph->targets[node->target];
    target->layer = row;
    target->activation = target->view = node->activation;
    if (!is_root(b, row) || is_bf16(b, row)) {
        target->view = add_tensor(b, node, b->network->layers[row].channels, false);
        add_result(add_op(b, OP_PASS, row, node->activation), row, target->view);
    }
    target->behind = b->graph->op_count;
}

// Needs the tensors. Leaves the operations from the image to the targets and the masks that the way back needs. What a concatenation is
// of is in place already.
static void add_forward(struct builder *b)
{
    for (int i = 1; i < b->network->layer_count; i++) {
        struct node *node = &b->nodes[i];
        const struct view in = b->nodes[node->source].activation;
        if (!node->needed)
            continue;
        if (node->leader == i)
            add_convolutions(b, i);
        if (b->network->layers[i].kind == LAYER_CONV && node->swapped) {
            struct op_result *result = add_result(add_op(b, OP_AVG_POOL, i, node->before), i, node->activation);
            result->relu = true;
            result->mask = node->mask;
        } else if (b->network->layers[i].kind == LAYER_AVG_POOL && !node->swapped) {
            add_result(add_op(b, OP_AVG_POOL, i, in), i, node->activation);
        } else if (b->network->layers[i].kind == LAYER_MAX_POOL) {
            struct op *op = add_op(b, OP_MAX_POOL, i, in);
            add_result(op, i, node->activation);
            op->index = node->mask = add_buffer(b->graph, (size_t)node->activation.channels * view_pixels(&node->activation));
        }
        if (node->target >= 0)
            add_target(b, i);
    }
}

// What later layers and, in place already or added here, the caller have made of a target's gradient is the whole of it.
static void add_tap(struct builder *b, int row)
{
    struct node *node = &b->nodes[row], *root = &b->nodes[node->enclosing];
    struct graph_target *target = &b->graph->targets[node->target];
    if (target->view.buffer != node->gradient.buffer)
        add_result(add_op(b, OP_PASS, row, target->view), row, node->gradient)->accumulate = root->has_gradient;
    root->has_gradient = true;
    target->tap = b->graph->op_count;
    add_result(add_op(b, OP_TAP, row, node->gradient), row, target->view);
}

// Of a concatenation a result for each part. `last`: nothing will be added to it.
static void add_gradient_results(struct builder *b, struct op *op, int row, bool accumulate, bool last)
{
    const struct layer *layer = &b->network->layers[row];
    struct node *node = &b->nodes[row];
    last = last && node->target < 0; // before a tap there is no gate
    for (int k = 0; layer->kind == LAYER_CONCAT && k < layer->input_count; k++)
        add_gradient_results(b, op, layer->inputs[k], accumulate, last);
    if (layer->kind == LAYER_CONCAT)
        return;
    struct op_result *result = add_result(op, row, node->gradient);
    result->accumulate = accumulate;
    if (last && layer->kind == LAYER_CONV) {
        result->gate = node->mask;
        node->gated = true;
    }
}

// The gradient of what the layer of `op` reads, as the result of it. The last that writes to it applies the gates of the ReLUs.
static void add_gradient(struct builder *b, struct op *op)
{
    const int source = b->nodes[op->layer].source;
    struct node *node = &b->nodes[source];
    assert(is_root(b, source) && node->writers > 0); // parts are read through their concatenation only
    add_gradient_results(b, op, source, node->has_gradient, --node->writers == 0);
    node->has_gradient = true;
}

static void add_convolution_backward(struct builder *b, int row)
{
    struct node *node = &b->nodes[row];
    if (!node->gated)
        add_result(add_op(b, OP_PASS, row, node->gradient), row, node->gradient)->gate = node->mask;
    if (node->swapped)
        add_result(add_op(b, OP_AVG_POOL_BACKWARD, row, node->gradient), row, node->before_gradient);
    if (node->leader != row)
        return;
    struct op *op = add_op(b, OP_CONV_BACKWARD, row, node->gradient);
    op->input_count = 0;
    for (int i = row; i < b->network->layer_count; i++)
        if (b->nodes[i].needed && b->nodes[i].leader == row) {
            op->inputs[op->input_count++] = b->nodes[i].swapped ? b->nodes[i].before_gradient : b->nodes[i].gradient;
            op->parts[op->part_count++] = i;
        }
    add_gradient(b, op);
}

// Needs what add_forward() left. Leaves the operations from the targets back to the image: of each layer that from the gradient of its
// output to that of its input, when all that adds to the first has been done. The gradients of a concatenation's parts are in place.
static void add_backward(struct builder *b)
{
    for (int i = b->network->layer_count - 1; i >= 1; i--) {
        const enum layer_kind kind = b->network->layers[i].kind;
        struct node *node = &b->nodes[i];
        if (!node->needed)
            continue;
        if (node->target >= 0)
            add_tap(b, i);
        if (kind == LAYER_CONV) {
            add_convolution_backward(b, i);
        } else if (kind == LAYER_MAX_POOL || (kind == LAYER_AVG_POOL && !node->swapped)) {
            struct op *op = add_op(b, kind == LAYER_MAX_POOL ? OP_MAX_POOL_BACKWARD : OP_AVG_POOL_BACKWARD, i, node->gradient);
            op->index = kind == LAYER_MAX_POOL ? node->mask : NO_BUFFER;
            add_gradient(b, op);
        }
    }
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

// Needs all operations. Leaves the first and the last one that touches each buffer.
static void find_lifetimes(struct graph *graph)
{
    for (int i = 0; i < graph->op_count; i++) {
        const struct op *op = &graph->ops[i];
        for (int t = 0; op->kind == OP_TARGETS && t < graph->target_count; t++)
            touch(graph, graph->targets[t].view.buffer, i);
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

// The passes, each of which takes what those before it have left.
static enum status build(struct builder *b)
{
    mark(b);
    TRY(measure(b));
    enclose(b);
    join(b);
    add_tensors(b);
    add_forward(b);
    b->graph->targets_op = b->graph->op_count;
    add_op(b, OP_TARGETS, 0, b->graph->image)->input_count = 0;
    add_backward(b);
    find_lifetimes(b->graph);
    return STATUS_OK;
}

enum status graph_create(struct graph **graph, const struct graph_options *options)
{
    const size_t rows = (size_t)options->network->layer_count;
    struct builder b = {.options = options, .network = options->network};
    enum status rc;
    TRY(ALLOCATE(*graph, 1, "for the graph"));
    struct graph *g = b.graph = *graph;
    TRY_OUT(ALLOCATE(b.nodes, rows, "for the graph"));
    TRY_OUT(ALLOCATE(g->ops, rows * OPS_A_ROW, "for the graph"));
    TRY_OUT(ALLOCATE(g->buffers, rows * BUFFERS_A_ROW, "for the graph"));
    g->width = options->width;
    g->height = options->height;
    g->target_count = options->target_count;
    if (g->target_count < 1 || g->target_count > GRAPH_TARGETS_MAX)
        rc = fail(STATUS_USAGE, "%d targets: there must be 1 to %d", g->target_count, GRAPH_TARGETS_MAX);
    else
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

void graph_add_scratch(struct graph *graph, int op, size_t bytes)
{
    if (bytes == 0)
        return;
    graph->ops[op].scratch = add_buffer(graph, bytes);
    touch(graph, graph->ops[op].scratch, op);
}
