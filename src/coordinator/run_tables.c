// SPDX-License-Identifier: MIT
#include "coordinator/run_tables.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>

#include "common/records.h"

enum column_kind { COLUMN_INT32, COLUMN_INT64, COLUMN_DOUBLE, COLUMN_TEXT, COLUMN_STATUS, COLUMN_TARGETS };

struct column {
    const char *name;
    enum column_kind kind;
    size_t offset, size; // in the record
    const char *unit;    // empty for names, numbers of things and text
    const char *description;
};

#define COLUMN(record, member, kind, unit, description)                                                                                    \
    {                                                                                                                                      \
#member, kind, offsetof(struct record, member), sizeof(((struct record *)0)->member), unit, description                            \
    }
#define IMAGE(member, kind, unit, description) COLUMN(image_record, member, kind, unit, description)
#define STEP(member, kind, unit, description) COLUMN(step_record, member, kind, unit, description)
#define TIMING(member, kind, unit, description) COLUMN(timing_record, member, kind, unit, description)

static const struct column image_columns[] = {
    IMAGE(id, COLUMN_INT64, "", "position in the list of inputs, from 0"),
    IMAGE(source, COLUMN_TEXT, "", "path or URL of the input"),
    IMAGE(sha256, COLUMN_TEXT, "", "of the input's bytes; empty if it could not be read"),
    IMAGE(output, COLUMN_TEXT, "", "the picture, relative to the output folder; empty if there is none"),
    IMAGE(width, COLUMN_INT32, "pixel", "of the input; 0 if it could not be decoded"),
    IMAGE(height, COLUMN_INT32, "pixel", "of the input; 0 if it could not be decoded"),
    IMAGE(bits, COLUMN_INT32, "bit", "a sample of the input; 0 if it could not be decoded"),
    IMAGE(status, COLUMN_STATUS, "", "what became of it"),
    IMAGE(rank, COLUMN_INT32, "", "the first of the ranks that dreamed it; -1 if none did"),
    IMAGE(team, COLUMN_INT32, "", "ranks that dreamed it; 0 if none did"),
    IMAGE(tiles, COLUMN_INT32, "", "tiles of the largest octave; 0 if none"),
    IMAGE(redundancy, COLUMN_DOUBLE, "1", "pixels that the network saw / pixels of the octaves; NaN if none"),
    IMAGE(error, COLUMN_TEXT, "", "why it failed"),
    IMAGE(seconds_read, COLUMN_DOUBLE, "s", "reading or fetching the input"),
    IMAGE(seconds_decode, COLUMN_DOUBLE, "s", "decoding the input"),
    IMAGE(seconds_wait, COLUMN_DOUBLE, "s", "waiting for a worker"),
    IMAGE(seconds_dream, COLUMN_DOUBLE, "s", "gradient ascent"),
    IMAGE(seconds_encode, COLUMN_DOUBLE, "s", "encoding and writing the picture"),
    IMAGE(loss_before, COLUMN_DOUBLE, "1", "of the input at full size; NaN if unknown"),
    IMAGE(loss_after, COLUMN_DOUBLE, "1", "of the picture at full size; NaN if unknown"),
};

static const struct column step_columns[] = {
    STEP(image, COLUMN_INT64, "", "id of the row in /images"),
    STEP(octave, COLUMN_INT32, "", "0 is the smallest"),
    STEP(step, COLUMN_INT32, "", "within the octave, from 0"),
    STEP(width, COLUMN_INT32, "pixel", "of the octave"),
    STEP(height, COLUMN_INT32, "pixel", "of the octave"),
    STEP(loss, COLUMN_DOUBLE, "1", "before the step: weighted sum over targets, without the total-variation term"),
    STEP(target_loss, COLUMN_TARGETS, "1", "before the step: of each target, unweighted, in the order of the attribute `targets`"),
    STEP(total_variation, COLUMN_DOUBLE, "1", "before the step: (sum |dx| + sum |dy|) / number of samples"),
    STEP(gradient_norm, COLUMN_DOUBLE, "1", "l2 norm of the gradient before it is normalised"),
    STEP(seconds, COLUMN_DOUBLE, "s", "the step"),
};

