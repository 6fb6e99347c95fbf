// SPDX-License-Identifier: MIT
// The door to oneDNN: one convolution primitive, created for fixed shapes and run on plain pointers.
//
// Tensors are float32, or bfloat16 where said, in the blocked layout nChw<b>c, b = onednn_block(): (channels / b, height, width, b). A
// range of channels that starts and ends at a multiple of b is therefore one contiguous piece of memory. The image alone is planar (3,
// height, width).
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/system/status.h"

struct onednn_primitive;

// The layout in which a primitive wants the weights of its convolution, and the weights in it.
struct onednn_weights;

enum onednn_kind {
    ONEDNN_FORWARD,  // dst = relu(conv(src) + bias + dst), all but conv optional
    ONEDNN_BACKWARD, // src = conv^T(dst), the gradient with respect to the source, by oneDNN's own backward pass
    ONEDNN_TURNED,   // the same as a forward convolution with the kernel turned by half a turn; stride 1 only
};

// Shapes are those of the forward operation, whatever the kind: src is the input side, dst the output side.
struct onednn_shape {
    int src_channels, src_h, src_w;
    int dst_channels, dst_h, dst_w;
    int kernel_h, kernel_w, stride;
    int pad_h, pad_w; // before the first row and column; what is needed after the last follows
};

struct onednn_spec {
    enum onednn_kind kind;
    struct onednn_shape shape;
    // For all kinds but ONEDNN_BACKWARD:
    bool winograd;      // Winograd's algorithm instead of the direct one
    bool bias, relu;    // ONEDNN_FORWARD only: fused, the ReLU last
    bool accumulate;    // add to the result instead of overwriting it
    bool planar_source; // ONEDNN_FORWARD only: src is (channels, h, w)
    bool bf16;          // src, dst and weights are bfloat16; sums and bias are float32
};

// Channels in one block: the lanes of simd_here().
enum { ONEDNN_BLOCK_MAX = 16 };
int onednn_block(void);

// The version of oneDNN that runs, such as "2.6.3".
const char *onednn_version(void);

// Bytes of a tensor; channels are padded up to a whole block.
size_t onednn_tensor_bytes(int channels, int height, int width);

// Fails with STATUS_UNSUPPORTED where oneDNN has no such implementation.
enum status onednn_primitive_create(struct onednn_primitive **primitive, const struct onednn_spec *spec) MUST_CHECK;
void onednn_primitive_destroy(struct onednn_primitive **primitive);

size_t onednn_scratch_bytes(const struct onednn_primitive *primitive); // needed while it runs
bool onednn_is_reference(const struct onednn_primitive *primitive);    // oneDNN has plain loops only, dozens of times slower

// The weights (out, in, kernel_h, kernel_w) of the forward convolution, for ONEDNN_TURNED (in, out, kernel_h, kernel_w) turned by half a
// turn, in the layout that `primitive` wants.
enum status onednn_weights_create(struct onednn_weights **weights, const struct onednn_primitive *primitive, const float *plain) MUST_CHECK;
void onednn_weights_destroy(struct onednn_weights **weights);
// Whether these weights are in the layout that `primitive` wants.
bool onednn_weights_fit(const struct onednn_weights *weights, const struct onednn_primitive *primitive);

// Memory of one primitive, 64-byte aligned. Unused ones are NULL. Stays valid until bound again.
struct onednn_binding {
    const void *in; // what is read: src, or backward dst
    void *out;      // what is written
    const struct onednn_weights *weights;
    const float *bias;
    void *scratch;
};
enum status onednn_bind(struct onednn_primitive *primitive, const struct onednn_binding *binding) MUST_CHECK;

// Runs it to the end with the calling thread's OpenMP threads.
enum status onednn_run(struct onednn_primitive *primitive) MUST_CHECK;
