# SPDX-License-Identifier: MIT
"""What oneiros makes of files: through picture_dump."""
import dataclasses
import pathlib
import subprocess
import tempfile

import numpy


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
