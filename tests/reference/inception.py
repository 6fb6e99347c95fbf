# SPDX-License-Identifier: MIT
"""InceptionV3 in PyTorch as keras.applications builds it, read from the Keras HDF5 file: the oracle that Oneiros is compared with.

It shares nothing with the C code: the wiring is written as Keras writes it, kernel sizes and channel counts come from the file, and
batch normalisation stays a step of its own (unless `fold` is asked for), so that folding, too, is compared.

The output of a convolution block, after batch normalisation and ReLU, is called conv2d_N.
"""
import re

import h5py
import numpy
import torch
import torch.nn.functional as F

EPSILON = 1e-3
MODES = ("guided", "plain", "deconv", "half")  # half: guided, and negative gradients pass by half


class MaskedRelu(torch.autograd.Function):
    """ReLU whose gradient passes only where it is positive, and in part where it is negative; in guided mode, where the activation was too."""

    @staticmethod
    def forward(ctx, x, guided, leak):
        y = x.clamp(min=0)
        ctx.guided = guided
        ctx.leak = leak
        if guided:
            ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, gradient):
        gradient = gradient.clamp(min=0) + ctx.leak * gradient.clamp(max=0)
        if ctx.guided:
            (y,) = ctx.saved_tensors
            gradient = gradient * (y > 0)
        return gradient, None, None


def relu(x, mode):
    return F.relu(x) if mode == "plain" else MaskedRelu.apply(x, mode != "deconv", 0.5 if mode == "half" else 0.0)


def build():
    """The network as rows (name, kind, inputs, stride, padding), numbered in the creation order of Keras."""
    rows = []
    count = {}

    def add(kind, inputs, stride=1, padding="same", name=None):
        if name is None:
            count[kind] = count.get(kind, 0) + 1
            name = f"{kind}_{count[kind]}"
        rows.append((name, kind, inputs, stride, padding))
        return name

    def conv(x, stride=1, padding="same"):
        return add("conv2d", [x], stride, padding)

    def chain(x, length):
        for _ in range(length):
            x = conv(x)
        return x

    def max_pool(x):
        return add("max_pooling2d", [x], 2, "valid")

    def pool_branch(x):
        return conv(add("average_pooling2d", [x]))

    def concat(inputs, name):
        return add("concatenate", inputs, name=name)

    x = conv("input", 2, "valid")
    x = conv(conv(x, 1, "valid"))
    x = conv(max_pool(x), 1, "valid")
    x = max_pool(conv(x, 1, "valid"))
    for n in (0, 1, 2):
        x = concat([conv(x), chain(x, 2), chain(x, 3), pool_branch(x)], f"mixed{n}")
    x = concat([conv(x, 2, "valid"), conv(chain(x, 2), 2, "valid"), max_pool(x)], "mixed3")
    for n in (4, 5, 6, 7):
        x = concat([conv(x), chain(x, 3), chain(x, 5), pool_branch(x)], f"mixed{n}")
    x = concat([conv(chain(x, 1), 2, "valid"), conv(chain(x, 3), 2, "valid"), max_pool(x)], "mixed8")
    for n in (9, 10):
        one = conv(x)
        stem = conv(x)
        three = concat([conv(stem), conv(stem)], f"mixed9_{n - 9}")
        stem = chain(x, 2)
        double = concat([conv(stem), conv(stem)], f"concatenate_{n - 8}")
        x = concat([one, three, double, pool_branch(x)], f"mixed{n}")
    return rows


ROWS = build()
LAYERS = [row[0] for row in ROWS]


def behind(layer):
    """The layers that depend on this one, itself among them."""
    found = {layer}
    for name, _, inputs, _, _ in ROWS:
        if found.intersection(inputs):
            found.add(name)
    return found


def is_cut(layer):
    """Whether all that lies behind the layer sees the picture through it alone."""
    found = behind(layer)
    return all(found.isdisjoint(inputs) or found.issuperset(inputs) for _, _, inputs, _, _ in ROWS)


def numbered(names, prefix):
    """The names `prefix` or `prefix_<number>` in creation order. (`layer_names` is ordered by depth, which is not that.)"""
    matches = [re.fullmatch(prefix + r"(?:_(\d+))?", name) for name in names]
    return [m.string for m in sorted((m for m in matches if m), key=lambda m: int(m.group(1) or 0))]


def layer_weights(group):
    paths = [name.decode() if isinstance(name, bytes) else name for name in group.attrs["weight_names"]]
    return {re.sub(r":0$", "", name.split("/")[-1]): numpy.asarray(group[name]) for name in paths}


def read_top(path):
    """Kernel (channels of mixed10, classes) and bias (classes) of the layer that makes the logits."""
    with h5py.File(path, "r") as file:
        root = file["model_weights"] if "model_weights" in file else file
        if "predictions" not in root:
            raise SystemExit(f"{path}: has no layer 'predictions': classes need a file with the top")
        top = layer_weights(root["predictions"])
        return top["kernel"], top["bias"]


def read_weights(path):
    """For each convolution in creation order: kernel (O, I, kh, kw), beta, mean, variance."""
    with h5py.File(path, "r") as file:
        root = file["model_weights"] if "model_weights" in file else file
        text = lambda value: value.decode() if isinstance(value, bytes) else value
        names = [text(name) for name in root.attrs["layer_names"]]
        weights = lambda layer: layer_weights(root[layer])
        blocks = []
        convs, norms = numbered(names, "conv2d"), numbered(names, "batch_normalization")
        assert len(convs) == len(norms) == sum(row[1] == "conv2d" for row in ROWS), "not an InceptionV3 file"
        for conv, norm in zip(convs, norms):
            bn = weights(norm)
            kernel = weights(conv)["kernel"].transpose(3, 2, 0, 1)
            blocks.append((kernel, bn["beta"], bn["moving_mean"], bn["moving_variance"]))
        return blocks


