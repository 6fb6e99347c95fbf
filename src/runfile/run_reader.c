// SPDX-License-Identifier: MIT
#include "runfile/run_reader.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/hdf5/hdf5_attributes.h"
#include "common/hdf5/hdf5_file.h"
#include "common/system/file.h"
#include "runfile/run_series.h"

enum { CHANNELS_MAX = 1 << 16, METHOD_MAX = 64 };

// A run file, also of a run that goes on, or that was killed in the midst of a write and has left it marked as being written: what is torn
// is not read again and again. Close it; negative on failure, hdf5_fail() knows why.
static hid_t open_hdf5(const char *path, bool *unclosed)
{
    enum { ATTEMPTS = 20 }; // HDF5 waits between them, twice as long each time: its default of a hundred never ends
    hdf5_listen();
    HDF5_HANDLE access = run_series_access();
    if (access < 0 || H5Pset_metadata_read_attempts(access, ATTEMPTS) < 0)
        return -1;
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, access);
    *unclosed = file < 0;
    if (*unclosed) {
        hdf5_listen();
        file = H5Fopen(path, H5F_ACC_RDONLY | H5F_ACC_SWMR_READ, access);
    }
    return file;
}

static enum status open_file(struct run_reader *reader)
{
    const char *path = reader->path;
    struct stat info;
    int version = 0;
    if (stat(path, &info) != 0)
        return fail(STATUS_IO, "%s: %m; give the output folder of `oneiros dream`, `oneiros explain` or `oneiros atlas`", path);
    if (!S_ISREG(info.st_mode)) // a pipe would be waited for
        return fail(STATUS_FORMAT, "%s: this is no run file, nor any file", path);
    reader->file = open_hdf5(path, &reader->unclosed);
    if (reader->file < 0)
        return hdf5_fail(path, "this is no run file, or a damaged one");
    if (!hdf5_read_numbers(reader->file, "format_version", H5T_NATIVE_INT, 1, &version) || version <= 0)
        return fail(STATUS_FORMAT, "%s: HDF5, but no run file of oneiros, or a damaged one", path);
    if (version < RUN_FILE_FORMAT_OLDEST || version > RUN_FILE_FORMAT_VERSION)
        return fail(STATUS_FORMAT, "%s: a run file of format %d, this program reads %d to %d; use the version of oneiros that wrote it",
                    path, version, RUN_FILE_FORMAT_OLDEST, RUN_FILE_FORMAT_VERSION);
    return fail_in(run_facts_read(reader->file, &reader->facts), "%s", path);
}

static enum status read_ranks(struct run_reader *reader)
{
    struct run_facts *facts = &reader->facts;
    const size_t ranks = (size_t)facts->ranks;
    struct run_cursor *cursor;
    const struct rank_row *row;
    int *cores, *node_cores;
    enum status rc;
    TRY(run_cursor_open(&cursor, reader, RUN_RANKS));
    if (cursor->rows != ranks || facts->ranks > RUN_RANKS_MAX)
        TRY_OUT(fail(STATUS_FORMAT, "%s: /ranks has %zu rows for %d ranks; the file is damaged", reader->path, cursor->rows, facts->ranks));
    TRY_OUT(ALLOCATE(facts->hosts.items, ranks, "for %zu hosts", ranks));
    TRY_OUT(ALLOCATE(cores, ranks, "for %zu ranks", ranks));
    facts->cores = cores;
    TRY_OUT(ALLOCATE(node_cores, ranks, "for %zu ranks", ranks));
    facts->node_cores = node_cores;
    for (size_t i = 0; i < ranks && (row = run_cursor_next(cursor)); i++) {
        cores[i] = row->cores;
        node_cores[i] = row->node_cores;
        facts->hosts.items[i] = strdup(row->host);
        if (!facts->hosts.items[i])
            TRY_OUT(no_memory("for %zu hosts", ranks));
        facts->hosts.count++;
    }
out:
    return run_cursor_close(&cursor, rc);
}

