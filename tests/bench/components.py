"""2.3 million components: one version written and asked (pack, viewport grid, filters, words, a number), beside pandas and SQLite's
R*Tree over the same points; an import of real rows beside GDAL making a GeoPackage of the same file.

`HALL_BENCH_COMPONENTS` and `HALL_BENCH_ROWS` make it smaller.
"""

from __future__ import annotations

import gzip
import itertools
import os
import resource
import sqlite3
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

import msgspec
import numpy as np
import pandas
import pyarrow

from feeds.components.asking import Inventory
from feeds.components.build import write_version
from feeds.components.choosing import EVERYTHING
from feeds.components.importing import Order, import_components
from feeds.components.settings import source_of
from feeds.components.staging import STAGED
from feeds.components.store import Meta
from feeds.components.tables import Class, Tables
from feeds.components.versions import publish
from hall.core import config

COUNT = int(os.environ.get("HALL_BENCH_COMPONENTS", 2_300_000))
ROWS = int(os.environ.get("HALL_BENCH_ROWS", 200_000))
DISTRICTS = (
    "",
    "红旗区",
    "卫滨区",
    "牧野区",
    "凤泉区",
    "新乡县",
    "获嘉县",
    "原阳县",
    "延津县",
    "封丘县",
    "长垣市",
    "卫辉市",
    "辉县市",
)
CODEPOINT = """
[city]
name = {en = "GB"}
centre = [-2, 54]
[components.codepoint]
header = ["postcode", "quality", "e", "n", "country", "rha", "ha", "county", "district", "ward"]
crs = "EPSG:27700"
id_structure = "free"
extent = [-9, 49.5, 2.5, 61.5]
[components.codepoint.mapping]
component_id = "postcode"
class_code = "quality"
lon = "e"
lat = "n"
owner = "district"
address = "ward"
"""


def timed(work, runs: int) -> tuple[float, float]:
    """p50 and p99, ms."""
    took = []
    for run in range(runs):
        begun = time.perf_counter()
        work(run)
        took.append((time.perf_counter() - begun) * 1000)
    return float(np.percentile(took, 50)), float(np.percentile(took, 99))


def written(root: Path) -> float:
    """A version of COUNT components, thick where the city is; returns seconds."""
    chance = np.random.default_rng(7)
    rows = np.zeros(COUNT, STAGED)
    spread = np.where(chance.random(COUNT) < 0.6, 0.06, 0.35)
    rows["lon"] = (113.9 + chance.normal(0, 1, COUNT) * spread).round(7) * 1e7
    rows["lat"] = (35.3 + chance.normal(0, 1, COUNT) * spread * 0.7).round(7) * 1e7
    kinds, numbers = chance.integers(1, 103, COUNT), np.arange(COUNT)
    rows["class"], rows["district"] = kinds, chance.integers(1, len(DISTRICTS), COUNT)
    rows["department"], rows["state"] = chance.integers(1, 30, COUNT), chance.choice([1, 1, 1, 1, 2, 3], COUNT)
    rows["id"] = [
        f"4107{d:02d}01{k % 100:02d}{n % 1_000_000:06d}"
        for n, d, k in zip(numbers.tolist(), rows["district"], kinds, strict=True)
    ]
    rows["content"] = numbers
    body = b'{"component_id":"4107020104000001","source":"bench","name":"\xe8\xb7\xaf\xe7\x81\xaf","lon":113.9,"lat":35.3,"crs":"EPSG:4547"}'
    rows["length"], rows["at"] = len(body), numbers * len(body)
    (root / "spool").write_bytes(body * COUNT)
    texts = [
        pyarrow.array(
            [f"{i.decode()}\n平原路{n % 900}号 路灯" for n, i in zip(numbers.tolist(), rows["id"].tolist(), strict=True)],
            pyarrow.large_string(),
        )
    ]
    names = [Class()] + [Class(f"{n:04d}", "公用设施", f"小类{n}") for n in range(1, 104)]
    tables = Tables(names, list(DISTRICTS), ["", *(f"部门{n}" for n in range(1, 30))], ["", "bench"])
    staging = SimpleNamespace(source=SimpleNamespace(name="bench"), spool=root / "spool", texts=texts)
    begun = time.perf_counter()
    (root / "made").mkdir()
    write_version(root / "made", None, np.zeros(0, np.int64), staging, rows, numbers, Meta(tables=tables))
    publish(root, root / "made", "v000001-0123456789abcdef")
    return time.perf_counter() - begun


