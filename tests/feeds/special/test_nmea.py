"""NMEA sentences: real logs against a plain second reading, and every way a line can be wrong."""

import datetime
import functools
import operator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feeds.decoding import Decoding
from feeds.formats.nmea import Receiver, rows
from feeds.source import Unread


def line(text):
    return f"${text}*{functools.reduce(operator.xor, text.encode()):02X}"


def read(lines, city, **options):
    return list(rows("\r\n".join(lines).encode(), *city("position", **options)))


RMC = "GPRMC,081836.50,A,3518.0000,N,11355.2000,E,010.0,090.5,200726,,,A"
GGA = "GPGGA,081836.50,3518.0000,N,11355.2000,E,1,08,0.9,72.4,M,42.2,M,,"


def test_one_second_of_a_receiver_is_one_row(city):
    (row,) = read([line(GGA), line(RMC), line("GPGSA,A,3,09,05,14,26,,,,,,,,,2.9,2.2,1.9")], city, unit_id="U7")
    moment = datetime.datetime(2026, 7, 20, 8, 18, 36, 500_000, tzinfo=datetime.UTC)
    assert row["time"] == round(moment.timestamp() * 1000)
    assert (row["lat"], row["lon"], row["heading"], row["unit_id"]) == (35.3, 113.92, 90.5, "U7")
    assert row["speed_mps"] == pytest.approx(5.1444, abs=1e-4) and (row["altitude_m"], row["satellites"]) == (72.4, 8)
    assert row["accuracy_m"] == 4.5  # 0.9 times 5 m: a fix without correction


def test_no_fix_is_no_place(city):
    found = read([line("GPRMC,151605.053,V,,,,,,,260705,,"), line("GNRMC,081836,A,3518.0,N,11355.2,E,,,200726,,,N")], city)
    assert [row["fixed"] for row in found] == [False, False] and not any("lat" in row for row in found)


def test_a_receiver_without_rmc_needs_a_date(city):
    vtg = line("GPVTG,270.0,T,,,,,36.0,K,A")
    (undated,) = read([line(GGA)], city)
    assert undated.reason == "nmea-undated"
    (row,) = read([line("GPZDA,081836.00,20,07,2026,00,00"), vtg, line(GGA)], city)
    assert row["time"] == 1_784_535_516_500 and row["speed_mps"] == pytest.approx(10) and row["heading"] == 270


def test_the_side_of_the_world_and_other_talkers(city):
    (row,) = read([line("BDRMC,235959.99,A,2712.6404,S,15303.1201,W,0.0,,311299,,,A")], city)
    assert row["lat"] == pytest.approx(-27.210673, abs=1e-6) and row["lon"] == pytest.approx(-153.052002, abs=1e-6)
    assert row["time"] == round(datetime.datetime(1999, 12, 31, 23, 59, 59, 990_000, datetime.UTC).timestamp() * 1000)


def test_a_tag_block_names_the_vehicle(city):
    (row,) = read([rf"\s:PUMP-3,c:1784535516*1A\{line(RMC)}"], city, unit_id="")
    assert row["unit_id"] == "PUMP-3"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (line(RMC)[:-1] + "0", "nmea-checksum"), ("$" + RMC, "nmea-checksum"), ("hello", "nmea-line"), ("$" + "A" * 500, "nmea-line"),
        (line("GPRMC,081836,A,3578.0,N,11355.2,E,,,200726,,"), "nmea-field"), (line("GPRMC,081836,A"), "nmea-field"),
        (line("GPRMC,081836,A,3518.0,X,11355.2,E,,,200726,,"), "nmea-field"), (line("GPRMC,256199,A,3518.0,N,11355.2,E,,,200726,,"), "nmea-field"),
        (line("GPRMC,081836,A,3518.0,N,11355.2,E,nan_,,200726,,"), "nmea-field"), (line("GPRMC,081836,A,3518.0,N,11355.2,E,,,310226,,"), "nmea-field"),
    ],
)  # fmt: skip
def test_a_line_that_is_wrong_is_parked_alone(city, text, reason):
    found = read([text, line(RMC)], city)
    assert [row.reason for row in found if isinstance(row, Unread)] == [reason]
    assert sum(isinstance(row, dict) for row in found) == 1


def test_a_missing_checksum_may_be_permitted(city):
    (row,) = read(["$" + RMC], city, checksum="optional")
    assert row["lat"] == 35.3


def test_a_position_needs_no_mapping(city):
    feed, config = city("position", unit_id="U7")
    feed.format = "nmea"
    mapping = Decoding(feed, config).mapping
    views = [v for row in rows(f"{line(RMC)}\n".encode(), feed, config) for v in mapping.views(row)]
    doc, time, *_ = mapping.document(views[0])
    assert (doc.unit_id, doc.lat, time) == ("U7", 35.3, 1_784_535_516_500)


@given(st.text(max_size=120))
def test_no_text_breaks_the_reader(text):
    list(rows(text.encode("utf-8", "surrogatepass") if text.isascii() else text.encode("utf-8", "replace"), _Feed(), None))


class _Feed:
    options = {}


def test_a_receiver_remembers_nothing_of_another():
    one, two = Receiver("a"), Receiver("b")
    one.line(line("GPZDA,081836.00,20,07,2026,00,00"))
    assert one.line(line(GGA))["unit_id"] == "a" and two.line(line(GGA)) is None and two.undated == 1


@pytest.mark.realdata
@pytest.mark.parametrize(("name", "fixes", "without"), [("haicom-305N.log", 68, 6), ("iTrek.log", 35, 2)])
def test_real_logs_against_a_plain_second_reading(real_data, city, name, fixes, without):
    body = (real_data / "tracks" / "gpsd_nmea" / name).read_bytes()
    found = list(rows(body, *city("position", unit_id="U")))
    assert not [row for row in found if isinstance(row, Unread)]
    expected = []
    for text in body.decode().splitlines():
        if text.startswith("$GPRMC"):
            part = text.split("*")[0].split(",")
            if part[2] == "A":
                south, west = part[4] == "S", part[6] == "W"
                lat, lon = int(part[3][:2]) + float(part[3][2:]) / 60, int(part[5][:3]) + float(part[5][3:]) / 60
                expected.append((-lat if south else lat, -lon if west else lon))
    placed = [(row["lat"], row["lon"]) for row in found if row["fixed"]]
    assert placed == [pytest.approx(place, abs=1e-7) for place in expected] and len(placed) == fixes
    assert sum(not row["fixed"] for row in found) == without
