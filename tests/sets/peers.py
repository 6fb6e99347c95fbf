#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""peers.py DUMP FOLDER...: every picture below the folders, by Pillow, by ImageMagick and by us. By hand: it takes minutes, and the pictures
are other projects' (Debian's source packages hold thousands). DUMP is tests/picture_dump of the build.

    mkdir peers && cd peers
    for package in pillow libpng1.6 tiff libjpeg-turbo libwebp imagemagick graphicsmagick openjpeg2 netpbm-free leptonlib gdk-pixbuf \\
        golang-golang-x-image vips exiv2 libsdl2-image
    do apt-get source --download-only $package; done # takes a line "deb-src" in apt's sources, or in a file of one's own:
                                                     # -o Dir::Etc::SourceList=... -o Dir::State::Lists=...
    for file in *.orig.tar.*; do mkdir ${file%%_*}; tar xf $file -C ${file%%_*}; done
    ../tests/sets/peers.py ../build/tests/picture_dump .

All three turn pictures upright and bring them to sRGB by their profiles, and by a PNG's gAMA, which Pillow ignores and ImageMagick takes only
where it is 1; of several frames the first counts; alpha is compared by itself, and colours only where it is not 0. Lists, and counts for each
format:
    WRONG    Pillow and ImageMagick agree to 2 grey levels of 255, and ours is further than that from both
    REFUSED  they agree, and we refuse without saying that its format, or this kind of it, is not supported
    damaged  they agree on a picture that is damaged, which is refused, and read where `input.damaged: accept`
    named    they agree, and we refuse by name
    alone    we read what neither reads, or what they do not agree on (--all lists these, too)
The exit code is 1 where there are WRONG or REFUSED ones. Debian: python3-pil python3-numpy imagemagick libgs-common (an sRGB profile)."""
import argparse
import collections
import io
import os
import pathlib
import re
import signal
import subprocess
import sys
import warnings

import numpy
from PIL import Image, ImageCms, ImageFile, ImageOps

from decoded import Dump

NEAR = 2 / 255
SIDE_MAX = 4000
SUFFIXES = (".png .apng .jpg .jpeg .jpe .jfif .tif .tiff .bmp .dib .gif .webp .jp2 .j2k .j2c .jpc .jpx .jxl .avif .heic .heif .tga .ppm .pgm "
            ".pbm .pnm .pam .exr .fits .fit .fts").split()
SRGB = "/usr/share/color/icc/ghostscript/srgb.icc"
CONVERT = "/usr/bin/convert"  # before any other in PATH
# Of ours: a refusal that says what is not supported, or a limit.
NAMED = re.compile(r"this looks like (?!text)|only .* (is|are) supported|convert it|which this libtiff does not have|save one frame|the limit is|"
                   r"does not have|beyond the limits|cannot be read: ")


def brightened(rgb, gamma):
    """Of a PNG whose gAMA is not sRGB's."""
    return rgb if not gamma or abs(gamma * 2.2 - 1) <= 0.05 else rgb ** (1 / (gamma * 2.2))


def gamma_of(picture):
    """None where something else says what its colours are."""
    return None if "icc_profile" in picture.info or "srgb" in picture.info else picture.info.get("gamma")


