"""CAP messages before they are read: the schema, signals, chains."""

import io
import time
import zipfile

import pytest
from lxml import etree

from feeds.capsignals import Meaning, signal_of
from feeds.formats.cap import rows
from feeds.intake import Intake, Item
from feeds.known import Subjects
from feeds.places import Places
from feeds.source import Gone, Ready, Unread
from hall.core.cap import first_fault, tree
from hall.core.errors import BadInput
from hall.core.event import decode
from tests.feeds.special.test_cap import NS, _alert, _info, _ms, _one, _zip

DS = "http://www.w3.org/2000/09/xmldsig#"
C14N = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"


# -- schema ------------------------------------------------------------------------------------------------------------------


@pytest.mark.realdata
def test_the_schema_in_the_package_is_that_of_the_standard(real_data):
    packed = (real_data / "cap" / "CAP-v1.2-schema.xsd").read_bytes()
    from hall.core import cap

    assert cap._FILE.read_bytes() == packed


@pytest.mark.parametrize(
    ("broken", "place"),
    [
        (b"<scope>Public</scope>", "line 3, <info>"),
        (b"<urgency>Immediate</urgency>", "line 3, <severity>"),
        (b"<category>Met</category>", "line 3, <event>"),
    ],
)
def test_a_message_that_breaks_the_schema_is_refused_with_line_and_element(city, broken, place):
    body = _alert().replace(b"<info>", b"\n\n<info>").replace(broken, b"")
    with pytest.raises(BadInput) as refused:
        list(rows(body, *city("warning")))
    assert refused.value.reason == "cap-schema" and place in refused.value.detail
    assert list(rows(body, *city("warning", schema="off")))  # a supplier known for it is read all the same


def test_the_line_is_the_documents_also_when_it_is_sent_in_chinese_encoding(city):
    text = _alert(status="Foo").decode().replace("UTF-8", "GB2312").replace("<status>", "\n<status>")
    with pytest.raises(BadInput, match="line 2, <status>"):
        list(rows(text.encode("gb18030"), *city("warning")))


def test_another_version_of_cap_is_named_as_such(city):
    with pytest.raises(BadInput, match="cap:1.1"):
        list(rows(_alert().replace(b"cap:1.2", b"cap:1.1"), *city("warning")))


def test_one_invalid_message_of_several_in_a_text_is_parked_alone(city):
    good, bad = (_alert(name, status=status).partition(b"?>")[2] for name, status in (("A", "Actual"), ("B", "Foo")))
    found = list(rows(b"<all>" + bad + good + b"</all>", *city("warning")))
    assert [row.doc.warning_id for row in found if isinstance(row, Ready)] == ["A"]
    (parked,) = [row for row in found if isinstance(row, Unread)]
    assert parked.reason == "cap-schema" and b"<identifier>B<" in parked.raw and b"<identifier>A<" not in parked.raw


@pytest.mark.realdata
def test_the_german_warnings_are_read_in_full_and_quickly(real_data, city):
    zipped = (real_data / "cap" / "dwd_cap_20230623_MUL.zip").read_bytes()
    feed, config = city("warning", languages=("de", "en"))
    list(rows(zipped, feed, config))
    began = time.process_time()
    found = [row.doc for row in rows(zipped, feed, config) if isinstance(row, Ready)]
    spent = time.process_time() - began
    with zipfile.ZipFile(io.BytesIO(zipped)) as archive:
        trees = [etree.fromstring(archive.read(name)) for name in archive.namelist()]
    wanted = {}
    for alert in trees:
        german = alert.xpath("c:info[c:language='de-DE']", namespaces=NS)
        areas = {etree.tostring(area, method="c14n") for info in german for area in info.findall("c:area", NS)}
        languages = {info.findtext("c:language", namespaces=NS) for info in alert.findall("c:info", NS)}
        descriptions = {
            i.findtext("c:language", namespaces=NS)
            for i in alert.findall("c:info", NS)
            if i.find("c:description", NS) is not None
        }
        wanted[alert.findtext("c:identifier", namespaces=NS)] = (len(areas), languages, descriptions)
    assert {doc.warning_id: (len(doc.areas), set(doc.headline), set(doc.description)) for doc in found} == wanted
    assert sorted(count for count, _, _ in wanted.values()) == [4, 49, 169] and all(len(w[1]) == 8 for w in wanted.values())
    assert all(doc.extra["signature"] == {"state": "absent"} for doc in found)
    assert spent < 3  # measured 0.2 s; the bound is for a crowded machine


# -- signals -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("event", "headline", "wanted"),
    [
        ("暴雨", "新乡市气象台发布暴雨红色预警信号[I级/特别严重]", ("rainstorm", "red", 4)),
        ("雷雨大风", "雷雨大风黄色预警", ("thunder_gale", "yellow", 2)),
        ("暴雨", "暴雨橙色预警信号升级为暴雨红色预警信号", ("rainstorm", "", None)),  # which of two, the CAP severity says
        ("Rainstorm", "Orange warning for rainstorms", ("rainstorm", "orange", 3)),
        ("Heavy rain", "Credit card fraud in the red district", ("", "", None)),
        ("高温", "", ("heat", "", None)),
    ],
)
def test_signals_are_recognised_by_their_words(event, headline, wanted):
    assert signal_of([event, headline]) == Meaning(*wanted)


