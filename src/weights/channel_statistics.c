// SPDX-License-Identifier: MIT
#include "weights/channel_statistics.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/config/config.h"
#include "common/hdf5/hdf5_attributes.h"
#include "common/hdf5/hdf5_datasets.h"
#include "common/hdf5/hdf5_file.h"
#include "common/picture/geometry.h"
#include "common/system/text.h"
#include "kernels/network/parameters.h"
#include "weights/formats/hdf5_storage.h"

enum { FORMAT = 1, FILE_BYTES_MAX = 16 << 20, PREFIX = 16, LAYERS_MAX = 256, PICTURES_MAX = 1 << 30, DEFLATE = 9 };
static const char *const names[CHANNEL_STATISTICS] = {
    [CHANNEL_MEAN] = "mean",
    [CHANNEL_MEAN_SQUARE] = "mean_square",
    [CHANNEL_PICTURE_MEAN] = "picture_mean",
    [CHANNEL_PICTURE_DEVIATION] = "picture_deviation",
};

// The layers that a file is about: those that do not follow from others.
struct layers {
    int count, rows[LAYERS_MAX], channels[LAYERS_MAX];
    char names[LAYERS_MAX][LAYER_NAME_MAX];
    hsize_t values; // channels of all
};

static struct layers find_layers(const struct network *network)
{
    struct layers layers = {0};
    for (int row = 1; row < network->layer_count && layers.count < LAYERS_MAX; row++) {
        if (statistics_follow(network, row))
            continue;
        layers.rows[layers.count] = row;
        layers.channels[layers.count] = network->layers[row].channels;
        layers.values += (hsize_t)network->layers[row].channels;
        snprintf(layers.names[layers.count++], LAYER_NAME_MAX, "%s", network->layers[row].name);
    }
    return layers;
}

enum status statistics_digest(const float *weights, char digest[65])
{
    const struct network *network = network_inception_v3();
    TRY(bytes_sha256(weights, parameters_top_kernel_start(network) * sizeof *weights, digest));
    if (!parameters_count_padding(network, weights))
        return STATUS_OK;
    char other[66];
    const int length = snprintf(other, sizeof other, "%s+", digest);
    return bytes_sha256(other, (size_t)length, digest);
}

enum status statistics_cache_path(const char *digest, char path[FILE_PATH_MAX])
{
    char name[64];
    snprintf(name, sizeof name, "statistics-%.*s.h5", PREFIX, digest);
    return file_cache_path(path, name);
}

// In one of the folders of the configuration.
static bool is_in(const char *folder, const char *digest, char path[FILE_PATH_MAX])
{
    char name[64];
    snprintf(name, sizeof name, "%.*s.h5", PREFIX, digest);
    return folder[0] && file_join(path, folder, name) == STATUS_OK && access(path, F_OK) == 0;
}

enum status statistics_find(const char *digest, const char *model, char path[FILE_PATH_MAX])
{
    char folders[CONFIG_FOLDERS][FILE_PATH_MAX], word[TEXT_WORD_MAX], setting[TEXT_WORD_MAX + 32] = "";
    TRY(config_folders("statistics", folders));
    for (int i = 0; i < CONFIG_FOLDERS; i++) {
        if (is_in(folders[i], digest, path))
            return STATUS_OK;
        if (i == 0 && statistics_cache_path(digest, path) == STATUS_OK && access(path, F_OK) == 0) // before those of the program
            return STATUS_OK;
    }
    if (strcmp(model, "auto") != 0)
        snprintf(setting, sizeof setting, "-s model.path=%s ", text_word(model, word));
    return fail(STATUS_USAGE,
                "nobody has measured yet what channels of these weights answer to ordinary pictures (sha256 %.*s...): "
                "`oneiros model statistics %sPICTURES` does, once, over a hundred photographs or more of yours",
                PREFIX, digest, setting);
}

bool statistics_are_shipped(const char *digest, char path[FILE_PATH_MAX])
{
    char folders[CONFIG_FOLDERS][FILE_PATH_MAX];
    bool found = false;
    if (config_folders("statistics", folders) != STATUS_OK)
        return false;
    for (int i = 1; i < CONFIG_FOLDERS && !found; i++) // the first is the user's
        found = is_in(folders[i], digest, path);
    return found;
}

