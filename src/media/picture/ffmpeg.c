// SPDX-License-Identifier: MIT
#include "media/picture/ffmpeg.h"

#include <libavutil/error.h>
#include <libavutil/log.h>
#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "media/picture/codec_formats.h"

static _Thread_local char cause[256];

static void on_log(void *context, int level, const char *format, va_list args)
{
    (void)context;
    if (level > AV_LOG_ERROR || cause[0])
        return;
    vsnprintf(cause, sizeof cause, format, args);
    cause[strcspn(cause, "\r\n")] = '\0';
}

void ffmpeg_log_begin(void)
{
    cause[0] = '\0';
    av_log_set_callback(on_log);
}

bool ffmpeg_log_failed(void)
{
    return cause[0] != '\0';
}

const char *ffmpeg_log_cause(int code)
{
    if (!cause[0])
        av_strerror(code, cause, sizeof cause);
    return cause;
}

enum status ffmpeg_decoder_create(struct ffmpeg_decoder *decoder, const AVCodec *codec)
{
    *decoder = (struct ffmpeg_decoder){avcodec_alloc_context3(codec), av_packet_alloc(), av_frame_alloc()};
    if (!decoder->context || !decoder->packet || !decoder->frame)
        return no_memory("for a decoder");
    decoder->context->thread_count = 1;
    return STATUS_OK;
}

void ffmpeg_decoder_destroy(struct ffmpeg_decoder *decoder)
{
    avcodec_free_context(&decoder->context);
    av_packet_free(&decoder->packet);
    av_frame_free(&decoder->frame);
}

AVFrame *ffmpeg_frame_create(int width, int height, enum AVPixelFormat format)
{
    AVFrame *frame = av_frame_alloc();
    if (!frame)
        return NULL;
    frame->width = width;
    frame->height = height;
    frame->format = format;
    if (av_frame_get_buffer(frame, 0) < 0)
        av_frame_free(&frame);
    return frame;
}

enum status ffmpeg_frame_to_image(const AVFrame *from, int colours, int flags, struct image *image)
{
    const AVPixFmtDescriptor *format = av_pix_fmt_desc_get(from->format);
    const int *coefficients = sws_getCoefficients(colours);
    const bool rgb = format->flags & AV_PIX_FMT_FLAG_RGB, grey = format->nb_components < 3;
    const bool full = rgb || grey || from->color_range == AVCOL_RANGE_JPEG;
    const enum AVPixelFormat with = image->bits == 16 ? AV_PIX_FMT_RGBA64 : AV_PIX_FMT_RGBA;
    const enum AVPixelFormat without = image->bits == 16 ? AV_PIX_FMT_RGB48 : AV_PIX_FMT_RGB24;
    const int channels = image->alpha ? 4 : 3;
    AVFrame *to = ffmpeg_frame_create(from->width, from->height, image->alpha ? with : without);
    struct SwsContext *scaler = NULL;
    enum status rc;
    TRY_OUT(to ? STATUS_OK : no_memory("to convert %d x %d pixels", from->width, from->height));
    scaler = sws_getContext(to->width, to->height, from->format, to->width, to->height, to->format,
                            SWS_BILINEAR | SWS_FULL_CHR_H_INT | SWS_ACCURATE_RND | flags, NULL, NULL, NULL);
    if (!scaler || (sws_setColorspaceDetails(scaler, coefficients, full, coefficients, 1, 0, 1 << 16, 1 << 16) < 0 && !rgb))
        rc = fail(STATUS_UNSUPPORTED, "FFmpeg cannot convert %s to RGB", format->name);
    else if (sws_scale(scaler, (const uint8_t *const *)from->data, from->linesize, 0, to->height, to->data, to->linesize) != to->height)
        rc = fail(STATUS_INTERNAL, "FFmpeg cannot convert %d x %d pixels to RGB", to->width, to->height);
    for (int y = 0; y < image->height && rc == STATUS_OK; y++)
        for (int c = 0; c < channels; c++)
            codec_put(image, c, 0, y, image->width, to->data[0] + (ptrdiff_t)y * to->linesize[0] + c * (image->bits / 8), channels);
out:
    sws_freeContext(scaler);
    av_frame_free(&to);
    return rc;
}
