# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034
# What the scripts of this folder share: a Debian that has nothing else (mmdebstrap, as root), and commands in it. It goes when the script ends.
source=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../..")
place=$(mktemp -d)
root=$place/root
weights=${XDG_CACHE_HOME:-$HOME/.cache}/oneiros/inception_v3.h5
mapfile -t launcher < <(grep '^[A-Z]' "$source/tests/mpi/launcher.env")
trap 'rm -rf --one-file-system "$place"' EXIT

# fresh SUITE [OPTION...]: makes it, with the trained weights of this user's cache; options of mmdebstrap
fresh() {
    mmdebstrap --quiet --variant=apt --dpkgopt=force-unsafe-io "${@:2}" "$1" "$root"
    cp /etc/resolv.conf /etc/hosts "$root/etc/"
    install -D "$weights" "$root/cache/oneiros/inception_v3.h5"
}

# quiet COMMAND...: shows what it says if it fails
quiet() {
    "$@" >"$place/log" 2>&1 || { cat "$place/log"; exit 1; }
}

# inside COMMAND...: in it. Mounts, and processes that it leaves running, are gone afterwards. TMPDIR need not be there.
inside() {
    # shellcheck disable=SC2016 # for the inner shell
    unshare --mount --pid --fork --kill-child --mount-proc="$root/proc" sh -euc '
        mount -t sysfs -o ro none "$1/sys"
        mount --rbind /dev "$1/dev"
        mount -t tmpfs none "$1/dev/shm"
        exec chroot "$@"' sh "$root" env -u TMPDIR XDG_CACHE_HOME=/cache LC_ALL=C.UTF-8 \
        DEBIAN_FRONTEND=noninteractive OMP_WAIT_POLICY=passive "${launcher[@]}" "$@"
}

# build_inside CMAKE-OPTION...: /source in /build, warnings as errors
build_inside() {
    mkdir "$root/source"
    cp -r "$source"/{CMakeLists.txt,LICENSE,README.md,cmake,config,docs,packaging,slurm,src,tests} "$root/source"
    quiet inside cmake -G Ninja -S /source -B /build -DONEIROS_WERROR=ON "$@"
    quiet inside cmake --build /build
}
