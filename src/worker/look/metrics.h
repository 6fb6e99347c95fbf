// SPDX-License-Identifier: MIT
// Numbers that say what a target's activation is like (struct target_metrics): exact over tiles, by one pass for the channels' sums and
// norms and a second for what needs these.
#pragma once

#include "common/wire/run_rows.h"
#include "worker/network/features.h"

// Collective. `losses` [targets] are taken over into the metrics. The same on every member.
enum status metrics_measure(const struct features *features, const double *losses,
                            struct target_metrics metrics[CONFIG_TARGETS_MAX]) MUST_CHECK;
