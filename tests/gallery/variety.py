#!/usr/bin/python3 -B
# SPDX-License-Identifier: MIT
"""Whether channels dream different things: dreams of twelve single channels of a layer, and how alike the changes are that they make.

    variety.py PROGRAM PHOTOGRAPH [--layer mixed5] [--channels 0,64,...] [--keep FOLDER] [-s KEY=VALUE ...]

Settings are three octaves of 15 steps of 0.02, objective mean, and those given. Channels that are silent in the photograph dream nothing
and are left out. Figures of different photographs do not compare.
"""
import argparse
import pathlib
import subprocess
import tempfile

from measure import variety

SETTINGS = (
    "objective=mean octaves.count=3 steps=15 step_size=0.02 plan=off threads=1 frames.dream=false frames.cam=false".split()
)


def dream(program, photo, folder, settings):
    pairs = [word for setting in settings for word in ("-s", setting)]
    subprocess.run([program, "dream", "-q", *pairs, "-o", folder, photo], check=True)
    (path,) = folder.glob("*/dream.png")
    return path


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("photo")
    parser.add_argument("--layer", default="mixed5")
    parser.add_argument("--channels", default=",".join(str(64 * k) for k in range(12)))
    parser.add_argument("--keep", type=pathlib.Path, help="where the dreams stay")
    parser.add_argument("-s", action="append", default=[], metavar="KEY=VALUE")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = arguments.keep or pathlib.Path(scratch)
        paths = [
            dream(arguments.program, arguments.photo, folder / channel, [f"targets={arguments.layer}#{channel}", *SETTINGS, *arguments.s])
            for channel in arguments.channels.split(",")
        ]
        for name, (value, error) in variety(arguments.photo, paths).items():
            print(f"{name:<17} mean pairwise correlation {value:.3f} +- {error:.3f}")


if __name__ == "__main__":
    main()
