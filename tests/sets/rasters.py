# SPDX-License-Identifier: MIT
"""Rasters of science: TIFFs of every type of sample, of any number of bands; and TIFFs of other colours, layouts and writers."""
import io

import numpy
import tifffile
from PIL import Image, ImageCms

from pictures import Picture, compressed, fade, grey3, kind, luma, saved, tiff, tool, whole, with_alpha
from plain import plain_tiff

TYPES = {"i8": "int8", "i16": "int16", "i32": "int32", "u8": "uint8", "u16": "uint16", "u32": "uint32", "f16": "float16", "f32": "float32",
         "f64": "float64"}
GEO = [(33550, 12, 3, (10.0, 10.0, 0.0), True), (33922, 12, 6, (0.0, 0.0, 0.0, 399960.0, 5300040.0, 0.0), True),
       (34735, 3, 8, (1, 1, 0, 1, 3072, 0, 1, 32632), True)]
STAY = "are red, green and blue (input.bands), others stay as they are"
HOLES = "of the samples are no data and stay so"
PERCENTILES = "are black and white (input.range)"


def of_type(unit, name):
    """Samples of 0..1 in the whole range of a type."""
    kind_ = numpy.dtype(TYPES[name])
    if kind_.kind == "f":
        return unit.astype(kind_)
    limits = numpy.iinfo(kind_)
    return numpy.rint(unit * (float(limits.max) - limits.min) + limits.min).clip(limits.min, limits.max).astype(kind_)


def full(samples, holes):
    """What `auto` of input.range takes."""
    if samples.dtype.kind == "f":
        return 0, 1
    if samples.dtype.kind == "i":
        seen = samples[..., :3].astype(numpy.float64)
        return tuple(numpy.percentile(seen if holes is None else seen[~holes[..., :3]], [2, 98], method="nearest"))
    return numpy.iinfo(samples.dtype).min, numpy.iinfo(samples.dtype).max


def raster(data, samples, values=None, others=None, **more):
    """`samples`: (H, W) or (H, W, bands) as they are in the file, and stay but for the first three; grey becomes three."""
    samples = grey3(samples) if samples.ndim == 2 else samples
    if samples.shape[2] == 2:
        samples = samples[..., [0, 0, 0, 1]]
    if not values and samples.dtype.kind == "i":
        notice = more.get("notice", "")
        more["notice"] = (*((notice,) if isinstance(notice, str) else notice), PERCENTILES) if notice else PERCENTILES
        more.setdefault("level", 1)
    return Picture("tif", data, samples, values=values or full(samples, more.get("holes")), **more)


def bands_of(p, count):
    """A picture of so many bands, the first three of which are the photograph."""
    more = [numpy.roll(p[..., i % 3], 3 * i + 1, axis=i % 2) * 0.8 for i in range(count - 3)]
    return numpy.concatenate([p, *(band[..., None] for band in more)], axis=2)[..., :count]


def chosen(count):
    return f"{count} bands: 1, 2 and 3 {STAY}"


@kind("i8", "i16", "i32", "u32", "f16", "f64")
def raster_grey(p, name):
    samples = of_type(luma(p), name)
    return raster(tiff(samples, photometric="minisblack"), samples)


@kind("i8", "i16", "i32", "u32", "f16", "f64")
def raster_rgb(p, name):
    samples = of_type(p, name)
    return raster(tiff(samples, photometric="rgb", rowsperstrip=7), samples)


@kind("u8", "i16", "u32", "f16", "f32")
def raster_minisblack3(p, name):
    samples = of_type(p, name)
    return raster(tiff(samples, photometric="minisblack", planarconfig="contig"), samples)


@kind(2, 4, 5, 7, 13)
def raster_bands(p, count):
    samples = of_type(bands_of(p, count), "u16")
    return raster(tiff(samples, photometric="minisblack", planarconfig="contig"), samples, notice=chosen(count) if count > 3 else "")


