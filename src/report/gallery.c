// SPDX-License-Identifier: MIT
#include "report/gallery.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/picture/noise.h"
#include "common/system/file.h"
#include "media/drawing/thumbnail.h"
#include "media/picture/codec.h"
#include "media/video/video.h"

enum { DREAM_PICTURES = 3, SIDE_MAX = 1 << 16, DREAM_SIDE = 640, SHEET_SIDE = 1280 };

static const uint64_t file_max = UINT64_C(2) << 30;              // bytes of a picture's file
static const uint64_t pixels_usual = UINT64_C(40) << 20;         // decoded by several threads at a time
static const uint64_t pixels_most = UINT64_C(250) * 1000 * 1000; // by one at a time: 12 bytes each

bool gallery_is_inside(const char *path)
{
    if (path[0] == '\0' || path[0] == '/')
        return false;
    for (const char *part = path; part; part = strchr(part, '/') ? strchr(part, '/') + 1 : NULL)
        if (strncmp(part, "..", 2) == 0 && (part[2] == '/' || part[2] == '\0'))
            return false;
    return true;
}

// a/b of the run's folder and a relative path; false where it is too long.
static bool locate(char path[FILE_PATH_MAX], const char *folder, const char *inside, const char *name)
{
    const int length =
        name ? snprintf(path, FILE_PATH_MAX, "%s/%s/%s", folder, inside, name) : snprintf(path, FILE_PATH_MAX, "%s/%s", folder, inside);
    return length > 0 && length < FILE_PATH_MAX;
}

static bool has(const char *folder, const char *inside, const char *name)
{
    char path[FILE_PATH_MAX];
    return locate(path, folder, inside, name) && access(path, R_OK) == 0;
}

static enum status decode(const void *bytes, size_t size, struct image *image)
{
    const struct image_limits usual = {.side = SIDE_MAX, .pixels = pixels_usual}, most = {.side = SIDE_MAX, .pixels = pixels_most};
    enum status rc = codec_decode(bytes, size, &usual, image);
    if (rc == STATUS_LIMIT)
#pragma omp critical(gallery_large)
        rc = codec_decode(bytes, size, &most, image);
    return rc;
}

// `sha256`: of the bytes that are wanted; NULL: whatever is there.
static char *thumbnail_of_file(const char *path, const char *sha256, const struct thumbnail_budget *budget)
{
    struct image image = {0};
    void *bytes = NULL;
    size_t size = 0;
    char *uri = NULL, digest[65];
    if (file_read(path, file_max, &bytes, &size) == STATUS_OK &&
        (!sha256 || (bytes_sha256(bytes, size, digest) == STATUS_OK && strcmp(digest, sha256) == 0)) &&
        decode(bytes, size, &image) == STATUS_OK && thumbnail_make(&image, budget, &uri) != STATUS_OK)
        uri = NULL;
    image_destroy(&image);
    free(bytes);
    return uri;
}

// Noise is made again. `sha256`: of the bytes that are wanted.
static char *thumbnail_of_noise(const char *source, uint64_t seed, const char *sha256, const struct thumbnail_budget *budget)
{
    struct image image = {0};
    struct noise noise;
    uint8_t *bytes = NULL;
    char *uri = NULL, digest[65];
    if (noise_parse(source, &noise) != STATUS_OK || (uint64_t)noise.width * (uint64_t)noise.height > pixels_usual)
        return NULL;
    const size_t pixels = (size_t)noise.width * (size_t)noise.height;
    if (ALLOCATE(bytes, 3 * pixels, "for noise") == STATUS_OK && noise_make(&noise, seed, bytes) == STATUS_OK &&
        bytes_sha256(bytes, 3 * pixels, digest) == STATUS_OK && strcmp(digest, sha256) == 0 &&
        image_create(&image, noise.width, noise.height) == STATUS_OK) {
        codec_from_bytes(bytes, pixels, image.rgb);
        if (thumbnail_make(&image, budget, &uri) != STATUS_OK)
            uri = NULL;
    }
    image_destroy(&image);
    free(bytes);
    return uri;
}

static char *thumbnail_of_video(const char *path, const struct thumbnail_budget *budget)
{
    const struct image_limits limits = {.side = SIDE_MAX, .pixels = pixels_usual};
    struct image image = {0};
    char *uri = NULL;
    if (video_first_frame(path, &limits, &image) == STATUS_OK && thumbnail_make(&image, budget, &uri) != STATUS_OK)
        uri = NULL;
    image_destroy(&image);
    return uri;
}

