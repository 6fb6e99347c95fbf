// SPDX-License-Identifier: MIT
#include "coordinator/task/task_output.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/system/file.h"
#include "common/system/log.h"
#include "coordinator/output/stale_files.h"
#include "coordinator/task/task.h"
#include "media/picture/codec.h"
#include "runfile/run_file.h"

static enum image_format output_format(const struct config *config, const struct image *image)
{
    static const enum image_format formats[] = {
        [OUTPUT_PNG] = IMAGE_FORMAT_PNG, [OUTPUT_TIFF] = IMAGE_FORMAT_TIFF, [OUTPUT_JPEG] = IMAGE_FORMAT_JPEG};
    if (config->output.format == OUTPUT_AUTO)
        return image->format == IMAGE_FORMAT_TIFF ? IMAGE_FORMAT_TIFF : IMAGE_FORMAT_PNG;
    return formats[config->output.format];
}

static enum status make_folder(char path[FILE_PATH_MAX], const char *folder, struct task *task)
{
    TRY(file_join(path, folder, task->name));
    return file_make_missing_folder(path, &task->output.fresh);
}

static enum status encode(const struct config *config, const char *path, enum image_format format, const struct task *task)
{
    if (format != IMAGE_FORMAT_JPEG)
        return codec_encode(path, format, &task->image);
    return codec_encode_jpeg(path, config->output.quality, &task->image);
}

static bool is(void *file, const char *name)
{
    return strcmp(file, name) == 0;
}

// Into the image's folder.
static enum status write_picture(const struct config *config, const char *place, struct task *task)
{
    const enum image_format format = output_format(config, &task->image);
    const bool stopped = task->record.status == IMAGE_STOPPED;
    const char *part = stopped ? ".partial" : "";
    char path[FILE_PATH_MAX], file[64];
    snprintf(file, sizeof file, "dream%s.%s", part, codec_extension(format));
    TRY(file_join(path, place, file));
    TRY(encode(config, path, format, task));
    if (!task->output.fresh)
        TRY(stale_files_remove(place, stopped ? "dream\\.partial\\.(png|tif|jpg)" : "dream(\\.partial)?\\.(png|tif|jpg)", is, file));
    snprintf(task->record.output, sizeof task->record.output, "%s/%s", task->name, file);
    return STATUS_OK;
}

enum status output_begin_dream(const struct config *config, const char *folder, struct task *task)
{
    const bool filmed = config->frames.cam || config->frames.dream;
    struct output *output = &task->output;
    char place[FILE_PATH_MAX];
    TRY(make_folder(place, folder, task));
    if (filmed)
        TRY(film_create(&output->film, &(struct film_options){.folder = place,
                                                              .fresh = output->fresh,
                                                              .config = config,
                                                              .width = task->image.width,
                                                              .height = task->image.height,
                                                              .rgb = task->image.rgb,
                                                              .saved = task->earlier.memory ? &task->earlier.rest : NULL}));
    return work_queue_create(&output->queue);
}

enum status output_begin_nothing(struct task *task)
{
    return work_queue_create(&task->output.queue);
}

enum status output_begin_explanation(const struct run_file_header *header, const char *folder, struct task *task)
{
    struct output *output = &task->output;
    char place[FILE_PATH_MAX];
    TRY(make_folder(place, folder, task));
    TRY(explain_file_create(&output->explanation, &(struct explain_file_options){.folder = place,
                                                                                 .config = header->config,
                                                                                 .image = &task->record,
                                                                                 .rgb = task->image.rgb,
                                                                                 .weights_md5 = header->weights_md5,
                                                                                 .weights_source = header->weights_source,
                                                                                 .class_name = header->class_name}));
    return work_queue_create(&output->queue);
}

// One work in the queue. What it needs of these is filled in.
struct item {
    struct output *output;
    struct film_frame frame;
    struct array array;
    struct checkpoint checkpoint;
    char path[FILE_PATH_MAX]; // of the checkpoint; of the output folder
    const struct config *config;
    struct task *task;
};

static void release(struct item *item)
{
    film_frame_destroy(&item->frame);
    free(item->array.values);
    checkpoint_destroy(&item->checkpoint);
}

static void item_destroy(void *data)
{
    release(data);
    free(data);
}

