// SPDX-License-Identifier: MIT
#include "media/video/video_part.h"

#include <libavcodec/avcodec.h>
#include <libavutil/imgutils.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "media/picture/ffmpeg.h"
#include "media/video/video_colours.h"
#include "media/video/video_encoder.h"
#include "media/video/video_packets.h"

struct stamp {
    int64_t time, duration;
};

struct video_part {
    struct video_make make;
    struct video_colours colours;
    AVFrame *frame; // as it is encoded
    int frame_bytes;
    uint8_t *open[VIDEO_GROUP];       // [open_count] frames of the group under way, without gaps; NULL where there was none yet
    struct stamp stamps[VIDEO_GROUP]; // of them
    int open_count;
    int64_t last;                 // time of the last frame
    struct record_writer packets; // of whole groups
};

static enum status make_frame(struct video_part *p)
{
    AVCodecContext *encoder;
    TRY(video_encoder_create_for(&encoder, &p->make.form, p->make.encoder, p->make.quality));
    p->frame = ffmpeg_frame_create(encoder->width, encoder->height, encoder->pix_fmt);
    if (p->frame) {
        p->frame->color_primaries = encoder->color_primaries;
        p->frame->color_trc = encoder->color_trc;
        p->frame->colorspace = encoder->colorspace;
        p->frame->color_range = encoder->color_range;
        p->frame->sample_aspect_ratio = encoder->sample_aspect_ratio;
        p->frame_bytes = av_image_get_buffer_size(encoder->pix_fmt, encoder->width, encoder->height, 1);
        p->make.form.matrix = encoder->colorspace;
        p->make.form.range = encoder->color_range;
    }
    avcodec_free_context(&encoder);
    return p->frame && p->frame_bytes > 0 ? STATUS_OK : no_memory("for a video of %d x %d pixels", p->make.form.width, p->make.form.height);
}

enum status video_part_create(struct video_part **part, const struct video_make *make)
{
    TRY(ALLOCATE(*part, 1, "for a part of a video"));
    struct video_part *p = *part;
    enum status rc;
    p->make = *make;
    p->last = INT64_MIN;
    TRY_OUT(record_create_in_memory(&p->packets));
    rc = make_frame(p);
out:
    if (rc != STATUS_OK)
        video_part_abandon(part);
    return rc;
}

void video_part_abandon(struct video_part **part)
{
    struct video_part *p = *part;
    if (!p)
        return;
    record_abandon(&p->packets);
    for (int i = 0; i < VIDEO_GROUP; i++)
        free(p->open[i]);
    video_colours_destroy(&p->colours);
    av_frame_free(&p->frame);
    free(p);
    *part = NULL;
}

// NULL: the group has no more frames. The packets' durations are those of the frames of their times.
static enum status encode(struct video_part *p, AVCodecContext *encoder, const AVFrame *frame)
{
    AVPacket *packet = av_packet_alloc();
    int code = packet ? avcodec_send_frame(encoder, frame) : AVERROR(ENOMEM);
    while (code >= 0 && (code = avcodec_receive_packet(encoder, packet)) >= 0) {
        packet->dts = packet->pts; // nothing is reordered
        for (int i = 0; i < p->open_count; i++)
            if (p->stamps[i].time == packet->pts)
                packet->duration = p->stamps[i].duration;
        video_packets_keep(&p->packets, packet);
    }
    av_packet_free(&packet);
    if (code != AVERROR(EAGAIN) && code != AVERROR_EOF)
        return fail(STATUS_INTERNAL, "cannot encode a frame of a video: %s", ffmpeg_log_cause(code));
    return STATUS_OK;
}

static enum status encode_group(struct video_part *p)
{
    AVCodecContext *encoder;
    enum status rc;
    ffmpeg_log_begin();
    TRY_OUT(video_encoder_create_for(&encoder, &p->make.form, p->make.encoder, p->make.quality));
    for (int i = 0; i < p->open_count; i++) {
        uint8_t *planes[4];
        int strides[4];
        TRY_OUT(av_frame_make_writable(p->frame) >= 0 ? STATUS_OK : no_memory("for a frame of a video")); // encoders keep some
        av_image_fill_arrays(planes, strides, p->open[i], p->frame->format, p->frame->width, p->frame->height, 1);
        av_image_copy(p->frame->data, p->frame->linesize, (const uint8_t **)planes, strides, p->frame->format, p->frame->width,
                      p->frame->height);
        p->frame->pts = p->stamps[i].time;
        TRY_OUT(encode(p, encoder, p->frame));
    }
    TRY_OUT(encode(p, encoder, NULL));
    p->open_count = 0;
    rc = fflush(p->packets.stream) == 0 && !p->packets.error ? STATUS_OK : no_memory("for the frames of a video");
out:
    avcodec_free_context(&encoder);
    return rc;
}

