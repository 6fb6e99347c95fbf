# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# For the scripts beside, which run as root: a Debian of its own, in $root, with these sources in /source; gone when the script ends.
#     make_root [OPTION]... SUITE    options are mmdebstrap's
#     inside COMMAND...              with the weights of this user's cache
source=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../..")
place=$(mktemp -d)
root=$place/root
weights=${XDG_CACHE_HOME:-$HOME/.cache}/oneiros/inception_v3.h5

drop_root() {
    umount -l "$root"/{dev/shm,dev/pts,dev,sys,proc} 2>/dev/null || true
    rm -rf --one-file-system "$place"
}
trap drop_root EXIT

make_root() {
    mmdebstrap --quiet --variant=apt --dpkgopt=force-unsafe-io "$@" "$root"
    cp /etc/resolv.conf /etc/hosts "$root/etc/"
    install -D "$weights" "$root/weights.h5"
    mkdir "$root/source"
    cp -r "$source"/{CMakeLists.txt,LICENSE,README.md,cmake,config,docs,packaging,quickstart,slurm,src,tests} "$root/source"
    mount -t proc none "$root/proc"
    mount -t sysfs -o ro none "$root/sys"
    mount --bind /dev "$root/dev"
    mount -t devpts -o newinstance,ptmxmode=0666 none "$root/dev/pts"
    mount -t tmpfs none "$root/dev/shm"
}

inside() {
    chroot "$root" env LC_ALL=C.UTF-8 HOME=/root ONEIROS_MODEL_PATH=/weights.h5 DEBIAN_FRONTEND=noninteractive \
        OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMP_WAIT_POLICY=passive "$@"
}

# What is long and only of interest when it fails.
quietly() {
    "$@" >"$place/log" 2>&1 || { cat "$place/log" >&2; exit 1; }
}
