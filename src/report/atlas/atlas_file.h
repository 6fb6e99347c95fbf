// SPDX-License-Identifier: MIT
// atlas.h5: what an atlas knows of each channel, as numbers. docs/atlas.md says what is in it.
#pragma once

#include "report/atlas/exemplars.h"
#include "report/atlas/likeness.h"
#include "runfile/run_file.h"
#include "runfile/run_summary.h"

enum { ATLAS_FILE_FORMAT_VERSION = 1 };

// All that has been found out.
struct atlas_facts {
    const char *folder;
    struct run_reader *reader;
    struct run_images images;
    struct exemplars exemplars;
    struct neighbour *nearest[CONFIG_TARGETS_MAX]; // [channels][LIKENESS_NEAREST]
    struct run_summary summary;
    struct run_field fields[CONFIG_TARGETS_MAX];
};

// DIR/atlas.h5, complete or absent.
enum status atlas_file_write(const struct atlas_facts *facts) MUST_CHECK;
