// SPDX-License-Identifier: MIT
// A run file of made-up rows, and whether a run file has them. Every number of a row follows from its place, so that a reader can tell a
// wrong one.
#ifndef ONEIROS_TESTS_RUN_FILE_ROWS_H
#define ONEIROS_TESTS_RUN_FILE_ROWS_H

#include <hdf5.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "coordinator/run_file.h"
#include "coordinator/run_tables.h"

enum { TARGETS = 3, STEPS_AN_IMAGE = 20, PHASES_A_RANK = PHASE_COUNT - 1 };

static inline void make_config(struct config *config)
{
    config_init(config);
    config->targets.count = TARGETS;
    for (int i = 0; i < TARGETS; i++) {
        config->targets.items[i] = (struct config_target){.weight = 1};
        snprintf(config->targets.items[i].layer, CONFIG_NAME_MAX, "mixed%d", i + 3);
    }
    config->seed = UINT64_MAX - 1;
    config->team.size = 2;
}

static inline enum status create(struct run_file **file, const char *path)
{
    static const char *const hosts[] = {"node1", "node1", "node2"};
    static const struct tile_rules tiles = {.size = 640, .halo = 160, .blend = 32, .stride = 16};
    struct config config;
    make_config(&config);
    struct run_file_header header = {.config = &config,
                                     .weights_md5 = "bcbd6486424b2319ff4ef7d526e38f63",
                                     .weights_source = "official \xff weights",
                                     .plan = "conv2d_1 direct\n",
                                     .ranks = 3,
                                     .hosts = hosts,
                                     .workers = 2,
                                     .tiles = &tiles,
                                     .halo_exact = true};
    return run_file_create(file, path, &header);
}

static inline struct step_record step_of(int64_t row)
{
    struct step_record step = {.image = row / STEPS_AN_IMAGE,
                               .octave = (int32_t)(row % STEPS_AN_IMAGE / 5),
                               .step = (int32_t)(row % 5),
                               .width = 640,
                               .height = 480,
                               .loss = (double)row + 0.5,
                               .total_variation = (double)row * 2,
                               .gradient_norm = 1 / ((double)row + 1),
                               .seconds = 0.125};
    for (int i = 0; i < TARGETS; i++)
        step.target_loss[i] = (double)(row * 10 + i);
    return step;
}

static inline struct image_record image_of(int64_t id)
{
    struct image_record image = {.id = id,
                                 .width = 640,
                                 .height = 480,
                                 .bits = 8,
                                 .rank = 1,
                                 .team = 2,
                                 .tiles = 6,
                                 .redundancy = 1.25,
                                 .seconds_dream = 2.5,
                                 .loss_before = NAN,
                                 .loss_after = (double)id};
    image.status = (int32_t)(id % 3);
    snprintf(image.source, sizeof image.source, "photos/\xc3\xa9t\xc3\xa9-%d.jpg", (int)id);
    snprintf(image.sha256, sizeof image.sha256, "%064d", (int)id);
    if (image.status == IMAGE_FAILED)
        snprintf(image.error, sizeof image.error, "not a picture: %d", (int)id);
    return image;
}

// Each rank leaves another phase out.
static inline struct timing_record timing_of(int64_t row)
{
    const int rank = (int)(row / PHASES_A_RANK), place = (int)(row % PHASES_A_RANK);
    struct timing_record timing = {.rank = rank, .count = row + 1, .seconds = (double)row * 0.25, .bytes = row * 1000000007};
    snprintf(timing.phase, sizeof timing.phase, "%s", phase_name((enum phase)(place + (place >= rank % PHASE_COUNT))));
    return timing;
}

// One image with its steps.
static inline enum status add_image(struct run_file *file, int64_t id)
{
    struct step_record steps[STEPS_AN_IMAGE];
    for (int i = 0; i < STEPS_AN_IMAGE; i++)
        steps[i] = step_of(id * STEPS_AN_IMAGE + i);
    enum status rc = run_file_add_steps(file, steps, STEPS_AN_IMAGE);
    struct image_record image = image_of(id);
    return rc == STATUS_OK ? run_file_add_image(file, &image) : rc;
}