// Room for one more of the group under way.
static enum status open_frame(struct video_part *p, struct stamp stamp, uint8_t **frame)
{
    const int i = p->open_count;
    if (!p->open[i])
        p->open[i] = malloc((size_t)p->frame_bytes);
    *frame = p->open[i];
    if (!*frame)
        return no_memory("for a frame of a video");
    p->stamps[i] = stamp;
    p->last = stamp.time;
    p->open_count++;
    return STATUS_OK;
}

enum status video_part_add(struct video_part *p, const float *rgb, int64_t time, int64_t duration)
{
    uint8_t *frame;
    if (time <= p->last || duration < 0)
        return fail(STATUS_INTERNAL, "a frame at %lld behind one at %lld", (long long)time, (long long)p->last);
    if (p->open_count == VIDEO_GROUP)
        TRY(encode_group(p));
    if (av_frame_make_writable(p->frame) < 0)
        return no_memory("for a frame of a video");
    TRY(video_colours_give(&p->colours, rgb, &p->make.form, p->frame));
    TRY(open_frame(p, (struct stamp){time, duration}, &frame));
    av_image_copy_to_buffer(frame, p->frame_bytes, (const uint8_t *const *)p->frame->data, p->frame->linesize, p->frame->format,
                            p->frame->width, p->frame->height, 1);
    return STATUS_OK;
}

// What a saved part begins with; then come the packets, and time and frame of those of the group under way.
struct saved_part {
    struct video_form form;
    int32_t format, open_count;
    int64_t last, packets; // bytes
};

void video_part_save(const struct video_part *p, struct record_writer *writer)
{
    const struct saved_part saved = {.form = p->make.form,
                                     .format = p->frame->format,
                                     .open_count = p->open_count,
                                     .last = p->last,
                                     .packets = (int64_t)p->packets.size};
    record_write(writer, &saved, sizeof saved);
    record_append(writer, p->packets.memory, p->packets.size);
    for (int i = 0; i < p->open_count; i++) {
        record_write(writer, &p->stamps[i], sizeof p->stamps[i]);
        record_write(writer, p->open[i], (size_t)p->frame_bytes);
    }
}

static enum status read_saved(const struct video_part *p, struct record_reader *reader, struct saved_part *saved)
{
    TRY(record_read(reader, saved, sizeof *saved));
    if (memcmp(&saved->form, &p->make.form, sizeof saved->form) != 0 || saved->format != p->frame->format || saved->open_count < 0 ||
        saved->open_count > VIDEO_GROUP || saved->packets < 0 || (uint64_t)saved->packets > reader->left)
        return fail(STATUS_FORMAT, "a saved part of %d x %d pixels is not of this video", (int)saved->form.width, (int)saved->form.height);
    return STATUS_OK;
}

enum status video_part_load(struct video_part *p, struct record_reader *reader)
{
    struct saved_part saved;
    AVPacket *packet = av_packet_alloc();
    enum status rc;
    TRY_OUT(packet ? read_saved(p, reader, &saved) : no_memory("for a frame of a video"));
    const size_t rest = reader->left - (size_t)saved.packets;
    while (reader->left > rest) {
        TRY_OUT(video_packets_next(reader, packet));
        video_packets_keep(&p->packets, packet);
    }
    TRY_OUT(reader->left == rest && fflush(p->packets.stream) == 0 ? STATUS_OK : fail(STATUS_FORMAT, "a saved part of a video is damaged"));
    while (p->open_count < saved.open_count) {
        struct stamp stamp;
        uint8_t *frame;
        TRY_OUT(record_read(reader, &stamp, sizeof stamp));
        if (stamp.time > saved.last || (p->open_count > 0 && stamp.time <= p->last) || stamp.duration < 0)
            TRY_OUT(fail(STATUS_FORMAT, "a saved part of a video has a frame out of its time"));
        TRY_OUT(open_frame(p, stamp, &frame));
        TRY_OUT(record_read(reader, frame, (size_t)p->frame_bytes));
    }
    p->last = saved.last;
out:
    av_packet_free(&packet);
    return rc;
}

enum status video_part_finish(struct video_part **part, const char *path)
{
    struct video_part *p = *part;
    struct record_writer writer;
    enum status rc = p->open_count > 0 ? encode_group(p) : STATUS_OK;
    if (rc == STATUS_OK)
        rc = record_create(&writer, path);
    if (rc == STATUS_OK) {
        record_append(&writer, p->packets.memory, p->packets.size);
        rc = record_commit(&writer);
    }
    video_part_abandon(part);
    return rc;
}
