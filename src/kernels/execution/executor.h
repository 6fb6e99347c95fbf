// SPDX-License-Identifier: MIT
// Runs the network forward to its targets and back to the image, for one image size.
#pragma once

#include <stddef.h>

#include "common/system/status.h"
#include "kernels/convolution/plan.h"
#include "kernels/convolution/weight_cache.h"
#include "kernels/network/graph.h"
#include "kernels/network/network.h"

struct executor;

// How the gradient goes back through a ReLU with input a.
enum gradient_mode {
    GRADIENT_MODE_GUIDED, // g * [g > 0] * [a > 0]  Springenberg et al. 2014, arXiv:1412.6806
    GRADIENT_MODE_PLAIN,  // g * [a > 0]
    GRADIENT_MODE_DECONV, // g * [g > 0]            Zeiler and Fergus 2013, arXiv:1311.2901
};

// Where on the way back, and how strongly.
struct gradient_rule {
    enum gradient_mode mode;
    int above;  // in the layers behind this row of the network table, the plain gradient up to it; 0: everywhere
    float leak; // what part of a negative gradient passes where `mode` lets positive ones through alone: guided with 1 is plain
};

struct executor_options {
    const struct network *network;
    struct weight_cache *cache; // weights; outlives the executor. NULL: for an executor that is looked at only, neither bound nor run
    const struct plan *plan;    // read during creation only
    int width, height;          // pixels of the image
    int target_count;
    const int *targets; // [target_count] rows of the network table, all different
};

// An activation or a gradient: float32 in blocks of `block` channels, (channels / block, height, width, block).
struct tensor {
    float *data;
    int channels, height, width, block;
};

enum status executor_create(struct executor **executor, const struct executor_options *options) MUST_CHECK;
void executor_destroy(struct executor **executor);

// Memory that it needs to run, beside the weights. It is bound to that much memory (64-byte aligned) before it runs; the memory may serve
// other executors between one's executor_forward() and the next one's.
size_t executor_bytes(const struct executor *executor);
enum status executor_bind(struct executor *executor, void *memory) MUST_CHECK;

// Where the caller puts the image before executor_forward(): (3, height, width), in [-1, 1]. Lost when it runs.
float *executor_image(struct executor *executor);

// Called after each operation from now on, by the thread that runs it; NULL: nothing is. For what must go on meanwhile.
void executor_between(struct executor *executor, void (*call)(void *context), void *context);

// Called from now on for each target during the backward pass, from the last row of the network to the first, as soon as d loss / d A of
// this target A is complete: all of the loss that depends on A through later layers, and what the caller wrote for A itself. In the given
// gradient mode, before the ReLU of A's own layer. The tensor is shaped like executor_target() and may be read during the call. NULL:
// nothing is called.
void executor_on_gradient(struct executor *executor, void (*call)(void *context, int target, const struct tensor *gradient), void *context);

// Image -> activations of the targets.
enum status executor_forward(struct executor *executor) MUST_CHECK;

// Goes on from a target at a cut of the network (network_is_cut()), all of whose activation the caller has written anew: the activations of
// the later targets are then what executor_forward() would have made of it. After executor_forward(), and again after an
// executor_backward() down to this target, with its activation written anew each time. What lies before the target stays as it was.
enum status executor_forward_from(struct executor *executor, int target) MUST_CHECK;

// A target's activation after executor_forward(). The caller overwrites it with the gradient of the loss with respect to it.
struct tensor executor_target(struct executor *executor, int target);

// Gradients of the targets -> gradient of the image. Once after each forward pass. `target`: only as far as the gradient of this one, for
// executor_on_gradient(): targets before it need no gradient, the image gets none, and the last target costs nothing; EXECUTOR_IMAGE: to
// the image.
enum { EXECUTOR_IMAGE = -1 };
enum status executor_backward(struct executor *executor, struct gradient_rule rule, int target) MUST_CHECK;

// After executor_backward(): d loss / d image, (3, height, width).
const float *executor_gradient(const struct executor *executor);

// What it runs: operations, and buffers at their places in its memory. Lives as long as the executor.
const struct graph *executor_graph(const struct executor *executor);

// One of the graph's operations, in the order in which they run, for those who measure.
struct executor_op {
    const char *layer; // the first, where several convolutions are one
    int part_count;    // of a convolution: those that are one here; otherwise 0
    const char *parts[CONV_PARTS_MAX];
    const char *work;   // "convolution", "convolution backward", "max pool", ...
    const char *method; // of a convolution, by conv_method_name(); otherwise ""
    double flop;        // of a convolution, two a multiply-add, as if it were direct; otherwise 0
    bool backward;      // after the targets
};
struct executor_op executor_op(const struct executor *executor, int op);
// Runs it by itself, on whatever is in memory.
enum status executor_run_op(struct executor *executor, int op) MUST_CHECK;

// Floating-point operations of the convolutions of one forward and one backward pass, two a multiply-add.
double executor_flop(const struct executor *executor);

// Bytes that an executor of this size would need, to a few per cent, without building it. STATUS_LIMIT where the image is too small.
enum status executor_estimate(const struct executor_options *options, size_t *bytes) MUST_CHECK;
