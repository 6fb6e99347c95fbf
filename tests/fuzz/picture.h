// SPDX-License-Identifier: MIT
// What the targets of pictures share: a target a family of formats, so that each keeps to its own.
#pragma once

#include "media/picture/codec.h"
#include "scratch.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

// Decodes, with profile and EXIF. Some of what comes out is written in every format: that takes longer than all else.
static inline void fuzz_picture(const uint8_t *bytes, size_t size)
{
    static const struct image_limits limits = {1000, 1 << 16}; // small: what only takes long is no finding
    char path[SCRATCH_PATH];
    struct image image;
    if (codec_decode(bytes, size, &limits, &image) != STATUS_OK)
        return;
    scratch_path(path, "");
    for (enum image_format format = IMAGE_FORMAT_PNG; format <= IMAGE_FORMAT_JPEG && size % 8 == 0; format++)
        (void)!codec_encode(path, format, &image);
    unlink(path);
    image_destroy(&image);
}
