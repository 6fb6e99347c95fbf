// SPDX-License-Identifier: MIT
// Videos of many kinds, made by FFmpeg's program, read one frame after another and from the middle.
#include "media/video/video_scan.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/system/file.h"
#include "scratch.h"
#include "videos.h"

enum { WIDTH = 160, HEIGHT = 96, FRAMES = 30, TIMES_MAX = 4 * FRAMES };

static const struct image_limits limits = {.side = 4096, .pixels = 1 << 22};

// Runs ffmpeg in the scratch folder, quietly; `arguments` with the names of files in it.
static bool make(const char *arguments)
{
    char command[2048];
    snprintf(command, sizeof command, "cd '%s' && ffmpeg -y -nostdin -v error %s >/dev/null 2>&1", scratch, arguments);
    return system(command) == 0;
}

// A second of a moving pattern of WIDTH x HEIGHT.
#define PATTERN "-f lavfi -i testsrc2=size=160x96:rate=30:duration=1 "

struct read {
    int count, width, height;
    uint8_t *frames; // (count, height, width, 3)
    int64_t times[TIMES_MAX];
    struct video_facts facts; // at the end
};

static void to_bytes(const struct image *image, uint8_t *bytes)
{
    const size_t plane = (size_t)image->width * (size_t)image->height;
    for (size_t i = 0; i < 3 * plane; i++)
        bytes[i] = (uint8_t)lroundf((image->rgb[i % 3 * plane + i / 3] + 1) / 2 * 255);
}

static struct read read_all(const char *path)
{
    struct read all = {0};
    struct video_reader *reader;
    bool there = true;
    UNIT_OK(video_reader_open(&reader, path, &limits));
    const struct video_form form = video_reader_facts(reader)->form;
    const size_t size = 3 * (size_t)form.width * (size_t)form.height;
    all.width = form.width;
    all.height = form.height;
    all.frames = malloc(TIMES_MAX * size);
    for (;; all.count++) {
        struct image image = {0};
        UNIT_OK(video_reader_next(reader, &image, &all.times[all.count % TIMES_MAX], &there));
        if (!there)
            break;
        CU_ASSERT_FATAL(all.count < TIMES_MAX && image.width == form.width && image.height == form.height);
        CU_ASSERT(all.count == 0 || all.times[all.count] > all.times[all.count - 1]);
        CU_ASSERT_EQUAL(image.bits, form.bits);
        to_bytes(&image, all.frames + (size_t)all.count * size);
        image_destroy(&image);
    }
    all.facts = *video_reader_facts(reader);
    video_reader_close(&reader);
    CU_ASSERT_PTR_NULL(reader);
    return all;
}

// What is read is what FFmpeg's program shows.
static void expect_as_shown(const char *path, const struct read *all, double psnr)
{
    const size_t size = 3 * (size_t)all->width * (size_t)all->height;
    int count;
    uint8_t *shown = video_decode(path, all->width, all->height, &count);
    CU_ASSERT_EQUAL_FATAL(count, all->count);
    for (int i = 0; i < count; i++) {
        const double found = video_psnr(shown + (size_t)i * size, all->frames + (size_t)i * size, size);
        if (found < psnr)
            printf("\n%s: frame %d: %.1f dB", path, i, found);
        CU_ASSERT(found >= psnr);
    }
    free(shown);
}

// From each of its frames on, the frames and times are those of the whole.
static void expect_found(const char *path, const struct read *all)
{
    const size_t size = 3 * (size_t)all->width * (size_t)all->height;
    uint8_t *bytes = malloc(size);
    struct video_reader *reader;
    UNIT_OK(video_reader_open(&reader, path, &limits));
    for (int i = all->count - 1; i >= 0; i -= 3)
        for (int k = i; k < i + 2 && k < all->count; k++) {
            struct image image = {0};
            int64_t time;
            bool there;
            if (k == i)
                UNIT_OK(video_reader_seek(reader, all->times[i]));
            UNIT_OK(video_reader_next(reader, &image, &time, &there));
            CU_ASSERT_FATAL(there);
            CU_ASSERT_EQUAL(time, all->times[k]);
            to_bytes(&image, bytes);
            CU_ASSERT(memcmp(bytes, all->frames + (size_t)k * size, size) == 0);
            image_destroy(&image);
        }
    video_reader_close(&reader);
    free(bytes);
}

static bool count_down(void *context)
{
    return (*(int *)context)-- == 0;
}

