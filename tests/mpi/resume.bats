#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Runs that go on: what they keep, what they do again, and what they refuse. That the bytes are those of a run that was not interrupted,
# whatever struck it, is kill.py's business; where ranks make no difference, a run has one, whose start costs half of that of two.

bats_require_minimum_version 1.5.0

load waiting

settings=(-s octaves.count=2 -s steps=3 -s input.resize=120 -s threads=1)

setup() {
    cd "$BATS_TEST_TMPDIR"
    mkdir in
    cp "$DATA/chelsea.png" in/a.png
    cp "$DATA/coffee.png" in/b.png
    cp "$DATA/rocket.png" in/c.png
}

dream() {
    "$ONEIROS" dream "${settings[@]}" -o out "$@"
}

# statuses: of the images in out/run.h5, in order
statuses() {
    /usr/bin/python3 -c '
import h5py
rows = sorted((row["id"], row["status"]) for row in h5py.File("out/run.h5")["images"][()])
print(*[("done", "failed", "stopped")[status] for _, status in rows])'
}

# state: every file of the output folder with its time, and its digest
state() {
    find out -type f -printf '%p %T@ ' -exec sha256sum {} \; | sort
}

@test "a run that is complete has nothing to do, and changes nothing" {
    dream in
    state >before
    run -0 dream in
    [[ $output == *"nothing to do in out: 3 done"* ]]
    state >after
    cmp before after
    run -0 dream -v in -s threads=2 -s team.size=1 -s checkpoint.seconds=7 -s fetch.parallel=2 # none of which matters to a dream
    [[ $output == *"nothing to do"* ]]
}

@test "checkpoints of dreams that are done go, if a killed run has left them" {
    dream in/a.png in/b.png
    state >before
    mkdir out/checkpoints
    touch "$(checkpoint in/a.png)" "$(checkpoint in/b.png)" "$(checkpoint in/b.png).0123abcd.part"
    dream in/a.png in/b.png # has nothing to do
    state >after
    cmp before after
    printf '<html>' >in/b.png
    run -3 dream --force in
    mkdir out/checkpoints
    touch "$(checkpoint in/a.png)" "$(checkpoint in/b.png).0123abcd.part" "$(checkpoint in/c.png)"
    run -3 dream in # tries b again
    [ ! -e out/checkpoints ]
}

@test "two runs at once in one folder: the second is refused, the first is unharmed; a killed one leaves the folder free" {
    dream in/a.png
    mv out known
    "$MPIEXEC" -n 3 "$ONEIROS" dream "${settings[@]}" -s steps=100000 -o out in/a.png &
    until_true 600 begun out
    run -2 dream in/a.png
    [[ $output == *"another run is at work in 'out': process "*" on this machine; wait for it"* ]]
    run -2 "$ONEIROS" dream --force "${settings[@]}" -o out in/a.png
    [[ $output == *"another run is at work"* ]]
    kill -KILL "$(ranks_of $! | head -n 1)"
    wait $! || true
    dream --force in/a.png # at once
    cmp known/a/dream.png out/a/dream.png
    [ ! -e out/.oneiros.lock ]
}

@test "what stands in the place of run.h5 and is no file is refused, not waited for" {
    mkdir -p out/run.h5
    for flag in "" --force; do
        run -2 dream in/a.png ${flag:+"$flag"}
        [[ $output == *"out/run.h5 is no file"* ]]
    done
    rmdir out/run.h5
    mkfifo out/run.h5
    run -2 timeout 60 "$ONEIROS" dream "${settings[@]}" -o out in/a.png
    [[ $output == *"out/run.h5 is no file"* ]]
    run -2 timeout 60 "$ONEIROS" report out
    [[ $output == *"no run file, nor any file"* ]]
}

@test "other settings are refused, by name, and nothing is touched" {
    dream in
    state >before
    run -2 "$MPIEXEC" -n 2 "$ONEIROS" dream "${settings[@]}" -o out -s steps=4 -s seed=7 in
    [[ $output == *"steps was 3 and is 4; seed was 0 and is 7"*"--force"* ]]
    [ "$(grep -c 'steps was 3' <<<"$output")" -eq 1 ]
    run -2 "$ONEIROS" explain "${settings[@]}" -o out in
    [[ $output == *'of `oneiros dream`'* ]]
    state >after
    cmp before after
    run -0 dream -s class=281 -s saliency.samples=3 -s video.encoder=libx264 in # which make no difference
    [[ $output == *"nothing to do"* ]]
    state >after
    cmp before after
}

# row NAME COLUMN...: of the image in/NAME in out/run.h5
row() {
    /usr/bin/python3 -c '
import h5py, sys
rows = {row["source"].decode(): row for row in h5py.File("out/run.h5")["images"][()]}
print(*[rows["in/" + sys.argv[1]][column] for column in sys.argv[2:]])' "$@"
}

