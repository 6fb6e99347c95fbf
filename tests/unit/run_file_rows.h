// SPDX-License-Identifier: MIT
// A run file of made-up rows, and whether a run file has them. Every number of a row follows from its place, so that a reader can tell a
// wrong one.
#pragma once

#include <hdf5.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runfile/run_file.h"
#include "runfile/run_tables.h"

enum { STEPS_AN_IMAGE = 20, FRAMES_AN_IMAGE = 4, SCORES_AN_IMAGE = 3, PHASES_A_RANK = PHASE_COUNT - 1, CHANNELS_MAX = 768 };

static int targets = 3;
static int channels[CONFIG_TARGETS_MAX] = {24, 7, 40, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13};

static int chosen_channel = -1; // of the second target; -1: all count

static enum config_importance importance_method = IMPORTANCE_GRADIENT_ACTIVATION;
static const char *weights_source = "weights of l'\xc3\xa9t\xe9";

static inline void make_config(struct config *config)
{
    config_init(config);
    config->targets.count = targets;
    for (int i = 0; i < targets; i++) {
        config->targets.items[i] = (struct config_target){.weight = 1};
        snprintf(config->targets.items[i].layer, CONFIG_NAME_MAX, "mixed%d", i + 3);
    }
    if (chosen_channel >= 0) {
        config->targets.items[1].channel_count = 1;
        config->targets.items[1].channels[0] = chosen_channel;
    }
    config->seed = UINT64_MAX - 1;
    config->team.size = 2;
    config->cam.method = CAM_LAYER;
    config->steps = 5; // as step_of() has them
}

// Two ranks of four cores on each host, but for the last one's.
static int rank_count = 3;
enum { RANKS_MOST = 10000 };

static inline enum status create_with(struct run_file **file, const char *path, const struct run_earlier *earlier)
{
    static char names[RANKS_MOST][ROW_HOST_MAX];
    static const char *hosts[RANKS_MOST];
    static int cores[RANKS_MOST], node_cores[RANKS_MOST];
    for (int rank = 0; rank < rank_count; rank++) {
        snprintf(names[rank], sizeof names[rank], "node%d", rank / 2 + 1);
        hosts[rank] = names[rank];
        cores[rank] = rank == rank_count - 1 ? 8 : 4;
        node_cores[rank] = 8;
    }
    static const struct tile_rules tiles = {.size = 640, .halo = 160, .blend = 32, .stride = 16};
    struct config config;
    make_config(&config);
    struct run_file_header header = {.kind = "dream",
                                     .config = &config,
                                     .channels = channels,
                                     .cam_layer = "mixed5",
                                     .importance = importance_method,
                                     .weights_md5 = "bcbd6486424b2319ff4ef7d526e38f63",
                                     .weights_source = weights_source,
                                     .plan = "conv2d_1 direct\n",
                                     .ranks = rank_count,
                                     .hosts = hosts,
                                     .cores = cores,
                                     .node_cores = node_cores,
                                     .workers = 2,
                                     .tiles = &tiles,
                                     .halo_exact = true};
    return run_file_create(file, path, &header, earlier);
}

static inline enum status create(struct run_file **file, const char *path)
{
    return create_with(file, path, NULL);
}

static inline void make_metrics(struct target_metrics *metrics, double base)
{
    for (int i = 0; i < targets; i++, base++)
        metrics[i] = (struct target_metrics){base, base + 0.125, base + 0.25, base + 0.375, base + 0.5, base + 0.625};
}

static inline struct step_row step_of(int64_t row)
{
    struct step_row step = {.image = row / STEPS_AN_IMAGE,
                            .octave = (int32_t)(row % STEPS_AN_IMAGE / 5),
                            .step = (int32_t)(row % 5),
                            .width = 640,
                            .height = 480,
                            .frame = row % 5 ? -1 : (int32_t)(row % STEPS_AN_IMAGE / 5),
                            .loss = (double)row + 0.5,
                            .total_variation = (double)row * 2,
                            .psnr = row % STEPS_AN_IMAGE ? 1000 / (double)row : INFINITY,
                            .gradient_norm = 1 / ((double)row + 1),
                            .seconds = 0.125};
    make_metrics(step.targets, (double)row * 16);
    return step;
}

// Where the file puts the values is not known here: that is 0.
static inline struct cam_row cam_of(int64_t row)
{
    return (struct cam_row){.image = row / FRAMES_AN_IMAGE,
                            .frame = (int32_t)(row % FRAMES_AN_IMAGE),
                            .octave = (int32_t)(row % FRAMES_AN_IMAGE),
                            .step = 2,
                            .grid = {.width = (int32_t)(24 + row % 13),
                                     .height = (int32_t)(26 + row % 7),
                                     .stride = 16,
                                     .centre = 5,
                                     .octave_width = 640,
                                     .octave_height = 480,
                                     .dy = (int32_t)(row % 33),
                                     .dx = -(int32_t)(row % 31)},
                            .scale = (double)row / 8};
}

static inline int64_t cam_size(const struct cam_row *cam)
{
    return (int64_t)cam->grid.width * cam->grid.height;
}

static inline float cam_value(int64_t row, int64_t place)
{
    return (float)((row * 31 + place) % 997) / 997;
}

static inline bool importance_known(int64_t id, int target)
{
    return id % 3 != IMAGE_FAILED && (id % 3 != IMAGE_STOPPED || target != 0);
}

static inline float importance_value(int64_t id, int target, int channel)
{
    return (float)((id * 131 + target * 17 + channel * 7) % 1009) - 500;
}

