// SPDX-License-Identifier: MIT
// Gradient ascent on one octave of an image, by a team.
#pragma once

#include "worker/ascent/frames.h"
#include "worker/ascent/masking.h"
#include "worker/network/sweep.h"

struct ascent;

// Raises `image`, this member's rows of the octave number `octave` of `octaves`, in place. `base`: the original at this size; `masking`:
// the mask for these rows. All pointers outlive the ascent. Not collective: a failure is this member's. Destroy it also after a failure.
enum status ascent_create(struct ascent **ascent, struct image_job *job, struct frames *frames, struct slab *image, const struct slab *base,
                          const struct masking *masking, int octave, int octaves) MUST_CHECK;
void ascent_destroy(struct ascent **ascent);

// For whoever wants to look at the octave without raising it.
struct sweep *ascent_sweep(struct ascent *ascent);

// Collective: one update. *save, the same on every member: as image_job.save says.
enum status ascent_step(struct ascent *ascent, int step, bool *save) MUST_CHECK;
