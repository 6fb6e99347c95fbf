#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Saliency, class activation maps, importance and expected gradients, from the papers, in NumPy. formulas.py --self-test tests them.

A and G are the activation of one layer, (channels, h, w), and dL/dA: all of it, what goes through later layers included. float64.
"""
import argparse

import numpy

BLUR_TAPS_MAX = 256  # to one side


def saliency(gradient):
    """max over RGB of |dL/dx| (Simonyan 2013): (3, H, W) -> (H, W)."""
    return abs(gradient).max(0)


def positive(values):
    return numpy.maximum(values, 0)


def weigh(weights, a):
    return positive(numpy.einsum("c,chw->hw", weights, a))


def grad_cam(a, g):
    """ReLU(sum_c w_c A_c), w_c = mean over positions of G_c (Selvaraju 2017); (h, w), not scaled yet."""
    return weigh(g.mean((1, 2)), a)


def grad_cam_plus_plus(a, g):
    """w_c = sum over positions of alpha ReLU(G_c), alpha = G^2 / (2 G^2 + S_c G^3), S_c = sum of A_c (Chattopadhay 2018, eqs. 10, 19)."""
    total = a.sum((1, 2))[:, None, None]
    above, below = g**2, 2 * g**2 + total * g**3
    alpha = numpy.divide(above, below, out=numpy.zeros_like(g), where=below != 0)
    return weigh((alpha * positive(g)).sum((1, 2)), a)


def layer_cam(a, g):
    """ReLU(sum_c ReLU(G_c) A_c), each position with its own weights (Jiang 2021)."""
    return positive((positive(g) * a).sum(0))


def hires_cam(a, g):
    """ReLU(sum_c G_c A_c) (Draelos and Carin 2020)."""
    return positive((g * a).sum(0))


CAMS = {"cam": grad_cam, "cam_plus_plus": grad_cam_plus_plus, "layer_cam": layer_cam, "hires_cam": hires_cam}


def scaled(values):
    """(map / max, max); a map of zeros stays one."""
    largest = values.max()
    return (values / largest if largest > 0 else values), largest


def importance(a, g):
    """Mean over positions of A_c G_c: (channels,)."""
    return (a * g).mean((1, 2))


def enlarge(values, height, width, stride, centre):
    """A map at the pixels of the picture, bilinearly: value i stands at pixel centre + i * stride, the middle of its receptive field; the
    border repeats. (The usual resize stretches the map over the picture instead, which shifts it by up to some strides.)"""

    def matrix(size, count):
        place = ((numpy.arange(size) - centre) / stride).clip(0, count - 1)
        low = numpy.floor(place).astype(int).clip(0, max(count - 2, 0))
        rows = numpy.zeros((size, count))
        rows[range(size), low] += 1 - (place - low)
        rows[range(size), (low + 1).clip(0, count - 1)] += place - low
        return rows

    return matrix(height, values.shape[0]) @ values @ matrix(width, values.shape[1]).T


def blur(image, sigma):
    """(..., H, W) with a Gaussian, cut off at 3 sigma; the border repeats."""
    radius = min(int(numpy.ceil(3 * sigma)), BLUR_TAPS_MAX)
    taps = numpy.exp(-0.5 * (numpy.arange(-radius, radius + 1) / sigma) ** 2)
    taps /= taps.sum()
    for axis in (-2, -1):
        size = image.shape[axis]
        image = sum(tap * image.take((numpy.arange(size) + k - radius).clip(0, size - 1), axis) for k, tap in enumerate(taps))
    return image


def smoothgrad(gradient_at, x, samples, noise, seed):
    """Mean over samples of the saliency at x + noise (Smilkov 2017). `gradient_at`: x -> dL/dx, both (3, H, W)."""
    generator = numpy.random.default_rng(seed)
    return sum(saliency(gradient_at(x + noise * generator.standard_normal(x.shape))) for _ in range(samples)) / samples


def expected_gradients(function, x, baselines, samples):
    """What SHAP's GradientExplainer estimates (Erion 2021), with alpha in the middle of equal parts of 0..1 instead of drawn.

    function: x -> (L, dL/dx). The mean over baselines b and alphas of (x - b) dL/dx(b + alpha (x - b)), L(x), the mean of L(b). Baselines
    have the same share of the samples each; what is left over is not used.
    """
    found, count = 0, max(1, samples // len(baselines))
    for b in baselines:
        mean = sum(function(b + (i + 0.5) / count * (x - b))[1] for i in range(count)) / count
        found = found + (x - b) * mean / len(baselines)
    return found, function(x)[0], sum(function(b)[0] for b in baselines) / len(baselines)


def residual(parts, value, expected):
    """What the parts lack of L(x) - mean L(b), which they should sum to."""
    return abs(parts.sum() - (value - expected)) / abs(value - expected)


def naive_cams(a, g):
    """The four maps by plain loops, as the papers write them."""
    channels, height, width = a.shape
    places = [(y, x) for y in range(height) for x in range(width)]
    maps = numpy.zeros((4, height, width))
    for y, x in places:
        for c in range(channels):
            alpha = lambda p: g[c][p] ** 2 / (2 * g[c][p] ** 2 + sum(a[c][q] for q in places) * g[c][p] ** 3) if g[c][p] != 0 else 0
            maps[0, y, x] += sum(g[c][p] for p in places) / len(places) * a[c, y, x]
            maps[1, y, x] += sum(alpha(p) * max(g[c][p], 0) for p in places) * a[c, y, x]
            maps[2, y, x] += max(g[c, y, x], 0) * a[c, y, x]
            maps[3, y, x] += g[c, y, x] * a[c, y, x]
    return numpy.maximum(maps, 0)


def test_cams(generator):
    a, g = generator.normal(size=(2, 4, 3, 5))
    a, g = positive(a), g + 0.3
    a[1], g[2], g[3, 0] = 0, 0, 0
    for formula, naive in zip(CAMS.values(), naive_cams(a, g)):
        assert naive.max() > 0
        numpy.testing.assert_allclose(formula(a, g), naive, rtol=1e-12, atol=1e-14)
    values, largest = scaled(grad_cam(a, g))
    assert values.max() == 1 and largest == grad_cam(a, g).max()
    assert scaled(grad_cam(a, -abs(g)))[1] == 0 and not scaled(grad_cam(a, -abs(g)))[0].any()
    # L = the mean of one channel: the map of that channel. With one position, LayerCAM is Grad-CAM where G > 0.
    g[:] = 0
    g[2] = 1 / 15
    numpy.testing.assert_allclose(grad_cam(a, g), a[2] / 15, rtol=1e-12)
    numpy.testing.assert_allclose(importance(a, g), [0, 0, a[2].mean() / 15, 0], rtol=1e-12)
    one, positive_one = a[:, :1, :1], abs(generator.normal(size=(4, 1, 1)))
    numpy.testing.assert_allclose(layer_cam(one, positive_one), grad_cam(one, positive_one), rtol=1e-12)


def test_enlarge(generator):
    values = generator.normal(size=(4, 3))
    large = enlarge(values, 90, 70, stride=16, centre=21)
    assert (large[21:70:16, 21:54:16] == values).all()  # 21, 37, 53, 69 down, 21, 37, 53 across
    assert (large[:21, :21] == values[0, 0]).all() and (large[70:, 54:] == values[3, 2]).all()
    for y, x in ((25, 30), (60, 52), (36, 0)):
        row, column = (y - 21) / 16, max((x - 21) / 16, 0)
        i, j = int(row), int(column)
        v, u = row - i, column - j
        naive = (1 - v) * ((1 - u) * values[i, j] + u * values[i, j + 1]) + v * ((1 - u) * values[i + 1, j] + u * values[i + 1, j + 1])
        assert abs(large[y, x] - naive) < 1e-12
    assert (enlarge(values[:1, :1], 9, 9, 32, 37) == values[0, 0]).all()


def test_blur(generator):
    image = generator.normal(size=(3, 9, 14))
    sigma, radius = 1.3, 4
    taps = {k: numpy.exp(-0.5 * (k / sigma) ** 2) for k in range(-radius, radius + 1)}
    for c, y, x in ((0, 0, 0), (1, 4, 7), (2, 8, 13), (0, 3, 12)):
        near = [(v * u, image[c, min(max(y + j, 0), 8), min(max(x + i, 0), 13)]) for j, v in taps.items() for i, u in taps.items()]
        naive = sum(w * value for w, value in near) / sum(w for w, _ in near)
        assert abs(blur(image, sigma)[c, y, x] - naive) < 1e-12


def test_smoothgrad(generator):
    slopes = generator.normal(size=(3, 6, 7))
    numpy.testing.assert_allclose(smoothgrad(lambda x: slopes, slopes, 3, 0.5, 1), abs(slopes).max(0), rtol=1e-12)
    # L = |x|^2 / 2 at 0: dL/dx is the noise, and the mean of max |n| over three normal numbers is 1.3255 sigma
    noise = smoothgrad(lambda x: x, numpy.zeros((3, 50, 50)), 20, 0.5, 1)
    assert abs(noise.mean() - 0.5 * 1.3255) < 0.005


def test_expected_gradients(generator):
    x, *baselines = generator.normal(size=(3, 2, 3, 3))
    weights = generator.normal(size=x.shape)
    square = lambda v: ((weights * v * v).sum(), 2 * weights * v)
    parts, value, expected = expected_gradients(square, x, baselines, 5)  # 2 each; midpoints are exact for squares
    numpy.testing.assert_allclose(parts, weights * (x**2 - sum(b**2 for b in baselines) / 2), rtol=1e-9, atol=1e-12)
    assert value == square(x)[0] and residual(parts, value, expected) < 1e-12
    cube = lambda v: ((v**3).sum(), 3 * v * v)
    residuals = [residual(*expected_gradients(cube, x, baselines, n)) for n in (2, 4, 8)]  # midpoints err by n^-2
    assert 3.9 < residuals[0] / residuals[1] < 4.1 and 3.9 < residuals[1] / residuals[2] < 4.1


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--self-test", action="store_true", required=True)
    parser.parse_args()
    for test in (test_cams, test_enlarge, test_blur, test_smoothgrad, test_expected_gradients):
        test(numpy.random.default_rng(1))
        print(f"{test.__name__}: good")


if __name__ == "__main__":
    main()
