// SPDX-License-Identifier: MIT
// Any bytes as a checkpoint whose digest, the last of them, is made right. Its film goes on for a frame, to its end.
#include <openssl/sha.h>
#include <string.h>
#include <sys/stat.h>

#include "coordinator/output/film.h"
#include "coordinator/task/checkpoint.h"
#include "scratch.h"
#include "tiny.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static struct film_frame next_frame(void)
{
    const struct heat_grid grid = {
        .width = 2, .height = 2, .stride = 8, .centre = 4, .octave_width = TINY_SIDE, .octave_height = TINY_SIDE};
    struct film_frame frame = {.number = 1000, .width = TINY_SIDE, .height = TINY_SIDE};
    frame.values = calloc(3 * TINY_SIDE * TINY_SIDE, sizeof *frame.values);
    if (!frame.values || heat_create(&frame.heat, &grid) != STATUS_OK)
        abort();
    memset(frame.heat.values, 0, 4 * sizeof *frame.heat.values);
    return frame;
}

static void go_on(const char *folder, struct record_reader *saved)
{
    struct config config;
    struct film *film;
    struct film_frame frame = next_frame();
    tiny_film_config(&config);
    const struct film_options options = {.folder = folder, .config = &config, .width = TINY_SIDE, .height = TINY_SIDE, .saved = saved};
    if (film_create(&film, &options) == STATUS_OK) {
        (void)!film_add(film, &frame);
        (void)!film_finish(&film, NULL);
    }
    film_frame_destroy(&frame);
    (void)!film_remove(folder);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const struct image_limits limits = {.side = 100, .pixels = 10000};
    char folder[SCRATCH_PATH], path[SCRATCH_PATH];
    struct checkpoint checkpoint;
    if (size < SHA256_DIGEST_LENGTH)
        return 0;
    uint8_t *copy = malloc(size);
    if (!copy)
        abort();
    memcpy(copy, bytes, size);
    SHA256(bytes, size - SHA256_DIGEST_LENGTH, copy + size - SHA256_DIGEST_LENGTH);
    scratch_path(folder, "");
    scratch_path(path, "/checkpoint");
    mkdir(folder, 0700);
    scratch_write(path, copy, size);
    free(copy);
    if (checkpoint_read(path, &limits, &checkpoint) == STATUS_OK) {
        go_on(folder, &checkpoint.rest);
        checkpoint_destroy(&checkpoint);
    }
    unlink(path);
    rmdir(folder);
    return 0;
}
