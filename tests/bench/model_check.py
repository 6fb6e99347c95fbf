#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""model_check.py --oneiros PROGRAM --model PROGRAM PHOTO [--repeats 3] [--limit 0.15]

Holds the model (model.c) against real runs. It measures the machine first: `oneiros bench` for windows of several sizes, and a run of one
picture on one worker for what happens beside the network. Then it runs sets of pictures, cut from the photograph and of other sizes, on one
worker and on two, of one thread each, and prints predicted and measured seconds (elapsed_seconds of run.h5, median of the repeats). Exits with
1 if any is off by more than the limit. Wants a quiet machine with a core for each worker and a little for rank 0."""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "mpi"))
sys.dont_write_bytecode = True

import h5py
from PIL import Image

import launcher

SETTINGS = ["threads=1", "octaves.count=3", "steps=5", "frames.cam=false", "frames.dream=false", "checkpoint.seconds=0", "tile.size=512"]
SIDES = (96, 128, 192, 256, 384, 512)
MIXES = {"24 of 300 x 200": [(300, 200, 24)],
         "12 of three sizes": [(480, 320, 4), (360, 240, 4), (240, 160, 4)],
         "one of 1200 x 900, in tiles": [(1200, 900, 1)]}


def settings(options):
    return [part for setting in (*SETTINGS, *options.set) for part in ("-s", setting)]


def dream(options, folder, name, pictures, workers):
    """The run file of a run."""
    output = os.path.join(folder, name)
    subprocess.run(["mpirun", "-n", str(workers + 1), options.oneiros, "dream", "-q", "--force", *settings(options), "-o", output,
                    *pictures], env={**os.environ, **launcher.ENVIRONMENT}, check=True)
    return h5py.File(os.path.join(output, "run.h5"))


def phase(run, *names):
    """Seconds of the workers in these phases, a worker."""
    rows = run["timing"][()]
    return sum(row["seconds"] for row in rows if row["rank"] > 0 and row["phase"].decode() in names) / run.attrs["workers"]


def make_pictures(options, folder, mix):
    paths = []
    with Image.open(options.photo) as photo:
        for width, height, count in mix:
            for _ in range(count):
                paths.append(os.path.join(folder, f"{len(os.listdir(folder)):04}.png"))
                photo.convert("RGB").resize((width, height), Image.LANCZOS).save(paths[-1])
    return paths


def measure_machine(options, folder):
    """--machine arguments."""
    bench = json.loads(subprocess.run([options.oneiros, "bench", "--json", "--threads", "1", "--repeats", "7",
                                       *(part for side in SIDES for part in ("--size", str(side))),
                                       *(part for setting in options.set for part in ("-s", setting))],
                                      capture_output=True, text=True, check=True).stdout)
    machine = [f"tile={step['width']}:{step['seconds']['median']}" for step in bench["steps"]]
    run = dream(options, folder, "machine", make_pictures(options, folder, [(420, 420, 6)]), 1)
    steps = run["steps"][()]
    seen = sum(float(row["width"]) * float(row["height"]) for row in steps)
    inside = phase(run, "shape", "attribution", "reduce", "exchange")
    outside = phase(run, "resample", "send", "receive", "wait") / 6
    machine += [f"pixel={inside / seen}", f"picture={outside}", f"start={phase(run, 'prepare')}"]
    return machine


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photo", metavar="PHOTO")
    parser.add_argument("--oneiros", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--limit", type=float, default=0.15)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a setting of all runs")
    options = parser.parse_args()
    worst = 0
    with tempfile.TemporaryDirectory() as folder:
        machine = measure_machine(options, folder)
        print("machine:", *machine)
        print("\n| pictures | workers | predicted s | measured s | off |\n|---|---|---|---|---|")
        for name, mix in MIXES.items():
            pictures = make_pictures(options, folder, mix)
            text = "+".join(f"{count}x{width}x{height}" for width, height, count in mix)
            for workers in (1, 2):
                predicted = subprocess.run([options.model, "--workers", str(workers), "--mix", text,
                                            *(part for value in machine for part in ("--machine", value)), *SETTINGS, *options.set],
                                           capture_output=True, text=True, check=True).stdout.splitlines()[-1].split("|")
                seconds = float(predicted[3])
                measured = statistics.median(dream(options, folder, "run", pictures, workers).attrs["elapsed_seconds"]
                                             for _ in range(options.repeats))
                off = seconds / measured - 1
                worst = max(worst, abs(off))
                print(f"| {name} | {workers} | {seconds:.2f} | {measured:.2f} | {100 * off:+.0f}% |", flush=True)
    sys.exit(worst > options.limit)


if __name__ == "__main__":
    main()
