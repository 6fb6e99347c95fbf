#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""alter.py PICTURES RUN PHOTOGRAPH: adds 20 pictures in the middle of the set, removes 5 that are done, changes 3 and mends a broken one; prints
the paths of these 24 and of 6 others. alter.py --dreams RUN PATH...: the dreams of the pictures there."""
import pathlib
import sys

import h5py
from PIL import Image


def rows(run):
    return [(row["source"].decode(), row["status"], row["output"].decode()) for row in h5py.File(run)["images"][()]]


def main(pictures, run, photograph):
    photograph = Image.open(photograph).convert("RGB")
    number = 0

    def picture(path):
        nonlocal number
        number += 1
        photograph.crop((number, 2 * number, number + 90, 2 * number + 80)).save(path, "PNG")  # whatever the path ends with
        return str(path)

    done = sorted(source for source, status, _ in rows(run) if status == 0)
    broken = sorted(source for source, status, _ in rows(run) if status == 1 and source.endswith(".png"))
    middle = pathlib.Path(done[len(done) // 2])
    for source in done[10:60:10]:
        pathlib.Path(source).unlink()
    altered = [picture(middle.with_name(f"{middle.stem}-more-{i}.png")) for i in range(20)]
    altered += [picture(source) for source in done[65:95:10]]
    altered += [picture(broken[0])]
    print(*altered, *done[105:165:10], sep="\n")


if sys.argv[1] == "--dreams":
    outputs = {source: output for source, _, output in rows(sys.argv[2])}
    print(*[pathlib.Path(sys.argv[2]).parent / outputs[path] for path in sys.argv[3:]], sep="\n")
else:
    main(*sys.argv[1:])
