"""The whole way with the real feeds process: a supplier's bytes through transport, format, default mapping, intake and
bus onto the board; also when the process dies between two steps."""

import asyncio
import contextlib
import json

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.asyncio.server import serve

from feeds import run
from hall.app import ingest
from hall.core.board import Board
from hall.core.process import Process
from tests.hall.ingest.serving import serving
from tests.tasks import ended

TOKEN = {"Authorization": "Bearer t"}


def _feed(name, kind, url, **keys):
    lines = [f'[[feeds]]\nname = "{name}"\nkind = "{kind}"\nurl = "{url}"\ntoken = "t"']
    return "\n".join([*lines, *(f"{key} = {value}" for key, value in keys.items())]) + "\n"


GAUGES = '{sensor_id = "id", value = "depth", quantity = {const = "water_depth"}, time = {path = "at", time = "epoch_ms"}}'


async def _start(process):
    """The feeds process's own tasks, until cancelled; what it has not flushed is lost, as with kill -9."""
    publisher = asyncio.create_task(process.bulk.run())
    body = asyncio.create_task(run(process))
    return body, publisher


async def _kill(process, tasks):
    await ended(*tasks, *process._tasks)


@contextlib.asynccontextmanager
async def feeding(process):
    tasks = await _start(process)
    try:
        yield
    finally:
        await _kill(process, tasks)


async def _documents(bench, topic, condition):
    """Follows the bus until the board's documents of a topic are as wanted."""
    board = Board()
    async with asyncio.timeout(20):
        while True:
            await bench.process.bus.load_board(board)
            found = {
                subject: json.loads(e.raw)["data"]
                for subject, e in board.entries()
                if subject.startswith(f"{topic}/") and not e.gone
            }
            if condition(found):
                return found
            await bench.process.bus.call("XREAD", "BLOCK", 1000, "STREAMS", bench.process.bus.key("bulk"), "$")


@pytest.fixture
async def web(bench):
    """`await web(process)` -> address of the ingest routes of a hall with this process's configuration."""
    async with contextlib.AsyncExitStack() as stack:

        async def start(process):
            other = Process("web", process.settings, process.config)
            stack.push_async_callback(other.bus.close)
            return await stack.enter_async_context(serving(ingest.router(other)))

        yield start


async def test_a_pushed_reading_is_on_the_board_and_its_sender_knows(bench, web):
    bench.configure(_feed("gauges", "observation", "push://", mapping=GAUGES))
    place = await web(bench.process)
    at = bench.process.clock.now()
    body = json.dumps([{"id": "g1", "depth": 0.3, "at": at}, {"id": "g2", "depth": "deep", "at": at}])
    async with feeding(bench.process), httpx.AsyncClient(timeout=20) as client:
        replies = [await client.post(f"http://{place}/gauges?wait=1", content=body, headers=TOKEN) for _ in range(2)]
        found = await _documents(bench, "observation", len)
    assert [reply.json()["outcome"]["accepted"] for reply in replies] == [1, 0]
    assert [reply.json()["outcome"]["duplicates"] for reply in replies] == [0, 1]
    assert all("number-unparsable" in reply.json()["outcome"]["reasons"][0] for reply in replies)
    assert {subject: data["value"] for subject, data in found.items()} == {"observation/gauges/g1/water_depth": 0.3}
    assert len(await bench.parked("gauges")) == 2


async def test_broken_bytes_are_parked_and_no_error_of_the_hall(bench, web):
    bench.configure(_feed("gauges", "observation", "push://", mapping=GAUGES))
    place = await web(bench.process)
    bodies = [b"\0", b"{broken", b"\xff\xfe", b"[" * 100_000, b"NaN", b"x" * 1_000_000]
    async with feeding(bench.process), httpx.AsyncClient(timeout=20) as client:
        replies = [await client.post(f"http://{place}/gauges?wait=1", content=body, headers=TOKEN) for body in bodies]
    assert [reply.status_code for reply in replies] == [202] * len(bodies)
    assert [reply.json()["outcome"]["parked"] for reply in replies] == [1] * len(bodies)
    assert len(await bench.parked("gauges")) == len(bodies)


