// SPDX-License-Identifier: MIT
#include "runfile/run_file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <hdf5.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/hdf5/hdf5_error.h"
#include "common/system/clock.h"
#include "common/system/file.h"
#include "common/system/utf8.h"
#include "runfile/run_attributes.h"
#include "runfile/run_file_inside.h"

static const double write_interval = 1;             // second
static const hsize_t memory_page = 4096;            // bytes; larger ones are made of whole such pages
static const size_t waiting_max = 64 * 1024 * 1024; // bytes of rows that a full disk may keep waiting

hid_t run_file_access(void)
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

hid_t run_file_open(const char *path)
{
    enum { ATTEMPTS = 20 }; // HDF5 waits between them, twice as long each time: its default of a hundred never ends
    hid_t access = run_file_access(), file = -1;
    hdf5_listen();
    if (access >= 0 && H5Pset_metadata_read_attempts(access, ATTEMPTS) >= 0)
        file = H5Fopen(path, H5F_ACC_RDONLY | H5F_ACC_SWMR_READ, access);
    if (access >= 0)
        H5Pclose(access);
    return file;
}

static herr_t write_new(const char *path, const struct run_layout *layout, const struct run_file_header *header, const char *config,
                        bool resumed)
{
    herr_t done = -1;
    hid_t access = run_file_access(), creation = H5Pcreate(H5P_FILE_CREATE), root = -1;
    // With up to 64 attributes in the root group's own header, changing one is one small write.
    if (access < 0 || creation < 0 || H5Pset_attr_phase_change(creation, 64, 48) < 0)
        goto out;
    // No metadata across a page, see the header. Space that is freed is found again only while the file is open.
    if (H5Pset_file_space_strategy(creation, H5F_FSPACE_STRATEGY_PAGE, false, 1) < 0 ||
        H5Pset_file_space_page_size(creation, memory_page) < 0)
        goto out;
    root = H5Fcreate(path, H5F_ACC_TRUNC, creation, access);
    if (root >= 0 && run_attributes_create(root, header, config, resumed) >= 0)
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

static enum status create_empty(const char *path, const struct run_layout *layout, const struct run_file_header *header, bool resumed)
{
    enum status rc;
    char *config = NULL;
    TRY_OUT(config_to_string(header->config, &config));
    if (write_new(path, layout, header, config, resumed) < 0)
        rc = hdf5_fail(path, "cannot create the run file");
out:
    free(config);
    return rc;
}

static void destroy(struct run_file **file)
{
    run_layout_destroy(&(*file)->layout);
    free((*file)->gaps);
    free(*file);
    *file = NULL;
}

// Makes sure that the disk has room for what a write may add, before HDF5 changes anything: the chunks that the rows may touch, in whole
// pages, and generously their index. HDF5 cuts off on closing what it did not need.
static enum status set_space_aside(const struct run_file *file)
{
    uint64_t bytes = 256 * 1024;
    for (int i = 0; i < RUN_SERIES_COUNT; i++) {
        const struct run_series *series = &file->layout.series[i];
        const uint64_t chunk = (series->chunk * series->row_size + memory_page - 1) / memory_page * memory_page;
        if (series->count)
            bytes += ((series->count - 1) / series->chunk + 2) * chunk;
    }
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
    hid_t access = run_file_access(), root;
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

enum status run_file_write(struct run_file *file, bool complete)
{
    if (file->broken)
        return fail(STATUS_IO, "%s: an earlier write failed; nothing more is written", file->path);
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
    file->written = now();
    return STATUS_OK;
}

bool run_file_make_room(struct run_file *file, struct run_series *series)
{
    if (series->count && series->count % series->chunk == 0 && run_file_write(file, false) == STATUS_OK)
        return true;
    if (series->count < series->capacity)
        return true;
    size_t bytes = series->chunk * series->row_size;
    for (int i = 0; i < RUN_SERIES_COUNT; i++)
        bytes += file->layout.series[i].capacity * file->layout.series[i].row_size;
    return bytes <= waiting_max && run_series_widen(series);
}

// The place of an image among those with lost rows; their number if it is not there.
static size_t find_gap(const struct run_file *file, int64_t image)
{
    size_t place = 0;
    while (place < file->gap_count && file->gaps[place] != image)
        place++;
    return place;
}

// A row of an image, or of none (-1), found no room. Without memory to remember that, nothing more is written at all.
enum status run_file_lose_row(struct run_file *file, int64_t image)
{
    file->lost = true;
    if (image >= 0 && find_gap(file, image) == file->gap_count) {
        int64_t *more = realloc(file->gaps, (file->gap_count + 1) * sizeof *more);
        if (more) {
            file->gaps = more;
            file->gaps[file->gap_count++] = image;
        } else {
            file->broken = true;
        }
    }
    return fail(STATUS_IO, "%s: rows are lost: the disk has been full for too long", file->path);
}

static enum status add_row(struct run_file *file, enum run_table table, const void *record, int64_t image)
{
    struct run_series *series = &file->layout.series[run_layout_table(table)];
    if (!run_file_make_room(file, series))
        return run_file_lose_row(file, image);
    run_table_pack(table, file->layout.targets, record, series->rows + series->row_size * series->count++);
    return STATUS_OK;
}

enum status run_file_add_cam_values(struct run_file *file, const float *values, size_t count, int64_t image)
{
    struct run_series *series = &file->layout.series[RUN_CAM_VALUES];
    while (count > 0) {
        if (!run_file_make_room(file, series))
            return run_file_lose_row(file, image);
        const size_t room = series->chunk - series->count % series->chunk, part = count < room ? count : room;
        memcpy((float *)series->rows + series->count, values, part * sizeof *values);
        series->count += part;
        file->cam_values += (int64_t)part;
        values += part;
        count -= part;
    }
    return STATUS_OK;
}

// The importance for the next row of /images, which has room and so has this.
static void add_importance(struct run_file *file, const float *const *importance)
{
    for (int target = 0; target < file->layout.targets; target++) {
        struct run_series *series = &file->layout.series[RUN_IMPORTANCE + target];
        assert(series->count < series->capacity);
        float *row = (float *)(series->rows + series->row_size * series->count++);
        const float *values = importance ? importance[target] : NULL;
        for (hsize_t i = 0; i < series->width; i++)
            row[i] = values ? values[i] : NAN;
    }
}

static bool has_waiting(const struct run_file *file)
{
    bool waiting = false;
    for (int i = 0; i < RUN_SERIES_COUNT; i++)
        waiting = waiting || file->layout.series[i].count;
    return waiting;
}

bool run_file_is_written(const struct run_file *file)
{
    return !file->lost && !file->broken && !has_waiting(file);
}

enum status run_file_tick(struct run_file *file)
{
    if (!has_waiting(file) || now() - file->written < write_interval)
        return STATUS_OK;
    file->written = now(); // also on failure, so that a full disk is tried once a second
    return run_file_write(file, false);
}

enum status run_file_add_steps(struct run_file *file, const struct step_row *steps, size_t count)
{
    for (size_t i = 0; i < count; i++)
        TRY(add_row(file, RUN_TABLE_STEPS, &steps[i], steps[i].image));
    return STATUS_OK;
}

enum status run_file_add_cam(struct run_file *file, const struct cam_row *frame, const float *values)
{
    struct cam_row record = *frame;
    assert(frame->grid.width > 0 && frame->grid.height > 0);
    record.offset = file->cam_values;
    TRY(run_file_add_cam_values(file, values, (size_t)frame->grid.width * (size_t)frame->grid.height, frame->image));
    return add_row(file, RUN_TABLE_CAM_FRAMES, &record, frame->image);
}

// Text of a fixed length, which a peer may have left without its end.
static void clean_field(char *text, size_t size)
{
    text[size - 1] = '\0';
    size_t length = strlen(text);
    utf8_clean(text, '?');
    memset(text + length, 0, size - length);
}

// Whether an image's row may come: nothing that it speaks of is lost, and there is room for its importance.
static bool image_is_whole(struct run_file *file, int64_t image)
{
    const size_t gap = find_gap(file, image);
    if (gap < file->gap_count) {
        file->gaps[gap] = file->gaps[--file->gap_count];
        return false;
    }
    for (int target = 0; target < file->layout.targets; target++)
        if (!run_file_make_room(file, &file->layout.series[RUN_IMPORTANCE + target]))
            return false;
    return true;
}

enum status run_file_add_image(struct run_file *file, const struct image_row *image, const float *const *importance)
{
    struct image_row record = *image;
    clean_field(record.source, sizeof record.source);
    clean_field(record.sha256, sizeof record.sha256);
    clean_field(record.output, sizeof record.output);
    clean_field(record.error, sizeof record.error);
    if (!image_is_whole(file, record.id))
        return run_file_lose_row(file, -1);
    TRY(add_row(file, RUN_TABLE_IMAGES, &record, -1));
    add_importance(file, importance);
    return STATUS_OK;
}

enum status run_file_add_timing(struct run_file *file, int rank, const struct timing *timing)
{
    for (enum phase phase = 0; phase < PHASE_COUNT; phase++) {
        if (timing->phases[phase].count <= 0)
            continue;
        struct timing_row record = {.rank = rank,
                                    .count = timing->phases[phase].count,
                                    .seconds = timing->phases[phase].seconds,
                                    .bytes = timing->phases[phase].bytes};
        snprintf(record.phase, sizeof record.phase, "%s", phase_name(phase));
        TRY(add_row(file, RUN_TABLE_TIMING, &record, -1));
    }
    return STATUS_OK;
}

// Aside first: `path` may be what the rows come from.
static enum status create_whole(struct run_file *file, const char *path, const struct run_file_header *header,
                                const struct run_earlier *earlier)
{
    enum status rc;
    if (snprintf(file->path, sizeof file->path, "%s.new", path) >= (int)sizeof file->path)
        return fail(STATUS_LIMIT, "%s: the path is too long for a run file", path);
    TRY_OUT(create_empty(file->path, &file->layout, header, earlier != NULL));
    if (earlier)
        TRY_OUT(run_file_carry(file, earlier));
    rc = file_rename(file->path, path);
out:
    if (rc != STATUS_OK)
        unlink(file->path);
    snprintf(file->path, sizeof file->path, "%s", path);
    return rc;
}

enum status run_file_create(struct run_file **out, const char *path, const struct run_file_header *header,
                            const struct run_earlier *earlier)
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
    if (rc == STATUS_OK)
        rc = create_whole(file, path, header, earlier);
    if (rc == STATUS_OK)
        *out = file;
    else
        destroy(&file);
    return rc;
}

enum status run_file_close(struct run_file **file, bool complete)
{
    if (!*file)
        return STATUS_OK;
    enum status rc = run_file_write(*file, complete && !(*file)->lost);
    if (rc == STATUS_OK && (*file)->lost)
        rc = fail(STATUS_IO, "%s: rows were lost while the disk was full", (*file)->path);
    destroy(file);
    return rc;
}
