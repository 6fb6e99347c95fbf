// SPDX-License-Identifier: MIT
// Going on with an earlier run: which images are done, and what makes its dreams others than those of this one.
#include "coordinator/resume/resume.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/system/log.h"
#include "coordinator/intake/load.h"
#include "coordinator/resume/forget.h"
#include "files.h"
#include "media/video/video.h"
#include "scratch.h"
#include "unit.h"

enum { IMAGES = 3 };

static const struct tile_rules tiles = {.size = 640, .halo = 160, .blend = 32, .stride = 16};
static const char md5[] = "bcbd6486424b2319ff4ef7d526e38f63";
static const char *const names[] = {"a.png", "b\xff.png", "c.png", "d.png"}; // the second is not UTF-8, as file names may be
static char paths[IMAGES + 1][FILE_PATH_MAX];
static char *inputs[IMAGES + 1];
static struct config config;
static bool with_frames;
static const char *source_of_first; // NULL: the path of its picture
static const char *output_of_first; // NULL: as a run would have it

// Image `id` with its dream, as a run writes it.
static struct image_row row_of(int id, int status)
{
    struct image_row row = {.id = id, .status = status};
    struct stat facts;
    void *bytes;
    size_t size;
    image_row_unknown(&row);
    CU_ASSERT_FATAL(stat(paths[id], &facts) == 0);
    UNIT_OK(file_read(paths[id], 1 << 20, &bytes, &size));
    UNIT_OK(bytes_sha256(bytes, size, row.sha256));
    free(bytes);
    row.bytes = (int64_t)size;
    row.modified = load_modified(&facts);
    address_show(&(struct address_key){0}, ".", false, id == 0 && source_of_first ? source_of_first : paths[id], row.source);
    if (status == IMAGE_DONE) {
        snprintf(row.output, sizeof row.output, "%d/dream.png", id);
        if (id == 0 && output_of_first)
            snprintf(row.output, sizeof row.output, "%s", output_of_first);
        UNIT_OK(file_make_folder(in_scratch(id == 0 ? "out/0" : id == 1 ? "out/1" : "out/2")));
        write_text(in_scratch(id == 0 ? "out/0/dream.png" : id == 1 ? "out/1/dream.png" : "out/2/dream.png"), "a dream");
    }
    return row;
}

static struct run_file_header header_of_run(void)
{
    static const char *const hosts[] = {"here"};
    static const int channels[CONFIG_TARGETS_MAX] = {4, 4, 4, 4}, cores[] = {2};
    return (struct run_file_header){.kind = "dream",
                                    .config = &config,
                                    .channels = channels,
                                    .cam_layer = config.targets.items[0].layer,
                                    .weights_md5 = md5,
                                    .weights_source = "none",
                                    .plan = "",
                                    .ranks = 1,
                                    .hosts = hosts,
                                    .cores = cores,
                                    .node_cores = cores,
                                    .workers = 1,
                                    .tiles = &tiles};
}

// A run of these statuses, one an image; -1: it had not come to it.
static void begin(const int statuses[IMAGES])
{
    struct run_file *file;
    CU_ASSERT_FATAL(scratch_create());
    log_set_level(LOG_ERROR);
    config_init(&config);
    config.frames.dream = false;
    config.frames.cam = with_frames;
    for (int i = 0; i <= IMAGES; i++) {
        snprintf(paths[i], sizeof paths[i], "%s/%s", scratch, names[i]);
        inputs[i] = paths[i];
        write_text(paths[i], i == 0 ? "picture a" : "picture b");
    }
    UNIT_OK(file_make_folder(in_scratch("out")));
    const struct run_file_header header = header_of_run();
    UNIT_OK(run_file_create(&file, in_scratch("out/run.h5"), &header, NULL));
    for (int i = 0; i < IMAGES; i++)
        if (statuses[i] >= 0) {
            const struct image_row row = row_of(i, statuses[i]);
            UNIT_OK(run_file_add_image(file, &row, NULL, NULL));
        }
    UNIT_OK(run_file_close(&file, true));
}

