# SPDX-License-Identifier: MIT
"""PNG of every kind: what other writers leave out."""
import struct
import zlib

import numpy

GREY, RGB, PALETTE, GREY_ALPHA, RGBA = 0, 2, 3, 4, 6
PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))  # Adam7: x, y, steps of them


def chunk(kind, data, crc=None):
    crc = zlib.crc32(kind + data) if crc is None else crc
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc)


def header(width, height, bits, kind, interlaced=False):
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, interlaced))


def rows(samples, bits):
    if bits < 8:
        each = (samples[..., None] >> numpy.arange(bits - 1, -1, -1)) & 1
        lines = numpy.packbits(each.reshape(len(samples), -1).astype(numpy.uint8), axis=1)
    else:
        lines = samples.reshape(len(samples), -1).astype(">u2" if bits == 16 else "u1")
    return b"".join(b"\0" + line.tobytes() for line in lines)


def encode(samples, bits, kind, interlaced=False, before=b"", after=b""):
    """`samples` is (H, W) or (H, W, channels); `before` and `after` are chunks around the pixels."""
    height, width = samples.shape[:2]
    passes = [samples[y::dy, x::dx] for x, y, dx, dy in PASSES] if interlaced else [samples]
    pixels = zlib.compress(b"".join(rows(part, bits) for part in passes if part.size))
    return header(width, height, bits, kind, interlaced) + before + chunk(b"IDAT", pixels) + after + chunk(b"IEND", b"")


def profile_chunk(profile):
    return chunk(b"iCCP", b"profile\0\0" + zlib.compress(profile))
