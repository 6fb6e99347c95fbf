// SPDX-License-Identifier: MIT
#include "media/picture/codec_tags.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "media/picture/codec.h"
#include "media/picture/codec_formats.h"
#include "media/tags/directory.h"
#include "media/tags/geo.h"

enum {
    DEPTH_MAX = 2,  // below the first: EXIF, and what that points to
    ENTRY_MAX = 20, // bytes, in a BigTIFF
    TAG_DESCRIPTION = 270,
    TAG_ORIENTATION = 274,
    TAG_DENSITY_X = 282,
    TAG_DENSITY_Y = 283,
    TAG_DENSITY_UNIT = 296,
    TAG_XMP = 700,
    TAG_EXIF = 34665,
    TAG_GPS = 34853,
    TAG_WIDTH = 40962,
    TAG_HEIGHT = 40963,
    TAG_INTEROPERABILITY = 40965,
};

// What is written: bytes that will be at `base` of a file, little-endian.
struct sink {
    uint8_t *bytes;
    size_t size, room;
    uint64_t base;
    bool large;
    bool failed;     // no memory, or too much
    bool incomplete; // a value that is not in the file, or too long
};

struct entries {
    size_t count;
    uint8_t raw[ENTRIES_MAX][ENTRY_MAX]; // as the sink's files have them
};

// Puts bytes behind those that there are, at an even place, and returns where in the file they are.
static uint64_t put(struct sink *sink, const void *bytes, size_t size)
{
    const size_t at = (sink->size + 1) & ~(size_t)1;
    if (sink->failed || size > TAGS_BYTES_MAX || at + size > TAGS_BYTES_MAX) {
        sink->failed = true;
        return 0;
    }
    if (at + size > sink->room) {
        const size_t room = 2 * (at + size) + 256;
        uint8_t *more = realloc(sink->bytes, room);
        if (!more) {
            sink->failed = true;
            return 0;
        }
        sink->bytes = more;
        sink->room = room;
    }
    memset(sink->bytes + sink->size, 0, at - sink->size);
    if (size > 0)
        memcpy(sink->bytes + at, bytes, size);
    sink->size = at + size;
    return sink->base + at;
}

static void set_number(uint8_t *bytes, size_t width, uint64_t number)
{
    for (size_t i = 0; i < width; i++)
        bytes[i] = (uint8_t)(number >> 8 * i);
}

static bool has(const struct entries *entries, unsigned tag)
{
    for (size_t i = 0; i < entries->count; i++)
        if (codec_number(entries->raw[i], 2, false) == tag)
            return true;
    return false;
}

// An entry whose values are little-endian already.
static void add(struct sink *sink, struct entries *entries, unsigned tag, unsigned type, uint64_t count, const void *values, size_t size)
{
    const size_t width = sink->large ? 8 : 4;
    if (entries->count == ENTRIES_MAX || has(entries, tag))
        return;
    uint8_t *raw = memset(entries->raw[entries->count++], 0, ENTRY_MAX);
    set_number(raw, 2, tag);
    set_number(raw + 2, 2, type);
    set_number(raw + 4, width, count);
    if (size > width)
        set_number(raw + 4 + width, width, put(sink, values, size));
    else
        memcpy(raw + 4 + width, values, size);
}

static int by_tag(const void *a, const void *b)
{
    return (int)codec_number(a, 2, false) - (int)codec_number(b, 2, false);
}

// Returns where the directory is.
static uint64_t put_directory(struct sink *sink, struct entries *entries)
{
    const size_t width = sink->large ? 8 : 2, entry = sink->large ? 20 : 12;
    uint8_t number[8] = {0};
    qsort(entries->raw, entries->count, ENTRY_MAX, by_tag);
    set_number(number, width, entries->count);
    const uint64_t at = put(sink, number, width);
    for (size_t i = 0; i < entries->count; i++)
        put(sink, entries->raw[i], entry);
    memset(number, 0, sizeof number);
    put(sink, number, sink->large ? 8 : 4);
    return at;
}

// How pixels lie in a file and what colours they are, which the dream's file has of its own; and what shows or holds the picture as it was.
static bool is_structural(unsigned tag)
{
    static const uint16_t others[] = {284, 301, 305, 317, 318, 319, TAG_XMP, 34377, 34675, 37724}; // Photoshop: 34377, 37724
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (tag == others[i])
            return true;
    return (tag >= 254 && tag <= 266) || (tag >= 273 && tag <= 281) || (tag >= 288 && tag <= 293) || (tag >= 320 && tag <= 347) ||
           (tag >= 512 && tag <= 532);
}

