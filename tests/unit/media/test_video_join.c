// SPDX-License-Identifier: MIT
// Clips that are read, encoded in parts, and joined again with their sound: as FFmpeg's own programs see them.
#include "media/video/video_join.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/system/file.h"
#include "media/video/video_reader.h"
#include "scratch.h"
#include "videos.h"

enum { PART = 13, PARTS_MAX = 8, FRAMES_MAX = 100 };

static const struct image_limits limits = {.side = 4096, .pixels = 1 << 22};

static bool make(const char *arguments)
{
    char command[2048];
    snprintf(command, sizeof command, "cd '%s' && ffmpeg -y -nostdin -v error %s >/dev/null 2>&1", scratch, arguments);
    return system(command) == 0;
}

// What a shell command prints in the scratch folder.
static const char *answer(const char *command)
{
    static char text[2][8192];
    static int turn;
    char line[2048], *out = text[turn++ % 2];
    snprintf(line, sizeof line, "cd '%s' && %s", scratch, command);
    FILE *pipe = popen(line, "r");
    CU_ASSERT_PTR_NOT_NULL_FATAL(pipe);
    out[fread(out, 1, sizeof text[0] - 1, pipe)] = '\0';
    CU_ASSERT_EQUAL(pclose(pipe), 0);
    return out;
}

static struct video_part *begin_part(const struct video_make *make_of)
{
    struct video_part *part;
    UNIT_OK(video_part_create(&part, make_of));
    return part;
}

// Every frame into parts of PART, which are then joined. Returns the clip's name in the scratch folder.
static const char *copy_clip(const char *name, const char *encoder, int *count, struct video_form *form)
{
    static char out[64];
    static char names[PARTS_MAX][64];
    const char *parts[PARTS_MAX], *extension;
    char path[4096];
    struct video_reader *reader;
    struct video_part *part = NULL;
    bool there = true;
    int part_count = 0;
    snprintf(path, sizeof path, "%s/%s", scratch, name);
    UNIT_OK(video_reader_open(&reader, path, &limits));
    *form = video_reader_facts(reader)->form;
    struct video_join join = {.make = {.form = *form, .encoder = encoder, .quality = 12}, .parts = parts, .sound = path};
    for (*count = 0;; ++*count) {
        struct image image = {0};
        int64_t time;
        UNIT_OK(video_reader_next(reader, &image, &time, &there));
        if (part && (!there || *count % PART == 0)) {
            snprintf(names[part_count], sizeof names[0], "%s/%d.part", scratch, part_count);
            parts[part_count] = names[part_count];
            UNIT_OK(video_part_finish(&part, parts[part_count++]));
            CU_ASSERT_PTR_NULL(part);
        }
        if (!there)
            break;
        if (!part)
            part = begin_part(&join.make);
        UNIT_OK(video_part_add(part, image.rgb, time, (int64_t)form->rate[1] * form->tick[1] / form->rate[0] / form->tick[0]));
        image_destroy(&image);
    }
    video_reader_close(&reader);
    join.part_count = part_count;
    UNIT_OK(video_join_extension(&join, &extension));
    snprintf(out, sizeof out, "out.%s", extension);
    UNIT_OK(video_join_write(&join, in_scratch(out)));
    return out;
}

#define PATTERN "-f lavfi -i testsrc2=size=160x96:rate=30:duration=1.5 "
#define TONE "-f lavfi -i sine=duration=1.5:frequency=500 "

static void expect_same_answer(const char *format, const char *a, const char *b)
{
    char commands[2][1024];
    snprintf(commands[0], sizeof commands[0], format, a);
    snprintf(commands[1], sizeof commands[1], format, b);
    const char *first = answer(commands[0]), *second = answer(commands[1]);
    if (strcmp(first, second) != 0)
        printf("\n%s:\n%.300s\nnot\n%.300s", commands[0], second, first);
    CU_ASSERT(strlen(first) > 10);
    CU_ASSERT_STRING_EQUAL(first, second);
}

// From the first frame on, to a thousandth of a second, which is what Matroska tells apart: where sound begins before 0, it moves all.
static void expect_same_times(const char *a, const char *b)
{
    double times[2][FRAMES_MAX];
    int counts[2] = {0, 0};
    for (int k = 0; k < 2; k++) {
        char command[512];
        snprintf(command, sizeof command, "ffprobe -v error -select_streams v -show_entries packet=pts_time -of csv=p=0 '%s' | sort -n",
                 k == 0 ? a : b);
        char *end, *at = (char *)answer(command);
        for (; counts[k] < FRAMES_MAX; counts[k]++, at = end + strcspn(end, "\n")) {
            times[k][counts[k]] = strtod(at, &end);
            if (end == at)
                break;
        }
    }
    CU_ASSERT_EQUAL_FATAL(counts[0], counts[1]);
    for (int i = 0; i < counts[0]; i++)
        CU_ASSERT_DOUBLE_EQUAL(times[0][i] - times[0][0], times[1][i] - times[1][0], 1.6e-3);
}

