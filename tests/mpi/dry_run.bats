#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# A dry run is the run without the work: it says and refuses what the run does, and changes nothing. ONEIROS, DATA and MPIEXEC come from ctest.

bats_require_minimum_version 1.5.0

load waiting

settings=(-s octaves.count=2 -s steps=2 -s input.resize=120 -s threads=1 -s frames.cam=false -s frames.dream=false)

setup() {
    mkdir "$BATS_TEST_TMPDIR/here" # beside what bats writes
    cd "$BATS_TEST_TMPDIR/here"
    mkdir in
    cp "$DATA/chelsea.png" in/a.png
    cp "$DATA/coffee.png" in/b.png
    cp "$DATA/rocket.png" in/c.png
}

dream() {
    "$ONEIROS" dream "${settings[@]}" "$@"
}

# state: every file and folder here, with its time, and its digest
state() {
    find . -printf '%p %y %T@\n' | sort
    find . -type f -exec sha256sum {} + | sort
}

# refused ARGUMENT...: the dry run and the run, in the same words, and neither changes anything; on one rank and on several
refused() {
    state >../state.before
    run -2 --separate-stderr dream --dry-run "$@"
    [ -z "$output" ]
    grep 'oneiros: error: ' <<<"$stderr" >../said
    run -2 --separate-stderr "$MPIEXEC" -n 3 "$ONEIROS" dream --dry-run "${settings[@]}" "$@"
    grep 'oneiros: error: ' <<<"$stderr" | diff ../said -
    state >../state.after
    diff ../state.before ../state.after
    run -2 --separate-stderr dream "$@"
    grep 'oneiros: error: ' <<<"$stderr" | diff ../said -
    state >../state.after
    diff <(sed 's/ [0-9.]*$//' ../state.before) <(sed 's/ [0-9.]*$//' ../state.after) # times apart: the lock came and went
}

@test "what the run refuses the dry run refuses, in the same words, and nothing is made" {
    printf 'no weights, no picture\n' >text
    refused -s objective=guide -s guide=none.png -o out in
    refused -s objective=guide -s guide=text -o out in
    refused -s model.path=none.h5 -o out in
    refused -s model.path=text -o out in
    refused -s plan=none.txt -o out in
    refused -s plan=text -o out in
    refused -s objective=class -s targets=mixed10 -o out in
    refused -s frames.dream=true -s video.encoder=nosuch -o out in
    refused -s octaves.count=32 -o out in
    refused -s importance.method=expected_gradients -s importance.baselines=images -o out in/a.png
    refused --resume -o out in
    refused -o in/a.png in/b.png
    refused -o in/a.png/out in/b.png
    refused -o /proc/none/out in
    mkdir -p there/run.h5
    refused -o there in
    [ ! -e out ]
}

@test "an output folder that may not be written" {
    [ "$(id -u)" -ne 0 ] || skip "root may write anywhere"
    mkdir closed
    chmod 555 closed
    refused -o closed/out in
    refused -o closed in
    chmod 755 closed
}

@test "the run that is in the output folder: refused as the run is" {
    export ONEIROS_PLAN=off ONEIROS_PRECISION=f32
    dream -o out in
    refused -s steps=3 -s seed=1 -o out in
    refused -s plan=onednn -o out in
    refused -s precision=bf16 -o out in
    refused -s targets=mixed2 -o out in
    printf 'my notes' >out/run.h5
    refused -o out in
}

@test "the run that is in the output folder: what is left to do" {
    printf '<html>' >in/d.png
    run -3 dream -o out in
    state >../state.before
    run -3 --separate-stderr dream --dry-run -o out in
    [[ $stderr == *"going on with the run in out: 3 done, 1 failed before"* ]]
    grep -q '^in/d.png  *would fail: this looks like HTML' <<<"$output"
    grep -q '^images:  1, 1 of which would fail, beside 3 that are done;' <<<"$output"
    cp in/a.png in/d.png
    cp in/a.png in/e.png
    run -0 --separate-stderr dream --dry-run -o out in
    [[ $stderr == *"going on with the run in out: 3 done, 1 new, 1 failed before"* ]]
    grep -q '^images:  2, 0 of which would fail, beside 3 that are done;' <<<"$output"
    run -0 --separate-stderr dream --dry-run --force -o out in
    grep -q '^images:  5, 0 of which would fail;' <<<"$output"
    state >../state.after
    diff <(grep ./out ../state.before) <(grep ./out ../state.after)
    dream -o out in
    run -0 --separate-stderr dream --dry-run -o out in
    [[ $stderr == *"nothing to do in out: 5 done"* ]]
    [ -z "$output" ]
}

@test "another run at work in the folder: refused, and that run is unharmed" {
    "$ONEIROS" dream "${settings[@]}" -s steps=100000 -o out in/a.png &
    local process=$! code=0
    until_true 600 begun out
    run -2 dream --dry-run -s steps=100000 -o out in/a.png
    [[ $output == *"another run is at work in 'out': process "* ]]
    [ -e out/.oneiros.lock ]
    kill -TERM "$process"
    wait "$process" || code=$?
    [ "$code" -eq 75 ]
    state >../state.before
    run -0 dream --dry-run -s steps=100000 -o out in/a.png # leaves its checkpoint
    state >../state.after
    diff ../state.before ../state.after
}

@test "addresses are not looked at, and fail nothing" {
    run -0 --separate-stderr dream --dry-run -o out in/a.png http://127.0.0.1:1/photo.jpg
    grep -q '^http://127.0.0.1:1/photo.jpg  *not looked at: an address$' <<<"$output"
    grep -q '^images:  2, 0 of which would fail, 1 not looked at;' <<<"$output"
    run -0 --separate-stderr "$MPIEXEC" -n 4 "$ONEIROS" dream --dry-run "${settings[@]}" -o out http://127.0.0.1:1/photo.jpg
    grep -q '^images:  1, 0 of which would fail, 1 not looked at;' <<<"$output"
    [ ! -e out ]
}

@test "what is less than asked for is said as in the run" {
    run -0 --separate-stderr dream --dry-run -s octaves.count=5 -s guide=x.png -o out in
    grep -q 'in/a.png: 2 of 5 octaves: ' <<<"$stderr"
    grep -q '2 more pictures like that: fewer octaves than octaves.count' <<<"$stderr"
    grep -q 'guide has no effect unless objective is guide' <<<"$stderr"
    [ "$(wc -l <<<"$stderr")" -eq 3 ]
}

@test "many pictures: headers alone are read" {
    strace -f -e trace=read true 2>/dev/null || skip "this user may not trace"
    mkdir many
    local i
    for i in $(seq 1 50); do
        cp "$DATA/chelsea.png" "many/$i.png"
    done
    run -0 --separate-stderr dream --dry-run -o out many
    grep -q '^images:  50, 0 of which would fail;' <<<"$output"
    export ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0 # which does not go along with strace
    strace -f -qq -e trace=pread64,read -P many/7.png -o calls "$ONEIROS" dream --dry-run "${settings[@]}" -o out many >plan
    local bytes
    bytes=$(awk -F'= ' '/pread64|read/ {sum += $NF} END {print sum}' calls)
    echo "$bytes bytes of $(stat -c %s many/7.png)"
    [ "$bytes" -gt 0 ]
    [ "$bytes" -lt 20000 ]
}
