// SPDX-License-Identifier: MIT
#include "coordinator/run_plan.h"

#include <hdf5.h>
#include <stdlib.h>
#include <string.h>

#include "common/file.h"

static const char signature[] = "\211HDF\r\n\032\n";

static bool is_hdf5(const char *path)
{
    char start[sizeof signature - 1];
    FILE *stream = fopen(path, "re");
    const bool same = stream && fread(start, sizeof start, 1, stream) == 1 && memcmp(start, signature, sizeof start) == 0;
    if (stream)
        fclose(stream);
    return same;
}

// The attribute `plan` of the root: a variable-length string.
static enum status read_attribute(const char *path, size_t limit, char **text)
{
    char *found = NULL;
    hid_t file = -1, attribute = -1, type = -1, space = -1, memory = -1;
    H5E_BEGIN_TRY
    {
        file = H5Fopen(path, H5F_ACC_RDONLY | H5F_ACC_SWMR_READ, H5P_DEFAULT);
        if (file < 0)
            file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
        attribute = H5Aopen(file, "plan", H5P_DEFAULT);
        type = H5Aget_type(attribute);
        space = H5Aget_space(attribute);
        if (type >= 0 && H5Tis_variable_str(type) > 0 && H5Sget_simple_extent_npoints(space) == 1 && H5Aget_storage_size(attribute) <= 64) {
            memory = H5Tcopy(H5T_C_S1);
            H5Tset_size(memory, H5T_VARIABLE);
            H5Tset_cset(memory, H5Tget_cset(type));
            if (H5Aread(attribute, memory, &found) < 0)
                found = NULL;
        }
        *text = found && strlen(found) <= limit ? strdup(found) : NULL;
        if (found)
            H5Dvlen_reclaim(memory, space, H5P_DEFAULT, &found);
        H5Tclose(memory);
        H5Sclose(space);
        H5Tclose(type);
        H5Aclose(attribute);
        H5Fclose(file);
    }
    H5E_END_TRY
    return *text ? STATUS_OK : fail(STATUS_FORMAT, "%s is no run file with a plan in it", path);
}

enum status run_plan_read(const char *path, size_t limit, char **text)
{
    void *bytes = NULL;
    size_t size;
    *text = NULL;
    if (is_hdf5(path))
        return read_attribute(path, limit, text);
    const enum status rc = file_read(path, limit, &bytes, &size);
    if (rc != STATUS_OK)
        return rc;
    if (memchr(bytes, '\0', size)) {
        free(bytes);
        return fail(STATUS_FORMAT, "%s is neither a plan nor a run file", path);
    }
    *text = bytes;
    return STATUS_OK;
}
