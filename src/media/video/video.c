// SPDX-License-Identifier: MIT
#include "media/video/video.h"

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libswscale/swscale.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/system/file.h"
#include "media/picture/ffmpeg_log.h"
#include "media/video/video_encoder.h"

// Segments have encoders of their own, so that what one is made of is in its frames alone.
enum { SEGMENT_SECONDS = 1, SEGMENT_MIN = 4, SEGMENT_MAX = 24 }; // the last two in frames

struct video {
    struct video_options options;
    char path[FILE_PATH_MAX];
    char encoder_name[VIDEO_ENCODER_MAX];
    struct SwsContext *scaler;
    AVFrame *rgb;                  // as it comes
    AVCodecParameters *parameters; // of the first segment, and of all
    AVCodecContext *encoder;       // of the segment under way; NULL between two
    AVFrame *open[SEGMENT_MAX];    // its frames, yuv420p
    int open_count, segment;       // segment: frames in a whole one
    AVPacket **packets;            // encoded so far, in the order of decoding
    int64_t packet_count, packet_room;
    int64_t added; // frames
};

static AVRational frame_rate(const struct video *v)
{
    return av_d2q(v->options.rate, VIDEO_RATE_PRECISION);
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
    v->scaler = sws_getContext(o->width, o->height, AV_PIX_FMT_RGB24, o->width, o->height, AV_PIX_FMT_YUV420P,
                               SWS_BILINEAR | SWS_FULL_CHR_H_INP | SWS_ACCURATE_RND | SWS_BITEXACT, NULL, NULL, NULL);
    if (!v->rgb || !v->scaler)
        return fail(STATUS_LIMIT, "no memory for a video of %d x %d pixels", o->width, o->height);
    const int *bt709 = sws_getCoefficients(SWS_CS_ITU709);
    if (sws_setColorspaceDetails(v->scaler, bt709, 1, bt709, 0, 0, 1 << 16, 1 << 16) < 0)
        return fail(STATUS_INTERNAL, "FFmpeg cannot convert RGB to BT.709");
    return STATUS_OK;
}

enum status video_create(struct video **video, const struct video_options *o)
{
    *video = NULL;
    if (o->width < 2 || o->height < 2 || o->width % 2 || o->height % 2)
        return fail(STATUS_UNSUPPORTED, "a video of %d x %d pixels: both sides must be even", o->width, o->height);
    struct video *v = calloc(1, sizeof *v);
    if (!v)
        return fail(STATUS_LIMIT, "no memory for a video");
    struct file_writer trial;
    enum status rc;
    ffmpeg_log_begin();
    v->options = *o;
    v->options.path = v->path;
    v->options.encoder = v->encoder_name;
    v->segment = (int)fmin(fmax(round(SEGMENT_SECONDS * o->rate), SEGMENT_MIN), SEGMENT_MAX);
    snprintf(v->path, sizeof v->path, "%s", o->path);
    snprintf(v->encoder_name, sizeof v->encoder_name, "%s", o->encoder);
    // What cannot work is found out now, not after hours of dreaming.
    TRY_OUT(file_create(&trial, o->path));
    file_abandon(&trial);
    TRY_OUT(video_encoder_create(&v->encoder, &v->options));
    snprintf(v->encoder_name, sizeof v->encoder_name, "%s", v->encoder->codec->name);
    v->parameters = avcodec_parameters_alloc();
    if (!v->parameters || avcodec_parameters_from_context(v->parameters, v->encoder) < 0) {
        rc = fail(STATUS_LIMIT, "no memory for a video");
        goto out;
    }
    TRY_OUT(scaler_create(v, o));
    *video = v;
    v = NULL;
out:
    video_abandon(&v);
    return rc;
}

