#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# How a run starts: what each rank takes of its node. ONEIROS, DATA and MPIEXEC come from ctest.

bats_require_minimum_version 1.5.0

load waiting

settings=(-s octaves.count=1 -s steps=1 -s input.resize=100 -s frames.dream=false -s frames.cam=false)

setup() {
    cd "$BATS_TEST_TMPDIR"
    unset OMP_NUM_THREADS SLURM_CPUS_PER_TASK
    one=$(taskset -cp $$ | sed 's/.*: *//; s/[-,].*//') # of the processors that this test may use
}

dream() {
    "$ONEIROS" dream -v --force "${settings[@]}" "$@" -o out "$DATA/chelsea.png"
}

# threads_of RANK: what it said in $output
threads_of() {
    sed -n "s/^oneiros: rank $1: \([0-9]*\) threads\?.*/\1/p" <<<"$output"
}

warnings() {
    grep -c 'warning: ' <<<"$output"
}

@test "a rank takes one thread for each core that it is bound to, also where OpenMP binds threads" {
    run -0 dream
    local all
    all=$(threads_of 0)
    run -0 env OMP_PROC_BIND=true "$ONEIROS" dream -v --force "${settings[@]}" -o out "$DATA/chelsea.png"
    [ "$(threads_of 0)" -eq "$all" ]
    run -0 taskset -c "$one" "$ONEIROS" dream -v --force "${settings[@]}" -o out "$DATA/chelsea.png"
    [ "$(threads_of 0)" -eq 1 ]
    run -0 "$MPIEXEC" -n 2 taskset -c "$one" "$ONEIROS" dream -v --force "${settings[@]}" -o out "$DATA/chelsea.png"
    [ "$(threads_of 1)" -eq 1 ]
    [[ "$output" != *warning* ]]
}

@test "a task of many processors whose launcher binds it to one: one thread, and one warning for all ranks" {
    run -0 "$MPIEXEC" -n 4 env SLURM_CPUS_PER_TASK=32 taskset -c "$one" "$ONEIROS" dream -v --force "${settings[@]}" -o out "$DATA/chelsea.png"
    [ "$(threads_of 1)" -eq 1 ]
    [ "$(threads_of 3)" -eq 1 ]
    [ "$(warnings)" -eq 1 ]
    [[ "$output" == *"warning: rank 1 on $(hostname): SLURM_CPUS_PER_TASK is 32, and the launcher has bound the rank to 1,"*"srun --cpus-per-task=32"*"likewise on 2 other ranks"* ]]
}

@test "a number of threads that is asked for is taken, with one warning where there are too few cores" {
    local many=$(($(nproc) + 1))
    run -0 "$MPIEXEC" -n 3 env OMP_NUM_THREADS=$many "$ONEIROS" dream -v --force "${settings[@]}" -o out "$DATA/chelsea.png"
    [ "$(threads_of 1)" -eq "$many" ]
    [ "$(threads_of 2)" -eq "$many" ]
    [ "$(warnings)" -eq 1 ]
    [[ "$output" == *"warning: rank 1 on $(hostname): OMP_NUM_THREADS is $many, and there are cores for "*"likewise on 1 other rank"* ]]
    run -0 dream -s threads=$many
    [ "$(threads_of 0)" -eq "$many" ]
    [[ "$output" == *"oneiros: warning: threads is $many, and there are cores for "* ]]
    OMP_NUM_THREADS=$many run -0 dream -s threads=1
    [ "$(threads_of 0)" -eq 1 ]
    [[ "$output" != *warning* ]]
}

# with_last 'NAME=VALUE...' COMMAND...: three ranks, the last with that in its environment. Not by mpirun's `:`, at which Open MPI 5.0.7's crashes.
with_last() {
    # shellcheck disable=SC2016 # for the inner shell
    "$MPIEXEC" -n 3 sh -c '[ "${OMPI_COMM_WORLD_RANK-$PMI_RANK}" != 2 ] || export $1; shift; exec "$@"' sh "$@"
}

@test "a wrong setting of one rank ends all with that rank's words" {
    run -2 with_last ONEIROS_THREADS=many "$ONEIROS" dream -o wrong "$DATA/chelsea.png"
    [ "$(grep -c '^oneiros: ' <<<"$output")" -eq 1 ]
    [[ "$output" == *"oneiros: error: rank 2 on $(hostname): ONEIROS_THREADS: 'many' is not a whole number"* ]]
    run -2 "$MPIEXEC" -n 3 "$ONEIROS" dream -s bad=1 -o wrong "$DATA/chelsea.png"
    [ "$(grep -c '^oneiros: ' <<<"$output")" -eq 1 ]
    [[ "$output" == *"oneiros: error: -s bad: unknown key bad"* ]]
    run -2 "$MPIEXEC" -n 3 "$ONEIROS" dream --print-config --bad
    [ "$(grep -c '^oneiros: ' <<<"$output")" -eq 1 ]
    [ ! -e wrong ]
}

