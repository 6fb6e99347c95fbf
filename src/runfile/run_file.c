// SPDX-License-Identifier: MIT
#include "runfile/run_file.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/hdf5/hdf5_file.h"
#include "common/system/clock.h"
#include "common/system/file.h"
#include "common/system/log.h"
#include "runfile/run_carry.h"
#include "runfile/run_series.h"
#include "runfile/run_summary.h"

static const double write_interval = 1;             // second
static const double write_interval_max = 30;        // seconds
static const double write_share = 0.05;             // of the time, for writing: where the disk is slow, rows wait longer
static const hsize_t memory_page = 4096;            // bytes; larger ones are made of whole such pages
static const size_t waiting_max = 64 * 1024 * 1024; // bytes of rows that a full disk may keep waiting, and a quarter of a table

struct run_file {
    char path[FILE_PATH_MAX];
    int targets;
    struct run_series series[RUN_DATASETS]; // those of targets that there are not are zeroed
    int64_t cam_values;                     // handed in so far
    double started, written;                // seconds of the monotonic clock
    double took;                            // the last write, seconds
    struct run_progress progress, shown;    // as it is, and as it was last written
    bool followed;                          // somebody says how far it is
    bool named;                             // it has its final name
    bool broken;                            // HDF5 failed in the midst of a write
    bool lost;                              // there was no memory for some rows that had to wait
    int64_t *gaps;                          // images to which some of them belong, and whose own row is still to come
    size_t gap_count;
};

static herr_t write_facts(hid_t root, const struct run_file_header *header, const char *config, bool resumed)
{
    char started[32];
    struct tm utc;
    const time_t time_now = time(NULL);
    if (!gmtime_r(&time_now, &utc) || !strftime(started, sizeof started, "%Y-%m-%dT%H:%M:%SZ", &utc))
        return -1;
    const struct run_facts facts = {.version = ONEIROS_VERSION,
                                    .kind = header->kind,
                                    .config = config,
                                    .weights_md5 = header->weights_md5,
                                    .weights_source = header->weights_source,
                                    .class_name = header->class_name ? header->class_name : "",
                                    .guide_sha256 = header->guide_sha256 ? header->guide_sha256 : "",
                                    .statistics_sha256 = header->statistics_sha256 ? header->statistics_sha256 : "",
                                    .mask_sha256 = header->mask_sha256 ? header->mask_sha256 : "",
                                    .plan = header->plan,
                                    .started = started,
                                    .seed = header->config->seed,
                                    .ranks = header->ranks,
                                    .workers = header->workers,
                                    .team_size = header->config->team.size,
                                    .tile_size = header->tiles->size,
                                    .tile_halo = header->tiles->halo,
                                    .tile_halo_exact = header->halo_exact,
                                    .tile_blend = header->tiles->blend,
                                    .resumed = resumed,
                                    .progress = run_progress_unknown()};
    return hdf5_set_integer(root, "format_version", RUN_FILE_FORMAT_VERSION) < 0 ? -1 : run_facts_write(root, &facts);
}

static herr_t write_new(const struct run_file *file, const struct run_file_header *header, const char *config, bool resumed)
{
    HDF5_HANDLE access = run_series_access();
    HDF5_HANDLE creation = H5Pcreate(H5P_FILE_CREATE);
    // With up to 64 attributes in the root group's own header, changing one is one small write.
    if (access < 0 || creation < 0 || H5Pset_attr_phase_change(creation, 64, 48) < 0)
        return -1;
    // No metadata across a page, see the header. Space that is freed is found again only while the file is open.
    if (H5Pset_file_space_strategy(creation, H5F_FSPACE_STRATEGY_PAGE, false, 1) < 0 ||
        H5Pset_file_space_page_size(creation, memory_page) < 0)
        return -1;
    const hid_t root = H5Fcreate(file->path, H5F_ACC_TRUNC, creation, access);
    herr_t done = root < 0 ? -1 : write_facts(root, header, config, resumed);
    for (int i = 0; i < RUN_DATASETS && done >= 0; i++)
        done = run_series_create(&file->series[i], root, header);
    return root >= 0 && H5Fclose(root) < 0 ? -1 : done;
}

