"""The documents the hall speaks of, in the field's standard terms. Fields left at their default are not sent.

Times are ms since the epoch (UTC); lon/lat are WGS-84 degrees, None = unknown (placeholder coordinates become None at
intake); lengths are metres unless the name says otherwise. `extra` keeps what a supplier sends and the hall has no term for.
Here is what suppliers send; what the hall itself makes is in `told.py`, and found here, too.
"""

from __future__ import annotations

from typing import Any

import msgspec

from hall.core.document import Doc
from hall.core.told import Alarm as Alarm
from hall.core.told import FeedStatus as FeedStatus
from hall.core.told import Picture as Picture
from hall.core.told import ProcessStatus as ProcessStatus

#: Topics that keep one current document per subject, and topics whose events are only ever appended.
STATE_TOPICS = (
    "case", "sensor", "observation", "position", "channel", "warning", "supplied", "alarm",
    "kpi", "series", "feed", "process", "screen", "clock", "scene", "presence",
    "file", "crew", "notice", "shift", "show",
    "picture", "health", "round", "ptz", "recording",
    "group", "response", "task", "closure", "depot", "request", "incident", "reporting", "bulletin", "raster", "shape",
    "message",
)  # fmt: skip
LOG_TOPICS = ("log", "archive", "audit")

#: Severity everywhere: 0 none, 1 blue, 2 yellow, 3 orange, 4 red. The supplier's own label is kept beside it.
SEVERITIES = (0, 1, 2, 3, 4)

CASE_STATES = (
    "reported", "pending_verify", "pending_register", "not_accepted", "pending_dispatch", "pending_handle", "handling",
    "handle_finish", "pending_check", "closed", "forced_close", "returned", "suspended", "cancelled",
)  # fmt: skip
CASE_ENDED = frozenset({"closed", "forced_close", "not_accepted", "cancelled"})

#: Canonical unit of each observed quantity (UCUM-like). Other quantities keep the unit that the mapping states.
QUANTITY_UNITS = {
    "water_depth": "m", "water_level": "m", "rain_10min": "mm", "rain_1h": "mm", "rain_24h": "mm", "rain_rate": "mm/h",
    "discharge": "m3/s", "tilt": "deg", "methane": "%LEL", "pressure": "MPa", "temperature": "Cel", "battery": "%",
}  # fmt: skip


class Stages(Doc, kw_only=True):
    """When a case reached each stage (ms); None = not yet. Names follow the seven-step loop."""

    reported: int | None = None
    accepted: int | None = None
    registered: int | None = None
    dispatched: int | None = None
    handled: int | None = None
    checked: int | None = None
    closed: int | None = None


class Case(Doc, kw_only=True):
    """案卷. Subject `case/<feed>/<case_id>`."""

    feed: str
    case_id: str
    state: str = "reported"
    kind: str = "occurrence"  # component | occurrence | service
    class_name: str = ""  # 大类
    subclass_name: str = ""  # 小类
    class_code: str = ""
    description: str = ""
    severity: int = 0
    lon: float | None = None
    lat: float | None = None
    address: str = ""
    district: str = ""  # name of the district; assigned at intake from the boundary, else the supplier's
    cell: str = ""  # 单元网格 code
    component: str = ""  # number of the street component (部件) it is about
    report_source: str = ""  # 来源: where the report came from, the supplier's word
    unit: str = ""  # responsible department or crew
    due: int | None = None  # 处置时限
    stages: Stages = msgspec.field(default_factory=Stages)
    closing_note: str = ""
    media: list[str] = []
    extra: dict[str, Any] = {}


class Threshold(Doc, kw_only=True):
    """A line on a gauge: at or above `value` (canonical unit) the reading has `severity`; `label` is what to do."""

    value: float
    severity: int
    label: str = ""


class Sensor(Doc, kw_only=True):
    """A measuring point (SensorThings Thing + Datastream). Subject `sensor/<feed>/<sensor_id>`."""

    feed: str
    sensor_id: str
    name: str = ""
    quantity: str = "water_depth"
    unit: str = "m"
    kind: str = ""  # road | underpass | river | rain | manhole ...
    lon: float | None = None
    lat: float | None = None
    district: str = ""
    cell: str = ""
    owner: str = ""
    state: str = ""
    site: str = ""  # whose one alarm its findings are; empty: the sensor's own
    station: str = ""  # what it stands in, whose power failure explains its silence
    thresholds: list[Threshold] = []
    extra: dict[str, Any] = {}


class Observation(Doc, kw_only=True):
    """One reading. Subject `observation/<feed>/<sensor_id>/<quantity>`; the event's `time` is phenomenonTime."""

    feed: str
    sensor_id: str
    quantity: str
    value: float | None
    unit: str = ""
    quality: str = ""
    lon: float | None = None
    lat: float | None = None
    district: str = ""
    cell: str = ""
    severity: int = 0  # filled from the sensor's thresholds by the alarm rules, not by the supplier
    extra: dict[str, Any] = {}


