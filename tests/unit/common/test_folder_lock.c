// SPDX-License-Identifier: MIT
// One run a folder: who is refused, and from whom a folder is taken over.
#include "common/system/folder_lock.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "files.h"
#include "scratch.h"
#include "unit.h"

static int count_entries(void)
{
    DIR *folder = opendir(scratch);
    int count = 0;
    CU_ASSERT_PTR_NOT_NULL_FATAL(folder);
    while (readdir(folder))
        count++;
    closedir(folder);
    return count;
}

static bool is_there(void)
{
    return access(in_scratch(".oneiros.lock"), F_OK) == 0;
}

// What somebody sees who only looks, and that he leaves no trace.
static void looks(bool held, bool gone, bool here)
{
    struct folder_holder holder;
    struct stat before, after;
    const bool there = stat(in_scratch(".oneiros.lock"), &before) == 0;
    const int entries = count_entries();
    CU_ASSERT_EQUAL(folder_lock_holder(scratch, &holder), held);
    CU_ASSERT_EQUAL(there, held);
    CU_ASSERT(holder.gone == gone && holder.here == here);
    CU_ASSERT(!held ||
              (stat(in_scratch(".oneiros.lock"), &after) == 0 && memcmp(&before.st_mtim, &after.st_mtim, sizeof before.st_mtim) == 0));
    CU_ASSERT_EQUAL(count_entries(), entries);
}

static void take(void)
{
    struct folder_lock lock;
    const bool there = is_there();
    UNIT_OK(folder_lock_look(scratch));
    CU_ASSERT_EQUAL(is_there(), there);
    UNIT_OK(folder_lock_take(&lock, scratch));
    CU_ASSERT(lock.path[0] && is_there());
    UNIT_OK(folder_lock_touch(&lock));
    folder_lock_release(&lock);
    CU_ASSERT(!is_there() && access(in_scratch(".oneiros.lock.gone"), F_OK) != 0);
}

static void refused(const char *words)
{
    struct folder_lock lock;
    UNIT_FAILS(folder_lock_look(scratch), STATUS_USAGE, words);
    UNIT_FAILS(folder_lock_take(&lock, scratch), STATUS_USAGE, words);
    folder_lock_release(&lock);
    CU_ASSERT(is_there());
}

