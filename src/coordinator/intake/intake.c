// SPDX-License-Identifier: MIT
#include "coordinator/intake/intake.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "common/config/channel_input.h"
#include "common/net/url.h"
#include "common/picture/noise.h"
#include "common/system/log.h"
#include "common/system/text.h"
#include "coordinator/intake/intake_list.h"
#include "coordinator/intake/intake_walk.h"

// Where the next entry comes from: the innermost source that is open. A walk may be inside a glob, that inside a list, that inside the
// inputs.
struct intake {
    struct intake_options options;
    int next; // of the inputs
    struct intake_list list;
    char list_path[FILE_PATH_MAX];
    bool globbing;
    glob_t glob;
    size_t glob_next;
    size_t glob_fixed; // bytes of each match that hold no wildcard, up to a slash; 0: only the last part of it counts
    struct intake_walk walk;
    char folder[FILE_PATH_MAX]; // of the walk
    size_t kept;                // where the part of the next source begins that its name is made of
    bool is_path;               // what is given now is a file or folder that is there, whatever its name
    struct output_folder output;
    struct address_key key;
    struct folder_names *names;
    int64_t next_id;
};

// Names that are known are nobody else's.
static enum status reserve_names(struct intake *intake)
{
    const struct known_images *known = intake->options.known;
    for (size_t i = 0; known && i < known->count; i++)
        if (!known->items[i].left_out && known->items[i].folder_length > 0)
            TRY(folder_names_reserve(intake->names, known->items[i].folder, known->items[i].folder_length));
    return STATUS_OK;
}

enum status intake_create(struct intake **out, const struct intake_options *options)
{
    enum status rc;
    TRY(ALLOCATE(*out, 1, "for the inputs"));
    struct intake *intake = *out;
    intake->options = *options;
    if (options->folders == FOLDERS_AUTO)
        intake->options.folders = FOLDERS_TREE;
    output_folder_find(&intake->output, options->output);
    TRY_OUT(folder_names_create(&intake->names, options->output, intake->options.folders));
    rc = reserve_names(intake);
out:
    if (rc != STATUS_OK)
        intake_destroy(out);
    return rc;
}

static void close_glob(struct intake *intake)
{
    if (intake->globbing)
        globfree(&intake->glob);
    intake->globbing = false;
}

void intake_destroy(struct intake **intake)
{
    if (!*intake)
        return;
    intake_walk_close(&(*intake)->walk);
    close_glob(*intake);
    intake_list_close(&(*intake)->list);
    folder_names_destroy(&(*intake)->names);
    output_folder_release(&(*intake)->output);
    free(*intake);
    *intake = NULL;
}

static void give(struct intake_entry *entry, enum intake_kind kind, const char *source)
{
    entry->kind = kind;
    entry->status = STATUS_OK;
    entry->error[0] = '\0';
    if (source != entry->source)
        snprintf(entry->source, sizeof entry->source, "%s", source);
}

// An entry with this thread's message as its error.
static void give_error(struct intake_entry *entry, enum status status, const char *source)
{
    give(entry, INTAKE_FILE, source);
    entry->status = status;
    snprintf(entry->error, sizeof entry->error, "%s", status_message());
}

struct held_entry *intake_hold(const struct intake_entry *entry)
{
    const char *shown = strcmp(entry->shown, entry->source) == 0 ? "" : entry->shown;
    const size_t bytes = sizeof(struct held_entry) + strlen(entry->source) + strlen(entry->name) + strlen(entry->error) + strlen(shown) + 4;
    struct held_entry *held = malloc(bytes);
    if (!held)
        return NULL;
    *held = (struct held_entry){.id = entry->id, .kind = entry->kind, .status = entry->status, .bytes = bytes};
    stpcpy(stpcpy(stpcpy(stpcpy(held->texts, entry->source) + 1, entry->name) + 1, entry->error) + 1, shown);
    return held;
}

void intake_release(struct held_entry *held, struct intake_entry *entry)
{
    const char *name = held->texts + strlen(held->texts) + 1, *error = name + strlen(name) + 1, *shown = error + strlen(error) + 1;
    entry->id = held->id;
    entry->kind = held->kind;
    entry->status = held->status;
    snprintf(entry->source, sizeof entry->source, "%s", held->texts);
    snprintf(entry->name, sizeof entry->name, "%s", name);
    snprintf(entry->error, sizeof entry->error, "%s", error);
    snprintf(entry->shown, sizeof entry->shown, "%s", shown[0] ? shown : held->texts);
    free(held);
}

