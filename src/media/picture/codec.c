// SPDX-License-Identifier: MIT
#include "media/picture/codec.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/system/file.h"
#include "media/picture/codec_formats.h"
#include "media/picture/signature.h"

enum { TEXT_LOOK = 512 }; // bytes that decide whether something is text

// Of the formats that are written. PNG ends at 16 bits and JPEG at 8; that has no alpha either.
static const struct encoder {
    const char *extension;
    int bits_max;
    bool alpha;
    enum status (*encode)(FILE *stream, const struct codec_output *output);
} png = {"png", 16, true, codec_png_encode}, tiff = {"tif", 32, true, codec_tiff_encode}, jpeg = {"jpg", 8, false, codec_jpeg_encode};

static const struct encoder *encoder_of(enum image_format format)
{
    return format == IMAGE_FORMAT_TIFF ? &tiff : format == IMAGE_FORMAT_JPEG ? &jpeg : &png;
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

enum status codec_refuse(const uint8_t *bytes, size_t size, const struct signature *signature)
{
    char known[128];
    if (size == 0)
        return fail(STATUS_FORMAT, "empty: no picture in 0 bytes");
    const char *name = signature ? signature->name : find_text(bytes, size);
    signature_list(known, sizeof known);
    if (name)
        return fail(STATUS_FORMAT, "this looks like %s, not a picture that oneiros reads (%s)", name, known);
    return fail(STATUS_FORMAT, "this does not look like a picture that oneiros reads (%s)", known);
}

enum status codec_decode(const void *bytes, size_t size, const struct image_limits *limits, struct image *image)
{
    memset(image, 0, sizeof *image);
    const struct signature *signature = signature_find(bytes, size);
    if (!signature || !signature->decode)
        return codec_refuse(bytes, size, signature);
    enum status rc = signature->decode(bytes, size, limits, image);
    if (rc != STATUS_OK)
        image_destroy(image);
    else
        tags_settle(image);
    return rc;
}

size_t codec_source_read(struct codec_source *source, uint64_t offset, void *out, size_t count)
{
    size_t done = 0;
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

static enum status check_finite(const struct image *image)
{
    size_t count = 3 * (size_t)image->width * (size_t)image->height;
    for (size_t i = 0; i < count; i++)
        if (!isfinite(image->rgb[i]))
            return fail(STATUS_INTERNAL, "channel %zu of pixel (%zu, %zu) is not a number", i * 3 / count, i % (size_t)image->width,
                        i / (size_t)image->width % (size_t)image->height);
    return STATUS_OK;
}

static enum status encode(FILE *stream, enum image_format format, int quality, const struct image *image)
{
    const struct encoder *encoder = encoder_of(format);
    struct codec_output output = {.image = image,
                                  .bits = image->bits < encoder->bits_max ? image->bits : encoder->bits_max,
                                  .channels = image->alpha && encoder->alpha ? 4 : 3,
                                  .quality = quality};
    enum status rc;
    TRY_OUT(check_finite(image));
    TRY_OUT(color_create(&output.color, image));
    rc = encoder->encode(stream, &output);
out:
    color_destroy(&output.color);
    return rc;
}

// What has come of writing the file's bytes, if only the file is complete.
static enum status end_file(struct file_writer *writer, const char *path, enum status rc)
{
    if (rc == STATUS_OK)
        return file_commit(writer);
    const int error = ferror(writer->stream) ? errno : 0; // what the system said; libraries say that there was an error
    file_abandon(writer);
    return error ? fail(STATUS_IO, "cannot write '%s': %s", path, strerror(error)) : fail_in(rc, "cannot write '%s'", path);
}

static enum status encode_file(const char *path, enum image_format format, int quality, const struct image *image)
{
    struct file_writer writer;
    TRY(file_create(&writer, path));
    errno = 0;
    return end_file(&writer, path, encode(writer.stream, format, quality, image));
}

enum status codec_encode_bytes(const char *path, int width, int height, const uint8_t *rgb)
{
    const struct image image = {.width = width, .height = height, .bits = 8, .format = IMAGE_FORMAT_PNG};
    const struct codec_output output = {.image = &image, .bits = 8, .channels = 3, .bytes = rgb};
    struct file_writer writer;
    TRY(file_create(&writer, path));
    errno = 0;
    return end_file(&writer, path, codec_png_encode(writer.stream, &output));
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
        rc = no_memory("for a JPEG of %d x %d pixels", image->width, image->height);
    if (rc != STATUS_OK) {
        free(text);
        text = NULL;
    }
    *bytes = text;
    return rc;
}

const char *codec_extension(enum image_format format)
{
    return encoder_of(format)->extension;
}
