"""Digits of 8 by 8 points, drawn, shifted and blurred by chance: pictures, a table, and models of them."""

from __future__ import annotations

import json
import random
import struct
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from .tables import write_csv

SIDE = 8
Picture = tuple[int, ...]

_SHAPES = {
    0: ".###.|#...#|#...#|#...#|#...#|#...#|.###.", 1: "..#..|.##..|..#..|..#..|..#..|..#..|.###.",
    2: ".###.|#...#|....#|...#.|..#..|.#...|#####", 3: ".###.|#...#|....#|..##.|....#|#...#|.###.",
    4: "...#.|..##.|.#.#.|#..#.|#####|...#.|...#.", 5: "#####|#....|####.|....#|....#|#...#|.###.",
    6: ".###.|#....|#....|####.|#...#|#...#|.###.", 7: "#####|....#|...#.|..#..|.#...|.#...|.#...",
    8: ".###.|#...#|#...#|.###.|#...#|#...#|.###.", 9: ".###.|#...#|#...#|.####|....#|....#|.###.",
}  # fmt: skip


def draw(digit: int, chance: random.Random) -> Picture:
    """One digit: 64 grey values from 0 to 255, row by row."""
    rows = _SHAPES[digit].split("|")
    left, top = chance.randint(1, 2), chance.randint(0, SIDE - 7)
    strength = chance.uniform(0.7, 1.0)
    points = []
    for y in range(SIDE):
        for x in range(SIDE):
            row, column = y - top, x - left
            is_ink = 0 <= row < 7 and 0 <= column < 5 and rows[row][column] == "#"
            value = 255 * strength * is_ink + chance.gauss(0, 18)
            points.append(min(255, max(0, round(value))))
    return tuple(points)


def samples(count: int, seed: int) -> list[tuple[int, Picture]]:
    """Digits with their pictures, as many of each, in a fixed random order."""
    chance = random.Random(seed)  # noqa: S311 - data, no secret
    found = [(number % 10, draw(number % 10, chance)) for number in range(count)]
    chance.shuffle(found)
    return found


def png(picture: Picture) -> bytes:
    """The picture as a grey PNG file of 8 by 8 pixels."""
    lines = b"".join(b"\0" + bytes(picture[y * SIDE : (y + 1) * SIDE]) for y in range(SIDE))
    header = struct.pack(">IIBBBBB", SIDE, SIDE, 8, 0, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(lines)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*part) for part in parts)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def pictures(folder: Path) -> None:
    """600 digits as a table, and 100 of them as PNG files in a folder for each digit."""
    found = samples(600, 64)
    header = ("label", *(f"pixel{n}" for n in range(SIDE * SIDE)))
    write_csv(folder / "digits.csv", header, ((digit, *picture) for digit, picture in found))
    for number, (digit, picture) in enumerate(found[:100]):
        path = folder / "images" / str(digit) / f"{number:04d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png(picture))


def centroids(count: int) -> list[list[float]]:
    """The mean picture of each digit, over `count` samples, on a scale from 0 to 1."""
    sums = [[0.0] * (SIDE * SIDE) for _ in range(10)]
    for digit, picture in samples(count, 7):
        for n, value in enumerate(picture):
            sums[digit][n] += value / 255
    return [[round(value / (count / 10), 4) for value in total] for total in sums]


_READER = '''\
"""Reads a digit: `predict(pixels)` of 64 grey values from 0 to 255. Needs the standard library only."""

import json
from pathlib import Path

CENTROIDS = json.loads(Path(__file__).with_name("centroids.json").read_text())


def predict(pixels):
    scaled = [value / 255 for value in pixels]
    distances = [sum((a - b) ** 2 for a, b in zip(scaled, mean)) for mean in CENTROIDS]
    return distances.index(min(distances))
'''


def centroid_model(folder: Path, count: int = 1000) -> None:
    """A nearest-centroid reader of digits: its means as JSON, and the code to use them."""
    (folder / "centroids.json").write_text(json.dumps(centroids(count)), encoding="utf-8")
    (folder / "predict.py").write_text(_READER, encoding="utf-8")


def small_centroid_model(folder: Path) -> None:
    """The same from fewer samples."""
    centroid_model(folder, 200)


def linear_model(folder: Path) -> None:
    """The same reader as a linear layer (nearest centroid is one), in a safetensors file for PyTorch."""
    means = centroids(1000)
    bias = [-sum(value * value for value in mean) / 2 for mean in means]
    tensors = {
        "linear.weight": ([10, SIDE * SIDE], [value for mean in means for value in mean]),
        "linear.bias": ([10], bias),
    }
    (folder / "model.safetensors").write_bytes(safetensors(tensors))
    config = {"architecture": "linear", "in_features": SIDE * SIDE, "out_features": 10, "scale": 255}
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def safetensors(tensors: Mapping[str, tuple[list[int], Sequence[float]]]) -> bytes:
    """Tensors of 32-bit floats in the safetensors format: names to shape and values."""
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    data = b""
    for name, (shape, values) in tensors.items():
        start = len(data)
        data += struct.pack(f"<{len(values)}f", *values)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [start, len(data)]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data
