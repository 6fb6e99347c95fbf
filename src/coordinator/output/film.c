// SPDX-License-Identifier: MIT
#include "coordinator/output/film.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/picture/geometry.h"
#include "common/picture/resample.h"
#include "common/system/file.h"
#include "common/system/log.h"
#include "coordinator/output/stale_files.h"
#include "media/drawing/overlay.h"
#include "media/picture/codec.h"
#include "media/video/video.h"

struct film {
    char folder[FILE_PATH_MAX];
    const struct config *config;
    bool fresh;                      // nothing of an earlier one is in the folder
    int width, height;               // of the video
    char encoder[VIDEO_ENCODER_MAX]; // "": there is none
    float *original;                 // (3, height, width), or NULL

    int next;           // number of the first frame that is not in it
    float *picture;     // (3, height, width)
    uint8_t *rgb;       // (height, width, 3), the frame
    uint8_t *overlay;   // a map over the frame
    struct heat steady; // what cam.mp4 shows: the running mean of the maps so far
    struct heat last;   // the last map as it came
    struct reel {
        const char *name; // reel_names: of its video and of the folder of its frames
        bool wanted;
        struct video *video; // from its first frame on
    } reels[2];              // DREAM, CAM
};

enum { DREAM, CAM, REELS };
static const char *const reel_names[] = {"dream", "cam"};

static const char file_names[] = "(dream|cam)\\.mp4|cam\\.png", frame_names[] = "[0-9]{4,}\\.png";

void film_frame_destroy(struct film_frame *frame)
{
    free(frame->values);
    heat_destroy(&frame->heat);
    memset(frame, 0, sizeof *frame);
}

static enum status remove_frames(const char *folder)
{
    char path[FILE_PATH_MAX];
    for (int i = 0; i < REELS; i++) {
        TRY(file_join(path, folder, reel_names[i]));
        if (rmdir(path) == 0 || errno == ENOENT)
            continue;
        TRY(stale_files_remove(path, frame_names, NULL, NULL));
        rmdir(path); // it may well hold what is not ours
    }
    return STATUS_OK;
}

enum status film_remove(const char *folder)
{
    TRY(stale_files_remove(folder, file_names, NULL, NULL));
    return remove_frames(folder);
}

static enum status video_begin(struct film *f, struct reel *reel)
{
    char name[32], path[FILE_PATH_MAX];
    snprintf(name, sizeof name, "%s.mp4", reel->name);
    TRY(file_join(path, f->folder, name));
    return video_create(&reel->video, &(struct video_options){.path = path,
                                                              .width = f->width,
                                                              .height = f->height,
                                                              .rate = f->config->video.rate,
                                                              .hold = f->config->video.hold,
                                                              .quality = f->config->video.quality,
                                                              .encoder = f->encoder});
}

static enum status put(struct film *f, struct reel *reel, int number, const uint8_t *rgb)
{
    char name[32], path[FILE_PATH_MAX];
    if (f->encoder[0] && !reel->video)
        TRY(video_begin(f, reel));
    if (reel->video)
        TRY(video_add(reel->video, rgb));
    if (f->config->frames.png) {
        snprintf(name, sizeof name, "%s/%04d.png", reel->name, number);
        TRY(file_join(path, f->folder, name));
        TRY(codec_encode_bytes(path, f->width, f->height, rgb));
    }
    return STATUS_OK;
}

// The frame at the video's size, as bytes.
static enum status develop(struct film *f, const struct film_frame *frame)
{
    TRY(resample(frame->values, 3, frame->width, frame->height, f->picture, f->width, f->height));
    const size_t plane = (size_t)f->width * (size_t)f->height;
    for (size_t i = 0; frame->detail && i < 3 * plane; i++)
        f->picture[i] += f->original[i];
    codec_to_bytes(f->picture, plane, f->rgb);
    return STATUS_OK;
}

// Where the running mean lies: cells that span the picture, wherever its borders are.
static struct heat_grid steady_grid(const struct film *f)
{
    enum { CELL = 7 }; // odd: the middle of a cell is that of a pixel
    struct heat_grid grid = {
        .width = (f->width + CELL - 1) / CELL, .height = (f->height + CELL - 1) / CELL, .stride = CELL, .centre = CELL / 2};
    grid.octave_width = CELL * grid.width;
    grid.octave_height = CELL * grid.height;
    return grid;
}

// Maps of a step are of a picture that was rolled by its jitter, and on small octaves of a few dozen values: they flicker. Their running
// mean does not.
static enum status steady(struct film *f, const struct heat *map)
{
    const struct heat_grid grid = steady_grid(f);
    const size_t width = (size_t)grid.width;
    const bool first = !f->steady.values;
    const float old = first ? 0 : (float)f->config->video.steadiness;
    enum status rc = STATUS_OK;
    float *row;
    TRY(ALLOCATE(row, width, "for a frame"));
    if (first)
        TRY_OUT(heat_create(&f->steady, &grid));
    for (int y = 0; y < grid.height; y++) {
        float *to = f->steady.values + (size_t)y * width;
        heat_row(map, grid.width, grid.height, y, row);
        for (size_t x = 0; x < width; x++)
            to[x] = first ? row[x] : old * to[x] + (1 - old) * row[x];
    }
out:
    free(row);
    return rc;
}

