// SPDX-License-Identifier: MIT
// What a run says at its end.
#pragma once

#include "coordinator/coordinator.h"

// For those who ask, and where there are several workers to compare. `elapsed`: seconds.
void closing_timing(const struct coordinator_outcome *outcome, const struct timing_part *workers, const struct timing_part *own,
                    double elapsed);

void closing_unfinished(const struct coordinator_outcome *outcome, enum config_use use);

// Where what was made is, and how to look at it. `last`: the output of what was done last.
void closing_where(const struct coordinator_outcome *outcome, const struct run_setup *setup, const char *last);
