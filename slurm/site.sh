# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034 # the variables are for those who source this
# All that the scripts of this folder need to know of a site: change it here. Read by each job, and before you submit:
#   . slurm/site.sh && sbatch --nodes=4 slurm/dream.sbatch OUT INPUT...

# Where this folder's parent is; jobs inherit it.
ONEIROS_HOME=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export ONEIROS_HOME

# What the program was built with.
#module purge
#module load gcc openmpi hdf5 ffmpeg

# sbatch reads these by itself; its options win.
#export SBATCH_ACCOUNT=project123
#export SBATCH_PARTITION=standard

# The program: of this source tree, or the one on the PATH.
oneiros=$ONEIROS_HOME/build/oneiros
[ -x "$oneiros" ] || oneiros=$(command -v oneiros || echo "$oneiros")

# How ranks are started. srun takes the number of ranks and nodes from the job, but not how many cores a rank has (since Slurm 22.05).
# --wait: seconds from the end of the first rank to that of the others, which would wait for one that has crashed until the time limit. Not
# --kill-on-bad-exit: rank 0 ends with 3 or 75 in order, too, and the others must not be killed while they are leaving.
# --mpi=pmix: for Open MPI; pmi2 for MPICH, whose mpirun wants -bind-to "core:${SLURM_CPUS_PER_TASK:-1}" instead.
launcher=(srun --mpi=pmix --wait=5 --cpus-per-task="${SLURM_CPUS_PER_TASK:-1}")
#launcher=(mpirun --map-by "slot:PE=${SLURM_CPUS_PER_TASK:-1}" --bind-to core)
# Slurm's PMIx, left to itself, lets ranks pass barriers that others have not reached (22.05): a rank that is late in starting then gets messages
# too early, and crashes in MPI_Init. In a ring of nodes a barrier is one.
export SLURM_PMIX_FENCE=ring

# Ranks a node, and cores a rank, of slurm/scaling.sh. The other scripts take them from sbatch.
tasks_per_node=1
cpus_per_task=${SLURM_CPUS_PER_TASK:-8}

# What the program keeps that may be lost: plans, downloaded weights. Fast, and seen by all nodes.
#export XDG_CACHE_HOME=/scratch/$USER/cache

# How often a job that was stopped with a checkpoint is queued again.
max_requeues=${MAX_REQUEUES:-20}
