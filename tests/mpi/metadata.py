#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""metadata.py ONEIROS MPIEXEC FOLDER PICTURE...

Counts with strace what is asked of a file system's metadata, since on a parallel one each such call is a message to a server that all ranks
share: runs of 4 and of 8 pictures, on one process and on two ranks. The calls a picture must be as many in both, and no more than are stated
here; no call lists a folder that grows with the set; nothing is synced twice. run.h5 and the lock are left out: they are written as time
passes, not a picture."""
import collections
import os
import pathlib
import re
import shutil
import subprocess
import sys

FEW, MANY = 4, 8
STILL, FILMED, DONE = 13, 33, 6  # calls a picture: without videos, with both, and one that is done already
SYNCS = {"still": 2, "filmed": 5, "done": 0}
CALL = re.compile(r"^(?:\d+ )?(\w+)\((.*)\) += +(-?\d+)")
SETTINGS = ("octaves.count=1 steps=2 threads=1 targets=conv2d_2 gradient_above=input plan=off input.resize=80").split()


class Runs:
    def __init__(self, oneiros, launcher, folder, pictures):
        self.folder = pathlib.Path(folder).resolve()
        self.command = [oneiros, "dream", "-q", *[part for setting in SETTINGS for part in ("-s", setting)]]
        self.launcher = launcher
        shutil.rmtree(self.folder, ignore_errors=True)
        for count in (FEW, MANY):
            (self.folder / f"in-{count}").mkdir(parents=True)
            for i in range(count):
                picture = pathlib.Path(pictures[i % len(pictures)]).read_bytes() + bytes([i])  # none is equal to another
                (self.folder / f"in-{count}" / f"picture-{i}.png").write_bytes(picture)
        os.chdir(self.folder)

    def start(self, out, inputs, ranks, arguments, *wrapper):
        done = subprocess.run([self.launcher, "-n", str(ranks), *wrapper, *self.command, *arguments, "-o", out, *inputs],
                              capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"{out}: exit code {done.returncode}\n{done.stderr}")

    def calls(self, name, count, ranks, arguments):
        """[(call, arguments)] on the inputs and what comes of them, of all ranks."""
        out, trace = f"{name}-{count}", pathlib.Path(f"trace-{name}-{count}")
        trace.mkdir(exist_ok=True)
        for old in trace.iterdir():
            old.unlink()
        inputs = sorted(str(path) for path in pathlib.Path(f"in-{count}").iterdir())
        self.start(out, inputs, ranks, arguments, "strace", "-ff", "-y", "-e", "trace=%file,getdents64,fsync,fdatasync,fstat,newfstatat,statx",
                   "-o", str(trace / "rank"))
        found = []
        for file in trace.iterdir():
            for line in file.read_text(errors="replace").splitlines():
                match = CALL.match(line)
                if match and match[1] != "execve" and re.search(rf'\b({out}|in-{count})(/|"|>)', match[2]):
                    found.append((match[1], match[2]))
        return found


def a_picture(runs, name, ranks, arguments, most, before=None):
    counts, syncs = [], []
    for count in (FEW, MANY):
        if before:
            before(count)
        calls = runs.calls(name, count, ranks, arguments)
        root = re.compile(rf"<[^>]*/{name}-{count}>")
        for call, text in calls:
            if call == "getdents64" and root.search(text):
                sys.exit(f"{name}: the output folder is listed")
        calls = [(call, text) for call, text in calls if not re.search(r"/(run\.h5|\.oneiros\.lock|\.nameless)", text)]
        counts.append(collections.Counter(call for call, _ in calls))
        syncs.append([text for call, text in calls if call in ("fsync", "fdatasync")])
        twice = [text for text, times in collections.Counter(syncs[-1]).items() if times > 1 and not re.search(rf"/{name}-{count}>", text)]
        if twice:
            sys.exit(f"{name}: synced twice: {twice}")
    more = counts[1] - counts[0]
    less = counts[0] - counts[1]
    each = (sum(more.values()) - sum(less.values())) / (MANY - FEW)
    print(f"{name}: {each:g} calls a picture ({', '.join(f'{call} {times / (MANY - FEW):g}' for call, times in sorted(more.items()))})")
    if each != int(each) or each > most:
        sys.exit(f"{name}: {each:g} calls a picture, where {most} are allowed")
    synced = (len(syncs[1]) - len(syncs[0])) / (MANY - FEW)
    return synced


def main():
    runs = Runs(*sys.argv[1:4], sys.argv[4:])
    still = ("-s", "frames.dream=false", "-s", "frames.cam=false")
    for ranks, io in ((1, "coordinator"), (2, "coordinator"), (2, "workers")):
        where = f"{ranks}-{io}"
        for name, arguments, most in (("still", still, STILL), ("filmed", (), FILMED)):
            synced = a_picture(runs, f"{name}-{where}", ranks, (*arguments, "-s", f"io={io}"), most)
            if synced != SYNCS[name]:
                sys.exit(f"{name} on {where}: {synced:g} syncs a picture, not {SYNCS[name]}")

    def begin(count):
        """All but the last picture are done before the run that is counted."""
        inputs = sorted(str(path) for path in pathlib.Path(f"in-{count}").iterdir())
        runs.start(f"done-{count}", inputs, 1, still)
        shutil.rmtree(f"done-{count}/picture-{count - 1}")

    if a_picture(runs, "done", 1, still, DONE, begin) != SYNCS["done"]:
        sys.exit("done: what is done is synced again")


if __name__ == "__main__":
    if subprocess.run(["strace", "-o", "/dev/null", "true"], check=False, stderr=subprocess.DEVNULL).returncode != 0:
        print("strace may not trace here")
        sys.exit(77)
    main()