// Takes what the item owns, in any case.
static enum status put(struct output *output, enum status (*run)(void *data), struct item *item)
{
    struct item *copy;
    const enum status rc = ALLOCATE(copy, 1, "for the outputs of an image");
    if (rc != STATUS_OK) {
        release(item);
        return rc;
    }
    *copy = *item;
    copy->output = output;
    work_queue_put(output->queue, &(struct work){.run = run, .destroy = item_destroy, .data = copy});
    return STATUS_OK;
}

static enum status run_frame(void *data)
{
    struct item *item = data;
    return film_add(item->output->film, &item->frame);
}

enum status output_frame(struct output *output, struct film_frame *frame)
{
    const enum status rc = put(output, run_frame, &(struct item){.frame = *frame});
    *frame = (struct film_frame){0};
    return rc;
}

static enum status run_array(void *data)
{
    struct item *item = data;
    return explain_file_add(item->output->explanation, &item->array);
}

enum status output_array(struct output *output, struct array *array)
{
    const enum status rc = put(output, run_array, &(struct item){.array = *array});
    *array = (struct array){0};
    return rc;
}

static enum status run_checkpoint(void *data)
{
    struct item *item = data;
    struct film *film = item->output->film;
    if (checkpoint_write(item->path, &item->checkpoint, film ? film_save : NULL, film) != STATUS_OK ||
        file_sync_name(item->path) != STATUS_OK)
        checkpoint_warn();
    return STATUS_OK;
}

enum status output_checkpoint(struct output *output, const char *path, struct checkpoint *checkpoint)
{
    struct item item = {.checkpoint = *checkpoint};
    *checkpoint = (struct checkpoint){0};
    snprintf(item.path, sizeof item.path, "%s", path);
    return put(output, run_checkpoint, &item);
}

static enum status run_end(void *data)
{
    struct item *item = data;
    struct task *task = item->task;
    struct output *output = item->output;
    const bool done = task->record.status == IMAGE_DONE;
    char place[FILE_PATH_MAX], last[FILE_PATH_MAX];
    TRY(file_join(place, item->path, task->name));
    if (done && output->film)
        TRY(film_finish(&output->film, &task->image));
    else if (done && !output->fresh)
        TRY(film_remove(place));
    if (done && output->explanation) {
        TRY(explain_file_finish(&output->explanation, &task->record.before));
        snprintf(task->record.output, sizeof task->record.output, "%s/explain.h5", task->name);
    }
    if (task->image.rgb)
        TRY(write_picture(item->config, place, task));
    TRY(file_join(last, item->path, task->record.output));
    return task->record.output[0] ? file_sync_name(last) : STATUS_OK; // before the row of the image says that it is there
}

enum status output_end(const struct config *config, const char *folder, struct task *task)
{
    struct item item = {.config = config, .task = task};
    snprintf(item.path, sizeof item.path, "%s", folder);
    const enum status rc = put(&task->output, run_end, &item);
    work_queue_end(task->output.queue);
    return rc;
}

// Nothing of this run, but what an earlier one may have left.
static void remove_all(const char *folder, struct task *task)
{
    char place[FILE_PATH_MAX];
    film_abandon(&task->output.film);
    explain_file_abandon(&task->output.explanation);
    if (file_join(place, folder, task->name) != STATUS_OK || film_remove(place) != STATUS_OK)
        log_warning("%s", status_message());
    rmdir(place); // if it is empty
    task->record.output[0] = '\0';
}

enum status output_finish(const char *folder, struct task *task)
{
    struct output *output = &task->output;
    char reason[STATUS_MESSAGE_MAX];
    double seconds = 0;
    enum status rc = STATUS_OK;
    if (task->record.status == IMAGE_FAILED)
        work_queue_abandon(&output->queue);
    else
        rc = work_queue_finish(&output->queue, &seconds);
    task->record.seconds_encode += seconds;
    snprintf(reason, sizeof reason, "%s", status_message());
    if (rc != STATUS_OK || task->record.status == IMAGE_FAILED)
        remove_all(folder, task);
    output_abandon(output);
    return rc == STATUS_OK ? rc : fail(rc, "%s", reason);
}

void output_abandon(struct output *output)
{
    work_queue_abandon(&output->queue);
    film_leave(&output->film);
    explain_file_abandon(&output->explanation);
}
