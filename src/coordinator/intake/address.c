// SPDX-License-Identifier: MIT
#include "coordinator/intake/address.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "common/net/url.h"
#include "common/system/file.h"
#include "common/system/log.h"
#include "common/system/text.h"

enum { MARK = 16 }; // digits

static bool read_key(struct address_key *key, const char *path)
{
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    const bool whole = file >= 0 && read(file, key->bytes, sizeof key->bytes) == (ssize_t)sizeof key->bytes;
    if (file >= 0)
        close(file);
    return whole;
}

static enum status write_key(const struct address_key *key, const char *path)
{
    char aside[FILE_PATH_MAX + 8];
    snprintf(aside, sizeof aside, "%s.part", path);
    unlink(aside); // of a run that was killed
    const int file = open(aside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bool good = file >= 0 && write(file, key->bytes, sizeof key->bytes) == (ssize_t)sizeof key->bytes && fsync(file) == 0;
    good = (file < 0 || close(file) == 0) && good && rename(aside, path) == 0;
    return good ? file_sync_name(path) : fail(STATUS_IO, "cannot write '%s': %s", path, strerror(errno));
}

static void make_known(struct address_key *key, const char *output, bool keep)
{
    char path[FILE_PATH_MAX];
    enum status rc = file_join(path, output, ADDRESS_KEY_FILE);
    key->known = true;
    if (rc == STATUS_OK && read_key(key, path))
        return;
    if (getrandom(key->bytes, sizeof key->bytes, 0) != (ssize_t)sizeof key->bytes)
        rc = fail(STATUS_IO, "no random numbers: %s", strerror(errno));
    if (rc == STATUS_OK && keep)
        rc = write_key(key, path);
    if (rc != STATUS_OK && keep)
        log_warning("%s; addresses with a user or a query will be taken for others when the run is gone on with", status_message());
}

// Of all of an address but its password.
static void digest(const struct address_key *key, const char *url, char hex[MARK + 1])
{
    const struct url_parts parts = url_split(url);
    unsigned char value[EVP_MAX_MD_SIZE] = {0};
    char text[URL_MAX];
    const int user = (int)strcspn(url + parts.user, ":@");
    const size_t rest = url_has_wrong_port(url) ? parts.query - parts.host : strlen(url + parts.host); // that is a password
    const int length = snprintf(text, sizeof text, "%.*s%.*s@%.*s", (int)(parts.user - parts.scheme), url + parts.scheme,
                                parts.user < parts.host ? user : 0, url + parts.user, (int)rest, url + parts.host);
    HMAC(EVP_sha256(), key->bytes, sizeof key->bytes, (const unsigned char *)text,
         length < (int)sizeof text ? (size_t)length : sizeof text - 1, value, NULL);
    for (int i = 0; i < MARK / 2; i++)
        snprintf(hex + 2 * i, 3, "%02x", (unsigned)value[i]);
}

void address_show_path(const char *path, char shown[ROW_SOURCE_MAX])
{
    const size_t length = strlen(path);
    if (length < ROW_SOURCE_MAX)
        memcpy(shown, path, length + 1);
    else // the end of a long path says more than its beginning
        snprintf(shown, ROW_SOURCE_MAX, "...%s", path + length - (ROW_SOURCE_MAX - 4));
    utf8_clean(shown, '?');
}

void address_show(struct address_key *key, const char *output, bool keep, const char *source, char shown[ROW_SOURCE_MAX])
{
    char hidden[1 + URL_SHOWN_MAX] = "", mark[MARK + 1] = "";
    const int at = source[0] == '@';
    const char *text = source;
    url_shown(source + at, "", hidden + at);
    if (strcmp(hidden + at, source + at) != 0) { // something is hidden
        if (!key->known)
            make_known(key, output, keep);
        digest(key, source + at, mark);
        url_shown(source + at, mark, hidden + at);
        hidden[0] = at ? '@' : hidden[0];
        text = hidden;
    }
    address_show_path(text, shown);
}

bool address_has_mark(const char *shown)
{
    const char *mark = strrchr(shown, '#');
    return mark && strlen(mark) == 1 + MARK && strspn(mark + 1, "0123456789abcdef") == MARK && strstr(shown, "...");
}
