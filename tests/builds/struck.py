# SPDX-License-Identifier: MIT
"""Dreams that are killed or stopped in the middle and gone on with."""
import os
import pathlib
import shutil
import signal
import time

import same_run
from launcher import ranks_of
from runs import DREAM, HANG, PHOTOS, SMALL, TILES, compare_folders, compare_run, difference_of, files_of, kind_of, settings

TRIES = 6  # of a signal that found the run at its end
LONG = ("steps=60", "checkpoint.seconds=0.05", "team.size=1")
DREAMS = {"f32, whole": (*SMALL, *LONG, "precision=f32"),
          "bf16, tiles, teams of 2": (*SMALL, *LONG, "precision=bf16", *TILES, "steps=40", "team.size=2")}


# Moments. `seen`: what was there at earlier looks.
def checkpoint(output, seen):
    return any((output / "checkpoints").glob("?" * 32))


def third_checkpoint(output, seen):
    for path in (output / "checkpoints").glob("?" * 32):
        try:
            seen.add((path, path.stat().st_mtime_ns))
        except OSError:
            pass  # its dream is done
    return len(seen) >= 3


def dream_and_checkpoint(output, seen):
    return checkpoint(output, seen) and any(output.glob("*/dream.png"))


# What is dreamed, io, ranks, who gets the signal (-1: mpirun, or the only process), the signal, when.
QUICK = [("f32, whole", "coordinator", 3, 2, signal.SIGKILL, checkpoint),
         ("f32, whole", "coordinator", 1, -1, signal.SIGTERM, third_checkpoint),
         ("f32, whole", "workers", 3, -1, signal.SIGUSR1, dream_and_checkpoint)]
MORE = [("f32, whole", "coordinator", 5, 0, signal.SIGKILL, dream_and_checkpoint),
        ("f32, whole", "coordinator", 3, -1, signal.SIGKILL, third_checkpoint),
        ("f32, whole", "coordinator", 1, -1, signal.SIGKILL, dream_and_checkpoint),
        ("f32, whole", "workers", 3, 1, signal.SIGKILL, third_checkpoint),
        ("f32, whole", "workers", 5, 0, signal.SIGKILL, checkpoint),
        ("bf16, tiles, teams of 2", "coordinator", 3, 1, signal.SIGKILL, third_checkpoint),
        ("bf16, tiles, teams of 2", "coordinator", 5, -1, signal.SIGUSR1, checkpoint),
        ("bf16, tiles, teams of 2", "coordinator", 1, -1, signal.SIGKILL, third_checkpoint)]


def runs(process):
    try:
        return pathlib.Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def outlive(members):
    """Waits for ranks whose mpirun was killed; none may write when the next run begins."""
    end = time.monotonic() + HANG
    while any(map(runs, members)):
        time.sleep(0.01)
        if time.monotonic() > end:
            raise SystemExit(f"ranks {members} are still there")


def strike(build, arguments, ranks, victim, number, moment):
    """Whether the signal ended a run that had begun and was not done."""
    output, seen = build.folder / "out", set()
    shutil.rmtree(output, ignore_errors=True)
    with open(build.folder / "log", "w") as log:
        process = build.start(arguments, ranks, stdout=log, stderr=log)
        while process.poll() is None and not moment(output, seen):
            time.sleep(0.002)
        members = ranks_of(process.pid) if ranks > 1 else []
        if process.poll() is None and (victim < 0 or len(members) == ranks):
            try:
                os.kill(process.pid if victim < 0 else members[victim], number)
            except ProcessLookupError:
                pass
        code = process.wait(HANG)
        outlive(members)
    return (code != 0 if number == signal.SIGKILL else code == 75) and checkpoint(output, seen)


def compare_struck(builds, verdict, title, arguments, ranks, victim, number, moment, known):
    """Each build's struck run, gone on with, against one of OLD that was not struck: no moment comes twice."""
    left = []
    for build in builds:
        tries = 1
        while tries <= TRIES and not strike(build, arguments, ranks, victim, number, moment):
            tries += 1
        log = (build.folder / "log").read_text(errors="replace")
        verdict.say(f"{title}: {build.name} is struck{f', at try {tries}' if 1 < tries <= TRIES else ''}",
                    f"not in {TRIES} tries: {log[-300:]}" if tries > TRIES else "")
        left.append(sorted({kind_of(path) for path in files_of(build.folder / "out")} - set(DREAM)))
        code, _, error = build.run([arguments[0], "-v", "--resume", *arguments[1:]], ranks)
        resumed = code == 0 and "going on with the run in out" in error and "goes on in octave" in error
        verdict.say(f"{title}: {build.name} goes on where it was", "" if resumed else f"exit code {code}: {error[-300:]}")
        compare_folders(verdict, f"{title}: {build.name}, beside one that was not", known, build.folder / "out", DREAM, layout=False)
    if number != signal.SIGKILL:
        verdict.text(f"{title}: kinds of files besides, when stopped", *map("\n".join, left))
    what = difference_of(*(build.folder / "out" / "run.h5" for build in builds), same_run.compare_layout)
    verdict.say(f"{title}: layout of run.h5", what)


def compare_resumed(builds, verdict, quick):
    known = {}
    for name, io, ranks, victim, number, moment in QUICK if quick else QUICK + MORE:
        if name not in known:
            known[name] = compare_run(builds, verdict, f"ranks 3, {name}, to be struck", ["dream", *settings(*DREAMS[name]), *PHOTOS], 3,
                                      output=f"known-{len(known)}")
        whom = f"rank {victim}" if victim >= 0 else "mpirun" if ranks > 1 else "the process"
        compare_struck(builds, verdict, f"ranks {ranks}, {name}, io {io}, {number.name} to {whom} at {moment.__name__.replace('_', ' ')}",
                       ["dream", *settings(*DREAMS[name], f"io={io}"), "-o", "out", *PHOTOS], ranks, victim, number, moment, known[name])
