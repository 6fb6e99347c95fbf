// SPDX-License-Identifier: MIT
#include "coordinator/intake/intake_walk.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "media/picture/signature.h"

static bool is_output_folder(const struct intake_output *output, const struct stat *info)
{
    return output->exists && info->st_dev == output->device && info->st_ino == output->inode;
}

bool intake_is_output(const struct intake_output *output, const char *path)
{
    const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
    char above[FILE_PATH_MAX];
    struct stat info;
    if (strncmp(base, "dream.", 6) != 0 && strncmp(base, "cam.", 4) != 0)
        return false;
    return snprintf(above, sizeof above, "%.*s..", (int)(base - path), path) < (int)sizeof above && stat(above, &info) == 0 &&
           is_output_folder(output, &info);
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
    return strcmp((*a)->fts_name, (*b)->fts_name);
}

enum status intake_walk_open(struct intake_walk *walk, const char *folder, const struct intake_output *output)
{
    char copy[FILE_PATH_MAX];
    char *const roots[] = {copy, NULL};
    snprintf(copy, sizeof copy, "%s", folder);
    *walk = (struct intake_walk){.tree = fts_open(roots, FTS_LOGICAL | FTS_NOCHDIR, by_name), .output = output};
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
    if (intake_is_output(walk->output, found->fts_path))
        return false;
    const bool wanted = picture_has_name(found->fts_name) || (found->fts_info == FTS_F && picture_has_content(found->fts_path));
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

// What one step of the walk came upon: *given if it is for the caller, as a path or as a failure.
static enum status look_at(struct intake_walk *walk, FTSENT *found, char path[FILE_PATH_MAX], bool *given)
{
    enum status rc = STATUS_OK;
    const bool inside = found->fts_level > FTS_ROOTLEVEL;
    *given = false;
    if (inside && found->fts_name[0] == '.') {
        if (found->fts_info == FTS_D)
            fts_set(walk->tree, found, FTS_SKIP);
        return STATUS_OK;
    }
    switch (found->fts_info) {
    case FTS_D:
        if (inside && is_output_folder(walk->output, found->fts_statp))
            fts_set(walk->tree, found, FTS_SKIP);
        break;
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
