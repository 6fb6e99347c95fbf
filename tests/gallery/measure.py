#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Measures of dreams: what the change that a dream made of its photograph is like, per picture and in the mean.

    measure.py --photos FOLDER DREAMS...             DREAMS/NAME/dream.png against FOLDER/NAME.png
    measure.py --variety PHOTOGRAPH DREAM DREAM...   whether dreams of different channels differ

Columns:
  2-4 ... 256-512  rms of the change of luminance in an octave band of period (pixels), in grey levels
  ratio            largest of the four bands 8..128 px by the smallest: 1 where a dream works at all scales alike
  slope, -photo    of the amplitude spectrum of the dream, log against log from 4 to 256 px; and how far from the photograph's
  change           mean absolute change in grey levels
  stipple, beads   energy of the change finer than 4 px, and of 4-8 px, where the photograph is plain, by that of all change, per pixel: %
  neon             of the pixels that are nearly white or black in the photograph, those with a colour far stronger than any near them: %
  channels         participation ratio of the importance of the targets' channels, from run.h5: how many channels carry the dream

Figures do not see: a picture that scores and looks dull is dull.
"""
import argparse
import json
import os
import pathlib
import sys
import warnings

import numpy
from PIL import Image, ImageFilter

BANDS = (2, 4, 8, 16, 32, 64, 128, 256)  # each up to twice as much
EVEN = slice(2, 6)  # 8..128, those that are to be alike
PLAIN = 4  # grey levels: the standard deviation in a window below which a photograph is plain
WINDOW = 17
BLACK, WHITE = 32, 223
FAR = 48  # grey levels that a colour is above those near it


def load(path):
    return numpy.asarray(Image.open(path).convert("RGB"), numpy.float32)


def frequencies(height, width):
    """Cycles a pixel of each value of rfft2."""
    return numpy.hypot(numpy.fft.fftfreq(height)[:, None], numpy.fft.rfftfreq(width)[None])


def power(grey):
    """|F|^2 of a windowed plane, so that the sum is its mean square; of rfft2, with the half that it lacks counted in."""
    height, width = grey.shape
    window = numpy.outer(numpy.hanning(height), numpy.hanning(width))
    found = numpy.abs(numpy.fft.rfft2(grey * window)) ** 2 / (grey.size**2 * (window**2).mean())
    found[:, 1 : (width + 1) // 2] *= 2
    return found


def bands(change):
    """Rms in each of BANDS."""
    p, f = power(change.mean(2)), frequencies(*change.shape[:2])
    return [float(numpy.sqrt(p[(f <= 1 / low) & (f > 1 / (2 * low))].sum())) for low in BANDS]


def slope(picture):
    """Of the amplitude spectrum's mean over rings, log against log, at periods of 4 to 256 pixels."""
    grey = picture.mean(2)
    height, width = grey.shape
    window = numpy.outer(numpy.hanning(height), numpy.hanning(width))
    amplitude = numpy.abs(numpy.fft.rfft2((grey - grey.mean()) * window))
    f = frequencies(height, width)
    edges = numpy.geomspace(1 / 256, 1 / 4, 13)  # half an octave each
    ring = numpy.digitize(f, edges) - 1
    rings = [k for k in range(12) if (ring == k).any()]
    x = [numpy.log(f[ring == k].mean()) for k in rings]
    y = [numpy.log(amplitude[ring == k].mean() + 1e-9) for k in rings]
    return float(numpy.polyfit(x, y, 1)[0])