static enum status create_empty(const struct run_file *file, const struct run_file_header *header, bool resumed)
{
    char *config = NULL;
    TRY(config_to_string(header->config, &config));
    const herr_t done = write_new(file, header, config, resumed);
    free(config);
    return done < 0 ? hdf5_fail(file->path, "cannot create the run file") : STATUS_OK;
}

static void destroy(struct run_file **file)
{
    for (int i = 0; i < RUN_DATASETS; i++)
        run_series_destroy(&(*file)->series[i]);
    free((*file)->gaps);
    free(*file);
    *file = NULL;
}

// Makes sure that the disk has room for what a write may add, before HDF5 changes anything: the chunks that the rows may touch, in whole
// pages, and generously their index. HDF5 cuts off on closing what it did not need.
static enum status set_space_aside(const struct run_file *file)
{
    uint64_t bytes = 256 * 1024;
    for (int i = 0; i < RUN_DATASETS; i++) {
        const struct run_series *series = &file->series[i];
        const uint64_t chunk = (series->chunk * series->row_size + memory_page - 1) / memory_page * memory_page;
        if (series->count)
            bytes += ((series->count - 1) / series->chunk + 2) * chunk;
    }
    const int error = hdf5_set_space_aside(file->path, bytes);
    return error ? fail(STATUS_IO, "%s: cannot write: %s", file->path, strerror(error)) : STATUS_OK;
}

static herr_t append(struct run_file *file, bool complete)
{
    HDF5_HANDLE access = run_series_access();
    const hid_t root = access < 0 ? -1 : H5Fopen(file->path, H5F_ACC_RDWR | H5F_ACC_SWMR_WRITE, access);
    herr_t done = root < 0 || (file->named && hdf5_write_through(root, file->path) < 0) ? -1 : 0;
    for (int i = 0; i < RUN_DATASETS && done >= 0; i++)
        if (file->series[i].count)
            done = run_series_write(&file->series[i], root);
    if (done >= 0)
        done = run_facts_update(
            root, &(struct run_facts){.elapsed_seconds = now() - file->started, .complete = complete, .progress = file->progress});
    return root >= 0 && H5Fclose(root) < 0 ? -1 : done;
}

// Writes what waits.
static enum status write_waiting(struct run_file *file, bool complete)
{
    HDF5_ALONE;
    const double start = now();
    if (file->broken)
        return fail(STATUS_IO, "%s: an earlier write failed; nothing more is written", file->path);
    TRY(set_space_aside(file));
    hdf5_listen();
    if (append(file, complete) < 0) {
        file->broken = true;
        return hdf5_fail(file->path, "cannot write");
    }
    for (int i = 0; i < RUN_DATASETS; i++)
        file->series[i].count = 0;
    file->shown = file->progress;
    file->written = now();
    file->took = file->written - start;
    return STATUS_OK;
}

// Whether it is time for another write, at least so many seconds after the last.
static bool is_due(const struct run_file *file, double interval)
{
    return now() - file->written >= fmin(fmax(interval, file->took / write_share), write_interval_max);
}

