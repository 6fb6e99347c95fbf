# SPDX-License-Identifier: MIT
"""Files that are no picture, or none that can be dreamed, each with what is to be said of it."""
import struct
import zlib

import numpy
from PIL import Image

import png
from pictures import saved, tiff, whole


def cut(data):
    return data[: len(data) * 2 // 3]


def looped(p):
    """Two pages, of which the second says that it is followed by itself."""
    data = bytearray(tiff(numpy.stack([whole(p, 8)] * 2), photometric="rgb"))
    link = None
    for _ in range(2):
        at = struct.unpack_from("<I", data, 4 if link is None else link)[0]
        link = at + 2 + 12 * struct.unpack_from("<H", data, at)[0]
    struct.pack_into("<I", data, link, at)
    return bytes(data)


def not_a_number(p):
    samples = whole(p, 32)
    samples[5, 7, 1] = numpy.nan
    return tiff(samples, photometric="rgb")


def bad_crc(p):
    data = bytearray(png.encode(whole(p, 8), 8, png.RGB))
    data[-13] ^= 1  # of the pixels: IEND has 12 bytes
    return bytes(data)


def bad_deflate(p):
    data = png.encode(whole(p, 8), 8, png.RGB)
    start = data.index(b"IDAT")
    pixels = bytearray(data[start + 4 : -16])
    pixels[len(pixels) // 2 :] = bytes(len(pixels) - len(pixels) // 2)
    return data[: start - 4] + png.chunk(b"IDAT", bytes(pixels)) + png.chunk(b"IEND", b"")


def huge_jpeg(p):
    data = bytearray(saved(p, "jpg")[0])
    at = data.index(b"\xff\xc0")
    struct.pack_into(">HH", data, at + 5, 65000, 64000)
    return bytes(data)


def bad_jpeg(p):
    data = bytearray(saved(p, "jpg", quality=95)[0])
    middle = len(data) // 2
    data[middle : middle + 64] = b"\xff\x00" * 32
    return bytes(data)


# name, bytes of a photograph, what the message has
BROKEN = [
    ("cut.png", lambda p: cut(png.encode(whole(p, 8), 8, png.RGB)), "not a valid PNG: the file ends early"),
    ("cut.jpg", lambda p: cut(saved(p, "jpg")[0]), "not a valid JPEG: Premature end of JPEG file"),
    ("cut.tif", lambda p: cut(tiff(whole(p, 16), photometric="rgb", rowsperstrip=8)), "not a valid TIFF: the file ends early"),
    ("cut.webp", lambda p: cut(saved(p, "webp")[0]), "not a valid WebP: webp: unable to parse image"),
    ("cut.gif", lambda p: cut(saved(Image.fromarray(whole(p, 8)).quantize(256), "gif")[0]), "not a valid GIF: gifload: Unexpected end of GIF source data"),
    ("cut.bmp", lambda p: cut(saved(p, "bmp")[0]), "not a valid BMP: it ends early"),
    ("empty.png", lambda p: b"", "empty: no picture in 0 bytes"),
    ("html.png", lambda p: b"<!DOCTYPE html>\n<html><body>404 not found</body></html>\n", "this looks like HTML"),
    ("text.jpg", lambda p: b"the picture is on the other disk\n", "this looks like text"),
    ("pdf.tif", lambda p: b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n", "this looks like PDF"),
    ("huge.png", lambda p: png.header(65000, 65000, 8, png.RGB) + png.chunk(b"IDAT", zlib.compress(bytes(100))), "65000 x 65000 pixels; the limit is"),
    ("huge.jpg", huge_jpeg, "64000 x 65000 pixels; the limit is"),
    ("crc.png", bad_crc, "not a valid PNG: IDAT: CRC error"),
    ("deflate.png", bad_deflate, "not a valid PNG: "),
    ("loop.tif", looped, "its pages run in a circle"),
    ("nan.tif", not_a_number, "sample 1 of pixel (7, 5) is not a number"),
    ("scale.tif", lambda p: tiff(whole(p * 255, 32), photometric="rgb"), "of the float samples lie outside 0..1"),
    ("damaged.jpg", bad_jpeg, "not a valid JPEG: "),
    ("one.png", lambda p: png.encode(whole(p[:1, :1], 8), 8, png.RGB), "1 x 1 pixels"),
    ("thin.png", lambda p: png.encode(numpy.resize(whole(p, 8), (8000, 8, 3)), 8, png.RGB), "8 x 8000 pixels"),
]
