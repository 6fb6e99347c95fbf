// SPDX-License-Identifier: MIT
#include "commands/network/model_graph.h"

#include <jansson.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands/arguments.h"
#include "common/system/text.h"
#include "job/planning.h"
#include "job/resources.h"
#include "kernels/convolution/convolution.h"
#include "worker/network/engine.h"
#include "worker/network/objective.h"

// What is printed, and where it is found.
struct printing {
    const struct config *config;
    const struct network *network;
    const struct plan *plan;
    const struct executor *executor;
    const struct graph *graph;
    int threads;
    bool large; // more than a GiB: in MiB and GFLOP instead of KiB and MFLOP
};

static const char *const short_names[] = {[OP_CONV] = "conv",
                                          [OP_CONV_BACKWARD] = "conv back",
                                          [OP_MAX_POOL] = "max pool",
                                          [OP_MAX_POOL_BACKWARD] = "max pool back",
                                          [OP_AVG_POOL] = "avg pool",
                                          [OP_AVG_POOL_BACKWARD] = "avg pool back",
                                          [OP_PASS] = "copy",
                                          [OP_TARGETS] = "targets",
                                          [OP_TAP] = "tap"};

static const char *name_of(const struct printing *p, int row)
{
    return p->network->layers[row].name;
}

// What an operation leaves; of a tap what it hands out.
static const struct view *view_of(const struct op *op, int result)
{
    return op->kind == OP_TAP ? &op->inputs[0] : &op->results[result].view;
}

static size_t view_bytes(const struct view *view)
{
    return (size_t)view->channels * (size_t)view->height * (size_t)view->width * (view->bf16 ? 2 : 4);
}

static size_t place_of(const struct printing *p, const struct view *view)
{
    return p->graph->buffers[view->buffer].offset + view->offset;
}

static bool overlap(const struct view *a, const struct view *b)
{
    return a->buffer == b->buffer && a->offset < b->offset + view_bytes(b) && b->offset < a->offset + view_bytes(a);
}

// Whether an operation reads what another, before it, writes or adds to.
static bool reads(const struct op *op, const struct op *other)
{
    for (int r = 0; r < other->result_count; r++)
        for (int k = 0; k < op->input_count; k++)
            if (overlap(&other->results[r].view, &op->inputs[k]))
                return true;
    return false;
}

// Convolutions that the plan does not know.
static int unknown_count(const struct printing *p)
{
    const int size = plan_size(p->graph->width, p->graph->height);
    int count = 0;
    for (const struct op *op = p->graph->ops; op < p->graph->ops + p->graph->op_count; op++)
        if (op_is_convolution(op)) {
            const struct conv_spec spec = conv_spec_of(p->network, op);
            count += !plan_find(p->plan, &spec, size);
        }
    return count;
}

void model_graph_layers(const struct executor_op *op, char text[80])
{
    snprintf(text, 80, "%s", op->layer);
    for (int p = 1; p < op->part_count; p++) {
        const char *number = strrchr(op->parts[p], '_');
        text_append(text, 80, "+%s", number ? number + 1 : op->parts[p]);
    }
}

static void print_result(const struct printing *p, const struct op *op, int result)
{
    const struct view *view = view_of(op, result);
    const struct buffer *buffer = &p->graph->buffers[view->buffer];
    const int shift = p->large ? 20 : 10;
    char shape[32], life[32];
    snprintf(shape, sizeof shape, "%dx%dx%d", view->channels, view->height, view->width);
    snprintf(life, sizeof life, "%d-%d", buffer->first, buffer->last);
    printf(" %-15s %12s %7s %6zu", name_of(p, op->results[result].layer), shape, life, ((view_bytes(view) - 1) >> shift) + 1);
}

