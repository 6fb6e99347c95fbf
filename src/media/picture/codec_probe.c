// SPDX-License-Identifier: MIT
// What the header of a picture says of it. PNG, JPEG and TIFF are asked through their libraries, by the code that decodes them; of the
// formats that FFmpeg decodes whole, what it goes by is looked up here.
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "media/picture/codec.h"
#include "media/picture/codec_formats.h"
#include "media/picture/signature.h"

size_t codec_source_read(struct codec_source *source, uint64_t offset, void *out, size_t count)
{
    size_t done = 0;
    if (source->bytes) {
        const size_t left = offset < source->size ? (size_t)(source->size - offset) : 0, got = count < left ? count : left;
        memcpy(out, source->bytes + offset, got);
        return got;
    }
    if (offset < source->start_size && count <= source->start_size - offset) {
        memcpy(out, source->start + offset, count);
        return count;
    }
    while (done < count && offset + done < source->size) {
        const size_t left = (size_t)(source->size - offset - done), part = count - done < left ? count - done : left;
        const ssize_t got = pread(source->descriptor, (char *)out + done, part, (off_t)(offset + done));
        if (got <= 0)
            break;
        done += (size_t)got;
    }
    return done;
}

void codec_set_header(struct codec_header *header, uint64_t width, uint64_t height, int orientation)
{
    const bool swapped = orientation >= 5 && orientation <= 8;
    header->width = (int)(swapped ? height : width);
    header->height = (int)(swapped ? width : height);
}

enum status codec_probe(int descriptor, uint64_t size, const struct image_limits *limits, struct codec_header *header)
{
    struct codec_source source = {.descriptor = descriptor, .size = size};
    *header = (struct codec_header){.bits = 8};
    source.start_size = codec_source_read(&source, 0, source.start, sizeof source.start);
    const struct signature *signature = signature_find(source.start, source.start_size);
    const enum status rc = signature && signature->probe ? signature->probe(&source, limits, header)
                                                         : codec_refuse(source.start, source.start_size, signature);
    if (rc != STATUS_OK)
        *header = (struct codec_header){0};
    return rc;
}

// `count` bytes, or the refusal of a file that ends before.
static enum status read_all(struct codec_source *source, uint64_t offset, uint8_t *out, size_t count, const char *name)
{
    if (codec_source_read(source, offset, out, count) == count)
        return STATUS_OK;
    return fail(STATUS_FORMAT, "not a valid %s: it ends early", name);
}

enum status codec_bmp_probe(struct codec_source *source, const struct image_limits *limits, struct codec_header *header)
{
    enum { HEAD = 14, OLD = 12, LEAST = 40 }; // of the file; of what follows, in OS/2 and since
    uint8_t head[HEAD + 4], size[8], depth[2];
    TRY(read_all(source, 0, head, sizeof head, "BMP"));
    const uint64_t length = codec_number(head + HEAD, 4, false);
    if (length != OLD && length < LEAST)
        return fail(STATUS_FORMAT, "not a valid BMP: its header has %llu bytes", (unsigned long long)length);
    const size_t width = length == OLD ? 2 : 4;
    TRY(read_all(source, HEAD + 4, size, 2 * width, "BMP"));
    TRY(read_all(source, HEAD + 4 + 2 * width + 2, depth, 2, "BMP"));
    int64_t high = (int64_t)codec_number(size + width, width, false);
    if (width == 4 && high > INT32_MAX) // from the top down
        high = -((int64_t)(int32_t)(uint32_t)high);
    const uint64_t wide = codec_number(size, width, false);
    TRY(codec_check_size(limits, wide, (uint64_t)high));
    header->alpha = codec_number(depth, 2, false) == 32;
    codec_set_header(header, wide, (uint64_t)high, 1);
    return STATUS_OK;
}

// Whether the first frame of a GIF may let something through: it says so, or does not cover the whole picture.
static bool gif_may_be_clear(const uint8_t *bytes, size_t size)
{
    enum { HEADER = 13, HEADER_FLAGS = 10, FRAME = 10, CONTROL = 0xf9 };
    size_t at = HEADER + (bytes[HEADER_FLAGS] & 0x80 ? (size_t)3 << ((bytes[HEADER_FLAGS] & 7) + 1) : 0);
    while (at + FRAME < size && bytes[at] == '!') {
        if (bytes[at + 1] == CONTROL && (bytes[at + 3] & 1))
            return true;
        at += 2;
        while (at < size && bytes[at] != 0)
            at += 1 + (size_t)bytes[at];
        at++;
    }
    return at + FRAME >= size || bytes[at] != ',' || codec_number(bytes + at + 1, 4, false) != 0 ||
           memcmp(bytes + at + 5, bytes + 6, 4) != 0;
}

