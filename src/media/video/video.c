// SPDX-License-Identifier: MIT
#include "media/video/video.h"

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/imgutils.h>
#include <libswscale/swscale.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/system/file.h"
#include "media/picture/ffmpeg.h"
#include "media/video/video_encoder.h"
#include "media/video/video_packets.h"

// Segments have encoders of their own, so that what one is made of is in its frames alone. Those of the segment under way are kept until
// all are there, and then encoded: what a checkpoint takes along is whole segments and these frames.
enum { SEGMENT_SECONDS = 1, SEGMENT_MIN = 4, SEGMENT_MAX = 24 }; // the last two in frames

struct video {
    struct video_options options;
    char path[FILE_PATH_MAX];
    char encoder_name[VIDEO_ENCODER_MAX];
    struct SwsContext *scaler;
    AVFrame *rgb, *yuv;            // as a frame comes, and as it is encoded
    AVCodecParameters *parameters; // of each segment
    uint8_t *open[SEGMENT_MAX];    // [open_count] the frames of the segment under way, yuv420p without gaps; NULL where there was none yet
    size_t frame_bytes;            // of one of them
    int open_count, segment;       // segment: frames in a whole one
    struct record_writer packets;  // in memory: of each frame encoded, in the order of decoding
    int64_t encoded;               // frames
};

static AVRational frame_rate(const struct video *v)
{
    return av_d2q(v->options.rate, VIDEO_RATE_PRECISION);
}

static enum status make_room(struct video *v, const struct video_options *o)
{
    v->rgb = ffmpeg_frame_create(o->width, o->height, AV_PIX_FMT_RGB24);
    v->yuv = ffmpeg_frame_create(o->width, o->height, AV_PIX_FMT_YUV420P);
    v->frame_bytes = (size_t)o->width * (size_t)o->height / 2 * 3;
    v->scaler = sws_getContext(o->width, o->height, AV_PIX_FMT_RGB24, o->width, o->height, AV_PIX_FMT_YUV420P,
                               SWS_BILINEAR | SWS_FULL_CHR_H_INP | SWS_ACCURATE_RND | SWS_BITEXACT, NULL, NULL, NULL);
    if (!v->rgb || !v->yuv || record_create_in_memory(&v->packets) != STATUS_OK || !v->scaler)
        return no_memory("for a video of %d x %d pixels", o->width, o->height);
    const int *bt709 = sws_getCoefficients(SWS_CS_ITU709);
    if (sws_setColorspaceDetails(v->scaler, bt709, 1, bt709, 0, 0, 1 << 16, 1 << 16) < 0)
        return fail(STATUS_INTERNAL, "FFmpeg cannot convert RGB to BT.709");
    v->yuv->color_primaries = AVCOL_PRI_BT709;
    v->yuv->color_trc = AVCOL_TRC_BT709;
    v->yuv->colorspace = AVCOL_SPC_BT709;
    v->yuv->color_range = AVCOL_RANGE_MPEG;
    v->yuv->chroma_location = AVCHROMA_LOC_LEFT;
    return STATUS_OK;
}

enum status video_create(struct video **video, const struct video_options *o)
{
    *video = NULL;
    if (o->width < 2 || o->height < 2 || o->width % 2 || o->height % 2)
        return fail(STATUS_UNSUPPORTED, "a video of %d x %d pixels: both sides must be even", o->width, o->height);
    TRY(ALLOCATE(*video, 1, "for a video"));
    struct video *v = *video;
    AVCodecContext *encoder = NULL;
    enum status rc;
    ffmpeg_log_begin();
    v->options = *o;
    v->options.path = v->path;
    v->options.encoder = v->encoder_name;
    v->segment = (int)fmin(fmax(round(SEGMENT_SECONDS * o->rate), SEGMENT_MIN), SEGMENT_MAX);
    snprintf(v->path, sizeof v->path, "%s", o->path);
    snprintf(v->encoder_name, sizeof v->encoder_name, "%s", o->encoder);
    // What cannot work is found out now, not after hours of dreaming.
    TRY_OUT(file_may_create(o->path));
    TRY_OUT(video_encoder_create(&encoder, &v->options));
    snprintf(v->encoder_name, sizeof v->encoder_name, "%s", encoder->codec->name);
    v->parameters = avcodec_parameters_alloc();
    const bool known = v->parameters && avcodec_parameters_from_context(v->parameters, encoder) >= 0;
    rc = known ? make_room(v, o) : no_memory("for a video");
out:
    avcodec_free_context(&encoder);
    if (rc != STATUS_OK)
        video_abandon(video);
    return rc;
}

static enum status frame_no_memory(const struct video *v)
{
    return no_memory("for a frame of '%s'", v->path);
}

// Its time counts in frames.
static void keep(struct video *v, AVPacket *packet)
{
    packet->duration = 1;
    video_packets_keep(&v->packets, packet);
}

