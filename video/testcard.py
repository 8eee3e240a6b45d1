"""A drawn street for channels of the demo: moving, deterministic, wet when the gauge beside it is, and marked as drawn.

It stands where a camera's picture will be, so that walls can be laid out and tested; nobody may take it for a camera.
"""

from __future__ import annotations

import datetime
import random
from functools import lru_cache

import cv2
import numpy as np

_LOCAL = datetime.timezone(datetime.timedelta(hours=8))
_HORIZON = 0.42
MARK = "测试图 TEST CARD"

cv2.setNumThreads(1)


def draw(subject: str, name: str, depth: float | None, width: int, seconds: int) -> np.ndarray:
    """BGR image (9/16 width, width, 3) of uint8. `depth` metres at the nearest gauge, `seconds` city time."""
    height = width * 9 // 16
    wet = wetness(depth)
    image = _street(subject, width, height).copy()
    if wet > 0.02:
        _flood(image, subject, wet, seconds)
    for place in car_places(subject, width, height, seconds, wet):
        _car(image, *place)
    if wet > 0.02:
        _rain(image, subject, wet, seconds)
    _captions(image, name, depth)
    size = caption_size(height)
    moment = datetime.datetime.fromtimestamp(seconds, _LOCAL)
    write(image, f"{moment:%Y-%m-%d %H:%M:%S}", size // 2, int(size * 1.3), size, (235, 235, 235))
    return image


def still(subject: str, name: str, depth: float | None, width: int, height: int) -> np.ndarray:
    """The same picture without what moves and without its clock, for those who draw these into it."""
    image = _street(subject, width, height).copy()
    if wetness(depth) > 0.02:
        _flood(image, subject, wetness(depth), 0)
        _rain(image, subject, wetness(depth), 0)
    _captions(image, name, depth)
    return image


def wetness(depth: float | None) -> float:
    """0 dry to 1 for water of 0.3 m and more."""
    return min(1.0, max(0.0, (depth or 0.0) / 0.3))


def caption_size(height: int) -> int:
    """Pixels of the letters in a picture this high."""
    return max(9, height // 15)


def mark_rows(height: int) -> tuple[int, int]:
    """First and last row (exclusive) of the band that says what this picture is; nothing is drawn over it."""
    top = int(height * 0.47)
    return top, top + int(caption_size(height) * 2.1)


def _road(subject: str, width: int) -> tuple[int, int, int]:
    """Where the road vanishes, and its left and right edge at the foot of the picture (x in pixels)."""
    chance = random.Random(f"{subject}:road")
    spans = ((0.40, 0.60), (-0.4, 0.08), (0.92, 1.4))
    middle, left, right = (int(width * chance.uniform(low, high)) for low, high in spans)
    return middle, left, right


@lru_cache(maxsize=24)
def _street(subject: str, width: int, height: int) -> np.ndarray:
    """The part that does not move: sky, lit houses, lamps, the road in perspective."""
    chance = random.Random(subject)
    horizon = int(height * _HORIZON)
    rows = np.linspace(0, 1, height, dtype=np.float32)[:, None]
    sky = np.concatenate([np.full((horizon, 1), 0.0, np.float32), rows[horizon:] * 0.35], axis=0)
    image = np.empty((height, width, 3), np.uint8)
    tint = [chance.uniform(0.86, 1.14) for _ in range(3)]
    for channel, (base, more) in enumerate(((44, 40), (32, 40), (24, 42))):
        image[:, :, channel] = np.clip((base + more * (sky + rows * 0.25)) * tint[channel], 0, 255)
    middle, left, right = _road(subject, width)
    for side in (-1, 1):
        _houses(image, chance, side, middle, horizon)
    road = np.array([[middle - width // 40, horizon], [middle + width // 40, horizon], [right, height], [left, height]])
    cv2.fillConvexPoly(image, road, (58, 54, 50), cv2.LINE_AA)
    centre = (left + right) // 2
    for foot in ((left + centre) // 2, (right + centre) // 2):
        cv2.line(image, (middle, horizon), (foot, height), (120, 124, 126), max(1, width // 300), cv2.LINE_AA)
    cv2.line(image, (middle, horizon), (centre, height), (70, 160, 190), max(1, width // 220), cv2.LINE_AA)
    glow = chance.choice(((150, 215, 250), (235, 235, 225), (110, 180, 255)))  # sodium, white, warm
    _lamps(image, middle, horizon, left, right, glow)
    return image


def _houses(image: np.ndarray, chance: random.Random, side: int, middle: int, horizon: int) -> None:
    height, width = image.shape[:2]
    x = middle + side * width // 24
    while 0 < x < width:
        far = abs(x - middle) / width
        broad = int(width * (0.05 + 0.16 * far) * chance.uniform(0.8, 1.3)) + 2
        top = int(horizon - height * (0.06 + 0.62 * far) * chance.uniform(0.6, 1.15))
        x2 = x + side * broad
        shade = chance.randint(20, 34)
        foot = int(horizon + height * 0.30 * far)
        cv2.rectangle(image, (min(x, x2), max(top, 0)), (max(x, x2), foot), (shade + 10, shade + 4, shade), -1)
        pane = max(2, int(width * (0.004 + 0.016 * far)))
        for wx in range(min(x, x2) + pane, max(x, x2) - pane, pane * 2 + 1):
            for wy in range(max(top, 0) + pane, foot - pane * 3, pane * 2 + 1):
                if chance.random() < 0.33:
                    glow = chance.randint(90, 190)
                    cv2.rectangle(image, (wx, wy), (wx + pane, wy + pane), (glow // 2, int(glow * 0.82), glow), -1)
        x = x2 + side * max(1, int(width * 0.01))


def _lamps(image: np.ndarray, middle: int, horizon: int, left: int, right: int, glow: tuple[int, int, int]) -> None:
    height, width = image.shape[:2]
    for edge in (left, right):
        for near in (0.16, 0.3, 0.52):
            x, y = int(middle + (edge - middle) * near), int(horizon + (height - horizon) * near)
            top = y - int(height * 0.55 * near) - 4
            cv2.line(image, (x, y), (x, top), (74, 74, 74), max(1, int(width * near / 90)), cv2.LINE_AA)
            cv2.circle(image, (x, top), max(2, int(width * near / 34)), glow, -1, cv2.LINE_AA)


def _flood(image: np.ndarray, subject: str, wet: float, seconds: int) -> None:
    """Water mirrors what stands above it: the deeper, the more of the road and the clearer; ripples move."""
    height, width = image.shape[:2]
    horizon = int(height * _HORIZON)
    shore = int(height - (height - horizon) * (0.25 + 0.7 * wet))
    rows = np.arange(shore, height)
    depth = (rows - shore) / max(1, height - shore)
    source = np.clip(shore - (rows - shore) * 0.9, 0, height - 1).astype(int)
    ripple = (np.sin(rows * 0.9 + seconds * 1.7) * (1 + 3 * depth) * width / 480).astype(int)
    columns = (np.arange(width)[None, :] + ripple[:, None]) % width
    mirror = image[source[:, None], columns].astype(np.float32)
    mirror = mirror * 0.8 + np.array((34, 26, 14), np.float32)
    share = ((0.25 + 0.55 * wet) * (0.55 + 0.45 * depth))[:, None, None]
    image[shore:] = (image[shore:] * (1 - share) + mirror * share).astype(np.uint8)
    chance = random.Random(f"{subject}:{seconds // 5}")
    for _ in range(int(4 + 22 * wet)):
        y = chance.randint(shore, height - 1)
        size = max(1, int(width * 0.02 * (y - horizon) / (height - horizon)))
        cv2.ellipse(image, (chance.randint(0, width), y), (size, max(1, size // 3)), 0, 0, 360, (150, 140, 120), 1, cv2.LINE_AA)


def car_places(subject: str, width: int, height: int, seconds: float, wet: float) -> list[tuple[int, int, int, bool]]:
    """(x, y of the wheels, half width, going away) of each car, farthest first. Head lights come, tail lights go; hardly
    any where the water stands deep."""
    horizon = int(height * _HORIZON)
    chance = random.Random(f"{subject}:cars")
    middle, left, right = _road(subject, width)
    cars = []
    for number in range(int(7 - 6 * wet)):
        going, pace, start = chance.random() < 0.5, chance.uniform(0.035, 0.09), chance.random()
        share = (start + seconds * pace * (1 - 0.6 * wet)) % 1.0
        near = (share if not going else 1 - share) ** 2.2
        lane = (0.64 if going else 0.14) + 0.2 * (number % 2)  # share of the road's width, from its left edge
        x = middle + (left + (right - left) * lane - middle) * (0.04 + 0.94 * near)
        cars.append((near, int(x), int(horizon + (height - horizon) * (0.04 + 0.9 * near)), going))
    return [(x, y, int(width * (0.006 + 0.085 * near)), going) for near, x, y, going in sorted(cars)]


def _car(image: np.ndarray, x: int, y: int, size: int, going: bool) -> None:
    body = (38, 34, 32) if going else (46, 40, 36)
    cv2.rectangle(image, (x - size, y - int(size * 1.1)), (x + size, y), body, -1)
    cv2.rectangle(
        image, (x - int(size * 0.75), y - int(size * 1.5)), (x + int(size * 0.75), y - int(size * 0.9)), (26, 22, 20), -1
    )
    light = (60, 60, 230) if going else (225, 245, 255)
    for dx in (-0.7, 0.7):
        cv2.circle(image, (x + int(dx * size), y - size // 2), max(1, size // 4), light, -1, cv2.LINE_AA)


def _rain(image: np.ndarray, subject: str, wet: float, seconds: int) -> None:
    height, width = image.shape[:2]
    chance = random.Random(f"{subject}:{seconds}:rain")
    length = max(4, height // 22)
    for _ in range(int(20 + 130 * wet)):
        x, y = chance.randint(0, width), chance.randint(0, height)
        cv2.line(image, (x, y), (x - length // 3, y + length), (128, 122, 116), 1, cv2.LINE_AA)


@lru_cache(maxsize=1)
def _face():
    return cv2.FontFace("sans")  # has Chinese, unlike the older drawn fonts


def write(image: np.ndarray, text: str, x: int, y: int, size: int, colour: tuple[int, int, int], weight: int = 500) -> None:
    cv2.putText(image, text, (x + 1, y + 1), (0, 0, 0), _face(), size, weight)
    cv2.putText(image, text, (x, y), colour, _face(), size, weight)


def _captions(image: np.ndarray, name: str, depth: float | None) -> None:
    """The name as cameras burn it in, and the mark that this is drawn."""
    height, width = image.shape[:2]
    size = caption_size(height)
    write(image, name[:40], size // 2, int(size * 2.6), size, (235, 235, 235))
    top, foot = mark_rows(height)
    band = image[top:foot]
    band[:] = (band * 0.45).astype(np.uint8)
    big = int(size * 1.5)
    write(image, MARK, int(width / 2 - big * 4.15), top + int(size * 1.6), big, (245, 245, 245), 700)
    if depth is not None and depth >= 0.02:
        text = f"{depth * 100:.0f} cm"
        write(image, text, width - int(size * (0.62 * len(text) + 0.6)), int(size * 1.3), size, (235, 235, 235))
