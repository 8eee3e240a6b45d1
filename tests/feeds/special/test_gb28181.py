"""GB/T 28181 catalogs: trees, encodings, several parts, ids."""

import random

import pytest

from feeds.formats.gb28181 import FORMAT, id_parts, rows
from feeds.source import Unread
from hall.core.errors import BadInput


def _catalog(items, encoding="UTF-8", total=None, declared=True):
    made = "".join("<Item>" + "".join(f"<{k}>{v}</{k}>" for k, v in item.items()) + "</Item>" for item in items)
    head = f'<?xml version="1.0" encoding="{encoding}"?>\n' if declared else ""
    return (
        f"{head}<Response><CmdType>Catalog</CmdType><SN>1</SN><DeviceID>41070000002000000001</DeviceID>"
        f'<SumNum>{total or len(items)}</SumNum><DeviceList Num="{len(items)}">{made}</DeviceList></Response>'
    ).encode("gb18030" if encoding.startswith("GB") else "utf-8")


def _camera(serial, name="卫滨区和平路北", **more):
    return {"DeviceID": f"4107000000132{serial:07}", "Name": name, "ParentID": "41070000002160000001", "Status": "ON", **more}


@pytest.mark.realdata
def test_the_tree_of_a_real_platform_gives_one_camera_with_its_path(real_data, city):
    body = (real_data / "cameras/gb28181/owl_1.1_catalog-tree-response.xml").read_bytes()
    (camera,) = rows(body, *city("channel"))
    assert camera["DeviceID"] == "34020000001320000002" and camera["state"] == "online"
    assert camera["path"] == "行政区划/视频系统/虚拟组织"
    nodes = list(rows(body, *city("channel", directory=True)))
    assert [node["kind"] for node in nodes] == ["civil_region", "system", "business_group", "virtual_organisation", "camera"]


@pytest.mark.realdata
def test_a_catalog_that_declares_gb2312_reads(real_data, city):
    (camera,) = rows((real_data / "cameras/gb28181/owl_3.0_catalog-response.xml").read_bytes(), *city("channel"))
    assert camera["Name"] == "Fixture Camera" and camera["Info"]["PTZType"] == "1"


@pytest.mark.parametrize(
    ("encoding", "declared"), [("GB2312", True), ("GBK", True), ("GB18030", False), ("UTF-8", True), ("UTF-8", False)]
)
def test_chinese_names_read_whatever_the_device_declares(city, encoding, declared):
    name = "新乡市㙍村口" if encoding in ("GB18030", "UTF-8") else "新乡市卫滨区"
    (camera,) = rows(_catalog([_camera(1, name)], encoding, declared=declared), *city("channel"))
    assert camera["Name"] == name


def test_a_declaration_of_utf8_over_gbk_bytes_reads(city):
    body = _catalog([_camera(1)], "UTF-8").decode().encode("gbk")
    assert next(rows(body, *city("channel")))["Name"] == "卫滨区和平路北"


def test_parts_after_each_other_are_one_catalog_and_parents_are_found_across_them(city):
    group = {"DeviceID": "41070000002160000001", "Name": "城管视频"}
    body = (
        _catalog([_camera(1)], total=3) + b"\n" + _catalog([group], total=3) + _catalog([_camera(2)], total=3, declared=False)
    )
    found = list(rows(body, *city("channel")))
    assert [row["DeviceID"][-1] for row in found] == ["1", "2"] and {row["path"] for row in found} == {"城管视频"}


def test_a_broken_part_does_not_hide_the_others(city):
    found = list(rows(_catalog([_camera(1)]) + b"<?xml version='1.0'?><Response><Cmd", *city("channel")))
    assert found[0]["DeviceID"].endswith("1") and isinstance(found[1], Unread) and found[1].reason == "xml-malformed"


@pytest.mark.parametrize(
    ("fields", "state"),
    [({"Status": "ON"}, "online"), ({"Status": "OFF"}, "offline"), ({"Status": "off"}, "offline"), ({"Status": ""}, "unknown"),
     ({"Status": "ON", "Event": "VLOST"}, "offline"), ({"Status": "ON", "Event": "ADD"}, "online")],
)  # fmt: skip
def test_states_are_online_offline_or_unknown(city, fields, state):
    assert next(rows(_catalog([_camera(1, **fields)]), *city("channel")))["state"] == state


