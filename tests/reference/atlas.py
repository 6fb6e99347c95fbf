#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""`oneiros atlas` beside a search by brute force: PyTorch sees every picture, and NumPy looks for the places that excite each channel most.

atlas.py ONEIROS [--channels N] PICTURE...     the first N channels of mixed4 (8), by activation and by relevance, and which count alike
"""
import argparse
import pathlib
import subprocess
import sys
import tempfile

import h5py
import numpy

import check
import faithfulness  # noqa: F401  (the same imports are needed)
import inception
from explain import plain

PLACES = 9
ALIKE = 1e-4  # values that may change places: of the largest


def look(network, path, channels):
    """Activation and relevance (channels, h, w) of one picture; L: mean A^2 over these channels."""
    a = network.forward(inception.read_image(path), ["mixed4"])["mixed4"][0, channels].double().numpy()
    return a, a * 2 * a / a.size


def best(maps):
    """Of each channel the first place of its largest value, and that: (y, x, value)."""
    flat = maps.reshape(len(maps), -1)
    at = flat.argmax(1)
    return [(*divmod(int(i), maps.shape[2]), float(row[i])) for i, row in zip(at, flat)]


def compare(name, file, word, found, sources, stride, centre):
    """found: [picture][channel] (y, x, value). Places whose values are as good as equal may be in either order."""
    values, pictures, places = (file[f"mixed4/{word}{end}"][()] for end in ("", "_picture", "_place"))
    listed = [path.decode() for path in file["pictures"][()]]
    worst = 0
    for c in range(len(found[0])):
        ranked = sorted(((peaks[c][2], i, peaks[c][:2]) for i, peaks in enumerate(found) if peaks[c][2] > 0), key=lambda row: (-row[0], row[1]))[:PLACES]
        ours = values[c][numpy.isfinite(values[c])]
        assert len(ours) == len(ranked), f"{name} {c}: {len(ours)} places where there are {len(ranked)}"
        worst = max([worst, *(abs(value - row[0]) / ranked[0][0] for value, row in zip(ours, ranked))])
        for k, row in enumerate(ranked):
            same = [other for other in ranked if abs(other[0] - row[0]) <= ALIKE * ranked[0][0]]
            where = (listed[pictures[c, k]], *places[c, k])
            wanted = [(sources[i], centre + y * stride, centre + x * stride) for _, i, (y, x) in same]
            assert where in wanted or k == PLACES - 1 and len(same) == 1 and abs(ours[k] - row[0]) <= ALIKE * row[0], f"{name} {c}, place {k}: {where}, not of {wanted}"
    print(f"{name}: values within {worst:.1e} of the largest")
    assert worst < ALIKE


def likeness(file, importance, channels):
    """The cosines of the file, each beside NumPy's of the same pair."""
    norms = numpy.linalg.norm(importance, axis=0)
    for c, channel in enumerate(channels):
        for other, cosine in zip(file["mixed4/similar"][channel], file["mixed4/similarity"][channel]):
            if other >= 0:
                wanted = importance[:, c] @ importance[:, channels.index(other)] / norms[c] / norms[channels.index(other)]
                assert abs(cosine - wanted) < 1e-4, (channel, other, cosine, wanted)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("program")
    parser.add_argument("--channels", type=int, default=8)
    parser.add_argument("pictures", nargs="+")
    args = parser.parse_args()
    inception.deterministic()
    network = inception.Inception(check.weights())
    channels = list(range(args.channels))
    with tempfile.TemporaryDirectory(prefix="oneiros-atlas-") as folder:
        inputs = pathlib.Path(folder) / "in"
        inputs.mkdir()
        sources = [plain(path, inputs) for path in args.pictures]
        settings = [f"targets=mixed4#{'+'.join(map(str, channels))}", "steps=1", "octaves.count=1", "atlas.size=75", "precision=f32"]
        subprocess.run([args.program, "atlas", "-q", *(word for s in settings for word in ("-s", s)), "-o", f"{folder}/atlas", *sources], check=True)
        found = [look(network, path, channels) for path in sources]
        stride, centre = network.grid("mixed4")
        with h5py.File(f"{folder}/atlas/atlas.h5") as file:
            for kind, word in enumerate(("activation", "relevance")):
                compare(word, file, word, [best(maps[kind]) for maps in found], sources, stride, centre)
            likeness(file, numpy.array([maps[1].mean((1, 2)) for maps in found]), channels)


if __name__ == "__main__":
    main()
    sys.exit(0)
