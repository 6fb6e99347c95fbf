#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# A rank that is struck at moments of the start (mpi/strike.py) under srun over two nodes, started as the job scripts do. ONEIROS, DATA and
# STRIKE come from ctest.

setup_file() {
    export ROOT CLUSTER
    ROOT=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
    CLUSTER=$(mktemp -d /tmp/oneiros-cluster-XXXXXX)
    "$ROOT/slurm/dev-cluster" up 2 3>&-
}

teardown_file() {
    "$ROOT/slurm/dev-cluster" down
}

@test "all ranks are gone at once, whenever one of them is struck" {
    eval "$("$ROOT/slurm/dev-cluster" env)"
    # shellcheck source=slurm/site.sh
    . "$ROOT/slurm/site.sh"
    # shellcheck disable=SC2153 # not site.sh's
    ! "$ONEIROS" --version | grep -q 'MPI  *MPICH' || launcher=("${launcher[@]/%=pmix/=pmi2}")
    /usr/bin/python3 "$BATS_TEST_DIRNAME/../mpi/strike.py" "$ONEIROS" "$STRIKE" "$BATS_TEST_TMPDIR/strike" "$DATA/chelsea.png" \
        "${launcher[@]}" --nodes=2
}
