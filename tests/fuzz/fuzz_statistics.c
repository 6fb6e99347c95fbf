// SPDX-License-Identifier: MIT
// Any text as what was changed in a file of channel statistics that the program wrote, one thing a line (recipe.h). What is read must be
// finite and not negative, whatever was changed.
#include <math.h>

#include "common/picture/geometry.h"
#include "recipe.h"
#include "scratch.h"
#include "weights/channel_statistics.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static const char digest[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

struct sound {
    void *bytes; // of a file as it should be
    size_t size, count;
    float *statistics;
};

static struct sound make_sound(const char *path)
{
    static const struct statistics_info info = {.pictures = 17, .side = STATISTICS_SIDE};
    struct sound sound = {.count = statistics_count(network_inception_v3())};
    sound.statistics = calloc(sound.count, sizeof *sound.statistics);
    if (!sound.statistics || statistics_write(path, digest, sound.statistics, &info) != STATUS_OK ||
        file_read(path, 1 << 24, &sound.bytes, &sound.size) != STATUS_OK)
        abort();
    return sound;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct sound sound;
    char path[SCRATCH_PATH];
    struct statistics_info info;
    char *text = strndup((const char *)bytes, size);
    float *statistics;
    scratch_path(path, ".h5");
    if (!sound.bytes)
        sound = make_sound(path);
    statistics = malloc(sound.count * sizeof *statistics);
    if (!statistics || !text)
        abort();
    scratch_write(path, sound.bytes, sound.size);
    recipe_change(path, text);
    const bool taken = statistics_read(path, digest, statistics, &info) == STATUS_OK;
    if (taken && (info.pictures < 2 || info.side < GEOMETRY_MIN_SIDE || info.side > STATISTICS_SIDE_MAX || strlen(info.sha256) != 64))
        abort();
    for (size_t i = 0; taken && i < sound.count; i++)
        if (!isfinite(statistics[i]) || statistics[i] < 0)
            abort();
    if (!taken && size == 0) // nothing was changed
        abort();
    unlink(path);
    free(text);
    free(statistics);
    return 0;
}
