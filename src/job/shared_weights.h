// SPDX-License-Identifier: MIT
// The weights of a run: read from the file once, by the coordinator, and held once a node, in memory that its ranks share.
#pragma once

#include "job/launch.h"
#include "weights/weights.h"

struct shared_weights;

// Collective. `path` matters on rank 0 only.
enum status shared_weights_create(struct shared_weights **shared, struct launch *launch, const char *path) MUST_CHECK;
void shared_weights_destroy(struct shared_weights **shared); // collective

const float *shared_weights_array(const struct shared_weights *shared);              // as weights.h lays it out
const struct weights_info *shared_weights_info(const struct shared_weights *shared); // the same on every rank
