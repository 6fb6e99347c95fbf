#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The preset `seed`, transcribed into PyTorch: its losses beside those of a run.

seed.py RUN_H5 PHOTO WEIGHTS     prints the loss before each of the 30 steps; exit status 1 where one is beyond the limit. RUN_H5 may be
                                 -, for none to compare with
seed.py --self-test              tests the formulas here

The picture is in [0, 1], and so the network sees it. L = mean A of mixed3. Three octaves, each 1.4 times as large as the one before, the
last with a shorter side of 586 pixels, 299 * 1.4^2; each starts from the previous dream resampled. Ten steps an octave, s = 0 ... 9:

    g = dL/dx by guided backpropagation at every ReLU, S = max over RGB of |g|, CAM = Grad-CAM of mixed3 in [0, 1], enlarged
    combined = l2n(g) + 0.2 l2n(|g|) + 0.2 l2n(S, on all of RGB) + 0.2 l2n(CAM g), clipped to [-1, 1];  l2n(v) = v / (|v|_2 + 1e-8)
    x += 0.9^s combined, clipped to [0, 1]
"""
import argparse
import sys

import h5py
import numpy
import torch

import dream
import inception
from formulas import enlarge, grad_cam, saliency, scaled

LAYER = "mixed3"
OCTAVES, SCALE, STEPS, DECAY = 3, 1.4, 10, 0.9


def l2n(v):
    return v / (numpy.linalg.norm(v) + 1e-8)


def combine(g, cam):
    """The update for the gradient g (3, H, W) and the map cam (H, W)."""
    s = numpy.broadcast_to(saliency(g), g.shape)
    return (l2n(g) + 0.2 * l2n(abs(g)) + 0.2 * l2n(s) + 0.2 * l2n(cam * g)).clip(-1, 1)


def look(network, x):
    """Loss, its guided gradient (3, H, W), Grad-CAM at the pixels (H, W), for x (1, 3, H, W) in [0, 1]."""
    x = x.detach().requires_grad_(True)
    activation = network.forward(x, [LAYER], "guided")[LAYER]
    loss = activation.mean()
    gradient, of_activation = (g[0].double().numpy() for g in torch.autograd.grad(loss, [x, activation]))
    cam = scaled(grad_cam(activation[0].detach().double().numpy(), of_activation))[0]  # nothing lies between L and A to be guided
    return loss.item(), gradient, enlarge(cam, *x.shape[2:], *network.grid(LAYER))


def ascend(network, photo, log):
    """photo: (1, 3, H, W) in [-1, 1] at full size."""
    x = None
    for octave, (height, width) in enumerate(dream.octave_sizes(*photo.shape[2:], OCTAVES, SCALE)):
        x = dream.resample((photo + 1) / 2 if x is None else x, height, width).clamp(0, 1)
        for step in range(STEPS):
            loss, g, cam = look(network, x)
            log(octave, step, loss)
            x = (x + DECAY**step * torch.from_numpy(combine(g, cam)).to(x.dtype)).clamp(0, 1)
    return x


def read_losses(path):
    """Of the run's first image, by octave and step."""
    with h5py.File(path, "r") as file:
        rows = file["steps"][()]
    rows = rows[rows["image"] == rows["image"].min()]
    return [row["loss"] for row in rows[numpy.lexsort((rows["step"], rows["octave"]))]]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("run", help="run.h5, or -")
    parser.add_argument("photo")
    parser.add_argument("weights", help="Keras HDF5 file")
    parser.add_argument("--shorter", type=int, default=586, metavar="PIXELS", help="shorter side of the last octave (586)")
    parser.add_argument("--loss", type=float, default=1e-3, metavar="LIMIT", help="largest relative error of a loss (1e-3)")
    parser.add_argument("--dtype", choices=("float32", "float64"), default="float32")
    parser.add_argument("-o", "--output", help="the dream as PNG")
    return parser.parse_args()


