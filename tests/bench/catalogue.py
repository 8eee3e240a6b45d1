"""100,000 channels: the catalogue's answers, beside scipy's k-d tree and SQLite's trigram search over the same channels; what
the stream costs a wall that follows all of them.

Runs in one process, the gate's snapshot through the gate's own code without a socket.
"""

from __future__ import annotations

import gc
import random
import sqlite3
import statistics
import time

import numpy as np
import psutil
from scipy.spatial import cKDTree

from hall.core.board import Board
from hall.core.bus import apply_entry
from hall.core.event import Event, encode, pack
from hall.core.model import Channel
from video.catalogue.catalogue import Catalogue
from video.catalogue.columns import on_sphere
from video.catalogue.index import Query
from video.catalogue.scope import ALL, Scope

COUNT, NEAR, FEW = 100_000, 1_000, 3_216
STREETS = (
    "人民路",
    "解放大道",
    "平原路",
    "学院街",
    "新飞大道",
    "和平路",
    "金穗大道",
    "华兰大道",
    "胜利街",
    "文化街",
    "劳动街",
    "向阳路",
)
CORNERS = ("路口北侧", "路口南侧", "桥下", "积水点", "公园门口", "高点", "社区入口", "停车场")
DISTRICTS = ("红旗区", "卫滨区", "牧野区", "凤泉区", "新乡县", "获嘉县", "原阳县", "延津县")
OWNERS = ("市公安局", "市公安局交警支队", "市城市管理局", "市水利局", "市园林绿化中心", "社区视频共享")
QUERIES = ("人民路", "rml", "人民路 桥下 红旗", "4107020", "平原路 17", "没有", "jfdd 高点")


def channel(number: int, chance: random.Random, state: str = "online") -> Channel:
    place = number % len(DISTRICTS)
    code = f"4107{place + 2:02d}"
    return Channel(
        feed="gb28181", channel_id=f"{code}00{number % 10:02d}132{number:07d}", owner=OWNERS[number % len(OWNERS)], state=state,
        name=f"{chance.choice(STREETS)}与{chance.choice(STREETS)}{chance.choice(CORNERS)}{number % 97}号", civil_code=code,
        parent=f"{code}0000216{number % 400:07d}", has_stream=True, lon=113.4 + chance.random(), lat=34.9 + chance.random(),
        bearing_deg=float(number * 7 % 360), district=DISTRICTS[place], cell=f"{code}0{number % 5000:05d}",
        extra={"manufacturer": "Maker", "model": "M-1", "sector": f"{number % 10:02d}", "serial": f"{number:07d}"},
    )  # fmt: skip


def told(one: Channel, at: int) -> bytes:
    subject = f"channel/{one.feed}/{one.channel_id}"
    return encode(Event(id=f"{at:x}{one.channel_id}", source="gb28181", subject=subject, time=at, recordedtime=at, data=one))


def timed(work, runs: int) -> tuple[float, float, float]:
    """p50, p99 and the longest, ms."""
    took = []
    for _ in range(runs):
        begun = time.perf_counter()
        work()
        took.append((time.perf_counter() - begun) * 1000)
    took.sort()
    return statistics.median(took), took[min(len(took) - 1, int(len(took) * 0.99))], took[-1]


def row(name: str, figures: tuple[float, float, float], more: str = "") -> str:
    return f"| {name} | {figures[0]:.2f} | {figures[1]:.2f} | {figures[2]:.2f} | {more} |"


def resident() -> float:
    gc.collect()
    return psutil.Process().memory_info().rss / 1e6


def loaded(raws: list[bytes]) -> tuple[Board, Catalogue, list[str]]:
    """Board and catalogue with every channel in them, and what that took."""
    gc.collect()
    before, begun = resident(), time.perf_counter()
    board = Board(logs=())
    for number in range(0, len(raws), 500):
        apply_entry(board, "bulk", (1, number), pack(raws[number : number + 500]))
    on_board, memory_board = time.perf_counter() - begun, resident() - before
    catalogue = Catalogue(lambda subject: entry.raw if (entry := board.get(subject)) else None, ("410700", "新乡市"))
    begun = time.perf_counter()
    for entry in board.current(["channel"]):
        catalogue.take(entry.raw)
    catalogue.search(Query(), ALL, "", 1)
    took, memory = time.perf_counter() - begun, resident() - before - memory_board
    gc.freeze()  # as the video process does
    lines = [f"| onto the board, as any process that follows the bus | {on_board:.1f} s | {memory_board:.0f} MB |"]
    lines.append(f"| into the catalogue, sorted and ready | {took:.1f} s | {memory:.0f} MB |")
    return board, catalogue, lines


