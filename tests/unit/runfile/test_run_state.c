// SPDX-License-Identifier: MIT
// What a run's folder tells: whether the run is at work, has ended, was stopped or killed; how many pictures are done, and why some failed.
#include "runfile/run_state.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "run_file_damage.h"
#include "scratch.h"
#include "unit.h"

static char path[FILE_PATH_MAX], lock_path[FILE_PATH_MAX];
static struct run_state *state;

static struct run_file *begin(int images)
{
    struct run_file *file;
    run_state_destroy(&state);
    UNIT_OK(file_join(path, scratch, "run.h5"));
    UNIT_OK(file_join(lock_path, scratch, ".oneiros.lock"));
    UNIT_OK(create(&file, path));
    for (int i = 0; i < images; i++)
        UNIT_OK(add_image_row(file, i));
    return file;
}

static void write_run(int images, bool complete)
{
    struct run_file *file = begin(images);
    struct run_progress known = run_progress_unknown();
    known.inputs = 10;
    known.in_hand = complete ? 0 : 2;
    known.progress = complete ? 1 : 0.5;
    known.images_per_second = 2.5;
    known.seconds_left = 30;
    run_file_set_progress(file, &known);
    UNIT_OK(run_file_close(&file, complete));
}

static void leave_progress_out(hid_t file)
{
    static const char *const names[] = {"inputs", "done", "failed", "stopped", "in_hand", "progress", "images_per_second", "seconds_left"};
    for (int i = 0; i < 8; i++)
        CU_ASSERT(H5Adelete(file, names[i]) >= 0);
}

static void begin_long_ago(hid_t file)
{
    CU_ASSERT(hdf5_add_text(file, "started", "2026-01-31T23:59:59Z") >= 0);
}

// HDF5 lets nobody change what this process reads.
static void change(void (*how)(hid_t file))
{
    run_state_destroy(&state);
    hdf5_change(path, how);
}

static void expect(enum run_phase phase)
{
    run_state_destroy(&state);
    UNIT_OK(run_state_read(&state, scratch));
    CU_ASSERT_EQUAL(state->phase, phase);
    CU_ASSERT_STRING_EQUAL(state->folder, scratch);
}

// The lock of a process of this machine that is not there any more: of its start before.
static void write_dead_lock(void)
{
    char host[256] = "", text[1024];
    gethostname(host, sizeof host - 1);
    snprintf(text, sizeof text,
             "oneiros is at work in this folder\nhost %s\nprocess 7\njob 812\nrestarts 0\nstarted 5\nboot before\nprocesses x\n", host);
    write_text(lock_path, text);
}

static void test_phases(void)
{
    struct folder_lock lock;
    write_run(6, false);
    expect(RUN_STOPPED);
    CU_ASSERT(!state->held && state->known.done == 2 && state->known.failed == 2 && state->known.stopped == 2 && state->known.inputs == 10);
    write_dead_lock();
    expect(RUN_KILLED);
    CU_ASSERT(state->held && state->holder.gone && state->holder.job == 812 && state->holder.process == 7 && state->known.in_hand == 2);
    unlink(lock_path);
    UNIT_OK(folder_lock_take(&lock, scratch)); // this process is at work
    write_run(6, false);
    expect(RUN_GOES_ON);
    CU_ASSERT(state->held && !state->holder.gone && state->holder.here && state->holder.process == getpid());
    CU_ASSERT(state->known.progress == 0.5 && state->known.images_per_second == 2.5 && state->known.seconds_left == 30 &&
              !state->rows_wait);
    CU_ASSERT(state->started > 0 && state->idle >= 0 && state->idle < 600);
    write_run(10, true);
    expect(RUN_COMPLETE);
    CU_ASSERT(state->known.progress == 1 && state->known.in_hand == 0);
    folder_lock_release(&lock);
    expect(RUN_COMPLETE);
    write_dead_lock(); // of one that was killed as it went on with it, before it had written anything
    expect(RUN_COMPLETE);
    unlink(lock_path);
}

// The file is of the session before, or not there yet.
static void test_starting(void)
{
    struct folder_lock lock;
    write_run(6, false);
    change(begin_long_ago);
    UNIT_OK(folder_lock_take(&lock, scratch));
    expect(RUN_STARTING);
    CU_ASSERT(state->reader && state->known.done == 2 && state->unwritten);
    unlink(path);
    expect(RUN_STARTING);
    CU_ASSERT(!state->reader && state->known.done == -1 && state->known.inputs == -1 && state->unwritten);
    folder_lock_release(&lock);
    run_state_destroy(&state);
    UNIT_FAILS(run_state_read(&state, scratch), STATUS_IO, "give the output folder of `oneiros dream`");
    CU_ASSERT_PTR_NULL(state);
    write_dead_lock();
    expect(RUN_KILLED);
    CU_ASSERT_PTR_NULL(state->reader);
    unlink(lock_path);
}

