#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The job scripts of slurm/ on a real Slurm of two nodes on this machine: same bytes as without Slurm, whatever the launcher and whatever
# stops a job on its way.

bats_require_minimum_version 1.5.0

load ../mpi/waiting

settings=(-s octaves.count=2 -s input.resize=120 -s threads=1)

setup_file() {
    export ROOT CLUSTER
    ROOT=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
    CLUSTER=$(mktemp -d /tmp/oneiros-cluster-XXXXXX)
    "$ROOT/slurm/dev-cluster" up 2 3>&-
    eval "$("$ROOT/slurm/dev-cluster" env)"
    # A site's own copy of the scripts.
    export ONEIROS_HOME=$BATS_FILE_TMPDIR/site
    mkdir "$ONEIROS_HOME"
    cp -r "$ROOT/slurm" "$ONEIROS_HOME/slurm"
}

teardown_file() {
    "$ROOT/slurm/dev-cluster" down
}

setup() {
    cd "$BATS_TEST_TMPDIR"
    scripts=$ONEIROS_HOME/slurm
    with srun
}

teardown() {
    until_true 600 all_cancelled
    tail -n 50 slurm-*.out study/study.txt 2>/dev/null || true # shown where a test failed
}

# with LAUNCHER: site.sh as a site has it, with its line for that launcher
with() {
    local mpirun='s|^#\(launcher=(mpirun\)|\1|' srun=''
    sed "s|^oneiros=.*|oneiros=$ONEIROS|; s|^tasks_per_node=.*|tasks_per_node=2|; s|^cpus_per_task=.*|cpus_per_task=1|; s|--wait=5|--wait=2|; ${!1}" \
        "$ROOT/slurm/site.sh" >"$ONEIROS_HOME/slurm/site.sh"
}

# submit OPTION... SCRIPT ARGUMENT...: the job's number
submit() {
    sbatch --parsable --time=10 "$@"
}

ended() {
    [ -z "$(squeue -h -j "$1" 2>/dev/null)" ]
}

# Again and again: a job that is just being queued again comes back.
all_cancelled() {
    scancel --quiet --partition=main
    [ -z "$(squeue -h)" ]
}

# is JOB PATTERN: of what Slurm says of it
is() {
    scontrol -o show job "$1" | grep -Eq "$2"
}

# attribute NAME: of out/run.h5
attribute() {
    /usr/bin/python3 -c 'import h5py, sys; print(h5py.File("out/run.h5").attrs[sys.argv[1]])' "$1"
}

