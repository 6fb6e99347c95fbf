// SPDX-License-Identifier: MIT
#include "media/picture/codec_formats.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"

// A block with `before` other entries, then the orientation.
struct block {
    bool big;
    int before, type, count, value, directory; // offset of the directory
};

static size_t put(uint8_t *to, size_t at, bool big, unsigned value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        to[at + (size_t)i] = (uint8_t)(value >> 8 * (big ? bytes - 1 - i : i));
    return at + (size_t)bytes;
}

static size_t make(const struct block *b, uint8_t *to)
{
    memcpy(to, b->big ? "MM\0*" : "II*\0", 4);
    put(to, 4, b->big, (unsigned)b->directory, 4);
    size_t at = put(to, (size_t)b->directory, b->big, (unsigned)b->before + 1, 2);
    for (int i = 0; i < b->before; i++) {
        at = put(to, at, b->big, 0x0100 + (unsigned)i, 2);
        at = put(to, at, b->big, 3, 2);
        at = put(to, at, b->big, 1, 4);
        at = put(to, at, b->big, 7, 4);
    }
    at = put(to, at, b->big, 0x0112, 2);
    at = put(to, at, b->big, (unsigned)b->type, 2);
    at = put(to, at, b->big, (unsigned)b->count, 4);
    at = put(to, at, b->big, (unsigned)b->value, 2);
    return put(to, at, b->big, 0, 2);
}

// Of a copy of exactly this size, so that the sanitizer sees every byte read behind it.
static int orientation_of(const uint8_t *block, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(copy);
    memcpy(copy, block, size);
    int orientation = exif_orientation(copy, size);
    free(copy);
    return orientation;
}

static void every_orientation(void)
{
    for (int value = 0; value < 12; value++)
        for (int big = 0; big < 2; big++)
            for (int before = 0; before < 12; before += 11) {
                uint8_t block[512] = {0};
                size_t size = make(&(struct block){big, before, 3, 1, value, 8 + 13 * before}, block);
                CU_ASSERT_EQUAL(orientation_of(block, size), value >= 1 && value <= 8 ? value : 1);
            }
}

// Some programs write a signed number of 32 bits where EXIF has an unsigned one of 16.
static void whole_numbers_of_every_type(void)
{
    static const struct {
        int type, bytes;
    } types[] = {{1, 1}, {3, 2}, {4, 4}, {6, 1}, {8, 2}, {9, 4}};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        for (int big = 0; big < 2; big++) {
            uint8_t block[64] = {0};
            const size_t size = make(&(struct block){big, 0, types[i].type, 1, 0, 8}, block);
            put(block, 8 + 2 + 8, big, 6, types[i].bytes);
            CU_ASSERT_EQUAL(orientation_of(block, size), 6);
            put(block, 8 + 2 + 8, big, 0xffffffff, types[i].bytes);
            CU_ASSERT_EQUAL(orientation_of(block, size), 1);
            // The block that goes out with the dream is upright, whatever its number is like.
            struct image image = {.tags = {.exif = malloc(size), .exif_size = size}};
            put(block, 8 + 2 + 8, big, 6, types[i].bytes);
            CU_ASSERT_PTR_NOT_NULL_FATAL(image.tags.exif);
            memcpy(image.tags.exif, block, size);
            tags_settle(&image);
            CU_ASSERT_EQUAL(orientation_of(image.tags.exif, size), 1);
            image_destroy(&image);
        }
}

static void other_types_are_ignored(void)
{
    static const struct block blocks[] = {
        {false, 0, 2, 1, 6, 8}, {false, 0, 3, 2, 6, 8}, {true, 0, 3, 0, 6, 8}, {true, 0, 99, 1, 6, 8}, {false, 0, 11, 1, 6, 8}};
    for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++) {
        uint8_t block[64] = {0};
        size_t size = make(&blocks[i], block);
        CU_ASSERT_EQUAL(orientation_of(block, size), 1);
    }
}

static void cut_and_broken_blocks_are_upright(void)
{
    uint8_t block[512] = {0};
    size_t size = make(&(struct block){false, 3, 3, 1, 6, 8}, block);
    for (size_t cut = 0; cut < size; cut++)
        CU_ASSERT_EQUAL(orientation_of(block, cut), 1);
    static const unsigned directories[] = {0xffffffff, 0xfffffffe, 0x7fffffff, 511, 510, 100000};
    for (size_t i = 0; i < sizeof directories / sizeof directories[0]; i++) {
        put(block, 4, false, directories[i], 4);
        CU_ASSERT_EQUAL(orientation_of(block, sizeof block), 1);
    }
    put(block, 4, false, 8, 4);
    put(block, 8, false, 65535, 2); // more entries than there are: those that are there count
    CU_ASSERT_EQUAL(orientation_of(block, size), 6);
    block[1] = 'M';
    CU_ASSERT_EQUAL(orientation_of(block, size), 1);
}

static void random_blocks_do_no_harm(void)
{
    uint32_t state = 7;
    for (int i = 0; i < 200000; i++) {
        uint8_t block[40];
        for (size_t k = 0; k < sizeof block; k++) {
            state = state * 1664525u + 1013904223u;
            block[k] = (uint8_t)(state >> 30 ? state >> 24 & 15 : state >> 20);
        }
        memcpy(block, i % 2 ? "MM\0*" : "II*\0", 4);
        int orientation = orientation_of(block, (size_t)(state >> 16) % (sizeof block + 1));
        CU_ASSERT(orientation >= 1 && orientation <= 8);
    }
}

static const struct unit_test tests[] = {
    {"every orientation, both byte orders", every_orientation}, {"whole numbers of every type", whole_numbers_of_every_type},
    {"other types are ignored", other_types_are_ignored},       {"cut and broken blocks are upright", cut_and_broken_blocks_are_upright},
    {"random blocks do no harm", random_blocks_do_no_harm},
};
UNIT_MAIN("exif", tests)