static enum status flush(struct video *v)
{
    return fflush(v->packets.stream) == 0 && !v->packets.error ? STATUS_OK : frame_no_memory(v);
}

// NULL: the segment has no more frames.
static enum status encode(struct video *v, AVCodecContext *encoder, const AVFrame *frame)
{
    AVPacket *packet = av_packet_alloc();
    int code = packet ? avcodec_send_frame(encoder, frame) : AVERROR(ENOMEM);
    while (code >= 0 && (code = avcodec_receive_packet(encoder, packet)) >= 0)
        keep(v, packet);
    av_packet_free(&packet);
    if (code != AVERROR(EAGAIN) && code != AVERROR_EOF)
        return fail(STATUS_INTERNAL, "cannot encode a frame of '%s': %s", v->path, ffmpeg_log_cause(code));
    return STATUS_OK;
}

static void copy_open(struct video *v, int i)
{
    uint8_t *planes[4];
    int strides[4];
    av_image_fill_arrays(planes, strides, v->open[i], AV_PIX_FMT_YUV420P, v->yuv->width, v->yuv->height, 1);
    av_image_copy(v->yuv->data, v->yuv->linesize, (const uint8_t **)planes, strides, AV_PIX_FMT_YUV420P, v->yuv->width, v->yuv->height);
}

// `held`: how often its last frame is repeated. Within the segment: a key frame in a still picture would show.
static enum status encode_segment(struct video *v, int64_t held)
{
    AVCodecContext *encoder;
    enum status rc;
    TRY_OUT(video_encoder_create(&encoder, &v->options));
    for (int64_t i = 0; i < v->open_count + held; i++) {
        TRY_OUT(av_frame_make_writable(v->yuv) >= 0 ? STATUS_OK : frame_no_memory(v)); // encoders keep some
        copy_open(v, (int)(i < v->open_count ? i : v->open_count - 1));
        v->yuv->pts = v->encoded++;
        TRY_OUT(encode(v, encoder, v->yuv));
    }
    TRY_OUT(encode(v, encoder, NULL));
    v->open_count = 0;
    rc = flush(v);
out:
    avcodec_free_context(&encoder);
    return rc;
}

// Room for one more of the segment under way.
static enum status open_frame(struct video *v, uint8_t **frame)
{
    if (!v->open[v->open_count])
        v->open[v->open_count] = malloc(v->frame_bytes);
    *frame = v->open[v->open_count];
    v->open_count += *frame != NULL;
    return *frame ? STATUS_OK : frame_no_memory(v);
}

enum status video_add(struct video *v, const uint8_t *rgb)
{
    const size_t row = 3 * (size_t)v->rgb->width;
    uint8_t *frame;
    ffmpeg_log_begin();
    if (v->open_count == v->segment)
        TRY(encode_segment(v, 0)); // not before: the last frame of all may be held
    // libswscale may read a little beyond the end of a row: only FFmpeg's own frames have room for that.
    for (int y = 0; y < v->rgb->height; y++)
        memcpy(v->rgb->data[0] + (ptrdiff_t)y * v->rgb->linesize[0], rgb + (size_t)y * row, row);
    if (av_frame_make_writable(v->yuv) < 0 || sws_scale(v->scaler, (const uint8_t *const *)v->rgb->data, v->rgb->linesize, 0,
                                                        v->rgb->height, v->yuv->data, v->yuv->linesize) != v->rgb->height)
        return frame_no_memory(v);
    TRY(open_frame(v, &frame));
    av_image_copy_to_buffer(frame, (int)v->frame_bytes, (const uint8_t *const *)v->yuv->data, v->yuv->linesize, AV_PIX_FMT_YUV420P,
                            v->yuv->width, v->yuv->height, 1);
    return STATUS_OK;
}

// What a saved video begins with; then come the packets and the frames of the segment under way.
struct saved_head {
    char encoder[VIDEO_ENCODER_MAX];
    int32_t width, height, segment, open_count;
    int64_t encoded;
};

void video_save(const struct video *v, struct record_writer *writer)
{
    struct saved_head head = {
        .width = v->options.width, .height = v->options.height, .segment = v->segment, .open_count = v->open_count, .encoded = v->encoded};
    memcpy(head.encoder, v->encoder_name, sizeof head.encoder);
    record_write(writer, &head, sizeof head);
    record_append(writer, v->packets.memory, v->packets.size);
    for (int i = 0; i < v->open_count; i++)
        record_write(writer, v->open[i], v->frame_bytes);
}

