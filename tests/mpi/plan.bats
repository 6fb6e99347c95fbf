#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Plans from the outside: made once, kept, the same for any number of ranks, repeated from a run file, refused where they do not fit.
# ONEIROS, DATA and MPIEXEC come from ctest.

bats_require_minimum_version 1.5.0

load waiting

# A few layers, so that timing them takes seconds also where a sanitizer watches.
settings=(-s targets=conv2d_8 -s octaves.count=2 -s steps=2 -s frames.dream=false -s frames.cam=false -s gradient_above=input)

setup() {
    cd "$BATS_TEST_TMPDIR"
    ffmpeg -v error -i "$DATA/chelsea.png" -vf crop=160:120:200:60 a.png
    export ONEIROS_MODEL_PATH=${ONEIROS_MODEL_PATH:-${XDG_CACHE_HOME:-$HOME/.cache}/oneiros/inception_v3.h5}
    export XDG_CACHE_HOME=$PWD/cache
    unset ONEIROS_PLAN ONEIROS_PRECISION
}

dream() {
    "$ONEIROS" dream "${settings[@]}" "$@" a.png
}

plan_of() {
    /usr/bin/python3 -c 'import h5py, sys; print(h5py.File(sys.argv[1]).attrs["plan"], end="")' "$1/run.h5"
}

@test "a plan is made once and kept; the same bytes on any number of ranks, and from the run file of another run" {
    run -0 dream -o first
    [[ "$output" == *"timing "*" convolutions"* ]]
    [[ "$output" == *"kept in $PWD/cache/oneiros/plan-"* ]]
    plan_of first >plan.txt
    cmp plan.txt cache/oneiros/plan-*.txt
    grep -q '^512 backward conv2d_5 ' plan.txt
    for ranks in 2 3; do
        run -0 "$MPIEXEC" -n "$ranks" "$ONEIROS" dream "${settings[@]}" -o "on-$ranks" a.png
        [[ "$output" != *"timing "* ]]
        cmp first/a/dream.png "on-$ranks/a/dream.png"
    done
    rm -r cache
    for plan in first/run.h5 plan.txt; do
        run -0 dream --force --plan "$plan" -o again
        [[ "$output" != *"timing "* ]]
        cmp first/a/dream.png again/a/dream.png
    done
    [ ! -e cache ]
    sed -i 's/ [0-9.]* ms$//' plan.txt
    plan_of again | sed 's/ [0-9.]* ms$//' | diff <(grep '^[0-9]' plan.txt) <(grep '^[0-9]' -)
}

@test "a signal while convolutions are timed: what has been timed is kept, and nothing else is made" {
    signal_when USR1 'grep -q "timing .* convolutions" log' "$MPIEXEC" -n 2 "$ONEIROS" dream -s targets=mixed10 -o out a.png 2>log
    [ "$code" -eq 75 ]
    grep -q 'stopped (SIGUSR1) while convolutions were timed; what has been timed is kept: run the same command again' log
    [ ! -e out ]
    [ "$(cat cache/oneiros/plan-*.txt | wc -l)" -gt 3 ]
}

@test "bfloat16: the same bytes on any number of ranks and in teams" {
    dream -s precision=bf16 -o one
    "$MPIEXEC" -n 3 "$ONEIROS" dream "${settings[@]}" -s precision=bf16 -s tile.size=120 -s tile.halo=16 -o tiles a.png
    "$MPIEXEC" -n 4 "$ONEIROS" dream "${settings[@]}" -s precision=bf16 -o on-4 a.png
    cmp one/a/dream.png "on-4/a/dream.png"
    "$MPIEXEC" -n 4 "$ONEIROS" dream "${settings[@]}" -s precision=bf16 -s tile.size=120 -s tile.halo=16 -o tiles-4 a.png
    cmp tiles/a/dream.png "tiles-4/a/dream.png"
}

