// SPDX-License-Identifier: MIT
// JPEG by libjpeg-turbo: grey, YCbCr, RGB, CMYK and YCCK, baseline and progressive. Out goes RGB of 8
// bits, as YCbCr with chroma at full resolution.
//
// libjpeg leaves by longjmp. Everything that must survive the jump lies in one struct that the outermost function owns; the function
// that calls setjmp has no variables of its own.
//
// libjpeg repairs damage and warns of it. A picture that is not whole must fail, so its warnings are errors.
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#include <jerror.h>

#include "media/picture/codec.h"
#include "media/picture/codec_color.h"
#include "media/picture/codec_formats.h"

enum {
    SCANS_MAX = 100, // of a progressive picture: encoders make about ten, and each costs time for every pixel of however few bytes
    MARKER_BYTES_MAX = 65535,
    BLOCK_PADDING_MAX = 64,        // pixels a side, of the coefficients kept
    COEFFICIENT_BYTES = 4 * 2,     // a pixel, of at most four components
    LIBJPEG_BYTES_SPARE = 32 << 20 // for rows and tables
};

static const char exif_name[6] = "Exif\0";

// For libjpeg, of a file.
struct jpeg_source {
    struct jpeg_source_mgr manager;
    struct codec_source *file; // NULL: decoding or encoding
    uint64_t at;
    JOCTET buffer[4096];
};

struct jpeg_job {
    jmp_buf failed;
    struct jpeg_error_mgr errors;
    char message[JMSG_LENGTH_MAX]; // libjpeg's last error
    enum status status;            // what kind it is
    uint8_t *row;                  // malloc'ed; samples as libjpeg hands them over or takes them
    // looking at the header only
    struct jpeg_source source;
    struct codec_header *header;
    // decoding only
    struct jpeg_decompress_struct in;
    struct jpeg_progress_mgr progress;
    const uint8_t *bytes;
    size_t size;
    JOCTET *profile; // malloc'ed by libjpeg
    unsigned profile_size;
    bool profile_broken;
    const struct image_limits *limits;
    struct image *image;
    enum color_space space;
    // encoding only
    struct jpeg_compress_struct out;
    FILE *stream; // NULL: decoding
    const struct codec_output *output;
};

static enum status kind_of(int code)
{
    switch (code) {
    case JERR_OUT_OF_MEMORY:
    case JERR_NO_BACKING_STORE:
    case JERR_IMAGE_TOO_BIG:
    case JERR_WIDTH_OVERFLOW:
        return STATUS_LIMIT;
    case JERR_BAD_PRECISION:
    case JERR_SOF_UNSUPPORTED:
    case JERR_ARITH_NOTIMPL:
    case JERR_CONVERSION_NOTIMPL:
    case JERR_FRACT_SAMPLE_NOTIMPL:
    case JERR_CCIR601_NOTIMPL:
        return STATUS_UNSUPPORTED;
    case JERR_FILE_WRITE:
        return STATUS_IO;
    default:
        return STATUS_FORMAT;
    }
}

static void on_error(j_common_ptr jpeg)
{
    struct jpeg_job *job = jpeg->client_data;
    job->status = kind_of(jpeg->err->msg_code);
    jpeg->err->format_message(jpeg, job->message);
    longjmp(job->failed, 1);
}

// Warnings that say nothing of the picture's data. Some cameras pad it before its end.
static bool is_harmless(const struct jpeg_error_mgr *errors)
{
    const bool at_end = errors->msg_code == JWRN_EXTRANEOUS_DATA && errors->msg_parm.i[1] == JPEG_EOI;
    return at_end || errors->msg_code == JWRN_JFIF_MAJOR || errors->msg_code == JWRN_ADOBE_XFORM;
}

// Level -1 is a warning; others are traces.
static void on_message(j_common_ptr jpeg, int level)
{
    struct jpeg_job *job = jpeg->client_data;
    if (jpeg->err->msg_code == JWRN_BOGUS_ICC)
        job->profile_broken = true;
    else if (level < 0 && !is_harmless(jpeg->err))
        on_error(jpeg);
}

static void on_progress(j_common_ptr jpeg)
{
    struct jpeg_job *job = jpeg->client_data;
    if (job->in.input_scan_number <= SCANS_MAX)
        return;
    snprintf(job->message, sizeof job->message, "more than %d scans", SCANS_MAX);
    job->status = STATUS_LIMIT;
    longjmp(job->failed, 1);
}