static enum status read_head(const struct video *v, struct record_reader *reader, struct saved_head *head)
{
    TRY(record_read(reader, head, sizeof *head));
    head->encoder[sizeof head->encoder - 1] = '\0';
    if (strcmp(head->encoder, v->encoder_name) != 0)
        return fail(STATUS_UNSUPPORTED, "the video was begun with the encoder '%s', and this is '%s'", head->encoder, v->encoder_name);
    if (head->width != v->options.width || head->height != v->options.height || head->segment != v->segment || head->open_count < 0 ||
        head->open_count > v->segment || head->encoded < 0 || (head->open_count == 0 && head->encoded > 0))
        return fail(STATUS_FORMAT, "a saved video of %d x %d pixels and %lld frames is not this one", head->width, head->height,
                    (long long)head->encoded);
    return STATUS_OK;
}

enum status video_load(struct video *v, struct record_reader *reader)
{
    struct saved_head head;
    AVPacket *packet = av_packet_alloc();
    uint8_t *frame;
    enum status rc;
    TRY_OUT(packet ? read_head(v, reader, &head) : frame_no_memory(v));
    for (; v->encoded < head.encoded; v->encoded++) {
        TRY_OUT(video_packets_next(reader, packet));
        keep(v, packet);
    }
    TRY_OUT(flush(v));
    while (v->open_count < head.open_count) {
        TRY_OUT(open_frame(v, &frame));
        TRY_OUT(record_read(reader, frame, v->frame_bytes));
    }
out:
    av_packet_free(&packet);
    return rc;
}

static enum status write_failed(const struct video *v, int code)
{
    return fail(STATUS_IO, "cannot write '%s': %s", v->path, ffmpeg_log_cause(code));
}

static enum status write_packets(struct video *v, AVFormatContext *muxer)
{
    struct record_reader packets = {.bytes = (const uint8_t *)v->packets.memory, .left = v->packets.size};
    AVPacket *packet = av_packet_alloc();
    enum status rc;
    TRY_OUT(packet ? STATUS_OK : frame_no_memory(v));
    while (rc == STATUS_OK && packets.left) {
        TRY_OUT(video_packets_next(&packets, packet));
        av_packet_rescale_ts(packet, av_inv_q(frame_rate(v)), muxer->streams[0]->time_base);
        const int code = av_write_frame(muxer, packet);
        av_packet_unref(packet);
        if (code < 0)
            rc = write_failed(v, code);
    }
out:
    av_packet_free(&packet);
    return rc;
}

// The MP4 file, aside: FFmpeg opens it by name, and once more to put the index before the frames.
static enum status write_file(struct video *v, const struct file_writer *file)
{
    char url[FILE_PATH_MAX + 8];
    AVFormatContext *muxer = NULL;
    AVDictionary *options = NULL;
    enum status rc = STATUS_OK;
    snprintf(url, sizeof url, "file:%s", file->aside); // a name like "pipe:1" is a name, not a protocol
    int code = avformat_alloc_output_context2(&muxer, NULL, "mp4", url);
    if (code < 0)
        return fail(STATUS_UNSUPPORTED, "FFmpeg cannot make MP4 files: %s", ffmpeg_log_cause(code));
    muxer->flags |= AVFMT_FLAG_BITEXACT;
    AVStream *stream = avformat_new_stream(muxer, NULL);
    TRY_OUT(stream && avcodec_parameters_copy(stream->codecpar, v->parameters) >= 0 ? STATUS_OK : no_memory("for a video"));
    stream->time_base = av_inv_q(frame_rate(v));
    stream->avg_frame_rate = frame_rate(v);
    code = avio_open(&muxer->pb, url, AVIO_FLAG_WRITE);
    av_dict_set(&options, "movflags", "+faststart", 0);
    if (code >= 0)
        code = avformat_write_header(muxer, &options);
    TRY_OUT(code < 0 ? write_failed(v, code) : write_packets(v, muxer));
    code = av_write_trailer(muxer);
    const int closed = avio_closep(&muxer->pb);
    if (code < 0 || closed < 0)
        rc = write_failed(v, code < 0 ? code : closed);
out:
    av_dict_free(&options);
    if (muxer)
        avio_closep(&muxer->pb);
    avformat_free_context(muxer);
    return rc;
}

static enum status complete(struct video *v)
{
    struct file_writer file = {0};
    enum status rc;
    ffmpeg_log_begin();
    if (v->open_count == 0)
        return fail(STATUS_USAGE, "cannot write '%s': a video without a frame", v->path);
    TRY_OUT(encode_segment(v, llround(v->options.hold * v->options.rate)));
    TRY_OUT(file_create(&file, v->path));
    TRY_OUT(write_file(v, &file));
    rc = file_commit(&file);
out:
    file_abandon(&file);
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
    record_abandon(&v->packets);
    for (int i = 0; i < SEGMENT_MAX; i++)
        free(v->open[i]);
    avcodec_parameters_free(&v->parameters);
    sws_freeContext(v->scaler);
    av_frame_free(&v->rgb);
    av_frame_free(&v->yuv);
    free(v);
    *video = NULL;
}
