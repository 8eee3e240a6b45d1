"""The clock that a camera burns into its picture, read by matching digits: is it right? Honest: what cannot be read is None.

The region is drawn once per channel (`[video] health.clocks`). Digits are found as groups of bright (or dark) strokes, brought
to one size and compared with templates drawn in several typefaces. A reading counts only when all fourteen digits of a date and
time are clear and make one; the time of day is compared: clocks are wrong by minutes or by hours.
"""

from __future__ import annotations

import re
from functools import lru_cache

import cv2
import numpy as np

_SIZE = (16, 24)  # of a digit when compared, pixels
_CLEAR = 0.5  # least correlation with the best template
_APART = 0.03  # ... and least distance to the best of another digit
_ALONE = 0.3  # ... where its holes leave one digit only
_FAINT = 40  # levels that a stroke must stand out by
_SHADES = 70  # ... and may be darker than the brightest ones: coding softens thin strokes
_DAY = 86_400
_CITY_HOURS = 8  # cameras in China show Beijing time, whatever the hall's machine is set to
_TIME = re.compile(r"(?:20\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01]))([01]\d|2[0-3])([0-5]\d)([0-5]\d)$")


def seconds_off(luma: np.ndarray, region: tuple[float, float, float, float], city_ms: int) -> float | None:
    """How far the burnt-in clock is ahead of city time, seconds, -43,200 to 43,200; None when it cannot be read."""
    read = time_of_day(cut(luma, region))
    if read is None:
        return None
    now = (city_ms / 1000 + _CITY_HOURS * 3600) % _DAY
    return (read - now + _DAY / 2) % _DAY - _DAY / 2


def cut(luma: np.ndarray, region: tuple[float, float, float, float]) -> np.ndarray:
    """The region (shares `x, y, width, height`) of a picture."""
    height, width = luma.shape
    x, y, w, h = region
    return luma[round(y * height) : round((y + h) * height), round(x * width) : round((x + w) * width)]


def time_of_day(image: np.ndarray) -> int | None:
    """Seconds since midnight that stand in the picture of a clock; bright or dark figures."""
    if min(image.shape) < 8:
        return None
    for strokes in _strokes(image):
        text = "".join(digit for digit in (_digit(part) for part in _figures(strokes)) if digit is not None)
        if found := _TIME.fullmatch(text):
            hours, minutes, seconds = map(int, found.groups())
            return hours * 3600 + minutes * 60 + seconds
    return None


def _strokes(image: np.ndarray) -> list[np.ndarray]:
    """The picture as figures (255) on ground (0), enlarged: bright figures first, then dark ones."""
    scale = max(1.0, 48 / image.shape[0])
    large = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    # wider than a stroke and narrower than a figure: what is left are strokes, whatever lies behind them
    element = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (_odd(large.shape[0] / 4.5),) * 2)
    found = []
    for pixels in (large, 255 - large):
        lifted = cv2.morphologyEx(pixels, cv2.MORPH_TOPHAT, element)
        sample = pixels[lifted > _FAINT]
        figures = float(np.percentile(sample, 97)) if sample.size else 255.0  # all of one brightness, the greatest there is
        found.append((((lifted > _FAINT) & (pixels > figures - _SHADES)) * 255).astype(np.uint8))
    return found