static struct jpeg_error_mgr *set_errors(struct jpeg_job *job)
{
    jpeg_std_error(&job->errors);
    job->errors.error_exit = on_error;
    job->errors.emit_message = on_message;
    return &job->errors;
}

static void start_reading(struct jpeg_job *job)
{
    struct jpeg_decompress_struct *in = &job->in;
    in->err = set_errors(job);
    in->client_data = job;
    jpeg_create_decompress(in);
    job->progress.progress_monitor = on_progress;
    in->progress = &job->progress;
}

static int find_orientation(const struct jpeg_decompress_struct *in)
{
    for (jpeg_saved_marker_ptr m = in->marker_list; m; m = m->next)
        if (m->marker == JPEG_APP0 + 1 && m->data_length > sizeof exif_name && memcmp(m->data, exif_name, sizeof exif_name) == 0)
            return exif_orientation(m->data + sizeof exif_name, m->data_length - sizeof exif_name);
    return 1;
}

static enum status choose_space(struct jpeg_job *job)
{
    static const struct {
        J_COLOR_SPACE in, out;
        enum color_space space;
    } spaces[] = {{JCS_GRAYSCALE, JCS_GRAYSCALE, COLOR_GREY},
                  {JCS_RGB, JCS_RGB, COLOR_RGB},
                  {JCS_YCbCr, JCS_RGB, COLOR_RGB},
                  {JCS_CMYK, JCS_CMYK, COLOR_CMYK},
                  {JCS_YCCK, JCS_CMYK, COLOR_CMYK}};
    for (size_t i = 0; i < sizeof spaces / sizeof spaces[0]; i++)
        if (job->in.jpeg_color_space == spaces[i].in) {
            job->space = spaces[i].space;
            job->in.out_color_space = spaces[i].out;
            return STATUS_OK;
        }
    return fail(STATUS_UNSUPPORTED, "a JPEG of %d components; only grey, colour and CMYK are supported", job->in.num_components);
}

// The coefficients of a picture in several scans are kept, all of them, and the markers, which the file holds. libjpeg fails rather than
// keep more.
static void limit_memory(struct jpeg_job *job)
{
    const struct jpeg_decompress_struct *in = &job->in;
    const long width = (long)in->image_width + BLOCK_PADDING_MAX, height = (long)in->image_height + BLOCK_PADDING_MAX;
    in->mem->max_memory_to_use = width * height * COEFFICIENT_BYTES + (long)job->size + LIBJPEG_BYTES_SPARE;
}

// Adobe's programs store inks inverted, and leave a marker.
static void read_rows(struct jpeg_job *job)
{
    const enum color_space space = job->space;
    struct jpeg_decompress_struct *in = &job->in;
    const int width = job->image->width, bytes = width * space;
    const bool inverted = space == COLOR_CMYK && in->saw_Adobe_marker;
    for (int y = 0; y < job->image->height; y++) {
        jpeg_read_scanlines(in, &job->row, 1);
        for (int i = 0; inverted && i < bytes; i++)
            job->row[i] = (uint8_t)~job->row[i];
        for (int c = 0; c < (space == COLOR_CMYK ? 4 : 3); c++)
            codec_put(job->image, c < 3 ? c : CODEC_BLACK, 0, y, width, job->row + c % space, space);
    }
}

// A component that no scan has comes out as zeros.
static enum status check_components(const struct jpeg_decompress_struct *in)
{
    for (int i = 0; i < in->num_components; i++)
        if (!in->comp_info[i].quant_table)
            return fail(STATUS_FORMAT, "not a valid JPEG: the data of component %d is missing", i + 1);
    return STATUS_OK;
}

static enum status read_pixels(struct jpeg_job *job)
{
    struct jpeg_decompress_struct *in = &job->in;
    TRY(codec_allocate(job->image, job->limits, in->image_width, in->image_height, 8, false));
    if (job->space == COLOR_CMYK)
        TRY(codec_allocate_black(job->image));
    job->image->format = IMAGE_FORMAT_JPEG;
    limit_memory(job);
    in->dct_method = JDCT_ISLOW;
    in->do_fancy_upsampling = TRUE;
    jpeg_start_decompress(in);
    TRY(check_components(in));
    TRY(ALLOCATE(job->row, (size_t)in->output_width * (size_t)job->space, "for a row of %u pixels", in->output_width));
    read_rows(job);
    jpeg_finish_decompress(in); // up to the end marker: what cameras put behind it is not looked at
    return STATUS_OK;
}

