// SPDX-License-Identifier: MIT
// The run file: what is written comes back, at any moment, after any end. With a path and perhaps a number of ranks: writes the sample file
// for other readers.
#include "runfile/run_file.h"

#include <fcntl.h>
#include <hdf5.h>
#include <math.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/system/file.h"
#include "common/system/text.h"
#include "files.h"
#include "run_file_check.h"
#include "scratch.h"
#include "unit.h"

static void make_path(char path[FILE_PATH_MAX], const char *name)
{
    UNIT_OK(file_join(path, scratch, name));
}

// What expected gradients are made of is said where they are.
static void test_expected_gradients(void)
{
    char path[FILE_PATH_MAX];
    struct run_file *file;
    make_path(path, "expected.h5");
    importance_method = IMPORTANCE_EXPECTED_GRADIENTS;
    UNIT_OK(create(&file, path));
    importance_method = IMPORTANCE_GRADIENT_ACTIVATION;
    UNIT_OK(add_rows(file, 0));
    UNIT_OK(add_rows(file, 1));
    UNIT_OK(run_file_close(&file, true));
    HDF5_HANDLE reader = open_file(path, false);
    CU_ASSERT(hdf5_has_text(reader, "importance/mixed4", "method", "expected_gradients"));
    CU_ASSERT(hdf5_has_text(reader, "importance/mixed4", "baselines", "black,blurred"));
    CU_ASSERT_EQUAL(hdf5_number(reader, "importance/mixed4", "samples"), 50);
    double *value = read_column(reader, "images", "importance_value", targets);
    double *expected = read_column(reader, "images", "importance_expected", targets);
    double *residual = read_column(reader, "images", "importance_residual", targets);
    CU_ASSERT_FATAL(value && expected && residual);
    CU_ASSERT(value[targets + 2] == 3 && expected[targets + 2] == -1 && residual[targets + 2] == 0.25);
    free(value);
    free(expected);
    free(residual);
}

static void test_comes_back(void)
{
    char path[FILE_PATH_MAX], *text, *config_text;
    struct config config;
    make_path(path, "back.h5");
    setenv("SLURM_JOB_ID", "4711", 1);
    struct run_file *file;
    UNIT_OK(create(&file, path));
    unsetenv("SLURM_JOB_ID");
    for (int i = 0; i < 200; i++) // several chunks of all tables
        UNIT_OK(add_rows(file, i));
    let_pass(90);
    UNIT_OK(run_file_close(&file, true));
    CU_ASSERT_PTR_NULL(file);

    HDF5_HANDLE reader = open_file(path, false);
    CU_ASSERT_FATAL(reader >= 0);
    CU_ASSERT(has_rows(reader, 200, 200));
    make_config(&config);
    UNIT_OK(config_to_string(&config, &config_text));
    CU_ASSERT(hdf5_has_text(reader, "/", "config", config_text));
    free(config_text);
    CU_ASSERT(hdf5_has_text(reader, "/", "program", "oneiros") && hdf5_has_text(reader, "/", "version", ONEIROS_VERSION));
    CU_ASSERT(hdf5_has_text(reader, "/", "weights_source", "weights of l'\xc3\xa9t?"));
    CU_ASSERT(hdf5_has_text(reader, "/", "slurm_job_id", "4711"));
    text = hdf5_text(reader, "/", "started");
    struct tm utc = {0};
    char *end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &utc);
    CU_ASSERT(end && !*end && llabs((long long)(timegm(&utc) - time(NULL))) < 600);
    free(text);
    static const struct {
        const char *name;
        double value;
    } numbers[] = {
        {"complete", 1},    {"ranks", 3},           {"workers", 2},     {"team_size", 2}, {"tile_size", 640},
        {"tile_halo", 160}, {"tile_halo_exact", 1}, {"tile_blend", 32}, {"resumed", 0},   {"format_version", RUN_FILE_FORMAT_VERSION}};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        CU_ASSERT_EQUAL(hdf5_number(reader, "/", numbers[i].name), numbers[i].value);
    CU_ASSERT_EQUAL(hdf5_number(reader, "/", "elapsed_seconds"), 90);
}

