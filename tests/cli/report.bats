#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# `oneiros report` from the outside, on real runs of the photographs. ONEIROS, DATA and MPIEXEC come from ctest.

bats_require_minimum_version 1.5.0

tiny=(-s octaves.count=2 -s steps=2 -s input.resize=120 -s threads=1)

setup_file() {
    cd "$BATS_FILE_TMPDIR"
    mkdir photos
    cp "$DATA"/{chelsea,coffee,rocket}.png photos
    /usr/bin/python3 -c 'from PIL import Image; Image.open("photos/rocket.png").transpose(Image.FLIP_LEFT_RIGHT).save("photos/<script>alert(1)<!--.png")'
    printf '<html>not found</html>' >photos/broken.png
    "$ONEIROS" dream -q "${tiny[@]}" -o dreams photos || [ $? -eq 3 ]
    cp -r dreams killed
    # As kill -9 in the midst of a write leaves it, without its last rows.
    /usr/bin/python3 - <<'END'
import h5py
with h5py.File("killed/run.h5", "r+", libver="latest") as run:
    run.attrs.modify("complete", 0)
    run["images"].resize((2,))
    run["timing"].resize((0,))
END
}

setup() {
    cd "$BATS_FILE_TMPDIR"
}

# data PAGE EXPRESSION...: of the page's JSON, `d`; `i` are the images by the names of their sources
data() {
    /usr/bin/python3 -c '
import json, pathlib, re, sys
page = open(sys.argv[1], encoding="utf-8").read()
d = json.loads(re.search(r"<script type=\"application/json\" id=\"data\">(.*?)</script>", page, re.S).group(1))
i = {pathlib.PurePath(image["source"]).name: image for image in d["images"]}
for expression in sys.argv[2:]:
    assert eval(expression), expression' "$@"
}

@test "--help, and what is wrong on the command line" {
    run -0 "$ONEIROS" report --help
    [[ "$output" == "Usage: oneiros report DIR..."*"--study"*"Exit codes"* ]]
    run -2 "$ONEIROS" report
    [[ "$output" == *"no output folder"* ]]
    run -2 "$ONEIROS" report --stduy x
    [[ "$output" == *"unknown option --stduy; did you mean --study?"* ]]
    run -2 "$ONEIROS" report --study dreams
    [[ "$output" == *"-o FOLDER is missing"* ]]
    run -2 "$ONEIROS" report -o x dreams
    [[ "$output" == *"-o goes with --study and --csv only"* ]]
    run -2 "$ONEIROS" report --kind weak --csv dreams
    [[ "$output" == *"--kind goes with --study only"* ]]
    run -2 "$ONEIROS" report --csv --study -o x dreams
    [[ "$output" == *"one of them"* ]]
    run -2 "$ONEIROS" report --csv -o x dreams killed
    [[ "$output" == *"-o takes the tables of one run"* ]]
    run -2 "$ONEIROS" report --study --kind neither -o x dreams
    [[ "$output" == *"none of strong, weak and auto"* ]]
}

@test "noise is shown as it was" {
    "$ONEIROS" dream -q "${tiny[@]}" -s frames.dream=false -s seed=3 -o of-noise noise:130x120:4
    run -0 "$ONEIROS" report of-noise
    data of-noise/report.html 'i["noise:130x120:4"]["beforeFrom"] == "source" and i["noise:130x120:4"]["thumbBefore"]'
}

@test "a page says what became of the run" {
    run -0 "$ONEIROS" report dreams
    [[ "$output" == *"dreams/report.html: 5 pictures, 1 failed, 0 stopped"* ]]
    data dreams/report.html 'len(d["images"]) == 5' 'd["run"]["complete"] and d["run"]["state"] == "complete" and d["run"]["inputs"] == 5' 'd["targets"] == ["mixed3", "mixed6"]' \
        'i["broken.png"]["status"] == "failed" and "HTML" in i["broken.png"]["error"] and not i["broken.png"]["thumbAfter"]' \
        'i["chelsea.png"]["status"] == "done" and i["chelsea.png"]["beforeFrom"] == "source"' \
        'all(i["coffee.png"][k].startswith("data:image/jpeg;base64,") for k in ("thumbBefore", "thumbAfter", "thumbCam"))' \
        'i["coffee.png"]["picture"] == "coffee/dream.png" and i["coffee.png"]["video"] and i["coffee.png"]["camVideo"]' \
        'len(d["curves"]["images"]) == 4 and d["curves"]["mean"]["octave"] == [0, 0, 1, 1] and d["curves"]["mean"]["step"] == [0, 1, 0, 1]' \
        'd["channels"][0]["layer"] == "mixed3" and len(d["channels"][0]["mean"]) == 12 and len(d["channels"][0]["images"][0]) == 8' \
        'all(low <= mean <= high and 0 <= top <= 1 for channels in d["channels"] for _, mean, low, high, top in channels["mean"])' \
        'd["set"]["pictures"] == 4 and len(d["set"]["maps"]) == 2 and any(row["metric"] == "psnr_after" and row["count"] == 4 for row in d["set"]["metrics"])' \
        '{"forward", "backward"} <= {row["phase"] for row in d["phases"][0]["rows"]}' 'd["run"]["weightsMd5"] and d["run"]["config"]'
}

