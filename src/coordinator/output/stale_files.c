// SPDX-License-Identifier: MIT
#include "coordinator/output/stale_files.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/system/file.h"

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

struct choice {
    bool (*is_ours)(const char *name);
    bool whole;       // files under their final names too
    const char *kept; // but for this one; NULL: none
};

static bool is_chosen(const struct choice *choice, const char *entry)
{
    if (is_aside(entry, choice->is_ours))
        return true;
    return choice->whole && choice->is_ours(entry) && !(choice->kept && strcmp(entry, choice->kept) == 0);
}

static enum status remove_chosen(const char *folder, const struct choice *choice)
{
    enum status rc = STATUS_OK;
    DIR *entries = opendir(folder);
    if (!entries)
        return errno == ENOENT ? STATUS_OK : fail(STATUS_IO, "cannot open the folder '%s': %s", folder, strerror(errno));
    for (struct dirent *entry; rc == STATUS_OK && (entry = readdir(entries));)
        if (is_chosen(choice, entry->d_name))
            rc = remove_file(folder, entry->d_name);
    closedir(entries);
    return rc;
}

enum status stale_files_remove(const char *folder, bool (*is_ours)(const char *name), const char *kept)
{
    return remove_chosen(folder, &(struct choice){.is_ours = is_ours, .whole = true, .kept = kept});
}

enum status stale_files_remove_aside(const char *folder, bool (*is_ours)(const char *name))
{
    return remove_chosen(folder, &(struct choice){.is_ours = is_ours});
}
