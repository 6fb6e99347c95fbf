// SPDX-License-Identifier: MIT
// LD_PRELOAD=...: the rank STRIKE_RANK ends itself by the signal STRIKE_SIGNAL when it has used STRIKE_MILLISECONDS of processor time since
// it was started, and says in the file STRIKE_FILE that it does so. So moments are the same however busy a machine is, and can be before
// MPI is there and within it.
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int number(const char *name)
{
    const char *text = getenv(name);
    return text ? atoi(text) : -1;
}

static void strike(int alarm)
{
    (void)alarm;
    const int signal_number = number("STRIKE_SIGNAL"), file = open(getenv("STRIKE_FILE"), O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (file >= 0)
        close(file);
    signal(signal_number, SIG_DFL);
    kill(getpid(), signal_number);
}

__attribute__((constructor)) static void arm(void)
{
    const int milliseconds = number("STRIKE_MILLISECONDS");
    const struct itimerspec when = {.it_value = {milliseconds / 1000, milliseconds % 1000 * 1000000L + 1}};
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 7};
    timer_t timer;
    static const char *const ranks[] = {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK"}; // of Open MPI under mpirun, under srun, and of MPICH
    int i = 0;
    while (i < 2 && !getenv(ranks[i]))
        i++;
    if (number(ranks[i]) != number("STRIKE_RANK"))
        return;
    signal(SIGRTMIN + 7, strike);
    if (timer_create(CLOCK_PROCESS_CPUTIME_ID, &event, &timer) != 0 || timer_settime(timer, TIMER_ABSTIME, &when, NULL) != 0)
        abort();
}
