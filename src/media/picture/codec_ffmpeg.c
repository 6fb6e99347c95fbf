// SPDX-License-Identifier: MIT
// BMP, TGA and Netpbm by FFmpeg's decoders. The whole file is one packet: no demuxer, no protocol, no probing.
//
// FFmpeg hides damage as a video player should. A picture that is not whole must fail, so each format is also checked for its end.
#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>
#include <stdlib.h>
#include <string.h>

#include "media/picture/codec.h"
#include "media/picture/codec_formats.h"
#include "media/picture/ffmpeg.h"

enum { ROW_PADDING_MAX = 128, TGA_KIND = 2, TGA_PACKED = 8, TGA_SIZE = 12, TGA_DEPTH = 16, TGA_HEAD = 18 }; // pixels; offsets

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

// FFmpeg takes 16 bits of grey and alpha for colours.
static enum status check_tga(const uint8_t head[TGA_HEAD])
{
    const bool grey = (head[TGA_KIND] & 3) == 3;
    return grey && head[TGA_DEPTH] == 16 ? fail(STATUS_UNSUPPORTED, "a TGA of grey with alpha; convert it to PNG") : STATUS_OK;
}

// FFmpeg takes the rest of the last packet for black.
static bool tga_is_whole(const uint8_t *bytes, size_t size)
{
    const size_t depth = (size_t)(bytes[TGA_DEPTH] + 7) / 8, entry = (size_t)(bytes[7] + 7) / 8;
    size_t at = TGA_HEAD + bytes[0] + (bytes[1] ? entry * (size_t)codec_number(bytes + 5, 2, false) : 0);
    uint64_t left = codec_number(bytes + TGA_SIZE, 2, false) * codec_number(bytes + TGA_SIZE + 2, 2, false);
    if (!(bytes[TGA_KIND] & TGA_PACKED))
        return at <= size && left * depth <= size - at;
    while (left > 0 && at < size) {
        const size_t count = (size_t)(bytes[at] & 127) + 1;
        at += 1 + (bytes[at] & 128 ? depth : count * depth);
        left -= count < left ? count : left;
    }
    return left == 0 && at <= size;
}

enum status codec_tga_decode(const uint8_t *bytes, size_t size, const struct image_limits *limits, struct image *image)
{
    TRY(check_tga(bytes));
    if (!tga_is_whole(bytes, size) && !limits->choice.accepts_damage)
        return fail(STATUS_FORMAT, "not a valid TGA: it ends early");
    return decode(AV_CODEC_ID_TARGA, "TGA", bytes, size, limits, image);
}

enum status codec_pnm_decode(const uint8_t *bytes, size_t size, const struct image_limits *limits, struct image *image)
{
    static const enum AVCodecID kinds[] = {AV_CODEC_ID_PBM, AV_CODEC_ID_PGM, AV_CODEC_ID_PPM, AV_CODEC_ID_PBM,
                                           AV_CODEC_ID_PGM, AV_CODEC_ID_PPM, AV_CODEC_ID_PAM};
    return size > 2 ? decode(kinds[bytes[1] - '1'], "Netpbm", bytes, size, limits, image)
                    : fail(STATUS_FORMAT, "not a valid Netpbm: it ends early");
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
    uint8_t head[TGA_HEAD];
    TRY(read_all(source, 0, head, TGA_HEAD, "TGA"));
    TRY(check_tga(head));
    const uint64_t width = codec_number(head + TGA_SIZE, 2, false), height = codec_number(head + TGA_SIZE + 2, 2, false);
    TRY(codec_check_size(limits, width, height));
    header->alpha = head[TGA_DEPTH] == 32;
    codec_set_header(header, width, height, 1);
    return STATUS_OK;
}

// The number behind a word at the beginning of a line; 0 where there is none.
static uint64_t named_number(const char *text, const char *word)
{
    const char *at = strstr(text, word);
    return at ? strtoull(at + strlen(word), NULL, 10) : 0;
}

// The next word behind blanks and comments, as FFmpeg has it: a number, and what else is there until the next blank.
static uint64_t next_number(const char **at)
{
    static const char blanks[] = " \t\r\n";
    for (*at += strspn(*at, blanks); **at == '#'; *at += strspn(*at, blanks))
        *at += strcspn(*at, "\n");
    const uint64_t number = strtoull(*at, NULL, 10);
    *at += strcspn(*at, blanks);
    return number;
}

enum status codec_pnm_probe(struct codec_source *source, const struct image_limits *limits, struct codec_header *header)
{
    char text[sizeof source->start + 1];
    for (size_t i = 0; i < source->start_size; i++)
        text[i] = (char)(source->start[i] ? source->start[i] : 1);
    text[source->start_size] = '\0';
    const bool named = text[1] == '7', bitmap = text[1] == '1' || text[1] == '4';
    const char *at = text;
    (void)next_number(&at); // P1 to P6
    const uint64_t width = named ? named_number(text, "\nWIDTH ") : next_number(&at);
    const uint64_t height = named ? named_number(text, "\nHEIGHT ") : next_number(&at);
    const uint64_t most = named ? named_number(text, "\nMAXVAL ") : bitmap ? 1 : next_number(&at);
    TRY(codec_check_size(limits, width, height));
    header->bits = most > 255 ? 16 : 8;
    header->alpha = named && named_number(text, "\nDEPTH ") % 2 == 0;
    codec_set_header(header, width, height, 1);
    return STATUS_OK;
}