# own NAME: whether the dream of in/NAME is that of the picture dreamed alone
own() {
    rm -rf alone
    "$ONEIROS" dream "${settings[@]}" -o alone "in/$1"
    cmp "alone/${1%.png}/dream.png" "out/${1%.png}/dream.png"
}

@test "pictures that are added, taken away, changed, mended and missing: what is new is done, what is done stays" {
    printf '<html>' >in/m.png
    cp "$DATA/coffee.png" in/x.png
    run -3 dream in
    [ "$(statuses)" = "done done done failed done" ]
    touch mark # after all of them: which one is written last is chance
    sleep 1
    cp in/a.png in/aa.png           # added: the second now
    rm in/b.png                     # taken away
    cp "$DATA/rocket.png" in/m.png  # mended
    cp in/x.png in/c.png            # changed
    run -0 dream in
    [[ $output == *"going on with the run in out: 2 done, 1 new, 1 changed, 1 failed before, 1 whose picture is gone"* ]]
    [ "$(row a.png id status missing)" = "0 0 0" ]
    [ "$(row b.png id status missing)" = "1 0 1" ]
    [ "$(row aa.png id status missing)" = "5 0 0" ]
    for name in a b x; do
        [ ! "out/$name/dream.png" -nt mark ]
    done
    own a.png
    own aa.png
    own c.png
    own m.png
    cmp out/x/dream.png out/c/dream.png # a dream belongs to its picture
    state >before
    run -0 dream in
    [[ $output == *"nothing to do in out: 5 done, 1 whose picture is gone"* ]]
    state >after
    cmp before after
    cp "$DATA/coffee.png" in/b.png # back again: its dream is there
    run -0 dream in
    [ "$(row b.png id status missing)" = "1 0 0" ]
    [ ! out/b/dream.png -nt mark ]
}

@test "a wrong name in the first command, or one that finds nothing, does not stop the right one" {
    run -3 dream -s seed=3 -s steps=1 in/aa.png # without a dream there are no settings to keep to
    [ "$(statuses)" = "failed" ]
    run -3 dream in/aa.png 'in/*.gif' in/b.png
    run -0 dream in/a.png in/b.png
    [ "$(statuses)" = "done done" ]
    [ "$(row a.png id)" = 0 ]
    run -0 dream in
    [ "$(statuses)" = "done done done" ]
}

@test "the dream of a picture that has changed stays until the new one is whole" {
    settings+=(-s steps=80)
    dream in/a.png
    cp out/a/dream.png out/a/dream.mp4 .
    cp in/b.png in/a.png
    signal_when USR1 saved "$MPIEXEC" -n 3 "$ONEIROS" dream "${settings[@]}" -s checkpoint.seconds=0.1 -o out in/a.png
    [ "$code" -eq 75 ]
    cmp dream.png out/a/dream.png
    cmp dream.mp4 out/a/dream.mp4
    dream in/a.png
    run ! cmp dream.png out/a/dream.png
    own a.png
}

@test "the dream of a picture that has changed into none stays in its folder, until --force" {
    dream in/a.png in/b.png
    cp out/a/dream.png .
    printf '<html>' >in/a.png
    run -3 dream in/b.png in/a.png
    cmp dream.png out/a/dream.png
    [ "$(row a.png status output)" = "1 b'a/dream.png'" ]
    run -0 "$ONEIROS" report out
    rm in/a.png out/report.html
    mkdir other
    cp in/c.png other/a.png
    dream in/b.png other/a.png # another one of that name
    cmp dream.png out/a/dream.png
    [ -s out/a-2/dream.png ]
    run -0 dream in/b.png other/a.png
    [[ $output == *"nothing to do"* ]]
    run -0 dream --force in/b.png
    [ "$(ls out)" = "$(printf '%s\n' b run.h5)" ]
}

@test "a run that is killed while all its pictures are dreamed again still knows what is there" {
    dream in/a.png in/b.png
    cp in/c.png in/a.png
    cp in/c.png in/b.png
    signal_when KILL 'has_rows out/run.h5 earlier 2' "$ONEIROS" dream "${settings[@]}" -s checkpoint.seconds=1000 -o out in/a.png in/b.png
    if [ "$(rows out/run.h5 images)" -eq 0 ]; then # struck in time
        run -2 dream -s steps=4 in/a.png in/b.png
        [[ $output == *"steps was 3 and is 4"* ]]
    fi
    run -0 dream --force in/c.png
    [ "$(ls out)" = "$(printf '%s\n' c run.h5)" ]
}

