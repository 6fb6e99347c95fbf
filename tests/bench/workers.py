#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Throughput of several workers beside that of one: workers.py --oneiros PROGRAM PHOTO [--workers 2] [--images 8] [--rounds 3]

Dreams on copies of one photograph with one worker and with several, in turn, one thread each, and prints for each round how many
images a second all workers do, divided by what one does, times their number: 1 is perfect. In compute time (forward, backward, shaping: the
busiest worker's), and in wall time from the first image's start to the last one's end, which includes waiting, sending and what rank 0 does.
"""
import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "mpi"))
sys.dont_write_bytecode = True

import h5py

import launcher

COMPUTE = {b"forward", b"backward", b"shape", b"resample"}


def run(options, folder, workers):
    photos = os.path.join(folder, "photos")
    if not os.path.isdir(photos):
        os.mkdir(photos)
        for i in range(options.images):
            shutil.copy(options.photo, os.path.join(photos, f"{i:02d}.png"))
    output = os.path.join(folder, f"on-{workers}")
    subprocess.run(["mpirun", "-n", str(workers + 1), options.oneiros, "dream", "-q", "--force", "-s", "threads=1", "-s", "team.size=1",
                    "-o", output, *(part for setting in options.set for part in ("-s", setting)), photos],
                   check=True, env={**os.environ, **launcher.ENVIRONMENT})
    with h5py.File(os.path.join(output, "run.h5")) as file:
        rows = file["timing"][()]
        elapsed = file.attrs["elapsed_seconds"]
        per_rank = {}
        for row in rows:
            if row["rank"] > 0 and row["phase"] in COMPUTE:
                per_rank[row["rank"]] = per_rank.get(row["rank"], 0) + row["seconds"]
    return max(per_rank.values()), elapsed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photo")
    parser.add_argument("--oneiros", required=True)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--images", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a setting of the run")
    options = parser.parse_args()
    compute, wall = [], []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(options.rounds):
            one, many = run(options, folder, 1), run(options, folder, options.workers)
            compute.append(one[0] / many[0] / options.workers)
            wall.append(one[1] / many[1] / options.workers)
            print(f"round {number + 1}: compute {one[0]:.2f} s with one, {many[0]:.2f} s the busiest of {options.workers}: {compute[-1]:.3f}; "
                  f"wall {one[1]:.2f} s, {many[1]:.2f} s: {wall[-1]:.3f}", flush=True)
    print(f"median: {statistics.median(compute):.3f} of {options.workers} times one worker in compute time, "
          f"{statistics.median(wall):.3f} in wall time")


if __name__ == "__main__":
    main()
