// SPDX-License-Identifier: MIT
// Graphs of random sizes and targets, run with names in place of numbers: every block of channels carries which activation it is, or
// which gradients have been added up in it. So each operation is seen to read what it should, at a time when it is complete. Outside a
// buffer's life its names are lost, since the arena may use the place for others: what is run twice is seen to find all that it needs.
#include "kernels/graph.h"

#include "kernels/arena.h"
#include "naive.h"

enum { UNIT = 8, UNITS_MAX = 2048 / UNIT + 1, LAYERS_MAX = 160 }; // channels that share one name

// Gradients come from layers (bit: row of the layer) and from the caller (bit: LAYERS_MAX + target).
struct sources {
    uint64_t bits[(LAYERS_MAX + GRAPH_TARGETS_MAX + 63) / 64];
};

struct name {
    enum { NOTHING, ACTIVATION, GRADIENT } kind;
    int layer, channel;     // ACTIVATION
    struct sources sources; // GRADIENT
};

struct run {
    const struct network *network;
    const struct graph_options *options;
    const struct graph *graph;
    bool needed[LAYERS_MAX];
    struct sources expected[LAYERS_MAX];            // of the gradient of each layer's output
    struct name activations[LAYERS_MAX][UNITS_MAX]; // of each layer's output
    struct name (*names)[UNITS_MAX];                // [buffer_count]
    int *extras;                                    // [buffer_count] the layer that filled a buffer with bits or an arg-max
    int taps, last_tap;                             // targets whose gradients have been seen whole; the row of the latest
    int from;                                       // row that the forward pass began at
    int mistakes;
};

static bool has(const struct sources *s, int bit)
{
    return s->bits[bit / 64] >> (bit % 64) & 1;
}

static void include(struct sources *s, int bit)
{
    s->bits[bit / 64] |= 1ull << (bit % 64);
}

static bool same_name(const struct name *a, const struct name *b)
{
    return a->kind == b->kind && (a->kind == ACTIVATION ? a->layer == b->layer && a->channel == b->channel
                                                        : memcmp(&a->sources, &b->sources, sizeof a->sources) == 0);
}

static void expect(struct run *r, bool good, int op, const char *what)
{
    if (!good && r->mistakes++ == 0)
        printf("\n%d x %d, operation %d of %d, layer %s: %s\n", r->options->width, r->options->height, op, r->graph->op_count,
               op < r->graph->op_count ? r->network->layers[r->graph->ops[op].layer].name : "", what);
}

static int units(int channels)
{
    return (channels + UNIT - 1) / UNIT;
}

// The names in a view, which must lie inside its buffer, during the buffer's life.
static struct name *names_at(struct run *r, const struct view *view, int op)
{
    const struct buffer *buffer = &r->graph->buffers[view->buffer];
    const size_t unit = (size_t)UNIT * (size_t)view->height * (size_t)view->width * sizeof(float);
    const size_t bytes =
        view->channels == 3 && view->offset == 0 ? 3 * (unit / UNIT) : dnn_tensor_bytes(view->channels, view->height, view->width);
    expect(r, view->offset % unit == 0 && view->offset + bytes <= buffer->bytes, op, "a view outside its buffer");
    expect(r, buffer->first <= op && op <= buffer->last, op, "a buffer used outside its life");
    return r->mistakes ? r->names[0] : r->names[view->buffer] + view->offset / unit;
}

static void expect_activation(struct run *r, const struct view *view, int layer, int op)
{
    const struct name *found = names_at(r, view, op);
    expect(r, view->channels == r->network->layers[layer].channels, op, "a wrong number of channels");
    for (int u = 0; u < units(view->channels); u++)
        expect(r, same_name(&found[u], &r->activations[layer][u]), op, "reads another activation than its input's");
}

static void expect_gradient(struct run *r, const struct view *view, int layer, int op)
{
    const struct name *found = names_at(r, view, op);
    for (int u = 0; u < units(view->channels); u++)
        expect(r, found[u].kind == GRADIENT && memcmp(&found[u].sources, &r->expected[layer], sizeof r->expected[layer]) == 0, op,
               "reads a gradient that is not complete");
}

