// SPDX-License-Identifier: MIT
// The plan of a run (config->plan, config->precision): made on one worker rank, kept in the user's cache, known to all.
//
// The cache is by processor, instruction set, oneDNN and precision, not by threads: which method is fastest hardly depends on how many
// there are, and so the same input gives the same bytes on any number of ranks and threads of one kind of machine.
#pragma once

#include "common/config/config.h"
#include "kernels/convolution/plan.h"

// Rank 0, before tiles are chosen: where config->plan is a file, a plan or a run file, its text, and config->precision becomes that of the
// plan; STATUS_USAGE where both are given and differ. *text is NULL otherwise.
enum status planning_read_file(struct config *config, char **text) MUST_CHECK;

// Whether the plan that config->plan names, a file, has the same methods as the one in `text`; one that is timed or fixed has not.
enum status planning_compare(const struct config *config, const char *text, bool *same) MUST_CHECK;

// Whether this machine can do each convolution as the plan says; STATUS_UNSUPPORTED.
enum status planning_check(const struct config *config, const struct plan *plan) MUST_CHECK;

// By one process for itself: config->plan as it says, timed and kept in the cache where need be. `threads`: that it computes with;
// `file_text`: from planning_read_file(). *text: the plan's own, to be freed; NULL after a failure. Without `weights` nothing is timed: the
// plan is what the cache knows.
enum status planning_find(const struct config *config, int threads, const float *weights, const char *file_text, struct plan *plan,
                          char **text) MUST_CHECK;
