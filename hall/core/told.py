"""Documents that the hall itself makes: alarms, and how its feeds, processes and pictures do."""

from __future__ import annotations

from typing import Any

from hall.core.document import Doc


class Alarm(Doc, kw_only=True):
    """Something a person must answer, in the independent bits of ISA-18.2 / IEC 62682. Subject `alarm/<site>`: one per site.

    What the engine knows (docs/ALARMS.md, rules): up to `district`. What people decided (life): from `acknowledged` on.
    """

    alarm_id: str  # of this occurrence: one that comes back after it returned and was answered is a new one
    rule: str
    cause: str  # subject of the observation that raised it
    rules: list[str] = []  # every rule of the site that holds now, the worst first
    label: str = ""
    labels: dict[str, str] = {}  # the same by language
    severity: int = 0
    priority: int = 0  # 1 high, 2 medium, 3 low; 0: not ranked
    respond_seconds: float | None = None  # how long a person has
    active: bool = True
    since: int | None = None
    returned: int | None = None
    value: float | None = None
    unit: str = ""
    threshold: float | None = None
    quantity: str = ""
    kind: str = ""  # of the measuring point: road, underpass, river ...
    name: str = ""
    group: str = ""  # id of the event it belongs to: `group/<id>`
    group_was: list[str] = []  # ids of events that went into `group`
    family: str = ""  # what it is gathered with: ponding, rain, silence ...
    hidden_by: str = ""  # site whose alarm explains this one (suppressed by design)
    hidden_why: dict[str, Any] | None = None  # {code, values}
    latched: bool = False  # stands until somebody resets it, also when the condition is over
    chattering: bool = False
    doubtful: bool = False  # the sensor may lie: it never closes a road by itself
    doubts: list[str] = []  # why: jump | unit | range | stuck | clock | old
    fleeting: bool = False  # it came and went before anybody could have answered
    forecast: dict[str, Any] | None = None  # {at, low, high, value, unit}: when the next line is reached
    advice: list[str] = []
    confidence: float | None = None  # 0..1, of the reading that raised it; None: measured, not judged from pictures
    picture: str = ""  # address of the very picture the reading was taken from
    supplied: dict[str, Any] = {}  # of a supplier's own alarm: {feed, id, device, kind, word, text, picture, at}
    lon: float | None = None
    lat: float | None = None
    district: str = ""
    acknowledged: bool = False
    acked_by: str = ""
    acked_at: int | None = None
    announced: int | None = None  # when it last asked for somebody's attention: raised, worse, or no longer put away
    shelved: dict[str, Any] | None = None  # {until, by, reason, at}
    out_of_service: dict[str, Any] | None = None  # {by, reason, at}
    case: str = ""  # the first case file linked to it
    cases: list[str] = []
    closure: str = ""
    disposition: str = ""  # confirmed | false


class FeedStatus(Doc, kw_only=True):
    """What a source last did. Subject `feed/<name>`. Counters count since the feed was first configured."""

    name: str
    label: dict[str, str] = {}
    kind: str = ""
    state: str = "waiting"  # waiting | live | stale | lost | ended | off
    expected_seconds: float = 60.0
    last_seen: int | None = None  # city time of the last item understood
    last_seen_real: int | None = None
    received: int = 0
    accepted: int = 0
    duplicates: int = 0
    late: int = 0
    parked: int = 0
    dropped: int = 0
    lag_ms: int | None = None
    error: str = ""
    demo: bool = False


class ProcessStatus(Doc, kw_only=True):
    """A running process says it lives, every second. Subject `process/<name>`; screens mark what depends on it."""

    name: str
    pid: int
    started: int  # real ms
    beat: int  # real ms
    build: str = ""
    counters: dict[str, float] = {}


class Picture(Doc, kw_only=True):
    """What is known of a channel's pictures. Two processes tell, each under a subject of its own so that neither overwrites the
    other: the relay `picture/<feed>/<channel>` (state and viewers, while somebody watches), the video process
    `picture/<feed>/<channel>/health` (what it saw when it looked). Readers lay one over the other.
    """

    feed: str
    channel_id: str
    # from the relay
    state: str = ""  # starting | live | stalled | waiting | failed; the subject is gone when nobody watches
    reason: str = ""  # stable code of the last failure
    detail: str = ""
    since: int | None = None  # real ms
    attempts: int = 0
    again_at: int | None = None  # real ms of the next attempt
    viewers: int = 0
    codec: str = ""
    width: int = 0
    height: int = 0
    fps: float | None = None
    converted: str = ""  # why the hall re-encodes it
    # from the video process
    health: list[str] = []  # what is wrong with the picture; empty: nothing found
    checked: int | None = None  # real ms of the last look
    quality_score: float | None = None  # 0 worst … 1
