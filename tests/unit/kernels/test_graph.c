// SPDX-License-Identifier: MIT
// Graphs of random sizes and targets, run with names in place of numbers: every block of channels carries of which layer it is activation
// or gradient, and of a gradient what has been added up in it and whether it has been through its ReLU. So each operation is seen to read
// what it should, at a time when it is complete. Outside a buffer's life its names are lost, since the arena may use the place for others:
// what is run twice is seen to find all that it needs.
#include "kernels/network/graph.h"

#include "kernels/network/arena.h"
#include "naive.h"

enum { BLOCKS_MAX = 2048 / 8, LAYERS_MAX = 160 };

struct name { // without gaps, to be compared at once
    enum { NOTHING, ACTIVATION, GRADIENT, BITS } kind;
    enum { OUTPUT, GATED, BEFORE } stage; // GATED: a gradient behind the ReLU; BEFORE: on the other side of a pool that has changed places
    int layer, channel; // of whose output it is a block; never a concatenation. Of BITS, of a ReLU or an arg-max, layer only
    uint64_t sum;       // GRADIENT: of source() of all that has been added
};

struct run {
    const struct network *network;
    const struct graph_options *options;
    const struct graph *graph;
    bool needed[LAYERS_MAX], pointwise[LAYERS_MAX];
    bool late[LAYERS_MAX];    // a target or a part of one: its ReLU comes after a tap
    bool swapped[LAYERS_MAX]; // average pools that come after the convolution that reads them, and those convolutions
    int height[LAYERS_MAX], width[LAYERS_MAX], block_count[LAYERS_MAX];
    int input[LAYERS_MAX];                      // what the operation of each layer reads
    int made[LAYERS_MAX];                       // how often its activation has been
    uint64_t expected[LAYERS_MAX];              // sum of the gradient of each layer's output
    struct name blocks[LAYERS_MAX][BLOCKS_MAX]; // layers and channels of each layer's output
    struct name (*names)[BLOCKS_MAX];           // [buffer_count]
    int taps, last_tap;                         // targets whose gradients have been seen whole; the row of the latest
    int from;                                   // row that the forward pass began at
    int mistakes;
};

// A number for what a layer (its row) or the caller (LAYERS_MAX + target) adds to a gradient; the sum tells which of them are there.
static uint64_t source(int number)
{
    const uint64_t mixed = ((uint64_t)number + 1) * 0x9e3779b97f4a7c15u, more = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9u;
    return (more ^ more >> 27) * 0x94d049bb133111ebu;
}

static void expect(struct run *r, bool good, int op, const char *what)
{
    if (!good && r->mistakes++ == 0)
        printf("\n%d x %d%s, operation %d of %d, layer %s: %s\n", r->options->width, r->options->height,
               r->options->bf16 ? ", bfloat16" : "", op, r->graph->op_count, r->network->layers[r->graph->ops[op].layer].name, what);
}

static bool alive(const struct run *r, int buffer, int op)
{
    return buffer >= 0 && buffer < r->graph->buffer_count && r->graph->buffers[buffer].first <= op && op <= r->graph->buffers[buffer].last;
}

// The names in a view of a layer's size, which must lie inside its buffer, during the buffer's life.
static struct name *names_at(struct run *r, const struct view *view, int layer, int op)
{
    const bool planar = view->buffer == r->graph->image.buffer || view->buffer == r->graph->gradient.buffer;
    const size_t bytes = naive_count(planar ? 3 : onednn_block(), r->height[layer], r->width[layer]) * (view->bf16 ? 2 : sizeof(float));
    const size_t first = view->offset / bytes, end = first + (size_t)r->block_count[layer];
    bool bf16 = r->options->bf16 && !planar && r->network->layers[layer].conv != 0; // the first convolution stays float32
    for (int t = 0; t < r->graph->target_count; t++)
        bf16 = bf16 && (r->graph->ops[op].kind < OP_PASS || view->buffer != r->graph->targets[t].view.buffer);
    expect(r, view->planar == planar && view->bf16 == bf16, op, "another layout or kind of number");
    expect(r, view->height == r->height[layer] && view->width == r->width[layer], op, "another size");
    expect(r, view->channels == r->network->layers[layer].channels && end <= BLOCKS_MAX, op, "a wrong number of channels");
    const bool there = alive(r, view->buffer, op) && end * bytes <= r->graph->buffers[view->buffer].bytes && view->offset % bytes == 0;
    expect(r, there, op, "a view outside its buffer or the buffer's life");
    return r->mistakes ? r->names[0] : r->names[view->buffer] + first;
}

