// SPDX-License-Identifier: MIT
#include "runfile/run_plan.h"

#include <hdf5.h>
#include <stdlib.h>
#include <string.h>

#include "common/system/file.h"
#include "runfile/run_attributes.h"
#include "runfile/run_file_inside.h"

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

static enum status read_attribute(const char *path, size_t limit, char **text)
{
    const hid_t file = run_file_open(path);
    *text = file < 0 ? NULL : run_attribute_read_text(file, "plan", limit);
    if (file >= 0)
        H5Fclose(file);
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
