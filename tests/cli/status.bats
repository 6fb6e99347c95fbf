#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# `oneiros status` from the outside: runs that have ended, however that was. Of one that goes on: tests/mpi/status.bats. ONEIROS, DATA and
# SOURCE come from ctest.

bats_require_minimum_version 1.5.0

tiny=(-s octaves.count=1 -s steps=1 -s input.resize=100 -s threads=1 -s frames.dream=false -s frames.cam=false)
odd=$'photos/evil\e[31mred\nline\xe2\x80\xae.png'

setup_file() {
    cd "$BATS_FILE_TMPDIR"
    mkdir photos
    cp "$DATA"/{chelsea,rocket}.png photos
    printf '<html>not found</html>' >"$odd"
    : >photos/empty.png
    "$ONEIROS" dream -q "${tiny[@]}" -o dreams photos/{chelsea,rocket}.png
    "$ONEIROS" dream -q "${tiny[@]}" -o some photos || [ $? -eq 3 ]
    # As a run that was killed leaves it: its lock, of a start of the machine that is over, and an end that was not written.
    cp -r some killed
    printf 'oneiros is at work in this folder\nhost %s\nprocess 77\njob 812\nrestarts 0\nstarted 5\nboot before\nprocesses x\nsince 1767225600\n' \
        "$(hostname)" >killed/.oneiros.lock
    /usr/bin/python3 - <<'END'
import h5py
with h5py.File("killed/run.h5", "r+", libver="latest") as run:
    for name, value in {"complete": 0, "inputs": 9, "in_hand": 2, "progress": 0.25}.items():
        run.attrs.modify(name, value)
END
    cp -r killed stopped
    rm stopped/.oneiros.lock
    mkdir none
}

setup() {
    cd "$BATS_FILE_TMPDIR"
    export LC_ALL=C.UTF-8
}

# data EXPRESSION...: of each line of JSON in $output, `d`; of the first, `f`
data() {
    /usr/bin/python3 -c '
import json, sys
lines = [json.loads(line) for line in sys.argv[1].splitlines()]
f = lines[0]
for expression in sys.argv[2:]:
    for d in lines:
        assert eval(expression), (expression, d)' "$output" "$@"
}

# state FOLDER: all that is in it, with times
state() {
    find "$1" -printf '%p %i %s %T@ %C@\n' | sort
}

@test "--help, and what is wrong on the command line" {
    run -0 "$ONEIROS" status --help
    [[ $output == "Usage: oneiros status [OPTION]... DIR..."*"--json"*"killed "*"Exit codes: 0 complete"* ]]
    run -2 "$ONEIROS" status
    [[ $output == *"no output folder"* ]]
    run -2 "$ONEIROS" status --jsno dreams
    [[ $output == *"unknown option --jsno; did you mean --json?"* ]]
}

@test "complete: all done, or some failed" {
    run -0 "$ONEIROS" status dreams
    [[ ${lines[0]} == "dreams: complete, all 2 done" ]]
    [[ $output == *"on $(hostname)"*" UTC, for "*"oneiros dream octaves.count=1 steps=1 "*" input.resize=100" ]]
    run -3 "$ONEIROS" status some
    [[ ${lines[0]} == "some: complete, 2 of 4 done, 2 failed" ]]
    [[ $output == *"photos/empty.png: empty: no picture in 0 bytes"*"tries those that failed again"* ]]
    run -0 "$ONEIROS" status dreams/run.h5
    [[ ${lines[0]} == "dreams: complete, all 2 done" ]]
    run -0 "$ONEIROS" status -q dreams
    [ -z "$output" ]
}

@test "stopped and killed" {
    run -75 "$ONEIROS" status stopped
    [[ ${lines[0]} == "stopped: stopped, 2 of 9 done, 2 failed" ]]
    [[ ${lines[1]} == "   25%      ▕████████                        ▏" && $output == *"the same command goes on with it" ]]
    run -75 "$ONEIROS" status killed
    [[ ${lines[0]} == "killed: killed, 2 of 9 done, 2 failed, 2 unfinished" ]]
    [[ $output == *"process 77 on $(hostname), job 812"*"  started   "*", for "*"last sign of life: "*"the same command goes on with it" ]]
    run -75 "$ONEIROS" status -q killed
    [ -z "$output" ]
    LC_ALL=C run -75 "$ONEIROS" status killed
    [[ ${lines[1]} == "   25%      [========>"* ]]
}

