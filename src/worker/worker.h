// SPDX-License-Identifier: MIT
// A worker rank: takes jobs from the coordinator, joins the team of each, dreams, sends its rows back, until it is told to leave.
#pragma once

#include <mpi.h>

#include "common/config/config.h"
#include "common/picture/image.h"
#include "common/picture/mask.h"
#include "common/picture/tiling.h"
#include "common/system/status.h"
#include "common/wire/lead.h"
#include "common/wire/timing.h"
#include "kernels/convolution/plan.h"
#include "worker/look/choice.h"

struct worker_options {
    const struct config *config;
    const float *weights;      // flat array of weights.h
    const float *randomised;   // those of an untrained network; NULL: not wanted
    int classes;               // of its top; 0: there is none
    const struct plan *plan;   // how convolutions run; NULL: the fixed plan
    const struct image *guide; // for the guide objective; NULL
    struct ordinary ordinary;  // statistics NULL: neither balance nor automatic channels need them
    const struct mask *mask;   // of dreams; NULL
    const struct tile_rules *rules;
    int threads; // OpenMP threads to compute with
};

struct worker;

// What the options point to outlives the worker, which belongs to the calling thread. On failure *worker is NULL.
enum status worker_create(struct worker **worker, const struct worker_options *options) MUST_CHECK;

// Takes jobs from whoever leads until told to leave: rank 0 of `comm`, by messages (MPI_COMM_NULL: nobody does), and, where `lead` is not
// NULL, this process itself, which then passes on rank 0's. An image that fails is a result like any other; only a broken connection is a
// failure here.
enum status worker_serve(struct worker *worker, MPI_Comm comm, const struct lead *lead) MUST_CHECK;

// Where its time went.
struct timing *worker_timing(struct worker *worker);

void worker_destroy(struct worker **worker); // NULL is fine
