// SPDX-License-Identifier: MIT
#include "media/video/video_join.h"

#include <libavformat/avformat.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/system/file.h"
#include "media/picture/ffmpeg.h"
#include "media/video/video_encoder.h"
#include "media/video/video_packets.h"
#include "media/video/video_source.h"

static const uint64_t part_bytes_max = UINT64_C(1) << 36; // the memory that there is decides
enum { STREAMS_MAX = 64 };

// A clip on its way into its file.
struct joining {
    const struct video_join *join;
    const char *path;
    AVFormatContext *muxer, *sound; // sound: NULL where there is none
    int streams[STREAMS_MAX];       // of `sound`: its number in the muxer; -1: it does not come along
    AVPacket *packet, *next;        // of the picture; of the sound, the next one
    bool has_next;
    AVRational tick;
};

static enum status failed(const struct joining *j, int code)
{
    if (code == AVERROR(ENOMEM))
        return no_memory("for '%s'", j->path);
    return fail(STATUS_IO, "cannot write '%s': %s", j->path, ffmpeg_log_cause(code));
}

static bool is_sound(const AVFormatContext *file, unsigned i)
{
    return i < STREAMS_MAX && file->streams[i]->codecpar->codec_type == AVMEDIA_TYPE_AUDIO;
}

static bool holds(const char *container, enum AVCodecID codec)
{
    const AVOutputFormat *format = av_guess_format(container, NULL, NULL);
    return format && avformat_query_codec(format, codec, FF_COMPLIANCE_NORMAL) == 1;
}

enum status video_join_extension(const struct video_join *join, const char **extension)
{
    AVCodecContext *encoder;
    AVFormatContext *sound = NULL;
    TRY(video_encoder_create_for(&encoder, &join->make.form, join->make.encoder, join->make.quality));
    bool fits = holds("mp4", encoder->codec_id);
    avcodec_free_context(&encoder);
    if (join->sound)
        TRY(fail_in(video_source_open_container(&sound, join->sound), "%s", join->sound));
    for (unsigned i = 0; sound && i < sound->nb_streams; i++)
        fits = fits && (!is_sound(sound, i) || holds("mp4", sound->streams[i]->codecpar->codec_id));
    avformat_close_input(&sound);
    *extension = fits ? "mp4" : "mkv";
    return STATUS_OK;
}

static enum status add_picture(struct joining *j)
{
    const struct video_form *form = &j->join->make.form;
    AVCodecContext *encoder;
    TRY(video_encoder_create_for(&encoder, form, j->join->make.encoder, j->join->make.quality));
    AVStream *stream = avformat_new_stream(j->muxer, NULL);
    const int code = stream ? avcodec_parameters_from_context(stream->codecpar, encoder) : AVERROR(ENOMEM);
    j->tick = encoder->time_base;
    avcodec_free_context(&encoder);
    if (code < 0)
        return failed(j, code);
    stream->time_base = j->tick;
    stream->avg_frame_rate = (AVRational){form->rate[0], form->rate[1]};
    stream->sample_aspect_ratio = (AVRational){form->aspect[0], form->aspect[1]};
    return STATUS_OK;
}

static enum status add_sound(struct joining *j)
{
    TRY(fail_in(video_source_open_container(&j->sound, j->join->sound), "%s", j->join->sound));
    for (unsigned i = 0; i < j->sound->nb_streams; i++) {
        AVStream *from = j->sound->streams[i];
        const bool comes = is_sound(j->sound, i);
        from->discard = comes ? AVDISCARD_DEFAULT : AVDISCARD_ALL;
        if (i < STREAMS_MAX)
            j->streams[i] = comes ? (int)j->muxer->nb_streams : -1;
        if (!comes)
            continue;
        AVStream *stream = avformat_new_stream(j->muxer, NULL);
        const int code = stream ? avcodec_parameters_copy(stream->codecpar, from->codecpar) : AVERROR(ENOMEM);
        if (code < 0)
            return failed(j, code);
        stream->codecpar->codec_tag = 0; // the container has its own
        stream->time_base = from->time_base;
        stream->disposition = from->disposition;
        const AVDictionaryEntry *language = av_dict_get(from->metadata, "language", NULL, 0);
        if (language)
            av_dict_set(&stream->metadata, "language", language->value, 0);
    }
    return STATUS_OK;
}

