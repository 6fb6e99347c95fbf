// SPDX-License-Identifier: MIT
#include "media/video/video_first_frame.h"

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libswscale/swscale.h>
#include <limits.h>
#include <stdio.h>

#include "media/picture/codec_formats.h"
#include "media/picture/ffmpeg_log.h"

enum { PACKETS_MAX = 64 }; // without a frame among them, it is no video of ours

struct reading {
    AVFormatContext *format;
    AVCodecContext *codec;
    AVPacket *packet;
    AVFrame *frame, *converted;
    struct SwsContext *scaler;
    int stream;
};

static enum status refuse(int code)
{
    return fail(STATUS_FORMAT, "no video that can be read: %s", ffmpeg_log_cause(code));
}

// MP4 only, and nothing that it may refer to.
static enum status open_video(struct reading *r, const char *path, const struct image_limits *limits)
{
    AVDictionary *options = NULL;
    const AVCodec *codec = NULL;
    char url[4096 + 8];
    snprintf(url, sizeof url, "file:%s", path);
    av_dict_set(&options, "protocol_whitelist", "file", 0);
    av_dict_set(&options, "enable_drefs", "0", 0);
    int code = avformat_open_input(&r->format, url, av_find_input_format("mov"), &options);
    av_dict_free(&options);
    if (code < 0)
        return refuse(code);
    r->stream = av_find_best_stream(r->format, AVMEDIA_TYPE_VIDEO, -1, -1, &codec, 0);
    if (r->stream < 0 || !codec)
        return refuse(AVERROR_STREAM_NOT_FOUND);
    r->codec = avcodec_alloc_context3(codec);
    r->packet = av_packet_alloc();
    r->frame = av_frame_alloc();
    r->converted = av_frame_alloc();
    if (!r->codec || !r->packet || !r->frame || !r->converted)
        return fail(STATUS_LIMIT, "no memory for a decoder");
    r->codec->thread_count = 1;
    r->codec->max_pixels = limits->pixels < INT_MAX ? (int64_t)limits->pixels : INT_MAX;
    code = avcodec_parameters_to_context(r->codec, r->format->streams[r->stream]->codecpar);
    if (code >= 0)
        code = avcodec_open2(r->codec, codec, NULL);
    return code < 0 ? refuse(code) : STATUS_OK;
}

static enum status find_frame(struct reading *r)
{
    int code = 0;
    for (int packets = 0; packets < PACKETS_MAX && code >= 0; packets++) {
        code = av_read_frame(r->format, r->packet);
        if (code >= 0 && r->packet->stream_index == r->stream)
            code = avcodec_send_packet(r->codec, r->packet);
        else if (code == AVERROR_EOF)
            code = avcodec_send_packet(r->codec, NULL);
        av_packet_unref(r->packet);
        if (code >= 0) {
            code = avcodec_receive_frame(r->codec, r->frame);
            if (code >= 0)
                return STATUS_OK;
            code = code == AVERROR(EAGAIN) ? 0 : code;
        }
    }
    return refuse(code < 0 ? code : AVERROR_INVALIDDATA);
}

// What film.h writes is BT.709 of limited range.
static enum status convert(struct reading *r, struct image *image)
{
    AVFrame *to = r->converted;
    const int *bt709 = sws_getCoefficients(SWS_CS_ITU709);
    to->width = r->frame->width;
    to->height = r->frame->height;
    to->format = AV_PIX_FMT_RGB24;
    if (av_frame_get_buffer(to, 0) < 0)
        return fail(STATUS_LIMIT, "no memory for a frame of %d x %d pixels", to->width, to->height);
    r->scaler = sws_getContext(to->width, to->height, r->frame->format, to->width, to->height, to->format,
                               SWS_BILINEAR | SWS_FULL_CHR_H_INT | SWS_ACCURATE_RND, NULL, NULL, NULL);
    if (!r->scaler ||
        sws_setColorspaceDetails(r->scaler, bt709, r->frame->color_range == AVCOL_RANGE_JPEG, bt709, 1, 0, 1 << 16, 1 << 16) < 0 ||
        sws_scale(r->scaler, (const uint8_t *const *)r->frame->data, r->frame->linesize, 0, to->height, to->data, to->linesize) !=
            to->height)
        return fail(STATUS_UNSUPPORTED, "FFmpeg cannot convert a frame to RGB");
    for (int y = 0; y < image->height; y++)
        for (int c = 0; c < 3; c++)
            codec_put(image, c, 0, y, image->width, to->data[0] + (ptrdiff_t)y * to->linesize[0] + c, 3);
    return STATUS_OK;
}

enum status video_first_frame(const char *path, const struct image_limits *limits, struct image *image)
{
    struct reading r = {0};
    enum status rc;
    *image = (struct image){0};
    ffmpeg_log_begin();
    TRY_OUT(open_video(&r, path, limits));
    TRY_OUT(find_frame(&r));
    TRY_OUT(codec_allocate(image, limits, (uint64_t)r.frame->width, (uint64_t)r.frame->height, 8, false));
    rc = convert(&r, image);
out:
    sws_freeContext(r.scaler);
    av_frame_free(&r.converted);
    av_frame_free(&r.frame);
    av_packet_free(&r.packet);
    avcodec_free_context(&r.codec);
    avformat_close_input(&r.format);
    if (rc != STATUS_OK)
        image_destroy(image);
    return fail_in(rc, "%s", path);
}