static inline enum status add_timing(struct run_file *file, int rank)
{
    struct timing timing = {0};
    int64_t row = (int64_t)rank * PHASES_A_RANK;
    for (int phase = 0; phase < PHASE_COUNT; phase++)
        if (phase != rank % PHASE_COUNT) {
            const struct timing_record record = timing_of(row++);
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

// As any reader opens it; `swmr`: as the header of run_file.h tells a reader who was refused.
static inline hid_t open_file(const char *path, bool swmr)
{
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_libver_bounds(access, H5F_LIBVER_EARLIEST, H5F_LIBVER_LATEST);
    hid_t file = H5Fopen(path, swmr ? H5F_ACC_RDONLY | H5F_ACC_SWMR_READ : H5F_ACC_RDONLY, access);
    H5Pclose(access);
    return file;
}

// The rows of a table as malloc'ed memory, or NULL.
static inline void *read_table(hid_t file, enum run_table table, hsize_t *count)
{
    void *rows = NULL;
    hid_t type = run_table_memory_type(table, TARGETS), dataset = H5Dopen2(file, run_table_name(table), H5P_DEFAULT);
    hid_t space = H5Dget_space(dataset);
    if (H5Sget_simple_extent_dims(space, count, NULL) == 1) {
        rows = calloc(*count + 1, run_table_record_size(table));
        if (rows && H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, rows) < 0) {
            free(rows);
            rows = NULL;
        }
    }
    H5Sclose(space);
    H5Dclose(dataset);
    H5Tclose(type);
    return rows;
}

static inline bool same_step(const void *row, int64_t place)
{
    const struct step_record wanted = step_of(place);
    return memcmp(&wanted, row, sizeof wanted) == 0;
}

static inline bool same_image(const void *row, int64_t place)
{
    const struct image_record wanted = image_of(place), *got = row;
    return got->id == wanted.id && got->status == wanted.status && !strcmp(got->source, wanted.source) &&
           !strcmp(got->sha256, wanted.sha256) && !strcmp(got->error, wanted.error) && got->loss_after == wanted.loss_after &&
           isnan(got->loss_before) && got->seconds_dream == wanted.seconds_dream && got->bits == 8 && got->rank == 1 && got->team == 2 &&
           got->tiles == 6 && got->redundancy == 1.25;
}

static inline bool same_timing(const void *row, int64_t place)
{
    const struct timing_record wanted = timing_of(place), *got = row;
    return got->rank == wanted.rank && !strcmp(got->phase, wanted.phase) && got->count == wanted.count && got->seconds == wanted.seconds &&
           got->bytes == wanted.bytes;
}

// Whether every row is right, and how many each table has.
static inline bool rows_right(hid_t file, hsize_t counts[RUN_TABLE_COUNT])
{
    static bool (*const same[RUN_TABLE_COUNT])(const void *row, int64_t place) = {
        [RUN_TABLE_STEPS] = same_step, [RUN_TABLE_IMAGES] = same_image, [RUN_TABLE_TIMING] = same_timing};
    bool right = true;
    for (enum run_table table = 0; table < RUN_TABLE_COUNT; table++) {
        counts[table] = 0;
        char *rows = read_table(file, table, &counts[table]);
        right = right && rows;
        for (hsize_t i = 0; right && i < counts[table]; i++)
            right = same[table](rows + i * run_table_record_size(table), (int64_t)i);
        free(rows);
    }
    return right && counts[RUN_TABLE_IMAGES] * STEPS_AN_IMAGE <= counts[RUN_TABLE_STEPS]; // an image's steps are there before it
}

static inline bool has_rows(hid_t file, hsize_t steps, hsize_t images, hsize_t timing)
{
    hsize_t counts[RUN_TABLE_COUNT];
    return rows_right(file, counts) && counts[RUN_TABLE_STEPS] == steps && counts[RUN_TABLE_IMAGES] == images &&
           counts[RUN_TABLE_TIMING] == timing;
}

#endif