def box(plane, size):
    """Means over windows of size x size, the picture's edge continued."""
    for axis in (0, 1):
        pad = [(0, 0), (0, 0)]
        pad[axis] = (size // 2 + 1, size // 2)
        total = numpy.cumsum(numpy.pad(plane.astype(numpy.float64), pad, "edge"), axis)
        count = plane.shape[axis]
        plane = (numpy.take(total, range(size, size + count), axis) - numpy.take(total, range(count), axis)) / size
    return plane


def largest(plane, reach):
    """Maxima over windows."""
    for axis in (0, 1):
        pad = [(0, 0), (0, 0)]
        pad[axis] = (reach, reach)
        padded = numpy.pad(plane, pad, "edge")
        count = plane.shape[axis]
        plane = numpy.max([numpy.take(padded, range(k, k + count), axis) for k in range(2 * reach + 1)], 0)
    return plane


def plain_areas(photo):
    """Where the photograph has nearly no structure."""
    grey = photo.mean(2)
    return box(grey.astype(numpy.float64) ** 2, WINDOW) - box(grey, WINDOW) ** 2 < PLAIN**2


def stipple(photo, change, shortest=0, longest=4):
    """Of periods from `shortest` to `longest`."""
    plain = plain_areas(photo)
    if plain.mean() < 0.01 or not change.any():
        return numpy.nan
    fine, f = 0, frequencies(*plain.shape)
    outside = (f <= 1 / longest) | (f > (1 / shortest if shortest else 1))
    for channel in range(3):
        spectrum = numpy.fft.rfft2(change[:, :, channel])
        spectrum[outside] = 0
        fine = fine + numpy.fft.irfft2(spectrum, plain.shape) ** 2
    return float(100 * fine[plain].mean() / (change.astype(numpy.float64) ** 2).sum(2).mean())


def neon(photo, dream):
    """Colour is the largest channel less the smallest."""
    grey = photo.mean(2)
    extreme = (grey < BLACK) | (grey > WHITE)
    if extreme.mean() < 0.005:
        return numpy.nan
    above = numpy.ptp(dream, 2) - largest(numpy.ptp(photo, 2), 4)
    return float(100 * (above[extreme] > FAR).mean())


def participation(folder):
    """By name of picture, how many channels carry it: (sum |i|)^2 / sum i^2 for each target, their mean."""
    path = folder / "run.h5"
    if not path.exists():
        return {}
    os.environ["HDF5_USE_FILE_LOCKING"] = "FALSE"
    try:
        import h5py
    except ImportError:
        return {}
    found = {}
    with h5py.File(path, "r") as run:
        for row, image in enumerate(run["images"][:]):
            ratios = []
            for layer in run["images"].attrs["targets"]:
                values = run["importance"][layer]
                importance = numpy.abs(values[row].astype(numpy.float64)) if row < len(values) else numpy.array([numpy.nan])
                if numpy.isfinite(importance).all() and importance.any():
                    ratios.append(importance.sum() ** 2 / (importance**2).sum())
            if ratios:
                found[pathlib.PurePosixPath(image["output"].decode()).parent.name] = float(numpy.mean(ratios))
    return found


def measure(photo, dream):
    change = dream - photo
    spread = bands(change)
    even = spread[EVEN]
    own, photos = slope(dream), slope(photo)
    return {
        "bands": spread,
        "ratio": max(even) / max(min(even), 1e-9),
        "slope": own,
        "slope_change": own - photos,
        "change": float(numpy.abs(change).mean()),
        "stipple": stipple(photo, change),
        "beads": stipple(photo, change, 4, 8),
        "neon": neon(photo, dream),
    }


def mean_of(rows):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of columns that no picture has
        mean = {key: numpy.nanmean([row[key] for row in rows], 0) for key in rows[0]}
    return {key: value.tolist() for key, value in mean.items()}


def line(name, row):
    values = "".join("%7.2f" % v for v in row["bands"])
    tail = (row["ratio"], row["slope"], row["slope_change"], row["change"])
    tail += (row["stipple"], row["beads"], row["neon"], row["channels"])
    return f"{name:<14.14}{values} |" + "%7.2f %6.2f %+6.2f %7.1f %8.2f %6.1f %6.2f %9.1f" % tail


def measure_folder(folder, photos):
    """The measures of each dream by its name."""
    rows, carried = {}, participation(folder)
    for path in sorted(folder.glob("*/dream.png")):
        name = path.parent.name
        photo, dream = photos / f"{name}.png", load(path)
        if not photo.exists() or Image.open(photo).size != dream.shape[1::-1]:
            print(f"{path}: no photograph of its size in {photos}", file=sys.stderr)
            continue
        rows[name] = {**measure(load(photo), dream), "channels": carried.get(name, numpy.nan)}
    return rows


def variety(photo, dreams):
    """Mean pairwise correlation of changes, and of the spectra of their texture, with standard errors: the jackknife's, over the dreams."""
    base = Image.open(photo).convert("RGB")

    def change(path, radius):
        blurred = lambda image: numpy.asarray(image.filter(ImageFilter.GaussianBlur(radius)), float)
        return (blurred(Image.open(path).convert("RGB")) - blurred(base)).mean(2)

    def mean(table):
        return (table.sum() - len(table)) / (len(table) * (len(table) - 1))

    def mean_correlation(vectors):
        table = numpy.corrcoef([v.ravel() for v in vectors if v.any()])
        count = len(table)
        without = [mean(numpy.delete(numpy.delete(table, i, 0), i, 1)) for i in range(count)]
        return float(mean(table)), float(numpy.sqrt((count - 1) * numpy.var(without)))

    spectrum = lambda d: numpy.log(numpy.abs(numpy.fft.fft2(d))[:100, :100] + 1)
    return {
        "change": mean_correlation([change(path, 1) for path in dreams]),
        "texture spectrum": mean_correlation([spectrum(change(path, 0.7)) for path in dreams]),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", nargs="+", type=pathlib.Path)
    parser.add_argument("--photos", type=pathlib.Path)
    parser.add_argument("--variety", action="store_true")
    parser.add_argument("--json", type=pathlib.Path, help="the figures as a file, too")
    arguments = parser.parse_args()
    if arguments.variety:
        found = variety(arguments.paths[0], arguments.paths[1:])
        for name, (value, error) in found.items():
            print(f"{name:<17} mean pairwise correlation {value:.3f} +- {error:.3f}")
    else:
        if not arguments.photos:
            parser.error("--photos is missing")
        found = {}
        head = " " * 14 + "".join("%7s" % f"{low}-{2 * low}" for low in BANDS)
        head += " |  ratio  slope -photo  change  stipple  beads   neon  channels"
        for folder in arguments.paths:
            rows = measure_folder(folder, arguments.photos)
            if not rows:
                print(f"{folder}: no dreams", file=sys.stderr)
                continue
            found[str(folder)] = rows
            print(f"{folder}\n{head}")
            for name, row in rows.items():
                print(line(name, row))
            print(line("mean", mean_of(list(rows.values()))), flush=True)
        shared = set.intersection(*map(set, found.values())) if found else set()
        if len(found) > 1 and shared:
            print(f"means of the photographs that all have: {' '.join(sorted(shared))}\n{head}")
            for folder, rows in found.items():
                print(line(pathlib.PurePath(folder).name, mean_of([rows[name] for name in sorted(shared)])))
    if arguments.json:
        arguments.json.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
