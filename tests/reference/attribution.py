#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Holds what `oneiros explain` says of a picture against PyTorch: gradients, saliency, class activation maps, importance, metrics.

attribution.py EXPLAIN_H5 PHOTO WEIGHTS [limits]     a line for each array and number; exit status 1 beyond a limit
attribution.py --self-test                           tests the derivatives and this comparison, with the weights that the program finds

L = sum over targets of weight * mean A^2 (or mean A), or the logit of a class. formulas.py has the formulas, metrics.py the metrics.

A value close to zero before a ReLU, or two equal ones under a max pool, can go either way by rounding alone, and then moves the gradient of
the pixels that it sees. Two ways to compute this network in PyTorch, float32 with and without folded batch normalisation, differ for
photographs of 300 x 450 by 1e-6 to 1e-1 of the largest gradient at the worst pixel, whichever has the most such values, and by up to
1e-3 in root mean square. So gradients, saliencies and their products are judged by root mean square error / largest value and by cosine;
the worst pixel has a wide limit. What sums over positions or stays above the pixels hardly feels it: there the worst value is judged.
"""
import argparse
import sys

import h5py
import numpy
import torch
import yaml

import dream
import faithfulness
import inception
import metrics
from formulas import CAMS, blur, enlarge, expected_gradients, grad_cam, importance, residual, saliency, scaled, smoothgrad, weigh


class Oracle:
    """L of one network: terms (layer, function of its activation (1, channels, h, w)). Takes and gives arrays without the leading 1."""

    def __init__(self, network, terms, dtype=torch.float32):
        self.network, self.terms, self.dtype = network, terms, dtype

    def tensor(self, x):
        return torch.from_numpy(numpy.ascontiguousarray(x))[None].to(self.dtype)

    def activations(self, x, layers):
        with torch.no_grad():
            found = self.network.forward(self.tensor(x), layers)
        return {layer: a[0].double().numpy() for layer, a in found.items()}

    def loss(self, x):
        with torch.no_grad():
            a = self.network.forward(self.tensor(x), {layer for layer, _ in self.terms})
            return sum(term(a[layer]) for layer, term in self.terms).item()

    def derivatives(self, x, layers=(), mode="plain", above="input", start="input"):
        """L, dL/dx, {layer: dL/dA}, where x is the picture or the activation of `start`; L then has only terms at or behind it."""
        terms = [(layer, term) for layer, term in self.terms if start == "input" or layer in inception.behind(start)]
        x = self.tensor(x).requires_grad_(True)
        a = self.network.forward(x, {*layers, *(layer for layer, _ in terms)}, mode, above, start)
        loss = sum(term(a[layer]) for layer, term in terms)
        wanted = [x, *(a[layer] for layer in layers)]
        gradients = torch.autograd.grad(loss, wanted, allow_unused=True)  # None where no target lies behind
        gradients = [torch.zeros_like(w) if g is None else g for w, g in zip(wanted, gradients)]
        first, *rest = (g[0].double().numpy() for g in gradients)
        return loss.item(), first, dict(zip(layers, rest))

    def expected(self, x, baselines, samples, layer="input"):
        """expected_gradients() in the space of a layer's activation, or of pixels."""
        if layer != "input":
            x, *baselines = (self.activations(image, [layer])[layer] for image in (x, *baselines))
        return expected_gradients(lambda at: self.derivatives(at, start=layer)[:2], x, baselines, samples)


def term_of_target(target, objective):
    unknown = target.keys() - {"layer", "weight", "channels", "lowered", "octaves"}  # a picture that is explained has no octaves
    if unknown or objective not in ("mean_square", "mean"):
        sys.exit(f"no oracle for objective {objective} with targets that have {sorted(unknown)}")
    channels, signs = metrics.chosen(target)
    signs = target.get("weight", 1) * torch.tensor(signs, dtype=torch.float64)[:, None, None]
    return target["layer"], lambda a: (signs.to(a.dtype) * (a * a if objective == "mean_square" else a)[:, channels]).mean()


def terms_of(config, weights, dtype):
    if config["objective"] != "class":
        return [term_of_target(target, config["objective"]) for target in config["targets"]]
    kernel, bias = (torch.from_numpy(w[..., config["class"]]).to(dtype) for w in inception.read_top(weights))
    return [("mixed10", lambda a: a[0].mean((1, 2)) @ kernel + bias)]


