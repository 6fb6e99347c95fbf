#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What containers take away. Needs a user who may make namespaces, such as root. ONEIROS, DATA and MPIEXEC come from ctest.

bats_require_minimum_version 1.5.0

settings=(-s octaves.count=1 -s steps=2 -s input.resize=100 -s threads=1)

setup() {
    unshare --mount true 2>/dev/null || skip "this user may not make namespaces"
    cd "$BATS_TEST_TMPDIR"
    "$ONEIROS" dream -q "${settings[@]}" -o known "$DATA/chelsea.png"
}

@test "64 MB of /dev/shm are enough" {
    # shellcheck disable=SC2016 # for the inner shell
    run -0 unshare --mount sh -euc 'mount -t tmpfs -o size=64m none /dev/shm; exec "$@"' sh \
        "$MPIEXEC" -n 3 "$ONEIROS" dream "${settings[@]}" -o out "$DATA/chelsea.png"
    [[ $output != *warning* ]]
    cmp known/chelsea/dream.png out/chelsea/dream.png
}

@test "ranks that cannot see each other's memory have weights of their own, and say so once" {
    # Open MPI itself would need to see the other ranks: by TCP it need not.
    run -0 env OMPI_MCA_btl=tcp,self "$MPIEXEC" -n 3 unshare --pid --fork --mount-proc "$ONEIROS" dream "${settings[@]}" -o out "$DATA/chelsea.png"
    [ "$(grep -c 'warning: 2 of 3 ranks keep a copy of the weights of their own (90 MiB)' <<<"$output")" -eq 1 ]
    cmp known/chelsea/dream.png out/chelsea/dream.png
}
