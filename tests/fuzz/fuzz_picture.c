// SPDX-License-Identifier: MIT
// Any bytes as a picture: PNG, TIFF, JPEG and what FFmpeg decodes, with their profiles and EXIF. What is decoded is written back.
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include "coordinator/codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

// Small, so that what only takes long is not mistaken for a finding.
static const struct image_limits limits = {2000, 250000};

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static char path[64];
    struct image image;
    if (codec_decode(bytes, size, &limits, &image) != STATUS_OK)
        return 0;
    if (!path[0])
        snprintf(path, sizeof path, "/tmp/oneiros-fuzz-%d", (int)getpid());
    for (enum image_format format = IMAGE_FORMAT_PNG; format <= IMAGE_FORMAT_JPEG && size % 8 == 0;
         format++) // it takes longer than all else
        (void)!codec_encode(path, format, &image);
    unlink(path);
    image_destroy(&image);
    return 0;
}