def test_a_city_adds_its_own_words_and_takes_out_others():
    own = {
        "11B03": {"kind": "rainstorm"},
        "特急": {"colour": "red"},
        "大雾": {},
        "台风": {"kind": "typhoon", "colour": "orange"},
    }
    assert signal_of(["11B03", "特急"], own) == Meaning("rainstorm", "red", 4)
    assert signal_of(["大雾橙色"], own) == Meaning("", "orange", 3)
    assert signal_of(["台风"], own) == Meaning("typhoon", "orange", 3)
    assert signal_of(["暴雨红色"], False) == Meaning()
    with pytest.raises(ValueError, match="unknown field"):
        signal_of(["x"], {"暴雨": {"color": "red"}})


def test_a_message_in_the_national_centre_s_way_is_read_where_the_schema_is_switched_off(city):
    """Its severities are colours, its event a code in <eventType>, its geocodes bare (as local platforms pass them on)."""
    info = (
        "<info><language>zh-CN</language><eventType>11B03</eventType><urgency>Unknown</urgency><severity>Red</severity>"
        "<certainty>Unknown</certainty><senderName>新乡市气象台</senderName><headline>新乡市气象台发布红色预警信号[I级/特别严重]</headline>"
        "<area><areaDesc>新乡市</areaDesc><geocode>410700000000</geocode></area></info>"
    )
    body = _alert("41070041600000_20210720155900_1", infos=[info])
    with pytest.raises(BadInput, match="cap-schema: line 1, <eventType>"):
        list(rows(body, *city("warning")))
    document = _one(body, city, schema="off", signals={"11B03": {"kind": "rainstorm"}}).doc
    assert (document.severity, document.severity_label, document.event) == (4, "Red", "11B03")
    assert document.extra["signal"] == {"kind": "rainstorm", "colour": "red"}
    assert document.areas[0].geocodes == ["410700000000"]


def test_the_colour_of_a_parameter_decides_the_severity_and_the_sender_keeps_his_word(city):
    extra = "<parameter><valueName>severityColor</valueName><value>Red</value></parameter>"
    info = _info(severity="Moderate", headline="暴雨预警").replace("<area>", extra + "<area>")
    document = _one(_alert(infos=[info]), city).doc
    assert (document.severity, document.severity_label) == (4, "Moderate")
    assert document.extra["signal"] == {"kind": "rainstorm", "colour": "red"}


# -- chains ------------------------------------------------------------------------------------------------------------------


class Told:
    """What screens know after an intake of their own took messages; its clock stands."""

    def __init__(self, city):
        self.city, self.shown = city, {}
        self.intake = Intake(self, self, Places(city("warning")[1]), Subjects())

    def now(self):
        return _ms("2026-07-20T12:00:00+08:00")

    def put_raw(self, raw):
        event = decode(raw)
        self.shown[event.subject] = event.data

    def take(self, body):
        for row in rows(body, *self.city("warning")):
            if isinstance(row, Gone):
                self.intake.gone("f", row.subject, row.time)
            else:
                self.intake.take("f", [Item(row.doc, row.time)], lambda *refused: pytest.fail(str(refused)))

    @property
    def in_force(self):
        return {subject for subject, data in self.shown.items() if data is not None}


def _refer(*names, hour=8):
    return " ".join(f"hall@test,{name},2026-07-20T{hour:02}:00:00+08:00" for name in names)


CHAIN = (
    _alert("A"),
    _alert("B", "Update", references=_refer("A"), sent="2026-07-20T09:00:00+08:00"),
    _alert("C", "Update", references=_refer("A", "B", hour=9), sent="2026-07-20T10:00:00+08:00"),
)
CANCEL = _alert("D", "Cancel", [], references=_refer("A", "B", "C", hour=10), sent="2026-07-20T11:00:00+08:00")


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0), (2, 0, 1), (0, 1, 2, 0, 1, 2, 0)])
def test_of_a_chain_of_updates_the_last_one_stays_in_whatever_order_they_come(city, order):
    told = Told(city)
    for place in order:
        told.take(CHAIN[place])
    assert told.in_force == {"warning/f/C"}


@pytest.mark.parametrize("order", [(3, 0, 1, 2), (0, 3, 1, 2), (0, 1, 2, 3), (2, 3, 1, 0, 3, 2)])
def test_a_cancel_that_comes_before_its_alert_cancels_it_all_the_same(city, order):
    told = Told(city)
    for place in order:
        told.take((*CHAIN, CANCEL)[place])
    assert told.in_force == set()


def test_an_update_of_the_same_second_or_with_a_clock_that_went_back_still_replaces(city):
    for sent in ("2026-07-20T08:00:00+08:00", "2026-07-20T07:30:00+08:00"):
        told = Told(city)
        for body in (_alert("A"), _alert("B", "Update", references=_refer("A"), sent=sent), _alert("A")):
            told.take(body)
        assert told.in_force == {"warning/f/B"}


def test_several_messages_of_a_zip_are_taken_in_the_order_they_were_sent(city):
    found = [row.doc.warning_id for row in rows(_zip(*reversed(CHAIN)), *city("warning")) if isinstance(row, Ready)]
    assert found == ["A", "B", "C"]


def test_our_examples_are_valid(city):
    for body in (*CHAIN, CANCEL):
        assert first_fault(tree(body.decode().partition("?>")[2])) is None
