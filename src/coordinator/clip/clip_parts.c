// SPDX-License-Identifier: MIT
#include "coordinator/clip/clip_parts.h"

#include <stdlib.h>
#include <string.h>

static enum status add(struct clip_parts *parts, const char *path)
{
    if (parts->count == parts->room) {
        const int room = 2 * parts->room + 64;
        char **paths = realloc(parts->paths, (size_t)room * sizeof *paths);
        if (!paths)
            return no_memory("for the parts of a clip");
        parts->paths = paths;
        parts->room = room;
    }
    parts->paths[parts->count] = strdup(path);
    if (!parts->paths[parts->count])
        return no_memory("for the parts of a clip");
    parts->count++;
    return STATUS_OK;
}

enum status clip_parts_add(struct clip_parts *parts, const struct segment_setup *setup, int segment, enum clip_kind kind)
{
    const int groups = clip_plan_groups(clip_plan_range(&setup->plan, segment, kind));
    for (int g = 0; g < groups; g++) {
        char path[FILE_PATH_MAX];
        TRY(clip_part_path(path, setup->stem, segment, (char)kind, g, ""));
        TRY(add(parts, path));
    }
    return STATUS_OK;
}

enum status clip_parts_add_clip(struct clip_parts *parts, const struct segment_setup *setup, int segments)
{
    for (int k = 0; k < segments; k++) {
        TRY(clip_parts_add(parts, setup, k, CLIP_JOINT));
        TRY(clip_parts_add(parts, setup, k, CLIP_BODY));
    }
    return STATUS_OK;
}

void clip_parts_destroy(struct clip_parts *parts)
{
    for (int i = 0; i < parts->count; i++)
        free(parts->paths[i]);
    free(parts->paths);
    *parts = (struct clip_parts){0};
}