static const struct column timing_columns[] = {
    TIMING(rank, COLUMN_INT32, "", "its host: that place, from 0, in the root attribute `hosts`"),
    TIMING(phase, COLUMN_TEXT, "", "what the rank was doing"),
    TIMING(count, COLUMN_INT64, "", "times that it began to do so"),
    TIMING(seconds, COLUMN_DOUBLE, "s", "all of them together"),
    TIMING(bytes, COLUMN_INT64, "byte", "moved between ranks, by this one, or read and written"),
};

enum { COLUMNS_MAX = 32 };
#define COUNT(columns) (sizeof(columns) / sizeof(columns)[0])

static const struct {
    const char *name;
    const struct column *columns;
    size_t column_count;
    size_t record_size;
    size_t chunk;
} tables[RUN_TABLE_COUNT] = {
    [RUN_TABLE_STEPS] = {"steps", step_columns, COUNT(step_columns), sizeof(struct step_record), 1024},
    [RUN_TABLE_IMAGES] = {"images", image_columns, COUNT(image_columns), sizeof(struct image_record), 64},
    [RUN_TABLE_TIMING] = {"timing", timing_columns, COUNT(timing_columns), sizeof(struct timing_record), 256},
};
static_assert(COUNT(step_columns) <= COLUMNS_MAX && COUNT(image_columns) <= COLUMNS_MAX && COUNT(timing_columns) <= COLUMNS_MAX,
              "COLUMNS_MAX is too small");

const char *run_table_name(enum run_table table)
{
    return tables[table].name;
}

size_t run_table_record_size(enum run_table table)
{
    return tables[table].record_size;
}

size_t run_table_chunk(enum run_table table)
{
    return tables[table].chunk;
}

static hid_t text_type(size_t size)
{
    hid_t type = H5Tcopy(H5T_C_S1);
    if (type >= 0 && (H5Tset_size(type, size) < 0 || H5Tset_cset(type, H5T_CSET_UTF8) < 0)) {
        H5Tclose(type);
        return -1;
    }
    return type;
}

static hid_t status_type(void)
{
    static const struct {
        const char *name;
        int32_t value;
    } members[] = {{"done", IMAGE_DONE}, {"failed", IMAGE_FAILED}, {"stopped", IMAGE_STOPPED}};
    hid_t type = H5Tenum_create(H5T_NATIVE_INT32);
    for (size_t i = 0; type >= 0 && i < sizeof members / sizeof members[0]; i++)
        if (H5Tenum_insert(type, members[i].name, &members[i].value) < 0) {
            H5Tclose(type);
            type = -1;
        }
    return type;
}

static hid_t column_type(const struct column *column, int targets)
{
    hsize_t length = (hsize_t)targets;
    switch (column->kind) {
    case COLUMN_INT32:
        return H5Tcopy(H5T_NATIVE_INT32);
    case COLUMN_INT64:
        return H5Tcopy(H5T_NATIVE_INT64);
    case COLUMN_DOUBLE:
        return H5Tcopy(H5T_NATIVE_DOUBLE);
    case COLUMN_TEXT:
        return text_type(column->size);
    case COLUMN_STATUS:
        return status_type();
    case COLUMN_TARGETS:
        return H5Tarray_create2(H5T_NATIVE_DOUBLE, 1, &length);
    }
    return -1;
}

hid_t run_table_memory_type(enum run_table table, int targets)
{
    assert(targets >= 1 && targets <= CONFIG_TARGETS_MAX);
    hid_t type = H5Tcreate(H5T_COMPOUND, tables[table].record_size);
    for (size_t i = 0; type >= 0 && i < tables[table].column_count; i++) {
        const struct column *column = &tables[table].columns[i];
        hid_t member = column_type(column, targets);
        herr_t inserted = member < 0 ? -1 : H5Tinsert(type, column->name, column->offset, member);
        if (member >= 0)
            H5Tclose(member);
        if (inserted < 0) {
            H5Tclose(type);
            type = -1;
        }
    }
    return type;
}

static herr_t add_texts(hid_t object, const char *name, hid_t space, const char *const *texts)
{
    herr_t done = -1;
    hid_t type = text_type(H5T_VARIABLE);
    hid_t attribute = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    if (attribute >= 0) {
        done = H5Awrite(attribute, type, texts);
        H5Aclose(attribute);
    }
    if (type >= 0)
        H5Tclose(type);
    if (space >= 0)
        H5Sclose(space);
    return done;
}

