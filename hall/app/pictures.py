"""What becomes of an uploaded photo: decoded for real, turned upright, written anew without anything but its pixels.

Whatever was hidden in the file (scripts, a second format, a thumbnail of what was cut off, where somebody lives) is gone;
position and time of taking are read out first and told to the uploader. Blocking: call it in a thread.
"""

from __future__ import annotations

import datetime
import io
import math
import warnings
from typing import Any

import msgspec
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from hall.core.errors import Refused

#: kinds taken, as Pillow calls them -> what they are stored as
KINDS = {"JPEG": ("JPEG", "image/jpeg", "jpg"), "PNG": ("PNG", "image/png", "png"), "WEBP": ("WEBP", "image/webp", "webp")}
MOST_PIXELS = 40_000_000
LONGEST_SIDE = 12_000
#: a longer side is scaled down to this: more is not seen on any screen of the hall
STORED_SIDE = 4096
_NAMED = {
    b"GIF8": "GIF", b"%PDF": "PDF", b"<svg": "SVG", b"<?xm": "XML or SVG", b"<htm": "HTML", b"<!do": "HTML",
    b"PK\x03\x04": "ZIP", b"II*\x00": "TIFF", b"MM\x00*": "TIFF", b"BM": "BMP",
}  # fmt: skip
#: what Pillow raises on files that are not what they say
_DAMAGED = (OSError, ValueError, SyntaxError, EOFError, OverflowError, MemoryError, IndexError, TypeError, KeyError)


class Picture(msgspec.Struct):
    """A photo as it is stored, and what its file told of where and when it was taken (`taken` as the camera wrote it)."""

    body: bytes
    type: str
    suffix: str
    width: int
    height: int
    lon: float | None = None
    lat: float | None = None
    taken: str = ""


def read(body: bytes) -> Picture:
    """Raises Refused `not-a-picture` (415) or `picture-too-large` (413)."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(body), formats=list(KINDS)) as image:
                return _stored(image)
    except UnidentifiedImageError:
        raise Refused("not-a-picture", f"JPEG, PNG or WebP, not {_named(body)}", 415) from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _too_large() from None
    except _DAMAGED as error:
        raise Refused("not-a-picture", f"the picture is damaged: {str(error)[:120]}", 415) from None


def _stored(image: Image.Image) -> Picture:
    if image.width * image.height > MOST_PIXELS or max(image.size) > LONGEST_SIDE:
        raise _too_large()
    kind, media_type, suffix = KINDS[image.format or ""]
    found = _told(image)
    image.load()
    upright = ImageOps.exif_transpose(image)
    mode = "RGBA" if kind != "JPEG" and upright.has_transparency_data else "RGB"
    pixels = Image.new(mode, upright.size)
    pixels.paste(upright.convert(mode))  # onto a new canvas: what a file carries beside its pixels stays behind
    pixels.thumbnail((STORED_SIDE, STORED_SIDE))
    out = io.BytesIO()
    pixels.save(out, kind, **({"optimize": False} if kind == "PNG" else {"quality": 88}))
    return Picture(out.getvalue(), media_type, suffix, *pixels.size, **found)


def _too_large() -> Refused:
    return Refused("picture-too-large", f"at most {MOST_PIXELS // 1_000_000} megapixels, {LONGEST_SIDE} on a side", 413)


def _named(body: bytes) -> str:
    start = body.lstrip(b"\xef\xbb\xbf \r\n\t")[:4]
    if body[4:8] == b"ftyp":
        return "HEIC, AVIF or a video"
    lowered = start.lower()
    return next(
        (name for magic, name in _NAMED.items() if start.startswith(magic) or lowered.startswith(magic.lower())), "this"
    )


def _told(image: Image.Image) -> dict[str, Any]:
    """Position (WGS-84 degrees) and time of taking, of the EXIF block; what cannot be read is not told."""
    found: dict[str, Any] = {}
    try:
        exif = image.getexif()
        place = exif.get_ifd(ExifTags.IFD.GPSInfo)
        detail = exif.get_ifd(ExifTags.IFD.Exif)
        lat = _degrees(place.get(ExifTags.GPS.GPSLatitude), place.get(ExifTags.GPS.GPSLatitudeRef), 90)
        lon = _degrees(place.get(ExifTags.GPS.GPSLongitude), place.get(ExifTags.GPS.GPSLongitudeRef), 180)
        if lat is not None and lon is not None:
            found |= {"lon": lon, "lat": lat}
        taken = str(detail.get(ExifTags.Base.DateTimeOriginal) or exif.get(ExifTags.Base.DateTime) or "")
        if taken:
            date, _, clock = taken.strip("\0 ").partition(" ")
            offset = str(detail.get(ExifTags.Base.OffsetTimeOriginal) or "").strip("\0 ")
            found["taken"] = datetime.datetime.fromisoformat(f"{date.replace(':', '-')}T{clock[:8]}{offset}").isoformat()
    except (*_DAMAGED, ZeroDivisionError, AttributeError):
        pass  # a camera's odd notes are no reason to refuse its picture
    return found


def _degrees(parts: Any, ref: Any, bound: int) -> float | None:
    if not parts or len(parts) != 3:
        return None
    degrees, minutes, seconds = (float(part) for part in parts)
    value = degrees + minutes / 60 + seconds / 3600
    value = -value if str(ref).strip("\0 ").upper() in ("S", "W") else value
    return round(value, 7) if math.isfinite(value) and abs(value) <= bound else None
