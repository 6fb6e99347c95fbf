// SPDX-License-Identifier: MIT
#include "common/system/folder_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/system/clock.h"
#include "common/system/log.h"
#include "common/system/thread.h"

static const char file_name[] = ".oneiros.lock";

// Who holds a lock; numbers are 0 and texts empty where they are not known.
struct holder {
    char host[256], boot[64], processes[64]; // its name, what tells one start of the machine from the next, its space of process numbers
    long long process, started;              // number, and when it started (clock ticks since the boot)
    long long job, restarts;                 // of Slurm
    long long since;                         // seconds since 1970: when it took the folder
};

// The first line of a small file of the system's, without its end.
static void read_line(const char *path, char *text, size_t size)
{
    FILE *stream = fopen(path, "re");
    if (!stream || !fgets(text, (int)size, stream))
        text[0] = '\0';
    text[strcspn(text, "\n")] = '\0';
    if (stream)
        fclose(stream);
}

// When a process started; 0: there is none, or it has ended and nobody has asked how. By its first thread: qemu-user, which runs programs
// of other processors, makes up /proc/PID/stat where a process asks for its own, with another time than the others see.
static long long start_of(long long process)
{
    enum { FIELDS_BEFORE = 19 }; // between the name in brackets and the time
    char path[64], text[1024];
    snprintf(path, sizeof path, "/proc/%lld/task/%lld/stat", process, process);
    read_line(path, text, sizeof text);
    const char *at = strrchr(text, ')');
    if (at && at[1] && at[2] == 'Z')
        return 0;
    for (int i = 0; at && i <= FIELDS_BEFORE; i++)
        at = strchr(at + 1, ' ');
    return at ? atoll(at) : 0;
}

static struct holder self(void)
{
    struct holder h = {.process = getpid(), .started = start_of(getpid()), .since = time(NULL)};
    const char *job = getenv("SLURM_JOB_ID"), *restarts = getenv("SLURM_RESTART_COUNT");
    gethostname(h.host, sizeof h.host - 1);
    read_line("/proc/sys/kernel/random/boot_id", h.boot, sizeof h.boot);
    const ssize_t length = readlink("/proc/self/ns/pid", h.processes, sizeof h.processes - 1);
    h.processes[length > 0 ? length : 0] = '\0';
    h.job = job ? atoll(job) : 0;
    h.restarts = restarts ? atoll(restarts) : 0;
    return h;
}

static void print(const struct holder *h, char text[LOCK_TEXT_MAX])
{
    snprintf(text, LOCK_TEXT_MAX,
             "oneiros is at work in this folder\nhost %s\nprocess %lld\njob %lld\nrestarts %lld\nstarted %lld\nboot %s\nprocesses %s\n"
             "since %lld\n",
             h->host, h->process, h->job, h->restarts, h->started, h->boot, h->processes, h->since);
}

static struct holder parse(const char *text)
{
    struct holder h = {0};
    sscanf(text, "%*[^\n] host %255s process %lld job %lld restarts %lld started %lld boot %63s processes %63s since %lld", h.host,
           &h.process, &h.job, &h.restarts, &h.started, h.boot, h.processes, &h.since);
    return h;
}

// Whether its process would be among those that are seen here.
static bool is_here(const struct holder *h, const struct holder *me)
{
    return h->host[0] && strcmp(h->host, me->host) == 0 && strcmp(h->boot, me->boot) == 0 && h->processes[0] &&
           strcmp(h->processes, me->processes) == 0;
}

static bool is_gone(const struct holder *h)
{
    const struct holder me = self();
    if (h->job && h->job == me.job && h->restarts < me.restarts)
        return true; // Slurm starts a job again once its last start has ended
    if (!h->host[0] || strcmp(h->host, me.host) != 0 || !h->boot[0])
        return false;
    if (strcmp(h->boot, me.boot) != 0)
        return true; // the machine has been started anew
    return is_here(h, &me) && start_of(h->process) != h->started;
}