static enum status go_on(struct resume **resume, enum config_use use, int count)
{
    char output[FILE_PATH_MAX];
    snprintf(output, sizeof output, "%s/out", scratch);
    return resume_create(resume,
                         &(struct resume_options){.output = output, .use = use, .config = &config, .inputs = inputs, .input_count = count});
}

// done: a letter for each id: x, done; m, done, but its input is missing; -, to do. counts: as resume_describe() says them.
static void expect(int count, const char *done, const char *counts, bool complete)
{
    struct resume *resume;
    char text[256];
    UNIT_OK(go_on(&resume, CONFIG_DREAM, count));
    const struct run_earlier *earlier = &resume->earlier;
    for (int i = 0; done[i]; i++) {
        CU_ASSERT_EQUAL(resume_is_done(resume, i), done[i] != '-');
        CU_ASSERT_EQUAL(earlier->keep(earlier->context, i), done[i] != '-');
        CU_ASSERT_EQUAL(earlier->is_missing(earlier->context, i), done[i] == 'm');
    }
    CU_ASSERT(!resume_is_done(resume, -1) && !resume_is_done(resume, 1000));
    resume_describe(resume, text, sizeof text);
    CU_ASSERT_STRING_EQUAL(text, counts);
    CU_ASSERT_EQUAL(resume->complete, complete);
    CU_ASSERT_EQUAL(resume->tiles.size, tiles.size);
    resume_destroy(&resume);
}

static void refuse(enum config_use use, int count, const char *words)
{
    struct resume *resume;
    UNIT_FAILS(go_on(&resume, use, count), STATUS_USAGE, words);
    CU_ASSERT_PTR_NULL(resume);
}

// A run without a dream is begun anew, whatever its settings were, but for parts of dreams.
static void expect_nothing(const int statuses[IMAGES])
{
    struct resume *resume;
    begin(statuses);
    config.steps++;
    UNIT_OK(go_on(&resume, CONFIG_EXPLAIN, 3));
    CU_ASSERT_PTR_NULL(resume);
    UNIT_OK(file_make_folder(in_scratch("out/checkpoints")));
    write_text(in_scratch("out/checkpoints/0123456789abcdef0123456789abcde"), "a digit less");
    UNIT_OK(go_on(&resume, CONFIG_DREAM, 3));
    CU_ASSERT_PTR_NULL(resume);
    write_text(in_scratch("out/checkpoints/0123456789abcdef0123456789abcdef"), "a part");
    refuse(CONFIG_DREAM, 3, "steps was ");
    config.steps--;
    char text[256];
    UNIT_OK(go_on(&resume, CONFIG_DREAM, 3)); // whose it is shows when its picture has been read
    resume_describe(resume, text, sizeof text);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, " (1 goes on from a checkpoint)"));
    resume_destroy(&resume);
    scratch_remove();
}

static void test_what_is_done(void)
{
    begin((const int[]){IMAGE_DONE, IMAGE_DONE, IMAGE_DONE});
    expect(3, "xxx", "3 done", true);
    expect(4, "xxx-", "3 done, 1 new", false);
    CU_ASSERT(unlink(in_scratch("out/1/dream.png")) == 0);
    expect(3, "x-x", "2 done, 1 with files missing", false);
    scratch_remove();
    begin((const int[]){IMAGE_DONE, -1, IMAGE_STOPPED});
    expect(3, "x--", "1 done, 1 new, 1 unfinished", false);
    scratch_remove();
    begin((const int[]){IMAGE_FAILED, IMAGE_DONE, IMAGE_DONE});
    expect(3, "-xx", "2 done, 1 failed before", false);
    scratch_remove();
    expect_nothing((const int[]){-1, -1, -1});
    expect_nothing((const int[]){IMAGE_FAILED, -1, IMAGE_FAILED});
}

