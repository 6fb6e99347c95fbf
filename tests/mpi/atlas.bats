#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# An atlas: channels and pictures in one run, the same for any number of ranks and after kills, with all that it promises in its folder.

bats_require_minimum_version 1.5.0

load pictures
load waiting

few=(-q -s targets=mixed4#3+12+447,mixed3#7 -s steps=2 -s octaves.count=1 -s atlas.size=96 -s atlas.exemplars=4 -s threads=1)

# same_pages A B: what is made of the runs
same_pages() {
    local file
    cmp "$1/atlas.h5" "$2/atlas.h5"
    [ "$(cd "$1" && find . -name '*.png' | sort)" = "$(cd "$2" && find . -name '*.png' | sort)" ]
    for file in "$1"/*/*.png; do
        cmp "$file" "$2/${file#"$1/"}"
    done
}

# same_atlas A B
same_atlas() {
    same_pages "$1" "$2"
    /usr/bin/python3 "$BATS_TEST_DIRNAME/same_run.py" {"$1","$2"}/run.h5
}

@test "the same on 1, 2, 3 and 5 ranks, in teams, and by workers that read themselves" {
    "$ONEIROS" atlas "${few[@]}" -o alone a.png b.png c.bmp
    [ "$(find alone/exemplars -name '*.png' | wc -l)" -eq 8 ]
    [ -s alone/atlas.html ] && [ -s alone/channel-mixed4-447/dream.png ] && [ ! -e alone/a ]
    for count in 1 2 3 5; do
        "$MPIEXEC" -n "$count" "$ONEIROS" atlas "${few[@]}" -o "on-$count" a.png b.png c.bmp
        same_atlas alone "on-$count"
    done
    "$ONEIROS" atlas "${few[@]}" -s io=workers -o alone-too a.png b.png c.bmp # the setting is in the file
    "$MPIEXEC" -n 3 "$ONEIROS" atlas "${few[@]}" -s io=workers -o by-workers a.png b.png c.bmp
    same_atlas alone-too by-workers
    cmp {alone,by-workers}/exemplars/mixed4-447-relevance.png
    "$ONEIROS" atlas "${few[@]}" "${tiles[@]}" -s team.size=3 -o tiled a.png b.png c.bmp
    "$MPIEXEC" -n 4 "$ONEIROS" atlas "${few[@]}" "${tiles[@]}" -s team.size=3 -o in-teams a.png b.png c.bmp
    same_atlas tiled in-teams
}

@test "killed ten times, and gone on with, it is the same" {
    "$ONEIROS" atlas "${few[@]}" -o whole a.png b.png c.bmp
    local kills=0
    for try in {1..60}; do
        "$MPIEXEC" -n 2 "$ONEIROS" atlas "${few[@]}" -o killed a.png b.png c.bmp &
        local job=$! before
        before=$(find killed -name dream.png 2>/dev/null | wc -l)
        until [ "$(find killed -name dream.png 2>/dev/null | wc -l)" -gt "$before" ] || ! kill -0 "$job" 2>/dev/null; do :; done
        [ $((try % 2)) -eq 0 ] && read -rt 0.2 <> <(:) || true
        pkill -KILL -f "atlas .*-o killed" && kills=$((kills + 1))
        wait "$job" || true
        [ -e killed/atlas.h5 ] && break
    done
    "$ONEIROS" atlas "${few[@]}" -o killed a.png b.png c.bmp
    [ "$kills" -ge 2 ]
    same_atlas whole killed
}

@test "a picture more, one that is none, none at all" {
    "$ONEIROS" atlas "${few[@]}" -o grown a.png
    "$ONEIROS" atlas "${few[@]}" -o grown a.png b.png
    run -0 "$ONEIROS" atlas "${few[@]}" -o both a.png b.png
    [ -z "$output" ]
    same_atlas grown both
    mv b.png away.png # its places stay in the sheets that have them; without those they are said to be grey
    run -0 "$ONEIROS" atlas "${few[@]}" -o grown a.png
    [ -z "$output" ]
    same_pages grown both
    cp c.bmp b.png
    rm -r grown/exemplars
    run -0 "$ONEIROS" atlas "${few[@]}" -o grown a.png
    [[ "$output" == *"places in 1 picture are grey in the sheets, which cannot be read again (b.png: it is another picture now)"* ]]
    ! cmp -s {grown,both}/exemplars/mixed4-447-activation.png
    mv away.png b.png
    "$ONEIROS" atlas "${few[@]}" -o grown a.png b.png
    same_pages grown both
    run -3 "$ONEIROS" atlas "${few[@]}" -o broken a.png b.png broken.png
    cmp broken/atlas.h5 both/atlas.h5
    "$ONEIROS" atlas "${few[@]}" -o dreams
    [ -s dreams/atlas.html ] && [ ! -e dreams/exemplars ]
    cmp {dreams,both}/channel-mixed3-7/dream.png
    run -0 "$ONEIROS" atlas "${few[@]}" -o made noise:200x150 # which is made again
    [ -z "$output" ] && [ -s made/exemplars/mixed3-7-activation.png ]
}

@test "a channel is an input of a dream, too; and what cannot be is said" {
    "$ONEIROS" dream -q -s targets=mixed4 -s steps=2 -s octaves.count=1 -s frames.cam=false -s frames.dream=false -s threads=1 -o dreams channel:mixed4#12
    [ -s dreams/channel-mixed4-12/dream.png ]
    run -3 "$ONEIROS" dream -s targets=mixed4 -o wrong channel:mixed5#12
    [[ "$output" == *"channel:mixed5#12: no target is of the layer mixed5: name it in targets"* ]]
    run -3 "$ONEIROS" dream -s targets=mixed4 -o wrong channel:mixed4
    [[ "$output" == *"a channel is named as channel:mixed4#12"* ]]
    run -3 "$ONEIROS" dream -s targets=mixed4 -s threads=1 -o wrong channel:mixed4#012 "channel:mixed4# 12" channel:mixed4#12:1
    [ "$(grep -c "a channel is named as channel:mixed4#12 " <<<"$output")" -eq 3 ] # not three names of one picture
    run -3 "$ONEIROS" dream -s targets=mixed4 -s threads=1 -o wrong channel:mixed4#768
    [[ "$output" == *"channel 768"* ]]
    run -2 "$ONEIROS" atlas -s targets=mixed4#auto8 a.png
    [[ "$output" == *"an atlas is of layers, or of channels of theirs"* ]]
    run -2 "$ONEIROS" atlas -s targets=mixed4#12-3 a.png
    run -2 "$ONEIROS" atlas -s objective=guide -s guide=a.png a.png
    [[ "$output" == *"an atlas is of channels"* ]]
    run -0 "$ONEIROS" atlas --dry-run "${few[@]}" -o nothing a.png
    [[ "$output" == *"channel:mixed3#7 "*"96x96"*"a.png "*"260x173, seen once"* ]] && [ ! -e nothing ]
    run -0 "$ONEIROS" atlas --help
    [[ "$output" == *"Usage: oneiros atlas"*"atlas.exemplars"* ]]
    run ! grep -q "mask" <<<"$output"
}
