"""CAP 1.2: real warnings read twice (our reader, lxml), and chains, languages and areas as the standard has them."""

import datetime
import io
import json
import random
import zipfile

import pytest
from lxml import etree
from shapely import Point, Polygon

from feeds.formats.cap import rows
from feeds.source import Gone, Ready, Unread
from hall.core.errors import BadInput

NS = {"c": "urn:oasis:names:tc:emergency:cap:1.2"}


def _ms(text):
    return int(datetime.datetime.fromisoformat(text).timestamp() * 1000)


def _info(language="zh-CN", severity="Severe", headline="暴雨橙色预警", area="<areaDesc>新乡</areaDesc>", extra=""):
    return (
        f"<info><language>{language}</language><category>Met</category><event>暴雨</event><urgency>Immediate</urgency>"
        f"<severity>{severity}</severity><certainty>Likely</certainty>{extra}<headline>{headline}</headline>"
        f"<area>{area}</area></info>"
    )


def _alert(identifier="A1", kind="Alert", infos=None, references="", status="Actual", sent="2026-07-20T08:00:00+08:00"):
    refers = f"<references>{references}</references>" if references else ""
    body = "".join([_info()] if infos is None else infos)
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><alert xmlns="{NS["c"]}"><identifier>{identifier}</identifier>'
        f"<sender>hall@test</sender><sent>{sent}</sent><status>{status}</status><msgType>{kind}</msgType>"
        f"<scope>Public</scope>{refers}{body}</alert>"
    ).encode()


def _zip(*bodies):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, body in enumerate(bodies):
            archive.writestr(f"{number}.xml", body)
    return file.getvalue()


def _one(body, city, **options):
    (row,) = rows(body, *city("warning", **options))
    assert isinstance(row, Ready)
    return row


@pytest.mark.realdata
def test_the_weather_services_warnings_read_as_an_independent_reader_reads_them(real_data, city):
    zipped = (real_data / "cap" / "dwd_cap_20230623_MUL.zip").read_bytes()
    feed, config = city("warning", languages=("de", "en"))
    found = {row.doc.warning_id: row for row in rows(zipped, feed, config) if isinstance(row, Ready)}
    gone = {row.subject for row in rows(zipped, feed, config) if isinstance(row, Gone)}
    ranks = {"Minor": 1, "Moderate": 2, "Severe": 3, "Extreme": 4}
    wanted_gone = set()
    with zipfile.ZipFile(io.BytesIO(zipped)) as archive:
        trees = [etree.fromstring(archive.read(name)) for name in archive.namelist()]
    assert len(found) == len(trees) == 3
    for tree in trees:
        text = lambda path, tree=tree: tree.xpath(f"string({path})", namespaces=NS)  # noqa: E731
        row = found[text("c:identifier")]
        infos = tree.xpath("c:info", namespaces=NS)
        german = tree.xpath("c:info[c:language='de-DE']", namespaces=NS)[0]
        codes = german.xpath(".//c:geocode[c:valueName='WARNCELLID']/c:value/text()", namespaces=NS)
        assert row.time == _ms(text("c:sent"))
        assert row.doc.headline == {
            i.xpath("string(c:language)", namespaces=NS): i.xpath("string(c:headline)", namespaces=NS).strip() for i in infos
        }
        assert len(row.doc.headline) == 8
        assert row.doc.severity == ranks[text("c:info[1]/c:severity")]
        assert (row.doc.onset, row.doc.expires) == (_ms(text("c:info[1]/c:onset")), _ms(text("c:info[1]/c:expires")))
        assert row.doc.event == text("c:info[1]/c:event")
        assert sorted(code for area in row.doc.areas for code in area.geocodes) == sorted(codes)
        refers = text("c:references")
        if refers:
            wanted_gone.add(f"warning/f/{refers.split(',')[1]}")
    assert gone == wanted_gone and len(gone) == 2


