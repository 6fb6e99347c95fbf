// SPDX-License-Identifier: MIT
#include "runfile/columns.h"

#include <stdlib.h>
#include <string.h>

#include "common/system/utf8.h"
#include "runfile/run_series.h"

enum { TEXT_REFERENCE_MAX = 64 }; // bytes of an attribute that refer to one variable-length text

bool columns_file_can_hold(hid_t dataset, hsize_t values)
{
    hsize_t size = 0;
    hid_t file = H5Iget_file_id(dataset), type = H5Dget_type(dataset);
    const size_t value = type >= 0 ? H5Tget_size(type) : 0;
    const bool fits = value > 0 && file >= 0 && H5Fget_filesize(file, &size) >= 0 && values <= size / value;
    if (type >= 0)
        H5Tclose(type);
    if (file >= 0)
        H5Fclose(file);
    return fits;
}

enum status columns_open(hid_t file, const char *path, const char *name, struct columns *columns)
{
    hsize_t rows = 0;
    *columns = (struct columns){.path = path, .name = name, .dataset = -1, .type = -1};
    columns->dataset = H5Dopen2(file, name, H5P_DEFAULT);
    hid_t space = columns->dataset < 0 ? -1 : H5Dget_space(columns->dataset);
    columns->type = columns->dataset < 0 ? -1 : H5Dget_type(columns->dataset);
    const bool good = space >= 0 && columns->type >= 0 && H5Tget_class(columns->type) == H5T_COMPOUND &&
                      H5Sget_simple_extent_ndims(space) == 1 && H5Sget_simple_extent_dims(space, &rows, NULL) >= 0 &&
                      columns_file_can_hold(columns->dataset, rows);
    columns->rows = (size_t)rows;
    if (space >= 0)
        H5Sclose(space);
    if (good)
        return STATUS_OK;
    columns_close(columns);
    return fail(STATUS_FORMAT, "%s: its table /%s is not as this version has it; the file is damaged, or no run file", path, name);
}

void columns_close(struct columns *columns)
{
    if (columns->type >= 0)
        H5Tclose(columns->type);
    if (columns->dataset >= 0)
        H5Dclose(columns->dataset);
    columns->type = columns->dataset = -1;
    columns->rows = 0;
}

// H5Tget_member_index() calls a missing member an error, with all that HDF5 has to say about it.
static int index_of(const struct columns *columns, const char *column)
{
    const int count = H5Tget_nmembers(columns->type);
    for (int i = 0; i < count; i++) {
        char *name = H5Tget_member_name(columns->type, (unsigned)i);
        const bool same = name && strcmp(name, column) == 0;
        H5free_memory(name);
        if (same)
            return i;
    }
    return -1;
}

bool columns_have(const struct columns *columns, const char *column)
{
    return index_of(columns, column) >= 0;
}

static enum status refuse(const struct columns *columns, const char *column)
{
    return fail(STATUS_FORMAT, "%s: column %s of /%s cannot be read; the file is damaged, or of another version", columns->path, column,
                columns->name);
}

