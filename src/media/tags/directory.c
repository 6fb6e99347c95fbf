// SPDX-License-Identifier: MIT
#include "media/tags/directory.h"

#include <string.h>

unsigned number_bytes(unsigned type, unsigned *numbers)
{
    static const uint8_t sizes[] = {0, 1, 1, 2, 4, 4, 1, 1, 2, 4, 4, 4, 8, 4, 0, 0, 8, 8, 8};
    *numbers = type == TYPE_RATIONAL || type == 10 ? 2 : 1; // signed ones, too
    return type < sizeof sizes ? sizes[type] : 0;
}

bool number_at(const struct tree *tree, uint64_t at, size_t width, uint64_t *number)
{
    if (at > tree->size || tree->size - at < width)
        return false;
    *number = codec_number(tree->bytes + at, width, tree->big_endian);
    return true;
}

bool tree_open(struct tree *tree, const uint8_t *bytes, size_t size)
{
    uint64_t magic = 0;
    *tree = (struct tree){.bytes = bytes, .size = size};
    if (size < TIFF_HEADER || (memcmp(bytes, "II", 2) != 0 && memcmp(bytes, "MM", 2) != 0))
        return false;
    tree->big_endian = bytes[0] == 'M';
    number_at(tree, 2, 2, &magic);
    tree->large = magic == 43;
    return (magic == 42 || magic == 43) && number_at(tree, tree->large ? 8 : 4, tree->large ? 8 : 4, &tree->first);
}

uint64_t entry_count(const struct tree *tree, uint64_t at)
{
    uint64_t count;
    return number_at(tree, at, tree->large ? 8 : 2, &count) ? count : 0;
}

bool read_entry(const struct tree *tree, uint64_t at, uint64_t i, struct entry *entry)
{
    const unsigned width = tree->large ? 8 : 4;
    uint64_t tag, type, where = at + (tree->large ? 8 : 2) + i * (tree->large ? 20 : 12);
    unsigned numbers;
    if (!number_at(tree, where, 2, &tag) || !number_at(tree, where + 2, 2, &type) || !number_at(tree, where + 4, width, &entry->count))
        return false;
    entry->tag = (unsigned)tag;
    entry->type = (unsigned)type;
    const unsigned bytes = number_bytes(entry->type, &numbers) * numbers;
    if (bytes == 0 || entry->count > TAGS_BYTES_MAX / bytes)
        return false;
    entry->size = (size_t)entry->count * bytes;
    where += 4 + width;
    uint64_t outside;
    if (!number_at(tree, where, width, &outside))
        return false;
    where = entry->size > width ? outside : where;
    entry->at = (size_t)where;
    return where <= tree->size && tree->size - where >= entry->size;
}

bool find_entry(const struct tree *tree, uint64_t at, unsigned tag, struct entry *entry)
{
    const uint64_t count = entry_count(tree, at);
    for (uint64_t i = 0; i < count && i < ENTRIES_MAX; i++)
        if (read_entry(tree, at, i, entry) && entry->tag == tag)
            return true;
    return false;
}

static size_t entry_bytes(const struct tree *tree)
{
    return tree->large ? 20 : 12;
}

// Where the entry of a tag is; 0: nowhere.
static uint64_t place_of(const struct tree *tree, uint64_t at, unsigned wanted)
{
    const uint64_t count = entry_count(tree, at);
    uint64_t tag;
    for (uint64_t i = 0; i < count && i < ENTRIES_MAX; i++) {
        const uint64_t where = at + (tree->large ? 8 : 2) + i * entry_bytes(tree);
        if (number_at(tree, where, 2, &tag) && tag == wanted)
            return where;
    }
    return 0;
}

uint64_t count_values(const struct tree *tree, uint64_t at, unsigned tag)
{
    const uint64_t where = place_of(tree, at, tag);
    uint64_t values;
    return where > 0 && number_at(tree, where + 4, tree->large ? 8 : 4, &values) ? values : 0;
}

void write_number(const struct tree *tree, uint64_t at, size_t width, uint64_t number)
{
    uint8_t *bytes = (uint8_t *)tree->bytes + at;
    if (at > tree->size || tree->size - at < width)
        return;
    for (size_t i = 0; i < width; i++)
        bytes[tree->big_endian ? width - 1 - i : i] = (uint8_t)(number >> 8 * i);
}

void set_count(const struct tree *tree, uint64_t at, unsigned tag, uint64_t count)
{
    const uint64_t where = place_of(tree, at, tag);
    if (where > 0)
        write_number(tree, where + 4, tree->large ? 8 : 4, count);
}

void remove_entry(const struct tree *tree, uint64_t at, unsigned tag)
{
    const uint64_t where = place_of(tree, at, tag), count = entry_count(tree, at), width = tree->large ? 8 : 4;
    const uint64_t end = at + (tree->large ? 8 : 2) + count * entry_bytes(tree) + width; // of the directory, with where the next one is
    if (where == 0 || count > ENTRIES_MAX || end > tree->size)
        return;
    uint8_t *entry = (uint8_t *)tree->bytes + where;
    memmove(entry, entry + entry_bytes(tree), (size_t)(end - where) - entry_bytes(tree));
    write_number(tree, at, tree->large ? 8 : 2, count - 1);
}

bool whole_of(const struct tree *tree, const struct entry *entry, uint64_t *value)
{
    enum { SIGNED_BYTE = 6, SIGNED_SHORT = 8, SIGNED_LONG = 9, DIRECTORY = 13 };
    const unsigned type = entry->type;
    unsigned numbers;
    const bool whole = type == TYPE_BYTE || type == TYPE_SHORT || type == TYPE_LONG || type == SIGNED_BYTE || type == SIGNED_SHORT ||
                       type == SIGNED_LONG || type == DIRECTORY || type >= TYPE_LONG8;
    return whole && entry->count == 1 && number_at(tree, entry->at, number_bytes(entry->type, &numbers), value);
}
