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

const char *explained_map_name(int map)
{
    static const char *const names[EXPLAINED_KINDS] = {
        [CAM_GRAD] = "cam",
        [CAM_GRAD_PLUS_PLUS] = "cam_plus_plus",
        [CAM_LAYER] = "layer_cam",
        [CAM_HIRES] = "hires_cam",
        [CAM_CLASS] = "class_cam",
        [EXPLAINED_GUIDED_GRADCAM] = "guided_gradcam",
        [EXPLAINED_SALIENCY] = "saliency",
        [EXPLAINED_SALIENCY_GUIDED] = "saliency_guided",
        [EXPLAINED_SMOOTHGRAD] = "saliency_smoothgrad",
        [EXPLAINED_EXPECTED_GRADIENTS] = "expected_gradients",
        [EXPLAINED_EDGES] = "edges",
        [EXPLAINED_RANDOM] = "random",
    };
    return names[map];
}

void image_row_unknown(struct image_row *image)
{
    image->redundancy = image->range_low = image->range_high = NAN;
    image->before = image->after = picture_metrics_unknown();
    for (int t = 0; t < CONFIG_TARGETS_MAX; t++)
        image->importance_value[t] = image->importance_expected[t] = image->importance_residual[t] = NAN;
}
