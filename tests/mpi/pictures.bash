# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034
# What the tests of dreams share: three small pictures and one that is none, and short runs of them.

# Small enough to be quick, large enough to go through two octaves, jitter and detail.
settings=(-s octaves.count=2 -s steps=2 -s jitter=16)

setup() {
    cd "$BATS_TEST_TMPDIR"
    ffmpeg -v error -i "$DATA/chelsea.png" -vf scale=260:173 a.png -vf crop=131:117:200:60 b.png -vf crop=160:120:90:100 c.bmp
    printf '<html>not found</html>' >broken.png
}

# Eight tiles in the larger octave, more than there are cores and fewer than ranks.
tiles=(-s tile.size=128 -s tile.halo=32 -s tile.blend=16)

# ranks N ARGUMENT...: oneiros dream on N ranks
ranks() {
    local count=$1
    shift
    "$MPIEXEC" -n "$count" "$ONEIROS" dream "${settings[@]}" "$@"
}
