// SPDX-License-Identifier: MIT
// How ranks of the MPI that this was built with are started, for hints. MPICH's relatives, as Intel's and Cray's, are taken for MPICH.
#pragma once

#include <mpi.h>

#ifdef OPEN_MPI
#define LAUNCHER_MPI "Open MPI"
#define LAUNCHER_SRUN "srun --mpi=pmix"
#define LAUNCHER_CORES "mpirun --map-by slot:PE=%d --bind-to core"
#else
#define LAUNCHER_MPI "MPICH"
#define LAUNCHER_SRUN "srun --mpi=pmi2"
#define LAUNCHER_CORES "mpirun -bind-to core:%d"
#endif