# held: whether the dream of the run in out has made a step. Its ranks then stand still, so that it does not end meanwhile. By its first
# checkpoint, since a slow disk shows rows late; it is removed, so that one that is there later was saved later.
held() {
    saved || return
    mapfile -t ranks < <(pgrep -f "^$ONEIROS dream -o out ")
    kill -STOP "${ranks[@]}"
    rm out/checkpoints/*
}

same() {
    cmp alone/chelsea/dream.png "$1/chelsea/dream.png"
    /usr/bin/python3 "$BATS_TEST_DIRNAME/../mpi/same_run.py" alone/run.h5 "$1/run.h5"
}

@test "over two nodes, by srun and by mpirun, the bytes are those without Slurm" {
    "$ONEIROS" dream "${settings[@]}" -s steps=10 -o alone "$DATA/chelsea.png"
    for launcher in srun mpirun; do
        with "$launcher"
        job=$(submit --nodes=2 --ntasks=4 "$scripts/dream.sbatch" "$launcher" "${settings[@]}" -s steps=10 "$DATA/chelsea.png")
        until_true 600 ended "$job"
        is "$job" 'JobState=COMPLETED .*NodeList=n\[1-2\]'
        same "$launcher"
    done
}

@test "a job leaves beside its results what it was, and no secrets" {
    export OMP_DISPLAY_ENV=false OMPI_MCA_some_token=s3cret AWS_SECRET=s3cret
    job=$(submit --ntasks=1 --cpus-per-task=2 "$scripts/dream.sbatch" out -s input.resize=100 -s octaves.count=1 -s steps=2 "$DATA/chelsea.png")
    until_true 600 ended "$job"
    cmp "$scripts/dream.sbatch" "out/job/$job/script"
    cmp "$scripts/site.sh" "out/job/$job/site.sh"
    "$ONEIROS" --version | cmp - "out/job/$job/version"
    grep -q "^srun .*--cpus-per-task=2 $ONEIROS dream -o out -s input.resize=100 " "out/job/$job/command.0"
    grep -q "^SLURM_JOB_ID=$job$" "out/job/$job/environment.0"
    grep -q "^OMP_DISPLAY_ENV=false$" "out/job/$job/environment.0"
    run ! grep -rEq 's3cret|^(PATH|HOME)=' out/job
    [ "$(cat "out/job/$job/exit.0")" = 0 ]
    [ "$(attribute slurm_job_id)" = "$job" ]
    [[ $(attribute slurm_job_nodelist) == n[12] ]]
}

@test "a rank has the threads of its task" {
    for threads in 1 2; do
        job=$(submit --ntasks=1 --cpus-per-task=$threads "$scripts/dream.sbatch" out$threads -v -s input.resize=100 -s octaves.count=1 -s steps=1 "$DATA/chelsea.png")
        until_true 600 ended "$job"
        grep -Eq "rank 0: $threads threads?, " "slurm-$job.out"
    done
}

@test "a rank that is late in starting gets no messages before it can take them" {
    printf '%s\n' '#!/bin/sh' "LD_PRELOAD=$LATE_FENCE exec $ONEIROS \"\$@\"" >late
    chmod +x late
    ONEIROS=$PWD/late with srun
    job=$(submit --nodes=2 --ntasks=2 "$scripts/dream.sbatch" out "${settings[@]}" -s steps=2 "$DATA/chelsea.png")
    until_true 600 ended "$job"
    is "$job" 'JobState=COMPLETED'
    run ! grep -q 'starting it again' "slurm-$job.out"
}

# crashing TIMES [RANK]: a program that crashes on that rank, 0, at its first starts, inside MPI_Init (rank 0 at its beginning, 1 at its end), and
# then is ours
crashing() {
    cat >crashing <<END
#!/usr/bin/env bash
if [ "\$PMIX_RANK" = ${2:-0} ] && [ "\$(find . -name 'crash.*' | wc -l)" -lt $1 ]; then
    mktemp -d crash.XXXXXX
    export LD_PRELOAD=$CRASH_FENCE CRASH_FENCE_NUMBER=\$((PMIX_RANK + 1))
fi
exec "$ONEIROS" "\$@"
END
    chmod +x crashing
    rm -rf crash.* out
}

@test "a launch that crashes at its start is started again, and nobody waits for the rank that is gone" {
    for launcher in srun mpirun; do
        for rank in 0 1; do
            crashing 1 "$rank"
            ONEIROS=$PWD/crashing with "$launcher"
            job=$(submit --nodes=2 --ntasks=2 "$scripts/dream.sbatch" out "${settings[@]}" -s steps=2 "$DATA/chelsea.png")
            until_true 600 ended "$job"
            is "$job" 'JobState=COMPLETED'
            [ "$(grep -c 'starting it again, 1 of at most 3 times' "slurm-$job.out")" -eq 1 ]
            [ "$(cat "out/job/$job/exit.0")" = 0 ]
            [ -s out/chelsea/dream.png ]
        done
    done
}

@test "a launch is started again so many times and no more, and not once the run has begun" {
    crashing 9
    ONEIROS=$PWD/crashing with mpirun
    job=$(submit --nodes=2 --ntasks=2 "$scripts/dream.sbatch" out "${settings[@]}" -s steps=2 "$DATA/chelsea.png")
    until_true 600 ended "$job"
    is "$job" 'JobState=FAILED'
    [ "$(find . -name 'crash.*' | wc -l)" -eq 4 ]
    [ "$(cat "out/job/$job/exit.0")" -gt 128 ]
    with srun
    job=$(submit --nodes=2 --ntasks=2 "$scripts/dream.sbatch" out "${settings[@]}" -s steps=99999 "$DATA/chelsea.png")
    until_true 600 test -s out/run.h5
    kill -SEGV "$(pgrep -f "^$ONEIROS dream -o out .*steps=99999" | head -n 1)"
    until_true 600 ended "$job"
    is "$job" 'JobState=FAILED'
    run ! grep -q 'starting it again' "slurm-$job.out"
}

@test "processes that srun did not tell of each other say so, once" {
    run -2 timeout 120 srun --mpi=none --nodes=2 --ntasks=2 "$ONEIROS" dream "${settings[@]}" -s steps=1 -o out "$DATA/chelsea.png"
    [ "$(grep -c 'srun started 2 processes that do not see each other.*--mpi=pmix' <<<"$output")" -eq 1 ]
    [[ $output != *"direct launched"* ]] # Open MPI's page of text
    [ ! -e out ]
    # One alone needs nobody, as in the shell of an interactive job.
    timeout 120 srun --mpi=none --ntasks=1 "$ONEIROS" dream "${settings[@]}" -s steps=1 -o out "$DATA/chelsea.png"
    [ -s out/chelsea/dream.png ]
    run -0 --separate-stderr timeout 120 srun --mpi=none --ntasks=2 "$ONEIROS" dream --help
    [ "$(grep -c '^Usage: ' <<<"$output")" -eq 1 ]
    timeout 120 srun --mpi=none --ntasks=1 "$ONEIROS" --version | grep -q '^oneiros '
}

@test "an array does one line of its table a task" {
    printf '%s\n' '# three of them' '-s seed=1 -s steps=2' '' '-s "steps=3"' '-s targets=mixed2:1 -s steps=2' >table
    "$ONEIROS" dream "${settings[@]}" -s steps=3 -o alone "$DATA/chelsea.png"
    job=$(submit --array=1-"$(grep -c '^[^#]' table)" "$scripts/array.sbatch" out table "${settings[@]}" "$DATA/chelsea.png")
    until_true 600 ended "$job"
    same out/2
    for task in 1 3; do
        [ "$(cat "out/$task/job/${job}_$task/exit.0")" = 0 ]
        run ! cmp -s alone/chelsea/dream.png "out/$task/chelsea/dream.png"
    done
    [ ! -e out/4 ]
    run ! cmp -s out/1/chelsea/dream.png out/3/chelsea/dream.png
}

@test "an atlas: of two layers in one job, and of one a task" {
    local few=("${settings[@]}" -s atlas.size=75 -s steps=2)
    "$ONEIROS" atlas "${few[@]}" -s targets=mixed0#3,mixed1#5 -o alone "$DATA/chelsea.png"
    job=$(submit --nodes=2 --ntasks=2 "$scripts/atlas.sbatch" out mixed0#3,mixed1#5 "${few[@]}" "$DATA/chelsea.png")
    array=$(submit --array=1-2 "$scripts/atlas.sbatch" each mixed0#3,mixed1#5 "${few[@]}" "$DATA/chelsea.png")
    until_true 600 ended "$job"
    until_true 600 ended "$array"
    cmp {alone,out}/atlas.h5
    for layer in mixed0 mixed1; do
        [ "$(cat "each/$layer/job/${array}_"*/exit.0)" = 0 ]
        [ -s "each/$layer/atlas.html" ]
    done
    cmp {alone,each/mixed0}/channel-mixed0-3/dream.png
}

