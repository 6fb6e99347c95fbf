#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# `oneiros dream` with pictures from a server most of whose answers are bad. ONEIROS, DATA and MPIEXEC come from ctest.

bats_require_minimum_version 1.5.0

load waiting

settings=(-s octaves.count=1 -s steps=1 -s jitter=0 -s frames.cam=false -s frames.dream=false -s input.max_bytes=4MiB)

setup() {
    cd "$BATS_TEST_TMPDIR"
    unset http_proxy
    ffmpeg -v error -i "$DATA/chelsea.png" -vf crop=131:117:200:60 picture.png
    ffmpeg -v error -i "$DATA/chelsea.png" -vf crop=90:80:100:60 other.png
    mkfifo port
    /usr/bin/python3 "$BATS_TEST_DIRNAME/hostile_server.py" picture.png other.png >port 2>server.log 3>&- &
    server=$!
    read -r port <port
    url=http://127.0.0.1:$port
}

teardown() {
    kill "$server"
}

# error_of NAME: of that URL in out/run.h5
error_of() {
    /usr/bin/python3 -c '
import h5py, sys
for row in h5py.File("out/run.h5")["images"][()]:
    if row["source"].decode().endswith("/" + sys.argv[1]):
        print(row["error"].decode())' "$1"
}

# refused NAME WORDS: the run's file and the terminal both say why
refused() {
    error_of "$1" | grep -F -- "$2" || { echo "$1: $(error_of "$1")"; return 1; }
    grep -F "$url/$1: " output | grep -qF -- "$2"
}

nothing_left() {
    [ "$(find out -name '.*' ! -name . | wc -l)" -eq 0 ]
}

@test "every way to be bad: each fails with its own reason, and the others are dreamed" {
    local good=0
    for name in missing html loop to-file to-ftp endless announces-10GB announces-less announces-more resets closes stalls; do
        echo "$url/$name.png"
        echo "$url/good$((good += 1)).png"
    done >list
    echo "$url/tired.png" >>list
    run -3 "$MPIEXEC" -n 3 "$ONEIROS" dream "${settings[@]}" -s fetch.stall_seconds=1 -s fetch.attempts=3 -o out @list
    echo "$output" | tee output
    refused missing.png "the server answered 404"
    refused html.png "this looks like HTML"
    refused loop.png "redirects"
    refused to-file.png "only http and https are followed"
    refused to-ftp.png "only http and https are followed"
    refused endless.png "more than the 4194304 bytes allowed"
    refused announces-10GB.png "more than the 4194304 bytes allowed"
    refused announces-less.png "PNG"
    refused announces-more.png " bytes "
    refused resets.png "reset"
    refused closes.png "Empty reply"
    refused stalls.png "the last 1 seconds; tried 3 times"
    for i in $(seq 12); do
        cmp out/good1/dream.png "out/good$i/dream.png"
    done
    cmp out/good1/dream.png out/tired/dream.png
    "$ONEIROS" dream "${settings[@]}" -o file picture.png
    cmp out/good1/dream.png file/picture/dream.png
    nothing_left
}

@test "an address with blanks and other letters is encoded as a browser does it; of others only http and https are fetched" {
    run -0 "$ONEIROS" dream "${settings[@]}" -o out "$url/a cät%21.png"
    "$ONEIROS" dream "${settings[@]}" -o file picture.png
    cmp out/*/dream.png file/picture/dream.png
    # The places of an atlas are cut out of what is fetched once more, unless what hides in an address is needed for that.
    local few=(-q -s targets=mixed3#7 -s steps=1 -s octaves.count=1 -s atlas.size=75 -s threads=1)
    "$ONEIROS" atlas "${few[@]}" -o here picture.png
    run -0 "$ONEIROS" atlas "${few[@]}" -o there "$url/good1.png"
    [ -z "$output" ]
    cmp {here,there}/exemplars/mixed3-7-activation.png
    run -0 "$ONEIROS" atlas "${few[@]}" -o hidden "$url/good1.png?key=1"
    [[ "$output" == *"1 picture are grey in the sheets, which cannot be read again ($url/good1.png?..."*": of this address the run file has no"* ]]
    run -3 "$ONEIROS" dream "${settings[@]}" -o other ftp://127.0.0.1/a.png 's3://bucket/*.png' picture.png
    [[ "$output" == *"error: ftp://127.0.0.1/a.png: of addresses only http and https ones are fetched"* ]]
    [[ "$output" == *"error: s3://bucket/*.png: of addresses only http and https ones are fetched"* ]]
    [ -s other/picture/dream.png ]
    run -2 "$ONEIROS" dream "${settings[@]}" -s objective=guide -s guide=ftp://127.0.0.1/a.png -o guided picture.png
    [[ "$output" == *"guide ftp://127.0.0.1/a.png: of addresses only http and https"* ]]
    run -2 "$ONEIROS" dream "${settings[@]}" -s objective=guide -s guide="$url/missing.png" -o guided picture.png
    [[ "$output" == *"error: guide $url/missing.png: the server answered 404" ]] # once
    run -2 "$ONEIROS" dream "${settings[@]}" -s mask="$url/missing.png" -o guided picture.png
    [[ "$output" == *"error: mask $url/missing.png: the server answered 404" ]]
}

@test "baselines are the first pictures of the inputs, whichever comes first: the same bytes" {
    local many=(-s octaves.count=1 -s steps=1 -s importance.method=expected_gradients -s importance.baselines=images -s importance.samples=2)
    printf "$url/late%d.png\n" {0..19} >list
    for run in late soon; do # the second time none is late
        "$MPIEXEC" -n 3 "$ONEIROS" dream "${many[@]}" -s targets=mixed0:1 -o "$run" @list
    done
    for i in {0..19}; do
        cmp "late/late$i/dream.png" "soon/late$i/dream.png"
    done
    /usr/bin/python3 "$BATS_TEST_DIRNAME/same_run.py" late/run.h5 soon/run.h5
}

@test "stalled servers hold no picture up, and a signal ends the wait for them at once" {
    { printf "$url/stalls%d.png\n" {1..8} && printf "$url/good%d.png\n" {1..6}; } >list
    "$MPIEXEC" -n 2 "$ONEIROS" dream "${settings[@]}" -s fetch.stall_seconds=300 -o out @list >output 2>&1 3>&- &
    job=$!
    good() { [ "$(find out -name dream.png 2>/dev/null | wc -l)" -eq 6 ]; }
    until_true 600 good
    cat output
    pid=$(ranks_of "$job" | head -n 1)
    before=$(date +%s%N)
    kill -INT "$pid"
    status=0
    wait "$job" || status=$?
    echo "ended after $((($(date +%s%N) - before) / 1000000)) ms"
    cat output
    [ "$status" -eq 75 ]
    [ $((($(date +%s%N) - before) / 1000000)) -lt 30000 ] # stall_seconds is ten times that
    [ "$(find out -name dream.png | wc -l)" -eq 6 ]
    nothing_left
}
