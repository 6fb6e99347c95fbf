// SPDX-License-Identifier: MIT
// What an atlas wants to know of a picture: one pass of the network, there and back to the first target.
#pragma once

#include "worker/network/image_job.h"

// Collective over the team. `rgb`: this member's rows of the picture, which it takes over: it is zeroed. What it finds goes to the outbox,
// outcome->before has the metrics.
enum status scan_image(struct image_job *job, struct slab *rgb, struct image_outcome *outcome) MUST_CHECK;
