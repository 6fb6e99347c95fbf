// SPDX-License-Identifier: MIT
// For the tests of what explains a picture: a small picture, and arrays as a team sends them.
#pragma once

#include <math.h>
#include <stdlib.h>

#include "common/system/file.h"
#include "coordinator/output/explain_file.h"
#include "scratch.h"
#include "unit.h"

enum {
    WIDTH = 40,
    HEIGHT = 30,
    PIXELS = WIDTH * HEIGHT,
    GRID_WIDTH = 5,
    GRID_HEIGHT = 4,
    STRIDE = 8,
    CENTRE = 3,
    CHANNELS = 300,
    FAITHFULNESS_STEPS = 7
};

static struct config config;

static inline bool make_config(void)
{
    config_init(&config);
    return config_set(&config, "targets=mixed3:1,max_pooling2d_3:0.5") == STATUS_OK &&
           config_set(&config, "gradient=deconv") == STATUS_OK && config_set(&config, "importance.samples=51") == STATUS_OK;
}

// An empty folder of this name in the scratch folder.
static inline void make_folder(char path[FILE_PATH_MAX], const char *name)
{
    UNIT_OK(file_join(path, scratch, name));
    UNIT_OK(file_make_folder(path));
}

// Value `i` of an array: without symmetry, of either sign, 0 at times.
static inline float value_at(const struct array_part *part, size_t i)
{
    const unsigned hash = ((unsigned)i * 2654435761u) ^ (unsigned)(part->kind * 977 + part->target * 131 + part->variant * 31);
    const float value = (float)(hash >> 16 & 1023) / 512 - 1;
    return part->kind == ARRAY_CAM || part->kind == ARRAY_SMOOTHGRAD ? fabsf(value)
           : part->kind == ARRAY_ACTIVATION                          ? fmaxf(value, 0)
                                                                     : value;
}

static inline struct array_part part_of(enum array_kind kind, int target, int variant)
{
    struct array_part part = {.kind = kind, .target = target, .variant = variant, .channels = 3, .height = HEIGHT, .width = WIDTH};
    if (kind == ARRAY_SMOOTHGRAD)
        part.channels = 1;
    if (kind == ARRAY_IMPORTANCE || kind == ARRAY_IMPORTANCE_EXPECTED || kind == ARRAY_ACTIVATION)
        part.channels = CHANNELS;
    if (kind == ARRAY_IMPORTANCE || kind == ARRAY_IMPORTANCE_EXPECTED)
        part.height = part.width = 1;
    if (kind == ARRAY_CAM) {
        part.channels = 1;
        part.height = GRID_HEIGHT;
        part.width = GRID_WIDTH;
        part.grid = (struct heat_grid){GRID_WIDTH, GRID_HEIGHT, STRIDE, CENTRE, WIDTH, HEIGHT, 0, 0};
    }
    if (kind == ARRAY_FAITHFULNESS) {
        part.channels = 2;
        part.height = 1;
        part.width = FAITHFULNESS_STEPS + 1;
        part.grid = (struct heat_grid){.height = 2, .width = 3, .stride = 16};
    }
    for (int i = 0; i < 4; i++)
        part.facts[i] = kind * 100 + target * 10 + i + 0.25;
    part.rows = part.height;
    part.columns = part.width;
    return part;
}

static inline enum status add_part(struct explain_file *file, struct array_part part)
{
    const size_t count = (size_t)part.channels * (size_t)part.height * (size_t)part.width;
    struct array array = {.part = part, .values = malloc(count * sizeof(float))};
    CU_ASSERT_PTR_NOT_NULL_FATAL(array.values);
    for (size_t i = 0; i < count; i++)
        array.values[i] = value_at(&part, i);
    const enum status rc = explain_file_add(file, &array);
    free(array.values);
    return rc;
}

static inline enum status add(struct explain_file *file, enum array_kind kind, int target, int variant)
{
    return add_part(file, part_of(kind, target, variant));
}

static inline enum status create_sized(struct explain_file **file, const char *folder, int width, int height)
{
    const struct image_row record = {.source = "photos/\xc3\xa9t\xc3\xa9-\xff.png", .sha256 = "0123abcd", .width = width, .height = height};
    float *rgb = malloc(3 * (size_t)width * (size_t)height * sizeof *rgb);
    CU_ASSERT_PTR_NOT_NULL_FATAL(rgb);
    for (int i = 0; i < 3 * width * height; i++)
        rgb[i] = (float)(i % width) / (float)width * 2 - 1;
    const enum status rc = explain_file_create(
        file, &(struct explain_file_options){
                  .folder = folder, .config = &config, .image = &record, .rgb = rgb, .weights_md5 = "d41d", .weights_source = "made up"});
    free(rgb);
    return rc;
}

static inline enum status create(struct explain_file **file, const char *folder)
{
    return create_sized(file, folder, WIDTH, HEIGHT);
}

static inline struct picture_metrics known_metrics(void)
{
    struct picture_metrics metrics = picture_metrics_unknown();
    metrics.loss = 0.625;
    for (int t = 0; t < 2; t++)
        metrics.targets[t] = (struct target_metrics){t + 0.1, t + 0.2, t + 0.3, t + 0.4, t + 0.5, t + 0.6};
    return metrics;
}

// Everything that there can be, but the class activation map of a class. Baselines of a team may arrive late and in any order.
static inline enum status add_all(struct explain_file *file)
{
    enum status rc;
    for (int t = 0; t < 2; t++) {
        for (int method = CAM_GRAD; method <= CAM_HIRES; method++)
            TRY_OUT(add(file, ARRAY_CAM, t, method));
        TRY_OUT(add(file, ARRAY_IMPORTANCE, t, 0));
        TRY_OUT(add(file, ARRAY_ACTIVATION, t, 0));
        TRY_OUT(add(file, ARRAY_IMPORTANCE_EXPECTED, t, 0));
    }
    TRY_OUT(add(file, ARRAY_GRADIENT, -1, 0));
    TRY_OUT(add(file, ARRAY_GUIDED_GRADIENT, -1, 0));
    TRY_OUT(add(file, ARRAY_SMOOTHGRAD, -1, 0));
    TRY_OUT(add(file, ARRAY_EXPECTED_GRADIENTS, -1, 0));
    for (int baseline = BASELINE_IMAGE + 1; baseline >= 0; baseline--)
        TRY_OUT(add(file, ARRAY_BASELINE, -1, baseline));
out:
    return rc;
}

static inline enum status write_all(const char *folder)
{
    struct explain_file *file = NULL;
    const struct picture_metrics metrics = known_metrics();
    enum status rc;
    TRY_OUT(create(&file, folder));
    TRY_OUT(add_all(file));
    rc = explain_file_finish(&file, &metrics);
out:
    explain_file_abandon(&file);
    return rc;
}
