#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Well-known DeepDreams on our weights, to hold ours against: the algorithms of two published notebooks, transcribed into PyTorch.

    peers.py [--bf16] tutorial|lapnorm WEIGHTS OUTPUT PHOTOGRAPH...
                                            writes OUTPUT/NAME/dream.png of each that is not there yet
    peers.py check [WEIGHTS PHOTOGRAPH]     the formulas; the folded network that dreams here against the reference's own

tutorial: "DeepDream" of the TensorFlow tutorials (tensorflow/docs, site/en/tutorials/generative/deepdream.ipynb; Apache-2.0). The sum of
  the means of mixed3 and mixed5; five octaves, 1.3 ^ -2 to 1.3 ^ 2, each resized from the one before, without the photograph; tiles of 512
  of the picture rolled at random, the last one of a row and a column left out if there are several; the gradient by its standard deviation;
  steps of 0.01, clipped to [-1, 1]. 50 steps an octave (its loop over octaves has 50, the function for tiles 100 unless told otherwise).
  The tutorial brings its picture to 500 pixels first; here it is as large as it is.
lapnorm: "DeepDreaming with TensorFlow" by Alexander Mordvintsev (tensorflow/tensorflow, tensorflow/examples/tutorials/deepdream;
  Apache-2.0). Its octaves of a photograph (render_deepdream: 4, of scale 1.4, with the detail of each put back) and its Laplacian pyramid
  normalisation of the gradient (render_lapnorm: 4 levels, 10 iterations, step 1.0 of 255). It dreams of squares of mixed4c of the GoogLeNet
  of 2015, the third of five modules at a sixteenth of the picture: here the third of those, mixed5, which is also the deepest whose weights
  are those of ImageNet in every source that we have.

--bf16: the network in bfloat16, ten times as fast where the processor has AMX. Rounding moves a single gradient, and so where motifs
begin; what kinds of motifs there are, and how large and how many, stays.
"""
import argparse
import os
import pathlib
import sys
import time

import numpy
import torch
import torch.nn.functional as F
from PIL import Image

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "reference"))
import inception  # noqa: E402

TILE = 512


def gradient(network, image, layers, objective):
    """Of the sum over layers of the mean of `objective` of their activations; image (1, 3, H, W) in [-1, 1]."""
    image = image.detach().contiguous(memory_format=torch.channels_last).requires_grad_(True)
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=network.bf16):
        found = network.forward(image, layers, "plain")
    sum(objective(found[layer].float()).mean() for layer in layers).backward()
    return image.grad


# --- the TensorFlow tutorial ---


def resize(image, height, width):
    """Bilinear, pixels' middles on each other, no filter against aliasing: as tf.image.resize is by default."""
    return F.interpolate(image, (height, width), mode="bilinear", align_corners=False)


def tutorial_starts(size):
    """Where tiles begin along a side: the last one is left out unless it is the only one."""
    return list(range(0, size, TILE))[:-1] or [0]


def tutorial_gradient(network, image, random):
    shift = [int(s) for s in random.integers(-TILE, TILE, 2)]
    rolled = torch.roll(image, shift, (2, 3))
    total = torch.zeros_like(rolled)
    for x in tutorial_starts(image.shape[3]):
        for y in tutorial_starts(image.shape[2]):
            tile = rolled[:, :, y : y + TILE, x : x + TILE]
            total[:, :, y : y + TILE, x : x + TILE] += gradient(network, tile, ("mixed3", "mixed5"), lambda a: a)
    total = torch.roll(total, [-s for s in shift], (2, 3))
    return total / (total.std(unbiased=False) + 1e-8)


def tutorial(network, photo, random, steps=50, step_size=0.01, octaves=range(-2, 3), scale=1.3):
    """photo and dream: (1, 3, H, W) in 0..255."""
    base = photo.shape[2:]
    image = photo / 127.5 - 1
    for octave in octaves:
        image = resize(image, *(int(numpy.float32(side) * numpy.float32(scale**octave)) for side in base))
        for _ in range(steps):
            image = (image + tutorial_gradient(network, image, random) * step_size).clamp(-1, 1)
    return resize((255 * (image + 1) / 2).floor(), *base)


# --- the notebook of 2015 ---


def old_resize(image, height, width):
    """tf.image.resize_bilinear as it was: pixel i of n takes place i * m / n of m, whatever lies behind the last one is the last one."""

    def along(image, axis, size):
        have = image.shape[axis]
        place = torch.arange(size, dtype=torch.float32) * (have / size)
        low = place.floor().long().clamp(max=have - 1)
        part = (place - low).view([-1 if k == axis else 1 for k in range(4)])
        return image.index_select(axis, low) * (1 - part) + image.index_select(axis, (low + 1).clamp(max=have - 1)) * part

    return along(along(image, 2, height), 3, width)


KERNEL = torch.outer(*[torch.tensor([1.0, 4, 6, 4, 1])] * 2)
KERNEL = (KERNEL / KERNEL.sum()).expand(3, 1, 5, 5)