def by_pillow(path):
    """(H, W, 4) in 0..1, or None."""
    picture = Image.open(path)
    if max(picture.size) > SIDE_MAX:
        return None
    picture.seek(0)
    picture.load()
    profile, gamma = picture.info.get("icc_profile"), gamma_of(picture)
    picture = ImageOps.exif_transpose(picture)
    if picture.mode in ("I;16", "I;16B", "I;16L") or (picture.mode == "I" and picture.format in (None, "PNG", "PPM")):
        grey = numpy.asarray(picture).astype(numpy.float64) / 65535
        return numpy.dstack([brightened(grey, gamma)] * 3 + [numpy.ones_like(grey)])
    if picture.mode in ("I", "F"):
        return None  # Pillow does not say which values are black and white
    alpha = None
    if picture.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in picture.info:
        picture = picture.convert("RGBA")
        alpha = numpy.asarray(picture)[..., 3] / 255
        picture = picture.convert("RGB")
    elif picture.mode in ("P", "1"):
        picture = picture.convert("RGB")
    if profile and picture.mode in ("RGB", "L", "CMYK"):
        try:
            picture = ImageCms.profileToProfile(picture, io.BytesIO(profile), ImageCms.createProfile("sRGB"), 1, "RGB", flags=0x2100)
        except (ImageCms.PyCMSError, OSError):
            pass
    if picture.mode == "LAB":
        picture = ImageCms.profileToProfile(picture, ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB"), 1, "RGB")
    rgb = brightened(numpy.asarray(picture.convert("RGB")) / 255, gamma)
    return numpy.dstack([rgb, numpy.ones(rgb.shape[:2]) if alpha is None else alpha])


def by_magick(path):
    size = subprocess.run([CONVERT, f"{path}[0]", "-auto-orient", "-format", "%w %h %[profile:icc]", "info:"], stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, timeout=60)
    if size.returncode != 0 or not size.stdout:
        return None
    width, height, *profile = size.stdout.split(None, 2)
    if max(int(width), int(height)) > SIDE_MAX:
        return None
    colours = ["-intent", "relative", "-black-point-compensation", "-profile", SRGB] if profile else ["-colorspace", "sRGB"]
    done = subprocess.run([CONVERT, f"{path}[0]", "-auto-orient", *colours, "-type", "TrueColorAlpha", "-depth", "16", "-endian", "LSB",
                           "rgba:-"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
    samples = numpy.frombuffer(done.stdout, "<u2")
    if done.returncode != 0 or samples.size != 4 * int(width) * int(height):
        return None
    pixels = samples.reshape(int(height), int(width), 4) / 65535
    gamma = gamma_of(Image.open(path)) if path.suffix.lower() == ".png" else None
    if gamma and abs(gamma - 1) > 0.01:
        pixels[..., :3] = brightened(pixels[..., :3], gamma)
    return pixels


def by_us(dump, path):
    picture = dump.decode(path)
    if picture.status != 0:
        return picture, None
    alpha = numpy.ones(picture.rgb.shape[:2]) if picture.alpha is None else picture.alpha
    return picture, numpy.dstack([picture.rgb, alpha])


def far(a, b):
    """The largest difference, in parts of the range, or 1 for other sizes."""
    if a.shape != b.shape:
        return 1
    seen = (a[..., 3] > 0.02) & (b[..., 3] > 0.02)
    colours = abs(a - b)[..., :3][seen]
    return max(colours.max() if colours.size else 0, abs(a - b)[..., 3].max())


def attempt(read, path):
    try:
        return read(path)
    except Exception:  # whatever a library throws: it does not read it
        return None


def judge(dump, accepting, path):
    """What is to be counted, and the line that says so."""
    pillow, magick = attempt(by_pillow, path), attempt(by_magick, path)
    picture, ours = by_us(dump, path)
    if pillow is None or magick is None:
        what = "neither" if pillow is None and magick is None else "Pillow" if magick is None else "ImageMagick"
        return ("alone" if ours is not None else "nobody"), f"read by {what}, by us: {picture.text or 'read'}"
    apart = far(pillow, magick)
    if apart > NEAR:
        distances = "" if ours is None else f", ours {255 * far(pillow, ours):.1f} and {255 * far(magick, ours):.1f} from them"
        return "disputed", f"Pillow and ImageMagick are {255 * apart:.1f} apart{distances}; {picture.text}"
    if ours is None and picture.text.startswith("not a valid ") and by_us(accepting, path)[1] is not None:
        return "damaged", picture.text
    if ours is None:
        return ("named" if NAMED.search(picture.text) else "REFUSED"), picture.text
    distance = min(far(pillow, ours), far(magick, ours))
    if distance > NEAR + 1e-6:
        return "WRONG", f"{255 * distance:.1f} grey levels, {pillow.shape[1]} x {pillow.shape[0]} and {ours.shape[1]} x {ours.shape[0]}; {picture.text}"
    return "alike", f"{255 * distance:.2f}; {picture.text}"


def find(folders, suffixes):
    for folder in folders:
        for path in sorted(pathlib.Path(folder).rglob("*")):
            if path.suffix.lower() in suffixes and path.is_file() and not path.is_symlink() and path.stat().st_size < 20 << 20:
                yield path


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("dump")
    parser.add_argument("folders", nargs="+")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--only", default=",".join(SUFFIXES), help="suffixes with commas")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    Image.MAX_IMAGE_PIXELS = SIDE_MAX * SIDE_MAX
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    counts = collections.defaultdict(collections.Counter)
    dump, accepting = Dump(arguments.dump), Dump(arguments.dump, damaged="accept")
    for path in find(arguments.folders, arguments.only.split(",")):
        try:
            kind, text = judge(dump, accepting, path)
        except RuntimeError as error:  # it killed picture_dump
            kind, text = "CRASHED", str(error)
            dump, accepting = Dump(arguments.dump), Dump(arguments.dump, damaged="accept")
        counts[path.suffix.lower()][kind] += 1
        if kind.isupper() or arguments.all:
            print(f"{kind}\t{path}\t{text}", flush=True)
    dump.__exit__()
    accepting.__exit__()
    for suffix, kinds in sorted(counts.items()):
        print(f"{suffix}: {sum(kinds.values())}:", ", ".join(f"{count} {kind}" for kind, count in kinds.most_common()))
    total = sum(counts.values(), collections.Counter())
    print(f"all: {sum(total.values())}:", ", ".join(f"{count} {kind}" for kind, count in total.most_common()))
    sys.exit(any(kind.isupper() for kind in total))


if __name__ == "__main__":
    main()
