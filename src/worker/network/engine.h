// SPDX-License-Identifier: MIT
// The network of one rank: executors for the sizes in use, over one piece of memory.
#pragma once

#include <stddef.h>

#include "kernels/execution/executor.h"
#include "worker/network/objective.h"

struct engine;

// `weights` is the flat array of weights.h. Both outlive the engine. `plan` is copied; NULL: the fixed one, in float32.
enum status engine_create(struct engine **engine, const struct objective *objective, const float *weights,
                          const struct plan *plan) MUST_CHECK;
void engine_destroy(struct engine **engine);

// The executor for images of this size, bound and ready. It stays valid until the next call.
enum status engine_executor(struct engine *engine, int width, int height, struct executor **executor) MUST_CHECK;

// Frees the room for activations until an executor is asked for again: for another engine.
void engine_rest(struct engine *engine);

// Whether activations and gradients are to be bfloat16 (config->precision). auto: where the machine multiplies them natively.
bool engine_bf16(const struct config *config);

// Bytes that the network needs for an image of this size, beside the weights. STATUS_LIMIT where it is too small for the targets.
enum status engine_estimate(const struct objective *objective, int width, int height, bool bf16, size_t *bytes) MUST_CHECK;

// A value of a picture, in [-1, 1], as the network sees it (config->network_input), and how fast that changes with it.
static inline float network_input(const struct config *config, float value)
{
    return config->network_input == NETWORK_INPUT_UNIT ? (value + 1) * 0.5f : value;
}
static inline float network_input_slope(const struct config *config)
{
    return config->network_input == NETWORK_INPUT_UNIT ? 0.5f : 1.0f;
}