// What the file says, and when it was touched. False: there is none.
static bool read_lock(const char *path, char text[LOCK_TEXT_MAX], time_t *touched)
{
    struct stat info;
    const int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        return false;
    const ssize_t length = read(descriptor, text, LOCK_TEXT_MAX - 1);
    const bool there = fstat(descriptor, &info) == 0;
    close(descriptor);
    text[length > 0 ? length : 0] = '\0';
    *touched = there ? info.st_mtime : 0;
    return there;
}

static bool says(const char *path, const char *text)
{
    char found[LOCK_TEXT_MAX];
    time_t touched;
    return read_lock(path, found, &touched) && strcmp(found, text) == 0;
}

// Seconds since then, by the clock of the folder's file system.
static double seconds_since(time_t touched, const char *folder)
{
    struct stat fresh;
    int trial = -1;
    const bool known = file_create_nameless(folder, &trial) == STATUS_OK && fstat(trial, &fresh) == 0;
    if (trial >= 0)
        close(trial);
    return known ? difftime(fresh.st_mtime, touched) : 0;
}

// 0, or an errno.
static int create(const char *path, const char *text)
{
    const ssize_t length = (ssize_t)strlen(text);
    const int descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor < 0)
        return errno;
    const bool written = write(descriptor, text, (size_t)length) == length;
    fsync(descriptor); // after a power cut it must say that its machine has been started anew since
    if (close(descriptor) == 0 && written)
        return 0;
    unlink(path);
    return EIO;
}

// Takes the folder from a holder that is gone, and from no other one: of several that try, one does.
static int take_over(const char *path, const char *stale, const char *text)
{
    char gone[FILE_PATH_MAX + 8];
    snprintf(gone, sizeof gone, "%s.gone", path);
    if (rename(path, gone) == 0 && !says(gone, stale))
        (void)!link(gone, path); // it was somebody else's by now
    const int error = create(path, text);
    unlink(gone);
    return error;
}

// Seconds. A holder writes its name at once: where there is none a crash or a power cut has come between.
static int patience(const struct holder *h)
{
    return h->host[0] ? LOCK_SILENCE_SECONDS : LOCK_NAMELESS_SECONDS;
}

static enum status refuse(const char *folder, const char *path, const char *text, double silence)
{
    const struct holder h = parse(text), me = self();
    char job[64] = "";
    if (h.job)
        snprintf(job, sizeof job, ", job %lld", h.job);
    if (is_here(&h, &me))
        return fail(STATUS_USAGE,
                    "another run is at work in '%s': process %lld on this machine%s; wait for it or give another folder with -o", folder,
                    h.process, job);
    return fail(
        STATUS_USAGE,
        "another run is at work in '%s': process %lld on %s%s, heard of %.0f s ago; wait for it or give another folder with -o (if it is "
        "gone, the folder is free %d s after its last sign of life, or when '%s' is removed)",
        folder, h.process, h.host[0] ? h.host : "an unknown host", job, silence, patience(&h), path);
}

enum status folder_lock_take(struct folder_lock *lock, const char *folder)
{
    char path[FILE_PATH_MAX], text[LOCK_TEXT_MAX] = "";
    time_t touched;
    *lock = (struct folder_lock){0};
    TRY(file_join(path, folder, file_name));
    const struct holder me = self();
    print(&me, lock->holder);
    int error = create(path, lock->holder);
    if (error == EEXIST && read_lock(path, text, &touched)) {
        const struct holder holder = parse(text);
        const double silence = seconds_since(touched, folder);
        if (!is_gone(&holder) && silence < patience(&holder))
            return refuse(folder, path, text, silence);
        log_info("the run that was at work in %s is gone", folder);
        error = take_over(path, text, lock->holder);
    }
    if (error == EEXIST) // it has just come, or gone
        return refuse(folder, path, text, 0);
    if (error == 0)
        snprintf(lock->path, sizeof lock->path, "%s", path);
    lock->touched = now();
    return STATUS_OK;
}

