#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# `oneiros status` and `oneiros report` of a run that goes on: what they say, and that the run does not notice. ONEIROS, DATA and MPIEXEC come
# from ctest.

bats_require_minimum_version 1.5.0

load waiting

settings=(-s octaves.count=2 -s steps=6 -s input.resize=120 -s threads=1)

setup() {
    cd "$BATS_TEST_TMPDIR"
    mkdir in
    cp "$DATA"/{chelsea,coffee,rocket}.png in
    printf '<html>' >in/broken.png
}

# data EXPRESSION...: of the JSON in $output, `d`
data() {
    /usr/bin/python3 -c '
import json, sys
d = json.loads(sys.argv[1])
for expression in sys.argv[2:]:
    assert eval(expression), (expression, d)' "$output" "$@"
}

# says FOLDER EXPRESSION...: whether its status does
says() {
    local output folder=$1
    shift
    output=$("$ONEIROS" status --json "$folder" 2>/dev/null) || [ $? -ne 2 ] || return 1
    data "$@" 2>/dev/null
}

@test "asked all the time while two ranks dream: never torn, never backwards, and the run does not notice" {
    "$MPIEXEC" -n 3 "$ONEIROS" dream -q "${settings[@]}" -o alone in || [ $? -eq 3 ]
    "$MPIEXEC" -n 3 "$ONEIROS" dream -q "${settings[@]}" -o out in 2>run.log &
    local launcher=$! code
    : >asked
    while kill -0 "$launcher" 2>/dev/null; do
        code=0
        "$ONEIROS" status --json out >line 2>error || code=$?
        if [ "$code" -eq 2 ] && [ ! -s asked ] && grep -q 'No such file' error; then continue; fi # MPI has not started yet
        [ "$code" -eq 4 ] || [ "$code" -eq 3 ] || { cat error line && false; }
        cat line >>asked
        "$ONEIROS" report -q out 2>/dev/null || true
    done
    code=0
    wait "$launcher" || code=$?
    [ "$code" -eq 3 ]
    [ ! -s error ]
    /usr/bin/python3 - "$ONEIROS" <<'END'
import json, os
asked = [json.loads(line) for line in open("asked")]
states = [one["state"] for one in asked]
order = ["starting", "running", "complete"]
assert states == sorted(states, key=order.index) and "running" in states, states
ended = [(one["done"] or 0) + (one["failed"] or 0) for one in asked]
assert ended == sorted(ended), ended
for one in asked:
    assert one["state"] == "complete" or one["holder"]["alive"], one
    assert one["inputs"] in (None, 4) and (one["in_hand"] or 0) <= 2, one
print(len(asked), states.count("running"), ended)
END
    [ "$(grep -c '^oneiros: ' run.log)" -eq 1 ] # of the broken one
    local name
    for name in chelsea coffee rocket; do cmp "alone/$name/dream.png" "out/$name/dream.png"; done
    [ ! -e out/.oneiros.lock ]
}

@test "what is in hand is said while no row comes, with workers that write by themselves and without" {
    local io
    for io in coordinator workers; do
        "$MPIEXEC" -n 3 "$ONEIROS" dream -q -s steps=100000 -s octaves.count=1 -s input.resize=120 -s threads=1 -s io=$io -o "$io" in 2>/dev/null &
        until_true 600 says "$io" 'd["state"] == "running" and d["inputs"] == 4 and d["failed"] == 1 and d["in_hand"] >= 2'
        run -4 "$ONEIROS" status "$io"
        [[ ${lines[0]} == "$io: running, 0 of 4 done, 1 failed" ]]
        [[ $output == *" in hand"*"at work   process "*" on $(hostname), 3 ranks on 1 host"*"in/broken.png: "* ]]
        run -2 "$ONEIROS" dream "${settings[@]}" -o "$io" in # and so say others
        [[ $output == *"process $(sed -n 's/^process //p' "$io/.oneiros.lock") on this machine; "* ]]
        kill -KILL "$(ranks_of $! | head -n 1)"
        wait $! || true
        run -75 "$ONEIROS" status --json "$io"
        data 'd["state"] == "killed" and not d["holder"]["alive"] and d["in_hand"] >= 2 and d["done"] == 0'
    done
}

@test "stopped, gone on with, complete" {
    signal_when USR1 'says out "d[\"failed\"] == 1 and d[\"in_hand\"] == 2" && begun out' \
        "$MPIEXEC" -n 3 "$ONEIROS" dream -q -s steps=3000 -s octaves.count=1 -s input.resize=120 -s threads=1 -o out in
    [ "$code" -eq 75 ]
    run -75 "$ONEIROS" status --json out
    data 'd["state"] == "stopped" and d["holder"] is None and d["stopped"] == 2 and d["in_hand"] == 0 and d["inputs"] == 4'
    run -75 "$ONEIROS" status out
    [[ ${lines[0]} == "out: stopped, 0 of 4 done, 1 failed, 2 unfinished" ]]
    run -0 "$ONEIROS" report out
    [[ $output == *"out/report.html: 3 of 4 pictures, 1 failed, 2 stopped"* ]]
    grep -q '"state":"stopped","inputs":4,' out/report.html
    rm in/broken.png # which is the first
    cp "$DATA/chelsea.png" in/broken.png
    rm -r out
    "$MPIEXEC" -n 3 "$ONEIROS" dream -q "${settings[@]}" -o out in
    run -0 "$ONEIROS" status out
    [[ ${lines[0]} == "out: complete, all 4 done" ]]
}