// A scan finds as many frames, at the same times; and it can be stopped.
static void expect_scanned(const char *path, const struct read *all)
{
    struct video_scan scan;
    int asked = 5;
    UNIT_OK(video_scan(&scan, path, &limits, NULL, NULL));
    CU_ASSERT_EQUAL_FATAL(scan.count, all->count);
    CU_ASSERT(memcmp(scan.times, all->times, (size_t)scan.count * sizeof *scan.times) == 0);
    CU_ASSERT(scan.facts.damaged == all->facts.damaged && scan.facts.truncated == all->facts.truncated);
    int64_t end = scan.times[0];
    for (int64_t i = 0; i < scan.count; i++)
        end += video_scan_duration(&scan, i);
    CU_ASSERT_EQUAL(end, 2 * scan.times[scan.count - 1] - scan.times[scan.count - 2]);
    video_scan_destroy(&scan);
    CU_ASSERT_EQUAL(video_scan(&scan, path, &limits, count_down, &asked), STATUS_STOPPED);
    CU_ASSERT_PTR_NULL(scan.times);
}

static void test_formats(void)
{
    static const struct {
        const char *file, *arguments, *codec;
        int bits;
    } known[] = {
        {"h264.mp4", "-c:v libx264 -bf 3 -g 12 -pix_fmt yuv420p", "h264", 8},
        {"open.mkv", "-c:v libx264 -bf 3 -g 8 -x264-params open-gop=1 -pix_fmt yuv420p", "h264", 8},
        {"refresh.mp4", "-c:v libx264 -x264-params intra-refresh=1:keyint=10 -pix_fmt yuv420p", "h264", 8},
        {"raw.h264", "-c:v libx264 -bf 2 -g 10 -pix_fmt yuv420p", "h264", 8},
        {"deep.mp4", "-c:v libx264 -pix_fmt yuv420p10le", "h264", 16},
        {"hevc.mp4", "-c:v libx265 -x265-params log-level=none -pix_fmt yuv420p10le", "hevc", 16},
        {"vp9.webm", "-c:v libvpx-vp9 -cpu-used 8 -deadline realtime -pix_fmt yuv420p", "vp9", 8},
        {"av1.mkv", "-c:v libsvtav1 -preset 12 -g 10 -pix_fmt yuv420p10le", "av1", 16},
        {"mjpeg.avi", "-c:v mjpeg -q:v 3", "mjpeg", 8},
        {"mpeg2.ts", "-c:v mpeg2video -bf 2 -g 9 -q:v 3", "mpeg2video", 8},
        {"prores.mov", "-c:v prores_ks", "prores", 16},
        {"rgb.mkv", "-c:v ffv1 -pix_fmt gbrp", "ffv1", 8},
        {"odd.mkv", "-vf scale=161:97 -c:v ffv1 -pix_fmt yuv444p", "ffv1", 8},
    };
    CU_ASSERT_FATAL(scratch_create());
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        char arguments[512];
        snprintf(arguments, sizeof arguments, PATTERN "%s %s", known[i].arguments, known[i].file);
        if (!make(arguments)) {
            printf("\n(this FFmpeg makes no %s)", known[i].file);
            continue;
        }
        const char *path = in_scratch(known[i].file);
        struct read all = read_all(path);
        CU_ASSERT_EQUAL(all.count, FRAMES);
        CU_ASSERT_STRING_EQUAL(all.facts.codec, known[i].codec);
        CU_ASSERT_EQUAL(all.facts.form.bits, known[i].bits);
        CU_ASSERT_EQUAL(all.facts.form.rate[0], 30 * all.facts.form.rate[1]);
        CU_ASSERT(all.facts.damaged == 0 && !all.facts.truncated && !all.facts.interlaced && all.facts.sounds == 0);
        expect_as_shown(path, &all, known[i].bits == 16 ? 44 : 48);
        expect_found(path, &all);
        expect_scanned(path, &all);
        free(all.frames);
    }
    scratch_remove();
}

// Times as the file has them, whatever the rate.
static void test_times(void)
{
    CU_ASSERT_FATAL(scratch_create());
    CU_ASSERT_FATAL(make(
        PATTERN "-vf settb=1/600,setpts='(N+0.25*mod(N\\,3)+5*gte(N\\,10))/30/TB' -fps_mode passthrough -enc_time_base 1:600 -c:v libx264 "
                "-video_track_timescale 30000 v.mp4"));
    struct read all = read_all(in_scratch("v.mp4"));
    CU_ASSERT_EQUAL_FATAL(all.count, FRAMES);
    const double tick = (double)all.facts.form.tick[0] / all.facts.form.tick[1];
    for (int i = 0; i < FRAMES; i++)
        CU_ASSERT_DOUBLE_EQUAL((double)(all.times[i] - all.times[0]) * tick, (i + 0.25 * (i % 3) + 5 * (i >= 10)) / 30, 2.1e-3);
    expect_found(in_scratch("v.mp4"), &all);
    expect_scanned(in_scratch("v.mp4"), &all);
    free(all.frames);
    scratch_remove();
}