enum status run_reader_open(struct run_reader **result, const char *given)
{
    struct stat info;
    struct run_reader *reader = *result = calloc(1, sizeof *reader);
    if (!reader)
        return fail(STATUS_LIMIT, "%s: no memory to read it", given);
    const bool folder = stat(given, &info) == 0 && S_ISDIR(info.st_mode);
    const int length = snprintf(reader->path, sizeof reader->path, "%s%s", given, folder ? "/run.h5" : "");
    enum status rc = length < FILE_PATH_MAX ? open_file(reader) : fail(STATUS_USAGE, "a path of more than %d bytes", FILE_PATH_MAX - 1);
    if (rc == STATUS_OK && reader->facts.hosts.count == 0)
        rc = read_ranks(reader);
    if (rc != STATUS_OK)
        run_reader_close(result);
    return rc;
}

void run_reader_close(struct run_reader **pointer)
{
    struct run_reader *reader = *pointer;
    if (!reader)
        return;
    for (int t = 0; t < CONFIG_TARGETS_MAX; t++) {
        hdf5_close(&reader->importance[t].handle);
        hdf5_close(&reader->peaks[t].handle);
    }
    hdf5_close(&reader->maps.handle);
    hdf5_close(&reader->file);
    run_facts_destroy(&reader->facts);
    free(reader);
    *pointer = NULL;
}

// A dataset whose rows, of `width` values at most, the file can hold: they are not compressed. Width 0: it has one dimension.
static hid_t open_dataset(const struct run_reader *reader, const char *name, hsize_t width, hsize_t size[2])
{
    hid_t dataset = H5Dopen2(reader->file, name, H5P_DEFAULT);
    HDF5_HANDLE space = dataset < 0 ? -1 : H5Dget_space(dataset);
    HDF5_HANDLE type = dataset < 0 ? -1 : H5Dget_type(dataset);
    const hsize_t value = type < 0 ? 0 : H5Tget_size(type);
    hsize_t bytes = 0;
    size[1] = 1;
    if (space < 0 || value == 0 || H5Sget_simple_extent_ndims(space) != (width ? 2 : 1) ||
        H5Sget_simple_extent_dims(space, size, NULL) < 0 || size[1] < 1 || (width && size[1] > width) ||
        H5Fget_filesize(reader->file, &bytes) < 0 || size[0] > bytes / value / size[1])
        hdf5_close(&dataset);
    return dataset;
}

// Rows of `width` values; 0: of a dataset of one dimension.
static bool read_rows(hid_t dataset, hid_t type, hsize_t first, hsize_t count, hsize_t width, void *values)
{
    const hsize_t start[] = {first, 0}, size[] = {count, width};
    HDF5_HANDLE memory = H5Screate_simple(width ? 2 : 1, size, NULL);
    HDF5_HANDLE space = H5Dget_space(dataset);
    return memory >= 0 && space >= 0 && H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, size, NULL) >= 0 &&
           H5Dread(dataset, type, memory, space, H5P_DEFAULT, values) >= 0;
}

static bool open_table(struct run_cursor *cursor)
{
    const int targets = (int)cursor->reader->facts.targets.count;
    hsize_t size[2];
    run_dataset_name(cursor->table, NULL, cursor->name);
    if (run_dataset_is_new(cursor->table) && H5Lexists(cursor->reader->file, cursor->name, H5P_DEFAULT) == 0) {
        cursor->ours = true;
        cursor->row_size = 1;
        return true;
    }
    cursor->dataset = open_dataset(cursor->reader, cursor->name, 0, size);
    HDF5_HANDLE found = cursor->dataset < 0 ? -1 : H5Dget_type(cursor->dataset);
    HDF5_HANDLE ours = run_table_type(cursor->table, targets, NULL);
    if (found < 0 || ours < 0 || !run_table_find(cursor->table, found, cursor->present))
        return false;
    cursor->rows = (size_t)size[0];
    cursor->ours = H5Tequal(found, ours) > 0;
    cursor->type = run_table_type(cursor->table, targets, cursor->present);
    cursor->row_size = H5Tget_size(ours);
    return cursor->type >= 0;
}

