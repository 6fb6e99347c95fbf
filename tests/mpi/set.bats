#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# 300 pictures in every format, 20 of them broken, in one run. ONEIROS, SETS and MPIEXEC come from ctest.

bats_require_minimum_version 1.5.0

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
