// SPDX-License-Identifier: MIT
// What `oneiros bench` found, for people and for programs.
#pragma once

#include <stdbool.h>

#include "commands/bench_measure.h"
#include "common/config/config.h"
#include "kernels/convolution/plan.h"

struct bench_report {
    const struct config *config;
    int threads, rounds;
    bool bf16;
    const char *plan; // its text
    struct bench_peaks peaks;
    int count; // of sizes
    const struct bench_figures *figures;
};

// On standard output. `layers`: with a table of every operation for each size.
void bench_print_table(const struct bench_report *report, bool layers);
// With every operation.
enum status bench_print_json(const struct bench_report *report) MUST_CHECK;
