"""Who may know of which channel, over HTTP: roles, districts and departments as a matrix; no answer gives an address away."""

from __future__ import annotations

import itertools

import msgspec
import pytest

from hall.access import Identity
from hall.app.channels import scope_header
from hall.core.event import Event, encode
from hall.core.model import subject_of
from hall.gate.filters import Filter
from hall.roles import ROLES, bounds
from tests.hall.app.channelled import HIDDEN, cameras, mine, running
from video.catalogue.scope import scope_of

WHO = [
    *((role, (), "") for role in ROLES if role not in ("crew", "department")),
    ("operator", ("红旗区",), ""), ("supervisor", ("卫滨区",), ""), ("leader", ("红旗区", "卫滨区"), ""), ("viewer", ("没有这个区",), ""),
    ("department", (), "排水处"), ("department", (), ""), ("department", ("红旗区",), "公安局"), ("department", (), "别的单位"),
]  # fmt: skip


@pytest.fixture(scope="module")
def video_hall(valkey, tmp_path_factory):
    yield from running(tmp_path_factory.mktemp("pictures"), valkey)


@pytest.mark.parametrize("role,districts,unit", WHO)
async def test_everybody_knows_of_exactly_his_channels_by_every_address(video_hall, role, districts, unit):
    known = {"districts": districts, "unit": unit}
    expected = mine(role, districts, unit)
    async with await video_hall.client(role, f"w-{role}-{len(districts)}-{unit}", **known) as client:
        answer = (await client.get("/api/v1/channels?limit=500")).json()
        assert {row["subject"] for row in answer["rows"]} == expected and answer["total"] == len(expected)
        near = (await client.get("/api/v1/channels/near?lon=113.9&lat=35.3&k=100")).json()
        assert {row["subject"] for row in near["rows"]} == expected
        grid = (await client.get("/api/v1/channels/grid?level=14")).json()
        assert grid["total"] == len(expected) == sum(cell[2] for cell in grid["cells"])
        tree = (await client.get("/api/v1/channels/tree?node=district")).json()
        assert tree["total"] == len(expected)
        for channel in cameras()[::4]:  # every district and every owner is among them
            subject = subject_of(channel)
            one = await client.get(f"/api/v1/channels/one/{subject}")
            assert (one.status_code == 200) == (subject in expected), one.text
            poster = await client.get(f"/video/poster/{subject}.jpg?w=64")
            assert (poster.status_code == 403) == (subject not in expected), poster.text
        board = await client.get("/api/v1/board/channel")
        if role not in ("wall",):
            assert {event["subject"] for event in board.json()["events"]} == expected


async def test_a_crew_knows_of_no_channel(video_hall):
    async with await video_hall.client("crew", crew="k") as client:
        for path in ("", "/tree", "/near?lon=1&lat=1", "/grid", "/one/channel/cams/1"):
            assert (await client.get(f"/api/v1/channels{path}")).status_code == 403


@pytest.mark.parametrize("role,districts,unit", WHO)
def test_the_stream_tells_of_the_same_channels(role, districts, unit):
    wanted = Filter(bounds(Identity("x", role, unit=unit, districts=districts)))
    told = set()
    for channel in cameras():
        data = msgspec.json.decode(encode(Event(id="1", source="t", subject="s", time=1, recordedtime=1, data=channel)))["data"]
        if "channel" not in wanted.topics or wanted.matches("channel", data):
            told.add(subject_of(channel))
    assert told == mine(role, districts, unit)


async def test_no_answer_of_any_address_holds_a_part_of_a_stream_address(video_hall):
    subject = subject_of(cameras()[1])
    paths = [
        "/api/v1/channels", "/api/v1/channels?text=rtsp", "/api/v1/channels/tree", "/api/v1/channels/tree?node=group",
        "/api/v1/channels/near?lon=113.9&lat=35.3", f"/api/v1/channels/one/{subject}", "/api/v1/board/channel", "/api/v1/feeds",
        f"/video/poster/{subject}.jpg", "/api/v1/video/audit", "/api/v1/video/audit.csv", "/api/v1/me",
    ]  # fmt: skip
    async with await video_hall.client("admin") as client:
        answers = [await client.get(path) for path in paths]
        answers.append(await client.post("/api/v1/video/views", json={"channels": [subject]}))
        answers.append(await client.post("/api/v1/video/views", json={"channels": ["channel/cams/none"]}))
    for answer in answers:
        said = answer.text + str(answer.headers)
        assert not any(part in said for part in HIDDEN), answer.url


async def test_searching_pages_and_filters_pass_through(video_hall):
    async with await video_hall.client("operator") as client:
        found, cursor = [], ""
        while cursor is not None:
            query = {"text": "pyl", "ptz": 1, "state": "online", "limit": 3, "cursor": cursor}
            answer = (await client.get("/api/v1/channels", params=query)).json()
            found, cursor = found + [row["subject"] for row in answer["rows"]], answer["cursor"]
    expected = [c for c in cameras() if c.ptz and c.state == "online"]
    assert found == [subject_of(c) for c in sorted(expected, key=lambda c: (c.name, subject_of(c)))]


@pytest.mark.parametrize(
    "path",
    ["?limit=501", "?limit=0", "/near?lon=1", "/near?lon=200&lat=1", "/near?lon=1&lat=1&k=101", "/grid?level=25", "?cursor=x"],
)
async def test_what_makes_no_sense_is_refused_with_a_reason(video_hall, path):
    async with await video_hall.client("operator") as client:
        answer = await client.get(f"/api/v1/channels{path}")
        assert answer.status_code == 422 and set(answer.json()) == {"reason", "detail"}


@pytest.mark.parametrize("path", ["channel/none/1", "case/x/1", "channel/cams/../../x", "%2e%2e/healthz"])
async def test_an_unknown_channel_is_not_found(video_hall, path):
    async with await video_hall.client("operator") as client:
        assert (await client.get(f"/api/v1/channels/one/{path}")).status_code == 404


def test_a_scope_in_any_script_fits_into_a_header():
    for names in itertools.permutations(("红旗区", "Zürich", '"\\', "𠮷野", "Ω")):
        header = scope_header(Identity("x", "department", districts=names, unit=names[0]))["x-hall-scope"]
        assert header.isascii() and header.isprintable()
        scope = scope_of(header)
        assert (scope.districts, scope.departments) == (names, (names[0],))
