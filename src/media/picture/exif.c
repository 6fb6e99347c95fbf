// SPDX-License-Identifier: MIT
#include "media/picture/exif.h"

#include <stdbool.h>
#include <string.h>

enum { HEADER = 8, ENTRY = 12, TAG_ORIENTATION = 0x0112, TYPE_SHORT = 3, UPRIGHT = 1 };

static uint32_t read16(const uint8_t *at, bool big)
{
    return big ? (uint32_t)at[0] << 8 | at[1] : (uint32_t)at[1] << 8 | at[0];
}

static uint32_t read32(const uint8_t *at, bool big)
{
    return big ? read16(at, big) << 16 | read16(at + 2, big) : read16(at + 2, big) << 16 | read16(at, big);
}

int exif_orientation(const uint8_t *block, size_t size)
{
    if (size < HEADER || (memcmp(block, "II*\0", 4) != 0 && memcmp(block, "MM\0*", 4) != 0))
        return UPRIGHT;
    const bool big = block[0] == 'M';
    const size_t directory = read32(block + 4, big);
    if (directory > size - 2)
        return UPRIGHT;
    const size_t count = read16(block + directory, big);
    const size_t first = directory + 2;
    for (size_t i = 0; i < count && size - first >= (i + 1) * ENTRY; i++) {
        const uint8_t *entry = block + first + i * ENTRY;
        if (read16(entry, big) != TAG_ORIENTATION)
            continue;
        const uint32_t value = read16(entry + 8, big);
        const bool valid = read16(entry + 2, big) == TYPE_SHORT && read32(entry + 4, big) == 1 && value >= 1 && value <= 8;
        return valid ? (int)value : UPRIGHT;
    }
    return UPRIGHT;
}