enum status run_cursor_open(struct run_cursor **result, struct run_reader *reader, enum run_dataset table)
{
    enum status rc = STATUS_OK;
    struct run_cursor *cursor = *result = calloc(1, sizeof *cursor);
    if (!cursor)
        return fail(STATUS_LIMIT, "%s: no memory to read it", reader->path);
    *cursor = (struct run_cursor){.reader = reader, .table = table};
    if (!open_table(cursor))
        rc = fail(STATUS_FORMAT, "%s: its table /%s is not as this version has it; the file is damaged, or no run file", reader->path,
                  cursor->name);
    else if (!(cursor->part = calloc(run_dataset_chunk(table), cursor->row_size)))
        rc = fail(STATUS_LIMIT, "%s: no memory for rows of /%s", reader->path, cursor->name);
    return rc == STATUS_OK ? rc : run_cursor_close(result, rc);
}

bool run_cursor_has(const struct run_cursor *cursor, const char *column)
{
    const int number = run_table_column(cursor->table, column);
    return number >= 0 && cursor->present[number];
}

const void *run_cursor_next(struct run_cursor *cursor)
{
    const size_t chunk = run_dataset_chunk(cursor->table), place = cursor->next % chunk, left = cursor->rows - cursor->next;
    if (cursor->rc != STATUS_OK || left == 0)
        return NULL;
    if (place == 0 && !read_rows(cursor->dataset, cursor->type, cursor->next, left < chunk ? left : chunk, 0, cursor->part)) {
        cursor->rc = fail(STATUS_FORMAT, "%s: rows of /%s cannot be read; the file is damaged, or of another version", cursor->reader->path,
                          cursor->name);
        return NULL;
    }
    run_table_unpack(cursor->table, (int)cursor->reader->facts.targets.count, cursor->present, cursor->part + place * cursor->row_size,
                     &cursor->record);
    cursor->next++;
    return &cursor->record;
}

enum status run_cursor_close(struct run_cursor **cursor, enum status rc)
{
    if (!*cursor)
        return rc;
    if (rc == STATUS_OK)
        rc = (*cursor)->rc;
    hdf5_close(&(*cursor)->type);
    hdf5_close(&(*cursor)->dataset);
    free((*cursor)->part);
    free(*cursor);
    *cursor = NULL;
    return rc;
}

// Floats that there are for each target.
static const struct run_values *values_of(struct run_reader *reader, enum run_dataset first, int target)
{
    struct run_values *values = first == RUN_PEAKS ? &reader->peaks[target] : &reader->importance[target];
    const char *layer = reader->facts.targets.items[target];
    const hsize_t most = CHANNELS_MAX * (first == RUN_PEAKS ? PEAK_KINDS * PEAK_NUMBERS : 1);
    char name[RUN_NAME_MAX];
    if (values->handle == 0) {
        run_dataset_name(first + (enum run_dataset)target, layer, name);
        values->handle = strchr(layer, '/') ? -1 : open_dataset(reader, name, most, values->size);
    }
    return values;
}

static enum status read_values(struct run_reader *reader, enum run_dataset first, int target, size_t row, float *into)
{
    const struct run_values *values = values_of(reader, first, target);
    char name[RUN_NAME_MAX];
    if (values->handle > 0 && row < values->size[0] && read_rows(values->handle, H5T_NATIVE_FLOAT, row, 1, values->size[1], into))
        return STATUS_OK;
    run_dataset_name(first + (enum run_dataset)target, reader->facts.targets.items[target], name);
    return fail(STATUS_FORMAT, "%s: /%s cannot be read; the file is damaged", reader->path, name);
}

