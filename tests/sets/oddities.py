# SPDX-License-Identifier: MIT
"""PNG, JPEG and BMP as others write them: colours without a profile, tags, stray bytes, missing ends, every depth and order."""
import io
import struct
import subprocess
import tempfile

import numpy
from PIL import Image

import photographs
import png
from pictures import Picture, exif, fade, grey3, inks, kind, luma, saved, upright, whole

# PNG


def linear(p):
    """The light of sRGB's values."""
    return numpy.where(p <= 0.04045, p / 12.92, ((p + 0.055) / 1.055) ** 2.4)


def unlinear(light):
    return numpy.where(light <= 0.0031308, light * 12.92, 1.055 * light.clip(0) ** (1 / 2.4) - 0.055)


def gamma_chunk(gamma):
    return png.chunk(b"gAMA", struct.pack(">I", round(gamma * 100000)))


def rgb_png(samples, bits, before, after=b""):
    return png.encode(samples, bits, png.RGB, before=before, after=after)


@kind(8, 16)
def png_linear(p, bits):
    """gAMA 1.0, as renderers write it: of 8 bits the dark is coarse."""
    samples = whole((0.2 + 0.8 * p) ** 2.2 if bits == 8 else p**2.2, bits)
    right = whole((samples / (2**bits - 1)) ** (1 / 2.2), bits)
    return Picture("png", rgb_png(samples, bits, gamma_chunk(1)), samples, colours=right, own_profile=True, level=2)


@kind(0.45455, 0.45, 0.4542)
def png_gamma_usual(p, gamma):
    return Picture("png", rgb_png(whole(p, 8), 8, gamma_chunk(gamma)), whole(p, 8))


@kind(0.55556)
def png_gamma_mac(p, gamma):
    """Of old Macs, 1.8: displayed as value ** (1.8 / 2.2)."""
    samples = whole(p, 16)
    data = rgb_png(samples, 16, gamma_chunk(gamma))
    return Picture("png", data, samples, colours=whole(p ** (1.8 / 2.2), 16), own_profile=True, level=2)


@kind()
def png_srgb_wins(p):
    before = png.chunk(b"sRGB", b"\0") + gamma_chunk(1)
    return Picture("png", rgb_png(whole(p, 8), 8, before), whole(p, 8))


# Columns: red, green and blue of linear light as X, Y and Z under D65.
def matrix(red, green, blue, white=(0.3127, 0.329)):
    columns = numpy.array([[x / y, 1, (1 - x - y) / y] for x, y in (red, green, blue)]).T
    return columns * numpy.linalg.solve(columns, [white[0] / white[1], 1, (1 - white[0] - white[1]) / white[1]])


SRGB = ((0.64, 0.33), (0.3, 0.6), (0.15, 0.06))
P3 = ((0.68, 0.32), (0.265, 0.69), (0.15, 0.06))
BT2020 = ((0.708, 0.292), (0.17, 0.797), (0.131, 0.046))


def in_space(p, space):
    """Linear light of sRGB in other primaries."""
    return linear(p) @ (numpy.linalg.inv(matrix(*space)) @ matrix(*SRGB)).T


@kind()
def png_primaries(p):
    """cHRM of Display P3 with gAMA of sRGB."""
    chromaticities = [v for xy in ((0.3127, 0.329), *P3) for v in xy]
    before = gamma_chunk(0.45455) + png.chunk(b"cHRM", struct.pack(">8I", *(round(v * 100000) for v in chromaticities)))
    samples = whole(unlinear(in_space(p, P3)).clip(0, 1), 16)
    return Picture("png", rgb_png(samples, 16, before), samples, colours=whole(p, 16), own_profile=True, level=2)


@kind()
def png_display_p3(p):
    before = png.chunk(b"cICP", bytes([12, 13, 0, 1]))
    samples = whole(unlinear(in_space(p, P3)).clip(0, 1), 16)
    return Picture("png", rgb_png(samples, 16, before), samples, colours=whole(p, 16), own_profile=True, level=2)


def pq_of(light):
    """SMPTE ST 2084, of light in parts of 10000 nits."""
    y = light.clip(0) ** 0.1593017578125
    return ((0.8359375 + 18.8515625 * y) / (1 + 18.6875 * y)) ** 78.84375


