// SPDX-License-Identifier: MIT
#include "coordinator/ffmpeg_log.h"

#include <libavutil/error.h>
#include <libavutil/log.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static _Thread_local char last[256];

static void on_log(void *context, int level, const char *format, va_list args)
{
    (void)context;
    if (level > AV_LOG_ERROR)
        return;
    vsnprintf(last, sizeof last, format, args);
    last[strcspn(last, "\r\n")] = '\0';
}

void ffmpeg_log_begin(void)
{
    last[0] = '\0';
    av_log_set_callback(on_log);
}

const char *ffmpeg_log_last(int code)
{
    if (!last[0])
        av_strerror(code, last, sizeof last);
    return last;
}
