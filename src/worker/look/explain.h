// SPDX-License-Identifier: MIT
// Why the network sees in a picture what it sees: gradients, saliency, class activation maps, importance. No ascent.
#pragma once

#include "worker/network/image_job.h"

// Collective over the team. `rgb`: this member's rows of the picture, which it takes over: it is zeroed. What it finds goes to the outbox,
// outcome->before has the metrics. The hook `step` is not called, `part` after each pass.
enum status explain_image(struct image_job *job, struct slab *rgb, struct image_outcome *outcome) MUST_CHECK;

// Passes of the network over the picture that it takes, about: in units of a pass to the image and back.
double explain_passes(const struct objective *objective, int baselines);
