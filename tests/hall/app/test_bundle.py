"""One script and one style hold all of ours, in Dash's order, and lead back to the files."""

from __future__ import annotations

import json
import os
import re

import pytest

from hall.app.bundle import Bundle, source_map
from tests.conftest import ROOT

TAGS = """<script src="/_dash-component-suites/a.js"></script>
<script src="/assets/10-x.js?m=1.5"></script>
<script src="/assets/video/20-y.js?m=2"></script>
<script src="/_dash-component-suites/z.js"></script>"""
TAG = '<script src="{}"></script>'


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "video").mkdir()
    (tmp_path / "10-x.js").write_text("'use strict';\nconst x = 1; // one\n\n")
    (tmp_path / "video/20-y.js").write_text("'use strict';\nconst y = x + 1;")
    return tmp_path


def addresses(tags):
    return [part.split('"')[0] for part in tags.split('src="')[1:]]


def test_ours_become_one_where_the_first_of_them_stood_and_others_stay(folder):
    first, ours, last = addresses(Bundle(folder).gather(TAGS, "hall.js", TAG))
    assert (first, last) == ("/_dash-component-suites/a.js", "/_dash-component-suites/z.js")
    assert ours.startswith("/assets/hall.js?m=")


def test_a_changed_file_is_in_it_from_the_next_page_on_under_another_address(folder):
    bundle = Bundle(folder)
    before = bundle.gather(TAGS, "hall.js", TAG)
    assert bundle.gather(TAGS, "hall.js", TAG) == before
    (folder / "10-x.js").write_text("'use strict';\nconst x = 2;\n")
    os.utime(folder / "10-x.js", ns=(1, 1))
    assert bundle.gather(TAGS, "hall.js", TAG) != before


def test_tags_without_ours_stay_as_they_are(folder):
    assert Bundle(folder).gather("<script src='x'></script>", "hall.js", TAG) == "<script src='x'></script>"


def test_the_source_map_names_the_line_of_each_file():
    mapped = json.loads(source_map(["a.js", "b.js", "c.js"], [20, 1, 2]))
    lines, source, line = [], 0, 0
    for step in mapped["mappings"].split(";"):
        column, by, down, _ = numbers(step)
        source, line = source + by, line + down
        assert column == 0
        lines.append((mapped["sources"][source], line))
    assert lines == [*(("a.js", number) for number in range(20)), ("b.js", 0), ("c.js", 0), ("c.js", 1)]


def numbers(step):
    """Base 64 variable-length quantities, by the words of the source map's specification."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    found, bits = [], ""
    for digit in (alphabet.index(letter) for letter in step):
        bits = f"{digit & 31:05b}" + bits  # the least significant part comes first
        if digit < 32:
            found.append(int(bits[:-1], 2) * (-1 if bits[-1] == "1" else 1))
            bits = ""
    return found


async def test_a_page_asks_for_what_dash_would_load_file_by_file(demo_hall):
    """The files, in the order of their names with folders after them, which is the order they are written for."""
    from hall.app.shell import ASSETS

    async with await demo_hall.client("viewer") as client:
        for kind in ("js", "css"):
            found = sorted(ASSETS.rglob(f"*.{kind}"), key=lambda file: (str(file.parent), file.name))
            wanted = "".join(file.read_text().rstrip("\n") + "\n" for file in found if file.parent.name != "field")
            page = (await client.get("/wall/routine")).text
            address = page.split(f'"/assets/hall.{kind}')[1].split('"')[0]
            answer = await client.get(f"/assets/hall.{kind}{address}")
            assert answer.text.removesuffix("//# sourceMappingURL=hall.js.map\n") == wanted
            assert "immutable" in answer.headers["cache-control"]
        assert page.count('"/assets/') == 2
        assert len((await client.get("/assets/hall.js.map")).json()["sources"]) > 100
        assert (await client.get("/assets/hall.py")).status_code == 404


def test_no_key_handler_answers_false_by_the_way():
    """`node.onkeydown = (event) => event.key === "Enter" && act()` answers false to every other key, which keeps them from what has the
    focus: nobody could type. Such a handler is a block, calls one function, or says `void`."""
    swallowing = re.compile(r"\.on(?:key\w+|beforeinput|paste)\s*=\s*\(?\w*\)?\s*=>(?!\s*(?:\{|void\b))[^;\n]*&&")
    sources = list((ROOT / "assets").rglob("*.js"))
    assert len(sources) > 100
    found = [
        f"{path.name}: {line.strip()}"
        for path in sources
        for line in path.read_text("utf-8").splitlines()
        if swallowing.search(line)
    ]
    assert found == []
