"""Session descriptions (RFC 4566, RFC 2326 appendix C): which of a camera's streams are pictures, and how to ask for them."""

from __future__ import annotations

import base64
import binascii

import msgspec

from video.bitstream.nal import H264, H265
from video.media import CLOCK_RATE, SourceFailed

MOST_LINES = 1000
_NAMES = {"H264": H264, "H265": H265, "HEVC": H265}
_SPROPS = ("sprop-parameter-sets", "sprop-vps", "sprop-sps", "sprop-pps")


class Media(msgspec.Struct):
    """One m= section. `formats`: payload types; `rtpmap`, `fmtp`: by payload type."""

    kind: str
    formats: list[str]
    rtpmap: dict[str, str] = {}
    fmtp: dict[str, str] = {}
    attributes: dict[str, str] = {}


class Video(msgspec.Struct, frozen=True):
    """The stream to play. `control` is what its section says, empty where it says nothing."""

    family: str
    payload_type: int
    rate: int
    control: str
    sets: tuple[bytes, ...]
    fps: float | None
    aggregate: str  # the session's own control


def choose(body: bytes) -> Video:
    """The first stream of H.264 pictures, else of H.265. Raises SourceFailed `codec` where there is none."""
    session, medias = parse(body)
    found = [video for media in medias if media.kind == "video" for video in _videos(media, session)]
    if not found:
        offered = {media.rtpmap.get(f, f).split("/")[0] for media in medias for f in media.formats}
        names = ", ".join(sorted(name[:20] for name in offered)) or "nothing"
        raise SourceFailed("codec", f"the camera offers no H.264 or H.265 pictures ({names[:120]})", lasting=True)
    return min(found, key=lambda video: video.family != H264)


def parse(body: bytes) -> tuple[dict[str, str], list[Media]]:
    """Attributes of the session, and its sections. Raises SourceFailed `garbled` for what is no description."""
    lines = body.decode("utf-8", "replace").splitlines()
    if len(lines) > MOST_LINES:
        raise SourceFailed("garbled", f"a session description of {len(lines)} lines")
    session: dict[str, str] = {}
    medias: list[Media] = []
    for line in lines:
        key, equals, value = line.strip().partition("=")
        if not equals:
            continue
        if key == "m":
            words = value.split()
            medias.append(Media(words[0].lower() if words else "", words[3:], {}, {}, {}))
        elif key == "a":
            _attribute(value, medias[-1] if medias else None, session)
    if not medias:
        raise SourceFailed("garbled", "the camera does not describe any stream")
    return session, medias


def _attribute(text: str, media: Media | None, session: dict[str, str]) -> None:
    name, _, value = text.partition(":")
    name, value = name.strip().lower(), value.strip()
    if media is None:
        session[name] = value
    elif name in ("rtpmap", "fmtp"):
        kind, _, rest = value.partition(" ")
        getattr(media, name)[kind] = rest.strip()
    else:
        media.attributes[name] = value


def _videos(media: Media, session: dict[str, str]) -> list[Video]:
    found = []
    for number in media.formats:
        name, _, rate = media.rtpmap.get(number, "").partition("/")
        family = _NAMES.get(name.strip().upper())
        if family and number.isascii() and number.isdigit() and len(number) < 4 and int(number) < 128:
            parameters = _parameters(media.fmtp.get(number, ""))
            _refuse_unknown_packing(parameters)
            found.append(Video(
                family, int(number), _rate(rate), media.attributes.get("control", ""), _sets(parameters),
                _fps(media.attributes.get("framerate", session.get("framerate", ""))), session.get("control", ""),
            ))  # fmt: skip
    return found


def _parameters(text: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in text.split(";"))
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def _refuse_unknown_packing(parameters: dict[str, str]) -> None:
    if parameters.get("packetization-mode") == "2" or parameters.get("sprop-max-don-diff", "0") != "0":
        raise SourceFailed("codec", "the camera interleaves its packets (decoding order numbers)", lasting=True)


def _sets(parameters: dict[str, str]) -> tuple[bytes, ...]:
    """Parameter sets; what cannot be read is left out, pictures often bring their own."""
    found = []
    for name in _SPROPS:
        for text in parameters.get(name, "").split(","):
            try:
                unit = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
            except (ValueError, binascii.Error):
                continue
            unit = unit.removeprefix(b"\0\0\0\1").removeprefix(b"\0\0\1")  # some cameras leave the start code on
            if unit:
                found.append(unit)
    return tuple(found[:16])


def _rate(text: str) -> int:
    text = text.split("/")[0].strip()
    value = int(text) if text.isascii() and text.isdigit() and len(text) < 8 else 0
    return value or CLOCK_RATE


def _fps(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0.1 <= value <= 240 else None


def control_url(base: str, control: str) -> str:
    """The address to set a stream up with. Put together as cameras mean it (appended to the base, behind its query too),
    not as RFC 3986 would."""
    if not control or control == "*":
        return base
    if control.lower().startswith(("rtsp://", "rtsps://")):
        return control
    return base + ("" if base.endswith("/") else "/") + control.removeprefix("/")
