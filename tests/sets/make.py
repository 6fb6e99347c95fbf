#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""make.py FOLDER: 300 pictures in FOLDER/pictures, 20 of them broken, and what is to become of each in FOLDER/manifest.json and
FOLDER/expected. The same in every run."""
import json
import pathlib
import sys

import numpy

import photographs
from broken import BROKEN
from pictures import KINDS

COUNT = 300


def make_good(folder, number, photograph):
    name, make = KINDS[number % len(KINDS)]
    picture = make(photographs.crop(photograph, number))
    stem = f"{number:03}-{name}"
    (folder / "pictures" / f"{stem}.{picture.suffix}").write_bytes(picture.data)
    numpy.save(folder / "expected" / f"{stem}.npy", picture.samples)
    (folder / "expected" / f"{stem}.icc").write_bytes(picture.profile)
    return {"file": f"{stem}.{picture.suffix}", "dream": f"{stem}/{picture.dream}", "notice": picture.notice}


def make_broken(folder, number, photograph):
    name, make, error = BROKEN[number]
    file = f"{number * COUNT // len(BROKEN):03}-broken-{name}"  # among the others
    (folder / "pictures" / file).write_bytes(make(photographs.crop(photograph, number)))
    return {"file": file, "error": error}


def main():
    folder = pathlib.Path(sys.argv[1])
    for part in ("pictures", "expected"):
        (folder / part).mkdir(parents=True)
    photos = photographs.load()
    good = COUNT - len(BROKEN)
    manifest = [make_good(folder, n, photos[(n + n // len(KINDS)) % len(photos)]) for n in range(good)]
    manifest += [make_broken(folder, n, photos[n % len(photos)]) for n in range(len(BROKEN))]
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1))
    print(f"{good} pictures of {len(KINDS)} kinds and {len(BROKEN)} broken ones of {len(photos)} photographs in {folder}")


main()
