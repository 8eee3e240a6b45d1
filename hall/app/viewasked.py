"""What a browser says of the view that it wants as a file (hall/app/viewfile.py)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from hall.app.components import Asked as AskedComponents
from hall.app.filehead import Mark

Kind = Literal[
    "cases", "crews", "vehicles", "cameras", "gauges", "components", "shapes", "warnings", "closures", "depots", "incidents",
    "measures", "cells", "heat", "depth", "rain",
]  # fmt: skip
_Short = Annotated[str, Field(max_length=200)]


class Asked(BaseModel):
    model_config = ConfigDict(extra="forbid")


class AskedMeasure(Asked):
    """`parent`: code of the area that somebody has gone into."""

    measure: _Short
    level: _Short
    parent: _Short = ""


class AskedHeat(Asked):
    """`from`, `to`: ms of the reported moment; `classes` empty: all; `zoom` of the map."""

    since: Annotated[int, Field(alias="from")]
    until: Annotated[int, Field(alias="to")]
    zoom: Annotated[int, Field(ge=0, le=22)]
    classes: Annotated[list[_Short], Field(max_length=100)] = []


class AskedField(Asked):
    """A frame of a raster, as the map shows it."""

    feed: _Short
    product: _Short
    version: _Short


class View(Asked):
    """`box` west, south, east, north in degrees; `kinds` that the map shows, with what is chosen of them."""

    box: Annotated[list[float], Field(min_length=4, max_length=4)]
    kinds: Annotated[list[Kind], Field(max_length=20)]
    title: _Short = ""
    marks: Annotated[list[Mark], Field(max_length=3)] = []
    zoom: Annotated[float, Field(ge=0, le=24)] | None = None
    components: AskedComponents = AskedComponents()
    measures: AskedMeasure | None = None
    heat: AskedHeat | None = None
    depth: AskedField | None = None
    rain: AskedField | None = None
