// SPDX-License-Identifier: MIT
// Films of real frames; what came of them is judged by FFmpeg's programs and the codecs.
#include "coordinator/output/film.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/picture/resample.h"
#include "common/system/file.h"
#include "coordinator/task/checkpoint.h"
#include "media/drawing/overlay.h"
#include "media/picture/codec.h"
#include "scratch.h"
#include "videos.h"

enum { WIDTH = 192, HEIGHT = 128, PLANE = WIDTH * HEIGHT };

static const int octaves[][2] = {{70, 47}, {98, 65}, {137, 91}, {WIDTH, HEIGHT}};
static struct config config;
static float image[3 * PLANE];

static void begin(void)
{
    CU_ASSERT_FATAL(scratch_create());
    config_init(&config);
    config.video.rate = 10;
    config.video.hold = 0.5;
    config.video.quality = 10;
    for (int c = 0; c < 3; c++)
        for (int y = 0; y < HEIGHT; y++)
            for (int x = 0; x < WIDTH; x++)
                image[c * PLANE + y * WIDTH + x] = (float)(0.5 * sin(x / 17.0 + c) * cos(y / 13.0 - c));
}

static struct film *start(const float *rgb)
{
    struct film *film;
    UNIT_OK(film_create(&film, &(struct film_options){.folder = scratch, .config = &config, .width = WIDTH, .height = HEIGHT, .rgb = rgb}));
    return film;
}

// The dream is the image.
static enum status finish(struct film **film)
{
    struct image dream;
    UNIT_OK(image_create(&dream, WIDTH, HEIGHT));
    memcpy(dream.rgb, image, sizeof image);
    const enum status rc = film_finish(film, &dream);
    image_destroy(&dream);
    return rc;
}

// A smooth wave that grows with the frame's number.
static struct film_frame make_frame(int number, int width, int height, bool detail, bool map)
{
    struct film_frame frame = {.number = number, .width = width, .height = height, .detail = detail};
    frame.values = malloc((size_t)width * (size_t)height * 3 * sizeof *frame.values);
    for (int c = 0; c < 3; c++)
        for (int y = 0; y < height; y++)
            for (int x = 0; x < width; x++)
                frame.values[(c * height + y) * width + x] =
                    (float)(0.04 * (number % 10 + 1) * sin(20.0 * (x + 0.5) / width + c) * sin(15.0 * (y + 0.5) / height));
    if (map) {
        const struct heat_grid grid = {.width = width / 8,
                                       .height = height / 8,
                                       .stride = 8,
                                       .centre = 4,
                                       .octave_width = width,
                                       .octave_height = height,
                                       .dx = number % 5};
        UNIT_OK(heat_create(&frame.heat, &grid));
        for (int i = 0; i < grid.width * grid.height; i++)
            frame.heat.values[i] = (float)(i % grid.width) / (float)grid.width;
    }
    return frame;
}

// What the film should show: the frame enlarged, the image added where it is detail.
static uint8_t *expected_rgb(int number, const int size[2], bool detail)
{
    struct film_frame frame = make_frame(number, size[0], size[1], detail, false);
    float *large = malloc(3 * PLANE * sizeof *large);
    uint8_t *rgb = malloc(3 * PLANE);
    UNIT_OK(resample(frame.values, 3, size[0], size[1], large, WIDTH, HEIGHT));
    for (int c = 0; c < 3; c++)
        for (int i = 0; i < PLANE; i++) {
            const double value = large[c * PLANE + i] + (detail ? image[c * PLANE + i] : 0);
            rgb[3 * i + c] = (uint8_t)floor(fmin(fmax((value + 1) * 127.5, 0), 255) + 0.5);
        }
    free(large);
    film_frame_destroy(&frame);
    return rgb;
}

static uint8_t *read_png_of(const char *path, int width, int height)
{
    static const struct image_limits limits = {.side = 10000, .pixels = 100000000};
    struct image picture;
    void *bytes;
    size_t size;
    UNIT_OK(file_read(path, 1 << 24, &bytes, &size));
    UNIT_OK(codec_decode(bytes, size, &limits, &picture));
    free(bytes);
    CU_ASSERT_FATAL(picture.width == width && picture.height == height);
    const int plane = width * height;
    uint8_t *rgb = malloc(3 * (size_t)plane);
    for (int c = 0; c < 3; c++)
        for (int i = 0; i < plane; i++)
            rgb[3 * i + c] = (uint8_t)lround((picture.rgb[c * plane + i] + 1) * 127.5);
    image_destroy(&picture);
    return rgb;
}