bool intake_is_url(const char *text)
{
    return strncasecmp(text, "http://", 7) == 0 || strncasecmp(text, "https://", 8) == 0;
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static enum status open_glob(struct intake *intake, const char *pattern)
{
    // Sorted here: glob's own order is the locale's.
    const int found = glob(pattern, GLOB_NOSORT | GLOB_TILDE, NULL, &intake->glob);
    intake->globbing = true; // glob_t holds memory after some failures too
    intake->glob_next = 0;
    const char *slash = memrchr(pattern, '/', strcspn(pattern, "*?["));
    intake->glob_fixed = slash && pattern[0] != '~' ? (size_t)(slash + 1 - pattern) : 0;
    if (found == 0) {
        qsort(intake->glob.gl_pathv, intake->glob.gl_pathc, sizeof *intake->glob.gl_pathv, by_bytes);
        return STATUS_OK;
    }
    close_glob(intake);
    if (found == GLOB_NOMATCH)
        return fail(STATUS_IO, "no file matches");
    return fail(found == GLOB_NOSPACE ? STATUS_LIMIT : STATUS_IO, "cannot look for matching files");
}

// Where the last part of a path begins.
static size_t last_part(const char *path)
{
    size_t length = strlen(path);
    while (length > 0 && path[length - 1] == '/')
        length--;
    while (length > 0 && path[length - 1] != '/')
        length--;
    return length;
}

// Pictures of a folder keep the folders below it in their names. A folder among other inputs is a part of these names too.
static size_t kept_of_folder(const struct intake *intake, const char *folder)
{
    const size_t length = strlen(folder);
    if (intake->globbing && intake->glob_fixed > 0)
        return intake->glob_fixed;
    return intake->globbing || intake->list.stream || intake->options.count > 1 ? last_part(folder) : length + (folder[length - 1] != '/');
}

// A path that is there: a folder opens a walk, anything else is an entry (true).
static bool take_path(struct intake *intake, const char *path, const struct stat *info, struct intake_entry *entry)
{
    enum status rc = STATUS_OK;
    intake->is_path = true;
    intake->kept = intake->globbing && intake->glob_fixed > 0 ? intake->glob_fixed : last_part(path);
    if (S_ISDIR(info->st_mode)) {
        intake->kept = kept_of_folder(intake, path);
        rc = intake_walk_open(&intake->walk, path, &intake->output, intake->options.videos, intake->options.quiet);
        if (rc == STATUS_OK) {
            snprintf(intake->folder, sizeof intake->folder, "%s", path);
            return false;
        }
    } else if (intake->globbing && output_folder_has_run_file(&intake->output, path, path + last_part(path))) {
        return false;
    } else if (!S_ISREG(info->st_mode)) {
        rc = fail(STATUS_UNSUPPORTED, "neither a file nor a folder");
    } else if (output_folder_may_hold(&intake->output, path, path + last_part(path))) {
        rc = fail(STATUS_USAGE, "a picture of an earlier run into this output folder, which this run may overwrite; use another folder");
    }
    if (rc != STATUS_OK) {
        give_error(entry, rc, path);
        return true;
    }
    give(entry, INTAKE_FILE, path);
    return true;
}

// A path as anybody would spell it, so that a run knows its pictures again: of "./a//./b", "a/b". Of one that then reads as noise "./"
// stays, whether it is a file or a folder: its pictures are not taken for noise later.
static void tidy_path(char tidy[FILE_PATH_MAX], const char *path)
{
    const char *const begin = path;
    size_t used = 0;
    if (path[0] == '/')
        tidy[used++] = '/';
    for (path += strspn(path, "/"); *path; path += strspn(path, "/")) {
        const size_t length = strcspn(path, "/"), slash = path[length] == '/';
        if (length != 1 || path[0] != '.') {
            memcpy(tidy + used, path, length + slash);
            used += length + slash;
        }
        path += length;
    }
    if (used == 0)
        tidy[used++] = '.';
    tidy[used] = '\0';
    if ((noise_is_named(tidy) || channel_input_is_named(tidy)) && begin[0] == '.') {
        memmove(tidy + 2, tidy, used + 1);
        memcpy(tidy, "./", 2);
    }
}

// No file, no folder, and no address, but meant as one: with a secret in it, perhaps.
static enum status fail_near(const char *text)
{
    if (url_has_scheme(text))
        return fail(STATUS_UNSUPPORTED, "of addresses only http and https ones are fetched");
    return fail(STATUS_USAGE, "no valid address, and no file of this name: an address begins with http:// or https://, without quotes, "
                              "brackets or anything else before it");
}

// What is neither an address nor anything else that is told by how it begins.
static bool take_typed_path(struct intake *intake, const char *text, struct intake_entry *entry)
{
    struct stat info;
    char path[FILE_PATH_MAX] = "", shown[URL_SHOWN_MAX];
    enum status rc;
    if (text[0])
        tidy_path(path, text);
    if (stat(path, &info) == 0)
        return take_path(intake, path, &info, entry);
    const int error = errno;
    const bool near = url_is_near(text) || strcmp(url_shown(text, NULL, shown), text) != 0;
    const bool is_glob = (error == ENOENT || error == ENOTDIR) && strpbrk(text, "*?[") && !url_has_scheme(text);
    if (is_glob)
        rc = open_glob(intake, path);
    else if (strcmp(text, "-") == 0)
        rc = fail(STATUS_USAGE, "no file of this name (a list is read from standard input with @-)");
    else
        rc = fail(STATUS_IO, "%s", strerror(error));
    if (rc == STATUS_OK)
        return false;
    if (near)
        rc = fail_near(text);
    const bool is_text = near ? text[0] != '/' || strcmp(url_shown(text, NULL, shown), text) != 0 : is_glob;
    intake->is_path = !near || !is_text;
    text = is_text ? text : path; // as it was while it was there
    intake->kept = last_part(text);
    give_error(entry, rc, text);
    return true;
}

// One input as typed or listed. True if it is an entry; else it has opened a source, or gives nothing.
static bool take_input(struct intake *intake, const char *text, bool listed, struct intake_entry *entry)
{
    enum status rc = STATUS_OK;
    struct noise noise;
    char shown[URL_SHOWN_MAX];
    intake->kept = last_part(text);
    if (strlen(text) >= FILE_PATH_MAX) {
        rc = fail(STATUS_LIMIT, "longer than %d bytes", FILE_PATH_MAX - 1);
    } else if (intake_is_url(text) && url_has_wrong_port(text)) {
        rc = fail(STATUS_USAGE, "no valid address: behind the colon is no port (a password is written as in http://user:password@host/)");
    } else if (intake_is_url(text)) {
        give(entry, INTAKE_URL, text);
        return true;
    } else if (noise_is_named(text) || channel_input_is_named(text)) {
        rc = channel_input_is_named(text) ? STATUS_OK : noise_parse(text, &noise); // of a channel who loads it knows more
        if (rc == STATUS_OK) {
            give(entry, INTAKE_NOISE, text);
            return true;
        }
    } else if (text[0] == '@' && listed) {
        rc = fail(STATUS_USAGE, "a list cannot name a list (a file of this name is ./@%s)", url_shown(text + 1, NULL, shown));
    } else if (text[0] == '@') {
        snprintf(intake->list_path, sizeof intake->list_path, "%s", text);
        rc = intake_list_open(&intake->list, text + 1, intake->options.lists ? intake->options.lists[intake->next - 1] : -1);
    } else {
        return take_typed_path(intake, text, entry);
    }
    if (rc != STATUS_OK)
        give_error(entry, rc, text);
    return rc != STATUS_OK;
}

static enum status fail_empty(const struct intake_walk *walk, const char *folder)
{
    if (walk->ours > 0)
        return fail(STATUS_USAGE, "no picture in this folder but what a run wrote; name that, such as '%s%s/dream.png'", folder,
                    walk->level > 0 ? "/*" : "");
    return fail(STATUS_USAGE, "no picture in this folder");
}

static bool take_from_walk(struct intake *intake, struct intake_entry *entry)
{
    bool end;
    snprintf(entry->source, sizeof entry->source, "%s", intake->folder); // for failures that are not of one path
    const enum status rc = intake_walk_next(&intake->walk, entry->source, &end);
    const struct intake_walk *walk = &intake->walk;
    if (rc != STATUS_OK) {
        give_error(entry, rc, entry->source);
    } else if (!end) {
        give(entry, INTAKE_FILE, entry->source);
    } else if (walk->pictures == 0 && walk->failures == 0) {
        give_error(entry, fail_empty(walk, intake->folder), intake->folder);
    } else {
        if (walk->others > 0 && !walk->quiet)
            log_info("%s: %lld picture%s, %lld other file%s left out", intake->folder, (long long)walk->pictures, PLURAL(walk->pictures),
                     (long long)walk->others, PLURAL(walk->others));
        if (walk->ours > 0 && !walk->quiet)
            log_info("%s: %lld picture%s left out that %s called as what a run writes", intake->folder, (long long)walk->ours,
                     PLURAL(walk->ours), walk->ours == 1 ? "is" : "are");
        return false;
    }
    return true;
}

static bool take_from_glob(struct intake *intake, struct intake_entry *entry)
{
    struct stat info;
    if (intake->glob_next == intake->glob.gl_pathc) {
        close_glob(intake);
        return false;
    }
    const char *found = intake->glob.gl_pathv[intake->glob_next++];
    char path[FILE_PATH_MAX];
    if (snprintf(path, sizeof path, "%s%s", noise_is_named(found) || channel_input_is_named(found) ? "./" : "", found) >= (int)sizeof path)
        give_error(entry, fail(STATUS_LIMIT, "longer than %d bytes", FILE_PATH_MAX - 1), found);
    else if (stat(path, &info) != 0)
        give_error(entry, fail(STATUS_IO, "%s", strerror(errno)), path);
    else
        return take_path(intake, path, &info, entry);
    return true;
}

static bool take_from_list(struct intake *intake, struct intake_entry *entry)
{
    char text[FILE_PATH_MAX];
    bool end;
    const enum status rc = intake_list_next(&intake->list, text, &end);
    if (rc != STATUS_OK)
        give_error(entry, rc, intake->list_path);
    return rc != STATUS_OK || (!end && take_input(intake, text, true, entry));
}

void intake_pass(struct intake *intake, struct intake_entry *entry, bool *end)
{
    bool given = false;
    *end = false;
    while (!given && !*end) {
        intake->is_path = intake->walk.tree || intake->globbing;
        if (intake->walk.tree)
            given = take_from_walk(intake, entry);
        else if (intake->globbing)
            given = take_from_glob(intake, entry);
        else if (intake->list.stream)
            given = take_from_list(intake, entry);
        else if (intake->next < intake->options.count)
            given = take_input(intake, intake->options.inputs[intake->next++], false, entry);
        else
            *end = true;
    }
    if (given && intake->is_path)
        address_show_path(entry->source, entry->shown);
    else if (given)
        address_show(&intake->key, intake->options.output, intake->options.keep_key, entry->source, entry->shown);
}

static bool is_free(const struct intake *intake, int64_t id)
{
    const struct known_image *known = intake->options.known ? known_images_find(intake->options.known, id) : NULL;
    return !known || known->left_out;
}

enum status intake_next(struct intake *intake, struct intake_entry *entry, bool *end)
{
    intake_pass(intake, entry, end);
    if (*end)
        return STATUS_OK;
    const struct known_image *known = intake->options.known ? known_images_take(intake->options.known, entry->shown) : NULL;
    while (!known && !is_free(intake, intake->next_id))
        intake->next_id++;
    entry->id = known ? known->id : intake->next_id++;
    if (known && known->folder_length > 0) {
        snprintf(entry->name, sizeof entry->name, "%.*s", (int)known->folder_length, known->folder);
        return STATUS_OK;
    }
    // Failed ones have a name too: whether a file can be read today does not change the names of the others.
    if (intake_is_url(entry->source) || (!intake->is_path && url_is_near(entry->source)))
        folder_name_of_url(entry->name, entry->source);
    else if (!intake->is_path && strcmp(entry->shown, entry->source) != 0) // "http:/host?key=..."
        folder_name_of_path(entry->name, "address");
    else if (entry->kind == INTAKE_NOISE)
        folder_name_of_noise(entry->name, entry->source);
    else
        folder_name_of_path(entry->name, entry->source + (intake->kept < strlen(entry->source) ? intake->kept : last_part(entry->source)));
    return folder_names_claim(intake->names, entry->name);
}
