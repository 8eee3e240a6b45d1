"""A small city and a way to import into it."""

from __future__ import annotations

import json

import pytest

from feeds.components.asking import Inventory
from feeds.components.importing import Order, import_components
from feeds.components.settings import source_of
from feeds.components.store import open_current
from hall.core import config

SQUARES = [
    {"type": "Feature", "properties": {"name": name}, "geometry": {"type": "Polygon", "coordinates": [ring]}}
    for name, ring in (
        ("红旗区", [[113.8, 35.2], [114.0, 35.2], [114.0, 35.4], [113.8, 35.4], [113.8, 35.2]]),
        ("卫滨区", [[113.6, 35.2], [113.8, 35.2], [113.8, 35.4], [113.6, 35.4], [113.6, 35.2]]),
    )
]
STANDARD = """
crs = "WGS-84"
[components.parts.mapping]
component_id = "编号"
name = "名称"
state = "状态"
accuracy = "精度"
department = "主管部门"
owner = "权属单位"
address = "位置"
cell = "网格"
lon = "经度"
lat = "纬度"
extra = ["材质"]
"""
HEADER = "编号,名称,状态,精度,主管部门,权属单位,位置,网格,经度,纬度,材质"


class City:
    """`imported(body)` writes a file and imports it; `report` is what the last import said."""

    def __init__(self, home, table):
        self.home, self.root, self.clock = home, home / "components", 1_000
        (home / "districts.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": SQUARES}), "utf-8")
        self.configure(table)

    def configure(self, table):
        text = '[city]\nname = {en = "X"}\ncentre = [113.9, 35.3]\nboundary = "districts.geojson"\n'
        (self.home / "hall.toml").write_text(f"{text}[components.parts]\n{table}", "utf-8")
        self.config = config.load(self.home / "hall.toml")

    def imported(self, body, name="parts.csv", **how):
        path = name
        if body is not None:
            path = self.home / name
            path.write_bytes(body if isinstance(body, bytes) else body.encode())
        self.clock += 1
        order = Order(where=str(path), source=source_of(self.config, how.pop("source", "parts")), whole=True, at=self.clock)
        for key, value in how.items():
            setattr(order, key, value)
        self.report = import_components(self.config, self.root, order)
        return self.report

    @property
    def store(self):
        return open_current(self.root)

    def records(self):
        store = self.store
        return {store.id_of(row): store.record(row) for row in range(len(store))}

    def view(self, districts=None, department=None):
        return Inventory(self.root).view(districts, department)


@pytest.fixture
def city(tmp_path):
    return City(tmp_path, STANDARD)


def line(serial, lon="113.912345", lat="35.312345", name="路灯", state="完好", district="410702", kind="0104", **more):
    values = {"精度": "B", "主管部门": "市政处", "权属单位": "供电公司", "位置": "平原路", "网格": "", "材质": "钢"} | more
    head = f"{district}{kind}{serial:06d},{name},{state},{values['精度']},{values['主管部门']},{values['权属单位']}"
    return f"{head},{values['位置']},{values['网格']},{lon},{lat},{values['材质']}"


@pytest.fixture
def table():
    """`table(lines)`: a CSV with the header."""
    return lambda *lines: "\n".join([HEADER, *lines]) + "\n"


@pytest.fixture
def row():
    return line
