# SPDX-License-Identifier: MIT
"""What oneiros makes of files: through picture_dump."""
import dataclasses
import pathlib
import re
import subprocess
import tempfile

import numpy

from pictures import NAMES


@dataclasses.dataclass
class Decoded:
    status: int
    width: int
    height: int
    bits: int
    alpha_max: int
    type: str  # "u16", "f32"; "u0": no raster
    keeps_file: bool
    low: float
    high: float
    probed: tuple  # width and height by its header alone
    profile: int  # bytes
    text: str  # notice or error
    rgb: numpy.ndarray = None  # (H, W, 3) in 0..1
    alpha: numpy.ndarray = None  # (H, W) in 0..1, or None


def _parse(line, output):
    status, width, height, bits, alpha, kind, keeps, low, high, wide, tall, profile, text = line.split("\t", 12)
    picture = Decoded(int(status), int(width), int(height), int(bits), int(alpha), kind, keeps == "1", float(low), float(high),
                      (int(wide), int(tall)), int(profile), text)
    if picture.status != 0:
        return picture
    plane = picture.width * picture.height
    rgb = numpy.fromfile(output, "<f4", 3 * plane).reshape(3, picture.height, picture.width)
    picture.rgb = (rgb.transpose(1, 2, 0).astype(numpy.float64) + 1) / 2
    if picture.alpha_max:
        alpha = numpy.fromfile(output, "<u2", plane, offset=12 * plane)
        picture.alpha = alpha.reshape(picture.height, picture.width) / picture.alpha_max
    return picture


# Kinds of notices, of which a run names one picture each, by words of each, and what is said of the others.
NOTICES = {
    "the first is taken": "of several pages or frames the first is taken",
    "ICC profile": "the ICC profile is ignored, or the dream has none",
    "its colours, ": "the ICC profile is ignored, or the dream has none",
    "CMYK": "CMYK without a profile, its colours are a guess",
    "clipped": "what is outside the range is clipped",
    "(input.bands)": "some of its bands are dreamed on (input.bands)",
    "(input.range)": "percentiles of its values are black and white (input.range)",
    "no data and stay so": "some of its samples are no data",
    "passed over": "damage has been passed over (input.damaged)",
    "the picture is whole": "damage has been passed over (input.damaged)",
    "end marker": "damage has been passed over (input.damaged)",
}


def notice_kind(text):
    """What is said of more pictures like that."""
    return next((kind for words, kind in NOTICES.items() if words in text), f"unknown: {text}")


def notice_kinds(text):
    return sorted({notice_kind(part) for part in text.split("; ")}) if text else []


def formats(dump, oneiros, folder):
    """The names of what this build reads, and "libvips" where that is in."""
    text = folder / "text"
    text.write_text("no picture")
    names = dump.decode(text).text.split("not a picture that oneiros reads (")[1].rstrip(")").split(", ")
    version = subprocess.run([oneiros, "--version"], check=True, stdout=subprocess.PIPE, text=True).stdout
    return names + ["libvips"] * bool(re.search(r"libvips +\d", version))


def readable(broken, known):
    """Those of formats that this build reads, whose own words they have."""
    return [each for each in broken if NAMES.get(each[0].split(".")[1], known[0]) in known]


class Dump:
    """A picture_dump at work: one file after the other. A file that kills it is an error of the test, said with its name."""

    def __init__(self, program, bands="auto", values="auto", damaged="refuse"):
        self.command = [program, bands, values, damaged]
        self.folder = tempfile.TemporaryDirectory()
        self.process = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process:
            self.process.stdin.close()
            self.process.wait()
        self.folder.cleanup()

    def decode(self, path):
        output = pathlib.Path(self.folder.name) / "pixels"
        if not self.process:
            self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.process.stdin.write(f"{path}\t{output}\n".encode())
        self.process.stdin.flush()
        line = self.process.stdout.readline().decode(errors="replace")
        if not line:
            raise RuntimeError(f"picture_dump ended with {self.process.wait()} at {path}")
        picture = _parse(line.rstrip("\n"), output)
        output.unlink(missing_ok=True)
        return picture
