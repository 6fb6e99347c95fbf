#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A scaling study: the pictures of LIST on more and more nodes (strong), and a set that grows with the workers (weak).
#   slurm/scaling.sh -o STUDY [-n "1 2 4 8"] [-r REPEATS] [-w PICTURES] [-k "strong weak"] [-b] LIST [OPTION of oneiros dream]...
#     -w  pictures a worker of the weak study: the first ones of LIST, which begins again where it is too short
#     -b  does not wait: the last job writes STUDY/study.txt
#   slurm/scaling.sh -c STUDY    the tables of what is there
# Its jobs run one after the other, so that none is in another's way. STUDY has a run folder for each, strong-n4-r2 is the second one on four
# nodes, and the tables and plots in STUDY/strong and STUDY/weak. The same command goes on with a study that was broken off.
set -euo pipefail
# shellcheck source=slurm/site.sh
. "${ONEIROS_HOME:=$(cd "$(dirname "$0")/.." && pwd)}/slurm/site.sh"

usage() {
    sed -n '3,10s/^# \{0,1\}//p' "$ONEIROS_HOME/slurm/scaling.sh" >&2
    exit 2
}

# collect STUDY: the tables of its complete runs
collect() {
    local kind run exits code=0
    for kind in strong weak; do
        local runs=()
        for run in "$1/$kind"-n*-r*; do
            exits=("$run"/job/*/exit.*)
            if [ ! -d "$run" ]; then
                continue
            elif grep -qsx 0 "${exits[@]}"; then
                runs+=("$run")
            else
                echo "$run is left out: it did not end with 0" >&2
            fi
        done
        [ ${#runs[@]} -eq 0 ] || "$oneiros" report --study --kind "$kind" -o "$1/$kind" "${runs[@]}" || code=$?
    done
    return "$code"
}

# workers NODES: rank 0 coordinates, unless it is alone
workers() {
    local ranks=$(($1 * tasks_per_node))
    echo $((ranks > 1 ? ranks - 1 : 1))
}

# pictures COUNT: so many of the list
pictures() {
    local count=$1 all
    mapfile -t all < <(grep -v -e '^[[:space:]]*#' -e '^[[:space:]]*$' "$list")
    [ ${#all[@]} -gt 0 ] || { echo "$list names nothing" >&2; return 1; }
    local i
    for ((i = 0; i < count; i++)); do
        echo "${all[i % ${#all[@]}]}"
    done
}

# submit KIND NODES REPEAT OPTION...: adds a run to the chain
submit() {
    local kind=$1 nodes=$2 run=$study/$1-n$2-r$3 inputs=$list
    shift 3
    mkdir -p "$run"
    if [ "$kind" = weak ]; then
        inputs=$study/weak-n$nodes.txt
        pictures $(($(workers "$nodes") * each)) >"$inputs"
    fi
    # Going on in a second job would spoil the times: MAX_REQUEUES.
    last=$(MAX_REQUEUES=0 sbatch --parsable ${last:+--dependency=afterany:$last} --job-name="$kind-n$nodes" --output="$run/job.txt" \
        --exclusive --nodes="$nodes" --ntasks-per-node="$tasks_per_node" --cpus-per-task="$cpus_per_task" \
        "$ONEIROS_HOME/slurm/dream.sbatch" "$run" -s input.equal=each "$@" "@$inputs")
    last=${last%%;*}
}

study='' counts='1 2 4 8' repeats=3 each=8 kinds='strong weak' wait=--wait last=''
while getopts 'o:n:r:w:k:bc:' option; do
    case $option in
    o) study=$OPTARG ;;
    n) counts=$OPTARG ;;
    r) repeats=$OPTARG ;;
    w) each=$OPTARG ;;
    k) kinds=$OPTARG ;;
    b) wait='' ;;
    c)
        collect "$OPTARG"
        exit
        ;;
    *) usage ;;
    esac
done
shift $((OPTIND - 1))
if [ -z "$study" ] || [ $# -lt 1 ]; then usage; fi
list=$1
shift
[ -r "$list" ] || { echo "cannot read $list" >&2; exit 2; }

# Repeats outermost: what changes in the course of the study then changes for all node counts.
for ((repeat = 1; repeat <= repeats; repeat++)); do
    for kind in $kinds; do
        for nodes in $counts; do
            submit "$kind" "$nodes" "$repeat" "$@"
            echo "$study/$kind-n$nodes-r$repeat: job $last"
        done
    done
done
collected=0
sbatch ${wait:+"$wait"} --parsable --dependency="afterany:$last" --job-name=study --output="$study/study.txt" --nodes=1 --ntasks=1 --time=10 \
    "$ONEIROS_HOME/slurm/scaling.sh" -c "$study" >/dev/null || collected=$?
[ -z "$wait" ] || cat "$study/study.txt"
exit "$collected"
