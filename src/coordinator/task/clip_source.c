// SPDX-License-Identifier: MIT
#include "coordinator/task/clip_source.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/picture/resample.h"
#include "common/system/stop_request.h"

static bool is_stopping(void *context)
{
    (void)context;
    return stop_requested();
}

static enum status keep_download(struct clip_source *source, int descriptor)
{
    source->descriptor = fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
    snprintf(source->path, sizeof source->path, "/proc/self/fd/%d", source->descriptor);
    return source->descriptor >= 0 ? STATUS_OK : fail(STATUS_IO, "cannot keep a download open: %s", strerror(errno));
}

enum status clip_source_create(struct clip_source **out, const char *path, int descriptor, const struct image_limits *limits)
{
    TRY(ALLOCATE(*out, 1, "for a video"));
    struct clip_source *source = *out;
    enum status rc = STATUS_OK;
    source->descriptor = -1;
    if (descriptor >= 0)
        TRY_OUT(keep_download(source, descriptor));
    else if ((size_t)snprintf(source->path, sizeof source->path, "%s", path) >= sizeof source->path)
        TRY_OUT(fail(STATUS_LIMIT, "the name of the file is too long"));
    TRY_OUT(video_scan(&source->scan, source->path, limits, is_stopping, NULL));
    source->width = source->scan.facts.form.width;
    source->height = source->scan.facts.form.height;
out:
    if (rc != STATUS_OK)
        clip_source_destroy(out);
    return rc;
}

void clip_source_destroy(struct clip_source **source)
{
    if (!*source)
        return;
    if ((*source)->descriptor >= 0)
        close((*source)->descriptor);
    video_scan_destroy(&(*source)->scan);
    free(*source);
    *source = NULL;
}

double clip_source_time(const struct clip_source *source, int64_t i)
{
    const struct video_form *form = &source->scan.facts.form;
    return (double)(source->scan.times[i] - source->scan.times[0]) * form->tick[0] / form->tick[1];
}

enum status clip_source_read(const struct clip_source *source, struct video_reader *reader, float **rgb)
{
    const size_t count = 3 * (size_t)source->width * (size_t)source->height;
    struct image image = {0};
    int64_t time;
    bool there;
    enum status rc;
    *rgb = NULL;
    TRY_OUT(video_reader_next(reader, &image, &time, &there));
    TRY_OUT(there ? STATUS_OK : fail(STATUS_FORMAT, "'%s' has fewer frames than before", source->path));
    if (image.width == source->width && image.height == source->height) {
        *rgb = image.rgb;
        image.rgb = NULL;
        goto out;
    }
    TRY_OUT(ALLOCATE(*rgb, count, "for a frame"));
    TRY_OUT(resample(image.rgb, 3, image.width, image.height, *rgb, source->width, source->height));
    for (size_t i = 0; i < count; i++) // the filter overshoots
        (*rgb)[i] = fmaxf(-1, fminf(1, (*rgb)[i]));
out:
    image_destroy(&image);
    if (rc != STATUS_OK) {
        free(*rgb);
        *rgb = NULL;
    }
    return rc;
}