static enum status check_origin(hid_t file, const char *digest, const struct layers *layers, struct statistics_info *info)
{
    const struct hdf5_limits digest_limits = {.count = 1, .bytes = 64};
    const struct hdf5_limits layer_limits = {.count = LAYERS_MAX, .bytes = LAYER_NAME_MAX};
    struct hdf5_texts weights = {0}, found = {0};
    int format = 0, channels[LAYERS_MAX];
    enum status rc;
    if (!hdf5_read_numbers(file, "format", H5T_NATIVE_INT, 1, &format) || format != FORMAT)
        TRY_OUT(fail(STATUS_FORMAT, "no statistics of channels in format %d", FORMAT));
    TRY_OUT(hdf5_read_texts(file, "weights_sha256", &digest_limits, &weights));
    if (weights.count != 1 || strcmp(weights.items[0], digest) != 0)
        TRY_OUT(fail(STATUS_FORMAT, "it is of other weights: of those with sha256 %.64s, not %s", weights.count ? weights.items[0] : "",
                     digest));
    TRY_OUT(hdf5_read_texts(file, "layers", &layer_limits, &found));
    bool same =
        found.count == (size_t)layers->count && hdf5_read_numbers(file, "channels", H5T_NATIVE_INT, (size_t)layers->count, channels);
    for (int i = 0; i < layers->count && same; i++)
        same = strcmp(found.items[i], layers->names[i]) == 0 && channels[i] == layers->channels[i];
    if (!same)
        TRY_OUT(fail(STATUS_FORMAT, "its layers are not those of InceptionV3; it is of another network"));
    if (!hdf5_read_numbers(file, "pictures", H5T_NATIVE_INT, 1, &info->pictures) || info->pictures < 2 || info->pictures > PICTURES_MAX ||
        !hdf5_read_numbers(file, "side", H5T_NATIVE_INT, 1, &info->side) || info->side < GEOMETRY_MIN_SIDE ||
        info->side > STATISTICS_SIDE_MAX)
        rc = fail(STATUS_FORMAT, "it does not say of how many pictures of which size");
out:
    hdf5_free_texts(&weights);
    hdf5_free_texts(&found);
    return rc;
}

static enum status read_values(hid_t file, const char *name, hsize_t count, float *values)
{
    HDF5_HANDLE dataset = -1;
    hsize_t have = 0;
    TRY(hdf5_open_inside(file, name, H5I_DATASET, &dataset));
    HDF5_HANDLE space = H5Dget_space(dataset);
    if (space < 0 || H5Sget_simple_extent_ndims(space) != 1 || H5Sget_simple_extent_dims(space, &have, NULL) < 0 || have != count)
        return fail(STATUS_FORMAT, "it has not one value for each of %llu channels", (unsigned long long)count);
    TRY(hdf5_check_float(dataset));
    TRY(hdf5_storage_check(dataset, 1, &count));
    if (H5Dread(dataset, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) < 0)
        return fail(STATUS_FORMAT, "it cannot be read: %s", hdf5_reason());
    for (hsize_t i = 0; i < count; i++)
        if (!isfinite(values[i]) || values[i] < 0) // no activation is
            return fail(STATUS_FORMAT, "it has a value that is negative or not finite");
    return STATUS_OK;
}

static enum status read_all(hid_t file, const struct layers *layers, float *statistics)
{
    const struct network *network = network_inception_v3();
    float *values;
    enum status rc;
    TRY(ALLOCATE(values, layers->values, "for statistics of channels"));
    for (enum channel_statistic s = 0; s < CHANNEL_STATISTICS; s++) {
        const float *from = values;
        TRY_OUT(fail_in(read_values(file, names[s], layers->values, values), "%s", names[s]));
        for (int i = 0; i < layers->count; from += layers->channels[i++])
            memcpy(statistics + statistics_start(network, layers->rows[i], s), from, (size_t)layers->channels[i] * sizeof *from);
    }
    statistics_complete(network, statistics);
out:
    free(values);
    return rc;
}

