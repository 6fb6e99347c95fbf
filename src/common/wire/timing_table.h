// SPDX-License-Identifier: MIT
// Where the time of a run went, phase by phase over its ranks, for people to read at its end.
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "common/wire/timing.h"

// The seconds of the ranks of one part of a run, in each phase. Zeroed: of none.
struct timing_part {
    int ranks;
    double min[PHASE_COUNT], sum[PHASE_COUNT], max[PHASE_COUNT];
};

// Whether a phase is done in threads of its own, beside whatever else the rank does.
bool timing_phase_is_beside(enum phase phase);

void timing_part_add(struct timing_part *part, const struct timing *timing);

// How much longer than the average rank the slowest one took, 0: none. 0 too of a phase without time.
double timing_part_imbalance(const struct timing_part *part, enum phase phase);

// A line a phase that took time: least, average and most seconds of a rank, imbalance, and the share of the part's own time, `elapsed`
// seconds a rank. What is in no phase is "other", unless phases overlap and there is none. Nothing for a part without ranks.
void timing_part_print(const struct timing_part *part, const char *title, double elapsed, FILE *stream);