@pytest.mark.realdata
def test_excluded_polygons_are_not_part_of_a_warning(real_data, city):
    zipped = (real_data / "cap" / "dwd_cap_20230623_MUL.zip").read_bytes()
    checked = 0
    with zipfile.ZipFile(io.BytesIO(zipped)) as archive:
        trees = [etree.fromstring(archive.read(name)) for name in archive.namelist()]
    found = {r.doc.warning_id: r.doc for r in rows(zipped, *city("warning")) if isinstance(r, Ready)}
    for tree in trees:
        info = tree.xpath("c:info[c:language='en']", namespaces=NS)[0]
        areas = [
            [
                [
                    Polygon([tuple(map(float, p.split(",")))[::-1] for p in text.split()])
                    for text in area.xpath(path, namespaces=NS)
                ]
                for path in ("c:polygon/text()", "c:geocode[c:valueName='EXCLUDE_POLYGON']/c:value/text()")
            ]
            for area in info.xpath("c:area", namespaces=NS)
        ]
        shapes = [shape for inside, _ in areas for shape in inside]
        rings = [Polygon(ring) for a in found[tree.findtext("c:identifier", namespaces=NS)].areas for ring in a.polygons]
        dice = random.Random(7)
        for _ in range(400):
            west, south, east, north = dice.choice(shapes).bounds
            point = Point(dice.uniform(west, east), dice.uniform(south, north))
            wanted = any(
                any(shape.covers(point) for shape in inside) and not any(hole.covers(point) for hole in outside)
                for inside, outside in areas
            )
            assert any(ring.covers(point) for ring in rings) == wanted
            checked += any(outside for _, outside in areas)
    assert checked


@pytest.mark.realdata
def test_known_geocodes_get_their_outline(real_data, city):
    cells = real_data / "cap" / "dwd_alert_cells.json"
    features = {str(f["properties"]["WARNCELLID"]): f for f in json.loads(cells.read_text())["features"]}
    zipped = (real_data / "cap" / "dwd_cap_20230623_MUL.zip").read_bytes()
    feed, config = city("warning", areas=str(cells), areas_code="WARNCELLID")
    outlined = {
        code: area
        for row in rows(zipped, feed, config)
        if isinstance(row, Ready)
        for area in row.doc.areas
        for code in area.geocodes
        if area.polygons and len(area.geocodes) == 1
    }
    assert len(outlined) == 1
    for code, area in outlined.items():
        wanted = sum(Polygon(p[0], p[1:]).area for p in features[code]["geometry"]["coordinates"])
        assert sum(Polygon(ring).area for ring in area.polygons) == pytest.approx(wanted)


@pytest.mark.realdata
def test_our_own_examples_are_valid_cap(real_data):
    schema = etree.XMLSchema(etree.parse(real_data / "cap" / "CAP-v1.2-schema.xsd"))
    for body in (_alert(), _alert("B", "Update", references="hall@test,A1,2026-07-20T08:00:00+08:00"), _alert("C", infos=[])):
        schema.assertValid(etree.fromstring(body))


def test_a_warning_reads_whole(city):
    row = _one(_alert(), city)
    assert (row.doc.warning_id, row.doc.severity, row.doc.severity_label) == ("A1", 3, "Severe")
    assert row.time == _ms("2026-07-20T08:00:00+08:00")
    assert row.doc.headline == {"zh-CN": "暴雨橙色预警"} and row.doc.areas[0].description == "新乡"


def test_an_update_replaces_and_a_cancel_removes_what_they_refer_to_in_the_order_sent(city):
    told = "hall@test,{},2026-07-20T08:00:00+08:00"
    update = _alert("B", "Update", references=told.format("A1"), sent="2026-07-20T09:00:00+08:00")
    cancel = _alert("C", "Cancel", [], f"{told.format('B')} {told.format('Z')}", sent="2026-07-20T10:00:00+08:00")
    found = list(rows(_zip(cancel, update, _alert()), *city("warning")))
    told = [("gone", r.subject, r.time) if isinstance(r, Gone) else ("is", r.doc.warning_id, r.time) for r in found]
    eight, nine, ten = (_ms(f"2026-07-20T{h:02}:00:00+08:00") for h in (8, 9, 10))
    assert told == [
        ("is", "A1", eight), ("gone", "warning/f/A1", nine), ("is", "B", nine),
        ("gone", "warning/f/B", ten), ("gone", "warning/f/Z", ten),
    ]  # fmt: skip


def test_the_worst_of_several_infos_counts_and_each_language_keeps_its_texts(city):
    infos = [_info(severity="Minor", headline="蓝色"), _info(severity="Extreme", headline="红色"), _info("en", "Minor", "blue")]
    document = _one(_alert(infos=infos), city).doc
    assert (document.severity, document.severity_label) == (4, "Extreme")
    assert document.headline == {"zh-CN": "蓝色\n红色", "en": "blue"}


def test_severities_can_be_renamed_and_an_unknown_one_is_none(city):
    assert _one(_alert(), city, severity={"Severe": 4}).doc.severity == 4
    plain = {"schema": "off", "signals": False}
    assert _one(_alert(infos=[_info(severity="Weird")]), city, **plain).doc.severity == 0
    assert _one(_alert(infos=[_info(severity="橙色")]), city, **plain).doc.severity == 3


