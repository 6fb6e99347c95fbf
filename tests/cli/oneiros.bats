#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The program from outside: what needs no MPI and, but for bench and dry runs, no weights. $ONEIROS is the program.

bats_require_minimum_version 1.5.0

setup() {
    cd "$BATS_TEST_TMPDIR"
    # Settings of whoever runs the tests must not count.
    local name
    for name in $(compgen -e ONEIROS_) $(compgen -e OMPI_COMM_) $(compgen -e PMI) $(compgen -e SLURM_); do
        unset "$name"
    done
}

# bmp FILE WIDTH HEIGHT: a black picture; the width is a multiple of 4
bmp() {
    local size=$(($2 * $3 * 3 + 54)) number
    {
        printf BM
        for number in "$size" 0 54 40 "$2" "$3" $((24 << 16 | 1)) 0 0 0 0 0 0; do
            printf "$(printf '\\x%02x' $((number & 255)) $((number >> 8 & 255)) $((number >> 16 & 255)) $((number >> 24)))"
        done
    } >"$1"
    truncate -s "$size" "$1"
}

dry_run() {
    "$ONEIROS" dream --dry-run -q -o out -s tile.size=512 -s memory.limit=1G "$@"
}

weights_or_skip() {
    [ -r "${XDG_CACHE_HOME:-$HOME/.cache}/oneiros/inception_v3.h5" ] || skip "no weights: run oneiros model fetch"
}

@test "no command: usage on standard error, exit 2" {
    run -2 --separate-stderr "$ONEIROS"
    [ -z "$output" ]
    [[ "$stderr" == "Usage: oneiros COMMAND"* ]]
}

@test "--help, -h and help say the same" {
    run -0 "$ONEIROS" --help
    [[ "$output" == *"dream "*"model "*"bench "* ]]
    local text="$output"
    run -0 "$ONEIROS" -h
    [ "$output" = "$text" ]
    run -0 "$ONEIROS" help
    [ "$output" = "$text" ]
}

@test "help COMMAND is COMMAND --help" {
    run -0 "$ONEIROS" help dream
    [[ "$output" == *"mpirun -n"*"octaves.count=auto  [auto, 1..32]"*"Exit codes"* ]]
    local text="$output"
    run -0 "$ONEIROS" dream --help
    [ "$output" = "$text" ]
}

@test "--version names every library" {
    run -0 "$ONEIROS" --version
    [[ "${lines[0]}" =~ ^oneiros\ [0-9]+\.[0-9]+\.[0-9]+$ ]]
    local library
    for library in oneDNN HDF5 MPI hwloc libpng libtiff libjpeg lcms2 FFmpeg libcurl libyaml; do
        grep -Eq "^  $library +.*[0-9]+\.[0-9]+" <<<"$output"
    done
    grep -Eq "^  libvips +([0-9]+\.[0-9]+|none: )" <<<"$output"
}

@test "an unknown command: exit 2 and the nearest one" {
    run -2 "$ONEIROS" draem
    [[ "$output" == *"unknown command draem; did you mean dream?"* ]]
    run -2 "$ONEIROS" help modle
    [[ "$output" == *"did you mean model?"* ]]
    run -2 "$ONEIROS" --versoin
    [[ "$output" == *"unknown command --versoin"* ]]
}

@test "threads that wait spin for a short while only, unless somebody says how long" {
    ldd "$ONEIROS" | grep -q libgomp || skip "no libgomp"
    spins() { # [NAME=VALUE]
        OMP_DISPLAY_ENV=verbose env -u GOMP_SPINCOUNT -u OMP_WAIT_POLICY "$@" "$ONEIROS" --version 2>&1 | sed -n "s/.*GOMP_SPINCOUNT = '\(.*\)'/\1/p"
    }
    [ "$(spins)" = 1000 ]
    [ "$(spins OMP_PROC_BIND=true)" = 1000 ]
    [ "$(spins GOMP_SPINCOUNT=77)" = 77 ]
    [ "$(spins OMP_WAIT_POLICY=passive)" = 0 ]
}

