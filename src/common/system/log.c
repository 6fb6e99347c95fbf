// SPDX-License-Identifier: MIT
#include "common/system/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/system/text.h"

static enum log_level threshold = LOG_INFO;
static _Thread_local void (*before_line)(void); // of the thread that the display belongs to
static _Thread_local void (*after_line)(void);
static atomic_bool display; // whether there is one

void log_set_level(enum log_level level)
{
    threshold = level;
}

enum log_level log_get_level(void)
{
    return threshold;
}

void log_set_hooks(void (*before)(void), void (*after)(void))
{
    before_line = before;
    after_line = after;
    display = before != NULL;
}

void log_line(enum log_level level, const char *format, ...)
{
    static const char *const prefixes[] = {"oneiros: error: ", "oneiros: warning: ", "oneiros: ", "oneiros: "};
    if (level > threshold)
        return;
    char line[STATUS_MESSAGE_MAX + 512];
    const bool aside = display && !before_line; // another thread's display: wipe it out, it will soon be drawn again
    int prefix = snprintf(line, sizeof line, "%s%s", aside ? "\r\033[K" : "", prefixes[level]);
    va_list args;
    va_start(args, format);
    int text = vsnprintf(line + prefix, sizeof line - (size_t)prefix - 1, format, args);
    va_end(args);
    if (text < 0)
        return;
    text_make_printable(line + prefix);
    size_t length = strlen(line);
    line[length++] = '\n';
    if (before_line)
        before_line();
    ssize_t written = write(STDERR_FILENO, line, length);
    (void)written; // nowhere left to complain to
    if (after_line)
        after_line();
}
