// SPDX-License-Identifier: MIT
// What the targets of pictures share: a target a family of formats, so that each keeps to its own.
#pragma once

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "media/picture/codec.h"
#include "scratch.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

// The header alone. That it says what decoding finds is what tests of whole and of damaged pictures hold (probed.h); of files made to lie,
// each chunk to another reader, it is not promised.
static inline void fuzz_header(const uint8_t *bytes, size_t size, const struct image_limits *limits)
{
    struct codec_header header;
    const int file = memfd_create("picture", MFD_CLOEXEC);
    if (file < 0 || write(file, bytes, size) != (ssize_t)size)
        abort();
    const enum status rc = codec_probe(file, size, limits, &header);
    close(file);
    if (rc == STATUS_OK && (header.width < 1 || header.height < 1 || header.width > limits->side || header.height > limits->side))
        abort();
}

// Decodes, with profile and EXIF. Some of what comes out is written in every format: that takes longer than all else.
static inline void fuzz_picture(const uint8_t *bytes, size_t size)
{
    const struct image_limits limits = {
        .side = 1000, .pixels = 1 << 16, .choice.accepts_damage = size % 2}; // small: what only takes long is no finding
    char path[SCRATCH_PATH];
    struct image image;
    const enum status rc = codec_decode(bytes, size, &limits, &image);
    fuzz_header(bytes, size, &limits);
    if (rc != STATUS_OK)
        return;
    if (image.raster.keeps_file && (image.raster.file = malloc(size))) { // the dream is written into it
        memcpy(image.raster.file, bytes, size);
        image.raster.file_size = size;
    }
    scratch_path(path, "");
    for (enum image_format format = IMAGE_FORMAT_PNG; format <= IMAGE_FORMAT_JPEG && size % 8 == 0; format++)
        (void)!codec_encode(path, format, &image);
    unlink(path);
    image_destroy(&image);
}
