// SPDX-License-Identifier: MIT
#include "common/net/transfer.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "common/net/url.h"

enum { REDIRECTS_MAX = 5, RETRY_AFTER_MAX = 60, BACK_OFF_MAX = 60, STALL_BYTES_PER_SECOND = 1000, IGNORED_MAX = 1 << 20 };

enum status transfer_cut(struct transfer *transfer)
{
    transfer->size = 0;
    transfer->etag[0] = '\0';
    transfer->whole = 0;
    return ftruncate(transfer->descriptor, 0) == 0 ? STATUS_OK : fail(STATUS_IO, "%s: %s", transfer->place, strerror(errno));
}

// Copies a header's value without the space around it.
static void copy_value(char *out, size_t size, const char *line, size_t length)
{
    while (length > 0 && (*line == ' ' || *line == '\t')) {
        line++;
        length--;
    }
    while (length > 0 && strchr(" \t\r\n", line[length - 1]))
        length--;
    snprintf(out, size, "%.*s", (int)(length < size ? length : 0), line);
}

static size_t on_header(char *line, size_t unit, size_t length, void *data)
{
    struct transfer *transfer = data;
    char value[256];
    (void)unit;                                         // always 1
    if (length > 5 && strncmp(line, "HTTP/", 5) == 0) { // a new answer, after a redirect
        transfer->answer_etag[0] = '\0';
        transfer->range_start = transfer->range_end = transfer->range_whole = -1;
        transfer->has_location = false;
    } else if (length > 9 && strncasecmp(line, "location:", 9) == 0) {
        transfer->has_location = true;
    } else if (length > 5 && strncasecmp(line, "etag:", 5) == 0) {
        copy_value(value, sizeof value, line + 5, length - 5);
        if (value[0] == '"') // a weak one does not promise the same bytes
            memcpy(transfer->answer_etag, value, sizeof value);
    } else if (length > 14 && strncasecmp(line, "content-range:", 14) == 0) {
        copy_value(value, sizeof value, line + 14, length - 14);
        long long start, end, whole;
        const int found = sscanf(value, "bytes %lld-%lld/%lld", &start, &end, &whole); // or /*
        transfer->range_start = found >= 2 ? start : -1;
        transfer->range_end = found >= 2 ? end : -1;
        transfer->range_whole = found == 3 ? whole : -1;
    }
    return length;
}

// Whether the answer is the rest of the file of which a part is there. If-Range asks for no less, but not every server heeds it.
static bool is_rest(const struct transfer *transfer)
{
    const bool same = !transfer->etag[0] || strcmp(transfer->etag, transfer->answer_etag) == 0;
    const bool as_long = transfer->whole == 0 || transfer->range_whole < 0 || transfer->whole == transfer->range_whole;
    const int64_t whole = transfer->range_whole >= 0 ? transfer->range_whole : transfer->whole;
    return transfer->size > 0 && transfer->range_start == (int64_t)transfer->size && same && as_long &&
           (whole <= 0 || transfer->range_end + 1 == whole);
}

// The headers of the final answer are in: does its body start the file, or go on where the partial file ends?
static enum status begin_body(struct transfer *transfer)
{
    long answer = 0;
    curl_easy_getinfo(transfer->curl, CURLINFO_RESPONSE_CODE, &answer);
    transfer->begun = true;
    if (answer == 206 && is_rest(transfer))
        return STATUS_OK;
    TRY(transfer_cut(transfer));
    if (answer != 200) {
        transfer->retry = answer == 206; // from the start this time
        return fail(STATUS_IO, "the server answered %ld, which is not the whole file", answer);
    }
    curl_off_t whole = -1;
    curl_easy_getinfo(transfer->curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &whole);
    memcpy(transfer->etag, transfer->answer_etag, sizeof transfer->etag);
    transfer->whole = whole > 0 ? whole : 0;
    return STATUS_OK;
}

static bool is_redirect(const struct transfer *transfer)
{
    long answer = 0;
    curl_easy_getinfo(transfer->curl, CURLINFO_RESPONSE_CODE, &answer);
    return transfer->has_location && answer >= 300 && answer < 400;
}

static enum status take_body(struct transfer *transfer, const char *bytes, size_t length)
{
    if (!transfer->begun && is_redirect(transfer)) {
        transfer->ignored += length;
        return transfer->ignored <= IGNORED_MAX ? STATUS_OK : fail(STATUS_LIMIT, "a redirect with more than %d bytes", IGNORED_MAX);
    }
    if (!transfer->begun)
        TRY(begin_body(transfer));
    if (length > transfer->options->limit - transfer->size)
        return fail(STATUS_LIMIT, "more than the %llu bytes allowed", (unsigned long long)transfer->options->limit);
    for (size_t used = 0; used < length;) {
        ssize_t count = pwrite(transfer->descriptor, bytes + used, length - used, (off_t)transfer->size);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return fail(STATUS_IO, "%s: %s", transfer->place, strerror(errno));
        used += (size_t)count;
        transfer->size += (uint64_t)count;
    }
    return STATUS_OK;
}

