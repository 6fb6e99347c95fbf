// SPDX-License-Identifier: MIT
// Which bytes and which files are pictures: the one table of formats, those that codec.h decodes and those that it refuses by name.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/picture/image.h"

enum { SIGNATURE_BYTES_MAX = 32 }; // of a file's start, that its content is told by

struct codec_header;
struct codec_source;

struct signature {
    const char *name;
    const char *pattern; // of the bytes from `offset` on; '?' stands for any; NULL: that of a TGA, which is none
    int offset, enough;  // so many bytes of the pattern tell the format of what is meant to be a picture
    int length;          // so many tell a picture from a text that happens to begin like one, offset + length <= SIGNATURE_BYTES_MAX;
                         // 0: nothing does, but its name may
    enum status (*decode)(const uint8_t *bytes, size_t size, const struct image_limits *limits, struct image *image);
    enum status (*probe)(struct codec_source *source, const struct image_limits *limits, struct codec_header *header);
    const char *extensions; // each between dots; "": as the row before
    const char *loader;     // libvips's operation that reads it from a file; NULL: it is not left to libvips
};

// What the bytes look like; NULL: nothing that is known.
const struct signature *signature_find(const uint8_t *bytes, size_t size);

// "PNG, TIFF, ...": the formats that are decoded.
void signature_list(char *text, size_t size);

// A name with the extension of a picture, in whatever case.
bool picture_has_name(const char *path);

// A regular file that starts the way a picture does. False where it cannot be read.
bool picture_has_content(const char *path);
