#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What is typed and listed: lists from pipes, addresses with secrets, inputs of equal bytes. ONEIROS, DATA and MPIEXEC come from ctest.

bats_require_minimum_version 1.5.0

load waiting

settings=(-s octaves.count=1 -s steps=2 -s jitter=8 -s frames.cam=false -s frames.dream=false -s threads=1)

setup() {
    cd "$BATS_TEST_TMPDIR"
    unset http_proxy
    mkdir in
    ffmpeg -v error -i "$DATA/chelsea.png" -vf crop=131:117:200:60 in/a.png
    ffmpeg -v error -i "$DATA/chelsea.png" -vf crop=90:80:100:60 in/b.png
}

# ranks N ARGUMENT...: oneiros dream on N ranks, which says all that it can say
ranks() {
    local count=$1
    shift
    "$MPIEXEC" -n "$count" "$ONEIROS" dream -v "${settings[@]}" "$@"
}

serve() {
    mkfifo port
    /usr/bin/python3 "$BATS_TEST_DIRNAME/private_server.py" in asked >port 2>server.log 3>&- &
    read -r port <port
    host=127.0.0.1:$port
}

# rows_of FOLDER: id, status, same_as, source and output of each input
rows_of() {
    /usr/bin/python3 -c '
import h5py, sys
for row in sorted(h5py.File(sys.argv[1] + "/run.h5")["images"][()], key=lambda row: row["id"]):
    print(row["id"], row["status"], row["same_as"], row["source"].decode(), row["output"].decode())' "$1"
}

# everything FOLDER: every text in its run.h5, and every byte of its files
everything() {
    find "$1" -type f -exec cat {} +
    /usr/bin/python3 -c '
import h5py, sys
def show(name, item):
    print(name, dict(item.attrs), item[()] if isinstance(item, h5py.Dataset) else "")
file = h5py.File(sys.argv[1] + "/run.h5")
print(dict(file.attrs))
file.visititems(show)' "$1"
}