// The next packet of sound; where the file ends, or is damaged, there are no more.
static void find_sound(struct joining *j)
{
    while (!j->has_next && j->sound && av_read_frame(j->sound, j->next) >= 0) {
        const int from = j->next->stream_index;
        j->has_next = from < STREAMS_MAX && j->streams[from] >= 0 && j->next->dts != AV_NOPTS_VALUE;
        if (!j->has_next)
            av_packet_unref(j->next);
    }
}

static enum status write_packet(struct joining *j, AVPacket *packet, int stream, AVRational from)
{
    packet->stream_index = stream;
    packet->pos = -1;
    av_packet_rescale_ts(packet, from, j->muxer->streams[stream]->time_base);
    const int code = av_write_frame(j->muxer, packet);
    av_packet_unref(packet);
    return code < 0 ? failed(j, code) : STATUS_OK;
}

// What is to be heard before a time of the picture; `all`: what is left.
static enum status write_sound(struct joining *j, int64_t time, bool all)
{
    for (find_sound(j); j->has_next; find_sound(j)) {
        const int from = j->next->stream_index;
        const AVRational base = j->sound->streams[from]->time_base;
        if (!all && av_compare_ts(j->next->dts, base, time, j->tick) > 0)
            return STATUS_OK;
        j->has_next = false;
        TRY(write_packet(j, j->next, j->streams[from], base));
    }
    return STATUS_OK;
}

static enum status write_part(struct joining *j, const char *path)
{
    struct record_reader reader;
    void *memory;
    enum status rc = STATUS_OK;
    TRY(record_open(path, part_bytes_max, &memory, &reader));
    while (rc == STATUS_OK && reader.left) {
        TRY_OUT(video_packets_next(&reader, j->packet));
        TRY_OUT(write_sound(j, j->packet->dts, false));
        rc = write_packet(j, j->packet, 0, j->tick);
    }
out:
    free(memory);
    return fail_in(rc, "%s", path);
}

static enum status write_all(struct joining *j)
{
    AVDictionary *options = NULL;
    av_dict_set(&options, "movflags", "+faststart", 0); // Matroska knows of none
    int code = avformat_write_header(j->muxer, &options);
    av_dict_free(&options);
    if (code < 0)
        return failed(j, code);
    for (int i = 0; i < j->join->part_count; i++)
        TRY(write_part(j, j->join->parts[i]));
    TRY(write_sound(j, 0, true));
    code = av_write_trailer(j->muxer);
    const int closed = avio_closep(&j->muxer->pb);
    return code < 0 || closed < 0 ? failed(j, code < 0 ? code : closed) : STATUS_OK;
}

static enum status write_file(struct joining *j, const struct file_writer *file)
{
    const char *dot = strrchr(j->path, '.');
    char url[FILE_PATH_MAX + 8];
    ffmpeg_log_begin();
    snprintf(url, sizeof url, "file:%s", file->aside); // a name like "pipe:1" is a name, not a protocol
    int code = avformat_alloc_output_context2(&j->muxer, NULL, dot && strcmp(dot, ".mkv") == 0 ? "matroska" : "mp4", url);
    j->packet = av_packet_alloc();
    j->next = av_packet_alloc();
    if (code < 0 || !j->packet || !j->next)
        return failed(j, AVERROR(ENOMEM));
    j->muxer->flags |= AVFMT_FLAG_BITEXACT;
    TRY(add_picture(j));
    if (j->join->sound)
        TRY(add_sound(j));
    code = avio_open(&j->muxer->pb, url, AVIO_FLAG_WRITE);
    return code < 0 ? failed(j, code) : write_all(j);
}

enum status video_join_write(const struct video_join *join, const char *path)
{
    struct joining j = {.join = join, .path = path};
    struct file_writer file = {0};
    enum status rc;
    TRY_OUT(file_create(&file, path));
    TRY_OUT(write_file(&j, &file));
    rc = file_commit(&file);
out:
    if (j.muxer)
        avio_closep(&j.muxer->pb);
    avformat_free_context(j.muxer);
    avformat_close_input(&j.sound);
    av_packet_free(&j.packet);
    av_packet_free(&j.next);
    file_abandon(&file);
    return rc;
}
