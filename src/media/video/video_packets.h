// SPDX-License-Identifier: MIT
// Encoded frames as records (common/wire/record_file.h): how they wait until their file is written.
#pragma once

#include <libavcodec/packet.h>

#include "common/wire/record_file.h"

// Takes what the packet refers to. Where memory runs out, the writer's error says so.
void video_packets_keep(struct record_writer *packets, AVPacket *packet);

// The next one into a packet that refers to nothing. STATUS_FORMAT: it is none.
enum status video_packets_next(struct record_reader *packets, AVPacket *packet) MUST_CHECK;
