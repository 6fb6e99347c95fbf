#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""`oneiros explain` and the seed preset, run as a user runs them and held against what does not come from them.

explain.py oracle  ONEIROS PHOTO [KEY=VALUE]... [-- limits of attribution.py]   every array and number against PyTorch
explain.py class   ONEIROS PHOTO [KEY=VALUE]... [-- limits of attribution.py]   the same for a logit; the classifier is made up, since the
                                                                               one of ImageNet is not in every weights file
explain.py tiles   ONEIROS PHOTO SIZE [KEY=VALUE]...                            in tiles of SIZE with the exact halo against the whole
explain.py seed    ONEIROS PHOTO SHORTER                                        the losses of every step of the seed preset
"""
import pathlib
import shutil
import subprocess
import sys
import tempfile

import h5py
import numpy
from PIL import Image

import check

HERE = pathlib.Path(__file__).parent


def oneiros(program, command, folder, photo, settings, *options):
    settings = [word for setting in settings for word in ("-s", setting)]
    subprocess.run([program, command, "--quiet", *options, *settings, "-o", folder, photo], check=True)
    return f"{folder}/{pathlib.Path(photo).stem}/explain.h5" if command == "explain" else f"{folder}/run.h5"


def plain(photo, folder):
    """The photograph without its profile: PyTorch is to see the numbers that the network sees, and profiles have tests of their own."""
    path = f"{folder}/{pathlib.Path(photo).stem}.png"
    pixels = numpy.asarray(Image.open(photo).convert("RGB"))
    Image.fromarray(pixels).save(path)
    return path


def split(options):
    at = options.index("--") if "--" in options else len(options)
    return options[:at], options[at + 1 :]


def attribute(explained, photo, weights, limits):
    subprocess.run([sys.executable, HERE / "attribution.py", explained, photo, weights, *limits], check=True)


def with_top(weights, path, classes=7):
    """A copy of the weights with a classifier: as Keras stores it, with values as they come out of training, roughly."""
    shutil.copy(weights, path)
    random = numpy.random.default_rng(4)
    with h5py.File(path, "r+") as file:
        group = file.create_group("predictions")
        group["predictions/kernel:0"] = random.normal(0, 0.03, (2048, classes)).astype(numpy.float32)
        group["predictions/bias:0"] = random.normal(0, 0.1, classes).astype(numpy.float32)
        group.attrs["weight_names"] = numpy.array([b"predictions/kernel:0", b"predictions/bias:0"])
        names = list(file.attrs["layer_names"])
        file.attrs["layer_names"] = numpy.array(names + [b"predictions"])
    return path


def compare_tiles(whole, tiled, limit=1e-3):
    failures = compared = 0

    def compare(name, a):
        nonlocal failures, compared
        if not isinstance(a, h5py.Dataset):
            return
        b = tiled[name]
        error = float(numpy.abs(a[()] - b[()]).max() / max(numpy.abs(a[()]).max(), 1e-30))
        compared += 1
        failures += error > limit
        print(f"{name:40} {error:.1e}{'  MORE THAN ' + str(limit) if error > limit else ''}")
        for key in ("score", "sparsity", "hoyer", "diversity", "diversity_seed"):
            if key in a.attrs and abs(a.attrs[key] - b.attrs[key]) > 1e-5 * abs(a.attrs[key]):
                failures += 1
                print(f"{name} {key}: {a.attrs[key]} and {b.attrs[key]}")

    whole.visititems(compare)
    return failures == 0 and compared > 10


def main():
    what, program, photo, *options = sys.argv[1:]
    weights = check.weights()
    with tempfile.TemporaryDirectory(prefix="oneiros-reference-") as folder:
        photo = plain(photo, folder)
        settings, limits = split(options)
        if what == "oracle":
            attribute(oneiros(program, "explain", folder, photo, settings), photo, weights, limits)
        elif what == "class":
            top = with_top(weights, f"{folder}/top.h5")
            settings = ["objective=class", "targets=mixed10:1", "class=3", f"model.path={top}", *settings]
            attribute(oneiros(program, "explain", f"{folder}/out", photo, settings), photo, top, limits)
        elif what == "tiles":
            size, *settings = settings
            whole = oneiros(program, "explain", f"{folder}/whole", photo, settings)
            tiled = oneiros(program, "explain", f"{folder}/tiled", photo, ["tile.halo=exact", f"tile.size={size}", *settings])
            with h5py.File(whole) as a, h5py.File(tiled) as b:
                sys.exit(0 if compare_tiles(a, b) else 1)
        elif what == "seed":
            (shorter,) = settings
            run = oneiros(program, "dream", folder, photo, [f"input.resize={shorter}"], "--preset", "seed")
            subprocess.run([sys.executable, HERE / "seed.py", run, photo, weights, "--shorter", shorter], check=True)
        else:
            sys.exit(__doc__)


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as error:
        sys.exit(f"failed with {error.returncode}: {' '.join(map(str, error.cmd))}")
