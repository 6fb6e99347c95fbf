#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""power_cut.py ONEIROS MPIEXEC FOLDER PICTURE...

A run is traced with strace: everything that it does to its output folder. From that the folder is built as a power cut would leave it at
moments spread over the run, as four kinds of file systems may:

  ordered   all calls until then, in their order
  journal   names in their order up to the last sync of anything; of each file what was synced
  strict    of each folder the names that it had when it was synced itself; of each file what was synced
  torn      names up to the last sync and some more, in their order; of each file what was synced, and any of the pages (of 4096 bytes) that were
            written since

A write to a file opened with O_DSYNC is a sync of these bytes; the call under way at the moment may have happened in part. Each time run.h5
must be one that h5py reads, its rows those of the whole run from the first on, as many as were there when it was last closed; every other file
with a final name must be what the whole run has under it, and for some the same command must end with the same files.

And what a reader may see of run.h5 by way of another machine, where pages come in any order (NFS): pages of now and of when it was last closed,
mixed. `oneiros report` must make a page of it or say in one line that it cannot."""
import io
import os
import pathlib
import random
import shutil
import subprocess
import sys
import time

import h5py
import numpy

MOMENTS, RESUMED = 30, 5
AGO = 60  # seconds from a power cut to the next run
PAGE = 4096
CALLS = ("openat,creat,close,dup2,dup3,write,pwrite64,lseek,ftruncate,fallocate,rename,renameat,renameat2,unlink,unlinkat,mkdir,mkdirat,rmdir,"
         "fsync,fdatasync").split(",")
SETTINGS = ("octaves.count=2 steps=12 jitter=8 threads=1 input.resize=100 targets=conv2d_3:1,conv2d_1:0.1 cam.layer=conv2d_1 gradient_above=input "
            "frames.every=1 plan=off checkpoint.seconds=0.3").split()


class Inode:
    def __init__(self):
        self.now, self.disk = bytearray(), bytearray()

    def write(self, at, data, synced):
        for bytes_there in (self.now, self.disk) if synced else (self.now,):
            bytes_there.extend(bytes(max(0, at + len(data) - len(bytes_there))))
            bytes_there[at : at + len(data)] = data

    def resize(self, size):
        del self.now[size:]
        self.now.extend(bytes(size - len(self.now)))

    def torn(self, dice):
        """What was synced, and some of the pages written since."""
        found = bytearray(self.disk)
        size = dice.choice((len(self.disk), len(self.now)))
        del found[size:]
        found.extend(bytes(size - len(found)))
        for at in range(0, min(size, len(self.now)), PAGE):
            if dice.random() < 0.5:
                found[at : at + PAGE] = self.now[at : min(at + PAGE, size)]
        return found


class Disk:
    """The output folder; FOLDER stands for a folder among the names."""

    FOLDER = object()

    def __init__(self, root):
        self.root, self.names = root, {}
        self.name_calls, self.synced_calls = [], 0  # functions of names; how many of them are on the disk
        self.synced_folders = {}  # as each was when it was synced
        self.open = {}  # descriptor: [inode or path of a folder, end of the last write, synced with each write]
        self.closed = None  # run.h5 as it was when it was last closed after a write through

    def path(self, text):
        """Relative to the output folder; None: elsewhere."""
        path = os.path.normpath(os.path.join(os.getcwd(), bytes.fromhex(text.replace("\\x", "")).decode()))
        return os.path.relpath(path, self.root) if path == self.root or path.startswith(self.root + "/") else None

    def rename(self, call):
        self.name_calls.append(call)
        call(self.names)

    def sync(self, what):
        self.synced_calls = len(self.name_calls)
        if isinstance(what, Inode):
            what.disk = bytearray(what.now)
        else:
            self.synced_folders[what] = {name: inode for name, inode in self.names.items() if os.path.dirname(name) == what.replace(".", "")}

    def call(self, name, texts, numbers, flags, result):
        """Whether it was one of this folder."""
        if name in ("openat", "creat"):
            path = self.path(texts[0])
            if path is None:
                return False
            if "O_CREAT" in flags and path not in self.names:
                inode = Inode()
                self.rename(lambda names: names.__setitem__(path, inode))
            what = self.names.get(path, Disk.FOLDER) if path != "." else Disk.FOLDER
            if "O_TRUNC" in flags:
                what.resize(0)
            self.open[result] = [path if what is Disk.FOLDER else what, 0, "O_DSYNC" in flags]
        elif name.startswith(("rename", "unlink", "mkdir", "rmdir")):
            paths = [self.path(text) for text in texts]
            if paths[0] is None:
                return False
            if name.startswith("rename"):
                self.rename(lambda names: names.__setitem__(paths[1], names.pop(paths[0], None)))
            elif name.startswith("mkdir"):
                if paths[0] != ".":
                    self.rename(lambda names: names.__setitem__(paths[0], Disk.FOLDER))
            else:
                self.rename(lambda names: names.pop(paths[0], None))
        elif numbers and numbers[0] in self.open:
            self.descriptor_call(name, numbers, texts, result)
        else:
            return False
        return True

    def descriptor_call(self, name, numbers, texts, result):
        what, position, synced = file = self.open[numbers[0]]
        if name == "close":
            if synced and position and what is self.names.get("run.h5"):
                self.closed = bytes(what.now)
            del self.open[numbers[0]]
        elif name.startswith("dup"):
            self.open[numbers[1]] = list(file)
        elif name in ("write", "pwrite64"):
            data = bytes.fromhex(texts[0].replace("\\x", ""))[:result]
            at = numbers[-1] if name == "pwrite64" else position
            what.write(at, data, synced)
            file[1] = at + result
            self.synced_calls = len(self.name_calls) if synced else self.synced_calls
        elif name == "lseek":
            file[1] = result
        elif name == "ftruncate":
            what.resize(numbers[1])
        elif name == "fallocate":
            what.resize(max(len(what.now), numbers[2] + numbers[3]))
        elif name in ("fsync", "fdatasync"):
            self.sync(what)

    def left(self, kind, dice):
        """What a power cut leaves: {name: bytes, or FOLDER}."""
        if kind == "strict":
            names = {}
            for folder in (".", *(name for name in self.names)):  # those above come before those in them
                if folder == "." or names.get(folder) is Disk.FOLDER:
                    names.update(self.synced_folders.get(folder, {}))
        else:
            count = {"ordered": len(self.name_calls), "journal": self.synced_calls}.get(kind)
            names = {}
            for call in self.name_calls[: dice.randint(self.synced_calls, len(self.name_calls)) if count is None else count]:
                call(names)
        contents = {"ordered": lambda inode: inode.now, "torn": lambda inode: inode.torn(dice)}.get(kind, lambda inode: inode.disk)
        return {name: inode if inode is Disk.FOLDER else bytes(contents(inode)) for name, inode in names.items() if inode is not None}


def fail(message):
    sys.exit(f"power_cut: {message}")


def trace_calls(folder):
    """All calls of the traced run, in the order in which they ended: (name, strings, numbers, flags, result)."""
    calls = []
    for trace in folder.glob("trace.*"):
        with open(trace, encoding="ascii") as lines:
            for line in lines:
                start, _, rest = line.partition(" ")
                head, _, tail = rest.rpartition(" = ")
                name, _, arguments = head.rstrip().removesuffix(")").partition("(")
                result = tail.split()[0] if tail else "?"
                if name not in CALLS or not result.isdigit():
                    continue
                parts = arguments.split('"')
                plain = ",".join(parts[0::2]).replace(" ", "").split(",")
                numbers = [int(part) for part in plain if part.lstrip("-").isdigit()]
                calls.append((float(start) + float(tail[tail.index("<") + 1 : tail.index(">")]), len(calls),
                              (name, parts[1::2], numbers, " ".join(plain), int(result))))
    return [call for _, _, call in sorted(calls)]


def tables(data, swmr):
    """{dataset: rows}, of a run.h5 in memory."""
    found = {}
    with open("look.h5", "wb") as file:
        file.write(data)
    with h5py.File("look.h5", "r", libver="latest", swmr=swmr) as file:
        file.visititems(lambda name, item: found.__setitem__(name, item[()]) if isinstance(item, h5py.Dataset) else None)
    return found


def same_rows(a, b):
    return a.dtype == b.dtype and all(numpy.array_equal(a[name], b[name], equal_nan=a[name].dtype.kind == "f") for name in a.dtype.names) \
        if a.dtype.names else numpy.array_equal(a, b, equal_nan=True)


class Cuts:
    def __init__(self, oneiros, launcher, folder, pictures):
        self.folder = pathlib.Path(folder).resolve()
        self.command = [oneiros, "dream", "-q", *[part for setting in SETTINGS for part in ("-s", setting)]]
        self.launcher, self.pictures = launcher, [os.path.abspath(picture) for picture in pictures]
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        os.chdir(self.folder)

    def run(self, out, *wrapper):
        done = subprocess.run([self.launcher, "-n", "1", *wrapper, *self.command, "-o", str(self.folder / out), *self.pictures],
                              capture_output=True, text=True)
        if done.returncode != 0:
            fail(f"{out}: exit code {done.returncode}\n{done.stderr}")
        return done.stderr

    def traced(self):
        self.run("out", "strace", "-ff", "-ttt", "-T", "-xx", "-s", str(1 << 24), "-e", "trace=" + ",".join(CALLS), "-o", str(self.folder / "trace"))
        self.whole = {str(path.relative_to("out")): path.read_bytes() for path in pathlib.Path("out").rglob("*") if path.is_file()}
        self.rows = tables(self.whole["run.h5"], False)
        return trace_calls(self.folder)

    def check(self, disk, left, what):
        for name, data in left.items():
            known = self.whole.get(name)
            if data is not Disk.FOLDER and known is not None and name != "run.h5" and data != known:
                fail(f"{what}: {name} is not whole")
        if "run.h5" not in left:
            if disk.closed:
                fail(f"{what}: no run.h5")
            return ()
        try:
            found = tables(left["run.h5"], True)
        except Exception as error:  # whatever HDF5 says
            fail(f"{what}: run.h5 cannot be read: {error}")
        least = tables(disk.closed, True) if disk.closed else {}
        for name, rows in self.rows.items():
            if not same_rows(found[name], rows[: len(found[name])]):
                fail(f"{what}: rows of /{name} are not those of the run")
            if len(found[name]) < len(least.get(name, ())):
                fail(f"{what}: {len(found[name])} rows of /{name}, where {len(least[name])} were there before")
        return tuple(len(rows) for rows in found.values())

    def report(self, data, what):
        """Whether it made a page."""
        folder = pathlib.Path("seen")
        folder.mkdir(exist_ok=True)
        (folder / "run.h5").write_bytes(data)
        done = subprocess.run([self.command[0], "report", "-q", folder], capture_output=True, text=True, timeout=60)
        if done.returncode not in (0, 2) or (done.returncode == 2 and len(done.stderr.splitlines()) != 1):
            fail(f"{what}: report: exit code {done.returncode}\n{done.stderr}")
        return done.returncode == 0

    def resume(self, left, what):
        out = pathlib.Path("again")
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir()
        for name, data in left.items():
            path = out / name
            path.mkdir(parents=True, exist_ok=True) if data is Disk.FOLDER else path.write_bytes(data)
            os.utime(path, (time.time() - AGO,) * 2)
        said = self.run(out)
        made = {str(path.relative_to(out)): path for path in out.rglob("*") if path.is_file()}
        if made.keys() != self.whole.keys():
            fail(f"{what}: other files: {set(made) ^ set(self.whole)}\n{said}")
        for name, path in made.items():
            if name != "run.h5" and path.read_bytes() != self.whole[name]:
                fail(f"{what}: {name} differs\n{said}")
        same = subprocess.run(["/usr/bin/python3", pathlib.Path(__file__).parent / "same_run.py", "out/run.h5", out / "run.h5"],
                              capture_output=True, text=True)
        if same.returncode != 0:
            fail(f"{what}: {same.stdout}{same.stderr}{said}")
        return said


def mixed(before, now, dice):
    """Any of the pages of two states."""
    pages = [dice.choice((before, now))[at : at + PAGE] for at in range(0, len(now), PAGE)]
    return b"".join(pages)


def main():
    cuts = Cuts(sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:])
    seed = int(os.environ.get("POWER_CUT_SEED", random.randrange(1 << 20)))
    dice = random.Random(seed)
    print("POWER_CUT_SEED", seed)
    disk = Disk(str(cuts.folder / "out"))
    calls = [call for call in cuts.traced() if disk.call(*call)]
    disk = Disk(str(cuts.folder / "out"))
    moments = set(dice.sample(range(len(calls)), MOMENTS))
    resumed = set(dice.sample(sorted(moments), RESUMED))
    sizes, pages, looks = [], 0, 0
    for i, call in enumerate(calls):
        disk.call(*call)
        for kind in ("ordered", "journal", "strict", "torn") if i in moments else ():
            left = disk.left(kind, dice)
            what = f"{kind} after call {i} of {len(calls)}"
            sizes.append(cuts.check(disk, left, what))
        if i in moments and disk.closed:
            pages += cuts.report(mixed(disk.closed, bytes(disk.names["run.h5"].now), dice), f"mixed at call {i}")
            looks += 1
        if i in resumed:
            kind = dice.choice(("journal", "strict", "torn"))
            cuts.resume(disk.left(kind, dice), f"{kind} after call {i} of {len(calls)}")
    different = len(set(sizes))
    print(f"{len(calls)} calls, {len(sizes)} folders as power cuts leave them, with {different} states of run.h5; {len(resumed)} gone on with; "
          f"{pages} pages of {looks} files seen in no order")
    if {name: bytes(inode.now) for name, inode in disk.names.items() if isinstance(inode, Inode)} != cuts.whole:
        fail("the trace does not explain the folder")
    if different < 4:
        fail("run.h5 was written too seldom to tell")


if __name__ == "__main__":
    main()
