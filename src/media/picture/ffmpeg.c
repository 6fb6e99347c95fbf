// SPDX-License-Identifier: MIT
#include "media/picture/ffmpeg_log.h"

#include <libavutil/error.h>
#include <libavutil/log.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static _Thread_local char cause[256];

static void on_log(void *context, int level, const char *format, va_list args)
{
    (void)context;
    if (level > AV_LOG_ERROR || cause[0])
        return;
    vsnprintf(cause, sizeof cause, format, args);
    cause[strcspn(cause, "\r\n")] = '\0';
}

void ffmpeg_log_begin(void)
{
    cause[0] = '\0';
    av_log_set_callback(on_log);
}

bool ffmpeg_log_failed(void)
{
    return cause[0] != '\0';
}

const char *ffmpeg_log_cause(int code)
{
    if (!cause[0])
        av_strerror(code, cause, sizeof cause);
    return cause;
}