@test "the program is started once" {
    strace -f -e trace=execve true 2>/dev/null || skip "this user may not trace"
    env -u GOMP_SPINCOUNT -u OMP_WAIT_POLICY strace -f -e trace=execve,execveat -o calls "$ONEIROS" dream --dry-run -o out "$BATS_TEST_FILENAME" || true
    [ "$(grep -c exec calls)" -eq 1 ]
}

@test "a full disk is not success" {
    [ -e /dev/full ] || skip "no /dev/full"
    run -1 --separate-stderr bash -c '"$ONEIROS" --version >/dev/full'
    [[ "$stderr" == *"cannot write to standard output"* ]]
}

@test "--print-config is a configuration that -c takes" {
    "$ONEIROS" dream -s steps=7 -s targets=mixed4#12+45:0.5 --print-config >job.yaml
    grep -qx "steps: 7" job.yaml
    run -0 "$ONEIROS" dream -c job.yaml --print-config
    diff job.yaml - <<<"$output"
}

@test "-c takes a pipe, and a file with a byte order mark" {
    printf '\xef\xbb\xbfsteps: 7\nseed: 3\n' >job.yaml
    run -0 "$ONEIROS" dream -c job.yaml --print-config
    grep -qx "steps: 7" <<<"$output"
    grep -qx "seed: 3" <<<"$output"
    run -0 "$ONEIROS" dream -c <(echo "steps: 8") --print-config
    grep -qx "steps: 8" <<<"$output"
    run -0 "$ONEIROS" dream -c /dev/null --print-config
    run -2 timeout 60 "$ONEIROS" dream -c <(yes '# for ever') --print-config
    [[ "$output" == *"has more than 1048576 bytes" ]]
}

@test "-s over the environment over the file over the preset" {
    printf 'jitter: 3\nseed: 3\nthreads: 3\n' >job.yaml
    ONEIROS_SEED=4 ONEIROS_THREADS=4 run -0 "$ONEIROS" dream -s threads=5 -c job.yaml -p classic --print-config
    grep -qx "gradient: plain" <<<"$output"
    grep -qx "jitter: 3" <<<"$output"
    grep -qx "seed: 4" <<<"$output"
    grep -qx "threads: 5" <<<"$output"
}

@test "wrong settings: exit 2, with file, line and range" {
    printf 'seed: 3\nsteps: 0\n' >job.yaml
    run -2 "$ONEIROS" dream -c job.yaml -o out x.png
    [[ "$output" == *"job.yaml:2: steps: 0 is not in 1..100000"* ]]
    run -2 "$ONEIROS" dream -s targets=mixde3 -o out x.png
    [[ "$output" == *"the network has no layer mixde3; did you mean mixed3?"* ]]
    run -2 "$ONEIROS" dream
    [[ "$output" == *"name the pictures"* ]]
    [ ! -e out ]
}

