// SPDX-License-Identifier: MIT
#include "coordinator/task/checkpoint_folder.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/system/log.h"

static const char folder_name[] = "checkpoints", file_names[] = "[0-9a-f]{32}(-.*)?";

enum status checkpoint_folder_init(struct checkpoint_folder *checkpoints, const char *output)
{
    *checkpoints = (struct checkpoint_folder){0};
    TRY(file_join(checkpoints->folder, output, folder_name));
    checkpoints->earlier = access(checkpoints->folder, F_OK) == 0;
    return STATUS_OK;
}

void checkpoint_folder_destroy(struct checkpoint_folder *checkpoints)
{
    free(checkpoints->obsolete);
    *checkpoints = (struct checkpoint_folder){0};
}

static struct checkpoint_name name_of(const char *sha256)
{
    struct checkpoint_name name;
    snprintf(name.text, sizeof name.text, "%s", sha256);
    return name;
}

static enum status path_of(const struct checkpoint_folder *checkpoints, struct checkpoint_name name, char path[FILE_PATH_MAX])
{
    return file_join(path, checkpoints->folder, name.text);
}

enum status checkpoint_folder_path(const struct checkpoint_folder *checkpoints, const char *sha256, char path[FILE_PATH_MAX])
{
    TRY(file_make_folder(checkpoints->folder));
    return path_of(checkpoints, name_of(sha256), path);
}

enum status checkpoint_folder_load(const struct checkpoint_folder *checkpoints, const struct config *config, struct task *task)
{
    const struct image_limits limits = {.side = config->input.max_side, .pixels = config->input.max_pixels};
    struct checkpoint *earlier = &task->earlier;
    char path[FILE_PATH_MAX];
    TRY(path_of(checkpoints, name_of(task->record.sha256), path));
    if (!checkpoints->earlier || access(path, F_OK) != 0)
        return STATUS_OK;
    enum status rc = checkpoint_read(path, &limits, earlier);
    if (rc == STATUS_OK && strcmp(earlier->sha256, task->record.sha256) != 0)
        rc = fail(STATUS_FORMAT, "checkpoint '%s' is of another picture", path);
    if (rc != STATUS_OK) {
        log_warning("%s; the dream of %s begins anew", status_message(), task->record.source);
        checkpoint_destroy(earlier);
        return STATUS_OK;
    }
    earlier->state.image = task->record.id; // it may have had another one, among other inputs
    image_rows_give(&earlier->rows, task->record.id);
    return STATUS_OK;
}

void checkpoint_folder_end(const struct checkpoint_folder *checkpoints, bool all_done)
{
    if (all_done && stale_files_remove(checkpoints->folder, file_names, NULL, NULL) != STATUS_OK)
        log_warning("%s", status_message());
    rmdir(checkpoints->folder); // if it is empty
}

void checkpoint_folder_are_obsolete(struct checkpoint_folder *checkpoints, const char *sha256)
{
    if (checkpoints->count == checkpoints->room) {
        const size_t room = checkpoints->room ? 2 * checkpoints->room : 64;
        struct checkpoint_name *more = realloc(checkpoints->obsolete, room * sizeof *more);
        if (!more)
            return; // the file stays
        checkpoints->obsolete = more;
        checkpoints->room = room;
    }
    checkpoints->obsolete[checkpoints->count++] = name_of(sha256);
}

// Of a clip.
static void remove_parts(const struct checkpoint_folder *checkpoints, const struct checkpoint_name *name)
{
    char names[CHECKPOINT_NAME + 16];
    snprintf(names, sizeof names, "%s-.*", name->text);
    if (stale_files_remove(checkpoints->folder, names, NULL, NULL) != STATUS_OK)
        log_warning("%s", status_message());
}

void checkpoint_folder_clean(struct checkpoint_folder *checkpoints)
{
    char path[FILE_PATH_MAX];
    for (size_t i = 0; i < checkpoints->count; i++)
        if (path_of(checkpoints, checkpoints->obsolete[i], path) == STATUS_OK && unlink(path) == 0) // most have none
            remove_parts(checkpoints, &checkpoints->obsolete[i]);
    checkpoints->count = 0;
}

int64_t checkpoint_folder_look(const char *output, void (*see)(void *context, const char *name, const char *path), void *context)
{
    char folder[FILE_PATH_MAX], path[FILE_PATH_MAX];
    DIR *entries = file_join(folder, output, folder_name) == STATUS_OK ? opendir(folder) : NULL;
    int64_t count = 0;
    for (struct dirent *entry; entries && (entry = readdir(entries));) {
        const char *name = entry->d_name;
        if (strspn(name, "0123456789abcdef") != CHECKPOINT_NAME || name[CHECKPOINT_NAME] || file_join(path, folder, name) != STATUS_OK)
            continue;
        count++;
        if (see)
            see(context, name, path);
    }
    if (entries)
        closedir(entries);
    return count;
}

enum status checkpoint_folder_remove(const char *output, stale_files_keep keep, void *context)
{
    char folder[FILE_PATH_MAX];
    TRY(file_join(folder, output, folder_name));
    TRY(stale_files_remove(folder, file_names, keep, context));
    rmdir(folder); // if it is empty
    return STATUS_OK;
}