def test_combine():
    generator = numpy.random.default_rng(1)
    g, cam = generator.normal(size=(3, 4, 5)), generator.random((4, 5))
    combined = combine(g, cam)
    norm = lambda v: numpy.sqrt((v * v).sum()) + 1e-8
    largest = abs(g).max(0)
    three = numpy.sqrt(3 * (largest**2).sum()) + 1e-8  # norm of S on three channels
    for c, y, x in numpy.ndindex(g.shape):
        v = g[c, y, x]
        naive = v / norm(g) + 0.2 * abs(v) / norm(g) + 0.2 * largest[y, x] / three + 0.2 * cam[y, x] * v / norm(g * cam)
        assert abs(combined[c, y, x] - naive) < 1e-12
    assert (combine(0 * g, cam) == 0).all() and (combine(g, 0 * cam) != 0).all()
    one = numpy.ones((1, 1, 1))
    assert abs(combine(-5 * one, one[0]) + 0.8) < 1e-8  # -1 + 0.2 + 0.2 - 0.2
    assert combine(5 * one, one[0]) == 1  # 1.6, clipped


class LinearNetwork:
    """A = x at every 16th pixel from the 21st on, three channels: L and its derivatives in closed form."""

    def forward(self, x, until, mode):
        assert until == [LAYER] and mode == "guided"
        return {LAYER: x[:, :, 21::16, 21::16]}

    def grid(self, layer):
        return 16, 21


def grid_values(height, width):
    return len(range(21, height, 16)) * len(range(21, width, 16)) * 3


def test_ascent():
    network, photo = LinearNetwork(), torch.full((1, 3, 420, 320), -1.0)
    photo[0, 0] = -0.8
    records = []
    x = ascend(network, photo, lambda *record: records.append(record))
    losses = [record[2] for record in records]
    assert [record[:2] for record in records] == [(octave, step) for octave in range(3) for step in range(10)]
    assert x.shape == photo.shape and x.max() <= 1 and abs(losses[0] - 0.1 / 3) < 1e-6
    # l2n of g, |g| and S is 1 / sqrt(n) for each of the n values here; that of CAM g is, too, where CAM is even, and less on average else
    for octave, size in enumerate([(214, 163), (300, 229), (420, 320)]):
        for step in range(9):
            rise = losses[10 * octave + step + 1] - losses[10 * octave + step]
            parts = rise / 0.9**step * numpy.sqrt(grid_values(*size))
            assert 1.4 < parts < 1.5999 if octave else abs(parts - 1.6) < 1e-4, (octave, step, parts)

    _, g, cam = look(network, torch.full((1, 3, 75, 100), 0.5))
    count = grid_values(75, 100)
    assert (g[:, 21::16, 21::16] == numpy.float32(1 / count)).all() and (g != 0).sum() == count and (cam == 1).all()


def main():
    if sys.argv[1:] == ["--self-test"]:
        test_combine()
        test_ascent()
        print("formulas: good")
        return
    args = arguments()
    inception.deterministic()
    dtype = getattr(torch, args.dtype)
    network = inception.Inception(args.weights, dtype)
    photo = dream.resize_shorter(inception.read_image(args.photo).to(dtype), args.shorter)
    theirs = None if args.run == "-" else read_losses(args.run)
    if theirs and len(theirs) != OCTAVES * STEPS:
        sys.exit(f"{args.run}: {len(theirs)} steps of the first image instead of {OCTAVES * STEPS}")
    failures = 0

    def log(octave, step, loss):
        nonlocal failures
        shown = f"octave {octave}  step {step}  loss {loss:.7f}"
        if theirs:
            error = abs(theirs[octave * STEPS + step] - loss) / loss
            failures += not error <= args.loss
            shown += f"  error {error:.1e}{'' if error <= args.loss else '  beyond the limit'}"
        print(shown, flush=True)

    x = ascend(network, photo, log)
    if args.output:
        from PIL import Image

        Image.fromarray((x[0].permute(1, 2, 0).numpy() * 255).round().astype(numpy.uint8)).save(args.output)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
