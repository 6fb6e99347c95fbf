// SPDX-License-Identifier: MIT
#include "media/video/video_colours.h"

#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>
#include <math.h>

#include "media/picture/codec_formats.h"
#include "media/picture/ffmpeg.h"

enum { SD_HEIGHT = 576, SD_WIDTH = 1279 }; // pixels: the largest that is taken for BT.601
enum { FLAGS = SWS_BICUBIC | SWS_FULL_CHR_H_INT | SWS_FULL_CHR_H_INP | SWS_ACCURATE_RND | SWS_BITEXACT };

void video_colours_destroy(struct video_colours *c)
{
    sws_freeContext(c->scaler);
    av_frame_free(&c->to);
    *c = (struct video_colours){0};
}

// libswscale's number of a matrix; -1: it has none.
static int coefficients_of(int matrix)
{
    switch (matrix) {
    case AVCOL_SPC_RGB: // none is used
    case AVCOL_SPC_BT709:
        return SWS_CS_ITU709;
    case AVCOL_SPC_FCC:
        return SWS_CS_FCC;
    case AVCOL_SPC_BT470BG:
    case AVCOL_SPC_SMPTE170M:
        return SWS_CS_ITU601;
    case AVCOL_SPC_SMPTE240M:
        return SWS_CS_SMPTE240M;
    case AVCOL_SPC_BT2020_NCL:
        return SWS_CS_BT2020;
    default:
        return -1;
    }
}

struct video_form video_form_of_pictures(int width, int height, double rate)
{
    const AVRational exact = av_d2q(rate, 1001 * 240);
    return (struct video_form){.width = width,
                               .height = height,
                               .bits = 8,
                               .aspect = {1, 1},
                               .tick = {exact.den, exact.num},
                               .rate = {exact.num, exact.den},
                               .matrix = AVCOL_SPC_BT709,
                               .range = AVCOL_RANGE_MPEG,
                               .primaries = AVCOL_PRI_BT709,
                               .curve = AVCOL_TRC_BT709};
}

enum status video_colours_find(const AVFrame *frame, struct video_form *form)
{
    const AVPixFmtDescriptor *format = av_pix_fmt_desc_get(frame->format);
    if (!format)
        return fail(STATUS_UNSUPPORTED, "frames of a format that FFmpeg does not know");
    const bool rgb = format->flags & AV_PIX_FMT_FLAG_RGB,
               old = frame->format == AV_PIX_FMT_YUVJ420P || frame->format == AV_PIX_FMT_YUVJ422P || frame->format == AV_PIX_FMT_YUVJ444P;
    form->bits = format->comp[0].depth > 8 ? 16 : 8;
    form->matrix = frame->colorspace;
    form->range = frame->color_range;
    form->primaries = frame->color_primaries;
    form->curve = frame->color_trc;
    if (rgb)
        form->matrix = AVCOL_SPC_RGB;
    else if (form->matrix == AVCOL_SPC_UNSPECIFIED || form->matrix == AVCOL_SPC_RESERVED || form->matrix == AVCOL_SPC_RGB)
        form->matrix = frame->height <= SD_HEIGHT && frame->width <= SD_WIDTH ? AVCOL_SPC_SMPTE170M : AVCOL_SPC_BT709;
    if (rgb || old)
        form->range = AVCOL_RANGE_JPEG;
    else if (form->range != AVCOL_RANGE_JPEG)
        form->range = AVCOL_RANGE_MPEG;
    if (coefficients_of(form->matrix) < 0)
        return fail(STATUS_UNSUPPORTED, "colours by the matrix '%s', which is not converted here", av_color_space_name(form->matrix));
    return STATUS_OK;
}

