// SPDX-License-Identifier: MIT
#include "coordinator/clip/clip_output.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/system/file.h"
#include "common/system/log.h"
#include "coordinator/output/stale_files.h"

static const char names[] = "(dream|zoom)(\\.partial)?\\.(mp4|mkv)";

static bool is(void *file, const char *name)
{
    return strcmp(file, name) == 0;
}

enum status clip_output_write(const struct segment_setup *setup, const char *folder, struct task *task, int segments)
{
    const bool whole = segments == setup->plan.segments;
    struct clip_parts parts = {0};
    char place[FILE_PATH_MAX], path[FILE_PATH_MAX], file[64];
    const char *extension;
    bool fresh;
    enum status rc;
    TRY_OUT(clip_parts_add_clip(&parts, setup, segments));
    const struct video_join join = {.make = setup->make,
                                    .parts = (const char *const *)parts.paths,
                                    .part_count = parts.count,
                                    .sound = whole && setup->source && setup->source->scan.facts.sounds ? setup->source->path : NULL};
    TRY_OUT(video_join_extension(&join, &extension));
    TRY_OUT(file_join(place, folder, task->name));
    TRY_OUT(file_make_missing_folder(place, &fresh));
    snprintf(file, sizeof file, "%s%s.%s", setup->source ? "dream" : "zoom", whole ? "" : ".partial", extension);
    TRY_OUT(file_join(path, place, file));
    TRY_OUT(video_join_write(&join, path));
    TRY_OUT(file_sync_name(path)); // before the row of the clip says that it is there
    if (!fresh)
        TRY_OUT(stale_files_remove(place, names, is, file));
    snprintf(task->record.output, sizeof task->record.output, "%s/%s", task->name, file);
out:
    clip_parts_destroy(&parts);
    return rc;
}

void clip_output_remove(const char *folder, const struct task *task)
{
    char place[FILE_PATH_MAX];
    if (file_join(place, folder, task->name) == STATUS_OK && stale_files_remove(place, names, NULL, NULL) != STATUS_OK)
        log_warning("%s", status_message());
    rmdir(place); // if it is empty
}
