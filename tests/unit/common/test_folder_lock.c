// SPDX-License-Identifier: MIT
// One run a folder: who is refused, and from whom a folder is taken over.
#include "common/system/folder_lock.h"

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

static bool is_there(void)
{
    return access(in_scratch(".oneiros.lock"), F_OK) == 0;
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
    char words[64];
    take();
    const pid_t holder = start_holder();
    snprintf(words, sizeof words, "process %d on ", (int)holder);
    refused(words);
    refused("give another folder with -o");
    kill(holder, SIGKILL);
    waitpid(holder, NULL, 0);
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
        age(LOCK_SILENCE_SECONDS - 60);
        refused("heard of 2");
        age(LOCK_SILENCE_SECONDS + 5);
        take();
    }
}

static void test_gone_for_certain(void)
{
    const pid_t holder = start_holder(); // which is alive, but
    replace("boot ", "boot before-that");
    take();
    kill(holder, SIGKILL);
    waitpid(holder, NULL, 0);
    setenv("SLURM_JOB_ID", "77", 1);
    struct folder_lock lock;
    UNIT_OK(folder_lock_take(&lock, scratch));
    replace("host ", "host elsewhere");
    refused("job 77");
    setenv("SLURM_RESTART_COUNT", "1", 1);
    take();
    unsetenv("SLURM_JOB_ID");
    unsetenv("SLURM_RESTART_COUNT");
}

// Half a file, as a crash leaves it, is somebody's until it is old.
static void test_damaged(void)
{
    static const char *const texts[] = {"", "oneiros is at work", "nonsense\nhost \nprocess -1\n"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        write_text(in_scratch(".oneiros.lock"), texts[i]);
        refused("another run");
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

static const struct unit_test tests[] = {
    {"two processes", test_two_processes},
    {"elsewhere", test_elsewhere},
    {"gone for certain", test_gone_for_certain},
    {"damaged", test_damaged},
    {"lost", test_lost},
};
UNIT_MAIN_IN_SCRATCH("folder_lock", tests)
