// SPDX-License-Identifier: MIT
#include "common/hdf5/hdf5_attributes.h"

#include <string.h>

#include "common/hdf5/hdf5_file.h"
#include "common/system/text.h"

enum { TEXT_REFERENCE_MAX = 64 }; // bytes of an attribute that refer to one text of variable length

hid_t hdf5_text_type(size_t size)
{
    hid_t type = H5Tcopy(H5T_C_S1);
    if (type >= 0 && (H5Tset_size(type, size) < 0 || H5Tset_cset(type, H5T_CSET_UTF8) < 0))
        hdf5_close(&type);
    return type;
}

// Takes the space over.
static herr_t put(hid_t object, const char *name, hid_t type, hid_t shape, const void *values)
{
    HDF5_HANDLE space = shape;
    HDF5_HANDLE attribute =
        H5Aexists(object, name) > 0 ? H5Aopen(object, name, H5P_DEFAULT) : H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    return attribute < 0 ? -1 : H5Awrite(attribute, type, values);
}

herr_t hdf5_add_text(hid_t object, const char *name, const char *text)
{
    HDF5_HANDLE type = hdf5_text_type(H5T_VARIABLE);
    char *clean = strdup(text);
    if (!clean)
        return -1;
    utf8_clean(clean, '?');
    const herr_t done = put(object, name, type, H5Screate(H5S_SCALAR), &clean);
    free(clean);
    return done;
}

herr_t hdf5_add_texts(hid_t object, const char *name, const char *const *texts, size_t count)
{
    HDF5_HANDLE type = hdf5_text_type(H5T_VARIABLE);
    return put(object, name, type, H5Screate_simple(1, &(hsize_t){count}, NULL), texts);
}

herr_t hdf5_add_fixed_texts(hid_t object, const char *name, const char *bytes, size_t size, size_t count)
{
    HDF5_HANDLE type = hdf5_text_type(size);
    if (type < 0 || H5Tset_strpad(type, H5T_STR_NULLPAD) < 0)
        return -1;
    return put(object, name, type, H5Screate_simple(1, &(hsize_t){count}, NULL), bytes);
}

herr_t hdf5_add_integers(hid_t object, const char *name, const int *values, size_t count)
{
    return put(object, name, H5T_NATIVE_INT, H5Screate_simple(1, &(hsize_t){count}, NULL), values);
}

herr_t hdf5_set_number(hid_t object, const char *name, hid_t type, const void *value)
{
    return put(object, name, type, H5Screate(H5S_SCALAR), value);
}

herr_t hdf5_set_integer(hid_t object, const char *name, int value)
{
    return hdf5_set_number(object, name, H5T_NATIVE_INT, &value);
}

bool hdf5_read_numbers(hid_t object, const char *name, hid_t type, size_t count, void *values)
{
    HDF5_HANDLE attribute = H5Aexists(object, name) > 0 ? H5Aopen(object, name, H5P_DEFAULT) : -1;
    HDF5_HANDLE space = attribute < 0 ? -1 : H5Aget_space(attribute);
    return space >= 0 && H5Sget_simple_extent_npoints(space) == (hssize_t)count && H5Aread(attribute, type, values) >= 0;
}

static enum status take(struct hdf5_texts *texts, const char *text, size_t length, const struct hdf5_limits *limits)
{
    if (length > limits->bytes)
        return fail(STATUS_LIMIT, "string %zu is longer than %zu bytes", texts->count, limits->bytes);
    char *copy = strndup(text, length);
    if (!copy)
        return no_memory("for a string of %zu bytes", length);
    utf8_clean(copy, '?');
    texts->items[texts->count++] = copy;
    return STATUS_OK;
}

static enum status read_fixed(hid_t attribute, hid_t type, size_t count, const struct hdf5_limits *limits, struct hdf5_texts *texts)
{
    enum status rc = STATUS_OK;
    const size_t size = H5Tget_size(type);
    if (size < 1 || size > limits->bytes + 1)
        return fail(STATUS_LIMIT, "strings of %zu bytes; at most %zu are read", size, limits->bytes + 1);
    char *bytes;
    TRY(ALLOCATE(bytes, count * size, "for %zu strings", count));
    if (H5Aread(attribute, type, bytes) < 0)
        rc = fail(STATUS_FORMAT, "%s", hdf5_reason());
    for (size_t i = 0; i < count && rc == STATUS_OK; i++)
        rc = take(texts, bytes + i * size, strnlen(bytes + i * size, size), limits);
    free(bytes);
    return rc;
}