// The callback's attempt ends with this thread's message.
static void refuse(struct transfer *transfer, enum status status)
{
    transfer->refusal = status;
    snprintf(transfer->reason, sizeof transfer->reason, "%s", status_message());
}

static size_t on_body(char *bytes, size_t unit, size_t length, void *data)
{
    struct transfer *transfer = data;
    (void)unit; // always 1
    const enum status rc = take_body(transfer, bytes, length);
    if (rc == STATUS_OK)
        return length;
    refuse(transfer, rc);
    return 0; // not what was given: an error
}

static int on_progress(void *data, curl_off_t total, curl_off_t now, curl_off_t up_total, curl_off_t up_now)
{
    struct transfer *transfer = data;
    (void)up_total, (void)up_now;
    uint64_t rest = total > now ? (uint64_t)(total - now) : 0;
    const struct fetch_options *options = transfer->options;
    if (!options->progress || options->progress(options->context, transfer->size, total > 0 ? transfer->size + rest : 0))
        return 0;
    refuse(transfer, fail(STATUS_STOPPED, "stopped"));
    return 1;
}

static const char *environment(const char *name)
{
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

static void add_header(struct transfer *transfer, const char *line, enum status *rc)
{
    struct curl_slist *more = curl_slist_append(transfer->headers, line);
    if (!more)
        *rc = no_memory("for a header");
    transfer->headers = more ? more : transfer->headers;
}

// Whether a header that is for this host, or host:port, is for the address.
static bool is_for(const char *host, const char *url)
{
    const struct url_parts parts = url_split(url);
    const char *start = url + parts.host;
    const size_t length = strlen(host), all = parts.path - parts.host;
    return length <= all && strncasecmp(start, host, length) == 0 && (length == all || start[length] == ':');
}

// Where this attempt is, and what it says of us there.
static enum status set_address(struct transfer *transfer)
{
    const struct fetch_options *options = transfer->options;
    enum status rc = STATUS_OK;
    char url[URL_MAX];
    TRY(url_encode(transfer->url, url));
    curl_easy_setopt(transfer->curl, CURLOPT_URL, transfer->at ? transfer->at : url); // it keeps a copy
    if (transfer->at && !url_same_origin(url, transfer->at))
        return STATUS_OK;
    if (transfer->at)
        url_credentials(url, transfer->curl);
    if (options->header && (!options->header_host || is_for(options->header_host, url)))
        add_header(transfer, options->header, &rc);
    return rc;
}

static enum status set_options(struct transfer *transfer)
{
    const struct fetch_options *options = transfer->options;
    CURL *curl = transfer->curl;
    TRY(set_address(transfer));
#if CURL_AT_LEAST_VERSION(7, 85, 0)
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
#else
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
    curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, options->user_agent ? options->user_agent : "oneiros/" ONEIROS_VERSION);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
#if CURL_AT_LEAST_VERSION(7, 87, 0)
    curl_easy_setopt(curl, CURLOPT_QUICK_EXIT, 1L); // when there is no more time, a name server that does not answer is not waited for
#endif
    curl_easy_setopt(curl, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, transfer->error);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)(options->connect_seconds * 1000));
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)(options->total_seconds * 1000));
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, (long)STALL_BYTES_PER_SECOND);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)(options->stall_seconds + 0.5));
    curl_easy_setopt(curl, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)options->limit);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, transfer);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, transfer);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, transfer);
    // The curl program reads these, the library does not.
    const char *bundle = environment("CURL_CA_BUNDLE") ? environment("CURL_CA_BUNDLE") : environment("SSL_CERT_FILE");
    if (bundle)
        curl_easy_setopt(curl, CURLOPT_CAINFO, bundle);
    if (environment("SSL_CERT_DIR"))
        curl_easy_setopt(curl, CURLOPT_CAPATH, environment("SSL_CERT_DIR"));
    return STATUS_OK;
}

static enum status explain(struct transfer *transfer, CURLcode code)
{
    long answer = 0;
    curl_easy_getinfo(transfer->curl, CURLINFO_RESPONSE_CODE, &answer);
    // Its own words may hold the address of a proxy, with its password.
    const bool own = transfer->error[0] && !strpbrk(transfer->error, "@?") && !strstr(transfer->error, "://");
    const char *reason = own ? transfer->error : curl_easy_strerror(code);
    switch (code) {
    case CURLE_HTTP_RETURNED_ERROR:
        transfer->retry = answer >= 500 || answer == 408 || answer == 429 || (answer == 416 && transfer->size > 0);
        if (answer == 416 && transfer->size > 0) // what is there already is not the start of what the server has
            TRY(transfer_cut(transfer));
        return fail(STATUS_IO, "the server answered %ld", answer);
    case CURLE_FILESIZE_EXCEEDED:
        return fail(STATUS_LIMIT, "more than the %llu bytes allowed", (unsigned long long)transfer->options->limit);
    case CURLE_UNSUPPORTED_PROTOCOL:
        return fail(STATUS_IO, "only http and https are followed (%s)", reason);
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_PARTIAL_FILE:
    case CURLE_GOT_NOTHING:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
        transfer->retry = true;
        break;
    default:
        break;
    }
    return fail(STATUS_IO, "%s", reason);
}

