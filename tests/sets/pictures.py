# SPDX-License-Identifier: MIT
"""Photographs in every format that oneiros reads, each with what its dream is to look like but for the dreaming."""
import dataclasses
import io
import struct
import subprocess
import tempfile

import numpy
import tifffile
from PIL import Image, ImageCms

import photographs
import png

BLACK_POINT_COMPENSATION, WITHOUT_SHORTCUTS = 0x2000, 0x0100  # flags of Little CMS, whose tables of CMYK are coarse
NAMES = {"webp": "WebP", "gif": "GIF", "jp2": "JPEG 2000", "j2k": "JPEG 2000", "fits": "FITS"}  # formats that a build may lack
CMYK_GUESSED = "CMYK without a profile: its colours are a guess"


@dataclasses.dataclass
class Picture:
    suffix: str
    data: bytes
    samples: numpy.ndarray  # (H, W, 3), or 4 with alpha, as the dream is to have them; of rasters any number, whose first three are dreamed on
    notice: str | tuple = ""  # that the terminal is to show; several: one of each kind
    profile: bytes = b""  # that the dream is to have
    own_profile: bool = False  # it has one, which oneiros made of what the file says of its colours
    colours: numpy.ndarray = None  # what is seen in place of samples, which are in other colours
    values: tuple = None  # of a raster: that are black and white
    holes: numpy.ndarray = None  # as samples: no data, which stays
    orientation: int = 1  # of samples, where the dream lies as the file does
    level: float = None  # grey levels of 255 that decoding may be off, at worst; as little as its samples have by default
    rough: float = None  # the same where FFmpeg decodes it, for want of libvips
    tags: tuple = ()  # of TIFF that the dream is to have: number, type, count, value
    density: float = 0  # dots an inch that the dream is to have
    said: tuple = ()  # what the dream is to say besides, anywhere in its file
    needs: str = ""  # the format's name among those that oneiros reads, where the suffix does not say: libvips may be missing

    def __post_init__(self):
        self.needs = self.needs or NAMES.get(self.suffix, "")

    @property
    def notices(self):
        return [self.notice] * bool(self.notice) if isinstance(self.notice, str) else list(self.notice)

    @property
    def seen(self):
        """What is dreamed on, (H, W, 3) in 0..1, upright; NaN where no data is."""
        samples = self.samples if self.colours is None else self.colours
        if self.profile and self.colours is None:
            unit = samples[..., :3] / (1 if samples.dtype.kind == "f" else float(numpy.iinfo(samples.dtype).max))
            samples = through_profile(Image.fromarray(whole(unit, 8)), self.profile)
        low, high = self.values or (0, 1 if samples.dtype.kind == "f" else numpy.iinfo(samples.dtype).max)
        unit = ((samples[..., :3].astype(numpy.float64) - low) / (float(high) - low)).clip(0, 1)
        if self.holes is not None:
            unit = numpy.where(self.holes[..., :3], numpy.nan, unit)
        return upright(unit, self.orientation)

    @property
    def dream(self):
        return "dream.tif" if self.suffix == "tif" else "dream.png"


KINDS = []


def kind(*arguments):
    """Registers a function of a photograph, once for each of the arguments."""

    def register(make):
        for argument in arguments or [None]:
            name = make.__name__.replace("_", "-") + ("" if argument is None else f"-{argument}".replace(":", "-"))
            KINDS.append((name, lambda photograph, a=argument: make(photograph) if a is None else make(photograph, a)))
        return make

    return register


def whole(photograph, bits):
    if bits == 32:
        return photograph.astype(numpy.float32)
    return numpy.rint(photograph * (2**bits - 1)).astype(numpy.uint16 if bits == 16 else numpy.uint8)


def luma(photograph):
    return photograph @ [0.299, 0.587, 0.114]


def grey3(samples):
    return numpy.repeat(samples[..., None], 3, axis=2)


