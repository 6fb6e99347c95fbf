// SPDX-License-Identifier: MIT
// Weights in the layouts that the methods want, each made once and shared by all executors of a rank.
#ifndef ONEIROS_KERNELS_PREPARED_H
#define ONEIROS_KERNELS_PREPARED_H

#include <stddef.h>

#include "common/status.h"
#include "kernels/dnn.h"
#include "kernels/network.h"

enum { CONV_PARTS_MAX = 4 };

struct prepared;

// Taps of a 3 x 3 kernel: all, or those in even (first and last) and odd (middle) rows and columns.
enum prepared_taps { PREPARED_ALL, PREPARED_EVEN_EVEN, PREPARED_EVEN_ODD, PREPARED_ODD_EVEN, PREPARED_ODD_ODD };

// Which weights, and how they lie.
struct prepared_key {
    int part_count;
    int parts[CONV_PARTS_MAX]; // numbers of convolutions with the same source, their outputs side by side
    bool backward;             // transposed; turned by half a turn too for Winograd
    int winograd;              // inputs a tile; 0: the panels of a direct convolution, all phases one after the other
    enum prepared_taps taps;
    bool pairs; // those in bfloat16, for simd->bf16_products
};

// `weights` is the flat array of weights.h; it is only read and outlives *prepared.
enum status prepared_create(struct prepared **prepared, const struct network *network, const float *weights) MUST_CHECK;
void prepared_destroy(struct prepared **prepared);

// Owned by `prepared`, 64-byte aligned.
enum status prepared_panels(struct prepared *prepared, const struct prepared_key *key, const float **panels) MUST_CHECK;
// The weights of one convolution for a oneDNN primitive. `flip` as in dnn_weights_create().
enum status prepared_dnn(struct prepared *prepared, int conv, const struct dnn_primitive *primitive, bool flip,
                         const struct dnn_weights **weights) MUST_CHECK;
const float *prepared_bias(const struct prepared *prepared, int conv); // (channels)

size_t prepared_bytes(const struct prepared *prepared);

#endif
