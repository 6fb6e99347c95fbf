// SPDX-License-Identifier: MIT
// The places that have won, cut out of their pictures: of each channel a sheet of those that excite it most by activation, and one by
// relevance.
#pragma once

#include "report/atlas/exemplars.h"
#include "runfile/run_file.h"

struct crops_options {
    const char *folder;             // of the run
    struct exemplars *exemplars;    // learn which of them are grey
    const struct run_field *fields; // [targets]
    const struct config *config;    // of the run
    const struct config *fetching;  // whose keys of `fetch` hold now
    const char *const *layers;      // [targets]
};

// Writes LAYER-CHANNEL-activation.png and -relevance.png into folder/exemplars, each complete or absent. Each picture is read once more,
// whatever it has won. Of those that cannot be read, or are other ones now, the crops are those of the sheet that is there, if it has them,
// or grey, and a warning says so. STATUS_STOPPED.
enum status crops_write(const struct crops_options *options) MUST_CHECK;

// What is shown of a place: half of what its value depends on, around its middle, inside the picture: what lies farther out hardly counts.
struct crop_window {
    int side, x, y; // pixels of the picture as the network saw it
};
struct crop_window crops_window(const struct exemplar *exemplar, const struct run_field *field);