@test "--dry-run: a line for each picture, totals, and nothing written" {
    weights_or_skip
    bmp small.bmp 300 200
    bmp large.bmp 1200 1000
    run -0 --separate-stderr dry_run small.bmp large.bmp
    [ -z "$stderr" ]
    [[ "${lines[0]}" == "image "*"ranks"*"octaves"* ]]
    [[ "${lines[1]}" =~ ^small.bmp\ +8\ +1\ +[0-9]+\ +214x143,\ 300x200$ ]]
    [[ "${lines[2]}" =~ ^large.bmp\ .*\ 437x364,\ 612x510\ \(.*\ 1200x1000\ \([4-9]x[3-9]\ of\ [0-9]+x[0-9]+,\ \+[0-9]+%\)$ ]]
    grep -q "^images: *2, 0 of which would fail;" <<<"$output"
    grep -q "^teams: *one worker;" <<<"$output"
    grep -Eq "^tiles: *at most 512 pixels long, halo [0-9]+ \(approximate\), blend 32; the network sees [0-9.]+% more" <<<"$output"
    grep -Eq "^memory: .* may use 1024 MiB" <<<"$output"
    [ ! -e out ]
}

@test "--dry-run plans for the ranks that mpirun or Slurm start" {
    weights_or_skip
    bmp large.bmp 1200 1000
    export OMPI_COMM_WORLD_SIZE=9 OMPI_COMM_WORLD_LOCAL_SIZE=3
    run -0 dry_run large.bmp
    grep -Eq "^large.bmp +8 +[5-8] " <<<"$output"
    grep -Eq "^teams: *1 image on [5-8] ranks, so that all end soonest; 8 workers, busy [0-9]+% of the time" <<<"$output"
    local plan="$output"
    unset OMPI_COMM_WORLD_SIZE OMPI_COMM_WORLD_LOCAL_SIZE
    export SLURM_NTASKS=9 SLURM_NTASKS_PER_NODE=3
    run -0 dry_run large.bmp
    [ "$output" = "$plan" ]
    run -0 dry_run -s team.size=3 large.bmp
    grep -Eq "^teams: *1 image on 3 ranks, since team.size is 3;" <<<"$output"
    SLURM_NTASKS=nonsense run -0 dry_run large.bmp
    grep -q "^teams: *one worker" <<<"$output"
}

@test "--dry-run: memory of a node is shared by its ranks" {
    weights_or_skip
    bmp small.bmp 300 200
    local alone shared
    alone=$("$ONEIROS" dream --dry-run -o out small.bmp | sed -n 's/.*may use \([0-9]*\) MiB.*/\1/p')
    shared=$(SLURM_NTASKS=8 SLURM_TASKS_PER_NODE="4(x2)" "$ONEIROS" dream --dry-run -o out small.bmp | sed -n 's/.*may use \([0-9]*\) MiB.*/\1/p')
    [ "$shared" -ge $((alone / 4 - alone / 100 - 1)) ]
    [ "$shared" -le $((alone / 4 + alone / 100 + 1)) ]
}

@test "--dry-run: what would fail, and why, exit 3" {
    weights_or_skip
    bmp small.bmp 300 200
    bmp tiny.bmp 8 8
    bmp huge.bmp 3000 2000
    printf nothing >broken.png
    run -3 dry_run -s memory.limit=64M small.bmp tiny.bmp huge.bmp broken.png missing.png
    grep -q "^broken.png *would fail: .*text" <<<"$output"
    grep -q "^missing.png *would fail: No such file" <<<"$output"
    grep -q "^tiny.bmp *would fail: 8 x 8 pixels are too few" <<<"$output"
    grep -Eq "^huge.bmp *would fail: needs [0-9]+ MiB of each of 1 rank, and one may use 64 MiB" <<<"$output"
    grep -q "^images: *5, 4 of which would fail" <<<"$output"
}

@test "--dry-run: memory may demand a team" {
    weights_or_skip
    bmp large.bmp 3000 2000
    SLURM_NTASKS=9 run -0 dry_run -s memory.limit=345M -s team.size=1 large.bmp
    grep -Eq "^large.bmp +8 +[2-8] " <<<"$output"
    grep -q "memory allows no smaller one for 1;" <<<"$output"
}

@test "--dry-run: names of files are text, not commands to the terminal" {
    weights_or_skip
    local name=$'a\e[31m\nb.bmp'
    bmp "$name" 100 80
    run -0 dry_run "$name"
    [[ "${lines[1]}" == 'a?[31m?b.bmp '* ]]
    run -0 dry_run "$PWD/$name" # long ones lose their beginning
    [[ "${lines[1]}" == *'a?[31m?b.bmp '* ]]
}

@test "bench: wrong options: exit 2" {
    run -2 "$ONEIROS" bench --sise 96
    [[ "$output" == *"unknown option --sise; did you mean --size?" ]]
    run -2 "$ONEIROS" bench --layers=3
    [[ "$output" == *"option --layers takes no value" ]]
    run -2 "$ONEIROS" bench --size 10
    [[ "$output" == *"--size: '10' is not a number from 75 to 16384"* ]]
    run -2 "$ONEIROS" bench --size 16385 -s model.path=none.h5
    [[ "$output" == *"--size: '16385' is not a number from 75 to 16384"* ]]
    run -2 "$ONEIROS" bench --repeats
    [[ "$output" == *"--repeats needs a value"* ]]
    run -2 "$ONEIROS" bench -s targets=mixde3
    [[ "$output" == *"the network has no layer mixde3; did you mean mixed3?"* ]]
    run -2 "$ONEIROS" bench photo.jpg
    [[ "$output" == *"bench takes no argument 'photo.jpg'"* ]]
}

@test "bench --layers: the machine's peak, the step, and every layer" {
    weights_or_skip
    run -0 --separate-stderr "$ONEIROS" bench --size 96 --repeats 2 --threads 2 -s plan=off -s precision=f32 --layers
    grep -q " in f32, plan off, 2 rounds$" <<<"$output"
    grep -Eq "^peak, GFLOP/s, by threads +1 +2$" <<<"$output"
    grep -Eq "^multiply-adds in registers, f32 +[0-9]+\.[0-9] +[0-9]+\.[0-9]$" <<<"$output"
    grep -Eq "^matrix product, f32 +[0-9]+\.[0-9] +[0-9]+\.[0-9]$" <<<"$output"
    grep -Eq "^96 x 96 +[0-9.]+ \([0-9.]+-[0-9.]+\) " <<<"$output"
    grep -Eq "^conv2d_1 +convolution +direct +[0-9.]+ \([0-9.]+-[0-9.]+\) +[0-9.]+ +[0-9.]+ +[0-9.]+$" <<<"$output"
    grep -Eq "^conv2d_1 +convolution backward +direct " <<<"$output"
    grep -Eq "^targets +objective " <<<"$output"
}

@test "bench --json: numbers that can be" {
    weights_or_skip
    "$ONEIROS" bench --size 96 --size 150 --repeats 2 --threads 1 -s plan=off -s precision=f32 --json >bench.json
    /usr/bin/python3 - <<'END'
import json
bench = json.load(open("bench.json"))
assert all(bench["machine"][key] for key in ("cpu", "simd", "onednn"))
assert (bench["threads"], bench["repeats"], bench["precision"], bench["plan_setting"]) == (1, 2, "f32", "off")
assert bench["plan"].startswith("oneiros plan 2\n")
peak = {(p["threads"], p["type"], p["what"]): p["gflops"] for p in bench["peak"]}
assert peak[1, "f32", "multiply-adds in registers"] > 0 and peak[1, "f32", "matrix product"] > 0
assert [(s["width"], s["height"]) for s in bench["steps"]] == [(96, 96), (150, 150)]
for step in bench["steps"]:
    seconds, layers = step["seconds"], step["layers"]
    convolutions = [l for l in layers if "convolution" in l["work"]]
    assert 0 < seconds["min"] <= seconds["median"] <= seconds["max"]
    assert 0 < step["forward_seconds"]["median"] < seconds["median"]
    assert abs(step["steps_a_second"] * seconds["median"] - 1) < 1e-3
    assert 10 < step["bytes_per_pixel"] < 1000 and step["mpx_a_second"] > 0
    assert 0 < step["convolutions_inside"]["median"] < 1 and step["convolutions_alone"]["median"] > 0
    assert abs(sum(c["gflop"] for c in convolutions) - step["gflop"]) < 1e-3 * step["gflop"]
    assert all(c["method"] == "direct" and c["gflops"] > 0 and c["of_peak"] > 0 for c in convolutions)
    assert sum(l["seconds"]["min"] for l in layers) < seconds["max"]
    first, last = convolutions[0], convolutions[-1]
    assert first["layers"] == last["layers"] == ["conv2d_1"] and not first["backward"] and last["backward"]
    names = [name for c in convolutions for name in c["layers"] if not c["backward"]]
    assert sorted(names) == sorted(f"conv2d_{i + 1}" for i in range(len(names))), names
END
}

@test "model graph: a line for each result, and sums" {
    run -0 "$ONEIROS" model graph -s plan=off -s precision=f32 -s targets=mixed3:1,mixed5:1
    [ "$(wc -L <<<"$output")" -le 124 ]
    [[ "${lines[0]}" == "mixed3 + mixed5 at 299 x 299 pixels in f32, plan off, "*", "*" thread"* ]]
    grep -Eq "^  0 conv +conv2d_1 +image +conv2d_1 +32x149x149 +0-1 +2776 direct +38\.4$" <<<"$output"
    grep -Eq "^ +7 conv +conv2d_6\+7\+9\+12 +6 +conv2d_6 +64x35x35 " <<<"$output"
    grep -Eq "^ {52} conv2d_12 +32x35x35 " <<<"$output"
    grep -Eq "^ 12 conv +conv2d_13\+14\+16\+19 7,8,10,11 +conv2d_13 " <<<"$output"
    grep -Eq "^ +[0-9]+ targets$" <<<"$output"
    grep -Eq "^ +[0-9]+ conv back +conv2d_1 +[0-9]+ +input +3x299x299 +.* direct +38\.4$" <<<"$output"
    local gflop
    gflop=$(awk '/ direct +[0-9.]+$/ {sum += $NF} END {printf "%.2f", sum / 1000}' <<<"$output")
    [ "$gflop" = 14.41 ]
    grep -Eq "^[0-9]+ operations, [0-9]+ of them forward: $gflop GFLOP in [0-9.]+ MiB, [0-9.]+ bytes a pixel$" <<<"$output"
    run -0 env ONEIROS_TARGETS=mixed0:1 "$ONEIROS" model graph
    [[ "${lines[0]}" == "mixed0 at "* ]]
    "$ONEIROS" model graph >/dev/full 2>messages && return 1
    [ "$(cat messages)" = "oneiros: error: cannot write to standard output: No space left on device" ]
    run -2 "$ONEIROS" model graph --size 60
    [[ "$output" == *"--size: '60' is neither N nor WxH, of 75 to 16384"* ]]
    run -2 "$ONEIROS" model graph -s targets=mixde3
    [[ "$output" == *"the network has no layer mixde3; did you mean mixed3?"* ]]
}

@test "model layers: every layer that a target may be, and only those" {
    run -0 "$ONEIROS" model layers
    [ "$(wc -L <<<"$output")" -le 124 ]
    grep -Eq "^mixed3 +768 +16 +159 +[a-z]" <<<"$output"
    # The default targets, as the help has them.
    grep -o "by default .*" <<<"$output" | sed 's/by default //' | paste -sd , >defaults
    [ "$(cat defaults)" = "$("$ONEIROS" dream --help | sed -n 's/^    targets=\([^ ]*\) .*/\1/p')" ]
    grep -Eq "^conv2d_94 +192 +32 +[0-9]+ +convolution, on a branch$" <<<"$output"
    [ "$(grep -Ec '^mixed[0-9]+ ' <<<"$output")" -eq 22 ] # what they show, and in their place among all
    awk '/^[a-z0-9_]+ +[0-9]+ +[0-9]+ / {print $1}' <<<"$output" | sort -u >names
    [ "$(wc -l <names)" -ge 100 ]
    # As targets, 16 at a time.
    while read -r list; do
        "$ONEIROS" dream -s "targets=$list" --print-config >/dev/null
    done < <(xargs -n 16 <names | tr ' ' ,)
    run -0 "$ONEIROS" model layers --json
    /usr/bin/python3 -c '
import json, sys
layers = {layer["name"]: layer for layer in json.load(sys.stdin)}
assert sorted(layers) == sorted(open("names").read().split())
assert (layers["mixed3"]["channels"], layers["mixed3"]["stride"], layers["mixed3"]["sees"], layers["mixed3"]["branch"]) == (768, 16, 159, False)
assert layers["conv2d_94"]["branch"] and "shows" in layers["mixed10"] and "shows" not in layers["conv2d_94"]' <<<"$output"
    run -2 "$ONEIROS" dream -s targets=inception -o out x.png
    [[ "$output" == *'`oneiros model layers` lists them' ]]
}

@test "model statistics: what NumPy makes of explained activations, and what is refused" {
    weights_or_skip
    local pictures=("$BATS_TEST_DIRNAME"/../data/{chelsea,coffee,rocket}.png)
    export ASAN_OPTIONS=detect_leaks=0
    run -2 "$ONEIROS" model statistics --size 120 -o few.h5 "${pictures[@]}" "${pictures[0]}" # the same picture counts once
    [[ "$output" == *"3 pictures are too few: "*"; --force measures even so" && ! -e few.h5 ]]
    run -0 "$ONEIROS" model statistics --force --size 120 -o few.h5 "${pictures[@]}" "${pictures[0]}"
    [[ "$output" == *"3 pictures are few: what channels usually answer is seen over 100 or more"* ]]
    [[ "$output" == *"statistics of channels over 3 pictures are in few.h5"* ]]
    "$ONEIROS" explain -q -s input.resize=120 -s saliency.samples=0 -s importance.samples=0 -s precision=f32 -s plan=off \
        -s targets=conv2d_1,max_pooling2d_2,conv2d_12,average_pooling2d_5,conv2d_49,conv2d_94 -o why "${pictures[@]}"
    /usr/bin/python3 "$BATS_TEST_DIRNAME/../reference/statistics.py" few.h5 why/*/explain.h5
    run -2 "$ONEIROS" model statistics --size 120 -o few.h5 "${pictures[@]}"
    [[ "$output" == *"few.h5 is there already; --force replaces it" ]]
    echo none >none.png
    run -3 "$ONEIROS" model statistics --force --size 120 -o some.h5 "${pictures[@]:0:2}" none.png http://127.0.0.1:1/a.png
    [[ "$output" == *"none.png: "* && "$output" == *"fetch the picture first"* && "$output" == *"over 2 pictures"* ]]
    run -2 "$ONEIROS" model statistics --size 120 -o one.h5 "${pictures[0]}"
    [ ! -e one.h5 ]
    run -2 "$ONEIROS" model statistics --size 60 -o one.h5 "${pictures[@]}"
    [[ "$output" == *"--size: '60' is not a number of 75 to 4096" ]]
    run -2 "$ONEIROS" model statistics
    [[ "$output" == *"PICTURES... is missing"* ]]
    # What comes with the program is not replaced by mistake.
    local digits
    digits=$(/usr/bin/python3 -c 'import h5py; print(h5py.File("few.h5").attrs["weights_sha256"][0][:16].decode())')
    if [ -e "$BATS_TEST_DIRNAME/../../config/statistics/$digits.h5" ]; then
        run -2 "$ONEIROS" model statistics --size 120 "${pictures[@]}"
        [[ "$output" == *"come with the program, in "*"/$digits.h5: "*"-s model.path=FILE; --force measures"* ]]
        [ ! -e "${XDG_CACHE_HOME:-$HOME/.cache}/oneiros/statistics-$digits.h5" ]
    fi
}

@test "weights that are missing or wrong: the key, what to do, exit 2, and no folder" {
    export XDG_CACHE_HOME=$PWD/cache ASAN_OPTIONS=detect_leaks=0
    for command in "model info" bench "dream -o out x.png"; do
        # shellcheck disable=SC2086 # several words
        run -2 "$ONEIROS" $command
        [[ "$output" == *"no weights at $PWD/cache/oneiros/inception_v3.h5 "*'run `oneiros model fetch` once, or set model.path' ]]
    done
    echo none >wrong.h5
    for command in "bench -s" "dream -o out x.png -s"; do
        # shellcheck disable=SC2086
        run -2 "$ONEIROS" $command model.path=missing.h5
        [[ "$output" == *'error: model.path: missing.h5: No such file or directory; name a Keras or PyTorch file '* ]]
        [ ! -e out ]
        # shellcheck disable=SC2086
        run -2 "$ONEIROS" $command model.path=wrong.h5
        [[ "$output" == *'error: model.path: wrong.h5: '*'; name a Keras or PyTorch file of InceptionV3'* ]]
    done
    mkdir cache/oneiros -p
    cp wrong.h5 cache/oneiros/inception_v3.h5
    run -2 "$ONEIROS" dream -o out x.png
    [[ "$output" == *'inception_v3.h5: '*'`oneiros model fetch --force` replaces the file' ]]
    run -2 "$ONEIROS" model info missing.h5
    run -2 "$ONEIROS" model import missing -o x.h5
    [[ "$output" == *'error: missing: No such file or directory' ]]
    run -2 "$ONEIROS" model import wrong.h5 -o x.h5
    [[ "$output" == *"error: wrong.h5: no weights that oneiros knows: weights are taken from Keras's .h5, "* ]]
    run -2 "$ONEIROS" model import wrong.h5 -o x.h5 --input unit
    [[ "$output" == *"--input: 'unit' is neither signed nor imagenet" ]]
    run -2 "$ONEIROS" model import . -o x.h5 --classes wrong.h5
    [[ "$output" == *'--classes and --input are for files, and . is a folder' ]]
    run -2 "$ONEIROS" model import wrong.h5 -o x.h5 --classes missing
    [[ "$output" == *'error: missing: No such file or directory' ]]
    run -2 "$ONEIROS" model import wrong.h5 -o wrong.h5 --force
    [[ "$output" == *'-o: wrong.h5 is what is to be read; give another file' && "$(cat wrong.h5)" = none ]]
    printf '\x80\x03cposix\nsystem\n.' >evil.pth
    run -2 "$ONEIROS" model import evil.pth -o x.h5
    [[ "$output" == *'evil.pth: a pickle, but not as torch.save() writes it; no pickle is run' ]]
    printf '\xff\xd8\xff\xe0 a picture' >photo.h5
    printf '\x01\x02\x03\x04\x05\x06\x07\x08 no header' >cut.safetensors
    /usr/bin/python3 -c 'import h5py; h5py.File("else.h5", "w")["x"] = 1'
    for command in "model info" "model import -o x.h5"; do
        # shellcheck disable=SC2086
        run -2 "$ONEIROS" $command photo.h5
        [[ "$output" == *'error: photo.h5: no weights that oneiros knows: '* ]]
        # shellcheck disable=SC2086
        run -2 "$ONEIROS" $command cut.safetensors
        [[ "$output" == *'error: cut.safetensors: its header is said to have 578437695752307201 bytes'* ]]
        # shellcheck disable=SC2086
        run -2 "$ONEIROS" $command else.h5
        [[ "$output" == *'error: else.h5: an HDF5 file, but no weights of Keras: it has no attribute layer_names, and no layers of Keras 3' ]]
    done
    [ ! -e x.h5 ]
}

@test "model graph --json: what lives at the same time lies apart, and methods are the plan's" {
    graph() {
        XDG_CACHE_HOME="$PWD/cache" "$ONEIROS" model graph --size 131x140 -s precision=f32 -s threads=2 --json "$@"
    }
    graph -s plan=off >direct.json
    graph >auto.json
    [ ! -e cache ] # nothing was timed
    /usr/bin/python3 - <<'END'
import json
graph, auto = json.load(open("direct.json")), json.load(open("auto.json"))
ops = graph["operations"]
convolutions = [op for op in ops if "flop" in op]
assert (graph["width"], graph["height"], graph["precision"], graph["unknown"]) == (131, 140, "f32", 0)
assert auto["unknown"] == len(convolutions) and auto["operations"] == ops
assert abs(sum(op["flop"] for op in convolutions) - graph["flop"]) < 1e-9 * graph["flop"]
results = [result for op in ops for result in op["results"]]
for a in results:
    assert a["bytes"] > 0 and a["at"] + a["bytes"] <= graph["bytes"] and 0 <= a["first"] <= a["last"] < len(ops)
    for b in results:
        together = a["first"] <= b["last"] and b["first"] <= a["last"]
        overlap = a["at"] < b["at"] + b["bytes"] and b["at"] < a["at"] + a["bytes"]
        assert not (together and overlap) or (a["first"], a["last"]) == (b["first"], b["last"]), (a, b)
for number, op in enumerate(ops):
    assert all(result["first"] <= number <= result["last"] for result in op["results"])
    assert number == 0 or op["reads"] and max(op["reads"]) < number or op["work"] == "targets", op
    assert all(any(result["last"] >= number for result in ops[other]["results"]) for other in op["reads"]), op
assert ops[0]["layers"] == ["conv2d_1"] and ops[-1]["results"][0]["shape"] == [3, 140, 131]
with open("plan.txt", "w") as plan:
    print("oneiros plan 2\nprecision: f32", file=plan)
    for side in (128, 256, 512):
        for op in convolutions:
            method = "onednn" if op["layers"] == ["conv2d_4"] else "direct"
            print(side, "backward" if op["backward"] else "forward", "+".join(op["layers"]), method, file=plan)
END
    graph -s plan=plan.txt >planned.json
    /usr/bin/python3 - <<'END'
import json
methods = {("+".join(op["layers"]), op["backward"]): op["method"] for op in json.load(open("planned.json"))["operations"] if "flop" in op}
assert methods.pop(("conv2d_4", False)) == methods.pop(("conv2d_4", True)) == "onednn"
assert set(methods.values()) == {"direct"}
END
}

@test "processes that srun started without what MPI needs: the first one says what is missing, before MPI would" {
    local how=pmi2
    [[ $("$ONEIROS" --version) != *"Open MPI"* ]] || how=pmix
    export SLURM_STEP_NUM_TASKS=3 SLURM_STEPID=0 SLURM_PROCID=0
    run -2 "$ONEIROS" dream -o out x.png
    [ "${#lines[@]}" -eq 1 ]
    [[ "$output" == *"srun started 3 processes that do not see each other"*"srun --mpi=$how"* ]]
    SLURM_PROCID=2 run -2 "$ONEIROS" dream -o out x.png
    [ -z "$output" ]
    [ ! -e out ]
    run -0 "$ONEIROS" dream --help
    [[ "$output" == *"srun --mpi=$how "* ]]
}

@test "processes that another MPI's launcher started: the first one says so" {
    local name=OMPI_COMM_WORLD # as Open MPI's mpirun does for MPICH, and the other way round
    export ASAN_OPTIONS=detect_leaks=0 # MPI has been started
    [[ $("$ONEIROS" --version) != *"Open MPI"* ]] || name=PMI
    run -2 env "${name}_SIZE=3" "${name}_RANK=0" "$ONEIROS" dream -o out x.png
    [ "${#lines[@]}" -eq 1 ]
    [[ "$output" == *"the launcher started 3 processes that do not see each other"*"mpirun of "* ]]
    run -2 env "${name}_SIZE=3" "${name}_RANK=1" "$ONEIROS" dream -o out x.png
    [ -z "$output" ]
    [ ! -e out ]
}

@test "a command for one process, started as many by a launcher without MPI: the first one says so" {
    export SLURM_STEP_NUM_TASKS=3 SLURM_STEPID=0 SLURM_PROCID=0
    local command
    for command in model bench report; do
        run -2 "$ONEIROS" $command --help
        [ "$output" = "oneiros: error: \`oneiros $command\` is for one process, and 3 were started: start it without mpirun or srun" ]
        SLURM_PROCID=1 run -2 "$ONEIROS" $command --help
        [ -z "$output" ]
    done
    # The shell of a job of many tasks is one process.
    SLURM_STEP_NUM_TASKS=1 run -0 env SLURM_NTASKS=3 SLURM_TASKS_PER_NODE=3 "$ONEIROS" bench --help
}
