// SPDX-License-Identifier: MIT
// Any bytes as a PNG whose chunks have the right CRC: with another, nothing behind it would be looked at.
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "picture.h"

enum { SIGNATURE = 8, HEAD = 8, CRC = 4 }; // bytes; a chunk's head is length and type

static uint32_t big_endian(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static void mend_chunks(uint8_t *bytes, size_t size)
{
    for (size_t at = SIGNATURE; size - at >= HEAD + CRC;) {
        const size_t length = big_endian(bytes + at);
        if (length > size - at - HEAD - CRC)
            return;
        const uLong crc = crc32(0, bytes + at + CRC, (uInt)(length + HEAD - CRC)); // of type and content
        at += HEAD + length;
        for (int i = 0; i < CRC; i++)
            bytes[at++] = (uint8_t)(crc >> (24 - 8 * i));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size < SIGNATURE || memcmp(bytes, "\x89PNG", 4) != 0)
        return 0;
    uint8_t *copy = malloc(size);
    if (!copy)
        abort();
    memcpy(copy, bytes, size);
    mend_chunks(copy, size);
    fuzz_picture(copy, size);
    free(copy);
    return 0;
}