static bool points_to_directory(unsigned tag)
{
    return tag == TAG_EXIF || tag == TAG_GPS || tag == TAG_INTEROPERABILITY;
}

static void copy_directory(const struct tree *tree, uint64_t at, struct sink *sink, struct entries *entries, int depth);

static void copy_below(const struct tree *tree, const struct entry *entry, struct sink *sink, struct entries *entries, int depth)
{
    uint64_t where = 0;
    struct entries *below = depth < DEPTH_MAX && whole_of(tree, entry, &where) ? calloc(1, sizeof *below) : NULL;
    if (!below)
        return;
    copy_directory(tree, where, sink, below, depth + 1);
    uint8_t pointer[8] = {0};
    if (below->count > 0) {
        set_number(pointer, sizeof pointer, put_directory(sink, below));
        add(sink, entries, entry->tag, sink->large ? 18 : TYPE_LONG, 1, pointer, sink->large ? 8 : 4);
    }
    free(below);
}

static void copy_values(const struct tree *tree, const struct entry *entry, struct sink *sink, struct entries *entries)
{
    unsigned numbers;
    const unsigned bytes = number_bytes(entry->type, &numbers);
    uint8_t *values = malloc(entry->size + 1);
    for (size_t i = 0; values && i < entry->size; i += bytes)
        set_number(values + i, bytes, codec_number(tree->bytes + entry->at + i, bytes, tree->big_endian));
    if (values)
        add(sink, entries, entry->tag, entry->type, entry->count, values, entry->size);
    sink->failed = sink->failed || !values;
    free(values);
}

static void copy_directory(const struct tree *tree, uint64_t at, struct sink *sink, struct entries *entries, int depth)
{
    const uint64_t count = entry_count(tree, at);
    for (uint64_t i = 0; i < count && i < ENTRIES_MAX && !sink->failed; i++) {
        struct entry entry = {0};
        const bool is = read_entry(tree, at, i, &entry), ours = depth == 0 && is_structural(entry.tag);
        sink->incomplete = sink->incomplete || (!is && (!ours || entry.tag == TAG_XMP));
        if (!is || ours || has(entries, entry.tag))
            continue;
        if (points_to_directory(entry.tag))
            copy_below(tree, &entry, sink, entries, depth);
        else if (sink->large || entry.type < TYPE_LONG8)
            copy_values(tree, &entry, sink, entries);
    }
}

// What is too long stays behind.
static enum status keep(struct image *image, const char *what, void **to, size_t *to_size, const void *bytes, size_t size)
{
    uint8_t *copy;
    if (size > TAGS_BYTES_MAX)
        image_notice(image, NOTICE_TAGS, "its %s is left out: %zu bytes are more than %d MiB", what, size, TAGS_BYTES_MAX >> 20);
    if (*to || size == 0 || size > TAGS_BYTES_MAX)
        return STATUS_OK;
    TRY(ALLOCATE(copy, size + 1, "for %zu bytes of tags", size));
    memcpy(copy, bytes, size);
    *to = copy;
    if (to_size)
        *to_size = size;
    return STATUS_OK;
}

enum status tags_take_exif(struct image *image, const void *block, size_t size)
{
    struct tree tree;
    if (!tree_open(&tree, block, size))
        return STATUS_OK;
    return keep(image, "EXIF", (void **)&image->tags.exif, &image->tags.exif_size, block, size);
}

enum status tags_take_xmp(struct image *image, const void *text, size_t size)
{
    return keep(image, "XMP", (void **)&image->tags.xmp, &image->tags.xmp_size, text, size);
}

enum status tags_take_description(struct image *image, const char *text, size_t size)
{
    return keep(image, "description", (void **)&image->tags.description, NULL, text, strnlen(text, size));
}

enum status tags_take_tiff(struct image *image, const uint8_t *bytes, size_t size)
{
    struct tree tree;
    struct entry xmp;
    struct sink sink = {0};
    struct entries *entries = NULL;
    enum status rc;
    if (!tree_open(&tree, bytes, size))
        return STATUS_OK;
    TRY(ALLOCATE(entries, 1, "for the tags of a TIFF"));
    put(&sink, "II*\0\0\0\0", TIFF_HEADER);
    copy_directory(&tree, tree.first, &sink, entries, 0);
    const bool any = entries->count > 0;
    const uint64_t first = put_directory(&sink, entries);
    if (find_entry(&tree, tree.first, TAG_XMP, &xmp))
        TRY_OUT(tags_take_xmp(image, tree.bytes + xmp.at, xmp.size));
    if (sink.failed) // more than any EXIF
        image_notice(image, NOTICE_TAGS, "its tags are left out: they are more than %d MiB", TAGS_BYTES_MAX >> 20);
    else if (sink.incomplete)
        image_notice(image, NOTICE_TAGS, "some of its tags are left out: damaged, or more than %d MiB", TAGS_BYTES_MAX >> 20);
    if (any && !sink.failed) {
        set_number(sink.bytes + 4, 4, first);
        TRY_OUT(tags_take_exif(image, sink.bytes, sink.size));
    }
    rc = STATUS_OK;
out:
    free(sink.bytes);
    free(entries);
    return rc;
}

