// SPDX-License-Identifier: MIT
// Addresses as people write them, and as servers want them.
#pragma once

#include <stdbool.h>

#include "common/system/status.h"

enum { URL_MAX = 3 * 4096 };

// As a browser sends what is typed: blanks, quotes and other characters that an address cannot hold, UTF-8 among them, become %XX behind
// the host, blanks around it go. What is encoded already stays. A host's letters are libcurl's to encode.
enum status url_encode(const char *url, char out[URL_MAX]) MUST_CHECK;

// Whether a text is an address, of whatever kind: letters, digits, + - . and then ://
bool url_has_scheme(const char *text);

// Whether a text may be meant as an address, of whatever kind and however wrong: it has :// somewhere, begins with // (quotes, brackets or
// the dash of a list before it), or has user:password@ before the first slash.
bool url_is_near(const char *text);

// What an address is made of: places in the text, `host` <= `path` <= `query` <= its end. Also of one that is written wrong: a user or
// password with a slash in it ends at the last @. Parameters of the path, behind a semicolon, are of the query. Where what stands behind
// the host's colon is no port, and nothing says that it is a password, `query` is that colon, and all behind it is the query.
struct url_parts {
    size_t scheme; // where it begins, behind blanks
    size_t user;   // of user and password, if there are any: user < host; with the @ at their end
    size_t host, path, query, fragment;
};
struct url_parts url_split(const char *url);
bool url_has_wrong_port(const char *url);

// An address as it may be shown to anybody: user, password, query and fragment, which may be secrets, are three dots, or `mark` is in place
// of the fragment, wherever something is hidden. So it is of a text that may be meant as one; words before it are three dots, too. Anything
// else stays as it is. Cut where it does not fit; returns `out`.
enum { URL_SHOWN_MAX = 4096 + 64 };
const char *url_shown(const char *url, const char *mark, char out[URL_SHOWN_MAX]);

// Whether two addresses are of one scheme, host and port.
bool url_same_origin(const char *a, const char *b);

// Sets the user and password that an address holds, if it does, for a request to another one.
void url_credentials(const char *url, void *curl);
