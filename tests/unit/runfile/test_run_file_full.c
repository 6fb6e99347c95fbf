// SPDX-License-Identifier: MIT
// The run file on a disk that fills up: what fits is right, what does not waits, as far as memory may be
// had for it, and nothing is lost without a word.
#include "runfile/run_file.h"

#include <fcntl.h>
#include <hdf5.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/system/file.h"
#include "run_file_check.h"
#include "scratch.h"
#include "unit.h"

static void make_path(char path[FILE_PATH_MAX], const char *name)
{
    UNIT_OK(file_join(path, scratch, name));
}

// Writes until it fails, which must happen, then ends the ordinary way. Exit code 0 if all is as it should be.
static int fill(const char *path)
{
    struct run_file *file;
    if (create(&file, path) != STATUS_OK)
        return 2;
    int number = 0;
    while (number < 100000 && add_rows(file, number) == STATUS_OK && run_file_tick(file) == STATUS_OK)
        number++;
    if (number == 100000 || !strstr(status_message(), path))
        return 3;
    printf("[%s] ", status_message());
    fflush(stdout);
    return run_file_close(&file, true) == STATUS_OK ? 4 : 0;
}

static void check_filled(const char *path, pid_t child)
{
    int state;
    CU_ASSERT_FATAL(waitpid(child, &state, 0) == child);
    CU_ASSERT(WIFEXITED(state) && WEXITSTATUS(state) == 0);
    HDF5_HANDLE reader = open_file(path, false);
    CU_ASSERT_FATAL(reader >= 0);
    hsize_t counts[RUN_DATASETS];
    CU_ASSERT(rows_right(reader, counts) && counts[RUN_STEPS] >= 1000 && counts[RUN_TIMING] >= 500);
}

static void test_file_size_limit(void)
{
    char path[FILE_PATH_MAX];
    make_path(path, "limited.h5");
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        struct rlimit limit = {8000000, 8000000};
        signal(SIGXFSZ, SIG_IGN);
        exit(setrlimit(RLIMIT_FSIZE, &limit) != 0 ? 5 : fill(path));
    }
    check_filled(path, child);
}

static void test_full_disk(void)
{
    char disk[FILE_PATH_MAX], path[FILE_PATH_MAX];
    make_path(disk, "disk");
    UNIT_OK(file_join(path, disk, "run.h5"));
    UNIT_OK(file_make_folder(disk));
    if (mount("none", disk, "tmpfs", 0, "size=8m") != 0) {
        printf("skipped, may not mount ");
        return;
    }
    fflush(stdout);
    pid_t child = fork();
    if (child == 0)
        exit(fill(path));
    check_filled(path, child);
    CU_ASSERT_EQUAL(umount(disk), 0);
}

