// SPDX-License-Identifier: MIT
#include "media/tags/geo.h"

#include <string.h>

#include "media/tags/directory.h"

enum {
    TAG_SCALE = 33550,          // units of the map a pixel
    TAG_POINTS = 33922,         // of a pixel each: its place in the picture and on the map
    TAG_TRANSFORMATION = 34264, // 4 x 4, from the picture to the map
    TAG_KEYS = 34735,
    TAG_GDAL_METADATA = 42112,
    TAG_GDAL_NODATA = 42113,
    TAG_RPC = 50844, // polynomials
};

static double number_of(const struct tree *tree, uint64_t at)
{
    uint64_t bits = 0;
    double value;
    number_at(tree, at, sizeof bits, &bits);
    memcpy(&value, &bits, sizeof value);
    return value;
}

static void set_number_at(const struct tree *tree, uint64_t at, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    write_number(tree, at, sizeof bits, bits);
}

// So many floats of 64 bits, or more.
static bool find_numbers(const struct tree *tree, unsigned tag, uint64_t least, struct entry *entry)
{
    return find_entry(tree, tree->first, tag, entry) && entry->type == TYPE_DOUBLE && entry->count >= least;
}

// Where in a pixel its place is: in its middle where the file says that pixels are points, otherwise at its corner.
static double place_of(const struct tree *tree)
{
    enum { KEY_RASTER_TYPE = 1025, POINT = 2, PARTS = 4, WIDTH = 2 };
    struct entry entry;
    uint64_t key, place, value;
    if (!find_entry(tree, tree->first, TAG_KEYS, &entry) || entry.type != TYPE_SHORT)
        return 0;
    for (uint64_t i = PARTS; i + PARTS <= entry.count; i += PARTS)
        if (number_at(tree, entry.at + WIDTH * i, WIDTH, &key) && key == KEY_RASTER_TYPE &&
            number_at(tree, entry.at + WIDTH * (i + 1), WIDTH, &place) && place == 0 &&
            number_at(tree, entry.at + WIDTH * (i + 3), WIDTH, &value))
            return value == POINT ? 0.5 : 0;
    return 0;
}

// (x + middle) * factor is where that place is then, counted from the corner.
static void scale_points(const struct tree *tree, const double factors[2], double middle)
{
    enum { PARTS = 6 };
    struct entry entry;
    if (!find_numbers(tree, TAG_POINTS, PARTS, &entry))
        return;
    for (uint64_t i = 0; i + PARTS <= entry.count; i += PARTS)
        for (uint64_t k = 0; k < 2; k++) {
            const uint64_t at = entry.at + sizeof(double) * (i + k);
            set_number_at(tree, at, (number_of(tree, at) + middle) * factors[k] - middle);
        }
}

static void scale_transformation(const struct tree *tree, const double factors[2], double middle)
{
    enum { SIDE = 4, LAST = 3 };
    struct entry entry;
    if (!find_numbers(tree, TAG_TRANSFORMATION, (uint64_t)SIDE * SIDE, &entry))
        return;
    for (uint64_t row = 0; row < LAST; row++) {
        const uint64_t at = entry.at + sizeof(double) * SIDE * row;
        double moved = number_of(tree, at + sizeof(double) * LAST);
        for (uint64_t k = 0; k < 2; k++) {
            const double old = number_of(tree, at + sizeof(double) * k);
            moved += old * middle * (1 / factors[k] - 1);
            set_number_at(tree, at + sizeof(double) * k, old / factors[k]);
        }
        set_number_at(tree, at + sizeof(double) * LAST, moved);
    }
}

void geo_scale(uint8_t *block, size_t size, double across, double down)
{
    const double factors[2] = {across, down};
    struct tree tree;
    struct entry entry;
    if (!block || !tree_open(&tree, block, size))
        return;
    const double middle = place_of(&tree);
    if (find_numbers(&tree, TAG_SCALE, 2, &entry))
        for (uint64_t k = 0; k < 2; k++)
            set_number_at(&tree, entry.at + sizeof(double) * k, number_of(&tree, entry.at + sizeof(double) * k) / factors[k]);
    scale_points(&tree, factors, middle);
    scale_transformation(&tree, factors, middle);
    remove_entry(&tree, tree.first, TAG_RPC);
}

// Takes the items of bands out of GDAL's XML, in place, and returns how long it is then, with its NUL; 0: no item is left.
static size_t without_bands(char *text, size_t size)
{
    static const char begin[] = "<Item", end[] = "</Item>";
    bool any = false;
    for (char *at = text; (at = memmem(at, (size_t)(text + size - at), begin, sizeof begin - 1));) {
        const size_t left = (size_t)(text + size - at);
        char *tag_end = memchr(at, '>', left), *item_end = memmem(at, left, end, sizeof end - 1);
        if (!tag_end || (tag_end[-1] != '/' && (!item_end || item_end < tag_end)))
            return any ? size : 0;
        item_end = tag_end[-1] == '/' ? tag_end + 1 : item_end + sizeof end - 1;
        if (memmem(at, (size_t)(tag_end - at), " sample=", 8)) {
            memmove(at, item_end, (size_t)(text + size - item_end));
            size -= (size_t)(item_end - at);
        } else {
            any = true;
            at = item_end;
        }
    }
    return any ? size : 0;
}

void geo_lose_samples(uint8_t *block, size_t size)
{
    struct tree tree;
    struct entry entry;
    if (!block || !tree_open(&tree, block, size))
        return;
    remove_entry(&tree, tree.first, TAG_GDAL_NODATA);
    if (!find_entry(&tree, tree.first, TAG_GDAL_METADATA, &entry) || entry.type != TYPE_ASCII || entry.size <= sizeof(uint64_t))
        return;
    const size_t left = without_bands((char *)block + entry.at, entry.size);
    if (left > sizeof(uint64_t)) // shorter ones would be in the entry itself
        set_count(&tree, tree.first, TAG_GDAL_METADATA, left);
    else
        remove_entry(&tree, tree.first, TAG_GDAL_METADATA);
}
