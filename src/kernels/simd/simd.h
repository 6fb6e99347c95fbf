// SPDX-License-Identifier: MIT
// The loops that are ours, compiled once for each instruction set: convolutions as matrix products, direct and by Winograd's algorithm,
// pools, and what happens to a value on its way into memory.
//
// Tensors are blocked: (channels / lanes, height, width, lanes), lanes being the floats in one vector of the machine, or in two where it
// has short ones, so that any range of whole blocks is contiguous. Every job names its blocks one by one: they may lie anywhere, so that
// concatenation, widening and splitting cost nothing. Values are float32 or bfloat16; all arithmetic is float32.
//
// The order of every sum is fixed by the shapes alone: results are the same bytes for any number of threads.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SIMD_BLOCKS_MAX = 256, SIMD_TAPS_MAX = 25, SIMD_PHASES_MAX = 4 };

// What a ReLU lets through on the way back; see gradient_mode.
enum gate_rule {
    GATE_OPEN,         // everything
    GATE_MASK,         // where the activation was positive
    GATE_POSITIVE,     // where the gradient is positive, else `leak` times it
    GATE_MASK_POSITIVE // both
};

// One block of channels of a result, and what is done to each value on its way there, in this order.
struct simd_out {
    const float *bias; // (lanes) added; NULL: none
    bool accumulate;   // what is in `data` is added
    bool relu;         // negative values become 0
    uint8_t *mask;     // (height, width, lanes bits): whether the value is positive is noted; NULL: not
    const uint8_t *gate;
    enum gate_rule rule; // values that do not pass become 0; GATE_MASK needs `gate`, laid out like `mask`
    float leak;          // part of a negative value that GATE_POSITIVE lets through all the same
    void *data;          // (height, width, lanes)
    bool bf16;           // data is bfloat16
    size_t plane;        // not 0: data is the planar image, `plane` floats a channel, and the block holds its 3 channels
};

// A convolution as a matrix product in registers. What differs between forward and backward, strides and paddings is in the phases: a phase
// is a grid of output pixels that see the same taps. Output pixel (i, j) of a phase is (out_y + i * out_step, out_x + j * out_step) and
// reads input pixel (i * in_step + dy, j * in_step + dx) for each tap that falls inside.
struct simd_phase {
    int height, width; // of the grid
    int in_step, out_step, out_y, out_x;
    int tap_count;
    struct {
        int dy, dx;
        int number; // of the kernel: y * kernel_w + x
    } taps[SIMD_TAPS_MAX];
    const void *weights; // panels: (out blocks by two, taps, input channels, 2 * lanes), a last odd block (taps, input channels, lanes)
};

struct simd_direct {
    const void *in[SIMD_BLOCKS_MAX];
    int in_blocks, in_h, in_w;
    bool in_bf16;
    bool in_planar;       // in[0..2] are the planes of the float image
    struct simd_out *out; // [out_blocks]
    int out_blocks, out_w;
    int phase_count;
    struct simd_phase phases[SIMD_PHASES_MAX];
};

// Pixels of a tensor that are convolved: all of them, or every second one.
struct simd_pixels {
    int height, width;
    int row;   // pixels from one row of the tensor to the next
    int step;  // 1 or 2, in both directions
    int first; // number of the first in the tensor
};

// Stride-1 convolution by Winograd's minimal filtering (Lavin and Gray, arXiv:1509.09308): tiles of tile_h x tile_w outputs from n x n
// inputs (n x 1 and 1 x n for kernels of one column or row), one matrix product for each of the points.
struct simd_winograd {
    const void *in[SIMD_BLOCKS_MAX];
    int in_blocks;
    bool in_bf16;
    struct simd_pixels in_pixels;
    struct simd_out *out;
    int out_blocks;
    struct simd_pixels out_pixels;
    int n, tile_h, tile_w; // (n, tile): see simd_has_winograd()
    int pad_h, pad_w;
    const float *weights; // (points, out blocks by two, input channels, 2 * lanes), as the panels above
    int group, out_group; // tiles, and blocks of outputs (even), worked on at a time; simd_winograd_scratch()
    char *scratch;
    int threads; // that scratch is there for
};

// Square windows of 3. Max pools: stride 2, no padding. Average pools: stride 1, as large as their input, what is outside left out or
// counted as zeros.
struct simd_pool {
    int blocks, in_h, in_w, out_h, out_w; // of the forward operation
    const void *in[SIMD_BLOCKS_MAX];
    bool in_bf16;
    bool count_padding;              // average pools: the mean is always of 9 values
    struct simd_out *out;            // [blocks]
    uint8_t *index[SIMD_BLOCKS_MAX]; // max pools: (out_h, out_w, lanes) which tap of the window had the first of the largest values
};

// out = in, by all that each `out` asks for.
struct simd_pass {
    const void *in; // (blocks, pixels, lanes), which may be where the results go
    bool in_bf16;
    size_t channels_last; // not 0: `in` is (pixels, channels_last), whose end may be read beyond by less than a block
    int blocks;
    size_t pixels;
    const struct simd_out *out; // [blocks]
};

struct simd {
    const char *name;
    int lanes;
    bool bf16_products; // pairs of bfloat16 products are native: weights of a direct convolution on bfloat16 are bfloat16 pairs
    void (*direct)(const struct simd_direct *);
    void (*winograd)(const struct simd_winograd *);
    size_t (*winograd_scratch)(const struct simd_winograd *); // bytes that one thread needs
    void (*max_pool)(const struct simd_pool *);
    void (*max_pool_backward)(const struct simd_pool *); // in: gradient of the output; out: of the input
    void (*avg_pool)(const struct simd_pool *);
    void (*avg_pool_backward)(const struct simd_pool *);
    void (*pass)(const struct simd_pass *);
    double (*multiply_adds)(int rounds); // in registers, by all threads, for peak.h; returns the flop done, two a multiply-add
};

// The best set that this machine has and oneDNN may use (ONEDNN_MAX_CPU_ISA); ONEIROS_SIMD names another, for tests. Never NULL.
const struct simd *simd_here(void);
// By name: "avx512bf16", "avx512", "avx2", "neon" (64-bit Arm, 8 lanes), "portable" (8 lanes), "portable16" (as avx512bf16, in what every
// machine has); NULL where this machine or build lacks it.
const struct simd *simd_find(const char *name);

// Whether there is a transform of n inputs to tile_h x tile_w outputs: square kernels and those of one row or column.
bool simd_has_winograd(int n, int tile_h, int tile_w);

// Rounded to nearest, ties to even. Weights are no NaNs.
uint16_t simd_bf16(float value);
