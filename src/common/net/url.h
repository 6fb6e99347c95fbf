// SPDX-License-Identifier: MIT
// Addresses as people write them, and as servers want them.
#pragma once

#include <stdbool.h>

#include "common/system/status.h"

enum { URL_MAX = 3 * 4096 };

// As a browser sends what is typed: blanks, quotes and other characters that an address cannot hold, UTF-8 among them, become %XX behind the
// host, blanks around it go. What is encoded already stays. A host's letters are libcurl's to encode.
enum status url_encode(const char *url, char out[URL_MAX]) MUST_CHECK;

// Whether a text is an address, of whatever kind: letters, digits, + - . and then ://
bool url_has_scheme(const char *text);
