// SPDX-License-Identifier: MIT
// What the pictures of a run have in common: each metric's distribution, each channel's importance with its confidence interval, how far
// each map of an explanation can be believed, the mean
// class activation maps of pictures and dreams, and the pictures that are unlike the others.
//
// Of pictures that are done, one of those that have the same bytes. All sums are exact and all choices go by digest, then by path: the same
// pictures have the same summary to the last bit, whatever the ranks, the order in which they were done, and the sessions that it took.
#pragma once

#include <stddef.h>

#include "common/system/status.h"
#include "common/wire/run_rows.h"

// Outliers: of each metric of each target so many at most, all farther than 3.5 deviations from the median; of fewer numbers none, whose
// median distance says nothing.
enum { SUMMARY_OUTLIERS = 5, SUMMARY_OUTLIERS_FROM = 10 };

// The rows of /summary. Zeroed: nothing.
struct run_summary {
    size_t pictures;
    struct metric_summary *metrics; // those of one target side by side
    size_t metric_count;
    struct outlier_row *outliers; // of each metric the farthest first
    size_t outlier_count;
    struct faithfulness_summary *scores; // by map and target, of each its measures
    size_t score_count;
    struct map_summary *maps; // none, or of the first frames and of the last
    size_t map_count;
    struct channel_summary *channels[CONFIG_TARGETS_MAX];
    int channel_counts[CONFIG_TARGETS_MAX]; // of each target's layer
};

// Of the run file at `path`, all of whose rows are written. Holds in memory some 300 bytes a picture and 8 for each metric of each target.
enum status run_summary_make(struct run_summary *summary, const char *path) MUST_CHECK;

void run_summary_destroy(struct run_summary *summary); // a zeroed one is fine
