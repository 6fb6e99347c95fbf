// SPDX-License-Identifier: MIT
#include "common/records.h"

#include <math.h>

struct picture_metrics picture_metrics_unknown(void)
{
    const struct target_metrics unknown = {NAN, NAN, NAN, NAN, NAN, NAN};
    struct picture_metrics metrics = {.loss = NAN, .total_variation = NAN, .psnr = NAN};
    for (int t = 0; t < CONFIG_TARGETS_MAX; t++)
        metrics.targets[t] = unknown;
    return metrics;
}

void image_record_unknown(struct image_record *image)
{
    image->redundancy = NAN;
    image->before = image->after = picture_metrics_unknown();
    for (int t = 0; t < CONFIG_TARGETS_MAX; t++)
        image->importance_value[t] = image->importance_expected[t] = image->importance_residual[t] = NAN;
}
