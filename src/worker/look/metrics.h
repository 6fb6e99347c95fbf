// SPDX-License-Identifier: MIT
// Numbers that say what a target's activation is like (struct target_metrics): exact over tiles, by one pass for the channels' sums and
// norms and a second for what needs these.
#pragma once

#include "common/wire/run_rows.h"
#include "worker/network/features.h"

// Collective. Fills all of metrics[targets] but the loss. `threshold`: activations above it count as active. The same on every member.
enum status metrics_measure(const struct features *features, double threshold,
                            struct target_metrics metrics[CONFIG_TARGETS_MAX]) MUST_CHECK;