// Of a directory in memory that is ours.
static void set_whole(struct tree *tree, uint64_t at, unsigned tag, uint64_t value)
{
    struct entry entry;
    unsigned numbers;
    uint64_t old;
    if (!find_entry(tree, at, tag, &entry) || !whole_of(tree, &entry, &old))
        return;
    write_number(tree, entry.at, number_bytes(entry.type, &numbers), value);
}

// XMP may repeat the orientation, as an attribute or an element.
static void set_xmp_upright(char *xmp)
{
    static const char name[] = "tiff:Orientation";
    for (char *at = xmp; (at = strstr(at, name));) {
        at += sizeof name - 1;
        at += strspn(at, "=\"'> ");
        if (*at >= '2' && *at <= '8')
            *at = '1';
    }
}

static void find_density(const struct tree *tree, double density[2])
{
    static const unsigned tags[2] = {TAG_DENSITY_X, TAG_DENSITY_Y};
    struct entry entry;
    uint64_t unit = 2, above, below;
    if (find_entry(tree, tree->first, TAG_DENSITY_UNIT, &entry) && !whole_of(tree, &entry, &unit))
        return;
    for (int i = 0; i < 2 && (unit == 2 || unit == 3); i++)
        if (find_entry(tree, tree->first, tags[i], &entry) && entry.type == TYPE_RATIONAL && number_at(tree, entry.at, 4, &above) &&
            number_at(tree, entry.at + 4, 4, &below) && below > 0)
            density[i] = (double)above / (double)below * (unit == 3 ? 100 : 1 / 0.0254);
}

// Programs write into a stack of pages what it is made of, which one page is no longer: ImageJ, tifffile and those of OME.
static bool is_of_a_stack(const char *text, size_t size)
{
    static const char *const begins[] = {"ImageJ=", "{\"shape\":"};
    for (size_t i = 0; i < sizeof begins / sizeof begins[0]; i++)
        if (size > strlen(begins[i]) && memcmp(text, begins[i], strlen(begins[i])) == 0)
            return true;
    return memmem(text, size, "<OME ", 5) != NULL;
}

void tags_leave_stack(struct image *image)
{
    struct image_tags *tags = &image->tags;
    struct tree tree;
    struct entry entry;
    if (tags->exif && tree_open(&tree, tags->exif, tags->exif_size) && find_entry(&tree, tree.first, TAG_DESCRIPTION, &entry) &&
        entry.type == TYPE_ASCII && is_of_a_stack((const char *)tree.bytes + entry.at, entry.size))
        remove_entry(&tree, tree.first, TAG_DESCRIPTION);
}

void tags_lose_samples(struct image *image)
{
    geo_lose_samples(image->tags.exif, image->tags.exif_size);
}

void codec_resized(struct image *image, int width, int height)
{
    geo_scale(image->tags.exif, image->tags.exif_size, (double)image->width / width, (double)image->height / height);
}

void tags_settle(struct image *image)
{
    struct image_tags *tags = &image->tags;
    struct tree tree;
    struct entry entry;
    uint64_t at;
    if (tags->xmp)
        set_xmp_upright(tags->xmp);
    if (!tags->exif || !tree_open(&tree, tags->exif, tags->exif_size))
        return;
    set_whole(&tree, tree.first, TAG_ORIENTATION, 1);
    if (find_entry(&tree, tree.first, TAG_EXIF, &entry) && whole_of(&tree, &entry, &at)) {
        set_whole(&tree, at, TAG_WIDTH, (uint64_t)image->width);
        set_whole(&tree, at, TAG_HEIGHT, (uint64_t)image->height);
    }
    const uint64_t next = tree.first + 2 + entry_count(&tree, tree.first) * 12; // where the thumbnail is
    if (!tree.large && next <= tree.size && tree.size - next >= 4)
        memset(tags->exif + next, 0, 4);
    if (!(tags->density[0] > 0) || !(tags->density[1] > 0))
        find_density(&tree, tags->density);
    if (find_entry(&tree, tree.first, TAG_DESCRIPTION, &entry) && entry.type == TYPE_ASCII)
        (void)!tags_take_description(image, (const char *)tree.bytes + entry.at, entry.size); // it is in the block, too
}

