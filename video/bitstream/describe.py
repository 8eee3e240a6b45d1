"""From parameter sets to what is told about a stream."""

from __future__ import annotations

from collections.abc import Iterable

from hall.core.errors import BadInput
from video.bitstream import h264, h265
from video.bitstream.nal import H264, SETS, kind, split
from video.media import StreamInfo


def describe(
    family: str, sets: Iterable[bytes], *, fps: float | None = None, reorders: bool = False, converted: str = ""
) -> StreamInfo:
    """The stream that these parameter sets (NAL units; the last of a kind counts) begin; `fps` and `reorders` are what is known
    from elsewhere. Raises BadInput where the sets do not suffice or cannot be read."""
    kept = tuple(sorted(dict.fromkeys(sets), key=lambda unit: kind(unit, family)))
    have = {kind(unit, family): unit for unit in kept}
    if missing := [number for number in SETS[family][-2:] if number not in have]:
        raise BadInput("parameter-set-missing", f"{family}: no NAL unit of type {missing[0]}")
    if family == H264:
        sps = h264.parse_sps(have[7])
        told, reorder = sps.fps, sps.reorder_frames
    else:
        sps = h265.parse_sps(have[33])
        told, reorder = _vps_fps(have.get(32)), sps.reorder_frames
    return StreamInfo(
        family=family, codec=sps.codec, width=sps.width, height=sps.height, fps=told or fps,
        reorders=reorders or bool(reorder), parameter_sets=kept, converted=converted,
    )  # fmt: skip


def parameter_sets_of(annexb: bytes, family: str) -> tuple[bytes, ...]:
    """The parameter sets in a byte stream, as NAL units without start codes."""
    return tuple(dict.fromkeys(unit for unit in split(annexb) if kind(unit, family) in SETS[family]))


def _vps_fps(unit: bytes | None) -> float | None:
    """Cameras' VPS extensions are often cut short: then they say nothing."""
    try:
        return h265.vps_fps(unit) if unit else None
    except BadInput:
        return None
