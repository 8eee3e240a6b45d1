"""GeoReport v2 against a real HTTP server that behaves as the fixtures and the specification say."""

import datetime
import json

import pytest

from feeds.formats.open311 import elements
from feeds.transports.open311 import TRANSPORT, WINDOW_MS, moment, run, windows
from hall.core.errors import BadInput, ConfigError

MOCKS = "cases/open311_georeport_v2_mocks"
HOUR = datetime.timedelta(hours=1)


def _time(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


class City:
    """A GeoReport server: `requests` are `(number, requested, status)`; pages of `page_size`, or a cap without pages."""

    def __init__(self, requests, page_size=1000, pages=True):
        self.requests, self.page_size, self.pages = requests, page_size, pages
        self.asked = []

    def __call__(self, path, query, headers):
        self.asked.append((path, query))
        if path.endswith("/services.json"):
            return self._json([{"service_code": "7", "service_name": "Flood", "group": "Water"}])
        if "service_request_id" in query:
            numbers = query["service_request_id"].split(",")
            return self._json([self._row(r) for r in self.requests if r[0] in numbers])
        start, end = _time(query["start_date"]), _time(query["end_date"])
        found = sorted((r for r in self.requests if start <= r[1] <= end), key=lambda r: r[1], reverse=True)
        page = int(query.get("page", 1)) - 1 if self.pages else 0
        return self._json([self._row(r) for r in found[page * self.page_size : (page + 1) * self.page_size]])

    @staticmethod
    def _row(request):
        number, requested, status = request
        when = requested.isoformat()
        return {"service_request_id": number, "status": status, "service_code": "7", "requested_datetime": when}

    @staticmethod
    def _json(data):
        return 200, {"Content-Type": "application/json"}, json.dumps(data).encode()


def _now():
    return datetime.datetime.now(datetime.UTC).replace(microsecond=0)


def _url(server, answer):
    return f"open311+http://{server(answer)}/v2"


@pytest.mark.realdata
async def test_the_fixtures_come_through_a_server_that_speaks_xml_only(web_server, rim, running, real_data):
    def answer(path, query, headers):
        name = {"/v2/services.xml": "dc-services.xml", "/v2/requests.xml": "service-requests.xml"}.get(path)
        if name is None:
            return 404, {}, b"no such format"
        if int(query.get("page", 1)) > 1:
            return 200, {"Content-Type": "text/xml"}, b"<?xml version='1.0'?><service_requests/>"
        return 200, {"Content-Type": "text/xml"}, (real_data / MOCKS / name).read_bytes()

    feed = rim(_url(web_server, answer), kind="case", options={"every_seconds": 60, "recheck": 0})
    running(TRANSPORT, feed)
    await feed.until(lambda: feed.flushes)
    assert [(r["service_request_id"], r["status"]) for r in feed.taken_rows] == [("638344", "closed"), ("638349", "open")]
    first = feed.taken_rows[0]
    assert first["closed_datetime"] == "2010-04-14T06:37:38-08:00" and "closed_datetime" not in feed.taken_rows[1]
    assert first["lat"] == "37.762221815" and first["long"] == "-122.4651145"


async def test_pages_are_read_to_the_end_and_groups_come_from_the_service_list(web_server, rim, running):
    city = City([(str(n), _now() - n * HOUR, "open") for n in range(1, 131)], page_size=20)
    feed = rim(_url(web_server, city), kind="case", options={"every_seconds": 60, "days": 10})
    running(TRANSPORT, feed)
    await feed.until(lambda: feed.flushes)
    assert sorted(int(row["service_request_id"]) for row in feed.taken_rows) == list(range(1, 131))
    assert {row["service_group"] for row in feed.taken_rows} == {"Water"}


async def test_a_server_that_caps_and_knows_no_pages_is_asked_for_narrower_windows(web_server, rim, running):
    city = City([(str(n), _now() - n * HOUR / 4, "open") for n in range(1, 621)], page_size=50, pages=False)
    feed = rim(_url(web_server, city), kind="case", options={"every_seconds": 60, "days": 7})
    running(TRANSPORT, feed)
    await feed.until(lambda: feed.flushes)
    assert sorted(int(row["service_request_id"]) for row in feed.taken_rows) == list(range(1, 621))


async def test_a_case_outside_the_window_is_asked_for_by_number_until_it_closes(web_server, rim, running):
    old = [("1", _now() - 100 * HOUR, "open"), ("2", _now() - 100 * HOUR, "closed"), ("3", _now() - HOUR, "open")]
    city = City(old)
    feed = rim(_url(web_server, city), kind="case", options={"every_seconds": 0.02, "overlap_hours": 2})
    running(TRANSPORT, feed)
    await feed.until(lambda: feed.flushes >= 2)
    city.requests = [("1", old[0][1], "closed"), *old[1:]]
    await feed.until(lambda: any(r["service_request_id"] == "1" and r["status"] == "closed" for r in feed.taken_rows))
    rounds = feed.flushes
    await feed.until(lambda: feed.flushes >= rounds + 2)
    asked = [query["service_request_id"] for _, query in city.asked if "service_request_id" in query]
    assert set(asked) == {"1"}
    before = len(asked)
    await feed.until(lambda: feed.flushes >= rounds + 4)
    assert len([1 for _, query in city.asked if "service_request_id" in query]) == before


async def test_a_restart_asks_only_for_what_is_new_and_still_knows_the_open_cases(web_server, rim, running):
    city = City([("1", _now() - 100 * HOUR, "open")])
    url = _url(web_server, city)
    first = rim(url, kind="case", options={"every_seconds": 60})
    task = running(TRANSPORT, first)
    await first.until(lambda: first.flushes)
    task.cancel()
    city.asked.clear()
    again = rim(url, kind="case", options={"every_seconds": 60, "overlap_hours": 1}, kept=first.kept)
    running(TRANSPORT, again)
    await again.until(lambda: again.flushes)
    starts = [_time(query["start_date"]) for _, query in city.asked if "start_date" in query]
    assert starts and all(_now() - start < 2 * HOUR for start in starts)
    assert [row["service_request_id"] for row in again.taken_rows] == ["1"]


async def test_an_error_reply_is_shown_in_the_suppliers_words(web_server, rim, running, real_data):
    error = (real_data / MOCKS / "boston-err-submitrequest-base_is_duplicate.xml").read_bytes()

    def answer(path, query, headers):
        return (200, {}, b"<services/>") if "services" in path else (400, {"Content-Type": "text/xml"}, error)

    feed = rim(_url(web_server, answer), kind="case", options={"every_seconds": 60, "encoding": "xml"})
    running(TRANSPORT, feed)
    await feed.until(lambda: feed.losses)
    assert "400" in feed.losses[0] and "base is a duplicate" in feed.losses[0]


@pytest.mark.realdata
def test_error_and_token_replies_are_no_requests(real_data):
    error = (real_data / MOCKS / "boston-err-submitrequest-base_is_duplicate.xml").read_bytes()
    with pytest.raises(BadInput, match="supplier-error: 400: Invalid service request: base is a duplicate."):
        elements(error, "service_requests", "request")
    with pytest.raises(BadInput, match="supplier-error"):
        elements(b'[{"code": 403, "description": "api_key missing"}]', "service_requests", "request")
    assert len(elements((real_data / MOCKS / "dc-services.xml").read_bytes(), "services", "service")) == 86


async def test_a_reply_that_is_no_georeport_is_parked_and_told(web_server, rim, running):
    def answer(path, query, headers):
        return 200, {}, b'[{"service_code": "7"}]' if "services" in path else b"<html>login</html>"

    feed = rim(_url(web_server, answer), kind="case", options={"every_seconds": 60})
    running(TRANSPORT, feed)
    await feed.until(lambda: feed.losses)
    assert feed.parked[0][0] == b"<html>login</html>" and feed.parked[0][1] == "not-georeport"


def test_windows_cover_all_time_once_and_are_at_most_ninety_days():
    start, end = 0, 200 * 86_400_000
    pieces = list(windows(start, end))
    assert pieces[0][0] == start and pieces[-1][1] == end
    assert all(a[1] == b[0] for a, b in zip(pieces, pieces[1:], strict=False))
    assert max(b - a for a, b in pieces) <= WINDOW_MS == 90 * 86_400_000


def test_moments_are_w3c_date_times():
    assert moment(1314489600000) == "2011-08-28T00:00:00Z"


async def test_a_senseless_number_of_days_is_a_configuration_error(rim):
    feed = rim("open311://127.0.0.1:9", kind="case", options={"days": -1})
    with pytest.raises(ConfigError, match="days"):
        await run(feed.feed, feed)
