#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Disks that fill at every kind of output: small memory file systems where an image's folder, the checkpoints, or the whole output would
# be. Whatever does not fit fails with its reason, the rest is done, nothing half written is left, and with more room the same command goes
# on. ONEIROS, DATA and MPIEXEC come from ctest.

bats_require_minimum_version 1.5.0

load waiting

settings=(-s octaves.count=1 -s steps=2 -s jitter=0 -s threads=1)
still=(-s frames.cam=false -s frames.dream=false)

setup() {
    export ONEIROS_PLAN=off
    cd "$BATS_TEST_TMPDIR"
    mkdir in out
    mount -t tmpfs -o size=64k none out 2>/dev/null || skip "mounting is not permitted"
    umount out
    cp "$DATA/chelsea.png" in/a.png
    ffmpeg -v error -i in/a.png -vf crop=131:117:200:60 in/b.png
    ffmpeg -v error -i in/a.png -vf crop=160:120:90:100 in/c.bmp
}

teardown() {
    cd "$BATS_TEST_TMPDIR"
    [ -z "${server:-}" ] || kill "$server" || true
    for place in out/a out/checkpoints out; do
        ! mountpoint -q "$place" || umount -l "$place"
    done
}

# disk KIB FOLDER
disk() {
    mkdir -p "$2"
    mount -t tmpfs -o size="$1k" none "$2"
}

# room KIB FOLDER: the disk has that much now
room() {
    mount -o remount,size="$1k" "$2"
}

# job dream|explain ARGUMENT...: on 3 ranks, and never for long
job() {
    local job=$1
    shift
    timeout 120 "$MPIEXEC" -n 3 "$ONEIROS" "$job" "${settings[@]}" -o out "$@"
}

# No half a file under a final name, and none aside.
sound() {
    /usr/bin/python3 "$BATS_TEST_DIRNAME/sound.py" out
}

# error_of ID: of that image in out/run.h5
error_of() {
    /usr/bin/python3 -c '
import h5py, sys
print(*[row["error"].decode() for row in h5py.File("out/run.h5")["images"][()] if row["id"] == int(sys.argv[1])])' "$1"
}

# fills KIB FILE JOB ARGUMENT...: the disk of the first image's folder fills at FILE, and then it is given more room
fills() {
    local size=$1 file=$2
    shift 2
    disk "$size" out/a
    run -3 job "$@" in
    echo "$output"
    [[ $output == *"a.png: cannot write 'out/a/$file': No space left on device"* ]]
    [ "$(grep -c 'error: ' <<<"$output")" -eq 1 ]
    [ "$(error_of 0)" = "cannot write 'out/a/$file': No space left on device" ]
    [ -z "$(error_of 1)$(error_of 2)" ]
    [ -z "$(find out/a -type f)" ]
    sound
    room 65536 out/a
    run -0 job "$@" in
    [[ $output == *": 2 done, 1 "* ]]
    sound
    umount out/a
    rm -r out
}

@test "a dream of each format that does not fit" {
    for io in coordinator workers; do
        fills 60 dream.png dream "${still[@]}" -s io=$io
    done
    fills 60 dream.tif dream "${still[@]}" -s output.format=tiff
    fills 12 dream.jpg dream "${still[@]}" -s output.format=jpeg
}

@test "videos and frames that do not fit" {
    for io in coordinator workers; do
        fills 24 dream.mp4 dream -s video.hold=1 -s io=$io
    done
    fills 48 cam.mp4 dream -s video.hold=1
    fills 120 cam.png dream -s video.hold=1
    fills 100 dream/0000.png dream -s frames.png=true
    fills 300 cam/0000.png dream -s frames.png=true -s io=workers
}

@test "an explanation that does not fit" {
    local few=(-s saliency.samples=0 -s importance.samples=0)
    for size in 1500 9400; do
        fills "$size" explain.h5 explain "${few[@]}"
    done
    fills 14000 overview.png explain "${few[@]}"
}

