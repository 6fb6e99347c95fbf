// SPDX-License-Identifier: MIT
#include "common/fetch.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/file.h"
#include "common/log.h"

enum { REDIRECTS_MAX = 5, RETRY_AFTER_MAX = 60, STALL_BYTES_PER_SECOND = 1000 };

struct fetch {
    const char *url, *path;
    const struct fetch_options *options;
    char partial[FILE_PATH_MAX];
    int descriptor; // of the partial file, locked
    uint64_t size;  // of the partial file
    char etag[256]; // of what the partial file holds; empty: unknown
    bool trusted;   // whether going on with the partial file is safe: it can be checked
    // One attempt:
    CURL *curl;
    bool begun;            // the answer's body has started
    char answer_etag[256]; // of the answer whose headers are coming in
    int64_t range_start;   // of that answer; -1: none
    enum status refusal;   // why a callback ended the transfer; STATUS_OK: it did not
    bool retry;            // whether another attempt may help
    char error[CURL_ERROR_SIZE];
};

struct fetch_options fetch_defaults(uint64_t limit)
{
    return (struct fetch_options){.limit = limit, .connect_seconds = 10, .stall_seconds = 30, .back_off_seconds = 1, .attempts = 4};
}

static enum status cut(struct fetch *fetch)
{
    fetch->size = 0;
    fetch->etag[0] = '\0';
    return ftruncate(fetch->descriptor, 0) == 0 ? STATUS_OK : fail(STATUS_IO, "%s: %s", fetch->partial, strerror(errno));
}

static bool go_on(const struct fetch *fetch, uint64_t total)
{
    const struct fetch_options *options = fetch->options;
    return !options->progress || options->progress(options->context, fetch->size, total);
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
    struct fetch *fetch = data;
    char value[256];
    (void)unit;                                         // always 1
    if (length > 5 && strncmp(line, "HTTP/", 5) == 0) { // a new answer, after a redirect
        fetch->answer_etag[0] = '\0';
        fetch->range_start = -1;
    } else if (length > 5 && strncasecmp(line, "etag:", 5) == 0) {
        copy_value(value, sizeof value, line + 5, length - 5);
        if (value[0] == '"') // a weak one does not promise the same bytes
            memcpy(fetch->answer_etag, value, sizeof value);
    } else if (length > 14 && strncasecmp(line, "content-range:", 14) == 0) {
        copy_value(value, sizeof value, line + 14, length - 14);
        long long start;
        if (sscanf(value, "bytes %lld-", &start) == 1)
            fetch->range_start = start;
    }
    return length;
}

// The headers of the final answer are in: does its body start the file, or go on where the partial file ends?
static enum status begin_body(struct fetch *fetch)
{
    enum status rc = STATUS_OK;
    long answer = 0;
    curl_easy_getinfo(fetch->curl, CURLINFO_RESPONSE_CODE, &answer);
    fetch->begun = true;
    if (answer == 206 && fetch->size > 0 && fetch->range_start == (int64_t)fetch->size)
        return STATUS_OK;
    TRY(cut(fetch));
    if (answer != 200) {
        fetch->retry = answer == 206; // from the start this time
        return fail(STATUS_IO, "%s: the server answered %ld, which is not the whole file", fetch->url, answer);
    }
    memcpy(fetch->etag, fetch->answer_etag, sizeof fetch->etag);
out:
    return rc;
}

static enum status take_body(struct fetch *fetch, const char *bytes, size_t length)
{
    enum status rc = STATUS_OK;
    if (!fetch->begun)
        TRY(begin_body(fetch));
    if (length > fetch->options->limit - fetch->size)
        return fail(STATUS_LIMIT, "%s: more than the %llu bytes allowed", fetch->url, (unsigned long long)fetch->options->limit);
    for (size_t used = 0; used < length;) {
        ssize_t count = pwrite(fetch->descriptor, bytes + used, length - used, (off_t)fetch->size);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return fail(STATUS_IO, "%s: %s", fetch->partial, strerror(errno));
        used += (size_t)count;
        fetch->size += (uint64_t)count;
    }
out:
    return rc;
}

static size_t on_body(char *bytes, size_t unit, size_t length, void *data)
{
    struct fetch *fetch = data;
    (void)unit; // always 1
    fetch->refusal = take_body(fetch, bytes, length);
    return fetch->refusal == STATUS_OK ? length : CURL_WRITEFUNC_ERROR;
}

static int on_progress(void *data, curl_off_t total, curl_off_t now, curl_off_t up_total, curl_off_t up_now)
{
    struct fetch *fetch = data;
    (void)up_total, (void)up_now;
    uint64_t rest = total > now ? (uint64_t)(total - now) : 0;
    if (go_on(fetch, total > 0 ? fetch->size + rest : 0))
        return 0;
    fetch->refusal = fail(STATUS_STOPPED, "%s: stopped", fetch->url);
    return 1;
}

