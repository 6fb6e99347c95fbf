// SPDX-License-Identifier: MIT
#include "media/picture/codec.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/system/file.h"
#include "media/picture/codec_formats.h"

enum { TEXT_LOOK = 512 }; // bytes that decide whether something is text

// What bytes look like. Without a decoder it is refused by its name.
struct signature {
    int offset, length;
    const char *bytes;
    const char *name;
    enum status (*decode)(const uint8_t *bytes, size_t size, const struct image_limits *limits, struct image *image);
};

static const struct signature signatures[] = {
    {0, 4, "\x89PNG", "PNG", codec_png_decode},
    {0, 3, "\xff\xd8\xff", "JPEG", codec_jpeg_decode},
    {0, 4, "II*\0", "TIFF", codec_tiff_decode},
    {0, 4, "MM\0*", "TIFF", codec_tiff_decode},
    {0, 4, "II+\0", "TIFF", codec_tiff_decode},
    {0, 4, "MM\0+", "TIFF", codec_tiff_decode},
    {8, 4, "WEBP", "WebP", codec_webp_decode},
    {0, 2, "BM", "BMP", codec_bmp_decode},
    {0, 6, "GIF87a", "GIF", codec_gif_decode},
    {0, 6, "GIF89a", "GIF", codec_gif_decode},
    {4, 8, "ftypavif", "AVIF", NULL},
    {4, 6, "ftyphe", "HEIF", NULL},
    {4, 6, "ftypmi", "HEIF", NULL},
    {4, 4, "ftyp", "a video", NULL},
    {0, 4, "\x1a\x45\xdf\xa3", "a video", NULL},
    {4, 8, "JXL \r\n\x87\n", "JPEG XL", NULL},
    {0, 2, "\xff\x0a", "JPEG XL", NULL},
    {4, 4, "jP  ", "JPEG 2000", NULL},
    {0, 4, "\xff\x4f\xff\x51", "JPEG 2000", NULL},
    {0, 4, "\x76\x2f\x31\x01", "OpenEXR", NULL},
    {0, 4, "8BPS", "a Photoshop document", NULL},
    {0, 4, "\0\0\x01\0", "an icon", NULL},
    {0, 9, "SIMPLE  =", "FITS", NULL},
    {0, 4, "\x89HDF", "HDF5", NULL},
    {0, 6, "\x93NUMPY", "a NumPy array", NULL},
    {0, 5, "%PDF-", "PDF", NULL},
    {0, 4, "PK\x03\x04", "a ZIP archive", NULL},
    {0, 2, "\x1f\x8b", "gzip", NULL},
    {0, 22, "version https://git-lf", "a Git LFS pointer: fetch the file itself", NULL},
};

static const struct signature *find_signature(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < sizeof signatures / sizeof signatures[0]; i++) {
        const struct signature *s = &signatures[i];
        if (size >= (size_t)(s->offset + s->length) && memcmp(bytes + s->offset, s->bytes, (size_t)s->length) == 0)
            return s;
    }
    return NULL;
}

// "HTML", "SVG", "text", or NULL for bytes that are not text.
static const char *find_text(const uint8_t *bytes, size_t size)
{
    char text[TEXT_LOOK + 1];
    size_t length = size < TEXT_LOOK ? size : TEXT_LOOK;
    for (size_t i = 0; i < length; i++) {
        if (bytes[i] < 32 && !isspace(bytes[i]))
            return NULL;
        text[i] = (char)bytes[i];
    }
    text[length] = '\0';
    if (strcasestr(text, "<svg"))
        return "SVG";
    if (strcasestr(text, "<!doctype html") || strcasestr(text, "<html") || strcasestr(text, "<head") || strcasestr(text, "<body"))
        return "HTML";
    return "text";
}

static enum status refuse(const uint8_t *bytes, size_t size, const struct signature *signature)
{
    if (size == 0)
        return fail(STATUS_FORMAT, "empty: no picture in 0 bytes");
    const char *name = signature ? signature->name : find_text(bytes, size);
    if (name)
        return fail(STATUS_FORMAT, "this looks like %s, not a picture that oneiros reads (PNG, TIFF, JPEG, WebP, BMP, GIF)", name);
    return fail(STATUS_FORMAT, "this does not look like a picture that oneiros reads (PNG, TIFF, JPEG, WebP, BMP, GIF)");
}

