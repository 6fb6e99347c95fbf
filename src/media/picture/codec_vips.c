// SPDX-License-Identifier: MIT
// What libvips reads for us: a format is a row in signature.c with the name of its loader, and no other loader ever sees the bytes. They
// are given as a file in memory, since some of the libraries behind it read files only.
#include "media/picture/codec_formats.h"
#include "media/picture/signature.h"

#ifdef ONEIROS_VIPS
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <vips/vips.h>

#include "common/picture/samples.h"
#include "common/system/text.h"
#include "media/picture/codec.h"

enum {
    PATH_BYTES = 32,
    EXIF_HEAD = 6,    // bytes
    JP2_BITS = 42,    // where in a codestream those of its first component are
    HDR_BYTES = 1024, // of a Radiance picture, among which its header is
    ROW_BYTES_MAX = 256 << 20,
};

// A picture whose header has been read.
struct reading {
    const struct signature *format;
    const char *path;
    const uint8_t *start; // of the file, or all of it
    size_t size;
    bool accepts_damage;
    bool failed; // by what libvips says
    VipsImage *picture;
    struct image_choice choice;
    struct image_raster raster;  // type, and the range of it, or of as many bits of it as the file has
    struct image_raster opacity; // the same of alpha
    int colours;                 // 1, 3, or 4 for CMYK
    int bands[4];                // where they are
    int alpha;                   // its band, or CODEC_NONE
    int orientation;
    bool values; // it takes a range to make samples of them
    bool linear; // they are light
};

static void say_nothing(const gchar *domain, GLogLevelFlags level, const gchar *message, gpointer user)
{
    (void)domain;
    (void)level;
    (void)message;
    (void)user;
}

static void start(void)
{
    static const char *const domains[] = {"VIPS", "GLib", "GLib-GObject"};
    for (size_t i = 0; i < sizeof domains / sizeof domains[0]; i++)
        g_log_set_handler(domains[i], G_LOG_LEVEL_MASK | G_LOG_FLAG_RECURSION, say_nothing, NULL);
    if (vips_init("oneiros") != 0)
        return; // then there are no loaders
    vips_concurrency_set(1);
    vips_cache_set_max(0);
}

void codec_vips_start(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, start);
}

static void remove_all(char *text, const char *part)
{
    const size_t length = strlen(part);
    for (char *at = text; (at = strstr(at, part));)
        memmove(at, at + length, strlen(at + length) + 1);
}

// The first line of what libvips has to say, without the path, which is ours; those that begin with it only tell where reading ended.
static enum status broken(struct reading *r)
{
    const char *path = r->path;
    char *text = vips_error_buffer_copy(), *line = text, quoted[PATH_BYTES + 4];
    for (char *end; strncmp(line, path, strlen(path)) == 0 && (end = strchr(line, '\n')) && end[1];)
        line = end + 1;
    line[strcspn(line, "\n")] = '\0';
    snprintf(quoted, sizeof quoted, " \"%s\"", path);
    remove_all(line, quoted);
    remove_all(line, path);
    enum status rc;
    r->failed = true;
    if (strstr(line, "Security limit")) // of libheif, as is the next: a codec that it lacks
        rc = fail(STATUS_LIMIT, "%s: %s", r->format->name, line);
    else if (strstr(line, "Unsupported"))
        rc = fail(STATUS_UNSUPPORTED, "%s: %s", r->format->name, line);
    else
        rc = fail(STATUS_FORMAT, "not a valid %s: %s", r->format->name,
                  strstr(line, "memory area too small") ? "it ends early" // of a mapped file, with numbers that say nothing
                  : line[0]                             ? line
                                                        : "it cannot be decoded");
    g_free(text);
    return rc;
}

static enum status open_picture(struct reading *r)
{
    codec_vips_start();
    if (!vips_type_find("VipsForeignLoad", r->format->loader))
        return fail(STATUS_UNSUPPORTED, "%s: this libvips (%s) does not read it", r->format->name, vips_version_string());
    // Built by hand: vips_call() would look for it among operations that have been called, and all files in memory have the same names.
    VipsOperation *operation = vips_operation_new(r->format->loader);
    g_object_set(operation, "filename", r->path, "access", VIPS_ACCESS_SEQUENTIAL, "fail_on",
                 r->accepts_damage ? VIPS_FAIL_ON_NONE : VIPS_FAIL_ON_ERROR, NULL);
    if (vips_object_build(VIPS_OBJECT(operation)) == 0)
        g_object_get(operation, "out", &r->picture, NULL);
    vips_object_unref_outputs(VIPS_OBJECT(operation));
    g_object_unref(operation);
    return r->picture ? STATUS_OK : broken(r);
}

