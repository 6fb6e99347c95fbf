// SPDX-License-Identifier: MIT
// Presets: files with a name, in the first of three folders that has them.
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/config/config.h"
#include "common/config/nearest.h"
#include "common/system/file.h"
#include "common/system/text.h"

enum { FOLDERS = 3, NAME_MAX_LENGTH = 63, KNOWN_MAX = 128 };
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
    const char *end = strrchr(file_name, '.');
    if (file_name[0] == '.' || !end || strcmp(end, extension) != 0 || end - file_name > NAME_MAX_LENGTH || known->count == KNOWN_MAX)
        return;
    snprintf(known->names[known->count++], sizeof known->names[0], "%.*s", (int)(end - file_name), file_name);
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
    char list[512] = "", hint[NEAREST_HINT_MAX];
    for (int i = 0; i < known.count; i++)
        if (i == 0 || strcmp(known.names[i], known.names[i - 1]) != 0) { // several folders may have it
            nearest_offer(&nearest, known.names[i]);
            text_append(list, sizeof list, "%s%s", i ? ", " : "", known.names[i]);
        }
    return fail(STATUS_USAGE, "unknown preset %s%s (known: %s)", name, nearest_hint(&nearest, "", hint), known.count ? list : "none found");
}

enum status config_load_preset(struct config *config, const char *name)
{
    char folders[FOLDERS][FILE_PATH_MAX], path[FILE_PATH_MAX], file_name[NAME_MAX_LENGTH + sizeof extension], shown[TEXT_EXCERPT_MAX];
    size_t length = strlen(name);
    text_excerpt(name, shown);
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