@test "photographs among which a run has written can be dreamed of" {
    run -0 "$MPIEXEC" -n 3 "$ONEIROS" dream "${settings[@]}" -o in in/a.png
    run -0 "$ONEIROS" explain "${settings[@]}" -o why in
    [ "$(ls why)" = "$(printf '%s\n' a b c run.h5)" ]
    run -0 "$ONEIROS" dream "${settings[@]}" -o in in
    [ "$(ls in)" = "$(printf '%s\n' a a.png b b.png c c.png run.h5)" ]
    [ ! -d in/a/dream ]
}

@test "failed images are tried again, finished ones are not" {
    printf '<html>' >in/b.png
    run -3 dream in
    [ "$(statuses)" = "done failed done" ]
    state | grep -v run.h5 >before
    run -3 dream in
    state | grep -v run.h5 >after
    cmp before after
    cp "$DATA/coffee.png" in/b.png
    run -0 dream in
    [[ $output == *"going on with the run in out: 2 done, 1 failed before"* ]]
    [ "$(statuses)" = "done done done" ]
    [ -s out/b/dream.png ]
}

@test "further inputs are done, and a dream that has gone is made again" {
    dream in/a.png in/b.png
    cp out/a/dream.png a.png
    rm out/a/dream.png
    run -0 dream in/a.png in/b.png in/c.png
    [[ $output == *"1 done, 1 new, 1 with files missing"* ]]
    cmp a.png out/a/dream.png
    [ -s out/c/dream.png ]
    [ "$(statuses)" = "done done done" ]
}

@test "--resume only goes on, --force begins anew" {
    run -2 dream --resume in
    [[ $output == *"no run to go on with"* ]]
    [ ! -e out/run.h5 ]
    run -2 dream --resume --force in
    dream in/a.png
    run -0 dream --resume in/a.png
    [[ $output == *"nothing to do"* ]]
    touch out/a/mine
    run -0 dream --force -s steps=1 in/b.png
    [ "$(statuses)" = "done" ]
    [ -s out/b/dream.png ]
    [ "$(ls -A out/a)" = mine ]
    run -0 "$ONEIROS" explain "${settings[@]}" --force -o out in/c.png
    [ "$(cd out && ls -d */)" = $'a/\nc/' ]
    run -0 dream --force in/a.png
    [ "$(cd out && ls -d */)" = a/ ]
}

@test "a dream whose picture has changed begins anew, and so does one whose checkpoint is damaged" {
    settings+=(-s steps=2000)
    local command=("$MPIEXEC" -n 3 "$ONEIROS" dream "${settings[@]}" -s checkpoint.seconds=0.3 -o out in/a.png in/b.png)
    local a b
    a=$(checkpoint in/a.png) b=$(checkpoint in/b.png)
    signal_when USR1 '[ -s '"$a"' ] && [ -s '"$b"' ]' "${command[@]}"
    [ "$code" -eq 75 ]
    cp in/c.png in/a.png
    printf damaged >>"$b"
    signal_when USR1 '[ -s $(checkpoint in/c.png) ] && grep -q "in/b.png begins anew" log' "${command[@]}" 2>log
    [ "$code" -eq 75 ]
    grep "$b' is damaged.*in/b.png begins anew" log
    [ ! -e out/a/dream.png ]
}

@test "a new run does not go on with what another one had begun" {
    "$MPIEXEC" -n 3 "$ONEIROS" dream "${settings[@]}" -s seed=1 -o alone in/a.png
    for how in --force gone; do
        signal_when USR1 saved \
            "$MPIEXEC" -n 3 "$ONEIROS" dream "${settings[@]}" -s steps=100000 -s checkpoint.seconds=0.1 --force -o out in/a.png
        [ "$code" -eq 75 ]
        saved
        [ "$how" = --force ] || rm out/run.h5
        dream -s seed=1 ${how/gone/} in/a.png
        cmp alone/a/dream.png out/a/dream.png
        [ ! -e out/checkpoints ]
    done
}

@test "a signal when some workers that read and write themselves have left" {
    signal_when USR1 saved \
        "$MPIEXEC" -n 4 "$ONEIROS" dream "${settings[@]}" -s steps=100000 -s checkpoint.seconds=0.3 -s io=workers -o out in/a.png
    [ "$code" -eq 75 ]
    [ "$(statuses)" = stopped ]
}

@test "what a killed run left aside is gone when its dream is done" {
    filmed=("$MPIEXEC" -n 3 "$ONEIROS" dream "${settings[@]}" -s steps=100 -s checkpoint.seconds=0.1 -s frames.png=true
        -s frames.dream=true -s frames.cam=true -o out in/a.png)
    signal_when USR1 saved "${filmed[@]}"
    [ "$code" -eq 75 ]
    saved
    for name in "$(realpath --relative-to=out "$(checkpoint in/a.png)")" a/dream.mp4 a/cam.mp4 a/dream.png a/dream/0000.png; do
        printf part >"out/$name.0123abcd.part"
    done
    printf mine >out/a/notes.part
    run -0 "${filmed[@]}"
    [[ $output == *"going on with the run in out"* ]]
    [ "$(find out -name '*.part')" = out/a/notes.part ]
    [ ! -e out/checkpoints ]
}

