"""Coded clips for fake cameras: every picture carries its own number, readable by people and off a canvas.

The number of a picture is its place in the loop. A fake camera sends picture k of the world's clock at wall time k / fps, so
`latency(number, now, clip)` is how old a picture is on the glass. Nothing here comes from the product's own bitstream code.
"""

from __future__ import annotations

import functools
import hashlib
import os
import re
import tempfile
from fractions import Fraction
from pathlib import Path

import av
import cv2
import msgspec
import numpy as np

BITS = 16
CELLS = BITS + 4  # white, black, the bits from the highest, even parity, white


class Picture(msgspec.Struct, frozen=True, array_like=True):
    """One coded picture: `nals` without start codes and without parameter sets; `shows` is its place in display order."""

    nals: tuple[bytes, ...]
    key: bool
    shows: int


class Clip(msgspec.Struct, frozen=True, kw_only=True):
    """A loop that starts with a key picture. `pictures` in decoding order; `sets` are the parameter sets."""

    family: str
    width: int
    height: int
    fps: float
    sets: tuple[bytes, ...]
    pictures: tuple[Picture, ...]

    @property
    def seconds(self) -> float:
        return len(self.pictures) / self.fps

    @property
    def delay(self) -> int:
        """By how many pictures the coder holds back because it reorders."""
        return max(p.shows - i for i, p in enumerate(self.pictures))

    def annexb(self, place: int, sets: bool | None = None) -> bytes:
        """Picture `place` with start codes; with parameter sets when it is a key picture (or as `sets` says)."""
        picture = self.pictures[place]
        head = self.sets if (picture.key if sets is None else sets) else ()
        return b"".join(b"\0\0\0\1" + nal for nal in (*head, *picture.nals))


class Recipe(msgspec.Struct, frozen=True, kw_only=True):
    """What to make. `profile` baseline|main|high; `bframes` need main or high; `noise` 0-60 makes pictures costly."""

    family: str = "h264"
    width: int = 640
    height: int = 360
    fps: int = 25
    seconds: float = 4
    gop: int = 25
    profile: str = "baseline"
    bframes: int = 0
    slices: int = 1
    kbit_s: int = 800
    noise: int = 12


