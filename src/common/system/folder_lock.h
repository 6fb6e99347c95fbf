// SPDX-License-Identifier: MIT
// One run a folder: a file in it says who works there, and its time is a sign of life. Works on file systems of any kind, also those that
// many machines share and that know no locks of the kernel's.
//
// Whoever finds such a file takes the folder over if its holder is gone for certain: its process on this machine, or an earlier start of
// the same job of Slurm's; or if it has given no sign of life for LOCK_SILENCE_SECONDS, by the clock of the file system;
// LOCK_NAMELESS_SECONDS where the file names nobody, as after a power cut.
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <time.h>

#include "common/system/file.h"

enum { LOCK_SILENCE_SECONDS = 300, LOCK_NAMELESS_SECONDS = 10, LOCK_TOUCH_SECONDS = 30, LOCK_TEXT_MAX = 1024 };

struct folder_lock {
    char path[FILE_PATH_MAX];   // empty: nothing is held
    char holder[LOCK_TEXT_MAX]; // what the file says
    double touched;             // when, by now()
};

// STATUS_USAGE, with who holds it, if another run is at work in the folder, which must be there. Where nothing can be written nothing is
// held, and that is no failure: whoever writes will say so.
enum status folder_lock_take(struct folder_lock *lock, const char *folder) MUST_CHECK;

// The same, holding nothing and making nothing.
enum status folder_lock_look(const char *folder) MUST_CHECK;

// Gives a sign of life if it is time. STATUS_IO: another run has taken the folder over, as this one gave none for too long.
enum status folder_lock_touch(struct folder_lock *lock) MUST_CHECK;

// Signs of life from a thread, for as long as nobody has the time for folder_lock_touch(). Ending it says how that went, as that does.
struct folder_lock_keeper {
    struct folder_lock *lock;
    pthread_t thread;
    pthread_mutex_t mutex; // of the rest
    pthread_cond_t changed;
    bool ending;
    bool there; // the thread is
    enum status rc;
    char message[STATUS_MESSAGE_MAX];
};
void folder_lock_keep(struct folder_lock_keeper *keeper, struct folder_lock *lock);
enum status folder_lock_keep_end(struct folder_lock_keeper *keeper) MUST_CHECK;

// Who holds a folder. Numbers are 0 and the text empty where they are not known.
struct folder_holder {
    char host[256];
    long long process, job; // of the system's, of Slurm's
    time_t since;           // when it took the folder, by its own clock
    time_t heard;           // its last sign of life, by the clock of the folder's file system
    double silence;         // seconds since then, by this machine's clock
    bool here;              // it was looked for among this machine's processes
    bool gone;              // whoever wants the folder may take it over
};

// For those who only look: nothing is written, nothing is taken. False: nobody holds it.
bool folder_lock_holder(const char *folder, struct folder_holder *holder);

// Frees the folder. A zeroed lock is fine.
void folder_lock_release(struct folder_lock *lock);
