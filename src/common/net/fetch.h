// SPDX-License-Identifier: MIT
// Downloads one file by http or https: complete or absent under its name, resumed where it broke off, never more than allowed.
//
// Proxies follow the usual variables (http_proxy, https_proxy, no_proxy); certificates CURL_CA_BUNDLE, SSL_CERT_FILE, SSL_CERT_DIR or
// the system's own.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/system/status.h"

struct fetch_options {
    uint64_t limit;          // bytes that the file may have
    const char *md5;         // what the file must have, lower-case hex; NULL: unknown
    double connect_seconds;  // to resolve the name and connect
    double stall_seconds;    // below 1000 bytes a second for so long: stalled
    double total_seconds;    // one attempt; 0: no limit
    double back_off_seconds; // before the second attempt, doubled for each later one, times 0.5 to 1.5 at random
    const char *user_agent;  // NULL: oneiros and its version
    const char *header;      // "Name: value", a secret; NULL: none. It goes to the scheme, host and port of the address alone, as do its
                             // user and password, not to where a redirect leads
    const char *header_host; // the only host, or host:port, that gets it; NULL: any
    int attempts;            // on answers 408, 429 and 5xx, resets and time-outs; a name that does not resolve is tried twice at most
    // Called about once a second and more often; total is 0 while unknown. False stops with STATUS_STOPPED. NULL: none.
    bool (*progress)(void *context, uint64_t done, uint64_t total);
    void *context;
};

// Connect 10 s, stall 30 s, 4 attempts, 1 s back-off, no limit on the whole time.
struct fetch_options fetch_defaults(uint64_t limit);

// Leaves the file at `path` (replaced if there). Until then it is <path>.partial, which one process at a time owns: another one waits.
// With an MD5 the partial file of an interrupted download stays and is gone on with the next time; without, it is removed.
// Answers that are not 200 (or 206 to a resumed request) are errors, and their bodies are not kept.
enum status fetch_file(const char *url, const char *path, const struct fetch_options *options) MUST_CHECK;

// The same into a file in `folder` that has no name (file_create_nameless), or, where that is NULL, into memory; open and the caller's; -1
// on failure. No MD5. Messages do not name the address: the caller does.
enum status fetch_nameless(const char *url, const char *folder, const struct fetch_options *options, int *descriptor) MUST_CHECK;
