#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The program from outside: what needs no MPI, no weights and no pictures. $ONEIROS is the program.

bats_require_minimum_version 1.5.0

setup() {
    cd "$BATS_TEST_TMPDIR"
    # Settings of whoever runs the tests must not count.
    local name
    for name in $(compgen -e ONEIROS_); do
        unset "$name"
    done
}

@test "no command: usage on standard error, exit 2" {
    run -2 --separate-stderr "$ONEIROS"
    [ -z "$output" ]
    [[ "$stderr" == "Usage: oneiros COMMAND"* ]]
}

@test "--help, -h and help say the same" {
    run -0 "$ONEIROS" --help
    [[ "$output" == *"dream "*"model "*"bench "* ]]
    local text="$output"
    run -0 "$ONEIROS" -h
    [ "$output" = "$text" ]
    run -0 "$ONEIROS" help
    [ "$output" = "$text" ]
}

@test "help COMMAND is COMMAND --help" {
    run -0 "$ONEIROS" help dream
    [[ "$output" == *"mpirun -n"*"octaves.count=4  [1..32]"*"Exit codes"* ]]
    local text="$output"
    run -0 "$ONEIROS" dream --help
    [ "$output" = "$text" ]
}

@test "--version names every library" {
    run -0 "$ONEIROS" --version
    [[ "${lines[0]}" =~ ^oneiros\ [0-9]+\.[0-9]+\.[0-9]+$ ]]
    local library
    for library in oneDNN HDF5 MPI libpng libtiff FFmpeg libcurl libyaml; do
        grep -Eq "^  $library +.*[0-9]+\.[0-9]+" <<<"$output"
    done
}

@test "an unknown command: exit 2 and the nearest one" {
    run -2 "$ONEIROS" draem
    [[ "$output" == *"unknown command draem; did you mean dream?"* ]]
    run -2 "$ONEIROS" help modle
    [[ "$output" == *"did you mean model?"* ]]
    run -2 "$ONEIROS" --versoin
    [[ "$output" == *"unknown command --versoin"* ]]
}

@test "a full disk is not success" {
    [ -e /dev/full ] || skip "no /dev/full"
    run -1 --separate-stderr bash -c '"$ONEIROS" --version >/dev/full'
    [[ "$stderr" == *"cannot write to standard output"* ]]
}

@test "--print-config is a configuration that -c takes" {
    "$ONEIROS" dream -s steps=7 -s targets=mixed4#12+45:0.5 --print-config >job.yaml
    grep -qx "steps: 7" job.yaml
    run -0 "$ONEIROS" dream -c job.yaml --print-config
    diff job.yaml - <<<"$output"
}

@test "-s over the environment over the file over the preset" {
    printf 'jitter: 3\nseed: 3\nthreads: 3\n' >job.yaml
    ONEIROS_SEED=4 ONEIROS_THREADS=4 run -0 "$ONEIROS" dream -s threads=5 -c job.yaml -p classic --print-config
    grep -qx "gradient: plain" <<<"$output"
    grep -qx "jitter: 3" <<<"$output"
    grep -qx "seed: 4" <<<"$output"
    grep -qx "threads: 5" <<<"$output"
}

@test "wrong settings: exit 2, with file, line and range" {
    printf 'seed: 3\nsteps: 0\n' >job.yaml
    run -2 "$ONEIROS" dream -c job.yaml -o out x.png
    [[ "$output" == *"job.yaml:2: steps: 0 is not in 1..100000"* ]]
    run -2 "$ONEIROS" dream -s targets=mixde3 -o out x.png
    [[ "$output" == *"the network has no layer mixde3; did you mean mixed3?"* ]]
    run -2 "$ONEIROS" dream x.png
    [[ "$output" == *"-o DIR"* ]]
    [ ! -e out ]
}