static const struct {
    const char *name, *arguments, *encoder, *out, *codec, *pixels;
    bool sound, exact; // the same samples come out
} clips[] = {
    {"a.mp4", PATTERN TONE "-c:v libx264 -pix_fmt yuv420p -c:a aac", "auto", "out.mp4", "h264", "yuv420p", true, false},
    {"b.mp4", PATTERN TONE "-c:v libx264 -pix_fmt yuv420p -c:a aac", "ffv1", "out.mkv", "ffv1", "yuv444p", true, false},
    {"c.mkv", PATTERN TONE "-c:v libx264 -pix_fmt yuv420p -c:a pcm_s16le", "auto", "out.mkv", "h264", "yuv420p", true, false},
    {"d.mkv", PATTERN TONE TONE "-map 0 -map 1 -map 2 -c:v ffv1 -pix_fmt yuv444p -c:a flac", "ffv1", "out.mkv", "ffv1", "yuv444p", true,
     false},
    {"e.mp4",
     PATTERN "-vf scale=out_color_matrix=bt2020:out_range=tv,format=yuv420p10le -c:v libx264 -colorspace bt2020nc -color_primaries bt2020 "
             "-color_trc smpte2084",
     "auto", "out.mp4", "h264", "yuv420p10le", false, false},
    {"f.mkv", PATTERN "-vf scale=161:97 -c:v ffv1 -pix_fmt yuv444p", "auto", "out.mp4", "h264", "yuv444p", false, false},
    {"g.mkv", PATTERN "-c:v ffv1 -pix_fmt bgr0", "ffv1", "out.mkv", "ffv1", "bgr0", false, true},
    {"h.mp4",
     PATTERN TONE
     "-vf settb=1/600,setpts='(N+0.25*mod(N\\,3)+9*gte(N\\,20))/30/TB' -fps_mode passthrough -enc_time_base 1:600 -c:v libx264 "
     "-bf 2 -aspect 2:1 -pix_fmt yuv420p -c:a aac",
     "auto", "out.mp4", "h264", "yuv420p", true, false},
};

static void test_clips(void)
{
    for (size_t i = 0; i < sizeof clips / sizeof clips[0]; i++) {
        char arguments[1024];
        struct video_form form;
        int count, shown[2];
        CU_ASSERT_FATAL(scratch_create());
        snprintf(arguments, sizeof arguments, "%s %s", clips[i].arguments, clips[i].name);
        CU_ASSERT_FATAL(make(arguments));
        const char *out = copy_clip(clips[i].name, clips[i].encoder, &count, &form);
        CU_ASSERT_EQUAL(count, 45);
        CU_ASSERT_STRING_EQUAL(out, clips[i].out);
        CU_ASSERT_STRING_EQUAL(video_entry(in_scratch(out), "codec_name"), clips[i].codec);
        CU_ASSERT_STRING_EQUAL(video_entry(in_scratch(out), "pix_fmt"), clips[i].pixels);
        expect_same_answer(
            "ffprobe -v error -select_streams v -show_entries stream=width,height,display_aspect_ratio,color_primaries,color_transfer "
            "-of default=nw=1 '%s'",
            clips[i].name, out);
        expect_same_times(clips[i].name, out);
        if (clips[i].sound)
            expect_same_answer("ffmpeg -nostdin -v error -i '%s' -map 0:a -c copy -f streamhash -hash md5 -", clips[i].name, out);
        const size_t size = 3 * (size_t)form.width * (size_t)form.height;
        uint8_t *before = video_decode(in_scratch(clips[i].name), form.width, form.height, &shown[0]);
        uint8_t *after = video_decode(in_scratch(out), form.width, form.height, &shown[1]);
        CU_ASSERT_EQUAL_FATAL(shown[0], shown[1]);
        for (int k = 0; k < count; k++) {
            const double found = video_psnr(before + (size_t)k * size, after + (size_t)k * size, size);
            if (found < 31)
                printf("\n%s: frame %d: %.1f dB", clips[i].name, k, found);
            CU_ASSERT(clips[i].exact ? found > 90 : found >= 31);
        }
        free(before);
        free(after);
        scratch_remove();
    }
}

// A smooth frame, different each time.
static void draw(float *rgb, int width, int height, int number)
{
    for (int i = 0; i < 3 * width * height; i++)
        rgb[i] = 0.8f * sinf(0.07f * (float)(i % width) + 0.2f * (float)number) *
                 cosf(0.05f * (float)(i / width % height) + (float)(i / width / height));
}

