// SPDX-License-Identifier: MIT
// The places that have won, cut out of their pictures: of each channel a sheet of those that excite it most by activation, and one by
// relevance.
#pragma once

#include "report/atlas/exemplars.h"
#include "runfile/run_file.h"

struct crops_options {
    const char *folder; // of the run
    const struct exemplars *exemplars;
    const struct run_field *fields; // [targets]
    const struct config *config;    // of the run
    const char *const *layers;      // [targets]
};

// Writes LAYER-CHANNEL-activation.png and -relevance.png into folder/exemplars, each complete or absent: three places a row, CROP_SIDE
// pixels each. Each picture is read once, whatever it has won. *missing: pictures that could not be read again, or are other ones now;
// their places are grey.
enum { CROP_SIDE = 96, CROP_COLUMNS = 3, CROP_GAP = 2 };
enum status crops_write(const struct crops_options *options, size_t *missing) MUST_CHECK;
