// SPDX-License-Identifier: MIT
#include "coordinator/output/stale_files.h"

#include <dirent.h>
#include <errno.h>
#include <regex.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/system/file.h"

enum { PATTERN_MAX = 1024 };

// `end`: "?" where files have their final names, too.
static enum status remove_matching(const char *folder, const char *names, const char *end, stale_files_keep keep, void *context)
{
    char pattern[PATTERN_MAX], path[FILE_PATH_MAX];
    regex_t ours;
    enum status rc = STATUS_OK;
    DIR *entries = opendir(folder);
    if (!entries)
        return errno == ENOENT ? STATUS_OK : fail(STATUS_IO, "cannot open the folder '%s': %s", folder, strerror(errno));
    snprintf(pattern, sizeof pattern, "^(%s)(\\.[0-9a-f]{8}\\.part)%s$", names, end);
    if (regcomp(&ours, pattern, REG_EXTENDED | REG_NOSUB) != 0) {
        closedir(entries);
        return fail(STATUS_LIMIT, "no memory to look through the folder '%s'", folder);
    }
    for (struct dirent *entry; rc == STATUS_OK && (entry = readdir(entries));) {
        if (regexec(&ours, entry->d_name, 0, NULL, 0) != 0 || (keep && keep(context, entry->d_name)))
            continue;
        rc = file_join(path, folder, entry->d_name);
        if (rc == STATUS_OK && unlink(path) != 0 && errno != ENOENT && errno != EISDIR) // a folder is none of ours
            rc = fail(STATUS_IO, "cannot remove '%s': %s", path, strerror(errno));
    }
    regfree(&ours);
    closedir(entries);
    return rc;
}

enum status stale_files_remove(const char *folder, const char *names, stale_files_keep keep, void *context)
{
    return remove_matching(folder, names, "?", keep, context);
}

enum status stale_files_remove_aside(const char *folder, const char *names)
{
    return remove_matching(folder, names, "", NULL, NULL);
}
