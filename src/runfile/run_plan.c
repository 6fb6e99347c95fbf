// SPDX-License-Identifier: MIT
#include "runfile/run_plan.h"

#include <stdlib.h>
#include <string.h>

#include "common/hdf5/hdf5_attributes.h"
#include "common/hdf5/hdf5_error.h"
#include "common/hdf5/hdf5_file.h"
#include "common/system/file.h"
#include "runfile/run_access.h"

static enum status read_attribute(const char *path, size_t limit, char **text)
{
    HDF5_HANDLE file = run_access_open(path);
    *text = file < 0 ? NULL : hdf5_read_text(file, "plan", limit);
    return *text ? STATUS_OK : fail(STATUS_FORMAT, "%s is no run file with a plan in it", path);
}

enum status run_plan_read(const char *path, size_t limit, char **text)
{
    void *bytes = NULL;
    size_t size;
    *text = NULL;
    hdf5_listen();
    if (H5Fis_hdf5(path) > 0)
        return read_attribute(path, limit, text);
    TRY(file_read(path, limit, &bytes, &size));
    if (memchr(bytes, '\0', size)) {
        free(bytes);
        return fail(STATUS_FORMAT, "%s is neither a plan nor a run file", path);
    }
    *text = bytes;
    return STATUS_OK;
}
