// SPDX-License-Identifier: MIT
#include "common/wire/run_rows.h"

#include <math.h>

struct picture_metrics picture_metrics_unknown(void)
{
    const struct target_metrics unknown = {NAN, NAN, NAN, NAN, NAN, NAN};
    struct picture_metrics metrics = {.loss = NAN, .total_variation = NAN, .psnr = NAN};
    for (int t = 0; t < CONFIG_TARGETS_MAX; t++)
        metrics.targets[t] = unknown;
    return metrics;
}

void image_row_unknown(struct image_row *image)
{
    image->redundancy = image->range_low = image->range_high = NAN;
    image->before = image->after = picture_metrics_unknown();
    for (int t = 0; t < CONFIG_TARGETS_MAX; t++)
        image->importance_value[t] = image->importance_expected[t] = image->importance_residual[t] = NAN;
}