// 0 where there is none.
static double number_of(const struct reading *r, const char *name)
{
    double number = 0;
    return vips_image_get_typeof(r->picture, name) != 0 && vips_image_get_double(r->picture, name, &number) == 0 ? number : 0;
}

// A block of metadata that stays as long as the picture. NULL: there is none.
static const uint8_t *block_of(const struct reading *r, const char *name, size_t *size)
{
    const void *block = NULL;
    *size = 0;
    if (vips_image_get_typeof(r->picture, name) == 0 || vips_image_get_blob(r->picture, name, &block, size) != 0)
        return NULL;
    return block;
}

static const uint8_t *find_exif(const struct reading *r, size_t *size)
{
    const uint8_t *exif = block_of(r, VIPS_META_EXIF_NAME, size);
    const bool head = exif && *size >= EXIF_HEAD && memcmp(exif, "Exif\0", EXIF_HEAD) == 0;
    *size -= head ? EXIF_HEAD : 0;
    return head ? exif + EXIF_HEAD : exif;
}

static bool is_loaded_by(const struct reading *r, const char *loaders)
{
    return strstr(loaders, r->format->loader) != NULL;
}

// Samples of fewer bits lie in the upper ones.
static void find_range(struct reading *r)
{
    const uint8_t *codestream = is_loaded_by(r, "jp2kload") ? memmem(r->start, r->size, "\xff\x4f\xff\x51", 4) : NULL;
    int bits = 0;
    samples_range(r->raster.type, &r->raster.low, &r->raster.high);
    if (is_loaded_by(r, "heifload")) // the other name is of 8.15
        bits = (int)fmax(number_of(r, "heif-bitdepth"), number_of(r, "bits-per-sample"));
    else if (codestream && r->size - (size_t)(codestream - r->start) > JP2_BITS)
        bits = (codestream[JP2_BITS] & 0x7f) + 1;
    if (r->raster.type.kind == SAMPLE_UINT && bits > 0 && bits < r->raster.type.bits)
        r->raster.high = ldexp(ldexp(1, bits) - 1, r->raster.type.bits - bits);
}

static enum status find_type(struct reading *r)
{
    static const struct sample_type types[] = {
        [VIPS_FORMAT_UCHAR] = {SAMPLE_UINT, 8},   [VIPS_FORMAT_CHAR] = {SAMPLE_INT, 8},     [VIPS_FORMAT_USHORT] = {SAMPLE_UINT, 16},
        [VIPS_FORMAT_SHORT] = {SAMPLE_INT, 16},   [VIPS_FORMAT_UINT] = {SAMPLE_UINT, 32},   [VIPS_FORMAT_INT] = {SAMPLE_INT, 32},
        [VIPS_FORMAT_FLOAT] = {SAMPLE_FLOAT, 32}, [VIPS_FORMAT_DOUBLE] = {SAMPLE_FLOAT, 64}};
    VipsImage *floats;
    if (r->picture->Coding == VIPS_CODING_RAD) {
        if (vips_rad2float(r->picture, &floats, NULL) != 0)
            return broken(r);
        g_object_unref(r->picture);
        r->picture = floats;
    }
    const VipsBandFormat format = r->picture->BandFmt;
    r->raster.type = format >= 0 && format < (int)(sizeof types / sizeof types[0]) ? types[format] : (struct sample_type){0};
    return r->raster.type.bits ? STATUS_OK : fail(STATUS_UNSUPPORTED, "%s of complex numbers", r->format->name);
}

static enum status find_bands(struct reading *r)
{
    const struct image_choice *choice = &r->choice;
    const VipsInterpretation type = r->picture->Type;
    const int bands = r->picture->Bands;
    r->colours = type == VIPS_INTERPRETATION_CMYK && bands >= COLOR_CMYK ? COLOR_CMYK : bands >= COLOR_RGB || choice->bands[0] ? 3 : 1;
    r->alpha = bands == r->colours + 1 && type != VIPS_INTERPRETATION_MULTIBAND ? r->colours : CODEC_NONE;
    for (int c = 0; c < r->colours; c++) {
        r->bands[c] = choice->bands[0] && c < 3 ? choice->bands[c] - 1 : c;
        if (r->bands[c] >= bands)
            return fail(STATUS_FORMAT, "input.bands names band %d, and there %s %d", r->bands[c] + 1, bands == 1 ? "is" : "are", bands);
        if (r->bands[c] == r->alpha)
            r->alpha = CODEC_NONE;
    }
    return STATUS_OK;
}