@test "no atlas is made of a run file that lacks rows" {
    local few=(-q -s targets=mixed4#3 -s octaves.count=1 -s steps=1 -s atlas.size=75 -s threads=1)
    disk 2048 out
    run -3 "$ONEIROS" atlas "${few[@]}" -o out in/b.png
    [[ "$output" == *"rows of the run file are lost"*"out/run.h5 has not got all rows: no atlas is made of it"* ]]
    [ ! -e out/atlas.h5 ] && [ ! -e out/atlas.html ]
    room 65536 out
    run -0 "$ONEIROS" atlas "${few[@]}" -o out in/b.png
    [ -s out/atlas.h5 ] && [ -s out/atlas.html ]
}

@test "checkpoints that do not fit are a warning, and the dreams go on" {
    for io in coordinator workers; do
        disk 600 out/checkpoints
        run -0 job dream "${still[@]}" -s steps=12 -s checkpoint.seconds=0.1 -s io=$io in
        # Only a.png's is larger than the disk; but while it is being written, there is no room for another's, and of one alone it is said.
        grep -Eq "warning: cannot write 'out/checkpoints/[0-9a-f]{32}': No space left on device" <<<"$output"
        [ -z "$(ls -A out/checkpoints)" ]
        sound
        umount out/checkpoints
        rm -r out
    done
}

@test "no room to begin a run: one message, exit 2; no room to go on: the run that is there stays" {
    for size in 4 16; do
        disk "$size" out
        run -2 job dream "${still[@]}" in
        [[ $output == *"out/run.h5"*"cannot create the run file: No space left on device"* ]]
        [ "$(grep -c 'error: ' <<<"$output")" -eq 1 ]
        [ -z "$(ls -A out)" ]
        umount out
    done
    disk 65536 out
    run -0 job dream "${still[@]}" in/a.png
    sha256sum out/run.h5 >sum
    room $(($(du -sk out | cut -f 1) + 8)) out
    run -2 job dream "${still[@]}" in
    sha256sum -c sum
    sound
    room 65536 out
    run -0 job dream "${still[@]}" in
    sound
}

@test "a disk that is full at any moment: no half a file, and with more room the same command ends the run" {
    # From hardly more than an empty run file to nearly all of the outputs.
    for size in 400 1000 1800 2600; do
        disk "$size" out
        local code=0 io=coordinator
        [ "$size" -ne 1800 ] || io=workers
        job dream -s video.hold=0.5 -s frames.png=true -s io=$io in >log 2>&1 || code=$?
        echo "$size KiB, io=$io: exit $code" && cat log
        [ "$code" -eq 3 ]
        grep -q 'No space left on device' log
        sound
        room 65536 out
        run -0 job dream -s video.hold=0.5 -s frames.png=true -s io=$io in
        sound
        [ "$(find out -name 'dream.png' | wc -l)" -eq 3 ]
        umount out
    done
}

@test "a download that does not fit" {
    unset http_proxy
    ffmpeg -v error -i in/a.png -vf scale=2000:1600 large.bmp
    ffmpeg -v error -i in/a.png -vf crop=90:80:100:60 small.png
    mkfifo port
    /usr/bin/python3 "$BATS_TEST_DIRNAME/hostile_server.py" large.bmp small.png >port 2>server.log 3>&- &
    server=$!
    read -r port <port
    printf "http://127.0.0.1:$port/late%d.png\n" 2 1 >list # the second one is small
    disk 6000 out
    run -3 job dream "${still[@]}" -s input.resize=100 @list
    [[ $output == *"late2.png: "*"No space left on device"* ]]
    [[ $(error_of 0) == *"No space left on device"* ]]
    [ -s out/late1/dream.png ]
    [ -z "$(find out -name '.*' ! -name .)" ]
    sound
    room 65536 out
    run -0 job dream "${still[@]}" -s input.resize=100 @list
    sound
}

@test "the output folder goes away in the middle of a run" {
    for io in coordinator workers; do
        rm -rf out
        job dream -s steps=20 -s checkpoint.seconds=0.5 -s io=$io in >log 2>&1 &
        local launcher=$! code=0
        until_true 600 compgen -G 'out/checkpoints/*'
        rm -rf out || rm -rf out # something may be put there meanwhile
        wait "$launcher" || code=$?
        echo "io=$io: exit $code" && cat log
        [ "$code" -eq 3 ]
        grep -q 'No such file or directory' log
        [ ! -e out ] || sound
        job dream in
        sound
    done
}