// Of block u of what a layer puts out. Gradients are complete.
static struct name name_of(const struct run *r, int kind, int stage, int layer, int u)
{
    const struct name *block = &r->blocks[layer][u];
    return (struct name){kind, stage, block->layer, block->channel, kind == GRADIENT ? r->expected[layer] : 0};
}

static void expect_names(struct run *r, const struct view *view, int kind, int stage, int layer, int op)
{
    const struct name *found = names_at(r, view, layer, op);
    for (int u = 0; u < r->block_count[layer]; u++) {
        const struct name wanted = name_of(r, kind, stage, layer, u);
        expect(r, memcmp(&found[u], &wanted, offsetof(struct name, sum)) == 0, op, "reads another tensor, or at another stage");
        expect(r, found[u].sum == wanted.sum, op, "reads a gradient that is not complete, or with something twice");
    }
}

static void write_names(struct run *r, const struct view *view, int kind, int stage, int layer, int op)
{
    struct name *names = names_at(r, view, layer, op);
    for (int u = 0; u < r->block_count[layer]; u++)
        names[u] = name_of(r, kind, stage, layer, u);
}

static void use_bits(struct run *r, int buffer, int layer, size_t bits_a_value, bool write, int op)
{
    const size_t values = naive_count(r->network->layers[layer].channels, r->height[layer], r->width[layer]);
    const bool there = alive(r, buffer, op) && r->graph->buffers[buffer].bytes * 8 == values * bits_a_value;
    expect(r, there, op, "bits used outside their life, or a wrong number of them");
    if (there && write)
        r->names[buffer][0] = (struct name){.kind = BITS, .layer = layer};
    const struct name *found = there ? r->names[buffer] : r->names[0];
    expect(r, found->kind == BITS && found->layer == layer, op, "reads bits of another layer");
}

static void write_activation(struct run *r, const struct op_result *result, int stage, int op)
{
    expect(r, result->relu == (stage == OUTPUT && r->network->layers[result->layer].kind == LAYER_CONV), op, "a ReLU too many or none");
    write_names(r, &result->view, ACTIVATION, stage, result->layer, op);
    if (result->relu)
        use_bits(r, result->mask, result->layer, 1, true, op);
    r->made[result->layer] += stage == OUTPUT && r->from == 0;
}

// One block is written, or added to what is there.
static void put(struct run *r, struct name *to, struct name from, bool accumulate, int op)
{
    const bool alike = memcmp(to, &from, offsetof(struct name, sum)) == 0 && to->kind == GRADIENT && to->stage == OUTPUT;
    expect(r, !accumulate || alike, op, "adds to what is not the same gradient, or behind a ReLU");
    from.sum += accumulate ? to->sum : 0;
    *to = from;
}

// The gradient of a convolution goes back through the ReLU: the whole of it, once.
static void pass_gate(struct run *r, const struct op_result *result, int op)
{
    if (result->gate == NO_BUFFER)
        return;
    expect(r, r->network->layers[result->layer].kind == LAYER_CONV, op, "a gate where there was no ReLU");
    use_bits(r, result->gate, result->layer, 1, false, op);
    expect_names(r, &result->view, GRADIENT, OUTPUT, result->layer, op);
    write_names(r, &result->view, GRADIENT, GATED, result->layer, op);
}

