#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""same_run.py A B: whether two run.h5 say the same of the same images, bit by bit, but for times, ranks and the order of rows.
same_run.py --explained A B: whether two explain.h5 do, but for the configuration."""
import sys

import h5py
import numpy

LEFT_OUT = {"seconds", "seconds_read", "seconds_decode", "seconds_wait", "seconds_dream", "seconds_encode", "rank", "team", "offset"}


def columns(rows):
    return [name for name in rows.dtype.names if name not in LEFT_OUT]


def same(what, a, b):
    if numpy.asarray(a).tobytes() != numpy.asarray(b).tobytes():
        sys.exit(f"{what} differs")


def by(rows, *keys):
    return numpy.lexsort([rows[key] for key in reversed(keys)])


def compare(a, b):
    images = [by(file["images"][()], "id") for file in (a, b)]
    orders = {"images": ("id",), "steps": ("image", "octave", "step"), "cam/frames": ("image", "frame")}
    for name, keys in orders.items():
        rows = [file[name][()] for file in (a, b)]
        rows = [table[by(table, *keys)] for table in rows]
        if len(rows[0]) != len(rows[1]) or len(rows[0]) == 0:
            sys.exit(f"{name}: {len(rows[0])} and {len(rows[1])} rows")
        for column in columns(rows[0]):
            same(f"{name}: {column}", rows[0][column], rows[1][column])
    for name in a["importance"]:
        same(f"importance of {name}", a["importance"][name][()][images[0]], b["importance"][name][()][images[1]])
    maps = []
    for file in (a, b):
        frames, values = file["cam/frames"][()], file["cam/values"][()]
        frames = frames[by(frames, "image", "frame")]
        maps.append([values[row["offset"] : row["offset"] + row["height"] * row["width"]] for row in frames])
    same("maps", numpy.concatenate(maps[0]), numpy.concatenate(maps[1]))


def compare_explained(a, b):
    count = 0

    def visit(name, dataset):
        nonlocal count
        if isinstance(dataset, h5py.Dataset):
            same(name, dataset[()], b[name][()])
            for key in dataset.attrs:
                same(f"{name}: {key}", dataset.attrs[key], b[name].attrs[key])
            count += 1

    a.visititems(visit)
    if count < 10:
        sys.exit(f"only {count} datasets")


def main():
    explained = sys.argv[1] == "--explained"
    first, second = sys.argv[1 + explained :]
    with h5py.File(first) as a, h5py.File(second) as b:
        (compare_explained if explained else compare)(a, b)


if __name__ == "__main__":
    main()