static void start_curl(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

void transfer_start(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, start_curl);
}

// The rest only, where part of the file is there already.
static enum status ask_for_rest(struct transfer *transfer)
{
    char range[32], condition[300];
    enum status rc = STATUS_OK;
    snprintf(range, sizeof range, "%llu-", (unsigned long long)transfer->size);
    curl_easy_setopt(transfer->curl, CURLOPT_RANGE, range);
    if (!transfer->etag[0])
        return STATUS_OK;
    snprintf(condition, sizeof condition, "If-Range: %s", transfer->etag);
    add_header(transfer, condition, &rc);
    return rc;
}

static void end_attempt(struct transfer *transfer)
{
    curl_easy_cleanup(transfer->curl);
    curl_slist_free_all(transfer->headers);
    transfer->curl = NULL;
    transfer->headers = NULL;
}

enum status transfer_begin(struct transfer *transfer)
{
    enum status rc = STATUS_OK;
    transfer_start();
    transfer->tried += !transfer->moved;
    transfer->redirects = transfer->moved ? transfer->redirects : 0;
    transfer->code = CURLE_OK;
    transfer->begun = transfer->retry = transfer->moved = transfer->has_location = false;
    transfer->ignored = 0;
    transfer->retry_after = 0;
    transfer->error[0] = '\0';
    transfer->refusal = STATUS_OK;
    transfer->curl = curl_easy_init();
    if (!transfer->curl)
        return fail(STATUS_INTERNAL, "libcurl does not start");
    TRY_OUT(set_options(transfer));
    if (!transfer->trusted && !transfer->etag[0])
        TRY_OUT(transfer_cut(transfer));
    if (transfer->size > 0)
        TRY_OUT(ask_for_rest(transfer));
    curl_easy_setopt(transfer->curl, CURLOPT_HTTPHEADER, transfer->headers);
out:
    if (rc != STATUS_OK)
        transfer_abandon(transfer);
    return rc;
}

void transfer_abandon(struct transfer *transfer)
{
    end_attempt(transfer);
    free(transfer->at);
    transfer->at = NULL;
    transfer->moved = false;
}

// The answer names another place: the next attempt is there.
static enum status follow(struct transfer *transfer, const char *place)
{
    if (++transfer->redirects > REDIRECTS_MAX)
        return fail(STATUS_IO, "more than %d redirects", REDIRECTS_MAX);
    char *at = strdup(place);
    if (!at)
        return no_memory("to follow a redirect");
    free(transfer->at);
    transfer->at = at;
    transfer->moved = true;
    return fail(STATUS_IO, "the server names another place");
}

enum status transfer_end(struct transfer *transfer, CURLcode code)
{
    enum status rc = STATUS_OK;
    const char *place = NULL;
    curl_off_t wait = 0;
    transfer->code = code;
    if (curl_easy_getinfo(transfer->curl, CURLINFO_RETRY_AFTER, &wait) == CURLE_OK && wait > 0)
        transfer->retry_after = (long)wait;
    if (transfer->refusal != STATUS_OK)
        rc = fail(transfer->refusal, "%s", transfer->reason);
    else if (code != CURLE_OK)
        rc = explain(transfer, code);
    else if (curl_easy_getinfo(transfer->curl, CURLINFO_REDIRECT_URL, &place) == CURLE_OK && place)
        rc = follow(transfer, place);
    else if (!transfer->begun)
        rc = begin_body(transfer); // an empty one
    if (transfer->moved)
        end_attempt(transfer);
    else
        transfer_abandon(transfer);
    return rc;
}

static double random_factor(void)
{
    uint16_t bits = 1 << 15;
    if (getrandom(&bits, sizeof bits, GRND_NONBLOCK) != (ssize_t)sizeof bits)
        bits = 1 << 15;
    return 0.5 + bits / 65536.0;
}

// Twice as long each time. Not all at the same moment: what is down may be down because too many came at once.
bool transfer_again(const struct transfer *transfer, double *seconds)
{
    *seconds = 0;
    if (transfer->moved)
        return true;
    const bool unknown_host = transfer->code == CURLE_COULDNT_RESOLVE_HOST || transfer->code == CURLE_COULDNT_RESOLVE_PROXY;
    if (!transfer->retry || transfer->tried >= transfer->options->attempts || (unknown_host && transfer->tried >= 2))
        return false;
    const double back_off = ldexp(transfer->options->back_off_seconds, transfer->tried - 1) * random_factor();
    const double asked = transfer->retry_after < RETRY_AFTER_MAX ? (double)transfer->retry_after : RETRY_AFTER_MAX;
    *seconds = fmax(fmin(back_off, BACK_OFF_MAX), asked);
    return true;
}

enum status transfer_give_up(const struct transfer *transfer, enum status status)
{
    if (status == STATUS_OK || status == STATUS_STOPPED || transfer->tried < 2)
        return status;
    return fail(status, "%s; tried %d times", status_message(), transfer->tried);
}