@kind()
def png_pq(p):
    """HDR: white of 203 nits."""
    samples = whole(pq_of(in_space(p, BT2020) * 203 / 10000), 16)
    before = png.chunk(b"cICP", bytes([9, 16, 0, 1]))
    return Picture("png", rgb_png(samples, 16, before), whole(p, 16), level=3, notice="HDR (PQ): what is brighter than white, 203 cd/m2, is clipped")


@kind()
def png_code_points_unknown(p):
    before = png.chunk(b"cICP", bytes([22, 13, 0, 1]))
    return Picture("png", rgb_png(whole(p, 8), 8, before), whole(p, 8), notice="its colours, 22/13/0, are ignored")


@kind()
def png_animated(p):
    frames = [Image.fromarray(whole(f, 8)) for f in (p, 1 - p, p[::-1].copy())]
    data, samples = saved(frames[0], "png", save_all=True, append_images=frames[1:])
    return Picture("png", data, samples, notice="3 frames: the first is taken")


@kind(8, 16)
def png_clear_colour(p, bits):
    samples = whole(p, bits)
    samples[5:20, 10:30] = (7, 11, 13)
    alpha = numpy.full((*samples.shape[:2], 1), 2**bits - 1, samples.dtype)
    alpha[5:20, 10:30] = 0
    data = rgb_png(samples, bits, png.chunk(b"tRNS", struct.pack(">3H", 7, 11, 13)))
    return Picture("png", data, numpy.concatenate([samples, alpha], axis=2))


