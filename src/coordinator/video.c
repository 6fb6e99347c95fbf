// SPDX-License-Identifier: MIT
#include "coordinator/video.h"

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/opt.h>
#include <libswscale/swscale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/file.h"
#include "coordinator/ffmpeg_log.h"

enum {
    RATE_PRECISION = 100000, // largest number in the fraction that stands for the frame rate
    CHECK_SIDE = 320,        // a size that every encoder takes
};

struct video {
    struct file_writer file; // only its name and its end: FFmpeg opens it by name, twice
    AVFormatContext *muxer;
    AVCodecContext *encoder;
    struct SwsContext *scaler;
    AVFrame *rgb, *frame; // as it comes; as it is encoded
    AVPacket *packet;
    int64_t added; // frames
    int64_t held;  // frames that will repeat the last
};

static enum status write_failed(const struct video *v, int code)
{
    return fail(STATUS_IO, "cannot write '%s': %s", v->file.path, ffmpeg_log_cause(code));
}

// FFmpeg's own error, or 0. *context is NULL on failure.
static int encoder_open(AVCodecContext **context, const AVCodec *codec, const struct video_options *o)
{
    const AVRational rate = av_d2q(o->rate, RATE_PRECISION);
    AVCodecContext *c = *context = avcodec_alloc_context3(codec);
    if (!c)
        return AVERROR(ENOMEM);
    c->width = o->width;
    c->height = o->height;
    c->pix_fmt = AV_PIX_FMT_YUV420P;
    c->framerate = rate;
    c->time_base = av_inv_q(rate);
    c->sample_aspect_ratio = (AVRational){1, 1};
    c->color_primaries = AVCOL_PRI_BT709;
    c->color_trc = AVCOL_TRC_BT709;
    c->colorspace = AVCOL_SPC_BT709;
    c->color_range = AVCOL_RANGE_MPEG;
    c->chroma_sample_location = AVCHROMA_LOC_LEFT;
    c->flags |= AV_CODEC_FLAG_GLOBAL_HEADER | AV_CODEC_FLAG_BITEXACT;
    c->thread_count = 1;
    // Where there is no CRF: half a bit a pixel at 20, six steps double it.
    c->bit_rate = (int64_t)(0.5 * o->width * o->height * o->rate * exp2((20 - o->quality) / 6.0));
    if (strcmp(codec->name, "libx264") == 0) {
        c->bit_rate = 0;
        // A dream grows in place: there is no motion to look for. On real frames the files are as small and as good as those of the preset
        // veryfast, in half the time.
        av_opt_set(c->priv_data, "preset", "ultrafast", 0);
        av_opt_set(c->priv_data, "x264-params", "mbtree=1:rc-lookahead=10:cabac=1:deblock=0,0:8x8dct=1:aq-mode=1:bframes=3", 0);
        av_opt_set_double(c->priv_data, "crf", o->quality, 0);
    }
    int code = avcodec_open2(c, codec, NULL);
    if (code < 0)
        avcodec_free_context(context);
    return code;
}

static enum status encoder_open_named(AVCodecContext **context, const struct video_options *o)
{
    static const char advice[] = "video.encoder: auto takes the best that there is";
    const AVCodec *codec = avcodec_find_encoder_by_name(o->encoder);
    if (!codec)
        return fail(STATUS_UNSUPPORTED, "this FFmpeg has no encoder '%s'; %s", o->encoder, advice);
    if (codec->id != AV_CODEC_ID_H264)
        return fail(STATUS_UNSUPPORTED, "the encoder '%s' does not make H.264; %s", o->encoder, advice);
    int code = encoder_open(context, codec, o);
    if (code < 0)
        return fail(STATUS_UNSUPPORTED, "the encoder '%s' does not work here (%s); %s", o->encoder, ffmpeg_log_cause(code), advice);
    return STATUS_OK;
}

