// SPDX-License-Identifier: MIT
// The rows of /images, as a report needs them.
#pragma once

#include <hdf5.h>
#include <stdint.h>

#include "common/system/status.h"

enum { RUN_IMAGE_SECONDS = 5 }; // reading, decoding, waiting, dreaming, encoding

// Texts are the list's.
struct run_image {
    size_t row; // in /images and /importance
    int64_t id;
    const char *source, *sha256, *output, *error;
    int status; // enum image_status, checked
    int width, height, bits, rank, team, tiles;
    double seconds[RUN_IMAGE_SECONDS];
    const double *before, *after; // [measures_width()]; NaN: not known
};

struct run_images {
    size_t count;
    struct run_image *items; // by id
    char *sources, *digests, *outputs, *errors;
    double *before, *after; // [count][measures_width()]
};

// On failure *images is zeroed.
enum status run_images_read(hid_t file, const char *path, int targets, struct run_images *images) MUST_CHECK;
void run_images_destroy(struct run_images *images); // a zeroed one is fine
