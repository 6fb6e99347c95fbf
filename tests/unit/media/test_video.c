// SPDX-License-Identifier: MIT
// Videos that FFmpeg's own programs judge.
#include "media/video/video.h"

#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/system/file.h"
#include "media/picture/codec.h"
#include "scratch.h"
#include "videos.h"

enum { WIDTH = 160, HEIGHT = 96, FRAMES = 10, FRAME = WIDTH * HEIGHT * 3 };

static void begin(void)
{
    CU_ASSERT_FATAL(scratch_create());
}

static struct video_options options_for(const char *path)
{
    return (struct video_options){
        .path = path, .width = WIDTH, .height = HEIGHT, .rate = 12.5, .hold = 0.4, .quality = 18, .encoder = "auto"};
}

// Smooth, different in every frame.
static void draw(uint8_t *rgb, int frame)
{
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++)
            for (int c = 0; c < 3; c++)
                rgb[(y * WIDTH + x) * 3 + c] =
                    (uint8_t)lround(128 + 100 * sin(x / 25.0 + c + frame * 0.3) * cos(y / 20.0 - c * 0.5 + frame * 0.1));
}

static void make(const struct video_options *options, int frames)
{
    struct video *video;
    uint8_t *rgb = malloc(FRAME);
    UNIT_OK(video_create(&video, options));
    for (int i = 0; i < frames; i++) {
        draw(rgb, i);
        UNIT_OK(video_add(video, rgb));
    }
    UNIT_OK(video_finish(&video));
    CU_ASSERT_PTR_NULL(video);
    free(rgb);
}

static void expect_entry(const char *path, const char *entry, const char *expected)
{
    const char *found = video_entry(path, entry);
    if (strcmp(found, expected) != 0)
        printf("\n%s: %s, not %s\n", entry, found, expected);
    CU_ASSERT_STRING_EQUAL(found, expected);
}

static void test_check(void)
{
    char name[VIDEO_ENCODER_MAX], again[VIDEO_ENCODER_MAX];
    UNIT_OK(video_check("auto", name));
    CU_ASSERT(name[0] != '\0');
    UNIT_OK(video_check(name, again));
    CU_ASSERT_STRING_EQUAL(again, name);
    static const char *const wrong[][2] = {{"h263", "H.264"}, {"png", "H.264"}, {"x264", "no encoder 'x264'"}, {"", "no encoder"}};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        CU_ASSERT_EQUAL(video_check(wrong[i][0], name), STATUS_UNSUPPORTED);
        CU_ASSERT_PTR_NOT_NULL(strstr(status_message(), wrong[i][1]));
        CU_ASSERT_PTR_NOT_NULL(strstr(status_message(), "video.encoder"));
        CU_ASSERT_STRING_EQUAL(name, "");
    }
    // Listed, for hardware that may not be there: it works, or the message says that it does not.
    if (video_check("h264_v4l2m2m", name) != STATUS_OK)
        CU_ASSERT_PTR_NOT_NULL(strstr(status_message(), "h264_v4l2m2m"));
}

static void test_format(void)
{
    begin();
    const char *path = in_scratch("a.mp4");
    struct video_options options = options_for(path);
    make(&options, FRAMES);
    CU_ASSERT_EQUAL(folder_entries(scratch), 1);
    static const char *const expected[][2] = {{"codec_name", "h264"},
                                              {"pix_fmt", "yuv420p"},
                                              {"width", "160"},
                                              {"height", "96"},
                                              {"color_range", "tv"},
                                              {"color_space", "bt709"},
                                              {"color_transfer", "bt709"},
                                              {"color_primaries", "bt709"},
                                              {"chroma_location", "left"},
                                              {"r_frame_rate", "25/2"},
                                              {"avg_frame_rate", "25/2"},
                                              {"nb_frames", "15"}, // 0.4 s of 12.5 a second are 5 more
                                              {"nb_read_frames", "15"},
                                              {"start_time", "0.000000"},
                                              {"duration", "1.200000"}};
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++)
        expect_entry(path, expected[i][0], expected[i][1]);
    scratch_remove();
}