@test "a run file that is none of ours is left alone" {
    mkdir out
    printf 'my notes' >out/run.h5
    run -2 dream in
    [[ $output == *"out/run.h5"*"--force begins anew"* ]]
    [ "$(cat out/run.h5)" = "my notes" ]
}

@test "explanations by workers that read and write themselves are the same" {
    for io in coordinator workers; do
        "$MPIEXEC" -n 3 "$ONEIROS" explain -s io="$io" -s input.resize=100 -s importance.samples=2 -s importance.baselines=black \
            -s saliency.samples=2 -s threads=1 -o "$io" in
    done
    for picture in a b c; do
        /usr/bin/python3 "$BATS_TEST_DIRNAME/same_run.py" --explained "coordinator/$picture/explain.h5" "workers/$picture/explain.h5"
        cmp "coordinator/$picture/overview.png" "workers/$picture/overview.png"
    done
}

@test "explanations go on too" {
    explain=("$ONEIROS" explain -s input.resize=100 -s importance.samples=0 -s saliency.samples=0 -o out)
    printf '<html>' >in/b.png
    run -3 "${explain[@]}" in
    sha256sum out/a/explain.h5 >a.sum
    cp "$DATA/coffee.png" in/b.png
    run -0 "${explain[@]}" in
    [ -s out/b/explain.h5 ]
    sha256sum -c a.sum
}

# silence RANK: that rank is stopped in the middle of a run
silence() {
    "$MPIEXEC" -n 3 "$ONEIROS" dream "${settings[@]}" -s steps=100000 -s watchdog.seconds=4 -o out in 2>log &
    local launcher=$! code=0
    until_true 600 begun out
    kill -STOP "$(ranks_of "$launcher" | sed -n "$(($1 + 1))p")"
    timeout 60 tail --pid="$launcher" -f /dev/null
    wait "$launcher" || code=$?
    [ "$code" -eq 1 ]
    cat log
}

@test "the watchdog names the worker that does not answer any more" {
    run -0 silence 2
    [[ $output == *"rank 2 has not answered for "*"(host "*"run the same command again"* ]]
}

@test "the watchdog names the coordinator that does not answer any more" {
    run -0 silence 0
    [[ $output == *"rank 0 has not answered for "* ]]
}

@test "a signal while the run is still starting ends it like one later, and two do too" {
    for times in 1 2; do
        "$ONEIROS" dream "${settings[@]}" -s steps=100000 -o "out$times" in/a.png 2>log &
        local process=$! code=0
        until heeds "$process"; do :; done
        for _ in $(seq "$times"); do
            kill -USR1 "$process"
            sleep 0.1
        done
        wait "$process" || code=$?
        [ "$code" -eq 75 ]
        grep -q "stopped before the first image was done, after " log
    done
}

@test "a session that ends before it comes to an unfinished dream leaves it unfinished" {
    settings+=(-s steps=2000)
    signal_when USR1 saved "$MPIEXEC" -n 3 "$ONEIROS" dream "${settings[@]}" -s checkpoint.seconds=0.1 -o out in/a.png
    [ "$code" -eq 75 ]
    [ "$(statuses)" = stopped ]
    local process code
    for _ in 1 2; do
        code=0
        "$ONEIROS" dream "${settings[@]}" -o out in/a.png 2>log &
        process=$!
        until heeds "$process"; do :; done
        kill -USR1 "$process"
        wait "$process" || code=$?
        [ "$code" -eq 75 ]
        grep '1 dream is unfinished; run the same command again' log
        [ "$(statuses)" = stopped ]
        saved
    done
}

@test "what is the user's in the output folder stays, whatever it is called" {
    mkdir -p out/checkpoints/cafe
    echo mine >out/checkpoints/1000
    dream in
    [ "$(cat out/checkpoints/1000)" = mine ]
    run -0 dream --force in
    [ "$(cat out/checkpoints/1000)" = mine ]
    [ -d out/checkpoints/cafe ]
    mkdir -p in/checkpoints in/run.h5.new in/a..b
    cp in/a.png in/checkpoints
    cp in/a.png in/run.h5.new
    cp in/a.png in/a..b
    run -0 dream in
    run -0 dream in
    [[ $output == *"nothing to do"* ]]
    dream --force in/c.png
    [ "$(cd out && ls -d */)" = $'c/\ncheckpoints/' ]
}
