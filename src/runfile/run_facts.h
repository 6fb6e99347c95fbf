// SPDX-License-Identifier: MIT
// What the root attributes of a run file say of the run as a whole, written and read.
#pragma once

#include <hdf5.h>
#include <stdint.h>

#include "common/hdf5/hdf5_attributes.h"
#include "common/system/status.h"

enum { RUN_RANKS_MAX = 1 << 16, RUN_SLURM_COUNT = 8 };

// An attribute for each variable of Slurm that is set.
extern const struct run_slurm {
    const char *name, *variable;
} run_slurm[RUN_SLURM_COUNT];

// Each is an attribute of this name, unless it says otherwise. Where it was read: texts are malloc'ed and well-formed UTF-8, and any number
// may be nonsense in a file that is not ours.
struct run_facts {
    const char *version, *kind, *config, *weights_md5, *weights_source, *plan, *started;
    uint64_t seed;
    int ranks, workers, team_size, tile_size, tile_halo, tile_halo_exact, tile_blend;
    int resumed;  // 1: rows of an earlier session are in it; -1: the file does not say
    int complete; // 1: the run came to its end
    double elapsed_seconds;
    // Only where it was read; the first three are in /ranks, and were attributes before version 4:
    struct hdf5_texts hosts;       // one a rank
    const int *cores, *node_cores; // [ranks] that the rank, and that its host's ranks together are bound to; NULL: the file does not say
    char *slurm[RUN_SLURM_COUNT];  // values of run_slurm; NULL: that was not set
    struct hdf5_texts targets;     // layers, at least one
};

// Negative: HDF5 refused.
herr_t run_facts_write(hid_t file, const struct run_facts *facts);

// Sets what changes with each write.
herr_t run_facts_progress(hid_t file, double elapsed, int complete);

// STATUS_FORMAT: something is missing, or cannot be; *facts is zeroed.
enum status run_facts_read(hid_t file, struct run_facts *facts) MUST_CHECK;

// Frees what was read. A zeroed one is fine.
void run_facts_destroy(struct run_facts *facts);