static enum status read_variable(hid_t attribute, hid_t type, hid_t space, const struct hdf5_limits *limits, struct hdf5_texts *texts)
{
    const size_t count = (size_t)H5Sget_simple_extent_npoints(space);
    HDF5_HANDLE memory = hdf5_text_type(H5T_VARIABLE);
    enum status rc = STATUS_OK;
    if (H5Aget_storage_size(attribute) > count * TEXT_REFERENCE_MAX)
        return fail(STATUS_FORMAT, "not a list of strings");
    char **found;
    TRY(ALLOCATE(found, count, "for %zu strings", count));
    if (memory < 0 || H5Tset_cset(memory, H5Tget_cset(type)) < 0 || H5Aread(attribute, memory, found) < 0)
        rc = fail(STATUS_FORMAT, "%s", hdf5_reason());
    for (size_t i = 0; i < count && rc == STATUS_OK; i++)
        rc = take(texts, found[i] ? found[i] : "", found[i] ? strlen(found[i]) : 0, limits);
    H5Dvlen_reclaim(memory, space, H5P_DEFAULT, found);
    free(found);
    return rc;
}

static enum status read_list(hid_t object, const char *name, const struct hdf5_limits *limits, struct hdf5_texts *texts)
{
    HDF5_HANDLE attribute = H5Aopen(object, name, H5P_DEFAULT);
    HDF5_HANDLE type = attribute < 0 ? -1 : H5Aget_type(attribute);
    HDF5_HANDLE space = attribute < 0 ? -1 : H5Aget_space(attribute);
    if (type < 0 || space < 0)
        return fail(STATUS_FORMAT, "%s", hdf5_reason());
    const hssize_t count = H5Sget_simple_extent_npoints(space);
    if (count == 0)
        return STATUS_OK;
    if (count < 0 || H5Sget_simple_extent_ndims(space) > 1 || H5Tget_class(type) != H5T_STRING)
        return fail(STATUS_FORMAT, "not a list of strings");
    if ((H5Tis_variable_str(type) != 0) != limits->variable)
        return fail(STATUS_UNSUPPORTED, "strings of %s length, where only those of %s are read", limits->variable ? "one" : "variable",
                    limits->variable ? "variable length" : "one length");
    if ((size_t)count > limits->count)
        return fail(STATUS_LIMIT, "%lld strings; at most %zu are read", (long long)count, limits->count);
    TRY(ALLOCATE(texts->items, count, "for %lld strings", (long long)count));
    return limits->variable ? read_variable(attribute, type, space, limits, texts)
                            : read_fixed(attribute, type, (size_t)count, limits, texts);
}

enum status hdf5_read_texts(hid_t object, const char *name, const struct hdf5_limits *limits, struct hdf5_texts *texts)
{
    *texts = (struct hdf5_texts){0};
    if (H5Aexists(object, name) == 0)
        return fail(STATUS_FORMAT, "it has no attribute %s", name);
    const enum status rc = fail_in(read_list(object, name, limits, texts), "attribute %s", name);
    if (rc != STATUS_OK)
        hdf5_free_texts(texts);
    return rc;
}

void hdf5_free_texts(struct hdf5_texts *texts)
{
    for (size_t i = 0; i < texts->count; i++)
        free(texts->items[i]);
    free(texts->items);
    *texts = (struct hdf5_texts){0};
}

char *hdf5_read_text(hid_t object, const char *name, size_t bytes)
{
    struct hdf5_texts texts;
    char *text = NULL;
    if (hdf5_read_texts(object, name, &(struct hdf5_limits){.count = 1, .bytes = bytes, .variable = true}, &texts) != STATUS_OK)
        return NULL;
    if (texts.count == 1) {
        text = texts.items[0];
        texts.count = 0;
    }
    hdf5_free_texts(&texts);
    return text;
}