// What a picture's folder held is made again.
static void test_lost_files(void)
{
    char encoder[VIDEO_ENCODER_MAX];
    with_frames = true;
    begin((const int[]){IMAGE_DONE, IMAGE_DONE, IMAGE_DONE});
    with_frames = false;
    if (video_check(config.video.encoder, encoder) == STATUS_OK) {
        write_text(in_scratch("out/0/cam.mp4"), "a video");
        write_text(in_scratch("out/2/cam.mp4"), "a video");
        expect(3, "x-x", "2 done, 1 with files missing", false);
    }
    scratch_remove();
}

// Whatever has been added, taken away, or named wrongly since.
static void test_other_inputs(void)
{
    begin((const int[]){IMAGE_DONE, IMAGE_DONE, IMAGE_FAILED});
    char *const first = inputs[0], *const second = inputs[1], *const third = inputs[2];
    inputs[0] = paths[3];
    inputs[1] = first;
    inputs[2] = second;
    expect(3, "xx-", "2 done, 1 new", false); // what failed is forgotten
    inputs[0] = second;
    expect(1, "xx-", "1 done, 1 not named this time: its dream stays", false);
    inputs[0] = third;
    expect(1, "xx-", "1 failed before, 2 not named this time: their dreams stay", false);
    CU_ASSERT(unlink(first) == 0);
    expect(1, "mx-", "1 failed before, 1 whose picture is gone, 1 not named this time: their dreams stay", false);
    inputs[0] = first; // still named
    inputs[1] = second;
    expect(2, "mx-", "1 done, 1 whose picture is gone: its dream stays", false);
    scratch_remove();
}

// Bytes of a picture, and the time of the last change of its file, `seconds` after now.
static void change(int image, const char *text, time_t seconds)
{
    const struct timespec times[] = {{.tv_sec = time(NULL) + seconds}, {.tv_sec = time(NULL) + seconds}};
    write_text(paths[image], text);
    CU_ASSERT_FATAL(utimensat(AT_FDCWD, paths[image], times, 0) == 0);
}

static void test_other_pictures(void)
{
    begin((const int[]){IMAGE_DONE, IMAGE_DONE, IMAGE_STOPPED});
    change(0, "picture a", 60); // the same, a newer file
    expect(3, "xx-", "2 done, 1 unfinished", false);
    change(2, "another picture", 60); // which is not done: its checkpoint will not be found
    expect(3, "xx-", "2 done, 1 unfinished", false);
    change(0, "picture z", 60); // of the same size
    expect(3, "-x-", "1 done, 1 changed, 1 unfinished", false);
    change(0, "a longer picture", 60);
    expect(3, "-x-", "1 done, 1 changed, 1 unfinished", false);
    change(0, "picture z", 60);
    config.input.max_bytes = 4; // which does not matter to dreams: the file cannot be read
    expect(3, "mx-", "1 done, 1 unfinished, 1 whose picture is gone: its dream stays", false);
    CU_ASSERT(unlink(paths[0]) == 0 && symlink("nowhere", paths[0]) == 0); // as a folder has it
    expect(3, "mx-", "1 done, 1 unfinished, 1 whose picture is gone: its dream stays", false);
    scratch_remove();
}

// A session that ends, or is killed, at once after its run file is there: what the rows it dropped were of is still known.
static void end_at_once(int count, bool complete)
{
    struct run_file *file;
    struct resume *resume;
    const struct run_file_header header = header_of_run();
    UNIT_OK(go_on(&resume, CONFIG_DREAM, count));
    UNIT_OK(run_file_create(&file, in_scratch("out/run.h5"), &header, &resume->earlier));
    resume_destroy(&resume);
    UNIT_OK(run_file_close(&file, complete));
}

