"""The casebook with a million cases: how long a first page, a filter and a search take, against plain SQL `LIKE`.

`--keep FOLDER` keeps the file there (or uses the one that is there already).
"""

from __future__ import annotations

import argparse
import itertools
import random
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from dispatch.casebook import Casebook, Version
from hall.core.model import Case, Stages

ROWS, CHUNK, RUNS = 1_000_000, 2_000, 12
START, SPAN = 1_600_000_000_000, 8 * 365 * 86_400_000
DISTRICTS = [
    f"{name}区" for name in ("红旗", "卫滨", "牧野", "凤泉", "高新", "平原", "经开", "卫辉", "辉县", "长垣", "获嘉", "原阳")
]
PLACES = ("路", "大道", "街", "巷", "小区", "广场", "立交桥", "公园")
SYLLABLES = "平原人民和新华胜利解放建设文化金穗向阳学府华兰宏力振中健康东明西干北环南站"
THINGS = (
    "井盖",
    "路灯",
    "积水",
    "垃圾",
    "广告牌",
    "树木",
    "护栏",
    "占道",
    "油烟",
    "噪音",
    "污水",
    "电缆",
    "裸土",
    "渣土车",
    "信号灯",
)
FAULTS = ("缺失", "损坏", "较深", "未清运", "脱落", "倒伏", "松动", "经营", "扰民", "外溢", "裸露", "未覆盖", "不亮", "堵塞")
SOURCES = ("12345", "监督员上报", "视频抓拍", "公众号", "门户网站")


def cases(count: int, seed: int = 1):
    """Cases in the order they were reported; skewed classes, one event type only in the first year."""
    r = random.Random(seed)
    classes = [f"{thing}{fault}" for thing, fault in itertools.product(THINGS, FAULTS)][:190]
    weights = [1 / (n + 1) for n in range(len(classes))]
    roads = ["".join(r.sample(SYLLABLES, 2)) + r.choice(PLACES) for _ in range(600)]
    units = [f"{district}{office}" for district in DISTRICTS for office in ("城管局", "市政处", "环卫处", "园林处")]
    for n in range(count):
        reported = START + SPAN * n // count
        kind = r.choices(classes, weights)[0]
        ended = n < count - 4_000 or r.random() < 0.5
        old = "防疫检查点" if n < count // 8 and r.random() < 0.3 else ""
        yield Case(
            feed="b",
            case_id=f"XX{reported // 1000}{n % 1000:03d}",
            state="closed" if ended else r.choice(("handling", "pending_check", "pending_dispatch")),
            class_name=kind,
            subclass_name=kind[:2],
            description=f"市民反映{r.choice(roads)}{kind}{old},请尽快处理,联系人{r.choice(SYLLABLES)}先生{r.randrange(10_000):04d}",
            address=f"{r.choice(DISTRICTS)}{r.choice(roads)}与{r.choice(roads)}交叉口向东{r.randrange(900)}米",
            district=r.choice(DISTRICTS),
            report_source=r.choices(SOURCES, (55, 44, 0.5, 0.3, 0.2))[0],
            unit=r.choice(units),
            severity=r.choices(range(5), (60, 20, 12, 7, 1))[0],
            due=reported + r.randrange(1, 72) * 3_600_000,
            stages=Stages(reported=reported, closed=reported + r.randrange(40) * 3_600_000 if ended else None),
        )


def build(path: Path, source: Iterator[Case] | None = None) -> tuple[float, float]:
    """Writes the book, of `source` or of ROWS cases; returns (cases per second, seconds of the slowest chunk)."""
    book, slowest, began, written = Casebook.open_writer(path), 0.0, time.perf_counter(), 0
    source = source or cases(ROWS)
    while chunk := list(itertools.islice(source, CHUNK)):
        versions = [Version(f"case/b/{c.case_id}", (c.stages.reported, 0, c.case_id), "b", c) for c in chunk]
        one = time.perf_counter()
        book.record(versions, {"bulk": (versions[-1].key[0], 0)})
        slowest, written = max(slowest, time.perf_counter() - one), written + len(versions)
    book.tidy()
    book.close()
    return written / (time.perf_counter() - began), slowest


