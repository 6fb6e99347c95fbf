// SPDX-License-Identifier: MIT
// The baselines of expected gradients (config importance.baselines) for one picture.
#pragma once

#include "worker/network/image_job.h"

enum { BASELINES_MAX = BASELINE_IMAGE + BASELINE_IMAGES_MAX };

struct baselines {
    int count;
    struct slab slabs[BASELINES_MAX]; // this member's rows of each, of the picture's size
    int kinds[BASELINES_MAX];         // enum baseline
    double blur_sigma;                // pixels
};

// Collective. The job's other pictures, brought to this one's size, are taken over: they are zeroed. Destroy it also after a failure.
enum status baselines_make(struct baselines *baselines, const struct image_job *job, const struct slab *picture) MUST_CHECK;
void baselines_destroy(struct baselines *baselines);