class Table:
    """Prints a line for each comparison and counts those beyond their limits. A NaN is beyond any limit."""

    def __init__(self):
        self.lines = self.failures = 0
        print(f"{'':44}{'error':>10}{'limit':>10}{'worst pixel':>13}{'1 - cosine':>13}")

    def line(self, name, error, limit, good=True, worst=None, cosine=None):
        good = bool(good and error <= limit)
        worst = "" if worst is None else f"{worst:.1e}"
        cosine = "" if cosine is None else f"{1 - cosine:.1e}"
        print(f"{name:44}{error:10.1e}{limit:10.1e}{worst:>13}{cosine:>13}{'' if good else '  beyond the limit'}")
        self.lines += 1
        self.failures += not good

    def miss(self, name, what):
        print(f"{name:44}  {what}")
        self.lines += 1
        self.failures += 1

    def array(self, name, ours, oracle, limit):
        """Largest error of a value / largest value. Where the oracle is zero everywhere, so must the other be."""
        if self.alike(name, ours, oracle):
            largest, error = abs(oracle).max(), abs(ours - oracle).max()
            self.line(name, error / largest if largest > 0 else error and numpy.inf, limit)

    def pixels(self, name, ours, oracle, args):
        """Root mean square error / largest value; what is wrong at the worst pixel / largest value; cosine."""
        if self.alike(name, ours, oracle):
            errors, alike = abs(ours - oracle) / abs(oracle).max(), cosine(ours, oracle)
            good = errors.max() <= args.worst and alike >= args.cosine
            self.line(name, numpy.sqrt((errors**2).mean()), args.gradient, good, errors.max(), alike)

    def alike(self, name, ours, oracle):
        if ours.shape == oracle.shape and ours.dtype == numpy.float32:
            return True
        self.miss(name, f"is {ours.dtype} {ours.shape}, the oracle has {oracle.shape}")

    def number(self, name, ours, oracle, limit):
        """Relative error."""
        same = ours == oracle or (numpy.isnan(ours) and numpy.isnan(oracle))
        self.line(name, 0 if same else abs(ours - oracle) / abs(oracle) if oracle != 0 else numpy.inf, limit)


def cosine(a, b):
    a, b = (numpy.asarray(v, dtype=numpy.float64).ravel() for v in (a, b))
    return a @ b / max(numpy.linalg.norm(a) * numpy.linalg.norm(b), 1e-300)


def rule_of(config):
    """Of the guided gradient, at every ReLU, whatever the ascent does."""
    return "deconv" if config["gradient"] == "deconv" else "guided"