// A line for the operation and its first result, and one for each further result.
static void print_op(const struct printing *p, int number)
{
    const struct op *op = &p->graph->ops[number];
    const struct executor_op found = executor_op(p->executor, number);
    const bool gate = op->kind == OP_PASS && op->results[0].gate != NO_BUFFER;
    char layers[80], from[80] = "";
    model_graph_layers(&found, layers);
    for (int i = 0; i < number; i++)
        if (reads(op, &p->graph->ops[i]))
            text_append(from, sizeof from, "%s%d", from[0] ? "," : "", i);
    printf("%3d ", number);
    if (op->result_count == 0) {
        puts(short_names[op->kind]);
        return;
    }
    printf("%-13s %-18s %-15s", gate ? "gate" : short_names[op->kind], layers, number == 0 ? "image" : from);
    print_result(p, op, 0);
    if (found.flop > 0)
        printf(" %-15s %7.1f", found.method, found.flop / (p->large ? 1e9 : 1e6));
    putchar('\n');
    for (int r = 1; r < op->result_count; r++) {
        printf("%52s", "");
        print_result(p, op, r);
        putchar('\n');
    }
}

// Sums over buffers.
struct totals {
    size_t tensors, bits, scratch;
};

static struct totals totals_of(const struct graph *graph)
{
    struct totals t = {0};
    const struct buffer *buffers = graph->buffers;
    for (const struct op *op = graph->ops; op < graph->ops + graph->op_count; op++) {
        for (int r = 0; r < op->result_count; r++)
            t.bits += op->results[r].mask == NO_BUFFER ? 0 : buffers[op->results[r].mask].bytes;
        t.bits += op->kind == OP_MAX_POOL ? buffers[op->index].bytes : 0;
        t.scratch += op->scratch == NO_BUFFER ? 0 : buffers[op->scratch].bytes;
    }
    for (int b = 0; b < graph->buffer_count; b++)
        t.tensors += buffers[b].first <= buffers[b].last ? buffers[b].bytes : 0;
    t.tensors -= t.bits + t.scratch;
    return t;
}

static void print_table(const struct printing *p)
{
    const double mib = 1 << 20, bytes = (double)executor_bytes(p->executor);
    const struct totals totals = totals_of(p->graph);
    const int unknown = unknown_count(p);
    for (int t = 0; t < p->config->targets.count; t++)
        printf("%s%s", t ? " + " : "", p->config->targets.items[t].layer);
    printf(" at %d x %d pixels in %s, plan %s, %s, %d thread%s\n", p->graph->width, p->graph->height, p->plan->bf16 ? "bf16" : "f32",
           p->config->plan, simd_here()->name, p->threads, PLURAL(p->threads));
    if (unknown)
        printf("no plan has been made yet for %d convolution%s, shown as direct: dream or bench makes it, or give one by -s plan=FILE\n",
               unknown, PLURAL(unknown));
    printf("\n%3s %-13s %-18s %-15s %-15s %12s %7s %6s %-15s %7s\n", "", "operation", "of", "reads from", "result", "shape", "lives",
           p->large ? "MiB" : "KiB", "method", p->large ? "GFLOP" : "MFLOP");
    for (int i = 0; i < p->graph->op_count; i++)
        print_op(p, i);
    printf("\n%d operations, %d of them forward: %.2f GFLOP in %.2f MiB, %.1f bytes a pixel\n"
           "buffers of %.2f MiB share them: %.2f of tensors, %.2f of ReLUs' bits and max pools' choices, %.2f of scratch\n",
           p->graph->op_count, p->graph->targets_op, executor_flop(p->executor) / 1e9, bytes / mib,
           bytes / ((double)p->graph->width * p->graph->height), (double)(totals.tensors + totals.bits + totals.scratch) / mib,
           (double)totals.tensors / mib, (double)totals.bits / mib, (double)totals.scratch / mib);
    puts("\n"
         "of: layers with a + are one operation, as they read the same; an average pool comes after the 1x1 convolution behind it\n"
         "reads from: the operations that write what it reads; several where channels are joined or gradients added up\n"
         "result, shape: activations, or behind `targets` gradients, of that layer; channels x height x width\n"
         "lives: from the first to the last operation that touches the result's buffer, which channels to be joined share\n"
         "targets: the loss turns activations into gradients; copy: to or from float32, in which targets are\n"
         "gate: back through a ReLU that the last to add to a gradient could not apply; tap: hands a gradient to who asks\n"
         "method: docs/performance.md explains them; FLOP: two a multiply-add, as if all were direct");
}

