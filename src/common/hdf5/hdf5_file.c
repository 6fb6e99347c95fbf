// SPDX-License-Identifier: MIT
#include "common/hdf5/hdf5_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

void hdf5_close(hid_t *handle)
{
    if (*handle > 0)
        H5Idec_ref(*handle);
    *handle = -1;
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
