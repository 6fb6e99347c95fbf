#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""cases.py DUMP ONEIROS: one picture of every kind is decoded as kinds.py says, to within the grey levels that it allows, with its notice,
its size by its header alone, its samples' type and profile. What damaged.py makes is refused, each with its own message, or read with a notice
where damage is accepted. Formats that this build does not read are refused."""
import pathlib
import sys
import tempfile

import numpy

import damaged
import photographs
from broken import BROKEN
from decoded import Dump, formats, notice_kind, notice_kinds, readable
from kinds import KINDS

def type_of(samples, raster):
    kind = {"u": "u", "i": "i", "f": "f"}[samples.dtype.kind]
    return f"{kind}{8 * samples.itemsize}" if raster else "u0"


def check_pixels(picture, got, ffmpeg):
    seen = picture.seen
    if got.rgb.shape != seen.shape:
        return f"{got.width} x {got.height} pixels, not {seen.shape[1]} x {seen.shape[0]}"
    holes = numpy.isnan(seen)
    exact = 0.51 if picture.samples.itemsize == 1 or picture.samples.dtype == numpy.float16 else 0.01
    if picture.profile:  # Pillow's way through it has 8 bits
        exact = 3 if picture.samples.itemsize == 1 else 9
    level = (ffmpeg and picture.rough) or picture.level or exact
    clear = picture.samples.shape[2] == 4 and not picture.values and got.alpha is not None
    unseen = holes | (got.alpha == 0)[..., None] if clear else holes
    worst = 255 * abs(numpy.where(unseen, 0, got.rgb - seen)).max()
    if worst > level:
        return f"{worst:.2f} grey levels off; {level} are allowed"
    if holes.any() and abs(got.rgb[holes] - 0.5).max() > 1e-6:
        return "what has no data is not grey"
    return None


def check_alpha(picture, got):
    if picture.values or picture.samples.shape[2] != 4:  # of rasters alpha is one of the bands
        return None if got.alpha is None or picture.values else "there is alpha"
    if got.alpha is None:
        return "there is no alpha"
    alpha = picture.samples[..., 3].astype(numpy.float64)
    alpha /= 1 if picture.samples.dtype.kind == "f" else numpy.iinfo(picture.samples.dtype).max
    worst = abs(got.alpha - alpha).max()
    return f"alpha is {worst:.4f} off" if worst > 1e-4 else None


def check_facts(picture, got):
    if got.probed != (got.width, got.height):
        return f"{got.probed} by its header"
    if picture.values and got.type != type_of(picture.samples, True):
        return f"its samples are {got.type}"
    if not picture.values and got.bits != 8 * min(picture.samples.itemsize, 4):
        return f"{got.bits} bits"
    if picture.own_profile != (got.profile > 0) if not picture.profile else got.profile != len(picture.profile):
        return f"a profile of {got.profile} bytes, not {len(picture.profile)}"
    if notice_kinds(got.text) != sorted(notice_kind(text) for text in picture.notices):
        return f"the notice '{got.text}', not {picture.notices}"
    if not all(text in got.text for text in picture.notices):
        return f"the notice '{got.text}', not {picture.notices}"
    return None


def check(dump, known, path, picture):
    path.write_bytes(picture.data)
    got = dump.decode(path)
    if picture.needs == "libvips" and picture.needs not in known:
        return None  # FFmpeg lacks it
    if picture.needs and picture.needs not in known:
        return None if got.status != 0 and ("oneiros reads" in got.text or "libvips" in got.text) else f"is not refused: {got.text}"
    if got.status != 0:
        return f"refused: {got.text}"
    return check_pixels(picture, got, "libvips" not in known) or check_alpha(picture, got) or check_facts(picture, got)


def check_refused(dump, path, data, error):
    path.write_bytes(data)
    got = dump.decode(path)
    if got.status == 0 and "x" not in error.split():  # a size that only a dream refuses
        return f"is read; {got.text}"
    return None if error in got.text or got.status == 0 else f"'{got.text}', not '{error}'"


def main():
    program = sys.argv[1]
    photos = photographs.load()
    wrong, refused = {}, 0
    with tempfile.TemporaryDirectory() as name, Dump(program) as dump, Dump(program, damaged="accept") as accepting:
        folder = pathlib.Path(name)
        known = formats(dump, sys.argv[2], folder)
        for number, (kind, make) in enumerate(KINDS):
            picture = make(photographs.crop(photos[number % len(photos)], number))
            refused += bool(picture.needs) and picture.needs not in known
            wrong[kind] = check(dump, known, folder / f"{kind}.{picture.suffix}", picture)
        photo = photographs.crop(photos[0], 1)
        for kind, make, error in readable(BROKEN, known):
            wrong[kind] = check_refused(dump, folder / kind, make(photo), error)
        for kind, make, error, notice, rows in damaged.DAMAGED:
            picture = make(photo)
            path = folder / f"{kind}.{picture.suffix}"
            wrong[kind] = check_refused(dump, path, picture.data, error) or damaged.check_accepted(accepting, path, picture, notice, rows)
        for bands, values, kind, make in damaged.CHOSEN:
            with Dump(program, bands, values) as choosing:
                wrong[kind] = check(choosing, known, folder / f"{kind}.tif", make(photo))
    wrong = {kind: what for kind, what in wrong.items() if what}
    for kind, what in wrong.items():
        print(f"{kind}: {what}")
    print(f"{len(KINDS)} kinds, {refused} of formats that are not in; {len(BROKEN)} broken, {len(damaged.DAMAGED)} damaged: {len(wrong)} wrong")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
