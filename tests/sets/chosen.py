#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""chosen.py ONEIROS: dreams by `input.bands`, `input.range`, `input.damaged` and `output.format`: what the file of each is like, what /images
says was chosen, and what is said; in the current folder."""
import pathlib
import subprocess
import sys

import h5py
import numpy
from PIL import Image

import damaged
import photographs
from check import read_tiff, same
from rasters import bands_of, of_type
from pictures import tiff

QUICK = ["-s", "targets=mixed0", "-s", "octaves.count=1", "-s", "steps=1", "-s", "threads=1"]


def dream(oneiros, path, *settings):
    """Its row of /images, its samples, and what was said; None instead of samples where it failed."""
    output = pathlib.Path(f"{path.stem}-{len(list(pathlib.Path().iterdir()))}")
    done = subprocess.run([oneiros, "dream", *QUICK, "-o", output, *settings, path], stderr=subprocess.PIPE, text=True)
    with h5py.File(output / "run.h5") as file:
        row = file["images"][0]
    if row["status"] != 0:
        return row, None, done.stderr
    result = output / row["output"].decode()
    return row, read_tiff(result)[0] if result.suffix == ".tif" else numpy.asarray(Image.open(result)), done.stderr


def check_bands(oneiros, photo):
    stored = of_type(bands_of(photo, 6), "u16")
    pathlib.Path("bands.tif").write_bytes(tiff(stored, photometric="minisblack", planarconfig="contig"))
    row, samples, said = dream(oneiros, pathlib.Path("bands.tif"), "-s", "input.bands=6,2,4")
    assert "6 bands: 6, 2 and 4 are red, green and blue" in said, said
    assert [row[f"band_{name}"] for name in ("red", "green", "blue")] == [6, 2, 4]
    changed = [not same(samples, stored)[..., band].all() for band in range(6)]
    assert samples.dtype == numpy.uint16 and changed == [False, True, False, True, False, True], changed


def check_range(oneiros, photo):
    stored = (photo * 4000 - 1500).astype(numpy.int16)
    pathlib.Path("range.tif").write_bytes(tiff(stored, photometric="rgb"))
    for values, low, high in (("-1500,2500", -1500, 2500), ("p0,p100", stored.min(), stored.max()), ("type", -32768, 32767)):
        row, samples, said = dream(oneiros, pathlib.Path("range.tif"), "-s", f"input.range={values}")
        assert (row["range_low"], row["range_high"]) == (low, high), row
        assert samples.dtype == numpy.int16 and samples.min() >= low and samples.max() <= high
        far = abs(samples.astype(float) - stored).mean() / (high - low)
        assert 0 < far < 0.03, far


def check_damaged(oneiros, photo):
    for kind, make, error, notice, _ in damaged.DAMAGED:
        picture = make(photo)
        path = pathlib.Path(f"{kind}.{picture.suffix}")
        path.write_bytes(picture.data)
        row, samples, said = dream(oneiros, path)
        assert samples is None and error in row["error"].decode() and error in said, said
        row, samples, said = dream(oneiros, path, "-s", "input.damaged=accept")
        assert samples is not None and samples.shape[:2] == picture.samples.shape[:2] and notice in said, said


def check_formats(oneiros, photo):
    stored = of_type(bands_of(photo, 5), "i16")
    pathlib.Path("format.tif").write_bytes(tiff(stored, photometric="minisblack", planarconfig="contig"))
    _, samples, said = dream(oneiros, pathlib.Path("format.tif"), "-s", "output.format=png")
    assert "others do not stay: output.format is not tiff" in said and "stay as they are" not in said and samples.shape == (*photo.shape[:2], 3), said
    Image.fromarray((photo * 255).astype(numpy.uint8)).save("format.jpg", quality=95, dpi=(240, 240))
    _, samples, said = dream(oneiros, pathlib.Path("format.jpg"), "-s", "output.format=tiff")
    assert samples.shape == photo.shape and samples.dtype == numpy.uint8


def main():
    photo = photographs.crop(photographs.load()[0], 1)
    for check in (check_bands, check_range, check_damaged, check_formats):
        check(sys.argv[1], photo)
        print(check.__name__, "passed")


main()