static enum status keep_packet(struct video *v, AVPacket **packet)
{
    if (v->packet_count == v->packet_room) {
        const int64_t room = v->packet_room ? 2 * v->packet_room : 64;
        AVPacket **grown = realloc(v->packets, (size_t)room * sizeof *grown);
        if (!grown)
            return fail(STATUS_LIMIT, "no memory for a frame of '%s'", v->path);
        v->packets = grown;
        v->packet_room = room;
    }
    (*packet)->duration = 1;
    (*packet)->stream_index = 0;
    v->packets[v->packet_count++] = *packet;
    *packet = NULL;
    return STATUS_OK;
}

// NULL: the segment has no more frames.
static enum status encode(struct video *v, const AVFrame *frame)
{
    AVPacket *packet = NULL;
    enum status rc = STATUS_OK;
    int code = avcodec_send_frame(v->encoder, frame);
    while (code >= 0) {
        packet = av_packet_alloc();
        if (!packet) {
            rc = fail(STATUS_LIMIT, "no memory for a frame of '%s'", v->path);
            goto out;
        }
        code = avcodec_receive_packet(v->encoder, packet);
        if (code == AVERROR(EAGAIN) || code == AVERROR_EOF)
            goto out;
        if (code >= 0)
            TRY_OUT(keep_packet(v, &packet));
    }
    rc = fail(STATUS_INTERNAL, "cannot encode a frame of '%s': %s", v->path, ffmpeg_log_cause(code));
out:
    av_packet_free(&packet);
    return rc;
}

static void drop_open(struct video *v)
{
    for (int i = 0; i < v->open_count; i++)
        av_frame_free(&v->open[i]);
    v->open_count = 0;
}

static enum status end_segment(struct video *v)
{
    const enum status rc = encode(v, NULL);
    avcodec_free_context(&v->encoder);
    drop_open(v);
    return rc;
}

// Takes the frame, also on failure.
static enum status encode_next(struct video *v, AVFrame *frame)
{
    enum status rc = STATUS_OK;
    if (v->open_count == v->segment)
        rc = end_segment(v); // not before: the last frame of all may be held
    frame->pts = v->added++;
    v->open[v->open_count++] = frame;
    if (rc == STATUS_OK && !v->encoder)
        rc = video_encoder_create(&v->encoder, &v->options);
    return rc == STATUS_OK ? encode(v, frame) : rc;
}

// For the encoder; NULL without memory.
static AVFrame *picture_create(const struct video *v)
{
    AVFrame *frame = frame_create(&v->options, AV_PIX_FMT_YUV420P);
    if (!frame)
        return NULL;
    frame->color_primaries = AVCOL_PRI_BT709;
    frame->color_trc = AVCOL_TRC_BT709;
    frame->colorspace = AVCOL_SPC_BT709;
    frame->color_range = AVCOL_RANGE_MPEG;
    frame->chroma_location = AVCHROMA_LOC_LEFT;
    return frame;
}

static AVFrame *convert(struct video *v, const uint8_t *rgb)
{
    AVFrame *frame = picture_create(v);
    if (!frame)
        return NULL;
    // libswscale may read a little beyond the end of a row: only FFmpeg's own frames have room for that.
    const size_t row = 3 * (size_t)v->rgb->width;
    for (int y = 0; y < v->rgb->height; y++)
        memcpy(v->rgb->data[0] + (ptrdiff_t)y * v->rgb->linesize[0], rgb + (size_t)y * row, row);
    const int rows =
        sws_scale(v->scaler, (const uint8_t *const *)v->rgb->data, v->rgb->linesize, 0, v->rgb->height, frame->data, frame->linesize);
    if (rows != frame->height)
        av_frame_free(&frame);
    return frame;
}

enum status video_add(struct video *v, const uint8_t *rgb)
{
    ffmpeg_log_begin();
    AVFrame *frame = convert(v, rgb);
    return frame ? encode_next(v, frame) : fail(STATUS_LIMIT, "no memory for a frame of '%s'", v->path);
}

