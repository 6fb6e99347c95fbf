// SPDX-License-Identifier: MIT
// The one thing that is needed of EXIF: how the camera was held.
#pragma once

#include <stddef.h>
#include <stdint.h>

// The orientation, 1 to 8, in the first directory of an EXIF block. The block is as PNG's eXIf chunk has it and JPEG's APP1 segment behind
// "Exif\0\0": it begins with the byte order of a TIFF. 1, upright, where it says nothing or is broken.
int exif_orientation(const uint8_t *block, size_t size);
