// SPDX-License-Identifier: MIT
#include "common/hdf5/hdf5_file.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void hdf5_close(hid_t *handle)
{
    if (*handle > 0)
        H5Idec_ref(*handle);
    *handle = -1;
}

static pthread_mutex_t alone = PTHREAD_MUTEX_INITIALIZER;

int hdf5_enter(void)
{
    return pthread_mutex_lock(&alone);
}

void hdf5_leave(const int *entered)
{
    (void)entered;
    pthread_mutex_unlock(&alone);
}

hid_t hdf5_unlocked(void)
{
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    if (access >= 0 && H5Pset_file_locking(access, false, true) < 0)
        hdf5_close(&access);
    return access;
}

int hdf5_set_space_aside(const char *path, uint64_t bytes)
{
    struct stat facts;
    int error = 0, descriptor = open(path, O_RDWR | O_CLOEXEC);
    if (descriptor < 0 || fstat(descriptor, &facts) != 0) {
        error = errno;
    } else if ((error = posix_fallocate(descriptor, facts.st_size, (off_t)bytes)) != 0) {
        int cut = ftruncate(descriptor, facts.st_size); // gives back what was set aside before the disk was full
        (void)cut;                                      // readers do not mind if it stays
    }
    if (descriptor >= 0)
        close(descriptor);
    return error;
}

herr_t hdf5_write_through(hid_t file, const char *path)
{
    void *own; // HDF5's descriptor
    if (H5Fget_vfd_handle(file, H5P_DEFAULT, &own) < 0)
        return -1;
    const int descriptor = open(path, O_RDWR | O_DSYNC | O_CLOEXEC);
    // First its size, which HDF5 relies on: in its last page it writes no more than it needs.
    const int put = descriptor < 0 || (fdatasync(descriptor) != 0 && errno != EINVAL) ? -1 : dup3(descriptor, *(int *)own, O_CLOEXEC);
    if (descriptor >= 0)
        close(descriptor);
    return put < 0 ? -1 : 0;
}

static _Thread_local char reason[STATUS_MESSAGE_MAX / 2];

// The innermost message holds the system's words, if there are any.
static herr_t take_reason(unsigned depth, const H5E_error2_t *error, void *unused)
{
    (void)unused;
    static const char before[] = "error message = '";
    if (depth != 0 || !error->desc || reason[0])
        return 0;
    const char *system = strstr(error->desc, before);
    if (system) {
        system += strlen(before);
        snprintf(reason, sizeof reason, "%.*s", (int)strcspn(system, "'"), system);
    } else {
        snprintf(reason, sizeof reason, "%s", error->desc);
    }
    return 0;
}

static herr_t on_error(hid_t stack, void *unused)
{
    return H5Ewalk2(stack, H5E_WALK_UPWARD, take_reason, unused);
}

// HDF5 prints every error unless told what else to do, in each thread of its own.
void hdf5_listen(void)
{
    reason[0] = '\0';
    H5Eset_auto2(H5E_DEFAULT, on_error, NULL);
}

const char *hdf5_reason(void)
{
    return reason[0] ? reason : "no memory";
}

enum status hdf5_fail(const char *path, const char *doing)
{
    return fail(STATUS_IO, "%s: %s: %s", path, doing, hdf5_reason());
}
