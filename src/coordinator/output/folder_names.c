// SPDX-License-Identifier: MIT
#include "coordinator/output/folder_names.h"

#include <ctype.h>
#include <openssl/sha.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/system/file.h"
#include "common/system/text.h"

// A name is known by 64 bits of its digest. Should two names ever share them, the second gets a number that it did not need.
struct slot {
    uint64_t hash;   // 0: free
    uint32_t number; // to try next for another image of this name
};

struct folder_names {
    char folder[FILE_PATH_MAX];
    bool grouped;
    struct slot *slots;
    size_t capacity, count; // capacity is a power of two
};

static void make_safe(char name[FOLDER_NAME_MAX + 1], const char *text)
{
    char whole[FILE_PATH_MAX];
    snprintf(whole, sizeof whole, "%s", text);
    utf8_clean(whole, '_');
    for (char *s = whole; *s; s++) {
        const unsigned char c = (unsigned char)s[0];
        if (c < 0x20 || c == 0x7f || c == '/')
            *s = '_';
        else if (c == 0xc2 && (unsigned char)s[1] < 0xa0) // U+0080 to U+009F, control characters too
            s[0] = s[1] = '_';
    }
    if (whole[0] == '.' || whole[0] == '-') // hidden, or taken for an option
        whole[0] = '_';
    utf8_cut(whole, FOLDER_BASE_MAX);
    snprintf(name, FOLDER_BASE_MAX + 1, "%s", whole[0] ? whole : "image");
}

static void drop_extension(char *base)
{
    char *dot = strrchr(base, '.');
    if (dot && dot != base)
        *dot = '\0';
}

// What is behind the last slash of so many bytes, those at their end left out. Returns whether there is anything before it.
static bool last_part(const char *text, size_t length, char part[FILE_PATH_MAX])
{
    while (length > 0 && text[length - 1] == '/')
        length--;
    size_t start = length;
    while (start > 0 && text[start - 1] != '/')
        start--;
    snprintf(part, FILE_PATH_MAX, "%.*s", (int)(length - start), text + start);
    return start > 0;
}

void folder_name_of_path(char name[FOLDER_NAME_MAX + 1], const char *path)
{
    char base[FILE_PATH_MAX];
    last_part(path, strlen(path), base);
    drop_extension(base);
    make_safe(name, base);
}

static int hex_value(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : isxdigit((unsigned char)c) ? tolower((unsigned char)c) - 'a' + 10 : -1;
}

static void decode_percent(char *text)
{
    char *out = text;
    for (; *text; text++) {
        const int high = text[0] == '%' ? hex_value(text[1]) : -1, low = high >= 0 ? hex_value(text[2]) : -1;
        const int value = low >= 0 ? high * 16 + low : 0;
        *out++ = value > 0 ? (char)value : *text; // an encoded NUL stays as it is
        text += value > 0 ? 2 : 0;
    }
    *out = '\0';
}

void folder_name_of_url(char name[FOLDER_NAME_MAX + 1], const char *url)
{
    char part[FILE_PATH_MAX];
    const char *host = strstr(url, "://");
    host = host ? host + 3 : url;
    if (last_part(host, strcspn(host, "?#"), part)) {
        decode_percent(part);
        drop_extension(part);
    }
    make_safe(name, part);
}

static uint64_t hash_of(const char *name)
{
    unsigned char lower[FOLDER_NAME_MAX + 1], digest[SHA256_DIGEST_LENGTH];
    const size_t length = strlen(name);
    uint64_t hash;
    for (size_t i = 0; i < length; i++)
        lower[i] = (unsigned char)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] - 'A' + 'a' : name[i]);
    SHA256(lower, length, digest);
    memcpy(&hash, digest, sizeof hash);
    return hash ? hash : 1;
}

// The slot of a hash, or the free one where it belongs.
static struct slot *find(struct slot *slots, size_t capacity, uint64_t hash)
{
    size_t i = (size_t)hash & (capacity - 1);
    while (slots[i].hash && slots[i].hash != hash)
        i = (i + 1) & (capacity - 1);
    return &slots[i];
}

