#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""same_run.py A B: whether two run.h5 say the same of the same images, bit by bit, but for times, ranks and the order of rows.
same_run.py --explained A B: whether two explain.h5 do, but for the configuration.
same_run.py --layout A B: whether two files of one command have the same tables, columns and attributes, but for times and versions.
same_run.py --phases A B: whether two run.h5 have times of the same phases."""
import sys

import h5py
import numpy

LEFT_OUT = {"seconds", "seconds_read", "seconds_decode", "seconds_wait", "seconds_dream", "seconds_encode", "rank", "team", "offset"}
OF_THE_SESSION = {"started", "elapsed_seconds", "version", "images_per_second"}


class Different(Exception):
    pass


def columns(rows):
    return [name for name in rows.dtype.names if name not in LEFT_OUT]


def same(what, a, b):
    a, b = numpy.asarray(a), numpy.asarray(b)
    if a.dtype != b.dtype or (a.tolist() != b.tolist() if a.dtype == object else a.tobytes() != b.tobytes()):
        raise Different(f"{what} differs")


def by(rows, *keys):
    return numpy.lexsort([rows[key] for key in reversed(keys)])


def compare(a, b):
    same("kind", a.attrs["kind"], b.attrs["kind"])
    images = [by(file["images"][()], "id") for file in (a, b)]
    judged = len(a["faithfulness"]) > 0
    orders = {"images": ("id",), "faithfulness": ("image", "target", "map"), "steps": ("image", "octave", "step"), "cam/frames": ("image", "frame")}
    for name, keys in orders.items():
        rows = [file[name][()] for file in (a, b)]
        rows = [table[by(table, *keys)] for table in rows]
        some = judged if name == "faithfulness" else name != "steps" or a.attrs["kind"] != "explain"  # explanations have no steps
        if len(rows[0]) != len(rows[1]) or (len(rows[0]) > 0) != some:
            raise Different(f"{name}: {len(rows[0])} and {len(rows[1])} rows")
        same(f"{name}: columns", columns(rows[0]), columns(rows[1]))
        for column in columns(rows[0]):
            same(f"{name}: {column}", rows[0][column], rows[1][column])
    same("targets with importance", sorted(a["importance"]), sorted(b["importance"]))
    for name in a["importance"]:
        same(f"importance of {name}", a["importance"][name][()][images[0]], b["importance"][name][()][images[1]])
    for name in a.get("peaks", ()):
        same(f"peaks of {name}", a["peaks"][name][()][images[0]], b["peaks"][name][()][images[1]])
    maps = []
    for file in (a, b):
        frames, values = file["cam/frames"][()], file["cam/values"][()]
        frames = frames[by(frames, "image", "frame")]
        maps.append([values[row["offset"] : row["offset"] + row["height"] * row["width"]] for row in frames])
    if maps[0]:
        same("maps", numpy.concatenate(maps[0]), numpy.concatenate(maps[1]))
    summaries = [{}, {}]
    for file, summary in zip((a, b), summaries):
        file["summary"].visititems(lambda name, item: summary.update({name: item}) if isinstance(item, h5py.Dataset) else None)
    same("what is in the summary", sorted(summaries[0]), sorted(summaries[1]))
    for name, rows in summaries[0].items():
        same(f"summary: {name}", rows[()], summaries[1][name][()])


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
        raise Different(f"only {count} datasets")


def compare_layout(a, b):
    names = []
    for file in (a, b):
        names.append(["/"])
        file.visit(names[-1].append)
    same("what is in the file", sorted(names[0]), sorted(names[1]))
    for name in names[0]:
        same(f"{name}: attributes", sorted(a[name].attrs), sorted(b[name].attrs))
        for key in sorted(set(a[name].attrs) - OF_THE_SESSION):
            same(f"{name}: {key}", a[name].attrs[key], b[name].attrs[key])
        if isinstance(a[name], h5py.Dataset) and (a[name].dtype, a[name].maxshape) != (b[name].dtype, b[name].maxshape):
            raise Different(f"{name}: its type differs")


def compare_phases(a, b):
    found = [{("rank 0: " if row["rank"] == 0 else "other ranks: ") + row["phase"].decode() for row in file["timing"][()]} for file in (a, b)]
    lost, new = (", ".join(sorted(some)) for some in (found[0] - found[1], found[1] - found[0]))
    if lost or new:
        raise Different(f"phases lost: {lost or 'none'}; new: {new or 'none'}")


MODES = {"--explained": compare_explained, "--layout": compare_layout, "--phases": compare_phases}


def compare_files(first, second, comparison=compare):
    """Raises Different, with what it is."""
    with h5py.File(first) as a, h5py.File(second) as b:
        comparison(a, b)


def main():
    mode = MODES.get(sys.argv[1])
    first, second = sys.argv[2 if mode else 1 :]
    try:
        compare_files(first, second, mode or compare)
    except Different as difference:
        sys.exit(str(difference))


if __name__ == "__main__":
    main()
