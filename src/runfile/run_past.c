// SPDX-License-Identifier: MIT
#include "runfile/run_past.h"

#include <hdf5.h>
#include <stdlib.h>
#include <string.h>

#include "common/hdf5/hdf5_error.h"
#include "runfile/run_attributes.h"
#include "runfile/run_file.h"
#include "runfile/run_file_inside.h"

enum { TEXT_MAX = 1 << 20, ROWS = 64 };

// A row of /images as it is read.
struct row {
    int64_t id, bytes, modified;
    int32_t status;
    char sha256[sizeof((struct image_row *)0)->sha256];
    char source[ROW_SOURCE_MAX], output[ROW_SOURCE_MAX];
};

static enum status refuse(const char *path, const char *what)
{
    return fail(STATUS_FORMAT, "%s cannot be gone on with: %s; --force begins anew", path, what);
}

static bool insert(hid_t type, hid_t file_type, const char *name, size_t offset, hid_t member)
{
    const bool done = member >= 0 && H5Tget_member_index(file_type, name) >= 0 && H5Tinsert(type, name, offset, member) >= 0;
    if (member >= 0)
        H5Tclose(member);
    return done;
}

// The columns of struct row. Negative where the dataset has not all of them.
static hid_t row_type(hid_t dataset)
{
    hid_t file_type = H5Dget_type(dataset), type = -1;
    if (file_type >= 0 && H5Tget_class(file_type) == H5T_COMPOUND && H5Tget_member_index(file_type, "status") >= 0)
        type = H5Tcreate(H5T_COMPOUND, sizeof(struct row));
    // The status is an enumeration, which is read as itself.
    hid_t status = type < 0 ? -1 : H5Tget_member_type(file_type, (unsigned)H5Tget_member_index(file_type, "status"));
    const bool whole = type >= 0 && H5Tget_size(status) == sizeof(int32_t) &&
                       insert(type, file_type, "id", offsetof(struct row, id), H5Tcopy(H5T_NATIVE_INT64)) &&
                       insert(type, file_type, "bytes", offsetof(struct row, bytes), H5Tcopy(H5T_NATIVE_INT64)) &&
                       insert(type, file_type, "modified", offsetof(struct row, modified), H5Tcopy(H5T_NATIVE_INT64)) &&
                       insert(type, file_type, "status", offsetof(struct row, status), H5Tcopy(status)) &&
                       insert(type, file_type, "sha256", offsetof(struct row, sha256), run_text_type(sizeof((struct row *)0)->sha256)) &&
                       insert(type, file_type, "source", offsetof(struct row, source), run_text_type(ROW_SOURCE_MAX)) &&
                       insert(type, file_type, "output", offsetof(struct row, output), run_text_type(ROW_SOURCE_MAX));
    if (!whole && type >= 0) {
        H5Tclose(type);
        type = -1;
    }
    if (status >= 0)
        H5Tclose(status);
    if (file_type >= 0)
        H5Tclose(file_type);
    return type;
}

static enum status take(struct run_past *past, struct row *row)
{
    struct run_past_image *image = &past->images[past->image_count];
    row->sha256[sizeof row->sha256 - 1] = row->source[sizeof row->source - 1] = row->output[sizeof row->output - 1] = '\0';
    *image = (struct run_past_image){.id = row->id,
                                     .bytes = row->bytes,
                                     .modified = row->modified,
                                     .status = row->status,
                                     .source = strdup(row->source),
                                     .output = strdup(row->output)};
    memcpy(image->sha256, row->sha256, sizeof image->sha256);
    past->image_count++;
    return image->source && image->output ? STATUS_OK : fail(STATUS_LIMIT, "no memory for the images of a run");
}

static enum status read_rows(const char *path, hid_t dataset, hid_t type, hsize_t count, struct run_past *past)
{
    struct row *rows = malloc(ROWS * sizeof *rows);
    hid_t space = H5Dget_space(dataset);
    enum status rc = STATUS_OK;
    past->images = calloc(count ? count : 1, sizeof *past->images);
    if (!rows || !past->images) {
        rc = fail(STATUS_LIMIT, "no memory for the images of a run");
        goto out;
    }
    for (hsize_t first = 0; first < count; first += ROWS) {
        const hsize_t part = count - first < ROWS ? count - first : ROWS;
        hid_t memory = H5Screate_simple(1, &part, NULL);
        const bool done = H5Sselect_hyperslab(space, H5S_SELECT_SET, &first, NULL, &part, NULL) >= 0 &&
                          H5Dread(dataset, type, memory, space, H5P_DEFAULT, rows) >= 0;
        H5Sclose(memory);
        if (!done) {
            rc = refuse(path, "its images cannot be read");
            goto out;
        }
        for (hsize_t i = 0; i < part; i++)
            TRY_OUT(take(past, &rows[i]));
    }
out:
    H5Sclose(space);
    free(rows);
    return rc;
}

