#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# 400 pictures of every kind, some of them broken, in one run. ONEIROS, PICTURE_DUMP, SETS and MPIEXEC come from ctest.

bats_require_minimum_version 1.5.0

dream=("$ONEIROS" dream -s targets=mixed0 -s octaves.count=1 -s steps=1 -s threads=1 -s frames.cam=false -s frames.dream=false)

# The set and a run of it, for all tests.
setup_file() {
    cd "$BATS_FILE_TMPDIR"
    /usr/bin/python3 -B "$SETS/make.py" set "$PICTURE_DUMP" "$ONEIROS"
    local code=0
    "$MPIEXEC" -n 3 "${dream[@]}" -o out set/pictures 2>log || code=$?
    cat log
    [ "$code" -eq 3 ]
}

setup() {
    cd "$BATS_FILE_TMPDIR"
    read -r good broken <set/counts
}

# dreams RUN: those of the altered pictures
dreams() {
    /usr/bin/python3 -B "$SETS/alter.py" --dreams "$1/run.h5" "${paths[@]}"
}

@test "400 pictures of every kind: some are broken, each in its own way, and the others are dreamed" {
    grep -q "$good images in .* $broken failed" log
    /usr/bin/python3 -B "$SETS/check.py" set out log
}

@test "the same set with 20 pictures more, 5 fewer, 3 changed and one mended: what is new is done, and each dream is that of its picture without the set" {
    touch mark
    sleep 1
    /usr/bin/python3 -B "$SETS/alter.py" set/pictures out/run.h5 "$DATA/chelsea.png" >altered
    local code=0
    "$MPIEXEC" -n 3 "${dream[@]}" -v -o out set/pictures 2>log || code=$?
    [ "$code" -eq 3 ] # all but one are broken still
    grep "going on with the run in out: $((good - 8)) done, 20 new, 3 changed, $broken failed before, 5 whose picture is gone" log
    [ "$(find out -name 'dream.*' -newer mark | wc -l)" -eq 24 ]
    local paths
    mapfile -t paths <altered
    "${dream[@]}" -q -s input.equal=each -o alone "${paths[@]}"
    local own other
    while read -r own other; do
        cmp "$own" "$other"
    done < <(paste -d' ' <(dreams alone) <(dreams out))
    [ "$(dreams alone | wc -l)" -eq 30 ]
}

@test "bands, ranges, damage and formats that are chosen: the dreams' files, and what /images says" {
    cd "$BATS_TEST_TMPDIR"
    /usr/bin/python3 -B "$SETS/chosen.py" "$ONEIROS"
}
