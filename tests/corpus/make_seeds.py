#!/usr/bin/env python3
"""Writes the seeds of the fuzzers of .npy, .npz, IDX and pictures into the folders beside this file."""
import gzip
import io
import pathlib
import struct
import subprocess
import zipfile
import zlib

import numpy as np

here = pathlib.Path(__file__).parent


def write(name, data):
    path = here / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)


def npy(name, array, version):
    path = here / "npy" / name
    path.parent.mkdir(exist_ok=True)
    with open(path, "wb") as file:
        np.lib.format.write_array(file, array, version=version)


def png(width, height, depth, color, lines, extra=b"", interlaced=0):
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, interlaced)
    packed = chunk(b"IDAT", zlib.compress(lines, 9))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra + packed + chunk(b"IEND", b"")


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def scan_lines(count, size):
    """Line i has filter i, so that five lines use all of them."""
    return b"".join(bytes([i]) + bytes((x * 7 + i * 31) & 255 for x in range(size)) for i in range(count))


def jpeg(portable_map, *options):
    command = ["cjpeg", "-quality", "60", *options]
    return subprocess.run(command, input=portable_map, stdout=subprocess.PIPE, check=True).stdout


tensor = np.arange(6, dtype="<f4").reshape(1, 1, 2, 3)
for version in (1, 2, 3):
    npy(f"v{version}.npy", tensor, (version, 0))
npy("fortran.npy", np.asfortranarray(np.arange(24, dtype="<f4").reshape(2, 3, 4)), (1, 0))
npy("double.npy", tensor.astype("<f8"), (1, 0))
npy("scalar.npy", np.array(1, dtype="<f4"), (1, 0))

tensors = {"left": tensor, "right/1": np.arange(-3, 3, dtype="i1").reshape(1, 6)}
(here / "npz").mkdir(exist_ok=True)
np.savez(here / "npz/stored.npz", **tensors)
np.savez_compressed(here / "npz/deflated.npz", **tensors)
np.savez(here / "npz/types.npz", f2=np.float16([1, -2]), u2=np.uint16([0x3F80]), i1=np.int8([-1]), u1=np.uint8([255]),
         i4=np.int32([-7]), i8=np.int64([3]))


class Stream(io.BytesIO):
    """Cannot go back, so that sizes stand behind the data."""

    def seek(self, *_):
        raise io.UnsupportedOperation


def archive(file, mode, method, comment=b""):
    with zipfile.ZipFile(file, mode, method) as archive:
        archive.comment = comment
        for name, array in tensors.items():
            member = io.BytesIO()
            np.lib.format.write_array(member, array)
            archive.writestr(zipfile.ZipInfo(name + ".npy"), member.getvalue(), method)


stream = Stream()
archive(stream, "w", zipfile.ZIP_DEFLATED, b"with a comment")
write("npz/streamed.npz", stream.getvalue())
limits = zipfile.ZIP64_LIMIT, zipfile.ZIP_FILECOUNT_LIMIT
zipfile.ZIP64_LIMIT, zipfile.ZIP_FILECOUNT_LIMIT = 20, 1
archive(here / "npz/zip64.npz", "w", zipfile.ZIP_STORED)
zipfile.ZIP64_LIMIT, zipfile.ZIP_FILECOUNT_LIMIT = limits
archive(here / "npz/bzip2.npz", "w", zipfile.ZIP_BZIP2)

images = bytes([0, 0, 8, 3]) + struct.pack(">III", 2, 3, 4) + bytes(range(24))
labels = bytes([0, 0, 8, 1]) + struct.pack(">I", 5) + bytes(range(5))
for name, data in (("images.idx", images), ("labels.idx", labels)):
    write(f"idx/{name}", data)
    write(f"idx/{name}.gz", gzip.compress(data, mtime=0))

def exif(order):
    """Orientation 6 behind another entry; order: '<' or '>'."""
    entries = [(0x0100, 4, 1, struct.pack(order + "I", 640)), (0x0112, 3, 1, struct.pack(order + "HH", 6, 0))]
    directory = b"".join(struct.pack(order + "HHI", *entry[:3]) + entry[3] for entry in entries)
    header = (b"II" if order == "<" else b"MM") + struct.pack(order + "HI", 42, 8)
    return header + struct.pack(order + "H", len(entries)) + directory + bytes(4)


palette = chunk(b"PLTE", bytes(range(9))) + chunk(b"tRNS", bytes([0, 128]))
write("picture/gray.png", png(4, 5, 8, 0, scan_lines(5, 4)))
write("picture/bits.png", png(9, 3, 1, 0, scan_lines(3, 2)))
write("picture/rgb16.png", png(3, 3, 16, 2, scan_lines(3, 18)))
write("picture/gray_alpha16.png", png(3, 3, 16, 4, scan_lines(3, 12)))
write("picture/rgba.png", png(3, 4, 8, 6, scan_lines(4, 12)))
write("picture/palette.png", png(4, 2, 8, 3, b"\0\0\1\2\1\0\2\2\1\0", palette))
write("picture/interlaced.png", png(2, 2, 8, 0, b"\0\1\0\2\0\3\4", interlaced=1))
write("picture/interlaced_palette.png", png(2, 2, 8, 3, b"\0\1\0\2\0\0\1", palette, interlaced=1))
write("picture/exif.png", png(2, 1, 8, 0, b"\0\1\2", chunk(b"eXIf", exif(">"))))
color = b"P6 19 17 255\n" + bytes((x * 11 + y * 5 + c * 60) & 255 for y in range(17) for x in range(19) for c in range(3))
gray = b"P5 9 9 255\n" + bytes((x * 11 + y * 5) & 255 for y in range(9) for x in range(9))
write("picture/baseline.jpg", jpeg(color, "-sample", "2x2"))
write("picture/progressive.jpg", jpeg(color, "-progressive"))
write("picture/progressive_gray.jpg", jpeg(gray, "-progressive"))
write("picture/restart.jpg", jpeg(color, "-sample", "2x1", "-restart", "1B"))
write("picture/gray.jpg", jpeg(gray))
plain = jpeg(gray)
segment = b"Exif\0\0" + exif("<")
write("picture/exif.jpg", plain[:2] + b"\xff\xe1" + struct.pack(">H", len(segment) + 2) + segment + plain[2:])
write("picture/no_end.jpg", plain[:-2])