// All that is known before pixels are decoded.
static enum status read_header(struct reading *r, const struct image_limits *limits)
{
    r->choice = limits->choice;
    TRY(open_picture(r));
    TRY(find_type(r));
    if (is_loaded_by(r, "radload") &&
        memmem(r->start, r->size < HDR_BYTES ? r->size : HDR_BYTES, "32-bit_rle_xyze", 15)) // libvips says RGB
        return fail(STATUS_UNSUPPORTED, "a Radiance picture of CIE XYZ; convert it to RGB");
    TRY(codec_check_size(limits, (uint64_t)r->picture->Xsize, (uint64_t)r->picture->Ysize));
    if (VIPS_IMAGE_SIZEOF_LINE(r->picture) > ROW_BYTES_MAX)
        return fail(STATUS_LIMIT, "%d pixels a row in %d bands; the limit is %d MiB a row", r->picture->Xsize, r->picture->Bands,
                    ROW_BYTES_MAX >> 20);
    r->linear = is_loaded_by(r, "openexrload radload ppmload");
    if (is_loaded_by(r, "heifload jxlload webpload gifload")) // photographs, of which nothing is left to the user
        r->choice = (struct image_choice){.range = RANGE_TYPE};
    else if (r->linear && r->choice.range == RANGE_AUTO)
        r->choice.range = RANGE_TYPE;
    else if (is_loaded_by(r, "fitsload") && r->raster.type.bits > 8 && r->raster.type.kind != SAMPLE_FLOAT &&
             r->choice.range == RANGE_AUTO) {
        r->choice.range = RANGE_PERCENTILES; // counts of light, which fill a small part of their type
        r->choice.low = 2;
        r->choice.high = 98;
    }
    TRY(find_bands(r));
    find_range(r);
    r->opacity = r->raster;
    if (is_loaded_by(r, "openexrload") && vips_version(0) == 8 && vips_version(1) < 15)
        r->opacity.high = 255;
    r->values = r->choice.range == RANGE_VALUES || r->choice.range == RANGE_PERCENTILES || !raster_is_plain(&r->raster) ||
                r->raster.type.kind == SAMPLE_FLOAT;
    const bool upside_down = is_loaded_by(r, "ppmload");                       // as PFM is, the only one that is left to it
    r->orientation = upside_down ? 4 : vips_image_get_orientation(r->picture); // where libvips has not turned it already
    return STATUS_OK;
}

static int bits_of(const struct reading *r)
{
    return r->raster.type.kind == SAMPLE_UINT && r->raster.type.bits <= 16 ? r->raster.type.bits : 32;
}

static void put_row(const struct reading *r, struct image *image, int y, const uint8_t *row)
{
    const size_t plane = (size_t)image->width * (size_t)image->height, bytes = (size_t)r->raster.type.bits / 8;
    const int step = r->picture->Bands;
    for (int c = 0; c < r->colours; c++) {
        const void *samples = row + (size_t)r->bands[c] * bytes;
        float *out = image->rgb + (size_t)c * plane + (size_t)y * (size_t)image->width;
        if (c == 3 || !r->values)
            codec_put(image, c == 3 ? CODEC_BLACK : c, 0, y, image->width, samples, step);
        else
            samples_load(r->raster.type, samples, (size_t)image->width, (size_t)step, NAN, out);
        for (int k = 1; r->colours == 1 && k < 3; k++)
            memcpy(out + (size_t)k * plane, out, (size_t)image->width * sizeof *out);
    }
    if (r->alpha != CODEC_NONE)
        codec_put_alpha(image, 0, y, image->width, row + (size_t)r->alpha * bytes, (size_t)step, &r->opacity);
}

