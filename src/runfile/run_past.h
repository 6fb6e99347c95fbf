// SPDX-License-Identifier: MIT
// What a run file says of the run that wrote it, whether that ended or was killed: enough to go on with it.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/picture/tiling.h"
#include "common/wire/run_rows.h"

struct run_past_image {
    int64_t id;
    int64_t bytes, modified; // see struct image_row
    int status;              // enum image_status
    char sha256[65];
    char *source, *output; // malloc'ed
};

// Texts are malloc'ed. Any of it may be nonsense in a file that is not ours.
struct run_past {
    char *version, *kind, *config, *weights_md5;
    struct tile_rules tiles;       // without the stride
    struct run_past_image *images; // [image_count] by id, each id once
    size_t image_count;
};

// STATUS_FORMAT: no run file, or a damaged one, or one of another version of the format. On failure *past is zeroed.
enum status run_past_read(const char *path, struct run_past *past) MUST_CHECK;

// Frees the images, which may be many.
void run_past_forget_images(struct run_past *past);

// Frees and zeroes. A zeroed one is fine.
void run_past_destroy(struct run_past *past);