enum status folder_lock_look(const char *folder)
{
    char path[FILE_PATH_MAX], text[LOCK_TEXT_MAX];
    time_t touched;
    TRY(file_join(path, folder, file_name));
    if (!read_lock(path, text, &touched))
        return STATUS_OK;
    const struct holder holder = parse(text);
    const double silence = difftime(time(NULL), touched);
    return is_gone(&holder) || silence >= patience(&holder) ? STATUS_OK : refuse(folder, path, text, silence);
}

enum status folder_lock_touch(struct folder_lock *lock)
{
    if (!lock->path[0] || now() - lock->touched < LOCK_TOUCH_SECONDS)
        return STATUS_OK;
    lock->touched = now();
    if (create(lock->path, lock->holder) != 0 && !says(lock->path, lock->holder)) { // created: somebody had removed it
        lock->path[0] = '\0';
        return fail(STATUS_IO, "another run has taken the output folder over, as no sign of life of this one reached it for %d s",
                    LOCK_SILENCE_SECONDS);
    }
    utimensat(AT_FDCWD, lock->path, NULL, 0);
    return STATUS_OK;
}

static void *keep(void *data)
{
    struct folder_lock_keeper *keeper = data;
    pthread_mutex_lock(&keeper->mutex);
    for (;;) {
        struct timespec next;
        keeper->rc = folder_lock_touch(keeper->lock);
        if (keeper->rc != STATUS_OK)
            snprintf(keeper->message, sizeof keeper->message, "%s", status_message());
        if (keeper->ending || keeper->rc != STATUS_OK)
            break;
        clock_gettime(CLOCK_REALTIME, &next);
        next.tv_sec++;
        pthread_cond_timedwait(&keeper->changed, &keeper->mutex, &next);
    }
    pthread_mutex_unlock(&keeper->mutex);
    return NULL;
}

void folder_lock_keep(struct folder_lock_keeper *keeper, struct folder_lock *lock)
{
    *keeper = (struct folder_lock_keeper){.lock = lock};
    if (!lock->path[0])
        return;
    pthread_mutex_init(&keeper->mutex, NULL);
    pthread_cond_init(&keeper->changed, NULL);
    keeper->there = thread_start(&keeper->thread, keep, keeper) == STATUS_OK; // else there is none until the next touch
}

enum status folder_lock_keep_end(struct folder_lock_keeper *keeper)
{
    if (!keeper->lock->path[0] && !keeper->there)
        return STATUS_OK;
    if (keeper->there) {
        pthread_mutex_lock(&keeper->mutex);
        keeper->ending = true;
        pthread_cond_signal(&keeper->changed);
        pthread_mutex_unlock(&keeper->mutex);
        pthread_join(keeper->thread, NULL);
    }
    pthread_cond_destroy(&keeper->changed);
    pthread_mutex_destroy(&keeper->mutex);
    return keeper->rc == STATUS_OK ? STATUS_OK : fail(keeper->rc, "%s", keeper->message);
}

bool folder_lock_holder(const char *folder, struct folder_holder *holder)
{
    char path[FILE_PATH_MAX], text[LOCK_TEXT_MAX];
    *holder = (struct folder_holder){0};
    if (file_join(path, folder, file_name) != STATUS_OK || !read_lock(path, text, &holder->heard))
        return false;
    const struct holder h = parse(text), me = self();
    memcpy(holder->host, h.host, sizeof holder->host);
    holder->process = h.process;
    holder->job = h.job;
    holder->since = (time_t)h.since;
    holder->silence = fmax(difftime(time(NULL), holder->heard), 0);
    holder->here = is_here(&h, &me);
    holder->gone = is_gone(&h) || holder->silence >= patience(&h);
    return true;
}

void folder_lock_release(struct folder_lock *lock)
{
    if (lock->path[0] && says(lock->path, lock->holder))
        unlink(lock->path);
    *lock = (struct folder_lock){0};
}