static uint8_t *read_png(const char *path)
{
    return read_png_of(path, WIDTH, HEIGHT);
}

static void expect_near(const uint8_t *found, const uint8_t *expected, double decibels)
{
    const double psnr = video_psnr(found, expected, 3 * PLANE);
    if (!(psnr > decibels))
        printf("\n%.1f dB, not %.1f\n", psnr, decibels);
    CU_ASSERT(psnr > decibels);
}

// Four octaves of three frames, with a map but for every fifth frame.
static void shoot(struct film *film, bool detail)
{
    for (int i = 0; i < 12; i++) {
        struct film_frame frame = make_frame(i, octaves[i / 3][0], octaves[i / 3][1], detail, i % 5 != 0);
        UNIT_OK(film_add(film, &frame));
        CU_ASSERT_PTR_NULL(frame.values);
        CU_ASSERT_PTR_NULL(frame.heat.values);
    }
}

static void check_dream(bool detail)
{
    begin();
    config.video.steadiness = 0;
    struct film *film = start(detail ? image : NULL);
    shoot(film, detail);
    UNIT_OK(finish(&film));
    CU_ASSERT_PTR_NULL(film);
    CU_ASSERT_EQUAL(folder_entries(scratch), 3); // dream.mp4, cam.mp4, cam.png
    int count;
    uint8_t *frames = video_decode(in_scratch("dream.mp4"), WIDTH, HEIGHT, &count);
    CU_ASSERT_EQUAL_FATAL(count, 12 + 5);
    for (int i = 0; i < count; i++) {
        const int number = i < 12 ? i : 11;
        uint8_t *expected = expected_rgb(number, octaves[number / 3], detail);
        expect_near(frames + (size_t)i * 3 * PLANE, expected, 36);
        free(expected);
    }
    free(frames);

    CU_ASSERT_EQUAL(video_frames(in_scratch("cam.mp4")), 9 + 5); // frames 0, 5 and 10 have no map
    frames = video_decode(in_scratch("cam.mp4"), WIDTH, HEIGHT, &count);
    uint8_t *still = read_png(in_scratch("cam.png")), *last = expected_rgb(11, octaves[3], detail), *overlay = malloc(3 * PLANE);
    uint8_t *picture = malloc(3 * PLANE);
    struct film_frame frame = make_frame(11, WIDTH, HEIGHT, detail, true);
    for (int c = 0; c < 3; c++)
        for (int i = 0; i < PLANE; i++)
            picture[3 * i + c] = (uint8_t)floor((image[c * PLANE + i] + 1) * 127.5 + 0.5);
    UNIT_OK(overlay_draw(picture, WIDTH, HEIGHT, &frame.heat, config.video.colormap, config.video.opacity, overlay));
    CU_ASSERT(video_psnr(still, overlay, 3 * PLANE) > 50);
    UNIT_OK(overlay_draw(last, WIDTH, HEIGHT, &frame.heat, config.video.colormap, config.video.opacity, overlay));
    expect_near(frames + (size_t)(count - 1) * 3 * PLANE, overlay, 30);
    film_frame_destroy(&frame);
    free(frames);
    free(still);
    free(last);
    free(picture);
    free(overlay);
    scratch_remove();
}

static void test_detail(void)
{
    check_dream(true);
}

static void test_pictures(void)
{
    check_dream(false);
}

