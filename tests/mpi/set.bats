#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# 300 pictures in every format, 20 of them broken, in one run. ONEIROS, SETS and MPIEXEC come from ctest.

bats_require_minimum_version 1.5.0

setup() {
    ! "$ONEIROS" --version | grep -q "libvips *none" || skip "built without libvips, which reads many of them"
}

@test "300 pictures in every format: 20 are broken, each in its own way, and the others are dreamed" {
    cd "$BATS_TEST_TMPDIR"
    /usr/bin/python3 -B "$SETS/make.py" set
    local code=0
    "$MPIEXEC" -n 3 "$ONEIROS" dream -s targets=mixed0 -s octaves.count=1 -s steps=1 -s threads=1 -o out set/pictures 2>log || code=$?
    cat log
    [ "$code" -eq 3 ]
    grep -q '280 images in .* 20 failed' log
    /usr/bin/python3 -B "$SETS/check.py" set out log
}

@test "the same set with 20 pictures more, 5 fewer, 3 changed and one mended: what is new is done, and each dream is that of its picture alone" {
    cd "$BATS_TEST_TMPDIR"
    /usr/bin/python3 -B "$SETS/make.py" set
    local dream=("$ONEIROS" dream -q -s targets=mixed0 -s octaves.count=1 -s steps=1 -s threads=1 -s frames.cam=false -s frames.dream=false)
    local code=0
    "$MPIEXEC" -n 3 "${dream[@]}" -o out set/pictures 2>/dev/null || code=$?
    [ "$code" -eq 3 ]
    touch mark
    sleep 1
    /usr/bin/python3 -B "$SETS/alter.py" set/pictures out/run.h5 "$DATA/chelsea.png" >altered
    code=0
    "$MPIEXEC" -n 3 "${dream[@]}" -v -o out set/pictures 2>log || code=$?
    [ "$code" -eq 3 ] # 19 are broken still
    grep 'going on with the run in out: 272 done, 20 new, 3 changed, 20 failed before, 5 whose picture is gone' log
    [ "$(find out -name 'dream.*' -newer mark | wc -l)" -eq 24 ]
    local name path
    while read -r path; do
        "${dream[@]}" -o alone --force "$path"
        name=$(basename "$path")
        cmp "$(ls alone/"${name%.*}"/dream.*)" "$(/usr/bin/python3 -B "$SETS/alter.py" --dream out/run.h5 "$path")"
    done <altered
}