def draw(number: int, width: int, height: int, noise: int = 12, seed: int = 7) -> np.ndarray:
    """The BGR picture of `number`: something that moves, digits, and the number as a row of blocks at the top left."""
    y, x = np.ogrid[0:height, 0:width]
    image = np.empty((height, width, 3), np.uint8)
    for c, speed in enumerate((3, 5, 2)):
        image[:, :, c] = 64 + ((x * (c + 1) // 4 + y // 3 + number * speed) % 128)
    if noise:
        grain = np.random.default_rng(seed + number % 8).integers(0, noise, (height // 4 + 1, width // 4 + 1, 1), np.uint8)
        image += grain.repeat(4, 0).repeat(4, 1)[:height, :width]
    at = (number * 7) % max(1, width - height // 4)
    cv2.rectangle(image, (at, height // 2), (at + height // 4, height * 3 // 4), (30, 200, 250), -1)
    scale = height / 180
    cv2.putText(
        image,
        f"{number:05d}",
        (height // 20, height - height // 12),
        cv2.FONT_HERSHEY_SIMPLEX,
        scale,
        (0, 0, 0),
        int(scale * 5) + 2,
    )
    cv2.putText(
        image,
        f"{number:05d}",
        (height // 20, height - height // 12),
        cv2.FONT_HERSHEY_SIMPLEX,
        scale,
        (255, 255, 255),
        int(scale * 2) + 1,
    )
    bits = [number >> (BITS - 1 - i) & 1 for i in range(BITS)]
    edge = cell(width)
    for i, bit in enumerate([1, 0, *bits, sum(bits) & 1, 1]):
        image[0 : round(edge), round(i * edge) : round((i + 1) * edge)] = 235 if bit else 20
    return image


def read_number(image: np.ndarray) -> int | None:
    """The number of a decoded picture (grey, BGR or RGB), at any size it was scaled to; None when it cannot be read."""
    grey = image if image.ndim == 2 else image.mean(axis=2)
    edge = cell(grey.shape[1])
    seen = [float(grey[int(edge / 2), int((i + 0.5) * edge)]) for i in range(CELLS)]
    if seen[0] - seen[1] < 90 or seen[-1] - seen[1] < 90:
        return None
    bits = [int(v > (seen[0] + seen[1]) / 2) for v in seen]
    if sum(bits[2 : 3 + BITS]) & 1:
        return None
    return int("".join(map(str, bits[2 : 2 + BITS])), 2)


PLAIN = Recipe()


def cell(width: int) -> float:
    """Edge in pixels of one block of the number in a picture this wide."""
    return width / (CELLS + 4)


#: JavaScript: `readNumber(context2d, x, y, width)` of the picture painted at x, y, that wide; null when it cannot be read.
READ_JS = """
function readNumber(ctx, x, y, width) {
  const cells = CELLS, bits = BITS, edge = width / (cells + 4);
  const row = ctx.getImageData(x, y + Math.floor(edge / 2), Math.ceil(edge * cells), 1).data;
  const seen = [];
  for (let i = 0; i < cells; i++) { const p = 4 * Math.floor((i + 0.5) * edge); seen.push((row[p] + row[p+1] + row[p+2]) / 3); }
  if (seen[0] - seen[1] < 90 || seen[cells-1] - seen[1] < 90) return null;
  let number = 0, ones = 0;
  for (let i = 2; i < 3 + bits; i++) {
    const bit = seen[i] > (seen[0] + seen[1]) / 2 ? 1 : 0;
    ones += bit; if (i < 2 + bits) number = number * 2 + bit;
  }
  return ones % 2 ? null : number;
}
""".replace("CELLS", str(CELLS)).replace("BITS", str(BITS))


def latency(number: int, now: float, clip: Clip) -> float:
    """Seconds since picture `number` was due at the camera; `now` wall seconds. Right below half a loop of the clip."""
    age = (now - number / clip.fps) % clip.seconds
    return age if age < clip.seconds / 2 else age - clip.seconds


def split(annexb: bytes) -> list[bytes]:
    """NAL units of a byte stream, the plain way."""
    return [n.rstrip(b"\0") for n in re.split(rb"\x00\x00\x01", annexb)[1:] if n.rstrip(b"\0")]


def is_set(nal: bytes, family: str) -> bool:
    return nal[0] & 31 in (7, 8) if family == "h264" else nal[0] >> 1 & 63 in (32, 33, 34)


def _is_skipped(nal: bytes, family: str) -> bool:
    return nal[0] & 31 == 9 if family == "h264" else nal[0] >> 1 & 63 == 35  # access unit delimiters


def _coder(recipe: Recipe) -> av.CodecContext:
    h264 = recipe.family == "h264"
    coder = av.CodecContext.create("libx264" if h264 else "libx265", "w")
    coder.width, coder.height, coder.pix_fmt = recipe.width, recipe.height, "yuv420p"
    coder.framerate, coder.time_base, coder.bit_rate = recipe.fps, Fraction(1, recipe.fps), recipe.kbit_s * 1000
    common = f"keyint={recipe.gop}:min-keyint={recipe.gop}:scenecut=0:bframes={recipe.bframes}:repeat-headers=1:b-adapt=0"
    coder.thread_count = 1
    if h264:
        more = f":slices={recipe.slices}:sliced-threads=0:open-gop=0:rc-lookahead=0:vbv-maxrate={recipe.kbit_s}:vbv-bufsize={recipe.kbit_s // 2}"
        coder.options = {"preset": "veryfast", "profile": recipe.profile, "x264-params": common + more}
    else:
        coder.options = {"preset": "ultrafast", "x265-params": common + ":open-gop=0:log-level=none:pools=1:frame-threads=1"}
    return coder


def _made(recipe: Recipe) -> Clip:
    coder, packets = _coder(recipe), []
    count = max(1, round(recipe.seconds * recipe.fps / recipe.gop)) * recipe.gop
    for number in range(count):
        frame = av.VideoFrame.from_ndarray(draw(number, recipe.width, recipe.height, recipe.noise), format="bgr24")
        frame.pts = number
        packets += coder.encode(frame)
    packets += coder.encode(None)
    return _clip(packets, recipe.family, recipe.width, recipe.height, recipe.fps, lambda p: p.pts)


def _clip(packets, family, width, height, fps, place) -> Clip:
    sets: dict[bytes, None] = {}
    pictures = []
    for packet in packets:
        nals = [n for n in split(bytes(packet)) if not _is_skipped(n, family)]
        sets.update(dict.fromkeys(n for n in nals if is_set(n, family)))
        pictures.append(Picture(tuple(n for n in nals if not is_set(n, family)), bool(packet.is_keyframe), place(packet)))
    return Clip(family=family, width=width, height=height, fps=float(fps), sets=tuple(sets), pictures=tuple(pictures))


def _folder() -> Path:
    folder = Path(tempfile.gettempdir()) / f"hall-test-clips-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


@functools.cache
def make(recipe: Recipe = PLAIN) -> Clip:
    """The clip of `recipe`: made once per machine, then read from a temporary folder (named by recipe and this file)."""
    key = hashlib.sha256(msgspec.json.encode(recipe) + Path(__file__).read_bytes()).hexdigest()[:32]
    path = _folder() / f"{key}.clip"
    if path.exists():
        return msgspec.msgpack.decode(path.read_bytes(), type=Clip)
    clip = _made(recipe)
    draft = path.with_suffix(f".{os.getpid()}")
    draft.write_bytes(msgspec.msgpack.encode(clip))
    draft.replace(path)
    return clip


@functools.cache
def from_file(path: Path, family: str = "h264") -> Clip:
    """A real H.264/H.265 file as a clip, nothing re-encoded; `fps` is its average. It carries no number."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        convert = av.BitStreamFilterContext(f"{'h264' if family == 'h264' else 'hevc'}_mp4toannexb", stream)
        packets = [out for p in container.demux(stream) if p.size for out in convert.filter(p)]
        packets += convert.filter(None)
        order = {pts: i for i, pts in enumerate(sorted(p.pts for p in packets))}
        rate = float(stream.average_rate)
        return _clip(packets, family, stream.width, stream.height, rate, lambda p: order[p.pts])
