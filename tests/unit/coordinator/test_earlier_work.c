// SPDX-License-Identifier: MIT
// What earlier sessions have done, from rows and checkpoints, as a progress has it.
#include "coordinator/resume/earlier_work.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "checkpoints.h"
#include "common/picture/geometry.h"
#include "files.h"
#include "unit.h"

enum { WIDTH = 401, HEIGHT = 300, STEPS = 7, OCTAVES = 3 };
static struct octave octaves[GEOMETRY_OCTAVES_MAX];

static double work_of(const struct config *c, enum job_kind job, int width, int height)
{
    (void)job;
    struct octave of[GEOMETRY_OCTAVES_MAX];
    return c->steps * geometry_pixels(of, geometry_octaves(width, height, &c->octaves, of));
}

static const struct run_setup setup = {.use = CONFIG_DREAM, .work = work_of, .config = &config, .output = scratch};

static void begin(void)
{
    begin_checkpoints();
    config.steps = STEPS;
    config.octaves.count = OCTAVES;
    CU_ASSERT_EQUAL_FATAL(geometry_octaves(WIDTH, HEIGHT, &config.octaves, octaves), OCTAVES);
}

static void save(char letter, int octave, int step)
{
    static float rgb[3 * WIDTH * HEIGHT];
    struct checkpoint checkpoint = {.state = {.octave = octave,
                                              .step = step,
                                              .width = octaves[octave].width,
                                              .height = octaves[octave].height,
                                              .full_width = WIDTH,
                                              .full_height = HEIGHT},
                                    .rgb = rgb};
    char path[FILE_PATH_MAX];
    memset(checkpoint.sha256, letter, 64);
    UNIT_OK(checkpoint_folder_path(&checkpoints, digest(letter), path));
    UNIT_OK(checkpoint_write(path, &checkpoint, NULL, NULL));
}

static double done(int octave, int step)
{
    return STEPS * geometry_pixels(octaves, octave) + step * geometry_pixels(octaves + octave, 1);
}

static void expect_near(double found, double expected)
{
    CU_ASSERT_DOUBLE_EQUAL(found, expected, 0.01 * expected + 1e-9); // sizes of octaves are rounded
}

static void test_checkpoints(void)
{
    struct earlier_work earlier = {0};
    struct resume resume = {0};
    struct progress *progress;
    begin();
    UNIT_OK(progress_create(&progress, 4, LOG_ERROR, STDERR_FILENO));
    save('a', 0, 3);
    save('b', 1, 5);
    save('c', 2, 7);
    write_text(in_scratch("checkpoints/dddddddddddddddddddddddddddddddd"), "no checkpoint");
    mkfifo(in_scratch("checkpoints/eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee"), 0600); // which is not waited for
    earlier_work_count(&earlier, NULL, &setup, progress);                     // a new run
    CU_ASSERT(progress_now(progress).saved == 0 && earlier.count == 0);
    earlier_work_count(&earlier, &resume, &setup, progress);
    struct progress_state state = progress_now(progress);
    expect_near(state.saved, done(0, 3) + done(1, 5) + done(2, 7));
    expect_near(state.expected, work_of(&config, JOB_DREAM, WIDTH, HEIGHT));
    CU_ASSERT(progress_fraction(&state) > 0.2 && progress_fraction(&state) < 0.6);
    expect_near(earlier_work_see(&earlier, digest('b'), progress), done(1, 5));
    CU_ASSERT_EQUAL(earlier_work_see(&earlier, digest('b'), progress), 0);
    CU_ASSERT_EQUAL(earlier_work_see(&earlier, "", progress), 0); // of what could not be read
    expect_near(progress_now(progress).saved, done(0, 3) + done(2, 7));
    expect_near(earlier_work_see(&earlier, digest('c'), progress) + earlier_work_see(&earlier, digest('a'), progress),
                done(0, 3) + done(2, 7));
    CU_ASSERT_EQUAL(progress_now(progress).saved, 0);
    earlier_work_destroy(&earlier);
    progress_destroy(&progress);
    end();
}

// States that no dream of these settings has.
static void test_nonsense(void)
{
    static const struct dream_state states[] = {
        {.octave = INT32_MIN, .full_width = 300, .full_height = 300}, {.octave = OCTAVES, .full_width = 300, .full_height = 300},
        {.octave = INT32_MAX, .full_width = 300, .full_height = 300}, {.octave = 0, .full_width = -5, .full_height = 300},
        {.octave = 0, .full_width = 300, .full_height = 0},           {.step = STEPS + 1, .full_width = 300, .full_height = 300},
        {.step = -1, .full_width = 300, .full_height = 300},
    };
    struct earlier_work earlier = {0};
    struct resume resume = {0};
    struct progress *progress;
    char path[FILE_PATH_MAX];
    begin();
    UNIT_OK(progress_create(&progress, 4, LOG_ERROR, STDERR_FILENO));
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        save('a', 0, 0);
        UNIT_OK(checkpoint_folder_path(&checkpoints, digest('a'), path));
        FILE *file = fopen(path, "r+");
        CU_ASSERT_FATAL(file && fseek(file, 2 * sizeof(uint64_t) + 16 + 32 + 65, SEEK_SET) == 0); // behind the head
        CU_ASSERT_EQUAL(fwrite(&states[i], sizeof states[i], 1, file), 1);
        fclose(file);
        earlier_work_count(&earlier, &resume, &setup, progress);
        CU_ASSERT(earlier.count == 0 && progress_now(progress).saved == 0);
    }
    earlier_work_destroy(&earlier);
    progress_destroy(&progress);
    end();
}

// Those that are done and still named; the others are no inputs.
static void test_rows(void)
{
    struct run_image images[] = {{.width = WIDTH, .height = HEIGHT}, {.width = 900, .height = 900}, {.width = 800, .height = 900}};
    struct resume_image is[] = {{.done = true, .named = true}, {.named = true}, {.done = true, .missing = true}};
    struct resume resume = {.past = {.count = 3, .items = images}, .images = is};
    struct earlier_work earlier = {0};
    struct progress *progress;
    begin();
    UNIT_OK(progress_create(&progress, 2, LOG_ERROR, STDERR_FILENO));
    earlier_work_count(&earlier, &resume, &setup, progress);
    const struct progress_state state = progress_now(progress);
    CU_ASSERT(state.done == 1 && state.earlier == 1 && state.sized == 1);
    CU_ASSERT(state.work == work_of(&config, JOB_DREAM, WIDTH, HEIGHT) && state.advanced == state.work && state.rate == 0);
    CU_ASSERT_DOUBLE_EQUAL(progress_fraction(&state), 0.5, 1e-12);
    earlier_work_destroy(&earlier);
    progress_destroy(&progress);
    end();
}

static const struct unit_test tests[] = {{"checkpoints", test_checkpoints}, {"nonsense", test_nonsense}, {"rows", test_rows}};
UNIT_MAIN("earlier_work", tests)
