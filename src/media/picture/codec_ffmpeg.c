// SPDX-License-Identifier: MIT
// BMP, TGA and PAM, the Netpbm format that libvips does not read, by FFmpeg's decoders. The whole file is one packet: no demuxer, no
// protocol, no probing.
//
// FFmpeg hides damage as a video player should. A picture that is not whole must fail, so each format is also checked for its end.
#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>
#include <stdlib.h>
#include <string.h>

#include "media/picture/codec.h"
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
    codec_drop_opaque_alpha(image);
out:
    ffmpeg_decoder_destroy(&d);
    return rc;
}

enum status codec_bmp_decode(const uint8_t *bytes, size_t size, const struct image_limits *limits, struct image *image)
{
    return decode(AV_CODEC_ID_BMP, "BMP", bytes, size, limits, image);
}

enum status codec_tga_decode(const uint8_t *bytes, size_t size, const struct image_limits *limits, struct image *image)
{
    return decode(AV_CODEC_ID_TARGA, "TGA", bytes, size, limits, image);
}

enum status codec_pam_decode(const uint8_t *bytes, size_t size, const struct image_limits *limits, struct image *image)
{
    return decode(AV_CODEC_ID_PAM, "Netpbm", bytes, size, limits, image);
}

// `count` bytes, or the refusal of a file that ends before.
static enum status read_all(struct codec_source *source, uint64_t offset, uint8_t *out, size_t count, const char *name)
{
    if (codec_source_read(source, offset, out, count) == count)
        return STATUS_OK;
    return fail(STATUS_FORMAT, "not a valid %s: it ends early", name);
}

enum status codec_bmp_probe(struct codec_source *source, const struct image_limits *limits, struct codec_header *header)
{
    enum { HEAD = 14, OLD = 12, LEAST = 40 }; // of the file; of what follows, in OS/2 and since
    uint8_t head[HEAD + 4], size[8], depth[2];
    TRY(read_all(source, 0, head, sizeof head, "BMP"));
    const uint64_t length = codec_number(head + HEAD, 4, false);
    if (length != OLD && length < LEAST)
        return fail(STATUS_FORMAT, "not a valid BMP: its header has %llu bytes", (unsigned long long)length);
    const size_t width = length == OLD ? 2 : 4;
    TRY(read_all(source, HEAD + 4, size, 2 * width, "BMP"));
    TRY(read_all(source, HEAD + 4 + 2 * width + 2, depth, 2, "BMP"));
    int64_t high = (int64_t)codec_number(size + width, width, false);
    if (width == 4 && high > INT32_MAX) // from the top down
        high = -((int64_t)(int32_t)(uint32_t)high);
    const uint64_t wide = codec_number(size, width, false);
    TRY(codec_check_size(limits, wide, (uint64_t)high));
    header->alpha = codec_number(depth, 2, false) == 32;
    codec_set_header(header, wide, (uint64_t)high, 1);
    return STATUS_OK;
}

enum status codec_tga_probe(struct codec_source *source, const struct image_limits *limits, struct codec_header *header)
{
    enum { HEAD = 18, SIZE = 12, DEPTH = 16 };
    uint8_t head[HEAD];
    TRY(read_all(source, 0, head, HEAD, "TGA"));
    const uint64_t width = codec_number(head + SIZE, 2, false), height = codec_number(head + SIZE + 2, 2, false);
    TRY(codec_check_size(limits, width, height));
    header->alpha = head[DEPTH] == 32;
    codec_set_header(header, width, height, 1);
    return STATUS_OK;
}

// The number behind a word at the beginning of a line; 0 where there is none.
static uint64_t pam_number(const char *text, const char *word)
{
    const char *at = strstr(text, word);
    return at ? strtoull(at + strlen(word), NULL, 10) : 0;
}

enum status codec_pam_probe(struct codec_source *source, const struct image_limits *limits, struct codec_header *header)
{
    char text[sizeof source->start + 1];
    snprintf(text, sizeof text, "%.*s", (int)source->start_size, (const char *)source->start);
    const uint64_t width = pam_number(text, "\nWIDTH "), height = pam_number(text, "\nHEIGHT "), depth = pam_number(text, "\nDEPTH ");
    TRY(codec_check_size(limits, width, height));
    header->bits = pam_number(text, "\nMAXVAL ") > 255 ? 16 : 8;
    header->alpha = depth % 2 == 0;
    codec_set_header(header, width, height, 1);
    return STATUS_OK;
}