// All rows of one column, as values of the type `member`, which is closed.
static bool read_column(const struct columns *columns, const char *column, hid_t member, void *values)
{
    hid_t row = member < 0 ? -1 : H5Tcreate(H5T_COMPOUND, H5Tget_size(member));
    const bool done = row >= 0 && H5Tinsert(row, column, 0, member) >= 0 &&
                      (columns->rows == 0 || H5Dread(columns->dataset, row, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
    if (row >= 0)
        H5Tclose(row);
    if (member >= 0)
        H5Tclose(member);
    return done;
}

// What a column of numbers is read as: an enumeration as itself, an array as an array. -1: it holds no `width` numbers.
static hid_t number_type(const struct columns *columns, int index, int width, bool *narrow)
{
    hid_t type = H5Tget_member_type(columns->type, (unsigned)index), found = -1;
    const H5T_class_t class = type < 0 ? H5T_NO_CLASS : H5Tget_class(type);
    hsize_t size = 0, wanted = (hsize_t)width;
    *narrow = class == H5T_ENUM;
    if (class == H5T_ENUM && width == 1 && H5Tget_size(type) == sizeof(int32_t))
        found = H5Tcopy(type);
    else if ((class == H5T_INTEGER || class == H5T_FLOAT) && width == 1)
        found = H5Tcopy(H5T_NATIVE_DOUBLE);
    else if (class == H5T_ARRAY && H5Tget_array_ndims(type) == 1 && H5Tget_array_dims2(type, &size) >= 0 && size == wanted)
        found = H5Tarray_create2(H5T_NATIVE_DOUBLE, 1, &wanted);
    if (type >= 0)
        H5Tclose(type);
    return found;
}

enum status columns_numbers(const struct columns *columns, const char *column, int width, double **numbers)
{
    const int index = index_of(columns, column);
    bool narrow = false;
    *numbers = calloc(columns->rows * (size_t)width + 1, sizeof **numbers);
    if (!*numbers)
        return fail(STATUS_LIMIT, "%s: no memory for %zu rows of /%s", columns->path, columns->rows, columns->name);
    if (index < 0 || !read_column(columns, column, number_type(columns, index, width, &narrow), *numbers)) {
        free(*numbers);
        *numbers = NULL;
        return refuse(columns, column);
    }
    const int32_t *values = (const int32_t *)(const void *)*numbers;
    for (size_t i = narrow ? columns->rows : 0; i-- > 0;) { // from the end, since each number takes the room of two values
        int32_t value;
        memcpy(&value, values + i, sizeof value);
        (*numbers)[i] = value;
    }
    return STATUS_OK;
}

enum status columns_text(const struct columns *columns, const char *column, size_t size, char **text)
{
    const int index = index_of(columns, column);
    *text = calloc(columns->rows + 1, size);
    if (!*text)
        return fail(STATUS_LIMIT, "%s: no memory for %zu rows of /%s", columns->path, columns->rows, columns->name);
    if (index < 0 || H5Tget_member_class(columns->type, (unsigned)index) != H5T_STRING ||
        !read_column(columns, column, run_text_type(size), *text)) {
        free(*text);
        *text = NULL;
        return refuse(columns, column);
    }
    for (size_t i = 0; i < columns->rows; i++) {
        (*text)[i * size + size - 1] = '\0';
        utf8_clean(*text + i * size, '?');
    }
    return STATUS_OK;
}

static char **copy_texts(char *const *found, size_t count)
{
    char **texts = calloc(count + 1, sizeof *texts);
    for (size_t i = 0; texts && i < count; i++) {
        texts[i] = strdup(found[i] ? found[i] : "");
        if (!texts[i]) {
            columns_free_texts(texts, i);
            return NULL;
        }
        utf8_clean(texts[i], '?');
    }
    return texts;
}

static char **read_texts(hid_t attribute, hid_t type, hid_t space, size_t limit, size_t *count)
{
    const hssize_t points = H5Sget_simple_extent_npoints(space);
    char **found = NULL, **texts = NULL;
    hid_t memory = -1;
    if (H5Tis_variable_str(type) <= 0 || points < 1 || (size_t)points > limit ||
        H5Aget_storage_size(attribute) > (hsize_t)points * TEXT_REFERENCE_MAX)
        return NULL;
    found = calloc((size_t)points, sizeof *found);
    memory = run_text_type(H5T_VARIABLE);
    if (found && memory >= 0 && H5Tset_cset(memory, H5Tget_cset(type)) >= 0 && H5Aread(attribute, memory, found) >= 0) {
        texts = copy_texts(found, (size_t)points);
        H5Dvlen_reclaim(memory, space, H5P_DEFAULT, found);
    }
    if (memory >= 0)
        H5Tclose(memory);
    free(found);
    *count = texts ? (size_t)points : 0;
    return texts;
}

char **columns_texts(hid_t file, const char *object, const char *name, size_t limit, size_t *count)
{
    char **texts = NULL;
    hid_t attribute =
        H5Aexists_by_name(file, object, name, H5P_DEFAULT) > 0 ? H5Aopen_by_name(file, object, name, H5P_DEFAULT, H5P_DEFAULT) : -1;
    hid_t type = attribute < 0 ? -1 : H5Aget_type(attribute), space = attribute < 0 ? -1 : H5Aget_space(attribute);
    *count = 0;
    if (type >= 0 && space >= 0)
        texts = read_texts(attribute, type, space, limit, count);
    if (space >= 0)
        H5Sclose(space);
    if (type >= 0)
        H5Tclose(type);
    if (attribute >= 0)
        H5Aclose(attribute);
    return texts;
}

void columns_free_texts(char **texts, size_t count)
{
    for (size_t i = 0; texts && i < count; i++)
        free(texts[i]);
    free(texts);
}

int *columns_integers(hid_t file, const char *name, size_t count)
{
    int *values = NULL;
    hid_t attribute = H5Aexists(file, name) > 0 ? H5Aopen(file, name, H5P_DEFAULT) : -1;
    hid_t space = attribute < 0 ? -1 : H5Aget_space(attribute);
    if (space >= 0 && count > 0 && H5Sget_simple_extent_npoints(space) == (hssize_t)count) {
        values = calloc(count, sizeof *values);
        if (values && H5Aread(attribute, H5T_NATIVE_INT, values) < 0) {
            free(values);
            values = NULL;
        }
    }
    if (space >= 0)
        H5Sclose(space);
    if (attribute >= 0)
        H5Aclose(attribute);
    return values;
}
