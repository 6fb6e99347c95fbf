// SPDX-License-Identifier: MIT
// The ascent of one image through its octaves, by a team.
#pragma once

#include "worker/network/image_job.h"

// Collective over the team. Dreams on `rgb`, this member's rows (tiling_rows) of the image, in [-1, 1], in place; its memory may be another
// one afterwards, and after a failure there is none. The hook `stop` is asked once more at the end, to no effect.
enum status dream_image(struct image_job *job, struct slab *rgb, struct image_outcome *outcome) MUST_CHECK;
