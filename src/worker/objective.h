// SPDX-License-Identifier: MIT
// What the dream raises: a weighted sum over targets of the mean square, or the mean, of their activation.
#ifndef ONEIROS_WORKER_OBJECTIVE_H
#define ONEIROS_WORKER_OBJECTIVE_H

#include "common/config.h"
#include "kernels/executor.h"

// The unweighted loss of each target after executor_forward(): mean of A^2 or of A over all positions of the chosen channels.
// Returns the weighted sum. The sums run in a fixed order for any number of threads.
double objective_loss(const struct config *config, struct executor *executor, double target_loss[CONFIG_TARGETS_MAX]);

// Overwrites each target's activation with d loss / d A.
void objective_gradient(const struct config *config, struct executor *executor);

#endif
