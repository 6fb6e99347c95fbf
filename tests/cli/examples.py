#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every command and every piece of Python in README.md, docs and --help that a small picture is enough for runs as it stands: examples.py
ONEIROS MPIEXEC FOLDER DATA. Exit code 77 (skipped) without weights, h5py or pandas.

Commands find small pictures under the names that they have there, and few steps in the environment; srun is mpirun here. Python runs on a run
of each kind.
"""
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys

SOURCE = pathlib.Path(__file__).resolve().parents[2]
PAGES = [SOURCE / "README.md", *sorted((SOURCE / "docs").glob("*.md"))]
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
WEIGHTS = pathlib.Path(os.environ.get("ONEIROS_MODEL_PATH") or CACHE / "oneiros/inception_v3.h5")
FEW = {
    "ONEIROS_STEPS": "1",
    "ONEIROS_OCTAVES_COUNT": "2",
    "ONEIROS_OCTAVES_SCALE": "1.1",
    "ONEIROS_IMPORTANCE_SAMPLES": "2",
    "ONEIROS_SALIENCY_SAMPLES": "1",
    "OMP_NUM_THREADS": "1",
}
# What runs for long, asks for numbers of ranks that prove nothing more, or needs what is not here.
SHORTER = [
    (r"\bbench\b", "bench --size 96 --repeats 2"),
    (r"steps=40", "steps=2"),
    (r"importance\.samples=200", "importance.samples=2"),
    (r"(mpirun|srun) -n [4-9]\b", r"\1 -n 3"),
    (r"(\batlas\b.* )targets=\S+", r"\1targets=mixed4#12+45 -s atlas.size=75"),
    (r"for n in [0-9 ]+; do for repeat in [0-9 ]+;", "for n in 2 3; do for repeat in 1 2;"),
]
ELSEWHERE = r"inception_v3\.pth|tabby\.h5|quickstart|cmake|cpack|\$EDITOR|sbatch|slurm/|apt-get|tests/"
USAGE = r"\.\.\.|\bDIR\b|\bRUN\b|\[--"


def blocks(text):
    """Indented blocks and fenced ones: (language, text)."""
    for language, block in re.findall(r"^```(\w*)\n(.*?)^```", text, re.M | re.S):
        yield language, block
    plain = re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)
    for block in re.findall(r"(?:^    .*\n)+", plain, re.M):
        yield "", re.sub("^    ", "", block, flags=re.M)


def commands(text):
    """Of the shell, a line each, but for loops, which are one."""
    for language, block in blocks(text):
        if language not in ("", "sh", "bash"):
            continue
        block = re.sub(r" +# .*", "", block)
        loops = re.findall(r"^for .*?^done.*?$", block, re.M | re.S)
        for loop in loops:
            block = block.replace(loop, "")
            yield loop + block if "study/*" in block else loop
        lines = [] if any("study" in loop for loop in loops) else block.splitlines()
        yield from (line.removeprefix("$ ") for line in lines)


def is_ours(command):
    return re.search(r"\boneiros\b", command) and not re.search(ELSEWHERE, command) and not re.search(USAGE, command)


def examples_of_help(oneiros):
    for words in ([], ["dream"], ["explain"], ["atlas"], ["model"], ["bench"], ["report"]):
        help_text = subprocess.run([oneiros, *words, "--help"], check=True, stdout=subprocess.PIPE, encoding="utf-8").stdout
        found = re.search(r"^Examples:\n((?:  .*\n)+)", help_text, re.M)
        yield from (line[2:] for line in found[1].splitlines()) if found else ()


def make_pictures(place, data):
    """Everything that the examples name."""
    shutil.rmtree(place, ignore_errors=True)
    for folder in ("holiday", "photos", "build", "bin"):
        (place / folder).mkdir(parents=True)
    chelsea = data / "chelsea.png"
    for name, crop in (("photo.jpg", "0:0"), ("cat.jpg", "100:50"), ("flowers.jpg", "200:90"), ("face.png", "70:40"), ("huge.tif", "50:20"), ("photo.png", "0:0"), ("big.png", "20:0"),
                       ("photos/1.jpg", "30:10"), ("holiday/1.jpg", "10:10"),
                       ("holiday/2.jpg", "150:60")):
        subprocess.run(["ffmpeg", "-v", "error", "-i", chelsea, "-vf", f"crop=128:112:{crop}", place / name], check=True)
    for name in ("list.txt", "pictures.txt"):
        (place / name).write_text("holiday/1.jpg\n# a comment\nphoto.jpg\n")
    (place / "job.yaml").write_text("steps: 2\n")


def programs(place, oneiros, mpiexec):
    for name in ("bin/oneiros", "build/oneiros"):
        (place / name).symlink_to(oneiros)
    (place / "bin/mpirun").write_text(f'#!/bin/sh\nexec {shlex.quote(mpiexec)} "$@"\n')
    # srun [--mpi=...] [-n N]
    (place / "bin/srun").write_text(
        f'#!/bin/sh\nn=2\nwhile :; do case $1 in -n) n=$2; shift 2 ;; -*) shift ;; *) break ;; esac; done\nexec {shlex.quote(mpiexec)} -n "$n" "$@"\n')
    for name in ("mpirun", "srun"):
        (place / "bin" / name).chmod(0o755)


def run(command, place, oneiros, mpiexec):
    for pattern, other in SHORTER:
        command = re.sub(pattern, other, command)
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(f"{place}-pictures", place)
    programs(place, oneiros, mpiexec)
    environment = {**os.environ, **FEW, "PATH": f"{place}/bin:{os.environ['PATH']}", "SCRATCH": str(place), "ONEIROS_MODEL_PATH": str(WEIGHTS)}
    result = subprocess.run(["bash", "-euc", command], cwd=place, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8",
                            errors="replace", timeout=600)
    with_top = "objective=class" in command  # fetched weights are without
    fine = result.returncode == 2 and "set model.path to one, such as https://" in result.stdout if with_top else result.returncode == 0
    print(f"{'ok' if fine else 'FAILED'}: {command}")
    if not fine:
        print(f"exit code {result.returncode}\n{result.stdout}")
    return fine


def run_python(place, oneiros, mpiexec):
    """On a run of each kind what is of run.h5, on an explanation what is of that."""
    fine, count = True, 0
    snippets = [block for page in PAGES for language, block in blocks(page.read_text(encoding="utf-8"))
                if language == "python" or block.startswith("import ")]
    for kind in ("dream", "explain", "atlas"):
        targets = "-s targets=mixed4 " if kind == "atlas" else ""
        if not run(f"oneiros {kind} {targets}-o dreams photo.jpg holiday/", place, oneiros, mpiexec):
            return False, 0
        for snippet in snippets:
            explanation, atlas = '"explain.h5"' in snippet, '"atlas.h5"' in snippet
            if atlas != (kind == "atlas") or (explanation and kind == "dream"):
                continue
            folder = place if '"dreams/' in snippet else place / "dreams/photo" if explanation else place / "dreams"
            result = subprocess.run([sys.executable, "-X", "utf8", "-c", snippet], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                    encoding="utf-8")
            if result.returncode != 0:
                fine = False
                print(f"FAILED on a run of {kind}:\n{snippet}{result.stdout}")
            count += 1
    return fine, count


def main():
    oneiros, mpiexec, place, data = sys.argv[1:]
    place, data = pathlib.Path(place).resolve(), pathlib.Path(data)
    found = [command for page in PAGES for command in commands(page.read_text(encoding="utf-8")) if is_ours(command)]
    found = list(dict.fromkeys([*found, *examples_of_help(oneiros)]))
    assert len(found) >= 15, found
    make_pictures(pathlib.Path(f"{place}-pictures"), data)
    fine = all([run(command, place, oneiros, mpiexec) for command in found])
    well, count = run_python(place, oneiros, mpiexec)
    print(f"{len(found)} commands, Python {count} times")
    assert count >= 8
    for folder in (place, f"{place}-pictures"):
        shutil.rmtree(folder, ignore_errors=True)
    sys.exit(not (fine and well))


if not WEIGHTS.exists():
    print(f"skipped: no weights at {WEIGHTS}")
    sys.exit(77)
try:
    import h5py
    import pandas
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)
main()
