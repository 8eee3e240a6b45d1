"""Offer and answer of WebRTC (RFC 8829) for a picture that only goes out: what a player can take, chosen and said back."""

from __future__ import annotations

from typing import Any

import msgspec
from aiortc.rtcdtlstransport import X509_DIGEST_ALGORITHMS, RTCDtlsFingerprint
from aiortc.sdp import MediaDescription, SessionDescription

from hall.core.errors import Refused
from video.media import StreamInfo

PLAYOUT_DELAY = "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay"
LARGEST_OFFER = 64 * 1024  # bytes
_MIME = {"h264": "video/h264", "h265": "video/h265"}
_LARGEST_EXTENSION_ID = 14  # one-byte header form (RFC 8285); 15 is reserved


class Candidate(msgspec.Struct, frozen=True):
    """Where the hall can be reached by UDP."""

    host: str
    port: int


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """What was agreed with one player. `rtx` is the payload type of resent packets, None: they are sent as they were."""

    family: str  # h264 | h265
    payload_type: int
    rtx: int | None
    playout_id: int | None  # id of the playout-delay header extension
    codec: str  # rtpmap, as offered
    fmtp: str
    mid: str
    media: int  # which of the offer's media
    nack: bool
    active: bool  # the hall opens DTLS; else the player does
    ufrag: str  # the player's
    fingerprints: tuple[RTCDtlsFingerprint, ...]


def read(text: str) -> SessionDescription:
    """The offer; raises Refused 400 for what is none."""
    if len(text) > LARGEST_OFFER:
        raise Refused("offer-too-large", f"an offer of more than {LARGEST_OFFER} characters", 413)
    try:
        offer = SessionDescription.parse(text)
    except Exception as error:  # aiortc's parser asserts and indexes: whatever it raises, the text is at fault
        raise Refused("offer-bad", f"this is no SDP offer: {type(error).__name__}", 400) from None
    if not offer.media:
        raise Refused("offer-bad", "the offer has no media", 400)
    return offer


def choose(offer: SessionDescription, info: StreamInfo | None) -> Choice:
    """What to send of the first video that wants some. `info` None: not known yet, H.264 is supposed.

    Raises Refused 406 with a reason: `codec`, `reorders`, `no-video`; 400 for an offer that lacks what WebRTC needs.
    """
    if info is not None:
        check(info)
    index = next((i for i, media in enumerate(offer.media) if _wants(media)), None)
    if index is None:
        raise Refused("no-video", "the offer has no video to receive (a=recvonly)", 406)
    media = offer.media[index]
    fingerprints = tuple(media.dtls.fingerprints) if media.dtls else ()
    if not media.ice or not media.ice.usernameFragment or not media.ice.password:
        raise Refused("offer-bad", "the offer has no ICE user name and password", 400)
    if media.ice.iceLite:
        raise Refused("ice-lite", "both sides cannot be ICE-lite: the hall is", 406)
    if not any(print_.algorithm.lower() in X509_DIGEST_ALGORITHMS for print_ in fingerprints):
        raise Refused("offer-bad", "the offer has no DTLS fingerprint of a known kind", 400)
    codec = _codec(media, info)
    return Choice(
        family=codec.mimeType.partition("/")[2].lower(),
        payload_type=codec.payloadType,
        rtx=next((c.payloadType for c in media.rtp.codecs if _resends(c, codec.payloadType)), None),
        playout_id=next((x.id for x in media.rtp.headerExtensions if x.uri == PLAYOUT_DELAY and _usable(x.id)), None),
        codec=f"{codec.mimeType.partition('/')[2]}/{codec.clockRate}",
        fmtp=";".join(f"{name}={value}" if value is not None else name for name, value in codec.parameters.items()),
        mid=_token(media.rtp.muxId),
        media=index,
        nack=any(fb.type == "nack" and not fb.parameter for fb in codec.rtcpFeedback),
        active=media.dtls.role == "server",
        ufrag=media.ice.usernameFragment,
        fingerprints=fingerprints,
    )


def check(info: StreamInfo, family: str = "") -> None:
    """Raises Refused 406 when WebRTC cannot show this stream whatever the player offers, or not in the `family` agreed on."""
    if info.family not in _MIME or (family and info.family != family):
        raise Refused("codec", f"{info.family} pictures do not go over WebRTC; use the video socket", 406)
    if info.reorders:
        raise Refused("reorders", "this camera sends B-frames, which WebRTC cannot show; use the video socket (WebCodecs)", 406)


def _wants(media: MediaDescription) -> bool:
    return media.kind == "video" and media.port != 0 and media.direction in ("recvonly", "sendrecv", None)


def _usable(number: int) -> bool:
    return 1 <= number <= _LARGEST_EXTENSION_ID


def _resends(codec: Any, of: int) -> bool:
    return codec.mimeType.lower() == "video/rtx" and codec.parameters.get("apt") == of


