// SPDX-License-Identifier: MIT
// The rows of /images without their metrics: what became of each image.
#pragma once

#include "runfile/run_reader.h"

enum { RUN_IMAGE_SECONDS = 5 }; // reading, decoding, waiting, dreaming, encoding

// See struct image_row. Texts are malloc'ed.
struct run_image {
    size_t row; // in /images and /importance
    int64_t id, bytes, modified;
    char *source, *output, *error;
    char sha256[sizeof((struct image_row *)0)->sha256];
    int status;   // enum image_status, checked
    int64_t same; // 1 + id; 0: none
    bool missing;
    bool earlier; // its row is in /earlier
    int width, height, bits, rank, team, tiles;
    double seconds[RUN_IMAGE_SECONDS];
};

struct run_images {
    size_t count;
    struct run_image *items; // by id, each id once
};

// On failure *images is zeroed.
enum status run_images_read(struct run_reader *reader, struct run_images *images) MUST_CHECK;

// Adds those of /earlier that are not in /images. On failure *images stays the caller's.
enum status run_images_add_earlier(struct run_reader *reader, struct run_images *images) MUST_CHECK;

// Whether it is a picture of the set, once: done, the first of its bytes, and no dream of a channel.
bool run_image_counts(const struct run_image *image);

// Those, by digest, then path: an order that does not depend on when they were added. free() the list.
enum status run_images_of_set(const struct run_images *images, const struct run_image ***list, size_t *count) MUST_CHECK;

void run_images_destroy(struct run_images *images); // a zeroed one is fine