@kind("u8", "i16", "f32", "f64")
def raster_planar(p, name):
    samples = of_type(bands_of(p, 5), name)
    data = tiff(samples.transpose(2, 0, 1), photometric="minisblack", planarconfig="separate", tile=(32, 32) if name == "f32" else None)
    return raster(data, samples, notice=chosen(5))


@kind("u16", "i8", "f16", "f64")
def raster_tiles(p, name):
    samples = of_type(bands_of(p, 4), name)
    return raster(tiff(samples, photometric="minisblack", planarconfig="contig", tile=(48, 32)), samples, notice=chosen(4))


@kind("i16", "u32", "f64")
def raster_motorola(p, name):
    samples = of_type(p, name)
    return raster(tiff(samples, photometric="rgb", byteorder=">", bigtiff=name == "f64"), samples)


@kind("lzw:2", "zip:2", "zstd:2", "packbits")
def raster_compressed(p, compression):
    samples = of_type(bands_of(p, 6), "i16")
    data = tiff(samples, photometric="minisblack", planarconfig="contig")
    return raster(compressed(data, "-c", compression), samples, notice=chosen(6))


@kind("f32", "f64")
def raster_predictor(p, name):
    samples = of_type(bands_of(p, 4), name)
    data = tiff(samples, photometric="minisblack", planarconfig="contig")
    return raster(compressed(data, "-c", "zip:3"), samples, notice=chosen(4))


def with_holes(p, samples, value):
    """No data in a corner and in single pixels; and where."""
    holes = numpy.zeros(samples.shape, bool)
    holes[:9, :14] = True
    holes[::7, ::5] = True
    samples = numpy.where(holes, numpy.array(value, samples.dtype), samples)
    return samples, holes


@kind("u8:0", "u16:0", "i16:-9999", "f32:-9999", "f64:-1.7e308", "f16:nan", "f32:nan", "f64:nan")
def raster_holes(p, what):
    name, value = what.split(":")
    samples, holes = with_holes(p, of_type(bands_of(0.1 + 0.8 * p, 3), name), float(value))
    tags = [] if value == "nan" else [(42113, 2, len(value) + 1, value, True)]
    data = io.BytesIO()
    tifffile.imwrite(data, samples, photometric="rgb", extratags=tags + GEO)
    return raster(data.getvalue(), samples, holes=holes, notice=HOLES, tags=GEO + tags)


@kind("f32", "f64", "f16")
def raster_reflectance(p, name):
    samples = (luma(p) * 3000).astype(TYPES[name])
    low, high = numpy.percentile(samples.astype(numpy.float64), [2, 98], method="nearest")
    return raster(tiff(samples, photometric="minisblack"), samples, values=(low, high), notice=PERCENTILES, level=1)


@kind()
def raster_elevation(p):
    samples, holes = with_holes(p, (luma(p) * 2500 - 500).astype(numpy.float32), numpy.nan)
    low, high = numpy.percentile(samples[~holes].astype(numpy.float64), [2, 98], method="nearest")
    return raster(tiff(samples, photometric="minisblack"), samples, values=(low, high), holes=grey3(holes), notice=(PERCENTILES, HOLES), level=1)


@kind()
def raster_geo(p):
    samples, holes = with_holes(p, of_type(0.05 + 0.9 * bands_of(p, 8), "u16"), 0)
    data, tags = io.BytesIO(), GEO + [(42113, 2, 2, "0", True), (270, 2, 14, "eight of them", True)]
    tifffile.imwrite(data, samples, photometric="minisblack", planarconfig="contig", tile=(64, 64), extratags=tags, metadata=None,
                     resolution=(300, 300), resolutionunit=2)
    return raster(data.getvalue(), samples, holes=holes, notice=(chosen(8), HOLES), tags=tags)


