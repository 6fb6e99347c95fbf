// SPDX-License-Identifier: MIT
// Any bytes as a checkpoint whose digest is right, and what follows its pixels as a film.
#include <openssl/sha.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "coordinator/film.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum { WIDTH = 64, HEIGHT = 48 };
static const struct image_limits limits = {100, 10000};

static void write_file(const char *path, const uint8_t *bytes, size_t size)
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    FILE *file = fopen(path, "wb");
    SHA256(bytes, size, digest);
    if (!file || fwrite(bytes, 1, size, file) != size || fwrite(digest, 1, sizeof digest, file) != sizeof digest || fclose(file) != 0)
        abort();
}

static void load_film(const char *folder, struct saved_reader *reader)
{
    static struct config config;
    struct film *film;
    config_init(&config);
    if (film_create(&film, &(struct film_options){
                               .folder = folder, .config = &config, .width = WIDTH, .height = HEIGHT, .saved = reader}) == STATUS_OK)
        film_abandon(&film);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char folder[64], path[80];
    struct checkpoint checkpoint;
    struct saved_reader reader = {.bytes = bytes, .left = size};
    void *memory;
    snprintf(folder, sizeof folder, "/tmp/oneiros-fuzz-%d.d", (int)getpid());
    snprintf(path, sizeof path, "%s/checkpoint", folder);
    mkdir(folder, 0700);
    write_file(path, bytes, size);
    if (checkpoint_read(path, &limits, &checkpoint, &memory, &(struct saved_reader){0}) == STATUS_OK) {
        checkpoint_destroy(&checkpoint);
        free(memory);
    }
    load_film(folder, &reader);
    unlink(path);
    rmdir(folder);
    return 0;
}
