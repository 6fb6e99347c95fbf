#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# `oneiros dream` from the outside, with real ranks, real weights and real pictures. ONEIROS, DATA and MPIEXEC come from ctest.

bats_require_minimum_version 1.5.0

load pictures
load waiting

# number FILE COLUMN PHASE: of rank 0 in /timing
timing_of_rank_0() {
    /usr/bin/python3 -c '
import h5py, sys
rows = h5py.File(sys.argv[1])["timing"][()]
print(*[row[sys.argv[2]] for row in rows if row["rank"] == 0 and row["phase"] == sys.argv[3].encode()])' "$@"
}

@test "tiles leave few traces, and with the exact halo none but rounding" {
    local one=(-s octaves.count=1 -s steps=2 -s targets=mixed2 -s gradient_above=input)
    "$ONEIROS" dream "${settings[@]}" "${one[@]}" -o whole "$DATA/chelsea.png"
    ranks 4 "${one[@]}" -s tile.size=400 -s tile.halo=exact -o exact "$DATA/chelsea.png"
    h5dump -a /tile_halo_exact exact/run.h5 | grep -q '(0): 1'
    /usr/bin/python3 -c '
from PIL import Image, ImageChops
pictures = [Image.open(name + "/chelsea/dream.png") for name in ("whole", "exact")]
print(max(high for _, high in ImageChops.difference(*pictures).getextrema()))' >difference
    [ "$(cat difference)" -le 1 ]
}

@test "bytes through rank 0 in a step do not grow with the image" {
    ffmpeg -v error -i "$DATA/chelsea.png" -vf scale=902:600 large.png
    local still=(-s frames.cam=false -s frames.dream=false -s checkpoint.seconds=0) # what comes in full, on a slow machine oftener
    ranks 3 "${tiles[@]}" "${still[@]}" -s team.size=2 -o small-run b.png
    ranks 3 "${tiles[@]}" "${still[@]}" -s team.size=2 -o large-run large.png
    local small large
    small=$(( $(timing_of_rank_0 small-run/run.h5 bytes steps) / $(timing_of_rank_0 small-run/run.h5 count steps) ))
    large=$(( $(timing_of_rank_0 large-run/run.h5 bytes steps) / $(timing_of_rank_0 large-run/run.h5 count steps) ))
    echo "$small and $large bytes a step"
    [ "$small" -gt 0 ]
    [ "$large" -le "$small" ]
    [ "$large" -lt 4000 ]
}

@test "an image that is too large for one rank is dreamed by a team" {
    ffmpeg -v error -i "$DATA/chelsea.png" -vf scale=1804:1200 large.png
    run -3 ranks 2 -s targets=mixed3:1,mixed5:1 -s memory.limit=170M -s octaves.count=1 -s steps=1 -o one large.png b.png
    [[ $output == *"large.png: "*"memory.limit"* ]]
    [ -s one/b/dream.png ]
    ranks 5 -s targets=mixed3:1,mixed5:1 -s memory.limit=170M -s octaves.count=1 -s steps=1 -s threads=1 -o many large.png b.png
    [ -s many/large/dream.png ]
    [ -s many/b/dream.png ]
}

