// SPDX-License-Identifier: MIT
// A whole picture at full size, looked at without raising it: losses and metrics, and why the network sees what it sees.
#pragma once

#include "common/picture/heat.h"
#include "worker/look/expected_gradients.h"

struct evaluation {
    struct picture_metrics metrics;
    struct heat cam; // of config->cam
    double cam_scale;
    float *importance[CONFIG_TARGETS_MAX];               // [channels] of each target: activation times gradient
    float *peaks[CONFIG_TARGETS_MAX];                    // of each target (peaks.h); NULL: not wanted
    struct expectation expectations[CONFIG_TARGETS_MAX]; // NaN: evaluate() expects nothing
};

// Collective. All targets count, also those that are confined to some octaves. `sweep` is of the picture's size; `original` NULL: the
// picture is the original. `map` >= 0: the class activation map of this target, the importance of channels and, if the job wants them,
// their peaks too, by the plain gradient; the network goes back to the first target for them. All hear whether the job is stopping. Destroy
// it also after a failure.
enum status evaluate(struct sweep *sweep, struct image_job *job, const struct slab *picture, const struct slab *original, int map,
                     struct evaluation *evaluation) MUST_CHECK;

// Sends the importance, and the peaks, from the team's first member.
enum status evaluation_send(const struct evaluation *evaluation, const struct image_job *job) MUST_CHECK;

void evaluation_destroy(struct evaluation *evaluation);
