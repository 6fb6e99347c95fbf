// SPDX-License-Identifier: MIT
// An MPI that is not built for threads: to be loaded before MPI.
#include <mpi.h>

int MPI_Init_thread(int *argc, char ***argv, int required, int *provided)
{
    (void)required;
    return PMPI_Init_thread(argc, argv, MPI_THREAD_SINGLE, provided);
}
