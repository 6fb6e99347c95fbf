// SPDX-License-Identifier: MIT
#include "coordinator/output.h"

#include <stdio.h>
#include <string.h>

#include "common/file.h"
#include "common/log.h"
#include "coordinator/codec.h"
#include "coordinator/leftovers.h"

static enum image_format output_format(const struct config *config, const struct image *image)
{
    switch (config->output.format) {
    case OUTPUT_PNG:
        return IMAGE_FORMAT_PNG;
    case OUTPUT_TIFF:
        return IMAGE_FORMAT_TIFF;
    case OUTPUT_JPEG:
        return IMAGE_FORMAT_JPEG;
    case OUTPUT_AUTO:
        break;
    }
    return image->format == IMAGE_FORMAT_TIFF ? IMAGE_FORMAT_TIFF : IMAGE_FORMAT_PNG;
}

static bool is_dream(const char *name)
{
    static const char *const names[] = {"dream.png",         "dream.tif",         "dream.jpg",
                                        "dream.partial.png", "dream.partial.tif", "dream.partial.jpg"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

static enum status make_folder(char folder[FILE_PATH_MAX], const char *output, const struct task *task)
{
    const enum status rc = file_join(folder, output, task->name);
    return rc == STATUS_OK ? file_make_folder(folder) : rc;
}

static enum status encode(const struct config *config, const char *path, enum image_format format, const struct task *task)
{
    if (format != IMAGE_FORMAT_JPEG)
        return codec_encode(path, format, &task->image);
    if (task->image.alpha)
        log_info("%s: JPEG has no alpha; the dream is written without", task->name);
    return codec_encode_jpeg(path, config->output.quality, &task->image);
}

enum status output_write(const struct config *config, const char *output, struct task *task)
{
    const enum image_format format = output_format(config, &task->image);
    const char *part = task->record.status == IMAGE_STOPPED ? ".partial" : "";
    char folder[FILE_PATH_MAX], path[FILE_PATH_MAX], file[64];
    enum status rc;
    TRY(make_folder(folder, output, task));
    snprintf(file, sizeof file, "dream%s.%s", part, codec_extension(format));
    TRY(file_join(path, folder, file));
    TRY(encode(config, path, format, task));
    TRY(leftovers_remove(folder, is_dream, file));
    snprintf(task->record.output, sizeof task->record.output, "%s/%s", task->name, file);
out:
    return rc;
}

enum status output_begin_film(const struct config *config, const char *output, struct task *task)
{
    char folder[FILE_PATH_MAX];
    enum status rc;
    TRY(file_join(folder, output, task->name));
    if (!config->frames.cam && !config->frames.dream)
        return film_remove(folder);
    TRY(file_make_folder(folder));
    rc = film_create(
        &task->findings.film,
        &(struct film_options){
            .folder = folder, .config = config, .width = task->image.width, .height = task->image.height, .rgb = task->image.rgb});
out:
    return rc;
}

enum status output_begin_explanation(const struct run_file_header *header, const char *output, struct task *task)
{
    char folder[FILE_PATH_MAX];
    enum status rc;
    TRY(make_folder(folder, output, task));
    rc = explain_file_create(&task->findings.explanation, &(struct explain_file_options){.folder = folder,
                                                                                         .config = header->config,
                                                                                         .image = &task->record,
                                                                                         .rgb = task->image.rgb,
                                                                                         .weights_md5 = header->weights_md5,
                                                                                         .weights_source = header->weights_source});
out:
    return rc;
}

enum status output_end(struct task *task)
{
    const bool done = task->record.status == IMAGE_DONE;
    enum status rc = STATUS_OK;
    if (done && task->findings.status != STATUS_OK)
        return fail(task->findings.status, "%s", task->findings.error);
    if (done && task->findings.film)
        TRY(film_finish(&task->findings.film));
    if (done && task->findings.explanation) {
        TRY(explain_file_finish(&task->findings.explanation, &task->record.before));
        snprintf(task->record.output, sizeof task->record.output, "%s/explain.h5", task->name);
    }
out:
    return rc;
}
