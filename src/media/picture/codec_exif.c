// SPDX-License-Identifier: MIT
// The one thing that is needed of EXIF.
#include <string.h>

#include "media/picture/codec_formats.h"

enum { HEADER = 8, ENTRY = 12, TAG_ORIENTATION = 0x0112, TYPE_SHORT = 3, UPRIGHT = 1 };

int exif_orientation(const uint8_t *block, size_t size)
{
    if (size < HEADER || (memcmp(block, "II*\0", 4) != 0 && memcmp(block, "MM\0*", 4) != 0))
        return UPRIGHT;
    const bool big = block[0] == 'M';
    const size_t directory = codec_number(block + 4, 4, big);
    if (directory > size - 2)
        return UPRIGHT;
    const size_t count = codec_number(block + directory, 2, big);
    const size_t first = directory + 2;
    for (size_t i = 0; i < count && size - first >= (i + 1) * ENTRY; i++) {
        const uint8_t *entry = block + first + i * ENTRY;
        if (codec_number(entry, 2, big) != TAG_ORIENTATION)
            continue;
        const uint64_t value = codec_number(entry + 8, 2, big);
        const bool valid =
            codec_number(entry + 2, 2, big) == TYPE_SHORT && codec_number(entry + 4, 4, big) == 1 && value >= 1 && value <= 8;
        return valid ? (int)value : UPRIGHT;
    }
    return UPRIGHT;
}