static enum status grow(struct folder_names *names)
{
    const size_t capacity = names->capacity ? names->capacity * 2 : 1024;
    struct slot *slots;
    TRY(ALLOCATE(slots, capacity, "for the names of %zu images", names->count));
    for (size_t i = 0; i < names->capacity; i++)
        if (names->slots[i].hash)
            *find(slots, capacity, names->slots[i].hash) = names->slots[i];
    free(names->slots);
    names->slots = slots;
    names->capacity = capacity;
    return STATUS_OK;
}

// Takes the name if nobody has it. `*taken` tells whether; either way it is not to be had any more.
static enum status try_name(struct folder_names *names, const char *name, bool *taken)
{
    const uint64_t hash = hash_of(name);
    char path[FILE_PATH_MAX];
    struct stat info;
    enum status rc = STATUS_OK;
    if (names->count + 1 > names->capacity / 4 * 3)
        TRY(grow(names));
    struct slot *slot = find(names->slots, names->capacity, hash);
    *taken = !slot->hash;
    if (slot->hash)
        return rc;
    *slot = (struct slot){.hash = hash, .number = 2};
    names->count++;
    if (snprintf(path, sizeof path, "%s/%s", names->folder, name) < (int)sizeof path && lstat(path, &info) == 0)
        *taken = S_ISDIR(info.st_mode) || (S_ISLNK(info.st_mode) && stat(path, &info) == 0 && S_ISDIR(info.st_mode));
    return rc;
}

enum status folder_names_create(struct folder_names **out, const char *folder, bool grouped)
{
    static const char *const own[] = {"run.h5", "run.h5.new", "report.html"}; // the run's own files, whether they are there yet or not
    TRY(ALLOCATE(*out, 1, "for the names of images"));
    struct folder_names *names = *out;
    enum status rc = STATUS_OK;
    bool taken;
    names->grouped = grouped;
    if (snprintf(names->folder, sizeof names->folder, "%s", folder) >= (int)sizeof names->folder) {
        rc = fail(STATUS_LIMIT, "%s: the path of the output folder is too long", folder);
        goto out;
    }
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
        TRY_OUT(try_name(names, own[i], &taken));
out:
    if (rc != STATUS_OK)
        folder_names_destroy(out);
    return rc;
}

void folder_names_destroy(struct folder_names **names)
{
    if (*names)
        free((*names)->slots);
    free(*names);
    *names = NULL;
}

enum status folder_names_claim(struct folder_names *names, char name[FOLDER_NAME_MAX + 1])
{
    char base[FOLDER_NAME_MAX + 1], ending[16];
    if (names->grouped)
        snprintf(base, sizeof base, "%02x/%.*s", (unsigned)(hash_of(name) & 0xff), FOLDER_BASE_MAX, name);
    else
        snprintf(base, sizeof base, "%s", name);
    snprintf(name, FOLDER_NAME_MAX + 1, "%s", base);
    const size_t longest = names->grouped ? FOLDER_NAME_MAX : FOLDER_BASE_MAX;
    const uint64_t hash = hash_of(name);
    bool taken;
    TRY(try_name(names, name, &taken));
    uint32_t number = find(names->slots, names->capacity, hash)->number;
    for (; !taken; number++) {
        const int length = snprintf(ending, sizeof ending, "-%u", (unsigned)number);
        utf8_cut(base, longest - (size_t)length);
        snprintf(name, FOLDER_NAME_MAX + 1, "%s%s", base, ending);
        TRY(try_name(names, name, &taken));
    }
    find(names->slots, names->capacity, hash)->number = number;
    return STATUS_OK;
}

bool folder_name_is_grouped(const char *path, size_t folder)
{
    const char *end = folder > 0 ? memrchr(path, '/', folder - 1) : NULL; // behind the group
    return end && end - path >= 2 && isxdigit((unsigned char)end[-1]) && isxdigit((unsigned char)end[-2]) &&
           (end - path == 2 || end[-3] == '/');
}
