// SPDX-License-Identifier: MIT
// What one run says to a scaling study.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/config/config.h"
#include "common/system/file.h"

enum { STUDY_CROWD_MAX = 256 };

struct study_run {
    char path[FILE_PATH_MAX]; // of its run file
    char kind[16];            // dream or explain
    char version[32];
    struct config config;
    int ranks, workers;
    int nodes;                   // different hosts
    int cores;                   // of all of them, that their ranks may use; 0: the file does not say
    double seconds;              // elapsed_seconds
    double work;                 // pixels times steps; of an explanation its pixels
    size_t images;               // that are done
    uint64_t digest;             // of the set of pictures
    bool crowded;                // more ranks, or more threads that dream, than cores on some host, or nobody knows
    char crowd[STUDY_CROWD_MAX]; // how that is said
};

// Of an output folder or a run file. A run that did not come to its end, or not in one go, is refused: its time says nothing.
enum status study_run_read(const char *given, struct study_run *run) MUST_CHECK;

// Finds nodes, cores and whether they are crowded. cores, node_cores: [ranks] as in struct run_facts, or NULL. `threads` of each worker, 0
// if it took what it had.
void study_run_place(struct study_run *run, char *const *hosts, const int *node_cores, int threads);