// A process that holds the folder until it is killed.
static pid_t start_holder(void)
{
    int ready[2];
    char byte;
    CU_ASSERT_FATAL(pipe(ready) == 0);
    const pid_t child = fork();
    if (child == 0) {
        struct folder_lock lock;
        if (folder_lock_take(&lock, scratch) != STATUS_OK || write(ready[1], "", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    close(ready[1]);
    CU_ASSERT_FATAL(child > 0 && read(ready[0], &byte, 1) == 1);
    close(ready[0]);
    return child;
}

static void test_two_processes(void)
{
    char words[64], host[256] = "";
    struct folder_holder seen;
    looks(false, false, false);
    take();
    looks(false, false, false);
    const pid_t holder = start_holder();
    looks(true, false, true);
    gethostname(host, sizeof host - 1);
    CU_ASSERT(folder_lock_holder(scratch, &seen) && seen.process == holder && strcmp(seen.host, host) == 0 && seen.job == 0);
    CU_ASSERT(llabs((long long)(seen.since - time(NULL))) < 600 && seen.silence < 600);
    snprintf(words, sizeof words, "process %d on ", (int)holder);
    refused(words);
    refused("give another folder with -o");
    kill(holder, SIGKILL);
    waitpid(holder, NULL, 0);
    looks(true, true, true);
    take();
}

static void replace(const char *from, const char *to)
{
    char text[LOCK_TEXT_MAX] = "", changed[2 * LOCK_TEXT_MAX];
    FILE *stream = fopen(in_scratch(".oneiros.lock"), "r+");
    CU_ASSERT_PTR_NOT_NULL_FATAL(stream);
    CU_ASSERT_FATAL(fread(text, 1, sizeof text - 1, stream) > 0);
    char *at = strstr(text, from);
    CU_ASSERT_PTR_NOT_NULL_FATAL(at);
    snprintf(changed, sizeof changed, "%.*s%s%s", (int)(at - text), text, to, strchr(at, '\n'));
    rewind(stream);
    CU_ASSERT(fputs(changed, stream) >= 0 && ftruncate(fileno(stream), (off_t)strlen(changed)) == 0);
    fclose(stream);
}

static void age(int seconds)
{
    const struct timespec times[] = {{.tv_sec = time(NULL) - seconds}, {.tv_sec = time(NULL) - seconds}};
    CU_ASSERT(utimensat(AT_FDCWD, in_scratch(".oneiros.lock"), times, 0) == 0);
}

// What is known of processes here says nothing of those elsewhere: their sign of life does.
static void test_elsewhere(void)
{
    static const struct {
        const char *from, *to;
    } others[] = {{"host ", "host elsewhere"}, {"processes ", "processes pid:[1]"}};
    for (int i = 0; i < 2; i++) {
        const pid_t holder = start_holder();
        kill(holder, SIGKILL);
        waitpid(holder, NULL, 0);
        replace(others[i].from, others[i].to);
        refused(i == 0 ? "on elsewhere" : "heard of");
        looks(true, false, false);
        age(LOCK_SILENCE_SECONDS - 60);
        refused("heard of 2");
        looks(true, false, false);
        age(LOCK_SILENCE_SECONDS + 5);
        looks(true, true, false);
        take();
    }
}

static void test_gone_for_certain(void)
{
    const pid_t holder = start_holder(); // which is alive, but
    replace("boot ", "boot before-that");
    looks(true, true, false);
    take();
    kill(holder, SIGKILL);
    waitpid(holder, NULL, 0);
    setenv("SLURM_JOB_ID", "77", 1);
    struct folder_lock lock;
    UNIT_OK(folder_lock_take(&lock, scratch));
    replace("host ", "host elsewhere");
    refused("job 77");
    looks(true, false, false);
    setenv("SLURM_RESTART_COUNT", "1", 1);
    looks(true, true, false);
    take();
    unsetenv("SLURM_JOB_ID");
    unsetenv("SLURM_RESTART_COUNT");
}

// As builds before wrote it.
static void test_without_since(void)
{
    struct folder_holder seen;
    const pid_t holder = start_holder();
    replace("since ", "");
    CU_ASSERT(folder_lock_holder(scratch, &seen) && seen.process == holder && seen.since == 0 && seen.here && !seen.gone);
    kill(holder, SIGKILL);
    waitpid(holder, NULL, 0);
    take();
}

// Half a file, as a crash leaves it, is somebody's until it is old.
static void test_damaged(void)
{
    static const char *const texts[] = {"", "oneiros is at work", "nonsense\nhost \nprocess -1\n"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        write_text(in_scratch(".oneiros.lock"), texts[i]);
        refused("another run");
        looks(true, false, false);
        age((i < 2 ? LOCK_NAMELESS_SECONDS : LOCK_SILENCE_SECONDS) + 5); // the last one names somebody
        take();
    }
}

static void test_lost(void)
{
    struct folder_lock lock;
    UNIT_OK(folder_lock_take(&lock, scratch));
    unlink(in_scratch(".oneiros.lock"));
    lock.touched -= LOCK_TOUCH_SECONDS + 1;
    UNIT_OK(folder_lock_touch(&lock));
    CU_ASSERT(is_there());
    replace("process ", "process 1");
    lock.touched -= LOCK_TOUCH_SECONDS + 1;
    UNIT_FAILS(folder_lock_touch(&lock), STATUS_IO, "taken the output folder over");
    folder_lock_release(&lock);
    CU_ASSERT(is_there()); // it is another one's
    unlink(in_scratch(".oneiros.lock"));
}

// While nobody has time for it.
static void test_kept(void)
{
    struct folder_lock lock;
    struct folder_lock_keeper keeper;
    struct stat info;
    UNIT_OK(folder_lock_take(&lock, scratch));
    age(LOCK_SILENCE_SECONDS - 60);
    lock.touched -= LOCK_TOUCH_SECONDS + 1;
    folder_lock_keep(&keeper, &lock);
    for (int i = 0; i < 600 && stat(in_scratch(".oneiros.lock"), &info) == 0 && difftime(time(NULL), info.st_mtime) > 60; i++)
        usleep(100 * 1000);
    UNIT_OK(folder_lock_keep_end(&keeper));
    CU_ASSERT(difftime(time(NULL), info.st_mtime) <= 60);
    replace("process ", "process 1");
    lock.touched -= LOCK_TOUCH_SECONDS + 1;
    folder_lock_keep(&keeper, &lock);
    UNIT_FAILS(folder_lock_keep_end(&keeper), STATUS_IO, "taken the output folder over");
    folder_lock_keep(&keeper, &lock); // nothing is held any more
    UNIT_OK(folder_lock_keep_end(&keeper));
    unlink(in_scratch(".oneiros.lock"));
}

static const struct unit_test tests[] = {
    {"two processes", test_two_processes},
    {"elsewhere", test_elsewhere},
    {"gone for certain", test_gone_for_certain},
    {"without its beginning", test_without_since},
    {"damaged", test_damaged},
    {"lost", test_lost},
    {"kept", test_kept},
};
UNIT_MAIN_IN_SCRATCH("folder_lock", tests)
