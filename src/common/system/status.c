// SPDX-License-Identifier: MIT
#include "common/system/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static _Thread_local char message[STATUS_MESSAGE_MAX];

enum status fail(enum status code, const char *format, ...)
{
    char text[STATUS_MESSAGE_MAX]; // arguments may point into `message`
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    memcpy(message, text, sizeof message);
    return code;
}

enum status fail_in(enum status code, const char *format, ...)
{
    if (code == STATUS_OK)
        return code;
    char text[STATUS_MESSAGE_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return fail(code, "%s: %s", text, message);
}

const char *status_message(void)
{
    return message;
}