static inline struct image_row image_of(int64_t id)
{
    struct image_row image = {.id = id,
                              .width = 640,
                              .height = 480,
                              .bits = 8,
                              .rank = 1,
                              .team = 2,
                              .tiles = 6,
                              .redundancy = 1.25,
                              .seconds_dream = 2.5,
                              .before = {.loss = id % 3 == IMAGE_FAILED ? NAN : (double)id + 0.5, .total_variation = 0.5, .psnr = INFINITY},
                              .after = {.loss = (double)id, .total_variation = 0.75, .psnr = (double)id / 4}};
    make_metrics(image.before.targets, 1e6 + (double)id * 16);
    make_metrics(image.after.targets, (double)id * 16);
    for (int i = 0; i < targets; i++) {
        image.importance_value[i] = (double)id + i;
        image.importance_expected[i] = (double)id - i;
        image.importance_residual[i] = 1 / ((double)id + i + 1);
    }
    image.status = (int32_t)(id % 3);
    snprintf(image.source, sizeof image.source, "photos/\xc3\xa9t\xc3\xa9-%d.jpg", (int)id);
    snprintf(image.sha256, sizeof image.sha256, "%064d", (int)id);
    if (image.status == IMAGE_FAILED)
        snprintf(image.error, sizeof image.error, "not a picture: %d", (int)id);
    return image;
}

// Of a map of the second target, one of the whole loss, and the random one.
static inline struct faithfulness_row score_of(int64_t row)
{
    static const int maps[SCORES_AN_IMAGE] = {CAM_LAYER, EXPLAINED_SMOOTHGRAD, EXPLAINED_RANDOM};
    const int64_t image = row / SCORES_AN_IMAGE, map = row % SCORES_AN_IMAGE;
    struct faithfulness_row score = {.image = image,
                                     .deletion = (double)((image * 37 + map * 11) % 101) / 128,
                                     .insertion = image % 9 ? (double)((image * 53 + map * 29) % 103) / 64 : NAN,
                                     .randomised = map == 2 ? NAN : (double)((image * 7 + map) % 13) / 13};
    snprintf(score.map, sizeof score.map, "%s", explained_map_name(maps[map]));
    snprintf(score.target, sizeof score.target, "%s", map == 0 && targets > 1 ? "mixed4" : "");
    return score;
}

static inline enum status add_scores(struct run_file *file, int64_t id)
{
    enum status rc = STATUS_OK;
    for (int i = 0; rc == STATUS_OK && i < SCORES_AN_IMAGE; i++) {
        const struct faithfulness_row score = score_of(id * SCORES_AN_IMAGE + i);
        rc = run_file_add_faithfulness(file, &score);
    }
    return rc;
}

// Each rank leaves another phase out.
static inline struct timing_row timing_of(int64_t row)
{
    const int rank = (int)(row / PHASES_A_RANK), place = (int)(row % PHASES_A_RANK);
    struct timing_row timing = {.rank = rank, .count = row + 1, .seconds = (double)row * 0.25, .bytes = row * 1000000007};
    snprintf(timing.phase, sizeof timing.phase, "%s", phase_name((enum phase)(place + (place >= rank % PHASE_COUNT))));
    return timing;
}

static inline enum status add_steps(struct run_file *file, int64_t id)
{
    struct step_row steps[STEPS_AN_IMAGE];
    for (int i = 0; i < STEPS_AN_IMAGE; i++)
        steps[i] = step_of(id * STEPS_AN_IMAGE + i);
    return run_file_add_steps(file, steps, STEPS_AN_IMAGE);
}

static inline enum status add_cam(struct run_file *file, int64_t row)
{
    float values[36 * 32];
    const struct cam_row cam = cam_of(row);
    for (int64_t i = 0; i < cam_size(&cam); i++)
        values[i] = cam_value(row, i);
    return run_file_add_cam(file, &cam, values);
}

static inline enum status add_image_row(struct run_file *file, int64_t id)
{
    static float values[CONFIG_TARGETS_MAX][CHANNELS_MAX];
    float *importance[CONFIG_TARGETS_MAX];
    bool any = false;
    for (int i = 0; i < targets; i++) {
        for (int channel = 0; channel < channels[i]; channel++)
            values[i][channel] = importance_value(id, i, channel);
        importance[i] = importance_known(id, i) ? values[i] : NULL;
        any = any || importance[i];
    }
    const struct image_row image = image_of(id);
    return run_file_add_image(file, &image, any ? importance : NULL, NULL);
}

// One image with its steps, frames and scores.
static inline enum status add_image(struct run_file *file, int64_t id)
{
    enum status rc = add_steps(file, id);
    for (int i = 0; rc == STATUS_OK && i < FRAMES_AN_IMAGE; i++)
        rc = add_cam(file, id * FRAMES_AN_IMAGE + i);
    rc = rc == STATUS_OK ? add_scores(file, id) : rc;
    return rc == STATUS_OK ? add_image_row(file, id) : rc;
}

static inline enum status add_timing(struct run_file *file, int rank)
{
    struct timing timing = {0};
    int64_t row = (int64_t)rank * PHASES_A_RANK;
    for (int phase = 0; phase < PHASE_COUNT; phase++)
        if (phase != rank % PHASE_COUNT) {
            const struct timing_row record = timing_of(row++);
            timing.phases[phase].seconds = record.seconds;
            timing.phases[phase].count = record.count;
            timing.phases[phase].bytes = record.bytes;
        }
    return run_file_add_timing(file, rank, &timing);
}

// All tables at once: image `number`, rank `number`.
static inline enum status add_rows(struct run_file *file, int number)
{
    const enum status rc = add_image(file, number);
    return rc == STATUS_OK ? add_timing(file, number) : rc;
}
