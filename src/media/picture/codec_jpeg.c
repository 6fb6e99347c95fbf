// SPDX-License-Identifier: MIT
// JPEG by libjpeg-turbo: grey, YCbCr, RGB, CMYK and YCCK, baseline and progressive.
//
// libjpeg leaves by longjmp. Everything that must survive the jump lies in one struct that the outermost function owns; the function
// that calls setjmp has no variables of its own.
//
// libjpeg repairs damage and warns of it. A picture that is not whole must fail, so its warnings are errors, but for those that say nothing
// of the picture's data, and where damage is accepted.
#include <math.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#include <jerror.h>

#include "common/system/text.h"
#include "media/picture/codec.h"
#include "media/picture/codec_color.h"
#include "media/picture/codec_formats.h"

enum {
    SCANS_MAX = 100,        // of a progressive picture: encoders make about ten, and each costs time for every pixel of however few bytes
    BLOCK_PADDING_MAX = 64, // pixels a side, of the coefficients kept
    COEFFICIENT_BYTES = 4 * 2,     // a pixel, of at most four components
    LIBJPEG_BYTES_SPARE = 32 << 20 // for rows and tables
};

// For libjpeg, of a file.
struct jpeg_source {
    struct jpeg_source_mgr manager;
    struct codec_source *file; // NULL: decoding
    uint64_t at;
    JOCTET buffer[4096];
};

