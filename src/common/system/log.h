// SPDX-License-Identifier: MIT
// What the program says on standard error. One line a call, written with one write(2), so that ranks do not mix within a line.
#pragma once

#include "common/system/status.h"

enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG };

// Messages above `level` are dropped. Default LOG_INFO; -q is LOG_WARNING, -v is LOG_DEBUG.
void log_set_level(enum log_level level);
enum log_level log_get_level(void);

// Called before and after each line of the calling thread, so that a progress bar can clear and redraw itself. NULL: none. A line of
// another thread wipes the bar out.
void log_set_hooks(void (*before)(void), void (*after)(void));

void log_line(enum log_level level, const char *format, ...) PRINTF_LIKE(2, 3);

#define log_error(...) log_line(LOG_ERROR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_WARNING, __VA_ARGS__)
#define log_info(...) log_line(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_DEBUG, __VA_ARGS__)
