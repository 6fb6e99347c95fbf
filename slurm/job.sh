# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What the job scripts share: a record of the job, signals, and queueing again.
# shellcheck source=slurm/site.sh
. "$ONEIROS_HOME/slurm/site.sh" || exit 2

# record FOLDER COMMAND...: what was run, how and by which version. Of the environment only what says so: no secrets.
record() {
    local folder=$1 again=${SLURM_RESTART_COUNT:-0}
    shift
    mkdir -p "$folder"
    cp "$0" "$folder/script"
    cp "$ONEIROS_HOME/slurm/site.sh" "$folder/site.sh"
    "$oneiros" --version >"$folder/version"
    { printf '%q ' "$@" && echo; } >"$folder/command.$again"
    env -0 | grep -zE '^(SLURM|OMPI|PRTE|PMIX|MPIR|OMP|ONEIROS)_' | grep -zviE '^[^=]*(JWT|TOKEN|KEY|SECRET|PASS|CREDENTIAL|_transports=)' |
        sort -z | tr '\0' '\n' >"$folder/environment.$again"
}

# tell: the launcher that it is time, until it ends: one that has just started loses signals.
tell() {
    [ -z "$launched" ] || (while kill -USR1 "$launched" 2>/dev/null; do sleep 10; done) &
}

# launch COMMAND...: to its end, whatever signals come in the meantime. Its exit code is in `code`.
launch() {
    "$@" &
    launched=$!
    [ -z "$told" ] || tell
    until
        told=''
        wait "$launched"
        code=$?
        [ -z "$told" ] # else it was the signal that ended the wait
    do :; done
}

# crashed_at_start OUT SINCE: whether a signal that nobody sent to this job ended a rank before there was a run, younger than that file.
# Starting MPI on many nodes is a race that not all versions of Slurm, PMIx and MPI always win. MPICH's mpirun ends with the signal's bare number.
crashed_at_start() {
    { [ "$code" -gt 128 ] || { [ "$code" -gt 3 ] && [ "$code" -lt 32 ]; }; } && [ -z "$asked" ] && [ ! "$1/run.h5" -nt "$2" ]
}

# go COMMAND OUT ARGUMENT...: `oneiros dream` or another command that makes a run, to its end or to its checkpoint. Slurm tells this shell before the time limit (--signal=B:USR1@...),
# which tells the launcher, which tells every rank, be it srun or mpirun; 75 then means that the same job can go on.
go() {
    local subcommand=$1
    shift
    local id=$SLURM_JOB_ID count=${SLURM_RESTART_COUNT:-0} code told='' asked='' cancelled='' launched='' crashes most=3
    [ -z "${SLURM_ARRAY_JOB_ID:-}" ] || id=${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID
    local record=$1/job/$id command=("${launcher[@]}" "$oneiros" "$subcommand" -o "$@")
    trap 'told=1; asked=1; tell' USR1
    trap 'told=1; asked=1; cancelled=1; tell' TERM # scancel: save, and that is all
    command -v "$oneiros" >/dev/null || { echo "$oneiros is not there: build it, or say in site.sh where it is" >&2; return 127; }
    record "$record" "${command[@]}"
    launch "${command[@]}"
    for ((crashes = 1; crashes <= most; crashes++)); do
        crashed_at_start "$1" "$record/command.$count" || break
        echo "crashed before the run began, exit code $code: starting it again, $crashes of at most $most times" >&2
        launch "${command[@]}"
    done
    [ "$code" -ne $((128 + $(kill -l USR1))) ] || code=75 # it came before the launcher had got ready for it
    # MPICH 4.0's mpirun passes signals on, and often forgets the ranks' exit codes then.
    if [ "$code" -eq 0 ] && [ -n "$asked" ] && [ -e "$1/checkpoints" ]; then code=75; fi
    echo "$code" >"$record/exit.$count"
    if [ "$code" -eq 75 ] && [ -z "$cancelled" ]; then
        again
    fi
    return "$code"
}

# again: this job once more, where it is in the queue, up to max_requeues times. Ends it, unless Slurm does not allow it.
again() {
    local count=${SLURM_RESTART_COUNT:-0}
    if [ "$count" -ge "$max_requeues" ]; then
        echo "$0: stopped with a checkpoint after $count requeues, and max_requeues of site.sh is $max_requeues: submit it once more to go on" >&2
        return
    fi
    echo "stopped with a checkpoint: queueing again, $((count + 1)) of at most $max_requeues times"
    scontrol requeue "$SLURM_JOB_ID" && sleep 60 # until Slurm ends this shell
}