struct jpeg_job {
    jmp_buf failed;
    struct jpeg_error_mgr errors;
    char message[JMSG_LENGTH_MAX]; // libjpeg's last error
    enum status status;            // what kind it is
    uint8_t *row;                  // malloc'ed; samples as libjpeg hands them over
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
    int orientation;
    bool in_header;   // before the first scan
    int stray;        // bytes between segments
    bool without_end; // no end marker; but the data before it may be whole
    int rows_done;
    bool salvaged;                // damage has been met, and accepted
    char damage[JMSG_LENGTH_MAX]; // the first that has been accepted
    const struct image_limits *limits;
    struct image *image;
    enum color_space space;
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

// Whether the data is at its end without saying so. Arithmetic decoders go on with zeros and say nothing.
static bool lacks_end(struct jpeg_job *job)
{
    if (job->errors.msg_code != JWRN_JPEG_EOF || job->in_header || job->in.arith_code)
        return false;
    job->without_end = true;
    return true;
}

// Bytes between segments, which no decoder needs.
static bool is_stray(struct jpeg_job *job)
{
    if (job->errors.msg_code != JWRN_EXTRANEOUS_DATA || !job->in_header)
        return false;
    job->stray += job->errors.msg_parm.i[0];
    return true;
}

// Level -1 is a warning; others are traces.
static void on_message(j_common_ptr jpeg, int level)
{
    struct jpeg_job *job = jpeg->client_data;
    if (jpeg->err->msg_code == JWRN_BOGUS_ICC)
        job->profile_broken = true;
    else if (level >= 0 || is_harmless(jpeg->err) || is_stray(job) || lacks_end(job))
        return;
    else if (!job->limits || !job->limits->choice.accepts_damage || job->in_header)
        on_error(jpeg);
    else if (!job->damage[0])
        jpeg->err->format_message(jpeg, job->damage);
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
        if (m->marker == JPEG_APP0 + 1 && m->data_length > sizeof codec_jpeg_exif &&
            memcmp(m->data, codec_jpeg_exif, sizeof codec_jpeg_exif) == 0)
            return exif_orientation(m->data + sizeof codec_jpeg_exif, m->data_length - sizeof codec_jpeg_exif);
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
    for (int y = 0; y < job->image->height; y++, job->rows_done++) {
        jpeg_read_scanlines(in, &job->row, 1);
        for (int i = 0; inverted && i < bytes; i++)
            job->row[i] = (uint8_t)~job->row[i];
        for (int c = 0; c < (space == COLOR_CMYK ? 4 : 3); c++)
            codec_put(job->image, c < 3 ? c : CODEC_BLACK, 0, y, width, job->row + c % space, space);
    }
}

// Where the end is missing: whether the data before it is all that there was. Of a picture in scans of ever more detail the last ones may
// have been cut off; of others libjpeg says that it lacks data.
static enum status check_end(struct jpeg_job *job)
{
    const struct jpeg_decompress_struct *in = &job->in;
    bool whole = true;
    for (int i = 0; job->without_end && in->progressive_mode && i < in->num_components; i++)
        for (int k = 0; k < DCTSIZE2; k++)
            whole = whole && in->coef_bits[i][k] == 0;
    if (!whole && !job->limits->choice.accepts_damage)
        return fail(STATUS_FORMAT, "not a valid JPEG: it ends early, before its last scans");
    if (!whole && !job->damage[0])
        snprintf(job->damage, sizeof job->damage, "its last scans are missing");
    return STATUS_OK;
}

// A component that no scan has comes out as zeros.
static enum status check_components(const struct jpeg_decompress_struct *in)
{
    for (int i = 0; i < in->num_components; i++)
        if (!in->comp_info[i].quant_table)
            return fail(STATUS_FORMAT, "not a valid JPEG: the data of component %d is missing", i + 1);
    return STATUS_OK;
}

static enum status take_tags(struct jpeg_job *job)
{
    const struct jpeg_decompress_struct *in = &job->in;
    struct image *image = job->image;
    const double unit = in->density_unit == 1 ? 1 / 0.0254 : in->density_unit == 2 ? 100 : 0;
    for (jpeg_saved_marker_ptr m = in->marker_list; m; m = m->next) {
        const size_t size = m->data_length;
        if (m->marker == JPEG_COM)
            TRY(tags_take_description(image, (const char *)m->data, size));
        else if (m->marker == JPEG_APP0 + 1 && size > sizeof codec_jpeg_exif &&
                 memcmp(m->data, codec_jpeg_exif, sizeof codec_jpeg_exif) == 0)
            TRY(tags_take_exif(image, m->data + sizeof codec_jpeg_exif, size - sizeof codec_jpeg_exif));
        else if (m->marker == JPEG_APP0 + 1 && size > sizeof codec_jpeg_xmp && memcmp(m->data, codec_jpeg_xmp, sizeof codec_jpeg_xmp) == 0)
            TRY(tags_take_xmp(image, m->data + sizeof codec_jpeg_xmp, size - sizeof codec_jpeg_xmp));
    }
    image->tags.density[0] = in->saw_JFIF_marker ? unit * in->X_density : 0;
    image->tags.density[1] = in->saw_JFIF_marker ? unit * in->Y_density : 0;
    return STATUS_OK;
}

static enum status read_pixels(struct jpeg_job *job)
{
    struct jpeg_decompress_struct *in = &job->in;
    TRY(codec_allocate(job->image, job->limits, in->image_width, in->image_height, 8, false));
    if (job->space == COLOR_CMYK)
        TRY(codec_allocate_black(job->image));
    job->image->format = IMAGE_FORMAT_JPEG;
    TRY(take_tags(job));
    limit_memory(job);
    in->dct_method = JDCT_ISLOW;
    in->do_fancy_upsampling = TRUE;
    jpeg_start_decompress(in);
    TRY(check_components(in));
    TRY(check_end(job));
    TRY(ALLOCATE(job->row, (size_t)in->output_width * (size_t)job->space, "for a row of %u pixels", in->output_width));
    read_rows(job);
    jpeg_finish_decompress(in); // up to the end marker: what cameras put behind it is not looked at
    return STATUS_OK;
}

static void read_start(struct jpeg_job *job)
{
    job->in_header = true;
    jpeg_read_header(&job->in, TRUE);
    job->in_header = false;
    job->orientation = find_orientation(&job->in);
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
    jpeg_save_markers(in, JPEG_APP0 + 1, CODEC_JPEG_MARKER_BYTES_MAX);
    read_start(job);
    TRY(choose_space(job));
    TRY(codec_check_size(job->limits, in->image_width, in->image_height));
    codec_set_header(job->header, in->image_width, in->image_height, job->orientation);
    return STATUS_OK;
}

static enum status finish(struct jpeg_job *job)
{
    struct image *image = job->image;
    if (job->profile_broken)
        image_notice(image, NOTICE_PROFILE, "its ICC profile is ignored: it is damaged");
    if (job->damage[0])
        image_notice(image, NOTICE_DAMAGE, "damaged, what is missing is grey or a guess: %s", job->damage);
    else if (job->without_end)
        image_notice(image, NOTICE_DAMAGE, "its end marker is missing; the picture is whole");
    if (job->stray)
        image_notice(image, NOTICE_DAMAGE, "%d stray byte%s between its segments are passed over", job->stray, PLURAL(job->stray));
    TRY(color_to_srgb(image, job->space, job->profile, job->profile_size));
    return codec_turn(image, job->orientation);
}

static enum status read_picture(struct jpeg_job *job)
{
    struct jpeg_decompress_struct *in = &job->in;
    start_reading(job);
    jpeg_mem_src(in, job->bytes, job->size);
    jpeg_save_markers(in, JPEG_APP0 + 1, CODEC_JPEG_MARKER_BYTES_MAX);
    jpeg_save_markers(in, JPEG_APP0 + 2, CODEC_JPEG_MARKER_BYTES_MAX);
    jpeg_save_markers(in, JPEG_COM, CODEC_JPEG_MARKER_BYTES_MAX);
    read_start(job);
    TRY(choose_space(job));
    jpeg_read_icc_profile(in, &job->profile, &job->profile_size);
    TRY(read_pixels(job));
    return finish(job);
}

// What came before an error that libjpeg does not go on from; the rest is grey.
static enum status salvage(struct jpeg_job *job)
{
    struct image *image = job->image;
    const size_t width = (size_t)image->width, plane = width * (size_t)image->height;
    job->salvaged = true;
    snprintf(job->damage, sizeof job->damage, "%s", job->message);
    for (size_t i = (size_t)job->rows_done * width; i < plane; i++) {
        for (size_t c = 0; c < 3; c++)
            image->rgb[c * plane + i] = 0;
        if (image->black)
            image->black[i] = 0;
    }
    return finish(job);
}

static enum status run_protected(struct jpeg_job *job)
{
    if (!setjmp(job->failed))
        return job->header ? read_header(job) : read_picture(job);
    if (job->rows_done > 0 && !job->salvaged && job->limits->choice.accepts_damage)
        return salvage(job);
    if (job->without_end)
        return fail(STATUS_FORMAT, "not a valid JPEG: it ends early");
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