@test "a signal to one worker that reads and writes itself stops them all" {
    "$MPIEXEC" -n 3 "$ONEIROS" dream -s steps=100000 -s threads=1 -s io=workers -s checkpoint.seconds=0.3 -o out a.png b.png c.bmp &
    local launcher=$! code=0
    until_true 600 saved 2
    touch mark
    kill -TERM "$(ranks_of "$launcher" | tail -n 1)"
    wait "$launcher" || code=$?
    [ "$code" -eq 75 ]
    [ "$(ls out/*/dream.partial.png | wc -l)" -eq 2 ]
    saved 2
    for checkpoint in out/checkpoints/*; do
        [ "$checkpoint" -nt mark ]
    done
}

@test "a signal stops a team at the same step" {
    signal_when USR1 'begun out' "$MPIEXEC" -n 4 "$ONEIROS" dream -s steps=100000 -s threads=1 "${tiles[@]}" -s team.size=3 -o out a.png
    [ "$code" -eq 75 ]
    [ -s out/a/dream.partial.png ]
    [ ! -e out/a/dream.png ]
    run ! cmp a.png out/a/dream.partial.png
}

@test "another seed gives another dream" {
    "$ONEIROS" dream "${settings[@]}" -o zero b.png
    "$ONEIROS" dream "${settings[@]}" -s seed=1 -o one b.png
    run ! cmp zero/b/dream.png one/b/dream.png
}

@test "a run says where the dream is, counts as people do, and has no table of times where nothing was done" {
    run -0 "$ONEIROS" dream "${settings[@]}" -o "one dream" b.png
    [[ $output == *"oneiros: 1 image in "* ]]
    [[ "${lines[-1]}" == "oneiros: the dream is one dream/b/dream.png; \`oneiros report 'one dream'\` makes a page to look at" ]]
    [ -s "one dream/b/dream.png" ]
    run -0 "$ONEIROS" dream "${settings[@]}" -o "one dream" b.png
    [ "$output" = "oneiros: nothing to do in one dream: 1 done; \`oneiros report 'one dream'\` makes a page to look at" ]
    run -0 ranks 3 -o two b.png c.bmp
    [[ $output == *"oneiros: 2 images in "*$'\n'"2 workers "* ]]
    [[ $output == *"oneiros: the dreams are in two, a folder for each picture; \`oneiros report two\` makes a page to look at"* ]]
    rm two/b/dream.png
    run -0 ranks 2 -o two b.png c.bmp
    [[ $output == *"oneiros: going on with the run in two: 1 done, 1 with files missing"* ]]
    run -3 ranks 3 -o none missing.png
    [[ $output == *"oneiros: no image is done after "*", 1 failed"* ]]
    [[ $output != *"workers"* ]]
    run -0 "$ONEIROS" dream "${settings[@]}" b.png # without -o
    [[ "${lines[-1]}" == "oneiros: the dream is dreams/b/dream.png; "* ]]
    [ -s dreams/b/dream.png ]
    run -0 "$ONEIROS" explain -s saliency.samples=0 -s importance.samples=0 b.png
    [[ "${lines[-1]}" == "oneiros: the explanation is why/b/overview.png; "* ]]
    run -0 --separate-stderr "$ONEIROS" dream -q "${settings[@]}" -o quiet b.png
    [ -z "$stderr" ]
}

@test "a broken input is reported, the others are done, exit 3" {
    run -3 ranks 3 -o out b.png broken.png missing.png c.bmp
    [[ $output == *"broken.png: "*HTML* ]]
    [[ $output == *"missing.png"* ]]
    [ -s out/b/dream.png ]
    [ -s out/c/dream.png ]
    [ ! -e out/broken ]
    h5dump -d /images out/run.h5 | grep -q 'broken.png'
}

@test "an image below the network's smallest size fails with that reason" {
    ffmpeg -v error -i a.png -vf crop=250:30:0:0 thin.png
    run -3 ranks 2 -o out thin.png b.png
    [[ $output == *"thin.png: 250 x 30 pixels are too few: these targets need "* ]]
    [ -s out/b/dream.png ]
}

@test "missing weights: one message, exit 2" {
    run -2 ranks 3 -s model.path=/no/such/file.h5 -o out b.png
    [ "$(grep -c '/no/such/file.h5' <<<"$output")" -eq 1 ]
}

@test "a signal saves what is dreamed so far, exit 75" {
    signal_when TERM 'begun out' "$ONEIROS" dream -s steps=100000 -s octaves.count=2 -o out a.png
    [ "$code" -eq 75 ]
    [ -s out/a/dream.partial.png ]
    [ ! -e out/a/dream.png ]
    [ "$(ls -A out/a)" = dream.partial.png ] # no half a video, no file aside
    [ "out/checkpoints/$(ls -A out/checkpoints)" = "$(checkpoint a.png)" ]
    run ! cmp a.png out/a/dream.partial.png
}

@test "a lost connection, SIGHUP, saves as SIGTERM does, and says so; under nohup it is nothing" {
    local steps=(-s steps=100000 -s octaves.count=2 -s threads=1) launcher code=0
    signal_when HUP 'begun alone' "$ONEIROS" dream "${steps[@]}" -o alone a.png 2>log
    [ "$code" -eq 75 ]
    grep -q 'stopping (SIGHUP): ' log
    [ "$(ls -A alone/checkpoints | wc -l)" -eq 1 ]
    "$MPIEXEC" -n 3 "$ONEIROS" dream "${steps[@]}" -o ranks a.png b.png 2>log &
    launcher=$!
    until_true 600 begun ranks
    code=0
    ranks_of "$launcher" | xargs kill -HUP
    wait "$launcher" || code=$?
    [ "$code" -eq 75 ] || [[ $code -eq 0 && $("$ONEIROS" --version) == *MPICH* ]] # whose mpirun 4.0 forgets it at times
    grep -q 'stopping (SIGHUP): ' log
    [ "$(ls -A ranks/checkpoints | wc -l)" -ge 1 ]
    code=0
    (trap '' HUP && exec "$ONEIROS" dream "${steps[@]}" -o kept a.png 2>log) &
    until_true 600 begun kept
    kill -HUP $!
    kill -TERM $!
    wait $! || code=$?
    [ "$code" -eq 75 ]
    grep -q 'stopping (SIGTERM): ' log
}

@test "checkpoints that cannot be written are one warning" {
    # A limit that a checkpoint is larger than, and all else is not.
    for name in one two; do
        ffmpeg -v error -i "$DATA/chelsea.png" -vf scale=1000:700 $name.jpg
    done
    run -0 bash -c 'ulimit -f 7000; exec "$@"' - "$ONEIROS" dream -s octaves.count=1 -s steps=3 -s targets=mixed0 -s checkpoint.seconds=0.001 \
        -s frames.dream=false -s frames.cam=false -o out one.jpg two.jpg
    [ "$(grep -c checkpoint <<<"$output")" -eq 1 ]
    [[ $output == *"warning: cannot write 'out/checkpoints/"*"': File too large; dreams go on, and of further checkpoints that cannot be written nothing is said"* ]]
}

# The end of a terminal is the kernel's SIGHUP, and writes to it fail.
@test "a terminal that goes away" {
    /usr/bin/python3 - "$ONEIROS" dream -s steps=100000 -s octaves.count=2 -s threads=1 -o out a.png <<'END'
import os, pty, subprocess, sys, time
child, terminal = pty.fork()
if child == 0:
    os.execv(sys.argv[1], sys.argv[1:])
while not subprocess.run([sys.executable, "-c", "import h5py; assert len(h5py.File('out/run.h5', swmr=True)['steps'])"],
                         stderr=subprocess.DEVNULL).returncode == 0:
    os.set_blocking(terminal, False)
    try:
        os.read(terminal, 1 << 16)
    except BlockingIOError:
        pass
    time.sleep(0.1)
os.close(terminal)
status = os.waitpid(child, 0)[1]
assert os.waitstatus_to_exitcode(status) == 75, status
END
    [ "$(ls -A out/checkpoints | wc -l)" -eq 1 ]
}

@test "--max-seconds stops as a signal does, on any number of ranks" {
    for count in 1 3; do
        local code seconds
        for seconds in 3 6 12 24; do # until it is enough to begin
            code=0
            "$MPIEXEC" -n "$count" "$ONEIROS" dream --force --max-seconds "$seconds" -s steps=100000 -s octaves.count=2 -s threads=1 \
                -o "out-$count" a.png b.png 2>"log-$count" || code=$?
            [ "$code" -eq 75 ]
            [ ! -s "out-$count/a/dream.partial.png" ] || break
        done
        grep -q 'stopping (--max-seconds): each worker ends its step' "log-$count"
        [ -s "out-$count/a/dream.partial.png" ]
    done
    for wrong in 0 -1 soon; do
        run -2 "$ONEIROS" dream --max-seconds "$wrong" -o out a.png
        [[ "$output" == *"--max-seconds: "* ]]
    done
}

@test "kill -9 leaves the steps and the maps of pictures that were under way" {
    signal_when KILL 'has_rows out/run.h5 steps 2 && has_rows out/run.h5 cam/frames 1' \
        "$ONEIROS" dream -s steps=100000 -s octaves.count=1 -s frames.dream=false -s frames.every=2 -o out b.png
    echo "$(rows out/run.h5 steps) steps, $(rows out/run.h5 cam/frames) maps"
    [ "$(rows out/run.h5 steps)" -ge 2 ]
    [ "$(rows out/run.h5 cam/frames)" -ge 1 ]
    [ "$(rows out/run.h5 images)" -eq 0 ]
}

@test "frames: as many as there are, as PNG too, of the size of the video" {
    "$ONEIROS" dream -s octaves.count=2 -s steps=5 -s frames.every=3 -s frames.png=true -s video.hold=1 -s video.rate=10 -o out b.png
    [ "$(ls out/b/dream | wc -l)" -eq 5 ] # steps 0, 3, 6, 9 and the dream
    [ "$(ls out/b/cam | wc -l)" -eq 5 ]
    [ "$(ffprobe -v error -select_streams v -show_entries stream=width,height,nb_frames,pix_fmt -of csv=p=0 out/b/cam.mp4)" = 130,116,yuv420p,15 ]
    run ffprobe -v error -show_entries format=duration -of csv=p=0 out/b/dream.mp4
    [ "$output" = 1.500000 ]
    h5dump -d /cam/frames -A 0 out/run.h5 | grep -q '( 5 ) / '
}

@test "cam.png has the size of the picture, odd or larger than a video" {
    ffmpeg -v error -i "$DATA/chelsea.png" -vf crop=151:101:200:60 odd.png
    "$ONEIROS" dream "${settings[@]}" -s video.max_side=120 -o out odd.png
    [ "$(ffprobe -v error -show_entries stream=width,height -of csv=p=0 out/odd/cam.png)" = 151,101 ]
    [ "$(ffprobe -v error -show_entries stream=width,height -of csv=p=0 out/odd/cam.mp4)" = 120,80 ]
}

@test "no frames: no videos and no maps, the same dream" {
    "$ONEIROS" dream "${settings[@]}" -o with b.png
    "$ONEIROS" dream "${settings[@]}" -s frames.cam=false -s frames.dream=false -o without b.png
    cmp with/b/dream.png without/b/dream.png
    [ "$(ls -A without/b)" = dream.png ]
    touch with/b/dream.png.0123abcd.part # as a killed run leaves it
    "$ONEIROS" dream "${settings[@]}" -s frames.cam=false -s frames.dream=false --force -o with b.png
    [ "$(ls -A with/b)" = dream.png ]
}

@test "what cannot be written of one explanation is that picture's failure alone" {
    "$MPIEXEC" -n 2 "$ONEIROS" explain -s saliency.samples=8 -s importance.samples=4 -o out a.png b.png 2>messages &
    local launcher=$! code=0
    until_true 600 compgen -G 'out/a/*.png'
    mv out/a gone # the larger one, which comes first; some of its arrays have come
    wait "$launcher" || code=$?
    cat messages
    [ "$code" -eq 3 ]
    grep -q 'a.png: .*out/a/' messages
    [ -s out/b/explain.h5 ]
    [ ! -e out/a ]
    h5dump -d /images out/run.h5 | grep -q 'explain.h5'
}

@test "a signal stops explain, and leaves no half a file" {
    signal_when TERM 'compgen -G "out/a/*.png"' "$ONEIROS" explain -s saliency.samples=100000 -o out a.png 2>messages
    [ "$code" -eq 75 ]
    [ -z "$(ls -A out/a)" ]
    grep -q 'nothing is kept' messages
    run ! grep -q dream messages
}

@test "objectives: a guide, a neuron, and what each needs" {
    "$ONEIROS" dream "${settings[@]}" -s frames.cam=false -s frames.dream=false -s objective=guide -s guide=c.bmp -o guide b.png
    "$ONEIROS" dream "${settings[@]}" -s frames.cam=false -s frames.dream=false -s targets=mixed4#12@0.5/0.5 -o neuron b.png
    run ! cmp guide/b/dream.png neuron/b/dream.png
    cp c.bmp is.bmp
    "$ONEIROS" dream "${settings[@]}" -s objective=guide -s guide=is.bmp -o same b.png
    touch is.bmp
    run -0 "$ONEIROS" dream "${settings[@]}" -s objective=guide -s guide=is.bmp -o same b.png
    [[ $output == *"nothing to do"* ]]
    cp a.png is.bmp
    run -2 "$ONEIROS" dream "${settings[@]}" -s objective=guide -s guide=is.bmp -o same b.png
    [[ $output == *"same/run.h5 is of other settings: the picture that guide names was another one; "* ]]
    rm is.bmp
    run -0 "$ONEIROS" dream "${settings[@]}" -s objective=guide -s guide=is.bmp -o same b.png
    run -2 ranks 3 -s objective=guide -s guide=missing.png -o none b.png
    [ "$(grep -c 'missing.png' <<<"$output")" -eq 1 ]
    run -2 ranks 3 -s objective=class -s targets=mixed10 -o none b.png
    [ "$(grep -c 'objective: class' <<<"$output")" -eq 1 ]
}

@test "a mask: another one is refused, no mask is, and one that is all black is said" {
    cp c.bmp is.bmp
    "$ONEIROS" dream "${settings[@]}" -s mask=is.bmp -o same b.png
    touch is.bmp
    run -0 "$ONEIROS" dream "${settings[@]}" -s mask=is.bmp -o same b.png
    [[ $output == *"nothing to do"* ]]
    h5dump -a mask_sha256 same/run.h5 | grep -q "$(sha256sum <is.bmp | cut -d ' ' -f 1)"
    cp a.png is.bmp
    run -2 "$ONEIROS" dream "${settings[@]}" -s mask=is.bmp -o same b.png
    [[ $output == *"same/run.h5 is of other settings: the picture that mask names was another one; "* ]]
    run -2 "$ONEIROS" dream "${settings[@]}" -o same b.png
    [[ $output == *"mask was is.bmp and is none"* ]]
    run -2 "$ONEIROS" dream "${settings[@]}" -s mask=is.bmp -s mask_feather=0.1 -o same b.png
    [[ $output == *"mask_feather was 0.05 and is 0.1"* ]]
    rm is.bmp
    run -0 "$ONEIROS" dream "${settings[@]}" -s mask=is.bmp -o same b.png
    run -2 ranks 3 -s mask=missing.png -o none b.png
    [ "$(grep -c "mask missing.png: cannot open 'missing.png'" <<<"$output")" -eq 1 ]
    [ ! -e none ]
    run -2 "$ONEIROS" dream --dry-run -s mask=broken.png -o none b.png
    [[ $output == *"mask broken.png: "* ]]
    ffmpeg -v error -f lavfi -i color=black:size=20x20:duration=1:rate=1 -frames:v 1 black.png
    run -0 ranks 2 -s mask=black.png -o black b.png
    [ "$(grep -c 'mask black.png is black all over, or what is not is narrower than mask_feather: dreams' <<<"$output")" -eq 1 ]
    ffmpeg -v error -f lavfi -i color=black:size=20x20:duration=1:rate=1 -vf format=gray,geq=lum=1 -frames:v 1 nearly.png
    run -0 ranks 2 -s mask=nearly.png -o nearly b.png
    [ "$(grep -c 'mask nearly.png is nearly black all over, its brightest is 1 of 255: dreams will be nearly' <<<"$output")" -eq 1 ]
    ffmpeg -v error -i black/b/dream.png -f rawvideo dreamed
    ffmpeg -v error -i b.png -f rawvideo photograph
    cmp dreamed photograph
    for alpha in '255*gt(X,9)' 255; do # what is painted may be in alpha alone
        ffmpeg -v error -y -f lavfi -i color=white:size=20x20:duration=1:rate=1 -vf "format=rgba,geq=r=255:g=255:b=255:a='$alpha'" -frames:v 1 white.png
        run -0 "$ONEIROS" dream --dry-run -q -s mask=white.png -o none b.png
        [ "$(grep -c 'mask white.png is white all over, and its alpha does not count: ' <<<"$output")" -eq "$([ "$alpha" = 255 ] && echo 0 || echo 1)" ]
    done
    run -0 "$ONEIROS" explain -s saliency.samples=1 -s importance.samples=1 -o why b.png # has none
}

@test "noise: an input as any other; goes on, explains itself, and says what is wrong with it" {
    printf 'noise:100x80\nnoise:100x80:2\n' >list
    run -0 ranks 3 -o out @list b.png
    [ "$(cd out && ls -d */ | xargs)" = "b/ noise-100x80-2/ noise-100x80/" ]
    run -0 ranks 3 -o out @list b.png
    [[ $output == *"nothing to do in out: 3 done"* ]]
    cp out/noise-100x80/dream.png known.png
    rm out/noise-100x80/dream.png
    run -0 ranks 2 -o out @list noise:100x80:3
    [[ $output == *"going on with the run in out: 1 done, 1 new, 1 with files missing, 1 not named this time"* ]]
    cmp known.png out/noise-100x80/dream.png
    run -2 ranks 2 -s seed=1 -o out @list
    [[ $output == *"seed was 0 and is 1"* ]]
    "$ONEIROS" dream "${settings[@]}" -s seed=1 -o seeded noise:100x80
    run ! cmp known.png seeded/noise-100x80/dream.png
    local bad=(noise: noise:100 noise:100x noise:100x80: noise:100x80:x noise:0x80)
    run -3 "$ONEIROS" dream "${settings[@]}" -o bad "${bad[@]}" noise:90x80
    for name in "${bad[@]}"; do
        [[ $output == *"$name: noise is named as noise:1024x768, or noise:1024x768:7"* ]]
    done
    run -3 "$ONEIROS" dream "${settings[@]}" -s octaves.count=1 -s input.max_side=100 --dry-run -o large noise:101x80 noise:100x80
    [[ $output == *"noise:101x80"*"would fail: 101 x 80 pixels; the limit is 100 a side"* ]]
    run -3 "$ONEIROS" dream "${settings[@]}" -s targets=mixed10 --dry-run -o small noise:74x80 noise:75x80
    [[ $output == *"noise:74x80"*"would fail: 74 x 80"* ]]
    cp b.png noise:100x80
    run -0 "$ONEIROS" dream "${settings[@]}" -o file ./noise:100x80
    run -0 "$ONEIROS" dream "${settings[@]}" -o plain b.png
    cmp file/noise:100x80/dream.png plain/b/dream.png
}