// `sum` goes to the gradient of what `layer` puts out: to all of it, in order, without gaps.
static void write_gradient(struct run *r, const struct op *op, int layer, uint64_t sum, int number)
{
    const struct name *start = names_at(r, &op->results[0].view, op->results[0].layer, number);
    int next = 0;
    for (const struct op_result *result = op->results; result < op->results + op->result_count && !r->mistakes; result++) {
        struct name *names = names_at(r, &result->view, result->layer, number);
        expect(r, names == start + next && result->accumulate == op->results[0].accumulate, number, "results that can't be one");
        for (int u = 0; u < r->block_count[result->layer] && next < r->block_count[layer]; u++) {
            const struct name made = {GRADIENT, OUTPUT, result->layer, r->blocks[layer][next].channel, sum};
            expect(r, r->blocks[layer][next++].layer == result->layer, number, "a result for another layer");
            put(r, &names[u], made, result->accumulate, number);
        }
        pass_gate(r, result, number);
    }
    expect(r, next == r->block_count[layer], number, "no result for a part of the source");
}

// Convolutions in one operation: all those of 1 x 1 that read the same, and no others.
static void expect_parts(struct run *r, const struct op *op, int number)
{
    int next = 0;
    for (int i = 1; i < r->network->layer_count; i++) {
        const bool both = r->pointwise[i] && r->pointwise[op->layer];
        if (i == op->layer || (both && r->needed[i] && r->input[i] == r->input[op->layer]))
            expect(r, next < op->part_count && op->parts[next++] == i, number, "a part left out");
    }
    expect(r, next > 0 && next == op->part_count && r->network->layers[op->layer].kind == LAYER_CONV, number, "a part too many");
}

static void convolution(struct run *r, const struct op *op, int number)
{
    expect_parts(r, op, number);
    expect(r, op->input_count == 1 && op->result_count == op->part_count, number, "not a result for each convolution");
    expect_names(r, &op->inputs[0], ACTIVATION, OUTPUT, r->input[op->layer], number);
    for (int p = 0; p < op->part_count && !r->mistakes; p++) {
        expect(r, op->results[p].layer == op->parts[p], number, "results out of order");
        write_activation(r, &op->results[p], r->swapped[op->parts[p]] ? BEFORE : OUTPUT, number);
    }
}

static void convolution_backward(struct run *r, const struct op *op, int number)
{
    const int input = r->input[op->layer];
    uint64_t sum = 0;
    expect_parts(r, op, number);
    expect(r, op->input_count == op->part_count, number, "not a gradient for each convolution");
    for (int p = 0; p < op->part_count && !r->mistakes; p++) {
        const int part = op->parts[p];
        expect_names(r, &op->inputs[p], GRADIENT, r->swapped[part] ? BEFORE : GATED, part, number);
        sum += source(r->swapped[part] ? r->network->layers[part].inputs[0] : part);
    }
    write_gradient(r, op, input, sum, number);
    expect(r, (input == 0) == (number == r->graph->op_count - 1), number, "the gradient of the image is not the last");
    if (input == 0)
        expect_names(r, &r->graph->gradient, GRADIENT, OUTPUT, 0, number);
}

// Forward or backward. One that has changed places with the convolution behind it has the convolution's row.
static void pool(struct run *r, const struct op *op, int number)
{
    const bool back = op->kind == OP_MAX_POOL_BACKWARD || op->kind == OP_AVG_POOL_BACKWARD, after = r->swapped[op->layer];
    const bool max = op->kind == OP_MAX_POOL || op->kind == OP_MAX_POOL_BACKWARD;
    const enum layer_kind kind = max ? LAYER_MAX_POOL : after ? LAYER_CONV : LAYER_AVG_POOL;
    const struct op_result *result = &op->results[0];
    expect(r, r->network->layers[op->layer].kind == kind && op->input_count == 1, number, "not a pool, or at the wrong place");
    const int input = back || after ? op->layer : r->input[op->layer], stage = !after ? OUTPUT : back ? GATED : BEFORE;
    expect_names(r, &op->inputs[0], back ? GRADIENT : ACTIVATION, stage, input, number);
    if (max)
        use_bits(r, op->index, op->layer, 8, !back, number);
    const bool simple = op->result_count == 1 && result->layer == op->layer && !result->accumulate && result->gate == NO_BUFFER;
    expect(r, simple || (back && !after), number, "more than a pool");
    if (!back)
        write_activation(r, result, OUTPUT, number);
    else if (after)
        write_names(r, &result->view, GRADIENT, BEFORE, op->layer, number);
    else
        write_gradient(r, op, r->input[op->layer], source(op->layer), number);
}