async def test_killed_again_and_again_nothing_pushed_is_lost_or_doubled(bench, web):
    bench.configure(_feed("gauges", "observation", "push://", mapping=GAUGES))
    place, config = await web(bench.process), bench.process.config
    at = bench.process.clock.now()
    async with connect(f"ws://{place}/gauges", additional_headers=TOKEN) as socket:
        for life in range(5):
            process = bench.process
            tasks = await _start(process)
            for n in range(40):
                await socket.send(json.dumps({"id": f"g{life}-{n}", "depth": n, "at": at}))
                assert "entry" in json.loads(await socket.recv())
            await _kill(process, tasks)
            await process.bus.close()
            bench.start(config)
    async with feeding(bench.process):
        found = await _documents(bench, "observation", lambda documents: len(documents) == 200)
    assert {subject.split("/")[2]: data.get("value", 0) for subject, data in found.items()} == {
        f"g{life}-{n}": n for life in range(5) for n in range(40)
    }
    told = [event.id for event in await bench.events() if event.subject.startswith("observation/")]
    assert len(told) == len(set(told)) == 200


@pytest.mark.realdata
async def test_a_camera_catalog_and_warnings_need_no_mapping(bench, web, real_data):
    bench.configure(
        _feed("cameras", "channel", "push://", format='"gb28181"', crs='"GCJ-02"')
        + _feed("dwd", "warning", "push://", format='"cap"')
    )
    place = await web(bench.process)
    catalog = (real_data / "cameras/gb28181/owl_1.1_catalog-tree-response.xml").read_bytes()
    warnings = (real_data / "cap/dwd_cap_20230623_MUL.zip").read_bytes()
    async with feeding(bench.process), httpx.AsyncClient(timeout=20) as client:
        first = await client.post(f"http://{place}/cameras?wait=1", content=catalog, headers=TOKEN)
        second = await client.post(f"http://{place}/dwd?wait=1", content=warnings, headers=TOKEN)
        cameras = await _documents(bench, "channel", len)
        alerts = await _documents(bench, "warning", lambda found: len(found) == 3)
    assert first.json()["outcome"]["accepted"] == 1 and second.json()["outcome"]["parked"] == 0
    camera = cameras["channel/cameras/34020000001320000002"]
    assert (
        camera["name"] == "摄像机" and camera["state"] == "online" and camera["extra"]["path"] == "行政区划/视频系统/虚拟组织"
    )
    assert abs(camera["lon"] - 116.397) > 0.001  # GCJ-02 lies some hundred metres off
    assert sorted(alert["severity"] for alert in alerts.values()) == [1, 2, 2]


async def test_a_cancelled_warning_leaves_the_board_and_does_not_come_back(bench, web):
    bench.configure(_feed("cap", "warning", "push://", format='"cap"'))
    place = await web(bench.process)
    alert = (
        '<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>{}</identifier><sender>s</sender><sent>{}</sent>'
        "<status>Actual</status><msgType>{}</msgType><scope>Public</scope>{}</alert>"
    )
    info = (
        "<info><language>zh-CN</language><category>Met</category><event>暴雨</event><urgency>Immediate</urgency>"
        "<severity>Severe</severity><certainty>Likely</certainty></info>"
    )
    first = alert.format("A", "2026-07-20T08:00:00+08:00", "Alert", info)
    cancel = alert.format("B", "2026-07-20T09:00:00+08:00", "Cancel", "<references>s,A,2026-07-20T08:00:00+08:00</references>")
    bench.set_clock("2026-07-20T10:00:00+08:00")
    async with feeding(bench.process), httpx.AsyncClient(timeout=20) as client:
        await client.post(f"http://{place}/cap?wait=1", content=first.encode(), headers=TOKEN)
        assert list(await _documents(bench, "warning", len)) == ["warning/cap/A"]
        await client.post(f"http://{place}/cap?wait=1", content=cancel.encode(), headers=TOKEN)
        await _documents(bench, "warning", lambda found: not found)
        again = await client.post(f"http://{place}/cap?wait=1", content=first.encode(), headers=TOKEN)
        assert again.json()["outcome"]["accepted"] == 0
        assert not await _documents(bench, "warning", lambda found: True)


