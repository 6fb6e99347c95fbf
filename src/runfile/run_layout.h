// SPDX-License-Identifier: MIT
// Which datasets the run file has, and in what order rows are added to them.
#pragma once

#include <hdf5.h>

#include "common/config/config.h"
#include "runfile/run_file.h"
#include "runfile/run_series.h"
#include "runfile/run_tables.h"

// In the order of writing: who sees a row sees what it speaks of.
enum {
    RUN_STEPS,
    RUN_CAM_VALUES,
    RUN_CAM_FRAMES,
    RUN_IMPORTANCE, // one a target
    RUN_IMAGES = RUN_IMPORTANCE + CONFIG_TARGETS_MAX,
    RUN_TIMING,
    RUN_SERIES_COUNT
};

struct run_layout {
    int targets;
    struct run_series series[RUN_SERIES_COUNT]; // those of targets that there are not are zeroed
};

// Destroy it also on failure. Negative: HDF5 refused, or no memory.
herr_t run_layout_init(struct run_layout *layout, const struct run_file_header *header);
void run_layout_destroy(struct run_layout *layout);

// Creates the empty datasets in a new file, with their attributes.
herr_t run_layout_create(const struct run_layout *layout, hid_t root, const struct run_file_header *header);

// The number of a table's series.
int run_layout_table(enum run_table table);