@kind(2, 8, 16)
def png_clear_grey(p, bits):
    grey = numpy.rint(luma(p) * (2**bits - 1)).astype(int)
    key = int(grey[3, 4])
    data = png.encode(grey, bits, png.GREY, before=png.chunk(b"tRNS", struct.pack(">H", key)))
    most = 65535 if bits == 16 else 255
    samples = grey3(grey * (most // (2**bits - 1)))
    alpha = numpy.where(grey == key, 0, most)[..., None]
    return Picture("png", data, numpy.concatenate([samples, alpha], axis=2).astype(numpy.uint16 if bits == 16 else numpy.uint8))


@kind(1, 2, 4)
def png_interlaced_grey(p, bits):
    grey = numpy.rint(luma(p) * (2**bits - 1)).astype(int)
    return Picture("png", png.encode(grey, bits, png.GREY, interlaced=True), grey3(grey * (255 // (2**bits - 1))).astype(numpy.uint8))


@kind(1)
def png_palette_bits(p, bits):
    picture = Image.fromarray(whole(p, 8)).quantize(2**bits)
    colours = numpy.resize(numpy.array(picture.getpalette()[: 3 * 2**bits], numpy.uint8).reshape(-1, 3), (2**bits, 3))
    index = numpy.asarray(picture).astype(int)
    data = png.encode(index, bits, png.PALETTE, before=png.chunk(b"PLTE", colours.tobytes()))
    return Picture("png", data, colours[index])


@kind(1, 13)
def png_split(p, size):
    """Pixels in many chunks, an empty one among them, and bytes behind the end."""
    data = png.encode(whole(p, 8), 8, png.RGB)
    start = data.index(b"IDAT") - 4
    pixels = data[start + 8 : -16]
    chunks = [png.chunk(b"IDAT", pixels[i : i + size]) for i in range(0, 64, size)] + [png.chunk(b"IDAT", b""), png.chunk(b"IDAT", pixels[-(-64 // size) * size :])]
    return Picture("png", data[:start] + b"".join(chunks) + png.chunk(b"IEND", b"") + b"and more" * 9, whole(p, 8))


@kind()
def png_described(p):
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF/></x:xmpmeta>'
    before = (png.chunk(b"pHYs", struct.pack(">IIB", 11811, 11811, 1)) + png.chunk(b"tEXt", b"Description\0caption") +
              png.chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp) + png.chunk(b"vpAg", b"private") + png.chunk(b"bKGD", b"\0" * 6))
    return Picture("png", rgb_png(whole(p, 16), 16, before), whole(p, 16), density=300, said=(b"caption", b"adobe:ns:meta"))


@kind(2, 3, 4, 5, 7, 8)
def png_turned(p, orientation):
    data = png.encode(whole(p, 8), 8, png.RGB, before=png.chunk(b"eXIf", exif(orientation, b"")))
    return Picture("png", data, upright(whole(p, 8), orientation))


@kind("exif", "APP1")
def png_exif_in_text(p, name):
    """As ImageMagick wrote it before PNG had a chunk for it."""
    block = exif(6)
    text = "Raw profile type %s\0\n%s\n%8d\n" % (name, name.lower(), len(block)) + "\n".join(block.hex()[i : i + 72] for i in range(0, 2 * len(block), 72)) + "\n"
    data = png.encode(whole(p, 8), 8, png.RGB, before=png.chunk(b"tEXt", text.encode()))
    return Picture("png", data, upright(whole(p, 8), 6))


# JPEG


def jpeg(p, **options):
    return saved(p, "jpg", **{"quality": 95, **options})


@kind(1, 2, 40)
def jpeg_stray(p, count):
    """Bytes between segments, as some cameras and web sites leave them."""
    data, samples = jpeg(p)
    at = data.index(b"\xff\xdb")
    return Picture("jpg", data[:at] + b"\0" * count + data[at:], samples, notice="passed over")


@kind("baseline", "progressive")
def jpeg_without_end(p, how):
    data, samples = jpeg(p, progressive=how == "progressive")
    return Picture("jpg", data[:-2], samples, notice="its end marker is missing; the picture is whole")


@kind()
def jpeg_half_an_end(p):
    data, samples = jpeg(p)
    return Picture("jpg", data[:-1], samples, notice="its end marker is missing; the picture is whole")


@kind("zeros", "text", "jpeg")
def jpeg_more_behind(p, what):
    """As cameras put a second picture or a film behind the first."""
    data, samples = jpeg(p)
    return Picture("jpg", data + {"zeros": bytes(5000), "text": b"SEFH" * 30, "jpeg": jpeg(1 - p)[0]}[what], samples)


@kind()
def jpeg_padded(p):
    """Fill bytes before markers, which the format permits."""
    data, samples = jpeg(p)
    for marker in (b"\xff\xdb", b"\xff\xc0", b"\xff\xda"):
        at = data.index(marker)
        data = data[:at] + b"\xff" * 7 + data[at:]
    return Picture("jpg", data, samples)


@kind("progressive", "optimized")
def jpeg_coded(p, how):
    return Picture("jpg", *jpeg(p, **{"progressive": how == "progressive", "optimize": True}))


@kind()
def jpeg_restarts(p):
    with tempfile.NamedTemporaryFile(suffix=".png") as old, tempfile.NamedTemporaryFile(suffix=".jpg") as new:
        Image.fromarray(whole(p, 8)).save(old.name)
        subprocess.run(["vips", "jpegsave", old.name, new.name, "--Q", "95", "--restart-interval", "3", "--strip"], check=True)
        data = open(new.name, "rb").read()
    assert b"\xff\xdd" in data
    return Picture("jpg", data, numpy.asarray(Image.open(io.BytesIO(data))))


@kind()
def jpeg_sampled_411(p):
    return Picture("jpg", *jpeg(p, subsampling="4:1:1"), level=2)


def with_adobe(data, transform):
    """Its marker says what the components are; that of JFIF, where it is, goes."""
    if data[2:4] == b"\xff\xe0":
        data = data[:2] + data[4 + struct.unpack(">H", data[4:6])[0] :]
    return data[:2] + b"\xff\xee\0\x0eAdobe\0\x64\0\0\0\0" + bytes([transform]) + data[2:]


@kind()
def jpeg_stored_rgb(p):
    """No luma and chroma: red, green and blue, as Adobe's marker says."""
    components = [Image.fromarray(whole(p, 8)[..., c]) for c in range(3)]
    data, _ = saved(Image.merge("YCbCr", components), "jpg", quality=97, subsampling=0)
    return Picture("jpg", with_adobe(data, 0), whole(p, 8), level=12)


@kind()
def jpeg_grey_sampled(p):
    """One component that says 2 x 2, which means nothing."""
    data, samples = saved(Image.fromarray(whole(luma(p), 8)), "jpg", quality=92)
    at = data.index(b"\xff\xc0") + 4 + 6 + 1
    assert data[at] == 0x11
    return Picture("jpg", data[:at] + b"\x22" + data[at + 1 :], samples)


def exif_segment(block):
    return b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block


@kind("motorola", "long", "byte", "behind-xmp")
def jpeg_exif_as(p, how):
    """The orientation in ways that programs write it in."""
    data, samples = jpeg(p)
    number = {"motorola": struct.pack(">HHIHH", 274, 3, 1, 6, 0), "long": struct.pack("<HHII", 274, 9, 1, 6),
              "byte": struct.pack("<HHIBxxx", 274, 1, 1, 6), "behind-xmp": struct.pack("<HHIHH", 274, 3, 1, 6, 0)}[how]
    motorola = how == "motorola"
    head = (b"MM\0*" if motorola else b"II*\0") + struct.pack(">IH" if motorola else "<IH", 8, 1)
    block = exif_segment(b"Exif\0\0" + head + number + b"\0\0\0\0")
    if how == "behind-xmp":
        block = exif_segment(b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta/>") + block
    return Picture("jpg", data[:2] + block + data[2:], upright(samples, 6))


@kind()
def jpeg_described(p):
    """EXIF with an orientation, a description, a resolution."""
    picture = Image.fromarray(whole(p, 8))
    tags = picture.getexif()
    tags[274], tags[270] = 6, "caption"
    data, samples = jpeg(p, exif=tags, dpi=(300, 300), comment=b"a comment")
    return Picture("jpg", data, upright(samples, 6), density=300, said=(b"caption",))


@kind()
def jpeg_commented(p):
    data, samples = jpeg(p, comment=b"of nobody")
    return Picture("jpg", data, samples, said=(b"of nobody",))


@kind()
def jpeg_ycck(p):
    """As Photoshop stores CMYK: inks as luma and chroma of what they leave, inverted, with a marker."""
    samples = whole(inks(p), 8)
    first = 255 - numpy.asarray(Image.fromarray(samples[..., :3]).convert("YCbCr"))  # Pillow inverts all four
    data, _ = saved(Image.fromarray(numpy.dstack([first, samples[..., 3]]), "CMYK"), "jpg", quality=97, subsampling=0)
    at = data.index(b"Adobe") + 11
    data = data[:at] + b"\x02" + data[at + 1 :]
    return Picture("jpg", data, whole(p, 8), notice="CMYK without a profile: its colours are a guess", level=16)


@kind()
def jpeg_profile_in_parts(p):
    """A profile in segments of 200 bytes."""
    profile = photographs.profile("a98")
    data, samples = jpeg(p)
    parts = [profile[i : i + 200] for i in range(0, len(profile), 200)]
    segments = [b"\xff\xe2" + struct.pack(">H", len(part) + 16) + b"ICC_PROFILE\0" + bytes([i + 1, len(parts)]) + part for i, part in enumerate(parts)]
    return Picture("jpg", data[:2] + b"".join(segments[::-1]) + data[2:], samples, profile=profile)


@kind()
def jpeg_profile_lacks_a_part(p):
    profile = photographs.profile("a98")
    data, samples = jpeg(p, icc_profile=profile)
    at = data.index(b"ICC_PROFILE\0") + 12
    return Picture("jpg", data[: at + 1] + b"\x02" + data[at + 2 :], samples, notice="its ICC profile is ignored")


# BMP


def bmp(pixels, width, height, bits, compression=0, palette=b"", size=40, masks=b"", used=0):
    more = masks if size > 40 else b""
    head = struct.pack("<IiiHHIIiiII", size, width, height, 1, bits, compression, len(pixels), 2835, 2835, used, 0) + more
    head = head.ljust(size, b"\0")
    behind = (masks if size == 40 else b"") + palette
    at = 14 + len(head) + len(behind)
    return b"BM" + struct.pack("<IHHI", at + len(pixels), 0, 0, at) + head + behind + pixels


def padded(rows):
    return b"".join(row.tobytes().ljust(-(-len(row.tobytes()) // 4) * 4, b"\0") for row in rows)


def indexed(p, bits):
    picture = Image.fromarray(whole(p, 8)).quantize(2**bits)
    colours = numpy.resize(numpy.array(picture.getpalette()[: 3 * 2**bits], numpy.uint8).reshape(-1, 3), (2**bits, 3))
    index = numpy.asarray(picture)
    palette = numpy.concatenate([colours[:, ::-1], numpy.zeros((2**bits, 1), numpy.uint8)], axis=1).tobytes()
    return index, colours, palette


def packed(index, bits):
    each = (index[..., None] >> numpy.arange(bits - 1, -1, -1)) & 1
    return numpy.packbits(each.reshape(len(index), -1), axis=1)


@kind(1, 4, 8)
def bmp_bits(p, bits):
    index, colours, palette = indexed(p, bits)
    data = bmp(padded(packed(index, bits)[::-1]), p.shape[1], p.shape[0], bits, palette=palette)
    return Picture("bmp", data, colours[index])


@kind("555", "565")
def bmp_16(p, how):
    bits = numpy.array([5, 5 if how == "555" else 6, 5])
    levels = numpy.rint(p * (2**bits - 1)).astype(int)
    shift = [10, 5, 0] if how == "555" else [11, 5, 0]
    words = sum(levels[..., c] << shift[c] for c in range(3)).astype("<u2")
    masks = struct.pack("<III", 0xF800, 0x7E0, 0x1F) if how == "565" else b""
    data = bmp(padded(words[::-1]), p.shape[1], p.shape[0], 16, compression=3 if masks else 0, masks=masks)
    return Picture("bmp", data, numpy.rint(levels * 255 / (2**bits - 1)).astype(numpy.uint8), level=4)


@kind()
def bmp_from_the_top(p):
    return Picture("bmp", bmp(padded(whole(p, 8)[..., ::-1]), p.shape[1], -p.shape[0], 24), whole(p, 8))


@kind("unused", "v4")
def bmp_32(p, how):
    """The fourth byte is nothing in the old format, and alpha where a mask says so."""
    alpha = whole(fade(p), 8) if how == "v4" else numpy.zeros((*p.shape[:2], 1), numpy.uint8)
    samples = numpy.concatenate([whole(p, 8), alpha], axis=2)
    masks = struct.pack("<IIII", 0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    pixels = samples[::-1][..., [2, 1, 0, 3]].tobytes()
    data = bmp(pixels, p.shape[1], p.shape[0], 32, **({"compression": 3, "size": 108, "masks": masks} if how == "v4" else {}))
    return Picture("bmp", data, samples if how == "v4" else samples[..., :3])


@kind()
def bmp_os2(p):
    """The first header, of 12 bytes."""
    pixels = padded(whole(p, 8)[::-1][..., ::-1])
    head = struct.pack("<IHHHH", 12, p.shape[1], p.shape[0], 1, 24)
    return Picture("bmp", b"BM" + struct.pack("<IHHI", 26 + len(pixels), 0, 0, 26) + head + pixels, whole(p, 8))


def rle8(index):
    out = bytearray()
    for row in index[::-1]:
        x = 0
        while x < len(row):
            run = 1
            while x + run < len(row) and run < 255 and row[x + run] == row[x]:
                run += 1
            if run > 1 or len(row) - x < 3:
                out += bytes([run, row[x]])
                x += run
            else:
                count = min(len(row) - x, 5)
                out += bytes([0, count]) + row[x : x + count].tobytes() + b"\0" * (count & 1)
                x += count
        out += b"\0\0"
    return bytes(out + b"\0\x01")


@kind()
def bmp_rle8(p):
    index, colours, palette = indexed(p, 8)
    return Picture("bmp", bmp(rle8(index), p.shape[1], p.shape[0], 8, compression=1, palette=palette), colours[index])


@kind()
def bmp_rle4(p):
    index, colours, palette = indexed(p, 4)
    out = bytearray()
    for row in index[::-1]:
        pairs = [int(v) for v in row] + [0] * (len(row) & 1)
        for x in range(0, len(pairs), 2):
            out += bytes([min(2, len(row) - x), pairs[x] << 4 | pairs[x + 1]])
        out += b"\0\0"
    return Picture("bmp", bmp(bytes(out + b"\0\x01"), p.shape[1], p.shape[0], 4, compression=2, palette=palette), colours[index])


@kind()
def bmp_short_palette(p):
    """16 colours of 8 bits, and the header says so."""
    index, colours, palette = indexed(p, 4)
    return Picture("bmp", bmp(padded(index[::-1]), p.shape[1], p.shape[0], 8, palette=palette, used=16), colours[index])
