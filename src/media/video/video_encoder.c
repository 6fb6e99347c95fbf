// SPDX-License-Identifier: MIT
#include "media/video/video_encoder.h"

#include <libavutil/cpu.h>
#include <libavutil/opt.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "media/picture/ffmpeg.h"

enum { CHECK_SIDE = 320 }; // a size that every encoder takes

// FFmpeg's own error, or 0. *context is NULL on failure.
static int encoder_open(AVCodecContext **context, const AVCodec *codec, const struct video_options *o)
{
    const AVRational rate = av_d2q(o->rate, VIDEO_RATE_PRECISION);
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
        // The AVX-512 code of x264 164 reads memory that it has not written, and the bytes are others in each run. The rest agrees to the
        // bit.
        const bool avx512 = av_get_cpu_flags() & AV_CPU_FLAG_AVX512;
        char parameters[160];
        snprintf(parameters, sizeof parameters, "mbtree=1:rc-lookahead=10:cabac=1:deblock=0,0:8x8dct=1:aq-mode=1:bframes=3%s",
                 avx512 ? ":asm=AVX2" : "");
        av_opt_set(c->priv_data, "x264-params", parameters, 0);
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

enum status video_encoder_create(AVCodecContext **context, const struct video_options *o)
{
    ffmpeg_log_begin();
    return strcmp(o->encoder, "auto") == 0 ? encoder_open_best(context, o) : encoder_open_named(context, o);
}

enum status video_check(const char *encoder, char name[VIDEO_ENCODER_MAX])
{
    const struct video_options options = {.width = CHECK_SIDE, .height = CHECK_SIDE, .rate = 12, .quality = 20, .encoder = encoder};
    AVCodecContext *context = NULL;
    enum status rc = video_encoder_create(&context, &options);
    snprintf(name, VIDEO_ENCODER_MAX, "%s", rc == STATUS_OK ? context->codec->name : "");
    avcodec_free_context(&context);
    return rc;
}