static void test_rates(void)
{
    static const struct {
        double rate, hold;
        int frames;
        const char *as, *duration;
    } known[] = {{0.1, 0, 1, "1/10", "10.000000"},
                 {24, 0, 48, "24/1", "2.000000"},
                 {29.97, 1, 2, "2997/100", "1.067734"},
                 {240, 0.5, 120, "240/1", "1.000000"}};
    begin();
    const char *path = in_scratch("a.mp4");
    struct video_options options = options_for(path);
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        options.rate = known[i].rate;
        options.hold = known[i].hold;
        make(&options, known[i].frames); // replaces the last
        expect_entry(path, "avg_frame_rate", known[i].as);
        CU_ASSERT_DOUBLE_EQUAL(strtod(video_entry(path, "duration"), NULL), strtod(known[i].duration, NULL), 1e-3);
        CU_ASSERT_EQUAL(video_frames(path), known[i].frames + lround(known[i].hold * known[i].rate));
    }
    CU_ASSERT_EQUAL(folder_entries(scratch), 1);
    scratch_remove();
}

// In order and each as it was, within a segment and where segments meet.
static void test_frames_come_back(void)
{
    static const int lengths[] = {1, FRAMES, 12, 13, 14, 40};
    begin();
    const char *path = in_scratch("a.mp4");
    struct video_options options = options_for(path);
    uint8_t *rgb = malloc(FRAME);
    for (size_t k = 0; k < sizeof lengths / sizeof lengths[0]; k++) {
        make(&options, lengths[k]);
        int count;
        uint8_t *frames = video_decode(path, WIDTH, HEIGHT, &count);
        CU_ASSERT_EQUAL_FATAL(count, lengths[k] + 5);
        for (int i = 0; i < count; i++) {
            draw(rgb, i < lengths[k] ? i : lengths[k] - 1);
            CU_ASSERT(video_psnr(rgb, frames + (size_t)i * FRAME, FRAME) > 33);
        }
        free(frames);
    }
    free(rgb);
    scratch_remove();
}

// A key frame a second, and none in the picture that is held at the end.
static void test_key_frames(void)
{
    char command[FILE_PATH_MAX + 128], line[32];
    begin();
    const char *path = in_scratch("a.mp4");
    struct video_options options = options_for(path);
    options.rate = 12;
    options.hold = 2;
    make(&options, 36);
    snprintf(command, sizeof command, "ffprobe -v error -select_streams v -show_entries packet=pts_time,flags -of csv=p=0 '%s' | sort -n",
             path);
    FILE *pipe = popen(command, "r");
    CU_ASSERT_PTR_NOT_NULL_FATAL(pipe);
    int count = 0;
    for (; fgets(line, sizeof line, pipe); count++)
        CU_ASSERT_EQUAL(strstr(line, ",K") != NULL, count < 36 && count % 12 == 0);
    CU_ASSERT_EQUAL(pclose(pipe), 0);
    CU_ASSERT_EQUAL(count, 36 + 24);
    scratch_remove();
}

static void add(struct video *video, int first, int end)
{
    uint8_t *rgb = malloc(FRAME);
    for (int i = first; i < end; i++) {
        draw(rgb, i);
        UNIT_OK(video_add(video, rgb));
    }
    free(rgb);
}

// A video of `frames`, saved into memory.
static struct record_reader save(const struct video_options *options, int frames, void **memory)
{
    struct video *video;
    struct record_writer writer;
    size_t size;
    UNIT_OK(video_create(&video, options));
    add(video, 0, frames);
    UNIT_OK(record_create_in_memory(&writer));
    video_save(video, &writer);
    UNIT_OK(record_take(&writer, memory, &size));
    video_abandon(&video);
    return (struct record_reader){.bytes = *memory, .left = size};
}

static bool same_files(const char *a, const char *b)
{
    void *bytes[2];
    size_t sizes[2];
    UNIT_OK(file_read(a, 1 << 30, &bytes[0], &sizes[0]));
    UNIT_OK(file_read(b, 1 << 30, &bytes[1], &sizes[1]));
    const bool same = sizes[0] == sizes[1] && memcmp(bytes[0], bytes[1], sizes[0]) == 0;
    free(bytes[0]);
    free(bytes[1]);
    return same;
}