static boolean fill_buffer(j_decompress_ptr in)
{
    struct jpeg_job *job = in->client_data;
    struct jpeg_source *source = &job->source;
    const size_t got = codec_source_read(source->file, source->at, source->buffer, sizeof source->buffer);
    if (got == 0)
        WARNMS(in, JWRN_JPEG_EOF); // which is an error here
    source->at += got;
    source->manager.next_input_byte = source->buffer;
    source->manager.bytes_in_buffer = got;
    return TRUE;
}

static void skip_bytes(j_decompress_ptr in, long count)
{
    struct jpeg_job *job = in->client_data;
    struct jpeg_source_mgr *manager = &job->source.manager;
    if (count <= 0)
        return;
    const size_t here = (size_t)count < manager->bytes_in_buffer ? (size_t)count : manager->bytes_in_buffer;
    manager->next_input_byte += here;
    manager->bytes_in_buffer -= here;
    job->source.at += (size_t)count - here;
}

static void do_nothing(j_decompress_ptr in)
{
    (void)in;
}

static enum status read_header(struct jpeg_job *job)
{
    struct jpeg_decompress_struct *in = &job->in;
    start_reading(job);
    job->source.manager = (struct jpeg_source_mgr){.init_source = do_nothing,
                                                   .fill_input_buffer = fill_buffer,
                                                   .skip_input_data = skip_bytes,
                                                   .resync_to_restart = jpeg_resync_to_restart,
                                                   .term_source = do_nothing};
    in->src = &job->source.manager;
    jpeg_save_markers(in, JPEG_APP0 + 1, MARKER_BYTES_MAX);
    jpeg_read_header(in, TRUE);
    TRY(choose_space(job));
    TRY(codec_check_size(job->limits, in->image_width, in->image_height));
    codec_set_header(job->header, in->image_width, in->image_height, find_orientation(in));
    return STATUS_OK;
}

static enum status read_picture(struct jpeg_job *job)
{
    struct jpeg_decompress_struct *in = &job->in;
    start_reading(job);
    jpeg_mem_src(in, job->bytes, job->size);
    jpeg_save_markers(in, JPEG_APP0 + 1, MARKER_BYTES_MAX);
    jpeg_save_markers(in, JPEG_APP0 + 2, MARKER_BYTES_MAX);
    jpeg_read_header(in, TRUE);
    const int orientation = find_orientation(in);
    TRY(choose_space(job));
    jpeg_read_icc_profile(in, &job->profile, &job->profile_size);
    TRY(read_pixels(job));
    if (job->profile_broken)
        image_notice(job->image, NOTICE_PROFILE, "its ICC profile is ignored: it is damaged");
    TRY(color_to_srgb(job->image, job->space, job->profile, job->profile_size));
    return codec_turn(job->image, orientation);
}

// Everything that decides on the bytes is set here, so that the same picture gives the same.
static void start_writing(struct jpeg_job *job)
{
    struct jpeg_compress_struct *out = &job->out;
    const struct image *image = job->output->image;
    out->err = set_errors(job);
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
    jpeg_start_compress(out, TRUE);
    if (image->icc)
        jpeg_write_icc_profile(out, image->icc, (unsigned)image->icc_size);
}

static enum status write_picture(struct jpeg_job *job)
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

static enum status run_protected(struct jpeg_job *job)
{
    if (!setjmp(job->failed))
        return job->header ? read_header(job) : job->stream ? write_picture(job) : read_picture(job);
    if (job->stream)
        return fail(job->status == STATUS_FORMAT ? STATUS_INTERNAL : job->status, "libjpeg: %s", job->message);
    return fail(job->status, job->status == STATUS_FORMAT ? "not a valid JPEG: %s" : "a JPEG that cannot be read: %s", job->message);
}

enum status codec_jpeg_decode(const uint8_t *bytes, size_t size, const struct image_limits *limits, struct image *image)
{
    struct jpeg_job job = {.bytes = bytes, .size = size, .limits = limits, .image = image};
    enum status rc = run_protected(&job);
    jpeg_destroy_decompress(&job.in);
    free(job.row);
    free(job.profile);
    return rc;
}

enum status codec_jpeg_probe(struct codec_source *source, const struct image_limits *limits, struct codec_header *header)
{
    struct jpeg_job job = {.source.file = source, .limits = limits, .header = header};
    enum status rc = run_protected(&job);
    jpeg_destroy_decompress(&job.in);
    return rc;
}

enum status codec_jpeg_encode(FILE *stream, const struct codec_output *output)
{
    struct jpeg_job job = {.stream = stream, .output = output};
    enum status rc = run_protected(&job);
    jpeg_destroy_compress(&job.out);
    free(job.row);
    return rc;
}
