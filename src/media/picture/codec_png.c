// SPDX-License-Identifier: MIT
// PNG by libpng. Samples are as iCCP says, otherwise sRGB, whatever gAMA and cHRM say.
//
// libpng leaves by longjmp. Everything that must survive the jump lies in one struct that the outermost function owns; the function
// that calls setjmp has no variables of its own.
#include <png.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "media/picture/codec.h"
#include "media/picture/codec_formats.h"

enum { CHUNK_BYTES_MAX = 8 << 20 }; // of a chunk that libpng keeps in memory

struct png_job {
    jmp_buf failed;
    char message[256]; // libpng's last error
    png_structp png;
    png_infop info;
    uint8_t *rows; // malloc'ed; samples as libpng hands them over or takes them
    // looking at the header only
    struct codec_source *source;
    struct codec_header *header; // NULL: decoding or encoding
    // decoding only
    const uint8_t *bytes;
    size_t size, offset;
    const struct image_limits *limits;
    struct image *image;
    enum color_space space;
    char profile_wrong[128]; // why libpng does not give the profile
    // encoding only
    FILE *stream; // NULL: decoding
    struct codec_output output;
};

static void on_error(png_structp png, png_const_charp text)
{
    struct png_job *job = png_get_error_ptr(png);
    snprintf(job->message, sizeof job->message, "%s", text);
    longjmp(job->failed, 1);
}

// About details that are not used here, but for the profile.
static void on_warning(png_structp png, png_const_charp text)
{
    struct png_job *job = png_get_error_ptr(png);
    if (strncmp(text, "iCCP: ", 6) == 0)
        snprintf(job->profile_wrong, sizeof job->profile_wrong, "%s", text + 6);
}

static void on_read(png_structp png, png_bytep out, size_t count)
{
    struct png_job *job = png_get_io_ptr(png);
    if (job->source) {
        if (codec_source_read(job->source, job->offset, out, count) != count)
            png_error(png, "the file ends early");
        job->offset += count;
        return;
    }
    if (count > job->size - job->offset)
        png_error(png, "the file ends early");
    memcpy(out, job->bytes + job->offset, count);
    job->offset += count;
}

static void set_limits(png_structp png)
{
    // The sides are checked by codec_allocate(), which knows both limits, before libpng allocates a row.
    png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    png_set_chunk_malloc_max(png, CHUNK_BYTES_MAX);
    png_set_chunk_cache_max(png, 64);
}

// Asks libpng for RGB or RGBA of 8 or 16 bits in native order, whatever the file has.
static void set_transforms(png_structp png, png_infop info)
{
    int type = png_get_color_type(png, info);
    if (type == PNG_COLOR_TYPE_PALETTE)
        png_set_palette_to_rgb(png);
    if (type == PNG_COLOR_TYPE_GRAY && png_get_bit_depth(png, info) < 8)
        png_set_expand_gray_1_2_4_to_8(png);
    if (png_get_valid(png, info, PNG_INFO_tRNS))
        png_set_tRNS_to_alpha(png);
    if (!(type & PNG_COLOR_MASK_COLOR))
        png_set_gray_to_rgb(png);
    if (png_get_bit_depth(png, info) == 16 && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)
        png_set_swap(png);
}

// An interlaced picture is read into the same rows pass after pass, so all of them are kept; otherwise one is enough.
static enum status read_rows(struct png_job *job, int passes)
{
    struct image *image = job->image;
    int channels = image->alpha ? 4 : 3;
    size_t row_bytes = png_get_rowbytes(job->png, job->info);
    if (row_bytes != (size_t)image->width * (size_t)channels * (size_t)(image->bits / 8))
        return fail(STATUS_INTERNAL, "libpng made rows of %zu bytes from %d pixels", row_bytes, image->width);
    TRY(ALLOCATE(job->rows, row_bytes * (passes > 1 ? (size_t)image->height : 1), "for the rows of %d x %d pixels", image->width,
                 image->height));
    for (int pass = 0; pass < passes; pass++)
        for (int y = 0; y < image->height; y++) {
            uint8_t *row = job->rows + (passes > 1 ? (size_t)y * row_bytes : 0);
            png_read_row(job->png, row, NULL);
            for (int c = 0; pass == passes - 1 && c < channels; c++)
                codec_put(image, c, 0, y, image->width, row + c * (image->bits / 8), channels);
        }
    return STATUS_OK;
}