// The second of two maps of which one rises to the right and one to the left, and the same map put together by hand.
static void test_steady(void)
{
    begin();
    config.frames.png = true;
    config.video.steadiness = 0.75;
    struct film *film = start(NULL);
    for (int number = 0; number < 2; number++) {
        struct film_frame frame = make_frame(number, WIDTH, HEIGHT, false, true);
        frame.heat.grid.dx = 0;
        for (int i = 0; i < frame.heat.grid.width * frame.heat.grid.height && number == 1; i++)
            frame.heat.values[i] = 1 - frame.heat.values[i];
        UNIT_OK(film_add(film, &frame));
    }
    UNIT_OK(finish(&film));
    struct film_frame frame = make_frame(1, WIDTH, HEIGHT, false, true);
    uint8_t *shown = read_png(in_scratch("cam/0001.png")), *picture = expected_rgb(1, (const int[]){WIDTH, HEIGHT}, false);
    uint8_t *overlay = malloc(3 * PLANE);
    frame.heat.grid.dx = 0;
    for (int i = 0; i < frame.heat.grid.width * frame.heat.grid.height; i++)
        frame.heat.values[i] = 0.75f * frame.heat.values[i] + 0.25f * (1 - frame.heat.values[i]);
    UNIT_OK(overlay_draw(picture, WIDTH, HEIGHT, &frame.heat, config.video.colormap, config.video.opacity, overlay));
    expect_near(shown, overlay, 35);
    for (int i = 0; i < frame.heat.grid.width * frame.heat.grid.height; i++)
        frame.heat.values[i] = 1 - frame.heat.values[i];
    UNIT_OK(overlay_draw(picture, WIDTH, HEIGHT, &frame.heat, config.video.colormap, config.video.opacity, overlay));
    CU_ASSERT(video_psnr(shown, overlay, 3 * PLANE) < 25);
    film_frame_destroy(&frame);
    free(shown);
    free(picture);
    free(overlay);
    scratch_remove();
}

// The overlay of a map that rises to the right, wherever its values lie, and of nothing but that.
static void check_ramp(int width, int height)
{
    struct film *film;
    struct film_frame frame = {.width = width, .height = height, .values = calloc(3 * (size_t)(width * height), sizeof(float))};
    const struct heat_grid grid = {.width = width, .height = height, .stride = 1, .octave_width = width, .octave_height = height};
    struct heat ramp;
    uint8_t *grey = malloc(3 * (size_t)(width * height)), *expected = malloc(3 * (size_t)(width * height));
    memset(grey, 128, 3 * (size_t)(width * height));
    UNIT_OK(heat_create(&frame.heat, &grid));
    UNIT_OK(heat_create(&ramp, &grid));
    for (int i = 0; i < width * height; i++)
        frame.heat.values[i] = ramp.values[i] = (float)(i % width) / (float)width;
    UNIT_OK(
        film_create(&film, &(struct film_options){.folder = scratch, .config = &config, .width = width, .height = height, .rgb = NULL}));
    UNIT_OK(film_add(film, &frame));
    UNIT_OK(finish(&film));
    UNIT_OK(overlay_draw(grey, width, height, &ramp, COLORMAP_JET, 1, expected));
    uint8_t *found = read_png_of(in_scratch("cam/0000.png"), width, height);
    int worst = 0;
    for (int y = 0; y < height; y++)
        for (int i = 3 * 4; i < 3 * (width - 4); i++) { // beyond the outermost cells' middles it is level
            const int apart = abs(found[3 * y * width + i] - expected[3 * y * width + i]);
            worst = apart > worst ? apart : worst;
        }
    if (worst > 8) // a quarter of a pixel
        printf("\n%d x %d: %d\n", width, height, worst);
    CU_ASSERT(worst <= 8);
    heat_destroy(&ramp);
    free(grey);
    free(expected);
    free(found);
}

static void test_maps_stay_in_place(void)
{
    begin();
    config.frames.png = true;
    config.video.steadiness = 0;
    config.video.colormap = COLORMAP_JET;
    config.video.opacity = 1;
    strcpy(config.video.encoder, "none such");
    for (int width = 20; width <= 36; width += 2)
        check_ramp(width, 56 - width);
    scratch_remove();
}

