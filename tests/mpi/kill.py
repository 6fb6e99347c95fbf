#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""kill.py ROUNDS SIGNAL RANKS ONEIROS MPIEXEC FOLDER ARGUMENT...

Runs `oneiros dream ARGUMENT... -o FOLDER/<n>` until ROUNDS runs were struck, each time with SIGNAL (KILL or TERM) to a random rank at a
random moment, and the same command again until it is done. Moments are told by the time of processors that the ranks have used, which is
much the same however busy the machine is. Every other time the moment is after the first checkpoint, so that there is something to go on
with. What is there then must be, byte by byte, what a run without any signal makes (FOLDER/known), and so must be the
rows of its run.h5."""
import os
import pathlib
import random
import resource
import shutil
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True

from launcher import ranks_of  # noqa: E402

HERE = pathlib.Path(__file__).parent
HANG = 120  # seconds; a run takes a few
AT_ONCE = 20  # seconds from a killed rank to the end of the job, on a busy machine


def fail(message, *logs):
    for log in logs:
        print(pathlib.Path(log).read_text(errors="replace"))
    sys.exit(message)


def processor_seconds(launcher):
    """What the ranks have used."""
    ticks = 0
    for rank in ranks_of(launcher):
        try:
            fields = pathlib.Path(f"/proc/{rank}/stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


class Runs:
    def __init__(self, ranks, oneiros, launcher, folder, arguments):
        self.command = [launcher, "-n", ranks, oneiros, "dream", *arguments]
        self.folder = pathlib.Path(folder)

    def start(self, name, log):
        io = random.choice(["coordinator", "workers"])  # a run may begin one way and go on the other
        return subprocess.Popen([*self.command, "-s", f"io={io}", "-o", str(self.folder / name)], stdout=log, stderr=log)

    def to_the_end(self, name):
        """Seconds of processors that it took."""
        log = self.folder / f"{name}.log"
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        with open(log, "ab") as stream:
            code = self.start(name, stream).wait(HANG)
        if code != 0:
            fail(f"{name}: exit code {code}", log)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    def wait_for_checkpoint(self, name, run):
        while run.poll() is None and not list((self.folder / name / "checkpoints").glob("?" * 32)):
            time.sleep(0.002)

    def interrupted(self, name, number, begun, seconds):
        """Whether the signal struck a run, so many seconds of processors after its start or its first checkpoint."""
        log = self.folder / f"{name}.log"
        with open(log, "ab") as stream:
            run = self.start(name, stream)
            if begun:
                self.wait_for_checkpoint(name, run)
                seconds += processor_seconds(run.pid)
            while run.poll() is None and processor_seconds(run.pid) < seconds:
                time.sleep(0.002)
            ranks = ranks_of(run.pid)
            if not ranks or run.poll() is not None:
                run.wait(HANG)
                return False
            struck = random.choice(ranks)
            try:
                os.kill(struck, number)
            except ProcessLookupError:
                pass
            try:
                code = run.wait(AT_ONCE if number == signal.SIGKILL else HANG)
            except subprocess.TimeoutExpired:
                run.kill()
                fail(f"{name}: no end {AT_ONCE} s after {signal.Signals(number).name}", log)
        text = log.read_text(errors="replace")
        # MPICH's mpirun may tell of the end of another rank only: UCX aborts one that is just reading from a rank that is gone, and names that.
        if code != 0 and number == signal.SIGKILL and "signal 9" not in text and f"process_vm_readv(pid={struck} " not in text:
            fail(f"{name}: no word of the rank that was killed", log)
        return code != 0

    def compare(self, name):
        known, made = self.folder / "known", self.folder / name
        files = [sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()) for root in (known, made)]
        if files[0] != files[1]:
            fail(f"{name}: other files: {set(files[0]) ^ set(files[1])}", self.folder / f"{name}.log")
        for file in files[0]:
            if file != "run.h5" and (known / file).read_bytes() != (made / file).read_bytes():
                fail(f"{name}: {file} differs", self.folder / f"{name}.log")
        subprocess.run(["/usr/bin/python3", HERE / "same_run.py", known / "run.h5", made / "run.h5"], check=True)


def main():
    rounds, number = int(sys.argv[1]), getattr(signal, "SIG" + sys.argv[2])
    runs = Runs(sys.argv[3], sys.argv[4], sys.argv[5], sys.argv[6], sys.argv[7:])
    random.seed(int(os.environ.get("KILL_SEED", time.time_ns() % 1_000_000)))
    shutil.rmtree(runs.folder, ignore_errors=True)
    runs.folder.mkdir(parents=True)
    whole = runs.to_the_end("known")
    struck = resumed = tries = 0
    while struck < rounds and tries < 3 * rounds:  # a signal that finds the run at its end is tried again
        name, begun = f"{sys.argv[2].lower()}-{tries}", tries % 2 == 1
        struck += runs.interrupted(name, number, begun, random.uniform(0, 0.2) * whole if begun else random.uniform(0.05, 0.95) * whole)
        runs.to_the_end(name)
        runs.compare(name)
        resumed += "going on with the run" in (runs.folder / f"{name}.log").read_text(errors="replace")
        tries += 1
    print(f"{tries} runs of {whole:.1f} s, {struck} struck, {resumed} gone on with: all the same")
    if struck < rounds or resumed == 0:
        sys.exit("too few signals struck a run that had begun")


if __name__ == "__main__":
    main()