class Position(Doc, kw_only=True):
    """Where a crew or vehicle is. Subject `position/<feed>/<unit_id>`."""

    feed: str
    unit_id: str
    name: str = ""
    kind: str = "vehicle"  # crew | vehicle | pump | boat
    state: str = ""  # CAD: available | assigned | en_route | on_scene | ...
    lon: float | None = None
    lat: float | None = None
    speed_mps: float | None = None
    heading_deg: float | None = None
    accuracy_m: float | None = None
    district: str = ""
    cell: str = ""
    extra: dict[str, Any] = {}


class Channel(Doc, kw_only=True):
    """A shared camera (GB/T 28181 channel). Subject `channel/<feed>/<channel_id>`. Never carries a stream address."""

    feed: str
    channel_id: str
    name: str = ""
    owner: str = ""
    parent: str = ""
    civil_code: str = ""
    kind: str = "camera"
    state: str = "unknown"  # online | offline | unknown
    has_stream: bool = False
    lon: float | None = None
    lat: float | None = None
    bearing_deg: float | None = None  # where it looks, clockwise from north
    fov_deg: float | None = None  # width of its sector
    range_m: float | None = None  # how far it sees
    ptz: bool = False  # turns by remote control
    audio: bool = False
    has_sub: bool = False  # a second, smaller stream beside the main one
    group: str = ""  # 业务分组 it belongs to: an id, or a supplier's word
    district: str = ""
    cell: str = ""
    extra: dict[str, Any] = {}


class WarningArea(Doc, kw_only=True):
    """Where a warning holds: polygons as [[lon, lat], ...] rings and geocodes as given."""

    description: str = ""
    polygons: list[list[list[float]]] = []
    geocodes: list[str] = []


class SuppliedAlarm(Doc, kw_only=True):
    """An alarm that a supplier's own system makes (video analytics, SCADA). Subject `supplied/<feed>/<alarm_id>`.

    It becomes part of the one alarm of its site: `site`, else that of the measuring point `device` of the same feed.
    """

    feed: str
    alarm_id: str
    active: bool = True  # False: cleared
    device: str = ""  # id of a sensor or channel of the same feed
    site: str = ""
    kind: str = ""  # the supplier's own, such as pump_trip
    label: dict[str, str] = {}  # what the kind means, by language
    severity: int = 2  # 0: no alarm, kept as data
    severity_label: str = ""
    text: str = ""
    picture: str = ""  # id of the evidence at the supplier's
    lasts_seconds: float | None = None  # over by itself so long after it was last told; None: until it is cleared
    respond_seconds: float | None = None
    family: str = ""  # what it is grouped with; default: its kind
    name: str = ""
    station: str = ""
    lon: float | None = None
    lat: float | None = None
    district: str = ""
    cell: str = ""
    extra: dict[str, Any] = {}


class PublicWarning(Doc, kw_only=True):
    """A warning in force (CAP 1.2 terms). Subject `warning/<feed>/<warning_id>`."""

    feed: str
    warning_id: str
    sender: str = ""
    status: str = "Actual"  # Actual | Exercise | System | Test | Draft
    message_type: str = "Alert"
    references: list[str] = []
    event: str = ""
    severity: int = 0
    severity_label: str = ""
    urgency: str = ""
    certainty: str = ""
    headline: dict[str, str] = {}  # language tag -> text
    description: dict[str, str] = {}
    onset: int | None = None
    expires: int | None = None
    areas: list[WarningArea] = []
    extra: dict[str, Any] = {}


#: kind of a feed -> its document type, its topic and the field that names it
KINDS: dict[str, tuple[type[Doc], str, str]] = {
    "case": (Case, "case", "case_id"),
    "sensor": (Sensor, "sensor", "sensor_id"),
    "observation": (Observation, "observation", "sensor_id"),
    "position": (Position, "position", "unit_id"),
    "channel": (Channel, "channel", "channel_id"),
    "warning": (PublicWarning, "warning", "warning_id"),
    "alarm": (SuppliedAlarm, "supplied", "alarm_id"),
}


def subject_of(doc: Doc) -> str:
    """The subject a supplied document is kept under; raises KeyError for documents no supplier sends."""
    for kind, name_field in ((k, KINDS[k][2]) for k in KINDS if isinstance(doc, KINDS[k][0])):
        base = f"{KINDS[kind][1]}/{doc.feed}/{getattr(doc, name_field)}"
        return f"{base}/{doc.quantity}" if kind == "observation" else base
    raise KeyError(type(doc).__name__)
