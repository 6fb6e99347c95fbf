// SPDX-License-Identifier: MIT
// Many downloads at once, in a thread of their own (libcurl's multi interface): each as fetch_nameless() would do it, none waiting for
// another.
//
// `parallel` of them move at a time. One whose server has been silent for two seconds, or that waits before its next attempt, does not
// count, so that servers that stall hold up nobody else; but there are never more than DOWNLOADS_OPEN_MAX x parallel connections.
#pragma once

#include "common/net/fetch.h"

enum { DOWNLOADS_OPEN_MAX = 4 };

struct downloads;

struct downloads_options {
    struct fetch_options fetch; // of each; neither MD5 nor progress
    int parallel;
    const char *folder; // that the files are in, without names; must outlive the downloads
    // A download has ended: `item` is what it was added with. On success `descriptor` is its file, the callee's; else it is -1 and
    // status_message() says why, without the URL. In the downloads' own thread: be quick.
    void (*done)(void *context, void *item, enum status status, int descriptor, uint64_t bytes, double seconds);
    void *context;
};

enum status downloads_create(struct downloads **downloads, const struct downloads_options *options) MUST_CHECK;

// They begin in the order in which they are added. `url` must stay until `done`, or until the downloads are destroyed.
enum status downloads_add(struct downloads *downloads, const char *url, void *item) MUST_CHECK;

// Ends all of them soon, without `done`. Returns at once.
void downloads_stop(struct downloads *downloads);

// Stops, and waits until the thread has ended: `done` is not called afterwards. NULL inside is fine.
void downloads_destroy(struct downloads **downloads);