static const char *environment(const char *name)
{
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

static void set_options(struct fetch *fetch)
{
    const struct fetch_options *options = fetch->options;
    CURL *curl = fetch->curl;
    curl_easy_setopt(curl, CURLOPT_URL, fetch->url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(curl, CURLOPT_MAXREDIRS, (long)REDIRECTS_MAX);
    curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "oneiros/" ONEIROS_VERSION);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, fetch->error);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)(options->connect_seconds * 1000));
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)(options->total_seconds * 1000));
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, (long)STALL_BYTES_PER_SECOND);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)(options->stall_seconds + 0.5));
    curl_easy_setopt(curl, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)options->limit);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, fetch);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, fetch);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, fetch);
    // The curl program reads these, the library does not.
    const char *bundle = environment("CURL_CA_BUNDLE");
    if (!bundle)
        bundle = environment("SSL_CERT_FILE");
    if (bundle)
        curl_easy_setopt(curl, CURLOPT_CAINFO, bundle);
    if (environment("SSL_CERT_DIR"))
        curl_easy_setopt(curl, CURLOPT_CAPATH, environment("SSL_CERT_DIR"));
}

static enum status explain(struct fetch *fetch, CURLcode code)
{
    long answer = 0;
    curl_easy_getinfo(fetch->curl, CURLINFO_RESPONSE_CODE, &answer);
    const char *reason = fetch->error[0] ? fetch->error : curl_easy_strerror(code);
    switch (code) {
    case CURLE_HTTP_RETURNED_ERROR:
        fetch->retry = answer >= 500 || answer == 408 || answer == 429 || (answer == 416 && fetch->size > 0);
        if (answer == 416 && fetch->size > 0) { // what is there already is not the start of what the server has
            enum status rc = cut(fetch);
            if (rc != STATUS_OK)
                return rc;
        }
        return fail(STATUS_IO, "%s: the server answered %ld", fetch->url, answer);
    case CURLE_FILESIZE_EXCEEDED:
        return fail(STATUS_LIMIT, "%s: more than the %llu bytes allowed", fetch->url, (unsigned long long)fetch->options->limit);
    case CURLE_UNSUPPORTED_PROTOCOL:
        return fail(STATUS_IO, "%s: only http and https are followed (%s)", fetch->url, reason);
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
        fetch->retry = true;
        break;
    default:
        break;
    }
    return fail(STATUS_IO, "%s: %s", fetch->url, reason);
}

// Asks once. *wait: seconds that the server asks to wait before the next attempt, or 0.
static enum status attempt(struct fetch *fetch, CURLcode *code, curl_off_t *wait)
{
    enum status rc = STATUS_OK;
    char range[32], condition[300];
    struct curl_slist *headers = NULL;
    fetch->begun = fetch->retry = false;
    fetch->error[0] = '\0';
    fetch->refusal = STATUS_OK;
    fetch->curl = curl_easy_init();
    if (!fetch->curl)
        return fail(STATUS_INTERNAL, "libcurl does not start");
    set_options(fetch);
    if (!fetch->trusted && !fetch->etag[0])
        TRY(cut(fetch));
    if (fetch->size > 0) {
        snprintf(range, sizeof range, "%llu-", (unsigned long long)fetch->size);
        curl_easy_setopt(fetch->curl, CURLOPT_RANGE, range);
    }
    if (fetch->size > 0 && fetch->etag[0]) {
        snprintf(condition, sizeof condition, "If-Range: %s", fetch->etag);
        headers = curl_slist_append(NULL, condition);
        curl_easy_setopt(fetch->curl, CURLOPT_HTTPHEADER, headers);
    }
    *code = curl_easy_perform(fetch->curl);
    curl_easy_getinfo(fetch->curl, CURLINFO_RETRY_AFTER, wait);
    if (fetch->refusal != STATUS_OK)
        rc = fetch->refusal;
    else if (*code != CURLE_OK)
        rc = explain(fetch, *code);
    else if (!fetch->begun)
        rc = begin_body(fetch); // an empty one
out:
    curl_slist_free_all(headers);
    curl_easy_cleanup(fetch->curl);
    fetch->curl = NULL;
    return rc;
}

// Sleeps, in short pieces so that `progress` can stop it.
static enum status pause_for(const struct fetch *fetch, double seconds)
{
    for (double left = seconds; left > 0; left -= 0.1) {
        double piece = left < 0.1 ? left : 0.1;
        nanosleep(&(struct timespec){.tv_nsec = (long)(piece * 1e9)}, NULL);
        if (!go_on(fetch, 0))
            return fail(STATUS_STOPPED, "%s: stopped", fetch->url);
    }
    return STATUS_OK;
}

static double random_factor(void)
{
    uint16_t bits = 1 << 15;
    if (getrandom(&bits, sizeof bits, GRND_NONBLOCK) != (ssize_t)sizeof bits)
        bits = 1 << 15;
    return 0.5 + bits / 65536.0;
}

