#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What is not done is said: before anything is begun where it holds for any picture, once a run where it holds for some. ONEIROS, DATA and
# MPIEXEC come from ctest.

bats_require_minimum_version 1.5.0

settings=(-s octaves.count=2 -s steps=2 -s input.resize=120 -s threads=1 -s frames.cam=false -s frames.dream=false)

setup() {
    cd "$BATS_TEST_TMPDIR"
    mkdir in
    local name
    for name in a b c; do # the same picture, but not the same bytes
        { cat "$DATA/chelsea.png" && echo $name; } >in/$name.png
    done
}

dream() {
    "$ONEIROS" dream "${settings[@]}" "$@"
}

# said TEXT COUNT: in so many lines of the output
said() {
    [ "$(grep -cF -- "$1" <<<"$output")" -eq "$2" ]
}

@test "octaves that no picture has: refused; fewer than asked: said once, with how many more, whoever reads" {
    run -2 "$ONEIROS" dream -s octaves.count=32 -o out in
    [[ $output == *"octaves.count: 32 octaves of a scale of 1.4 are more than any picture has"*"there are 17; take no more" ]]
    [ ! -e out ]
    run -0 "$ONEIROS" explain -s octaves.count=32 --print-config # has no octaves
    local io
    for io in coordinator workers; do
        run -0 "$MPIEXEC" -n 3 "$ONEIROS" dream "${settings[@]}" -s octaves.count=5 -s io=$io -o "$io" in
        said ".png: 2 of 5 octaves: smaller ones would have a side below 75 pixels" 1
        said "2 more pictures like that: fewer octaves than octaves.count" 1
    done
    run -0 dream -v -s octaves.count=5 -o each in
    said ".png: 2 of 5 octaves: smaller ones would have a side below 75 pixels" 3
    run -0 dream -q -s octaves.count=5 -o quiet in
    [ -z "$output" ]
    run -0 dream -o enough in
    said octaves 0
}

@test "a target that is silent: said once, with how many more" {
    local io
    for io in coordinator workers; do
        run -0 "$MPIEXEC" -n 3 "$ONEIROS" dream "${settings[@]}" -s jitter=0 -s targets=mixed4#100@1/1 -s io=$io -o "$io" in
        said "warning: in/" 1
        said ".png: the target mixed4 at its place is silent in this picture: nothing is raised there" 1
        said "2 more pictures like that: a target is silent, nothing is raised there" 1
    done
    run -0 dream -o other in
    said silent 0
}

@test "settings without effect: one line" {
    run -0 dream -s guide=none.png -s class=7 -s output.quality=50 -o out in
    said "guide has no effect unless objective is guide; class has no effect unless objective is class; output.quality has no" 1
    run -0 dream -o other in
    said "no effect" 0
    run -0 "$ONEIROS" dream --dry-run -s gradient_above=mixed9 -o behind in
    said "gradient and gradient_strength have no effect unless gradient_above is before a target: with mixed9 all of it is plain" 1
    run -0 "$ONEIROS" dream --dry-run -s targets=mixed0 -s gradient_strength=1 -o behind in
    said "no effect unless gradient_above is before a target: with mixed2 all of it is plain" 1
    run -0 "$ONEIROS" dream --dry-run -s gradient_above=mixed4 -s balance=0 -o behind in
    grep -q "^settings: .*balance=0 gradient_above=mixed4" <<<"$output"
    grep -q "^targets: mixed3:0.5,mixed6:1; balance 0, saturation 1$" <<<"$output"
    said "no effect" 0
    run -0 "$ONEIROS" dream --dry-run -s targets=mixed0 -o behind in
    said "no effect" 0
}

@test "other pictures as baselines where there are none" {
    local expected=(-s importance.method=expected_gradients -s importance.samples=2)
    run -2 dream "${expected[@]}" -s importance.baselines=images -o out in/a.png
    [[ $output == *"importance.baselines: images are other pictures of the run, and the inputs name one alone; name more, or take black"* ]]
    [ ! -e out ]
    run -2 "$ONEIROS" explain -s importance.samples=2 -s importance.baselines=images -o out in/a.png
    [ ! -e out ]
    run -0 dream "${expected[@]}" -s importance.baselines=black,images -o out in/a.png
    said "importance.baselines: images" 1
    said "the others are taken" 1
    run -3 dream "${expected[@]}" -s importance.baselines=images -o broken in/a.png missing.png
    said "in/a.png: importance.baselines: images, and no other picture of the run could be read" 1
    run -0 dream "${expected[@]}" -s importance.baselines=images -o several in
    said baselines 0
    run -0 dream -s importance.baselines=images -o idle in/a.png
    said "importance.baselines has no effect" 1
}

