// SPDX-License-Identifier: MIT
// The only door to oneDNN: one convolution primitive, created for fixed shapes and run on plain pointers.
//
// Tensors are float32, or bfloat16 where said, in the blocked layout nChw<b>c, b = dnn_block(): (channels / b, height, width, b). A range
// of channels that starts and ends at a multiple of b is therefore one contiguous piece of memory. The image alone is planar (3, height,
// width).
#ifndef ONEIROS_KERNELS_DNN_H
#define ONEIROS_KERNELS_DNN_H

#include <stdbool.h>
#include <stddef.h>

#include "common/status.h"

struct dnn_primitive;

// The layout in which a primitive wants the weights of its convolution, and the weights in it.
struct dnn_weights;

enum dnn_kind {
    DNN_CONV,               // dst = relu(conv(src) + bias + dst), all but conv optional
    DNN_CONV_BACKWARD_DATA, // src = conv^T(dst), the gradient with respect to the source
};

// Shapes are those of the forward operation, whatever the kind: src is the input side, dst the output side.
struct dnn_shape {
    int src_channels, src_h, src_w;
    int dst_channels, dst_h, dst_w;
    int kernel_h, kernel_w, stride;
    int pad_h, pad_w; // before the first row and column; what is needed after the last follows
};

struct dnn_spec {
    enum dnn_kind kind;
    struct dnn_shape shape;
    bool winograd;      // DNN_CONV only: Winograd's algorithm instead of the direct one
    bool bias;          // DNN_CONV only
    bool relu;          // DNN_CONV only: fused, last
    bool accumulate;    // DNN_CONV only: add to dst instead of overwriting it
    bool planar_source; // DNN_CONV only: src is (channels, h, w)
    bool bf16;          // DNN_CONV only: src, dst and weights are bfloat16; sums and bias are float32
};

// Channels in one block: the lanes of simd_here().
enum { DNN_BLOCK_MAX = 16 };
int dnn_block(void);

// The version of oneDNN that runs, such as "2.6.3".
const char *dnn_version(void);

// Bytes of a tensor; channels are padded up to a whole block.
size_t dnn_tensor_bytes(int channels, int height, int width);

// Fails with STATUS_UNSUPPORTED where oneDNN has no such implementation.
enum status dnn_primitive_create(struct dnn_primitive **primitive, const struct dnn_spec *spec) MUST_CHECK;
void dnn_primitive_destroy(struct dnn_primitive **primitive);

size_t dnn_scratch_bytes(const struct dnn_primitive *primitive);       // needed while it runs
bool dnn_is_reference(const struct dnn_primitive *primitive);          // oneDNN has plain loops only, dozens of times slower
const char *dnn_implementation(const struct dnn_primitive *primitive); // oneDNN's name of it, such as "jit:avx512_core"

// The weights of a convolution (out, in, kernel_h, kernel_w) in the layout that `primitive` wants. `flip`: transposed to
// (in, out, ...) with the kernel turned by half a turn, for the backward pass as a forward convolution.
enum status dnn_weights_create(struct dnn_weights **weights, const struct dnn_primitive *primitive, const float *plain,
                               bool flip) MUST_CHECK;
void dnn_weights_destroy(struct dnn_weights **weights);
// Whether these weights have the layout that `primitive` wants.
bool dnn_weights_fit(const struct dnn_weights *weights, const struct dnn_primitive *primitive);
size_t dnn_weights_bytes(const struct dnn_weights *weights);

// Memory of one primitive, 64-byte aligned. Unused ones are NULL. Stays valid until bound again.
struct dnn_binding {
    void *src, *dst;
    const struct dnn_weights *weights;
    const float *bias;
    void *scratch;
};
enum status dnn_bind(struct dnn_primitive *primitive, const struct dnn_binding *binding) MUST_CHECK;

// Runs it to the end with the calling thread's OpenMP threads.
enum status dnn_run(struct dnn_primitive *primitive) MUST_CHECK;

#endif
