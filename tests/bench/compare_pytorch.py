#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Time and memory of one guided step (forward and backward) in PyTorch, by itself or in alternation with `oneiros bench --json`.

PyTorch gets what a careful user would give it: folded batch normalisation, in-place ReLU, no gradients of weights, and the memory layout
that is fastest here (--layout auto tries both). The opaque oneDNN layout (to_mkldnn) is no candidate: PyTorch 1.13 cannot concatenate
in it, and with conversions around each concatenation a step takes three times as long. PyTorch computes in float32, whatever --precision
says. Prints one JSON object, then lines to read.
"""
import argparse
import collections
import ctypes
import json
import os
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "reference"))
sys.dont_write_bytecode = True

import torch

import inception

LAYOUTS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}


class FastRelu(torch.autograd.Function):
    """inception.MaskedRelu with fewer passes over memory."""

    @staticmethod
    def forward(ctx, x, guided):
        y = x.relu_()
        ctx.mark_dirty(x)
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, gradient):
        return torch.ops.aten.threshold_backward(gradient.clamp(min=0), ctx.saved_tensors[0], 0), None


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("weights", help="Keras HDF5 file")
    parser.add_argument("--size", type=int, default=299, help="pixels along each side")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--targets", default="mixed3:1,mixed5:1")
    parser.add_argument("--layout", choices=("auto", *LAYOUTS), default="auto")
    parser.add_argument("--oneiros", metavar="PROGRAM", help="run its bench in alternation and print the ratio")
    parser.add_argument("--precision", choices=("f32", "bf16"), default="f32", help="of Oneiros")
    parser.add_argument("--rounds", type=int, default=3, help="alternations with --oneiros")
    parser.add_argument("--memory-only", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


class Step:
    def __init__(self, args, layout):
        inception.MaskedRelu = FastRelu
        self.layout = layout
        self.targets = inception.parse_targets(args.targets)
        self.network = inception.Inception(args.weights, fold=True, memory_format=LAYOUTS[layout])

    def image(self, size):
        torch.manual_seed(0)
        return (torch.rand(1, 3, size, size) * 2 - 1).to(memory_format=LAYOUTS[self.layout])

    def seconds(self, image, repeats):
        times = []
        for _ in range(repeats):
            start = time.perf_counter()
            self.network.gradient(image, self.targets, mode="guided")
            times.append(time.perf_counter() - start)
        return times


def use_threads(count):
    """With one thread and one picture PyTorch leaves oneDNN for its own convolutions, some seven times slower here. So for one thread it is
    told that it has two and OpenMP is told to give it one; OpenMP reads that when the program starts.
    """
    if count == 1 and os.environ.get("OMP_THREAD_LIMIT") != "1":
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, "OMP_THREAD_LIMIT": "1"})
    torch.set_num_threads(max(count, 2))


def summary(times):
    return {"median": statistics.median(times), "min": min(times), "max": max(times)}


def resident(field):
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith(field))


def peak_bytes_per_pixel(args, layout):
    """What one step adds to the resident memory, at its peak, over the library, the weights and a step of the smallest picture."""
    step = Step(args, layout)
    step.seconds(step.image(75), 1)
    ctypes.CDLL(None).malloc_trim(0)
    image = step.image(args.size)
    with open("/proc/self/clear_refs", "w") as refs:
        refs.write("5")  # the peak starts again from here
    before = resident("VmRSS")
    step.seconds(image, 2)
    return (resident("VmHWM") - before) / args.size**2


def fresh_process(args, layout):
    command = [sys.executable, __file__, args.weights, "--memory-only", "--layout", layout, "--size", str(args.size), "--threads",
               str(args.threads), "--targets", args.targets]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def oneiros(args):
    """What its bench found for this size, and the plan that it went by: where that comes from, and the methods of its convolutions."""
    command = [args.oneiros, "bench", "--json", "--size", str(args.size), "--threads", str(args.threads), "--repeats", str(args.repeats),
               "-s", "targets=" + args.targets, "-s", "precision=" + args.precision]
    environment = {name: value for name, value in os.environ.items() if name != "OMP_THREAD_LIMIT"}
    bench = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment).stdout)
    step = next(step for step in bench["steps"] if step["width"] == step["height"] == args.size)
    methods = collections.Counter(layer["method"] for layer in step["layers"] if "method" in layer)
    return step, {"setting": bench["plan_setting"], "precision": bench["precision"], "methods": dict(methods.most_common())}


def main():
    args = arguments()
    use_threads(args.threads)
    if args.memory_only:
        print(peak_bytes_per_pixel(args, args.layout))
        return
    layouts = LAYOUTS if args.layout == "auto" else [args.layout]
    tried = {}
    for layout in layouts:
        step = Step(args, layout)
        image = step.image(args.size)
        step.seconds(image, 3)
        tried[layout] = summary(step.seconds(image, args.repeats))
    best = min(tried, key=lambda layout: tried[layout]["median"])
    result = {"size": args.size, "threads": args.threads, "targets": args.targets, "torch": torch.__version__, "layout": best,
              "layouts": tried, "seconds": tried[best], "bytes_per_pixel": fresh_process(args, best)}
    line = (f"PyTorch {torch.__version__}, {best}, {args.size} x {args.size}, {args.threads} threads: "
            f"{result['seconds']['median'] * 1e3:.1f} ms, {result['bytes_per_pixel']:.0f} bytes a pixel")
    if args.oneiros:
        step = Step(args, best)
        image = step.image(args.size)
        rounds = []
        for _ in range(args.rounds):
            step.seconds(image, 3)
            theirs = statistics.median(step.seconds(image, args.repeats))
            own, plan = oneiros(args)
            rounds.append({"pytorch": theirs, "oneiros": own["seconds"]["median"], "ratio": theirs / own["seconds"]["median"]})
        ratios = summary([r["ratio"] for r in rounds])
        result.update(rounds=rounds, ratio=ratios, oneiros_bytes_per_pixel=own["bytes_per_pixel"], plan=plan)
        methods = ", ".join(f"{count} {method}" for method, count in plan["methods"].items())
        line += (f"\nOneiros in {plan['precision']}: {statistics.median(r['oneiros'] for r in rounds) * 1e3:.1f} ms, "
                 f"{own['bytes_per_pixel']:.0f} bytes a pixel; "
                 f"{ratios['median']:.2f} times as fast ({ratios['min']:.2f} to {ratios['max']:.2f} in {args.rounds} rounds)"
                 f"\nplan {plan['setting']}: {methods}")
    print(json.dumps(result))
    print(line)


if __name__ == "__main__":
    main()