static enum status draw(struct film *f, const struct heat *map)
{
    return overlay_draw(f->rgb, f->width, f->height, map, f->config->video.colormap, f->config->video.opacity, f->overlay);
}

static enum status show(struct film *f, struct film_frame *frame)
{
    TRY(develop(f, frame));
    if (f->reels[DREAM].wanted)
        TRY(put(f, &f->reels[DREAM], frame->number, f->rgb));
    if (f->reels[CAM].wanted && frame->heat.values) {
        TRY(steady(f, &frame->heat));
        TRY(draw(f, &f->steady));
        TRY(put(f, &f->reels[CAM], frame->number, f->overlay));
        heat_destroy(&f->last);
        f->last = frame->heat;
        frame->heat = (struct heat){0};
    }
    return STATUS_OK;
}

// Not of the video's size, whose sides are even and may be smaller.
static enum status write_still(struct film *f, const struct image *dream)
{
    const size_t plane = (size_t)dream->width * (size_t)dream->height;
    char path[FILE_PATH_MAX];
    enum status rc;
    uint8_t *rgb = malloc(3 * plane);
    if (!rgb)
        return no_memory("for a map over %d x %d pixels", dream->width, dream->height);
    codec_to_bytes(dream->rgb, plane, rgb);
    TRY_OUT(overlay_draw(rgb, dream->width, dream->height, &f->last, f->config->video.colormap, f->config->video.opacity, rgb));
    TRY_OUT(file_join(path, f->folder, "cam.png"));
    rc = codec_encode_bytes(path, dream->width, dream->height, rgb);
out:
    free(rgb);
    return rc;
}

static enum status complete(struct film *f, const struct image *dream)
{
    for (int i = 0; i < REELS; i++)
        if (f->reels[i].video)
            TRY(video_finish(&f->reels[i].video));
    return f->last.values && dream ? write_still(f, dream) : STATUS_OK;
}

static void save_heat(const struct heat *heat, struct record_writer *writer)
{
    record_write(writer, &heat->grid, sizeof heat->grid);
    record_write(writer, heat->values, (size_t)heat->grid.width * (size_t)heat->grid.height * sizeof *heat->values);
}

// What a film has besides its two videos; then come its maps.
struct saved_film {
    int32_t next;
    int32_t videos[REELS]; // whether there is one
};

void film_save(void *film, struct record_writer *writer)
{
    const struct film *f = film;
    const struct saved_film saved = {.next = f->next, .videos = {f->reels[DREAM].video != NULL, f->reels[CAM].video != NULL}};
    record_write(writer, &saved, sizeof saved);
    save_heat(&f->steady, writer);
    save_heat(&f->last, writer);
    for (int i = 0; i < REELS; i++)
        if (f->reels[i].video)
            video_save(f->reels[i].video, writer);
}

static enum status load_heat(struct heat *heat, struct record_reader *reader)
{
    struct heat_grid grid;
    enum status rc;
    TRY(record_read(reader, &grid, sizeof grid));
    if (grid.width == 0) // there is none
        return STATUS_OK;
    // heat_create() takes grids up to the octave's size, which a file may claim to be anything.
    const size_t bytes = (size_t)grid.width * (size_t)grid.height * sizeof *heat->values;
    if (grid.width < 0 || grid.height <= 0 || bytes > reader->left)
        return fail(STATUS_FORMAT, "a saved map of %d x %d values", (int)grid.width, (int)grid.height);
    TRY(heat_create(heat, &grid));
    rc = record_read(reader, heat->values, bytes);
    for (size_t i = 0; rc == STATUS_OK && i < bytes / sizeof *heat->values; i++)
        if (!(heat->values[i] >= 0 && heat->values[i] <= 1))
            rc = fail(STATUS_FORMAT, "a saved map has a value of %g", (double)heat->values[i]);
    return rc;
}

static enum status load(struct film *f, struct record_reader *reader)
{
    const struct heat_grid own = steady_grid(f), *grid = &f->steady.grid;
    struct saved_film saved;
    TRY(record_read(reader, &saved, sizeof saved));
    f->next = saved.next > 0 ? saved.next : 0;
    TRY(load_heat(&f->steady, reader));
    TRY(load_heat(&f->last, reader));
    if (f->steady.values && memcmp(grid, &own, sizeof own) != 0)
        return fail(STATUS_FORMAT, "a saved mean of %d x %d values where the film's has %d x %d", (int)grid->width, (int)grid->height,
                    (int)own.width, (int)own.height);
    for (int i = 0; i < REELS; i++)
        if (saved.videos[i]) {
            TRY(video_begin(f, &f->reels[i]));
            TRY(video_load(f->reels[i].video, reader));
        }
    return STATUS_OK;
}

