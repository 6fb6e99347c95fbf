// SPDX-License-Identifier: MIT
// One file on its way from a server into an open file, attempt by attempt: what fetch_file() does for one and downloads.h for many at once.
//
// Each attempt is transfer_begin(), a libcurl handle's run, and transfer_end(); after a failure transfer_again() says whether and when to
// try once more. So it does at once after a redirect, which libcurl does not follow by itself: it would take headers along to any host.
// Messages do not name the URL: the callers do, as url_shown(), where their readers do not know it. An attempt goes on where the last one
// broke off if the server promises that it is still the same file.
#pragma once

#include <curl/curl.h>

#include "common/net/fetch.h"

struct transfer {
    const char *url, *place; // the caller's; place: what the file is called in messages
    const struct fetch_options *options;
    int descriptor; // of the file, the caller's
    uint64_t size;  // of the file
    char etag[256]; // of what the file holds; empty: unknown
    int64_t whole;  // bytes that it will have, as the server said then; 0: unknown
    bool trusted;   // whether going on with the file is safe: it can be checked
    int tried;      // attempts
    char *at;       // malloc'ed: where redirects of this attempt have led; NULL: it is at `url`
    int redirects;  // so many
    bool moved;     // the last answer was one
    // One attempt:
    CURL *curl; // NULL: none under way
    struct curl_slist *headers;
    CURLcode code;
    bool begun;                      // the answer's body has started
    bool has_location;               // of that answer's headers
    uint64_t ignored;                // bytes of a redirect's body
    char answer_etag[256];           // of the answer whose headers are coming in
    int64_t range_start, range_end;  // of that answer, the first and the last byte; -1: none
    int64_t range_whole;             // bytes of the file that they are of; -1: unknown
    long retry_after;                // seconds that the server asks to wait; 0: it does not
    enum status refusal;             // why a callback ended the attempt; STATUS_OK: it did not
    char reason[STATUS_MESSAGE_MAX]; // in words: other transfers of the thread fail, too, before this one ends
    bool retry;                      // whether another attempt may help
    char error[CURL_ERROR_SIZE];
};

// Makes libcurl ready, once: before anything else of it is used. transfer_begin() does so, too.
void transfer_start(void);

// Makes transfer->curl, ready to be performed alone or in a multi handle.
enum status transfer_begin(struct transfer *transfer) MUST_CHECK;

// What became of the attempt, after libcurl is done with it. The handle is gone.
enum status transfer_end(struct transfer *transfer, CURLcode code) MUST_CHECK;

// Drops an attempt under way, if there is one, without waiting for anything.
void transfer_abandon(struct transfer *transfer);

// After a failure: whether to try again, and in how many seconds.
bool transfer_again(const struct transfer *transfer, double *seconds);

// When it is not tried again: returns `status` and says in this thread's message how often it was tried.
enum status transfer_give_up(const struct transfer *transfer, enum status status);

// Empties the file: the next attempt is from the start.
enum status transfer_cut(struct transfer *transfer) MUST_CHECK;
