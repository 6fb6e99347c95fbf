// SPDX-License-Identifier: MIT
#include "media/video/video_first_frame.h"

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libswscale/swscale.h>
#include <limits.h>
#include <stdio.h>

#include "media/picture/codec_formats.h"
#include "media/picture/ffmpeg.h"

enum { PACKETS_MAX = 64 }; // without a frame among them, it is no video of ours

struct reading {
    AVFormatContext *format;
    AVCodecContext *codec;
    AVPacket *packet;
    AVFrame *frame;
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
    if (!r->codec || !r->packet || !r->frame)
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

enum status video_first_frame(const char *path, const struct image_limits *limits, struct image *image)
{
    struct reading r = {0};
    enum status rc;
    *image = (struct image){0};
    ffmpeg_log_begin();
    TRY_OUT(open_video(&r, path, limits));
    TRY_OUT(find_frame(&r));
    TRY_OUT(codec_allocate(image, limits, (uint64_t)r.frame->width, (uint64_t)r.frame->height, 8, false));
    rc = ffmpeg_frame_to_image(r.frame, SWS_CS_ITU709, 0, image); // as video.h writes them
out:
    av_frame_free(&r.frame);
    av_packet_free(&r.packet);
    avcodec_free_context(&r.codec);
    avformat_close_input(&r.format);
    if (rc != STATUS_OK)
        image_destroy(image);
    return fail_in(rc, "%s", path);
}