NOW = START + SPAN
QUESTIONS: dict[str, list[dict]] = {
    "first page, any sort": [
        {"sort": f"{name} {way}"} for name in ("reported", "due", "number", "severity", "district", "ended", "time") for way in ("asc", "desc")
    ],
    "one filter": [
        {"filters": f}
        for f in (
            {"district": "牧野区"}, {"severity": 4}, {"open": True}, {"overdue": True}, {"report_source": "门户网站"},
            {"state": "closed"}, {"since": NOW - 86_400_000}, {"class_name": "井盖损坏"},
        )
    ],
    "two or three filters": [
        {"filters": f, "sort": s}
        for s in ("reported desc", "due asc")
        for f in (
            {"district": "牧野区", "severity": 4}, {"open": True, "severity": 4, "district": "凤泉区"},
            {"report_source": "门户网站", "state": "closed"}, {"since": NOW - 30 * 86_400_000, "class_name": "井盖损坏"},
            {"unit": "牧野区市政处", "severity": 3, "report_source": "12345"}, {"overdue": True, "district": "长垣区"},
        )
    ],
    "search, three or more characters": [
        {"text": t} for t in ("红旗区", "井盖缺失", "交叉口向东", "防疫检查点", "先生0042", "xx16700", "没有这样的", "牧野区市政处")
    ],
    "search, one or two characters": [{"text": t} for t in ("井盖", "积水", "路", "42", "站先", "鑫", "穗", "x1")],
    "search of several words": [{"text": t} for t in ("井盖 牧野区", "积水 立交桥 较深", "防疫检查点 红旗区", "渣土车 12 米", "路 区 0042")],
    "search and filter": [
        {"text": t, "filters": f, "sort": s}
        for t in ("井盖", "红旗区", "先生0042", "防疫检查点")
        for f in ({"open": True}, {"district": "牧野区", "severity": 4})
        for s in ("reported desc", "due asc")
    ],
    "page 1,000 and last": [{"offset": 50_000}, {"offset": ROWS - 50}, {"offset": 50_000, "filters": {"district": "牧野区"}}],
}  # fmt: skip


def timed(work) -> float:
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000


def peer(db: sqlite3.Connection, text: str) -> None:
    """The same question as plain SQL asks it."""
    like = "%" + text + "%"
    db.execute("SELECT id FROM cases WHERE text LIKE ? ORDER BY reported DESC LIMIT 50", (like,)).fetchall()
    db.execute("SELECT count(*) FROM cases WHERE text LIKE ?", (like,)).fetchone()


def measure(path: Path) -> None:
    book = Casebook.open_reader(path)
    book.search()
    print("| question | p50 ms | p95 ms | worst ms | slowest question |\n|---|---|---|---|---|")
    everything = []
    for name, asked in QUESTIONS.items():
        times = []
        for question in asked:
            times += [(timed(lambda q=question: book.search(**q, now=NOW)), question) for _ in range(RUNS)]
        everything += [t for t, _ in times]
        values = sorted(t for t, _ in times)
        worst = max(times, key=lambda t: t[0])
        p50, p95 = statistics.median(values), values[int(len(values) * 0.95)]
        print(f"| {name} | {p50:.1f} | {p95:.1f} | {values[-1]:.1f} | `{worst[1]}` |")
    everything.sort()
    print(
        f"| **all** | {statistics.median(everything):.1f} | **{everything[int(len(everything) * 0.95)]:.1f}** | {everything[-1]:.1f} | |"
    )
    db = sqlite3.connect(path)
    texts = ("井盖缺失", "先生0042", "防疫检查点", "没有这样的")
    plain = statistics.median(timed(lambda t=t: peer(db, t)) for t in texts)
    ours = statistics.median(timed(lambda t=t: book.search(t)) for t in texts)
    print(f"\nThe same searches as plain SQL `LIKE`: {plain:.0f} ms, ours {ours:.1f} ms, **{plain / ours:.0f} times** faster.")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--keep", default="")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(chosen.keep or folder) / "million.db"
        if not path.exists():
            rate, slowest = build(path)
            print(
                f"Written: {ROWS:,} cases at {rate:,.0f}/s with history, text index and {CHUNK} per durable transaction ",
                end="",
            )
            print(f"(slowest {slowest * 1000:.0f} ms); file {path.stat().st_size / 2**20:,.0f} MiB.\n")
        measure(path)


if __name__ == "__main__":
    main()