# A rank that spins takes what it gets, a third of a core and more on the busiest machine; one that sleeps takes 1 to 3%, with a sanitizer and
# others beside it 4.
@test "rank 0 does not spin while it waits: under a tenth of a core" {
    "$MPIEXEC" -n 2 "$ONEIROS" dream -s octaves.count=1 -s steps=100000 -s threads=1 -s frames.cam=false -s frames.dream=false -o out a.png &
    local launcher=$! coordinator before after
    until_true 600 begun out
    coordinator=$(ranks_of "$launcher" | head -n 1)
    before=$(awk '{print $14 + $15}' "/proc/$coordinator/stat")
    sleep 10
    after=$(awk '{print $14 + $15}' "/proc/$coordinator/stat")
    kill -TERM "$launcher"
    wait "$launcher" || true
    echo "rank 0 used $((after - before)) ticks of $(getconf CLK_TCK) a second in 10 s"
    [ $((after - before)) -lt "$(getconf CLK_TCK)" ]
}

# sharers LAUNCHER COUNT: whether so many of its ranks, the workers, have the same pages of the 87 MB in use
sharers() {
    local pid count=0
    for pid in $(ranks_of "$1"); do
        if grep -q libdnnl "/proc/$pid/maps" && [ "$(awk '/RssShmem/ {print $2}' "/proc/$pid/status")" -gt 20000 ]; then
            count=$((count + 1))
        fi
    done
    [ "$count" -ge "$2" ]
}

@test "weights are shared by the ranks of a node" {
    "$MPIEXEC" -n 3 "$ONEIROS" dream -s steps=100000 -s threads=1 -o out a.png b.png &
    local launcher=$!
    until_true 600 sharers "$launcher" 2
    kill -TERM "$launcher"
    wait "$launcher" || true
}