def fade(photograph):
    """Alpha from next to nothing at the left to opaque at the right."""
    height, width = photograph.shape[:2]
    return numpy.broadcast_to(numpy.linspace(0.1, 1, width)[:, None], (height, width, 1))


def with_alpha(photograph):
    return numpy.concatenate([photograph, fade(photograph)], axis=2)


def upright(samples, orientation):
    turned = {
        1: samples,
        2: samples[:, ::-1],
        3: samples[::-1, ::-1],
        4: samples[::-1],
        5: samples.swapaxes(0, 1),
        6: numpy.rot90(samples, -1),
        7: samples[::-1, ::-1].swapaxes(0, 1),
        8: numpy.rot90(samples, 1),
    }
    return turned[orientation]


def exif(orientation, head=b"Exif\0\0"):
    return head + b"II*\0" + struct.pack("<IHHHIII", 8, 1, 274, 3, 1, orientation, 0)


def inks(photograph):
    """CMYK with half of the grey in black, (H, W, 4) in 0..1."""
    black = (1 - photograph.max(2, keepdims=True)) / 2
    return numpy.concatenate([1 - photograph / (1 - black), black], axis=2)


def through_profile(picture, profile):
    converted = ImageCms.profileToProfile(
        picture, io.BytesIO(profile), ImageCms.createProfile("sRGB"), 1, "RGB", flags=BLACK_POINT_COMPENSATION | WITHOUT_SHORTCUTS
    )
    return numpy.asarray(converted)


def saved(photograph_or_picture, suffix, **options):
    """By Pillow; and the samples that it reads again, as RGB or RGBA."""
    picture = photograph_or_picture
    if not isinstance(picture, Image.Image):
        picture = Image.fromarray(whole(picture, 8))
    file = io.BytesIO()
    picture.save(file, {"jpg": "jpeg", "jp2": "jpeg2000", "j2k": "jpeg2000"}.get(suffix, suffix), **options)
    again = Image.open(io.BytesIO(file.getvalue()))
    alpha = "A" in again.getbands() or "transparency" in again.info
    return file.getvalue(), numpy.asarray(again.convert("RGBA" if alpha else "RGB"))


# PNG


@kind(8, 16)
def png_rgb(p, bits):
    return Picture("png", png.encode(whole(p, bits), bits, png.RGB), whole(p, bits))


@kind(8, 16)
def png_rgba(p, bits):
    return Picture("png", png.encode(whole(with_alpha(p), bits), bits, png.RGBA), whole(with_alpha(p), bits))