def test_polygons_are_turned_to_lon_lat_and_circles_to_rings(city):
    area = "<areaDesc>x</areaDesc><polygon>35,113 35,114 36,114 35,113</polygon><circle>35.3,113.9 10</circle>"
    document = _one(_alert(infos=[_info(area=area)]), city).doc
    polygon, circle = document.areas[0].polygons
    assert polygon == [[113, 35], [114, 35], [114, 36], [113, 35]]
    assert all(abs((lat - 35.3) * 111.195) <= 10.01 for _, lat in circle)
    assert max(lat for _, lat in circle) == pytest.approx(35.3 + 10 / 111.195, abs=1e-4)


@pytest.mark.parametrize("status", ["Actual", "Exercise", "System", "Test", "Draft"])
def test_every_status_of_the_standard_is_a_warning_that_says_so(city, status):
    assert _one(_alert(status=status), city).doc.status == status


@pytest.mark.parametrize("status", ["", "actual", "Real", "test"])
def test_a_status_the_standard_does_not_know_is_parked(city, status):
    with pytest.raises(BadInput, match="cap-schema: line 1, <status>"):
        list(rows(_alert(status=status), *city("warning")))
    with pytest.raises(BadInput, match="cap-status"):
        list(rows(_alert(status=status), *city("warning", schema="off")))


def test_a_feed_may_take_fewer_statuses(city):
    assert _one(_alert(status="Test"), city, statuses=["Test"]).doc.status == "Test"
    with pytest.raises(BadInput, match="takes no Exercise"):
        _one(_alert(status="Exercise"), city, statuses=["Test"])


def test_one_broken_file_of_a_zip_does_not_hide_the_others(city):
    found = list(rows(_zip(_alert("A"), b"<alert", _alert("B")), *city("warning")))
    assert [row.doc.warning_id for row in found if isinstance(row, Ready)] == ["A", "B"]
    assert [(row.raw, row.reason) for row in found if isinstance(row, Unread)] == [(b"<alert", "xml-malformed")]


BOMB = b'<!DOCTYPE a [<!ENTITY x "y"><!ENTITY z "&x;&x;&x;">]><alert>&z;</alert>'
OUTSIDE = b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><alert>&x;</alert>'


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (BOMB, "xml-forbidden"), (OUTSIDE, "xml-forbidden"), (b"", "xml-malformed"), (b"PK\3\4broken", "zip-broken"),
        (_zip(), "zip-empty"), (b"<feed/>", "not-cap"), (_alert(sent="yesterday"), "cap-schema"),
        (_alert(identifier=""), "cap-incomplete"), (_alert(kind="Ack"), "cap-message-type"),
        (_alert(infos=[]), "cap-incomplete"), (_alert(kind="Cancel", infos=[]), "cap-references"),
        (_alert(kind="Cancel", infos=[], references="nonsense"), "cap-references"),
        (_alert(infos=[_info(area="<areaDesc/><polygon>a,b c,d e,f g,h</polygon>")]), "cap-area"),
        (_alert(infos=[_info(area="<areaDesc/><polygon>95,1 2,2 3,3 95,1</polygon>")]), "cap-area"),
        (_alert(infos=[_info(area="<areaDesc/><circle>nan,1 5</circle>")]), "cap-area"),
        (_alert(infos=[_info(area="<areaDesc/><circle>35,113 nan</circle>")]), "cap-area"),
        (b"<a>" * 500 + b"</a>" * 500, "xml-too-deep"),
    ],
)  # fmt: skip
def test_what_is_no_warning_is_refused_with_its_reason(city, body, reason):
    with pytest.raises(BadInput) as refused:
        list(rows(body, *city("warning")))
    assert refused.value.reason == reason


@pytest.mark.realdata
def test_two_hundred_damaged_warnings_are_refused_or_read_and_never_crash(real_data, city):
    whole = _alert(infos=[_info(area="<areaDesc>x</areaDesc><polygon>35,113 35,114 36,114 35,113</polygon>")])
    zipped = (real_data / "cap" / "dwd_cap_20230623_MUL.zip").read_bytes()
    dice, refused = random.Random(3), 0
    for number in range(200):
        source = zipped if number % 4 == 0 else whole
        body = bytearray(source[: dice.randrange(len(source))] if number % 2 else source)
        for _ in range(dice.randrange(1, 30)):
            if body:
                body[dice.randrange(len(body))] = dice.randrange(256)
        try:
            for row in rows(bytes(body), *city("warning")):
                refused += isinstance(row, Unread)
        except BadInput:
            refused += 1
    assert refused > 150
