// SPDX-License-Identifier: MIT
#include "coordinator/output/folder_links.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
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