static enum status use_profile(struct png_job *job)
{
    png_charp name;
    int compression;
    png_bytep profile = NULL;
    png_uint_32 size = 0;
    if (!png_get_iCCP(job->png, job->info, &name, &compression, &profile, &size) && job->profile_wrong[0])
        image_notice(job->image, NOTICE_PROFILE, "its ICC profile is ignored: %s", job->profile_wrong);
    return color_to_srgb(job->image, job->space, profile, size);
}

static enum status turn(struct png_job *job)
{
    png_uint_32 size = 0;
    png_bytep exif = NULL;
    return png_get_eXIf_1(job->png, job->info, &size, &exif) ? codec_turn(job->image, exif_orientation(exif, size)) : STATUS_OK;
}

// As far as the pixels.
static void read_info(struct png_job *job)
{
    png_structp png = job->png;
    set_limits(png);
    png_set_crc_action(png, PNG_CRC_ERROR_QUIT, PNG_CRC_ERROR_QUIT);
    // Ancillary chunks are not parsed, but for those that are used.
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_AS_DEFAULT, (png_const_bytep) "iCCP\0eXIf", 2);
    png_set_read_fn(png, job, on_read);
    png_read_info(png, job->info);
}

static bool has_alpha(const struct png_job *job)
{
    return (png_get_color_type(job->png, job->info) & PNG_COLOR_MASK_ALPHA) || png_get_valid(job->png, job->info, PNG_INFO_tRNS);
}

static int bits_of(const struct png_job *job)
{
    return png_get_bit_depth(job->png, job->info) == 16 ? 16 : 8;
}

static enum status read_picture(struct png_job *job)
{
    png_structp png = job->png;
    read_info(job);
    job->space = png_get_color_type(png, job->info) & PNG_COLOR_MASK_COLOR ? COLOR_RGB : COLOR_GREY;
    set_transforms(png, job->info);
    TRY(codec_allocate(job->image, job->limits, png_get_image_width(png, job->info), png_get_image_height(png, job->info), bits_of(job),
                       has_alpha(job)));
    job->image->format = IMAGE_FORMAT_PNG;
    int passes = png_set_interlace_handling(png);
    png_read_update_info(png, job->info);
    TRY(read_rows(job, passes));
    png_read_end(png, job->info); // EXIF may come behind the pixels
    TRY(use_profile(job));
    return turn(job);
}

// EXIF may come behind the pixels, which are passed over chunk by chunk.
static int find_orientation(struct codec_source *source)
{
    enum { FIRST = 8, HEAD = 8, CRC = 4, CHUNKS_MAX = 1000000 };
    uint64_t at = FIRST, length;
    uint8_t head[HEAD];
    int orientation = 1;
    for (int i = 0; i < CHUNKS_MAX && codec_source_read(source, at, head, HEAD) == HEAD; i++, at += HEAD + length + CRC) {
        length = codec_number(head, 4, true);
        if (memcmp(head + 4, "eXIf", 4) != 0)
            continue;
        uint8_t *block = length <= CHUNK_BYTES_MAX ? malloc((size_t)length + 1) : NULL;
        if (block && codec_source_read(source, at + HEAD, block, (size_t)length) == length)
            orientation = exif_orientation(block, (size_t)length);
        free(block);
        break;
    }
    return orientation;
}

static enum status read_header(struct png_job *job)
{
    read_info(job);
    const uint32_t width = png_get_image_width(job->png, job->info), height = png_get_image_height(job->png, job->info);
    TRY(codec_check_size(job->limits, width, height));
    job->header->bits = bits_of(job);
    job->header->alpha = has_alpha(job);
    codec_set_header(job->header, width, height, width == height ? 1 : find_orientation(job->source));
    return STATUS_OK;
}