class Comparison:
    """One explain.h5 and the oracle of the same picture `x` (3, H, W)."""

    def __init__(self, file, oracle, x, config, args, table):
        self.file, self.oracle, self.x, self.config, self.args, self.table = file, oracle, x, config, args, table
        self.left = set()
        file.visititems(lambda name, item: self.left.add(name) if isinstance(item, h5py.Dataset) else None)
        self.layers = list(dict.fromkeys(layer for layer, _ in oracle.terms))
        self.layers += sorted(set(file.get("activation", ())) - set(self.layers))

    def take(self, name):
        """The dataset, which counts as looked at; None, counted as a failure, where it is missing."""
        if name not in self.left:
            return self.table.miss(name, "missing")
        self.left.remove(name)
        return self.file[name]

    def array(self, name, oracle, limit):
        dataset = self.take(name)
        if dataset is not None:
            self.table.array(name, dataset[()], oracle, limit)
        return dataset

    def pixels(self, name, oracle):
        dataset = self.take(name)
        if dataset is not None:
            self.table.pixels(name, dataset[()], oracle, self.args)

    def number(self, dataset, name, oracle, limit):
        if dataset is not None and name in dataset.attrs:
            self.table.number(f"{dataset.name.lstrip('/')} {name}".strip(), dataset.attrs[name], oracle, limit)
        elif dataset is not None:
            self.table.miss(f"{dataset.name.lstrip('/')} {name}".strip(), "missing")

    def gradients(self):
        loss, plain, of_layers = self.oracle.derivatives(self.x, self.layers)
        self.number(self.file, "loss", loss, self.args.loss)
        self.pixels("gradient", plain)
        self.pixels("saliency", saliency(plain))
        ruled = self.oracle.derivatives(self.x, mode=rule_of(self.config))[1]
        self.pixels("guided_gradient", ruled)
        self.pixels("saliency_guided", saliency(ruled))
        return ruled, of_layers

    def maps(self, a, g, ruled, layer):
        stride, centre = self.oracle.network.grid(layer)
        for kind, formula in CAMS.items():
            values, largest = scaled(formula(a, g))
            dataset = self.array(f"{kind}/{layer}", values, self.args.map)
            for name, number in (("scale", largest), ("stride", stride), ("centre", centre)):
                self.number(dataset, name, number, self.args.map if name == "scale" else 0)
        large = enlarge(scaled(grad_cam(a, g))[0], *ruled.shape[1:], stride, centre)
        self.pixels(f"guided_gradcam/{layer}", ruled * large)
        self.array(f"importance/{layer}", importance(a, g), self.args.map)

    def layer_metrics(self, layer, a):
        dataset = self.array(f"activation/{layer}", a, self.args.activation)
        if dataset is None:
            return
        theirs = dataset[()]
        found = metrics.target_metrics(theirs, self.config["metrics"]["threshold"])
        for target in self.config["targets"]:
            if target["layer"] == layer and self.config["objective"] != "class":
                found["loss"] = metrics.loss(theirs, self.config["objective"], target)
        for name, number in found.items():
            self.number(dataset, name, number, self.args.metrics)

    def top(self):
        """The classifier's weights of the class; None: there is none."""
        if self.config["objective"] == "class":
            return inception.read_top(self.args.weights)[0].astype(numpy.float64)[:, self.config["class"]]

    def class_cam(self, a):
        if self.config["objective"] == "class":
            values, largest = scaled(weigh(self.top(), a["mixed10"]))
            self.number(self.array("class_cam", values, self.args.map), "scale", largest, self.args.map)

    def smoothgrad(self):
        samples, noise = (self.config["saliency"][key] for key in ("samples", "noise"))
        dataset = self.take("saliency_smoothgrad") if samples else None
        if dataset is None:
            return
        self.number(dataset, "samples", samples, 0)
        self.number(dataset, "noise", noise, 0)
        oracle = smoothgrad(lambda x: self.oracle.derivatives(x)[1], self.x, samples, noise, 1)
        ours = dataset[()]
        if self.table.alike("saliency_smoothgrad", ours, oracle):
            error, alike = abs(ours.mean() / oracle.mean() - 1), cosine(ours, oracle)
            self.table.line("saliency_smoothgrad (its mean)", error, self.args.smoothgrad_mean, alike >= self.args.smoothgrad, cosine=alike)

    def baselines(self):
        """{name: (3, H, W)} as the file has them; those that can be told from the picture are compared."""
        found = {}
        for name in sorted(self.file.get("baseline", ())):
            dataset = self.take(f"baseline/{name}")
            found[name] = dataset[()].astype(numpy.float64)
            if name == "black":
                self.table.array("baseline/black", dataset[()], -numpy.ones_like(self.x), 0)
            if name == "blurred":
                self.table.array("baseline/blurred", dataset[()], blur(self.x, dataset.attrs["blur_sigma"]), self.args.activation)
        return found

    def expected(self, name, layer, baselines):
        dataset = self.take(name)
        if dataset is None:
            return
        names = text(dataset.attrs["baselines"]).split(",")
        samples = int(dataset.attrs["samples"])
        if set(names) != baselines.keys():
            return self.table.miss(name, f"is of baselines {names}, the file has {sorted(baselines)}")
        parts, value, expected = self.oracle.expected(self.x, [baselines[b] for b in names], samples, layer)
        if layer == "input":
            self.table.pixels(name, dataset[()], parts, self.args)
        else:
            self.table.array(name, dataset[()], parts.sum((1, 2)), self.args.map)
        self.number(dataset, "value", value, self.args.loss)
        self.number(dataset, "expected", expected, self.args.loss)
        own = residual(dataset[()].astype(numpy.float64), dataset.attrs["value"], dataset.attrs["expected"])
        self.table.line(f"{name} residual, from parts", abs(dataset.attrs["residual"] - own), 1e-4)
        self.table.line(f"{name} residual", dataset.attrs["residual"], self.args.residual)

    def faithfulness(self, baselines):
        """Curves and areas of the file's own maps; and what the network says untrained."""
        cells, steps = faithfulness.Cells(*self.x.shape[1:]), self.config["faithfulness"]["steps"]
        key = int(text(self.file.attrs["sha256"])[:16], 16)
        counters = numpy.array([[i, key & 0xFFFFFFFF, key >> 32, faithfulness.RANDOM] for i in range(cells.count)])
        ties = faithfulness.philox(self.config["seed"], counters)[:, 0] >> 8
        flat = numpy.broadcast_to(self.x.mean((1, 2))[:, None, None], self.x.shape)
        means = {}
        for name in sorted(self.left):
            _, kind, layer = (*name.split("/"), None)[:3]
            if kind == "random":
                means[name] = ties
            else:
                values = faithfulness.edges(self.x) if kind == "edges" else faithfulness.stored(
                    self.file, kind, layer, self.x.shape[1:], self.oracle.network.grid)
                means[name] = cells.means(values)
            order = cells.order(means[name], ties)
            found, areas = faithfulness.curves(self.oracle.loss, cells, order, self.x, flat, steps)
            dataset = self.array(name, found, self.args.curve)
            self.number(dataset, "cell", cells.side, 0)
            for area, oracle in zip(("deletion_area", "insertion_area"), areas):
                self.table.line(f"{name} {area}", abs(dataset.attrs[area] - oracle), 1e-3)
        faithfulness.untrain(self.oracle.network, self.config["seed"])  # the last thing that is done with it
        for name in means:
            _, kind, layer = (*name.split("/"), None)[:3]
            ours = self.file[name].attrs["randomised"]
            if kind in ("edges", "random"):
                self.table.line(f"{name} randomised", 0 if numpy.isnan(ours) else 1, 0)
                continue
            other = faithfulness.untrained(self.oracle, self.x, kind, layer, self.config, rule_of(self.config), baselines, self.top())
            if other is not None:
                self.table.line(f"{name} randomised", abs(ours - faithfulness.correlation(means[name], cells.means(other))), 0.02)

    def run(self):
        ruled, of_layers = self.gradients()
        activations = self.oracle.activations(self.x, self.layers)
        for layer in self.layers:
            self.layer_metrics(layer, activations[layer])
            self.maps(activations[layer], of_layers[layer], ruled, layer)
        self.class_cam(activations)
        self.smoothgrad()
        baselines = self.baselines()
        for layer in filter(inception.is_cut, self.layers):
            self.expected(f"importance_expected/{layer}", layer, baselines)
        self.expected("expected_gradients", "input", baselines)
        if "faithfulness" in self.file:
            self.faithfulness(list(baselines.values()))
        for name in sorted(self.left):
            self.table.miss(name, "has no oracle")


