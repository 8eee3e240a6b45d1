"""GeoJSON files as drawn shapes: every feature for itself, repaired or left out with its reason."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from typing import Any

import msgspec
from fastapi import APIRouter, Request
from fastapi.responses import Response

from hall.app.answers import json
from hall.app.commanding import Commands
from hall.core.command import Command
from hall.core.errors import Refused

TITLE, NOTE = 60, 1000
#: names under which other systems keep what a thing is called, and what is said of it
_TITLES = ("title", "name", "NAME", "Name", "名称")
_NOTES = ("note", "description", "desc", "备注", "说明")


class ShapeImports:
    """`router` serves it. `parts_of` reads a document (dispatch.shapes.outline), `known`: choices of share and colour."""

    def __init__(
        self, commands: Commands, parts_of: Callable[[Any], Iterable[Any]], shares: tuple[str, ...], colours: tuple[str, ...]
    ) -> None:
        self.commands, self._parts_of, self._shares, self._colours = commands, parts_of, shares, colours
        self.router = APIRouter(prefix="/api/v1/map/shapes", tags=["map"])
        self.router.add_api_route("/import", self.take, methods=["POST"], response_class=Response)

    async def take(self, request: Request, share: str = "me", colour: str = "white", name: str = "") -> Response:
        """The GeoJSON document as the body; `share`, `colour` for those that name none, `name` of the file as their title.
        `{made: [{number, subject, title, repaired}], left_out: [{number, reason, detail}]}`, numbers count features from 1."""
        if share not in self._shares or colour not in self._colours:
            raise Refused("bad-request", "share or colour: no such choice", 422)
        try:
            document = msgspec.json.decode(await request.body())
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise Refused("geojson-unreadable", f"this is no JSON: {error}", 422) from None
        made, faults, commands = [], [], []
        for part in self._parts_of(document):
            if hasattr(part, "reason"):
                faults.append({"number": part.number, "reason": part.reason, "detail": part.detail})
                continue
            data = self._data(part, share, colour, name)
            subject = f"shape/{uuid.uuid4().hex}"
            commands.append(Command(id=uuid.uuid4().hex, subject=subject, move="draw", data=data))
            made.append({"number": part.number, "subject": subject, "title": data["title"], "repaired": part.repaired})
        kept = []
        for one, result in zip(made, await self.commands.send_many(commands) if commands else [], strict=True):
            if isinstance(result, Refused):
                faults.append({"number": one["number"], "reason": result.reason, "detail": result.detail})
            else:
                kept.append(one)
        return json({"made": kept, "left_out": sorted(faults, key=lambda fault: fault["number"])})

    def _data(self, part: Any, share: str, colour: str, name: str) -> dict[str, Any]:
        own = part.properties
        title = _said(own, _TITLES, TITLE) or f"{name[: TITLE - 6]} {part.number}".strip()
        data = {"kind": part.kind, "title": title, "geometry": part.geometry, "share": share}
        data["colour"] = own["colour"] if own.get("colour") in self._colours else colour
        if note := _said(own, _NOTES, NOTE):
            data["note"] = note
        if part.kind == "circle":
            data["radius_m"] = own.get("radius_m")
        return data


def _said(properties: dict[str, Any], names: tuple[str, ...], longest: int) -> str:
    found = next((str(properties[name]) for name in names if properties.get(name) not in (None, "")), "")
    return "".join(letter for letter in found if ord(letter) >= 32)[:longest].strip()
