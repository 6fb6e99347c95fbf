// SPDX-License-Identifier: MIT
#include "coordinator/run_file.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <hdf5.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/file.h"
#include "coordinator/run_tables.h"
#include "coordinator/utf8.h"

static const double write_interval = 1; // second

// Rows that wait to be written.
struct pending {
    char *rows;
    size_t count, capacity, size; // size: bytes a row
    hid_t type;
};

struct run_file {
    char path[FILE_PATH_MAX];
    struct pending pending[RUN_TABLE_COUNT];
    double started, written; // seconds of the monotonic clock
    bool broken;             // HDF5 failed in the midst of a write
};

// The first reason that HDF5 gave since listen_to_hdf5(). Its own stack of errors is cleared by every later call, those of cleaning up too.
static _Thread_local char reason[STATUS_MESSAGE_MAX / 2];

// The innermost message holds the system's words, if there are any.
static herr_t take_reason(unsigned depth, const H5E_error2_t *error, void *unused)
{
    (void)unused;
    static const char before[] = "error message = '";
    if (depth != 0 || !error->desc || reason[0])
        return 0;
    const char *system = strstr(error->desc, before);
    if (system) {
        system += strlen(before);
        snprintf(reason, sizeof reason, "%.*s", (int)strcspn(system, "'"), system);
    } else {
        snprintf(reason, sizeof reason, "%s", error->desc);
    }
    return 0;
}

static herr_t on_hdf5_error(hid_t stack, void *unused)
{
    return H5Ewalk2(stack, H5E_WALK_UPWARD, take_reason, unused);
}

// HDF5 prints every error unless told what else to do, in each thread of its own.
static void listen_to_hdf5(void)
{
    reason[0] = '\0';
    H5Eset_auto2(H5E_DEFAULT, on_hdf5_error, NULL);
}

static enum status fail_hdf5(const char *path, const char *doing)
{
    return fail(STATUS_IO, "%s: %s: %s", path, doing, reason[0] ? reason : "no memory");
}

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

static herr_t add_text(hid_t root, const char *name, const char *text)
{
    char *clean = strdup(text);
    if (!clean)
        return -1;
    utf8_clean(clean, '?');
    herr_t done = run_attribute_text(root, name, clean);
    free(clean);
    return done;
}

