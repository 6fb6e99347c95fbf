#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Whether maps of an explanation can be believed, in NumPy: curves of deletion and insertion over cells, and rank correlations with the
maps of an untrained network, of the same random numbers as the program's. faithfulness.py --self-test tests it.
"""
import argparse

import numpy
import scipy.stats

from formulas import CAMS, enlarge, expected_gradients, grad_cam, saliency, scaled, weigh

CELLS_MAX = 32  # along the longer side
BAND = 16  # pixels; a cell has a multiple of it
RANDOM = 11  # the number of the random map, in its counters
NORMAL = 0x6E6F726D616C  # beside the seed, of normal numbers


def philox(key, counters):
    """Philox4x32-10 (Salmon 2011): counters (n, 4) -> (n, 4), uint32. `key`: a whole number of 64 bits."""
    k0, k1 = key & 0xFFFFFFFF, key >> 32
    c = [counters[:, i].astype(numpy.uint64) for i in range(4)]
    low, half = numpy.uint64(0xFFFFFFFF), numpy.uint64(32)
    for _ in range(10):
        p0, p1 = numpy.uint64(0xD2511F53) * c[0], numpy.uint64(0xCD9E8D57) * c[2]
        c = [(p1 >> half) ^ c[1] ^ numpy.uint64(k0), p1 & low, (p0 >> half) ^ c[3] ^ numpy.uint64(k1), p0 & low]
        k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return numpy.stack(c, 1)


def normals(seed, number, rows, count):
    """(rows, count) normal numbers: those of rng_normal() of picture `number`, sample 0. Box and Muller."""
    own = philox(seed ^ NORMAL, numpy.array([[number & 0xFFFFFFFF, number >> 32, 0, 0]]))[0]
    blocks = -(-count // 4)
    counters = numpy.zeros((rows * blocks, 4), numpy.uint32)
    counters[:, 0] = numpy.repeat(numpy.arange(rows), blocks)
    counters[:, 2] = numpy.tile(numpy.arange(blocks), rows)
    unit = (philox(int(own[0]) | int(own[1]) << 32, counters) + 0.5) * 2.0**-32
    radius, angle = numpy.sqrt(-2 * numpy.log(unit[:, ::2])), 2 * numpy.pi * unit[:, 1::2]
    pairs = numpy.stack([radius * numpy.cos(angle), radius * numpy.sin(angle)], 2)
    return pairs.reshape(rows, -1)[:, :count]


def untrain(network, seed):
    """He's normal kernels in an inception.Inception; no biases."""
    import inception
    import torch

    for number, (kernel, beta, mean, variance) in enumerate(list(network.blocks.values())):
        fan_in = kernel[0].numel()
        made = normals(seed, number, len(kernel), fan_in).astype(numpy.float32) * numpy.sqrt(numpy.float32(2 / fan_in))
        network.blocks[f"conv2d_{number + 1}"] = (
            torch.from_numpy(made).reshape(kernel.shape).to(kernel.dtype),
            torch.zeros_like(beta), torch.zeros_like(mean), torch.full_like(variance, 1 - inception.EPSILON))


