// SPDX-License-Identifier: MIT
#include "coordinator/output/folder_links.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/system/file.h"
#include "coordinator/output/explain_pictures.h"
#include "coordinator/output/film.h"
#include "coordinator/output/stale_files.h"

// Videos, pictures and numbers of a whole dream or explanation, not its frames.
static bool is_linked(const char *name)
{
    static const char *const ends[] = {".png", ".tif", ".jpg", ".mp4", ".h5"};
    const char *end = strrchr(name, '.');
    bool ours = false;
    for (size_t i = 0; end && i < sizeof ends / sizeof ends[0]; i++)
        ours = ours || strcmp(end, ends[i]) == 0;
    return ours && name[0] != '.' && strncmp(name, "dream.partial.", 14) != 0;
}

// `back`: from the one folder to the other.
static enum status link_all(const char *from, const char *back, const char *folder)
{
    char path[FILE_PATH_MAX], target[FILE_PATH_MAX];
    enum status rc = STATUS_OK;
    DIR *entries = opendir(from);
    if (!entries)
        return fail(STATUS_IO, "cannot open the folder '%s': %s", from, strerror(errno));
    for (struct dirent *entry; rc == STATUS_OK && (entry = readdir(entries));) {
        if (!is_linked(entry->d_name))
            continue;
        TRY_OUT(file_join(path, folder, entry->d_name));
        TRY_OUT(file_join(target, back, entry->d_name));
        if (symlink(target, path) != 0 && errno != EEXIST) // what is there is somebody else's
            rc = fail(STATUS_IO, "cannot link '%s': %s", path, strerror(errno));
    }
out:
    closedir(entries);
    return rc;
}

enum status folder_clear(const char *folder)
{
    TRY(stale_files_remove(folder, "dream(\\.partial)?\\.(png|tif|jpg)|explain\\.h5", NULL, NULL));
    TRY(film_remove(folder));
    return explain_pictures_remove(folder);
}

enum status folder_links_make(const char *output, const char *name, const char *place, char to[ROW_SOURCE_MAX])
{
    char folder[FILE_PATH_MAX], from[FILE_PATH_MAX], back[FILE_PATH_MAX] = "../";
    const char *slash = strrchr(place, '/');
    size_t used = 3;
    bool fresh;
    to[0] = '\0';
    if (!slash)
        return fail(STATUS_INTERNAL, "the picture '%s' is in no folder", place);
    TRY(file_join(folder, output, name));
    TRY(file_join(from, output, place));
    *strrchr(from, '/') = '\0';
    for (const char *c = name; *c; c++)
        used += *c == '/' && used + 3 < sizeof back ? (size_t)sprintf(back + used, "../") : 0;
    if (snprintf(back + used, sizeof back - used, "%.*s", (int)(slash - place), place) >= (int)(sizeof back - used))
        return fail(STATUS_LIMIT, "%s: the path is too long for a link", name);
    TRY(file_make_missing_folder(folder, &fresh));
    if (!fresh)
        TRY(folder_clear(folder));
    TRY(link_all(from, back, folder));
    if (snprintf(to, ROW_SOURCE_MAX, "%s%s", name, slash) < ROW_SOURCE_MAX)
        return STATUS_OK;
    to[0] = '\0';
    return fail(STATUS_LIMIT, "%s: the path is too long", name);
}

// Where the file system has no hard links, or no more of them to this file.
static enum status copy(const char *path)
{
    struct file_writer writer = {0};
    struct stat facts;
    char piece[1 << 16];
    int from;
    enum status rc;
    TRY(file_open(path, UINT64_MAX, &from, &facts));
    TRY_OUT(file_create(&writer, path));
    for (ssize_t count; (count = read(from, piece, sizeof piece)) != 0;) {
        if (count < 0 && errno != EINTR)
            TRY_OUT(fail(STATUS_IO, "cannot read '%s': %s", path, strerror(errno)));
        if (count > 0 && fwrite(piece, 1, (size_t)count, writer.stream) != (size_t)count)
            TRY_OUT(fail(STATUS_IO, "cannot write '%s': %s", path, strerror(errno)));
    }
    rc = file_commit(&writer);
out:
    file_abandon(&writer);
    close(from);
    return rc;
}

// The link at this path becomes the file that it leads to: the one or the other is there at any moment.
static enum status make_own(const char *path)
{
    char target[4], aside[FILE_PATH_MAX];
    struct stat facts;
    if (readlink(path, target, sizeof target) < 3 || memcmp(target, "../", 3) != 0) // a file, or a link that is not ours
        return STATUS_OK;
    if (stat(path, &facts) != 0 || !S_ISREG(facts.st_mode)) // it leads nowhere
        return STATUS_OK;
    if (snprintf(aside, sizeof aside, "%s.%08x.part", path, (unsigned)getpid()) >= (int)sizeof aside)
        return fail(STATUS_LIMIT, "%s: the path is too long", path);
    (void)unlink(aside);
    if (linkat(AT_FDCWD, path, AT_FDCWD, aside, AT_SYMLINK_FOLLOW) != 0)
        return copy(path);
    if (rename(aside, path) == 0)
        return STATUS_OK;
    const enum status rc = fail(STATUS_IO, "cannot replace the link '%s': %s", path, strerror(errno));
    (void)unlink(aside);
    return rc;
}

enum status folder_links_end(const char *output, const char *place)
{
    char picture[FILE_PATH_MAX], folder[FILE_PATH_MAX], path[FILE_PATH_MAX];
    enum status rc = STATUS_OK;
    TRY(file_join(picture, output, place));
    snprintf(folder, sizeof folder, "%.*s", (int)(strrchr(picture, '/') - picture), picture);
    TRY(stale_files_remove_aside(folder, "[^.].*\\.(png|tif|jpg|mp4|h5)")); // of a time when this was killed
    DIR *entries = opendir(folder);
    if (!entries)
        return errno == ENOENT ? STATUS_OK : fail(STATUS_IO, "cannot open the folder '%s': %s", folder, strerror(errno));
    for (struct dirent *entry; (entry = readdir(entries));) {
        if (!is_linked(entry->d_name))
            continue;
        TRY_OUT(file_join(path, folder, entry->d_name));
        TRY_OUT(make_own(path));
    }
    rc = file_sync_name(picture);
out:
    closedir(entries);
    return rc;
}
