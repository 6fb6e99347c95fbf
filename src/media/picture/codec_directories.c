// SPDX-License-Identifier: MIT
// The pages of a TIFF: libtiff would read their tags whole and complain of what is not looked at.
#include "media/picture/codec_formats.h"

struct chain {
    const uint8_t *bytes;
    size_t size;
    bool big_endian;
};

// False where the number goes beyond the end.
static bool read_number(const struct chain *chain, uint64_t at, size_t width, uint64_t *number)
{
    if (at > chain->size || chain->size - at < width)
        return false;
    *number = codec_number(chain->bytes + at, width, chain->big_endian);
    return true;
}

int codec_tiff_pages(const uint8_t *bytes, size_t size)
{
    const struct chain chain = {.bytes = bytes, .size = size, .big_endian = size > 0 && bytes[0] == 'M'};
    uint64_t magic, first, at, entries;
    if (!read_number(&chain, 2, 2, &magic))
        return 0;
    const bool large = magic == 43; // BigTIFF
    const size_t offset_bytes = large ? 8 : 4, count_bytes = large ? 8 : 2, entry_bytes = large ? 20 : 12;
    if (!read_number(&chain, large ? 8 : 4, offset_bytes, &first))
        return 0;
    int pages = 0;
    uint64_t passed = 0; // a page that a circle comes back to, sooner or later: moved on after twice as many pages each time
    at = first;
    while (at != 0 && pages < CODEC_PAGES_MAX && read_number(&chain, at, count_bytes, &entries)) {
        if (at == passed)
            return -1;
        if ((pages & (pages + 1)) == 0)
            passed = at;
        pages++;
        if (entries > size / entry_bytes || !read_number(&chain, at + count_bytes + entries * entry_bytes, offset_bytes, &at))
            break;
    }
    return pages;
}
