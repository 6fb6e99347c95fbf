# SPDX-License-Identifier: MIT
"""Formats that oneiros reads where libvips is in, and what FFmpeg's WebP lacks: a kind that `needs` what is not in is refused, by name."""
import io
import struct
import subprocess
import tempfile

import numpy
from PIL import Image

import png
from oddities import BT2020, P3, in_space, pq_of, unlinear
from pictures import Picture, fade, grey3, kind, luma, saved, upright, whole, with_alpha


def program(picture, suffix, *command):
    """What a program makes of a PNG: its arguments IN and OUT are files."""
    with tempfile.NamedTemporaryFile(suffix=".png") as old, tempfile.NamedTemporaryFile(suffix="." + suffix) as new:
        picture.save(old.name)
        names = {"IN": old.name, "OUT": new.name}
        subprocess.run([names.get(word, word) for word in command], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return open(new.name, "rb").read()


def image(p):
    return Image.fromarray(whole(p, 8))


@kind("ppm", "pgm", "plain", "16", "bitmap")
def pnm(p, how):
    width, height = p.shape[1::-1]
    grey = whole(luma(p), 8)
    if how == "ppm":
        return Picture("ppm", b"P6\n# a comment\n%d %d\n255\n" % (width, height) + whole(p, 8).tobytes(), whole(p, 8), needs="Netpbm")
    if how == "pgm":
        return Picture("pgm", b"P5 %d %d 255\n" % (width, height) + grey.tobytes(), grey3(grey), needs="Netpbm")
    if how == "plain":
        text = "P3\n%d %d\n255\n" % (width, height) + "\n".join(" ".join(map(str, row.ravel())) for row in whole(p, 8))
        return Picture("ppm", text.encode() + b"\n", whole(p, 8), needs="Netpbm")
    if how == "16":
        return Picture("ppm", b"P6 %d %d 65535\n" % (width, height) + whole(p, 16).astype(">u2").tobytes(), whole(p, 16), needs="Netpbm")
    black = luma(p) < 0.4
    rows = numpy.packbits(black, axis=1).tobytes()
    return Picture("pbm", b"P4 %d %d\n" % (width, height) + rows, grey3(numpy.where(black, 0, 255).astype(numpy.uint8)), needs="Netpbm")


@kind("rgb", "rle", "alpha", "grey")
def tga(p, how):
    picture = {"alpha": Image.fromarray(whole(with_alpha(p), 8)), "grey": Image.fromarray(whole(luma(p), 8))}.get(how, image(p))
    data, samples = saved(picture, "tga", **({"compression": "tga_rle"} if how == "rle" else {}))
    return Picture("tga", data, samples, needs="TGA")


@kind("lossless", "lossy", "16")
def jpeg2000(p, how):
    if how == "16":
        grey = whole(luma(p), 16)
        file = io.BytesIO()
        Image.fromarray(grey).save(file, "jpeg2000")
        return Picture("jp2", file.getvalue(), grey3(grey), needs="JPEG 2000")
    options = {"irreversible": True, "quality_mode": "rates", "quality_layers": [4]} if how == "lossy" else {}
    return Picture("jp2", *saved(image(p), "jpeg2000", **options), level=3 if how == "lossy" else None, needs="JPEG 2000")


@kind(90)
def avif(p, quality):
    data = program(image(p), "avif", "vips", "heifsave", "IN", "OUT", "--compression", "av1", "--lossless", "--subsample-mode", "off")
    return Picture("avif", data, whole(p, 8), level=3, needs="AVIF")


@kind("pq", "p3")
def avif_colours(p, which):
    """Lossless, of 12 bits; the colr box gets the numbers of its primaries and curve."""
    values = pq_of(in_space(p, BT2020) * 203 / 10000) if which == "pq" else unlinear(in_space(p, P3)).clip(0, 1)
    samples = whole(values, 16)
    with tempfile.NamedTemporaryFile(suffix=".png") as old, tempfile.NamedTemporaryFile(suffix=".avif") as new:
        old.write(png.encode(samples, 16, png.RGB))
        old.flush()
        command = ["vips", "heifsave", old.name, new.name, "--compression", "av1", "--lossless", "--subsample-mode", "off", "--bitdepth", "12"]
        subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
        data = bytearray(open(new.name, "rb").read())
    at = data.index(b"colrnclx") + 8
    data[at : at + 4] = struct.pack(">2H", *((9, 16) if which == "pq" else (12, 13)))
    if which == "p3":
        return Picture("avif", bytes(data), samples, colours=whole(p, 16), own_profile=True, level=2, needs="AVIF")
    return Picture("avif", bytes(data), whole(p, 16), level=8, notice="HDR (PQ): what is brighter than white, 203 cd/m2, is clipped", needs="AVIF")


@kind(90)
def heic(p, quality):
    data = program(image(p), "heic", "vips", "heifsave", "IN", "OUT", "--lossless", "--subsample-mode", "off")
    return Picture("heic", data, whole(p, 8), level=4, needs="HEIC")


@kind("lossless", "alpha")
def jpeg_xl(p, how):
    picture = Image.fromarray(whole(with_alpha(p), 8)) if how == "alpha" else image(p)
    data = program(picture, "jxl", "vips", "jxlsave", "IN", "OUT", "--lossless")
    return Picture("jxl", data, numpy.asarray(picture), own_profile=True, needs="JPEG XL")  # libjxl's, of sRGB


@kind(8, 16)
def fits(p, bits):
    """As telescopes write them: of 16 bits signed, with an offset; counts of light, of which percentiles are black and white. The first row
    is the lowest."""
    grey = whole(luma(p), bits)
    cards = ["SIMPLE  =                    T", "BITPIX  = %20d" % bits, "NAXIS   =                    2",
             "NAXIS1  = %20d" % grey.shape[1], "NAXIS2  = %20d" % grey.shape[0]]
    cards += ["BZERO   =                32768", "BSCALE  =                    1"] * (bits == 16) + ["END"]
    head = "".join(card.ljust(80) for card in cards).encode()
    pixels = (grey[::-1].astype(int) - 32768).astype(">i2").tobytes() if bits == 16 else grey[::-1].tobytes()
    data = head.ljust(2880, b" ") + pixels.ljust(-(-len(pixels) // 2880) * 2880, b"\0")
    if bits == 8:
        return Picture("fits", data, grey3(grey), level=1, needs="FITS")
    low, high = numpy.percentile(grey, [2, 98], method="nearest").astype(float)
    seen = whole(((grey - low) / (high - low)).clip(0, 1), 16)
    return Picture("fits", data, grey3(seen), level=1, notice="are black and white (input.range)", needs="FITS")


@kind(2, 3, 4, 5, 7, 8)
def webp_turned(p, orientation):
    tags = Image.Exif()
    tags[274] = orientation
    data, samples = saved(image(p), "webp", lossless=True, exif=tags)
    return Picture("webp", data, upright(samples, orientation))


@kind(6)
def webp_prefixed(p, orientation):
    """Many writers begin the chunk of EXIF as JPEG does."""
    tags = Image.Exif()
    tags[274] = orientation
    data, samples = saved(image(p), "webp", lossless=True, exif=tags.tobytes())
    at = data.index(b"EXIF")
    block = data[at + 8 : at + 8 + struct.unpack("<I", data[at + 4 : at + 8])[0]]
    if not block.startswith(b"Exif"):
        block = b"Exif\0\0" + block
    block = b"EXIF" + struct.pack("<I", len(block)) + block + b"\0" * (len(block) & 1)
    data = data[:8] + data[8:at] + block
    return Picture("webp", data[:4] + struct.pack("<I", len(data) - 8) + data[8:], upright(samples, 6), needs="libvips")


@kind()
def webp_animated(p):
    frames = [image(f) for f in (p, 1 - p)]
    data, _ = saved(frames[0], "webp", save_all=True, append_images=frames[1:], lossless=True)
    return Picture("webp", data, whole(p, 8), notice="frames: the first is taken", needs="libvips")


@kind()
def gif_interlaced(p):
    return Picture("gif", *saved(image(p).quantize(64), "gif", interlace=1))


@kind()
def gif_commented(p):
    return Picture("gif", *saved(image(p).quantize(128), "gif", comment=b"of nobody", interlace=0))
