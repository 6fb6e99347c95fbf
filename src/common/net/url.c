// SPDX-License-Identifier: MIT
#include "common/net/url.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static const char scheme_end[] = "://";

bool url_has_scheme(const char *text)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-.";
    const size_t length = strspn(text, letters);
    return length > 1 && isalpha((unsigned char)text[0]) && strncmp(text + length, scheme_end, sizeof scheme_end - 1) == 0;
}

// What the standard (url.spec.whatwg.org) has encoded in a path, and before the ? in a query.
static bool is_encoded(char c, bool query)
{
    const unsigned char byte = (unsigned char)c;
    return byte <= ' ' || byte >= 0x7f || strchr("\"<>", c) || (query ? c == '\'' : strchr("`{}^", c) != NULL);
}

enum status url_encode(const char *url, char out[URL_MAX])
{
    static const char blanks[] = " \t\r\n\v\f";
    size_t used = 0;
    bool query = false;
    url += strspn(url, blanks);
    size_t length = strlen(url);
    while (length > 0 && strchr(blanks, url[length - 1]))
        length--;
    const char *start = strstr(url, scheme_end), *end = url + length;
    start = start ? start + sizeof scheme_end - 1 : url;
    const size_t host = strcspn(start, "/\\?#");
    for (const char *c = url; c < end; c++) {
        const bool behind = c >= start + host;
        if (used + 4 > URL_MAX)
            return fail(STATUS_LIMIT, "the address is longer than %d bytes", URL_MAX - 4);
        if (behind && is_encoded(*c, query))
            used += (size_t)snprintf(out + used, 4, "%%%02X", (unsigned)(unsigned char)*c);
        else
            out[used++] = behind && !query && *c == '\\' ? '/' : *c;
        query = query || (behind && *c == '?');
    }
    out[used] = '\0';
    return STATUS_OK;
}