// Killed as it went on with another: when it came is known, and nothing else of it.
static void test_killed_again(void)
{
    write_run(6, false);
    write_dead_lock();
    expect(RUN_KILLED);
    CU_ASSERT(!state->unwritten);
    FILE *lock = fopen(lock_path, "a");
    CU_ASSERT_FATAL(lock && fprintf(lock, "since %lld\n", (long long)time(NULL) + 60) > 0);
    fclose(lock);
    expect(RUN_KILLED);
    CU_ASSERT(state->unwritten && state->holder.since > state->started && state->known.done == 2);
    write_run(10, true);
    expect(RUN_COMPLETE); // that other one
    CU_ASSERT(!state->unwritten);
    unlink(lock_path);
}

static void age(const char *file, int seconds)
{
    const struct timespec times[] = {{.tv_sec = time(NULL) - seconds}, {.tv_sec = time(NULL) - seconds}};
    CU_ASSERT(utimensat(AT_FDCWD, file, times, 0) == 0);
}

// A run that gives signs of life and writes nothing.
static void test_rows_wait(void)
{
    struct folder_lock lock;
    UNIT_OK(folder_lock_take(&lock, scratch));
    write_run(6, false);
    age(path, 80);
    expect(RUN_GOES_ON);
    CU_ASSERT(!state->rows_wait && state->idle >= 80);
    age(path, 100);
    expect(RUN_GOES_ON);
    CU_ASSERT(state->rows_wait);
    change(leave_progress_out); // it was not written now and then by builds that had none
    age(path, 100);
    expect(RUN_GOES_ON);
    CU_ASSERT(!state->rows_wait);
    folder_lock_release(&lock);
    expect(RUN_STOPPED);
    CU_ASSERT(!state->rows_wait);
}

static void set_done(hid_t file)
{
    CU_ASSERT(hdf5_set_number(file, "done", H5T_NATIVE_INT64, &(int64_t){7}) >= 0);
}

static void set_nonsense(hid_t file)
{
    static const int64_t numbers[] = {INT64_MAX, INT64_MAX, INT64_MIN, -5};
    static const char *const names[] = {"done", "failed", "stopped", "inputs"}, *const reals[] = {"progress", "images_per_second",
                                                                                                  "seconds_left"};
    for (int i = 0; i < 4; i++)
        CU_ASSERT(hdf5_set_number(file, names[i], H5T_NATIVE_INT64, &numbers[i]) >= 0);
    for (int i = 0; i < 3; i++)
        CU_ASSERT(hdf5_set_number(file, reals[i], H5T_NATIVE_DOUBLE, &(double){i == 0 ? 1e300 : -1}) >= 0);
}

// What the attributes lack, get wrong, or have not come to say before a kill is counted.
static void test_counted(void)
{
    static void (*const changes[])(hid_t) = {leave_progress_out, set_done, set_nonsense};
    for (int i = 0; i < 3; i++) {
        write_run(8, false);
        change(changes[i]);
        expect(RUN_STOPPED);
        CU_ASSERT(state->known.done == 3 && state->known.failed == 3 && state->known.stopped == 2);
        CU_ASSERT(state->known.inputs == (i == 1 ? 10 : -1) && (i == 1 || isnan(state->known.progress)) && state->failures.named == 3);
        CU_ASSERT(i == 1 || isnan(state->known.seconds_left));
    }
    write_run(8, true);
    change(leave_progress_out);
    expect(RUN_COMPLETE);
    CU_ASSERT(state->known.inputs == 8 && state->known.progress == 1 && state->known.in_hand == -1);
}

enum { MANY = 3000, KINDS = 40 };

static void fail_image(struct run_file *file, int id)
{
    struct image_row row = image_of(id);
    row.status = IMAGE_FAILED;
    snprintf(row.source, sizeof row.source, "in/%d/photo-%d.png", id % 7, id);
    if (id % 3 == 0)
        snprintf(row.error, sizeof row.error, "cannot open %s: row %d of %d", row.source, id, 2 * id);
    else if (id % 3 == 1)
        snprintf(row.error, sizeof row.error, "photo-%d.png: no picture", id);
    else
        snprintf(row.error, sizeof row.error, "kind %c%c", 'a' + id % KINDS / 20, 'a' + id % KINDS % 20);
    UNIT_OK(run_file_add_image(file, &row, NULL, NULL));
}