def near(catalogue: Catalogue) -> list[str]:
    chance = random.Random(3)

    def place() -> tuple[float, float]:
        return 113.4 + chance.random(), 34.9 + chance.random()

    columns = catalogue.index.columns
    tree = cKDTree(columns.place)
    some = Scope(districts=("红旗区", "卫滨区"))
    whole = timed(lambda: catalogue.near(*place(), 100, Query(), ALL, None, False), NEAR)
    ten = timed(lambda: catalogue.near(*place(), 10, Query(), ALL, None, False), NEAR)
    seeing = timed(lambda: catalogue.near(*place(), 10, Query(), ALL, None, True), 200)
    bounded = timed(lambda: catalogue.near(*place(), 100, Query(state=("online",)), some, None, False), NEAR)
    bare = timed(lambda: catalogue.index.nearest(*place(), 100), NEAR)
    peer = timed(lambda: tree.query(np.array(on_sphere(*place())), 100), NEAR)
    built = timed(lambda: cKDTree(columns.place.copy()), 5)
    return [
        row("nearest 100, the whole answer as fields", whole, "goal p99 <= 5"),
        row("nearest 10, the whole answer", ten),
        row("nearest 10 that see the place", seeing),
        row("nearest 100 online within two districts", bounded),
        row("nearest 100, rows and metres only", bare),
        row("peer: scipy cKDTree, the same 100", peer, "must be built anew when a camera moves"),
        row("peer: building that tree", built),
    ]


def search(catalogue: Catalogue, channels: list[Channel]) -> list[str]:
    database = sqlite3.connect(":memory:")
    database.execute("create virtual table c using fts5(said, tokenize='trigram')")
    said = ((f"{one.channel_id} {one.name} {one.owner} {one.district}",) for one in channels)
    database.executemany("insert into c (said) values (?)", said)
    rows = []
    for text in QUERIES:
        figures = timed(lambda text=text: catalogue.search(Query(text=text), ALL, "", 50), 30)
        total = catalogue.search(Query(text=text), ALL, "", 1)["total"]
        rows.append(row(f"search `{text}`, 50 rows and the total", figures, f"{total} found"))
    peer = timed(lambda: database.execute("select count(*) from c where said like '%人民路%'").fetchone(), 30)
    rows.append(row("peer: SQLite trigram, `人民路`, the total only", peer, "finds no two characters, no initials"))
    rows.append(row("a page of 50 without words", timed(lambda: catalogue.search(Query(), ALL, "", 50), 100)))
    rows.append(row("tree: children of the city, nothing kept", timed(lambda: _fresh_tree(catalogue, "region:4107"), 100)))
    rows.append(row("tree: 3,200 groups, within two districts", timed(lambda: _fresh_tree(catalogue, "group"), 30)))
    return rows


def _fresh_tree(catalogue: Catalogue, node: str) -> None:
    catalogue.index.version += 1
    catalogue.trees.children(node, ALL if node != "group" else Scope(districts=("红旗区", "卫滨区")))


def updates(board: Board, catalogue: Catalogue, channels: list[Channel]) -> str:
    """Ten seconds of 1,000 new states a second: what share of a core they take on board and catalogue."""
    chance, raws = random.Random(9), []
    for number in range(10_000):
        one = channels[chance.randrange(len(channels))]
        one.state = "offline" if one.state == "online" else "online"
        raws.append(told(one, 2_000_000 + number))
    begun = time.process_time()
    for number in range(0, len(raws), 40):  # packs of one tick
        for _, raw in apply_entry(board, "bulk", (2, number), pack(raws[number : number + 40])):
            catalogue.take(raw)
    spent = time.process_time() - begun
    return f"| 1,000 states/s, board and catalogue | {spent / 10 * 100:.1f} % of a core | {spent / 10_000 * 1e6:.0f} µs each |"


def snapshot(raws: list[bytes], count: int) -> str:
    """What a wall that follows `channel` is sent at first: bytes, and the time to put them together."""
    begun = time.perf_counter()
    body = b"[" + b",".join(raws[:count]) + b"]"
    took = (time.perf_counter() - begun) * 1000
    return f"| {count:,} channels | {len(body) / 1e6:.1f} MB | {took:.0f} ms |"


def main() -> None:
    chance = random.Random(1)
    channels = [channel(number, chance) for number in range(COUNT)]
    raws = [told(one, 1_000_000 + number) for number, one in enumerate(channels)]
    board, catalogue, loading = loaded(raws)
    print(
        f"{COUNT:,} channels of a GB/T 28181 directory, {len(raws[0])} bytes each as events. At real-time priority the system\n"
        "takes the processor away for 50 ms of each second: that is the longest of many rows.\n"
    )
    print("| loading | time | memory |\n|---|---|---|")
    print("\n".join(loading))
    print("\n| answer | p50 ms | p99 ms | longest ms | |\n|---|---|---|---|---|")
    print("\n".join(near(catalogue) + search(catalogue, channels)))
    print("\n| while states change | | |\n|---|---|---|")
    print(updates(board, catalogue, channels))
    print("\n| first message of a wall that follows `channel` | bytes | joined in |\n|---|---|---|")
    print("\n".join(snapshot(raws, count) for count in (FEW, COUNT)))


if __name__ == "__main__":
    main()
