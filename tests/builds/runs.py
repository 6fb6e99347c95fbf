# SPDX-License-Identifier: MIT
"""Runs of two builds, and whether what they leave and say is the same."""
import difflib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

import launcher
import same_run

HANG = 300  # seconds; a run takes a few
PHOTOS = tuple(f"../in/{name}.png" for name in ("chelsea", "coffee", "rocket"))
SMALL = ("input.resize=100", "octaves.count=2", "steps=3", "jitter=16", "threads=1", "plan=off")
TILES = ("tile.size=96", "tile.halo=16", "tile.blend=8")
DREAM = ("dream.png", "dream.mp4", "cam.mp4", "cam.png", "run.h5")  # kinds of files (kind_of)


class Build:
    """A program and the folder that it is started in, beside that of the inputs: both builds get the same arguments."""

    def __init__(self, name, program, work):
        self.name, self.program, self.folder = name, str(pathlib.Path(program).resolve()), work / name
        self.folder.mkdir()
        cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache"))
        self.weights = os.environ.get("ONEIROS_MODEL_PATH", str(cache / "oneiros" / "inception_v3.h5"))
        self.environment = {key: value for key, value in os.environ.items() if not key.startswith(("ONEIROS_", "SLURM_"))}
        self.environment |= launcher.ENVIRONMENT
        self.environment |= {"OMP_WAIT_POLICY": "PASSIVE", "ONEIROS_MODEL_PATH": self.weights, "XDG_CACHE_HOME": str(work / "cache")}

    def start(self, arguments, ranks=1, environment=(), **streams):
        mpirun = ["mpirun", "-n", str(ranks)] if ranks > 1 else []
        return subprocess.Popen([*mpirun, self.program, *arguments], cwd=self.folder, env=self.environment | dict(environment),
                                stdin=subprocess.DEVNULL, text=True, errors="replace", **streams)

    def run(self, arguments, ranks=1, environment=()):
        """Exit code, standard output, standard error."""
        process = self.start(arguments, ranks, environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            out, error = process.communicate(timeout=HANG)
        except subprocess.TimeoutExpired:
            process.kill()
            sys.exit(f"{self.name}: no end after {HANG} s: {' '.join(arguments)}")
        return process.returncode, *(text.replace(self.program, "oneiros") for text in (out, error))

    def plan(self, name, *more):
        """The run file of a run with a plan that is timed now, for --plan."""
        code, _, error = self.run(["dream", "-o", f"../{name}", *settings("steps=1", "plan=auto", *more), PHOTOS[0]])
        if code != 0:
            sys.exit(f"{self.name} made no plan: {error}")
        return f"../{name}/run.h5"


class Verdict:
    """What was compared, a line each."""

    def __init__(self):
        self.count = self.different = 0
        self.start = time.monotonic()

    def say(self, title, difference="", counts=True):
        """`difference`: what it is, if there is one."""
        self.count += 1
        self.different += bool(difference) and counts
        word = "DIFFERENT" if difference and counts else "noted" if difference else "ok"
        print(f"{word:9}  {title}{': ' + ' '.join(difference.split()) if difference else ''}", flush=True)

    def text(self, title, old, new):
        lines = difflib.unified_diff(old.splitlines(keepends=True), new.splitlines(keepends=True), n=0)
        changed = [line for line in list(lines)[2:] if not line.startswith("@@")]
        self.say(title, f"{len(changed)} lines, {' | '.join(changed[:3])}" if changed else "")

    def codes(self, title, said, code):
        """Exit codes of what both `said`. Whether they are right."""
        wrong = [error or out for got, out, error in said if got != code]
        self.say(title, f"{said[0][0]} and {said[1][0]}, not {code}: {wrong[0][-500:]}" if wrong else "")
        return not wrong

    def summary(self):
        print(f"{self.count} comparisons in {time.monotonic() - self.start:.0f} s: "
              f"{f'{self.different} DIFFERENT' if self.different else 'all the same'}")


def settings(*pairs):
    return [word for pair in pairs for word in ("-s", pair)]


def kind_of(path):
    """Of a file of a run: what stands in a line for all of its like."""
    if path.parent.name in ("dream", "cam"):
        return "frames"
    if path.parent.name == "checkpoints":
        return "checkpoint"
    return "pictures" if path.suffix == ".png" and path.stem not in ("dream", "cam", "overview", "dream.partial") else path.name


def files_of(folder):
    return {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}


def difference_of(old, new, comparison=None):
    """What differs between two files: in their bytes, or by a comparison of same_run.py."""
    try:
        if comparison:
            same_run.compare_files(old, new, comparison)
        elif old.read_bytes() != new.read_bytes():
            return "other bytes"
    except same_run.Different as difference:
        return str(difference)
    except (KeyError, OSError, ValueError) as error:
        return f"cannot be compared: {error}"
    return ""


def comparisons_of(kind, layout):
    """What is said of it, and how: of HDF5 the rows, since places in the file and times are of the session."""
    if not kind.endswith(".h5"):
        return [("", None)]
    if kind == "explain.h5":
        return [("rows of ", same_run.compare_explained), ("layout of ", same_run.compare_layout)]
    return [("rows of ", same_run.compare)] + layout * [("layout of ", same_run.compare_layout), ("phases in ", same_run.compare_phases)]


def compare_folders(verdict, title, old, new, makes, layout=True):
    """Each kind of file of two runs. `makes`: the kinds that must be there."""
    files = files_of(old), files_of(new)
    apart = sorted(map(str, files[0] ^ files[1]))
    missing = sorted(set(makes) - {kind_of(path) for path in files[0]})
    verdict.say(f"{title}: files", f"only one made {' '.join(apart)}" if apart else f"both lack {' '.join(missing)}" if missing else "")
    both = sorted(files[0] & files[1])
    for kind in sorted({kind_of(path) for path in both}):
        paths = [path for path in both if kind_of(path) == kind]
        for words, comparison in comparisons_of(kind, layout):
            found = [f"{path}: {what}" for path in paths if (what := difference_of(old / path, new / path, comparison))]
            verdict.say(f"{title}: {words}{kind}{f' ({len(paths)})' if len(paths) > 1 else ''}",
                        f"{len(found)} of {len(paths)}, {'; '.join(found[:3])}" if found else "", comparison != same_run.compare_phases)


def spoken(text):
    """What a run says, but for times and their table, memory, progress on the way, and which rank came first."""
    lines = []
    for line in text.splitlines():
        line = re.sub(r" in \S+ \([\d.]+ images/\w+\)|[\d.]+ (s|GiB)\b|\brank \d+|\bfrom \d+ on", "*", line)
        if not re.match(r"  |oneiros: (\d+%: )?\d+(/\d+| images)(, |$)", line):
            lines.append(line)
    return "\n".join(sorted(lines))


def compare_run(builds, verdict, title, arguments, ranks=1, code=0, makes=DREAM, output="out"):
    """The same run by both, and all that comes of it. Where OLD's is."""
    said = []
    for build in builds:
        shutil.rmtree(build.folder / output, ignore_errors=True)
        said.append(build.run([arguments[0], "-o", output, *arguments[1:]], ranks))
    verdict.codes(f"{title}: exit code", said, code)
    verdict.text(f"{title}: what it says", *(spoken(error) for _, _, error in said))
    compare_folders(verdict, title, *(build.folder / output for build in builds), makes)
    return builds[0].folder / output
