// SPDX-License-Identifier: MIT
// The ascent of one image through its octaves.
#ifndef ONEIROS_WORKER_DREAM_H
#define ONEIROS_WORKER_DREAM_H

#include <stdbool.h>
#include <stdint.h>

#include "common/config.h"
#include "common/records.h"
#include "worker/engine.h"

struct dream_hooks {
    void (*step)(const struct step_record *record, void *context); // after each step
    bool (*stop)(void *context);                                   // asked before each step: end early?
    void *context;
};

struct dream_outcome {
    double loss_before, loss_after; // of the picture at full size; loss_after is NaN when stopped
    double seconds;
    bool stopped; // ended early; the picture holds what was dreamed so far
};

// Dreams on `rgb` (3, height, width), in [-1, 1], in place. `image` is the id that keys its random numbers.
enum status dream_image(struct engine *engine, const struct config *config, int64_t image, float *rgb, int width, int height,
                        const struct dream_hooks *hooks, struct dream_outcome *outcome) MUST_CHECK;

#endif
