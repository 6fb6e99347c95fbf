// SPDX-License-Identifier: MIT
#include "media/video/video_reader.h"

#include <libavformat/avformat.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "media/picture/codec_formats.h"
#include "media/picture/ffmpeg.h"
#include "media/video/video_colours.h"
#include "media/video/video_source.h"

enum { LOST_MAX = 64 };    // frames that a decoder gave up at once, at most; of more the first are kept
enum { ERRORS_MAX = 256 }; // in a row while a decoder is emptied
enum { MISSING_MOST = 8 }; // a part of all frames: of more that are missing the file was cut
enum { PREROLL = 1 };      // seconds: a decoder begins at least so much before what is wanted

struct video_reader {
    char path[4096];
    struct image_limits limits;
    struct video_facts facts;
    struct video_source source;
    struct video_colours colours;
    int stored_width, stored_height; // before they are turned upright
    bool emptied;                    // no packets are left
    int64_t packets;                 // from the beginning on; -1: it was not begun there
    int64_t sent;                    // time of the packet that was decoded last
    int64_t lost[LOST_MAX];          // times of packets that gave no frame, rising
    int lost_count;
    AVFrame *ahead; // decoded, and not yet shown, since lost ones may come before it
    bool has_ahead;
    AVFrame *whole; // the last that was sound, which is shown for those that are not
    bool has_whole;
    AVFrame *shown;
    int64_t time, last; // of `shown`; of the one before it
    bool held;          // `shown` has not been given out
    bool counts;        // the file has no times
};

static enum status refuse(const struct video_reader *r, int code)
{
    if (code == AVERROR(ENOMEM))
        return no_memory("to read '%s'", r->path);
    return fail(STATUS_FORMAT, "no video that can be read: %s", ffmpeg_log_cause(code));
}

// A packet that gave no frame: its time goes where it belongs among the others.
static void lose(struct video_reader *r, int64_t time)
{
    int at = r->lost_count;
    if (time == AV_NOPTS_VALUE || r->lost_count == LOST_MAX)
        return;
    while (at > 0 && r->lost[at - 1] > time) {
        r->lost[at] = r->lost[at - 1];
        at--;
    }
    r->lost[at] = time;
    r->lost_count++;
}

// Fewer packets than the container claims: some are lost, or, where they are many, the file ends too early. Of most containers reading has
// said so already.
static void miss(struct video_reader *r)
{
    const int64_t missing = r->facts.frames - r->packets;
    if (r->packets < 0 || missing <= 0 || r->facts.truncated)
        return;
    if (missing > r->facts.frames / MISSING_MOST)
        r->facts.truncated = true;
    else
        r->facts.damaged += missing;
}

// The next packet to the decoder, or word that there are no more.
static enum status feed(struct video_reader *r)
{
    struct ffmpeg_decoder *d = &r->source.decoder;
    ffmpeg_log_begin();
    int code = av_read_frame(r->source.format, d->packet);
    if (code == AVERROR(ENOMEM))
        return refuse(r, code);
    if (code < 0) {
        r->facts.truncated = r->facts.truncated || code != AVERROR_EOF || ffmpeg_log_failed();
        r->emptied = true;
        miss(r);
        code = avcodec_send_packet(d->context, NULL);
        return code == AVERROR(ENOMEM) ? refuse(r, code) : STATUS_OK;
    }
    code = 0;
    r->packets += r->packets >= 0 && d->packet->stream_index == r->source.stream;
    if (d->packet->stream_index == r->source.stream && !(d->packet->flags & AV_PKT_FLAG_CORRUPT)) {
        r->sent = d->packet->pts;
        code = avcodec_send_packet(d->context, d->packet);
        if (code < 0 && code != AVERROR(ENOMEM))
            lose(r, r->sent);
    } else if (d->packet->stream_index == r->source.stream) {
        lose(r, d->packet->pts);
    }
    av_packet_unref(d->packet);
    return code == AVERROR(ENOMEM) ? refuse(r, code) : STATUS_OK;
}

