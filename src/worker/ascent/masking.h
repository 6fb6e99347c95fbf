// SPDX-License-Identifier: MIT
// The run's mask at the size of one octave, on the rows that one member of a team holds.
#pragma once

#include "worker/network/image_job.h"
#include "worker/team/slab.h"

struct masking {
    int width;
    struct span rows;
    float *factors; // (rows, width), 0 and more; NULL: there is neither a mask nor a pace
};

// The job's mask times its pace, for the rows of `like`. On failure *masking is zeroed.
enum status masking_create(struct masking *masking, const struct image_job *job, const struct slab *like) MUST_CHECK;
void masking_destroy(struct masking *masking); // zeroes; a zeroed one is fine

// gradient *= mask, on the masking's rows, which the gradient holds.
void masking_weaken(const struct masking *masking, struct slab *gradient);

// Where the mask is 0 the image, of the same rows, becomes the original, bit by bit; `original` NULL: 0.
void masking_restore(const struct masking *masking, struct slab *image, const struct slab *original);