@test "another precision or plan than that of the run which goes on: refused as other settings are" {
    export ONEIROS_PLAN=off ONEIROS_PRECISION=f32
    dream -o out in/a.png
    local inputs
    for inputs in in/a.png "in/a.png in/b.png"; do
        # shellcheck disable=SC2086 # several words
        run -2 dream -s precision=bf16 -o out $inputs
        said "out/run.h5 is of other settings: precision was f32 and is bf16; take the same, or give another folder" 1
        said "going on" 0
        # shellcheck disable=SC2086
        run -2 dream -s plan=onednn -o out $inputs
        said "out/run.h5 is of other settings: plan was off and is onednn; take the same, or give another folder" 1
    done
    run -0 dream -s plan=auto -s precision=auto -o out in/a.png in/b.png # not asked for: the run's own
    said "going on with the run in out: 1 done, 1 new" 1
    run -0 dream --plan out/run.h5 -o out in
    said "going on with the run in out: 2 done, 1 new" 1
    run -0 dream -o out in # "off" still is what the run was begun with
    said "nothing to do" 1
    dream -s targets=mixed2 -o other in/a.png
    run -2 dream --plan other/run.h5 -o out in
    said "plan was off and is other/run.h5" 1
}

@test "an encoder that is not there: refused; none at all: said, and the rest is done" {
    settings+=(-s frames.dream=true)
    run -2 dream -s video.encoder=nosuch -o out in
    [[ $output == *"no encoder 'nosuch'; video.encoder: auto takes the best that there is" ]]
    [ ! -e out ]
    run -2 dream -s video.encoder=mpeg4 -o out in
    [[ $output == *"'mpeg4' does not make H.264; video.encoder: auto"* ]]
    [ ! -e out ]
    run -0 dream -s frames.dream=false -s video.encoder=nosuch -o still in/a.png
    said "video.encoder has no effect unless frames.cam or frames.dream is true" 1
}

@test "a wrong model, class or guide: refused before the output folder is made, on any number of ranks" {
    local ranks
    for ranks in 1 3; do
        local command=("$MPIEXEC" -n "$ranks" "$ONEIROS" dream "${settings[@]}" -o out)
        run -2 "${command[@]}" -s model.path=none.h5 in
        [[ $output == *none.h5* ]]
        printf 'no weights' >text.h5
        run -2 "${command[@]}" -s model.path=text.h5 in
        [[ $output == *text.h5* ]]
        run -2 "${command[@]}" -s objective=class -s targets=mixed10 in
        [[ $output == *"objective: class needs"* ]]
        run -2 "${command[@]}" -s objective=guide -s guide=none.png in
        [[ $output == *"guide none.png: cannot open 'none.png'"* ]]
        run -2 "${command[@]}" -s objective=guide -s guide=text.h5 in
        [[ $output == *"guide text.h5: "* ]]
        [ ! -e out ]
    done
}

@test "what was noted of how pictures are read: the first of a kind by name, the rest counted" {
    ! "$ONEIROS" --version | grep -q "libvips *none" || skip "built without libvips, which reads GIF"
    rm in/*
    local name
    for name in 1 2 3; do
        ffmpeg -v error -f lavfi -i testsrc=s=160x12$name:d=0.3:r=10 in/$name.gif
    done
    ffmpeg -v error -i "$DATA/chelsea.png" -vf format=rgba,colorchannelmixer=aa=0.5 in/d.png
    run -0 dream -s output.format=jpeg -o out in
    said ".gif: 3 frames: the first is taken" 1
    said "2 more pictures like that: of several pages or frames the first is taken" 1
    said "in/d.png: JPEG has no alpha; the dream is written without" 1
    said "more picture" 1
}