@kind("u16", "f32")
def raster_infrared(p, name):
    """RGB, alpha, and one band behind it."""
    samples = of_type(numpy.concatenate([with_alpha(p), p[..., :1] * 0.5], axis=2), name)
    data = tiff(samples, photometric="rgb", extrasamples=["unassalpha", "unspecified"])
    return raster(data, samples, notice=f"5 bands: 1, 2 and 3 {STAY}")


@kind(3, 6)
def raster_turned(p, orientation):
    samples = of_type(bands_of(p, 4), "i16")
    data = tiff(samples, photometric="minisblack", planarconfig="contig", orientation=orientation)
    return raster(data, samples, notice=chosen(4), orientation=orientation)


@kind("u16", "u32", "f32")
def raster_white_is_zero(p, name):
    samples = of_type(1 - luma(p), name)
    unit = of_type(luma(p), name)
    return raster(tiff(samples, photometric="miniswhite"), unit, level=1)


# Other colours, layouts and writers


@kind()
def tiff_ycbcr(p):
    return Picture("tif", *again(Image.fromarray(whole(p, 8)).convert("YCbCr"), "tiff"), level=2)


@kind(1, 2)
def tiff_ycbcr_subsampled(p, down):
    """Chroma of blocks of 2 x 1 or 2 x 2 pixels, of a picture whose sides are odd."""
    samples = whole(p, 8)[: p.shape[0] // 2 * 2 - 1, : p.shape[1] // 2 * 2 - 1]
    samples = numpy.pad(samples, ((0, 1), (0, 1), (0, 0)), "edge")
    ycc = numpy.asarray(Image.fromarray(samples).convert("YCbCr")).astype(int)
    height, width = ycc.shape[:2]
    blocks = ycc.reshape(height // down, down, width // 2, 2, 3).transpose(0, 2, 1, 3, 4).reshape(height // down, width // 2, 2 * down, 3)
    chroma = blocks[..., 1:].mean(2).round().astype(int)
    stored = numpy.concatenate([blocks[..., 0], chroma], axis=2).astype(numpy.uint8)
    spread = chroma.repeat(down, 0).repeat(2, 1)
    rgb = Image.fromarray(numpy.dstack([ycc[..., 0], spread]).astype(numpy.uint8), "YCbCr").convert("RGB")
    data = plain_tiff(width - 1, height - 1, stored.tobytes(), bits=[8, 8, 8], photometric=6, t530=(3, [2, down]))
    return Picture("tif", data, numpy.asarray(rgb)[:-1, :-1], level=2)


def again(picture, suffix):
    """By Pillow, and the same picture in RGB."""
    file = io.BytesIO()
    picture.save(file, suffix)
    return file.getvalue(), numpy.asarray(picture.convert("RGB"))


def of_lab(lab):
    """CIE's formulas, under D50; a and b are signed bytes."""
    light = (lab[..., :1] / 2.55 + 16) / 116
    f = numpy.concatenate([light + lab[..., 1:2].view(numpy.int8) / 500.0, light, light - lab[..., 2:].view(numpy.int8) / 200.0], axis=2)
    xyz = numpy.where(f > 6 / 29, f**3, (f - 4 / 29) * 3 * (6 / 29) ** 2) * [0.9642, 1, 0.8249]
    to_srgb = numpy.linalg.inv([[0.4360747, 0.3850649, 0.1430804], [0.2225045, 0.7168786, 0.0606169], [0.0139322, 0.0971045, 0.7141733]])
    rgb = (xyz @ to_srgb.T).clip(0, 1)
    return numpy.where(rgb <= 0.0031308, rgb * 12.92, 1.055 * rgb ** (1 / 2.4) - 0.055)


@kind(8)
def tiff_lab(p, bits):
    rgb = Image.fromarray(whole(p, 8))
    lab = ImageCms.profileToProfile(rgb, ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), 1, "LAB")
    file = io.BytesIO()
    lab.save(file, "tiff")
    return Picture("tif", file.getvalue(), whole(of_lab(numpy.asarray(lab)), 8), level=3)


@kind(2, 4)
def tiff_bits(p, bits):
    grey = numpy.rint(luma(p) * (2**bits - 1)).astype(numpy.uint8)
    each = (grey[..., None] >> numpy.arange(bits - 1, -1, -1)) & 1
    rows = numpy.packbits(each.reshape(len(grey), -1), axis=1)
    data = plain_tiff(grey.shape[1], grey.shape[0], rows.tobytes(), bits=[bits], photometric=1)
    return Picture("tif", data, grey3(grey * (255 // (2**bits - 1))))


@kind(1, 4)
def tiff_palette_bits(p, bits):
    picture = Image.fromarray(whole(p, 8)).quantize(2**bits)
    index, colours = numpy.asarray(picture), numpy.array(picture.getpalette()[: 3 * 2**bits]).reshape(-1, 3)
    colours = numpy.resize(colours, (2**bits, 3))
    each = (index[..., None] >> numpy.arange(bits - 1, -1, -1)) & 1
    rows = numpy.packbits(each.reshape(len(index), -1).astype(numpy.uint8), axis=1)
    data = plain_tiff(index.shape[1], index.shape[0], rows.tobytes(), bits=[bits], photometric=3, palette=colours * 257)
    return Picture("tif", data, colours[index].astype(numpy.uint8))


@kind()
def tiff_palette_alpha(p):
    """A palette with alpha, as ImageMagick writes it."""
    picture = Image.fromarray(whole(p, 8)).quantize(256)
    index, colours = numpy.asarray(picture), numpy.resize(numpy.array(picture.getpalette()).reshape(-1, 3), (256, 3))
    alpha = whole(fade(p), 8)
    rows = numpy.concatenate([index[..., None], alpha], axis=2)
    data = plain_tiff(index.shape[1], index.shape[0], rows.tobytes(), bits=[8, 8], photometric=3, palette=colours * 257, extra=[2])
    return Picture("tif", data, numpy.concatenate([colours[index].astype(numpy.uint8), alpha], axis=2))


@kind(8, 16)
def tiff_grey_alpha(p, bits):
    samples = whole(numpy.concatenate([luma(p)[..., None], fade(p)], axis=2), bits)
    data = tiff(samples, photometric="minisblack", planarconfig="contig", extrasamples=["unassalpha"])
    return Picture("tif", data, samples[..., [0, 0, 0, 1]])


@kind("g3", "g3:2d", "lzw")
def tiff_fax(p, compression):
    data, samples = saved(Image.fromarray(whole(luma(p), 8)).convert("1"), "tiff")
    return Picture("tif", compressed(data, "-c", compression), samples)


@kind()
def tiff_small_strips(p):
    return Picture("tif", tiff(whole(p, 8), photometric="rgb", rowsperstrip=1), whole(p, 8))


@kind()
def tiff_lsb_first(p):
    """Bits of a byte from the right to the left."""
    data, samples = saved(Image.fromarray(whole(luma(p), 8)).convert("1"), "tiff")
    return Picture("tif", compressed(data, "-f", "lsb2msb", "-c", "g4"), samples)


@kind()
def tiff_jpeg_ycbcr(p):
    data = tool(tiff(whole(p, 8), photometric="rgb"), "tiffcp", "-c", "jpeg:95", "-r", "32")
    return Picture("tif", data, numpy.asarray(Image.open(io.BytesIO(data)).convert("RGB")), level=2)


@kind()
def tiff_described(p):
    file = io.BytesIO()
    tags = [(270, 2, 10, "a caption", True), (315, 2, 8, "nobody.", True)]
    tifffile.imwrite(file, whole(p, 16), photometric="rgb", extratags=tags, metadata=None, resolution=(300, 300), resolutionunit=2)
    return Picture("tif", file.getvalue(), whole(p, 16), tags=[(270, 2, 10, "a caption", True)], density=300)
