// SPDX-License-Identifier: MIT
#include "common/system/stop_request.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"

#define CHILD "TEST_STOP_CHILD"

static void on_library_signal(int number)
{
    (void)number;
}

// As UCX does, which comes with MPICH: before main() it takes SIGHUP, whatever was to be done about it. The program started as a child then
// says by its exit code whether SIGHUP asks it to stop.
__attribute__((constructor)) static void be_a_library(void)
{
    signal(SIGHUP, on_library_signal);
    if (!getenv(CHILD))
        return;
    stop_install();
    raise(SIGHUP);
    _exit(stop_requested() && strcmp(stop_reason(), "SIGHUP") == 0);
}

static void start_again(void)
{
#ifdef TEST_EMULATED
    char path[4096] = "";
    if (readlink("/proc/self/exe", path, sizeof path - 1) > 0)
        execlp(TEST_EMULATED, TEST_EMULATED, path, (char *)NULL);
#else
    execl("/proc/self/exe", "child", (char *)NULL);
#endif
}

// This program, started with that done about SIGHUP: whether SIGHUP asks it to stop.
static int stops(void (*hangup)(int))
{
    int status = -1;
    const pid_t child = fork();
    if (child == 0) {
        signal(SIGHUP, hangup);
        setenv(CHILD, "1", 1);
        start_again();
        _exit(127);
    }
    CU_ASSERT_FATAL(child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void test_hangup(void)
{
    CU_ASSERT_EQUAL(stops(SIG_DFL), 1);
    CU_ASSERT_EQUAL(stops(SIG_IGN), 0);
}

static const struct unit_test tests[] = {{"a hang-up stops it, but not under nohup", test_hangup}};
UNIT_MAIN("stop_request", tests)
