// SPDX-License-Identifier: MIT
// The places of a set that excite each channel most, by activation and by relevance, and what the channel's own dream comes to.
#pragma once

#include "common/config/config.h"
#include "runfile/run_images.h"

struct exemplar {
    float value;
    int32_t y, x;                    // of the layer's grid
    const struct run_image *picture; // NULL: there is none
    bool grey;                       // no crop of it is to be had
};

struct exemplars {
    int targets, places; // layers; places of each channel and kind
    int channels[CONFIG_TARGETS_MAX];
    size_t pictures;                             // of the set
    struct exemplar *items[CONFIG_TARGETS_MAX];  // [channels][PEAK_KINDS][places] best first
    struct exemplar *optima[CONFIG_TARGETS_MAX]; // [channels] the largest activation in its dream
};

// From the rows of pictures that are done, one of those of the same bytes. Of equal values the first by digest, then by path; only values
// above 0 count. `images` outlives them. Memory does not grow with the pictures. Destroy it also after a failure.
enum status exemplars_find(struct exemplars *exemplars, struct run_reader *reader, const struct run_images *images,
                           const struct config *config) MUST_CHECK; // the run's
void exemplars_destroy(struct exemplars *exemplars);

static inline const struct exemplar *exemplars_of(const struct exemplars *exemplars, int target, int channel, int kind)
{
    return exemplars->items[target] + (size_t)(channel * PEAK_KINDS + kind) * (size_t)exemplars->places;
}
