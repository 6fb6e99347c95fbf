#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""statistics.py STATISTICS EXPLAINED...: whether a file of `oneiros model statistics` says of each target of explanations of the same pictures,
at the same size, what NumPy makes of their activations. The one has all layers by passes over whole pictures, the others those that
`oneiros explain` keeps."""
import sys

import h5py
import numpy as np

TOLERANCE = 2e-3  # files are rounded to 12 bits, and a convolution may be another one here and there


def stored(file, layer):
    """Four rows of a layer; those of a mixed layer are not in the file."""
    names = [name.decode().rstrip("\0") for name in file.attrs["layers"]]
    ends = np.cumsum(file.attrs["channels"])
    where = slice(ends[names.index(layer)] - file.attrs["channels"][names.index(layer)], ends[names.index(layer)])
    return [file[name][where].astype(float) for name in ("mean", "mean_square", "picture_mean", "picture_deviation")]


def main():
    with h5py.File(sys.argv[1]) as file:
        pictures = [h5py.File(path) for path in sys.argv[2:]]
        assert file.attrs["pictures"] == len(pictures), dict(file.attrs)
        for layer in pictures[0]["activation"]:
            values = [picture["activation"][layer][:].astype(float).reshape(len(picture["activation"][layer]), -1) for picture in pictures]
            every = np.concatenate(values, 1)
            means = np.array([one.mean(1) for one in values])
            wanted = [every.mean(1), (every**2).mean(1), means.mean(0), means.std(0, ddof=1)]
            for have, want in zip(stored(file, layer), wanted):
                assert (abs(have - want) <= TOLERANCE * want + 1e-3 * TOLERANCE * want.max()).all(), (layer, abs(have - want).max(), want.max())
    print(f"{len(pictures)} pictures: all as NumPy has it")


if __name__ == "__main__":
    main()