static enum status make_pictures(struct film *f, const struct film_options *o)
{
    geometry_video(o->width, o->height, f->config->video.max_side, &f->width, &f->height);
    const size_t samples = 3 * (size_t)f->width * (size_t)f->height;
    f->picture = malloc(samples * sizeof *f->picture);
    f->rgb = malloc(samples);
    f->overlay = malloc(samples);
    if (o->rgb)
        f->original = malloc(samples * sizeof *f->original);
    if (!f->picture || !f->rgb || !f->overlay || (o->rgb && !f->original))
        return fail(STATUS_LIMIT, "no memory for a film of %d x %d pixels", f->width, f->height);
    return o->rgb ? resample(o->rgb, 3, o->width, o->height, f->original, f->width, f->height) : STATUS_OK;
}

static enum status make_folder(const struct film *f, const struct reel *reel)
{
    char path[FILE_PATH_MAX];
    if (!reel->wanted || !f->config->frames.png)
        return STATUS_OK;
    TRY(file_join(path, f->folder, reel->name));
    bool made;
    TRY(file_make_missing_folder(path, &made));
    return made ? STATUS_OK : stale_files_remove_aside(path, frame_names);
}

enum status film_create(struct film **film, const struct film_options *o)
{
    enum status rc;
    TRY(ALLOCATE(*film, 1, "for a film"));
    struct film *f = *film;
    f->config = o->config;
    f->fresh = o->fresh;
    f->reels[DREAM] = (struct reel){.name = reel_names[DREAM], .wanted = o->config->frames.dream};
    f->reels[CAM] = (struct reel){.name = reel_names[CAM], .wanted = o->config->frames.cam};
    TRY_OUT(file_join(f->folder, o->folder, ""));
    TRY_OUT(make_pictures(f, o));
    // Of a film that goes on, the frames so far are there already. Whole videos of an earlier one stay until these are whole.
    if (!o->fresh)
        TRY_OUT(stale_files_remove_aside(f->folder, file_names));
    if (!o->fresh && !o->saved)
        TRY_OUT(remove_frames(f->folder));
    for (int i = 0; i < REELS; i++)
        TRY_OUT(make_folder(f, &f->reels[i]));
    if (video_check(f->config->video.encoder, f->encoder) != STATUS_OK)
        f->encoder[0] = '\0'; // the run has said so
    if (o->saved)
        TRY_OUT(load(f, o->saved));
out:
    if (rc != STATUS_OK)
        film_leave(film);
    return rc;
}

static bool frame_is_sound(const struct film *f, const struct film_frame *frame)
{
    return frame->number >= 0 && frame->width >= 1 && frame->width <= f->width && frame->height >= 1 && frame->height <= f->height &&
           frame->values && (f->original || !frame->detail);
}

enum status film_add(struct film *f, struct film_frame *frame)
{
    enum status rc = STATUS_OK;
    if (!frame_is_sound(f, frame))
        rc = fail(STATUS_INTERNAL, "frame %d, of %d x %d pixels, does not fit a film of %d x %d", frame->number, frame->width,
                  frame->height, f->width, f->height);
    else if (frame->number >= f->next) // one that comes again is the same
        rc = show(f, frame);
    if (rc == STATUS_OK && frame->number >= f->next)
        f->next = frame->number + 1;
    film_frame_destroy(frame);
    return rc;
}

// What the film consists of at its end.
struct parts {
    bool videos[REELS], map;
};

static bool is_part(void *context, const char *name)
{
    const struct parts *parts = context;
    for (int i = 0; i < REELS; i++)
        if (parts->videos[i] && strncmp(name, reel_names[i], strlen(reel_names[i])) == 0 && strstr(name, ".mp4"))
            return true;
    return parts->map && strcmp(name, "cam.png") == 0;
}

enum status film_finish(struct film **film, const struct image *dream)
{
    struct film *f = *film;
    struct parts parts = {.map = f->last.values && dream};
    for (int i = 0; i < REELS; i++)
        parts.videos[i] = f->reels[i].video;
    enum status rc = complete(f, dream);
    if (rc == STATUS_OK && !f->fresh)
        rc = stale_files_remove(f->folder, file_names, is_part, &parts);
    film_leave(film);
    return rc;
}

void film_leave(struct film **film)
{
    struct film *f = *film;
    if (!f)
        return;
    free(f->original);
    free(f->picture);
    free(f->rgb);
    free(f->overlay);
    heat_destroy(&f->steady);
    heat_destroy(&f->last);
    for (int i = 0; i < REELS; i++)
        video_abandon(&f->reels[i].video);
    free(f);
    *film = NULL;
}

void film_abandon(struct film **film)
{
    if (*film && film_remove((*film)->folder) != STATUS_OK)
        log_warning("%s", status_message());
    film_leave(film);
}