static void write_gradient(struct run *r, const struct view *view, int layer, int op, bool accumulate)
{
    struct name *names = names_at(r, view, op);
    for (int u = 0; u < units(view->channels); u++) {
        if (!accumulate)
            names[u] = (struct name){.kind = GRADIENT};
        expect(r, names[u].kind == GRADIENT && !has(&names[u].sources, layer), op, "adds to what is no gradient, or adds twice");
        include(&names[u].sources, layer);
    }
}

static void add_gradient(struct run *r, const struct view *from, const struct view *to, int op)
{
    const struct name *in = names_at(r, from, op);
    struct name *out = names_at(r, to, op);
    for (int u = 0; u < units(to->channels); u++) {
        expect(r, in[u].kind == GRADIENT && out[u].kind == GRADIENT, op, "adds what is no gradient");
        for (size_t w = 0; w < sizeof out[u].sources.bits / sizeof out[u].sources.bits[0]; w++) {
            expect(r, (out[u].sources.bits[w] & in[u].sources.bits[w]) == 0, op, "adds twice");
            out[u].sources.bits[w] |= in[u].sources.bits[w];
        }
    }
}

static void exchange_targets(struct run *r, int op)
{
    for (int t = 0; t < r->graph->target_count; t++) {
        const struct graph_target *target = &r->graph->targets[t];
        expect(r, target->layer == r->options->targets[t], op, "targets out of order");
        if (target->layer >= r->from)
            expect_activation(r, &target->view, target->layer, op);
    }
    for (int t = 0; t < r->graph->target_count; t++)
        if (r->graph->targets[t].layer >= r->from)
            write_gradient(r, &r->graph->targets[t].view, LAYERS_MAX + t, op, false);
}

static void use_extra(struct run *r, const struct op *op, int number, bool write)
{
    const struct buffer *buffer = &r->graph->buffers[op->extra];
    expect(r, buffer->first <= number && number <= buffer->last, number, "bits used outside their life");
    if (write)
        r->extras[op->extra] = op->layer;
    expect(r, r->extras[op->extra] == op->layer, number, "reads bits of another layer");
    if (r->network->layers[op->layer].kind == LAYER_CONV)
        expect(r, buffer->bytes * 8 == naive_count(op->out.channels, op->out.height, op->out.width), number, "not one bit a value");
}

static void step(struct run *r, int number)
{
    const struct op *op = &r->graph->ops[number];
    const struct layer *layer = &r->network->layers[op->layer];
    expect(r, number == r->graph->targets_op || r->needed[op->layer], number, "does what no target needs");
    switch (op->kind) {
    case OP_CONV:
    case OP_MAX_POOL:
    case OP_AVG_POOL:
        expect_activation(r, &op->in, layer->inputs[0], number);
        memcpy(names_at(r, &op->out, number), r->activations[op->layer], (size_t)units(op->out.channels) * sizeof(struct name));
        if (op->kind == OP_MAX_POOL)
            use_extra(r, op, number, true);
        break;
    case OP_RELU_MASK:
        expect_activation(r, &op->in, op->layer, number);
        use_extra(r, op, number, true);
        break;
    case OP_COPY:
        memcpy(names_at(r, &op->out, number), names_at(r, &op->in, number), (size_t)units(op->out.channels) * sizeof(struct name));
        break;
    case OP_TARGETS:
        expect(r, number == r->graph->targets_op, number, "targets at the wrong place");
        exchange_targets(r, number);
        break;
    case OP_TAP:
        expect_gradient(r, &op->in, op->layer, number);
        expect(r, op->layer < r->last_tap, number, "gradients of targets out of order");
        r->last_tap = op->layer;
        r->taps++;
        break;
    case OP_RELU_GRADIENT:
        expect_gradient(r, &op->out, op->layer, number);
        use_extra(r, op, number, false);
        break;
    case OP_CONV_BACKWARD:
    case OP_MAX_POOL_BACKWARD:
    case OP_AVG_POOL_BACKWARD:
        expect_gradient(r, &op->in, op->layer, number);
        expect(r, !op->accumulate || (layer->conv >= 0 && r->options->adds[layer->conv]), number, "adds where it can't");
        if (op->kind == OP_MAX_POOL_BACKWARD)
            use_extra(r, op, number, false);
        write_gradient(r, &op->out, op->layer, number, op->accumulate);
        break;
    case OP_ADD:
        add_gradient(r, &op->in, &op->out, number);
        break;
    case OP_UNBLOCK:
        expect_gradient(r, &op->in, 0, number);
        expect(r, number == r->graph->op_count - 1 && op->out.buffer == r->graph->gradient.buffer, number, "the result is not at the end");
        (void)names_at(r, &op->out, number);
        break;
    }
}

