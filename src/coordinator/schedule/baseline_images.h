// SPDX-License-Identifier: MIT
// Other pictures of the run, as baselines of expected gradients: the first few of the inputs that could be read, kept small.
#pragma once

#include <stdbool.h>

#include "common/config/config.h"
#include "common/picture/image.h"
#include "common/wire/messages.h"

// One more than any picture is given, so that each gets as many others. Zeroed: none.
struct baseline_images {
    int count;
    int64_t ids[BASELINE_IMAGES_MAX + 1];
    struct image images[BASELINE_IMAGES_MAX + 1];
};

// Whether a run of this command asks for other pictures at all.
bool baseline_images_are_wanted(const struct config *config, enum config_use use);

bool baseline_images_are_full(const struct baseline_images *references);

// Keeps a copy of an image, in the order of the inputs, unless there are enough.
enum status baseline_images_add(struct baseline_images *references, int64_t id, const struct image *image) MUST_CHECK;

// How many of them image `id` gets: the first BASELINE_IMAGES_MAX at most, but not itself.
int baseline_images_count(const struct baseline_images *references, int64_t id);

// The `number`-th that image `id` gets, brought to its size: rgb (3, height, width).
enum status baseline_images_resize(const struct baseline_images *references, int64_t id, int number, int width, int height,
                                   float *rgb) MUST_CHECK;

void baseline_images_destroy(struct baseline_images *references);
