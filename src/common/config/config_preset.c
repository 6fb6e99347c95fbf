// SPDX-License-Identifier: MIT
// Presets: files with a name, in the first of three folders that has them.
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/config/config.h"
#include "common/config/config_number.h"
#include "common/config/nearest.h"
#include "common/system/file.h"

enum { FOLDERS = 3, NAME_MAX_LENGTH = 63, KNOWN_MAX = 64 };
static const char extension[] = ".yaml";

// The user's own folder, then the installed one, then the source tree; empty where there is none.
static enum status preset_folders(char folders[FOLDERS][FILE_PATH_MAX])
{
    const char *roots[FOLDERS] = {getenv("ONEIROS_CONFIG_DIR"), ONEIROS_CONFIG_DIR, ONEIROS_SOURCE_CONFIG_DIR};
    for (int i = 0; i < FOLDERS; i++) {
        folders[i][0] = '\0';
        if (roots[i] && roots[i][0])
            TRY(file_join(folders[i], roots[i], "presets"));
    }
    return STATUS_OK;
}

struct known {
    char names[KNOWN_MAX][NAME_MAX_LENGTH + 1];
    int count;
};

static void add_known(struct known *known, const char *file_name)
{
    size_t length = strlen(file_name);
    if (length <= sizeof extension - 1 || strcmp(file_name + length - (sizeof extension - 1), extension) != 0 || file_name[0] == '.')
        return;
    length -= sizeof extension - 1;
    if (length > NAME_MAX_LENGTH || known->count == KNOWN_MAX)
        return;
    for (int i = 0; i < known->count; i++)
        if (strlen(known->names[i]) == length && memcmp(known->names[i], file_name, length) == 0)
            return;
    memcpy(known->names[known->count], file_name, length);
    known->names[known->count++][length] = '\0';
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(a, b);
}

static enum status fail_unknown(const char *name, char folders[FOLDERS][FILE_PATH_MAX])
{
    struct known known = {.count = 0};
    for (int i = 0; i < FOLDERS; i++) {
        DIR *folder = folders[i][0] ? opendir(folders[i]) : NULL;
        if (!folder)
            continue;
        for (const struct dirent *entry; (entry = readdir(folder));)
            add_known(&known, entry->d_name);
        closedir(folder);
    }
    qsort(known.names, (size_t)known.count, sizeof known.names[0], compare_names);

    struct nearest nearest;
    nearest_init(&nearest, name);
    char list[512] = "none found", hint[NEAREST_HINT_MAX];
    size_t used = 0;
    for (int i = 0; i < known.count; i++) {
        nearest_offer(&nearest, known.names[i]);
        int more = snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", known.names[i]);
        if (more > 0 && (size_t)more < sizeof list - used)
            used += (size_t)more;
    }
    return fail(STATUS_USAGE, "unknown preset %s%s (known: %s)", name, nearest_hint(&nearest, "", hint), list);
}

enum status config_load_preset(struct config *config, const char *name)
{
    char folders[FOLDERS][FILE_PATH_MAX], path[FILE_PATH_MAX], file_name[NAME_MAX_LENGTH + sizeof extension], shown[CONFIG_EXCERPT_MAX];
    size_t length = strlen(name);
    config_excerpt(name, shown);
    if (length == 0 || length > NAME_MAX_LENGTH || name[0] == '.' || strchr(name, '/'))
        return fail(STATUS_USAGE, "'%s' is not the name of a preset (a file is given with -c)", shown);
    snprintf(file_name, sizeof file_name, "%s%s", name, extension);
    TRY(preset_folders(folders));
    for (int i = 0; i < FOLDERS; i++) {
        if (!folders[i][0])
            continue;
        TRY(file_join(path, folders[i], file_name));
        if (access(path, F_OK) == 0)
            return config_load_file(config, path);
    }
    return fail_unknown(shown, folders);
}