// Saved after any number of frames and gone on with: the same bytes.
static void test_saved(void)
{
    enum { ALL = 28 };
    static const double rates[] = {12.5, 1, 6};
    begin();
    const char *whole = in_scratch("whole.mp4");
    const char *path = in_scratch("a.mp4");
    for (size_t k = 0; k < sizeof rates / sizeof rates[0]; k++) {
        struct video_options options = options_for(whole);
        options.rate = rates[k];
        make(&options, ALL);
        options.path = path;
        for (int frames = 0; frames <= ALL; frames += k == 0 ? 1 : 5) { // 5 comes to any place in segments of 4 and 6
            struct video *video;
            void *memory;
            struct record_reader reader = save(&options, frames, &memory);
            UNIT_OK(video_create(&video, &options));
            UNIT_OK(video_load(video, &reader));
            CU_ASSERT_EQUAL(reader.left, 0);
            free(memory);
            add(video, frames, ALL);
            UNIT_OK(video_finish(&video));
            CU_ASSERT(same_files(path, whole));
        }
    }
    scratch_remove();
}

static void expect_refused(const struct video_options *options, const void *bytes, size_t size, const char *words)
{
    struct record_reader reader = {.bytes = bytes, .left = size};
    struct video *video;
    UNIT_OK(video_create(&video, options));
    CU_ASSERT_EQUAL(video_load(video, &reader), STATUS_FORMAT);
    CU_ASSERT_PTR_NOT_NULL(strstr(status_message(), words));
    video_abandon(&video);
}

// Whatever the bytes of a saved video are, loading them ends with a status.
static void test_saved_damaged(void)
{
    struct video *video;
    void *memory;
    uint32_t dice = 5;
    begin();
    struct video_options options = options_for(in_scratch("a.mp4"));
    const struct record_reader all = save(&options, 17, &memory);
    for (size_t length = 0; length < all.left; length += length < 200 ? 1 : all.left / 37)
        expect_refused(&options, all.bytes, length, "");
    uint8_t *copy = malloc(all.left);
    for (int i = 0; i < 300; i++) {
        struct record_reader reader = {copy, all.left};
        memcpy(copy, all.bytes, all.left);
        dice = dice * 1664525u + 1013904223u;
        copy[i < 200 ? (dice >> 8) % 128 : (dice >> 8) % all.left] ^= (uint8_t)(1 + (dice >> 24) % 255);
        UNIT_OK(video_create(&video, &options));
        if (video_load(video, &reader) == STATUS_OK)
            add(video, 0, 3);
        video_abandon(&video);
    }
    // The last frame is always kept as it came, to be held: the packets alone are no video.
    memcpy(copy, all.bytes, all.left);
    enum { LENGTH = sizeof(uint64_t) }; // before each record
    memset(copy + LENGTH + VIDEO_ENCODER_MAX + 3 * sizeof(int32_t), 0, sizeof(int32_t));
    expect_refused(&options, copy, all.left, "");
    // A flag of the first packet that no encoder sets: libavformat takes its bytes for a pointer to a frame.
    memcpy(copy, all.bytes, all.left);
    copy[2 * LENGTH + VIDEO_ENCODER_MAX + 4 * sizeof(int32_t) + 4 * sizeof(int64_t) + 1] |= 0x20;
    expect_refused(&options, copy, all.left, "flags 0x200");
    options.width = 2 * WIDTH;
    expect_refused(&options, all.bytes, all.left, "160 x 96");
    free(copy);
    free(memory);
    scratch_remove();
}

enum { BANDS = 7, BAND = WIDTH / BANDS };
static const int colours[BANDS][3] = {{255, 0, 0}, {0, 255, 0}, {0, 0, 255}, {128, 128, 128}, {255, 255, 255}, {0, 0, 0}, {20, 140, 90}};

static void expect_bands(const uint8_t *frame)
{
    for (int k = 0; k < BANDS; k++)
        for (int c = 0; c < 3; c++)
            for (int y = 8; y < HEIGHT; y += 16)
                CU_ASSERT(abs(frame[(y * WIDTH + k * BAND + BAND / 2) * 3 + c] - colours[k][c]) <= 6);
}

