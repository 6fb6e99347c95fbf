// SPDX-License-Identifier: MIT
#include "coordinator/clip/clip_joint.h"

#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include "coordinator/clip/clip_parts.h"

void clip_joint_mix(float *first, const float *second, const float *frame, size_t count, double part)
{
    double one = 0, two = 0, both = 0; // energies
    for (size_t i = 0; i < count; i++) {
        const double a = first[i] - frame[i], b = second[i] - frame[i];
        one += a * a;
        two += b * b;
        both += a * b;
    }
    const double wanted = (1 - part) * sqrt(one) + part * sqrt(two);
    const double mixed = (1 - part) * (1 - part) * one + part * part * two + 2 * part * (1 - part) * both;
    const double gain = mixed > 0 ? fmin(wanted / sqrt(mixed), 2) : 1;
    for (size_t i = 0; i < count; i++) {
        const double a = first[i] - frame[i], b = second[i] - frame[i];
        first[i] = (float)fmax(-1, fmin(1, frame[i] + gain * ((1 - part) * a + part * b)));
    }
}

// The three that a joint is made of, read side by side.
struct joint {
    const struct segment_setup *setup;
    struct clip_range range;
    char paths[2][FILE_PATH_MAX];    // of tail and lead
    struct video_reader *readers[3]; // of tail, lead, and of what came in
};

static enum status open_part(struct joint *j, int which, int segment, enum clip_kind kind)
{
    struct video_make make = j->setup->make;
    make.encoder = "ffv1";
    TRY(clip_part_path(j->paths[which], j->setup->stem, segment, (char)kind, 0, ".mkv"));
    struct clip_parts parts = {0};
    enum status rc = clip_parts_add(&parts, j->setup, segment, kind);
    if (rc == STATUS_OK)
        rc = video_join_write(&(struct video_join){.make = make, .parts = (const char *const *)parts.paths, .part_count = parts.count},
                              j->paths[which]);
    if (rc == STATUS_OK)
        rc = video_reader_open(&j->readers[which], j->paths[which], &j->setup->limits);
    clip_parts_destroy(&parts);
    return rc;
}

static enum status read_part(const struct joint *j, int which, float **rgb)
{
    const size_t pixels = (size_t)j->setup->width * (size_t)j->setup->height;
    struct image image = {0};
    int64_t time;
    bool there;
    TRY(video_reader_next(j->readers[which], &image, &time, &there));
    if (!there || (size_t)image.width * (size_t)image.height != pixels) {
        image_destroy(&image);
        return fail(STATUS_FORMAT, "'%s' lacks frames", j->paths[which]);
    }
    *rgb = image.rgb;
    image.rgb = NULL;
    image_destroy(&image);
    return STATUS_OK;
}

static enum status add_frame(const struct joint *j, struct video_part *part, int64_t frame)
{
    const struct clip_source *source = j->setup->source;
    const size_t count = 3 * (size_t)j->setup->width * (size_t)j->setup->height;
    const double t = (double)(frame - j->range.begin + 1) / (double)(j->range.end - j->range.begin + 1);
    float *rgb[3] = {0};
    enum status rc;
    TRY_OUT(read_part(j, 0, &rgb[0]));
    TRY_OUT(read_part(j, 1, &rgb[1]));
    TRY_OUT(clip_source_read(source, j->readers[2], &rgb[2]));
    clip_joint_mix(rgb[0], rgb[1], rgb[2], count, t);
    rc = video_part_add(part, rgb[0], source->scan.times[frame], video_scan_duration(&source->scan, frame));
out:
    for (int i = 0; i < 3; i++)
        free(rgb[i]);
    return rc;
}

static enum status make_group(const struct joint *j, int segment, int group)
{
    const struct clip_range frames = clip_plan_group(j->range, group);
    char path[FILE_PATH_MAX];
    struct video_part *part;
    enum status rc = STATUS_OK;
    TRY(clip_part_path(path, j->setup->stem, segment, CLIP_JOINT, group, ""));
    TRY(video_part_create(&part, &j->setup->make));
    for (int64_t i = frames.begin; i < frames.end && rc == STATUS_OK; i++)
        rc = add_frame(j, part, i);
    if (rc == STATUS_OK)
        return video_part_finish(&part, path);
    video_part_abandon(&part);
    return rc;
}

static void remove_parts(const struct segment_setup *setup, int segment, enum clip_kind kind)
{
    struct clip_parts parts = {0};
    if (clip_parts_add(&parts, setup, segment, kind) == STATUS_OK)
        for (int i = 0; i < parts.count; i++)
            unlink(parts.paths[i]);
    clip_parts_destroy(&parts);
}

enum status clip_joint_make(const struct segment_setup *setup, int number)
{
    struct joint j = {.setup = setup, .range = clip_plan_range(&setup->plan, number, CLIP_JOINT)};
    const int groups = clip_plan_groups(j.range);
    char last[FILE_PATH_MAX];
    enum status rc = STATUS_OK;
    if (groups == 0)
        return STATUS_OK;
    TRY(clip_part_path(last, setup->stem, number, CLIP_JOINT, groups - 1, ""));
    if (access(last, F_OK) == 0)
        goto out;
    TRY_OUT(open_part(&j, 0, number - 1, CLIP_TAIL));
    TRY_OUT(open_part(&j, 1, number, CLIP_LEAD));
    TRY_OUT(video_reader_open(&j.readers[2], setup->source->path, &setup->limits));
    TRY_OUT(video_reader_seek(j.readers[2], setup->source->scan.times[j.range.begin]));
    for (int g = 0; g < groups; g++)
        TRY_OUT(make_group(&j, number, g));
    rc = file_sync_name(last);
out:
    for (int i = 0; i < 3; i++)
        video_reader_close(&j.readers[i]);
    for (int i = 0; i < 2; i++)
        if (j.paths[i][0])
            unlink(j.paths[i]);
    if (rc == STATUS_OK) {
        remove_parts(setup, number - 1, CLIP_TAIL);
        remove_parts(setup, number, CLIP_LEAD);
    }
    return rc;
}