static json_t *result_to_json(const struct printing *p, const struct op *op, int number)
{
    const struct op_result *result = &op->results[number];
    const struct view *view = view_of(op, number);
    const struct buffer *buffer = &p->graph->buffers[view->buffer];
    return json_pack("{s:s, s:[i,i,i], s:s, s:I, s:I, s:i, s:i, s:b, s:b, s:b}", "layer", name_of(p, result->layer), "shape",
                     view->channels, view->height, view->width, "type", view->bf16 ? "bf16" : "f32", "bytes", (json_int_t)view_bytes(view),
                     "at", (json_int_t)place_of(p, view), "first", buffer->first, "last", buffer->last, "relu", result->relu, "accumulate",
                     result->accumulate, "gate", result->gate != NO_BUFFER);
}

static json_t *op_to_json(const struct printing *p, int number)
{
    const struct op *op = &p->graph->ops[number];
    const struct executor_op found = executor_op(p->executor, number);
    json_t *layers = json_array(), *results = json_array(), *from = json_array();
    for (int i = 0; i < number; i++)
        if (reads(op, &p->graph->ops[i]))
            json_array_append_new(from, json_integer(i));
    for (int k = 0; k < found.part_count; k++)
        json_array_append_new(layers, json_string(found.parts[k]));
    if (found.part_count == 0 && op->kind != OP_TARGETS)
        json_array_append_new(layers, json_string(found.layer));
    for (int r = 0; r < op->result_count; r++)
        json_array_append_new(results, result_to_json(p, op, r));
    json_t *object = json_pack("{s:s, s:o, s:b, s:o, s:o}", "work", found.work, "layers", layers, "backward", found.backward, "reads", from,
                               "results", results);
    if (found.flop > 0)
        json_object_update_new(object, json_pack("{s:s, s:f}", "method", found.method, "flop", found.flop));
    return object;
}

static enum status print_json(const struct printing *p)
{
    enum status rc = STATUS_OK;
    json_t *targets = json_array(), *operations = json_array();
    for (int t = 0; t < p->config->targets.count; t++)
        json_array_append_new(targets, json_string(p->config->targets.items[t].layer));
    for (int i = 0; i < p->graph->op_count; i++)
        json_array_append_new(operations, op_to_json(p, i));
    json_t *root = json_pack("{s:o, s:i, s:i, s:s, s:s, s:s, s:i, s:i, s:f, s:I, s:o}", "targets", targets, "width", p->graph->width,
                             "height", p->graph->height, "precision", p->plan->bf16 ? "bf16" : "f32", "plan_setting", p->config->plan,
                             "simd", simd_here()->name, "threads", p->threads, "unknown", unknown_count(p), "flop",
                             executor_flop(p->executor), "bytes", (json_int_t)executor_bytes(p->executor), "operations", operations);
    if (!root)
        rc = fail(STATUS_FORMAT, "no JSON: a name is not UTF-8");
    else if (json_dumpf(root, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(12)) != 0 && !ferror(stdout)) // which main() looks at
        rc = no_memory("for the graph as JSON");
    putchar('\n');
    json_decref(root);
    return rc;
}

enum status model_graph_print(struct config *config, int width, int height, bool json)
{
    struct objective objective;
    struct cores cores;
    struct executor *executor = NULL;
    char *file_text = NULL, *plan_text = NULL;
    enum status rc;
    struct plan *plan;
    TRY(resources_cores_alone(&cores));
    const int threads = resources_threads(config->threads, &cores).count;
    TRY(ALLOCATE(plan, 1, "for a plan"));
    TRY_OUT(arguments_check_config(config));
    TRY_OUT(objective_find_targets(&objective, config));
    TRY_OUT(planning_read_file(config, &file_text));
    TRY_OUT(planning_find(config, threads, NULL, file_text, plan, &plan_text));
    omp_set_num_threads(threads); // of which each has scratch of its own
    TRY_OUT(executor_create(&executor, &(struct executor_options){.network = network_inception_v3(),
                                                                  .plan = plan,
                                                                  .width = width,
                                                                  .height = height,
                                                                  .target_count = objective.count,
                                                                  .targets = objective.rows}));
    const struct printing printing = {
        config, network_inception_v3(), plan, executor, executor_graph(executor), threads, executor_bytes(executor) > 1 << 30};
    if (json)
        TRY_OUT(print_json(&printing));
    else
        print_table(&printing);
out:
    executor_destroy(&executor);
    free(plan_text);
    free(file_text);
    free(plan);
    return rc;
}
