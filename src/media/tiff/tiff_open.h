// SPDX-License-Identifier: MIT
// TIFFs by libtiff, and what it says of each. It tells one function of the process (that it could tell whoever opened the file is new
// in 4.5), which knows what file its thread has open: one at a time.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <tiffio.h>

struct tiff_listener {
    void (*hear)(void *user, bool warning, const char *format, va_list args);
    void *user;
};

// A file in memory, or one that is read where libtiff looks. What is here stays where it is until the TIFF is closed.
struct tiff_bytes {
    const uint8_t *bytes;
    struct codec_source *source; // instead of bytes; NULL
    uint64_t size, offset;
    struct tiff_listener listener;
};

// For reading. NULL: not a TIFF, and the listener has heard why. A single allocation of libtiff's is of `largest` bytes
// at most; before version 4.5 nothing bounds them.
TIFF *tiff_open_bytes(struct tiff_bytes *file, tmsize_t largest);
// For writing. The descriptor is closed with the TIFF; but not where this fails, which gives NULL.
TIFF *tiff_open_descriptor(int descriptor, const char *mode, const struct tiff_listener *listener);
// In the thread that opened it. NULL is fine.
void tiff_close(TIFF *tiff);