# Every number of the tables is the one in run.h5, and each text; of a run that was killed, too.
@test "--csv: the tables hold what run.h5 does" {
    run -0 "$ONEIROS" report --csv dreams
    [[ "$output" == *"dreams: images.csv, steps.csv, metrics.csv, outliers.csv, importance.csv, faithfulness.csv, faithfulness_summary.csv"* ]]
    run -0 "$ONEIROS" report -q --csv -o tables/killed killed
    [ -z "$output" ]
    run -2 "$ONEIROS" report --csv -o tables/nothing photos
    [ ! -e tables/nothing ]
    /usr/bin/python3 - <<'END'
import csv, h5py, math

def check(path, rows, targets):
    names, *lines = csv.reader(open(path, encoding="utf-8", newline=""))
    assert len(lines) == len(rows), path
    for line, row in zip(lines, rows):
        values = dict(zip(names, line, strict=True))
        for name in row.dtype.names:
            for key, value in [(f"{name}.{t}", v) for t, v in zip(targets, row[name])] if row.dtype[name].shape else [(name, row[name])]:
                told = values.pop(key)
                if isinstance(value, bytes):
                    assert told == value.decode(), (path, key)
                elif name == "status":
                    assert told == ("done", "failed", "stopped")[value]
                else:
                    assert (told == "" and math.isnan(value)) or float(told) == value, (path, key, told, value)
        assert not values, values

for folder, tables in ("dreams", "dreams"), ("killed", "tables/killed"):
    run = h5py.File(f"{folder}/run.h5")
    targets = list(run["images"].attrs["targets"])
    check(f"{tables}/images.csv", run["images"], targets)
    check(f"{tables}/steps.csv", run["steps"], targets)
    if folder == "dreams":
        check("dreams/metrics.csv", run["summary/metrics"], targets)
        check("dreams/outliers.csv", run["summary/outliers"], targets)
        check("dreams/faithfulness.csv", run["faithfulness"], targets)
        check("dreams/faithfulness_summary.csv", run["summary/faithfulness"], targets)
        every = [row for t in targets for row in run[f"summary/importance/{t}"]]
        names, *lines = csv.reader(open("dreams/importance.csv", newline=""))
        assert names[:2] == ["target", "channel"] and len(lines) == len(every) == 2 * 768
        assert [float(line[3]) for line in lines] == [row["mean"] for row in every]
        assert [line[0] for line in lines] == [t for t in targets for _ in range(768)]
    else: # what a killed run has no /summary of
        assert len(list(csv.reader(open(f"{tables}/metrics.csv")))) > 10
END
}

@test "the page stands alone, and names are text in it" {
    "$ONEIROS" report -q dreams
    data dreams/report.html 'any("<script>alert(1)<!--" in name for name in i)'
    run ! grep -F 'alert(1)<!--' dreams/report.html
    run ! grep -E '(src|href)="?(https?:|//)' dreams/report.html
    grep -q 'Released under the MIT License' dreams/report.html
    [ "$(stat -c %s dreams/report.html)" -lt 24000000 ]
}