static void forget(struct run *r, int buffer)
{
    memset(r->names[buffer], 0, sizeof r->names[buffer]);
    r->extras[buffer] = -1;
}

// Operations first to end; what they leave behind at the end of its life is lost.
static void steps(struct run *r, int first, int end)
{
    for (int i = first; i < end && !r->mistakes; i++) {
        step(r, i);
        for (int b = 0; b < r->graph->buffer_count; b++)
            if (r->graph->buffers[b].last == i)
                forget(r, b);
    }
}

// From a target at a cut, whose activation the caller writes again, to its tap.
static void again(struct run *r, int tap)
{
    const struct graph_target *target = r->graph->targets;
    const int taps = r->taps;
    while (target->tap != tap)
        target++;
    for (int b = 0; b < r->graph->buffer_count; b++)
        if (r->graph->buffers[b].first >= target->behind)
            forget(r, b);
    memcpy(names_at(r, &target->view, target->behind), r->activations[target->layer],
           (size_t)units(target->view.channels) * sizeof(struct name));
    r->from = target->layer;
    r->last_tap = LAYERS_MAX;
    steps(r, target->behind, tap + 1);
    r->taps = taps;
}

static void need(struct run *r, int layer)
{
    if (r->needed[layer])
        return;
    r->needed[layer] = true;
    for (int k = 0; k < r->network->layers[layer].input_count; k++)
        need(r, r->network->layers[layer].inputs[k]);
}

// What each layer's activation and its gradient are made of, from the table.
static void prepare(struct run *r)
{
    const struct network *net = r->network;
    for (int t = 0; t < r->options->target_count; t++) {
        need(r, r->options->targets[t]);
        include(&r->expected[r->options->targets[t]], LAYERS_MAX + t);
    }
    for (int i = 0; i < net->layer_count; i++) {
        int next = 0;
        for (int k = 0; net->layers[i].kind == LAYER_CONCAT && k < net->layers[i].input_count; k++)
            for (int u = 0; u < units(net->layers[net->layers[i].inputs[k]].channels); u++)
                r->activations[i][next++] = r->activations[net->layers[i].inputs[k]][u];
        for (; next < units(net->layers[i].channels); next++)
            r->activations[i][next] = (struct name){.kind = ACTIVATION, .layer = i, .channel = next * UNIT};
    }
    for (int i = net->layer_count - 1; i > 0; i--) // consumers come after what they read
        for (int k = 0; r->needed[i] && k < net->layers[i].input_count; k++) {
            struct sources *input = &r->expected[net->layers[i].inputs[k]];
            if (net->layers[i].kind != LAYER_CONCAT)
                include(input, i);
            for (int bit = 0; net->layers[i].kind == LAYER_CONCAT && bit < LAYERS_MAX + GRAPH_TARGETS_MAX; bit++)
                if (has(&r->expected[i], bit))
                    include(input, bit);
        }
}

static void check_arena(const struct graph *graph)
{
    size_t bytes;
    UNIT_OK(arena_layout(graph->buffers, graph->buffer_count, &bytes));
    int overlaps = 0;
    for (int i = 0; i < graph->buffer_count; i++)
        for (int k = 0; k < i; k++) {
            const struct buffer *a = &graph->buffers[i], *b = &graph->buffers[k];
            if (a->first > a->last || b->first > b->last || a->first > b->last || b->first > a->last)
                continue;
            overlaps += a->offset < b->offset + b->bytes && b->offset < a->offset + a->bytes;
        }
    CU_ASSERT_EQUAL(overlaps, 0);
}