@test "what an earlier run kept grows with the targets, and is made again where it is spoiled" {
    dream -o first
    run -0 dream --force -s targets=conv2d_10 -o second
    [[ "$output" == *"timing "* ]]
    grep -q ' conv2d_8 ' cache/oneiros/plan-*.txt
    grep -q ' conv2d_10 ' cache/oneiros/plan-*.txt
    echo '512 forward conv2d_2 by-hand' >>"$(echo cache/oneiros/plan-*.txt)"
    run -0 dream --force -o third
    [[ "$output" == *"'512 forward conv2d_2 by-hand' is not a line of a plan: the plan is made again"* ]]
    run -0 dream --force -o third
    [[ "$output" != *"timing "* ]]
    [[ "$output" != *"warning"* ]]
    XDG_CACHE_HOME=/proc/none run -0 dream --force -o third
    [[ "$output" == *"warning: the plan took "*" and is not kept: cannot make the folder '/proc/none'"* ]]
    [[ "$output" != *"it is kept"* ]]
}

@test "plan: off times nothing and is a plan that can be repeated" {
    run -0 dream -s plan=off -o off
    [[ "$output" != *"timing "* ]]
    [ ! -e cache ]
    [ "$(plan_of off | grep '^[0-9]' | cut -d' ' -f4 | sort -u)" = direct ]
    dream --plan off/run.h5 -o again
    cmp off/a/dream.png again/a/dream.png
}

@test "plan: onednn times nothing, and every convolution is oneDNN's" {
    run -0 dream -s plan=onednn -o onednn
    [[ "$output" != *"timing "* ]]
    [ "$(plan_of onednn | grep '^[0-9]' | cut -d' ' -f4 | sort -u)" = onednn ]
    dream -s plan=off -o off
    psnr=$(ffmpeg -i onednn/a/dream.png -i off/a/dream.png -lavfi psnr -f null - 2>&1 | sed -n 's/.*average:\([0-9inf]*\).*/\1/p')
    [ "$psnr" = inf ] || [ "$psnr" -ge 40 ]
}

@test "the same bytes on any number of threads" {
    dream -o planned # which makes the plan of float32
    dream -s precision=bf16 -o planned-bf16
    local how precision threads
    for how in auto off onednn; do
        for precision in f32 bf16; do
            for threads in 1 96; do
                "$ONEIROS" dream -q --force -s targets=conv2d_8 -s octaves.count=1 -s steps=1 -s gradient_above=input -s "plan=$how" \
                    -s "precision=$precision" -s "threads=$threads" -o now a.png
                [ "$threads" -gt 1 ] || cp now/a/dream.png one.png
                cmp one.png now/a/dream.png
            done
        done
    done
}

@test "bf16 has a plan of its own, and another picture" {
    run -0 dream -s precision=bf16 -o half
    grep -q '^precision: bf16$' cache/oneiros/plan-*-bf16.txt
    dream -s plan=off -o whole
    run ! cmp half/a/dream.png whole/a/dream.png
    dream --plan half/run.h5 -o again
    cmp half/a/dream.png again/a/dream.png
    run -2 dream -s precision=f32 --plan half/run.h5 -o refused
    [[ "$output" == *"half/run.h5 is a plan for precision bf16"* ]]
    [ ! -e refused ]
}

@test "plans that do not fit are refused before anything is made" {
    printf 'not a plan' >text.txt
    printf 'oneiros plan 1\n512 forward conv2d_1 direct\n' >old.txt
    printf 'oneiros plan 2\n512 forward conv2d_1 direct\n' >little.txt
    head -c 3000000 /dev/zero | tr '\0' '#' >large.txt
    printf '\211HDF\r\n\032\n garbage' >broken.h5
    dream -s plan=off -o other
    local file
    for file in missing.txt text.txt old.txt little.txt large.txt broken.h5 a.png .; do
        run -2 dream --plan "$file" -o out
        [[ "$output" == *plan* ]]
        [[ "$output" == *"$file"* ]]
        [ ! -e out/a ]
    done
    run -2 dream --plan little.txt -o out
    [[ "$output" == *"it was made for other targets"* ]]
    run -2 dream -s targets=mixed3 --plan other/run.h5 -o out
    [[ "$output" == *"it was made for other targets"* ]]
    sed 's/^\(512 backward conv2d_2\) direct/\1 winograd-phases/' <(plan_of other) >unfit.txt
    run -2 dream --plan unfit.txt -o out
    [[ "$output" == *"winograd-phases of conv2d_2 backward"* ]]
    run -2 "$MPIEXEC" -n 3 "$ONEIROS" dream "${settings[@]}" --plan unfit.txt -o out a.png
    [[ "$output" == *"winograd-phases of conv2d_2 backward"* ]]
    run -2 dream --plan -o out
}