enum status codec_gif_probe(struct codec_source *source, const struct image_limits *limits, struct codec_header *header)
{
    uint8_t head[13];
    TRY(read_all(source, 0, head, sizeof head, "GIF"));
    const uint64_t width = codec_number(head + 6, 2, false), height = codec_number(head + 8, 2, false);
    TRY(codec_check_size(limits, width, height));
    header->alpha = gif_may_be_clear(source->start, source->start_size);
    codec_set_header(header, width, height, 1);
    return STATUS_OK;
}

// A chunk of a WebP: its name, its length, and where its data begins. False behind the last one that is whole.
struct webp_chunk {
    uint8_t head[8];
    uint64_t data, length;
};

static bool webp_chunk(struct codec_source *source, uint64_t at, struct webp_chunk *chunk)
{
    if (codec_source_read(source, at, chunk->head, sizeof chunk->head) != sizeof chunk->head)
        return false;
    chunk->data = at + sizeof chunk->head;
    chunk->length = codec_number(chunk->head + 4, 4, false);
    return chunk->data <= source->size && chunk->length <= source->size - chunk->data;
}

static bool is(const struct webp_chunk *chunk, const char *name)
{
    return memcmp(chunk->head, name, 4) == 0;
}

static int orientation_in(struct codec_source *source, const struct webp_chunk *chunk)
{
    enum { EXIF_BYTES_MAX = 8 << 20 };
    const size_t size = chunk->length < EXIF_BYTES_MAX ? (size_t)chunk->length : EXIF_BYTES_MAX;
    uint8_t *block = malloc(size + 1);
    const int orientation = block && codec_source_read(source, chunk->data, block, size) == size ? exif_orientation(block, size) : 1;
    free(block);
    return orientation;
}

// The size of the picture in a chunk "VP8 " or "VP8L".
static bool webp_size(struct codec_source *source, const struct webp_chunk *chunk, uint64_t *width, uint64_t *height, bool *alpha)
{
    uint8_t head[10];
    const size_t length = chunk->length < sizeof head ? (size_t)chunk->length : sizeof head;
    if (codec_source_read(source, chunk->data, head, length) != length)
        return false;
    if (is(chunk, "VP8L")) {
        const uint64_t fields = length >= 5 ? codec_number(head + 1, 4, false) : 0;
        *width = (fields & 0x3fff) + 1;
        *height = (fields >> 14 & 0x3fff) + 1;
        *alpha = true; // of each pixel, whatever it says
        return length >= 5 && head[0] == 0x2f;
    }
    *width = length == sizeof head ? codec_number(head + 6, 2, false) & 0x3fff : 0;
    *height = length == sizeof head ? codec_number(head + 8, 2, false) & 0x3fff : 0;
    return length == sizeof head;
}

enum status codec_webp_look(struct codec_source *source, struct webp_facts *facts)
{
    enum {
        HEADER = 8,
        FIRST = 12,
        FLAGS = 20,
        ANIMATION = 2,
        VP8X = 10,
        CHUNKS_MAX = 10000
    }; // of a RIFF file; of a VP8X chunk right behind the header
    uint8_t head[FLAGS + 1];
    struct webp_chunk chunk;
    *facts = (struct webp_facts){.orientation = 1};
    if (codec_source_read(source, 0, head, sizeof head) != sizeof head || codec_number(head + 4, 4, false) > source->size - HEADER)
        return fail(STATUS_FORMAT, "not a valid WebP: it ends early");
    if (memcmp(head + FIRST, "VP8X", 4) == 0 && (head[FLAGS] & ANIMATION))
        return fail(STATUS_UNSUPPORTED, "an animated WebP; save one frame as a picture");
    uint64_t at = FIRST;
    for (int i = 0; i < CHUNKS_MAX && webp_chunk(source, at, &chunk); i++) {
        if (is(&chunk, "ALPH"))
            facts->alpha = true;
        else if (is(&chunk, "EXIF")) {
            facts->orientation = orientation_in(source, &chunk);
            break;
        } else if ((is(&chunk, "VP8 ") || is(&chunk, "VP8L")) && !facts->width)
            facts->broken = !webp_size(source, &chunk, &facts->width, &facts->height, &facts->alpha);
        at = chunk.data + (is(&chunk, "VP8X") ? VP8X : chunk.length + (chunk.length & 1)); // as FFmpeg has it
    }
    return STATUS_OK;
}

enum status codec_webp_probe(struct codec_source *source, const struct image_limits *limits, struct codec_header *header)
{
    struct webp_facts facts;
    TRY(codec_webp_look(source, &facts));
    if (facts.broken || facts.width == 0)
        return fail(STATUS_FORMAT, "not a valid WebP: there is no picture in it");
    TRY(codec_check_size(limits, facts.width, facts.height));
    header->alpha = facts.alpha;
    codec_set_header(header, facts.width, facts.height, facts.orientation);
    return STATUS_OK;
}
