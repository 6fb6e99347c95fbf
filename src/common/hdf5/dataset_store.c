// SPDX-License-Identifier: MIT
#include "common/hdf5/dataset_store.h"

#include <stdlib.h>
#include <string.h>

#include "common/hdf5/hdf5_attributes.h"
#include "common/hdf5/hdf5_file.h"
#include "common/system/text.h"

enum {
    CHUNK_VALUES = 256 * 1024,
    LAYOUT_BYTES = 256 * 1024, // generously: headers, indices of chunks and attributes of one write
};

static herr_t add_attributes(hid_t object, const struct stored_attribute *attributes)
{
    herr_t done = 0;
    for (int i = 0; i < STORED_ATTRIBUTES_MAX && attributes[i].name && done >= 0; i++) {
        const struct stored_attribute *a = &attributes[i];
        if (a->type == STORED_TEXT)
            done = hdf5_add_text(object, a->name, a->text);
        else if (a->type == STORED_WHOLE)
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

static hid_t create(hid_t root, const struct stored_dataset *dataset)
{
    const hsize_t size[3] = {(hsize_t)dataset->size[0], (hsize_t)dataset->size[1], (hsize_t)dataset->size[2]};
    HDF5_HANDLE space = H5Screate_simple(dataset->dimensions, size, NULL);
    HDF5_HANDLE creation = H5Pcreate(H5P_DATASET_CREATE);
    HDF5_HANDLE link = H5Pcreate(H5P_LINK_CREATE);
    if (space < 0 || creation < 0 || link < 0 || H5Pset_create_intermediate_group(link, 1) < 0 ||
        H5Pset_fill_time(creation, H5D_FILL_TIME_NEVER) < 0 || H5Pset_obj_track_times(creation, false) < 0 ||
        (dataset->compressed && compress(creation, dataset->dimensions, size) < 0))
        return -1;
    return H5Dcreate2(root, dataset->path, dataset->kind == STORED_INT32 ? H5T_STD_I32LE : H5T_IEEE_F32LE, space, link, creation,
                      H5P_DEFAULT);
}

static herr_t add(hid_t file, const struct stored_dataset *dataset)
{
    const hid_t object = dataset->values ? create(file, dataset) : H5Oopen(file, dataset->path, H5P_DEFAULT);
    if (object < 0)
        return -1;
    const bool failed = dataset->values && (H5Dwrite(object, dataset->kind == STORED_INT32 ? H5T_NATIVE_INT32 : H5T_NATIVE_FLOAT, H5S_ALL,
                                                     H5S_ALL, H5P_DEFAULT, dataset->values) < 0 ||
                                            hdf5_add_text(object, "description", dataset->description) < 0 ||
                                            hdf5_add_text(object, "units", dataset->kind == STORED_INT32 ? "" : "1") < 0);
    const herr_t done = failed ? -1 : add_attributes(object, dataset->attributes);
    return H5Oclose(object) < 0 ? -1 : done;
}

static herr_t open_and_add(const char *path, const struct stored_dataset *dataset)
{
    HDF5_HANDLE access = hdf5_unlocked();
    const hid_t file = access < 0 ? -1 : H5Fopen(path, H5F_ACC_RDWR, access);
    const herr_t done = file < 0 ? -1 : add(file, dataset);
    return file >= 0 && H5Fclose(file) < 0 ? -1 : done;
}

enum status dataset_store_create(struct file_writer *writer, const char *path)
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

enum status dataset_store_write(struct file_writer *writer, const struct stored_dataset *dataset)
{
    uint64_t bytes = dataset->values ? sizeof(float) : 0; // or int32_t
    for (int i = 0; i < dataset->dimensions; i++)
        bytes *= (uint64_t)dataset->size[i];
    const int error = hdf5_set_space_aside(writer->aside, bytes + LAYOUT_BYTES);
    if (error)
        return fail(STATUS_IO, "cannot write '%s': %s", writer->path, strerror(error));
    HDF5_ALONE;
    hdf5_listen();
    return open_and_add(writer->aside, dataset) < 0 ? hdf5_fail(writer->path, "cannot be written") : STATUS_OK;
}

static herr_t add_texts(hid_t file, const char *path, const char *description, const char *bytes, size_t length, size_t count)
{
    const hsize_t size = count;
    HDF5_HANDLE type = hdf5_text_type(length);
    HDF5_HANDLE space = H5Screate_simple(1, &size, NULL);
    HDF5_HANDLE creation = H5Pcreate(H5P_DATASET_CREATE);
    if (type < 0 || space < 0 || creation < 0 || H5Pset_obj_track_times(creation, false) < 0)
        return -1;
    const hid_t dataset = H5Dcreate2(file, path, type, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    if (dataset < 0)
        return -1;
    const bool failed =
        H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes) < 0 || hdf5_add_text(dataset, "description", description) < 0;
    return H5Dclose(dataset) < 0 || failed ? -1 : 0;
}

static enum status write_texts(struct file_writer *writer, const char *path, const char *description, const char *bytes, size_t length,
                               size_t count)
{
    HDF5_ALONE;
    hdf5_listen();
    HDF5_HANDLE access = hdf5_unlocked();
    const hid_t file = access < 0 ? -1 : H5Fopen(writer->aside, H5F_ACC_RDWR, access);
    const herr_t done = file < 0 ? -1 : add_texts(file, path, description, bytes, length, count);
    return file < 0 || H5Fclose(file) < 0 || done < 0 ? hdf5_fail(writer->path, "cannot be written") : STATUS_OK;
}

enum status dataset_store_write_texts(struct file_writer *writer, const char *path, const char *description, const char *const *texts,
                                      size_t count)
{
    size_t length = 1;
    char *bytes;
    enum status rc;
    for (size_t i = 0; i < count; i++)
        length = strlen(texts[i]) > length ? strlen(texts[i]) : length;
    TRY(ALLOCATE(bytes, count * length + 1, "for %zu texts", count));
    for (size_t i = 0; i < count; i++) {
        char *place = bytes + i * length, kept = place[length];
        memcpy(place, texts[i], strlen(texts[i]));
        place[length] = '\0';
        utf8_clean(place, '?');
        place[length] = kept;
    }
    const int error = hdf5_set_space_aside(writer->aside, count * length + LAYOUT_BYTES);
    rc = error ? fail(STATUS_IO, "cannot write '%s': %s", writer->path, strerror(error))
               : write_texts(writer, path, description, bytes, length, count);
    free(bytes);
    return rc;
}
