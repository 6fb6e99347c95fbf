// SPDX-License-Identifier: MIT
#include "common/net/url.h"

#include <ctype.h>
#include <curl/curl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char scheme_end[] = "://";

// What stands around addresses in lists of other programs.
#define BLANKS " \t\r\n\v\f"
#define AROUND BLANKS "\"'`<>()[]{}*-,;"

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
    size_t used = 0;
    bool query = false;
    url += strspn(url, BLANKS);
    size_t length = strlen(url);
    while (length > 0 && strchr(BLANKS, url[length - 1]))
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

// Where the scheme of an address begins in a text, or its two slashes; else the text without what stands around it.
static const char *find_start(const char *text)
{
    const char *body = text + strspn(text, AROUND), *end = strstr(text, scheme_end);
    if (strncmp(body, "//", 2) == 0 || !end)
        return body;
    const char *start = end;
    while (start > text && (isalnum((unsigned char)start[-1]) || strchr("+-.", start[-1])))
        start--;
    while (start < end && !isalpha((unsigned char)*start))
        start++;
    return start;
}

// The colon before what stands behind it, up to so many bytes, if that is no port: a password, of which only a part stands there.
static const char *find_wrong_port(const char *host, size_t length)
{
    const char *end = host + length, *colon = memrchr(host, ':', length);
    if (!colon || memchr(colon, ']', (size_t)(end - colon)))
        return NULL;
    return strspn(colon + 1, "0123456789") < (size_t)(end - colon - 1) ? colon : NULL;
}

struct url_parts url_split(const char *url)
{
    struct url_parts parts = {.scheme = strspn(url, BLANKS)};
    const char *start = find_start(url), *end = strstr(start, scheme_end);
    const size_t skipped = strncmp(start, "//", 2) == 0 ? 2 : end ? (size_t)(end - start) + sizeof scheme_end - 1 : 0;
    parts.user = parts.host = (size_t)(start - url) + skipped;
    const char *user = url + parts.user;
    size_t length = strcspn(user, "/\\?#");
    const char *colon = memchr(user, '@', length) ? NULL : find_wrong_port(user, length);
    if (colon)
        length = strlen(user);
    const char *at = memrchr(user, '@', length);
    parts.host += at ? (size_t)(at + 1 - user) : 0;
    parts.path = parts.host + strcspn(url + parts.host, "/\\?#");
    parts.query = parts.path + strcspn(url + parts.path, ";?#");
    parts.fragment = parts.query + strcspn(url + parts.query, "#");
    if (colon && !at) {
        parts.path = parts.query = (size_t)(colon - url);
        parts.fragment = strlen(url);
    }
    return parts;
}

bool url_has_wrong_port(const char *url)
{
    return url[url_split(url).query] == ':';
}

bool url_is_near(const char *text)
{
    const struct url_parts parts = url_split(text);
    return strstr(text, scheme_end) || strncmp(text + strspn(text, AROUND), "//", 2) == 0 ||
           memchr(text + parts.user, ':', parts.host - parts.user);
}

// What stands before an address: all of it, unless words are in it.
static int before(const char *url, size_t length, const char **text)
{
    const bool words = strspn(url, AROUND ".") < length;
    *text = words ? "..." : url;
    return words ? 3 : (int)length;
}

const char *url_shown(const char *url, const char *mark, char out[URL_SHOWN_MAX])
{
    const struct url_parts parts = url_split(url);
    const bool user = parts.user < parts.host, query = parts.query < parts.fragment, fragment = url[parts.fragment];
    const char *end = !user && !query && !fragment ? "" : mark ? mark : fragment ? "..." : "";
    const char *text, *start = find_start(url);
    const int length = before(url + parts.scheme, (size_t)(start - url) - parts.scheme, &text);
    const int mistyped = strncasecmp(start, "http:", 5) == 0 ? 5 : strncasecmp(start, "https:", 6) == 0 ? 6 : 0;
    if (!url_is_near(url) && mistyped)
        snprintf(out, URL_SHOWN_MAX, "%.*s%.*s...", length, text, mistyped, start);
    else if (!url_is_near(url))
        snprintf(out, URL_SHOWN_MAX, "%s", url);
    else
        snprintf(out, URL_SHOWN_MAX, "%.*s%.*s%s%.*s%.*s%s%s%s", length, text, (int)(url + parts.user - start), start, user ? "...@" : "",
                 (int)(parts.query - parts.host), url + parts.host, query, url + parts.query, query ? "..." : "", end[0] ? "#" : "", end);
    return out;
}

// As libcurl reads it; NULL: not an address.
static CURLU *parse(const char *url)
{
    CURLU *parsed = curl_url();
    if (parsed && curl_url_set(parsed, CURLUPART_URL, url, 0) != CURLUE_OK) {
        curl_url_cleanup(parsed);
        parsed = NULL;
    }
    return parsed;
}

static bool same_part(CURLU *a, CURLU *b, CURLUPart part)
{
    char *x = NULL, *y = NULL;
    const bool same = curl_url_get(a, part, &x, CURLU_DEFAULT_PORT) == CURLUE_OK &&
                      curl_url_get(b, part, &y, CURLU_DEFAULT_PORT) == CURLUE_OK && strcasecmp(x, y) == 0;
    curl_free(x);
    curl_free(y);
    return same;
}

bool url_same_origin(const char *a, const char *b)
{
    CURLU *x = parse(a), *y = parse(b);
    const bool same = x && y && same_part(x, y, CURLUPART_SCHEME) && same_part(x, y, CURLUPART_HOST) && same_part(x, y, CURLUPART_PORT);
    curl_url_cleanup(x);
    curl_url_cleanup(y);
    return same;
}

void url_credentials(const char *url, void *curl)
{
    CURLU *parsed = parse(url);
    char *user = NULL, *password = NULL;
    if (parsed && curl_url_get(parsed, CURLUPART_USER, &user, CURLU_URLDECODE) == CURLUE_OK)
        curl_easy_setopt(curl, CURLOPT_USERNAME, user);
    if (parsed && curl_url_get(parsed, CURLUPART_PASSWORD, &password, CURLU_URLDECODE) == CURLUE_OK)
        curl_easy_setopt(curl, CURLOPT_PASSWORD, password);
    curl_free(user);
    curl_free(password);
    curl_url_cleanup(parsed);
}