def _token(text: str | None) -> str:
    """A mid as it may stand in an answer (RFC 4566 token); the parser took the rest of its line, None where there was none."""
    text = text or ""
    if len(text) > 32 or not text.isascii() or not text.isprintable() or " " in text:
        raise Refused("offer-bad", "a media's mid is no token", 400)
    return text


def _takes(codec: Any, family: str) -> bool:
    """Whether this is the family; of H.264 only the form that may be split over packets (packetization-mode 1)."""
    whole = family == "h264" and str(codec.parameters.get("packetization-mode", "0")) != "1"
    return codec.mimeType.lower() == _MIME[family] and codec.clockRate == 90_000 and not whole


def _codec(media: MediaDescription, info: StreamInfo | None) -> Any:
    """The offered codec that fits best: of H.264 that may be split (packetization-mode 1) the source's own profile, else
    the plainest; decoders go by the pictures' own parameter sets, so that High without B-frames plays under it."""
    families = (info.family,) if info else tuple(_MIME)
    fits = [codec for family in families for codec in media.rtp.codecs if _takes(codec, family)]
    if not fits:
        raise Refused("codec", f"this player takes no {' or '.join(families)} over WebRTC; use the video socket", 406)
    profile = info.codec.removeprefix("avc1.").lower() if info and info.family == "h264" else ""

    def distance(codec: Any) -> int:
        offered = str(codec.parameters.get("profile-level-id", "42e01f")).lower()
        if profile and offered[:4] == profile[:4]:
            return 0
        if profile and offered[:2] == profile[:2]:
            return 1
        return (2 if offered.startswith("42e0") else 3) + 2 * (codec.mimeType.lower() == _MIME["h265"])

    return min(fits, key=distance)


def answer(
    offer: SessionDescription,
    choice: Choice,
    *,
    session: int,
    ssrc: int,
    ufrag: str,
    password: str,
    fingerprint: str,
    candidates: list[Candidate],
) -> str:
    """The answer's text: one video going out, everything else refused, the hall ICE-lite and reachable at `candidates`."""
    lines = [
        "v=0", f"o=- {session} 1 IN IP4 127.0.0.1", "s=-", "t=0 0", f"a=group:BUNDLE {choice.mid}".rstrip(),
        "a=ice-lite", "a=msid-semantic: WMS hall",
    ]  # fmt: skip
    for index, media in enumerate(offer.media):
        if index == choice.media:
            lines += _accepted(choice, ssrc, candidates)
            lines += [f"a=ice-ufrag:{ufrag}", f"a=ice-pwd:{password}", f"a=fingerprint:sha-256 {fingerprint}"]
            lines.append("a=setup:active" if choice.active else "a=setup:passive")
        else:
            lines += [f"m={media.kind} 0 {media.profile} {' '.join(map(str, media.fmt))}", "c=IN IP4 0.0.0.0", "a=inactive"]
            lines += [f"a=mid:{_token(media.rtp.muxId)}"] if media.rtp.muxId else []
    return "\r\n".join(lines) + "\r\n"


def _accepted(choice: Choice, ssrc: int, candidates: list[Candidate]) -> list[str]:
    types = [choice.payload_type] + ([choice.rtx] if choice.rtx is not None else [])
    lines = [f"m=video 9 UDP/TLS/RTP/SAVPF {' '.join(map(str, types))}", "c=IN IP4 0.0.0.0", "a=rtcp:9 IN IP4 0.0.0.0"]
    lines += [f"a=mid:{choice.mid}"] if choice.mid else []
    lines += ["a=sendonly", "a=rtcp-mux", "a=rtcp-rsize", "a=msid:hall video"]
    lines += [f"a=extmap:{choice.playout_id} {PLAYOUT_DELAY}"] if choice.playout_id else []
    lines.append(f"a=rtpmap:{choice.payload_type} {choice.codec}")
    lines += [f"a=rtcp-fb:{choice.payload_type} nack"] if choice.nack else []
    lines += [f"a=rtcp-fb:{choice.payload_type} nack pli", f"a=rtcp-fb:{choice.payload_type} ccm fir"]
    lines += [f"a=fmtp:{choice.payload_type} {choice.fmtp}"] if choice.fmtp else []
    if choice.rtx is not None:
        lines += [f"a=rtpmap:{choice.rtx} rtx/90000", f"a=fmtp:{choice.rtx} apt={choice.payload_type}"]
        lines.append(f"a=ssrc-group:FID {ssrc} {ssrc + 1}")
    lines.append(f"a=ssrc:{ssrc} cname:hall")
    lines += [f"a=ssrc:{ssrc + 1} cname:hall"] if choice.rtx is not None else []
    for number, candidate in enumerate(candidates):
        # host candidates, the first preferred (RFC 8445, 5.1.2.1)
        priority = 126 << 24 | (65535 - number) << 8 | 255
        lines.append(f"a=candidate:{number + 1} 1 udp {priority} {candidate.host} {candidate.port} typ host")
    return [*lines, "a=end-of-candidates"]