// A scaler to or from RGB. `frame` is the side that is a video's.
static enum status prepare(struct video_colours *c, const AVFrame *frame, const struct video_form *form, int width, int height, bool give)
{
    const bool same = c->scaler && c->format == frame->format && c->width == frame->width && c->height == frame->height &&
                      c->matrix == form->matrix && c->range == form->range && c->to->width == width && c->to->height == height;
    const enum AVPixelFormat rgb = form->bits == 16 ? AV_PIX_FMT_RGB48 : AV_PIX_FMT_RGB24;
    const int *coefficients = sws_getCoefficients(coefficients_of(form->matrix));
    const int full = form->range == AVCOL_RANGE_JPEG, in_full = give ? 1 : full, out_full = give ? full : 1;
    if (same)
        return STATUS_OK;
    video_colours_destroy(c);
    *c = (struct video_colours){.to = ffmpeg_frame_create(width, height, rgb),
                                .format = frame->format,
                                .width = frame->width,
                                .height = frame->height,
                                .matrix = form->matrix,
                                .range = form->range};
    if (!c->to)
        return no_memory("to convert %d x %d pixels", width, height);
    c->scaler = give ? sws_getContext(width, height, rgb, frame->width, frame->height, frame->format, FLAGS, NULL, NULL, NULL)
                     : sws_getContext(frame->width, frame->height, frame->format, width, height, rgb, FLAGS, NULL, NULL, NULL);
    if (!c->scaler || (sws_setColorspaceDetails(c->scaler, coefficients, in_full, coefficients, out_full, 0, 1 << 16, 1 << 16) < 0 &&
                       form->matrix != AVCOL_SPC_RGB))
        return fail(STATUS_UNSUPPORTED, "FFmpeg cannot convert %s %s RGB", av_get_pix_fmt_name(frame->format), give ? "from" : "to");
    return STATUS_OK;
}

enum status video_colours_take(struct video_colours *c, const AVFrame *frame, const struct video_form *form, struct image *image)
{
    TRY(prepare(c, frame, form, image->width, image->height, false));
    if (sws_scale(c->scaler, (const uint8_t *const *)frame->data, frame->linesize, 0, frame->height, c->to->data, c->to->linesize) !=
        image->height)
        return fail(STATUS_INTERNAL, "FFmpeg cannot convert %d x %d pixels to RGB", frame->width, frame->height);
    for (int y = 0; y < image->height; y++)
        for (int k = 0; k < 3; k++)
            codec_put(image, k, 0, y, image->width, c->to->data[0] + (ptrdiff_t)y * c->to->linesize[0] + k * (image->bits / 8), 3);
    return STATUS_OK;
}

// Row `y` as samples of 8 or 16 bits, channels interleaved.
static void put_row(const float *rgb, const struct video_form *form, int y, uint8_t *row)
{
    const size_t width = (size_t)form->width, plane = width * (size_t)form->height;
    const float most = form->bits == 16 ? 65535 : 255;
    for (size_t c = 0; c < 3; c++) {
        const float *from = rgb + c * plane + (size_t)y * width;
        for (size_t x = 0; x < width; x++) {
            const float value = fminf(fmaxf((from[x] + 1) * 0.5f, 0), 1) * most + 0.5f;
            if (form->bits == 16)
                ((uint16_t *)(void *)row)[3 * x + c] = (uint16_t)value;
            else
                row[3 * x + c] = (uint8_t)value;
        }
    }
}

enum status video_colours_give(struct video_colours *c, const float *rgb, const struct video_form *form, AVFrame *frame)
{
    TRY(prepare(c, frame, form, form->width, form->height, true));
    for (int y = 0; y < form->height; y++)
        put_row(rgb, form, y, c->to->data[0] + (ptrdiff_t)y * c->to->linesize[0]);
    if (sws_scale(c->scaler, (const uint8_t *const *)c->to->data, c->to->linesize, 0, form->height, frame->data, frame->linesize) !=
        frame->height)
        return fail(STATUS_INTERNAL, "FFmpeg cannot convert %d x %d pixels from RGB", form->width, form->height);
    return STATUS_OK;
}
