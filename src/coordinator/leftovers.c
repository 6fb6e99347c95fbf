// SPDX-License-Identifier: MIT
#include "coordinator/leftovers.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/file.h"

// <name>.0123abcd.part, of one of our names.
static bool is_aside(const char *entry, bool (*is_ours)(const char *name))
{
    enum { DIGITS = 8, SUFFIX = sizeof "." - 1 + DIGITS + sizeof ".part" - 1 };
    char name[NAME_MAX + 1];
    const size_t length = strlen(entry);
    if (length <= SUFFIX || length > NAME_MAX)
        return false;
    const char *suffix = entry + length - SUFFIX;
    if (suffix[0] != '.' || strspn(suffix + 1, "0123456789abcdef") != DIGITS || strcmp(suffix + 1 + DIGITS, ".part") != 0)
        return false;
    snprintf(name, sizeof name, "%.*s", (int)(length - SUFFIX), entry);
    return is_ours(name);
}

static enum status remove_file(const char *folder, const char *name)
{
    char path[FILE_PATH_MAX];
    enum status rc = file_join(path, folder, name);
    if (rc == STATUS_OK && unlink(path) != 0 && errno != ENOENT)
        rc = fail(STATUS_IO, "cannot remove '%s': %s", path, strerror(errno));
    return rc;
}

enum status leftovers_remove(const char *folder, bool (*is_ours)(const char *name), const char *kept)
{
    enum status rc = STATUS_OK;
    DIR *entries = opendir(folder);
    if (!entries)
        return errno == ENOENT ? STATUS_OK : fail(STATUS_IO, "cannot open the folder '%s': %s", folder, strerror(errno));
    for (struct dirent *entry; rc == STATUS_OK && (entry = readdir(entries));)
        if ((is_ours(entry->d_name) && !(kept && strcmp(entry->d_name, kept) == 0)) || is_aside(entry->d_name, is_ours))
            rc = remove_file(folder, entry->d_name);
    closedir(entries);
    return rc;
}
