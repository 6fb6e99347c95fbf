// SPDX-License-Identifier: MIT
#include "media/video/video_source.h"

#include <libavutil/avstring.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// By the names of FFmpeg's demuxers: containers and bare streams of pictures. None of them reads what another file holds.
static const char containers[] =
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,h264,hevc,obu,av1,ivf,m4v,mjpeg,ogg,flv,asf,nut,mxf,"
    "dv,rm,yuv4mpegpipe,y4m,gxf,vc1,wtv,swf,nsv,bink,smk";
enum { RATE_USUAL = 25, RATE_MOST = 1000 }; // frames a second, where the file does not say, or says what cannot be

static enum status refuse(int code)
{
    if (code == AVERROR(ENOMEM))
        return no_memory("to read a video");
    return fail(STATUS_FORMAT, "no video that can be read: %s", ffmpeg_log_cause(code));
}

enum status video_source_open_container(AVFormatContext **format, const char *path)
{
    AVDictionary *options = NULL;
    char url[4096 + 8];
    ffmpeg_log_begin();
    snprintf(url, sizeof url, "file:%s", path); // a name like "pipe:1" is a name, not a protocol
    av_dict_set(&options, "protocol_whitelist", "file", 0);
    av_dict_set(&options, "format_whitelist", containers, 0);
    av_dict_set(&options, "enable_drefs", "0", 0);
    int code = avformat_open_input(format, url, NULL, &options);
    av_dict_free(&options);
    if (code >= 0)
        code = avformat_find_stream_info(*format, NULL);
    if (code >= 0)
        return STATUS_OK;
    avformat_close_input(format);
    return refuse(code);
}

bool video_source_takes(const char *format)
{
    char first[32];
    snprintf(first, sizeof first, "%.*s", (int)strcspn(format, ","), format); // "mov,mp4,m4a": of one demuxer
    return av_match_name(first, containers);
}

static const int32_t *display_matrix(const AVStream *stream)
{
#if LIBAVCODEC_VERSION_INT >= AV_VERSION_INT(60, 30, 100) // FFmpeg 6.1
    const AVPacketSideData *data =
        av_packet_side_data_get(stream->codecpar->coded_side_data, stream->codecpar->nb_coded_side_data, AV_PKT_DATA_DISPLAYMATRIX);
    return data && data->size >= 9 * sizeof(int32_t) ? (const int32_t *)(const void *)data->data : NULL;
#elif LIBAVFORMAT_VERSION_MAJOR >= 59 // FFmpeg 5
    size_t size;
    const uint8_t *data = av_stream_get_side_data(stream, AV_PKT_DATA_DISPLAYMATRIX, &size);
    return data && size >= 9 * sizeof(int32_t) ? (const int32_t *)(const void *)data : NULL;
#else
    int size;
    const uint8_t *data = av_stream_get_side_data(stream, AV_PKT_DATA_DISPLAYMATRIX, &size);
    return data && (size_t)size >= 9 * sizeof(int32_t) ? (const int32_t *)(const void *)data : NULL;
#endif
}

// Pixel (x, y) is shown at (m0 x + m3 y, m1 x + m4 y), whatever is added: the quarter of a turn, or its mirror image, that is nearest.
static int find_orientation(const int32_t *m)
{
    if (!m)
        return 1;
    const int64_t a = m[0], b = m[1], c = m[3], d = m[4];
    if (llabs(a) + llabs(d) >= llabs(b) + llabs(c))
        return a >= 0 ? (d >= 0 ? 1 : 4) : (d >= 0 ? 2 : 3);
    return b >= 0 ? (c >= 0 ? 5 : 6) : (c >= 0 ? 8 : 7);
}

enum status video_source_open(struct video_source *s, const char *path, const struct image_limits *limits)
{
#if LIBAVFORMAT_VERSION_MAJOR < 59 // FFmpeg 5
    AVCodec *codec = NULL;
#else
    const AVCodec *codec = NULL;
#endif
    *s = (struct video_source){0};
    TRY(video_source_open_container(&s->format, path));
    s->stream = av_find_best_stream(s->format, AVMEDIA_TYPE_VIDEO, -1, -1, &codec, 0);
    if (s->stream < 0 || !codec || s->format->streams[s->stream]->disposition & AV_DISPOSITION_ATTACHED_PIC)
        return fail(STATUS_FORMAT, "no video: it has no stream of pictures that this FFmpeg decodes");
    for (unsigned i = 0; i < s->format->nb_streams; i++)
        if ((int)i != s->stream)
            s->format->streams[i]->discard = AVDISCARD_ALL;
    const AVStream *stream = s->format->streams[s->stream];
    s->orientation = find_orientation(display_matrix(stream));
    TRY(ffmpeg_decoder_create(&s->decoder, codec));
    s->decoder.context->max_pixels = limits->pixels < INT_MAX ? (int64_t)limits->pixels : INT_MAX;
    s->decoder.context->pkt_timebase = stream->time_base;
    int code = avcodec_parameters_to_context(s->decoder.context, stream->codecpar);
    if (code >= 0)
        code = avcodec_open2(s->decoder.context, codec, NULL);
    return code < 0 ? refuse(code) : STATUS_OK;
}

void video_source_close(struct video_source *s)
{
    ffmpeg_decoder_destroy(&s->decoder);
    avformat_close_input(&s->format);
    *s = (struct video_source){0};
}

static bool is_usable(AVRational r)
{
    return r.num > 0 && r.den > 0;
}

void video_source_describe(const struct video_source *s, const AVFrame *frame, struct video_facts *facts)
{
    AVStream *stream = s->format->streams[s->stream];
    struct video_form *form = &facts->form;
    AVRational rate = av_guess_frame_rate(s->format, stream, NULL), tick = stream->time_base;
    AVRational aspect = av_guess_sample_aspect_ratio(s->format, stream, NULL);
    if (!is_usable(rate) || av_q2d(rate) > RATE_MOST)
        rate = (AVRational){RATE_USUAL, 1};
    if (!is_usable(tick))
        tick = (AVRational){rate.den, rate.num};
    if (!is_usable(aspect))
        aspect = (AVRational){1, 1};
    const bool turned = s->orientation > 4;
    form->aspect[0] = turned ? aspect.den : aspect.num;
    form->aspect[1] = turned ? aspect.num : aspect.den;
    form->tick[0] = tick.num;
    form->tick[1] = tick.den;
    form->rate[0] = rate.num;
    form->rate[1] = rate.den;
    snprintf(facts->codec, sizeof facts->codec, "%s", avcodec_get_name(stream->codecpar->codec_id));
    facts->frames = stream->nb_frames > 0 ? stream->nb_frames : 0;
    facts->seconds = stream->duration > 0      ? (double)stream->duration * av_q2d(tick)
                     : s->format->duration > 0 ? (double)s->format->duration / AV_TIME_BASE
                                               : 0;
    for (unsigned i = 0; i < s->format->nb_streams; i++)
        facts->sounds += s->format->streams[i]->codecpar->codec_type == AVMEDIA_TYPE_AUDIO;
    facts->interlaced = video_source_is_interlaced(frame);
    facts->bright = frame->color_trc == AVCOL_TRC_SMPTE2084 || frame->color_trc == AVCOL_TRC_ARIB_STD_B67;
}

bool video_source_is_interlaced(const AVFrame *frame)
{
#if LIBAVUTIL_VERSION_INT >= AV_VERSION_INT(58, 7, 100) // FFmpeg 6.1
    return frame->flags & AV_FRAME_FLAG_INTERLACED;
#else
    return frame->interlaced_frame;
#endif
}
