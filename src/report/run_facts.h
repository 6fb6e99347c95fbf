// SPDX-License-Identifier: MIT
// What the root attributes of a run file say of the run as a whole, and how a run file is opened for a report: also of a run that is still
// going on, or that was killed.
#pragma once

#include <hdf5.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/system/file.h"
#include "common/system/status.h"
#include "runfile/run_attributes.h"

enum { RUN_FACTS_RANKS_MAX = 1 << 16 };

// Texts are malloc'ed and well-formed UTF-8; none is NULL but those of Slurm, where it was not there.
struct run_facts {
    char *version, *kind, *config, *weights_md5, *weights_source, *plan, *started;
    char *slurm[RUN_SLURM_COUNT]; // run_slurm_names
    uint64_t seed;
    int ranks, workers, team_size, tile_size, tile_halo, tile_halo_exact, tile_blend;
    int resumed;             // 1: rows of an earlier session are in it; -1: the file does not say
    double elapsed;          // seconds
    bool complete;           // the run came to its end
    char **hosts;            // [ranks]
    int *cores, *node_cores; // [ranks] that the rank may use, and that its host's ranks may use together; NULL: the file does not say
    char **targets;          // [target_count] layers
    size_t target_count;
};

// DIR/run.h5 for a folder, the path itself otherwise.
enum status run_facts_path(const char *given, char path[FILE_PATH_MAX]) MUST_CHECK;

// Opens the file; close with H5Fclose(). The message says what is wrong with a file that is none.
enum status run_facts_open(const char *path, hid_t *file) MUST_CHECK;

// On failure *facts is zeroed.
enum status run_facts_read(hid_t file, const char *path, struct run_facts *facts) MUST_CHECK;

void run_facts_destroy(struct run_facts *facts); // a zeroed one is fine