@test "a command for one process does nothing in several: the first one says so, and each ends with 2" {
    run -0 dream -q
    local command rank
    for command in "report out" "model import $PWD -o model.h5" bench; do
        # shellcheck disable=SC2016,SC2086 # for the inner shell; words of a command
        run -0 "$MPIEXEC" -n 3 sh -c '"$@"; echo $? >"code.${OMPI_COMM_WORLD_RANK-$PMI_RANK}"' sh "$ONEIROS" $command
        [ "${#lines[@]}" -eq 1 ]
        [ "$output" = "oneiros: error: \`oneiros ${command%% *}\` is for one process, and 3 were started: start it without mpirun or srun" ]
        for rank in 0 1 2; do
            [ "$(cat code.$rank)" -eq 2 ]
            rm code.$rank
        done
    done
    [ ! -e out/report.html ] && [ ! -e model.h5 ]
    run -0 "$MPIEXEC" -n 1 "$ONEIROS" report out
    [ -s out/report.html ]
}

@test "a process alone leaves no file for memory that it would share with others" {
    mkdir shared
    # Where Open MPI puts it, version 4 and 5, instead of /dev/shm, where those of other tests come and go.
    export OMPI_MCA_btl_vader_backing_directory=$PWD/shared OMPI_MCA_btl_sm_backing_directory=$PWD/shared
    run -0 dream -q
    [ -z "$output" ]
    [ -z "$(ls shared)" ]
    run -0 "$MPIEXEC" -n 2 "$ONEIROS" dream -q --force "${settings[@]}" -o out "$DATA/chelsea.png"
    [ -z "$output" ]
    [ -z "$(ls shared)" ]
}

@test "job scripts start a launch again in which a rank crashed before the run began" {
    cat >crashing <<END
#!/usr/bin/env bash
[ "\${OMPI_COMM_WORLD_RANK-\$PMI_RANK}" != 1 ] || ! mkdir "crash.\$SIGNAL" 2>/dev/null || kill -"\$SIGNAL" \$\$
exec "$ONEIROS" "\$@"
END
    chmod +x crashing
    export SLURM_JOB_ID=1 ONEIROS_HOME=$BATS_TEST_DIRNAME/../..
    for SIGNAL in SEGV KILL; do
        export SIGNAL
        # shellcheck disable=SC2016 # for the inner shell
        run -0 bash -c '. "$ONEIROS_HOME/slurm/job.sh"; launcher=("$MPIEXEC" -n 2) oneiros=./crashing; go dream "$@"' "$0" \
            "out-$SIGNAL" "${settings[@]}" "$DATA/chelsea.png"
        [ "$(grep -c 'starting it again, 1 of at most 3 times' <<<"$output")" -eq 1 ]
        [ -s "out-$SIGNAL/chelsea/dream.png" ]
    done
}

@test "job scripts tell the launcher of a signal, it tells the ranks, and the exit code is 75" {
    export SLURM_JOB_ID=1 ONEIROS_HOME=$BATS_TEST_DIRNAME/../.. code=0
    # shellcheck disable=SC2016 # for the inner shell
    bash -c '. "$ONEIROS_HOME/slurm/job.sh"; launcher=("$MPIEXEC" -n 2) oneiros=$ONEIROS; go dream "$@"' "$0" \
        out "${settings[@]}" -s steps=100000 -s threads=1 "$DATA/chelsea.png" &
    until_true 600 begun out
    kill -TERM $! # as of scancel: not to be queued again
    wait $! || code=$?
    [ "$code" -eq 75 ]
    [ "$(cat out/job/1/exit.0)" -eq 75 ]
    saved
}

# mixed 'NAME=VALUE...' ARGUMENT...: the last rank as if it had another processor
mixed() {
    unset ONEIROS_PLAN ONEIROS_PRECISION
    with_last "$1" "$ONEIROS" dream "${settings[@]}" -s targets=conv2d_8 -s threads=1 "${@:2}" "$DATA/chelsea.png"
}

@test "ranks of several kinds of processors do without a plan, with one warning" {
    run -0 mixed ONEIROS_SIMD=portable -o out
    [ "$(warnings)" -eq 1 ]
    [[ "$output" == *"warning: rank 2 on $(hostname): the processor is "*" with portable, and that of rank 1 "*", so that plan is off: "* ]]
    [[ "$output" != *timing* ]]
    /usr/bin/python3 -c 'import h5py; print(h5py.File("out/run.h5").attrs["plan"], end="")' >plan.txt
    grep -qx 'precision: f32' plan.txt
    [ "$(grep '^[0-9]' plan.txt | cut -d' ' -f4 | sort -u)" = direct ]
    # Of what they have been given all must be capable: oneDNN has no bfloat16 for AVX2, and portable16 wants it.
    sed 's/^precision: .*/precision: bf16/; s/^\(512 forward conv2d_3\) direct/\1 onednn/' plan.txt >unfit.txt
    run -2 mixed 'ONEIROS_SIMD=portable16 ONEDNN_MAX_CPU_ISA=AVX2' --plan unfit.txt -o unfit
    [ "$(grep -c 'oneiros: error: ' <<<"$output")" -eq 1 ]
    [[ "$output" == *"error: rank "*" on $(hostname): plan: unfit.txt: onednn of conv2d_3 forward: "* ]]
}
