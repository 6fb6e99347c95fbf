// SPDX-License-Identifier: MIT
#include "coordinator/output/explain_store.h"

#include <string.h>

#include "common/hdf5/hdf5_attributes.h"
#include "common/hdf5/hdf5_error.h"
#include "common/hdf5/hdf5_file.h"

enum {
    CHUNK_VALUES = 256 * 1024,
    LAYOUT_BYTES = 256 * 1024, // generously: headers, indices of chunks and attributes of one write
};

// What one write adds.
struct addition {
    const struct explain_dataset *dataset; // NULL: attributes of what is at `path`
    const char *path;
    const struct explain_attribute *attributes;
    int count;
};

static herr_t add_attribute(hid_t object, const struct explain_attribute *attribute)
{
    switch (attribute->type) {
    case EXPLAIN_TEXT:
        return hdf5_add_text(object, attribute->name, attribute->text);
    case EXPLAIN_WHOLE:
        return hdf5_set_integer(object, attribute->name, (int)attribute->number);
    case EXPLAIN_REAL:
        return hdf5_set_number(object, attribute->name, H5T_NATIVE_DOUBLE, &attribute->number);
    }
    return -1;
}

static herr_t add_attributes(hid_t object, const struct explain_attribute *attributes, int most)
{
    herr_t done = 0;
    for (int i = 0; i < most && attributes[i].name && done >= 0; i++)
        done = add_attribute(object, &attributes[i]);
    return done;
}

// Whole planes as far as they fit in a chunk, or whole rows.
static herr_t compress(hid_t creation, int dimensions, const hsize_t *size)
{
    hsize_t chunk[3], room = CHUNK_VALUES;
    for (int i = dimensions - 1; i >= 0; i--) {
        chunk[i] = size[i] < room ? size[i] : room;
        room /= chunk[i];
        room = room > 0 ? room : 1;
    }
    if (H5Pset_chunk(creation, dimensions, chunk) < 0 || H5Pset_shuffle(creation) < 0)
        return -1;
    return H5Pset_deflate(creation, 1);
}

static hid_t create(hid_t root, const struct explain_dataset *dataset)
{
    const hsize_t size[3] = {(hsize_t)dataset->size[0], (hsize_t)dataset->size[1], (hsize_t)dataset->size[2]};
    HDF5_HANDLE space = H5Screate_simple(dataset->dimensions, size, NULL);
    HDF5_HANDLE creation = H5Pcreate(H5P_DATASET_CREATE);
    HDF5_HANDLE link = H5Pcreate(H5P_LINK_CREATE);
    if (space < 0 || creation < 0 || link < 0 || H5Pset_create_intermediate_group(link, 1) < 0 ||
        H5Pset_fill_time(creation, H5D_FILL_TIME_NEVER) < 0 || (dataset->compressed && compress(creation, dataset->dimensions, size) < 0))
        return -1;
    return H5Dcreate2(root, dataset->path, H5T_IEEE_F32LE, space, link, creation, H5P_DEFAULT);
}

static herr_t add_dataset(hid_t root, const struct explain_dataset *dataset)
{
    const struct explain_attribute meaning[] = {{.name = "description", .text = dataset->description}, {.name = "units", .text = "1"}};
    const hid_t made = create(root, dataset);
    if (made < 0)
        return -1;
    herr_t done = H5Dwrite(made, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, dataset->values);
    if (done >= 0)
        done = add_attributes(made, meaning, 2);
    if (done >= 0)
        done = add_attributes(made, dataset->attributes, EXPLAIN_ATTRIBUTES_MAX);
    return H5Dclose(made) < 0 ? -1 : done;
}

static herr_t add(hid_t file, const struct addition *addition)
{
    if (addition->dataset)
        return add_dataset(file, addition->dataset);
    const hid_t object = H5Oopen(file, addition->path, H5P_DEFAULT);
    if (object < 0)
        return -1;
    const herr_t done = add_attributes(object, addition->attributes, addition->count);
    return H5Oclose(object) < 0 ? -1 : done;
}

static herr_t write_addition(const char *path, const struct addition *addition)
{
    HDF5_HANDLE access = hdf5_unlocked();
    const hid_t file = access < 0 ? -1 : H5Fopen(path, H5F_ACC_RDWR, access);
    const herr_t done = file < 0 ? -1 : add(file, addition);
    return file >= 0 && H5Fclose(file) < 0 ? -1 : done;
}

static enum status update(struct explain_store *store, const struct addition *addition)
{
    uint64_t bytes = addition->dataset ? sizeof(float) : 0;
    for (int i = 0; addition->dataset && i < addition->dataset->dimensions; i++)
        bytes *= (uint64_t)addition->dataset->size[i];
    const int error = hdf5_set_space_aside(store->writer.aside, bytes + LAYOUT_BYTES);
    if (error)
        return fail(STATUS_IO, "cannot write '%s': %s", store->writer.path, strerror(error));
    hdf5_listen();
    return write_addition(store->writer.aside, addition) < 0 ? hdf5_fail(store->writer.path, "cannot be written") : STATUS_OK;
}

enum status explain_store_create(struct explain_store *store, const char *path)
{
    TRY(file_create(&store->writer, path));
    H5dont_atexit(); // as for the run file: everything is closed by hand
    hdf5_listen();
    const hid_t file = H5Fcreate(store->writer.aside, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    if (file < 0 || H5Fclose(file) < 0)
        return hdf5_fail(path, "cannot be created");
    return STATUS_OK;
}

enum status explain_store_write(struct explain_store *store, const struct explain_dataset *dataset)
{
    return update(store, &(struct addition){.dataset = dataset});
}

enum status explain_store_describe(struct explain_store *store, const char *path, const struct explain_attribute *attributes, int count)
{
    return update(store, &(struct addition){.path = path, .attributes = attributes, .count = count});
}

enum status explain_store_commit(struct explain_store *store)
{
    return file_commit(&store->writer);
}

void explain_store_abandon(struct explain_store *store)
{
    file_abandon(&store->writer);
}
