#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Holds one file in the layout of oracle.py against the oracle's and prints a table. Exit status 1 beyond a limit.

Errors are relative to the largest magnitude in the oracle's array. Everything that the oracle holds must be in the other file.
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
    parser.add_argument("--cosine", type=float, default=0.9999, metavar="LIMIT", help="smallest cosine of two gradients")
    parser.add_argument("--loss", type=float, default=1e-4, metavar="LIMIT", help="largest relative error of a loss")
    return parser.parse_args()


def datasets(file):
    names = []
    file.visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None)
    return names


def judge(name, oracle, other, limits):
    """(relative error, cosine, whether both are within the limits)"""
    oracle, other = (numpy.asarray(a, dtype=numpy.float64) for a in (oracle, other))
    if oracle.shape != other.shape:
        sys.exit(f"{name}: shape {other.shape}, the oracle has {oracle.shape}")
    largest = abs(oracle).max()
    if not largest > 0:
        sys.exit(f"{name}: the oracle is zero everywhere: nothing to compare")
    error = abs(oracle - other).max() / largest
    norms = numpy.linalg.norm(oracle) * numpy.linalg.norm(other)
    cosine = (oracle * other).sum() / norms if norms > 0 else 0.0
    group = name.split("/")[0]
    # Written so that a NaN fails.
    good = error <= {"image": 0.0}.get(group, vars(limits).get(group))
    if group == "gradient":
        good = good and cosine >= limits.cosine
    return error, cosine, good


def main():
    limits = arguments()
    failures = 0
    with h5py.File(limits.oracle, "r") as oracle, h5py.File(limits.other, "r") as other:
        print(f"{'':28}{'max error / max':>16}{'1 - cosine':>14}")
        for name in datasets(oracle):
            if name not in other:
                print(f"{name:28}{'missing':>16}")
                failures += 1
                continue
            error, cosine, good = judge(name, oracle[name][()], other[name][()], limits)
            print(f"{name:28}{error:16.3e}{1 - cosine:14.3e}{'' if good else '  beyond the limit'}")
            failures += not good
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