class Cells:
    """A picture of height x width in square cells."""

    def __init__(self, height, width):
        self.picture = height, width
        self.side = BAND * -(-max(height, width) // (CELLS_MAX * BAND))
        self.shape = -(-height // self.side), -(-width // self.side)
        self.count = self.shape[0] * self.shape[1]

    def means(self, values):
        rows, columns = self.shape
        s = self.side
        return numpy.array([values[v * s : v * s + s, u * s : u * s + s].mean() for v in range(rows) for u in range(columns)])

    def order(self, means, ties):
        """Their numbers, the largest value first, of equal ones the larger tie."""
        means = levels(means)
        return sorted(range(self.count), key=lambda i: (-float(means[i]), -float(ties[i]), i))

    def compose(self, chosen, inside, outside):
        """In the chosen cells `inside`, elsewhere `outside`, crossfaded between the middles of cells."""
        mask = numpy.zeros(self.count)
        mask[chosen] = 1
        much = enlarge(mask.reshape(self.shape), *self.picture, self.side, (self.side - 1) / 2)
        return outside + much * (inside - outside)


def curves(loss, cells, order, picture, flat, steps):
    """Deletion and insertion (2, steps + 1), and their areas."""
    whole = loss(picture)
    at = [int(numpy.floor(k * cells.count / steps + 0.5)) for k in range(steps + 1)]
    found = numpy.array([[loss(cells.compose(order[:n], *pair)) for n in at] for pair in ((flat, picture), (picture, flat))])
    found = found / whole
    return found, [numpy.trapz(curve, numpy.array(at) / cells.count) for curve in found]


def edges(picture):
    """|dx| + |dy| of the lightness, Rec. 601; the border repeats."""
    light = numpy.tensordot([0.299, 0.587, 0.114], picture, 1)
    return abs(numpy.diff(light, axis=1, append=light[:, -1:])) + abs(numpy.diff(light, axis=0, append=light[-1:]))


def levels(means):
    """What tells cells apart: not rounding."""
    means = numpy.asarray(means, float)
    most = numpy.nanmax(abs(means))
    return numpy.rint(means / most * 2**20) if most > 0 else means


def correlation(a, b):
    """Spearman's."""
    return scipy.stats.spearmanr(levels(a), levels(b)).correlation


def stored(file, kind, layer, size, grid):
    """A map of explain.h5 at the picture's pixels."""
    if kind == "class_cam" or kind in CAMS:
        return enlarge(file[kind if kind == "class_cam" else f"{kind}/{layer}"][()].astype(float), *size, *grid(layer))
    if kind == "guided_gradcam":
        return abs(file[f"{kind}/{layer}"][()]).max(0)
    values = file[kind][()].astype(float)
    return values.sum(0) if kind == "expected_gradients" else values


def untrained(oracle, x, kind, layer, config, rule, baselines, top):
    """The same map of another network; None where it depends on noise that is not the same here."""
    size = x.shape[1:]
    if kind == "saliency_smoothgrad":
        return None
    if kind == "expected_gradients":
        return expected_gradients(lambda at: oracle.derivatives(at)[:2], x, baselines, config["importance"]["samples"])[0].sum(0)
    if kind.startswith("saliency"):
        return saliency(oracle.derivatives(x, mode="plain" if kind == "saliency" else rule)[1])
    a, g = oracle.activations(x, [layer])[layer], oracle.derivatives(x, [layer])[2][layer]
    if kind in CAMS or kind == "class_cam":
        return enlarge(scaled(weigh(top, a) if kind == "class_cam" else CAMS[kind](a, g))[0], *size, *oracle.network.grid(layer))
    large = enlarge(scaled(grad_cam(a, g))[0], *size, *oracle.network.grid(layer))
    return abs(oracle.derivatives(x, mode=rule)[1] * large).max(0)


def test_philox(generator):
    known = numpy.array([0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8])  # Random123's kat_vectors
    assert (philox(0, numpy.zeros((1, 4), numpy.uint32))[0] == known).all()
    many = normals(5, 3, 40, 1001)
    assert many.shape == (40, 1001) and abs(many.mean()) < 0.02 and abs(many.std() - 1) < 0.02


def test_cells(generator):
    cells = Cells(40, 70)
    assert cells.side == 16 and cells.shape == (3, 5)
    values = generator.normal(size=(40, 70))
    assert abs(cells.means(values)[14] - values[32:, 64:].mean()) < 1e-12
    a, b = generator.normal(size=(2, 3, 40, 70))
    assert (cells.compose([], a, b) == b).all() and abs(cells.compose(list(range(15)), a, b) - a).max() < 1e-12
    one = cells.compose([6], a, b)
    assert abs(one[:, 24, 24] - (b + (31 / 32) ** 2 * (a - b))[:, 24, 24]).max() < 1e-12
    assert (one[:, :8] == b[:, :8]).all() and (one[:, :, 40:] == b[:, :, 40:]).all()
    small = Cells(16, 48)
    assert small.order([1, 3, 1], [0, 0, 1]) == [1, 2, 0]


def test_curves(generator):
    """A loss that counts what is left of each cell: the best order has the largest area, and the worst the smallest."""
    cells = Cells(32, 64)
    picture, flat = numpy.ones((3, 32, 64)), numpy.zeros((3, 32, 64))
    worth = numpy.kron(numpy.arange(8.0).reshape(2, 4), numpy.ones((16, 16)))
    loss = lambda x: (x * worth).sum()
    order = cells.order(cells.means(worth), numpy.zeros(8))
    assert order == list(range(7, -1, -1))
    best, worst = (curves(loss, cells, which, picture, flat, 4) for which in (order, order[::-1]))
    assert best[0][0, 0] == 1 and abs(best[0][0, -1]) < 1e-12 and best[1][1] > 0.6 > 0.4 > worst[1][1]
    assert abs(best[1][0] + best[1][1] - 1) < 1e-12  # what one takes away the other puts in, where the loss is linear


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--self-test", action="store_true", required=True)
    parser.parse_args()
    for test in (test_philox, test_cells, test_curves):
        test(numpy.random.default_rng(1))
        print(f"{test.__name__}: good")


if __name__ == "__main__":
    main()
