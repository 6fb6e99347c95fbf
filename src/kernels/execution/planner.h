// SPDX-License-Identifier: MIT
// Makes plans: times every method of every convolution on this machine.
#pragma once

#include <stdbool.h>

#include "common/system/status.h"
#include "kernels/convolution/plan.h"

struct planner_options {
    const struct network *network;
    const float *weights; // flat array of parameters.h
    int target_count;
    const int *targets; // rows of the network table
    // Called now and then with how many of `total` operations are done; false stops with STATUS_STOPPED, and the plan knows those. NULL:
    // not.
    bool (*progress)(void *context, int done, int total);
    void *context;
};

// How many operations of these targets the plan does not know.
enum status planner_missing(const struct planner_options *options, const struct plan *plan, int *missing) MUST_CHECK;

// Times what the plan does not know, in plan->bf16 or not, with the calling thread's OpenMP threads. Every operation is timed with every
// method that can do it, in turn, so that a change in the machine's speed meets all of them; the best of several rounds counts, and of
// methods within some per cent of each other the one with less rounding.
enum status planner_complete(const struct planner_options *options, struct plan *plan) MUST_CHECK;

// A choice that needs no measuring: every operation by this method where it can be, otherwise direct.
enum status planner_fixed(const struct planner_options *options, enum conv_method method, struct plan *plan) MUST_CHECK;

// Whether the plan knows every operation of these targets and this machine can do each as it says; STATUS_UNSUPPORTED otherwise.
enum status planner_check(const struct planner_options *options, const struct plan *plan) MUST_CHECK;
