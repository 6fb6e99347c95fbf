// SPDX-License-Identifier: MIT
// Writes the seeds that only the program itself can make, each in the folder of its target below the current one: weights, a checkpoint
// with what its videos are made of, TensorFlow.js models.
#include <hdf5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "coordinator/output/film.h"
#include "coordinator/task/checkpoint.h"
#include "tiny.h"

static void must(enum status rc)
{
    if (rc == STATUS_OK)
        return;
    fprintf(stderr, "make_seeds: %s\n", status_message());
    exit(1);
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
    struct checkpoint checkpoint = {.state = {.octave = 1, .width = 2, .height = 2}, .rgb = calloc(12, sizeof *checkpoint.rgb)};
    tiny_film_config(&config);
    must(film_create(&film,
                     &(struct film_options){.folder = "fuzz_checkpoint", .config = &config, .width = TINY_SIDE, .height = TINY_SIDE}));
    for (int i = 0; i < frames; i++) {
        struct film_frame frame = make_frame(i);
        must(film_add(film, &frame));
    }
    must(image_rows_add_step(&checkpoint.rows, &(struct step_row){.loss = 1}));
    must(image_rows_add_map(&checkpoint.rows, &(struct cam_row){.grid = {.width = 2, .height = 1}}, (const float[]){0.5f, 1}));
    must(checkpoint_write(path, &checkpoint, film_save, film));
    checkpoint_destroy(&checkpoint);
    must(film_finish(&film, NULL));
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
    static const char *const folders[] = {"fuzz_checkpoint", "fuzz_tfjs"};
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++)
        mkdir(folders[i], 0777);
    make_checkpoint("fuzz_checkpoint/first", 3);
    make_checkpoint("fuzz_checkpoint/second", 5);
    make_models();
    return 0;
}
