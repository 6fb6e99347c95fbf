// SPDX-License-Identifier: MIT
// Other pictures of the run, as baselines of expected gradients: the first few of the inputs that could be read, kept small.
#ifndef ONEIROS_COORDINATOR_REFERENCES_H
#define ONEIROS_COORDINATOR_REFERENCES_H

#include <stdbool.h>

#include "common/config.h"
#include "common/image.h"
#include "common/messages.h"

// One more than any picture is given, so that each gets as many others. Zeroed: none.
struct references {
    int count;
    int64_t ids[BASELINE_IMAGES_MAX + 1];
    struct image images[BASELINE_IMAGES_MAX + 1];
};

// Whether a job of this kind asks for other pictures at all.
bool references_are_wanted(const struct config *config, enum job_kind kind);

bool references_are_full(const struct references *references);

// Keeps a copy of an image, in the order of the inputs, unless there are enough.
enum status references_add(struct references *references, int64_t id, const struct image *image) MUST_CHECK;

// How many of them image `id` gets: the first BASELINE_IMAGES_MAX at most, but not itself.
int references_count(const struct references *references, int64_t id);

// The `number`-th that image `id` gets, brought to its size: rgb (3, height, width).
enum status references_resize(const struct references *references, int64_t id, int number, int width, int height, float *rgb) MUST_CHECK;

void references_destroy(struct references *references);

#endif