static void pass(struct run *r, const struct op *op, int number)
{
    const struct op_result *result = &op->results[0];
    const struct name *in = names_at(r, &op->inputs[0], op->layer, number);
    struct name *out = names_at(r, &result->view, op->layer, number);
    expect(r, op->input_count == 1 && op->result_count == 1 && result->layer == op->layer && !result->relu, number, "more than a pass");
    for (int u = 0; u < r->block_count[op->layer]; u++) {
        struct name wanted = name_of(r, number < r->graph->targets_op ? ACTIVATION : GRADIENT, OUTPUT, op->layer, u);
        wanted.sum = in[u].sum; // of a target's own, not yet all
        expect(r, memcmp(&in[u], &wanted, sizeof wanted) == 0, number, "passes something else on");
        put(r, &out[u], wanted, result->accumulate, number);
    }
    expect(r, result->gate == NO_BUFFER || r->late[op->layer], number, "a gate that the last writer should have applied");
    pass_gate(r, result, number);
}

static void exchange_targets(struct run *r, const struct op *op, int number)
{
    expect(r, number == r->graph->targets_op && op->result_count == 0, number, "targets at the wrong place");
    for (int b = 0; b < r->graph->buffer_count; b++) {
        bool kept = r->names[b][0].kind == BITS;
        for (int t = 0; t < r->graph->target_count; t++)
            kept = kept || b == r->graph->targets[t].view.buffer;
        expect(r, kept || !alive(r, b, number - 1) || !alive(r, b, number + 1), number, "an activation outlives its last reader");
    }
    for (int t = 0; t < r->options->target_count && !r->mistakes; t++) {
        const struct graph_target *target = &r->graph->targets[t];
        expect(r, target->layer == r->options->targets[t], number, "targets out of order");
        if (target->layer < r->from)
            continue;
        expect_names(r, &target->view, ACTIVATION, OUTPUT, target->layer, number);
        write_names(r, &target->view, GRADIENT, OUTPUT, target->layer, number);
        for (int u = 0; u < r->block_count[target->layer]; u++)
            names_at(r, &target->view, target->layer, number)[u].sum = source(LAYERS_MAX + t);
    }
}

static void tap(struct run *r, const struct op *op, int number)
{
    const struct graph_target *target = r->graph->targets, *end = target + r->graph->target_count;
    while (target < end && target->tap != number)
        target++;
    const bool found = target < end && target->layer == op->layer && target->view.buffer == op->results[0].view.buffer;
    expect(r, found, number, "the tap of another target, or at another place");
    expect_names(r, &op->inputs[0], GRADIENT, OUTPUT, op->layer, number);
    (void)names_at(r, &op->results[0].view, op->layer, number); // where a bfloat16 gradient is converted to
    expect(r, op->layer < r->last_tap, number, "gradients of targets out of order");
    r->last_tap = op->layer;
    r->taps++;
}

