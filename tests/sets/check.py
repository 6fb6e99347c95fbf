#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""check.py FOLDER OUTPUT LOG: whether a run over FOLDER/pictures did with each what make.py says: status, message, notice; the dream's
size, samples' type, other bands, no-data, alpha, profile, tags, and that it still is that photograph, upright and in its colours."""
import collections
import json
import pathlib
import re
import shutil
import subprocess
import sys

import h5py
import numpy
import tifffile
from PIL import Image

from decoded import notice_kind

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
    """tifffile lacks most compressions, and tiffcp mixes planes of tiles up."""
    with tifffile.TiffFile(path) as file:
        plain = file.pages[0].compression == 1
    if not plain:
        copy = pathlib.Path("plain.tif")
        subprocess.run(["tiffcp", "-c", "none", path, copy], check=True, stderr=subprocess.DEVNULL)
        path = copy
    with tifffile.TiffFile(path) as file:
        page = file.pages[0]
        samples = page.asarray()
        if page.planarconfig == 2 and samples.ndim == 3:
            samples = samples.transpose(1, 2, 0)
        tag = page.tags.get(34675)
        return samples.astype(samples.dtype.newbyteorder("=")), tag.value if tag else b""


def unit(samples):
    return samples.astype(numpy.float64) / (1 if samples.dtype.kind == "f" else numpy.iinfo(samples.dtype).max)


def same(a, b):
    return (a == b) | ((a != a) & (b != b))


def check_samples(dream, expected):
    """Its three colours are the photograph but for the dreaming, all else is as it was."""
    samples, holes, (low, high) = expected["samples"], expected["holes"], expected["values"]
    holes = numpy.broadcast_to(holes if holes.size else False, samples.shape)
    if not same(dream, samples)[holes].all():
        return "another value where there is no data"
    if samples.shape[2] == 4 and samples.dtype.kind != "i" and abs(unit(dream[..., 3]) - unit(samples[..., 3])).max() > 1e-4:
        return "another alpha, or fourth band"
    if samples.shape[2] > 4 and not same(dream, samples)[..., 3:].all():
        return "another band has changed"
    far = abs(numpy.where(holes, 0, dream.astype(numpy.float64) - samples)[..., :3] / (high - low)).clip(0, 1).mean()
    return None if 0 < far < FAR else f"{far:.3f} from the photograph"


def check_tags(path, entry):
    if entry["density"] and path.suffix == ".png":
        dots = Image.open(path).info.get("dpi", (0, 0))
        if max(abs(value - entry["density"]) for value in dots) > 0.1:
            return f"{dots} dots an inch"
    if path.suffix == ".png" and Image.open(path).getexif().get(274, 1) not in (1, b"\x01"):  # the tag keeps its type: bytes, too
        return "it says that it is to be turned"
    content = path.read_bytes()
    missing = [text for text in entry["said"] if text.encode() not in content]
    if missing:
        return f"does not say {missing}"
    if path.suffix != ".tif":
        return None
    with tifffile.TiffFile(path) as file:
        tags = {tag.code: tag.value for tag in file.pages[0].tags}
    if entry["density"]:
        entry["tags"] += [[282, [int(entry["density"]), 1]], [283, [int(entry["density"]), 1]]]
    if tags.get(274, 1) != entry["orientation"]:
        return f"orientation {tags.get(274)}"
    for number, value in entry["tags"]:
        have = tags.get(number)
        if (list(have) if isinstance(have, tuple) else have) != value and not (isinstance(have, str) and have.strip("\0") == value):
            return f"tag {number} is {have}, not {value}"
    return None


def check_georeference(picture, dream):
    def look(path):
        facts = json.loads(subprocess.run(["gdalinfo", "-json", path], check=True, stdout=subprocess.PIPE).stdout)
        bands = [(band["type"], str(band.get("noDataValue")), band["block"]) for band in facts["bands"]]
        return facts["size"], facts.get("geoTransform"), facts.get("coordinateSystem"), bands

    before, after = look(picture), look(dream)
    return None if before == after else f"gdalinfo says {after}, not {before}"


