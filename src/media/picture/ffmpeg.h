// SPDX-License-Identifier: MIT
// FFmpeg's own messages: kept instead of printed, so that the cause of a failure gets into the message about it.
#pragma once

#include <stdbool.h>

// From now on FFmpeg prints nothing, and this thread has no error yet. FFmpeg must work on the calling thread (thread_count 1).
void ffmpeg_log_begin(void);

// Whether FFmpeg logged an error on this thread since ffmpeg_log_begin().
bool ffmpeg_log_failed(void);

// The first error that FFmpeg logged on this thread since ffmpeg_log_begin(), one line without its end, else the text of `code` (an
// AVERROR). The first is the cause; what follows are the callers that give up. Valid until the next call on this thread.
const char *ffmpeg_log_cause(int code);