static void check(const struct graph_options *options)
{
    static struct run r;
    struct graph *graph;
    memset(&r, 0, sizeof r);
    UNIT_OK(graph_create(&graph, options));
    r.network = options->network;
    r.options = options;
    r.graph = graph;
    r.names = calloc((size_t)graph->buffer_count, sizeof *r.names);
    r.extras = calloc((size_t)graph->buffer_count, sizeof *r.extras);
    prepare(&r);
    memcpy(r.names[graph->image.buffer], r.activations[0], sizeof r.activations[0]); // the caller's
    r.last_tap = LAYERS_MAX;
    for (int i = 0; i < graph->op_count && !r.mistakes; i++) {
        steps(&r, i, i + 1);
        if (graph->ops[i].kind == OP_TAP && network_is_cut(options->network, graph->ops[i].layer))
            again(&r, i);
    }
    CU_ASSERT_EQUAL(r.taps, options->target_count);
    for (int i = 0; i < options->network->layer_count; i++) { // nothing is left out
        bool there = !r.needed[i] || i == 0 || options->network->layers[i].kind == LAYER_CONCAT;
        for (int k = 0; k < graph->targets_op; k++)
            there = there || graph->ops[k].layer == i;
        CU_ASSERT(there);
    }
    CU_ASSERT_EQUAL(graph->ops[graph->op_count - 1].kind, OP_UNBLOCK);
    CU_ASSERT_EQUAL(r.mistakes, 0);
    check_arena(graph);
    free(r.extras);
    free(r.names);
    graph_destroy(&graph);
    CU_ASSERT_PTR_NULL(graph);
}

static void random_adds(bool *adds, int count, uint32_t *state)
{
    for (int i = 0; i < count; i++)
        adds[i] = naive_next(state) % 4 != 0;
}

static int random_targets(const struct network *net, int *targets, uint32_t *state)
{
    const int wanted = 1 + (int)(naive_next(state) % GRAPH_TARGETS_MAX);
    int count = 0;
    while (count < wanted) {
        const int layer = 1 + (int)(naive_next(state) % (uint32_t)(net->layer_count - 1));
        bool there = false;
        for (int t = 0; t < count; t++)
            there = there || targets[t] == layer;
        if (!there)
            targets[count++] = layer;
    }
    return count;
}

static void test_random(void)
{
    const struct network *net = network_inception_v3();
    CU_ASSERT_FATAL(net->layer_count <= LAYERS_MAX);
    uint32_t state = 7;
    for (int i = 0; i < 300; i++) {
        bool adds[LAYERS_MAX];
        int targets[GRAPH_TARGETS_MAX];
        struct graph_options options = {.network = net, .targets = targets, .adds = adds};
        options.width = 75 + (int)(naive_next(&state) % 526);
        options.height = 75 + (int)(naive_next(&state) % 526);
        options.target_count = random_targets(net, targets, &state);
        random_adds(adds, net->conv_count, &state);
        check(&options);
    }
}

static void test_nested(void)
{
    static const char *const sets[][5] = {
        {"mixed0"},
        {"conv2d_1"},
        {"conv2d_6", "mixed0"},
        {"mixed0", "conv2d_6", "conv2d_12"},
        {"mixed9_0", "mixed9"},
        {"mixed9_0"},
        {"conv2d_79", "mixed9_0", "mixed9", "mixed10", "conv2d_94"},
        {"max_pooling2d_3", "mixed3"},
        {"max_pooling2d_3"},
        {"max_pooling2d_1", "max_pooling2d_4"},
        {"mixed3", "mixed5"},
        {"average_pooling2d_1", "conv2d_12", "max_pooling2d_2"},
        {"concatenate_2", "mixed9_1", "conv2d_93", "conv2d_90", "mixed8"},
    };
    const struct network *net = network_inception_v3();
    for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++)
        for (int can_add = 0; can_add < 2; can_add++) {
            bool adds[LAYERS_MAX];
            int targets[GRAPH_TARGETS_MAX];
            struct graph_options options = {.network = net, .width = 75, .height = 203, .targets = targets, .adds = adds};
            for (; options.target_count < 5 && sets[i][options.target_count]; options.target_count++) {
                targets[options.target_count] = network_find(net, sets[i][options.target_count]);
                CU_ASSERT_FATAL(targets[options.target_count] > 0);
            }
            memset(adds, can_add, sizeof adds);
            check(&options);
        }
}

