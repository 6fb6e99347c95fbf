// SPDX-License-Identifier: MIT
// The directories that TIFF and EXIF are made of, in memory: tags and their values. Whatever the bytes are, what is not there is not found.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    TAGS_BYTES_MAX = 16 << 20, // of a block, and of XMP
    ENTRIES_MAX = 4096,        // of a directory
    TIFF_HEADER = 8,
    TYPE_BYTE = 1,
    TYPE_ASCII = 2,
    TYPE_SHORT = 3,
    TYPE_LONG = 4,
    TYPE_RATIONAL = 5,
    TYPE_DOUBLE = 12,
    TYPE_LONG8 = 16,
};

// Directories in memory.
struct tree {
    const uint8_t *bytes;
    size_t size;
    bool big_endian, large; // a BigTIFF
    uint64_t first;         // directory
};

struct entry {
    unsigned tag, type;
    uint64_t count;
    size_t at, size; // of its values
};

// A number of so many bytes, the most significant one first or last.
static inline uint64_t codec_number(const uint8_t *bytes, size_t width, bool big_endian)
{
    uint64_t number = 0;
    for (size_t i = 0; i < width; i++)
        number = number << 8 | bytes[big_endian ? i : width - 1 - i];
    return number;
}

// Bytes of a number of a type, and how many numbers there are in a value; 0: not known.
unsigned number_bytes(unsigned type, unsigned *numbers);

// False where the number goes beyond the end.
bool number_at(const struct tree *tree, uint64_t at, size_t width, uint64_t *number);

// False: neither TIFF nor EXIF.
bool tree_open(struct tree *tree, const uint8_t *bytes, size_t size);

// Of the directory at `at`.
uint64_t entry_count(const struct tree *tree, uint64_t at);

// Number i of the directory at `at`. False where it, or its values, are not there.
bool read_entry(const struct tree *tree, uint64_t at, uint64_t i, struct entry *entry);

bool find_entry(const struct tree *tree, uint64_t at, unsigned tag, struct entry *entry);

// Of bytes that are ours: a number in place of another one; how many values a tag has, no more than it had; and a tag less.
void write_number(const struct tree *tree, uint64_t at, size_t width, uint64_t number);
void set_count(const struct tree *tree, uint64_t at, unsigned tag, uint64_t count);
void remove_entry(const struct tree *tree, uint64_t at, unsigned tag);

// How many values a tag has, wherever they are, and however many; 0: it is not there.
uint64_t count_values(const struct tree *tree, uint64_t at, unsigned tag);

// A whole number that stands alone. Some programs write signed ones.
bool whole_of(const struct tree *tree, const struct entry *entry, uint64_t *value);
