// SPDX-License-Identifier: MIT
// Channels that a picture chooses by itself (channels: auto): those that answer more to it than to ordinary pictures. Looked at as the
// ordinary pictures were, brought to their size and not rolled, so that neither octaves nor the team matter, and a dream that is taken up
// again finds the same.
#pragma once

#include "worker/network/image_job.h"

struct ordinary {
    const float *statistics; // kernels/network/statistics.h
    int side;                // pixels of the shorter side that they were measured at
};

// The `count` channels with the largest (mean - usual mean) / usual deviation, of equal ones the first, as numbers in ascending order. The
// deviation is at least a hundredth of its mean over the channels: one that was always silent is no more than so much of a surprise.
void choice_find(const double *means, const float *usual, const float *deviations, int channels, int count, int *chosen);

// Collective: makes *own the job's objective with weights of its own, in which targets of such channels have those chosen, balanced, and
// gives it to the job. `picture`: this member's rows at full size. objective_copy_destroy() it also after a failure, when the job is done.
enum status choice_make(struct objective *own, struct image_job *job, const struct slab *picture,
                        const struct ordinary *ordinary) MUST_CHECK;

// What the importance [channels] of a target says of what was chosen: of a target with such channels it is NaN at all others.
void choice_mark(const struct objective *objective, int target, float *importance);
