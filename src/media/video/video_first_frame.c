// SPDX-License-Identifier: MIT
#include <libavformat/avformat.h>
#include <libswscale/swscale.h>
#include <limits.h>
#include <stdio.h>

#include "media/picture/codec_formats.h"
#include "media/picture/ffmpeg.h"
#include "media/video/video.h"

enum { PACKETS_MAX = 64 }; // without a frame among them, it is no video of ours

struct reading {
    AVFormatContext *format;
    int stream;
    struct ffmpeg_decoder decoder;
};

static enum status refuse(int code)
{
    return fail(STATUS_FORMAT, "no video that can be read: %s", ffmpeg_log_cause(code));
}

// MP4 only, and nothing that it may refer to.
static enum status open_video(struct reading *r, const char *path, const struct image_limits *limits)
{
    AVDictionary *options = NULL;
#if LIBAVFORMAT_VERSION_MAJOR < 59 // FFmpeg 5
    AVCodec *codec = NULL;
#else
    const AVCodec *codec = NULL;
#endif
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
    TRY(ffmpeg_decoder_create(&r->decoder, codec));
    r->decoder.context->max_pixels = limits->pixels < INT_MAX ? (int64_t)limits->pixels : INT_MAX;
    code = avcodec_parameters_to_context(r->decoder.context, r->format->streams[r->stream]->codecpar);
    if (code >= 0)
        code = avcodec_open2(r->decoder.context, codec, NULL);
    return code < 0 ? refuse(code) : STATUS_OK;
}

static enum status find_frame(struct reading *r)
{
    const struct ffmpeg_decoder *d = &r->decoder;
    int code = 0;
    for (int packets = 0; packets < PACKETS_MAX && code >= 0; packets++) {
        code = av_read_frame(r->format, d->packet);
        if (code >= 0 && d->packet->stream_index == r->stream)
            code = avcodec_send_packet(d->context, d->packet);
        else if (code == AVERROR_EOF)
            code = avcodec_send_packet(d->context, NULL);
        av_packet_unref(d->packet);
        if (code >= 0) {
            code = avcodec_receive_frame(d->context, d->frame);
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
    TRY_OUT(codec_allocate(image, limits, (uint64_t)r.decoder.frame->width, (uint64_t)r.decoder.frame->height, 8, false));
    rc = ffmpeg_frame_to_image(r.decoder.frame, SWS_CS_ITU709, 0, image); // as video.h writes them
out:
    ffmpeg_decoder_destroy(&r.decoder);
    avformat_close_input(&r.format);
    if (rc != STATUS_OK)
        image_destroy(image);
    return fail_in(rc, "%s", path);
}