static const struct video_make small = {.form = {.width = 64,
                                                 .height = 48,
                                                 .bits = 8,
                                                 .aspect = {1, 1},
                                                 .tick = {1, 600},
                                                 .rate = {30, 1},
                                                 .matrix = 1,
                                                 .range = 1,
                                                 .primaries = 1,
                                                 .curve = 1},
                                        .encoder = "auto",
                                        .quality = 18};

static void add(struct video_part *part, int first, int end)
{
    float rgb[3 * 64 * 48];
    for (int k = first; k < end; k++) {
        draw(rgb, 64, 48, k);
        UNIT_OK(video_part_add(part, rgb, 20 * k + k % 3, 20));
    }
}

static struct record_reader save(int frames, void **memory)
{
    struct video_part *part = begin_part(&small);
    struct record_writer writer;
    size_t size;
    add(part, 0, frames);
    UNIT_OK(record_create_in_memory(&writer));
    video_part_save(part, &writer);
    UNIT_OK(record_take(&writer, memory, &size));
    video_part_abandon(&part);
    return (struct record_reader){.bytes = *memory, .left = size};
}

static void test_saved(void)
{
    enum { ALL = 60 };
    CU_ASSERT_FATAL(scratch_create());
    struct video_part *part = begin_part(&small);
    add(part, 0, ALL);
    UNIT_OK(video_part_finish(&part, in_scratch("whole")));
    for (int frames = 0; frames <= ALL; frames += 5) {
        void *memory;
        struct record_reader reader = save(frames, &memory);
        part = begin_part(&small);
        UNIT_OK(video_part_load(part, &reader));
        CU_ASSERT_EQUAL(reader.left, 0);
        free(memory);
        add(part, frames, ALL);
        UNIT_OK(video_part_finish(&part, in_scratch("again")));
        CU_ASSERT_EQUAL(system(answer("echo cmp -s $PWD/whole $PWD/again")), 0);
    }
    part = begin_part(&small);
    add(part, 5, 6);
    float rgb[3 * 64 * 48] = {0};
    UNIT_FAILS(video_part_add(part, rgb, 20 * 5, 20), STATUS_INTERNAL, "behind");
    video_part_abandon(&part);
    scratch_remove();
}

// Whatever the bytes are, loading them ends with a status, and so does joining.
static void test_damaged(void)
{
    void *memory, *bytes;
    uint32_t dice = 7;
    size_t size;
    CU_ASSERT_FATAL(scratch_create());
    const struct record_reader all = save(40, &memory);
    for (size_t length = 0; length < all.left; length += length < 300 ? 7 : all.left / 31) {
        struct record_reader reader = {.bytes = all.bytes, .left = length};
        struct video_part *part = begin_part(&small);
        UNIT_FAILS(video_part_load(part, &reader), STATUS_FORMAT, "");
        video_part_abandon(&part);
    }
    uint8_t *copy = malloc(all.left);
    for (int i = 0; i < 100; i++) {
        struct record_reader reader = {copy, all.left};
        memcpy(copy, all.bytes, all.left);
        dice = dice * 1664525u + 1013904223u;
        copy[i < 60 ? (dice >> 8) % 160 : (dice >> 8) % all.left] ^= (uint8_t)(1 + (dice >> 24) % 255);
        struct video_part *part = begin_part(&small);
        if (video_part_load(part, &reader) == STATUS_OK && video_part_finish(&part, in_scratch("damaged")) == STATUS_OK)
            CU_ASSERT_EQUAL(unlink(in_scratch("damaged")), 0);
        video_part_abandon(&part);
    }
    free(copy);
    free(memory);
    struct video_part *part = begin_part(&small);
    add(part, 0, 30);
    UNIT_OK(video_part_finish(&part, in_scratch("a.part")));
    UNIT_OK(file_read(in_scratch("a.part"), 1 << 30, &bytes, &size));
    ((uint8_t *)bytes)[size / 2] ^= 1;
    FILE *file = fopen(in_scratch("a.part"), "wb");
    fwrite(bytes, 1, size, file);
    fclose(file);
    free(bytes);
    char path[4096];
    snprintf(path, sizeof path, "%s", in_scratch("a.part"));
    const char *const parts[] = {path};
    const struct video_join join = {.make = small, .parts = parts, .part_count = 1};
    UNIT_FAILS(video_join_write(&join, in_scratch("a.mp4")), STATUS_FORMAT, "a.part");
    CU_ASSERT_EQUAL(folder_entries(scratch), 1); // no clip is left
    scratch_remove();
}

int main(void)
{
    static const struct unit_test tests[] = {
        {"clips with their sound", test_clips}, {"saved and gone on with", test_saved}, {"damaged", test_damaged}};
    return unit_run("video_join", tests, sizeof tests / sizeof tests[0]);
}