class Inception:
    """The network without its top. `fold` puts batch normalisation into the kernels (for timing only)."""

    def __init__(self, path, dtype=torch.float32, fold=False, memory_format=torch.contiguous_format):
        self.fold = fold
        self.blocks = {}
        for number, block in enumerate(read_weights(path), 1):
            kernel, beta, mean, variance = (torch.from_numpy(numpy.ascontiguousarray(w)).to(dtype) for w in block)
            if fold:
                scale = 1 / torch.sqrt(variance + EPSILON)
                kernel, beta = kernel * scale[:, None, None, None], beta - mean * scale
            self.blocks[f"conv2d_{number}"] = (kernel.contiguous(memory_format=memory_format), beta, mean, variance)

    def conv(self, name, x, stride, padding, mode):
        kernel, beta, mean, variance = self.blocks[name]
        pad = tuple(k // 2 for k in kernel.shape[2:]) if padding == "same" else 0
        if self.fold:
            return relu(F.conv2d(x, kernel, beta, stride, pad), mode)
        x = F.conv2d(x, kernel, None, stride, pad)
        return relu(F.batch_norm(x, mean, variance, None, beta, False, 0.0, EPSILON), mode)

    def forward(self, image, until, mode="plain", above="input", start="input"):
        """The activations of the layers `until`, a dict by name, for image (N, 3, H, W) in [-1, 1].

        ReLUs behind the layer `above` follow the rule `mode`, those up to it the plain one. With `start`, `image` is the activation of
        that layer, through which alone `until` depend on the picture.
        """
        until = set(until)
        assert until <= set(LAYERS), f"no such layer: {sorted(until - set(LAYERS))}"
        first_ruled = 0 if above == "input" else LAYERS.index(above) + 1
        last_use = {name: i for i, row in enumerate(ROWS) for name in row[2]}
        live = {start: image}
        found = {start: image} if start in until else {}
        for i, (name, kind, inputs, stride, padding) in enumerate(ROWS):
            if len(found) == len(until):
                break
            if not live.keys() & set(inputs):
                continue  # does not depend on `start`
            assert live.keys() >= set(inputs), f"{name} depends on the picture not through {start} alone"
            x = live[inputs[0]]
            if kind == "conv2d":
                y = self.conv(name, x, stride, padding, mode if i >= first_ruled else "plain")
            elif kind == "max_pooling2d":
                y = F.max_pool2d(x, 3, stride)
            elif kind == "average_pooling2d":
                y = F.avg_pool2d(x, 3, stride, 1, count_include_pad=False)
            else:
                y = torch.cat([live[k] for k in inputs], 1)
            live[name] = y
            live = {k: v for k, v in live.items() if last_use.get(k, -1) > i}
            if name in until:
                found[name] = y
        assert found.keys() == until, f"not behind {start}: {sorted(until - found.keys())}"
        return found

    def grid(self, layer):
        """(stride, centre): value i of the layer has the middle of its receptive field at pixel centre + i * stride."""
        grids = {"input": (1, 0)}
        for name, kind, inputs, stride, padding in ROWS:
            places = {grids[k] for k in inputs}
            assert len(places) == 1, f"the inputs of {name} lie differently"
            ((step, centre),) = places
            size = self.blocks[name][0].shape[2] if kind == "conv2d" else 3 if "pool" in kind else 1
            grids[name] = (step * stride, centre + (size // 2 * step if padding == "valid" else 0))
        return grids[layer]

    def loss(self, activations, targets, objective="mean_square"):
        """Sum over targets (layer, weight, channels or None) of weight * mean_square or mean of the activation."""
        total = 0
        for layer, weight, channels in targets:
            a = activations[layer] if channels is None else activations[layer][:, channels]
            total = total + weight * ((a * a).mean() if objective == "mean_square" else a.mean())
        return total

    def gradient(self, image, targets, objective="mean_square", mode="guided", above="input"):
        """Loss (float), its gradient with respect to the image (N, 3, H, W)."""
        image = image.detach().requires_grad_(True)
        loss = self.loss(self.forward(image, [t[0] for t in targets], mode, above), targets, objective)
        loss.backward()
        return loss.item(), image.grad


def parse_targets(text):
    """`layer:weight[:channel+channel...]`, several by comma. The weight may be left out."""
    targets = []
    for item in text.split(","):
        layer, weight, channels = (item.split(":") + ["", ""])[:3]
        targets.append((layer, float(weight or 1), [int(c) for c in channels.split("+")] if channels else None))
    return targets


def read_image(path, height=None, width=None):
    """The top-left height x width of a picture (None: all), (1, 3, H, W) in [-1, 1]. No resampling: no resampler is to be compared here."""
    from PIL import Image

    pixels = numpy.asarray(Image.open(path).convert("RGB"), dtype=numpy.float32)
    assert pixels.shape[0] >= (height or 1) and pixels.shape[1] >= (width or 1), f"{path} is smaller than {height} x {width}"
    return torch.from_numpy(pixels[:height, :width] / numpy.float32(127.5) - 1).permute(2, 0, 1)[None].contiguous()


def deterministic():
    """One thread and fixed algorithms: the same numbers every time."""
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
