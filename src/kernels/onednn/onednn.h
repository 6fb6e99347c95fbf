// SPDX-License-Identifier: MIT
// The door to oneDNN: one convolution, created for fixed shapes and run on plain pointers, by one thread at a time for each binding.
//
// Tensors are (height, width, channels), the layout that all of oneDNN's implementations take. What is read is float32 or bfloat16, sums
// and what is written are float32.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/system/status.h"

struct onednn_primitive;

// The weights of a convolution in the layout that a primitive wants.
struct onednn_weights;

// A primitive with the memory that it works on.
struct onednn_binding;

// Shapes are those of the forward operation, also backward: src is the input side, dst the output side.
struct onednn_shape {
    int src_channels, src_h, src_w;
    int dst_channels, dst_h, dst_w;
    int kernel_h, kernel_w, stride;
    int pad_h, pad_w; // before the first row and column; what is needed after the last follows
};

struct onednn_spec {
    struct onednn_shape shape;
    bool backward; // reads the gradient of dst, writes that of src
    bool bf16;     // what is read, and the weights, are bfloat16
};

// Channels in one block of a tensor elsewhere: the lanes of simd_here().
enum { ONEDNN_BLOCK_MAX = 16 };
int onednn_block(void);

// Bytes of a float32 tensor in such blocks; channels are padded up to a whole one.
size_t onednn_tensor_bytes(int channels, int height, int width);

// The version of oneDNN that runs, such as "2.6.3".
const char *onednn_version(void);

// Fails with STATUS_UNSUPPORTED where oneDNN has no such implementation. What it does is the same for any number of OpenMP threads.
enum status onednn_primitive_create(struct onednn_primitive **primitive, const struct onednn_spec *spec) MUST_CHECK;
void onednn_primitive_destroy(struct onednn_primitive **primitive);

size_t onednn_scratch_bytes(const struct onednn_primitive *primitive); // needed while it runs
bool onednn_is_reference(const struct onednn_primitive *primitive);    // oneDNN has plain loops only, dozens of times slower

// From (out, in, kernel_h, kernel_w) of the forward convolution.
enum status onednn_weights_create(struct onednn_weights **weights, const struct onednn_primitive *primitive, const float *plain) MUST_CHECK;
void onednn_weights_destroy(struct onednn_weights **weights);
// Whether these weights are in the layout that `primitive` wants.
bool onednn_weights_fit(const struct onednn_weights *weights, const struct onednn_primitive *primitive);

// All memory is 64-byte aligned. It, `primitive` and `weights` outlive the binding.
enum status onednn_bind(struct onednn_binding **binding, const struct onednn_primitive *primitive, const struct onednn_weights *weights,
                        const void *in, float *out, void *scratch) MUST_CHECK;
void onednn_binding_destroy(struct onednn_binding **binding);

// Runs it to the end in the calling thread.
enum status onednn_run(const struct onednn_binding *binding) MUST_CHECK;
