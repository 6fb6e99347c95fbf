// SPDX-License-Identifier: MIT
// TIFF out, by libtiff, onto a stream: RGB or RGBA of the type of its file's samples, deflate with differences of neighbours, in strips.
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/picture/samples.h"
#include "media/picture/codec_formats.h"
#include "media/tiff/tiff_page.h"

enum { STRIP_BYTES = 256 << 10, DEFLATE_LEVEL = 6, CLASSIC_BYTES_MAX = 2000000000 };

void tiff_failure_hear(void *user, bool warning, const char *format, va_list args)
{
    struct tiff_failure *failure = user;
    if (warning && failure->message[0])
        return;
    failure->error = errno;
    vsnprintf(failure->message, sizeof failure->message, format, args);
}

enum status tiff_failure_report(const struct tiff_failure *failure)
{
    if (failure->message[0] && !failure->error)
        return fail(STATUS_IO, "libtiff: %s", failure->message);
    return fail(STATUS_IO, "%s", strerror(failure->error ? failure->error : errno));
}

// A raster whose file is not kept has its own samples, too.
static bool has_type(const struct codec_output *output)
{
    const struct image_raster *raster = &output->image->raster;
    return raster->type.bits && !raster_is_plain(raster);
}

static struct sample_type type_of(const struct codec_output *output)
{
    const struct sample_type plain = {output->bits == 32 ? SAMPLE_FLOAT : SAMPLE_UINT, output->bits};
    return has_type(output) ? output->image->raster.type : plain;
}

static bool set_tags(TIFF *tiff, const struct codec_output *output, uint32_t strip_rows)
{
    const struct image *image = output->image;
    const uint16_t alpha = EXTRASAMPLE_UNASSALPHA;
    const uint16_t formats[] = {[SAMPLE_UINT] = SAMPLEFORMAT_UINT, [SAMPLE_INT] = SAMPLEFORMAT_INT, [SAMPLE_FLOAT] = SAMPLEFORMAT_IEEEFP};
    const struct sample_type type = type_of(output);
    const bool floats = type.kind == SAMPLE_FLOAT;
    return TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, (uint32_t)image->width) &&
           TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, (uint32_t)image->height) && TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, type.bits) &&
           TIFFSetField(tiff, TIFFTAG_SAMPLESPERPIXEL, output->channels) && TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_RGB) &&
           (type.kind == SAMPLE_UINT || TIFFSetField(tiff, TIFFTAG_SAMPLEFORMAT, formats[type.kind])) &&
           TIFFSetField(tiff, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG) && TIFFSetField(tiff, TIFFTAG_ORIENTATION, ORIENTATION_TOPLEFT) &&
           TIFFSetField(tiff, TIFFTAG_ROWSPERSTRIP, strip_rows) && TIFFSetField(tiff, TIFFTAG_COMPRESSION, COMPRESSION_ADOBE_DEFLATE) &&
           TIFFSetField(tiff, TIFFTAG_PREDICTOR, floats ? PREDICTOR_FLOATINGPOINT : PREDICTOR_HORIZONTAL) &&
           TIFFSetField(tiff, TIFFTAG_ZIPQUALITY, DEFLATE_LEVEL) && TIFFSetField(tiff, TIFFTAG_SOFTWARE, "oneiros " ONEIROS_VERSION) &&
           (!image->icc || TIFFSetField(tiff, TIFFTAG_ICCPROFILE, (uint32_t)image->icc_size, image->icc)) &&
           (output->channels == 3 || TIFFSetField(tiff, TIFFTAG_EXTRASAMPLES, 1, &alpha));
}

static void get_row(const struct codec_output *output, int y, uint8_t *samples, float *values)
{
    struct codec_output floats = *output;
    const struct image_raster *raster = &output->image->raster;
    double least, most;
    if (!has_type(output)) {
        codec_get_row(output, y, samples);
        return;
    }
    floats.bits = 32;
    codec_get_row(&floats, y, values);
    samples_range(raster->type, &least, &most);
    for (int i = 0; i < output->image->width * output->channels; i++) {
        const bool alpha = i % output->channels == 3;
        const double low = alpha ? least : raster->low, high = alpha ? most : raster->high;
        samples_store(raster->type, samples + (size_t)i * (size_t)raster->type.bits / 8, low + (double)values[i] * (high - low), NAN);
    }
}

static bool write_strips(TIFF *tiff, const struct codec_output *output, size_t row_bytes, int strip_rows, uint8_t *buffer)
{
    const int height = output->image->height;
    float *values = (float *)(void *)(buffer + (size_t)strip_rows * row_bytes);
    for (int y = 0; y < height; y += strip_rows) {
        int rows = height - y < strip_rows ? height - y : strip_rows;
        for (int row = 0; row < rows; row++)
            get_row(output, y + row, buffer + (size_t)row * row_bytes, values);
        tmsize_t size = (tmsize_t)((size_t)rows * row_bytes);
        if (TIFFWriteEncodedStrip(tiff, (uint32_t)(y / strip_rows), buffer, size) != size) // predictors work in the buffer
            return false;
    }
    return true;
}

// Classic TIFF ends at 4 GB; deflate may grow what it cannot shrink. Little-endian everywhere, so that the same picture gives the same
// bytes.
TIFF *tiff_open_sink(FILE *stream, uint64_t bytes, const struct tiff_listener *listener)
{
    const bool big = bytes > CLASSIC_BYTES_MAX;
    const int descriptor = dup(fileno(stream)); // libtiff closes it
    TIFF *tiff = descriptor >= 0 ? tiff_open_descriptor(descriptor, big ? "wl8" : "wl", listener) : NULL;
    if (!tiff && descriptor >= 0)
        close(descriptor);
    return tiff;
}

static enum status write_picture(FILE *stream, const struct codec_output *output)
{
    const struct image *image = output->image;
    const struct sample_type type = type_of(output);
    struct tiff_failure failure = {0};
    const struct tiff_listener listener = {tiff_failure_hear, &failure};
    const size_t row_bytes = (size_t)image->width * (size_t)output->channels * (size_t)(type.bits / 8);
    const int strip_rows = row_bytes < STRIP_BYTES ? (int)(STRIP_BYTES / row_bytes) : 1;
    enum status rc = STATUS_OK;
    uint8_t *buffer = malloc((size_t)strip_rows * row_bytes + sizeof(float) * (size_t)image->width * (size_t)output->channels);
    if (!buffer)
        return no_memory("for strips of %zu bytes", (size_t)strip_rows * row_bytes);
    errno = 0;
    TIFF *tiff = tiff_open_sink(stream, row_bytes * (size_t)image->height, &listener);
    if (!tiff || !set_tags(tiff, output, (uint32_t)strip_rows) || !write_strips(tiff, output, row_bytes, strip_rows, buffer) ||
        !TIFFWriteDirectory(tiff))
        rc = tiff_failure_report(&failure);
    tiff_close(tiff);
    free(buffer);
    return rc;
}

enum status codec_tiff_encode(FILE *stream, const struct codec_output *output)
{
    TRY(output->image->raster.file ? tiff_raster_encode(stream, output) : write_picture(stream, output));
    return tags_add(fileno(stream), output->image);
}