// Any number of targets, each column found by its name.
static void test_targets(void)
{
    static const int counts[] = {1, 16};
    for (size_t k = 0; k < sizeof counts / sizeof counts[0]; k++) {
        char path[FILE_PATH_MAX], name[32];
        snprintf(name, sizeof name, "targets-%d.h5", counts[k]);
        make_path(path, name);
        targets = counts[k];
        struct run_file *file;
        UNIT_OK(create(&file, path));
        for (int i = 0; i < 70; i++)
            UNIT_OK(add_rows(file, i));
        UNIT_OK(run_file_close(&file, true));
        HDF5_HANDLE reader = open_file(path, false);
        CU_ASSERT(has_rows(reader, 70, 70));
        double *hoyer = read_column(reader, "steps", "hoyer", targets),
               *seed = read_column(reader, "images", "diversity_seed_before", targets);
        double *psnr = read_column(reader, "images", "psnr_after", 0);
        CU_ASSERT_FATAL(hoyer && seed && psnr);
        for (int i = 0; i < targets; i++) {
            CU_ASSERT_EQUAL(hoyer[1399 * targets + i], 1399 * 16 + i + 0.375);
            CU_ASSERT_EQUAL(seed[69 * targets + i], 1e6 + 69 * 16 + i + 0.625);
        }
        CU_ASSERT_EQUAL(psnr[69], 69 / 4.0);
        free(hoyer);
        free(seed);
        free(psnr);
    }
    targets = 3;
}

// Far more values than wait in memory.
static void test_large_map(void)
{
    char path[FILE_PATH_MAX];
    make_path(path, "large.h5");
    struct run_file *file;
    struct cam_row cam = cam_of(1);
    cam.grid.width = 701;
    cam.grid.height = 503;
    float *values = malloc((size_t)cam_size(&cam) * sizeof *values);
    for (int64_t i = 0; i < cam_size(&cam); i++)
        values[i] = cam_value(1, i);
    UNIT_OK(create(&file, path));
    UNIT_OK(add_cam(file, 0));
    UNIT_OK(run_file_add_cam(file, &cam, values));
    UNIT_OK(add_cam(file, 2));
    UNIT_OK(run_file_close(&file, true));
    HDF5_HANDLE reader = open_file(path, false);
    hsize_t count;
    float *got = read_dataset(reader, "cam/values", H5T_NATIVE_FLOAT, &count);
    double *offsets = read_column(reader, "cam/frames", "offset", 0), *widths = read_column(reader, "cam/frames", "width", 0);
    CU_ASSERT_FATAL(got && offsets && widths);
    const struct cam_row first = cam_of(0), last = cam_of(2);
    CU_ASSERT(widths[0] == 24 && widths[1] == 701 && widths[2] == 26);
    CU_ASSERT_EQUAL(offsets[1], (double)cam_size(&first));
    CU_ASSERT_EQUAL(offsets[2], (double)(cam_size(&first) + cam_size(&cam)));
    CU_ASSERT_EQUAL(count, (hsize_t)(cam_size(&first) + cam_size(&cam) + cam_size(&last)));
    CU_ASSERT(memcmp(got + cam_size(&first), values, (size_t)cam_size(&cam) * sizeof *values) == 0);
    CU_ASSERT_EQUAL(got[count - 1], cam_value(2, cam_size(&last) - 1));
    free(offsets);
    free(widths);
    free(got);
    free(values);
}

