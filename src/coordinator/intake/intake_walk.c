// SPDX-License-Identifier: MIT
#include "coordinator/intake/intake_walk.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/system/log.h"
#include "coordinator/output/explain_pictures.h"
#include "media/picture/signature.h"
#include "media/video/video_probe.h"

static bool is_output_folder(const struct output_folder *output, const struct stat *info)
{
    return output->path && info->st_dev == output->device && info->st_ino == output->inode;
}

// How many parts the path has below the output folder, 0: it is that; -1: it is not in it.
static int depth_in(const struct output_folder *output, const char *path)
{
    char *whole = output->path ? realpath(path, NULL) : NULL;
    const size_t length = whole ? strlen(output->path) : 0;
    const bool inside = whole && strncmp(whole, output->path, length) == 0 && (whole[length] == '/' || whole[length] == '\0');
    int parts = inside ? 0 : -1;
    for (const char *rest = inside ? whole + length : NULL; rest && *rest; rest = strchr(rest + 1, '/'))
        parts++;
    free(whole);
    return parts;
}

static bool has_output_name(const char *name)
{
    return strncmp(name, "dream.", 6) == 0 || strncmp(name, "cam.", 4) == 0 || strncmp(name, "zoom.", 5) == 0 ||
           explain_pictures_has_name(name);
}

void output_folder_find(struct output_folder *output, const char *path)
{
    struct stat info;
    *output = (struct output_folder){0};
    if (stat(path, &info) == 0)
        *output = (struct output_folder){realpath(path, NULL), info.st_dev, info.st_ino};
}

void output_folder_release(struct output_folder *output)
{
    free(output->path);
    *output = (struct output_folder){0};
}

bool output_folder_may_hold(const struct output_folder *output, const char *path, const char *name)
{
    return has_output_name(name) && depth_in(output, path) > 1;
}

static bool is_run_file(const char *name)
{
    return strncmp(name, "run.h5", 6) == 0;
}

bool output_folder_has_run_file(const struct output_folder *output, const char *path, const char *name)
{
    return is_run_file(name) && depth_in(output, path) == 1;
}

// Whether a folder is that of some run: it holds a run file.
static bool is_run_folder(const char *folder)
{
    static const char signature[] = "\x89HDF\r\n\x1a\n";
    char path[FILE_PATH_MAX], start[8];
    struct stat info;
    if (snprintf(path, sizeof path, "%s/run.h5", folder) >= (int)sizeof path || stat(path, &info) != 0 || !S_ISREG(info.st_mode))
        return false;
    FILE *file = fopen(path, "re");
    const bool found = file && fread(start, sizeof start, 1, file) == 1 && memcmp(start, signature, sizeof start) == 0;
    if (file)
        fclose(file);
    return found;
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
    return strcmp((*a)->fts_name, (*b)->fts_name);
}

enum status intake_walk_open(struct intake_walk *walk, const char *folder, const struct output_folder *output, bool videos, bool quiet)
{
    char copy[FILE_PATH_MAX];
    char *const roots[] = {copy, NULL};
    const int depth = depth_in(output, folder);
    snprintf(copy, sizeof copy, "%s", folder);
    *walk = (struct intake_walk){.tree = fts_open(roots, FTS_LOGICAL | FTS_NOCHDIR, by_name),
                                 .output = output,
                                 .inside = depth >= 0 || is_run_folder(folder),
                                 .level = depth > 0 ? 0 : 1,
                                 .videos = videos,
                                 .quiet = quiet};
    return walk->tree ? STATUS_OK : fail(STATUS_IO, "cannot read the folder: %s", strerror(errno));
}

void intake_walk_close(struct intake_walk *walk)
{
    if (walk->tree)
        fts_close(walk->tree);
    walk->tree = NULL;
}

// A file that is the walk's to give out.
static bool is_wanted(struct intake_walk *walk, const FTSENT *found)
{
    if (walk->inside && found->fts_level > walk->level && has_output_name(found->fts_name)) {
        walk->ours++;
        return false;
    }
    if (walk->inside && found->fts_level == 1 && is_run_file(found->fts_name))
        return false;
    const bool wanted = picture_has_name(found->fts_name) || (walk->videos && video_has_name(found->fts_name)) ||
                        (found->fts_info == FTS_F && picture_has_content(found->fts_path));
    walk->pictures += wanted;
    walk->others += !wanted;
    return wanted;
}

static enum status copy_path(char path[FILE_PATH_MAX], const FTSENT *found)
{
    if (snprintf(path, FILE_PATH_MAX, "%s", found->fts_path) >= FILE_PATH_MAX)
        return fail(STATUS_LIMIT, "the path is longer than %d bytes", FILE_PATH_MAX - 1);
    return STATUS_OK;
}

// A folder on the way that is no input.
static bool is_left_out(const struct intake_walk *walk, const FTSENT *found)
{
    static const char *const ours[] = {"dream", "cam", "checkpoints"};
    if (found->fts_name[0] == '.' || is_output_folder(walk->output, found->fts_statp))
        return true;
    for (size_t i = 0; walk->inside && i < sizeof ours / sizeof ours[0]; i++)
        if (strcmp(found->fts_name, ours[i]) == 0)
            return true;
    if (!is_run_folder(found->fts_path))
        return false;
    if (!walk->quiet)
        log_info("%s: left out: it is the output folder of a run", found->fts_path);
    return true;
}

// What one step of the walk came upon: *given if it is for the caller, as a path or as a failure.
static enum status look_at(struct intake_walk *walk, FTSENT *found, char path[FILE_PATH_MAX], bool *given)
{
    enum status rc = STATUS_OK;
    const bool inside = found->fts_level > FTS_ROOTLEVEL;
    *given = false;
    if (inside && found->fts_info == FTS_D && is_left_out(walk, found))
        fts_set(walk->tree, found, FTS_SKIP);
    if (inside && found->fts_name[0] == '.')
        return STATUS_OK;
    switch (found->fts_info) {
    case FTS_F:      // a regular file
    case FTS_SLNONE: // a link to nothing: what it is called tells whether anybody will miss it
        *given = is_wanted(walk, found);
        rc = *given ? copy_path(path, found) : STATUS_OK;
        break;
    case FTS_DNR:
    case FTS_NS:
    case FTS_ERR:
        *given = true;
        rc = copy_path(path, found);
        if (rc == STATUS_OK)
            rc = fail(STATUS_IO, "cannot read: %s", strerror(found->fts_errno));
        break;
    default: // folders on the way back, loops of links, pipes and devices
        break;
    }
    return rc;
}

enum status intake_walk_next(struct intake_walk *walk, char path[FILE_PATH_MAX], bool *end)
{
    FTSENT *found;
    *end = false;
    while ((errno = 0, found = fts_read(walk->tree))) {
        bool given;
        enum status rc = look_at(walk, found, path, &given);
        walk->failures += rc != STATUS_OK;
        if (given)
            return rc;
    }
    enum status rc = STATUS_OK;
    if (errno != 0) // fts_read sets it to 0 at the end
        rc = fail(STATUS_IO, "cannot read the folder to its end: %s", strerror(errno));
    else
        *end = true;
    intake_walk_close(walk);
    return rc;
}
