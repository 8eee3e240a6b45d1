"""A player's offer, written by hand."""

from __future__ import annotations

PLAYOUT = "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay"
BASELINE = "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f"


def offer(way: list[str], *, rtx: bool, fmtp: str = BASELINE, codec: str = "H264", audio: bool = False) -> str:
    """To receive one video over `way` (lines of ICE and DTLS), and with `audio` one sound, which comes first."""
    lines = ["v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "t=0 0", "a=group:BUNDLE 0"]
    if audio:
        lines += [
            "m=audio 9 UDP/TLS/RTP/SAVPF 111",
            "c=IN IP4 0.0.0.0",
            "a=mid:1",
            "a=recvonly",
            "a=rtpmap:111 opus/48000/2",
            *way,
        ]
    types = "102 103" if rtx else "102"
    lines += [f"m=video 9 UDP/TLS/RTP/SAVPF {types}", "c=IN IP4 0.0.0.0", "a=mid:0", "a=recvonly", "a=rtcp-mux",
              f"a=extmap:5 {PLAYOUT}", f"a=rtpmap:102 {codec}/90000", "a=rtcp-fb:102 nack", "a=rtcp-fb:102 nack pli"]  # fmt: skip
    lines += [f"a=fmtp:102 {fmtp}"] if fmtp else []
    lines += ["a=rtpmap:103 rtx/90000", "a=fmtp:103 apt=102"] if rtx else []
    return "\r\n".join([*lines, *way]) + "\r\n"