static void take_room(const char *ballast)
{
    int descriptor = open(ballast, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    CU_ASSERT_EQUAL(posix_fallocate(descriptor, 0, 7900000), 0);
    close(descriptor);
}

static void test_space_returns(void)
{
    char disk[FILE_PATH_MAX], path[FILE_PATH_MAX], ballast[FILE_PATH_MAX];
    make_path(disk, "disk");
    UNIT_OK(file_join(path, disk, "run.h5"));
    UNIT_OK(file_join(ballast, disk, "ballast"));
    UNIT_OK(file_make_folder(disk));
    if (mount("none", disk, "tmpfs", 0, "size=8m") != 0) {
        printf("skipped, may not mount ");
        return;
    }
    struct run_file *file;
    UNIT_OK(create(&file, path));
    UNIT_OK(add_rows(file, 0));
    take_room(ballast);
    CU_ASSERT_EQUAL(tick(file), STATUS_IO);
    unlink(ballast);
    UNIT_OK(add_rows(file, 1));
    UNIT_OK(run_file_close(&file, true));
    hid_t reader = open_file(path, false);
    CU_ASSERT(has_rows(reader, 2, 2));
    hdf5_close(&reader);
    CU_ASSERT_EQUAL(umount(disk), 0);
}

// A disk that is full for this process alone.
static void limit_file_size(rlim_t size)
{
    struct rlimit limit;
    signal(SIGXFSZ, SIG_IGN);
    CU_ASSERT_EQUAL_FATAL(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = size < limit.rlim_max ? size : limit.rlim_max;
    CU_ASSERT_EQUAL_FATAL(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

// Many chunks of every table wait, and all of them come into the file.
static void test_full_for_long(void)
{
    enum { IMAGES = 600 };
    char path[FILE_PATH_MAX];
    struct run_file *file;
    make_path(path, "long.h5");
    UNIT_OK(create(&file, path));
    UNIT_OK(add_rows(file, 0));
    limit_file_size(1);
    for (int i = 1; i < IMAGES; i++)
        UNIT_OK(add_rows(file, i));
    CU_ASSERT_EQUAL(tick(file), STATUS_IO);
    limit_file_size(RLIM_INFINITY);
    UNIT_OK(add_rows(file, IMAGES));
    UNIT_OK(run_file_close(&file, true));
    HDF5_HANDLE reader = open_file(path, false);
    CU_ASSERT_FATAL(reader >= 0);
    CU_ASSERT(has_rows(reader, IMAGES + 1, IMAGES + 1));
    CU_ASSERT_EQUAL(hdf5_number(reader, "/", "complete"), 1);
    unlink(path);
}

// How many rows of a table each image has.
static void count_rows(hid_t reader, const char *table, const char *column, int *counts, int images)
{
    hsize_t rows;
    free(read_dataset(reader, table, -1, &rows));
    double *ids = read_column(reader, table, column, 0);
    CU_ASSERT_FATAL(ids != NULL);
    for (hsize_t i = 0; i < rows; i++) {
        CU_ASSERT_FATAL(ids[i] >= 0 && ids[i] < images);
        counts[(int)ids[i]]++;
    }
    free(ids);
}

// Whether each frame's values are as they were handed in, wherever they are.
static bool maps_right(hid_t reader)
{
    hsize_t count, frames;
    float *values = read_dataset(reader, "cam/values", H5T_NATIVE_FLOAT, &count);
    free(read_dataset(reader, "cam/frames", -1, &frames));
    double *offsets = read_column(reader, "cam/frames", "offset", 0), *ids = read_column(reader, "cam/frames", "image", 0);
    double *numbers = read_column(reader, "cam/frames", "frame", 0);
    bool right = values && offsets && ids && numbers;
    for (hsize_t i = 0; right && i < frames; i++) {
        const int64_t row = (int64_t)ids[i] * FRAMES_AN_IMAGE + (int64_t)numbers[i], offset = (int64_t)offsets[i];
        const struct cam_row cam = cam_of(row);
        right = offset >= 0 && offset + cam_size(&cam) <= (int64_t)count;
        for (int64_t k = 0; right && k < cam_size(&cam); k++)
            right = values[offset + k] == cam_value(row, k);
    }
    free(values);
    free(offsets);
    free(ids);
    free(numbers);
    return right;
}

static void expect(enum status rc, bool *whole)
{
    CU_ASSERT(rc == STATUS_OK || rc == STATUS_IO);
    *whole = *whole && rc == STATUS_OK;
}

// As the coordinator does: what follows a row that is lost is handed in all the same, and pictures are under way at the same time. The
// steps of one come before the frames of the one before it.
static void hand_in(struct run_file *file, int id, bool *whole)
{
    whole[id] = true;
    expect(add_steps(file, id), &whole[id]);
    if (id == 0)
        return;
    for (int i = 0; i < FRAMES_AN_IMAGE; i++)
        expect(add_cam(file, (id - 1) * FRAMES_AN_IMAGE + i), &whole[id - 1]);
    expect(add_image_row(file, id - 1), &whole[id - 1]);
}

// What can wait no more is lost, and the file owns to that. No image's row lacks its steps and frames.
static void test_full_for_too_long(void)
{
    enum { IMAGES = 10000, LOST = 50, AFTER = 20 };
    static int images[IMAGES], steps[IMAGES], frames[IMAGES];
    static bool whole[IMAGES];
    char path[FILE_PATH_MAX];
    struct run_file *file;
    int id = 0, lost = 0;
    make_path(path, "too-long.h5");
    UNIT_OK(create(&file, path));
    limit_file_size(1);
    for (; lost < LOST; id++) {
        CU_ASSERT_FATAL(id < IMAGES - AFTER);
        hand_in(file, id, whole);
        lost += id > 0 && !whole[id - 1];
    }
    CU_ASSERT(id > 1000);
    limit_file_size(RLIM_INFINITY);
    for (int i = 0; i < AFTER; i++, id++)
        hand_in(file, id, whole);
    CU_ASSERT(whole[id - 2]);
    whole[id - 1] = false; // it is still under way
    CU_ASSERT_EQUAL(run_file_close(&file, true), STATUS_IO);
    CU_ASSERT_PTR_NOT_NULL(strstr(status_message(), "rows were lost while the disk was full"));
    HDF5_HANDLE reader = open_file(path, false);
    CU_ASSERT_FATAL(reader >= 0);
    CU_ASSERT_EQUAL(hdf5_number(reader, "/", "complete"), 0);
    count_rows(reader, "images", "id", images, id);
    count_rows(reader, "steps", "image", steps, id);
    count_rows(reader, "cam/frames", "image", frames, id);
    for (int i = 0; i < id; i++) {
        CU_ASSERT_EQUAL(images[i], whole[i]);
        CU_ASSERT(!whole[i] || (steps[i] == STEPS_AN_IMAGE && frames[i] == FRAMES_AN_IMAGE));
    }
    CU_ASSERT(maps_right(reader));
    unlink(path);
}

static const struct unit_test tests[] = {
    {"file size limit", test_file_size_limit},
    {"full disk", test_full_disk},
    {"a disk with room again", test_space_returns},
    {"a disk that is full for long", test_full_for_long},
    {"a disk that is full for too long", test_full_for_too_long},
};

UNIT_MAIN_IN_SCRATCH("run_file_full", tests)