// The first that opens: the two good ones in software, then whatever else there is.
static enum status encoder_open_best(AVCodecContext **context, const struct video_options *o)
{
    static const char *const preferred[] = {"libx264", "libopenh264"};
    for (size_t i = 0; i < sizeof preferred / sizeof preferred[0]; i++) {
        const AVCodec *codec = avcodec_find_encoder_by_name(preferred[i]);
        if (codec && encoder_open(context, codec, o) >= 0)
            return STATUS_OK;
    }
    void *place = NULL;
    for (const AVCodec *codec; (codec = av_codec_iterate(&place));)
        if (av_codec_is_encoder(codec) && codec->id == AV_CODEC_ID_H264 && encoder_open(context, codec, o) >= 0)
            return STATUS_OK;
    return fail(STATUS_UNSUPPORTED,
                "this FFmpeg has no H.264 encoder (libx264, libopenh264) that works for %d x %d pixels: install one, or set "
                "frames.dream: false and frames.cam: false, or frames.png: true",
                o->width, o->height);
}

static enum status encoder_create(AVCodecContext **context, const struct video_options *o)
{
    ffmpeg_log_begin();
    return strcmp(o->encoder, "auto") == 0 ? encoder_open_best(context, o) : encoder_open_named(context, o);
}

enum status video_check(const char *encoder, char name[VIDEO_ENCODER_MAX])
{
    const struct video_options options = {.width = CHECK_SIDE, .height = CHECK_SIDE, .rate = 12, .quality = 20, .encoder = encoder};
    AVCodecContext *context = NULL;
    enum status rc = encoder_create(&context, &options);
    snprintf(name, VIDEO_ENCODER_MAX, "%s", rc == STATUS_OK ? context->codec->name : "");
    avcodec_free_context(&context);
    return rc;
}

// A frame of the video's size with memory of its own.
static AVFrame *frame_create(const struct video_options *o, enum AVPixelFormat format)
{
    AVFrame *frame = av_frame_alloc();
    if (!frame)
        return NULL;
    frame->width = o->width;
    frame->height = o->height;
    frame->format = format;
    if (av_frame_get_buffer(frame, 0) < 0)
        av_frame_free(&frame);
    return frame;
}

static enum status scaler_create(struct video *v, const struct video_options *o)
{
    v->rgb = frame_create(o, AV_PIX_FMT_RGB24);
    v->frame = frame_create(o, AV_PIX_FMT_YUV420P);
    v->packet = av_packet_alloc();
    v->scaler = sws_getContext(o->width, o->height, AV_PIX_FMT_RGB24, o->width, o->height, AV_PIX_FMT_YUV420P,
                               SWS_BILINEAR | SWS_FULL_CHR_H_INP | SWS_ACCURATE_RND | SWS_BITEXACT, NULL, NULL, NULL);
    if (!v->rgb || !v->frame || !v->packet || !v->scaler)
        return fail(STATUS_LIMIT, "no memory for a video of %d x %d pixels", o->width, o->height);
    const int *bt709 = sws_getCoefficients(SWS_CS_ITU709);
    if (sws_setColorspaceDetails(v->scaler, bt709, 1, bt709, 0, 0, 1 << 16, 1 << 16) < 0)
        return fail(STATUS_INTERNAL, "FFmpeg cannot convert RGB to BT.709");
    v->frame->color_primaries = AVCOL_PRI_BT709;
    v->frame->color_trc = AVCOL_TRC_BT709;
    v->frame->colorspace = AVCOL_SPC_BT709;
    v->frame->color_range = AVCOL_RANGE_MPEG;
    v->frame->chroma_location = AVCHROMA_LOC_LEFT;
    return STATUS_OK;
}

static enum status muxer_create(struct video *v)
{
    char url[FILE_PATH_MAX + 8];
    AVDictionary *options = NULL;
    snprintf(url, sizeof url, "file:%s", v->file.aside); // a name like "pipe:1" is a name, not a protocol
    int code = avformat_alloc_output_context2(&v->muxer, NULL, "mp4", url);
    if (code < 0)
        return fail(STATUS_UNSUPPORTED, "FFmpeg cannot make MP4 files: %s", ffmpeg_log_cause(code));
    v->muxer->flags |= AVFMT_FLAG_BITEXACT;
    AVStream *stream = avformat_new_stream(v->muxer, NULL);
    if (!stream || avcodec_parameters_from_context(stream->codecpar, v->encoder) < 0)
        return fail(STATUS_LIMIT, "no memory for a video");
    stream->time_base = v->encoder->time_base;
    stream->avg_frame_rate = v->encoder->framerate;
    code = avio_open(&v->muxer->pb, url, AVIO_FLAG_WRITE);
    if (code < 0)
        return write_failed(v, code);
    av_dict_set(&options, "movflags", "+faststart", 0);
    code = avformat_write_header(v->muxer, &options);
    av_dict_free(&options);
    return code < 0 ? write_failed(v, code) : STATUS_OK;
}

