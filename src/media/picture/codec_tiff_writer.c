// SPDX-License-Identifier: MIT
// TIFF out, by libtiff, onto a stream: RGB or RGBA of 8 or 16 bits or of floats, deflate with differences of neighbours, in strips.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "media/picture/codec_formats.h"
#include "media/picture/tiff_open.h"

enum { STRIP_BYTES = 256 << 10, DEFLATE_LEVEL = 6, CLASSIC_BYTES_MAX = 2000000000 };

struct failure {
    int error; // errno
    char message[STATUS_MESSAGE_MAX];
};

static void hear(void *user, bool warning, const char *format, va_list args)
{
    struct failure *failure = user;
    (void)warning;
    failure->error = errno;
    vsnprintf(failure->message, sizeof failure->message, format, args);
}

static bool set_tags(TIFF *tiff, const struct codec_output *output, uint32_t strip_rows)
{
    const struct image *image = output->image;
    const uint16_t alpha = EXTRASAMPLE_UNASSALPHA;
    const bool floats = output->bits == 32;
    return TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, (uint32_t)image->width) &&
           TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, (uint32_t)image->height) && TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, output->bits) &&
           TIFFSetField(tiff, TIFFTAG_SAMPLESPERPIXEL, output->channels) && TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_RGB) &&
           (!floats || TIFFSetField(tiff, TIFFTAG_SAMPLEFORMAT, SAMPLEFORMAT_IEEEFP)) &&
           TIFFSetField(tiff, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG) && TIFFSetField(tiff, TIFFTAG_ORIENTATION, ORIENTATION_TOPLEFT) &&
           TIFFSetField(tiff, TIFFTAG_ROWSPERSTRIP, strip_rows) && TIFFSetField(tiff, TIFFTAG_COMPRESSION, COMPRESSION_ADOBE_DEFLATE) &&
           TIFFSetField(tiff, TIFFTAG_PREDICTOR, floats ? PREDICTOR_FLOATINGPOINT : PREDICTOR_HORIZONTAL) &&
           TIFFSetField(tiff, TIFFTAG_ZIPQUALITY, DEFLATE_LEVEL) && TIFFSetField(tiff, TIFFTAG_SOFTWARE, "oneiros " ONEIROS_VERSION) &&
           (!image->icc || TIFFSetField(tiff, TIFFTAG_ICCPROFILE, (uint32_t)image->icc_size, image->icc)) &&
           (output->channels == 3 || TIFFSetField(tiff, TIFFTAG_EXTRASAMPLES, 1, &alpha));
}

static bool write_strips(TIFF *tiff, const struct codec_output *output, size_t row_bytes, int strip_rows, uint8_t *buffer)
{
    const int height = output->image->height;
    for (int y = 0; y < height; y += strip_rows) {
        int rows = height - y < strip_rows ? height - y : strip_rows;
        for (int row = 0; row < rows; row++)
            codec_get_row(output, y + row, buffer + (size_t)row * row_bytes);
        tmsize_t size = (tmsize_t)((size_t)rows * row_bytes);
        if (TIFFWriteEncodedStrip(tiff, (uint32_t)(y / strip_rows), buffer, size) != size) // predictors work in the buffer
            return false;
    }
    return true;
}

// Classic TIFF ends at 4 GB; deflate may grow what it cannot shrink. Little-endian everywhere, so that the same picture gives the same
// bytes.
static TIFF *open_sink(FILE *stream, bool big, const struct tiff_listener *listener)
{
    const int descriptor = dup(fileno(stream)); // libtiff closes it
    TIFF *tiff = descriptor >= 0 ? tiff_open_descriptor(descriptor, big ? "wl8" : "wl", listener) : NULL;
    if (!tiff && descriptor >= 0)
        close(descriptor);
    return tiff;
}

enum status codec_tiff_encode(FILE *stream, const struct codec_output *output)
{
    const struct image *image = output->image;
    enum status rc = STATUS_OK;
    struct failure failure = {0};
    const struct tiff_listener listener = {hear, &failure};
    size_t row_bytes = (size_t)image->width * (size_t)output->channels * (size_t)(output->bits / 8);
    int strip_rows = row_bytes < STRIP_BYTES ? (int)(STRIP_BYTES / row_bytes) : 1;
    uint8_t *buffer = malloc((size_t)strip_rows * row_bytes);
    errno = 0;
    TIFF *tiff = buffer ? open_sink(stream, row_bytes * (size_t)image->height > CLASSIC_BYTES_MAX, &listener) : NULL;
    bool written = tiff && set_tags(tiff, output, (uint32_t)strip_rows) && write_strips(tiff, output, row_bytes, strip_rows, buffer) &&
                   TIFFWriteDirectory(tiff);
    if (!buffer)
        rc = no_memory("for strips of %zu bytes", (size_t)strip_rows * row_bytes);
    else if (!written && failure.message[0] && !failure.error)
        rc = fail(STATUS_IO, "libtiff: %s", failure.message);
    else if (!written)
        rc = fail(STATUS_IO, "%s", strerror(failure.error ? failure.error : errno));
    tiff_close(tiff);
    free(buffer);
    return rc;
}
