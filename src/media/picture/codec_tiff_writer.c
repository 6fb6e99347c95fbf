// SPDX-License-Identifier: MIT
// TIFF out, by libtiff, onto a stream: RGB or RGBA of 8 or 16 bits or of floats, deflate with differences of neighbours, in strips.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <tiffio.h>

#include "media/picture/codec_formats.h"

enum { STRIP_BYTES = 256 << 10, DEFLATE_LEVEL = 6, CLASSIC_BYTES_MAX = 2000000000 };

static int on_error(TIFF *tiff, void *user, const char *module, const char *format, va_list args)
{
    (void)tiff;
    (void)module;
    vsnprintf(user, STATUS_MESSAGE_MAX, format, args);
    return 1;
}

// The stream is open for writing only: one directory is written without reading anything back.
static tmsize_t on_read(thandle_t handle, void *out, tmsize_t count)
{
    (void)handle;
    (void)out;
    (void)count;
    return -1;
}

static tmsize_t on_write(thandle_t handle, void *bytes, tmsize_t count)
{
    return (tmsize_t)fwrite(bytes, 1, (size_t)count, handle);
}

static toff_t on_seek(thandle_t handle, toff_t offset, int whence)
{
    return fseeko(handle, (off_t)offset, whence) == 0 ? (toff_t)ftello(handle) : (toff_t)-1;
}

static int on_close(thandle_t handle)
{
    (void)handle; // the stream belongs to the caller
    return 0;
}

static toff_t on_size(thandle_t handle)
{
    off_t at = ftello(handle);
    off_t end = fseeko(handle, 0, SEEK_END) == 0 ? ftello(handle) : 0;
    return fseeko(handle, at, SEEK_SET) == 0 ? (toff_t)end : 0;
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
static TIFF *open_sink(FILE *stream, bool big, char *message)
{
    TIFFOpenOptions *options = TIFFOpenOptionsAlloc();
    if (!options)
        return NULL;
    TIFFOpenOptionsSetErrorHandlerExtR(options, on_error, message);
    TIFFOpenOptionsSetWarningHandlerExtR(options, on_error, message);
    TIFF *tiff =
        TIFFClientOpenExt("picture", big ? "wl8" : "wl", stream, on_read, on_write, on_seek, on_close, on_size, NULL, NULL, options);
    TIFFOpenOptionsFree(options);
    return tiff;
}

enum status codec_tiff_encode(FILE *stream, const struct codec_output *output)
{
    const struct image *image = output->image;
    enum status rc = STATUS_OK;
    char message[STATUS_MESSAGE_MAX] = "";
    size_t row_bytes = (size_t)image->width * (size_t)output->channels * (size_t)(output->bits / 8);
    int strip_rows = row_bytes < STRIP_BYTES ? (int)(STRIP_BYTES / row_bytes) : 1;
    uint8_t *buffer = malloc((size_t)strip_rows * row_bytes);
    TIFF *tiff = buffer ? open_sink(stream, row_bytes * (size_t)image->height > CLASSIC_BYTES_MAX, message) : NULL;
    bool written = tiff && set_tags(tiff, output, (uint32_t)strip_rows) && write_strips(tiff, output, row_bytes, strip_rows, buffer) &&
                   TIFFWriteDirectory(tiff);
    if (!buffer)
        rc = fail(STATUS_LIMIT, "no memory for strips of %zu bytes", (size_t)strip_rows * row_bytes);
    else if (!written)
        rc = fail(STATUS_IO, "libtiff: %s", message[0] ? message : strerror(errno));
    if (tiff)
        TIFFClose(tiff);
    free(buffer);
    return rc;
}
