// SPDX-License-Identifier: MIT
#include "media/video/video_packets.h"

// The flags of a packet that are kept: others change what its bytes are to the muxer; one says that they are a pointer.
enum { FLAGS = AV_PKT_FLAG_KEY | AV_PKT_FLAG_DISPOSABLE };

struct packet_head {
    int64_t pts, dts, duration;
    int32_t flags, size;
};

void video_packets_keep(struct record_writer *packets, AVPacket *packet)
{
    const struct packet_head head = {
        .pts = packet->pts, .dts = packet->dts, .duration = packet->duration, .flags = packet->flags & FLAGS, .size = packet->size};
    record_write(packets, &head, sizeof head);
    record_write(packets, packet->data, (size_t)packet->size);
    av_packet_unref(packet);
}

enum status video_packets_next(struct record_reader *packets, AVPacket *packet)
{
    struct packet_head head;
    TRY(record_read(packets, &head, sizeof head));
    if (head.flags & ~FLAGS || head.size <= 0 || (size_t)head.size > packets->left || head.duration < 0)
        return fail(STATUS_FORMAT, "a frame of flags %#x and %d bytes in a saved video", (unsigned)head.flags, (int)head.size);
    if (av_new_packet(packet, head.size) < 0)
        return no_memory("for a frame of a video");
    packet->pts = head.pts;
    packet->dts = head.dts;
    packet->duration = head.duration;
    packet->flags = head.flags;
    return record_read(packets, packet->data, (size_t)head.size);
}