// Another process, as a reader is: HDF5 shares what it knows of a file within one. Reads twice with the file kept open in between.
static _Noreturn void read_twice(const char *path, int told, int tell)
{
    char go;
    hsize_t counts[RUN_DATASETS];
    HDF5_HANDLE reader = open_file(path, false);
    bool right = reader >= 0 && has_rows(reader, 1, 1) && hdf5_number(reader, "/", "complete") == 0;
    right = write(tell, "1", 1) == 1 && read(told, &go, 1) == 1 && right;
    right = right && rows_right(reader, counts) && counts[RUN_STEPS] >= STEPS_AN_IMAGE;
    _exit(!right);
}

static void test_read_while_written(void)
{
    char path[FILE_PATH_MAX], go;
    int to_child[2], to_parent[2], state;
    make_path(path, "live.h5");
    CU_ASSERT_FATAL(pipe(to_child) == 0 && pipe(to_parent) == 0);
    struct run_file *file;
    UNIT_OK(create(&file, path));
    UNIT_OK(add_rows(file, 0));
    UNIT_OK(tick(file));
    CU_ASSERT(run_file_is_written(file));
    fflush(stdout);
    pid_t child = fork();
    if (child == 0)
        read_twice(path, to_child[0], to_parent[1]);
    CU_ASSERT_EQUAL(read(to_parent[0], &go, 1), 1);
    for (int i = 1; i < 100; i++)
        UNIT_OK(add_rows(file, i));
    UNIT_OK(run_file_close(&file, false));
    CU_ASSERT_EQUAL(write(to_child[1], "1", 1), 1);
    CU_ASSERT_FATAL(waitpid(child, &state, 0) == child);
    CU_ASSERT(WIFEXITED(state) && WEXITSTATUS(state) == 0);
    HDF5_HANDLE reader = open_file(path, false);
    CU_ASSERT(has_rows(reader, 100, 100));
    CU_ASSERT_EQUAL(hdf5_number(reader, "/", "complete"), 0);
    for (int i = 0; i < 2; i++) {
        close(to_child[i]);
        close(to_parent[i]);
    }
}

// A child that writes without a pause, so that nearly every moment is a bad one, and counts its images.
static _Noreturn void write_for_ever(const char *path, atomic_int *images)
{
    struct run_file *file;
    if (create(&file, path) != STATUS_OK)
        _exit(1);
    for (int i = 0;; i++, ++*images)
        if (add_rows(file, i) != STATUS_OK)
            _exit(1);
}

