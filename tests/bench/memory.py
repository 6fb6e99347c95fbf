#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Memory of every rank over many small images: memory.py --oneiros PROGRAM PHOTO... [--images 5000] [--side 75] [--ranks 3]

Dreams as cheaply as can be on links to a handful of small pictures that are cut from the photographs, once with io=coordinator and once
with io=workers, and prints the resident memory of each rank around where 10%, 50% and 100% of the images were done, and how much it grew in the
second half. VmRSS counts what ranks share (the weights) in each of them. Exits with 1 if rank 0 had more than --limit, or if any rank grew
by more than --growth from 50% to 100%, in MiB.
"""
import argparse
import os
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "mpi"))
sys.dont_write_bytecode = True

from PIL import Image

import launcher

CHEAPEST = ["octaves.count=1", "steps=1", "jitter=0", "targets=mixed0:1", "threads=1", "team.size=1"]


def cut_pictures(options, folder):
    """A few pictures a photograph, of slightly different sizes, and links to them."""
    pictures = []
    for photo in options.photos:
        with Image.open(photo) as whole:
            for extra in (0, 3, 8, 13):
                side = options.side + extra
                path = os.path.join(folder, f"picture-{len(pictures)}.png")
                whole.convert("RGB").crop((40, 40, 40 + side, 40 + options.side)).save(path)
                pictures.append(path)
    links = os.path.join(folder, "links")
    os.mkdir(links)
    for i in range(options.images):
        os.symlink(pictures[i % len(pictures)], os.path.join(links, f"{i:06d}.png"))
    return links


def resident(pid):
    """VmRSS in MiB, 0 of a process that has gone."""
    try:
        with open(f"/proc/{pid}/status") as file:
            return next((int(line.split()[1]) / 1024 for line in file if line.startswith("VmRSS")), 0)
    except OSError:
        return 0


def run(options, links, output, io):
    """Samples: (images done, [MiB of each rank])."""
    settings = [*CHEAPEST, f"io={io}", *options.set]
    environment = {**os.environ, **launcher.ENVIRONMENT, "OMP_WAIT_POLICY": "PASSIVE", "ONEIROS_PLAN": "off"}
    mpirun = subprocess.Popen(["mpirun", "-n", str(options.ranks), options.oneiros, "dream", "-q", "-o", output,
                               *(part for setting in settings for part in ("-s", setting)), links], env=environment)
    samples, ranks = [], []
    while mpirun.poll() is None:
        time.sleep(options.interval)
        if len(ranks) < options.ranks:
            ranks = launcher.ranks_of(mpirun.pid)
            continue
        done = len(os.listdir(output)) - 2 if os.path.isdir(output) else 0  # run.h5, and a folder that is made last
        memory = [resident(rank) for rank in ranks]
        if done > 0 and all(memory):
            samples.append((done, memory))
    if mpirun.returncode != 0:
        raise SystemExit(f"io={io}: exit {mpirun.returncode}")
    return samples


def at_part(samples, images, slack):
    """The most that each rank had around that number of images: at the very end some is freed already."""
    near = [memory for done, memory in samples if abs(done - images) <= slack]
    near = near or [min(samples, key=lambda sample: abs(sample[0] - images))[1]]
    return [max(memory) for memory in zip(*near)]


def report(options, io, samples):
    marks = [at_part(samples, part / 100 * options.images, 0.02 * options.images) for part in (10, 50, 100)]
    print(f"io={io}, {len(samples)} samples, MiB")
    print(f"{'rank':>4} {'10%':>8} {'50%':>8} {'100%':>8} {'most':>8} {'50-100%':>8}")
    fine = True
    for rank in range(options.ranks):
        at = [mark[rank] for mark in marks]
        most, growth = max(sample[1][rank] for sample in samples), at[2] - at[1]
        fine = fine and growth <= options.growth and (rank > 0 or most <= options.limit)
        print(f"{rank:>4} {at[0]:>8.1f} {at[1]:>8.1f} {at[2]:>8.1f} {most:>8.1f} {growth:>+8.1f}", flush=True)
    return fine


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", nargs="+", metavar="PHOTO")
    parser.add_argument("--oneiros", required=True)
    parser.add_argument("--images", type=int, default=5000)
    parser.add_argument("--side", type=int, default=75, help="pixels of the shorter side")
    parser.add_argument("--ranks", type=int, default=3)
    parser.add_argument("--interval", type=float, default=0.5, help="seconds between two samples")
    parser.add_argument("--limit", type=float, default=300, help="MiB that rank 0 may have")
    parser.add_argument("--growth", type=float, default=5, help="MiB that a rank may grow by in the second half")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a setting of the run")
    options = parser.parse_args()
    fine = True
    with tempfile.TemporaryDirectory() as folder:
        links = cut_pictures(options, folder)
        for io in ("coordinator", "workers"):
            samples = run(options, links, os.path.join(folder, f"by-{io}"), io)
            fine = report(options, io, samples) and fine
    sys.exit(not fine)


if __name__ == "__main__":
    main()