def margins(size):
    """What TensorFlow's 'SAME' adds before and behind a side of a window of 5 and stride 2."""
    total = ((size + 1) // 2 - 1) * 2 + 5 - size
    return total // 2, total - total // 2


def shrink(image):
    (top, bottom), (left, right) = margins(image.shape[2]), margins(image.shape[3])
    return F.conv2d(F.pad(image, (left, right, top, bottom)), KERNEL, stride=2, groups=3)


def grow(image, height, width):
    """The transpose of shrink(), four times."""
    top, left = margins(height)[0], margins(width)[0]
    return F.conv_transpose2d(image, 4 * KERNEL, stride=2, groups=3)[:, :, top : top + height, left : left + width]


def lap_normalize(g, levels=4):
    """Each level of the Laplacian pyramid by its root mean square, and their sum."""
    pyramid = []
    for _ in range(levels):
        low = shrink(g)
        pyramid.append(g - grow(low, *g.shape[2:]))
        g = low
    unit = lambda v: v / v.square().mean().sqrt().clamp(min=1e-10)
    merged = unit(g)
    for high in reversed(pyramid):
        merged = grow(merged, *high.shape[2:]) + unit(high)
    return merged


def lapnorm_gradient(network, image, random):
    """Tile by tile of the picture rolled at random; what is left of a side, less than half a tile, has no gradient this time."""
    shift = [int(s) for s in random.integers(0, TILE, 2)]
    rolled = torch.roll(image, shift, (2, 3))
    total = torch.zeros_like(rolled)
    starts = lambda size: range(0, max(size - TILE // 2, TILE), TILE)
    for y in starts(image.shape[2]):
        for x in starts(image.shape[3]):
            tile = rolled[:, :, y : y + TILE, x : x + TILE] / 127.5 - 1
            total[:, :, y : y + TILE, x : x + TILE] = gradient(network, tile, ("mixed5",), torch.square)
    return torch.roll(total, [-s for s in shift], (2, 3))


def lapnorm(network, photo, random, steps=10, step_size=1.0, octaves=4, scale=1.4):
    """photo and dream: (1, 3, H, W) in 0..255; on the way it may leave that range, as it does there."""
    image, details = photo, []
    for _ in range(octaves - 1):
        size = image.shape[2:]
        low = old_resize(image, *(int(numpy.float32(side) / numpy.float32(scale)) for side in size))
        details.append(image - old_resize(low, *size))
        image = low
    for octave in range(octaves):
        if octave:
            image = old_resize(image, *details[-octave].shape[2:]) + details[-octave]
        for _ in range(steps):
            image = image + lap_normalize(lapnorm_gradient(network, image, random)) * step_size
    return image


def check_network(weights, photo):
    """Errors of activations, by layer."""
    picture = inception.read_image(photo, 299, 299)
    layers = ("mixed3", "mixed4", "mixed5")
    own = load(weights).forward(picture.contiguous(memory_format=torch.channels_last), layers)
    reference = inception.Inception(weights).forward(picture, layers)
    return {layer: float((own[layer] - reference[layer]).abs().max() / reference[layer].abs().max()) for layer in layers}


def check_formulas():
    """Errors, by what is checked."""
    errors, random = {}, torch.Generator().manual_seed(0)
    for size in ((64, 64), (37, 50)):
        a, b = torch.randn(1, 3, *size, generator=random), torch.randn(shrink(torch.zeros(1, 3, *size)).shape, generator=random)
        errors[f"transpose {size}"] = float(((shrink(a) * b).sum() - (a * grow(b, *size)).sum() / 4).abs() / a.numel())
    flat = grow(torch.ones(1, 3, 16, 16), 32, 32)[:, :, 4:-4, 4:-4]
    errors["constant"] = float((flat - 1).abs().max())
    wave = torch.sin(torch.arange(256) * (2 * numpy.pi / 12)).expand(1, 3, 256, 256)
    errors["lap_normalize"] = float((lap_normalize(wave) - lap_normalize(1e-4 * wave)).abs().max())  # whatever the gradient's size
    halves = old_resize(torch.arange(4.0).view(1, 1, 1, 4), 1, 8)[0, 0, 0]
    errors["old_resize"] = float((halves - torch.tensor([0, 0.5, 1, 1.5, 2, 2.5, 3, 3])).abs().max())
    starts = ((473, [0]), (1014, [0]), (1024, [0]), (1560, [0, 512, 1024]))
    errors["tutorial_starts"] = float(any(tutorial_starts(size) != right for size, right in starts))
    return errors


def load(weights, bf16=False):
    network = inception.Inception(weights, fold=True, memory_format=torch.channels_last)
    network.bf16 = bf16
    return network


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", choices=("tutorial", "lapnorm", "check"))
    parser.add_argument("weights", nargs="?")
    parser.add_argument("paths", nargs="*", type=pathlib.Path)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--bf16", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.recipe == "check":
        errors = check_formulas() | (check_network(arguments.weights, arguments.paths[0]) if arguments.paths else {})
        for name, error in errors.items():
            print(f"{name:20} {error:.1e}")
        sys.exit(not max(errors.values()) < 1e-4)
    if len(arguments.paths) < 2:
        parser.error("weights, a folder and photographs are needed")
    recipe = {"tutorial": tutorial, "lapnorm": lapnorm}[arguments.recipe]
    options = {"steps": arguments.steps} if arguments.steps else {}
    network = load(arguments.weights, arguments.bf16)
    for path in arguments.paths[1:]:
        output = arguments.paths[0] / path.stem / "dream.png"
        if output.exists():
            continue
        start, used = time.time(), time.process_time()
        photo = torch.from_numpy(numpy.asarray(Image.open(path).convert("RGB"), numpy.float32)).permute(2, 0, 1)[None]
        dream = recipe(network, photo, numpy.random.default_rng(arguments.seed), **options)
        output.parent.mkdir(parents=True, exist_ok=True)
        pixels = dream[0].permute(1, 2, 0).clamp(0, 255).round().byte().numpy()
        Image.fromarray(pixels).save(f"{output}.part", "PNG")
        os.replace(f"{output}.part", output)
        print(f"{output}: {time.time() - start:.0f} s, {time.process_time() - used:.0f} s of processor time", flush=True)


if __name__ == "__main__":
    main()