// Colours by tags, by size where there are none; the others are carried.
static void test_tags(void)
{
    static const struct {
        const char *name, *arguments;
        int matrix, range, primaries, curve; // by ISO 23091-2; range 1: television, 2: full
    } known[] = {
        {"none.mkv", "-vf scale=160x96,format=yuv420p -c:v ffv1", 6, 1, 2, 2},
        {"hd.mp4", "-vf scale=1280x720,format=yuv420p -frames:v 2 -c:v libx264", 1, 1, 2, 2},
        {"full.mp4", "-vf scale=out_color_matrix=bt709:out_range=pc,format=yuv420p -c:v libx264 -colorspace bt709 -color_range pc", 1, 2, 2,
         2},
        {"hdr.mp4",
         "-vf scale=out_color_matrix=bt2020:out_range=tv,format=yuv420p10le -c:v libx264 -colorspace bt2020nc -color_primaries bt2020 "
         "-color_trc smpte2084",
         9, 1, 9, 16},
    };
    CU_ASSERT_FATAL(scratch_create());
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        char arguments[512];
        snprintf(arguments, sizeof arguments, PATTERN "-frames:v 4 %s %s", known[i].arguments, known[i].name);
        CU_ASSERT_FATAL(make(arguments));
        struct read all = read_all(in_scratch(known[i].name));
        const struct video_form *form = &all.facts.form;
        CU_ASSERT_EQUAL(form->matrix, known[i].matrix);
        CU_ASSERT_EQUAL(form->range, known[i].range);
        CU_ASSERT_EQUAL(form->primaries, known[i].primaries);
        CU_ASSERT_EQUAL(form->curve, known[i].curve);
        CU_ASSERT_EQUAL(all.facts.bright, known[i].curve == 16);
        if (i != 1) // FFmpeg's program takes BT.601 for any size
            expect_as_shown(in_scratch(known[i].name), &all, 40);
        free(all.frames);
    }
    scratch_remove();
}

// Each way to hold a camera. FFmpeg's own program turns what it shows.
static void test_rotation(void)
{
    CU_ASSERT_FATAL(scratch_create());
    CU_ASSERT_FATAL(make(PATTERN "-frames:v 3 -c:v mpeg4 -q:v 2 -aspect 16:9 flat.mov"));
    for (int degrees = 90; degrees < 360; degrees += 90) {
        char arguments[256];
        snprintf(arguments, sizeof arguments, "-display_rotation %d -i flat.mov -c copy turned.mov", degrees);
        if (!make(arguments)) { // before FFmpeg 6
            snprintf(arguments, sizeof arguments, "-i flat.mov -c copy -metadata:s:v:0 rotate=%d turned.mov", 360 - degrees);
            CU_ASSERT_FATAL(make(arguments));
        }
        struct read all = read_all(in_scratch("turned.mov"));
        CU_ASSERT_EQUAL(all.width, degrees == 180 ? WIDTH : HEIGHT);
        CU_ASSERT_EQUAL(all.height, degrees == 180 ? HEIGHT : WIDTH);
        const int32_t *aspect = all.facts.form.aspect; // 16:9 of 160 x 96
        CU_ASSERT_EQUAL(degrees == 180 ? aspect[0] * 15 : aspect[1] * 15, degrees == 180 ? aspect[1] * 16 : aspect[0] * 16);
        expect_as_shown(in_scratch("turned.mov"), &all, 45);
        free(all.frames);
    }
    scratch_remove();
}

static void test_interlaced(void)
{
    CU_ASSERT_FATAL(scratch_create());
    CU_ASSERT_FATAL(make(PATTERN "-vf setfield=tff -c:v mpeg2video -flags +ildct+ilme -q:v 3 a.mkv"));
    CU_ASSERT_FATAL(make(PATTERN "-f lavfi -i sine=duration=1 -f lavfi -i sine=duration=1 -map 0 -map 1 -map 2 -c:v mpeg4 b.mkv"));
    struct read all = read_all(in_scratch("a.mkv"));
    CU_ASSERT(all.facts.interlaced);
    CU_ASSERT_EQUAL(all.facts.sounds, 0);
    free(all.frames);
    all = read_all(in_scratch("b.mkv"));
    CU_ASSERT(!all.facts.interlaced);
    CU_ASSERT_EQUAL(all.facts.sounds, 2);
    free(all.frames);
    scratch_remove();
}

static void overwrite(const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    CU_ASSERT_EQUAL(fwrite(bytes, 1, size, file), size);
    CU_ASSERT_EQUAL(fclose(file), 0);
}

