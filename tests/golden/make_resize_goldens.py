#!/usr/bin/env python3
"""Writes resize.txt: what Pillow makes of pictures, as torchvision's transforms call it.

    make_resize_goldens.py            # needs Pillow (Debian 12: python3-pil 9.4)

A line a case: `key value` pairs, a colon, numbers. The pictures are functions of the place (picture), which C++ makes
anew. `stretch` is Image.resize, `crop` torchvision's Resize(size) and CenterCrop((height, width)), written out, for it
need not be installed: rows of pixels, channels interleaved. `grey` is Image.convert("L") of some colours. `exif` is the
picture turned by ImageOps.exif_transpose, then stretched.
"""
import pathlib

import PIL
from PIL import Image, ImageOps

HERE = pathlib.Path(__file__).resolve().parent


def value(i):
    """Bytes that look like noise: Knuth's multiplicative hash."""
    return ((i + 1) * 2654435761 % 2**32) >> 24


def picture(channels, height, width):
    image = Image.new("L" if channels == 1 else "RGB", (width, height))
    values = [value(i) for i in range(channels * height * width)]
    image.putdata(values if channels == 1 else list(zip(values[0::3], values[1::3], values[2::3])))
    return image


def numbers(image):
    return list(image.tobytes())


def crop(image, size, height, width):
    w, h = image.size
    short, long = min(w, h), max(w, h)
    resized = (size, int(size * long / short)) if w <= h else (int(size * long / short), size)
    image = image.resize(resized, Image.BILINEAR)
    left, top = int(round((resized[0] - width) / 2.0)), int(round((resized[1] - height) / 2.0))
    return image.crop((left, top, left + width, top + height))


def cases():
    for channels, from_size, to_size in [(3, (23, 31), (8, 8)), (1, (40, 9), (7, 12)), (3, (5, 4), (9, 11)),
                                         (1, (6, 6), (6, 6)), (1, (64, 3), (2, 3)), (1, (1, 50), (3, 7)),
                                         (3, (17, 16), (16, 16)), (1, (1, 1), (4, 4))]:
        image = picture(channels, *from_size)
        fields = dict(channels=channels, in_h=from_size[0], in_w=from_size[1], out_h=to_size[0], out_w=to_size[1])
        yield "stretch", fields, numbers(image.resize(to_size[::-1], Image.BILINEAR))
    # Margins on both sides of odd and even halves: 0.5, 1.5, 2.5 and 3.5 pixels.
    for channels, from_size, size, to_size in [(3, (30, 41), 12, (10, 9)), (1, (41, 30), 12, (9, 9)),
                                               (1, (30, 30), 10, (9, 7)), (1, (30, 30), 10, (5, 3)),
                                               (3, (9, 13), 14, (14, 14)), (1, (7, 300), 8, (8, 8)),
                                               (1, (33, 22), 11, (11, 6))]:
        image = picture(channels, *from_size)
        fields = dict(channels=channels, in_h=from_size[0], in_w=from_size[1], size=size, out_h=to_size[0],
                      out_w=to_size[1])
        yield "crop", fields, numbers(crop(image, size, *to_size))
    for orientation in range(1, 9):
        image = picture(1, 11, 8)
        image.getexif()[0x0112] = orientation
        image = ImageOps.exif_transpose(image)
        fields = dict(orientation=orientation, channels=1, in_h=11, in_w=8, out_h=5, out_w=6)
        yield "exif", fields, numbers(image.resize((6, 5), Image.BILINEAR))
    colours = 200
    yield "grey", dict(channels=3, in_h=1, in_w=colours), numbers(picture(3, 1, colours).convert("L"))


with open(HERE / "resize.txt", "w") as file:
    file.write(f"# Made by make_resize_goldens.py with Pillow {PIL.__version__}.\n")
    for kind, fields, output in cases():
        words = " ".join(f"{key} {word}" for key, word in fields.items())
        file.write(f"{kind} {words} : {' '.join(map(str, output))}\n")