// What a saved video begins with; then come the packets, each behind its head, and the frames of the segment under way.
struct saved_head {
    char encoder[VIDEO_ENCODER_MAX];
    int32_t width, height, segment, open_count;
    int64_t packet_count, added;
};

struct saved_packet {
    int64_t pts, dts;
    int32_t flags, size;
};

// The three planes of a frame, without what lies between their rows. Calls `visit` for each row.
static void for_each_row(AVFrame *frame, void (*visit)(void *context, uint8_t *row, size_t bytes), void *context)
{
    for (int plane = 0; plane < 3; plane++) {
        const int half = plane > 0, height = half ? frame->height / 2 : frame->height;
        for (int y = 0; y < height; y++)
            visit(context, frame->data[plane] + (ptrdiff_t)y * frame->linesize[plane], (size_t)(half ? frame->width / 2 : frame->width));
    }
}

static void save_row(void *writer, uint8_t *row, size_t bytes)
{
    record_write(writer, row, bytes);
}

void video_save(const struct video *v, struct record_writer *writer)
{
    struct saved_head head = {
        .width = v->options.width, .height = v->options.height, .segment = v->segment, .open_count = v->open_count, .added = v->added};
    // Those of the segment under way will come again, from its frames.
    const int64_t begun = v->added - v->open_count;
    while (head.packet_count < v->packet_count && v->packets[head.packet_count]->pts < begun)
        head.packet_count++;
    memcpy(head.encoder, v->encoder_name, sizeof head.encoder);
    record_write(writer, &head, sizeof head);
    for (int64_t i = 0; i < head.packet_count; i++) {
        const AVPacket *packet = v->packets[i];
        const struct saved_packet saved = {.pts = packet->pts, .dts = packet->dts, .flags = packet->flags, .size = packet->size};
        record_write(writer, &saved, sizeof saved);
        record_write(writer, packet->data, (size_t)packet->size);
    }
    for (int i = 0; i < v->open_count; i++)
        for_each_row(v->open[i], save_row, writer);
}

static enum status load_packet(struct video *v, struct record_reader *reader)
{
    // Others change what a packet's bytes are to the muxer: one says that they are a pointer.
    enum { FLAGS = AV_PKT_FLAG_KEY | AV_PKT_FLAG_DISPOSABLE };
    struct saved_packet saved;
    AVPacket *packet = NULL;
    enum status rc;
    TRY_OUT(record_read(reader, &saved, sizeof saved));
    if (saved.flags & ~FLAGS) {
        rc = fail(STATUS_FORMAT, "a frame of flags %#x in a saved video", (unsigned)saved.flags);
        goto out;
    }
    if (saved.size <= 0 || (size_t)saved.size > reader->left) {
        rc = fail(STATUS_FORMAT, "a frame of %d bytes in a saved video", saved.size);
        goto out;
    }
    packet = av_packet_alloc();
    if (!packet || av_new_packet(packet, saved.size) < 0) {
        rc = fail(STATUS_LIMIT, "no memory for a frame of '%s'", v->path);
        goto out;
    }
    TRY_OUT(record_read(reader, packet->data, (size_t)saved.size));
    packet->pts = saved.pts;
    packet->dts = saved.dts;
    packet->flags = saved.flags;
    rc = keep_packet(v, &packet);
out:
    av_packet_free(&packet);
    return rc;
}

struct loading {
    struct record_reader *reader;
    enum status rc;
};

static void load_row(void *context, uint8_t *row, size_t bytes)
{
    struct loading *loading = context;
    if (loading->rc == STATUS_OK)
        loading->rc = record_read(loading->reader, row, bytes);
}

static enum status load_frame(struct video *v, struct record_reader *reader)
{
    AVFrame *frame = picture_create(v);
    struct loading loading = {.reader = reader};
    if (!frame)
        return fail(STATUS_LIMIT, "no memory for a frame of '%s'", v->path);
    for_each_row(frame, load_row, &loading);
    if (loading.rc == STATUS_OK)
        return encode_next(v, frame);
    av_frame_free(&frame);
    return loading.rc;
}

