#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""make.py FOLDER PICTURE_DUMP ONEIROS: 400 pictures in FOLDER/pictures, some of them broken, and what is to become of each in
FOLDER/manifest.json and FOLDER/expected; how many are good and how many are broken in FOLDER/counts. The same in every run of a build: kinds
that it does not read are left out."""
import json
import pathlib
import sys

import numpy

import photographs
from broken import BROKEN
from decoded import Dump, formats, readable
from kinds import KINDS

COUNT = 400


def make_good(folder, number, kind, photograph, known):
    """None: this build does not read it."""
    name, make = kind
    picture = make(photographs.crop(photograph, number))
    if picture.needs and picture.needs not in known:
        return None
    stem = f"{number:03}-{name}"
    (folder / "pictures" / f"{stem}.{picture.suffix}").write_bytes(picture.data)
    holes = numpy.zeros(0) if picture.holes is None else picture.holes
    values = picture.values or (0, 1 if picture.samples.dtype.kind == "f" else numpy.iinfo(picture.samples.dtype).max)
    numpy.savez(folder / "expected" / f"{stem}.npz", samples=picture.samples, holes=holes, values=numpy.array(values, float))
    (folder / "expected" / f"{stem}.icc").write_bytes(picture.profile)
    return {"file": f"{stem}.{picture.suffix}", "dream": f"{stem}/{picture.dream}", "notices": picture.notices, "kind": name,
            "own_profile": picture.own_profile, "orientation": picture.orientation, "density": picture.density,
            "tags": [[tag[0], tag[3]] for tag in picture.tags], "said": [text.decode() for text in picture.said],
            "raster": picture.values is not None}


def make_broken(folder, number, photograph, broken):
    name, make, error = broken[number]
    file = f"{number * COUNT // len(broken):03}-broken-{name}"  # among the others
    (folder / "pictures" / file).write_bytes(make(photographs.crop(photograph, number)))
    return {"file": file, "error": error}


def main():
    folder = pathlib.Path(sys.argv[1])
    for part in ("pictures", "expected"):
        (folder / part).mkdir(parents=True)
    with Dump(sys.argv[2]) as dump:
        known = formats(dump, sys.argv[3], folder)
    (folder / "text").unlink()
    photos = photographs.load()
    manifest, kinds, broken, number = [], list(KINDS), readable(BROKEN, known), 0
    while len(manifest) < COUNT - len(broken):
        kind = kinds[number % len(kinds)]
        entry = make_good(folder, len(manifest), kind, photos[(len(manifest) + number // len(kinds)) % len(photos)], known)
        if entry:
            manifest.append(entry)
            number += 1
        else:
            kinds.remove(kind)
    good = len(manifest)
    manifest += [make_broken(folder, n, photos[n % len(photos)], broken) for n in range(len(broken))]
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1))
    (folder / "counts").write_text(f"{good} {len(broken)}\n")
    print(f"{good} pictures of {len(kinds)} kinds and {len(broken)} broken ones of {len(photos)} photographs in {folder}")


main()