int run_reader_channels(struct run_reader *reader, int target, char **method)
{
    const struct run_values *values = values_of(reader, RUN_IMPORTANCE, target);
    if (method)
        *method = values->handle < 0 ? NULL : hdf5_read_text(values->handle, "method", METHOD_MAX);
    return values->handle < 0 ? 0 : (int)values->size[1];
}

enum status run_reader_importance(struct run_reader *reader, int target, size_t row, float *into)
{
    return read_values(reader, RUN_IMPORTANCE, target, row, into);
}

enum status run_reader_peaks(struct run_reader *reader, int target, size_t row, float *into)
{
    const struct run_values *values = values_of(reader, RUN_PEAKS, target);
    const int channels = run_reader_channels(reader, target, NULL);
    if (values->handle > 0 && values->size[1] != (hsize_t)channels * PEAK_KINDS * PEAK_NUMBERS)
        return fail(STATUS_FORMAT, "%s: its peaks are not of %d channels; the file is damaged", reader->path, channels);
    return read_values(reader, RUN_PEAKS, target, row, into);
}

enum status run_reader_field(struct run_reader *reader, int target, struct run_field *field)
{
    const hid_t dataset = values_of(reader, RUN_PEAKS, target)->handle;
    const bool there = dataset > 0 && hdf5_read_numbers(dataset, "stride", H5T_NATIVE_INT, 1, &field->stride) &&
                       hdf5_read_numbers(dataset, "centre", H5T_NATIVE_INT, 1, &field->centre) &&
                       hdf5_read_numbers(dataset, "field", H5T_NATIVE_INT, 1, &field->size);
    const int most = 1 << 16;
    if (there && field->stride > 0 && field->stride < most && field->centre >= 0 && field->centre < most && field->size > 0 &&
        field->size < most)
        return STATUS_OK;
    return fail(STATUS_FORMAT, "%s: no peaks of %s are in it; it is not of `oneiros atlas`", reader->path,
                reader->facts.targets.items[target]);
}

enum status run_reader_map(struct run_reader *reader, const struct cam_row *frame, float **values)
{
    const int64_t width = frame->grid.width, height = frame->grid.height;
    struct run_values *maps = &reader->maps;
    *values = NULL;
    if (maps->handle == 0)
        maps->handle = open_dataset(reader, "cam/values", 0, maps->size);
    if (maps->handle < 0 || width < 1 || height < 1 || width > INT32_MAX / height || frame->offset < 0 ||
        frame->offset > (int64_t)maps->size[0] - width * height)
        return fail(STATUS_FORMAT, "%s: a map of %lld x %lld values is not there", reader->path, (long long)width, (long long)height);
    TRY(ALLOCATE(*values, width * height, "for a map of %lld x %lld values", (long long)width, (long long)height));
    if (read_rows(maps->handle, H5T_NATIVE_FLOAT, (hsize_t)frame->offset, (hsize_t)(width * height), 0, *values))
        return STATUS_OK;
    free(*values);
    *values = NULL;
    return fail(STATUS_FORMAT, "%s: a map cannot be read; the file is damaged", reader->path);
}

enum status run_plan_read(const char *path, size_t limit, char **text)
{
    void *bytes = NULL;
    size_t size;
    struct stat info;
    *text = NULL;
    hdf5_listen();
    if (stat(path, &info) == 0 && S_ISREG(info.st_mode) && H5Fis_hdf5(path) > 0) {
        bool unclosed;
        HDF5_HANDLE file = open_hdf5(path, &unclosed);
        *text = file < 0 ? NULL : hdf5_read_text(file, "plan", limit);
        return *text ? STATUS_OK : fail(STATUS_FORMAT, "%s is no run file with a plan in it", path);
    }
    TRY(file_read(path, limit, &bytes, &size));
    if (memchr(bytes, '\0', size)) {
        free(bytes);
        return fail(STATUS_FORMAT, "%s is neither a plan nor a run file", path);
    }
    *text = bytes;
    return STATUS_OK;
}