static enum status find_files(const char *folder, bool explains, const struct run_image *image, struct gallery_item *item)
{
    const char *slash = strrchr(image->output, '/');
    if (image->status == IMAGE_FAILED || !slash || !gallery_is_inside(image->output)) // what may be there is of a picture that was
        return STATUS_OK;
    item->folder = strndup(image->output, (size_t)(slash - image->output));
    if (explains && item->folder) {
        char path[FILE_PATH_MAX];
        if (snprintf(path, sizeof path, "%s/overview.png", item->folder) < (int)sizeof path)
            item->picture = strdup(path);
    } else {
        item->picture = strdup(image->output);
    }
    if (!item->folder || !item->picture)
        return no_memory("for the names of files");
    if (!has(folder, item->picture, NULL)) {
        free(item->picture);
        item->picture = NULL;
    }
    item->has_cam = has(folder, item->folder, "cam.png");
    item->has_video = has(folder, item->folder, "dream.mp4");
    item->has_cam_video = has(folder, item->folder, "cam.mp4");
    return STATUS_OK;
}

static void make_before(const char *folder, const struct run_image *image, uint64_t seed, const struct thumbnail_budget *budget,
                        struct gallery_item *item)
{
    char path[FILE_PATH_MAX];
    if (image->sha256[0] && (item->before = noise_is_named(image->source) ? thumbnail_of_noise(image->source, seed, image->sha256, budget)
                                                                          : thumbnail_of_file(image->source, image->sha256, budget)))
        item->before_from = BEFORE_SOURCE;
    else if (item->has_video && locate(path, folder, item->folder, "dream.mp4") && (item->before = thumbnail_of_video(path, budget)))
        item->before_from = BEFORE_VIDEO;
}

// `after`: for the dream, or the overview of an explanation.
static void make_thumbnails(const char *folder, const struct run_facts *facts, const struct run_image *image,
                            const struct thumbnail_budget *after, const struct thumbnail_budget *budget, struct gallery_item *item)
{
    char path[FILE_PATH_MAX];
    if (item->picture && locate(path, folder, item->picture, NULL))
        item->after = thumbnail_of_file(path, NULL, after);
    if (!item->after)
        return;
    make_before(folder, image, facts->seed, budget, item);
    if (item->has_cam && locate(path, folder, item->folder, "cam.png"))
        item->cam = thumbnail_of_file(path, NULL, budget);
}

// As many pictures as the page has room for: the others are loaded from their files.
static size_t room(size_t count, int pictures)
{
    enum { LEAST_BYTES = 1536 };
    const size_t most = THUMBNAIL_PAGE_BYTES / 4 * 3 / LEAST_BYTES / (size_t)pictures;
    return count < most ? count : most;
}

enum status gallery_make(const char *folder, const struct run_facts *facts, const struct run_images *images, struct gallery *gallery)
{
    const bool explains = strcmp(facts->kind, "explain") == 0;
    const size_t shown = room(images->count, DREAM_PICTURES);
    const struct thumbnail_budget budget = thumbnail_budget(shown * DREAM_PICTURES, DREAM_SIDE);
    const struct thumbnail_budget after = explains ? thumbnail_budget(shown * DREAM_PICTURES, SHEET_SIDE) : budget;
    *gallery = (struct gallery){.count = images->count};
    TRY(ALLOCATE(gallery->items, images->count + 1, "for %zu pictures", images->count));
    for (size_t i = 0; i < images->count; i++)
        TRY(find_files(folder, explains, &images->items[i], &gallery->items[i]));
#pragma omp parallel for schedule(dynamic)
    for (size_t i = 0; i < shown; i++)
        make_thumbnails(folder, facts, &images->items[i], &after, &budget, &gallery->items[i]);
    return STATUS_OK;
}

void gallery_destroy(struct gallery *gallery)
{
    for (size_t i = 0; gallery->items && i < gallery->count; i++) {
        struct gallery_item *item = &gallery->items[i];
        free(item->before);
        free(item->after);
        free(item->cam);
        free(item->folder);
        free(item->picture);
    }
    free(gallery->items);
    *gallery = (struct gallery){0};
}