@pytest.mark.realdata
async def test_a_georeport_server_needs_only_its_address(bench, web_server, real_data):
    mocks = real_data / "cases/open311_georeport_v2_mocks"

    def answer(path, query, headers):
        name = {"/v2/services.xml": "dc-services.xml", "/v2/requests.xml": "service-requests.xml"}.get(path)
        empty = int(query.get("page", 1)) > 1
        return (404, {}, b"") if name is None else (200, {}, b"<service_requests/>" if empty else (mocks / name).read_bytes())

    bench.configure(_feed("city", "case", f"open311+http://{web_server(answer)}/v2"))
    async with feeding(bench.process):
        cases = await _documents(bench, "case", lambda found: len(found) == 2)
    closed, still_open = cases["case/city/638344"], cases["case/city/638349"]
    assert (closed["state"], closed["closing_note"]) == ("closed", "Duplicate request.")
    assert closed["stages"]["reported"] == closed["stages"]["closed"] == 1271255858000
    assert "state" not in still_open  # the default, reported, is not sent
    assert (closed["lon"], closed["lat"]) == pytest.approx((-122.4651145, 37.762221815), abs=1e-6)


async def test_a_socket_supplier_that_cuts_is_followed_by_the_real_runner(bench):
    at, sent = 1_700_000_000_000, iter(range(1000))

    async def supplier(socket):
        for _ in range(3):
            n = next(sent)
            await socket.send(json.dumps({"id": f"g{n}", "depth": n, "at": at}))
        await socket.close()

    async with serve(supplier, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        bench.configure(_feed("gauges", "observation", f"ws://127.0.0.1:{port}", mapping=GAUGES))
        async with feeding(bench.process):
            found = await _documents(bench, "observation", lambda documents: len(documents) >= 6)
    assert {subject.split("/")[2] for subject in found} >= {f"g{n}" for n in range(6)}


async def test_a_suppliers_alarm_of_an_unknown_camera_is_parked_and_placed_once_the_camera_is_known_also_after_a_restart(
    bench, web
):
    camera = '{channel_id = "id", name = "name", lon = "x", lat = "y"}'
    alarm = '{feed = {const = "cameras"}, alarm_id = "no", device = "cam", kind = "what", lasts_seconds = {const = 600}}'
    bench.configure(_feed("cameras", "channel", "push://", mapping=camera) + _feed("ai", "alarm", "push://", mapping=alarm))
    place, config, seen = await web(bench.process), bench.process.config, {"no": 1, "cam": "c1", "what": "ponding"}
    async with httpx.AsyncClient(timeout=20) as client:
        async with feeding(bench.process):
            early = await client.post(f"http://{place}/ai?wait=1", json=seen, headers=TOKEN)
            known = {"id": "c1", "name": "bridge", "x": 8.5, "y": 50.1}
            await client.post(f"http://{place}/cameras?wait=1", json=known, headers=TOKEN)
        await bench.process.bus.close()
        bench.start(config)
        async with feeding(bench.process):
            later = await client.post(f"http://{place}/ai?wait=1", json=seen, headers=TOKEN)
            found = await _documents(bench, "supplied", len)
    assert "device-unknown" in early.json()["outcome"]["reasons"][0] and later.json()["outcome"]["accepted"] == 1
    assert {name: data["lon"] for name, data in found.items()} == {"supplied/cameras/1": 8.5}
    assert found["supplied/cameras/1"]["name"] == "bridge"