static void test_png_frames(void)
{
    begin();
    config.frames.png = true;
    struct film *film = start(image);
    for (int i = 0; i < 3; i++) {
        struct film_frame frame = make_frame(i, 98, 65, true, i == 1);
        frame.number = i == 2 ? 12345 : i;
        UNIT_OK(film_add(film, &frame));
    }
    UNIT_OK(finish(&film));
    CU_ASSERT_EQUAL(folder_entries(scratch), 5);
    CU_ASSERT_EQUAL(folder_entries(in_scratch("dream")), 3);
    CU_ASSERT_EQUAL(folder_entries(in_scratch("cam")), 1);
    CU_ASSERT_EQUAL(access(in_scratch("dream/12345.png"), F_OK), 0);
    CU_ASSERT_EQUAL(access(in_scratch("cam/0001.png"), F_OK), 0);
    uint8_t *found = read_png(in_scratch("dream/0000.png")), *expected = expected_rgb(0, octaves[1], true);
    CU_ASSERT(video_psnr(found, expected, 3 * PLANE) > 60); // without loss, but for roundings
    free(found);
    free(expected);
    scratch_remove();
}

static void touch(const char *name)
{
    FILE *file = fopen(in_scratch(name), "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    fclose(file);
}

// What this run does not make does not stay from an earlier one; what is not ours does.
static void test_earlier_films_go(void)
{
    begin();
    config.frames.cam = false;
    UNIT_OK(file_make_folder(in_scratch("dream")));
    UNIT_OK(file_make_folder(in_scratch("cam")));
    touch("cam.mp4"), touch("cam.png"), touch("dream.mp4"), touch("dream.png");
    touch("dream/0000.png"), touch("dream/notes.png"), touch("cam/0007.png"), touch("cam/10000.png");
    touch("dream.mp4.0123abcd.part"), touch("cam.png.ffffffff.part"), touch("dream/0001.png.01234567.part"); // of a run that was killed
    touch("cam.png.0123abc.part");
    struct film *film = start(image);
    shoot(film, true);
    UNIT_OK(finish(&film));
    CU_ASSERT_EQUAL(folder_entries(scratch), 4);
    CU_ASSERT_EQUAL(video_frames(in_scratch("dream.mp4")), 17);
    CU_ASSERT_EQUAL(access(in_scratch("dream.png"), F_OK), 0);
    CU_ASSERT_EQUAL(access(in_scratch("cam.png.0123abc.part"), F_OK), 0);
    CU_ASSERT_EQUAL(folder_entries(in_scratch("dream")), 1);
    CU_ASSERT_EQUAL(access(in_scratch("dream/notes.png"), F_OK), 0);
    scratch_remove();
}

static void test_other_sizes(void)
{
    begin();
    config.video.max_side = 64; // a video smaller than the image
    struct film *film;
    UNIT_OK(
        film_create(&film, &(struct film_options){.folder = scratch, .config = &config, .width = WIDTH, .height = HEIGHT, .rgb = image}));
    struct film_frame frame = make_frame(0, 64, 42, true, true);
    UNIT_OK(film_add(film, &frame));
    static const int wrong[][2] = {{65, 42}, {64, 43}, {0, 42}, {64, -1}};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        frame = make_frame(1, 64, 64, true, true);
        frame.width = wrong[i][0];
        frame.height = wrong[i][1];
        CU_ASSERT_EQUAL(film_add(film, &frame), STATUS_INTERNAL);
        CU_ASSERT_PTR_NULL(frame.values);
    }
    UNIT_OK(finish(&film));
    CU_ASSERT_STRING_EQUAL(video_entry(in_scratch("dream.mp4"), "width"), "64");
    CU_ASSERT_STRING_EQUAL(video_entry(in_scratch("dream.mp4"), "height"), "42");
    CU_ASSERT_EQUAL(video_frames(in_scratch("dream.mp4")), 6);
    free(read_png_of(in_scratch("cam.png"), WIDTH, HEIGHT)); // of the image's size

    UNIT_OK(film_create(&film, &(struct film_options){.folder = scratch, .config = &config, .width = 7, .height = 5, .rgb = NULL})); // odd
    frame = make_frame(0, 6, 4, true, false);
    CU_ASSERT_EQUAL(film_add(film, &frame), STATUS_INTERNAL); // detail of what?
    frame = make_frame(0, 6, 4, false, false);
    UNIT_OK(film_add(film, &frame));
    UNIT_OK(finish(&film));
    CU_ASSERT_STRING_EQUAL(video_entry(in_scratch("dream.mp4"), "width"), "6");
    CU_ASSERT_EQUAL(folder_entries(scratch), 1); // no map, nothing about maps
    scratch_remove();
}