@test "a list from a pipe is a list: read once, to its end, beside other inputs, on any number of ranks, and gone on with" {
    printf 'noise:75x%d\n' {75..82} >list
    ranks 1 -o file in/a.png @list
    ranks 3 -o pipe in/a.png @- <list
    "$ONEIROS" dream "${settings[@]}" -o named in/a.png @<(tr '\n' '\0' <list) # which mpirun would not pass on
    [ "$(rows_of file | wc -l)" -eq 9 ]
    for run in pipe named; do
        diff <(rows_of file) <(rows_of "$run")
        for picture in file/*/dream.png; do
            cmp "$picture" "$run/${picture#file/}"
        done
    done
    run -0 ranks 3 -o pipe in/a.png @/dev/stdin < <(cat list)
    [[ $output == *"nothing to do in pipe: 9 done"* ]]
    run -0 ranks 3 -o pipe in/a.png @/dev/stdin in/b.png < <(cat list)
    [[ $output == *"going on with the run in pipe: 9 done, 1 new"* ]]
    run -2 ranks 1 -o twice @- @/dev/stdin <list
    [[ $output == *"@- and @/dev/stdin are both standard input"* ]]
    printf 'noise:75x75:%d\n' {1..1000} >thousand
    run -0 "$ONEIROS" dream --dry-run -o none @- < <(cat thousand)
    [[ $output == *"images:  1000, 0 of which would fail"* ]]
}

@test "secrets of addresses are in nothing that is written or said, and runs with them go on" {
    serve
    export ONEIROS_FETCH_HEADER='X-Key: tresor'
    local list=("http://me:geheim@$host/a.png" "http://$host/b.png?key=sesam&id=1" "http://$host/b.png?key=sesam&id=2&x=luna77"
        "http://me:geheim@$host/away/b.png" "http://me:wrong@$host/a.png?geheim" "http://$host/c.png?key=sesam" "ftp://me:geheim@$host/x?sesam"
        "http://me:gehe/im@$host/a.png")
    cp in/b.png in/mask.png
    local long=(-s mask="http://me:geheim@$host/mask.png?sesam" -s importance.samples=0)
    printf '%s\n' "${list[@]}" >../list
    run -3 ranks 3 "${long[@]}" -o out @../list
    echo "$output" | tee said
    run -3 ranks 1 "${long[@]}" -o out "${list[@]}" # what failed is tried again
    echo "$output" | tee -a said
    [[ $output == *"going on with the run in out: 4 done, 4 failed before"* ]]
    "$ONEIROS" report out >>said 2>&1
    "$ONEIROS" status out >>said 2>&1 || true
    "$ONEIROS" status --json out >>said 2>&1 || true
    "$ONEIROS" dream --print-config "${long[@]}" >>said 2>&1
    "$ONEIROS" dream --dry-run "${long[@]}" -o none "${list[@]}" >>said 2>&1 || true
    everything out >>said
    run ! grep -aoE '.{60}(geheim|sesam|tresor|luna77|wrong|gehe/im).{20}' said
    find out | tee names
    run ! grep -E 'geheim|sesam|tresor|luna77|wrong|me:' names
    rows_of out
    rows_of out >rows
    grep -q "0 0 -1 http://...@$host/a.png#[0-9a-f]\{16\} a/dream.png" rows
    [ "$(grep -c "http://$host/b.png?...#" rows)" -eq 2 ] # told apart
    [ "$(cut -d ' ' -f 4 rows | sort -u | wc -l)" -eq 7 ] # the last is the first with another password
    # The header was for the host that was named, as were user and password; the redirect brought neither to another one.
    grep "^$host /a.png" asked | grep -q "'X-Key': 'tresor'"
    grep "^localhost:$port " asked >away
    run ! grep -E "tresor|Authorization" away
    # Each is known by itself: the second b alone, and the first with another password.
    run -0 ranks 1 "${long[@]}" -o out "${list[2]}" "http://me:new@$host/a.png"
    echo "$output"
    [[ $output == *"going on with the run in out: 2 done, 2 not named this time: their dreams stay"*"no other image is done"* ]]
    # To what is shown nobody can go.
    run -2 ranks 1 -s mask="http://...@$host/mask.png?..." -o other in/a.png
    [[ $output == *"an address as a run shows it"* ]]
}

@test "what is no address, but meant as one: what is wrong is said, and its secrets are not; a file of that very name is one" {
    serve
    printf '%s\n' "\"http://$host/a.png?k=sesam\"" "<http://$host/a.png?k=sesam>" "- http://$host/a.png?k=sesam" "//$host/x?k=sesam" \
        "me:geheim@$host/o1.jpg" "http://127.0.0.1:geheim/sesam" "http://$host/a.png;key=sesam" "me:luna77@in/b.png" in/a.png >../list
    mkdir me:luna77@in
    cp in/b.png me:luna77@in/
    run -3 ranks 2 -o out @../list
    echo "$output" | tee said
    [ "$(grep -c 'error: .*: no valid address, and no file of this name: .* without quotes, brackets' said)" -eq 5 ]
    grep -q 'error: "http://'"$host"'/a.png?...#[0-9a-f]*: no valid address' said
    grep -q 'error: http://127.0.0.1:...#[0-9a-f]*: no valid address: behind the colon is no port' said
    "$ONEIROS" report out >>said 2>&1
    "$ONEIROS" status out >>said 2>&1 || true
    "$ONEIROS" status --json out >>said 2>&1 || true
    "$ONEIROS" dream --dry-run -o none @../list >>said 2>&1 || true
    everything out >>said
    find out >>said
    run ! grep -aE 'geheim|sesam' said
    rows_of out >rows
    grep -q ' 0 -1 me:luna77@in/b.png b/dream.png' rows
    grep -q " 0 -1 http://$host/a.png;...#[0-9a-f]\{16\} a-4/dream.png" rows
    run -3 ranks 1 -o out @../list
    [[ $output == *"going on with the run in out: 3 done, 6 failed before"* ]]
    run -2 ranks 1 -s mask="\"http://$host/mask.png?sesam\"" -o other in/a.png
    echo "$output"
    [[ $output == *"mask \"http://$host/mask.png?...: "* && $output != *sesam* ]]
    run -3 ranks 1 -o other - </dev/null
    [[ $output == *"error: -: no file of this name (a list is read from standard input with @-)"* ]]
}

@test "without the key of addresses, or with another one, a run says that it does not know them again" {
    serve
    local list=("http://$host/a.png?key=sesam&id=1" "http://$host/b.png?key=sesam&id=2")
    ranks 1 -o out "${list[@]}"
    run -0 ranks 1 -o out "${list[@]}"
    [[ $output == *"nothing to do in out"* && $output != *addresses.key* ]]
    cp -a out other
    rm out/addresses.key
    run -0 ranks 1 -o out "${list[@]}"
    echo "$output"
    [ "$(grep -c "warning: out/addresses.key is missing, without which 2 addresses of the run that is there, .* fetched again" <<<"$output")" -eq 1 ]
    run -0 ranks 1 -o out "${list[@]}" # by the new one
    [[ $output == *"nothing to do in out"* && $output != *addresses.key* ]]
    head -c 32 /dev/urandom >other/addresses.key
    run -0 ranks 1 -o other "${list[@]}"
    echo "$output"
    [ "$(grep -c "warning: none of the addresses .* or other/addresses.key is not that run's: they are fetched again" <<<"$output")" -eq 1 ]
    run -0 ranks 1 -o other in/a.png # asks for none
    [[ $output != *addresses.key* ]]
}

@test "a dream of an address is taken up again, and its checkpoint says nothing" {
    serve
    local url="http://me:geheim@$host/a.png?key=sesam"
    ranks 2 -o whole -s steps=1000 -s input.resize=75 "$url"
    signal_when USR1 'begun out' "$MPIEXEC" -n 2 "$ONEIROS" dream -v "${settings[@]}" -s steps=1000 -s input.resize=75 -o out "$url"
    [ "$code" -eq 75 ]
    saved
    run ! grep -raE 'geheim|sesam' out
    run -0 ranks 2 -o out -s steps=1000 -s input.resize=75 "$url"
    [[ $output == *"1 unfinished"* ]]
    cmp whole/a/dream.png out/a/dream.png
}

@test "a list from a FIFO that nobody writes to, or not yet, is waited for; a signal ends that" {
    mkfifo list
    gone() { ! kill -0 "$1" 2>/dev/null; }
    for writer in none silent; do
        "$ONEIROS" dream "${settings[@]}" -o out @list 3>&- 2>log &
        local pid=$! code=0
        [ "$writer" = none ] || exec 8>list # which opens when there is a reader
        until_true 600 heeds "$pid"
        sleep 0.5
        kill -TERM "$pid"
        until_true 60 gone "$pid" || kill -KILL "$pid"
        wait "$pid" || code=$?
        exec 8>&-
        cat log
        [ "$code" -eq 75 ]
        grep -q '@list: stopped while the list was being read' log
    done
    "$ONEIROS" dream "${settings[@]}" -o out @list 3>&- 2>log &
    pid=$!
    until_true 600 heeds "$pid"
    sleep 0.5
    echo in/a.png >list
    wait "$pid"
    [ -f out/a/dream.png ]
}

@test "inputs of equal bytes: the first is dreamed, the others are linked and named, on any ranks, whoever reads, and after any restart" {
    mkdir in/sub
    cp in/a.png in/c.png
    cp in/a.png in/sub/a.png
    cp in/b.png in/sub/b.png
    "$ONEIROS" dream "${settings[@]}" -o alone in/a.png in/b.png
    for run in 1 3 4; do
        local more=()
        [ "$run" -eq 4 ] && more=(-s io=workers)
        run -0 ranks "$run" "${more[@]}" -o "out$run" in
        echo "$output"
        [[ $output == *"in/c.png: the same bytes as the picture of a/dream.png, which is not dreamed twice"* ]]
        [[ $output == *"oneiros: 5 images in "* ]]
        [ "$(rows_of "out$run" | cut -d ' ' -f 1-3 | paste -sd,)" = "0 0 -1,1 0 -1,2 0 0,3 0 0,4 0 1" ]
        [ "$(readlink "out$run/c/dream.png")" = ../a/dream.png ]
        [ "$(readlink "out$run/sub/a/dream.png")" = ../../a/dream.png ]
        [ ! -L "out$run/a/dream.png" ]
        [ "$(rows "out$run/run.h5" steps)" -eq 4 ] # of two dreams
        for name in a c sub/a; do
            cmp alone/a/dream.png "out$run/$name/dream.png"
        done
        for name in b sub/b; do
            cmp alone/b/dream.png "out$run/$name/dream.png"
        done
        run -0 ranks 2 -o "out$run" in
        [[ $output == *"nothing to do in out$run: 5 done"* ]]
    done
    for io in coordinator workers; do
        ranks 3 -s input.equal=each -s io=$io -o "each-$io" in
        [ "$(rows_of "each-$io" | cut -d ' ' -f 1-3 | paste -sd,)" = "0 0 -1,1 0 -1,2 0 -1,3 0 -1,4 0 -1" ]
        [ "$(find "each-$io" -type l | wc -l)" -eq 0 ]
    done
    # A link that is gone is made again; another picture in the first one's place leaves the others the old dream.
    rm out3/c/dream.png
    run -0 ranks 3 -o out3 in
    [[ $output == *"4 done, 1 with files missing"* ]]
    cmp alone/a/dream.png out3/c/dream.png
    cp in/b.png in/a.png
    ranks 3 -o out3 in
    rows_of out3
    cmp alone/b/dream.png out3/a/dream.png
    cmp alone/a/dream.png out3/c/dream.png
    cmp alone/a/dream.png out3/sub/a/dream.png
    cmp alone/b/dream.png out3/b/dream.png
    run -0 ranks 3 -o out3 in
    [[ $output == *"nothing to do in out3: 5 done"* ]]
    # Anew: nothing is left of the links.
    ranks 1 --force -o out3 in/b.png
    [ "$(find out3 -type l | wc -l)" -eq 0 ]
    cmp alone/b/dream.png out3/b/dream.png
}

@test "an input that is named twice is said to be" {
    printf 'in/a.png\nin/b.png\n./in/a.png\n' >list
    run -0 ranks 2 -o out @list
    [[ $output == *"in/a.png: named twice: the picture of a/dream.png, which is not dreamed twice: linked"* ]]
    run ! grep "the same bytes" <<<"$output"
}

@test "what links to a dream that is made anew, and is not named or gone, stays, with files of its own, also after kill -9" {
    cp in/a.png in/c.png
    cp in/a.png in/d.png
    "$ONEIROS" dream "${settings[@]}" -o first in
    cp first/a/dream.png old.png
    ffmpeg -v error -i "$DATA/chelsea.png" -vf crop=100:90:50:30 other.png
    # kept FOLDER: the old dream of c and d is there, by itself
    kept() {
        rows_of "$1"
        for name in c d; do
            [ ! -L "$1/$name/dream.png" ]
            cmp old.png "$1/$name/dream.png"
        done
        [ "$(rows_of "$1" | grep -c "^[23] 0 -1 in/[cd].png [cd]/dream.png")" -eq 2 ]
        run ! cmp old.png "$1/a/dream.png"
        [ -z "$(find "$1" -name '*.part')" ]
    }
    for count in 1 3; do
        cp -r first "out$count"
        cp other.png in/a.png
        run -0 ranks "$count" -o "out$count" in/a.png
        [[ $output == *"1 changed, 3 not named this time: their dreams stay"* ]]
        kept "out$count"
        mv in/d.png d.png # of one that is gone nobody makes a new dream either
        run -0 ranks "$count" -o "out$count" in
        [[ $output == *"3 done, 1 whose picture is gone"* ]]
        kept "out$count"
        mv d.png in/d.png
    done
    # Killed between the files and the rows, and at any later moment.
    cp -r first half
    cp --remove-destination old.png half/c/dream.png
    ln old.png half/d/dream.png.01234567.part
    run -0 ranks 1 -o half in/a.png
    kept half
    cp -r first killed
    "$ONEIROS" dream "${settings[@]}" -o killed in/a.png 3>&- &
    until_true 600 test ! -L killed/d/dream.png
    kill -KILL $! || true
    wait || true
    cmp old.png killed/d/dream.png
    run -0 ranks 1 -o killed in/a.png
    kept killed
}

@test "what a later one waits for fails: it fails, too, and both are tried again" {
    cp in/a.png in/c.png
    mkdir -p out/a/dream.png # no file can have this name
    run -3 ranks 2 -o out in
    [[ $output == *"in/c.png: of the same bytes as image 0, which failed"* ]]
    rmdir out/a/dream.png
    run -0 ranks 2 -o out in
    [ "$(rows_of out | cut -d ' ' -f 1-3 | paste -sd,)" = "0 0 -1,1 0 -1,2 0 0" ]
}

@test "many addresses with the same picture: one warning says so" {
    serve
    cp in/b.png in/lost.png
    printf "http://$host/lost/%d.png\n" {1..7} >list
    for run in 1 3; do
        run -0 ranks "$run" -o "out$run" @list in/a.png
        echo "$output"
        digest=$(sha256sum in/lost.png | cut -c 1-32)
        [ "$(grep -c "warning: 7 addresses gave the same picture, with sha256 $digest..." <<<"$output")" -eq 1 ]
        [ "$(rows_of "out$run" | cut -d ' ' -f 3 | paste -sd,)" = "-1,0,0,0,0,0,0,-1" ]
    done
    cmp out1/7/dream.png out3/1/dream.png
}