int exif_orientation(const uint8_t *block, size_t size)
{
    struct tree tree;
    struct entry entry;
    uint64_t value;
    const bool valid = tree_open(&tree, block, size) && !tree.large && find_entry(&tree, tree.first, TAG_ORIENTATION, &entry) &&
                       whole_of(&tree, &entry, &value);
    return valid && value >= 1 && value <= 8 ? (int)value : 1;
}

static void add_density(struct sink *sink, struct entries *entries, const double density[2])
{
    enum { HUNDREDTHS = 100 };
    uint8_t ratio[8], inches[2] = {2};
    for (unsigned i = 0; i < 2 && density[0] > 0 && density[1] > 0; i++) {
        set_number(ratio, 4, (uint64_t)lrint(fmin(density[i] * 0.0254 * HUNDREDTHS, 4e9)));
        set_number(ratio + 4, 4, HUNDREDTHS);
        add(sink, entries, i ? TAG_DENSITY_Y : TAG_DENSITY_X, TYPE_RATIONAL, 1, ratio, sizeof ratio);
        add(sink, entries, TAG_DENSITY_UNIT, TYPE_SHORT, 1, inches, sizeof inches);
    }
}

static void add_all(struct sink *sink, struct entries *entries, const struct image_tags *tags)
{
    struct tree tree;
    if (tags->exif && tree_open(&tree, tags->exif, tags->exif_size))
        copy_directory(&tree, tree.first, sink, entries, 0);
    add_density(sink, entries, tags->density);
    if (tags->description)
        add(sink, entries, TAG_DESCRIPTION, TYPE_ASCII, strlen(tags->description) + 1, tags->description, strlen(tags->description) + 1);
    if (tags->xmp)
        add(sink, entries, TAG_XMP, TYPE_BYTE, tags->xmp_size, tags->xmp, tags->xmp_size);
}

static bool read_at(int descriptor, uint64_t at, void *out, size_t size)
{
    return pread(descriptor, out, size, (off_t)at) == (ssize_t)size;
}

// The first directory of a file that libtiff has written, little-endian.
static bool read_directory(int descriptor, struct sink *sink, struct entries *entries)
{
    uint8_t header[16], count[8];
    if (!read_at(descriptor, 0, header, TIFF_HEADER))
        return false;
    sink->large = header[2] == 43;
    if (sink->large && !read_at(descriptor, 0, header, sizeof header))
        return false;
    const size_t width = sink->large ? 8 : 4, count_width = sink->large ? 8 : 2, entry = sink->large ? 20 : 12;
    const uint64_t at = codec_number(header + width, width, false);
    if (!read_at(descriptor, at, count, count_width))
        return false;
    entries->count = (size_t)codec_number(count, count_width, false);
    for (size_t i = 0; i < entries->count; i++)
        if (i == ENTRIES_MAX || !read_at(descriptor, at + count_width + i * entry, entries->raw[i], entry))
            return false;
    return true;
}

enum status tags_add(int descriptor, const struct image *image)
{
    struct entries *entries;
    struct sink sink = {0};
    struct stat facts;
    uint8_t first[8];
    enum status rc = STATUS_OK;
    TRY(ALLOCATE(entries, 1, "for the tags of a TIFF"));
    if (fstat(descriptor, &facts) != 0 || !read_directory(descriptor, &sink, entries))
        TRY_OUT(fail(STATUS_IO, "the tags of the picture cannot be read again: %s", strerror(errno)));
    sink.base = ((uint64_t)facts.st_size + 1) & ~UINT64_C(1);
    const size_t before = entries->count, width = sink.large ? 8 : 4;
    add_all(&sink, entries, &image->tags);
    if (entries->count == before)
        goto out;
    set_number(first, sizeof first, put_directory(&sink, entries));
    if (sink.failed)
        TRY_OUT(no_memory("for the tags of a picture"));
    if (pwrite(descriptor, sink.bytes, sink.size, (off_t)sink.base) != (ssize_t)sink.size ||
        pwrite(descriptor, first, width, (off_t)width) != (ssize_t)width)
        rc = fail(STATUS_IO, "%s", strerror(errno));
out:
    free(sink.bytes);
    free(entries);
    return rc;
}
