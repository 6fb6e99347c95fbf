#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Holds one file in the layout of oracle.py or dream.py against the oracle's and prints a table. Exit status 1 beyond a limit.

Errors are relative to the oracle's array. Everything that the oracle holds must be in the other file.

A value close to zero before a ReLU, or two equal ones under a max pool, can go either way by rounding alone, and then moves the gradient
of the pixels below by far more than the rounding. So the largest error of a gradient is a matter of luck: noise of 1e-6 of each layer's
maximum makes it 1e-3 (guided) to 1e-1 (plain), while the cosine stays above 0.9999. Algorithms that round more than a direct f32
convolution does (Winograd, bf16) need a wider --gradient; --rms and --cosine then do the judging.
"""
import argparse
import sys

import h5py
import numpy


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("oracle")
    parser.add_argument("other")
    parser.add_argument("--activation", type=float, default=1e-4, metavar="LIMIT", help="largest error of an activation")
    parser.add_argument("--gradient", type=float, default=1e-3, metavar="LIMIT", help="largest error of a gradient")
    parser.add_argument("--rms", type=float, default=2e-2, metavar="LIMIT", help="largest error of a gradient or dream, root mean square")
    parser.add_argument("--cosine", type=float, default=0.9999, metavar="LIMIT", help="smallest cosine of two gradients or dreams")
    parser.add_argument("--loss", type=float, default=1e-4, metavar="LIMIT", help="largest relative error of a loss or norm")
    parser.add_argument("--dream", type=float, default=1e-3, metavar="LIMIT", help="largest error of a dreamt picture")
    return parser.parse_args()


def datasets(file):
    names = []
    file.visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None)
    return names


def judge(name, oracle, other, limits):
    """(largest error, root mean square error, cosine, whether all are within the limits)"""
    oracle, other = (numpy.asarray(a, dtype=numpy.float64) for a in (oracle, other))
    if oracle.shape != other.shape:
        sys.exit(f"{name}: shape {other.shape}, the oracle has {oracle.shape}")
    largest = abs(oracle).max()
    if not largest > 0:
        sys.exit(f"{name}: the oracle is zero everywhere: nothing to compare")
    norm = numpy.linalg.norm
    error = abs(oracle - other).max() / largest
    rms = norm(oracle - other) / norm(oracle)
    cosine = (oracle * other).sum() / (norm(oracle) * max(norm(other), 1e-300))
    group = name.split("/")[0]
    limit = {"image": 0.0, "size": 0.0, "norm": limits.loss}.get(group, vars(limits).get(group))
    good = error <= limit  # false for a NaN, as it must be
    if group in ("gradient", "dream"):
        good = good and rms <= limits.rms and cosine >= limits.cosine
    return error, rms, cosine, good


def main():
    limits = arguments()
    failures = 0
    with h5py.File(limits.oracle, "r") as oracle, h5py.File(limits.other, "r") as other:
        print(f"{'':28}{'max error / max':>16}{'rms / rms':>14}{'1 - cosine':>14}")
        for name in datasets(oracle):
            if name not in other:
                print(f"{name:28}{'missing':>16}")
                failures += 1
                continue
            error, rms, cosine, good = judge(name, oracle[name][()], other[name][()], limits)
            print(f"{name:28}{error:16.3e}{rms:14.3e}{1 - cosine:14.3e}{'' if good else '  beyond the limit'}")
            failures += not good
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
