// SPDX-License-Identifier: MIT
// What `oneiros bench` times: the machine's peak, and whole steps with every operation in them.
//
// Machines are shared and change their speed while one watches. So work goes in rounds, each with one whole step and every convolution by
// itself, ratios are formed within a round, and what counts is the median over the rounds.
#pragma once

#include "kernels/execution/executor.h"
#include "kernels/onednn/peak.h"
#include "worker/network/engine.h"
#include "worker/network/objective.h"

// Over the rounds.
struct spread {
    double median, min, max;
};

enum { BENCH_THREAD_COUNTS_MAX = 32 };

// What each kind of peak reaches with each number of threads: 1, the powers of two below all, and all.
struct bench_peaks {
    int count;
    struct bench_peak {
        int threads;
        double flop[PEAK_KINDS]; // a second; 0: not on this machine
    } items[BENCH_THREAD_COUNTS_MAX];
};

// Leaves the calling thread with any of these numbers of OpenMP threads.
enum status bench_measure_peaks(int threads, struct bench_peaks *peaks) MUST_CHECK;

struct bench_op {
    struct executor_op op;
    struct spread step;  // seconds, inside whole steps
    struct spread alone; // of a convolution: run again, right after itself; otherwise zeros
};

struct bench_figures {
    int width, height;
    struct spread forward, step; // seconds
    struct spread onednn;        // seconds of a step with every convolution by oneDNN
    struct spread slower;        // its time over that of the same round's step
    struct spread alone;         // sum of all convolutions alone, as a part of the same round's step
    struct spread inside;        // sum of all convolutions inside the step, the same way
    double flop;                 // of the convolutions of a step, as if direct
    double bytes_per_pixel;      // all memory beside the weights
    int op_count;
    struct bench_op *ops; // [op_count]
};

// Times guided steps on square pictures with the calling thread's OpenMP threads, beside those of an engine with every convolution by
// oneDNN. Destroy the figures also after a failure.
enum status bench_measure(struct engine *engine, struct engine *by_onednn, const struct objective *objective, int size, int rounds,
                          struct bench_figures *figures) MUST_CHECK;
void bench_figures_destroy(struct bench_figures *figures);
