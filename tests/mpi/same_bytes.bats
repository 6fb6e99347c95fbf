#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The same input, configuration and seed give the same bytes on any number of ranks and threads, in teams of any size, whoever reads and
# writes. ONEIROS, DATA and MPIEXEC come from ctest.

bats_require_minimum_version 1.5.0

load pictures
load waiting

same_pictures() {
    for picture in a b c; do
        for file in dream.png dream.mp4 cam.mp4 cam.png; do
            cmp "$1/$picture/$file" "$2/$picture/$file"
        done
    done
    /usr/bin/python3 "$BATS_TEST_DIRNAME/same_run.py" "$1/run.h5" "$2/run.h5"
}

@test "the same bytes without mpirun and on 2, 3 and 5 ranks" {
    "$ONEIROS" dream "${settings[@]}" -o alone a.png b.png c.bmp
    for count in 2 3 5; do
        export MALLOC_PERTURB_=$((count * 40)) # nothing depends on what is in memory before it is written
        ranks "$count" -o "on-$count" a.png b.png c.bmp
        same_pictures alone "on-$count"
    done
    run ! cmp a.png alone/a/dream.png
}

@test "tiles: the same bytes on any number of ranks, in teams of any size" {
    "$ONEIROS" dream "${settings[@]}" "${tiles[@]}" -o alone a.png b.png c.bmp
    for plan in 2:1 3:2 5:4 8:auto; do
        ranks "${plan%:*}" "${tiles[@]}" -s team.size="${plan#*:}" -s threads=1 -o "on-$plan" a.png b.png c.bmp
        same_pictures alone "on-$plan"
    done
    h5dump -d /images -A 0 on-5:4/run.h5 | grep -q '"redundancy"'
}

@test "workers that read and write themselves: the same bytes, and what needs a team gets one" {
    ranks 3 -s io=coordinator -o by-rank-0 a.png b.png c.bmp
    for count in 3 6; do
        ranks "$count" -s io=workers -o "by-workers-$count" a.png b.png c.bmp
        same_pictures by-rank-0 "by-workers-$count"
    done
    ffmpeg -v error -i "$DATA/chelsea.png" -vf scale=1804:1200 large.png
    run -3 ranks 5 -s targets=mixed3:1,mixed5:1 -s io=workers -s memory.limit=170M -s octaves.count=1 -s steps=1 -s threads=1 -o many large.png b.png broken.png missing.png
    [[ $output == *"missing.png"* && $output == *"broken.png: "*HTML* ]]
    [ -s many/large/dream.png ]
    [ -s many/b/dream.png ]
    [ "$(ls many)" = "$(printf 'b\nlarge\nrun.h5')" ]
    run -3 ranks 2 -s targets=mixed3:1,mixed5:1 -s io=workers -s memory.limit=170M -s octaves.count=1 -s steps=1 -o one large.png b.png
    [[ $output == *"large.png: "*"memory.limit"* ]]
}

