#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""strike.py ONEIROS STRIKE FOLDER PICTURE LAUNCHER [OPTION]...

A rank that ends by SIGKILL or crashes, at any of twenty moments from its first instruction to its first job, under mpirun or srun: all others are
gone within ten seconds, not counting those in which one of them waits for a disk in the kernel, where no signal reaches it (mpiexec was seen to do so for
ten seconds beside programs that kept the disk busy). Moments are spread over the processor time that the rank uses until then (strike.c, the library
STRIKE)."""
import os
import pathlib
import resource
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

RANKS, MOMENTS, ENOUGH = 3, 20, 16
AT_A_TIME = 3  # launches: most of the time they wait for each other to end
AT_ONCE = 10  # seconds; on a machine so busy that a short run takes longer than that: as long
SIGNALS = (signal.SIGKILL, signal.SIGSEGV)


def state(process):
    """Its name, whether it runs (R), sleeps (S) or waits for a disk (D), and where in the kernel."""
    entry = pathlib.Path("/proc", str(process))
    try:
        name, letter = (entry / "stat").read_text().split(" ", 3)[1:3]
        return f"{name} {letter} {(entry / 'wchan').read_text()}"
    except OSError:
        return "gone by now"


class Launches:
    def __init__(self, oneiros, library, folder, picture, *launcher):
        self.launcher, self.library, self.folder = launcher, library, pathlib.Path(folder).resolve()
        self.command = [oneiros, "dream", "-s", "octaves.count=1", "-s", "input.resize=100", "-s", "threads=1", picture]

    def start(self, name, wrapper, *arguments):
        log = open(self.folder / f"{name}.log", "wb")
        return subprocess.Popen([*self.launcher, "-n", str(RANKS), *wrapper, *self.command, *arguments, "-o", str(self.folder / name)],
                                stdout=log, stderr=log)

    def known(self):
        """Seconds that a run of a single step takes, and milliseconds of processor time of each rank."""
        started = time.monotonic()
        times = f'"$@" && times >{self.folder}/times.${{OMPI_COMM_WORLD_RANK-${{PMIX_RANK-$PMI_RANK}}}}'
        if self.start("known", ["sh", "-c", times, "sh"], "-s", "steps=1").wait() != 0:
            self.fail("known", "no run at all")
        seconds = time.monotonic() - started
        return seconds, [self.milliseconds(rank) for rank in range(RANKS)]

    def milliseconds(self, rank):
        """Of the rank as its shell's `times` has them: user's and system's, of the shell and of its children, as 0m0.52s."""
        both = (self.folder / f"times.{rank}").read_text().splitlines()[1].split()
        return sum(1000 * (60 * float(part[: part.index("m")]) + float(part[part.index("m") + 1 : -1])) for part in both)

    def left(self, name):
        """Processes of the launch that are there still: ranks, and the launcher."""
        mark, found = os.fsencode(self.folder / name) + b"\0", []
        for entry in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                if mark in (entry / "cmdline").read_bytes() and "Z" not in (entry / "stat").read_text().rsplit(")", 1)[1].split()[0]:
                    found.append(int(entry.name))
            except OSError:
                pass
        return found

    def end(self, process):
        """A launcher in order: srun has nodes to give back, for which others wait."""
        try:
            started = pathlib.Path("/proc", str(process), "cmdline").read_bytes()
            os.kill(process, signal.SIGTERM if started.startswith(os.fsencode(self.launcher[0]) + b"\0") else signal.SIGKILL)
        except OSError:
            pass  # it is gone by now

    def fail(self, name, message):
        print((self.folder / f"{name}.log").read_text(errors="replace"))
        sys.exit(f"{name}: {message}")

    def strike(self, name, rank, number, milliseconds, limit):
        """Seconds from the strike to the end of all ranks. None: the launch ended otherwise."""
        mark = self.folder / f"{name}.struck"
        wrapper = ["env", f"LD_PRELOAD={self.library}", f"STRIKE_RANK={rank}", f"STRIKE_SIGNAL={int(number)}", f"STRIKE_FILE={mark}",
                   f"STRIKE_MILLISECONDS={round(milliseconds)}"]
        run = self.start(name, wrapper, "-s", "steps=100000", "--max-seconds", "60")
        waited, looked = 0, None
        while run.poll() is None or self.left(name):
            time.sleep(0.05)
            if not mark.exists():
                continue
            left = self.left(name)
            now = time.time()
            if not any(") D " in state(process) for process in left):
                waited += now - (looked or mark.stat().st_mtime)
            looked = now
            if waited > limit or now - mark.stat().st_mtime > 30 * limit:
                states = ", ".join(map(state, left))
                for process in left:
                    self.end(process)
                self.fail(name, f"there still {waited:.0f} s after {number.name} to rank {rank}: {states}")
        if not mark.exists():
            return None
        if run.returncode == 0:
            self.fail(name, "a rank is gone, and all is well?")
        return waited


def main():
    launches = Launches(*sys.argv[1:])
    shutil.rmtree(launches.folder, ignore_errors=True)
    launches.folder.mkdir(parents=True)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    seconds, used = launches.known()
    limit = max(AT_ONCE, seconds)

    def strike(i):
        rank, number = i % RANKS, SIGNALS[i // RANKS % 2]
        return launches.strike(f"moment-{i}", rank, number, (i + 0.5) / MOMENTS * used[rank], limit)

    with ThreadPoolExecutor(AT_A_TIME) as pool:
        ends = list(pool.map(strike, range(MOMENTS)))
    struck = [end for end in ends if end is not None]
    print(f"starts of {seconds:.1f} s, {max(used):.0f} ms of processor time: {len(struck)} of {MOMENTS} struck, all ranks gone after "
          f"{sum(struck) / max(1, len(struck)):.2f} s, {max(struck, default=0):.2f} s at most")
    if len(struck) < ENOUGH:
        sys.exit("too few were struck")


if __name__ == "__main__":
    main()
