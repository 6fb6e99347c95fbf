// SPDX-License-Identifier: MIT
// RGB of 8 bits as JPEG, by libjpeg-turbo: YCbCr with chroma at full resolution. libjpeg leaves by longjmp, as codec_jpeg.c says.
#include <math.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#include <jerror.h>

#include "media/picture/codec.h"
#include "media/picture/codec_formats.h"

const char codec_jpeg_exif[6] = "Exif\0", codec_jpeg_xmp[29] = "http://ns.adobe.com/xap/1.0/";

struct jpeg_writing {
    jmp_buf failed;
    struct jpeg_error_mgr errors;
    char message[JMSG_LENGTH_MAX]; // libjpeg's last error
    enum status status;            // what kind it is
    uint8_t *row;                  // malloc'ed; samples as libjpeg takes them
    struct jpeg_compress_struct out;
    FILE *stream;
    const struct codec_output *output;
};

static void on_error(j_common_ptr jpeg)
{
    struct jpeg_writing *job = jpeg->client_data;
    const int code = jpeg->err->msg_code;
    job->status = code == JERR_FILE_WRITE ? STATUS_IO : code == JERR_OUT_OF_MEMORY ? STATUS_LIMIT : STATUS_INTERNAL;
    jpeg->err->format_message(jpeg, job->message);
    longjmp(job->failed, 1);
}

static void on_message(j_common_ptr jpeg, int level)
{
    if (level < 0) // a warning
        on_error(jpeg);
}

static bool fits(size_t name_size, size_t size)
{
    return name_size + size <= CODEC_JPEG_MARKER_BYTES_MAX - 2;
}

bool codec_jpeg_holds(const struct image_tags *tags)
{
    return fits(sizeof codec_jpeg_exif, tags->exif_size) && fits(sizeof codec_jpeg_xmp, tags->xmp_size) &&
           (!tags->description || fits(0, strlen(tags->description)));
}

static void write_marker(struct jpeg_compress_struct *out, int marker, const char *name, size_t name_size, const void *bytes, size_t size)
{
    if (!bytes || !fits(name_size, size))
        return; // TIFF and PNG have room for more
    jpeg_write_m_header(out, marker, (unsigned)(name_size + size));
    for (size_t i = 0; i < name_size; i++)
        jpeg_write_m_byte(out, (uint8_t)name[i]);
    for (size_t i = 0; i < size; i++)
        jpeg_write_m_byte(out, ((const uint8_t *)bytes)[i]);
}

static void write_tags(struct jpeg_compress_struct *out, const struct image_tags *tags)
{
    write_marker(out, JPEG_APP0 + 1, codec_jpeg_exif, sizeof codec_jpeg_exif, tags->exif, tags->exif_size);
    write_marker(out, JPEG_APP0 + 1, codec_jpeg_xmp, sizeof codec_jpeg_xmp, tags->xmp, tags->xmp_size);
    if (tags->description && !tags->exif)
        write_marker(out, JPEG_COM, "", 0, tags->description, strlen(tags->description));
}

static void set_density(struct jpeg_compress_struct *out, const double density[2])
{
    if (!(density[0] > 0) || !(density[1] > 0))
        return;
    out->density_unit = 1; // dots an inch
    out->X_density = (UINT16)lround(fmin(fmax(density[0] * 0.0254, 1), UINT16_MAX));
    out->Y_density = (UINT16)lround(fmin(fmax(density[1] * 0.0254, 1), UINT16_MAX));
}

// Everything that decides on the bytes is set here, so that the same picture gives the same.
static void start_writing(struct jpeg_writing *job)
{
    struct jpeg_compress_struct *out = &job->out;
    const struct image *image = job->output->image;
    out->err = jpeg_std_error(&job->errors);
    job->errors.error_exit = on_error;
    job->errors.emit_message = on_message;
    out->client_data = job;
    jpeg_create_compress(out);
    out->mem->max_memory_to_use = 0; // whatever JPEGMEM says: the picture is as large as it is
    jpeg_stdio_dest(out, job->stream);
    out->image_width = (JDIMENSION)image->width;
    out->image_height = (JDIMENSION)image->height;
    out->input_components = 3;
    out->in_color_space = JCS_RGB;
    jpeg_set_defaults(out);
    jpeg_set_quality(out, job->output->quality, TRUE);
    out->comp_info[0].h_samp_factor = out->comp_info[0].v_samp_factor = 1; // chroma as fine as luma
    out->dct_method = JDCT_ISLOW;
    out->optimize_coding = TRUE;
    set_density(out, image->tags.density);
    jpeg_start_compress(out, TRUE);
    write_tags(out, &image->tags);
    if (image->icc)
        jpeg_write_icc_profile(out, image->icc, (unsigned)image->icc_size);
}

static enum status write_picture(struct jpeg_writing *job)
{
    const struct image *image = job->output->image;
    if (image->width > JPEG_MAX_DIMENSION || image->height > JPEG_MAX_DIMENSION)
        return fail(STATUS_LIMIT, "%d x %d pixels are more than JPEG can hold, %ld a side; set output.format to png or tiff", image->width,
                    image->height, JPEG_MAX_DIMENSION);
    TRY(ALLOCATE(job->row, 3 * (size_t)image->width, "for a row of %d pixels", image->width));
    start_writing(job);
    for (int y = 0; y < image->height; y++) {
        codec_get_row(job->output, y, job->row);
        jpeg_write_scanlines(&job->out, &job->row, 1);
    }
    jpeg_finish_compress(&job->out);
    return STATUS_OK;
}

static enum status run_protected(struct jpeg_writing *job)
{
    if (!setjmp(job->failed))
        return write_picture(job);
    return fail(job->status, "libjpeg: %s", job->message);
}

enum status codec_jpeg_encode(FILE *stream, const struct codec_output *output)
{
    struct jpeg_writing job = {.stream = stream, .output = output};
    enum status rc = run_protected(&job);
    jpeg_destroy_compress(&job.out);
    free(job.row);
    return rc;
}