// Zeros in the middle of the pictures: as many frames as before, at the same times; the first ones are the same, and some were replaced.
static void test_damaged(void)
{
    static const char *const kinds[] = {"-c:v mjpeg -q:v 3 a.avi", "-c:v libx264 -g 5 -bf 0 a.mp4", "-c:v ffv1 -g 1 -slicecrc 1 a.mkv"};
    static const char *const names[] = {"a.avi", "a.mp4", "a.mkv"};
    CU_ASSERT_FATAL(scratch_create());
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        char arguments[512];
        void *bytes;
        size_t size;
        snprintf(arguments, sizeof arguments, PATTERN "%s", kinds[i]);
        CU_ASSERT_FATAL(make(arguments));
        const char *path = in_scratch(names[i]);
        struct read all = read_all(path);
        UNIT_OK(file_read(path, 1 << 30, &bytes, &size));
        memset((char *)bytes + size / 2, 0, size / 12);
        overwrite(path, bytes, size);
        struct read damaged = read_all(path);
        CU_ASSERT(damaged.count >= all.count - 4 && damaged.count <= all.count); // containers lose some, too
        CU_ASSERT(damaged.facts.damaged > 0);
        CU_ASSERT(!damaged.facts.truncated);
        const size_t frame = 3 * WIDTH * HEIGHT;
        CU_ASSERT(memcmp(all.frames, damaged.frames, 8 * frame) == 0);
        CU_ASSERT(memcmp(all.frames + (size_t)(all.count - 3) * frame, damaged.frames + (size_t)(damaged.count - 3) * frame, frame) == 0);
        expect_found(path, &damaged);
        expect_scanned(path, &damaged);
        free(all.frames);
        free(damaged.frames);
        free(bytes);
    }
    scratch_remove();
}

// What there is of a file that was cut, and that it was.
static void test_truncated(void)
{
    static const char *const kinds[] = {"-c:v libx264 -movflags +faststart a.mp4", "-c:v libx264 a.mkv", "-c:v mjpeg a.avi"};
    static const char *const names[] = {"a.mp4", "a.mkv", "a.avi"};
    CU_ASSERT_FATAL(scratch_create());
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        char arguments[512];
        void *bytes;
        size_t size;
        snprintf(arguments, sizeof arguments, PATTERN "%s", kinds[i]);
        CU_ASSERT_FATAL(make(arguments));
        const char *path = in_scratch(names[i]);
        struct read all = read_all(path);
        UNIT_OK(file_read(path, 1 << 30, &bytes, &size));
        overwrite(path, bytes, size / 3 * 2);
        struct read cut = read_all(path);
        CU_ASSERT(cut.count > 2 && cut.count < all.count);
        CU_ASSERT(cut.facts.truncated);
        CU_ASSERT(memcmp(all.frames, cut.frames, (size_t)(cut.count - 2) * 3 * WIDTH * HEIGHT) == 0);
        free(all.frames);
        free(cut.frames);
        free(bytes);
    }
    scratch_remove();
}

// What is no video, or points elsewhere, or is too large, is refused.
static void test_refused(void)
{
    struct video_reader *reader;
    CU_ASSERT_FATAL(scratch_create());
    CU_ASSERT_FATAL(make(PATTERN "-c:v libx264 a.mp4"));
    CU_ASSERT_FATAL(make("-f lavfi -i sine=duration=1 a.wav") && make("-f lavfi -i sine=duration=1 a.ogg"));
    CU_ASSERT_FATAL(make(PATTERN "-frames:v 1 a.png"));
    overwrite(in_scratch("list.txt"), "ffconcat version 1.0\nfile a.mp4\n", 32);
    overwrite(in_scratch("a.m3u8"), "#EXTM3U\n#EXTINF:1,\na.mp4\n#EXT-X-ENDLIST\n", 41);
    overwrite(in_scratch("empty.mp4"), "", 0);
    static const char *const names[] = {"a.wav", "a.ogg", "a.png", "list.txt", "a.m3u8", "empty.mp4", "nothing.mp4"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        UNIT_FAILS(video_reader_open(&reader, in_scratch(names[i]), &limits), STATUS_FORMAT, names[i]);
        CU_ASSERT_PTR_NULL(reader);
    }
    const struct image_limits small = {.side = WIDTH - 1, .pixels = 1 << 22}, few = {.side = 4096, .pixels = WIDTH * HEIGHT - 1};
    UNIT_FAILS(video_reader_open(&reader, in_scratch("a.mp4"), &small), STATUS_LIMIT, "160 x 96");
    CU_ASSERT_NOT_EQUAL(video_reader_open(&reader, in_scratch("a.mp4"), &few), STATUS_OK);
    CU_ASSERT_PTR_NULL(reader);
    scratch_remove();
}

int main(void)
{
    static const struct unit_test tests[] = {{"formats, from the beginning and the middle", test_formats},
                                             {"times", test_times},
                                             {"colours", test_tags},
                                             {"rotation", test_rotation},
                                             {"interlaced, sound", test_interlaced},
                                             {"damaged", test_damaged},
                                             {"cut short", test_truncated},
                                             {"refused", test_refused}};
    return unit_run("video_reader", tests, sizeof tests / sizeof tests[0]);
}
