// SPDX-License-Identifier: MIT
#include "media/tiff/tiff_open.h"

#include <pthread.h>
#include <string.h>

#include "media/picture/codec_formats.h"

static tmsize_t on_read(thandle_t handle, void *out, tmsize_t count)
{
    struct tiff_bytes *file = handle;
    if (count < 0 || file->offset >= file->size)
        return 0;
    uint64_t left = file->size - file->offset;
    size_t got = (uint64_t)count < left ? (size_t)count : (size_t)left;
    if (file->source)
        got = codec_source_read(file->source, file->offset, out, got);
    else
        memcpy(out, file->bytes + file->offset, got);
    file->offset += got;
    return (tmsize_t)got;
}

static tmsize_t on_write(thandle_t handle, void *bytes, tmsize_t count)
{
    (void)handle;
    (void)bytes;
    (void)count;
    return -1;
}

static toff_t on_seek(thandle_t handle, toff_t offset, int whence)
{
    struct tiff_bytes *file = handle;
    file->offset = offset + (whence == SEEK_CUR ? file->offset : whence == SEEK_END ? file->size : 0);
    return file->offset;
}

static int on_close(thandle_t handle)
{
    (void)handle;
    return 0;
}

static toff_t on_size(thandle_t handle)
{
    return ((struct tiff_bytes *)handle)->size;
}

#ifdef TIFFLIB_AT_LEAST // 4.5, where each file has its own listener: other libraries of the process take those of all
static int on_own_error(TIFF *tiff, void *user, const char *module, const char *format, va_list args)
{
    const struct tiff_listener *listener = user;
    (void)tiff, (void)module;
    listener->hear(listener->user, false, format, args);
    return 1;
}

static int on_own_warning(TIFF *tiff, void *user, const char *module, const char *format, va_list args)
{
    const struct tiff_listener *listener = user;
    (void)tiff, (void)module;
    listener->hear(listener->user, true, format, args);
    return 1;
}

static TIFFOpenOptions *make_options(const struct tiff_listener *listener)
{
    TIFFOpenOptions *options = TIFFOpenOptionsAlloc();
    if (options) {
        TIFFOpenOptionsSetErrorHandlerExtR(options, on_own_error, (void *)listener);
        TIFFOpenOptionsSetWarningHandlerExtR(options, on_own_warning, (void *)listener);
    }
    return options;
}

TIFF *tiff_open_bytes(struct tiff_bytes *file, tmsize_t largest)
{
    TIFFOpenOptions *options = make_options(&file->listener);
    if (!options)
        return NULL;
    TIFFOpenOptionsSetMaxSingleMemAlloc(options, largest);
    TIFF *tiff = TIFFClientOpenExt("picture", "rm", file, on_read, on_write, on_seek, on_close, on_size, NULL, NULL, options);
    TIFFOpenOptionsFree(options);
    return tiff;
}

TIFF *tiff_open_descriptor(int descriptor, const char *mode, const struct tiff_listener *listener)
{
    TIFFOpenOptions *options = make_options(listener);
    TIFF *tiff = options ? TIFFFdOpenExt(descriptor, "picture", mode, options) : NULL;
    TIFFOpenOptionsFree(options);
    return tiff;
}

void tiff_close(TIFF *tiff)
{
    if (tiff)
        TIFFClose(tiff);
}
#else
// Of the TIFF that this thread has open: one at a time.
static _Thread_local const struct tiff_listener *current;

static void on_error(const char *module, const char *format, va_list args)
{
    (void)module;
    if (current)
        current->hear(current->user, false, format, args);
}

static void on_warning(const char *module, const char *format, va_list args)
{
    (void)module;
    if (current)
        current->hear(current->user, true, format, args);
}

static void install(void)
{
    codec_vips_start(); // which sets its own
    TIFFSetErrorHandler(on_error);
    TIFFSetWarningHandler(on_warning);
}

static void listen(const struct tiff_listener *listener)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, install);
    current = listener;
}

TIFF *tiff_open_bytes(struct tiff_bytes *file, tmsize_t largest)
{
    (void)largest;
    listen(&file->listener);
    return TIFFClientOpen("picture", "rm", file, on_read, on_write, on_seek, on_close, on_size, NULL, NULL);
}

TIFF *tiff_open_descriptor(int descriptor, const char *mode, const struct tiff_listener *listener)
{
    listen(listener);
    return TIFFFdOpen(descriptor, "picture", mode);
}

void tiff_close(TIFF *tiff)
{
    if (tiff)
        TIFFClose(tiff);
    current = NULL;
}
#endif

// A page that says of itself that it is smaller than another one, or a mask.
static bool is_beside(const struct tree *tree, uint64_t at, struct codec_pages *pages)
{
    enum { TAG_KIND = 254, SMALLER = 1, MASK = 4 };
    struct entry entry;
    uint64_t kind;
    if (!find_entry(tree, at, TAG_KIND, &entry) || !whole_of(tree, &entry, &kind))
        return false;
    pages->mask = pages->mask || (kind & (SMALLER | MASK)) == MASK;
    return (kind & (SMALLER | MASK)) != 0;
}

// libtiff would read the tags of each whole and complain of what is not looked at.
struct codec_pages codec_tiff_pages(const uint8_t *bytes, size_t size)
{
    struct tree tree;
    struct codec_pages pages = {0};
    if (!tree_open(&tree, bytes, size))
        return pages;
    const size_t offset_bytes = tree.large ? 8 : 4, count_bytes = tree.large ? 8 : 2, entry_bytes = tree.large ? 20 : 12;
    uint64_t passed = 0; // a page that a circle comes back to, sooner or later: moved on after twice as many pages each time
    uint64_t at = tree.first, entries;
    for (int seen = 0; at != 0 && seen < CODEC_PAGES_MAX && number_at(&tree, at, count_bytes, &entries); seen++) {
        if (at == passed) {
            pages.circle = true;
            return pages;
        }
        if ((seen & (seen + 1)) == 0)
            passed = at;
        pages.count += seen == 0 || !is_beside(&tree, at, &pages);
        if (entries > size / entry_bytes || !number_at(&tree, at + count_bytes + entries * entry_bytes, offset_bytes, &at))
            break;
    }
    return pages;
}

uint64_t codec_tiff_units(const uint8_t *bytes, size_t size)
{
    enum { TAG_STRIPS = 273, TAG_TILES = 324 };
    struct tree tree;
    if (!bytes || !tree_open(&tree, bytes, size))
        return 0;
    const uint64_t tiles = count_values(&tree, tree.first, TAG_TILES);
    return tiles > 0 ? tiles : count_values(&tree, tree.first, TAG_STRIPS);
}