@test "a run that goes on is starting until it has written, and counts what was done before" {
    "$MPIEXEC" -n 3 "$ONEIROS" dream -q "${settings[@]}" -o out in/{chelsea,coffee}.png
    "$MPIEXEC" -n 3 "$ONEIROS" dream -q "${settings[@]}" -o out in/{chelsea,coffee,rocket}.png &
    until_true 600 says out 'd["state"] == "starting" and d["done"] == 2 or d["inputs"] == 3'
    until_true 600 says out 'd["inputs"] == 3 and d["done"] >= 2 and d["resumed"] and (d["progress"] or 1) >= 2 / 3'
    wait $!
    run -0 "$ONEIROS" status --json out
    data 'd["done"] == d["inputs"] == 3 and d["progress"] == 1'
}

# ask: keeps what status says of out; whether two pictures are in hand
ask() {
    "$ONEIROS" status --json out >>asked 2>/dev/null
    tail -n 1 asked | grep -q '"state":"running".*"in_hand":2'
}

@test "the share is what is done of the work: of a run that is stopped, and of one that goes on, from its first word" {
    local io run=("$MPIEXEC" -n 3 "$ONEIROS" dream -q -s steps=3000 -s octaves.count=1 -s input.resize=120 -s threads=1)
    run+=(-s checkpoint.seconds=0.1 -o out in/chelsea.png in/coffee.png)
    for io in coordinator workers; do
        rm -rf out
        signal_when USR1 'saved 2' "${run[@]}" -s io=$io
        [ "$code" -eq 75 ]
        run -75 "$ONEIROS" status --json out
        data 'd["done"] == 0 and d["stopped"] == 2 and 0 < d["progress"] < 0.5'
        "$ONEIROS" status --json out >before || true
        : >asked
        signal_when USR1 ask "${run[@]}" -s io=$io
        [ "$code" -eq 75 ]
        "$ONEIROS" status --json out >>asked || true
        /usr/bin/python3 - <<'END'
import json
before = json.load(open("before"))["progress"]
asked = [json.loads(line) for line in open("asked")]
told = [one["progress"] for one in asked if one["resumed"] and one["progress"] is not None]
assert asked[-1]["state"] == "stopped" and len(told) >= 2 and all(0.99 * before <= share < 0.5 for share in told), (before, told)
END
    done
}

@test "a run has its folder before it reads the weights, and leaves none where it is refused" {
    cp "${ONEIROS_MODEL_PATH:-${XDG_CACHE_HOME:-$HOME/.cache}/oneiros/inception_v3.h5}" bad.h5
    /usr/bin/python3 - <<'END'
import h5py
with h5py.File("bad.h5", "r+") as file:
    def spoil(name, item):
        if isinstance(item, h5py.Dataset) and "conv2d_94" in name and item.ndim == 4:
            item[0, 0, 0, 0] = float("nan")
    file.visititems(spoil)
END
    "$ONEIROS" dream "${settings[@]}" -s model.path=bad.h5 -o some/where/out in 2>log &
    local process=$! code=0
    until [ -e some/where/out/.oneiros.lock ]; do kill -0 $process; done
    kill -STOP $process
    run -4 "$ONEIROS" status some/where/out
    [[ ${lines[0]} == "some/where/out: starting" && ${lines[1]} == "  at work   process $process on "* ]]
    kill -CONT $process
    wait $process || code=$?
    [ "$code" -eq 2 ]
    grep -q 'is not finite' log
    [ ! -e some ]
}

@test "a run that was stopped as it began says how many pictures wait" {
    "$ONEIROS" dream "${settings[@]}" -s steps=100000 -o out in/chelsea.png in/coffee.png 2>log &
    local process=$! code=0
    until [ -e out/.oneiros.lock ]; do kill -0 $process; done
    kill -USR1 $process
    wait $process || code=$?
    [ "$code" -eq 75 ]
    grep -q 'oneiros: stopped before the first image was done, after ' log
    run -75 "$ONEIROS" status out
    [[ ${lines[0]} == "out: stopped, 0 of 2 done" ]]
    run -0 "$ONEIROS" report out
    [[ $output == *"out/report.html: 0 of 2 pictures, "* ]]
}

@test "a run that has nothing to do says so" {
    "$ONEIROS" dream -q "${settings[@]}" -s steps=1 -o out in/{chelsea,coffee}.png
    run -0 "$ONEIROS" dream "${settings[@]}" -s steps=1 -o out in/chelsea.png
    [[ $output == *"nothing to do in out: 1 done, 1 not named this time: its dream stays; "* ]]
    rm in/coffee.png # its row changes
    run -0 "$ONEIROS" dream "${settings[@]}" -s steps=1 -o out in/chelsea.png
    [[ $output == *"oneiros: nothing was to be done"* && $output != *"no image"* ]]
    : >none.txt
    for time in first second; do
        echo "the $time time"
        run -0 "$ONEIROS" dream -o empty @none.txt
        [ "$output" = "oneiros: warning: nothing to do: the inputs name no picture" ]
    done
}