// Waits for the lock. File systems without locks are used without: an MD5 still finds what two writers would mix up.
static enum status lock_partial(const struct fetch *fetch, bool *waited)
{
    enum status rc = STATUS_OK;
    while (flock(fetch->descriptor, LOCK_EX | LOCK_NB) != 0) {
        if (errno == ENOSYS || errno == EOPNOTSUPP || errno == ENOLCK)
            break;
        if (errno != EWOULDBLOCK && errno != EINTR)
            return fail(STATUS_IO, "cannot lock '%s': %s", fetch->partial, strerror(errno));
        if (!*waited)
            log_info("waiting for another process that fetches %s", fetch->path);
        *waited = true;
        TRY(pause_for(fetch, 0.2));
    }
out:
    return rc;
}

// The partial file, locked by this process alone, or no descriptor.
static enum status open_partial(struct fetch *fetch, bool *waited)
{
    enum status rc;
    struct stat mine, named;
    for (;;) {
        fetch->descriptor = open(fetch->partial, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0666);
        if (fetch->descriptor < 0)
            return fail(STATUS_IO, "cannot write '%s': %s", fetch->partial, strerror(errno));
        rc = lock_partial(fetch, waited);
        if (rc == STATUS_OK && (fstat(fetch->descriptor, &mine) != 0 || !S_ISREG(mine.st_mode)))
            rc = fail(STATUS_IO, "'%s' is not a regular file: remove it", fetch->partial);
        if (rc == STATUS_OK && stat(fetch->partial, &named) == 0 && named.st_ino == mine.st_ino && named.st_dev == mine.st_dev) {
            fetch->size = (uint64_t)mine.st_size;
            return STATUS_OK;
        }
        close(fetch->descriptor); // somebody else's, renamed or removed meanwhile, or an error
        fetch->descriptor = -1;
        if (rc != STATUS_OK)
            return rc;
    }
}

static bool has_md5(const char *path, const char *want)
{
    char md5[33];
    return want && file_md5(path, md5) == STATUS_OK && strcmp(md5, want) == 0;
}

// Checks the whole file and gives it its name.
static enum status finish(struct fetch *fetch, bool resumed)
{
    enum status rc = STATUS_OK;
    char md5[33];
    const char *want = fetch->options->md5;
    if (want) {
        TRY(file_md5(fetch->partial, md5));
        if (strcmp(md5, want) != 0) {
            TRY(cut(fetch));
            fetch->retry = resumed; // the part that was there may have been the wrong one
            return fail(STATUS_FORMAT, "%s: its md5 is %s, expected %s; something on the way changes it", fetch->url, md5, want);
        }
    }
    if (fsync(fetch->descriptor) != 0 || rename(fetch->partial, fetch->path) != 0)
        rc = fail(STATUS_IO, "%s: %s", fetch->path, strerror(errno));
out:
    return rc;
}

static enum status try_repeatedly(struct fetch *fetch)
{
    enum status rc;
    double back_off = fetch->options->back_off_seconds;
    for (int tried = 1;; tried++, back_off *= 2) {
        CURLcode code = CURLE_OK;
        curl_off_t wait = 0;
        bool resumed = fetch->size > 0;
        rc = attempt(fetch, &code, &wait);
        if (rc == STATUS_OK)
            rc = finish(fetch, resumed);
        bool unknown_host = code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_COULDNT_RESOLVE_PROXY;
        if (rc == STATUS_OK || !fetch->retry || tried >= fetch->options->attempts || (unknown_host && tried >= 2))
            return rc;
        log_debug("%s; trying again", status_message());
        double seconds = back_off * random_factor();
        if (wait > seconds)
            seconds = wait < RETRY_AFTER_MAX ? (double)wait : RETRY_AFTER_MAX;
        TRY(pause_for(fetch, seconds));
    }
out:
    return rc;
}

static void start_curl(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

enum status fetch_file(const char *url, const char *path, const struct fetch_options *options)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    enum status rc = STATUS_OK;
    struct fetch fetch = {.url = url, .path = path, .options = options, .descriptor = -1, .trusted = options->md5 != NULL};
    bool waited = false, keep = false;
    pthread_once(&once, start_curl);
    if (snprintf(fetch.partial, sizeof fetch.partial, "%s.partial", path) >= (int)sizeof fetch.partial)
        return fail(STATUS_LIMIT, "cannot write '%s': the path is too long", path);
    TRY(open_partial(&fetch, &waited));
    if (waited && has_md5(path, options->md5))
        goto out; // the other process fetched it
    if (fetch.size > options->limit)
        TRY(cut(&fetch));
    TRY(try_repeatedly(&fetch));
    keep = true; // it has its final name
out:
    if (rc != STATUS_OK)
        keep = fetch.trusted && fetch.size > 0 && (rc == STATUS_IO || rc == STATUS_STOPPED);
    // Removed before the lock goes, so that it is nobody else's.
    if (fetch.descriptor >= 0 && !keep)
        unlink(fetch.partial);
    if (fetch.descriptor >= 0)
        close(fetch.descriptor);
    return rc;
}
