// SPDX-License-Identifier: MIT
// Writes the seeds that only the program itself can make, each in the folder of its target below the current one: weights, a checkpoint
// with what its videos are made of, TensorFlow.js models.
#include <hdf5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "coordinator/film.h"
#include "kernels/keras_writer.h"
#include "tiny.h"

static void must(enum status rc)
{
    if (rc == STATUS_OK)
        return;
    fprintf(stderr, "make_seeds: %s\n", status_message());
    exit(1);
}

// HDF5's answers are below 0 on failure.
static hid_t opened(hid_t id)
{
    if (id < 0)
        exit(1);
    return id;
}

static void put_dataset(hid_t group, const char *name, int rank, const hsize_t *dims)
{
    static const float zeros[16];
    const hid_t space = opened(H5Screate_simple(rank, dims, NULL));
    const hid_t dataset = opened(H5Dcreate2(group, name, H5T_IEEE_F32LE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    opened(H5Dwrite(dataset, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, zeros));
    H5Dclose(dataset);
    H5Sclose(space);
}

enum { NAME = 32 };

static void put_names(hid_t object, const char *name, const char names[][NAME], hsize_t count)
{
    const hid_t type = opened(H5Tcopy(H5T_C_S1)), space = opened(H5Screate_simple(1, &count, NULL));
    opened(H5Tset_size(type, NAME));
    if (H5Aexists(object, name) > 0)
        H5Adelete(object, name);
    const hid_t attribute = opened(H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT));
    opened(H5Awrite(attribute, type, names));
    H5Aclose(attribute);
    H5Sclose(space);
    H5Tclose(type);
}

// A classifier of two classes.
static void add_top(const char *path)
{
    static const char layers[][NAME] = {"conv2d_1", "batch_normalization_1", "conv2d_2", "batch_normalization_2", "predictions"};
    static const char weights[][NAME] = {"kernel:0", "bias:0"};
    const hid_t file = opened(H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT));
    const hid_t group = opened(H5Gcreate2(file, "predictions", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    put_dataset(group, "kernel:0", 2, (const hsize_t[]){2, 2});
    put_dataset(group, "bias:0", 1, (const hsize_t[]){2});
    put_names(group, "weight_names", weights, 2);
    put_names(file, "layer_names", layers, 5);
    H5Gclose(group);
    H5Fclose(file);
}

static void make_weights(void)
{
    static float some[64] = {0.5f, -0.25f};
    static const struct keras_values values[] = {{{some, some, some, some + 2}}, {{some, some, some, some + 2}}};
    must(keras_write("fuzz_weights/plain.h5", tiny_network(), values, "a seed"));
    must(keras_write("fuzz_weights/top.h5", tiny_network(), values, "a seed"));
    add_top("fuzz_weights/top.h5");
}

static struct film_frame make_frame(int number)
{
    const struct heat_grid grid = {
        .width = 2, .height = 2, .stride = 8, .centre = 4, .octave_width = TINY_SIDE, .octave_height = TINY_SIDE};
    struct film_frame frame = {.number = number, .width = TINY_SIDE, .height = TINY_SIDE};
    frame.values = calloc(3 * TINY_SIDE * TINY_SIDE, sizeof *frame.values);
    must(heat_create(&frame.heat, &grid));
    for (int i = 0; i < 4; i++)
        frame.heat.values[i] = (float)i / 4;
    return frame;
}

// After so many frames: within a segment of the videos, and in the one behind it.
static void make_checkpoint(const char *path, int frames)
{
    struct config config;
    struct film *film;
    struct checkpoint checkpoint = {.state = {.width = 2, .height = 2}, .rgb = calloc(12, sizeof *checkpoint.rgb)};
    tiny_film_config(&config);
    must(film_create(&film,
                     &(struct film_options){.folder = "fuzz_checkpoint", .config = &config, .width = TINY_SIDE, .height = TINY_SIDE}));
    for (int i = 0; i < frames; i++) {
        struct film_frame frame = make_frame(i);
        must(film_add(film, &frame));
    }
    must(film_save(film, path, &checkpoint));
    must(film_finish(&film));
    must(film_remove("fuzz_checkpoint"));
}

static void make_model(const char *path, const char *text, const void *shard, size_t size)
{
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(text, 1, strlen(text) + 1, file) != strlen(text) + 1 || fwrite(shard, 1, size, file) != size || fclose(file) != 0)
        exit(1);
}

// The first layers of the network, as far as a small file goes.
static void make_models(void)
{
    static const char plain[] =
        "{\"weightsManifest\":[{\"paths\":[\"s\"],\"weights\":["
        "{\"name\":\"batch_normalization_1/beta\",\"shape\":[32],\"dtype\":\"float32\"},"
        "{\"name\":\"conv2d_1/kernel\",\"shape\":[3,3,3,32],\"dtype\":\"float32\",\"quantization\":{\"dtype\":\"uint8\",\"scale\":0.01,"
        "\"min\":-1}},{\"name\":\"batch_normalization_1/moving_mean\",\"shape\":[32],\"dtype\":\"float32\",\"quantization\":{\"dtype\":"
        "\"float16\"}},{\"name\":\"dense/bias\",\"shape\":[2],\"dtype\":\"int32\"}]}]}";
    static const char wrapped[] =
        "!function(){n.exports={weightsManifest:[{paths:['s'],weights:[{name:\"batch_normalization_7/moving_\\x76a"
        "riance\",shape:[32],dtype:\"float32\",quantization:{dtype:\"uint16\",scale:1e-5,min:.5,original:!0}}]}]}}";
    static const char bytes[32 * 4 + 864 + 32 * 2 + 2 * 4];
    char shard[128] = "module.exports=\"";
    memset(shard + strlen(shard), 'A', 84); // 63 bytes
    strcat(shard, "Ag==\"");                // and the 64th
    make_model("fuzz_tfjs/plain", plain, bytes, sizeof bytes);
    make_model("fuzz_tfjs/wrapped", wrapped, shard, strlen(shard));
}

int main(void)
{
    static const char *const folders[] = {"fuzz_weights", "fuzz_checkpoint", "fuzz_tfjs"};
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++)
        mkdir(folders[i], 0777);
    make_weights();
    make_checkpoint("fuzz_checkpoint/first", 3);
    make_checkpoint("fuzz_checkpoint/second", 5);
    make_models();
    return 0;
}