// Rows are not compressed: what a file claims beyond its own size is not in it.
static bool file_can_hold(hid_t file, hid_t dataset, hsize_t count)
{
    hsize_t size = 0;
    hid_t type = H5Dget_type(dataset);
    const size_t row = type >= 0 ? H5Tget_size(type) : 0;
    if (type >= 0)
        H5Tclose(type);
    return row > 0 && H5Fget_filesize(file, &size) >= 0 && count <= size / row;
}

static enum status read_images(const char *path, hid_t file, struct run_past *past)
{
    hsize_t count = 0;
    enum status rc;
    hid_t dataset = H5Dopen2(file, "images", H5P_DEFAULT), type = -1, space = -1;
    if (dataset >= 0) {
        space = H5Dget_space(dataset);
        type = row_type(dataset);
    }
    if (type < 0 || space < 0 || H5Sget_simple_extent_ndims(space) != 1 || H5Sget_simple_extent_dims(space, &count, NULL) < 0 ||
        !file_can_hold(file, dataset, count))
        rc = refuse(path, "its images are not as this version has them");
    else
        rc = read_rows(path, dataset, type, count, past);
    if (space >= 0)
        H5Sclose(space);
    if (type >= 0)
        H5Tclose(type);
    if (dataset >= 0)
        H5Dclose(dataset);
    return rc;
}

static int by_id(const void *a, const void *b)
{
    const struct run_past_image *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

static bool each_once(const struct run_past *past)
{
    for (size_t i = 1; i < past->image_count; i++)
        if (past->images[i].id == past->images[i - 1].id)
            return false;
    return true;
}

static enum status read_all(const char *path, hid_t file, struct run_past *past)
{
    int version = 0;
    if (run_attribute_read_integer(file, "format_version", &version) < 0)
        return refuse(path, "it is no run file");
    if (version != RUN_FILE_FORMAT_VERSION)
        return refuse(path, "another version of oneiros wrote it");
    past->version = run_attribute_read_text(file, "version", TEXT_MAX);
    past->kind = run_attribute_read_text(file, "kind", TEXT_MAX);
    past->config = run_attribute_read_text(file, "config", TEXT_MAX);
    past->weights_md5 = run_attribute_read_text(file, "weights_md5", TEXT_MAX);
    if (!past->version || !past->kind || !past->config || !past->weights_md5 ||
        run_attribute_read_integer(file, "tile_size", &past->tiles.size) < 0 ||
        run_attribute_read_integer(file, "tile_halo", &past->tiles.halo) < 0 ||
        run_attribute_read_integer(file, "tile_blend", &past->tiles.blend) < 0)
        return refuse(path, "it does not say what it is of");
    TRY(read_images(path, file, past));
    qsort(past->images, past->image_count, sizeof *past->images, by_id);
    if (!each_once(past))
        return refuse(path, "it has an image twice");
    return STATUS_OK;
}

enum status run_past_read(const char *path, struct run_past *past)
{
    enum status rc;
    const hid_t file = run_file_open(path);
    *past = (struct run_past){0};
    if (file < 0) {
        (void)!hdf5_fail(path, "cannot read the run that is there");
        return fail(STATUS_FORMAT, "%s; --force begins anew", status_message());
    }
    rc = read_all(path, file, past);
    H5Fclose(file);
    if (rc != STATUS_OK)
        run_past_destroy(past);
    return rc;
}

void run_past_forget_images(struct run_past *past)
{
    for (size_t i = 0; i < past->image_count; i++) {
        free(past->images[i].source);
        free(past->images[i].output);
    }
    free(past->images);
    past->images = NULL;
    past->image_count = 0;
}

void run_past_destroy(struct run_past *past)
{
    run_past_forget_images(past);
    free(past->version);
    free(past->kind);
    free(past->config);
    free(past->weights_md5);
    *past = (struct run_past){0};
}
