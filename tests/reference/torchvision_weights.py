#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Weights as PyTorch and Keras 3 store them, beside torchvision's own InceptionV3.

torchvision_weights.py ONEIROS NETWORK_DUMP IMAGE

A torchvision inception_v3 with random weights (batch normalisation's, too, so that gamma counts) is saved as .pth, in the older format, inside a
checkpoint, and as .safetensors in float32, float16 and bfloat16. Each is imported by the program; activations of all blocks, logits and the
gradient of one logit must be those of the model itself. The weights are then laid out as Keras 3 does and must come back as the same arrays.
"""
import json
import os
import re
import struct
import subprocess
import sys
import tempfile
import zipfile

import h5py
import numpy
import torch

try:
    import torchvision
except ImportError:
    print("python3-torchvision is not installed")
    sys.exit(77)

import inception

SIZE = 171, 203
CLASS = 281
LIMIT = 1e-5  # of the largest activation of a layer, of the largest logit
BLOCKS = dict(zip(["Conv2d_2b_3x3", "Conv2d_4a_3x3", *(f"Mixed_{b}" for b in "5b 5c 5d 6a 6b 6c 6d 6e 7a 7b 7c".split())],
                  ["conv2d_3", "conv2d_5", *(f"mixed{n}" for n in range(11))]))
MEAN, DEVIATION = (torch.tensor(v).view(1, 3, 1, 1) for v in ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]))


def model():
    torch.manual_seed(1)
    network = torchvision.models.inception_v3(weights=None, aux_logits=True, init_weights=False).eval()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.weight.data.uniform_(0.5, 1.5)
            module.bias.data.normal_(0, 0.1)
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.2, 1.2)
    return network


def save_safetensors(path, state, dtype, names):
    """By the format's description: Debian has no safetensors for Python."""
    types = {torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16", torch.int64: "I64"}
    header, blobs, at = {"__metadata__": {"classes": json.dumps(names)}}, [], 0
    for name, tensor in state.items():
        tensor = tensor.to(dtype) if tensor.is_floating_point() else tensor
        blob = (tensor.view(torch.int16) if dtype == torch.bfloat16 and tensor.is_floating_point() else tensor).numpy().tobytes()
        header[name] = {"dtype": types[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [at, at + len(blob)]}
        at += len(blob)
        blobs.append(blob)
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(blobs))


def oracle(path, network, signed, shown):
    """What `network` makes of the pixels `shown`, which are those of the program in `signed`."""
    found = {}
    hooks = [getattr(network, module).register_forward_hook(lambda _, __, y, name=name: found.__setitem__(name, y))
             for module, name in BLOCKS.items()]
    shown = shown.clone().requires_grad_(True)
    logits = network(shown)
    logits[0, CLASS].backward()
    for hook in hooks:
        hook.remove()
    with h5py.File(path, "w") as file:
        file.attrs.update({"targets": "mixed10:1", "objective": "class", "class": CLASS})
        file["image"] = signed[0].numpy()
        for name, activation in found.items():
            file[f"activation/{name}"] = activation[0].detach().numpy()
        file["loss/plain"] = logits[0, CLASS].item()
    return logits[0].detach().numpy(), shown.grad


def judge(what, oneiros, dump, folder, file, logits, gradient, *options):
    """Imports `file`, runs it, and holds all against the oracle. Returns the imported file."""
    imported, ours = f"{folder}/imported.h5", f"{folder}/ours.h5"
    subprocess.run([oneiros, "model", "import", file, "-o", imported, "--force", *options], check=True)
    subprocess.run([dump, imported, f"{folder}/oracle.h5", ours], check=True)
    worst = 0
    with h5py.File(f"{folder}/oracle.h5") as want, h5py.File(ours) as have:
        for name in BLOCKS.values():
            a, b = (numpy.asarray(f[f"activation/{name}"], dtype=numpy.float64) for f in (want, have))
            worst = max(worst, abs(a - b).max() / abs(a).max())
        features = numpy.asarray(have["activation/mixed10"], dtype=numpy.float64).mean(axis=(1, 2))
        by_class = abs(have["loss/plain"][()] - want["loss/plain"][()]) / abs(logits).max()
        g, h = gradient[0].numpy().astype(numpy.float64), numpy.asarray(have["gradient/plain"], dtype=numpy.float64)
        cosine = (g * h).sum() / numpy.linalg.norm(g) / numpy.linalg.norm(h)
    kernel, bias = inception.read_top(imported)
    all_logits = abs(features @ kernel + bias - logits).max() / abs(logits).max()
    print(f"{what:24} activations {worst:.2e}  logits {all_logits:.2e}  class {by_class:.2e}  gradient 1 - cosine {1 - cosine:.1e}", flush=True)
    if not (worst <= LIMIT and all_logits <= LIMIT and by_class <= LIMIT and cosine > 0.9999):
        sys.exit(f"{what}: beyond the limit of {LIMIT}")
    return imported


def check_names(oneiros, folder, imported):
    """A dream of a class by its name is that by its number, and the run says which."""
    def dream(kind, name, output):
        few = ["steps=1", "octaves.count=1", "frames.dream=false", "frames.cam=false", "saliency.samples=0", "importance.samples=0"]
        settings = [f"model.path={imported}", "objective=class", "targets=mixed10", f"class={name}", "plan=off", *few]
        return subprocess.run([oneiros, kind, *(word for s in settings for word in ("-s", s)), "-o", f"{folder}/{output}", "noise:96x96"],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8")

    for kind, output in (("dream", "by_number"), ("dream", "by_name"), ("explain", "why")):
        result = dream(kind, CLASS if output == "by_number" else f"NAME_{CLASS}", output)
        assert result.returncode == 0, result.stdout
        files = ["run.h5", "noise-96x96/explain.h5"] if kind == "explain" else ["run.h5"]
        for file in files:
            with h5py.File(f"{folder}/{output}/{file}") as run:
                assert run.attrs["class_name"] == f"{CLASS}: name {CLASS}", dict(run.attrs)
    pictures = [open(f"{folder}/{output}/noise-96x96/dream.png", "rb").read() for output in ("by_number", "by_name")]
    assert pictures[0] == pictures[1]
    for name, words in (("nane 281", "did you mean name 281?"), ("name", "there are 0 (name 0), 1 (name 1)"), ("1000", "0..999, not 1000")):
        result = dream("dream", name, "none")
        assert result.returncode == 2 and words in result.stdout, result.stdout
    print("class by its name: the same dream, and reports say it", flush=True)


def keras3_order():
    """Numbers of the convolutions in the order of Model.layers: by distance from the output, then as a walk from there finds them."""
    rows = {row[0]: row for row in inception.ROWS}
    found, depth = [], {}

    def walk(name):
        if name not in found and name in rows:
            found.append(name)
            for source in rows[name][2]:
                walk(source)

    walk("mixed10")
    for name, kind, inputs, _, _ in reversed(inception.ROWS):
        depth[name] = depth.get(name, 0) + (2 if kind == "conv2d" else 0)
        for source in inputs:
            depth[source] = max(depth.get(source, 0), depth[name] + 1)
    convs = [name for name, row in rows.items() if row[1] == "conv2d"]
    return sorted(convs, key=lambda name: (-depth[name], found.index(name)))


def save_keras3(path, imported, group, top):
    """As keras/src/saving/saving_lib.py lays a functional model out."""
    with h5py.File(imported) as old, h5py.File(path, "w") as new:
        new.create_group("vars")
        for k, conv in enumerate(keras3_order()):
            number = re.sub(r".*_", "", conv)
            suffix = f"_{k}" if k else ""
            new[f"{group}/conv2d{suffix}/vars/0"] = old[f"conv2d_{number}/conv2d_{number}/kernel:0"][()]
            norm = old[f"batch_normalization_{number}/batch_normalization_{number}"]
            for i, part in enumerate(["beta:0", "moving_mean:0", "moving_variance:0"]):
                new[f"{group}/batch_normalization{suffix}/vars/{i}"] = norm[part][()]
        for i, part in enumerate(["kernel:0", "bias:0"] if top else []):
            new[f"{group}/dense/vars/{i}"] = old[f"predictions/predictions/{part}"][()]


def check_keras3(oneiros, folder, imported, group, top, zipped):
    file, back = f"{folder}/k.weights.h5", f"{folder}/back.h5"
    save_keras3(file, imported, group, top)
    if zipped:
        with zipfile.ZipFile(f"{folder}/k.keras", "w") as out:
            out.writestr("metadata.json", '{"keras_version": "3.3.3"}')
            out.writestr("config.json", '{"class_name": "Functional"}')
            out.write(file, "model.weights.h5")
        file = f"{folder}/k.keras"
    subprocess.run([oneiros, "model", "import", file, "-o", back, "--force"], check=True)
    for a, b in zip(inception.read_weights(imported), inception.read_weights(back)):
        assert all(numpy.array_equal(x, y) for x, y in zip(a, b)), f"{file}: other weights"
    with h5py.File(back) as new:
        assert ("predictions" in new) == top, f"{file}: its top"
    if top:
        assert all(numpy.array_equal(x, y) for x, y in zip(inception.read_top(imported), inception.read_top(back))), f"{file}: another top"
    print(f"Keras 3, {group}, {'with' if top else 'without'} the top{', .keras' if zipped else ''}: the same weights", flush=True)


def main():
    oneiros, dump, image = sys.argv[1:]
    inception.deterministic()
    network = model()
    state = network.state_dict()
    names = [f"name {i}" for i in range(1000)]
    signed = inception.read_image(image, *SIZE)
    memory = "/dev/shm" if os.path.isdir("/dev/shm") else None  # 400 MB at a time, 3 GB in all
    with tempfile.TemporaryDirectory(prefix="oneiros-reference-", dir=memory) as folder:
        path = lambda name: f"{folder}/{name}"
        run = lambda what, file, found, *options: judge(what, oneiros, dump, folder, path(file), *found, *options)
        found = oracle(path("oracle.h5"), network, signed, signed)
        torch.save(state, path("a.pth"))
        run(".pth", "a.pth", found)
        torch.save(state, path("a.pth"), _use_new_zipfile_serialization=False)
        run(".pth before 1.6", "a.pth", found)
        torch.save({"epoch": 1, "state_dict": {"module." + k: v for k, v in state.items()}, "classes": names}, path("a.pth"))
        run("checkpoint", "a.pth", found)
        save_safetensors(path("a.safetensors"), state, torch.float32, names)
        imported = run(".safetensors", "a.safetensors", found)
        with h5py.File(imported) as file:
            assert [name.decode() for name in file["oneiros_classes"]] == names
        check_names(oneiros, folder, imported)
        for group, top, zipped in (("layers", True, False), ("layers", False, True), ("layers/functional/layers", False, False)):
            check_keras3(oneiros, folder, imported, group, top, zipped)
        # Pictures less ImageNet's mean: into the network as they are, or by transform_input, which makes -1..1 of them again.
        shown = ((signed + 1) / 2 - MEAN) / DEVIATION
        logits, gradient = oracle(path("oracle.h5"), network, signed, shown)
        run("--input imagenet", "a.safetensors", (logits, gradient / 2 / DEVIATION), "--input", "imagenet")
        network.transform_input = True
        logits, gradient = oracle(path("oracle.h5"), network, signed, shown)
        run("transform_input", "a.safetensors", (logits, gradient / 2 / DEVIATION))
        network.transform_input = False
        for dtype in (torch.float16, torch.bfloat16):
            network.load_state_dict({k: v.to(dtype).to(v.dtype) if v.is_floating_point() else v for k, v in state.items()})
            found = oracle(path("oracle.h5"), network, signed, signed)
            save_safetensors(path("a.safetensors"), state, dtype, names)
            run(f"{dtype}", "a.safetensors", found)


if __name__ == "__main__":
    main()
