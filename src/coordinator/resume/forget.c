// SPDX-License-Identifier: MIT
#include "coordinator/resume/forget.h"

#include <string.h>
#include <unistd.h>

#include "common/system/file.h"
#include "coordinator/output/folder_links.h"
#include "coordinator/output/folder_names.h"
#include "runfile/run_images.h"

// `path`: of the folder, below the first `output` bytes of it.
static enum status clear_folder(char *path, size_t output)
{
    TRY(folder_clear(path));
    while (strlen(path) > output && rmdir(path) == 0)
        *strrchr(path, '/') = '\0';
    return STATUS_OK;
}

static enum status forget_image(const char *output, const struct run_image *image)
{
    char path[FILE_PATH_MAX];
    const char *slash = strrchr(image->output, '/');
    if (!slash || !folder_name_is_safe(image->output, (size_t)(slash - image->output))) // none, or no path of ours
        return STATUS_OK;
    TRY(file_join(path, output, image->output));
    *strrchr(path, '/') = '\0';
    return access(path, F_OK) == 0 ? clear_folder(path, strlen(output)) : STATUS_OK;
}

enum status forget_run(const char *output)
{
    struct run_reader *reader = NULL;
    struct run_images images = {0};
    char path[FILE_PATH_MAX];
    enum status rc;
    TRY(file_join(path, output, "run.h5"));
    // What cannot be read says nothing of images: then nothing goes.
    rc = access(path, F_OK) == 0 ? run_reader_open(&reader, path) : STATUS_IO;
    if (rc == STATUS_OK)
        rc = run_images_read(reader, &images);
    if (rc == STATUS_OK)
        rc = run_images_add_earlier(reader, &images);
    for (size_t i = 0; i < images.count; i++)
        TRY_OUT(forget_image(output, &images.items[i]));
    rc = STATUS_OK;
out:
    run_images_destroy(&images);
    run_reader_close(&reader);
    return rc;
}