@kind(1, 2, 4, 8, 16)
def png_grey(p, bits):
    grey = numpy.rint(luma(p) * (2**bits - 1)).astype(int)
    full = grey * (255 // (2**bits - 1)) if bits < 8 else grey
    return Picture("png", png.encode(grey, bits, png.GREY), grey3(full).astype(numpy.uint16 if bits == 16 else numpy.uint8))


@kind(8, 16)
def png_grey_alpha(p, bits):
    grey = numpy.concatenate([luma(p)[..., None], fade(p)], axis=2)
    return Picture("png", png.encode(whole(grey, bits), bits, png.GREY_ALPHA), whole(grey[..., [0, 0, 0, 1]], bits))


@kind(2, 4, 8)
def png_palette(p, bits):
    return Picture("png", *saved(Image.fromarray(whole(p, 8)).quantize(2**bits), "png"))


@kind()
def png_palette_transparent(p):
    return Picture("png", *saved(Image.fromarray(whole(p, 8)).quantize(256), "png", transparency=7))


@kind()
def png_interlaced(p):
    return Picture("png", png.encode(whole(p, 8), 8, png.RGB, interlaced=True), whole(p, 8))


@kind()
def png_interlaced_rgba16(p):
    return Picture("png", png.encode(whole(with_alpha(p), 16), 16, png.RGBA, interlaced=True), whole(with_alpha(p), 16))


@kind(8, 16)
def png_profile(p, bits):
    profile = photographs.profile("a98")
    return Picture("png", png.encode(whole(p, bits), bits, png.RGB, before=png.profile_chunk(profile)), whole(p, bits), profile=profile)


@kind()
def png_profile_grey(p):
    grey, profile = whole(luma(p), 8), photographs.profile("sgray")
    data = png.encode(grey, 8, png.GREY, before=png.profile_chunk(profile))
    return Picture("png", data, through_profile(Image.fromarray(grey), profile), level=1)


@kind()
def png_profile_wrong(p):
    data = png.encode(whole(p, 8), 8, png.RGB, before=png.profile_chunk(photographs.profile("sgray")))
    return Picture("png", data, whole(p, 8), notice="its ICC profile is ignored: ")


@kind(6)
def png_exif(p, orientation):
    data = png.encode(whole(p, 8), 8, png.RGB, after=png.chunk(b"eXIf", exif(orientation, b"")))
    return Picture("png", data, upright(whole(p, 8), orientation))


# TIFF


def tiff(samples, profile=b"", orientation=1, **options):
    tags = [(274, 3, 1, orientation, True)] + [(34675, 7, len(profile), profile, True)] * bool(profile)
    file = io.BytesIO()
    tifffile.imwrite(file, samples, extratags=tags, **options)
    return file.getvalue()


def tool(data, *command):
    """What a program of libtiff-tools makes of a file."""
    with tempfile.NamedTemporaryFile(suffix=".tif") as old, tempfile.NamedTemporaryFile(suffix=".tif") as new:
        old.write(data)
        old.flush()
        subprocess.run([*command, old.name, new.name], check=True, stderr=subprocess.DEVNULL)
        return new.read()


def compressed(data, *options):
    return tool(data, "tiffcp", *options)


@kind(8, 16, 32)
def tiff_rgb(p, bits):
    return Picture("tif", tiff(whole(p, bits), photometric="rgb", rowsperstrip=16), whole(p, bits))


@kind(8, 16, 32)
def tiff_grey(p, bits):
    return Picture("tif", tiff(whole(luma(p), bits), photometric="minisblack"), grey3(whole(luma(p), bits)))


@kind(8, 16, 32)
def tiff_rgba(p, bits):
    samples = whole(with_alpha(p), bits)
    return Picture("tif", tiff(samples, photometric="rgb", extrasamples=["unassalpha"]), samples)


@kind(8, 16, 32)
def tiff_tiles(p, bits):
    return Picture("tif", tiff(whole(p, bits), photometric="rgb", tile=(32, 48)), whole(p, bits))


@kind(8, 16, 32)
def tiff_planar(p, bits):
    planes = whole(p, bits).transpose(2, 0, 1)
    return Picture("tif", tiff(planes, photometric="rgb", planarconfig="separate", tile=(48, 32) if bits == 16 else None), whole(p, bits))


@kind(8, 32)
def tiff_big(p, bits):
    return Picture("tif", tiff(whole(p, bits), photometric="rgb", bigtiff=True, tile=(64, 64) if bits == 32 else None), whole(p, bits))


@kind(16, 32)
def tiff_motorola(p, bits):
    return Picture("tif", tiff(whole(p, bits), photometric="rgb", byteorder=">", bigtiff=bits == 32), whole(p, bits))


@kind()
def tiff_palette(p):
    return Picture("tif", *saved(Image.fromarray(whole(p, 8)).quantize(256), "tiff"))


@kind()
def tiff_white_is_zero(p):
    grey = whole(luma(p), 8)
    return Picture("tif", tiff(255 - grey, photometric="miniswhite"), grey3(grey))


@kind("g4", "packbits")
def tiff_bilevel(p, compression):
    data, samples = saved(Image.fromarray(whole(luma(p), 8)).convert("1"), "tiff")
    return Picture("tif", compressed(data, "-c", compression), samples)


@kind(8, 16)
def tiff_cmyk(p, bits):
    samples = whole(inks(p), bits)
    return Picture("tif", tiff(samples, photometric="separated"), whole(p, bits), notice=CMYK_GUESSED, level=2)


@kind(8, 16)
def tiff_cmyk_alpha(p, bits):
    samples = whole(numpy.concatenate([inks(p), fade(p)], axis=2), bits)
    data = tiff(samples, photometric="separated", extrasamples=["unassalpha"])
    return Picture("tif", data, whole(with_alpha(p), bits), notice=CMYK_GUESSED, level=2)


@kind()
def tiff_cmyk_profile(p):
    samples, profile = whole(inks(p), 8), photographs.profile("default_cmyk")
    return Picture("tif", tiff(samples, photometric="separated", profile=profile), through_profile(Image.fromarray(samples, "CMYK"), profile), level=1)


@kind()
def tiff_premultiplied(p):
    alpha = fade(p)
    samples = whole(numpy.concatenate([p * alpha, alpha], axis=2), 16)
    return Picture("tif", tiff(samples, photometric="rgb", extrasamples=["assocalpha"]), whole(with_alpha(p), 16), level=0.1)


@kind()
def tiff_pages(p):
    return Picture("tif", tiff(numpy.stack([whole(p, 8), whole(1 - p, 8)]), photometric="rgb"), whole(p, 8), notice="2 pages: the first is taken")


@kind()
def tiff_pages_in_a_circle(p):
    """Two pages, of which the second says that it is followed by itself."""
    data = bytearray(tiff(numpy.stack([whole(p, 8)] * 2), photometric="rgb"))
    link = None
    for _ in range(2):
        at = struct.unpack_from("<I", data, 4 if link is None else link)[0]
        link = at + 2 + 12 * struct.unpack_from("<H", data, at)[0]
    struct.pack_into("<I", data, link, at)
    return Picture("tif", bytes(data), whole(p, 8), notice="pages that run in a circle: the first is taken")


@kind("lzw:2", "zip:2", "packbits", "zstd", "lzma")
def tiff_compressed(p, compression):
    return Picture("tif", compressed(tiff(whole(p, 16), photometric="rgb"), "-c", compression), whole(p, 16))


@kind()
def tiff_jpeg(p):
    data = compressed(tiff(whole(p, 8), photometric="rgb"), "-c", "jpeg:90", "-r", "16")
    return Picture("tif", data, numpy.asarray(Image.open(io.BytesIO(data)).convert("RGB")))


@kind(2, 3, 4, 5, 6, 7, 8)
def tiff_turned(p, orientation):
    data = tiff(whole(p, 16), photometric="rgb", orientation=orientation)
    return Picture("tif", data, upright(whole(p, 16), orientation))


@kind(8, 32)
def tiff_profile(p, bits):
    profile = photographs.profile("a98")
    return Picture("tif", tiff(whole(p, bits), photometric="rgb", profile=profile), whole(p, bits), profile=profile)


@kind()
def tiff_highlights(p):
    samples = whole(p, 32)
    samples[:2, :3] = 1.7
    values = tuple(numpy.percentile(samples, [2, 98], method="nearest"))
    return Picture("tif", tiff(samples, photometric="rgb"), samples, values=values, level=1, notice="are black and white (input.range)")


# JPEG


@kind(0, 1, 2)
def jpeg_rgb(p, subsampling):
    return Picture("jpg", *saved(p, "jpg", quality=90, subsampling=subsampling))


@kind()
def jpeg_progressive(p):
    return Picture("jpg", *saved(p, "jpg", quality=85, progressive=True, optimize=True))


@kind()
def jpeg_grey(p):
    return Picture("jpg", *saved(Image.fromarray(whole(luma(p), 8)), "jpg", quality=90))


@kind()
def jpeg_cmyk(p):
    data, _ = saved(Image.fromarray(whole(inks(p), 8), "CMYK"), "jpg", quality=95)
    return Picture("jpg", data, whole(p, 8), notice=CMYK_GUESSED, level=12)


@kind()
def jpeg_cmyk_profile(p):
    profile = photographs.profile("default_cmyk")
    data, _ = saved(Image.fromarray(whole(inks(p), 8), "CMYK"), "jpg", quality=95, icc_profile=profile)
    return Picture("jpg", data, through_profile(Image.open(io.BytesIO(data)), profile), level=1)


@kind(2, 3, 4, 5, 6, 7, 8)
def jpeg_exif(p, orientation):
    data, samples = saved(p, "jpg", quality=90, exif=exif(orientation))
    return Picture("jpg", data, upright(samples, orientation))


@kind()
def jpeg_profile(p):
    profile = photographs.profile("a98")
    return Picture("jpg", *saved(p, "jpg", quality=92, icc_profile=profile), profile=profile)


# By FFmpeg and libvips


@kind()
def webp_lossy(p):
    return Picture("webp", *saved(p, "webp", quality=90), level=2, rough=60)


@kind()
def webp_lossless(p):
    return Picture("webp", *saved(p, "webp", lossless=True))


@kind()
def webp_alpha(p):
    return Picture("webp", *saved(with_alpha(p), "webp", lossless=True, exact=True))


@kind()
def webp_exif(p):
    data, samples = saved(p, "webp", quality=90, exif=exif(6))
    return Picture("webp", data, upright(samples, 6), level=2, rough=60)


@kind()
def webp_profile(p):
    profile = photographs.profile("a98")
    return Picture("webp", *saved(p, "webp", lossless=True, icc_profile=profile), profile=profile)


@kind()
def webp_animated(p):
    data, samples = saved(p, "webp", lossless=True, save_all=True, append_images=[Image.fromarray(whole(1 - p, 8))])
    return Picture("webp", data, samples, notice="2 frames: the first is taken")


@kind("jp2", "j2k")
def jpeg_2000(p, suffix):
    return Picture(suffix, *saved(p, suffix))


@kind(8, 16)
def netpbm(p, bits):
    samples = whole(p, bits)
    head = f"P6\n{p.shape[1]} {p.shape[0]}\n{2**bits - 1}\n".encode()
    return Picture("ppm", head + samples.astype(">u2" if bits == 16 else "u1").tobytes(), samples)


@kind("plain", "rle")
def tga(p, compression):
    return Picture("tga", *saved(p, "tga", rle=compression == "rle"))


@kind()
def fits(p):
    cards = [f"{key:8}= {value:>20}" for key, value in
             (("SIMPLE", "T"), ("BITPIX", 8), ("NAXIS", 2), ("NAXIS1", p.shape[1]), ("NAXIS2", p.shape[0]))] + ["END"]
    grey = whole(luma(p), 8)
    data = grey[::-1].tobytes()
    return Picture("fits", "".join(f"{card:80}" for card in cards).ljust(2880).encode() + data + bytes(-len(data) % 2880), grey3(grey))


@kind()
def bmp_rgb(p):
    return Picture("bmp", *saved(p, "bmp"))


@kind()
def bmp_palette(p):
    return Picture("bmp", *saved(Image.fromarray(whole(p, 8)).quantize(256), "bmp"))


@kind()
def bmp_grey(p):
    return Picture("bmp", *saved(Image.fromarray(whole(luma(p), 8)), "bmp"))


@kind()
def gif_still(p):
    return Picture("gif", *saved(Image.fromarray(whole(p, 8)).quantize(256), "gif"))


@kind()
def gif_transparent(p):
    return Picture("gif", *saved(Image.fromarray(whole(p, 8)).quantize(255), "gif", transparency=3))


@kind()
def gif_animated(p):
    frames = [Image.fromarray(whole(frame, 8)).quantize(256) for frame in (p, 1 - p, p[::-1])]
    data, samples = saved(frames[0], "gif", save_all=True, append_images=frames[1:])
    return Picture("gif", data, samples, notice="3 frames: the first is taken")
