# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# How tests wait: for what they need, however long the machine takes for it, never for a time.

# until_true SECONDS COMMAND...
until_true() {
    local end=$((SECONDS + $1))
    shift
    while ((SECONDS <= end)); do
        "$@" && return
        sleep 0.05
    done
    echo "waited in vain for: $*" >&2
    return 1
}

# rows FILE TABLE: how many there are, also of a run that goes on or was killed
rows() {
    /usr/bin/python3 -c 'import h5py, sys; print(len(h5py.File(sys.argv[1], swmr=True)[sys.argv[2]]))' "$@"
}

# has_rows FILE TABLE COUNT: at least so many. It looks for two seconds itself: to start a Python for each look takes more of the machine than
# the run that is waited for.
has_rows() {
    /usr/bin/python3 -c '
import sys, time, h5py
file, table, count = sys.argv[1:]
for _ in range(40):
    try:
        with h5py.File(file, swmr=True) as run:
            if len(run[table]) >= int(count):
                sys.exit(0)
    except (KeyError, OSError):
        pass
    time.sleep(0.05)
sys.exit(1)' "$@"
}

# begun FOLDER: whether its run has made a step
begun() {
    has_rows "$1/run.h5" steps 1
}

# checkpoint PICTURE: the file from which its dream in out can be gone on with
checkpoint() {
    echo "out/checkpoints/$(sha256sum "$1" | cut -c 1-32)"
}

# saved [COUNT]: whether so many dreams in out, or one, can be gone on with
saved() {
    [ "$(compgen -G 'out/checkpoints/????????????????????????????????' | wc -l)" -ge "${1:-1}" ]
}

# ranks_of LAUNCHER: the process ids of its ranks, in their order
ranks_of() {
    /usr/bin/python3 "$BATS_TEST_DIRNAME/launcher.py" "$1"
}

# heeds PROCESS: whether the program is there, and no longer simply ends by SIGUSR1. That it has threads says less: libraries may start some
# before its first line.
heeds() {
    [ "/proc/$1/exe" -ef "$ONEIROS" ] && ((0x$(sed -n 's/^SigCgt:[[:space:]]*//p' "/proc/$1/status") >> 9 & 1))
}

# signal_when SIGNAL 'CONDITION' COMMAND...: gives it to the command once the condition holds. Its exit code is in `code`. MPICH 4.0's mpirun
# passes signals on, but forgets the ranks' exit codes then (launch.bats): its ranks get it themselves.
signal_when() {
    local number=$1 condition=$2 launcher
    shift 2
    code=0
    "$@" &
    launcher=$!
    until_true 600 eval "$condition"
    if pgrep -P "$launcher" hydra_pmi_proxy >/dev/null; then
        ranks_of "$launcher" | xargs kill "-$number"
    else
        kill "-$number" "$launcher"
    fi
    wait "$launcher" || code=$?
}

# What a test that failed has left running.
teardown() {
    jobs -p | xargs -r kill 2>/dev/null || true
}
