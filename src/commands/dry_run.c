// SPDX-License-Identifier: MIT
#include "commands/dry_run.h"

#include "common/geometry.h"
#include "coordinator/intake.h"
#include "coordinator/load.h"
#include "coordinator/task.h"
#include "kernels/network.h"
#include "worker/engine.h"
#include "worker/resources.h"

struct totals {
    long images, failed;
    double steps_pixels;
    size_t largest;
};

static void print_octaves(const struct config *config, const struct image *image, struct totals *totals, FILE *stream)
{
    struct octave octaves[GEOMETRY_OCTAVES_MAX];
    const int count =
        geometry_octaves(image->width, image->height, config->octaves.count, config->octaves.scale, NETWORK_MIN_SIDE, octaves);
    for (int k = 0; k < count; k++)
        fprintf(stream, "%s%dx%d", k ? " -> " : "", octaves[k].width, octaves[k].height);
    totals->steps_pixels += config->steps * geometry_pixels(octaves, count);
}

static void print_task(const struct config *config, const struct task *task, struct totals *totals, FILE *stream)
{
    size_t bytes;
    fprintf(stream, "%s: %d bits%s, octaves ", task->record.source, task->image.bits, task->image.alpha ? " with alpha" : "");
    print_octaves(config, &task->image, totals, stream);
    if (engine_estimate(config, task->image.width, task->image.height, &bytes) != STATUS_OK) {
        fprintf(stream, ": would fail: %s\n", status_message());
        totals->failed++;
        return;
    }
    fprintf(stream, ", %.0f MiB, into %s/\n", (double)bytes / (1 << 20), task->name);
    if (bytes > totals->largest)
        totals->largest = bytes;
}

enum status dry_run(const struct dream_options *options, FILE *stream, long *failed)
{
    const struct config *config = &options->config;
    struct intake *intake = NULL;
    struct totals totals = {0};
    enum status rc;
    TRY(intake_create(&intake, options->output, options->inputs, options->input_count));
    for (;;) {
        struct intake_entry entry;
        bool end;
        TRY(intake_next(intake, &entry, &end));
        if (end)
            break;
        struct task *task = task_create();
        if (!task) {
            rc = fail(STATUS_LIMIT, "no memory for another image");
            goto out;
        }
        totals.images++;
        if (load_task(task, &entry, config, options->output) == STATUS_OK) {
            print_task(config, task, &totals, stream);
        } else {
            fprintf(stream, "%s: would fail: %s\n", task->record.source, status_message());
            totals.failed++;
        }
        task_destroy(&task);
    }
    fprintf(
        stream,
        "%ld images, %ld of which would fail; %.1f million pixels to step over; a rank needs %.0f MiB for the largest image, beside about "
        "130 MiB of weights, and may use %.0f MiB if it is alone on this machine\n",
        totals.images, totals.failed, totals.steps_pixels / 1e6, (double)totals.largest / (1 << 20),
        (double)resources_memory(config->memory.limit, 1) / (1 << 20));
    *failed = totals.failed;
out:
    intake_destroy(&intake);
    return rc;
}
