// SPDX-License-Identifier: MIT
// Weights in the layouts that the primitives want, each made once and shared by all executors of a rank.
#ifndef ONEIROS_KERNELS_PREPARED_H
#define ONEIROS_KERNELS_PREPARED_H

#include <stddef.h>

#include "common/status.h"
#include "kernels/dnn.h"
#include "kernels/network.h"

struct prepared;

// `weights` is the flat array of weights.h; it is only read and outlives *prepared.
enum status prepared_create(struct prepared **prepared, const struct network *network, const float *weights) MUST_CHECK;
void prepared_destroy(struct prepared **prepared);

// The weights of convolution `conv` for `primitive`, owned by `prepared`. `flip` as in dnn_weights_create().
enum status prepared_get(struct prepared *prepared, int conv, const struct dnn_primitive *primitive, bool flip,
                         const struct dnn_weights **weights) MUST_CHECK;
const float *prepared_bias(const struct prepared *prepared, int conv); // (channels)

size_t prepared_bytes(const struct prepared *prepared);

#endif