def boxes(zoom: int, runs: int) -> list[tuple[float, float, float, float]]:
    """Viewports of 3840 by 2160 pixels about the city."""
    chance, side = np.random.default_rng(zoom), 360 / 2**zoom / 256
    lons, lats = 113.9 + chance.normal(0, 0.05, runs), 35.3 + chance.normal(0, 0.04, runs)
    return [
        (x - 1920 * side, y - 880 * side, x + 1920 * side, y + 880 * side)
        for x, y in zip(lons.tolist(), lats.tolist(), strict=True)
    ]


def asked(root: Path) -> list[tuple[str, str]]:
    view = Inventory(root).view(None, None)
    store, found = view.store, []
    frame = pandas.DataFrame({
        "lon": store.column("lon") * 1e-7, "lat": store.column("lat") * 1e-7,
        "district": pandas.Categorical.from_codes(store.column("district"), DISTRICTS),
    })  # fmt: skip
    view.grid(EVERYTHING, boxes(12, 1)[0], 12)

    def by_pandas(box, zoom):
        w, s, e, n = box
        some = frame[(frame.lon >= w) & (frame.lon <= e) & (frame.lat >= s) & (frame.lat <= n)]
        step = 360 / 2 ** (zoom + 3)
        return some.groupby([(some.lon // step), (some.lat // step)]).size()

    for zoom in (9, 12, 15, 18):
        some = boxes(zoom, 300)
        own = timed(lambda run, some=some, zoom=zoom: view.grid(EVERYTHING, some[run], zoom), 300)
        encoded = timed(lambda run, some=some, zoom=zoom: msgspec.json.encode(view.grid(EVERYTHING, some[run], zoom)), 100)
        peer = timed(lambda run, some=some, zoom=zoom: by_pandas(some[run], zoom), 5)
        found.append(
            (
                f"viewport grid z{zoom}, p50 / p99",
                f"{own[0]:.2f} / {own[1]:.2f} ms (as JSON {encoded[0]:.2f}); pandas {peer[0]:.0f} ms, {peer[0] / own[0]:.0f}x",
            )
        )
    question = Inventory.question(districts=("红旗区", "卫滨区"))
    first = timed(lambda _: view.bits(question), 1)
    again = timed(lambda _: view.bits(question), 20)
    peer = timed(lambda _: np.packbits(frame.district.isin(["红旗区", "卫滨区"]).to_numpy()), 5)
    found.append(
        ("filter by two districts as bits, first / again", f"{first[0]:.1f} / {again[0]:.1f} ms; pandas {peer[0]:.1f} ms")
    )
    some = boxes(12, 100)
    own = timed(lambda run: view.grid(question, some[run], 12), 100)
    found.append(("viewport grid z12 of that filter, p50 / p99", f"{own[0]:.2f} / {own[1]:.2f} ms"))
    for text in ("000123", "平原路77", "路灯", "小类7 红旗"):
        own = timed(lambda run, text=text: view.search(Inventory.question(text=text + " " * run), 0, 20), 3)
        found.append((f"words `{text}`, anew each time", f"{own[0]:.0f} ms"))
    ids = [store.id_of(row) for row in np.random.default_rng(1).integers(0, len(store), 500).tolist()]
    own = timed(lambda run: view.one(ids[run]), 500)
    found.append(("a number to its record, p50 / p99", f"{own[0] * 1000:.0f} / {own[1] * 1000:.0f} µs"))
    scoped = Inventory(root).view(("红旗区",), None)
    first = timed(lambda _: scoped.pack(), 1)
    found.append(
        (
            "pack: whole; of one district, made",
            f"{len(view.pack()) / 1e6:.1f} MB; {len(scoped.pack()) / 1e6:.1f} MB in {first[0]:.0f} ms",
        )
    )
    return found + by_phone(view) + by_sqlite(store, view)


def by_phone(view) -> list[tuple[str, str]]:
    """What a phone asks for (390 by 844 px and a quarter beyond each edge), as it is sent: JSON, gzip."""
    found = []
    for zoom in (10, 12, 14, 16, 18):
        side, most = 360 / 2**zoom / 256, 2_000 if zoom >= 18 else 700
        middles = [((w + e) / 2, (s + n) / 2) for w, s, e, n in boxes(zoom, 100)]
        some = [(x - 292 * side, y - 633 * side * 0.816, x + 292 * side, y + 633 * side * 0.816) for x, y in middles]
        sent: list[tuple[int, int, int]] = []

        def answer(run, some=some, zoom=zoom, most=most, sent=sent) -> None:
            told = view.grid(EVERYTHING, some[run], zoom - 1, most)
            body = msgspec.json.encode(told)
            sent.append((len(told["features"]), len(body), len(gzip.compress(body, 4, mtime=0))))

        took = timed(answer, len(some))
        marks, plain, packed = (
            np.percentile(np.array(sent), 50, axis=0),
            np.max([s[1] for s in sent]),
            np.max([s[2] for s in sent]),
        )
        found.append(
            (
                f"a phone's view z{zoom}, gzipped JSON, p50 / p99",
                f"{took[0]:.2f} / {took[1]:.2f} ms; {marks[0]:.0f} marks in {marks[2] / 1000:.1f} kB, largest {packed / 1000:.1f} kB "
                f"({plain / 1000:.1f} kB plain)",
            )
        )
    return found


def by_sqlite(store, view) -> list[tuple[str, str]]:
    """Rows of a street's viewport by SQLite's R*Tree, on a tenth of the points."""
    db = sqlite3.connect(":memory:")
    db.execute("CREATE VIRTUAL TABLE tree USING rtree(id, west, east, south, north)")
    lon, lat = (store.column(name)[::10] * 1e-7 for name in ("lon", "lat"))
    db.executemany("INSERT INTO tree VALUES(?,?,?,?,?)", zip(range(len(lon)), lon, lon, lat, lat, strict=True))
    some = boxes(18, 200)
    query = "SELECT id FROM tree WHERE west >= ? AND east <= ? AND south >= ? AND north <= ?"
    peer = timed(lambda run: db.execute(query, (some[run][0], some[run][2], some[run][1], some[run][3])).fetchall(), 200)
    own = timed(lambda run: view.grid(EVERYTHING, some[run], 18), 200)
    return [
        ("rows of a street's viewport z18, p50", f"{own[0]:.2f} ms; SQLite R*Tree with a tenth of the points {peer[0]:.2f} ms")
    ]


def imported(home: Path) -> list[tuple[str, str]]:
    from pyogrio.raw import open_arrow, write_arrow

    data = Path(os.environ.get("HALL_REAL_DATA", "../shared/data")) / "components"
    source = next(iter(data.glob("os_codepoint*.csv.gz")), None)
    if source is None:
        return [("import", "no real input")]
    with gzip.open(source, "rb") as file:
        body = b"".join(itertools.islice(file, ROWS))
    (home / "rows.csv").write_bytes(body)
    (home / "hall.toml").write_text(CODEPOINT, "utf-8")
    told = config.load(home / "hall.toml")

    def run(part: bytes, whole: bool) -> tuple[float, float]:
        (home / "part.csv").write_bytes(part)
        order = Order(where=str(home / "part.csv"), source=source_of(told, "codepoint"), whole=whole, at=1)
        begun, used = time.perf_counter(), time.process_time()
        import_components(told, home / "components", order)
        return time.perf_counter() - begun, time.process_time() - used

    took, used = run(body, True)
    news = b"".join(line.replace(b",10,", b",20,") for line in itertools.islice(body.splitlines(True), 1_000))
    update = run(news, False)
    header = b"postcode,quality,e,n,country,rha,ha,county,district,ward\n"
    (home / "gdal.csv").write_bytes(header + body)
    begun = time.perf_counter()
    with open_arrow(home / "gdal.csv", X_POSSIBLE_NAMES="e", Y_POSSIBLE_NAMES="n") as (_, reader):
        write_arrow(
            reader, home / "peer.gpkg", driver="GPKG", geometry_type="Point", crs="EPSG:27700", geometry_name="geometry"
        )
    peer = time.perf_counter() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return [
        (f"import of {ROWS:,} real rows from the British grid", f"{took:.1f} s, {ROWS / took:,.0f} rows/s ({ROWS / used:,.0f} per second of one core); "
         f"GDAL, same file to GeoPackage, no checks, no conversion: {peer:.1f} s"),
        ("update of 1,000 of them", f"{update[0]:.2f} s"),
        ("peak memory of the process so far", f"{peak:,.0f} MB"),
    ]  # fmt: skip


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        rows = imported(home)
        (home / "big").mkdir()
        seconds = written(home / "big")
        rows.append((f"a version of {COUNT:,} written and made current", f"{seconds:.1f} s"))
        rows += asked(home / "big")
    print("| what | figure |\n|---|---|")
    print("\n".join(f"| {name} | {figure} |" for name, figure in rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
