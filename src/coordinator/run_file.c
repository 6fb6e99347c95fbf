// SPDX-License-Identifier: MIT
#include "coordinator/run_file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <hdf5.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/file.h"
#include "coordinator/hdf5_error.h"
#include "coordinator/run_attributes.h"
#include "coordinator/run_layout.h"
#include "coordinator/utf8.h"

static const double write_interval = 1; // second

struct run_file {
    char path[FILE_PATH_MAX];
    struct run_layout layout;
    int64_t cam_values;      // handed in so far
    double started, written; // seconds of the monotonic clock
    bool broken;             // HDF5 failed in the midst of a write
};

static hid_t file_access(void)
{
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    // SWMR needs the format of 1.10, also under later libraries. Locks would shut readers out, and parallel file systems often refuse them.
    if (access >= 0 &&
        (H5Pset_libver_bounds(access, H5F_LIBVER_V110, H5F_LIBVER_V110) < 0 || H5Pset_file_locking(access, false, true) < 0)) {
        H5Pclose(access);
        access = -1;
    }
    return access;
}

static herr_t write_new(const char *path, const struct run_layout *layout, const struct run_file_header *header, const char *config)
{
    herr_t done = -1;
    hid_t access = file_access(), creation = H5Pcreate(H5P_FILE_CREATE), root = -1;
    // With up to 64 attributes in the root group's own header, changing one is one small write.
    if (access < 0 || creation < 0 || H5Pset_attr_phase_change(creation, 64, 48) < 0)
        goto out;
    root = H5Fcreate(path, H5F_ACC_TRUNC, creation, access);
    if (root >= 0 && run_attributes_create(root, header, config) >= 0)
        done = run_layout_create(layout, root, header);
out:
    if (root >= 0 && H5Fclose(root) < 0)
        done = -1;
    if (creation >= 0)
        H5Pclose(creation);
    if (access >= 0)
        H5Pclose(access);
    return done;
}

static enum status create_whole(const char *path, const struct run_layout *layout, const struct run_file_header *header)
{
    enum status rc;
    char aside[FILE_PATH_MAX], *config = NULL;
    if (snprintf(aside, sizeof aside, "%s.new", path) >= (int)sizeof aside)
        return fail(STATUS_LIMIT, "%s: the path is too long for a run file", path);
    TRY(config_to_string(header->config, &config));
    if (write_new(aside, layout, header, config) < 0)
        rc = hdf5_fail(path, "cannot create the run file");
    else if (rename(aside, path) != 0)
        rc = fail(STATUS_IO, "%s: cannot create the run file: %s", path, strerror(errno));
    if (rc != STATUS_OK)
        unlink(aside);
out:
    free(config);
    return rc;
}

static void destroy(struct run_file **file)
{
    run_layout_destroy(&(*file)->layout);
    free(*file);
    *file = NULL;
}

enum status run_file_create(struct run_file **out, const char *path, const struct run_file_header *header)
{
    enum status rc = STATUS_OK;
    *out = NULL;
    struct run_file *file = calloc(1, sizeof *file);
    if (!file)
        return fail(STATUS_LIMIT, "%s: no memory for the run file", path);
    // After a failed write HDF5 1.10's own clean-up at exit crashes. Has effect as the first call of HDF5 only; everything is closed by
    // hand.
    H5dont_atexit();
    hdf5_listen();
    file->started = file->written = now();
    if (run_layout_init(&file->layout, header) < 0)
        rc = fail(STATUS_LIMIT, "%s: no memory for the run file", path);
    if (rc == STATUS_OK && snprintf(file->path, sizeof file->path, "%s", path) >= (int)sizeof file->path)
        rc = fail(STATUS_LIMIT, "%s: the path is too long for a run file", path);
    if (rc == STATUS_OK)
        rc = create_whole(path, &file->layout, header);
    if (rc == STATUS_OK)
        *out = file;
    else
        destroy(&file);
    return rc;
}

// Makes sure that the disk has room for what a write may add, before HDF5 changes anything: the chunks, and generously their index.
// HDF5 cuts off on closing what it did not need.
static enum status set_space_aside(const struct run_file *file)
{
    uint64_t bytes = 256 * 1024;
    for (int i = 0; i < RUN_SERIES_COUNT; i++)
        if (file->layout.series[i].count)
            bytes += 2 * file->layout.series[i].chunk * file->layout.series[i].row_size;
    enum status rc = STATUS_OK;
    int error;
    struct stat info;
    int descriptor = open(file->path, O_RDWR | O_CLOEXEC);
    if (descriptor < 0 || fstat(descriptor, &info) != 0)
        rc = fail(STATUS_IO, "%s: cannot write: %s", file->path, strerror(errno));
    else if ((error = posix_fallocate(descriptor, info.st_size, (off_t)bytes)) != 0) {
        rc = fail(STATUS_IO, "%s: cannot write: %s", file->path, strerror(error));
        int cut = ftruncate(descriptor, info.st_size); // gives back what was set aside before the disk was full
        (void)cut;                                     // readers do not mind if it stays
    }
    if (descriptor >= 0)
        close(descriptor);
    return rc;
}