enum status statistics_read(const char *path, const char *digest, float *statistics, struct statistics_info *info)
{
    const struct layers layers = find_layers(network_inception_v3());
    void *bytes = NULL;
    size_t size;
    HDF5_HANDLE file = -1;
    enum status rc;
    hdf5_listen();
    TRY_OUT(file_read(path, FILE_BYTES_MAX, &bytes, &size)); // once: the digest is that of the values, whoever replaces the file
    TRY_OUT(bytes_sha256(bytes, size, info->sha256));
    TRY_OUT(hdf5_open_bytes(bytes, size, &file));
    TRY_OUT(check_origin(file, digest, &layers, info));
    rc = read_all(file, &layers, statistics);
out:
    free(bytes);
    return fail_in(rc, "statistics of channels %s", path);
}

// To 12 bits, the nearest, of two the even one.
static float shorten(float value)
{
    enum { LEFT_OUT = 12 };
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    bits += (1u << (LEFT_OUT - 1)) - 1 + (bits >> LEFT_OUT & 1);
    bits &= ~((1u << LEFT_OUT) - 1);
    memcpy(&value, &bits, sizeof bits);
    return value;
}

static enum status refuse(const char *what)
{
    return fail(STATUS_IO, "hdf5 could not write %s: check the free space", what);
}

static enum status write_values(hid_t file, hid_t creation, const struct layers *layers, enum channel_statistic s, const float *statistics)
{
    float *values, *to;
    TRY(ALLOCATE(values, layers->values, "for statistics of channels"));
    to = values;
    for (int i = 0; i < layers->count; i++) {
        const float *from = statistics + statistics_start(network_inception_v3(), layers->rows[i], s);
        for (int c = 0; c < layers->channels[i]; c++)
            *to++ = shorten(from[c]);
    }
    HDF5_HANDLE space = H5Screate_simple(1, &layers->values, NULL);
    HDF5_HANDLE dataset = space < 0 ? -1 : H5Dcreate2(file, names[s], H5T_IEEE_F32LE, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    const bool done = dataset >= 0 && H5Dwrite(dataset, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0;
    free(values);
    return done ? STATUS_OK : refuse(names[s]);
}

static enum status write_all(hid_t file, const struct layers *layers, const char *digest, const float *statistics,
                             const struct statistics_info *info)
{
    HDF5_HANDLE creation = H5Pcreate(H5P_DATASET_CREATE);
    if (creation < 0 || H5Pset_obj_track_times(creation, false) < 0 || H5Pset_chunk(creation, 1, &layers->values) < 0 ||
        H5Pset_shuffle(creation) < 0 || H5Pset_deflate(creation, DEFLATE) < 0)
        return fail(STATUS_INTERNAL, "hdf5 has no property lists");
    if (hdf5_set_integer(file, "format", FORMAT) < 0 || hdf5_set_integer(file, "pictures", info->pictures) < 0 ||
        hdf5_set_integer(file, "side", info->side) < 0 || hdf5_add_fixed_texts(file, "weights_sha256", digest, strlen(digest), 1) < 0 ||
        hdf5_add_fixed_texts(file, "layers", layers->names[0], LAYER_NAME_MAX, (size_t)layers->count) < 0 ||
        hdf5_add_integers(file, "channels", layers->channels, (size_t)layers->count) < 0)
        return refuse("attributes");
    for (enum channel_statistic s = 0; s < CHANNEL_STATISTICS; s++)
        TRY(write_values(file, creation, layers, s, statistics));
    return STATUS_OK;
}

enum status statistics_write(const char *path, const char *digest, const float *statistics, const struct statistics_info *info)
{
    const struct layers layers = find_layers(network_inception_v3());
    struct file_writer writer = {0};
    hid_t file = -1;
    enum status rc;
    hdf5_listen();
    TRY_OUT(file_create(&writer, path));
    file = H5Fcreate(writer.aside, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    TRY_OUT(file < 0 ? refuse(path) : write_all(file, &layers, digest, statistics, info));
    const bool closed = H5Fclose(file) >= 0;
    file = -1;
    TRY_OUT(closed ? STATUS_OK : refuse(path));
    rc = file_commit(&writer);
out:
    hdf5_close(&file);
    file_abandon(&writer);
    return fail_in(rc, "%s", path);
}
