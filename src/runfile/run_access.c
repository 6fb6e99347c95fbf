// SPDX-License-Identifier: MIT
#include "runfile/run_access.h"

#include "common/hdf5/hdf5_file.h"

hid_t run_access_list(void)
{
    hid_t access = hdf5_unlocked();
    if (access >= 0 && H5Pset_libver_bounds(access, H5F_LIBVER_V110, H5F_LIBVER_V110) < 0)
        hdf5_close(&access);
    return access;
}

hid_t run_access_open(const char *path)
{
    enum { ATTEMPTS = 20 }; // HDF5 waits between them, twice as long each time: its default of a hundred never ends
    hdf5_listen();
    HDF5_HANDLE access = run_access_list();
    if (access < 0 || H5Pset_metadata_read_attempts(access, ATTEMPTS) < 0)
        return -1;
    return H5Fopen(path, H5F_ACC_RDONLY | H5F_ACC_SWMR_READ, access);
}