// Colours survive only if the conversion is the one that the tags announce: green is 20 off where BT.601 and BT.709 are mixed up.
static void test_colours(void)
{
    begin();
    const char *path = in_scratch("a.mp4");
    struct video_options options = options_for(path);
    options.hold = 0;
    struct video *video;
    uint8_t *rgb = malloc(FRAME);
    UNIT_OK(video_create(&video, &options));
    for (int i = 0; i < FRAME; i++) {
        const int x = i / 3 % WIDTH / BAND;
        rgb[i] = (uint8_t)colours[x < BANDS ? x : BANDS - 1][i % 3];
    }
    UNIT_OK(video_add(video, rgb));
    UNIT_OK(video_finish(&video));
    int count;
    uint8_t *frames = video_decode(path, WIDTH, HEIGHT, &count);
    CU_ASSERT_EQUAL_FATAL(count, 1);
    expect_bands(frames);
    const struct image_limits limits = {.side = WIDTH, .pixels = 1000000}, narrow = {.side = WIDTH - 1, .pixels = 1000000};
    struct image first; // as we read it ourselves
    UNIT_OK(video_first_frame(path, &limits, &first));
    CU_ASSERT_FATAL(first.width == WIDTH && first.height == HEIGHT);
    codec_to_bytes(first.rgb, WIDTH * HEIGHT, rgb);
    expect_bands(rgb);
    image_destroy(&first);
    CU_ASSERT_EQUAL(video_first_frame(path, &narrow, &first), STATUS_LIMIT);
    CU_ASSERT_EQUAL(video_first_frame(in_scratch("no.mp4"), &limits, &first), STATUS_FORMAT);
    free(frames);
    free(rgb);
    scratch_remove();
}

// Where the box `name` begins among the outermost ones; -1 if there is none.
static long box_offset(const uint8_t *bytes, size_t size, const char *name)
{
    for (size_t at = 0; at + 8 <= size;) {
        const size_t length = (size_t)bytes[at] << 24 | (size_t)bytes[at + 1] << 16 | (size_t)bytes[at + 2] << 8 | bytes[at + 3];
        if (memcmp(bytes + at + 4, name, 4) == 0)
            return (long)at;
        if (length < 8)
            break;
        at += length;
    }
    return -1;
}

static void test_same_bytes_and_index_first(void)
{
    void *first, *second;
    size_t first_size, second_size;
    begin();
    char *folder = getcwd(NULL, 0);
    CU_ASSERT_FATAL(folder && chdir(scratch) == 0);
    const char *path = "pipe:1"; // not a protocol of FFmpeg
    struct video_options options = options_for(path);
    make(&options, FRAMES);
    UNIT_OK(file_read(path, 1 << 24, &first, &first_size));
    sleep(1); // a time in the file would differ
    make(&options, FRAMES);
    UNIT_OK(file_read(path, 1 << 24, &second, &second_size));
    CU_ASSERT_EQUAL_FATAL(first_size, second_size);
    CU_ASSERT(memcmp(first, second, first_size) == 0);
    const long index = box_offset(first, first_size, "moov"), data = box_offset(first, first_size, "mdat");
    CU_ASSERT(index > 0 && data > 0 && index < data);
    free(first);
    free(second);
    CU_ASSERT_EQUAL_FATAL(chdir(folder), 0);
    free(folder);
    scratch_remove();
}

static void test_quality(void)
{
    long sizes[3];
    begin();
    const char *path = in_scratch("a.mp4");
    struct video_options options = options_for(path);
    for (int i = 0; i < 3; i++) {
        void *bytes;
        size_t size;
        options.quality = 10 + 15 * i;
        make(&options, FRAMES);
        UNIT_OK(file_read(path, 1 << 24, &bytes, &size));
        free(bytes);
        sizes[i] = (long)size;
    }
    CU_ASSERT(sizes[0] > sizes[1] && sizes[1] > sizes[2]);
    scratch_remove();
}