enum status video_load(struct video *v, struct record_reader *reader)
{
    struct saved_head head;
    ffmpeg_log_begin();
    TRY(record_read(reader, &head, sizeof head));
    head.encoder[sizeof head.encoder - 1] = '\0';
    if (strcmp(head.encoder, v->encoder_name) != 0) {
        return fail(STATUS_UNSUPPORTED, "the video was begun with the encoder '%s', and this is '%s'", head.encoder, v->encoder_name);
    }
    if (head.width != v->options.width || head.height != v->options.height || head.segment != v->segment || head.open_count < 0 ||
        head.open_count > v->segment || head.packet_count < 0 || head.added < head.open_count || (head.open_count == 0 && head.added > 0) ||
        head.packet_count != head.added - head.open_count) {
        return fail(STATUS_FORMAT, "a saved video of %d x %d pixels and %lld frames is not this one", head.width, head.height,
                    (long long)head.added);
    }
    for (int64_t i = 0; i < head.packet_count; i++)
        TRY(load_packet(v, reader));
    v->added = head.packet_count;
    for (int i = 0; i < head.open_count; i++)
        TRY(load_frame(v, reader));
    return STATUS_OK;
}

// Repeats the last frame, within its segment: a key frame in a still picture would show.
static enum status hold(struct video *v)
{
    const int64_t count = llround(v->options.hold * v->options.rate);
    AVFrame *frame = av_frame_clone(v->open[v->open_count - 1]);
    enum status rc = frame ? STATUS_OK : fail(STATUS_LIMIT, "no memory for a frame of '%s'", v->path);
    for (int64_t i = 0; i < count && rc == STATUS_OK; i++) {
        frame->pts = v->added++;
        rc = encode(v, frame);
    }
    av_frame_free(&frame);
    return rc;
}

static enum status write_failed(const struct video *v, int code)
{
    return fail(STATUS_IO, "cannot write '%s': %s", v->path, ffmpeg_log_cause(code));
}

static enum status write_packets(struct video *v, AVFormatContext *muxer)
{
    const AVRational frames = av_inv_q(frame_rate(v));
    for (int64_t i = 0; i < v->packet_count; i++) {
        AVPacket *packet = v->packets[i];
        av_packet_rescale_ts(packet, frames, muxer->streams[0]->time_base);
        const int code = av_write_frame(muxer, packet);
        if (code < 0)
            return write_failed(v, code);
    }
    return STATUS_OK;
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
    if (!stream || avcodec_parameters_copy(stream->codecpar, v->parameters) < 0) {
        rc = fail(STATUS_LIMIT, "no memory for a video");
        goto out;
    }
    stream->time_base = av_inv_q(frame_rate(v));
    stream->avg_frame_rate = frame_rate(v);
    code = avio_open(&muxer->pb, url, AVIO_FLAG_WRITE);
    av_dict_set(&options, "movflags", "+faststart", 0);
    if (code >= 0)
        code = avformat_write_header(muxer, &options);
    if (code < 0) {
        rc = write_failed(v, code);
        goto out;
    }
    TRY_OUT(write_packets(v, muxer));
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
    if (v->added == 0)
        return fail(STATUS_USAGE, "cannot write '%s': a video without a frame", v->path);
    TRY_OUT(hold(v));
    TRY_OUT(end_segment(v));
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
    drop_open(v);
    for (int64_t i = 0; i < v->packet_count; i++)
        av_packet_free(&v->packets[i]);
    free(v->packets);
    avcodec_parameters_free(&v->parameters);
    avcodec_free_context(&v->encoder);
    sws_freeContext(v->scaler);
    av_frame_free(&v->rgb);
    free(v);
    *video = NULL;
}
