// SPDX-License-Identifier: MIT
#include "coordinator/references.h"

#include <math.h>
#include <stddef.h>

#include "common/resample.h"

// Baselines are what a picture is compared with on the whole: fine detail matters little.
enum { SIDE_MAX = 1024 };

bool references_are_wanted(const struct config *config, enum job_kind kind)
{
    return (kind == JOB_EXPLAIN || config->importance.method == IMPORTANCE_EXPECTED_GRADIENTS) && config->importance.samples > 0 &&
           config_has_baseline(config, "images");
}

bool references_are_full(const struct references *references)
{
    return references->count == BASELINE_IMAGES_MAX + 1;
}

static enum status resized(const struct image *image, int width, int height, struct image *out)
{
    enum status rc;
    TRY(image_create(out, width, height));
    TRY(resample(image->rgb, 3, image->width, image->height, out->rgb, width, height));
    const size_t samples = 3 * (size_t)width * (size_t)height;
    for (size_t i = 0; i < samples; i++) // the filter overshoots
        out->rgb[i] = fmaxf(-1, fminf(1, out->rgb[i]));
out:
    if (rc != STATUS_OK)
        image_destroy(out);
    return rc;
}

enum status references_add(struct references *references, int64_t id, const struct image *image)
{
    const int longer = image->width > image->height ? image->width : image->height;
    const double ratio = longer > SIDE_MAX ? (double)SIDE_MAX / longer : 1;
    enum status rc = STATUS_OK;
    if (references_are_full(references))
        return STATUS_OK;
    TRY(resized(image, (int)fmax(1, nearbyint(ratio * image->width)), (int)fmax(1, nearbyint(ratio * image->height)),
                &references->images[references->count]));
    references->ids[references->count++] = id;
out:
    return rc;
}

enum status references_give(const struct references *references, int64_t id, int width, int height,
                            struct image others[BASELINE_IMAGES_MAX], int *count)
{
    enum status rc = STATUS_OK;
    *count = 0;
    for (int i = 0; i < references->count && *count < BASELINE_IMAGES_MAX; i++) {
        if (references->ids[i] == id)
            continue;
        TRY(resized(&references->images[i], width, height, &others[*count]));
        ++*count;
    }
out:
    for (; rc != STATUS_OK && *count > 0; --*count)
        image_destroy(&others[*count - 1]);
    return rc;
}

void references_destroy(struct references *references)
{
    for (int i = 0; i < references->count; i++)
        image_destroy(&references->images[i]);
    *references = (struct references){0};
}
