// SPDX-License-Identifier: MIT
#include "common/hdf5/hdf5_strings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static herr_t take_reason(unsigned n, const H5E_error2_t *error, void *text)
{
    if (n == 0 && error->desc)
        snprintf(text, HDF5_STRING_MAX, "%s", error->desc);
    return 0;
}

const char *hdf5_reason(void)
{
    static _Thread_local char text[HDF5_STRING_MAX];
    snprintf(text, sizeof text, "hdf5 gives no reason");
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, take_reason, text);
    return text;
}

static enum status copy_string(struct hdf5_strings *strings, size_t i, const char *text, size_t length)
{
    if (length >= HDF5_STRING_MAX)
        return fail(STATUS_LIMIT, "string %zu is longer than %d bytes", i, HDF5_STRING_MAX - 1);
    memcpy(strings->items[i], text, length);
    return STATUS_OK;
}

static enum status read_fixed(hid_t attribute, hid_t type, struct hdf5_strings *strings)
{
    enum status rc = STATUS_OK;
    size_t size = H5Tget_size(type);
    if (size < 1 || size > HDF5_STRING_MAX)
        return fail(STATUS_LIMIT, "strings of %zu bytes; at most %d are read", size, HDF5_STRING_MAX);
    char *bytes = calloc(strings->count, size);
    if (!bytes)
        return fail(STATUS_LIMIT, "no memory for %zu strings", strings->count);
    if (H5Aread(attribute, type, bytes) < 0)
        rc = fail(STATUS_FORMAT, "%s", hdf5_reason());
    for (size_t i = 0; i < strings->count && rc == STATUS_OK; i++)
        rc = copy_string(strings, i, bytes + i * size, strnlen(bytes + i * size, size));
    free(bytes);
    return rc;
}

static enum status read_attribute(hid_t attribute, hid_t type, hid_t space, struct hdf5_strings *strings)
{
    hssize_t count = H5Sget_simple_extent_npoints(space);
    if (count == 0) // an empty list, of whatever type: h5py writes [] as float64
        return STATUS_OK;
    if (count < 0 || H5Sget_simple_extent_ndims(space) > 1 || H5Tget_class(type) != H5T_STRING)
        return fail(STATUS_FORMAT, "not a list of strings");
    // They lie in the file's global heap, and HDF5 1.10 reads a damaged one for ever. Keras writes strings of one length.
    if (H5Tis_variable_str(type) != 0)
        return fail(STATUS_UNSUPPORTED, "strings of variable length; only those of one length are read, as Keras writes them");
    if (count > HDF5_STRINGS_MAX)
        return fail(STATUS_LIMIT, "%lld strings; at most %d are read", (long long)count, HDF5_STRINGS_MAX);
    strings->items = calloc((size_t)count, sizeof *strings->items);
    if (!strings->items)
        return fail(STATUS_LIMIT, "no memory for %lld strings", (long long)count);
    strings->count = (size_t)count;
    return read_fixed(attribute, type, strings);
}

enum status hdf5_read_strings(hid_t object, const char *name, struct hdf5_strings *strings)
{
    enum status rc;
    hid_t attribute = -1, type = -1, space = -1;
    *strings = (struct hdf5_strings){0};
    htri_t exists = H5Aexists(object, name);
    if (exists == 0)
        return fail(STATUS_FORMAT, "it has no attribute %s", name);
    if (exists < 0 || (attribute = H5Aopen(object, name, H5P_DEFAULT)) < 0 || (type = H5Aget_type(attribute)) < 0 ||
        (space = H5Aget_space(attribute)) < 0)
        rc = fail(STATUS_FORMAT, "%s", hdf5_reason());
    else
        rc = read_attribute(attribute, type, space, strings);
    rc = fail_in(rc, "attribute %s", name);
    if (rc != STATUS_OK)
        hdf5_free_strings(strings);
    if (space >= 0)
        H5Sclose(space);
    if (type >= 0)
        H5Tclose(type);
    if (attribute >= 0)
        H5Aclose(attribute);
    return rc;
}

void hdf5_free_strings(struct hdf5_strings *strings)
{
    free(strings->items);
    *strings = (struct hdf5_strings){0};
}