// libpng refuses some profiles that Little CMS takes: such a picture is written as sRGB. Of others it warns, here and when they are
// written.
static void set_profile(struct png_job *job)
{
    const struct image *image = job->output.image;
    png_set_benign_errors(job->png, 1);
    if (image->icc)
        png_set_iCCP(job->png, job->info, "ICC profile", PNG_COMPRESSION_TYPE_BASE, image->icc, (png_uint_32)image->icc_size);
    if (png_get_valid(job->png, job->info, PNG_INFO_iCCP))
        return;
    job->output.color = NULL;
    png_set_sRGB(job->png, job->info, PNG_sRGB_INTENT_PERCEPTUAL);
}

static void write_header(struct png_job *job)
{
    char key[] = "Software", text[] = "oneiros " ONEIROS_VERSION;
    png_text software = {.compression = PNG_TEXT_COMPRESSION_NONE, .key = key, .text = text, .text_length = sizeof text - 1};
    const struct image *image = job->output.image;
    set_limits(job->png);
    png_init_io(job->png, job->stream);
    png_set_IHDR(job->png, job->info, (png_uint_32)image->width, (png_uint_32)image->height, job->output.bits,
                 job->output.channels == 4 ? PNG_COLOR_TYPE_RGBA : PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_BASE,
                 PNG_FILTER_TYPE_BASE);
    set_profile(job);
    png_set_text(job->png, job->info, &software, 1);
    // Run lengths and entropy coding alone: on photographs as small as searching for repetitions (within 1%), in a third of the time.
    png_set_compression_strategy(job->png, Z_RLE);
    png_set_filter(job->png, PNG_FILTER_TYPE_BASE, PNG_ALL_FILTERS);
    png_write_info(job->png, job->info);
    if (job->output.bits == 16 && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)
        png_set_swap(job->png);
}

static enum status write_picture(struct png_job *job)
{
    const struct codec_output *output = &job->output;
    const struct image *image = output->image;
    TRY(ALLOCATE(job->rows, (size_t)output->bits / 8 * image->width * output->channels, "for a row of %d pixels", image->width));
    write_header(job);
    for (int y = 0; y < image->height; y++) {
        codec_get_row(output, y, job->rows);
        png_write_row(job->png, job->rows);
    }
    png_write_end(job->png, job->info);
    return STATUS_OK;
}

static enum status run_protected(struct png_job *job)
{
    if (setjmp(job->failed))
        return job->stream ? fail(STATUS_IO, "libpng: %s", job->message) : fail(STATUS_FORMAT, "not a valid PNG: %s", job->message);
    job->png = job->stream ? png_create_write_struct(PNG_LIBPNG_VER_STRING, job, on_error, on_warning)
                           : png_create_read_struct(PNG_LIBPNG_VER_STRING, job, on_error, on_warning);
    job->info = job->png ? png_create_info_struct(job->png) : NULL;
    if (!job->info)
        return fail(STATUS_INTERNAL, "libpng cannot be started");
    return job->header ? read_header(job) : job->stream ? write_picture(job) : read_picture(job);
}

enum status codec_png_decode(const uint8_t *bytes, size_t size, const struct image_limits *limits, struct image *image)
{
    struct png_job job = {.bytes = bytes, .size = size, .limits = limits, .image = image};
    enum status rc = run_protected(&job);
    png_destroy_read_struct(&job.png, &job.info, NULL);
    free(job.rows);
    return rc;
}

enum status codec_png_probe(struct codec_source *source, const struct image_limits *limits, struct codec_header *header)
{
    struct png_job job = {.source = source, .limits = limits, .header = header};
    enum status rc = run_protected(&job);
    png_destroy_read_struct(&job.png, &job.info, NULL);
    return rc;
}

enum status codec_png_encode(FILE *stream, const struct codec_output *output)
{
    struct png_job job = {.stream = stream, .output = *output};
    enum status rc = run_protected(&job);
    png_destroy_write_struct(&job.png, &job.info);
    free(job.rows);
    return rc;
}