enum status video_create(struct video **video, const struct video_options *o)
{
    *video = NULL;
    if (o->width < 2 || o->height < 2 || o->width % 2 || o->height % 2)
        return fail(STATUS_UNSUPPORTED, "a video of %d x %d pixels: both sides must be even", o->width, o->height);
    struct video *v = calloc(1, sizeof *v);
    if (!v)
        return fail(STATUS_LIMIT, "no memory for a video");
    enum status rc;
    v->held = llround(o->hold * o->rate);
    TRY(encoder_create(&v->encoder, o));
    TRY(scaler_create(v, o));
    TRY(file_create(&v->file, o->path));
    TRY(muxer_create(v));
    *video = v;
    v = NULL;
out:
    video_abandon(&v);
    return rc;
}

// NULL: no more frames.
static enum status encode(struct video *v, const AVFrame *frame)
{
    int code = avcodec_send_frame(v->encoder, frame);
    while (code >= 0) {
        code = avcodec_receive_packet(v->encoder, v->packet);
        if (code == AVERROR(EAGAIN) || code == AVERROR_EOF)
            return STATUS_OK;
        if (code < 0)
            break;
        v->packet->duration = 1;
        v->packet->stream_index = 0;
        av_packet_rescale_ts(v->packet, v->encoder->time_base, v->muxer->streams[0]->time_base);
        code = av_interleaved_write_frame(v->muxer, v->packet);
    }
    return write_failed(v, code);
}

static enum status encode_next(struct video *v)
{
    v->frame->pts = v->added++;
    return encode(v, v->frame);
}

enum status video_add(struct video *v, const uint8_t *rgb)
{
    ffmpeg_log_begin();
    // libswscale may read a little beyond the end of a row: only FFmpeg's own frames have room for that.
    const size_t row = 3 * (size_t)v->rgb->width;
    for (int y = 0; y < v->rgb->height; y++)
        memcpy(v->rgb->data[0] + (ptrdiff_t)y * v->rgb->linesize[0], rgb + (size_t)y * row, row);
    int code = av_frame_make_writable(v->frame); // the encoder may still look at the last
    if (code < 0)
        return fail(STATUS_LIMIT, "no memory for a frame of '%s'", v->file.path);
    code =
        sws_scale(v->scaler, (const uint8_t *const *)v->rgb->data, v->rgb->linesize, 0, v->rgb->height, v->frame->data, v->frame->linesize);
    if (code != v->frame->height)
        return fail(STATUS_INTERNAL, "FFmpeg cannot convert a frame of '%s': %s", v->file.path, ffmpeg_log_cause(code));
    return encode_next(v);
}

static enum status complete(struct video *v)
{
    enum status rc;
    ffmpeg_log_begin();
    if (v->added == 0)
        return fail(STATUS_USAGE, "cannot write '%s': a video without a frame", v->file.path);
    for (int64_t i = 0; i < v->held; i++)
        TRY(encode_next(v));
    TRY(encode(v, NULL));
    int code = av_write_trailer(v->muxer);
    const int closed = avio_closep(&v->muxer->pb);
    if (code >= 0)
        code = closed;
    rc = code < 0 ? write_failed(v, code) : file_commit(&v->file);
out:
    return rc;
}

enum status video_finish(struct video **video)
{
    enum status rc = complete(*video);
    video_abandon(video);
    return rc;
}

void video_abandon(struct video **video)
{
    struct video *v = *video;
    if (!v)
        return;
    if (v->muxer)
        avio_closep(&v->muxer->pb);
    avformat_free_context(v->muxer);
    avcodec_free_context(&v->encoder);
    sws_freeContext(v->scaler);
    av_frame_free(&v->rgb);
    av_frame_free(&v->frame);
    av_packet_free(&v->packet);
    file_abandon(&v->file);
    free(v);
    *video = NULL;
}
