// SPDX-License-Identifier: MIT
#include "media/video/video_encoder.h"

#include <libavutil/cpu.h>
#include <libavutil/opt.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "media/picture/ffmpeg.h"
#include "media/video/video_form.h"

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

static enum AVPixelFormat format_for(const struct video_form *form, enum AVCodecID codec, bool deep)
{
    const bool whole = codec == AV_CODEC_ID_FFV1 || form->width % 2 || form->height % 2;
    if (codec == AV_CODEC_ID_FFV1 && form->matrix == AVCOL_SPC_RGB)
        return deep ? AV_PIX_FMT_GBRP16 : AV_PIX_FMT_0RGB32;
    return whole ? (deep ? AV_PIX_FMT_YUV444P10 : AV_PIX_FMT_YUV444P) : (deep ? AV_PIX_FMT_YUV420P10 : AV_PIX_FMT_YUV420P);
}

// Without bidirectional frames, so that packets of parts that were encoded apart can stand one behind another, whatever their times.
static void set_x264(AVCodecContext *c, int quality)
{
    const bool avx512 = av_get_cpu_flags() & AV_CPU_FLAG_AVX512; // see encoder_open()
    c->bit_rate = 0;
    av_opt_set(c->priv_data, "preset", "medium", 0);
    av_opt_set(c->priv_data, "x264-params", avx512 ? "bframes=0:asm=AVX2" : "bframes=0", 0);
    av_opt_set_double(c->priv_data, "crf", quality, 0);
}

// FFmpeg's own error, or 0. *context is NULL on failure.
static int open_by(AVCodecContext **context, const AVCodec *codec, const struct video_form *form, int quality, bool deep)
{
    AVCodecContext *c = *context = avcodec_alloc_context3(codec);
    if (!c)
        return AVERROR(ENOMEM);
    const bool rgb = form->matrix == AVCOL_SPC_RGB;
    const double rate = (double)form->rate[0] / form->rate[1];
    c->width = form->width;
    c->height = form->height;
    c->pix_fmt = format_for(form, codec->id, deep);
    const bool yuv = c->pix_fmt != AV_PIX_FMT_0RGB32 && c->pix_fmt != AV_PIX_FMT_GBRP16;
    c->framerate = (AVRational){form->rate[0], form->rate[1]};
    c->time_base = (AVRational){form->tick[0], form->tick[1]};
    c->sample_aspect_ratio = (AVRational){form->aspect[0], form->aspect[1]};
    c->color_primaries = form->primaries;
    c->color_trc = form->curve;
    c->colorspace = rgb && yuv ? AVCOL_SPC_BT709 : (enum AVColorSpace)form->matrix;
    c->color_range = rgb && yuv ? AVCOL_RANGE_MPEG : (enum AVColorRange)form->range;
    c->flags |= AV_CODEC_FLAG_GLOBAL_HEADER | AV_CODEC_FLAG_BITEXACT;
    c->thread_count = 1;
    c->max_b_frames = 0;
    c->bit_rate = (int64_t)(0.5 * form->width * form->height * rate * exp2((20 - quality) / 6.0)); // as encoder_open()
    if (codec->id == AV_CODEC_ID_FFV1) {
        c->level = 3;
        c->gop_size = 1;
    } else if (strcmp(codec->name, "libx264") == 0) {
        set_x264(c, quality);
    }
    const int code = avcodec_open2(c, codec, NULL);
    if (code < 0)
        avcodec_free_context(context);
    return code;
}

// Of 8 bits where the encoder has no more.
static int open_for(AVCodecContext **context, const AVCodec *codec, const struct video_form *form, int quality)
{
    const int code = open_by(context, codec, form, quality, form->bits > 8);
    return code < 0 && form->bits > 8 ? open_by(context, codec, form, quality, false) : code;
}

enum status video_encoder_create_for(AVCodecContext **context, const struct video_form *form, const char *encoder, int quality)
{
    static const char *const preferred[] = {"libx264", "libopenh264"};
    const bool any = strcmp(encoder, "auto") == 0;
    const AVCodec *codec = any ? NULL : avcodec_find_encoder_by_name(encoder);
    int code = AVERROR_ENCODER_NOT_FOUND;
    ffmpeg_log_begin();
    *context = NULL;
    for (size_t i = 0; any && i < sizeof preferred / sizeof preferred[0] && code < 0; i++) {
        codec = avcodec_find_encoder_by_name(preferred[i]);
        if (codec)
            code = open_for(context, codec, form, quality);
    }
    if (codec && !any && codec->id != AV_CODEC_ID_H264 && codec->id != AV_CODEC_ID_FFV1)
        return fail(STATUS_UNSUPPORTED, "the encoder '%s' makes neither H.264 nor FFV1; video.encoder: auto takes the best that there is",
                    encoder);
    if (codec && !any)
        code = open_for(context, codec, form, quality);
    if (code == AVERROR(ENOMEM))
        return no_memory("for a video of %d x %d pixels", form->width, form->height);
    return code >= 0
               ? STATUS_OK
               : fail(STATUS_UNSUPPORTED, "no video of %d x %d pixels by the encoder '%s': %s; video.encoder: ffv1 is in every FFmpeg",
                      form->width, form->height, encoder, ffmpeg_log_cause(code));
}