// One frame into `ahead`, if there is one left.
static enum status decode(struct video_reader *r)
{
    struct ffmpeg_decoder *d = &r->source.decoder;
    for (int errors = 0; errors < ERRORS_MAX;) {
        ffmpeg_log_begin();
        const int code = avcodec_receive_frame(d->context, r->ahead);
        r->has_ahead = code >= 0;
        if (code >= 0 || code == AVERROR_EOF)
            return STATUS_OK;
        if (code == AVERROR(ENOMEM))
            return refuse(r, code);
        if (code != AVERROR(EAGAIN) && !r->emptied)
            lose(r, r->sent);
        if (!r->emptied)
            TRY(feed(r));
        else
            errors++;
    }
    return STATUS_OK;
}

static int64_t frame_ticks(const struct video_reader *r)
{
    const struct video_form *form = &r->facts.form;
    const int64_t ticks = av_rescale_q(1, (AVRational){form->rate[1], form->rate[0]}, (AVRational){form->tick[0], form->tick[1]});
    return ticks > 0 ? ticks : 1;
}

static int64_t time_of(struct video_reader *r)
{
    const int64_t time = r->ahead->best_effort_timestamp;
    r->counts = r->counts || time == AV_NOPTS_VALUE;
    return !r->counts ? time : r->last == AV_NOPTS_VALUE ? 0 : r->last + frame_ticks(r);
}

static bool is_damaged(const AVFrame *frame)
{
    return frame->decode_error_flags || frame->flags & AV_FRAME_FLAG_CORRUPT;
}

static enum status show(struct video_reader *r, const AVFrame *frame, int64_t time, bool damaged)
{
    av_frame_unref(r->shown);
    if (av_frame_ref(r->shown, frame) < 0)
        return refuse(r, AVERROR(ENOMEM));
    r->facts.damaged += damaged;
    r->time = r->last == AV_NOPTS_VALUE || time > r->last ? time : r->last + 1;
    r->last = r->time;
    return STATUS_OK;
}

// The time of a lost frame whose turn it is: it comes before the one that is there, or nothing else does.
static bool take_lost(struct video_reader *r, int64_t before, int64_t *time)
{
    while (r->lost_count > 0) {
        *time = r->lost[0];
        const bool late = r->last != AV_NOPTS_VALUE && *time <= r->last;
        if (!late && (r->has_ahead ? *time >= before : r->facts.truncated))
            return false;
        memmove(r->lost, r->lost + 1, (size_t)--r->lost_count * sizeof *r->lost);
        if (!late)
            return true;
    }
    return false;
}

// The next frame into `shown`. *there false: there is none.
static enum status advance(struct video_reader *r, bool *there)
{
    int64_t lost;
    if (!r->has_ahead)
        TRY(decode(r));
    const int64_t time = r->has_ahead ? time_of(r) : 0;
    *there = true;
    if ((r->has_whole || r->has_ahead) && take_lost(r, time, &lost))
        return show(r, r->has_whole ? r->whole : r->ahead, lost, true);
    *there = r->has_ahead;
    if (!r->has_ahead)
        return STATUS_OK;
    r->has_ahead = false;
    if (is_damaged(r->ahead) && r->has_whole)
        return show(r, r->whole, time, true);
    r->has_whole = r->has_whole || !is_damaged(r->ahead);
    TRY(show(r, r->ahead, time, is_damaged(r->ahead)));
    if (is_damaged(r->ahead))
        return STATUS_OK;
    av_frame_unref(r->whole);
    av_frame_move_ref(r->whole, r->ahead);
    return STATUS_OK;
}

// As before the first packet.
static void restart(struct video_reader *r)
{
    avcodec_flush_buffers(r->source.decoder.context);
    av_frame_unref(r->ahead);
    av_frame_unref(r->whole);
    r->has_ahead = r->has_whole = r->held = r->emptied = false;
    r->lost_count = 0;
    r->last = r->sent = AV_NOPTS_VALUE;
}

static enum status begin(struct video_reader *r)
{
    bool there;
    TRY(video_source_open(&r->source, r->path, &r->limits));
    restart(r);
    r->packets = 0;
    TRY(advance(r, &there));
    if (!there)
        return refuse(r, AVERROR_INVALIDDATA);
    r->held = true;
    return STATUS_OK;
}

static enum status find_form(struct video_reader *r)
{
    const AVFrame *frame = r->shown;
    struct video_facts *facts = &r->facts;
    struct video_form *form = &facts->form;
    TRY(video_colours_find(frame, form));
    video_source_describe(&r->source, frame, facts);
    r->stored_width = frame->width;
    r->stored_height = frame->height;
    const bool turned = r->source.orientation > 4;
    form->width = turned ? frame->height : frame->width;
    form->height = turned ? frame->width : frame->height;
    if (form->width > r->limits.side || form->height > r->limits.side || (uint64_t)form->width * (uint64_t)form->height > r->limits.pixels)
        return fail(STATUS_LIMIT, "a video of %d x %d pixels is larger than the limits allow", form->width, form->height);
    return STATUS_OK;
}

