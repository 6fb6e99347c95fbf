// SPDX-License-Identifier: MIT
#include "coordinator/schedule/baseline_images.h"

#include <assert.h>
#include <math.h>
#include <stddef.h>

#include "common/picture/resample.h"

// Baselines are what a picture is compared with on the whole: fine detail matters little.
enum { SIDE_MAX = 1024 };

bool baseline_images_are_wanted(const struct config *config, enum config_use use)
{
    return (use == CONFIG_EXPLAIN || config->importance.method == IMPORTANCE_EXPECTED_GRADIENTS) && config->importance.samples > 0 &&
           config_has_baseline(config, "images");
}

bool baseline_images_are_full(const struct baseline_images *references)
{
    return references->count == BASELINE_IMAGES_MAX + 1;
}

static enum status resize(const struct image *image, int width, int height, float *rgb)
{
    const size_t samples = 3 * (size_t)width * (size_t)height;
    enum status rc = resample(image->rgb, 3, image->width, image->height, rgb, width, height);
    for (size_t i = 0; rc == STATUS_OK && i < samples; i++) // the filter overshoots
        rgb[i] = fmaxf(-1, fminf(1, rgb[i]));
    return rc;
}

enum status baseline_images_add(struct baseline_images *references, int64_t id, const struct image *image)
{
    const int longer = image->width > image->height ? image->width : image->height;
    const double ratio = longer > SIDE_MAX ? (double)SIDE_MAX / longer : 1;
    if (baseline_images_are_full(references))
        return STATUS_OK;
    struct image *kept = &references->images[references->count];
    TRY(image_create(kept, (int)fmax(1, nearbyint(ratio * image->width)), (int)fmax(1, nearbyint(ratio * image->height))));
    const enum status rc = resize(image, kept->width, kept->height, kept->rgb);
    if (rc == STATUS_OK)
        references->ids[references->count++] = id;
    else
        image_destroy(kept);
    return rc;
}

// The place of the `number`-th that is not `id`, or the count where there are fewer.
static int find(const struct baseline_images *references, int64_t id, int number)
{
    int i = 0;
    while (i < references->count && (references->ids[i] == id || number-- > 0))
        i++;
    return i;
}

int baseline_images_count(const struct baseline_images *references, int64_t id)
{
    int count = 0;
    while (count < BASELINE_IMAGES_MAX && find(references, id, count) < references->count)
        count++;
    return count;
}

enum status baseline_images_resize(const struct baseline_images *references, int64_t id, int number, int width, int height, float *rgb)
{
    const int i = find(references, id, number);
    assert(i < references->count);
    return resize(&references->images[i], width, height, rgb);
}

void baseline_images_destroy(struct baseline_images *references)
{
    for (int i = 0; i < references->count; i++)
        image_destroy(&references->images[i]);
    *references = (struct baseline_images){0};
}
