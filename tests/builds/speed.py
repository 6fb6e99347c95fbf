# SPDX-License-Identifier: MIT
"""Steps a second and memory of a dream by each of two builds in turn."""
import os
import statistics
import sys

import h5py

from runs import PHOTOS, settings

ALIKE = 0.02  # worse by no more than this
DREAM = ("input.resize=299", "octaves.count=1", "precision=f32")


def dream_once(build, plan):
    """Steps a second, by the median step, and the most memory that it had, MiB."""
    process = build.start(["dream", "-q", "--force", "-o", "out", "--plan", plan, *settings(*DREAM, "steps=60"), PHOTOS[0]])
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"{build.name}: exit code {process.returncode}")
    with h5py.File(build.folder / "out" / "run.h5") as file:
        return 1 / statistics.median(file["steps"]["seconds"]), usage.ru_maxrss / 1024


def compare_speed(builds, rounds):
    """Whether NEW is no worse."""
    plan = builds[0].plan("plan", *DREAM)
    found = {build.name: [] for build in builds}
    for number in range(rounds):
        for build in builds:
            found[build.name].append(dream_once(build, plan))
        words = (f"{name} {runs[-1][0]:.2f} steps/s, {runs[-1][1]:.1f} MiB" for name, runs in found.items())
        print(f"round {number + 1}: {'; '.join(words)}", flush=True)
    speeds, memories = ([statistics.median(run[what] for run in runs) for runs in found.values()] for what in (0, 1))
    print(f"medians: {speeds[0]:.2f} and {speeds[1]:.2f} steps/s, new / old {speeds[1] / speeds[0]:.4f}; "
          f"{memories[0]:.1f} and {memories[1]:.1f} MiB, new / old {memories[1] / memories[0]:.4f}")
    return speeds[1] >= (1 - ALIKE) * speeds[0] and memories[1] <= (1 + ALIKE) * memories[0]