def _odd(number: float) -> int:
    return max(5, round(number) // 2 * 2 + 1)


def _figures(strokes: np.ndarray) -> list[np.ndarray]:
    """Pieces that are as high as the figures of this line are, from left to right; colons and dashes fall out."""
    count, _, boxes, _ = cv2.connectedComponentsWithStats(strokes, connectivity=8)
    rows = [box for box in boxes[1:] if box[3] >= 10 and 0.12 < box[2] / box[3] < 1.1]
    if not rows:
        return []
    height = sorted(box[3] for box in rows)[len(rows) // 2]
    middle = sorted(box[1] + box[3] / 2 for box in rows)[len(rows) // 2]
    found = [b for b in rows if 0.8 < b[3] / height < 1.25 and abs(b[1] + b[3] / 2 - middle) < 0.3 * height]
    return [strokes[y : y + h, x : x + w] for x, y, w, h, _ in sorted(found, key=lambda box: box[0])]


def _digit(part: np.ndarray) -> str | None:
    """The digit, or None for what is none or not clear: then the whole line does not parse, which is right."""
    seen, possible = _normal(part), _by_holes(part)
    best: dict[str, float] = {}
    for digit, template in _templates():
        if digit in possible:
            best[digit] = max(best.get(digit, -1.0), float((seen * template).sum()))
    (first, high), (_, second) = sorted([*best.items(), ("", -1.0), ("", -1.0)], key=lambda item: -item[1])[:2]
    if len(best) == 1:
        return first if high >= _ALONE else None
    return first if high >= _CLEAR and high - second >= _APART else None


def _by_holes(part: np.ndarray) -> str:
    """Which digits have as many holes, and there: 8 has two, one above the other, a zero with a stroke through it two beside
    each other; 6 has one below, 9 and 4 above, 0 in the middle."""
    padded = cv2.copyMakeBorder(part, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    _, _, boxes, centres = cv2.connectedComponentsWithStats(255 - padded, connectivity=4)
    least = max(3, part.size // 80)
    kept = zip(boxes[1:], centres[1:], strict=True)
    holes = [centre[1] / padded.shape[0] for box, centre in kept if _inside(box, padded, least)]
    if len(holes) == 2:
        return "8" if abs(holes[0] - holes[1]) > 0.36 else "0"
    if len(holes) == 1:
        return "6" if holes[0] > 0.56 else "94" if holes[0] < 0.46 else "04"
    return "123457" if not holes else ""


def _inside(box: np.ndarray, padded: np.ndarray, least: int) -> bool:
    x, y, w, h, area = box
    return area >= least and x > 0 and y > 0 and x + w < padded.shape[1] and y + h < padded.shape[0]


def _normal(part: np.ndarray) -> np.ndarray:
    """Brought to one height, and to one width where it is not narrow (1); without mean, of length 1."""
    height, width = part.shape
    wide = _SIZE[0] if width > 0.42 * height else max(2, round(width * _SIZE[1] / height))
    canvas = np.zeros(_SIZE[::-1], np.float32)
    at = (_SIZE[0] - wide) // 2
    canvas[:, at : at + wide] = cv2.resize(part, (wide, _SIZE[1]), interpolation=cv2.INTER_AREA)
    canvas = cv2.GaussianBlur(canvas, (3, 3), 0)
    canvas -= canvas.mean()
    return canvas / max(float(np.linalg.norm(canvas)), 1e-6)


@lru_cache(maxsize=1)
def _templates() -> list[tuple[str, np.ndarray]]:
    """Digits in the typefaces that come with the vision library: outlined and drawn with a pen, in three weights."""
    found = []
    for digit in "0123456789":
        for weight in (300, 500, 800):
            canvas = np.zeros((90, 90, 3), np.uint8)
            cv2.putText(canvas, digit, (20, 70), (255, 255, 255), cv2.FontFace("sans"), 60, weight)
            found.append((digit, _normal(_tight(canvas[:, :, 0]))))
        for face in (cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_COMPLEX, cv2.FONT_HERSHEY_PLAIN):
            for pen in (4, 8):
                canvas = np.zeros((90, 90), np.uint8)
                size = 4.5 if face == cv2.FONT_HERSHEY_PLAIN else 2.2
                cv2.putText(canvas, digit, (20, 70), face, size, 255, pen, cv2.LINE_AA)
                found.append((digit, _normal(_tight(canvas))))
    return found


def _tight(canvas: np.ndarray) -> np.ndarray:
    x, y, w, h = cv2.boundingRect((canvas > 60).astype(np.uint8))
    return canvas[y : y + h, x : x + w]
