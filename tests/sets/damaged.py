# SPDX-License-Identifier: MIT
"""Pictures that are damaged: refused, or read as far as they go where `input.damaged: accept`; and choices of bands and ranges."""
import numpy

import png
from broken import bad_crc
from oddities import jpeg
from pictures import Picture, luma, tiff, whole
from rasters import STAY, bands_of, of_type, raster


def cut_png(p):
    data = png.encode(whole(p, 8), 8, png.RGB)
    return Picture("png", data[: len(data) * 2 // 3], whole(p, 8))


def cut_jpeg(p):
    data, samples = jpeg(p)
    return Picture("jpg", data[: len(data) * 2 // 3], samples)


def cut_tiff(p):
    data = tiff(whole(p, 16), photometric="rgb", rowsperstrip=8)
    return Picture("tif", data[: len(data) * 2 // 3], whole(p, 16))


def crc(p):
    return Picture("png", bad_crc(p), whole(p, 8))


def cut_scans(p):
    data, samples = jpeg(p, progressive=True)
    return Picture("jpg", data[: data.rindex(b"\xff\xda")], samples)


# name, maker, the refusal, the notice where damage is accepted, the part of the rows that is right then
DAMAGED = [
    ("cut-png", cut_png, "not a valid PNG: the file ends early", "damaged, what is missing is grey", 0.5),
    ("cut-jpeg", cut_jpeg, "not a valid JPEG: it ends early", "damaged, what is missing is grey", 0.5),
    ("cut-tiff", cut_tiff, "not a valid TIFF: ", "cannot be read and ", 0.5),
    ("crc-png", crc, "not a valid PNG: IDAT: CRC error", "damaged, what is missing is grey", 1),
    ("cut-scans", cut_scans, "not a valid JPEG: it ends early, before its last scans", "damaged, what is missing is grey", 0),
]


def check_accepted(dump, path, picture, notice, rows):
    got = dump.decode(path)
    if got.status != 0:
        return f"refused where damage is accepted: {got.text}"
    right = picture.seen[: int(rows * len(picture.seen))]
    if notice not in got.text:
        return f"the notice '{got.text}', not '{notice}'"
    if right.size and abs(got.rgb[: len(right)] - right).max() * 255 > 0.51:
        return "other pixels before the damage"
    return None


def five_bands(p):
    order = [3, 1, 4, 0, 2]  # where the photograph's red, green and blue, and two others, are
    bands = of_type(bands_of(p, 5), "u16")
    stored = bands[..., numpy.argsort(order)]
    data = tiff(stored, photometric="minisblack", planarconfig="contig")
    return raster(data, bands, notice=f"5 bands: 4, 2 and 5 {STAY}")


def type_range(p):
    samples = (luma(p) * 3).astype(numpy.float32)
    return raster(tiff(samples, photometric="minisblack"), samples, notice="they are clipped")


def given_range(p):
    samples = (luma(p) * 4000 + 1000).astype(numpy.uint16)
    return raster(tiff(samples, photometric="minisblack"), samples, values=(1000, 4000), notice="they are clipped")


def whole_range(p):
    samples = (p * 4000 - 1500).astype(numpy.int16)
    values = (float(samples.min()), float(samples.max()))
    return raster(tiff(samples, photometric="rgb"), samples, values=values, notice="are black and white (input.range)")


# input.bands, input.range, name, maker
CHOSEN = [
    ("4,2,5", "auto", "bands-chosen", five_bands),
    ("auto", "type", "range-type", type_range),
    ("auto", "1000,4000", "range-given", given_range),
    ("auto", "p0,p100", "range-percentiles", whole_range),
]
