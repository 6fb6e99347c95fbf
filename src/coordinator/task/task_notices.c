// SPDX-License-Identifier: MIT
#include "coordinator/task/task_notices.h"

#include "common/picture/geometry.h"
#include "media/picture/codec.h"

void task_notices_loaded(struct image *image, const struct config *config, bool explains)
{
    struct octave octaves[GEOMETRY_OCTAVES_MAX];
    if (explains || image->width == 0) // without pixels
        return;
    const int count = geometry_octaves(image->width, image->height, &config->octaves, octaves);
    if (count < config->octaves.count) // auto takes none that are too small
        image_notice(image, NOTICE_OCTAVES, "%d of %d octaves: smaller ones would have a side below %d pixels", count,
                     config->octaves.count, GEOMETRY_MIN_SIDE);
    if (image->alpha && config->output.format == OUTPUT_JPEG)
        image_notice(image, NOTICE_ALPHA, "JPEG has no alpha; the dream is written without");
    if (config->output.format == OUTPUT_JPEG && !codec_jpeg_holds(&image->tags))
        image_notice(image, NOTICE_TAGS, "JPEG has room for 64 kB of EXIF and of XMP; what is longer is left out");
}

// Of an objective that is a mean of activations, 0 means that there was none, at any of its places. The original itself is another matter:
// a step sees it shifted.
static bool is_silent(const struct task *task, int target)
{
    const struct image_rows *rows = &task->results.rows;
    for (size_t i = 0; i < rows->step_count; i++)
        if (rows->steps[i].targets[target].loss != 0)
            return false;
    return rows->step_count > 0 || task->record.before.targets[target].loss == 0;
}

void task_notices_done(struct task *task, const struct config *config)
{
    for (int t = 0; task->record.status == IMAGE_DONE && t < config->targets.count; t++) {
        const struct config_target *target = &config->targets.items[t];
        if (is_silent(task, t))
            image_notice(&task->image, NOTICE_SILENT, "the target %s%s is silent in this picture: nothing is raised there", target->layer,
                         target->place_count                                                   ? " at its place"
                         : target->channel_count || target->lowered_count || target->automatic ? ", these channels,"
                                                                                               : "");
    }
}