static herr_t set_number(hid_t root, const char *name, hid_t type, const void *value)
{
    herr_t done = -1;
    hid_t space = -1, attribute = -1;
    if (H5Aexists(root, name) > 0) {
        attribute = H5Aopen(root, name, H5P_DEFAULT);
    } else {
        space = H5Screate(H5S_SCALAR);
        attribute = H5Acreate2(root, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    }
    if (attribute >= 0) {
        done = H5Awrite(attribute, type, value);
        H5Aclose(attribute);
    }
    if (space >= 0)
        H5Sclose(space);
    return done;
}

static herr_t set_progress(hid_t root, double elapsed, int complete)
{
    if (set_number(root, "elapsed_seconds", H5T_NATIVE_DOUBLE, &elapsed) < 0)
        return -1;
    return set_number(root, "complete", H5T_NATIVE_INT, &complete);
}

static herr_t add_slurm(hid_t root)
{
    static const char *const names[] = {"SLURM_JOB_ID",       "SLURM_JOB_NAME",      "SLURM_ARRAY_JOB_ID", "SLURM_ARRAY_TASK_ID",
                                        "SLURM_CLUSTER_NAME", "SLURM_JOB_PARTITION", "SLURM_JOB_NODELIST", "SLURM_RESTART_COUNT"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char lower[32];
        size_t length = strlen(names[i]);
        assert(length < sizeof lower);
        for (size_t k = 0; k <= length; k++)
            lower[k] = (char)tolower((unsigned char)names[i][k]);
        const char *value = getenv(names[i]);
        if (value && add_text(root, lower, value) < 0)
            return -1;
    }
    return 0;
}

static herr_t add_integers(hid_t root, const struct run_file_header *header)
{
    const struct {
        const char *name;
        int value;
    } attributes[] = {
        {"format_version", RUN_FILE_FORMAT_VERSION},
        {"ranks", header->ranks},
        {"workers", header->workers},
        {"team_size", header->config->team.size},
        {"tile_size", header->tiles->size},
        {"tile_halo", header->tiles->halo},
        {"tile_halo_exact", header->halo_exact},
        {"tile_blend", header->tiles->blend},
    };
    for (size_t i = 0; i < sizeof attributes / sizeof attributes[0]; i++)
        if (set_number(root, attributes[i].name, H5T_NATIVE_INT, &attributes[i].value) < 0)
            return -1;
    return 0;
}

static herr_t add_header(hid_t root, const struct run_file_header *header, const char *config)
{
    char started[32];
    struct tm utc;
    time_t time_now = time(NULL);
    if (!gmtime_r(&time_now, &utc) || !strftime(started, sizeof started, "%Y-%m-%dT%H:%M:%SZ", &utc))
        return -1;
    if (add_text(root, "program", "oneiros") < 0 || add_text(root, "version", ONEIROS_VERSION) < 0 ||
        add_text(root, "config", config) < 0 || add_text(root, "weights_md5", header->weights_md5) < 0 ||
        add_text(root, "weights_source", header->weights_source) < 0 || add_text(root, "plan", header->plan) < 0 ||
        set_number(root, "seed", H5T_NATIVE_UINT64, &header->config->seed) < 0 ||
        run_attribute_texts(root, "hosts", header->hosts, (size_t)header->ranks) < 0 || add_text(root, "started", started) < 0)
        return -1;
    return add_integers(root, header) < 0 || add_slurm(root) < 0 ? -1 : set_progress(root, 0, 0);
}

static herr_t write_new(const char *path, const struct run_file_header *header, const char *config)
{
    herr_t done = -1;
    hid_t access = file_access(), creation = H5Pcreate(H5P_FILE_CREATE), root = -1;
    // With up to 64 attributes in the root group's own header, changing one is one small write.
    if (access < 0 || creation < 0 || H5Pset_attr_phase_change(creation, 64, 48) < 0)
        goto out;
    root = H5Fcreate(path, H5F_ACC_TRUNC, creation, access);
    if (root < 0 || add_header(root, header, config) < 0)
        goto out;
    done = 0;
    for (enum run_table table = 0; table < RUN_TABLE_COUNT && done >= 0; table++)
        done = run_table_create(root, table, header->config);
out:
    if (root >= 0 && H5Fclose(root) < 0)
        done = -1;
    if (creation >= 0)
        H5Pclose(creation);
    if (access >= 0)
        H5Pclose(access);
    return done;
}

static enum status create_whole(const char *path, const struct run_file_header *header)
{
    enum status rc;
    char aside[FILE_PATH_MAX], *config = NULL;
    if (snprintf(aside, sizeof aside, "%s.new", path) >= (int)sizeof aside)
        return fail(STATUS_LIMIT, "%s: the path is too long for a run file", path);
    TRY(config_to_string(header->config, &config));
    if (write_new(aside, header, config) < 0)
        rc = fail_hdf5(path, "cannot create the run file");
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
    for (enum run_table table = 0; table < RUN_TABLE_COUNT; table++) {
        free((*file)->pending[table].rows);
        if ((*file)->pending[table].type >= 0)
            H5Tclose((*file)->pending[table].type);
    }
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
    listen_to_hdf5();
    file->started = file->written = now();
    for (enum run_table table = 0; table < RUN_TABLE_COUNT; table++) {
        struct pending *pending = &file->pending[table];
        *pending = (struct pending){.capacity = run_table_chunk(table), .size = run_table_record_size(table)};
        pending->type = run_table_memory_type(table, header->config->targets.count);
        pending->rows = calloc(pending->capacity, pending->size);
        if (pending->type < 0 || !pending->rows)
            rc = fail(STATUS_LIMIT, "%s: no memory for the run file", path);
    }
    if (rc == STATUS_OK && snprintf(file->path, sizeof file->path, "%s", path) >= (int)sizeof file->path)
        rc = fail(STATUS_LIMIT, "%s: the path is too long for a run file", path);
    if (rc == STATUS_OK)
        rc = create_whole(path, header);
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
    for (enum run_table table = 0; table < RUN_TABLE_COUNT; table++)
        if (file->pending[table].count)
            bytes += 2 * file->pending[table].capacity * file->pending[table].size;
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
    for (enum run_table table = 0; table < RUN_TABLE_COUNT && done >= 0; table++) {
        const struct pending *pending = &file->pending[table];
        if (pending->count)
            done = run_table_append(root, table, pending->type, pending->rows, pending->count);
    }
    if (done >= 0)
        done = set_progress(root, now() - file->started, complete);
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
    listen_to_hdf5();
    if (append(file, complete) < 0) {
        file->broken = true;
        return fail_hdf5(file->path, "cannot write");
    }
    for (enum run_table table = 0; table < RUN_TABLE_COUNT; table++)
        file->pending[table].count = 0;
    return STATUS_OK;
}

// A place for one more row.
static enum status add_row(struct run_file *file, enum run_table table, void **row)
{
    struct pending *pending = &file->pending[table];
    enum status rc = STATUS_OK;
    if (pending->count == pending->capacity)
        rc = write_pending(file, false);
    if (rc == STATUS_OK)
        *row = pending->rows + pending->size * pending->count++;
    return rc;
}

enum status run_file_tick(struct run_file *file)
{
    bool waiting = false;
    for (enum run_table table = 0; table < RUN_TABLE_COUNT; table++)
        waiting = waiting || file->pending[table].count;
    return waiting && now() - file->written >= write_interval ? write_pending(file, false) : STATUS_OK;
}

enum status run_file_add_steps(struct run_file *file, const struct step_record *steps, size_t count)
{
    enum status rc;
    for (size_t i = 0; i < count; i++) {
        void *row;
        TRY(add_row(file, RUN_TABLE_STEPS, &row));
        memcpy(row, &steps[i], sizeof steps[i]);
    }
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

enum status run_file_add_image(struct run_file *file, const struct image_record *image)
{
    enum status rc;
    void *row;
    TRY(add_row(file, RUN_TABLE_IMAGES, &row));
    memcpy(row, image, sizeof *image);
    struct image_record *record = row;
    clean_field(record->source, sizeof record->source);
    clean_field(record->sha256, sizeof record->sha256);
    clean_field(record->output, sizeof record->output);
    clean_field(record->error, sizeof record->error);
    TRY(run_file_tick(file));
out:
    return rc;
}

enum status run_file_add_timing(struct run_file *file, int rank, const struct timing *timing)
{
    enum status rc;
    for (enum phase phase = 0; phase < PHASE_COUNT; phase++) {
        void *row;
        if (timing->phases[phase].count <= 0)
            continue;
        TRY(add_row(file, RUN_TABLE_TIMING, &row));
        struct timing_record *record = row;
        *record = (struct timing_record){.rank = rank,
                                         .count = timing->phases[phase].count,
                                         .seconds = timing->phases[phase].seconds,
                                         .bytes = timing->phases[phase].bytes};
        snprintf(record->phase, sizeof record->phase, "%s", phase_name(phase));
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