@test "before is the input only while it is the one that was dreamed of" {
    cp -r photos kept
    convert_to_grey='from PIL import Image; Image.open("photos/coffee.png").convert("L").save("photos/coffee.png")'
    /usr/bin/python3 -c "$convert_to_grey"
    rm photos/chelsea.png
    "$ONEIROS" report -q dreams
    cp kept/* photos
    data dreams/report.html 'i["coffee.png"]["beforeFrom"] == i["chelsea.png"]["beforeFrom"] == "video" and i["chelsea.png"]["thumbBefore"]' \
        'i["rocket.png"]["beforeFrom"] == "source"'
}

@test "a run that was killed has its page" {
    run -0 "$ONEIROS" report killed
    [[ "$output" == *"killed/report.html: 2 of 5 pictures"* ]]
    data killed/report.html 'not d["run"]["complete"] and d["run"]["state"] == "stopped" and d["run"]["inputs"] == 5' 'len(d["images"]) == 2' 'not d["phases"][0]["rows"]'
}

@test "an explanation shows its overview" {
    "$ONEIROS" explain -q -s input.resize=120 -s importance.samples=1 -s saliency.samples=1 -o why photos/rocket.png
    "$ONEIROS" report -q why
    data why/report.html 'i["rocket.png"]["picture"] == "rocket/overview.png" and i["rocket.png"]["thumbAfter"] and i["rocket.png"]["thumbBefore"]' \
        'd["curves"]["mean"]["position"] == []'
}

@test "several folders; one that is none does not keep the others from their page" {
    rm -f dreams/report.html
    mkdir -p empty
    run -3 "$ONEIROS" report empty dreams photos/broken.png
    [[ "$output" == *"empty/run.h5: No such file or directory; give the output folder"*"photos/broken.png: this is no run file"* ]]
    [ -s dreams/report.html ]
    run -2 "$ONEIROS" report empty
}

@test "a study of runs on shared cores says so, and never speaks of scaling" {
    local cores ranks runs=()
    cores=$(nproc)
    for ranks in 2 3 $((cores + 2)); do
        "$MPIEXEC" -n "$ranks" "$ONEIROS" dream -q "${tiny[@]}" -o "on-$ranks" photos/{chelsea,coffee,rocket}.png
        runs+=("on-$ranks")
    done
    run -0 --separate-stderr "$ONEIROS" report --study -o study "${runs[@]}"
    [[ "$output" == "# Times by number of ranks"*"oversubscribed: $((cores + 2)) ranks on $cores core"*"these times say nothing about scaling"* ]]
    [[ "$output" != *fficiency* && "$output" != *peed-up* ]]
    [ "$(grep -c '^| [0-9]' <<<"$output")" -eq 3 ]
    [ "$(wc -l <study/study.csv)" -eq 4 ]
    grep -q 'times.svg' study/study.md
    if command -v gnuplot; then grep -q '<svg' study/times.svg; fi
    run -2 "$ONEIROS" report --study -o study on-2 on-2/run.h5
    [[ "$output" == *"given twice"* ]]
    run -2 "$ONEIROS" report --study --kind weak -o study "${runs[@]}"
    [[ "$output" == *"all runs have the same work"* ]]
}

@test "runs that cannot be compared are refused" {
    "$ONEIROS" dream -q "${tiny[@]}" -o other -s seed=1 photos/chelsea.png
    run -2 "$ONEIROS" report --study -o study other on-2
    [[ "$output" == *"seed was"* ]]
    run -2 "$ONEIROS" report --study -o study killed
    [[ "$output" == *"its time says nothing"* ]]
}

@test "while a run goes on, after kill -9, and when it was gone on with" {
    # In steps enough to be looked at; killed once there is something to go on with.
    local long=(-s octaves.count=1 -s steps=300 -s input.resize=100 -s threads=1 -s checkpoint.seconds=1 -s frames.every=50) seen=0 try
    "$ONEIROS" dream -q "${long[@]}" -o live photos/{rocket,coffee,chelsea}.png &
    local dreaming=$!
    for try in $(seq 600); do
        if compgen -G 'live/checkpoints/*' >/dev/null && "$ONEIROS" report -q live && data live/report.html 'not d["run"]["complete"]' 'd["curves"]["mean"]["position"]' \
            'd["run"]["state"] == "running" and d["run"]["inputs"] == 3 and d["run"]["inHand"] == 1 and "process " in d["run"]["holder"]'; then
            seen=1
            break
        fi 2>/dev/null
        kill -0 "$dreaming" 2>/dev/null || break
        sleep 0.1
    done
    [ "$seen" -eq 1 ]
    kill -KILL "$dreaming"
    wait "$dreaming" || true
    "$ONEIROS" report -q live
    data live/report.html 'not d["run"]["complete"] and not d["run"]["resumed"]' 'd["run"]["state"] == "killed" and d["run"]["holder"] is None' 'not d["phases"][0]["rows"]'
    "$ONEIROS" dream -q "${long[@]}" -o live photos/{rocket,coffee,chelsea}.png
    "$ONEIROS" report -q live
    data live/report.html 'd["run"]["complete"] and d["run"]["resumed"]' 'len(d["images"]) == 3'
    run -2 "$ONEIROS" report --study -o study live
    [[ "$output" == *"the last session of several"* ]]
}