def text(value):
    return value.decode() if isinstance(value, bytes) else value


def arguments(given=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("explained", help="explain.h5")
    parser.add_argument("photo", help="the picture that it explains, 8-bit RGB")
    parser.add_argument("weights", help="Keras HDF5 file")
    limit = lambda name, value, help: parser.add_argument(name, type=float, default=value, metavar="LIMIT", help=f"{help} ({value})")
    limit("--loss", 1e-4, "largest relative error of L")
    limit("--activation", 1e-4, "largest error of an activation, relative to the largest, as below")
    limit("--gradient", 1e-3, "largest root mean square error of a gradient or saliency, relative to the largest value")
    limit("--worst", 0.2, "largest error of it at a pixel")
    limit("--cosine", 0.999, "smallest cosine of two gradients or saliencies")
    limit("--map", 1e-3, "largest error of a class activation map, its scale, or an importance")
    limit("--metrics", 1e-5, "largest relative error of a metric, computed from the file's own activation")
    limit("--smoothgrad", 0.95, "smallest cosine of two SmoothGrads, whose noise differs")
    limit("--smoothgrad-mean", 0.05, "largest relative difference of their means")
    limit("--curve", 1e-3, "largest error of a curve of deletion or insertion, relative to its largest value")
    limit("--residual", 0.05, "largest residual of expected gradients")
    parser.add_argument("--dtype", choices=("float32", "float64"), default="float32", help="of the network here")
    return parser.parse_args(given)


def main():
    if sys.argv[1:2] == ["--self-test"]:
        import attribution_test

        return attribution_test.self_test()
    args = arguments()
    inception.deterministic()
    dtype = getattr(torch, args.dtype)
    network = inception.Inception(args.weights, dtype)
    table = Table()
    with h5py.File(args.explained, "r") as file:
        config = yaml.safe_load(text(file.attrs["config"]))
        if config.get("network_input", "signed") != "signed":
            sys.exit("network_input: no oracle for pictures that are not -1..1 to the network")
        image = inception.read_image(args.photo)
        if isinstance(config.get("input", {}).get("resize"), int):
            image = dream.resize_shorter(image, config["input"]["resize"])
        oracle = Oracle(network, terms_of(config, args.weights, dtype), dtype)
        Comparison(file, oracle, image[0].double().numpy(), config, args, table).run()
    sys.exit(1 if table.failures else 0)


if __name__ == "__main__":
    main()
