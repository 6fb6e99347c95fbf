// SPDX-License-Identifier: MIT
// What the root attributes of a run file say of the run as a whole, written and read.
#pragma once

#include <hdf5.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/config/config.h"
#include "common/hdf5/hdf5_attributes.h"
#include "common/system/status.h"

enum { RUN_RANKS_MAX = 1 << 16, RUN_SLURM_COUNT = 8 };

// An attribute for each variable of Slurm that is set.
extern const struct run_slurm {
    const char *name, *variable;
} run_slurm[RUN_SLURM_COUNT];

// How far a run has come, for those who look at it while it goes on: what it has at each write. Each is an attribute of this name. Counts
// are -1 and numbers NaN where nothing is known, as in files that lack them.
struct run_progress {
    int64_t inputs;                // in all
    int64_t done, failed, stopped; // rows of /images
    int in_hand;                   // pictures that workers have
    double progress;               // of the whole, 0 to 1
    double images_per_second;      // of late; of the session once it has ended
    double seconds_left;
};

// Each is an attribute of this name, unless it says otherwise. Where it was read: texts are malloc'ed and well-formed UTF-8, and any number
// may be nonsense in a file that is not ours.
struct run_facts {
    const char *version, *kind, *config, *weights_md5, *weights_source, *plan, *started;
    const char *guide_sha256;      // NULL: the file does not say
    const char *class_name;        // likewise
    const char *statistics_sha256; // likewise
    const char *mask_sha256;       // likewise
    uint64_t seed;
    int ranks, workers, team_size, tile_size, tile_halo, tile_halo_exact, tile_blend;
    int resumed;  // 1: rows of an earlier session are in it; -1: the file does not say
    int complete; // 1: the run came to its end
    double elapsed_seconds;
    struct run_progress progress;
    // Only where it was read; the first three are in /ranks, and were attributes before version 4:
    struct hdf5_texts hosts;       // one a rank
    const int *cores, *node_cores; // [ranks] that the rank, and that its host's ranks together are bound to; NULL: the file does not say
    char *slurm[RUN_SLURM_COUNT];  // values of run_slurm; NULL: that was not set
    struct hdf5_texts targets;     // layers, at least one
};

// Negative: HDF5 refused.
herr_t run_facts_write(hid_t file, const struct run_facts *facts);

// Sets what changes with each write: elapsed_seconds, complete, progress.
herr_t run_facts_update(hid_t file, const struct run_facts *facts);

struct run_progress run_progress_unknown(void);

// STATUS_FORMAT: something is missing, or cannot be; *facts is zeroed.
enum status run_facts_read(hid_t file, struct run_facts *facts) MUST_CHECK;

// Reads facts->config. False: it is of a version with other settings, and the message says which; *config may be changed in part.
bool run_facts_config(const struct run_facts *facts, struct config *config);

// Frees what was read. A zeroed one is fine.
void run_facts_destroy(struct run_facts *facts);