def test_an_id_is_region_sector_type_and_serial():
    assert id_parts("34020000001320000002") == {"centre": "34020000", "sector": "00", "type": "132", "serial": "0000002"}
    assert id_parts("410702")["centre"] == "410702"
    for wrong in ("", "3402000000132000000", "3402000000132000000x", "３４０２００００００１３２０００００００２"):
        with pytest.raises(BadInput, match="gb28181-id"):
            id_parts(wrong)


def test_a_wrong_id_is_parked_and_the_rest_is_read(city):
    found = list(rows(_catalog([{"DeviceID": "camera-7", "Name": "x"}, _camera(2)]), *city("channel")))
    assert [isinstance(row, Unread) for row in found] == [True, False]


def test_a_tree_that_bites_its_tail_ends(city):
    a = {"DeviceID": "41070000002160000001", "Name": "a", "ParentID": "41070000002160000002"}
    b = {"DeviceID": "41070000002160000002", "Name": "b", "ParentID": "41070000002160000001"}
    assert next(rows(_catalog([_camera(1), a, b]), *city("channel")))["path"].count("/") < 20


def test_several_parents_with_slashes_mean_the_nearest(city):
    camera = _camera(1, ParentID="41070000002000000001/41070000002160000009")
    assert next(rows(_catalog([camera]), *city("channel")))["parent"] == "41070000002160000009"


@pytest.mark.realdata
def test_an_alarm_notice_is_no_catalog(real_data, city):
    with pytest.raises(BadInput, match="not-a-catalog"):
        list(rows((real_data / "cameras/gb28181/owl_3.0_alarm-notify.xml").read_bytes(), *city("channel")))


def test_two_hundred_damaged_catalogs_are_refused_or_read_and_never_crash(city):
    whole, dice, refused = _catalog([_camera(n) for n in range(5)], "GB2312"), random.Random(5), 0
    for number in range(200):
        body = bytearray(whole[: dice.randrange(len(whole))] if number % 2 else whole)
        for _ in range(dice.randrange(1, 30)):
            if body:
                body[dice.randrange(len(body))] = dice.randrange(256)
        try:
            refused += any(isinstance(row, Unread) for row in rows(bytes(body), *city("channel")))
        except BadInput:
            refused += 1
    assert refused > 150


def test_the_default_mapping_needs_no_configuration():
    assert set(FORMAT.mapping) == {"channel"}


def test_what_a_camera_can_do_and_sees_is_read_and_nonsense_of_a_device_is_left_out(city):
    info = "<PTZType>4</PTZType><StreamNumberList>0/1</StreamNumberList><DirectionType>5</DirectionType>"
    info += "<HorizontalFieldAngle>62.5</HorizontalFieldAngle><MaxViewDistance>180</MaxViewDistance>"
    wrong = "<PTZType>9</PTZType><StreamNumberList>x/0</StreamNumberList><DirectionType>north</DirectionType>"
    wrong += "<HorizontalFieldAngle>-1</HorizontalFieldAngle><MaxViewDistance>far</MaxViewDistance>"
    told = [_camera(1, Info=info), _camera(2, Info=wrong), _camera(3, PTZType="3")]
    names = ("ptz", "has_sub", "bearing_deg", "fov_deg", "range_m")
    found = [tuple(row[name] for name in names) for row in rows(_catalog(told), *city("channel"))]
    assert found == [(True, True, 135.0, 62.5, 180.0), (False, False, None, None, None), (False, False, None, None, None)]


def test_ids_and_names_of_ancestors_come_side_by_side_and_a_circle_ends(city):
    told = [
        {"DeviceID": "41070000002150000001", "Name": "防汛/应急"},
        {"DeviceID": "41070000002160000001", "Name": "下穿", "BusinessGroupID": "41070000002150000001"},
        _camera(1),
        {"DeviceID": "41070000002160000008", "Name": "甲", "ParentID": "41070000002160000009"},
        {"DeviceID": "41070000002160000009", "Name": "乙", "ParentID": "41070000002160000008"},
        _camera(2, ParentID="41070000002160000008"),
    ]
    found = [(row["path"], row["path_ids"]) for row in rows(_catalog(told), *city("channel"))]
    assert found == [
        ("防汛／应急/下穿", "41070000002150000001/41070000002160000001"),
        ("乙/甲", "41070000002160000009/41070000002160000008"),
    ]
