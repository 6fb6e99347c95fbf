// SPDX-License-Identifier: MIT
// The run file on a disk that fills up: what fits is right, what does not is kept and tried again, as far as memory is set aside for it.
#include "coordinator/run_file.h"

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

#include "common/file.h"
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
    while (number < 100000 && add_rows(file, number) == STATUS_OK)
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
    hid_t reader = open_file(path, false);
    CU_ASSERT_FATAL(reader >= 0);
    hsize_t counts[RUN_TABLE_COUNT];
    CU_ASSERT(rows_right(reader, counts) && counts[RUN_TABLE_STEPS] >= 1000 && counts[RUN_TABLE_TIMING] >= 500);
    H5Fclose(reader);
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
    usleep(1100 * 1000);
    CU_ASSERT_EQUAL(run_file_tick(file), STATUS_IO);
    unlink(ballast);
    UNIT_OK(add_rows(file, 1));
    UNIT_OK(run_file_close(&file, true));
    hid_t reader = open_file(path, false);
    CU_ASSERT(has_rows(reader, 2, 2));
    H5Fclose(reader);
    CU_ASSERT_EQUAL(umount(disk), 0);
}

// Whether a frame that is in the file is as it was handed in, wherever its values are.
static bool map_right(const float *values, hsize_t count, int64_t row, int64_t offset)
{
    const struct cam_record cam = cam_of(row);
    bool right = offset >= 0 && offset + cam_size(&cam) <= (int64_t)count;
    for (int64_t i = 0; right && i < cam_size(&cam); i++)
        right = values[offset + i] == cam_value(row, i);
    return right;
}

// Those that found no room are lost whole, those before and after them are right.
static void test_maps_wait(void)
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
    int64_t kept[1000], row = 0;
    int count = 0, lost = 0;
    UNIT_OK(create(&file, path));
    take_room(ballast);
    for (; lost < 3; row++) {
        CU_ASSERT_FATAL(row < 500);
        const enum status rc = add_cam(file, row);
        CU_ASSERT(rc == STATUS_OK || rc == STATUS_IO);
        // The values may all have found room, and only a write that was due have failed.
        if (rc == STATUS_OK)
            kept[count++] = row;
        else
            lost++;
    }
    unlink(ballast);
    for (; lost < 6; row++, lost++) {
        UNIT_OK(add_cam(file, row));
        kept[count++] = row;
    }
    UNIT_OK(run_file_close(&file, true));
    hid_t reader = open_file(path, false);
    hsize_t frames, values;
    float *got = read_dataset(reader, "cam/values", H5T_NATIVE_FLOAT, &values);
    double *offsets = read_column(reader, "cam/frames", "offset", 0);
    free(read_dataset(reader, "cam/frames", -1, &frames));
    CU_ASSERT_FATAL(got && offsets && frames == (hsize_t)count && count > 100);
    for (int i = 0; i < count; i++)
        CU_ASSERT(map_right(got, values, kept[i], (int64_t)offsets[i]));
    free(offsets);
    free(got);
    H5Fclose(reader);
    CU_ASSERT_EQUAL(umount(disk), 0);
}

int main(void)
{
    static const struct unit_test tests[] = {
        {"file size limit", test_file_size_limit},
        {"full disk", test_full_disk},
        {"a disk with room again", test_space_returns},
        {"maps on a full disk", test_maps_wait},
    };
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    if (!scratch_create())
        return 1;
    int rc = unit_run("run_file_full", tests, sizeof tests / sizeof tests[0]);
    scratch_remove();
    return rc;
}
