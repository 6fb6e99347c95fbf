// SPDX-License-Identifier: MIT
// Weights in the layouts that the methods want, each made once and shared by all executors of a rank.
#pragma once

#include "common/system/status.h"
#include "kernels/network/network.h"
#include "kernels/onednn/onednn.h"

struct weight_cache;

// Taps of a 3 x 3 kernel: all, or those in even (first and last) and odd (middle) rows and columns.
enum kernel_taps { TAPS_ALL, TAPS_EVEN_EVEN, TAPS_EVEN_ODD, TAPS_ODD_EVEN, TAPS_ODD_ODD };

// Which weights, and how they lie.
struct weight_key {
    int part_count;
    int parts[CONV_PARTS_MAX]; // numbers of convolutions with the same source, their outputs side by side
    bool backward;             // transposed; turned by half a turn too for Winograd
    int winograd;              // inputs a tile; 0: the panels of a direct convolution, all phases one after the other
    enum kernel_taps taps;
    bool pairs; // those in bfloat16, for simd->bf16_products
};

// `weights` is the flat array of parameters.h; it is only read and outlives *cache.
enum status weight_cache_create(struct weight_cache **cache, const struct network *network, const float *weights) MUST_CHECK;
void weight_cache_destroy(struct weight_cache **cache);

// Owned by `cache`, 64-byte aligned.
enum status weight_cache_panels(struct weight_cache *cache, const struct weight_key *key, const float **panels) MUST_CHECK;
// Those of a oneDNN primitive: of the key the parts count, and `backward`: as a forward convolution, turned by half a turn.
enum status weight_cache_onednn(struct weight_cache *cache, const struct weight_key *key, const struct onednn_primitive *primitive,
                                const struct onednn_weights **weights) MUST_CHECK;
const float *weight_cache_bias(const struct weight_cache *cache, int conv); // (channels)
bool weight_cache_count_padding(const struct weight_cache *cache);          // parameters.h
