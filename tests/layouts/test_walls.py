"""Every declared wall can be rendered, says what its panels need, and has its texts in both languages."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

import pytest

from hall.core.config import WallGeometry
from hall.core.model import LOG_TOPICS, STATE_TOPICS
from layouts import catalogue, plan, walls
from layouts.context import Context, glyph_px, wall_pixels
from layouts.wall import panels, wall

ROOT = Path(__file__).parent.parent.parent
PROCESSES = {"gate", "web", "feeds", "dispatch", "relay", "video"}
TEXTS = catalogue.texts()


def parts(component):
    """Every component below and including this one."""
    yield component
    children = getattr(component, "children", None)
    for child in children if isinstance(children, (list, tuple)) else [children]:
        if hasattr(child, "to_plotly_json"):
            yield from parts(child)


@pytest.mark.parametrize("name", ["routine", "flood", "video", "briefing"])
def test_a_wall_shows_exactly_the_panels_of_its_drawing(name):
    declared = walls.all()[name]
    made = wall(declared, Context(wall=name, texts=TEXTS, geometry=WallGeometry(columns=3, rows=2)))
    shown = [p.to_plotly_json()["props"]["data-panel"] for p in parts(made) if "data-panel" in p.to_plotly_json()["props"]]
    assert shown == list(plan.read(declared.plan).names)
    assert not declared.strip or set(plan.read(declared.strip).names) == set(shown), "the same panels, drawn for a strip"
    told = json.loads(made.to_plotly_json()["props"]["data-wall"])
    assert (told["columns"], told["rows"], told["layout"]) == (3, 2, name)


def test_a_wall_knows_that_it_is_a_strip_by_its_screens():
    for screens, strip in [((2, 1), True), ((4, 1), True), ((1, 1), False), ((3, 2), False)]:
        context = Context(texts=TEXTS, geometry=WallGeometry(columns=screens[0], rows=screens[1]))
        props = wall(walls.all()["flood"], context).to_plotly_json()["props"]
        assert ("is-strip" in props["className"]) == strip and "has-strip" in props["className"]
        assert "city_map" in props["style"]["--strip-areas"] and props["style"]["--areas"] != props["style"]["--strip-areas"]


def test_rendering_is_pure():
    declared = walls.all()["flood"]
    made = [json.dumps(wall(declared, Context(texts=TEXTS)).to_plotly_json(), cls=_Encoder) for _ in range(2)]
    assert made[0] == made[1]


class _Encoder(json.JSONEncoder):
    def default(self, o):
        return o.to_plotly_json()


def test_panels_name_topics_and_processes_that_exist():
    for name, panel in panels().items():
        assert set(panel.topics) <= {*STATE_TOPICS, *LOG_TOPICS}, name
        assert set(panel.needs) <= PROCESSES, name
        assert set(panel.feeds) <= {"case", "sensor", "observation", "position", "channel", "warning", "alarm"}, name


def test_every_panel_has_a_painter_in_the_assets():
    scripts = "".join(file.read_text(encoding="utf-8") for file in (ROOT / "assets").rglob("*.js"))
    for name in panels():
        assert f'"{name}"' in scripts, name


def test_both_languages_have_the_same_texts_with_the_same_places_for_values():
    zh, en = TEXTS["zh-CN"], TEXTS["en"]
    assert zh.keys() == en.keys()
    for key in zh:
        assert set(re.findall(r"\{(\w+)\}", zh[key])) == set(re.findall(r"\{(\w+)\}", en[key])), key


def test_texts_that_layouts_and_painters_name_are_in_the_catalogue():
    used = {wall.title for wall in walls.all().values()} | {wall.about for wall in walls.all().values()}
    used |= {panel.title for panel in panels().values()}
    folder = ROOT / "assets"
    for file in [*folder.glob("[0-9]*.js"), *folder.glob("panels/*.js")]:
        used |= set(re.findall(r'\bt\("([\w.-]+)"', file.read_text(encoding="utf-8")))
    assert {key for key in used if key not in TEXTS["zh-CN"]} == set()


def test_the_smallest_glyph_follows_distance_and_pitch():
    for pitch, distance, wanted in ((1.25, 4, 19), (0.63, 6, 55), (1.25, 10, 47), (0.63, 12, 111)):  # DOMAIN.md section 6
        assert round(glyph_px(WallGeometry(pixel_pitch_mm=pitch, viewing_distance_m=distance))) == wanted
    assert wall_pixels(WallGeometry(columns=6, rows=3, screen=(1920, 1080))) == (11520, 3240)
    assert math.isclose(glyph_px(WallGeometry(arcmin=40)) / glyph_px(WallGeometry()), 2, rel_tol=1e-3)


def test_no_style_of_a_wall_asks_for_text_smaller_than_the_legible_size():
    for file in (ROOT / "assets").glob("[0-9]*.css"):
        for size in re.findall(r"font-size:\s*([^;}]+)", file.read_text(encoding="utf-8")):
            least = re.match(r"(?:max\()?([\d.]+)em", size)
            assert least and float(least[1]) >= 1, f"{file.name}: {size}"


def test_nothing_in_the_assets_asks_another_host_for_anything():
    for file in (ROOT / "assets").rglob("*"):
        if file.suffix in (".js", ".css"):
            text = file.read_text(encoding="utf-8")
            assert not re.search(r"""(url\(|src\s*=\s*|import\s+|fetch\()["'`]?(https?:)?//""", text), file


def test_fonts_are_served_by_the_hall_within_six_megabytes():
    fonts = list((ROOT / "assets" / "fonts").glob("*.woff2"))
    assert len(fonts) == 4 and sum(file.stat().st_size for file in fonts) < 6_000_000
    assert all((ROOT / "assets" / "fonts" / f"{name}-LICENSE.txt").exists() for name in ("noto", "barlow"))
