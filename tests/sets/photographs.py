# SPDX-License-Identifier: MIT
"""Photographs of Debian's packages and of tests/data, made small."""
import pathlib
import sys

import numpy
from PIL import Image

PACKAGES = {
    "/usr/share/backgrounds/*_by_*.jpg": "lomiri-wallpapers-16.04",
    "/usr/share/color/icc/ghostscript/a98.icc": "libgs-common",
}
DATA = pathlib.Path(__file__).parent.parent / "data"


def find(pattern):
    found = sorted(pathlib.Path("/").glob(pattern.lstrip("/")))
    if not found:
        sys.exit(f"{pattern} is missing: install {PACKAGES[pattern]}")
    return found


def profile(name):
    """An ICC profile, as bytes."""
    return find("/usr/share/color/icc/ghostscript/a98.icc")[0].with_name(f"{name}.icc").read_bytes()


def shrink(path, side):
    """The mean of blocks, (H, W, 3) in 0..1, so that there is more than 8 bits have; the shorter side is `side` or more."""
    picture = Image.open(path)
    picture.draft("RGB", (4 * side, 4 * side))
    pixels = numpy.asarray(picture.convert("RGB"), numpy.float64) / 255
    block = min(pixels.shape[:2]) // side
    height, width = (n // block for n in pixels.shape[:2])
    return pixels[: height * block, : width * block].reshape(height, block, width, block, 3).mean((1, 3))


def load():
    paths = find("/usr/share/backgrounds/*_by_*.jpg") + [DATA / name for name in ("chelsea.png", "coffee.png", "rocket.png")]
    return [shrink(path, 100) for path in paths]


def crop(photograph, number):
    """A part of it with 76 to 99 pixels on the shorter side, another one for each number; upright or not."""
    short = 76 + number * 7 % 24
    long = min(short * 5 // 4 + number % 3, max(photograph.shape[:2]))
    width, height = (long, short) if photograph.shape[1] > photograph.shape[0] else (short, long)
    y, x = (number * 13 % (have - want + 1) for have, want in zip(photograph.shape, (height, width)))
    return photograph[y : y + height, x : x + width]
