# SPDX-License-Identifier: MIT
"""attribution.py --self-test: derivatives once more in other ways, and files that must and must not pass its comparison."""
import contextlib
import functools
import io
import pathlib
import tempfile

import h5py
import numpy
import torch
import yaml

import check
import inception
import metrics
from attribution import Comparison, Oracle, Table, arguments, cosine, terms_of
from formulas import CAMS, blur, enlarge, grad_cam, importance, residual, saliency, scaled, smoothgrad

RECEPTIVE_FIELDS = (63, 95, 127, 159, 351, 543, 735, 927, 1055, 1183, 1311)  # of mixed0 .. mixed10, pixels


def intervals(network):
    """{layer: function of i: (first, last)} pixels of a row that its value i depends on, by walking down to them."""
    reach = {"input": lambda i: (i, i)}
    for name, kind, inputs, stride, padding in inception.ROWS:
        size = network.blocks[name][0].shape[3] if kind == "conv2d" else 3 if "pool" in kind else 1

        def of(i, below=[reach[k] for k in inputs], size=size, stride=stride, pad=size // 2 if padding == "same" else 0):
            ends = [b(k) for b in below for k in (i * stride - pad, i * stride - pad + size - 1)]
            return min(e[0] for e in ends), max(e[1] for e in ends)

        reach[name] = functools.lru_cache(None)(of)
    return reach


def test_grid(network):
    reach = intervals(network)
    for number, size in enumerate(RECEPTIVE_FIELDS):
        layer = f"mixed{number}"
        stride, centre = network.grid(layer)
        for i in (0, 1, 7):
            first, last = reach[layer](i)
            assert last - first + 1 == size and first + last == 2 * (centre + i * stride), (layer, i, first, last)


def test_cuts():
    assert {layer for layer in inception.LAYERS if inception.is_cut(layer)} == {
        *(f"conv2d_{n}" for n in range(1, 6)), "max_pooling2d_1", "max_pooling2d_2", *(f"mixed{n}" for n in range(11))}


def test_derivatives(oracle, x, generator):
    """dL/dA, sum of them over a channel (w_c of Grad-CAM), and dL/dx beside what L does when A or x moves."""
    layers = ["mixed2", "mixed3", "mixed4", "mixed5"]
    a = oracle.activations(x, layers)
    _, of_x, g = oracle.derivatives(x, layers)
    loss = lambda at, start: oracle.derivatives(at, start=start)[0]
    small = 1e-8  # larger moves cross too many kinks
    cases = [("input", x, of_x, small * generator.standard_normal(x.shape)) for _ in range(2)]
    for layer in layers:  # through each of which alone later layers see the picture
        active = a[layer] > 0  # the others are tied in max pools
        cases += [(layer, a[layer], g[layer], small * active * generator.standard_normal(active.shape)) for _ in range(2)]
        channel = numpy.zeros_like(a[layer])
        channel[a[layer].sum((1, 2)).argmax()] = small
        cases.append((layer, a[layer], g[layer], channel))
    for start, at, gradient, move in cases:
        found, expected = (loss(at + move, start) - loss(at - move, start)) / 2, (gradient * move).sum()
        assert abs(found - expected) < 1e-5 * abs(expected) + 1e-15, (start, found, expected)
    assert not numpy.any(oracle.derivatives(x, ["mixed6"])[2]["mixed6"])  # behind all targets
    last = oracle.derivatives(x, ["mixed5"])[2]["mixed5"]
    expected = numpy.zeros_like(last)
    count = a["mixed5"][::3].size + a["mixed5"][[1, 4]].size  # raised and lowered
    expected[::3] = 2 * 0.5 * a["mixed5"][::3] / count
    expected[[1, 4]] = -2 * 0.5 * a["mixed5"][[1, 4]] / count
    numpy.testing.assert_allclose(last, expected, rtol=1e-9)


def test_rules(oracle, x):
    """Guided gradients once more: by hooks on plain ReLUs, and behind a layer in two stages."""
    everywhere = oracle.derivatives(x, mode="guided")[1]
    ours = inception.relu

    def hooked(x, mode):
        x.register_hook(lambda g: g.clamp(min=0))
        return torch.relu(x)

    inception.relu = hooked
    by_hooks = oracle.derivatives(x)[1]
    inception.relu = ours
    numpy.testing.assert_allclose(everywhere, by_hooks, rtol=1e-9, atol=1e-15)

    image = oracle.tensor(x).requires_grad_(True)
    between = oracle.network.forward(image, ["mixed2"])["mixed2"]
    behind = oracle.derivatives(between.detach()[0].numpy(), mode="guided", start="mixed2")[1]
    (staged,) = torch.autograd.grad(between, image, oracle.tensor(behind))
    numpy.testing.assert_allclose(oracle.derivatives(x, mode="guided", above="mixed2")[1], staged[0].numpy(), rtol=1e-9, atol=1e-15)
    plain = oracle.derivatives(x)[1]
    assert (oracle.derivatives(x, mode="guided", above="mixed10")[1] == plain).all() and cosine(plain, everywhere) < 0.9


def write_explained(path, oracle, x, config, top=None):
    """What `oneiros explain` would write, as the oracle sees it."""
    layers = list(dict.fromkeys(layer for layer, _ in oracle.terms))
    a = oracle.activations(x, layers)
    loss, plain, g = oracle.derivatives(x, layers)
    guided = oracle.derivatives(x, mode="guided")[1]
    samples, noise = config["saliency"]["samples"], config["saliency"]["noise"]
    baselines = {"black": -numpy.ones_like(x), "blurred": blur(x, 5)}
    with h5py.File(path, "w") as file:

        def put(name, values, **attributes):
            file.create_dataset(name, data=values.astype(numpy.float32)).attrs.update(attributes)

        def put_expected(name, layer, count):
            parts, value, expected = oracle.expected(x, list(baselines.values()), count, layer)
            put(name, parts if layer == "input" else parts.sum((1, 2)), samples=count, baselines="black,blurred", value=value,
                expected=expected, residual=residual(parts, value, expected))

        file.attrs.update(config=yaml.safe_dump(config), loss=loss)
        put("gradient", plain)
        put("saliency", saliency(plain))
        put("guided_gradient", guided)
        put("saliency_guided", saliency(guided))
        put("saliency_smoothgrad", smoothgrad(lambda at: oracle.derivatives(at)[1], x, samples, noise, 2), samples=samples, noise=noise)
        put("baseline/black", baselines["black"])
        put("baseline/blurred", baselines["blurred"], blur_sigma=5.0)
        put_expected("expected_gradients", "input", 3)
        for layer in layers:
            stride, centre = oracle.network.grid(layer)
            values = a[layer].astype(numpy.float32)
            targets = {t["layer"]: t for t in config["targets"]}
            own = {} if top is not None else {"loss": metrics.loss(values, config["objective"], targets[layer])}
            put(f"activation/{layer}", values, **own, **metrics.target_metrics(values, config["metrics"]["threshold"]))
            for kind, formula in CAMS.items():
                map, largest = scaled(formula(a[layer], g[layer]))
                put(f"{kind}/{layer}", map, scale=largest, stride=stride, centre=centre)
            put(f"guided_gradcam/{layer}", guided * enlarge(file[f"cam/{layer}"][()], *x.shape[1:], stride, centre))
            put(f"importance/{layer}", importance(a[layer], g[layer]))
            put_expected(f"importance_expected/{layer}", layer, 3)
        if top is not None:  # CAM proper is Grad-CAM here but for the scale: w_c = W_c / positions
            map, largest = scaled(grad_cam(a["mixed10"], g["mixed10"]))
            put("class_cam", map, scale=largest * a["mixed10"][0].size)


def spoil(path):
    """Changes every array and every number of the file beyond all limits."""
    with h5py.File(path, "r+") as file:
        items = [file]
        file.visititems(lambda name, item: items.append(item))
        for item in items:
            if isinstance(item, h5py.Dataset):
                item[...] = item[()] * 3
            for name, value in item.attrs.items():
                if not isinstance(value, str):
                    item.attrs[name] = value * 1.5 + (100 if name == "residual" else 1)


def compare(path, oracle, x, config, args):
    table = Table()
    with h5py.File(path, "r") as file:
        Comparison(file, oracle, x, config, args, table).run()
    return table


def test_good_file(path, oracle, x, config, args, top=None):
    write_explained(path, oracle, x, config, top)
    assert compare(path, oracle, x, config, args).failures == 0


def test_bad_file(path, oracle, x, config, args):
    """After test_good_file()."""
    table = io.StringIO()
    with contextlib.redirect_stdout(table):
        good = compare(path, oracle, x, config, args)
        spoil(path)
        spoilt = compare(path, oracle, x, config, args)
        with h5py.File(path, "r+") as file:
            del file["saliency"], file["baseline/black"]
            file["guess"] = 1.0
        lacking = compare(path, oracle, x, config, args)
    assert spoilt.failures == spoilt.lines == good.lines, table.getvalue()
    assert lacking.failures == lacking.lines, table.getvalue()


def write_top(path):
    generator = numpy.random.default_rng(2)
    with h5py.File(path, "w") as file:
        file["predictions/predictions/kernel:0"] = generator.normal(size=(2048, 9)).astype(numpy.float32)
        file["predictions/predictions/bias:0"] = generator.normal(size=9).astype(numpy.float32)
        file["predictions"].attrs["weight_names"] = ["predictions/kernel:0", "predictions/bias:0"]


def self_test():
    photo = str(pathlib.Path(__file__).parents[1] / "data" / "chelsea.png")
    inception.deterministic()
    weights = check.weights()
    network = inception.Inception(weights, torch.float64)
    x = inception.read_image(photo, 77, 85)[0].double().numpy()
    config = {
        "targets": [{"layer": "mixed3", "weight": 1}, {"layer": "mixed5", "weight": 0.5, "channels": list(range(0, 768, 3)), "lowered": [1, 4]}],
        "objective": "mean_square", "gradient": "guided", "gradient_above": "mixed2",
        "metrics": {"threshold": 0.1}, "saliency": {"samples": 4, "noise": 0.3},
    }
    oracle = Oracle(network, terms_of(config, weights, torch.float64), torch.float64)
    test_grid(network)
    test_cuts()
    test_derivatives(oracle, x, numpy.random.default_rng(1))
    test_rules(oracle, x)
    print("derivatives: good")

    few = ["--smoothgrad", "0.85", "--smoothgrad-mean", "0.6", "--residual", "10"]  # samples
    with tempfile.TemporaryDirectory() as folder:
        path, top = f"{folder}/explain.h5", f"{folder}/top.h5"
        args = arguments([path, photo, str(weights), *few])
        test_good_file(path, oracle, x, config, args)
        test_bad_file(path, oracle, x, config, args)
        write_top(top)
        config.update({"objective": "class", "class": 7})
        oracle = Oracle(network, terms_of(config, top, torch.float64), torch.float64)
        x = inception.read_image(photo, 107, 139)[0].double().numpy()  # 2 x 3 values of mixed10
        test_good_file(path, oracle, x, config, arguments([path, photo, top, *few]), top)
    print("files: good; bad ones do not pass")