static void test_no_frames(void)
{
    begin();
    struct film *film = start(image);
    UNIT_OK(finish(&film));
    CU_ASSERT_EQUAL(folder_entries(scratch), 0);
    scratch_remove();
}

static void test_without_an_encoder(void)
{
    begin();
    config.frames.png = true;
    strcpy(config.video.encoder, "none such");
    struct film *film = start(image);
    shoot(film, true);
    UNIT_OK(finish(&film));
    CU_ASSERT_EQUAL(folder_entries(scratch), 3); // cam.png, dream, cam
    CU_ASSERT_EQUAL(folder_entries(in_scratch("dream")), 12);
    CU_ASSERT_EQUAL(folder_entries(in_scratch("cam")), 9);
    scratch_remove();
}

static void test_abandoned(void)
{
    begin();
    config.frames.png = true;
    struct film *film = start(image);
    shoot(film, true);
    film_abandon(&film);
    CU_ASSERT_PTR_NULL(film);
    film_abandon(&film);
    CU_ASSERT_EQUAL(folder_entries(scratch), 0);
    scratch_remove();
}

static void test_errors_come_out(void)
{
    begin();
    struct film *film = start(image);
    scratch_remove(); // nowhere to write
    struct film_frame frame = make_frame(0, 70, 47, true, true);
    CU_ASSERT_EQUAL(film_add(film, &frame), STATUS_IO);
    CU_ASSERT_PTR_NOT_NULL(strstr(status_message(), "dream.mp4"));
    CU_ASSERT_PTR_NOT_NULL(strstr(status_message(), "No such file"));
    film_abandon(&film);
    CU_ASSERT_PTR_NULL(film);
}

static void test_many_frames(void)
{
    begin();
    config.video.hold = 0;
    struct film *film = start(NULL);
    for (int i = 0; i < 200; i++) {
        struct film_frame frame = make_frame(i, 70, 47, false, true);
        UNIT_OK(film_add(film, &frame));
    }
    UNIT_OK(finish(&film));
    CU_ASSERT_EQUAL(video_frames(in_scratch("dream.mp4")), 200);
    CU_ASSERT_EQUAL(video_frames(in_scratch("cam.mp4")), 200);
    scratch_remove();
}

static void shoot_some(struct film *film, int first, int end)
{
    for (int i = first; i < end; i++) {
        struct film_frame frame = make_frame(i, octaves[i / 3][0], octaves[i / 3][1], true, i % 5 != 0);
        UNIT_OK(film_add(film, &frame));
    }
}

static void *bytes_of(const char *name, size_t *size)
{
    void *bytes;
    UNIT_OK(file_read(in_scratch(name), 1 << 24, &bytes, size));
    return bytes;
}

