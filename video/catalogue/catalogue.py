"""The catalogue as it is asked: follows events, answers searches, trees and neighbourhoods as plain fields. Pure."""

from __future__ import annotations

import base64
import binascii
import uuid
from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np

from hall.core import gb28181
from hall.core.errors import Refused
from hall.core.model import Channel, FeedStatus
from video.catalogue import columns as c
from video.catalogue.index import Index, Query
from video.catalogue.scope import Scope
from video.catalogue.sector import bearing, sight
from video.catalogue.trees import Trees

#: rows of one answer
MOST_ROWS, MOST_NEAR, MOST_SOME = 500, 100, 200
#: cameras looked at for those that see a place
MOST_LOOKED_AT = 500


class _Told(msgspec.Struct):
    subject: str
    time: int
    data: msgspec.Raw = msgspec.Raw(b"null")


class Feed(msgspec.Struct, omit_defaults=True):
    """How far a supplier's states may be believed."""

    state: str
    last_seen: int | None = None


_told = msgspec.json.Decoder(_Told).decode
_channel = msgspec.json.Decoder(Channel).decode
_status = msgspec.json.Decoder(FeedStatus).decode


class Catalogue:
    """`document(subject)` gives a channel's newest event as bytes, None when there is none. `city` names the city's own region:
    (code, name)."""

    def __init__(self, document: Callable[[str], bytes | None], city: tuple[str, str] = ("", "")) -> None:
        self.index = Index()
        self.feeds: dict[str, Feed] = {}
        self.trees = Trees(self.index, city)
        self._document = document
        self._run = uuid.uuid4().hex[:8]  # versions count from the start of this process

    def take(self, raw: bytes) -> None:
        """Takes an event of topic `channel` or `feed`; what cannot be read changes nothing."""
        try:
            told = _told(raw)
            gone = bytes(told.data) == b"null"
            if told.subject.startswith("channel/"):
                if gone:
                    self.index.remove(told.subject)
                else:
                    self.index.put(told.subject, _channel(told.data), told.time)
            elif told.subject.startswith("feed/") and not gone:
                status = _status(told.data)
                if status.kind == "channel":
                    self.feeds[status.name] = Feed(status.state, status.last_seen)
        except msgspec.MsgspecError:
            return

    # -- answers -----------------------------------------------------------------------------------------------------

    def search(self, query: Query, scope: Scope, cursor: str, limit: int, since: str = "") -> dict[str, Any]:
        """`{total, online, rows, cursor, version}`: `cursor` asks for the next page, null at the end; `since`, the `version` of
        an earlier answer, for those rows only that were told after it."""
        chosen = self.index.choose(query, scope)
        wanted = chosen & (self.index.columns.changed > self._version(since)) if since else chosen
        rows, more = self.index.page(wanted, _read_cursor(cursor) if cursor else None, limit)
        online = int(np.count_nonzero(chosen & (self.index.columns.state == c.STATES.index("online"))))
        following = _cursor(self.index.key(rows[-1])) if more else None
        return {
            "total": int(np.count_nonzero(chosen)),
            "online": online,
            "rows": self._rows(rows),
            "cursor": following,
            "version": f"{self._run}-{self.index.version}",
        }

    def _version(self, text: str) -> int:
        """0, which is before everything, for a version of another run."""
        run, _, number = text.partition("-")
        return int(number) if run == self._run and number.isascii() and number.isdigit() and len(number) < 19 else 0

    def near(
        self, lon: float, lat: float, k: int, query: Query, scope: Scope, radius: float | None, seeing: bool
    ) -> dict[str, Any]:
        """The nearest channels; with `seeing` only those in whose sector the place lies, or that can be turned to it."""
        chosen = self.index.choose(query, scope)
        rows = []
        for near in self.index.nearest(lon, lat, k if not seeing else MOST_LOOKED_AT, chosen, radius):
            row = self._row(near.row)
            if row is None:
                continue
            row |= beside(row, near.metres, lon, lat)
            if row["sees"] or not seeing:
                rows.append(row)
            if len(rows) == k:
                break
        return {"rows": rows, "lon": lon, "lat": lat}

    def one(self, subject: str, scope: Scope) -> dict[str, Any]:
        """All that is known of one channel; raises Refused 404, 403."""
        row, channel = self.index.rows.get(subject), self._channel(subject)
        if row is None or channel is None:
            raise Refused("unknown-channel", "there is no such channel", 404)
        if reason := scope.unseen(channel):
            raise Refused(reason, "this channel is not one of yours", 403)
        parts = gb28181.parts_of(channel.channel_id)
        found = self._row(row) or {}
        found |= {"extra": channel.extra, "civil_code": channel.civil_code, "trees": self.trees.paths(row)}
        if parts and parts.type:
            found["id"] = {**parts._asdict(), "kind": parts.kind, "run_by": gb28181.SECTORS.get(parts.sector, "")}
        return found

    def some(self, subjects: list[str], scope: Scope) -> dict[str, Any]:
        """`{found: {subject: row}, refused: {subject: reason}}`."""
        found, refused = {}, {}
        for subject in subjects:
            row, channel = self.index.rows.get(subject), self._channel(subject)
            if row is None or channel is None:
                refused[subject] = "unknown-channel"
            elif reason := scope.unseen(channel):
                refused[subject] = reason
            else:
                found[subject] = self._row(row)
        return {"found": found, "refused": refused}

    # -- rows --------------------------------------------------------------------------------------------------------

    def _channel(self, subject: str) -> Channel | None:
        raw = self._document(subject)
        return None if raw is None else _channel(_told(raw).data)

    def _rows(self, rows: list[int]) -> list[dict[str, Any]]:
        return [found for row in rows if (found := self._row(row)) is not None]

    def _row(self, row: int) -> dict[str, Any] | None:
        """A channel as lists show it. `state_at`: since when its state is known, `told_at`: its newest news, city ms;
        `state_by`: `look` where the supplier tells no state and the hall saw it."""
        subject, one = self.index.subjects[row], self.index.columns.one
        raw = self._document(subject)
        if raw is None:
            return None
        state = one("state", row)
        said = msgspec.json.decode(_told(raw).data)
        found = {name: said[name] for name in _SHOWN if name in said}
        found |= {"subject": subject, "name": said.get("name", ""), "owner": said.get("owner", "")}
        found |= {"state": c.STATES[state], "kind": said.get("kind", "camera")}
        if state and not one("stated", row):
            found["state_by"] = "look"
        found |= {"state_at": int(one("state_at", row)), "told_at": int(one("told_at", row))}
        return found | {"region": self.trees.region_names(row)}


_SHOWN = (
    "feed", "channel_id", "district", "cell", "lon", "lat", "bearing_deg", "fov_deg", "range_m", "ptz", "audio", "has_sub",
    "has_stream",
)  # fmt: skip


def beside(row: dict[str, Any], metres: float, lon: float, lat: float) -> dict[str, Any]:
    """A camera (a row) seen from a place: how far, in which direction it stands, and whether it sees the place."""
    towards = bearing(row["lon"], row["lat"], lon, lat)
    seen = sight(metres, towards, *(row.get(name) for name in ("bearing_deg", "fov_deg", "range_m")), row.get("ptz", False))
    back = round(bearing(lon, lat, row["lon"], row["lat"]), 1) % 360.0
    return {"metres": round(metres, 1), "from_deg": back, "sees": seen.sees, "sector": seen.sector}


def _cursor(key: tuple[str, str]) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(key)).decode().rstrip("=")


def _read_cursor(text: str) -> tuple[str, str]:
    try:
        return msgspec.json.decode(base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True), type=tuple[str, str])
    except (msgspec.MsgspecError, binascii.Error, ValueError):
        raise Refused("cursor-malformed", "give the cursor of the page before", 422) from None
