// SPDX-License-Identifier: MIT
// From the configuration to numbers: how large tiles and halos are for these targets and this much memory.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/config/config.h"
#include "common/picture/tiling.h"

struct tile_plan {
    struct tile_rules rules;
    bool exact;           // the halo covers all that the targets see: tiles change nothing but rounding
    int min_side;         // of a picture that the targets can be computed of
    bool limited;         // tile.size is auto and smaller than it would be with more memory
    double feature_bytes; // of all targets' activations for a pixel of an octave
    double window_bytes;  // that the network needs for a pixel of its window
};

// `memory_limit`: bytes that a rank may use. STATUS_USAGE for targets that the network does not have.
enum status tile_rules_resolve(const struct config *config, uint64_t memory_limit, struct tile_plan *plan) MUST_CHECK;