// A film that is saved behind any frame, left, and gone on with from the checkpoint makes the same files.
static void test_saved(void)
{
    static const char *const made[] = {"dream.mp4", "cam.mp4", "cam.png", "dream/0010.png", "cam/0009.png"};
    enum { MADE = sizeof made / sizeof made[0], VIDEOS = 3, FRAMES = 11 }; // the last has no map: cam.png is of a map that was saved
    static const struct image_limits limits = {.side = 10000, .pixels = 100000000};
    void *known[MADE];
    size_t sizes[MADE];
    char kept[FILE_PATH_MAX];
    begin();
    config.frames.png = true;
    struct film *film = start(image);
    shoot_some(film, 0, FRAMES);
    UNIT_OK(finish(&film));
    for (int i = 0; i < MADE; i++)
        known[i] = bytes_of(made[i], &sizes[i]);
    snprintf(kept, sizeof kept, "%s", in_scratch("kept"));
    for (int frames = 0; frames < FRAMES; frames++) { // at least the last, behind the last step, is still to come
        struct checkpoint checkpoint = {.sha256 = "abc", .state = {.octave = 1, .step = frames, .width = 5, .height = 4}};
        checkpoint.rgb = calloc(60, sizeof *checkpoint.rgb);
        config.frames.png = frames == 5; // each costs a sync
        film = start(image);
        shoot_some(film, 0, frames);
        UNIT_OK(checkpoint_write(kept, &checkpoint, film_save, film));
        checkpoint_destroy(&checkpoint);
        shoot_some(film, frames, frames + 1); // which comes again
        UNIT_OK(finish(&film));
        for (int i = 0; i < VIDEOS; i++)
            unlink(in_scratch(made[i]));
        UNIT_OK(checkpoint_read(kept, &limits, &checkpoint));
        CU_ASSERT(checkpoint.state.step == frames && strcmp(checkpoint.sha256, "abc") == 0);
        UNIT_OK(film_create(
            &film, &(struct film_options){
                       .folder = scratch, .config = &config, .width = WIDTH, .height = HEIGHT, .rgb = image, .saved = &checkpoint.rest}));
        CU_ASSERT_EQUAL(checkpoint.rest.left, 0);
        checkpoint_destroy(&checkpoint);
        shoot_some(film, frames > 1 ? frames - 2 : 0, FRAMES); // some of them again
        UNIT_OK(finish(&film));
        for (int i = 0; i < (config.frames.png ? MADE : VIDEOS); i++) {
            size_t size;
            void *bytes = bytes_of(made[i], &size);
            CU_ASSERT(size == sizes[i] && memcmp(bytes, known[i], size) == 0);
            free(bytes);
        }
    }
    for (int i = 0; i < MADE; i++)
        free(known[i]);
    scratch_remove();
}

// The mean of the maps of a film of another size is refused: its values are fewer. Without an encoder there is no video to tell the two
// apart.
static void test_saved_by_another(void)
{
    static const struct image_limits limits = {.side = 10000, .pixels = 100000000};
    struct checkpoint checkpoint = {.state = {.width = 1, .height = 1}, .rgb = calloc(3, sizeof *checkpoint.rgb)};
    struct film_options options = {.folder = scratch, .config = &config, .width = 70, .height = 46};
    struct film_frame frame = make_frame(0, 70, 46, false, true);
    struct film *film;
    begin();
    snprintf(config.video.encoder, sizeof config.video.encoder, "none");
    UNIT_OK(film_create(&film, &options));
    UNIT_OK(film_add(film, &frame));
    UNIT_OK(checkpoint_write(in_scratch("kept"), &checkpoint, film_save, film));
    checkpoint_destroy(&checkpoint);
    UNIT_OK(finish(&film));
    UNIT_OK(checkpoint_read(in_scratch("kept"), &limits, &checkpoint));
    options.width = WIDTH;
    options.height = HEIGHT;
    options.saved = &checkpoint.rest;
    CU_ASSERT_EQUAL(film_create(&film, &options), STATUS_FORMAT);
    CU_ASSERT_PTR_NOT_NULL(strstr(status_message(), "10 x 7"));
    checkpoint_destroy(&checkpoint);
    scratch_remove();
}

// What a film that is left has made so far stays, and no video is there.
static void test_left(void)
{
    begin();
    config.frames.png = true;
    struct film *film = start(image);
    shoot_some(film, 0, 3);
    film_leave(&film);
    CU_ASSERT_PTR_NULL(film);
    CU_ASSERT_EQUAL(folder_entries(scratch), 2);
    CU_ASSERT_EQUAL(folder_entries(in_scratch("dream")), 3);
    film_leave(&film);
    scratch_remove();
}

static const struct unit_test tests[] = {
    {"saved", test_saved},
    {"saved by another", test_saved_by_another},
    {"left", test_left},
    {"detail", test_detail},
    {"pictures", test_pictures},
    {"maps that do not flicker", test_steady},
    {"maps stay in place", test_maps_stay_in_place},
    {"PNG frames", test_png_frames},
    {"earlier films go", test_earlier_films_go},
    {"other sizes", test_other_sizes},
    {"no frames", test_no_frames},
    {"without an encoder", test_without_an_encoder},
    {"abandoned", test_abandoned},
    {"errors come out", test_errors_come_out},
    {"many frames", test_many_frames},
};
UNIT_MAIN("film", tests)
