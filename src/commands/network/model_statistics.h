// SPDX-License-Identifier: MIT
// `oneiros model statistics`: what the channels of these weights answer to ordinary pictures, measured over a set of them.
#pragma once

#include <stdbool.h>

#include "common/config/config.h"

struct statistics_options {
    const struct config *config; // the weights; limits of inputs
    const char *output;          // file; NULL: the user's cache
    bool force;                  // replace it
    int side;                    // pixels of the shorter side that pictures are brought to
    char **inputs;               // [input_count] as of `oneiros dream`, but for addresses
    int input_count;
};

// Pictures that cannot be measured are said and counted in *failed, and the others go on; the same picture counts once. Sums go from one
// picture to the next in the order of their digests, so that the same pictures make the same file whatever they are called.
enum status model_statistics(const struct statistics_options *options, int *failed) MUST_CHECK;
