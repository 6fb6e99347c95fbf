// SPDX-License-Identifier: MIT
// WebP, BMP and the first frame of a GIF by FFmpeg's decoders. The whole file is one packet: no demuxer, no protocol, no probing.
//
// FFmpeg hides damage as a video player should. A picture that is not whole must fail, so each format is also checked for its end.
#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>
#include <stdlib.h>
#include <string.h>

#include "media/picture/codec_formats.h"
#include "media/picture/ffmpeg.h"

enum { ROW_PADDING_MAX = 128 }; // pixels

static enum status start(struct ffmpeg_decoder *d, enum AVCodecID id, const struct image_limits *limits)
{
    const AVCodec *codec = avcodec_find_decoder(id);
    if (!codec)
        return fail(STATUS_UNSUPPORTED, "this FFmpeg has no decoder for %s", avcodec_get_name(id));
    TRY(ffmpeg_decoder_create(d, codec));
    // FFmpeg counts the padding of rows too; codec_allocate() has the exact limits.
    uint64_t pixels = limits->pixels + (uint64_t)limits->side * ROW_PADDING_MAX;
    d->context->max_pixels = limits->pixels < INT_MAX && pixels < INT_MAX ? (int64_t)pixels : INT_MAX;
    d->context->err_recognition = AV_EF_CRCCHECK | AV_EF_BITSTREAM | AV_EF_BUFFER | AV_EF_EXPLODE;
    int code = avcodec_open2(d->context, codec, NULL);
    return code < 0 ? fail(STATUS_INTERNAL, "FFmpeg: %s", ffmpeg_log_cause(code)) : STATUS_OK;
}

// A picture that max_pixels refuses has the same error code as any other damage; only the text of av_image_check_size2() tells.
static enum status broken(const char *name, int code)
{
    const char *cause = ffmpeg_log_cause(code);
    if (strncmp(cause, "Picture size", strlen("Picture size")) == 0)
        return fail(STATUS_LIMIT, "a %s beyond the limits: %s", name, cause);
    const bool short_of = strncmp(cause, "not enough data", strlen("not enough data")) == 0; // of BMP, and that it will be tried anyway
    return fail(STATUS_FORMAT, "not a valid %s: %s", name, short_of ? "it ends early" : cause);
}

static enum status decode_frame(struct ffmpeg_decoder *d, const char *name, const uint8_t *bytes, size_t size)
{
    if (size > INT_MAX - AV_INPUT_BUFFER_PADDING_SIZE)
        return fail(STATUS_LIMIT, "a %s of %zu bytes; the limit is 2 GB", name, size);
    if (av_new_packet(d->packet, (int)size) < 0) // a copy, with the padding that FFmpeg reads beyond the end
        return no_memory("for a %s of %zu bytes", name, size);
    memcpy(d->packet->data, bytes, size);
    d->packet->flags |= AV_PKT_FLAG_KEY;
    int code = avcodec_send_packet(d->context, d->packet);
    if (code >= 0)
        code = avcodec_send_packet(d->context, NULL);
    if (code >= 0)
        code = avcodec_receive_frame(d->context, d->frame);
    if (code < 0)
        return broken(name, code == AVERROR_EOF ? AVERROR_INVALIDDATA : code);
    if (d->frame->decode_error_flags || (d->frame->flags & AV_FRAME_FLAG_CORRUPT))
        return broken(name, AVERROR_INVALIDDATA);
    return STATUS_OK;
}

// Decoders of formats where alpha is optional often give it always; where all of it is opaque the file had none worth keeping.
static void drop_opaque_alpha(struct image *image)
{
    size_t count = (size_t)image->width * (size_t)image->height;
    uint16_t opaque = image->bits == 16 ? 65535 : 255;
    for (size_t i = 0; image->alpha && i < count; i++)
        if (image->alpha[i] != opaque)
            return;
    free(image->alpha);
    image->alpha = NULL;
}

static enum status use_profile(const AVFrame *frame, struct image *image)
{
    const AVFrameSideData *profile = av_frame_get_side_data(frame, AV_FRAME_DATA_ICC_PROFILE);
    return profile ? color_to_srgb(image, COLOR_RGB, profile->data, profile->size) : STATUS_OK;
}