static void test_remembered(void)
{
    struct resume *resume;
    begin((const int[]){IMAGE_DONE, IMAGE_DONE, IMAGE_DONE});
    change(0, "another picture", 60);
    change(1, "another picture", 60);
    UNIT_OK(go_on(&resume, CONFIG_DREAM, 3));
    struct image_row failed = {.id = 1, .status = IMAGE_FAILED}, unknown = {.id = 7, .status = IMAGE_FAILED};
    resume_written(resume, &failed);
    resume_written(resume, &unknown);
    CU_ASSERT_STRING_EQUAL(failed.output, "1/dream.png"); // the old dream, which is there
    CU_ASSERT_STRING_EQUAL(unknown.output, "");
    resume_destroy(&resume);
    for (int i = 0; i < 2; i++) {
        end_at_once(3, false);
        expect(3, "--x", "1 done, 2 changed", false);
    }
    change(0, "picture a", 60); // as it was: but its steps are gone
    expect(3, "--x", "1 done, 2 changed", false);
    config.steps++;
    refuse(CONFIG_DREAM, 3, "steps was ");
    config.steps--;
    inputs[0] = paths[2]; // the others are not named: they are remembered all the same
    end_at_once(1, true);
    UNIT_OK(go_on(&resume, CONFIG_DREAM, 1));
    CU_ASSERT(resume->complete && resume->past.count == 3 && !resume->known.items[0].left_out);
    resume_destroy(&resume);
    inputs[0] = paths[0];
    UNIT_OK(forget_run(in_scratch("out")));
    CU_ASSERT(access(in_scratch("out/0"), F_OK) != 0 && access(in_scratch("out/1"), F_OK) != 0 && access(in_scratch("out/2"), F_OK) != 0);
    scratch_remove();
}

// From another working folder, or without the disk: nobody knows what has become of it.
static void test_elsewhere(void)
{
    source_of_first = "no-such-folder/a.png";
    begin((const int[]){IMAGE_DONE, IMAGE_DONE, IMAGE_DONE});
    char *const first = inputs[0];
    inputs[0] = paths[1];
    inputs[1] = paths[2];
    expect(2, "xxx", "2 done, 1 not named this time: its dream stays", true);
    inputs[0] = first;
    source_of_first = NULL;
    scratch_remove();
}

// No folder but those below the output folder.
static void test_other_folders(void)
{
    static const char *const outputs[] = {"../0/dream.png", "/tmp/dream.png", "./dream.png", "a/../../dream.png"};
    struct resume *resume;
    for (size_t i = 0; i < sizeof outputs / sizeof outputs[0]; i++) {
        output_of_first = outputs[i];
        begin((const int[]){IMAGE_DONE, -1, -1});
        UNIT_FAILS(go_on(&resume, CONFIG_DREAM, 3), STATUS_FORMAT, "the file is damaged");
        scratch_remove();
    }
    output_of_first = NULL;
}

static void test_other_runs(void)
{
    struct resume *resume;
    begin((const int[]){IMAGE_DONE, IMAGE_DONE, IMAGE_DONE});
    refuse(CONFIG_EXPLAIN, 3, "is of `oneiros dream`");
    config.steps++;
    refuse(CONFIG_DREAM, 3, "steps was ");
    config.steps--;
    config.threads = 3; // does not matter to a dream
    UNIT_OK(go_on(&resume, CONFIG_DREAM, 3));
    UNIT_OK(resume_check(resume, md5, &tiles));
    UNIT_FAILS(resume_check(resume, "0", &tiles), STATUS_USAGE, "of other weights");
    for (int k = 0; k < 3; k++) {
        struct tile_rules others = tiles;
        *(k == 0 ? &others.size : k == 1 ? &others.halo : &others.blend) += 16;
        UNIT_FAILS(resume_check(resume, md5, &others), STATUS_USAGE, "is of tiles of 640 pixels with a halo of 160 and a blend of 32");
    }
    resume_destroy(&resume);
    write_text(in_scratch("out/run.h5"), "no run file");
    UNIT_FAILS(go_on(&resume, CONFIG_DREAM, 3), STATUS_FORMAT, "--force begins anew");
    scratch_remove();
}

static const struct unit_test tests[] = {
    {"what is done", test_what_is_done},     {"lost files", test_lost_files},       {"other inputs", test_other_inputs},
    {"other pictures", test_other_pictures}, {"other folders", test_other_folders}, {"other runs", test_other_runs},
    {"remembered", test_remembered},         {"elsewhere", test_elsewhere},
};
UNIT_MAIN("going on with a run", tests)