static void test_killed(void)
{
    int as_it_is = 0, as_swmr = 0;
    hsize_t rows[TABLES] = {0};
    atomic_int *images = mmap(NULL, sizeof *images, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CU_ASSERT_FATAL(images != MAP_FAILED);
    srand(7);
    for (int i = 0; i < unit_cases(30, 8); i++) {
        char path[FILE_PATH_MAX], name[32];
        snprintf(name, sizeof name, "killed-%d.h5", i);
        make_path(path, name);
        int state;
        const int enough = rand() % 150;
        *images = 0;
        pid_t child = fork();
        if (child == 0)
            write_for_ever(path, images);
        while (*images < enough && waitpid(child, &state, WNOHANG) == 0)
            usleep(100);
        while (access(path, F_OK) != 0 && waitpid(child, &state, WNOHANG) == 0)
            usleep(100);
        usleep((useconds_t)(rand() % 1000)); // anywhere in an image
        kill(child, SIGKILL);
        CU_ASSERT_FATAL(waitpid(child, &state, 0) == child && WIFSIGNALED(state) && WTERMSIG(state) == SIGKILL);
        HDF5_HANDLE reader = open_file(path, false);
        as_it_is += reader >= 0;
        if (reader < 0) {
            reader = open_file(path, true);
            as_swmr += reader >= 0;
        }
        CU_ASSERT_FATAL(reader >= 0);
        hsize_t counts[RUN_DATASETS];
        CU_ASSERT(rows_right(reader, counts));
        for (int k = 0; k < TABLES; k++)
            rows[k] += counts[tables[k]];
        unlink(path);
    }
    printf("30 files opened, %d as they were and %d as swmr, ", as_it_is, as_swmr);
    for (int k = 0; k < TABLES; k++) {
        printf("%llu ", (unsigned long long)rows[k]);
        CU_ASSERT(rows[k] > 0);
    }
    munmap(images, sizeof *images);
}

// What HDF5 does to a file, in order: `size` bytes that come to `offset`, or, without any, the file's new length.
struct change {
    off_t offset;
    size_t size;
    void *bytes;
};
static struct change *changes; // NULL: none are kept
static int change_count;
static double write_seconds; // that each write takes, on the test's clock
enum { CHANGES = 1000 };

static void keep_change(const void *bytes, size_t size, off_t offset)
{
    if (!changes)
        return;
    CU_ASSERT_FATAL(change_count < CHANGES);
    changes[change_count++] = (struct change){offset, size, size ? memcpy(malloc(size), bytes, size) : NULL};
}

// HDF5 calls these two instead of the C library's.
ssize_t pwrite(int descriptor, const void *bytes, size_t size, off_t offset)
{
    let_pass(write_seconds);
    keep_change(bytes, size, offset);
    return syscall(SYS_pwrite64, descriptor, bytes, size, offset);
}

int ftruncate(int descriptor, off_t length)
{
    keep_change(NULL, 0, length);
    return (int)syscall(SYS_ftruncate, descriptor, length);
}

// A kill loses no write that was made, on the disk or not: without waiting for the disk the test takes seconds, not minutes.
int dup3(int from, int to, int flags)
{
    (void)from, (void)flags;
    return to;
}

// Where writes are slow there are fewer of them, but two a minute.
static void test_slow_disk(void)
{
    static const double slow[] = {0.01, 1}, soon[] = {1, 29}, late[] = {30, 31}; // seconds
    char path[FILE_PATH_MAX];
    make_path(path, "slow.h5");
    for (int i = 0; i < 2; i++) {
        struct run_file *file;
        UNIT_OK(create(&file, path));
        UNIT_OK(add_rows(file, 0));
        write_seconds = slow[i];
        UNIT_OK(tick(file)); // some twenty writes
        UNIT_OK(add_rows(file, 1));
        let_pass(soon[i]);
        for (int k = 2; k < 100; k++) // chunks that are full wait, too
            UNIT_OK(add_rows(file, k));
        UNIT_OK(run_file_tick(file));
        CU_ASSERT(!run_file_is_written(file));
        write_seconds = 0;
        let_pass(late[i] - soon[i]);
        UNIT_OK(run_file_tick(file));
        CU_ASSERT(run_file_is_written(file));
        UNIT_OK(run_file_close(&file, true));
        HDF5_HANDLE reader = open_file(path, false);
        CU_ASSERT(has_rows(reader, 100, 100));
    }
}

static double shown(const char *path, const char *name)
{
    HDF5_HANDLE reader = open_file(path, false);
    return hdf5_number(reader, "/", name);
}

// How far a run is can be seen while it has no rows to write: soon where other pictures are in hand, else now and then.
static void test_progress(void)
{
    char path[FILE_PATH_MAX];
    make_path(path, "progress.h5");
    struct run_file *file;
    struct run_progress known = run_progress_unknown();
    UNIT_OK(create(&file, path));
    CU_ASSERT(shown(path, "inputs") == -1 && shown(path, "done") == 0 && shown(path, "in_hand") == -1 && isnan(shown(path, "progress")));
    known.inputs = 7;
    known.in_hand = 2;
    known.done = 1000; // the file counts by itself
    known.seconds_left = 50;
    run_file_set_progress(file, &known);
    CU_ASSERT(run_file_is_written(file)); // all rows are
    UNIT_OK(run_file_tick(file));
    CU_ASSERT_EQUAL(shown(path, "inputs"), -1);
    let_pass(1);
    UNIT_OK(run_file_tick(file));
    CU_ASSERT(shown(path, "inputs") == 7 && shown(path, "in_hand") == 2 && shown(path, "done") == 0 && shown(path, "seconds_left") == 50);
    known.progress = 0.25;
    run_file_set_progress(file, &known);
    let_pass(29);
    UNIT_OK(run_file_tick(file));
    CU_ASSERT(isnan(shown(path, "progress")));
    let_pass(1);
    UNIT_OK(run_file_tick(file));
    CU_ASSERT_EQUAL(shown(path, "progress"), 0.25);
    for (int i = 0; i < 8; i++)
        UNIT_OK(add_rows(file, i));
    UNIT_OK(run_file_close(&file, true));
    CU_ASSERT(shown(path, "done") == 3 && shown(path, "failed") == 3 && shown(path, "stopped") == 2 && shown(path, "complete") == 1);
}

static void expect_readable(const char *path)
{
    HDF5_HANDLE reader = open_file(path, false);
    if (reader < 0)
        reader = open_file(path, true);
    CU_ASSERT_FATAL(reader >= 0);
    hsize_t counts[RUN_DATASETS];
    CU_ASSERT(rows_right(reader, counts));
}

// A file is written whole, and its beginning brought to that again change by change: as a kill in the midst of each leaves it, which
// strikes between two pages, the first of which is written.
static void test_killed_in_each_write(void)
{
    char path[FILE_PATH_MAX], killed[FILE_PATH_MAX];
    struct run_file *file;
    make_path(path, "whole.h5");
    make_path(killed, "killed.h5");
    UNIT_OK(create(&file, path));
    const int whole = open(path, O_RDONLY | O_CLOEXEC), copy = open(killed, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    struct stat info;
    CU_ASSERT_FATAL(whole >= 0 && copy >= 0 && fstat(whole, &info) == 0);
    CU_ASSERT_EQUAL(copy_file_range(whole, NULL, copy, NULL, (size_t)info.st_size, 0), info.st_size);
    close(whole);
    struct change *all = changes = calloc(CHANGES, sizeof *changes);
    CU_ASSERT_FATAL(changes != NULL);
    for (int i = 0; i < 150; i++) // several chunks of each dataset
        UNIT_OK(add_rows(file, i));
    UNIT_OK(run_file_close(&file, true));
    changes = NULL;
    for (int i = 0; i < change_count; i++) {
        const struct change *change = &all[i];
        const size_t first = 4096 - (size_t)(change->offset % 4096);
        if (first < change->size) {
            CU_ASSERT_EQUAL(pwrite(copy, change->bytes, first, change->offset), (ssize_t)first);
        }
        if (!unit_skips((size_t)i))
            expect_readable(killed);
        if (change->size) {
            CU_ASSERT_EQUAL(pwrite(copy, change->bytes, change->size, change->offset), (ssize_t)change->size);
        } else {
            CU_ASSERT_EQUAL(ftruncate(copy, change->offset), 0);
        }
        free(change->bytes);
    }
    expect_readable(killed);
    close(copy);
    free(all);
    char command[3 * FILE_PATH_MAX];
    snprintf(command, sizeof command, "cmp %s %s", path, killed);
    CU_ASSERT_EQUAL(system(command), 0); // no change has been missed
    CU_ASSERT(change_count > 50);
    printf("%d changes ", change_count);
}

static void test_many_small_writes_stay_small(void)
{
    char path[FILE_PATH_MAX];
    make_path(path, "small.h5");
    struct run_file *file;
    UNIT_OK(create(&file, path));
    const int images = unit_cases(5000, 1000); // some 300 writes
    for (int i = 0; i < images; i++)
        UNIT_OK(add_rows(file, i));
    UNIT_OK(run_file_close(&file, true));
    struct stat info;
    CU_ASSERT_EQUAL_FATAL(stat(path, &info), 0);
    int64_t least = 0, rows[] = {STEPS_AN_IMAGE, FRAMES_AN_IMAGE, SCORES_AN_IMAGE, 1, PHASES_A_RANK};
    for (int i = 0; i < TABLES; i++) {
        least += images * rows[i] * (int64_t)row_size(tables[i]);
    }
    for (int64_t row = 0; row < images * FRAMES_AN_IMAGE; row++) {
        const struct cam_row cam = cam_of(row);
        least += (int64_t)sizeof(float) * cam_size(&cam);
    }
    for (int i = 0; i < targets; i++)
        least += images * channels[i] * (int64_t)sizeof(float);
    printf("%.1f%% more than its rows ", 100.0 * (double)(info.st_size - least) / (double)least);
    CU_ASSERT(info.st_size < least + least / 50 + 500000);
}

static size_t place_of(hid_t type, const char *column)
{
    return H5Tget_member_offset(type, (unsigned)H5Tget_member_index(type, column));
}

static void test_hostile_text(void)
{
    char path[FILE_PATH_MAX];
    make_path(path, "hostile.h5");
    struct run_file *file;
    UNIT_OK(create(&file, path));
    struct image_row image = image_of(0);
    memset(image.source, 'x', sizeof image.source);
    memset(image.sha256, 'a', sizeof image.sha256);
    memcpy(image.error, "caf\xe9 \xf0\x9f\x8c\x99 \xed\xa0\x80", 13);
    UNIT_OK(run_file_add_image(file, &image, NULL, NULL));
    UNIT_OK(run_file_close(&file, true));
    HDF5_HANDLE reader = open_file(path, false);
    hsize_t count;
    HDF5_HANDLE type = run_table_type(RUN_IMAGES, targets, NULL);
    char *row = read_dataset(reader, "images", type, &count);
    CU_ASSERT_FATAL(row && count == 1);
    CU_ASSERT_EQUAL(strlen(row + place_of(type, "source")), ROW_SOURCE_MAX - 1);
    CU_ASSERT_EQUAL(strlen(row + place_of(type, "sha256")), 64);
    CU_ASSERT_STRING_EQUAL(row + place_of(type, "error"), "caf? \xf0\x9f\x8c\x99 ???");
    free(row);
}

static void test_refusals(void)
{
    char path[FILE_PATH_MAX];
    struct run_file *file;
    make_path(path, "no-such-folder/run.h5");
    CU_ASSERT_EQUAL(create(&file, path), STATUS_IO);
    CU_ASSERT_PTR_NULL(file);
    CU_ASSERT_PTR_NOT_NULL(strstr(status_message(), path));
    CU_ASSERT_PTR_NOT_NULL(strstr(status_message(), "No such file"));
    CU_ASSERT_PTR_NULL(strstr(status_message(), "errno"));
    CU_ASSERT_EQUAL(create(&file, scratch), STATUS_IO); // a folder is in the way

    make_path(path, "swapped.h5"); // under our feet
    UNIT_OK(create(&file, path));
    UNIT_OK(add_image(file, 0));
    write_text(path, "not hdf5");
    CU_ASSERT_EQUAL(run_file_close(&file, true), STATUS_IO);
    CU_ASSERT_PTR_NULL(file);
    UNIT_OK(run_file_close(&file, true));
}

// Every third image is finished, but for image 6, of which there are steps and frames.
enum { UNFINISHED = 6, LATER = 7 };

static bool keep(void *context, int64_t image)
{
    ++*(int *)context;
    return image % 3 == 0 && image != UNFINISHED;
}

static void expect_rows(hid_t file, enum run_dataset table, const int64_t *places, hsize_t count)
{
    hsize_t rows;
    char name[RUN_NAME_MAX];
    const size_t size = row_size(table);
    run_dataset_name(table, NULL, name);
    char *found = read_dataset(file, name, -1, &rows), *wanted = malloc(size);
    CU_ASSERT_EQUAL(rows, count);
    for (hsize_t i = 0; i < rows && i < count; i++) {
        memset(wanted, 0, size);
        make_row(table, places[i], 0, wanted);
        CU_ASSERT(memcmp(found + i * size, wanted, size) == 0);
    }
    free(wanted);
    free(found);
}

static void expect_maps(hid_t file, const int64_t *places, hsize_t count)
{
    hsize_t rows, values;
    free(read_dataset(file, "cam/frames", -1, &rows));
    float *all = read_dataset(file, "cam/values", H5T_NATIVE_FLOAT, &values);
    double *offsets = read_column(file, "cam/frames", "offset", 0), *frames = read_column(file, "cam/frames", "frame", 0),
           *images = read_column(file, "cam/frames", "image", 0);
    CU_ASSERT_EQUAL_FATAL(rows, count);
    int64_t end = 0;
    for (hsize_t i = 0; i < count; i++) {
        const struct cam_row cam = cam_of(places[i]);
        CU_ASSERT(images[i] == (double)cam.image && frames[i] == cam.frame && offsets[i] == (double)end);
        int wrong = 0;
        for (int64_t k = 0; k < cam_size(&cam); k++)
            wrong += all[end + k] != cam_value(places[i], k);
        CU_ASSERT_EQUAL(wrong, 0);
        end += cam_size(&cam);
    }
    CU_ASSERT_EQUAL((hsize_t)end, values); // and nothing of what was left behind
    free(images);
    free(frames);
    free(offsets);
    free(all);
}

static void expect_carried(const char *path)
{
    static const int64_t finished[] = {0, 3, LATER};
    int64_t steps[3 * STEPS_AN_IMAGE], maps[3 * FRAMES_AN_IMAGE], scores[3 * SCORES_AN_IMAGE];
    int step_count = 0, map_count = 0, score_count = 0;
    HDF5_HANDLE file = open_file(path, false);
    for (int i = 0; i < 3; i++) {
        for (int k = 0; k < STEPS_AN_IMAGE; k++)
            steps[step_count++] = finished[i] * STEPS_AN_IMAGE + k;
        for (int k = 0; k < FRAMES_AN_IMAGE; k++)
            maps[map_count++] = finished[i] * FRAMES_AN_IMAGE + k;
        for (int k = 0; k < SCORES_AN_IMAGE; k++)
            scores[score_count++] = finished[i] * SCORES_AN_IMAGE + k;
    }
    expect_rows(file, RUN_STEPS, steps, (hsize_t)step_count);
    expect_rows(file, RUN_FAITHFULNESS, scores, (hsize_t)score_count);
    expect_rows(file, RUN_IMAGES, finished, 3);
    expect_rows(file, RUN_TIMING, NULL, 0); // those of the earlier run's ranks
    expect_maps(file, maps, (hsize_t)map_count);
    for (int t = 0; t < targets; t++) {
        char name[64];
        hsize_t rows;
        snprintf(name, sizeof name, "importance/mixed%d", t + 3);
        float *values = read_dataset(file, name, H5T_NATIVE_FLOAT, &rows);
        CU_ASSERT_EQUAL_FATAL(rows, 3);
        for (int i = 0; i < 3; i++)
            for (int c = 0; c < channels[t]; c++)
                CU_ASSERT(importance_known(finished[i], t) ? values[i * channels[t] + c] == importance_value(finished[i], t, c)
                                                           : isnan(values[i * channels[t] + c]));
        free(values);
    }
}

// A run that goes on in the same file, or in another, with what is to be kept of the earlier one.
static void test_carried(void)
{
    char path[FILE_PATH_MAX], other[FILE_PATH_MAX];
    struct run_file *file;
    int asked = 0;
    make_path(path, "run.h5");
    make_path(other, "other.h5");
    UNIT_OK(create(&file, path));
    for (int64_t id = 0; id < UNFINISHED; id++)
        UNIT_OK(add_image(file, id));
    UNIT_OK(add_steps(file, UNFINISHED));
    for (int i = 0; i < FRAMES_AN_IMAGE; i++)
        UNIT_OK(add_cam(file, UNFINISHED * FRAMES_AN_IMAGE + i));
    UNIT_OK(add_scores(file, UNFINISHED));
    UNIT_OK(add_timing(file, 0));
    UNIT_OK(run_file_close(&file, false));
    const struct run_earlier earlier = {.path = path, .keep = keep, .context = &asked};
    const char *const to[] = {other, path};
    for (int i = 0; i < 2; i++) {
        UNIT_OK(create_with(&file, to[i], &earlier));
        CU_ASSERT(asked > 0);
        UNIT_OK(add_image(file, LATER));
        UNIT_OK(run_file_close(&file, true));
        expect_carried(to[i]);
    }
    // Of another layout: refused, and left as it is.
    targets = 2;
    CU_ASSERT_EQUAL(create_with(&file, other, &earlier), STATUS_FORMAT);
    CU_ASSERT_PTR_NOT_NULL(strstr(status_message(), path));
    CU_ASSERT_PTR_NULL(file);
    targets = 3;
    channels[1]++; // of a layer that has more channels now
    CU_ASSERT_EQUAL(create_with(&file, other, &earlier), STATUS_FORMAT);
    CU_ASSERT_PTR_NOT_NULL(strstr(status_message(), "its importance is not like ours"));
    channels[1]--;
    expect_carried(other);
    strcat(other, ".new");
    CU_ASSERT_NOT_EQUAL(access(other, F_OK), 0);
    // None.
    const struct run_earlier none = {.path = "/nowhere/run.h5", .keep = keep, .context = &asked};
    CU_ASSERT_EQUAL(create_with(&file, path, &none), STATUS_IO);
    CU_ASSERT_PTR_NOT_NULL(strstr(status_message(), "/nowhere/run.h5"));
    expect_carried(path);
}

static int write_sample(const char *path)
{
    struct run_file *file;
    enum status rc;
    for (int i = 0; i < targets; i++)
        channels[i] = CHANNELS_MAX;
    weights_source = "official Keras weights";
    TRY_OUT(create(&file, path));
    for (int id = 0; id < 70; id++)
        TRY_OUT(add_image(file, id));
    for (int rank = 0; rank < 3; rank++)
        TRY_OUT(add_timing(file, rank));
    struct run_progress known = run_progress_unknown();
    known.inputs = 70;
    known.in_hand = 0;
    known.progress = 1;
    known.images_per_second = 1.25;
    run_file_set_progress(file, &known);
    let_pass(1);
    TRY_OUT(run_file_close(&file, true));
out:
    if (rc != STATUS_OK)
        fprintf(stderr, "%s\n", status_message());
    return rc != STATUS_OK;
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        {"carried", test_carried},
        {"comes back", test_comes_back},
        {"expected gradients", test_expected_gradients},
        {"one target and sixteen", test_targets},
        {"a large map", test_large_map},
        {"can be read while it is written", test_read_while_written},
        {"where writes are slow there are fewer", test_slow_disk},
        {"progress", test_progress},
        {"killed at any moment", test_killed},
        {"killed in each write", test_killed_in_each_write},
        {"many writes leave no holes", test_many_small_writes_stay_small},
        {"hostile text", test_hostile_text},
        {"refusals", test_refusals},
    };
    if (argc == 3 && atoi(argv[2]) >= 3 && atoi(argv[2]) <= RANKS_MOST)
        rank_count = atoi(argv[2]);
    if (argc >= 2)
        return write_sample(argv[1]);
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    if (!scratch_create())
        return 1;
    int rc = unit_run("run_file", tests, sizeof tests / sizeof tests[0]);
    scratch_remove();
    return rc;
}