# told PID: whether SIGUSR1 waits for that process, which is stopped
told() {
    (($(awk '/^ShdPnd:/ {print "0x" $2}' "/proc/$1/status") & 1 << (10 - 1)))
}

@test "a job that meets its time limit goes on by itself, and the bytes are those of one that ran through" {
    "$ONEIROS" dream "${settings[@]}" -s steps=400 -o alone "$DATA/chelsea.png"
    job=$(submit --signal=B:USR1@115 --nodes=2 --ntasks=2 "$scripts/dream.sbatch" out "${settings[@]}" -s checkpoint.seconds=1 -s steps=400 "$DATA/chelsea.png")
    until_true 600 held # until Slurm has looked at time limits, which it does twice a minute only
    minutes=$(squeue -h -j "$job" -o %M)
    scontrol update JobId="$job" TimeLimit=$((10#${minutes%%:*} + 2)) # less is left than the signal is to come before the end
    until_true 600 told "${ranks[0]}"
    kill -CONT "${ranks[@]}"
    until_true 600 is "$job" 'Restarts=1'
    [ "$(cat "out/job/$job/exit.0")" = 75 ]
    saved
    scontrol update JobId="$job" TimeLimit=10 # once is enough
    until_true 600 ended "$job"
    is "$job" 'JobState=COMPLETED'
    grep -q 'going on with the run' "slurm-$job.out"
    [ "$(attribute slurm_restart_count)" -ge 1 ]
    same out
}

@test "a job is queued again so many times and no more" {
    job=$(MAX_REQUEUES=1 submit "$scripts/dream.sbatch" out "${settings[@]}" -s steps=100000 "$DATA/chelsea.png")
    until_true 600 begun out
    scancel --batch --signal=USR1 "$job"
    until_true 600 grep -q 'going on with the run' "slurm-$job.out"
    scancel --batch --signal=USR1 "$job"
    until_true 600 ended "$job"
    is "$job" 'JobState=FAILED .*Restarts=1 .*ExitCode=75:0'
    grep -q 'after 1 requeues' "slurm-$job.out"
    [ "$(cat "out/job/$job/exit.0" "out/job/$job/exit.1" | tr '\n' ' ')" = '75 75 ' ]
    saved
}

@test "a job that is cancelled has saved, is not queued again, and the next one goes on" {
    "$ONEIROS" dream "${settings[@]}" -s steps=400 -o alone "$DATA/chelsea.png"
    for way in 'srun --batch --signal=TERM' 'mpirun --batch --signal=TERM' 'srun'; do
        read -r launcher options <<<"$way"
        with "$launcher"
        rm -rf out
        job=$(submit --nodes=2 --ntasks=2 "$scripts/dream.sbatch" out "${settings[@]}" -s checkpoint.seconds=1 -s steps=400 "$DATA/chelsea.png")
        until_true 600 held
        # shellcheck disable=SC2086 # several words
        scancel $options "$job"
        kill -CONT "${ranks[@]}" 2>/dev/null || true # Slurm may have told them already
        until_true 600 ended "$job"
        is "$job" 'JobState=(FAILED|CANCELLED) .*Restarts=0 .*ExitCode=75:0'
        saved
        job=$(submit "$scripts/dream.sbatch" out "${settings[@]}" -s checkpoint.seconds=1 -s steps=400 "$DATA/chelsea.png")
        until_true 600 ended "$job"
        grep -q 'going on with the run' "slurm-$job.out"
        same out
    done
}

@test "ranks that a signal reaches twice save all the same" {
    with mpirun # here its ranks are in steps of Slurm's: scancel --full reaches them by Slurm, by mpirun and by this script
    job=$(submit --nodes=2 --ntasks=3 "$scripts/dream.sbatch" out "${settings[@]}" -s steps=100000 "$DATA/chelsea.png")
    until_true 600 begun out
    scancel --full --signal=USR1 "$job"
    until_true 600 saved
    until_true 600 grep -q 'queueing again' "slurm-$job.out"
    [ "$(cat "out/job/$job/exit.0")" = 75 ]
}

@test "a study submits its runs, strong and weak, and collects them" {
    printf '%s\n' "$DATA/chelsea.png" '# not this' "$DATA/coffee.png" >list
    tables=0
    timeout 400 "$scripts/scaling.sh" -o study -n '1 2' -r 1 -w 1 list "${settings[@]}" -s steps=2 || tables=$?
    for run in strong-n1-r1 strong-n2-r1 weak-n1-r1 weak-n2-r1; do
        [ "$(cat study/"$run"/job/*/exit.0)" = 0 ]
        [ -s "study/$run/run.h5" ]
        [[ $run == *n2* ]] && nodes=2 || nodes=1
        grep -q "^SLURM_JOB_NUM_NODES=$nodes$" study/"$run"/job/*/environment.0
    done
    [ "$(ls -d study/strong-n2-r1/*/dream.png | wc -l)" -eq 2 ]
    [ "$(ls -d study/weak-n1-r1/*/dream.png | wc -l)" -eq 1 ] # one worker beside rank 0
    [ "$(ls -d study/weak-n2-r1/*/dream.png | wc -l)" -eq 3 ]
    run ! grep -q 'left out' study/study.txt
    "$ONEIROS" --help | grep -q '^  report ' || skip "this oneiros has no report yet"
    [ "$tables" -eq 0 ]
    [ -s study/strong/study.csv ]
    [ -s study/weak/study.csv ]
    rm study/strong-n1-r1/job/*/exit.0
    run "$scripts/scaling.sh" -c study
    [[ $output == *"strong-n1-r1 is left out"* ]]
}

@test "a cluster that goes down takes nothing of another one with it" {
    other=$(mktemp -d /tmp/oneiros-cluster-XXXXXX)
    run -0 env CLUSTER="$other" "$ROOT/slurm/dev-cluster" up 1 3>&-
    run -0 env CLUSTER="$other" "$ROOT/slurm/dev-cluster" up 1 3>&-
    [[ $output == *"is up already"* ]]
    run -0 env CLUSTER="$other" "$ROOT/slurm/dev-cluster" status
    [ "$(SLURM_CONF=$other/slurm.conf sinfo -h -o %D)" -eq 1 ]
    SLURM_CONF=$other/slurm.conf sbatch --output=/dev/null --wrap 'sleep 600'
    run -0 env CLUSTER="$other" "$ROOT/slurm/dev-cluster" down
    run ! pgrep -f "$other"
    [ ! -e "$other" ]
    [ "$(sinfo -h -o %D)" -eq 2 ]
    run -0 "$ROOT/slurm/dev-cluster" status
    [[ $output != *gone* ]]
}
