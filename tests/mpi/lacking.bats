#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What machines and containers may lack. Most of it needs a user who may make namespaces, such as root. ONEIROS, DATA, MPIEXEC, NO_THREADS
# and NO_ENCODER come from ctest.

bats_require_minimum_version 1.5.0

settings=(-s octaves.count=1 -s steps=2 -s input.resize=100 -s threads=1)

setup() {
    cd "$BATS_TEST_TMPDIR"
    "$ONEIROS" dream -q "${settings[@]}" -o known "$DATA/chelsea.png"
}

may_make_namespaces() {
    unshare --mount true 2>/dev/null || skip "this user may not make namespaces"
}

@test "an MPI that is not built for threads will do, with one warning" {
    export ASAN_OPTIONS=${ASAN_OPTIONS:-}:verify_asan_link_order=0 # of a sanitized build, which need not be the first to be loaded
    run -0 "$MPIEXEC" -n 3 env LD_PRELOAD="$NO_THREADS" "$ONEIROS" dream "${settings[@]}" -o out "$DATA/chelsea.png"
    [ "$(grep -c 'warning: this MPI is not built for threads' <<<"$output")" -eq 1 ]
    cmp known/chelsea/dream.png out/chelsea/dream.png
    run -0 env LD_PRELOAD="$NO_THREADS" "$ONEIROS" dream --force "${settings[@]}" -o out "$DATA/chelsea.png"
    [[ $output != *warning* ]]
}

@test "without an encoder there are no videos, but all the rest" {
    export ASAN_OPTIONS=${ASAN_OPTIONS:-}:verify_asan_link_order=0
    run -0 "$MPIEXEC" -n 2 env LD_PRELOAD="$NO_ENCODER" "$ONEIROS" dream "${settings[@]}" -o out "$DATA/chelsea.png"
    [ "$(grep -c 'no videos: ' <<<"$output")" -eq 1 ]
    cmp known/chelsea/dream.png out/chelsea/dream.png
    [ -s out/chelsea/cam.png ]
    [ ! -e out/chelsea/dream.mp4 ]
    run -0 env LD_PRELOAD="$NO_ENCODER" "$ONEIROS" dream "${settings[@]}" -o out "$DATA/chelsea.png"
    [[ $output == *"nothing to do"* ]]
}

@test "64 MB of /dev/shm are enough" {
    may_make_namespaces
    # shellcheck disable=SC2016 # for the inner shell
    run -0 unshare --mount sh -euc 'mount -t tmpfs -o size=64m none /dev/shm; exec "$@"' sh \
        "$MPIEXEC" -n 3 "$ONEIROS" dream "${settings[@]}" -o out "$DATA/chelsea.png"
    [[ $output != *warning* ]]
    cmp known/chelsea/dream.png out/chelsea/dream.png
}

@test "ranks that cannot see each other's memory have weights of their own, and say so once" {
    may_make_namespaces
    # Open MPI itself would need to see the other ranks: by TCP it need not.
    run -0 env OMPI_MCA_btl=tcp,self "$MPIEXEC" -n 3 unshare --pid --fork --mount-proc "$ONEIROS" dream "${settings[@]}" -o out "$DATA/chelsea.png"
    [ "$(grep -c 'warning: 2 of 3 ranks keep a copy of the weights of their own (90 MiB)' <<<"$output")" -eq 1 ]
    cmp known/chelsea/dream.png out/chelsea/dream.png
}

@test "a user without a home" {
    run -0 env -u HOME ONEIROS_MODEL_PATH="${ONEIROS_MODEL_PATH:-${XDG_CACHE_HOME:-$HOME/.cache}/oneiros/inception_v3.h5}" \
        "$ONEIROS" dream "${settings[@]}" -o out "$DATA/chelsea.png"
    cmp known/chelsea/dream.png out/chelsea/dream.png
}
