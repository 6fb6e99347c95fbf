# SPDX-License-Identifier: MIT
"""TIFF from the bottom up: what libraries do not write."""
import struct


def plain_tiff(width, height, pixels, bits, photometric, palette=None, extra=(), samples=None, **more):
    """A little-endian TIFF of one strip, as any writer of it might have made it: more tags by their number, as t277=..."""
    tags = {256: (4, [width]), 257: (4, [height]), 258: (3, list(bits)), 259: (3, [1]), 262: (3, [photometric]), 273: (4, [None]),
            277: (3, [samples or len(bits)]), 278: (4, [height]), 279: (4, [len(pixels)])}
    if palette is not None:
        tags[320] = (3, [int(v) for v in palette.T.ravel()])
    if extra:
        tags[338] = (3, list(extra))
    for name, value in more.items():
        tags[int(name[1:])] = value
    sizes = {1: 1, 3: 2, 4: 4, 11: 4, 12: 8}
    codes = {1: "B", 3: "H", 4: "I", 11: "f", 12: "d"}
    head = 8 + 2 + 12 * len(tags) + 4
    behind, entries = b"", []
    long = sum(len(values) * sizes[t] + len(values) * sizes[t] % 2 for t, values in tags.values() if len(values) * sizes[t] > 4)
    for tag, (t, values) in sorted(tags.items()):
        values = [head + long if v is None else v for v in values]
        packed = struct.pack("<%d%s" % (len(values), codes[t]), *values)
        if len(packed) > 4:
            entries.append(struct.pack("<HHII", tag, t, len(values), head + len(behind)))
            behind += packed + b"\0" * (len(packed) % 2)
        else:
            entries.append(struct.pack("<HHI", tag, t, len(values)) + packed.ljust(4, b"\0"))
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + b"".join(entries) + b"\0\0\0\0" + behind + pixels
