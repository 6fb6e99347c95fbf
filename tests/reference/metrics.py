#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What the activation of a target is like, in NumPy and float64: an oracle for the metrics. metrics.py --self-test tests it.

Activations are (channels, h, w). NaN where a number is not defined.
"""
import argparse
import math

import numpy


def chosen(target):
    """The channels of a target of the configuration that count, as an index, and their signs: -1 where they are lowered."""
    channels, lowered = target.get("channels", []), target.get("lowered", [])
    return channels + lowered or slice(None), [1.0] * len(channels) + [-1.0] * len(lowered) or [1.0]


def loss(activation, objective, target):
    """Mean over all positions of the target's channels of A^2 (mean_square) or of A (mean), with their signs."""
    channels, signs = chosen(target)
    a = numpy.asarray(activation, dtype=numpy.float64)[channels]
    return (numpy.array(signs)[:, None, None] * {"mean_square": a * a, "mean": a}[objective]).mean()


def score(activation):
    """DeepDream score: mean |A|."""
    return abs(numpy.asarray(activation, dtype=numpy.float64)).mean()


def sparsity(activation, threshold):
    """The part of the values that are not above the threshold."""
    return 1 - (numpy.asarray(activation, dtype=numpy.float64) > threshold).mean()


def hoyer(activation):
    """(sqrt(n) - |A|_1 / |A|_2) / (sqrt(n) - 1): 0 where all n values are equal, 1 where a single one is not 0 (Hoyer 2004)."""
    a = numpy.asarray(activation, dtype=numpy.float64).ravel()
    root, norm = math.sqrt(a.size), numpy.linalg.norm(a)
    return (root - abs(a).sum() / norm) / (root - 1) if a.size > 1 and norm > 0 else math.nan


def diversity(activation):
    """1 - mean cosine of two channels, over all pairs of channels that are not zero everywhere."""
    a = numpy.asarray(activation, dtype=numpy.float64).reshape(len(activation), -1)
    norms = numpy.linalg.norm(a, axis=1)
    units = a[norms > 0] / norms[norms > 0, None]
    if len(units) < 2:
        return math.nan
    return 1 - (units @ units.T)[numpy.triu_indices(len(units), 1)].mean()


def diversity_seed(activation):
    """1 - |A|_2^2, as in the notebook that Oneiros descends from."""
    a = numpy.asarray(activation, dtype=numpy.float64)
    return 1 - (a * a).sum()


def target_metrics(activation, threshold):
    """All but the loss, which depends on the objective."""
    return {
        "score": score(activation),
        "sparsity": sparsity(activation, threshold),
        "hoyer": hoyer(activation),
        "diversity": diversity(activation),
        "diversity_seed": diversity_seed(activation),
    }


def naive_metrics(activation, threshold):
    """The same by plain loops over values and pairs."""
    channels = [[float(x) for x in channel.ravel()] for channel in activation]
    values = [x for channel in channels for x in channel]
    n, one, two = len(values), sum(abs(x) for x in values), sum(x * x for x in values)
    cosines = []
    for c, a in enumerate(channels):
        for b in channels[c + 1 :]:
            lengths = math.sqrt(sum(x * x for x in a)) * math.sqrt(sum(x * x for x in b))
            if lengths > 0:
                cosines.append(sum(x * y for x, y in zip(a, b)) / lengths)
    return {
        "score": one / n,
        "sparsity": 1 - sum(x > threshold for x in values) / n,
        "hoyer": (math.sqrt(n) - one / math.sqrt(two)) / (math.sqrt(n) - 1),
        "diversity": 1 - sum(cosines) / len(cosines),
        "diversity_seed": 1 - two,
    }


def self_test():
    generator = numpy.random.default_rng(1)
    a = generator.normal(size=(7, 5, 4)).clip(min=0).astype(numpy.float32)
    a[[2, 5]] = 0  # silent channels
    found, naive = target_metrics(a, 0.1), naive_metrics(a, 0.1)
    assert found.keys() == naive.keys()
    for name in found:
        assert abs(found[name] - naive[name]) <= 1e-12 * abs(naive[name]), (name, found[name], naive[name])

    one, equal = numpy.zeros((3, 2, 2)), numpy.full((3, 2, 2), 0.1)
    one[1, 0, 1] = -4
    assert hoyer(one) == 1 and abs(hoyer(equal)) < 1e-12 and math.isnan(hoyer(0 * one)) and math.isnan(hoyer(numpy.ones((1, 1, 1))))
    assert score(one) == 4 / 12 and sparsity(one, 0.1) == 1 and diversity_seed(one) == -15
    assert sparsity(equal, 0.1) == 1 and sparsity(equal, 0.0999) == 0  # above, not at, the threshold
    assert math.isnan(diversity(one)) and abs(diversity(equal)) < 1e-12 and diversity(numpy.eye(4).reshape(4, 2, 2)) == 1
    assert loss(one, "mean_square", {}) == 16 / 12 and loss(one, "mean", {}) == -4 / 12
    assert loss(one, "mean_square", {"channels": [1]}) == 4 and loss(one, "mean", {"channels": [0, 1]}) == -4 / 8
    assert loss(one, "mean_square", {"channels": [0, 2]}) == 0 and loss(one, "mean_square", {"channels": [0], "lowered": [1]}) == -2
    assert loss(one, "mean", {"lowered": [1]}) == 1


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--self-test", action="store_true", required=True)
    parser.parse_args()
    self_test()
    print("as by plain loops")


if __name__ == "__main__":
    main()
