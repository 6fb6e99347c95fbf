# SPDX-License-Identifier: MIT
"""Files that are no picture, or none that can be dreamed, each with what is to be said of it."""
import struct
import zlib

import numpy
from PIL import Image

import png
from pictures import saved, tiff, whole
from plain import plain_tiff


def cut(data):
    return data[: len(data) * 2 // 3]


def without_data(p):
    return tiff(numpy.full((50, 60), numpy.nan, numpy.float32), photometric="minisblack")


def too_few_bands(p):
    """Three colours that are said to be two."""
    data = plain_tiff(p.shape[1], p.shape[0], whole(p, 8).tobytes(), bits=[8, 8, 8], photometric=2, samples=2)
    return data


def too_many_bands(p):
    data = plain_tiff(p.shape[1], p.shape[0], whole(p, 8).tobytes(), bits=[8], photometric=1, samples=65535)
    return data


def more_bands_than_a_file_can_have(p):
    return plain_tiff(p.shape[1], p.shape[0], whole(p, 8).tobytes(), bits=[8], photometric=1, t277=(4, [2**31]))


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
    data[middle : middle + 64] = b"\xff\xd5" * 32
    return bytes(data)


def cut_before_last_scan(p):
    data = saved(p, "jpg", progressive=True)[0]
    return data[: data.rindex(b"\xff\xda")]


def without_palette(p):
    return png.encode(whole(p[..., 0], 8), 8, png.PALETTE)


# name, bytes of a photograph, what the message has
BROKEN = [
    ("cut.png", lambda p: cut(png.encode(whole(p, 8), 8, png.RGB)), "not a valid PNG: the file ends early"),
    ("cut.jpg", lambda p: cut(saved(p, "jpg")[0]), "not a valid JPEG: it ends early"),
    ("cut.tif", lambda p: cut(tiff(whole(p, 16), photometric="rgb", rowsperstrip=8)), "not a valid TIFF: the file ends early"),
    ("cut.webp", lambda p: cut(saved(p, "webp")[0]), "not a valid WebP: "),
    ("cut.gif", lambda p: cut(saved(Image.fromarray(whole(p, 8)).quantize(256), "gif")[0]), "not a valid GIF: "),
    ("cut.bmp", lambda p: cut(saved(p, "bmp")[0]), "not a valid BMP: it ends early"),
    ("empty.png", lambda p: b"", "empty: no picture in 0 bytes"),
    ("html.png", lambda p: b"<!DOCTYPE html>\n<html><body>404 not found</body></html>\n", "this looks like HTML"),
    ("text.jpg", lambda p: b"the picture is on the other disk\n", "this looks like text"),
    ("pdf.tif", lambda p: b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n", "this looks like PDF"),
    ("huge.png", lambda p: png.header(65000, 65000, 8, png.RGB) + png.chunk(b"IDAT", zlib.compress(bytes(100))), "65000 x 65000 pixels; the limit is"),
    ("huge.jpg", huge_jpeg, "64000 x 65000 pixels; the limit is"),
    ("crc.png", bad_crc, "not a valid PNG: IDAT: CRC error"),
    ("deflate.png", bad_deflate, "not a valid PNG: "),
    ("nan.tif", without_data, "it has no data: all samples of it are NaN, infinite or GDAL_NODATA"),
    ("two.tif", too_few_bands, "there are 2"),
    ("bands.tif", too_many_bands, "within or before strip 0"),
    ("bands31.tif", more_bands_than_a_file_can_have, "SamplesPerPixel"),
    ("complex.tif", lambda p: tiff(p.astype(numpy.complex64), photometric="rgb"), "complex samples"),
    ("bits24.tif", lambda p: plain_tiff(8, 8, bytes(192), bits=[24], photometric=1), "24 bits a sample"),
    ("inks.tif", lambda p: plain_tiff(8, 8, bytes(192), bits=[8] * 3, photometric=5), "inks other than CMYK"),
    ("logluv.tif", lambda p: plain_tiff(8, 8, bytes(64), bits=[16] * 3, photometric=32845), "photometric interpretation 32845"),
    ("webp.tif", lambda p: plain_tiff(8, 8, bytes(64), bits=[8], photometric=1, t259=(3, [34712])), "compression 34712"),
    ("scans.jpg", cut_before_last_scan, "it ends early, before its last scans"),
    ("lossless.jpg", lambda p: saved(p, "jpg")[0].replace(b"\xff\xc0\0\x11", b"\xff\xc3\0\x11"), "Unsupported JPEG process"),
    ("colours.png", without_palette, "Missing PLTE"),
    ("header.png", lambda p: png.header(0, 80, 8, png.RGB), "Invalid IHDR data"),
    ("zip.jpg", lambda p: b"PK\x03\x04" + bytes(60), "this looks like a ZIP archive"),
    ("hdf5.tif", lambda p: b"\x89HDF\r\n\x1a\n" + bytes(60), "this looks like HDF5"),
    ("film.jpg", lambda p: b"\0\0\0\x18ftypmp42" + bytes(60), "this looks like a video"),
    ("lfs.png", lambda p: b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12345\n", "Git LFS pointer"),
    ("svg.png", lambda p: b"<svg xmlns='http://www.w3.org/2000/svg'/>", "this looks like SVG"),
    ("noise.png", lambda p: bytes(range(1, 256)) * 9, "this does not look like a picture"),
    ("damaged.jpg", bad_jpeg, "not a valid JPEG: "),
    ("one.png", lambda p: png.encode(whole(p[:1, :1], 8), 8, png.RGB), "1 x 1 pixels"),
    ("thin.png", lambda p: png.encode(numpy.resize(whole(p, 8), (8000, 8, 3)), 8, png.RGB), "8 x 8000 pixels"),
]
