#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Activations and image gradients of one picture by PyTorch, as an HDF5 file that compare.py holds against Oneiros' own.

/image [3,H,W] in [-1, 1]; /activation/<layer> [C,h,w]; /gradient/<mode> [3,H,W]; /loss/<mode> (float64 scalar).
"""
import argparse

import h5py
import torch

import inception


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("weights", help="Keras HDF5 file")
    parser.add_argument("image", help="picture; its top-left corner is used, without resampling")
    parser.add_argument("-o", "--output", required=True)
    parser.add_argument("--height", type=int, required=True)
    parser.add_argument("--width", type=int, required=True)
    parser.add_argument("--targets", default="mixed3:1,mixed5:1", help="layer:weight[:channel+channel...],...")
    parser.add_argument("--objective", choices=("mean_square", "mean"), default="mean_square")
    parser.add_argument("--mode", action="append", choices=inception.MODES, help="may be repeated; default: all")
    parser.add_argument("--layers", help="activations to write, by comma; default: every mixed layer and every target")
    parser.add_argument("--dtype", choices=("float32", "float64"), default="float32")
    return parser.parse_args()


def main():
    args = arguments()
    inception.deterministic()
    dtype = getattr(torch, args.dtype)
    network = inception.Inception(args.weights, dtype)
    image = inception.read_image(args.image, args.height, args.width).to(dtype)
    targets = inception.parse_targets(args.targets)
    layers = args.layers.split(",") if args.layers else [name for name in inception.LAYERS if name.startswith("mixed")]
    layers += [target[0] for target in targets if target[0] not in layers]
    with h5py.File(args.output, "w") as file:
        file.attrs.update(targets=args.targets, objective=args.objective, dtype=args.dtype)
        file["image"] = image[0].numpy()
        with torch.no_grad():
            for name, activation in network.forward(image, layers).items():
                file[f"activation/{name}"] = activation[0].numpy()
        for mode in args.mode or inception.MODES:
            loss, gradient = network.gradient(image, targets, args.objective, mode)
            file[f"gradient/{mode}"] = gradient[0].numpy()
            file[f"loss/{mode}"] = loss


if __name__ == "__main__":
    main()