// Each row is copied: where libvips maps the file, as it does for PFM, samples lie at any address.
static enum status read_rows(struct reading *r, struct image *image)
{
    const size_t bytes = VIPS_IMAGE_SIZEOF_LINE(r->picture);
    uint8_t *row;
    TRY(ALLOCATE(row, bytes, "for a row of %d pixels", image->width));
    VipsRegion *region = vips_region_new(r->picture);
    enum status rc = STATUS_OK;
    for (int y = 0; y < image->height && rc == STATUS_OK; y++) {
        if (vips_region_prepare(region, &(VipsRect){0, y, image->width, 1}) != 0)
            rc = broken(r);
        else {
            memcpy(row, VIPS_REGION_ADDR(region, 0, y), bytes);
            put_row(r, image, y, row);
        }
    }
    g_object_unref(region);
    free(row);
    return rc;
}

// Of light in 0..1, here -1..1.
static void light_to_srgb(struct image *image)
{
    const size_t count = 3 * (size_t)image->width * (size_t)image->height;
    for (size_t i = 0; i < count; i++) {
        const float light = (image->rgb[i] + 1) / 2;
        image->rgb[i] = 2 * (light <= 0.0031308f ? 12.92f * light : 1.055f * powf(light, 1 / 2.4f) - 0.055f) - 1;
    }
}

static void describe(const struct reading *r, struct image *image)
{
    const int bands = r->picture->Bands, others = bands - r->colours - (r->alpha != CODEC_NONE);
    const int frames = is_loaded_by(r, "gifload webpload heifload") ? vips_image_get_n_pages(r->picture) : 1;
    if (others > 0 && r->colours == 1)
        image_notice(image, NOTICE_BANDS, "%d bands: the first is dreamed on (input.bands)", bands);
    else if (others > 0)
        image_notice(image, NOTICE_BANDS, "%d bands: %d, %d and %d are red, green and blue (input.bands)", bands, r->bands[0] + 1,
                     r->bands[1] + 1, r->bands[2] + 1);
    if (frames > 1)
        image_notice(image, NOTICE_PAGES,
                     is_loaded_by(r, "heifload") ? "%d pictures: the main one is taken" : "%d frames: the first is taken", frames);
}

// Without a profile. What is not said is sRGB, and so are the primaries and curves of television, which cameras and programs write for it.
static enum status use_code_points(const struct reading *r, struct image *image, enum color_space space)
{
    enum { SRGB_PRIMARIES = 1, SRGB_CURVE = 13 };
    struct color_facts facts;
    int primaries, curve;
    if (!is_loaded_by(r, "heifload") || !color_find_code_points(r->start, r->size, &primaries, &curve))
        return STATUS_OK;
    const int p = primaries == 2 || primaries == 5 || primaries == 6 ? SRGB_PRIMARIES : primaries;
    const int c = curve == 1 || curve == 2 || curve == 6 || curve == 14 || curve == 15 ? SRGB_CURVE : curve;
    if (p == SRGB_PRIMARIES && c == SRGB_CURVE)
        return STATUS_OK;
    if (color_of_code_points(p, c, &facts))
        return color_to_srgb_by(image, space, &facts);
    image_notice(image, NOTICE_PROFILE, "the code points of its colours, %d/%d, are ignored", primaries, curve);
    return STATUS_OK;
}

static enum status read_picture(struct reading *r, const struct image_limits *limits, struct image *image)
{
    const enum color_space space = r->colours == 1 ? COLOR_GREY : r->colours == 4 ? COLOR_CMYK : COLOR_RGB;
    const uint8_t *block;
    size_t size;
    TRY(codec_allocate(image, limits, (uint64_t)r->picture->Xsize, (uint64_t)r->picture->Ysize, bits_of(r), r->alpha != CODEC_NONE));
    image->format = IMAGE_FORMAT_OTHER;
    if (space == COLOR_CMYK)
        TRY(codec_allocate_black(image));
    TRY(read_rows(r, image));
    image->raster = r->raster;
    if (r->values)
        TRY(codec_settle_range(image, &r->choice, r->colours));
    image->raster = (struct image_raster){0}; // what only a TIFF goes out with
    codec_drop_opaque_alpha(image);
    if (image->alpha && is_loaded_by(r, "openexrload"))
        codec_divide_by_alpha(image);
    if (r->linear)
        light_to_srgb(image);
    block = block_of(r, VIPS_META_ICC_NAME, &size);
    TRY(block ? color_to_srgb(image, space, block, size) : use_code_points(r, image, space));
    block = find_exif(r, &size);
    TRY(tags_take_exif(image, block, size));
    block = block_of(r, VIPS_META_XMP_NAME, &size);
    TRY(tags_take_xmp(image, block, size));
    describe(r, image);
    return codec_turn(image, r->orientation);
}