@test "of a run that was gone on with all times are of its last session, also where that has written nothing" {
    rm -rf again
    cp -r dreams again
    cp killed/.oneiros.lock again
    /usr/bin/python3 - <<'END'
import h5py
with h5py.File("again/run.h5", "r+", libver="latest") as run:
    for name, value in {"complete": 0, "inputs": 9, "resumed": 1}.items():
        run.attrs.modify(name, value)
    run.attrs.modify("started", "2026-01-02T03:04:05Z")
END
    run -75 "$ONEIROS" status again
    [[ ${lines[0]} == "again: killed, 2 of 9 done" && $output == *"  resumed   2026-01-02 03:04:05 UTC, for "*"last sign of life: "* ]]
    [[ $output != *started* ]]
    sed -i 's/^since .*/since 1798761600/' again/.oneiros.lock # 2027, after that session
    touch -d 2027-01-01T00:00:30Z again/.oneiros.lock
    run -75 "$ONEIROS" status again
    [[ ${lines[0]} == "again: killed, 2 of 9 done before" ]]
    [[ $output == *"  started   2027-01-01 00:00:00 UTC, and had written nothing"*"last sign of life: 2027-01-01 00:00:30 UTC"* ]]
    [[ $output != *2026-01-02* && $output != *images/* ]]
    rm again/.oneiros.lock
    run -75 "$ONEIROS" status again
    [[ ${lines[0]} == "again: stopped, 2 of 9 done" && $output == *"  resumed   2026-01-02 03:04:05 UTC, for "* ]]
}

@test "an explanation" {
    "$ONEIROS" explain -q -s input.resize=100 -s importance.samples=1 -s saliency.samples=1 -o why photos/rocket.png
    run -0 "$ONEIROS" status why
    [[ ${lines[0]} == "why: complete, 1 of 1 explained" && $output == *"oneiros explain "*"saliency.samples=1"* ]]
}

@test "no run, none that can be read, several folders" {
    run -2 "$ONEIROS" status none
    [[ $output == *"none/run.h5: No such file or directory; give the output folder of"* ]]
    run -2 "$ONEIROS" status nowhere
    [[ $output == *"nowhere: No such file or directory; give the output folder of"* ]]
    mkdir -p torn
    head -c 3000 dreams/run.h5 >torn/run.h5
    run -2 "$ONEIROS" status torn
    [[ $output == *"torn/run.h5: "*"damaged"* ]]
    mkdir -p pipe
    [ -p pipe/run.h5 ] || mkfifo pipe/run.h5
    run -2 timeout 60 "$ONEIROS" status pipe
    [[ $output == *"no run file, nor any file"* ]]
    run -2 --separate-stderr "$ONEIROS" status dreams none some
    [[ $output == "dreams: complete"*$'\n\n'*"some: complete"* && $stderr == *"none/run.h5"* ]]
    run -75 "$ONEIROS" status some killed dreams
    run -3 "$ONEIROS" status some dreams
    run -2 --separate-stderr "$ONEIROS" status --json none dreams
    data 'd["folder"] in ("none", "dreams")' 'f["state"] is None and "No such file" in f["error"] and len(f) == 3'
}

@test "a lock and nothing else: a run that starts, or was killed as it started" {
    mkdir -p young
    cp killed/.oneiros.lock young
    run -75 "$ONEIROS" status young
    [[ ${lines[0]} == "young: killed" ]]
    run -75 "$ONEIROS" status --json young
    data 'list(f)[-1] == "holder" and not f["holder"]["alive"] and f["done"] is None and f["seconds_left"] is None'
    sed -i 's/^host .*/host elsewhere/' young/.oneiros.lock
    run -4 "$ONEIROS" status young
    [[ ${lines[0]} == "young: starting" && $output == *"process 77 on elsewhere, job 812; last sign of life "*" ago"* ]]
    run -2 "$ONEIROS" report young
    [[ $output == *"the run is starting, and has written nothing yet"* ]]
    touch -d '-301 seconds' young/.oneiros.lock
    run -75 "$ONEIROS" status young
    : >young/.oneiros.lock # as a power cut leaves it
    run -4 "$ONEIROS" status young
    [[ $output == *"an unknown process"* ]]
}

@test "names and settings cannot reach the terminal" {
    run -3 "$ONEIROS" status some
    [[ $output == *'photos/evil?[31mred?line?.png: '* && $output != *$'\e'* && $output != *$'\xe2\x80\xae'* ]]
    run -3 "$ONEIROS" status --json some
    data 'f["failures"][1]["source"].startswith("photos/evil\x1b[31mred\nline")' 'len(f["failures"]) == 2 and f["failures"][0]["image"] == 1'
    [ "$(wc -l <<<"$output")" -eq 1 ]
    mkdir -p young
    printf 'oneiros is at work in this folder\nhost \e[31mhere\nprocess 1\n' >young/.oneiros.lock
    run -4 "$ONEIROS" status young
    [[ $output != *$'\e'* ]]
}

@test "thousands that failed are named and counted" {
    mkdir -p wrong
    for number in $(seq 1 1200); do printf '<html>' >"wrong/page-$number.jpg"; done
    for number in $(seq 1 800); do printf 'words' >"wrong/text-$number.png"; done
    "$ONEIROS" dream -q "${tiny[@]}" -o failed wrong 2>/dev/null || [ $? -eq 3 ]
    run -3 "$ONEIROS" status failed
    [[ ${lines[0]} == "failed: complete, 0 of 2000 done, 2000 failed" && ${#lines[@]} -le 20 ]]
    [[ $output == *"  failed    1200 pictures: this looks like HTML"*"    wrong/page-1.jpg, wrong/page-10.jpg, wrong/page-100.jpg and 1197 more"* ]]
    [[ $output == *" 800 pictures: this looks like text"*"    wrong/text-1.png, wrong/text-10.png, wrong/text-100.png and 797 more"* ]]
    [ "$(grep -c 'this looks like' <<<"$output")" -eq 2 ]
    run -3 "$ONEIROS" status --json failed
    data 'len(f["failures"]) == 5 and f["reasons"][0]["sources"][0] == "wrong/page-1.jpg"' '[r["count"] for r in f["reasons"]] == [1200, 800] and f["other_reasons"] == 0 and f["failed"] == 2000'
}

@test "JSON is as docs/status.md has it" {
    run -75 "$ONEIROS" status --json dreams some killed
    data '[d["state"] for d in lines] == ["complete", "complete", "killed"]' 'd["kind"] == "dream" and d["ranks"] == d["workers"] == d["hosts"] == 1' \
        'd["settings"]["steps"] == "1"' 'f["done"] == f["inputs"] == 2 and f["progress"] == 1 and f["holder"] is None and f["seconds_left"] == 0' \
        'lines[2]["holder"] | {"silent_seconds": 0} == {"alive": False, "host": lines[2]["host"], "process": 77, "job": 812,
            "since": "2026-01-01T00:00:00Z", "silent_seconds": 0}' 'lines[2]["in_hand"] == 2 and lines[2]["seconds_left"] is None'
    /usr/bin/python3 - "$SOURCE/docs/status.md" "$output" <<'END'
import json, re, sys
page = open(sys.argv[1], encoding="utf-8").read().split("## JSON\n", 1)[1]
wanted = re.findall(r"^\| `([^`]*)` \| ([^|]*) \|", page, re.M)
kinds = {"text": str, "number": (int, float), "true, false": bool, "object": dict, "list": list}
for line in sys.argv[2].splitlines():
    found = {}
    for key, value in json.loads(line).items():
        found[key] = value
        parts = [value] if isinstance(value, dict) and key != "settings" else value if isinstance(value, list) else []
        found.update({f"{key}.{inner}": part[inner] for part in parts for inner in part})
    assert set(found) <= {key for key, _ in wanted}, set(found) - {key for key, _ in wanted}
    assert [key for key, _ in wanted if "." not in key] == list(json.loads(line)), line
    for key, kind in wanted:
        assert found.get(key) is None or isinstance(found[key], kinds[kind]), (key, found[key])
last = json.loads(sys.argv[2].splitlines()[2])
assert last["holder"] and last["failures"] and last["reasons"]
END
}

@test "nothing is written, and nothing has to be writable" {
    local folder
    for folder in dreams killed stopped none; do
        state "$folder" >before
        run "$ONEIROS" status "$folder"
        run "$ONEIROS" status --json "$folder"
        state "$folder" >after
        cmp before after
    done
    run -1 bash -c '"$0" status dreams >/dev/full' "$ONEIROS"
}
