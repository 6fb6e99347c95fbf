// SPDX-License-Identifier: MIT
#include "coordinator/task/checkpoint_folder.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/system/log.h"
#include "coordinator/output/stale_files.h"

static const char folder_name[] = "checkpoints", file_names[] = "[0-9]+";

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

static enum status path_of(const struct checkpoint_folder *checkpoints, int64_t image, char path[FILE_PATH_MAX])
{
    char name[32];
    snprintf(name, sizeof name, "%" PRId64, image);
    return file_join(path, checkpoints->folder, name);
}

enum status checkpoint_folder_path(const struct checkpoint_folder *checkpoints, int64_t image, char path[FILE_PATH_MAX])
{
    TRY(file_make_folder(checkpoints->folder));
    return path_of(checkpoints, image, path);
}

enum status checkpoint_folder_load(const struct checkpoint_folder *checkpoints, const struct config *config, struct task *task)
{
    const struct image_limits limits = {.side = config->input.max_side, .pixels = config->input.max_pixels};
    struct checkpoint *earlier = &task->earlier;
    char path[FILE_PATH_MAX];
    TRY(path_of(checkpoints, task->record.id, path));
    if (!checkpoints->earlier || access(path, F_OK) != 0)
        return STATUS_OK;
    enum status rc = checkpoint_read(path, &limits, earlier);
    if (rc == STATUS_OK && earlier->state.image != task->record.id)
        rc = fail(STATUS_FORMAT, "checkpoint '%s' is of another image", path);
    if (rc != STATUS_OK) {
        log_warning("%s; the dream of %s begins anew", status_message(), task->record.source);
        checkpoint_destroy(earlier);
        return STATUS_OK;
    }
    if (strcmp(earlier->sha256, task->record.sha256) != 0)
        return fail(STATUS_FORMAT,
                    "it has changed since its dream was begun: put the picture back that was there, or remove '%s' to begin anew", path);
    return rc;
}

void checkpoint_folder_end(const struct checkpoint_folder *checkpoints)
{
    rmdir(checkpoints->folder); // if it is empty
}

void checkpoint_folder_are_obsolete(struct checkpoint_folder *checkpoints, int64_t image)
{
    if (checkpoints->count == checkpoints->room) {
        const size_t room = checkpoints->room ? 2 * checkpoints->room : 64;
        int64_t *more = realloc(checkpoints->obsolete, room * sizeof *more);
        if (!more)
            return; // the file stays
        checkpoints->obsolete = more;
        checkpoints->room = room;
    }
    checkpoints->obsolete[checkpoints->count++] = image;
}

void checkpoint_folder_clean(struct checkpoint_folder *checkpoints)
{
    char path[FILE_PATH_MAX];
    for (size_t i = 0; i < checkpoints->count; i++)
        if (path_of(checkpoints, checkpoints->obsolete[i], path) == STATUS_OK)
            unlink(path); // most have none
    checkpoints->count = 0;
}

static bool is_needed(void *context, const char *name)
{
    const struct run_earlier *earlier = context;
    char *end;
    const int64_t image = strtoll(name, &end, 10);
    return *end == '\0' && earlier && !earlier->keep(earlier->context, image);
}

enum status checkpoint_folder_remove(const char *output, struct run_earlier *earlier)
{
    char folder[FILE_PATH_MAX];
    TRY(file_join(folder, output, folder_name));
    TRY(stale_files_remove(folder, file_names, is_needed, earlier));
    rmdir(folder); // if it is empty
    return STATUS_OK;
}
