// SPDX-License-Identifier: MIT
// How a function says that it failed.
//
// Whoever detects an error calls fail() with a message; whoever calls passes the status on. The message is kept per thread until the
// next fail() on that thread. Messages are lower case and say what was wrong, where (file, key, offset) and what to do.
#pragma once

#include <stdlib.h>

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(text, first) __attribute__((__format__(__printf__, text, first)))

enum status {
    STATUS_OK = 0,
    STATUS_USAGE,       // the command line or the configuration is wrong
    STATUS_IO,          // the system refused: open, read, write, network
    STATUS_FORMAT,      // bytes from outside are not what they should be
    STATUS_LIMIT,       // more than a limit allows: pixels, bytes, memory
    STATUS_UNSUPPORTED, // valid, but not something that this build can do
    STATUS_STOPPED,     // a signal or a time limit ended the work early
    STATUS_INTERNAL,    // a library refused what it should accept; a bug
};

#define STATUS_MESSAGE_MAX 1024

// Records the message for this thread and returns `code`.
enum status fail(enum status code, const char *format, ...) PRINTF_LIKE(2, 3);

// Puts "context: " before this thread's message and returns `code` unchanged. Does nothing to STATUS_OK.
enum status fail_in(enum status code, const char *format, ...) PRINTF_LIKE(2, 3);

// STATUS_LIMIT, with "no memory " and what it was for: a format, spelled out, and its arguments.
#define no_memory(...) fail(STATUS_LIMIT, "no memory " __VA_ARGS__)

// This thread's last message; never NULL.
const char *status_message(void);

// Leaves the function with the first failure.
#define TRY(call)                                                                                                                          \
    do {                                                                                                                                   \
        const enum status try_status = (call);                                                                                             \
        if (try_status != STATUS_OK)                                                                                                       \
            return try_status;                                                                                                             \
    } while (0)

// The same by the label `out`, where there is something to release: in a function with `enum status rc`.
#define TRY_OUT(call)                                                                                                                      \
    do {                                                                                                                                   \
        rc = (call);                                                                                                                       \
        if (rc != STATUS_OK)                                                                                                               \
            goto out;                                                                                                                      \
    } while (0)

// `pointer` to `count` elements, all zero, or no_memory() for what follows.
#define ALLOCATE(pointer, count, ...)                                                                                                      \
    ((pointer) = calloc((size_t)(count), sizeof *(pointer)), (pointer) ? STATUS_OK : no_memory(__VA_ARGS__))
