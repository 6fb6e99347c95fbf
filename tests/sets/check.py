#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""check.py FOLDER OUTPUT LOG: whether a run over FOLDER/pictures did with each what make.py says: status, message, notice; the dream's
size, depth, alpha, profile, and that it still is that photograph, upright and in its colours."""
import collections
import json
import pathlib
import re
import subprocess
import sys

import h5py
import numpy
import tifffile
from PIL import Image

FAR = 0.03  # of the range, mean: a step of 0.01 in -1..1 moves samples by half of that, and two decoders of JPEG differ a little


def read_png(path):
    """Pillow has 8 bits at most."""
    picture = Image.open(path)
    depth = path.read_bytes()[24]
    if depth == 8:
        return numpy.asarray(picture), picture.info.get("icc_profile", b"")
    alpha = picture.mode == "RGBA"
    raw = subprocess.run(["ffmpeg", "-v", "error", "-i", path, "-f", "rawvideo", "-pix_fmt", "rgba64le" if alpha else "rgb48le", "-"],
                         check=True, stdout=subprocess.PIPE).stdout
    samples = numpy.frombuffer(raw, "<u2").reshape(picture.height, picture.width, 4 if alpha else 3)
    return samples, picture.info.get("icc_profile", b"")


def read_tiff(path):
    """tifffile has no predictor of floats."""
    plain = pathlib.Path("plain.tif")
    subprocess.run(["tiffcp", "-c", "none", path, plain], check=True)
    with tifffile.TiffFile(plain) as file:
        tag = file.pages[0].tags.get(34675)
        return file.pages[0].asarray(), tag.value if tag else b""


def unit(samples):
    return samples.astype(numpy.float64) / (1 if samples.dtype.kind == "f" else numpy.iinfo(samples.dtype).max)


def check_dream(folder, output, entry, row):
    stem = entry["dream"].split("/")[0]
    expected = numpy.load(folder / "expected" / f"{stem}.npy")
    path = output / entry["dream"]
    if row["status"] != 0:
        return f"failed: {row['error'].decode()}"
    if row["output"].decode() != entry["dream"] or not path.exists():
        return f"the dream is {row['output'].decode()}, not {entry['dream']}"
    dream, profile = read_tiff(path) if path.suffix == ".tif" else read_png(path)
    if (dream.dtype, dream.shape) != (expected.dtype, expected.shape):
        return f"a dream of {dream.dtype} {dream.shape}, not {expected.dtype} {expected.shape}"
    if row["bits"] != 8 * expected.itemsize or (row["height"], row["width"]) != expected.shape[:2]:
        return f"{row['width']} x {row['height']} pixels of {row['bits']} bits in the run file"
    if profile != (folder / "expected" / f"{stem}.icc").read_bytes():
        return f"another ICC profile, of {len(profile)} bytes"
    if expected.shape[2] == 4 and abs(unit(dream) - unit(expected))[..., 3].max() > 1e-4:
        return "another alpha"
    far = abs(unit(dream) - unit(expected))[..., :3].mean()
    if not 0 < far < FAR:
        return f"{far:.3f} from the photograph"
    return None


def check_failure(output, entry, row):
    if row["status"] != 1 or entry["error"] not in row["error"].decode():
        return f"status {row['status']}, '{row['error'].decode()}', not '{entry['error']}'"
    if (output / entry["file"].rsplit(".", 1)[0]).exists():
        return "left a folder behind"
    return None


def check_notices(log, named, noted):
    """`noted`: how many pictures have a notice, by its text; `named`: of how many it was said."""
    def by_kind(counts):
        kinds = collections.Counter()
        for text, count in counts.items():
            kinds["pages" if "the first is taken" in text else text] += count
        return kinds

    named, noted = by_kind(named), by_kind(noted)
    more = sorted(int(number) for number in re.findall(r"(\d+) more pictures? like that: ", log))
    if any(named[kind] != 1 for kind in noted):
        return f"notices by name: {dict(named)} of {dict(noted)}"
    if more != sorted(count - 1 for count in noted.values() if count > 1):
        return f"notices counted: {more} of {dict(noted)}"
    return None


def main():
    folder, output = map(pathlib.Path, sys.argv[1:3])
    log = pathlib.Path(sys.argv[3]).read_text()
    manifest = json.loads((folder / "manifest.json").read_text())
    with h5py.File(output / "run.h5") as file:
        rows = {row["source"].decode().rsplit("/", 1)[-1]: row for row in file["images"][()]}
    wrong, named, noted = {}, collections.Counter(), collections.Counter()
    for entry in manifest:
        name = entry["file"]
        said = [line for line in log.splitlines() if f"{name}: " in line]
        text = entry.get("error") or entry["notice"]
        if text and "notice" in entry:
            noted[text] += 1
            named[text] += len(said)
        if name not in rows:
            wrong[name] = "no row"
            continue
        wrong[name] = check_failure(output, entry, rows[name]) if "error" in entry else check_dream(folder, output, entry, rows[name])
        least = 0 if "notice" in entry else 1  # a notice is said of the first alone
        if not wrong[name] and (not least <= len(said) <= bool(text) or not all(text in line for line in said)):
            wrong[name] = f"the terminal says {said}, not '{text}'"
    wrong["notices"] = check_notices(log, named, noted)
    for name, what in wrong.items():
        if what:
            print(f"{name}: {what}")
    errors = [row["error"] for row in rows.values() if row["status"] == 1]
    print(f"{len(rows)} rows, {len(errors)} failed, for {len(set(errors))} reasons")
    sys.exit(len(rows) != len(manifest) or len(errors) != len(set(errors)) or any(wrong.values()))


main()