enum status video_reader_open(struct video_reader **reader, const char *path, const struct image_limits *limits)
{
    TRY(ALLOCATE(*reader, 1, "to read a video"));
    struct video_reader *r = *reader;
    enum status rc;
    r->limits = *limits;
    r->last = r->sent = AV_NOPTS_VALUE;
    r->ahead = av_frame_alloc();
    r->whole = av_frame_alloc();
    r->shown = av_frame_alloc();
    TRY_OUT(r->ahead && r->whole && r->shown ? STATUS_OK : no_memory("to read a video"));
    if ((size_t)snprintf(r->path, sizeof r->path, "%s", path) >= sizeof r->path)
        TRY_OUT(fail(STATUS_LIMIT, "the name of the file is too long"));
    TRY_OUT(begin(r));
    rc = find_form(r);
out:
    if (rc != STATUS_OK)
        video_reader_close(reader);
    return fail_in(rc, "%s", path);
}

void video_reader_close(struct video_reader **reader)
{
    struct video_reader *r = *reader;
    if (!r)
        return;
    video_source_close(&r->source);
    video_colours_destroy(&r->colours);
    av_frame_free(&r->ahead);
    av_frame_free(&r->whole);
    av_frame_free(&r->shown);
    free(r);
    *reader = NULL;
}

const struct video_facts *video_reader_facts(const struct video_reader *reader)
{
    return &reader->facts;
}

static enum status convert(struct video_reader *r, struct image *image)
{
    enum status rc;
    r->facts.resized = r->facts.resized || r->shown->width != r->stored_width || r->shown->height != r->stored_height;
    TRY(codec_allocate(image, &r->limits, (uint64_t)r->stored_width, (uint64_t)r->stored_height, r->facts.form.bits, false));
    TRY_OUT(video_colours_take(&r->colours, r->shown, &r->facts.form, image));
    rc = codec_turn(image, r->source.orientation);
out:
    if (rc != STATUS_OK)
        image_destroy(image);
    return rc;
}

enum status video_reader_next(struct video_reader *r, struct image *image, int64_t *time, bool *there)
{
    *there = true;
    if (!r->held)
        TRY(fail_in(advance(r, there), "%s", r->path));
    r->held = false;
    if (!*there)
        return STATUS_OK;
    *time = r->time;
    r->facts.interlaced = r->facts.interlaced || video_source_is_interlaced(r->shown);
    return image ? fail_in(convert(r, image), "%s", r->path) : STATUS_OK;
}

// *exact: no frame between is missing, as far as can be known.
static enum status skip_to(struct video_reader *r, int64_t time, bool *exact)
{
    bool there = true, first = !r->held;
    *exact = !first;
    for (;;) {
        if (!r->held)
            TRY(advance(r, &there));
        r->held = there;
        *exact = *exact || (there && r->time <= time);
        if (!there || r->time >= time)
            return STATUS_OK;
        r->held = false;
    }
}

enum status video_reader_seek(struct video_reader *r, int64_t time)
{
    const int64_t before = av_rescale_q(PREROLL, (AVRational){1, 1}, (AVRational){r->facts.form.tick[0], r->facts.form.tick[1]});
    const bool possible = !r->counts && !(r->source.format->iformat->flags & AVFMT_NOTIMESTAMPS) && time >= INT64_MIN + before;
    const int64_t damaged = r->facts.damaged;
    bool exact = false;
    ffmpeg_log_begin();
    if (possible && av_seek_frame(r->source.format, r->source.stream, time - before, AVSEEK_FLAG_BACKWARD) >= 0) {
        restart(r);
        r->packets = -1;
        TRY(fail_in(skip_to(r, time, &exact), "%s", r->path));
    }
    if (!exact) {
        video_source_close(&r->source);
        TRY(fail_in(begin(r), "%s", r->path));
        TRY(fail_in(skip_to(r, time, &exact), "%s", r->path));
    }
    r->facts.damaged = damaged; // those on the way do not count
    return STATUS_OK;
}
