// SPDX-License-Identifier: MIT
#include "coordinator/output/explain_store.h"

#include <string.h>

#include "common/hdf5/hdf5_attributes.h"
#include "common/hdf5/hdf5_file.h"

enum {
    CHUNK_VALUES = 256 * 1024,
    LAYOUT_BYTES = 256 * 1024, // generously: headers, indices of chunks and attributes of one write
};

static herr_t add_attributes(hid_t object, const struct explain_attribute *attributes)
{
    herr_t done = 0;
    for (int i = 0; i < EXPLAIN_ATTRIBUTES_MAX && attributes[i].name && done >= 0; i++) {
        const struct explain_attribute *a = &attributes[i];
        if (a->type == EXPLAIN_TEXT)
            done = hdf5_add_text(object, a->name, a->text);
        else if (a->type == EXPLAIN_WHOLE)
            done = hdf5_set_integer(object, a->name, (int)a->number);
        else
            done = hdf5_set_number(object, a->name, H5T_NATIVE_DOUBLE, &a->number);
    }
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
        H5Pset_fill_time(creation, H5D_FILL_TIME_NEVER) < 0 || H5Pset_obj_track_times(creation, false) < 0 ||
        (dataset->compressed && compress(creation, dataset->dimensions, size) < 0))
        return -1;
    return H5Dcreate2(root, dataset->path, H5T_IEEE_F32LE, space, link, creation, H5P_DEFAULT);
}

static herr_t add(hid_t file, const struct explain_dataset *dataset)
{
    const hid_t object = dataset->values ? create(file, dataset) : H5Oopen(file, dataset->path, H5P_DEFAULT);
    if (object < 0)
        return -1;
    const bool failed =
        dataset->values && (H5Dwrite(object, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, dataset->values) < 0 ||
                            hdf5_add_text(object, "description", dataset->description) < 0 || hdf5_add_text(object, "units", "1") < 0);
    const herr_t done = failed ? -1 : add_attributes(object, dataset->attributes);
    return H5Oclose(object) < 0 ? -1 : done;
}

static herr_t open_and_add(const char *path, const struct explain_dataset *dataset)
{
    HDF5_HANDLE access = hdf5_unlocked();
    const hid_t file = access < 0 ? -1 : H5Fopen(path, H5F_ACC_RDWR, access);
    const herr_t done = file < 0 ? -1 : add(file, dataset);
    return file >= 0 && H5Fclose(file) < 0 ? -1 : done;
}

enum status explain_store_create(struct file_writer *writer, const char *path)
{
    HDF5_ALONE;
    TRY(file_create(writer, path));
    H5dont_atexit(); // as for the run file: everything is closed by hand
    hdf5_listen();
    const hid_t file = H5Fcreate(writer->aside, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    if (file < 0 || H5Fclose(file) < 0)
        return hdf5_fail(path, "cannot be created");
    return STATUS_OK;
}

enum status explain_store_write(struct file_writer *writer, const struct explain_dataset *dataset)
{
    uint64_t bytes = dataset->values ? sizeof *dataset->values : 0;
    for (int i = 0; i < dataset->dimensions; i++)
        bytes *= (uint64_t)dataset->size[i];
    const int error = hdf5_set_space_aside(writer->aside, bytes + LAYOUT_BYTES);
    if (error)
        return fail(STATUS_IO, "cannot write '%s': %s", writer->path, strerror(error));
    HDF5_ALONE;
    hdf5_listen();
    return open_and_add(writer->aside, dataset) < 0 ? hdf5_fail(writer->path, "cannot be written") : STATUS_OK;
}