// Thousands, last ones first: the first are named, and the others counted, those with one reason together.
static void test_many_failures(void)
{
    struct run_file *file = begin(0);
    for (int id = MANY - 1; id >= 0; id--)
        fail_image(file, id);
    UNIT_OK(run_file_close(&file, true));
    expect(RUN_COMPLETE);
    const struct run_failures *failures = &state->failures;
    CU_ASSERT(state->known.failed == MANY && failures->named == RUN_FAILURES_NAMED && failures->reasons == RUN_REASONS_MAX);
    for (int i = 0; i < RUN_FAILURES_NAMED; i++)
        CU_ASSERT_EQUAL(failures->first[i].image, i);
    for (size_t i = 0; i < failures->reasons; i++) { // and of each reason the first, which are three apart or more
        const struct run_reason *reason = &failures->reason[i];
        CU_ASSERT(reason->named == RUN_REASON_SOURCES && reason->first[0].image < 3 * KINDS);
        CU_ASSERT(reason->first[0].image % 3 == reason->first[1].image % 3 && reason->first[1].image < reason->first[2].image);
    }
    CU_ASSERT_STRING_EQUAL(failures->first[1].source, "in/1/photo-1.png");
    int64_t sum = failures->others;
    for (size_t i = 0; i < failures->reasons; i++) {
        sum += failures->reason[i].count;
        CU_ASSERT(i == 0 || failures->reason[i].count <= failures->reason[i - 1].count);
    }
    CU_ASSERT(sum == MANY && failures->others > 0);
    CU_ASSERT(failures->reason[0].count == MANY / 3 && failures->reason[1].count == MANY / 3);
}

// What a server answered is a reason; how often it was asked, and the address, are none.
static void test_answers(void)
{
    static const char *const errors[] = {"the server answered 401", "the server answered 403", "the server answered 401",
                                         "the server answered 503; tried 4 times", "the server answered 503; tried 3 times"};
    struct run_file *file = begin(0);
    for (int id = 0; id < 5; id++) {
        struct image_row row = image_of(id);
        row.status = IMAGE_FAILED;
        snprintf(row.source, sizeof row.source, "http://host/%d.png", id);
        snprintf(row.error, sizeof row.error, "%s", errors[id]);
        UNIT_OK(run_file_add_image(file, &row, NULL, NULL));
    }
    UNIT_OK(run_file_close(&file, true));
    expect(RUN_COMPLETE);
    const struct run_failures *failures = &state->failures;
    CU_ASSERT_FATAL(failures->reasons == 3 && failures->others == 0);
    CU_ASSERT(failures->reason[0].count == 2 && failures->reason[0].first[1].image == 2);
    CU_ASSERT(failures->reason[1].count == 2 && failures->reason[1].first[1].image == 4);
    CU_ASSERT(failures->reason[2].count == 1 && failures->reason[2].first[0].image == 1);
}

static void write_some(void)
{
    write_run(3, true);
}

static void refused(const char *words)
{
    run_state_destroy(&state);
    const enum status rc = run_state_read(&state, scratch);
    CU_ASSERT((rc == STATUS_FORMAT || rc == STATUS_IO) && strstr(status_message(), words));
    CU_ASSERT_PTR_NULL(state);
}

// Damage to what is not read is not seen.
static void test_damaged(void)
{
    for (size_t i = 0; i < sizeof damages / sizeof damages[0]; i++) {
        const bool matters = !damages[i].dataset || (strcmp(damages[i].dataset, "steps") != 0 && strcmp(damages[i].dataset, "timing") != 0);
        write_some();
        damage(path, &damages[i]);
        if (matters)
            refused(damages[i].words);
        else
            expect(RUN_COMPLETE);
    }
    write_some();
    CU_ASSERT_EQUAL(truncate(path, 3000), 0);
    refused("damaged"); // HDF5 1.14 opens it, and may find the version
    write_text(path, "not HDF5");
    refused("no run file, or a damaged one");
    struct folder_lock lock;
    UNIT_OK(folder_lock_take(&lock, scratch));
    refused("a run is at work there");
    folder_lock_release(&lock);
}

static void test_given_by_its_file(void)
{
    write_run(6, false);
    write_dead_lock();
    run_state_destroy(&state);
    UNIT_OK(run_state_read(&state, path));
    CU_ASSERT(state->phase == RUN_KILLED && strcmp(state->folder, scratch) == 0);
    unlink(lock_path);
    run_state_destroy(&state);
    run_state_destroy(&state);
}

static const struct unit_test tests[] = {{"phases", test_phases},
                                         {"starting", test_starting},
                                         {"killed again", test_killed_again},
                                         {"rows wait", test_rows_wait},
                                         {"counted", test_counted},
                                         {"many failures", test_many_failures},
                                         {"what servers answered", test_answers},
                                         {"damaged", test_damaged},
                                         {"given by its file", test_given_by_its_file}};
UNIT_MAIN_IN_SCRATCH("run_state", tests)
