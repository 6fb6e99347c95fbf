// SPDX-License-Identifier: MIT
#include "common/net/fetch.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/net/transfer.h"
#include "common/net/url.h"
#include "common/system/file.h"
#include "common/system/log.h"

struct fetch {
    const char *path;
    char partial[FILE_PATH_MAX];
    struct transfer transfer; // into the partial file, locked
};

struct fetch_options fetch_defaults(uint64_t limit)
{
    return (struct fetch_options){.limit = limit, .connect_seconds = 10, .stall_seconds = 30, .back_off_seconds = 1, .attempts = 4};
}

// A failure of it, by name, unless the caller names it.
static enum status fail_of(const struct fetch *fetch, enum status rc)
{
    char shown[URL_SHOWN_MAX];
    return fetch->path ? fail_in(rc, "%s", url_shown(fetch->transfer.url, NULL, shown)) : rc;
}

// Sleeps, in short pieces so that `progress` can stop it.
static enum status pause_for(const struct fetch *fetch, double seconds)
{
    const struct fetch_options *options = fetch->transfer.options;
    for (double left = seconds; left > 0; left -= 0.1) {
        double piece = left < 0.1 ? left : 0.1;
        nanosleep(&(struct timespec){.tv_nsec = (long)(piece * 1e9)}, NULL);
        if (options->progress && !options->progress(options->context, fetch->transfer.size, 0))
            return fail_of(fetch, fail(STATUS_STOPPED, "stopped"));
    }
    return STATUS_OK;
}

static enum status attempt(struct fetch *fetch)
{
    struct transfer *transfer = &fetch->transfer;
    enum status rc = transfer_begin(transfer);
    if (rc == STATUS_OK)
        rc = transfer_end(transfer, curl_easy_perform(transfer->curl));
    return fail_of(fetch, rc);
}

// Waits for the lock. File systems without locks are used without: an MD5 still finds what two writers would mix up.
static enum status lock_partial(const struct fetch *fetch, bool *waited)
{
    while (flock(fetch->transfer.descriptor, LOCK_EX | LOCK_NB) != 0) {
        if (errno == ENOSYS || errno == EOPNOTSUPP || errno == ENOLCK)
            break;
        if (errno != EWOULDBLOCK && errno != EINTR)
            return fail(STATUS_IO, "cannot lock '%s': %s", fetch->partial, strerror(errno));
        if (!*waited)
            log_info("waiting for another process that fetches %s", fetch->path);
        *waited = true;
        TRY(pause_for(fetch, 0.2));
    }
    return STATUS_OK;
}

// The partial file, locked by this process alone, or no descriptor.
static enum status open_partial(struct fetch *fetch, bool *waited)
{
    enum status rc;
    struct stat mine, named;
    for (;;) {
        fetch->transfer.descriptor = open(fetch->partial, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0666);
        if (fetch->transfer.descriptor < 0)
            return fail(STATUS_IO, "cannot write '%s': %s", fetch->partial, strerror(errno));
        rc = lock_partial(fetch, waited);
        if (rc == STATUS_OK && (fstat(fetch->transfer.descriptor, &mine) != 0 || !S_ISREG(mine.st_mode)))
            rc = fail(STATUS_IO, "'%s' is not a regular file: remove it", fetch->partial);
        if (rc == STATUS_OK && stat(fetch->partial, &named) == 0 && named.st_ino == mine.st_ino && named.st_dev == mine.st_dev) {
            fetch->transfer.size = (uint64_t)mine.st_size;
            return STATUS_OK;
        }
        close(fetch->transfer.descriptor); // somebody else's, renamed or removed meanwhile, or an error
        fetch->transfer.descriptor = -1;
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
    char md5[33];
    const char *want = fetch->transfer.options->md5;
    if (want) {
        TRY(file_md5(fetch->partial, md5));
        if (strcmp(md5, want) != 0) {
            TRY(transfer_cut(&fetch->transfer));
            fetch->transfer.retry = resumed; // the part that was there may have been the wrong one
            return fail_of(fetch, fail(STATUS_FORMAT, "its md5 is %s, expected %s; something on the way changes it", md5, want));
        }
    }
    if (fsync(fetch->transfer.descriptor) != 0 || rename(fetch->partial, fetch->path) != 0)
        return fail(STATUS_IO, "%s: %s", fetch->path, strerror(errno));
    return STATUS_OK;
}

static enum status try_repeatedly(struct fetch *fetch)
{
    struct transfer *transfer = &fetch->transfer;
    double seconds;
    for (;;) {
        const bool resumed = transfer->size > 0;
        enum status rc = attempt(fetch);
        if (rc == STATUS_OK && fetch->path)
            rc = finish(fetch, resumed);
        if (rc == STATUS_OK || !transfer_again(transfer, &seconds))
            return transfer_give_up(transfer, rc);
        if (seconds > 0)
            log_debug("%s%s; trying again", fetch->path ? "" : "a download: ", status_message());
        TRY(pause_for(fetch, seconds));
    }
}

enum status fetch_file(const char *url, const char *path, const struct fetch_options *options)
{
    enum status rc = STATUS_OK;
    struct fetch fetch = {.path = path};
    struct transfer *transfer = &fetch.transfer;
    bool waited = false, keep = false;
    *transfer =
        (struct transfer){.url = url, .place = fetch.partial, .options = options, .descriptor = -1, .trusted = options->md5 != NULL};
    if (snprintf(fetch.partial, sizeof fetch.partial, "%s.partial", path) >= (int)sizeof fetch.partial)
        return fail(STATUS_LIMIT, "cannot write '%s': the path is too long", path);
    TRY_OUT(open_partial(&fetch, &waited));
    if (waited && has_md5(path, options->md5))
        goto out; // the other process fetched it
    if (transfer->size > options->limit)
        TRY_OUT(transfer_cut(transfer));
    TRY_OUT(try_repeatedly(&fetch));
    keep = true; // it has its final name
out:
    if (rc != STATUS_OK)
        keep = transfer->trusted && transfer->size > 0 && (rc == STATUS_IO || rc == STATUS_STOPPED);
    // Removed before the lock goes, so that it is nobody else's.
    if (transfer->descriptor >= 0 && !keep)
        unlink(fetch.partial);
    if (transfer->descriptor >= 0)
        close(transfer->descriptor);
    return rc;
}

enum status fetch_nameless(const char *url, const char *folder, const struct fetch_options *options, int *descriptor)
{
    struct fetch fetch = {.transfer = {.url = url, .place = folder ? folder : "memory", .options = options}};
    if (folder)
        TRY(file_create_nameless(folder, descriptor));
    else if ((*descriptor = memfd_create("download", MFD_CLOEXEC)) < 0)
        return fail(STATUS_IO, "cannot download into memory: %s", strerror(errno));
    fetch.transfer.descriptor = *descriptor;
    const enum status rc = try_repeatedly(&fetch);
    if (rc != STATUS_OK) {
        close(*descriptor);
        *descriptor = -1;
    }
    return rc;
}