static enum status decode(enum AVCodecID id, const char *name, const uint8_t *bytes, size_t size, const struct image_limits *limits,
                          struct image *image)
{
    enum status rc;
    struct ffmpeg_decoder d = {0};
    ffmpeg_log_begin();
    TRY_OUT(start(&d, id, limits));
    TRY_OUT(decode_frame(&d, name, bytes, size));
    const AVPixFmtDescriptor *format = av_pix_fmt_desc_get(d.frame->format);
    bool alpha = format->flags & AV_PIX_FMT_FLAG_ALPHA;
    TRY_OUT(codec_allocate(image, limits, (uint64_t)d.frame->width, (uint64_t)d.frame->height, format->comp[0].depth > 8 ? 16 : 8, alpha));
    // libswscale's default position of chroma is the one of WebP: the centre of its pixels.
    TRY_OUT(ffmpeg_frame_to_image(d.frame, SWS_CS_ITU601, SWS_FULL_CHR_H_INP | SWS_BITEXACT, image));
    drop_opaque_alpha(image);
    TRY_OUT(use_profile(d.frame, image));
out:
    ffmpeg_decoder_destroy(&d);
    return rc;
}

enum status codec_webp_decode(const uint8_t *bytes, size_t size, const struct image_limits *limits, struct image *image)
{
    struct codec_source source = {.bytes = bytes, .size = size};
    struct webp_facts facts;
    TRY(codec_webp_look(&source, &facts));
    TRY(decode(AV_CODEC_ID_WEBP, "WebP", bytes, size, limits, image));
    return codec_turn(image, facts.orientation);
}

enum status codec_bmp_decode(const uint8_t *bytes, size_t size, const struct image_limits *limits, struct image *image)
{
    return decode(AV_CODEC_ID_BMP, "BMP", bytes, size, limits, image);
}

// The offset behind the sub-blocks that begin at `at`: each has its length before it, the last one is empty. 0 if they go beyond the end.
static size_t skip_sub_blocks(const uint8_t *bytes, size_t size, size_t at)
{
    while (at < size && bytes[at] != 0)
        at += 1 + (size_t)bytes[at];
    return at < size ? at + 1 : 0;
}

// Bytes of the palette that a flags byte of a GIF announces.
static size_t gif_palette(uint8_t flags)
{
    return flags & 0x80 ? (size_t)3 << ((flags & 7) + 1) : 0;
}

// The offset behind the first frame of those that begin at `at` or later; 0 if there is none that is whole.
static size_t skip_frame(const uint8_t *bytes, size_t size, size_t at)
{
    enum { FRAME = 10, FRAME_FLAGS = 9 };
    while (at != 0 && at < size) {
        if (bytes[at] == '!') // an extension and its label
            at = skip_sub_blocks(bytes, size, at + 2);
        else if (bytes[at] == ',' && size - at > FRAME) // a frame: head, palette, code size
            return skip_sub_blocks(bytes, size, at + FRAME + gif_palette(bytes[at + FRAME_FLAGS]) + 1);
        else
            return 0;
    }
    return 0;
}

// Bytes up to and with the first frame; 0 if the file ends before.
static size_t gif_length(const uint8_t *bytes, size_t size)
{
    enum { HEADER = 13, HEADER_FLAGS = 10 };
    return size < HEADER ? 0 : skip_frame(bytes, size, HEADER + gif_palette(bytes[HEADER_FLAGS]));
}

enum status codec_gif_decode(const uint8_t *bytes, size_t size, const struct image_limits *limits, struct image *image)
{
    size_t length = gif_length(bytes, size);
    if (length == 0)
        return fail(STATUS_FORMAT, "not a valid GIF: it ends early or has a broken block");
    enum status rc = decode(AV_CODEC_ID_GIF, "GIF", bytes, length, limits, image);
    if (rc == STATUS_OK && ffmpeg_log_failed()) // it keeps what it got of a frame, and only says so
        return broken("GIF", AVERROR_INVALIDDATA);
    int frames = 0;
    for (size_t at = length; at != 0; at = skip_frame(bytes, size, at))
        frames++;
    if (rc == STATUS_OK && frames > 1)
        image_notice(image, NOTICE_PAGES, "%d frames: the first is taken", frames);
    return rc;
}