// Room for another row. When a chunk is full all is written; where that is not due yet or the disk has no room for it, rows wait, and each
// further chunk of them is another try.
static bool make_room(struct run_file *file, struct run_series *series)
{
    size_t bytes = series->chunk * series->row_size;
    for (int i = 0; i < RUN_DATASETS; i++)
        bytes += file->series[i].capacity * file->series[i].row_size;
    if (series->count && series->count % series->chunk == 0 && (bytes > waiting_max / 2 || is_due(file, 0)) &&
        write_waiting(file, false) == STATUS_OK)
        return true;
    return series->count < series->capacity || (bytes <= waiting_max && run_series_widen(series));
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
static enum status lose_row(struct run_file *file, int64_t image)
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

static enum status add_row(struct run_file *file, enum run_dataset table, const void *record, int64_t image)
{
    struct run_series *series = &file->series[table];
    if (!make_room(file, series))
        return lose_row(file, image);
    run_table_pack(table, file->targets, record, series->rows + series->row_size * series->count++);
    return STATUS_OK;
}

static enum status add_cam_values(struct run_file *file, const float *values, size_t count, int64_t image)
{
    struct run_series *series = &file->series[RUN_CAM_VALUES];
    while (count > 0) {
        if (!make_room(file, series))
            return lose_row(file, image);
        const size_t room = series->chunk - series->count % series->chunk, part = count < room ? count : room;
        memcpy((float *)series->rows + series->count, values, part * sizeof *values);
        series->count += part;
        file->cam_values += (int64_t)part;
        values += part;
        count -= part;
    }
    return STATUS_OK;
}

// Of each target the floats for the next row of /images, which has room and so have these.
static void add_floats(struct run_file *file, enum run_dataset first, float *const *floats)
{
    for (int target = 0; target < file->targets; target++) {
        struct run_series *series = &file->series[first + target];
        const float *values = floats ? floats[target] : NULL;
        if (!series->rows)
            continue;
        assert(series->count < series->capacity);
        float *row = (float *)(series->rows + series->row_size * series->count++);
        for (hsize_t i = 0; i < series->width; i++)
            row[i] = values ? values[i] : NAN;
    }
}

static bool has_waiting(const struct run_file *file)
{
    bool waiting = false;
    for (int i = 0; i < RUN_DATASETS; i++)
        waiting = waiting || file->series[i].count;
    return waiting;
}

bool run_file_is_written(const struct run_file *file)
{
    return !file->lost && !file->broken && !has_waiting(file);
}

void run_file_set_progress(struct run_file *file, const struct run_progress *progress)
{
    const struct run_progress own = file->progress;
    file->progress = *progress;
    file->progress.done = own.done;
    file->progress.failed = own.failed;
    file->progress.stopped = own.stopped;
    file->followed = true;
}

static bool has_news(const struct run_file *file)
{
    const struct run_progress *is = &file->progress, *was = &file->shown;
    return has_waiting(file) || is->in_hand != was->in_hand || is->inputs != was->inputs;
}

enum status run_file_tick(struct run_file *file)
{
    if (!(has_news(file) && is_due(file, write_interval)) && !(file->followed && is_due(file, write_interval_max)))
        return STATUS_OK;
    file->written = now(); // also on failure, so that a full disk is tried once a second
    return write_waiting(file, false);
}

enum status run_file_add_steps(struct run_file *file, const struct step_row *steps, size_t count)
{
    for (size_t i = 0; i < count; i++)
        TRY(add_row(file, RUN_STEPS, &steps[i], steps[i].image));
    return STATUS_OK;
}

enum status run_file_add_cam(struct run_file *file, const struct cam_row *frame, const float *values)
{
    struct cam_row record = *frame;
    assert(frame->grid.width > 0 && frame->grid.height > 0);
    record.offset = file->cam_values;
    TRY(add_cam_values(file, values, (size_t)frame->grid.width * (size_t)frame->grid.height, frame->image));
    return add_row(file, RUN_CAM_FRAMES, &record, frame->image);
}

enum status run_file_add_frame(struct run_file *file, const struct frame_row *row)
{
    return add_row(file, RUN_FRAMES, row, row->image);
}

enum status run_file_add_faithfulness(struct run_file *file, const struct faithfulness_row *row)
{
    return add_row(file, RUN_FAITHFULNESS, row, row->image);
}

// Whether an image's row may come: nothing that it speaks of is lost, and there is room for its importance.
static bool image_is_whole(struct run_file *file, int64_t image)
{
    const size_t gap = find_gap(file, image);
    if (gap < file->gap_count) {
        file->gaps[gap] = file->gaps[--file->gap_count];
        return false;
    }
    for (int target = 0; target < file->targets; target++)
        if (!make_room(file, &file->series[RUN_IMPORTANCE + target]) ||
            (file->series[RUN_PEAKS + target].rows && !make_room(file, &file->series[RUN_PEAKS + target])))
            return false;
    return true;
}

enum status run_file_add_image(struct run_file *file, const struct image_row *image, float *const *importance, float *const *peaks)
{
    if (!image_is_whole(file, image->id))
        return lose_row(file, -1);
    TRY(add_row(file, RUN_IMAGES, image, -1));
    add_floats(file, RUN_IMPORTANCE, importance);
    add_floats(file, RUN_PEAKS, peaks);
    file->progress.done += image->status == IMAGE_DONE;
    file->progress.failed += image->status == IMAGE_FAILED;
    file->progress.stopped += image->status == IMAGE_STOPPED;
    return STATUS_OK;
}

enum status run_file_add_earlier(struct run_file *file, const struct image_row *image)
{
    return add_row(file, RUN_EARLIER, image, -1);
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
        TRY(add_row(file, RUN_TIMING, &record, -1));
    }
    return STATUS_OK;
}