// The picture, or only what its header says: one of them is NULL.
static enum status read_once(struct reading *r, const struct image_limits *limits, struct image *image, struct codec_header *header)
{
    enum status rc = read_header(r, limits);
    if (rc == STATUS_OK && image)
        rc = read_picture(r, limits, image);
    else if (rc == STATUS_OK) {
        header->bits = bits_of(r);
        header->alpha = r->alpha != CODEC_NONE;
        codec_set_header(header, (uint64_t)r->picture->Xsize, (uint64_t)r->picture->Ysize, r->orientation);
    }
    g_clear_object(&r->picture);
    vips_error_clear();
    vips_thread_shutdown();
    return rc;
}

// Threads read at once, but they share what libvips has to say, and OpenEXR's words, too: what fails while others read is read again alone,
// to know why. cfitsio may be built for one thread only.
static enum status read_either(struct reading *r, const struct image_limits *limits, struct image *image, struct codec_header *header)
{
    static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
    static atomic_uint begun, ended;
    bool alone = is_loaded_by(r, "fitsload");
    r->failed = false;
    if (alone)
        pthread_rwlock_wrlock(&lock);
    else
        pthread_rwlock_rdlock(&lock);
    const unsigned number = atomic_fetch_add(&begun, 1) + 1;
    alone = alone || atomic_load(&ended) + 1 == number;
    enum status rc = read_once(r, limits, image, header);
    alone = alone && atomic_load(&begun) == number;
    atomic_fetch_add(&ended, 1);
    pthread_rwlock_unlock(&lock);
    if (!r->failed || alone)
        return rc;
    if (image)
        image_destroy(image);
    pthread_rwlock_wrlock(&lock);
    rc = read_once(r, limits, image, header);
    pthread_rwlock_unlock(&lock);
    return rc;
}

static enum status write_bytes(int descriptor, const uint8_t *bytes, size_t size)
{
    for (ssize_t done; size > 0; bytes += done, size -= (size_t)done)
        if ((done = write(descriptor, bytes, size)) <= 0)
            return no_memory("for a file of %zu bytes in memory", size);
    return STATUS_OK;
}

enum status codec_vips_decode(const uint8_t *bytes, size_t size, const struct image_limits *limits, struct image *image)
{
    char path[PATH_BYTES], cause[STATUS_MESSAGE_MAX];
    struct reading r = {
        .format = signature_find(bytes, size), .path = path, .start = bytes, .size = size, .accepts_damage = limits->choice.refused};
    enum status rc;
    const int file = memfd_create("picture", MFD_CLOEXEC);
    if (file < 0)
        return no_memory("for a file of %zu bytes in memory", size);
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    TRY_OUT(write_bytes(file, bytes, size));
    rc = read_either(&r, limits, image, NULL);
    if (rc == STATUS_FORMAT && limits->choice.accepts_damage && !r.accepts_damage) {
        snprintf(cause, sizeof cause, "%s", status_message());
        image_destroy(image);
        r.accepts_damage = true;
        TRY_OUT(read_either(&r, limits, image, NULL));
        image_notice(image, NOTICE_DAMAGE, "damaged: what cannot be read is black, or a guess (%s)", cause);
    }
out:
    close(file);
    return rc;
}

enum status codec_vips_probe(struct codec_source *source, const struct image_limits *limits, struct codec_header *header)
{
    char path[PATH_BYTES];
    struct reading r = {.format = signature_find(source->start, source->start_size),
                        .path = path,
                        .start = source->start,
                        .size = source->start_size,
                        .accepts_damage = limits->choice.accepts_damage};
    snprintf(path, sizeof path, "/proc/self/fd/%d", source->descriptor);
    return read_either(&r, limits, NULL, header);
}
#else
void codec_vips_start(void)
{
}

enum status codec_vips_decode(const uint8_t *bytes, size_t size, const struct image_limits *limits, struct image *image)
{
    (void)limits;
    (void)image;
    return fail(STATUS_UNSUPPORTED, "%s: this oneiros is built without libvips, which reads it", signature_find(bytes, size)->name);
}

enum status codec_vips_probe(struct codec_source *source, const struct image_limits *limits, struct codec_header *header)
{
    (void)header;
    return codec_vips_decode(source->start, source->start_size, limits, NULL);
}
#endif
