// SPDX-License-Identifier: MIT
// Whether a run file has the rows of run_file_rows.h, and how a reader gets at them.
#pragma once

#include "hdf5_look.h"
#include "run_file_rows.h"
#include "still_clock.h"

static const enum run_dataset tables[] = {RUN_STEPS, RUN_CAM_FRAMES, RUN_FAITHFULNESS, RUN_IMAGES, RUN_TIMING};
enum { TABLES = sizeof tables / sizeof tables[0] };

// Calls it as often as it takes until what waits is written, or cannot be.
static inline enum status tick(struct run_file *file)
{
    enum status rc = STATUS_OK;
    for (int i = 0; i < 1000 && rc == STATUS_OK && !run_file_is_written(file); i++) {
        let_pass(1);
        rc = run_file_tick(file);
    }
    return rc;
}

// As any reader opens it; `swmr`: as the header of run_file.h tells a reader who was refused.
static inline hid_t open_file(const char *path, bool swmr)
{
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_libver_bounds(access, H5F_LIBVER_EARLIEST, H5F_LIBVER_LATEST);
    H5Pset_metadata_read_attempts(access, 25); // of the default's hundred each waits twice as long as the last: for ever
    hid_t file = H5Fopen(path, swmr ? H5F_ACC_RDONLY | H5F_ACC_SWMR_READ : H5F_ACC_RDONLY, access);
    H5Pclose(access);
    return file;
}

// All of a dataset of one or two dimensions; *rows: its length.
static inline void *read_dataset(hid_t file, const char *name, hid_t type, hsize_t *rows)
{
    hsize_t size[3];
    void *values = hdf5_values(file, name, type, size);
    *rows = size[0];
    return values;
}

// One column of numbers, found by its name: arrays of `length`, or plain ones for 0.
static inline double *read_column(hid_t file, const char *table, const char *column, int length)
{
    hsize_t size = (hsize_t)length, rows;
    HDF5_HANDLE numbers = length ? H5Tarray_create2(H5T_NATIVE_DOUBLE, 1, &size) : H5Tcopy(H5T_NATIVE_DOUBLE);
    HDF5_HANDLE type = H5Tcreate(H5T_COMPOUND, H5Tget_size(numbers));
    H5Tinsert(type, column, 0, numbers);
    return read_dataset(file, table, type, &rows);
}

static inline void make_row(enum run_dataset table, int64_t place, int64_t offset, void *row)
{
    const struct step_row step = step_of(place);
    const struct image_row image = image_of(place);
    const struct timing_row timing = timing_of(place);
    const struct faithfulness_row score = score_of(place);
    struct cam_row cam = cam_of(place);
    cam.offset = offset;
    run_table_pack(table, targets,
                   table == RUN_STEPS          ? (const void *)&step
                   : table == RUN_CAM_FRAMES   ? (const void *)&cam
                   : table == RUN_FAITHFULNESS ? (const void *)&score
                   : table == RUN_IMAGES       ? (const void *)&image
                                               : (const void *)&timing,
                   row);
}

static inline size_t row_size(enum run_dataset table)
{
    HDF5_HANDLE type = run_table_type(table, targets, NULL);
    return H5Tget_size(type);
}

// Whether every byte of a table is as packed anew. (What the columns are called, and what they mean, others tell.)
static inline bool table_right(hid_t file, enum run_dataset table, hsize_t *count)
{
    char wanted[8192], name[RUN_NAME_MAX];
    const size_t size = row_size(table);
    run_dataset_name(table, NULL, name);
    char *rows = read_dataset(file, name, -1, count);
    bool right = rows && size <= sizeof wanted;
    int64_t offset = 0;
    for (hsize_t i = 0; right && i < *count; i++) {
        const struct cam_row cam = cam_of((int64_t)i);
        make_row(table, (int64_t)i, offset, wanted);
        right = memcmp(wanted, rows + i * size, size) == 0;
        offset += cam_size(&cam);
    }
    free(rows);
    return right;
}

static inline bool cam_right(hid_t file, hsize_t frames)
{
    hsize_t count;
    float *values = read_dataset(file, "cam/values", H5T_NATIVE_FLOAT, &count);
    bool right = values;
    int64_t place = 0;
    for (hsize_t row = 0; right && row < frames; row++) {
        const struct cam_row cam = cam_of((int64_t)row);
        right = place + cam_size(&cam) <= (int64_t)count; // a frame's values are there before it
        for (int64_t i = 0; right && i < cam_size(&cam); i++, place++)
            right = values[place] == cam_value((int64_t)row, i);
    }
    free(values);
    return right;
}

static inline bool importance_right(hid_t file, hsize_t images)
{
    bool right = true;
    for (int target = 0; right && target < targets; target++) {
        char name[64];
        hsize_t count;
        snprintf(name, sizeof name, "importance/mixed%d", target + 3);
        float *values = read_dataset(file, name, H5T_NATIVE_FLOAT, &count);
        right = values && count >= images; // an image's importance is there before it
        for (hsize_t i = 0; right && i < images * (hsize_t)channels[target]; i++) {
            const int64_t id = (int64_t)(i / (hsize_t)channels[target]);
            const int channel = (int)(i % (hsize_t)channels[target]);
            right = importance_known(id, target) ? values[i] == importance_value(id, target, channel) : isnan(values[i]);
        }
        free(values);
    }
    return right;
}

// Whether every row is right and nothing speaks of what is not there, and how many rows each table has.
static inline bool rows_right(hid_t file, hsize_t counts[RUN_DATASETS])
{
    bool right = true;
    for (int i = 0; i < TABLES; i++) {
        counts[tables[i]] = 0;
        right = right && table_right(file, tables[i], &counts[tables[i]]);
    }
    const hsize_t images = counts[RUN_IMAGES], frames = counts[RUN_CAM_FRAMES], steps = counts[RUN_STEPS];
    right = right && images * SCORES_AN_IMAGE <= counts[RUN_FAITHFULNESS];                       // and how far its maps can be believed
    right = right && images * FRAMES_AN_IMAGE <= frames;                                         // an image's frames are there before it
    right = right && (frames + FRAMES_AN_IMAGE - 1) / FRAMES_AN_IMAGE * STEPS_AN_IMAGE <= steps; // and its steps before them
    return right && cam_right(file, frames) && importance_right(file, images);
}

// `images` with all that belongs to them, and the timing of so many ranks.
static inline bool has_rows(hid_t file, hsize_t images, hsize_t ranks)
{
    hsize_t counts[RUN_DATASETS];
    return rows_right(file, counts) && counts[RUN_STEPS] == images * STEPS_AN_IMAGE && counts[RUN_IMAGES] == images &&
           counts[RUN_CAM_FRAMES] == images * FRAMES_AN_IMAGE && counts[RUN_FAITHFULNESS] == images * SCORES_AN_IMAGE &&
           counts[RUN_TIMING] == ranks * PHASES_A_RANK;
}
