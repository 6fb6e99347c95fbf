#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The dream, transcribed plainly into PyTorch: an oracle for the ascent. Nothing is tiled, nothing is clever.

/image, /dream [3,H,W] in [-1, 1], before and after; /loss [steps] before each step; /norm [steps] what its gradient was divided by;
/size [octaves,2] height and width of each octave. compare.py holds Oneiros' own against it. Compare guided dreams of some ten steps:
plain ones part soon, since a rounding error decides which side of zero a ReLU is on and the ascent multiplies it.
"""
import argparse

import h5py
import numpy
import torch

import inception

NORMS = {
    "std": lambda g: g.std(unbiased=False),
    "rms": lambda g: g.square().mean().sqrt(),
    "mean_abs": lambda g: g.abs().mean(),
    "l2": lambda g: g.square().sum().sqrt(),
    "none": lambda g: g.new_ones(()),
}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("weights", help="Keras HDF5 file")
    parser.add_argument("image", help="picture; its top-left corner is used, without resampling")
    parser.add_argument("-o", "--output", required=True)
    parser.add_argument("--height", type=int, required=True)
    parser.add_argument("--width", type=int, required=True)
    parser.add_argument("--targets", default="mixed3:1,mixed5:1", help="layer:weight[:channel+channel...],...")
    parser.add_argument("--objective", choices=("mean_square", "mean"), default="mean_square")
    parser.add_argument("--mode", choices=inception.MODES, default="guided")
    parser.add_argument("--octaves", type=int, default=1)
    parser.add_argument("--scale", type=float, default=1.4)
    parser.add_argument("--steps", type=int, default=20, help="per octave")
    parser.add_argument("--step-size", type=float, default=0.01)
    parser.add_argument("--step-decay", type=float, default=1.0)
    parser.add_argument("--normalize", choices=NORMS, default="std")
    parser.add_argument("--jitter", help="dy:dx,dy:dx,... for each step of all octaves; default: none")
    parser.add_argument("--tile-size", type=int, default=65536, help="of the dream to compare with; nothing is tiled here")
    parser.add_argument("--dtype", choices=("float32", "float64"), default="float32")
    return parser.parse_args()


def lanczos_matrix(size, new_size):
    """(new_size, size): Lanczos-3, stretched when shrinking, pixel centres at i + 0.5, border repeated, rows summing to 1."""
    stretch = max(1.0, size / new_size)
    matrix = numpy.zeros((new_size, size))
    for i in range(new_size):
        centre = (i + 0.5) * size / new_size
        for k in range(int(numpy.floor(centre - 3 * stretch)) - 1, int(numpy.ceil(centre + 3 * stretch)) + 2):
            x = (k + 0.5 - centre) / stretch
            if abs(x) < 3:
                matrix[i, min(max(k, 0), size - 1)] += numpy.sinc(x) * numpy.sinc(x / 3)
    return torch.from_numpy(matrix / matrix.sum(1, keepdims=True))


def resample(image, height, width):
    if image.shape[2:] == (height, width):
        return image.clone()
    rows, columns = lanczos_matrix(image.shape[2], height), lanczos_matrix(image.shape[3], width)
    return (rows @ image.double() @ columns.T).to(image.dtype)


def resize_shorter(image, side):
    """The picture with a shorter side of this many pixels."""
    height, width = image.shape[2:]
    size = lambda pixels: int(numpy.rint(pixels * side / min(height, width)))
    return resample(image, size(height), size(width)).clamp(-1, 1)


def octave_sizes(height, width, count, scale):
    size = lambda side, k: int(numpy.floor(side * scale ** (k - count + 1) + 0.5))
    return [(size(height, k), size(width, k)) for k in range(count)]


def dream(network, image, args, jitter, log):
    detail = torch.zeros_like(image)
    step = 0
    for height, width in octave_sizes(*image.shape[2:], args.octaves, args.scale):
        base = resample(image, height, width)
        x = (base + resample(detail, height, width)).clamp(-1, 1)
        for k in range(args.steps):
            x = x.roll(jitter[step], (2, 3))
            loss, gradient = network.gradient(x, inception.parse_targets(args.targets), args.objective, args.mode)
            norm = NORMS[args.normalize](gradient)
            x = (x + args.step_size * args.step_decay**k * gradient / (norm + 1e-8)).clamp(-1, 1)
            x = x.roll([-shift for shift in jitter[step]], (2, 3))
            log(loss, norm.item())
            step += 1
        detail = x - base
    return x


def main():
    args = arguments()
    inception.deterministic()
    dtype = getattr(torch, args.dtype)
    network = inception.Inception(args.weights, dtype)
    image = inception.read_image(args.image, args.height, args.width).to(dtype)
    jitter = [(0, 0)] * (args.octaves * args.steps)
    if args.jitter:
        jitter = [tuple(int(shift) for shift in pair.split(":")) for pair in args.jitter.split(",")]
    assert len(jitter) == args.octaves * args.steps, "one jitter a step"
    records = []
    result = dream(network, image, args, jitter, lambda *record: records.append(record))
    with h5py.File(args.output, "w") as file:
        file.attrs.update({name: value for name, value in vars(args).items() if value is not None})
        file["image"], file["dream"] = image[0].numpy(), result[0].numpy()
        file["loss"], file["norm"] = numpy.array(records).T
        file["size"] = octave_sizes(args.height, args.width, args.octaves, args.scale)


if __name__ == "__main__":
    main()
