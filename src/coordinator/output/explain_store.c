// SPDX-License-Identifier: MIT
#include "coordinator/output/explain_store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/hdf5/hdf5_error.h"
#include "common/system/utf8.h"
#include "runfile/run_attributes.h"

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

static herr_t add_text(hid_t object, const struct explain_attribute *attribute)
{
    char *clean = strdup(attribute->text);
    if (!clean)
        return -1;
    utf8_clean(clean, '?');
    const herr_t done = run_attribute_text(object, attribute->name, clean);
    free(clean);
    return done;
}

static herr_t add_number(hid_t object, const struct explain_attribute *attribute)
{
    const hid_t type = attribute->type == EXPLAIN_WHOLE ? H5T_NATIVE_INT32 : H5T_NATIVE_DOUBLE;
    const hid_t space = H5Screate(H5S_SCALAR), made = H5Acreate2(object, attribute->name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    herr_t done = -1;
    if (made >= 0) {
        done = H5Awrite(made, H5T_NATIVE_DOUBLE, &attribute->number);
        H5Aclose(made);
    }
    if (space >= 0)
        H5Sclose(space);
    return done;
}

static herr_t add_attributes(hid_t object, const struct explain_attribute *attributes, int most)
{
    herr_t done = 0;
    for (int i = 0; i < most && attributes[i].name && done >= 0; i++)
        done = attributes[i].type == EXPLAIN_TEXT ? add_text(object, &attributes[i]) : add_number(object, &attributes[i]);
    return done;
}

// Whole planes as far as they fit in a chunk, or whole rows.
static herr_t compress(hid_t creation, const struct explain_dataset *dataset)
{
    hsize_t chunk[3], room = CHUNK_VALUES;
    for (int i = dataset->dimensions - 1; i >= 0; i--) {
        chunk[i] = dataset->size[i] < room ? dataset->size[i] : room;
        room /= chunk[i];
        room = room > 0 ? room : 1;
    }
    if (H5Pset_chunk(creation, dataset->dimensions, chunk) < 0 || H5Pset_shuffle(creation) < 0)
        return -1;
    return H5Pset_deflate(creation, 1);
}

static hid_t create(hid_t root, const struct explain_dataset *dataset)
{
    hid_t made = -1, space = H5Screate_simple(dataset->dimensions, dataset->size, NULL);
    hid_t creation = H5Pcreate(H5P_DATASET_CREATE), link = H5Pcreate(H5P_LINK_CREATE);
    if (space >= 0 && creation >= 0 && link >= 0 && H5Pset_create_intermediate_group(link, 1) >= 0 &&
        H5Pset_fill_time(creation, H5D_FILL_TIME_NEVER) >= 0 && (!dataset->compressed || compress(creation, dataset) >= 0))
        made = H5Dcreate2(root, dataset->path, H5T_IEEE_F32LE, space, link, creation, H5P_DEFAULT);
    if (link >= 0)
        H5Pclose(link);
    if (creation >= 0)
        H5Pclose(creation);
    if (space >= 0)
        H5Sclose(space);
    return made;
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

static hid_t open_file(const char *path)
{
    hid_t file = -1, access = H5Pcreate(H5P_FILE_ACCESS);
    if (access >= 0 && H5Pset_file_locking(access, false, true) >= 0) // parallel file systems often refuse locks
        file = H5Fopen(path, H5F_ACC_RDWR, access);
    if (access >= 0)
        H5Pclose(access);
    return file;
}

// HDF5 cuts off on closing what it did not need.
static enum status set_space_aside(const struct explain_store *store, const struct addition *addition)
{
    uint64_t bytes = addition->dataset ? sizeof(float) : 0;
    for (int i = 0; addition->dataset && i < addition->dataset->dimensions; i++)
        bytes *= addition->dataset->size[i];
    struct stat facts;
    const int descriptor = fileno(store->writer.stream);
    const int error = fstat(descriptor, &facts) != 0 ? errno : posix_fallocate(descriptor, facts.st_size, (off_t)(bytes + LAYOUT_BYTES));
    return error ? fail(STATUS_IO, "cannot write '%s': %s", store->writer.path, strerror(error)) : STATUS_OK;
}

static enum status update(struct explain_store *store, const struct addition *addition)
{
    TRY(set_space_aside(store, addition));
    hdf5_listen();
    const hid_t file = open_file(store->writer.aside);
    herr_t done = file < 0 ? -1 : add(file, addition);
    if (file >= 0 && H5Fclose(file) < 0)
        done = -1;
    if (done < 0)
        return hdf5_fail(store->writer.path, "cannot be written");
    return STATUS_OK;
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
