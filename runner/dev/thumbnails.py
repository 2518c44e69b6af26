"""Thumbnails of the template browser: a few pictures of a slide's sheet, edge to edge in a square."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps

SIDE, BAND = 512, 64  # pixels of a thumbnail, and of the band with a model's name
QUALITY = 80
WHITE = 250  # a sheet's own ground is lighter
SMALLEST = 0.25  # of the largest tile: what is smaller is a word or a wire
# Left, top, width and height of each tile, in shares of the side, by their number.
PLACES = {
    3: ((0, 0, 1 / 2, 1), (1 / 2, 0, 1 / 2, 1 / 2), (1 / 2, 1 / 2, 1 / 2, 1 / 2)),
    4: tuple((x / 2, y / 2, 1 / 2, 1 / 2) for y in range(2) for x in range(2)),
    9: tuple((x / 3, y / 3, 1 / 3, 1 / 3) for y in range(3) for x in range(3)),
}


def find_tiles(sheet: Image.Image) -> list[tuple[int, int, int, int]]:
    """Left, top, right and lower edge of the pictures on a white sheet, row by row."""
    darkest = np.asarray(sheet.convert("RGB")).min(axis=2)
    stats = cv2.connectedComponentsWithStats((darkest < WHITE).astype(np.uint8))[2][1:]
    areas = stats[:, cv2.CC_STAT_WIDTH] * stats[:, cv2.CC_STAT_HEIGHT]
    boxes = [tuple(map(int, row[:4])) for row in stats[areas > SMALLEST * areas.max()]]
    boxes.sort(key=lambda box: (round(box[1] / box[3]), box[0]))
    return [(x, y, x + width, y + height) for x, y, width, height in boxes]


def make_thumbnail(sheet: Image.Image, tiles: Sequence[int]) -> Image.Image:
    """SIDE x SIDE pixels. tiles: which pictures of the sheet, from 0; none for the whole sheet on its own ground.

    Raises:
        IndexError: the sheet has no such picture.
        KeyError: there is no arrangement of so many.
    """
    sheet = sheet.convert("RGB")
    if not tiles:
        small = ImageOps.contain(sheet, (SIDE, SIDE), Image.Resampling.LANCZOS)
        square = small.crop((0, 0, 1, 1)).resize((SIDE, SIDE))
        square.paste(small, ((SIDE - small.width) // 2, (SIDE - small.height) // 2))
        return square
    boxes, thumbnail = find_tiles(sheet), Image.new("RGB", (SIDE, SIDE))
    for tile, place in zip(tiles, PLACES[len(tiles)], strict=True):
        left, top, width, height = (round(share * SIDE) for share in place)
        size = (min(width + 1, SIDE - left), min(height + 1, SIDE - top))
        thumbnail.paste(ImageOps.fit(sheet.crop(boxes[tile]), size, Image.Resampling.LANCZOS), (left, top))
    return thumbnail


def save_thumbnail(sheet: Path, tiles: Sequence[int], target: Path) -> None:
    """Write the thumbnail of a sheet."""
    with Image.open(sheet) as image:
        make_thumbnail(image, tiles).save(target, quality=QUALITY, optimize=True)


def save_marked(thumbnail: Path, model: str, target: Path) -> None:
    """Write a twin's thumbnail: the slide's own, with the name of the twin's model on it."""
    with Image.open(thumbnail) as image:
        marked = image.convert("RGB")
    draw = ImageDraw.Draw(marked)
    draw.rectangle((0, 0, SIDE, BAND), fill="black")
    font = ImageFont.load_default(BAND // 2)
    draw.text((SIDE // 2, BAND // 2), f"for {model}", fill="white", anchor="mm", font=font)
    marked.save(target, quality=75)