herr_t run_attribute_text(hid_t object, const char *name, const char *text)
{
    return add_texts(object, name, H5Screate(H5S_SCALAR), &text);
}

herr_t run_attribute_texts(hid_t object, const char *name, const char *const *texts, size_t count)
{
    hsize_t size = count;
    return add_texts(object, name, H5Screate_simple(1, &size, NULL), texts);
}

static herr_t add_column_attributes(hid_t dataset, enum run_table table, const struct config *config)
{
    const char *units[COLUMNS_MAX], *descriptions[COLUMNS_MAX], *layers[CONFIG_TARGETS_MAX];
    size_t count = tables[table].column_count;
    for (size_t i = 0; i < count; i++) {
        units[i] = tables[table].columns[i].unit;
        descriptions[i] = tables[table].columns[i].description;
    }
    if (run_attribute_texts(dataset, "units", units, count) < 0 || run_attribute_texts(dataset, "descriptions", descriptions, count) < 0)
        return -1;
    if (table != RUN_TABLE_STEPS)
        return 0;
    for (int i = 0; i < config->targets.count; i++)
        layers[i] = config->targets.items[i].layer;
    return run_attribute_texts(dataset, "targets", layers, (size_t)config->targets.count);
}

// Makes the index of chunks, by writing the one row that is there and taking it away again. Left to the first real write, a kill could
// leave the new number of rows without the index: they may lie in different parts of the dataset's header.
static herr_t make_index(hid_t dataset, hid_t type)
{
    herr_t done = -1;
    const hsize_t none = 0;
    void *row = calloc(1, H5Tget_size(type));
    if (row && H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, row) >= 0)
        done = H5Dset_extent(dataset, &none);
    free(row);
    return done;
}

herr_t run_table_create(hid_t file, enum run_table table, const struct config *config)
{
    herr_t done = -1;
    hsize_t rows = 1, most = H5S_UNLIMITED, chunk = tables[table].chunk;
    hid_t space = H5Screate_simple(1, &rows, &most), creation = H5Pcreate(H5P_DATASET_CREATE), dataset = -1;
    hid_t type = run_table_memory_type(table, config->targets.count);
    if (space < 0 || creation < 0 || type < 0 || H5Tpack(type) < 0 || H5Pset_chunk(creation, 1, &chunk) < 0)
        goto out;
    dataset = H5Dcreate2(file, tables[table].name, type, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    if (dataset >= 0 && make_index(dataset, type) >= 0)
        done = add_column_attributes(dataset, table, config);
out:
    if (dataset >= 0 && H5Dclose(dataset) < 0)
        done = -1;
    if (type >= 0)
        H5Tclose(type);
    if (creation >= 0)
        H5Pclose(creation);
    if (space >= 0)
        H5Sclose(space);
    return done;
}

herr_t run_table_append(hid_t file, enum run_table table, hid_t memory, const void *rows, hsize_t count)
{
    herr_t done = -1;
    hsize_t start = 0, end;
    hid_t dataset = H5Dopen2(file, tables[table].name, H5P_DEFAULT), space = -1, slab = H5Screate_simple(1, &count, NULL);
    if (dataset < 0 || slab < 0 || (space = H5Dget_space(dataset)) < 0)
        goto out;
    if (H5Sget_simple_extent_ndims(space) != 1 || H5Sget_simple_extent_dims(space, &start, NULL) != 1)
        goto out;
    H5Sclose(space);
    space = -1;
    end = start + count;
    if (H5Dset_extent(dataset, &end) < 0 || (space = H5Dget_space(dataset)) < 0)
        goto out;
    if (H5Sselect_hyperslab(space, H5S_SELECT_SET, &start, NULL, &count, NULL) < 0)
        goto out;
    if (H5Dwrite(dataset, memory, slab, space, H5P_DEFAULT, rows) >= 0)
        done = H5Dflush(dataset);
out:
    if (space >= 0)
        H5Sclose(space);
    if (slab >= 0)
        H5Sclose(slab);
    if (dataset >= 0 && H5Dclose(dataset) < 0)
        done = -1;
    return done;
}