@test "noise and a mask: the same bytes on any number of ranks, in teams, by workers that read; black stays as it was" {
    ffmpeg -v error -f lavfi -i 'color=black:size=80x60:duration=1:rate=1,drawbox=20:10:30:30:white:fill' -frames:v 1 mask.png
    local masked=(-s mask=mask.png "${tiles[@]}") pictures=(a.png noise:160x140 noise:160x140:2) plan name
    "$ONEIROS" dream "${settings[@]}" "${masked[@]}" -o alone "${pictures[@]}"
    for plan in 3:1:workers 5:4:coordinator; do
        IFS=: read -r count team io <<<"$plan"
        ranks "$count" "${masked[@]}" -s team.size="$team" -s io="$io" -s threads=1 -o "on-$plan" "${pictures[@]}"
        for name in a noise-160x140 noise-160x140-2; do
            cmp "alone/$name/dream.png" "on-$plan/$name/dream.png"
            cmp "alone/$name/dream.mp4" "on-$plan/$name/dream.mp4"
        done
        /usr/bin/python3 "$BATS_TEST_DIRNAME/same_run.py" alone/run.h5 "on-$plan/run.h5"
    done
    run ! cmp alone/noise-160x140/dream.png alone/noise-160x140-2/dream.png
    "$ONEIROS" dream "${settings[@]}" "${tiles[@]}" -s octaves.detail=false -s mask=mask.png -o blurred a.png
    /usr/bin/python3 -c '
import numpy, PIL.Image, sys
before, *after, mask = (numpy.asarray(PIL.Image.open(name).convert("RGB")).astype(int) for name in sys.argv[1:])
mask = numpy.asarray(PIL.Image.fromarray(mask[:, :, 0].astype("uint8")).resize(before.shape[1::-1], PIL.Image.NEAREST))
height, width = mask.shape
black = numpy.ones_like(mask, bool)
black[height // 6 - 6:height * 2 // 3 + 6, width // 4 - 6:width * 5 // 8 + 6] = False # but for a pixel of the mask around its white
for picture in after:
    assert (picture == before)[black].all() and not (picture == before)[mask == 255].all()' a.png alone/a/dream.png blurred/a/dream.png mask.png
}

@test "the same bytes for any number of threads" {
    "$ONEIROS" dream "${settings[@]}" -s threads=1 -o one a.png b.png c.bmp
    "$ONEIROS" dream "${settings[@]}" -s threads=3 -o three a.png b.png c.bmp
    same_pictures one three
}

@test "guidance of every kind: the same bytes in teams" {
    local guided=(-s octaves.count=1 -s steps=3 -s guidance.cam=0.5 -s guidance.saliency=0.5 -s guidance.importance=0.5 -s guidance.every=2
        -s guidance.add_cam=0.3 -s guidance.add_saliency=0.2 -s guidance.add_magnitude=0.1 -s importance.method=expected_gradients
        -s importance.samples=4 -s importance.baselines=black,blurred,images)
    "$ONEIROS" dream "${settings[@]}" "${guided[@]}" "${tiles[@]}" -o alone a.png b.png c.bmp
    for plan in 3:2 6:5; do
        ranks "${plan%:*}" "${guided[@]}" "${tiles[@]}" -s team.size="${plan#*:}" -s threads=1 -o "on-$plan" a.png b.png c.bmp
        same_pictures alone "on-$plan"
    done
    "$ONEIROS" dream "${settings[@]}" -s octaves.count=1 -s steps=3 "${tiles[@]}" -o unguided a.png
    run ! cmp alone/a/dream.png unguided/a/dream.png
}

@test "explain: the same numbers without mpirun and in a team, and no dream" {
    local few=(-s saliency.samples=1 -s importance.samples=2 -s importance.baselines=black,blurred,images -s faithfulness.steps=2 "${tiles[@]}")
    "$ONEIROS" explain "${few[@]}" -o alone a.png b.png c.bmp
    "$MPIEXEC" -n 4 "$ONEIROS" explain "${few[@]}" -s team.size=3 -s threads=1 -o team a.png b.png c.bmp
    for picture in a b c; do
        /usr/bin/python3 "$BATS_TEST_DIRNAME/same_run.py" --explained {alone,team}/"$picture"/explain.h5
        cmp {alone,team}/"$picture"/overview.png
    done
    /usr/bin/python3 "$BATS_TEST_DIRNAME/same_run.py" {alone,team}/run.h5
    [ ! -e alone/a/dream.png ]
    h5ls alone/b/explain.h5/baseline | grep -q image1 # a and c are the others of b
    run -3 "$ONEIROS" explain "${few[@]}" -o some b.png broken.png
    [ -s some/b/explain.h5 ]
    run -3 "$ONEIROS" explain "${few[@]}" -o again b.png broken.png
    cmp {some,again}/b/explain.h5
}

@test "balance, and channels that pictures choose: the same bytes in teams, and after a stop" {
    local chosen=(-s balance=0.7 -s 'targets=mixed3#auto5,mixed2,mixed0#3+7+20')
    local code=0
    export ONEIROS_CONFIG_DIR=$PWD/mine
    # Measured over these three pictures, whatever they are called.
    mkdir mine mine/statistics other
    "$ONEIROS" model statistics --force -o mine.h5 --size 120 a.png b.png c.bmp
    cp a.png other/z.png
    cp b.png other/y.png
    cp c.bmp other/x.bmp
    "$ONEIROS" model statistics --force -o other.h5 --size 120 other
    cmp mine.h5 other.h5
    cp mine.h5 "mine/statistics/$(/usr/bin/python3 -c 'import h5py; print(h5py.File("mine.h5").attrs["weights_sha256"][0][:16].decode())').h5"
    "$ONEIROS" dream "${settings[@]}" "${chosen[@]}" "${tiles[@]}" -o alone a.png b.png c.bmp
    for plan in 3:2 5:4; do
        ranks "${plan%:*}" "${chosen[@]}" "${tiles[@]}" -s team.size="${plan#*:}" -s threads=1 -o "on-$plan" a.png b.png c.bmp
        same_pictures alone "on-$plan"
    done
    # A dream depends on no other picture of the run, and a choice not on the tiles.
    "$ONEIROS" dream "${settings[@]}" "${chosen[@]}" "${tiles[@]}" -o one b.png
    cmp {alone,one}/b/dream.png
    "$ONEIROS" dream "${settings[@]}" "${chosen[@]}" -o whole a.png
    /usr/bin/python3 - <<'PYTHON'
import h5py, numpy
rows = {name: h5py.File(f"{name}/run.h5")["importance/mixed3"][:] for name in ("alone", "whole", "on-5:4")}
chosen = {name: numpy.isfinite(values) for name, values in rows.items()}
assert (chosen["alone"].sum(1) == 5).all() and (chosen["whole"][0] == chosen["alone"]).all(1).any()
assert (chosen["alone"][0] != chosen["alone"][1]).any()  # each picture its own
assert numpy.isfinite(h5py.File("alone/run.h5")["importance/mixed0"][:]).all()
PYTHON
    # Taken up where it was stopped; with other statistics it is refused.
    "$ONEIROS" dream "${settings[@]}" "${chosen[@]}" -s steps=120 -o stopped b.png &
    until_true 600 begun stopped
    kill -TERM $!
    wait $! || code=$?
    [ "$code" -eq 75 ]
    "$ONEIROS" dream "${settings[@]}" "${chosen[@]}" -s steps=120 -o stopped b.png
    "$ONEIROS" dream "${settings[@]}" "${chosen[@]}" -s steps=120 -o straight b.png
    cmp {stopped,straight}/b/dream.png
    "$ONEIROS" model statistics -o mine/statistics/*.h5 --force --size 120 a.png b.png
    run -2 ranks 2 "${chosen[@]}" "${tiles[@]}" -o alone a.png b.png c.bmp other/z.png
    [[ $output == *"the statistics of channels over ordinary pictures were others"* ]]
    # None for these weights: refused before anything is begun.
    /usr/bin/python3 - "${XDG_CACHE_HOME:-$HOME/.cache}/oneiros/inception_v3.h5" <<'PYTHON'
import h5py, shutil, sys
shutil.copyfile(sys.argv[1], "odd.h5")
with h5py.File("odd.h5", "r+") as file:
    first = []
    file.visititems(lambda name, item: first.append(item) if isinstance(item, h5py.Dataset) and "beta" in name else None)
    first[0][0] += 0.125
PYTHON
    run -2 ranks 3 -s model.path=odd.h5 "${chosen[@]}" -o none a.png
    [[ $output == *'`oneiros model statistics -s model.path=odd.h5 PICTURES` does, once'* ]]
    [ ! -e none ]
    run -2 "$ONEIROS" dream --dry-run -s model.path=odd.h5 -s balance=0.5 -o none a.png
    [[ $output == *'`oneiros model statistics -s model.path=odd.h5 PICTURES` does, once'* ]]
}
