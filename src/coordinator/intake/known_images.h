// SPDX-License-Identifier: MIT
// Images that a run into this folder has had before: they keep their numbers and the names of their folders, whatever is added to the
// inputs or left out. Others get the least numbers and names that are free, so that the same inputs give the same ones, however often a run
// is interrupted.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/system/status.h"

struct known_image {
    int64_t id;
    const char *source; // as rows have it: address_show()
    const char *folder; // [folder_length] its name in the output folder; empty: it has none yet
    size_t folder_length;
    bool left_out; // does not keep its number and name
    bool taken;
    int32_t next; // with the same hash; -1: none
};

struct known_images {
    struct known_image *items; // [count] by rising id
    int32_t *heads;            // [slots] by hash of the source; -1: none
    size_t count, slots;
};

// From `items`, malloc'ed, of rising ids, whose texts outlive it; takes them in any case.
enum status known_images_create(struct known_images *known, struct known_image *items, size_t count) MUST_CHECK;
void known_images_destroy(struct known_images *known); // a zeroed one is fine

// The first of that source that has not been taken and is not left out, which is taken now; NULL: none. Of a zeroed one, NULL.
struct known_image *known_images_take(struct known_images *known, const char *source);

// For another way through the same inputs: none is taken.
void known_images_rewind(struct known_images *known);

// The one of this number; NULL: none.
struct known_image *known_images_find(const struct known_images *known, int64_t id);

// Of a name.
uint64_t known_images_hash(const char *text);
