// SPDX-License-Identifier: MIT
// The channels of each target that count most: for each picture, and on the mean over all.
#pragma once

#include "runfile/run_images.h"

enum {
    CHANNELS_MEAN = 12,     // of the mean
    CHANNELS_IMAGE = 8,     // of one picture
    CHANNELS_LISTED = 40000 // of all pictures together: beyond that there is the mean only
};

struct channel {
    int number; // -1: there is none
    double value;
};

struct target_channels {
    const char *layer; // the facts'
    char *method;      // malloc'ed, or NULL
    int channels;      // of the layer; 0: the file has no importance of it
    size_t known;      // pictures of which it is known
    struct channel mean[CHANNELS_MEAN];
    struct channel *images; // [image_count][CHANNELS_IMAGE], in the order of the list of images; NULL: too many
};

struct channels {
    size_t target_count, image_count;
    struct target_channels *targets;
};

// The `count` channels whose values are largest, whatever their sign, largest first.
void channels_pick(const double *values, int channels, struct channel *picked, int count);

// Destroy them also after a failure.
enum status channels_read(struct run_reader *reader, const struct run_images *images, struct channels *channels) MUST_CHECK;
void channels_destroy(struct channels *channels); // a zeroed one is fine