// Operations first to end; what they leave behind at the end of its life is lost.
static void steps(struct run *r, int first, int end)
{
    static void (*const kinds[])(struct run *, const struct op *, int) = {convolution, convolution_backward, pool, pool, pool, pool,
                                                                          pass,        exchange_targets,     tap}; // as in graph.h
    for (int i = first; i < end && !r->mistakes; i++) {
        const struct op *op = &r->graph->ops[i];
        expect(r, i == r->graph->targets_op || r->needed[op->layer], i, "does what no target needs");
        for (const struct op_result *result = op->results; result < op->results + op->result_count; result++) {
            const bool passes = i < r->graph->targets_op ? !result->accumulate && result->gate == NO_BUFFER : !result->relu;
            expect(r, passes, i, "mixes forward with backward");
            for (int k = 0; op->kind < OP_PASS && k < op->input_count; k++)
                expect(r, op->inputs[k].buffer != result->view.buffer, i, "writes where it reads");
            expect(r, result->relu == (result->mask != NO_BUFFER), i, "bits without ReLU, or ReLU without");
        }
        kinds[op->kind](r, op, i);
        for (int b = 0; b < r->graph->buffer_count; b++)
            if (r->graph->buffers[b].last == i)
                memset(r->names[b], 0, sizeof r->names[b]);
    }
}

// From a target at a cut, whose activation the caller writes again, to its tap.
static void again(struct run *r, const struct graph_target *target)
{
    const int taps = r->taps, read = target->activation.buffer;
    for (int b = 0; b < r->graph->buffer_count; b++)
        if (r->graph->buffers[b].first >= target->behind || b == read || b == target->view.buffer)
            memset(r->names[b], 0, sizeof r->names[b]);
    write_names(r, &target->view, ACTIVATION, OUTPUT, target->layer, target->behind - 1);
    // A conversion that nothing reads goes to where the activation was one operation earlier: nothing that is needed lies there yet.
    if (target->activation.bf16)
        write_names(r, &target->activation, ACTIVATION, OUTPUT, target->layer, target->behind - !alive(r, read, target->behind));
    r->from = target->layer;
    r->last_tap = LAYERS_MAX;
    steps(r, target->behind, target->tap + 1);
    r->taps = taps;
}

// What each layer's activation and its gradient are made of, from the table.
static void prepare(struct run *r, const struct graph_options *options, const struct graph *graph)
{
    const struct layer *layers = options->network->layers;
    *r = (struct run){.network = options->network, .options = options, .graph = graph, .last_tap = LAYERS_MAX, .block_count = {1}};
    r->height[0] = options->height;
    r->width[0] = options->width;
    for (int t = 0; t < r->options->target_count; t++) {
        r->needed[r->options->targets[t]] = r->late[r->options->targets[t]] = true;
        r->expected[r->options->targets[t]] = source(LAYERS_MAX + t);
    }
    for (int i = r->network->layer_count - 1; i > 0; i--) { // consumers come after what they read
        const int input = layers[i].inputs[0];
        r->pointwise[i] = layers[i].kind == LAYER_CONV && layers[i].kernel_h * layers[i].kernel_w == 1;
        if (r->needed[i] && r->pointwise[i] && layers[input].kind == LAYER_AVG_POOL && !r->late[input])
            r->swapped[i] = r->swapped[input] = true;
        for (int k = 0; r->needed[i] && k < layers[i].input_count; k++) {
            r->needed[layers[i].inputs[k]] = true;
            r->late[layers[i].inputs[k]] |= r->late[i] && layers[i].kind == LAYER_CONCAT;
            r->expected[layers[i].inputs[k]] += layers[i].kind == LAYER_CONCAT ? r->expected[i] : source(i);
        }
    }
    for (int i = 1; i < r->network->layer_count; i++) {
        const struct layer *layer = &layers[i];
        const int input = layer->inputs[0];
        r->input[i] = layer->kind == LAYER_CONV && r->swapped[i] ? layers[input].inputs[0] : input;
        r->height[i] = (r->height[input] - (layer->same ? 0 : layer->kernel_h - 1) + layer->stride - 1) / layer->stride;
        r->width[i] = (r->width[input] - (layer->same ? 0 : layer->kernel_w - 1) + layer->stride - 1) / layer->stride;
        for (int k = 0; layer->kind == LAYER_CONCAT && k < layer->input_count; k++)
            for (int u = 0; u < r->block_count[layer->inputs[k]]; u++)
                r->blocks[i][r->block_count[i]++] = r->blocks[layer->inputs[k]][u];
        for (int c = 0; layer->kind != LAYER_CONCAT && c < layer->channels; c += onednn_block())
            r->blocks[i][r->block_count[i]++] = (struct name){.layer = i, .channel = c};
    }
}

