// SPDX-License-Identifier: MIT
#include "coordinator/output/folder_names.h"

#include <ctype.h>
#include <openssl/sha.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "common/net/url.h"
#include "common/system/file.h"
#include "common/system/text.h"

enum { NUMBER_MAX = 12 }; // bytes of "-4294967295", with the NUL

// A name is known by 64 bits of its digest. Should two names ever share them, the second gets a number that it did not need.
struct slot {
    uint64_t hash;   // 0: free
    uint32_t number; // to try next for another image of this name
};

struct folder_names {
    char folder[FILE_PATH_MAX];
    enum config_folders folders;
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

// Whether a picture's folder may hold a file or folder of this name.
static bool is_of_picture(const char *name)
{
    static const char *const ours[] = {"dream", "cam", "explain"};
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++) {
        const size_t length = strlen(ours[i]);
        if (strncasecmp(name, ours[i], length) == 0 && (name[length] == '\0' || name[length] == '.'))
            return true;
    }
    return false;
}

// The run's own, whether they are there yet or not.
static const char *const of_run[] = {"run.h5", "run.h5.new", "report.html", "checkpoints", "addresses.key"};
enum { OF_RUN = sizeof of_run / sizeof of_run[0] };

static bool is_of_run(const char *name)
{
    int i = 0;
    while (i < OF_RUN && strcasecmp(name, of_run[i]) != 0)
        i++;
    return i < OF_RUN;
}

bool folder_name_is_safe(const char *name, size_t length)
{
    for (size_t i = 0; length <= FOLDER_NAME_MAX; i++) {
        size_t part = 0;
        while (i + part < length && name[i + part] != '/')
            part++;
        if (part == 0 || (part <= 2 && strspn(name + i, ".") >= part))
            return false;
        i += part;
        if (i >= length)
            return true;
    }
    return false;
}

// One more part behind those that are there. False: it does not fit.
static bool add_part(char name[FOLDER_NAME_MAX + 1], const char *text)
{
    char part[FOLDER_NAME_MAX + 1];
    const size_t used = strlen(name);
    make_safe(part, text);
    if (used > 0 ? is_of_picture(part) : is_of_run(part)) {
        utf8_cut(part, FOLDER_BASE_MAX - 1);
        strcat(part, "_");
    }
    const size_t room = FOLDER_NAME_MAX + 1 - used;
    return snprintf(name + used, room, "%s%s", used > 0 ? "/" : "", part) < (int)(room - NUMBER_MAX);
}

void folder_name_of_path(char name[FOLDER_NAME_MAX + 1], const char *path)
{
    char part[FILE_PATH_MAX];
    const char *rest = path;
    bool fits = true;
    name[0] = '\0';
    for (;;) {
        rest += strspn(rest, "/");
        const size_t length = strcspn(rest, "/");
        const bool last = rest[length + strspn(rest + length, "/")] == '\0';
        snprintf(part, sizeof part, "%.*s", (int)length, rest);
        rest += length;
        if (last)
            break;
        if (strcmp(part, ".") != 0 && strcmp(part, "..") != 0)
            fits = fits && add_part(name, part);
    }
    drop_extension(part);
    if (!fits || !add_part(name, part))
        make_safe(name, part);
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
    const struct url_parts parts = url_split(url);
    if (last_part(url + parts.host, parts.query - parts.host, part)) {
        decode_percent(part);
        drop_extension(part);
    }
    make_safe(name, part);
}

void folder_name_of_noise(char name[FOLDER_NAME_MAX + 1], const char *text)
{
    char part[FILE_PATH_MAX];
    snprintf(part, sizeof part, "%s", text);
    for (char *mark = part; (mark = strpbrk(mark, ":#"));)
        *mark = '-';
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

// Takes the name if nobody has it. `*is_free` tells whether; either way it is not to be had any more.
static enum status take_name(struct folder_names *names, const char *name, bool *is_free)
{
    const uint64_t hash = hash_of(name);
    if (names->count + 1 > names->capacity / 4 * 3)
        TRY(grow(names));
    struct slot *slot = find(names->slots, names->capacity, hash);
    *is_free = !slot->hash;
    if (*is_free) {
        *slot = (struct slot){.hash = hash, .number = 2};
        names->count++;
    }
    return STATUS_OK;
}

// The same where the name may be that of a file.
static enum status try_name(struct folder_names *names, const char *name, bool *is_free)
{
    char path[FILE_PATH_MAX];
    struct stat info;
    TRY(take_name(names, name, is_free));
    if (*is_free && snprintf(path, sizeof path, "%s/%s", names->folder, name) < (int)sizeof path && lstat(path, &info) == 0)
        *is_free = S_ISDIR(info.st_mode) || (S_ISLNK(info.st_mode) && stat(path, &info) == 0 && S_ISDIR(info.st_mode));
    return STATUS_OK;
}

enum status folder_names_create(struct folder_names **out, const char *folder, enum config_folders folders)
{
    TRY(ALLOCATE(*out, 1, "for the names of images"));
    struct folder_names *names = *out;
    enum status rc = STATUS_OK;
    bool is_free;
    names->folders = folders;
    if (snprintf(names->folder, sizeof names->folder, "%s", folder) >= (int)sizeof names->folder) {
        rc = fail(STATUS_LIMIT, "%s: the path of the output folder is too long", folder);
        goto out;
    }
    for (int i = 0; i < OF_RUN; i++)
        TRY_OUT(take_name(names, of_run[i], &is_free));
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

enum status folder_names_reserve(struct folder_names *names, const char *name, size_t length)
{
    char whole[FOLDER_NAME_MAX + 1];
    bool is_free;
    snprintf(whole, sizeof whole, "%.*s", (int)length, name);
    return take_name(names, whole, &is_free);
}

enum status folder_names_claim(struct folder_names *names, char name[FOLDER_NAME_MAX + 1])
{
    char folder[FOLDER_NAME_MAX + 1] = "", base[FOLDER_NAME_MAX + 1];
    const char *slash = strrchr(name, '/');
    snprintf(base, sizeof base, "%s", slash ? slash + 1 : name);
    if (names->folders == FOLDERS_GROUPED)
        snprintf(folder, sizeof folder, "%02x/", (unsigned)(hash_of(base) & 0xff));
    else if (names->folders == FOLDERS_TREE && slash)
        snprintf(folder, sizeof folder, "%.*s", (int)(slash + 1 - name), name);
    const size_t before = strlen(folder);
    snprintf(name, FOLDER_NAME_MAX + 1, "%s%s", folder, base);
    const uint64_t hash = hash_of(name);
    bool is_free;
    TRY(try_name(names, name, &is_free));
    uint32_t number = find(names->slots, names->capacity, hash)->number;
    for (; !is_free; number++) {
        char ending[NUMBER_MAX];
        const int length = snprintf(ending, sizeof ending, "-%u", (unsigned)number);
        utf8_cut(base, FOLDER_BASE_MAX - (size_t)length);
        snprintf(name, FOLDER_NAME_MAX + 1, "%s", folder);
        snprintf(name + before, FOLDER_NAME_MAX + 1 - before, "%s%s", base, ending);
        TRY(try_name(names, name, &is_free));
    }
    find(names->slots, names->capacity, hash)->number = number;
    return STATUS_OK;
}