def check_dream(folder, output, entry, row):
    stem = entry["dream"].split("/")[0]
    expected = numpy.load(folder / "expected" / f"{stem}.npz")
    path = output / entry["dream"]
    if row["status"] != 0:
        return f"failed: {row['error'].decode()}"
    if row["output"].decode() != entry["dream"] or not path.exists():
        return f"the dream is {row['output'].decode()}, not {entry['dream']}"
    dream, profile = read_tiff(path) if path.suffix == ".tif" else read_png(path)
    samples = expected["samples"]
    if (dream.dtype, dream.shape) != (samples.dtype, samples.shape):
        return f"a dream of {dream.dtype} {dream.shape}, not {samples.dtype} {samples.shape}"
    sides = samples.shape[:2][:: -1 if entry["orientation"] > 4 else 1]
    if row["bits"] != 8 * samples.itemsize or (row["height"], row["width"]) != sides:
        return f"{row['width']} x {row['height']} pixels of {row['bits']} bits in the run file"
    if entry["raster"] and not numpy.allclose([row["range_low"], row["range_high"]], expected["values"], rtol=5e-3):
        return f"{row['range_low']} and {row['range_high']} are black and white in the run file, not {expected['values']}"
    if bool(profile) != entry["own_profile"] if entry["own_profile"] else profile != (folder / "expected" / f"{stem}.icc").read_bytes():
        return f"another ICC profile, of {len(profile)} bytes"
    wrong = check_samples(dream, expected) or check_tags(path, entry)
    if not wrong and 33922 in dict(entry["tags"]) and shutil.which("gdalinfo"):
        wrong = check_georeference(folder / "pictures" / entry["file"], path)
    return wrong


def check_failure(output, entry, row):
    if row["status"] != 1 or entry["error"] not in row["error"].decode():
        return f"status {row['status']}, '{row['error'].decode()}', not '{entry['error']}'"
    if (output / entry["file"].rsplit(".", 1)[0]).exists():
        return "left a folder behind"
    return None


def check_notices(log, noted):
    """`noted`: of how many pictures each kind of notice is."""
    more = {kind: int(number) for number, kind in re.findall(r"(\d+) more pictures? like that: (.*)", log) if "input.damaged: accept" not in kind}
    wanted = {kind: count - 1 for kind, count in noted.items() if count > 1}
    return None if more == wanted else f"notices counted: {more} of {wanted}"


def main():
    folder, output = map(pathlib.Path, sys.argv[1:3])
    log = pathlib.Path(sys.argv[3]).read_text()
    lines = log.splitlines()
    manifest = json.loads((folder / "manifest.json").read_text())
    with h5py.File(output / "run.h5") as file:
        rows = {row["source"].decode().rsplit("/", 1)[-1]: row for row in file["images"][()]}
    wrong, noted, named = {}, collections.Counter(), collections.Counter()
    for entry in manifest:
        name = entry["file"]
        said = [line for line in lines if f"{name}: " in line]
        texts = [entry["error"]] if "error" in entry else entry["notices"]
        if "error" not in entry:
            noted.update({notice_kind(text) for text in texts})
            named.update({notice_kind(text) for text in texts} if said else ())
        if name not in rows:
            wrong[name] = "no row"
            continue
        wrong[name] = check_failure(output, entry, rows[name]) if "error" in entry else check_dream(folder, output, entry, rows[name])
        if "error" in entry:  # the first that could be read in part is said to be so
            said = [line for line in said if "input.damaged: accept" not in line]
        least = 1 if "error" in entry else 0  # a notice is said of the first alone
        if not wrong[name] and (not least <= len(said) <= bool(texts) or not all(text in line for line in said for text in texts)):
            wrong[name] = f"the terminal says {said}, not {texts}"
    wrong["notices"] = check_notices(log, noted)
    wrong["notices by name"] = f"none of {set(noted) - set(named)}" if set(noted) - set(named) else None
    for name, what in wrong.items():
        if what:
            print(f"{name}: {what}")
    errors = [row["error"] for row in rows.values() if row["status"] == 1]
    kinds = {entry.get("kind") for entry in manifest}
    print(f"{len(rows)} rows of {len(kinds)} kinds, {len(errors)} failed, for {len(set(errors))} reasons")
    sys.exit(len(rows) != len(manifest) or len(errors) != len(set(errors)) or any(wrong.values()))


if __name__ == "__main__":
    main()