static void check_arena(const struct graph *graph)
{
    size_t bytes;
    int overlaps = 0;
    UNIT_OK(arena_layout(graph->buffers, graph->buffer_count, &bytes));
    for (int i = 0; i < graph->buffer_count; i++)
        for (int k = 0; k < i; k++) {
            const struct buffer *a = &graph->buffers[i], *b = &graph->buffers[k];
            const bool used = a->first <= a->last && b->first <= b->last, together = a->first <= b->last && b->first <= a->last;
            overlaps += used && together && a->offset < b->offset + b->bytes && b->offset < a->offset + a->bytes;
        }
    CU_ASSERT_EQUAL(overlaps, 0);
}

// With float32 and with bfloat16.
static void check(struct graph_options options)
{
    static struct run r;
    struct graph *graph;
    UNIT_OK(graph_create(&graph, &options));
    prepare(&r, &options, graph);
    r.names = calloc((size_t)graph->buffer_count, sizeof *r.names);
    write_names(&r, &graph->image, ACTIVATION, OUTPUT, 0, 0); // the caller's
    for (int i = 0; i < graph->op_count && !r.mistakes; i++) {
        steps(&r, i, i + 1);
        for (int t = 0; t < graph->target_count; t++)
            if (graph->targets[t].tap == i && network_is_cut(options.network, graph->targets[t].layer))
                again(&r, &graph->targets[t]);
    }
    for (int i = 1; i < options.network->layer_count; i++) {
        const enum layer_kind kind = options.network->layers[i].kind;
        const int times = r.needed[i] && kind != LAYER_CONCAT && (kind == LAYER_CONV || !r.swapped[i]);
        expect(&r, r.made[i] == times, 0, "some layer is left out or done twice");
    }
    CU_ASSERT_EQUAL(graph->ops[graph->op_count - 1].kind, OP_CONV_BACKWARD);
    CU_ASSERT_EQUAL(r.taps, options.target_count);
    CU_ASSERT_EQUAL(r.mistakes, 0);
    check_arena(graph);
    free(r.names);
    graph_destroy(&graph);
    CU_ASSERT_PTR_NULL(graph);
    options.bf16 = !options.bf16;
    if (options.bf16)
        check(options);
}

static int random_targets(int *targets, int most, uint32_t *state)
{
    bool there[LAYERS_MAX] = {false};
    int count = 0;
    for (int left = 1 + (int)(naive_next(state) % (uint32_t)most); left > 0; left--) {
        const int layer = 1 + (int)(naive_next(state) % (uint32_t)(network_inception_v3()->layer_count - 1));
        if (!there[layer])
            targets[count++] = layer;
        there[layer] = true;
    }
    return count;
}

static void test_random(void)
{
    uint32_t state = 7;
    int targets[GRAPH_TARGETS_MAX];
    struct graph_options options = {.network = network_inception_v3(), .targets = targets};
    CU_ASSERT_FATAL(options.network->layer_count <= LAYERS_MAX);
    for (int i = 0; i < 300; i++) {
        options.width = 75 + (int)(naive_next(&state) % 526);
        options.height = 75 + (int)(naive_next(&state) % 526);
        options.target_count = random_targets(targets, GRAPH_TARGETS_MAX, &state);
        check(options);
    }
}