enum status codec_decode(const void *bytes, size_t size, const struct image_limits *limits, struct image *image)
{
    memset(image, 0, sizeof *image);
    const struct signature *signature = find_signature(bytes, size);
    if (!signature || !signature->decode)
        return refuse(bytes, size, signature);
    enum status rc = signature->decode(bytes, size, limits, image);
    if (rc != STATUS_OK)
        image_destroy(image);
    return rc;
}

static enum status check_finite(const struct image *image)
{
    size_t count = 3 * (size_t)image->width * (size_t)image->height;
    for (size_t i = 0; i < count; i++)
        if (!isfinite(image->rgb[i]))
            return fail(STATUS_INTERNAL, "channel %zu of pixel (%zu, %zu) is not a number", i * 3 / count, i % (size_t)image->width,
                        i / (size_t)image->width % (size_t)image->height);
    return STATUS_OK;
}

// PNG ends at 16 bits and JPEG at 8; that has no alpha either.
static struct codec_output choose_output(enum image_format format, int quality, const struct image *image)
{
    const int most = format == IMAGE_FORMAT_TIFF ? 32 : format == IMAGE_FORMAT_JPEG ? 8 : 16;
    return (struct codec_output){
        .image = image,
        .bits = image->bits < most ? image->bits : most,
        .channels = image->alpha && format != IMAGE_FORMAT_JPEG ? 4 : 3,
        .quality = quality,
    };
}

static enum status encode(FILE *stream, enum image_format format, int quality, const struct image *image)
{
    struct codec_output output = choose_output(format, quality, image);
    enum status rc;
    TRY_OUT(check_finite(image));
    TRY_OUT(color_create(&output.color, image));
    if (format == IMAGE_FORMAT_TIFF)
        TRY_OUT(codec_tiff_encode(stream, &output));
    else if (format == IMAGE_FORMAT_JPEG)
        TRY_OUT(codec_jpeg_encode(stream, &output));
    else
        TRY_OUT(codec_png_encode(stream, &output));
out:
    color_destroy(&output.color);
    return rc;
}

static enum status encode_file(const char *path, enum image_format format, int quality, const struct image *image)
{
    struct file_writer writer;
    enum status rc = file_create(&writer, path);
    if (rc != STATUS_OK)
        return rc;
    errno = 0;
    rc = encode(writer.stream, format, quality, image);
    if (rc == STATUS_OK)
        return file_commit(&writer);
    const int error = ferror(writer.stream) ? errno : 0; // what the system said; libraries say that there was an error
    file_abandon(&writer);
    return error ? fail(STATUS_IO, "cannot write '%s': %s", path, strerror(error)) : fail_in(rc, "cannot write '%s'", path);
}

enum status codec_encode(const char *path, enum image_format format, const struct image *image)
{
    return encode_file(path, format, CODEC_QUALITY, image);
}

enum status codec_encode_jpeg(const char *path, int quality, const struct image *image)
{
    return encode_file(path, IMAGE_FORMAT_JPEG, quality, image);
}

enum status codec_jpeg_bytes(int quality, const struct image *image, void **bytes, size_t *size)
{
    char *text = NULL;
    FILE *stream = open_memstream(&text, size);
    enum status rc = stream ? encode(stream, IMAGE_FORMAT_JPEG, quality, image) : STATUS_OK;
    if ((!stream || fclose(stream) != 0) && rc == STATUS_OK)
        rc = fail(STATUS_LIMIT, "no memory for a JPEG of %d x %d pixels", image->width, image->height);
    if (rc != STATUS_OK) {
        free(text);
        text = NULL;
    }
    *bytes = text;
    return rc;
}

const char *codec_extension(enum image_format format)
{
    return format == IMAGE_FORMAT_TIFF ? "tif" : format == IMAGE_FORMAT_JPEG ? "jpg" : "png";
}