static enum status add_ranks(struct run_file *file, const struct run_file_header *header)
{
    for (int i = 0; i < header->ranks; i++) {
        struct rank_row record = {.cores = header->cores[i], .node_cores = header->node_cores[i]};
        snprintf(record.host, sizeof record.host, "%s", header->hosts[i]);
        TRY(add_row(file, RUN_RANKS, &record, -1));
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
    TRY_OUT(create_empty(file, header, earlier != NULL));
    TRY_OUT(add_ranks(file, header));
    if (earlier)
        TRY_OUT(run_carry_over(file, header, earlier));
    TRY_OUT(write_waiting(file, false));
    TRY_OUT(file_rename(file->path, path));
    rc = file_sync_name(path);
    file->named = true;
out:
    if (rc != STATUS_OK)
        unlink(file->path);
    snprintf(file->path, sizeof file->path, "%s", path);
    return rc;
}

enum status run_file_create(struct run_file **out, const char *path, const struct run_file_header *header,
                            const struct run_earlier *earlier)
{
    struct run_file *file = *out = calloc(1, sizeof *file);
    if (!file)
        return fail(STATUS_LIMIT, "%s: no memory for the run file", path);
    // After a failed write HDF5 1.10's own clean-up at exit crashes. Has effect as the first call of HDF5 only; everything is closed by
    // hand.
    H5dont_atexit();
    hdf5_listen();
    file->started = file->written = now();
    file->targets = header->config->targets.count;
    file->progress = run_progress_unknown();
    file->progress.done = file->progress.failed = file->progress.stopped = 0;
    herr_t done = 0;
    for (enum run_dataset i = 0; i < RUN_DATASETS && done >= 0; i++)
        done = run_series_init(&file->series[i], i, header);
    const enum status rc =
        done < 0 ? fail(STATUS_LIMIT, "%s: no memory for the run file", path) : create_whole(file, path, header, earlier);
    if (rc != STATUS_OK)
        destroy(out);
    return rc;
}

static enum status add_summary(struct run_file *file, const struct run_summary *summary)
{
    for (size_t i = 0; i < summary->metric_count; i++)
        TRY(add_row(file, RUN_SUMMARY_METRICS, &summary->metrics[i], -1));
    for (size_t i = 0; i < summary->outlier_count; i++)
        TRY(add_row(file, RUN_SUMMARY_OUTLIERS, &summary->outliers[i], -1));
    for (size_t i = 0; i < summary->score_count; i++)
        TRY(add_row(file, RUN_SUMMARY_FAITHFULNESS, &summary->scores[i], -1));
    for (size_t i = 0; i < summary->map_count; i++)
        TRY(add_row(file, RUN_SUMMARY_CAM, &summary->maps[i], -1));
    for (int t = 0; t < file->targets; t++)
        for (int i = 0; i < summary->channel_counts[t]; i++)
            TRY(add_row(file, RUN_SUMMARY_IMPORTANCE + t, &summary->channels[t][i], -1));
    return STATUS_OK;
}

// From the rows in the file, all of which are written. Without a summary all else is as good.
static void summarise(struct run_file *file)
{
    struct run_summary summary = {0};
    enum status rc;
    TRY_OUT(run_summary_make(&summary, file->path));
    rc = add_summary(file, &summary);
out:
    if (rc != STATUS_OK)
        log_warning("%s has no summary: %s", file->path, status_message());
    run_summary_destroy(&summary);
}

enum status run_file_close(struct run_file **file, bool complete)
{
    if (!*file)
        return STATUS_OK;
    enum status rc = write_waiting(*file, false);
    if (rc == STATUS_OK) {
        summarise(*file);
        rc = write_waiting(*file, complete && !(*file)->lost);
    }
    if (rc == STATUS_OK && (*file)->lost)
        rc = fail(STATUS_IO, "%s: rows were lost while the disk was full", (*file)->path);
    destroy(file);
    return rc;
}
