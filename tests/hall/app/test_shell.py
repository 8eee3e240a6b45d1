"""The page shell, the process around it, and the texts of the consoles."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys

import pytest

from hall.app.headers import same_origin
from hall.app.visit import page_prefix, parse_target, split_page_prefix
from tests.hall.app.conftest import ROOT


async def scripts_of(client, path):
    return re.findall(r'<script src="([^"?]+)', (await client.get(path)).text)


async def test_a_deep_link_opened_first_has_all_scripts(new_hall):
    hall = new_hall(demo=True).start()
    async with await hall.client() as client:
        deep = await scripts_of(client, "/wall/flood")
        await client.get("/")
        assert deep == await scripts_of(client, "/wall/flood")
    assert "/assets/hall.js" in deep
    assert any("dash_renderer" in script for script in deep) and any("dash_leaflet" in script for script in deep)


async def test_walls_are_spared_the_table_library_and_the_desk_has_it(demo_hall):
    async with await demo_hall.client("viewer") as client:
        assert not any("dash_ag_grid" in script for script in await scripts_of(client, "/wall/flood"))
        assert any("dash_ag_grid" in script for script in await scripts_of(client, "/desk"))


async def test_the_page_tells_its_scripts_what_they_need(demo_hall):
    async with await demo_hall.client("operator", "zhao") as client:
        text = (await client.get("/wall/east?part=1,0&lang=en")).text
    page = json.loads(re.search(r'name="hall-page" content="([^"]+)"', text)[1].replace("&quot;", '"').replace("&amp;", "&"))
    assert page["gate_port"] == demo_hall.port + 1 and page["demo"] is True and page["locale"] == "en"
    assert page["wall"] == {"name": "east", "layout": "flood", "part": "1,0"}
    assert page["who"]["role"] == "operator" and len(page["csrf"]) == 64
    assert '<html lang="en">' in text
    catalogue = json.loads(re.search(r'id="hall-catalogue" type="application/json">(.+?)</script>', text)[1])
    assert catalogue["zh-CN"]["desk.nav.desk"] == "坐席"


async def test_each_page_asks_for_its_own_layout(demo_hall):
    async with await demo_hall.client("viewer") as client:
        for path, kind in (
            ("/wall/flood", "wall wall-flood has-strip"),
            ("/wall/briefing", "wall wall-briefing"),
            ("/desk", "console"),
        ):
            prefix = json.loads(re.search(r'id="_dash-config"[^>]*>(.+?)</script>', (await client.get(path)).text)[1])
            layout = (await client.get(f"{prefix['requests_pathname_prefix']}_dash-layout")).json()
            assert layout["props"]["className"] == kind
            assert "python_version" not in prefix


@pytest.mark.parametrize("target", ["/", "/wall/flood?wall=east&part=0,1&lang=zh-CN", "/desk?q=积水"])
def test_a_page_prefix_can_be_read_back(target):
    assert split_page_prefix(page_prefix(target) + "_dash-layout") == ("/_dash-layout", target)


@pytest.mark.parametrize(
    "path", ["/~", "/~/x", "/~!!!/_dash-layout", "/~L2Rlc2s/desk", "/~ZGVzaw/_dash-layout", "/~gA/_dash-layout"]
)
def test_a_broken_page_prefix_is_no_page(path):
    assert split_page_prefix(path) == (path, None)


def test_a_target_is_read_as_path_and_query():
    assert parse_target("/wall/x?a=1&b=%2F&c=") == ("/wall/x", {"a": "1", "b": "/", "c": ""})


@pytest.mark.parametrize(
    "origin,host,same",
    [
        ("http://hall:8050", "hall:8050", True),
        ("https://HALL:8050", "hall:8050", True),
        ("http://hall:8051", "hall:8050", False),
        ("http://hall.evil", "hall", False),
        ("null", "hall", False),
        ("http://", "", False),
        ("http://a b", "a b", False),
    ],
)
def test_an_origin_is_the_same_only_with_host_and_port(origin, host, same):
    assert same_origin(origin, host) is same


def test_a_taken_port_is_named_with_the_way_out(new_hall):
    hall = new_hall()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", hall.port))
        taken.listen()
        process = hall.spawn("web", "hall.app")
        assert process.wait(30) == 2
    assert f"port {hall.port} on 127.0.0.1 is taken; choose another with HALL_PORT" in hall.log.read_text()
    hall._processes.clear()


def test_the_web_process_starts_without_the_heavy_libraries():
    code = (
        "import sys; import hall.app.assembly as a; from layouts.wall import panels; panels();"
        "print([m for m in ('pandas', 'pyarrow', 'cv2', 'matplotlib') if m in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"


def _merged(tag):
    """All of the catalogue's parts in one language: pages get them merged."""
    merged = {}
    for file in sorted((ROOT / "assets/i18n").glob(f"*{tag}.json")):
        merged |= json.loads(file.read_text(encoding="utf-8"))
    return merged


def test_console_texts_exist_in_both_languages_and_every_key_used_is_there():
    texts = {tag: _merged(tag) for tag in ("zh-CN", "en")}
    assert texts["zh-CN"].keys() == texts["en"].keys() and all(value for part in texts.values() for value in part.values())
    for key, text in texts["zh-CN"].items():
        assert set(re.findall(r"\{\w+\}", text)) == set(re.findall(r"\{\w+\}", texts["en"][key])), key
        assert key == "language.zh-CN" or not re.search(r"[\u4e00-\u9fff]", texts["en"][key]), (
            f"{key}: Chinese in the English text"
        )
        assert "报警" not in text, f"{key}: an alarm is 告警; 报警 is to call the police"
    files = [*(ROOT / "assets").glob("desk-*.js"), ROOT / "hall/app/signin.py", *(ROOT / "layouts").glob("*.py")]
    used = {
        key for file in files for key in re.findall(r'"((?:desk|signin)\.[a-z.-]+[a-z])"', file.read_text(encoding="utf-8"))
    }
    prefixes = {key.rpartition(".")[0] for key in texts["en"]}
    assert len(used) > 60 and used <= texts["en"].keys() | prefixes
    scripts = [
        file for file in (ROOT / "assets").rglob("*.js") if not file.with_name(f"{file.stem}-LICENSE.txt").exists()
    ]  # ours
    asked = {key for file in scripts for key in re.findall(r'\bt\(\s*"([a-z][\w.-]+)"', file.read_text(encoding="utf-8"))}
    assert len(asked) > 700 and asked <= texts["en"].keys(), asked - texts["en"].keys()