// The first layer that a target needs and that has no output, or NULL.
static const char *too_small(const struct network *net, const struct graph_options *options)
{
    static struct run r;
    int height[LAYERS_MAX] = {options->height}, width[LAYERS_MAX] = {options->width};
    memset(&r, 0, sizeof r);
    r.network = net;
    for (int t = 0; t < options->target_count; t++)
        need(&r, options->targets[t]);
    for (int i = 1; i < net->layer_count; i++) {
        const struct layer *layer = &net->layers[i];
        const int crop_h = layer->same ? 0 : layer->kernel_h - 1, crop_w = layer->same ? 0 : layer->kernel_w - 1;
        height[i] = (height[layer->inputs[0]] - crop_h + layer->stride - 1) / layer->stride;
        width[i] = (width[layer->inputs[0]] - crop_w + layer->stride - 1) / layer->stride;
        if (r.needed[i] && (height[i] < 1 || width[i] < 1))
            return layer->name;
    }
    return NULL;
}

static void test_too_small(void)
{
    const struct network *net = network_inception_v3();
    bool adds[LAYERS_MAX] = {0};
    int refused = 0;
    uint32_t state = 5;
    for (int i = 0; i < 150; i++) {
        int targets[GRAPH_TARGETS_MAX];
        struct graph_options options = {.network = net, .targets = targets, .adds = adds};
        options.target_count = random_targets(net, targets, &state);
        options.target_count = options.target_count > 3 ? 3 : options.target_count;
        options.width = (int)(naive_next(&state) % 80);
        options.height = (int)(naive_next(&state) % 300);
        const char *layer = too_small(net, &options);
        if (!layer) {
            check(&options);
            continue;
        }
        struct graph *graph;
        char expected[64];
        CU_ASSERT_EQUAL(graph_create(&graph, &options), STATUS_LIMIT);
        CU_ASSERT_PTR_NULL(graph);
        snprintf(expected, sizeof expected, "layer %s;", layer);
        CU_ASSERT(strstr(status_message(), expected) != NULL);
        refused++;
    }
    CU_ASSERT(refused > 20 && refused < 130);
}

static void test_refused(void)
{
    int targets[GRAPH_TARGETS_MAX + 1] = {1};
    bool adds[LAYERS_MAX] = {0};
    struct graph_options options = {.network = network_inception_v3(), .width = 100, .height = 100, .targets = targets, .adds = adds};
    struct graph *graph;
    CU_ASSERT_EQUAL(graph_create(&graph, &options), STATUS_USAGE);
    options.target_count = GRAPH_TARGETS_MAX + 1;
    CU_ASSERT_EQUAL(graph_create(&graph, &options), STATUS_USAGE);
    CU_ASSERT_PTR_NULL(graph);
    options.target_count = 1;
    options.width = -5;
    CU_ASSERT_EQUAL(graph_create(&graph, &options), STATUS_LIMIT);
    graph_destroy(&graph); // harmless
}

static void test_scratch(void)
{
    const int target = 1;
    bool adds[LAYERS_MAX] = {0};
    struct graph *graph;
    UNIT_OK(graph_create(
        &graph, &(struct graph_options){
                    .network = network_inception_v3(), .width = 80, .height = 90, .target_count = 1, .targets = &target, .adds = adds}));
    const int buffers = graph->buffer_count;
    UNIT_OK(graph_add_scratch(graph, 2, 0));
    CU_ASSERT(graph->buffer_count == buffers && graph->ops[2].scratch == NO_BUFFER);
    UNIT_OK(graph_add_scratch(graph, 2, 1000));
    const struct buffer *scratch = &graph->buffers[graph->ops[2].scratch];
    CU_ASSERT(scratch->bytes == 1000 && scratch->first == 2 && scratch->last == 2);
    graph_destroy(&graph);
}

static const struct unit_test tests[] = {
    {"random sizes and targets", test_random},
    {"nested targets", test_nested},
    {"too small", test_too_small},
    {"refused", test_refused},
    {"scratch", test_scratch},
};
UNIT_MAIN("graph", tests)