static void test_refused(void)
{
    static const int sizes[][2] = {{0, 0}, {161, 96}, {160, 95}, {-2, 96}, {160, 0}, {1, 1}};
    struct video *video;
    begin();
    const char *path = in_scratch("a.mp4");
    struct video_options options = options_for(path);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        options.width = sizes[i][0];
        options.height = sizes[i][1];
        CU_ASSERT_EQUAL(video_create(&video, &options), STATUS_UNSUPPORTED);
        CU_ASSERT_PTR_NULL(video);
        CU_ASSERT_PTR_NOT_NULL(strstr(status_message(), "even"));
    }
    options = options_for(path);
    options.encoder = "no such encoder";
    CU_ASSERT_EQUAL(video_create(&video, &options), STATUS_UNSUPPORTED);
    CU_ASSERT_PTR_NOT_NULL(strstr(status_message(), "no such encoder"));

    UNIT_OK(video_create(&video, &(struct video_options){path, 64, 64, 12, 1, 20, "auto"}));
    CU_ASSERT_EQUAL(folder_entries(scratch), 0);
    CU_ASSERT_NOT_EQUAL(access(path, F_OK), 0);
    CU_ASSERT_NOT_EQUAL(video_finish(&video), STATUS_OK); // no frame
    CU_ASSERT_PTR_NULL(video);
    CU_ASSERT_EQUAL(folder_entries(scratch), 0);

    options = options_for(in_scratch("no/folder.mp4"));
    CU_ASSERT_EQUAL(video_create(&video, &options), STATUS_IO);
    CU_ASSERT_PTR_NOT_NULL(strstr(status_message(), "no/folder.mp4"));
    CU_ASSERT_EQUAL(folder_entries(scratch), 0);
    scratch_remove();
}

static void test_abandoned(void)
{
    struct video *video;
    uint8_t *rgb = calloc(1, FRAME);
    begin();
    const char *path = in_scratch("a.mp4");
    struct video_options options = options_for(path);
    UNIT_OK(video_create(&video, &options));
    for (int i = 0; i < 30; i++)
        UNIT_OK(video_add(video, rgb));
    video_abandon(&video);
    CU_ASSERT_PTR_NULL(video);
    video_abandon(&video);
    CU_ASSERT_EQUAL(folder_entries(scratch), 0);
    free(rgb);
    scratch_remove();
}

// Frames of noise into a file that may not grow beyond `limit` bytes, as on a full disk; how far it came is the file system's affair.
static void fill(const char *path, rlim_t limit, int frames)
{
    struct rlimit before, full;
    struct video *video;
    uint8_t *rgb = malloc(FRAME);
    uint32_t state = 1;
    CU_ASSERT_EQUAL_FATAL(getrlimit(RLIMIT_FSIZE, &before), 0);
    full = (struct rlimit){limit, before.rlim_max};
    struct video_options options = options_for(path);
    UNIT_OK(video_create(&video, &options));
    CU_ASSERT_EQUAL_FATAL(setrlimit(RLIMIT_FSIZE, &full), 0);
    enum status rc = STATUS_OK;
    for (int i = 0; i < frames && rc == STATUS_OK; i++) {
        for (int k = 0; k < FRAME; k++)
            rgb[k] = (uint8_t)((state = state * 1664525u + 1013904223u) >> 24);
        rc = video_add(video, rgb);
    }
    if (rc == STATUS_OK)
        rc = video_finish(&video);
    else
        video_abandon(&video);
    CU_ASSERT_EQUAL_FATAL(setrlimit(RLIMIT_FSIZE, &before), 0);
    CU_ASSERT_EQUAL(rc, STATUS_IO);
    CU_ASSERT_PTR_NOT_NULL(strstr(status_message(), "a.mp4"));
    CU_ASSERT_PTR_NOT_NULL(strstr(status_message(), "File too large"));
    free(rgb);
}

static void test_full_disk(void)
{
    begin();
    signal(SIGXFSZ, SIG_IGN);
    const char *path = in_scratch("a.mp4");
    fill(path, 100000, 60);
    CU_ASSERT_EQUAL(folder_entries(scratch), 0);
    fill(path, 1000, 1); // seen at the end only
    CU_ASSERT_EQUAL(folder_entries(scratch), 0);
    scratch_remove();
}

static const struct unit_test tests[] = {
    {"check", test_check},
    {"format", test_format},
    {"rates", test_rates},
    {"frames come back", test_frames_come_back},
    {"key frames", test_key_frames},
    {"saved", test_saved},
    {"saved and damaged", test_saved_damaged},
    {"colours", test_colours},
    {"same bytes, index first", test_same_bytes_and_index_first},
    {"quality", test_quality},
    {"refused", test_refused},
    {"abandoned", test_abandoned},
    {"full disk", test_full_disk},
};
UNIT_MAIN("video", tests)