static void test_nested(void)
{
    char sets[] = "mixed0, conv2d_1, conv2d_6 mixed0, mixed0 conv2d_6 conv2d_12, mixed9_0 mixed9, mixed9_0, conv2d_12, max_pooling2d_3,"
                  "conv2d_79 mixed9_0 mixed9 mixed10 conv2d_94, max_pooling2d_3 mixed3, max_pooling2d_1 max_pooling2d_4, mixed3 mixed5,"
                  "average_pooling2d_1 conv2d_12 max_pooling2d_2, concatenate_2 mixed9_1 conv2d_93 conv2d_90 mixed8,"
                  "average_pooling2d_9 conv2d_89 mixed9, conv2d_1 mixed9_1 conv2d_88";
    int targets[5];
    struct graph_options options = {.network = network_inception_v3(), .width = 75, .height = 203, .targets = targets};
    for (char *sets_left, *set = strtok_r(sets, ",", &sets_left); set; set = strtok_r(NULL, ",", &sets_left)) {
        options.target_count = 0;
        for (char *left, *name = strtok_r(set, " ", &left); name; name = strtok_r(NULL, " ", &left)) {
            targets[options.target_count++] = network_find(options.network, name);
            CU_ASSERT_FATAL(targets[options.target_count - 1] > 0);
        }
        check(options);
    }
}

static void test_too_small(void)
{
    static struct run r;
    int refused = 0, targets[3];
    uint32_t state = 5;
    for (int i = 0; i < 150; i++) {
        struct graph_options options = {.network = network_inception_v3(), .targets = targets};
        options.target_count = random_targets(targets, 3, &state);
        options.width = (int)(naive_next(&state) % 80);
        options.height = (int)(naive_next(&state) % 300);
        prepare(&r, &options, NULL);
        int row = 1; // the first that a target needs and that has no output
        while (row < options.network->layer_count && (!r.needed[row] || (r.height[row] > 0 && r.width[row] > 0)))
            row++;
        if (row == options.network->layer_count) {
            check(options);
            continue;
        }
        struct graph *graph;
        char expected[64];
        CU_ASSERT_EQUAL(graph_create(&graph, &options), STATUS_LIMIT);
        CU_ASSERT_PTR_NULL(graph);
        snprintf(expected, sizeof expected, "layer %s;", options.network->layers[row].name);
        CU_ASSERT(strstr(status_message(), expected) != NULL);
        refused++;
    }
    CU_ASSERT(refused > 20 && refused < 130);
}

static void test_refused(void)
{
    int targets[GRAPH_TARGETS_MAX + 1] = {1};
    struct graph_options options = {.network = network_inception_v3(), .width = 100, .height = 100, .targets = targets};
    struct graph *graph;
    CU_ASSERT_EQUAL(graph_create(&graph, &options), STATUS_USAGE);
    options.target_count = GRAPH_TARGETS_MAX + 1;
    CU_ASSERT_EQUAL(graph_create(&graph, &options), STATUS_USAGE);
    CU_ASSERT_PTR_NULL(graph);
    options = (struct graph_options){network_inception_v3(), -5, 100, 1, targets, false};
    CU_ASSERT_EQUAL(graph_create(&graph, &options), STATUS_LIMIT);
    graph_destroy(&graph); // harmless
}

static void test_scratch(void)
{
    int target = 1;
    const struct graph_options options = {network_inception_v3(), 80, 90, 1, &target, false};
    struct graph *graph;
    UNIT_OK(graph_create(&graph, &options));
    const int buffers = graph->buffer_count;
    graph_add_scratch(graph, 2, 0);
    CU_ASSERT(graph->buffer_count == buffers && graph->ops[2].scratch == NO_BUFFER);
    graph_add_scratch(graph, 2, 1000);
    const struct buffer *scratch = &graph->buffers[graph->ops[2].scratch];
    CU_ASSERT(scratch->bytes == 1000 && scratch->first == 2 && scratch->last == 2);
    graph_destroy(&graph);
}

static const struct unit_test tests[] = {{"random sizes and targets", test_random},
                                         {"nested targets", test_nested},
                                         {"too small", test_too_small},
                                         {"refused", test_refused},
                                         {"scratch", test_scratch}};
UNIT_MAIN("graph", tests)
