// SPDX-License-Identifier: MIT
// Every picture that a test decodes has its header looked at, too: codec_probe() against codec_decode(). Include this before what decodes.
#pragma once

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "media/picture/codec.h"
#include "unit.h"

// Formats whose alpha is left away where all of it is opaque, which no header tells.
static inline bool probed_may_drop_alpha(const void *bytes)
{
    return strchr("\x89\xffIM", *(const char *)bytes) == NULL; // neither PNG nor JPEG nor TIFF
}

static inline enum status probed_decode(const void *bytes, size_t size, const struct image_limits *limits, struct image *image)
{
    struct codec_header header;
    char said[STATUS_MESSAGE_MAX], decoded[STATUS_MESSAGE_MAX];
    const int file = memfd_create("picture", MFD_CLOEXEC);
    CU_ASSERT_FATAL(file >= 0 && (size == 0 || write(file, bytes, size) == (ssize_t)size));
    const enum status looked = codec_probe(file, size, limits, &header);
    snprintf(said, sizeof said, "%s", status_message());
    close(file);
    const enum status rc = codec_decode(bytes, size, limits, image);
    snprintf(decoded, sizeof decoded, "%s", status_message());
    bool fine = rc != STATUS_OK || looked == STATUS_OK; // what is refused by its header cannot be decoded
    if (rc == STATUS_OK && fine) {
        fine = header.width == image->width && header.height == image->height && header.bits == image->bits;
        fine = fine && (header.alpha == (image->alpha != NULL) || (header.alpha && probed_may_drop_alpha(bytes)));
    }
    fine = fine && (looked == STATUS_OK || (header.width == 0 && header.bits == 0));
    if (!fine)
        printf("\nheader: %d '%s' %d x %d, %d bits, alpha %d; picture: %d '%s' %d x %d, %d bits, alpha %d", (int)looked, looked ? said : "",
               header.width, header.height, header.bits, header.alpha, (int)rc, rc ? decoded : "", image->width, image->height, image->bits,
               image->alpha != NULL);
    for (size_t i = 0; !fine && i < 80 && i < size; i++)
        printf("%s%02x", i ? " " : "\n", ((const unsigned char *)bytes)[i]);
    CU_ASSERT(fine);
    return rc == STATUS_OK ? rc : fail(rc, "%s", decoded);
}
#define codec_decode probed_decode