static herr_t append(struct run_file *file, bool complete)
{
    herr_t done;
    hid_t access = file_access(), root;
    if (access < 0)
        return -1;
    root = H5Fopen(file->path, H5F_ACC_RDWR | H5F_ACC_SWMR_WRITE, access);
    H5Pclose(access);
    if (root < 0)
        return -1;
    done = 0;
    for (int i = 0; i < RUN_SERIES_COUNT && done >= 0; i++)
        if (file->layout.series[i].count)
            done = run_series_write(&file->layout.series[i], root);
    if (done >= 0)
        done = run_attributes_progress(root, now() - file->started, complete);
    if (H5Fclose(root) < 0)
        done = -1;
    return done;
}

static enum status write_pending(struct run_file *file, bool complete)
{
    if (file->broken)
        return fail(STATUS_IO, "%s: an earlier write failed; nothing more is written", file->path);
    file->written = now(); // also on failure, so that a full disk is tried once a second
    enum status rc = set_space_aside(file);
    if (rc != STATUS_OK)
        return rc;
    hdf5_listen();
    if (append(file, complete) < 0) {
        file->broken = true;
        return hdf5_fail(file->path, "cannot write");
    }
    for (int i = 0; i < RUN_SERIES_COUNT; i++)
        file->layout.series[i].count = 0;
    return STATUS_OK;
}

static enum status make_room(struct run_file *file, const struct run_series *series)
{
    return series->count == series->chunk ? write_pending(file, false) : STATUS_OK;
}

static enum status add_row(struct run_file *file, enum run_table table, const void *record)
{
    struct run_series *series = &file->layout.series[run_layout_table(table)];
    enum status rc = make_room(file, series);
    if (rc == STATUS_OK)
        run_table_pack(table, file->layout.targets, record, series->rows + series->row_size * series->count++);
    return rc;
}

static enum status add_cam_values(struct run_file *file, const float *values, size_t count)
{
    enum status rc = STATUS_OK;
    struct run_series *series = &file->layout.series[RUN_CAM_VALUES];
    while (count > 0) {
        TRY(make_room(file, series));
        const size_t room = series->chunk - series->count, part = count < room ? count : room;
        memcpy((float *)series->rows + series->count, values, part * sizeof *values);
        series->count += part;
        file->cam_values += (int64_t)part;
        values += part;
        count -= part;
    }
out:
    return rc;
}

// The importance for the next row of /images, which has room and so has this.
static void add_importance(struct run_file *file, const float *const *importance)
{
    for (int target = 0; target < file->layout.targets; target++) {
        struct run_series *series = &file->layout.series[RUN_IMPORTANCE + target];
        assert(series->count < series->chunk);
        float *row = (float *)(series->rows + series->row_size * series->count++);
        const float *values = importance ? importance[target] : NULL;
        for (hsize_t i = 0; i < series->width; i++)
            row[i] = values ? values[i] : NAN;
    }
}

enum status run_file_tick(struct run_file *file)
{
    bool waiting = false;
    for (int i = 0; i < RUN_SERIES_COUNT; i++)
        waiting = waiting || file->layout.series[i].count;
    return waiting && now() - file->written >= write_interval ? write_pending(file, false) : STATUS_OK;
}

enum status run_file_add_steps(struct run_file *file, const struct step_record *steps, size_t count)
{
    enum status rc;
    for (size_t i = 0; i < count; i++)
        TRY(add_row(file, RUN_TABLE_STEPS, &steps[i]));
    TRY(run_file_tick(file));
out:
    return rc;
}

enum status run_file_add_cam(struct run_file *file, const struct cam_record *frame, const float *values)
{
    enum status rc;
    struct cam_record record = *frame;
    assert(frame->grid.width > 0 && frame->grid.height > 0);
    record.offset = file->cam_values;
    TRY(add_cam_values(file, values, (size_t)frame->grid.width * (size_t)frame->grid.height));
    TRY(add_row(file, RUN_TABLE_CAM_FRAMES, &record));
    TRY(run_file_tick(file));
out:
    return rc;
}

// Text of a fixed length, which a peer may have left without its end.
static void clean_field(char *text, size_t size)
{
    text[size - 1] = '\0';
    size_t length = strlen(text);
    utf8_clean(text, '?');
    memset(text + length, 0, size - length);
}

enum status run_file_add_image(struct run_file *file, const struct image_record *image, const float *const *importance)
{
    enum status rc;
    struct image_record record = *image;
    clean_field(record.source, sizeof record.source);
    clean_field(record.sha256, sizeof record.sha256);
    clean_field(record.output, sizeof record.output);
    clean_field(record.error, sizeof record.error);
    TRY(add_row(file, RUN_TABLE_IMAGES, &record));
    add_importance(file, importance);
    TRY(run_file_tick(file));
out:
    return rc;
}

enum status run_file_add_timing(struct run_file *file, int rank, const struct timing *timing)
{
    enum status rc;
    for (enum phase phase = 0; phase < PHASE_COUNT; phase++) {
        if (timing->phases[phase].count <= 0)
            continue;
        struct timing_record record = {.rank = rank,
                                       .count = timing->phases[phase].count,
                                       .seconds = timing->phases[phase].seconds,
                                       .bytes = timing->phases[phase].bytes};
        snprintf(record.phase, sizeof record.phase, "%s", phase_name(phase));
        TRY(add_row(file, RUN_TABLE_TIMING, &record));
    }
    TRY(run_file_tick(file));
out:
    return rc;
}

enum status run_file_close(struct run_file **file, bool complete)
{
    if (!*file)
        return STATUS_OK;
    enum status rc = write_pending(*file, complete);
    destroy(file);
    return rc;
}
