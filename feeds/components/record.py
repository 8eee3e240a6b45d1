"""One component (部件) as it is kept, in the terms of GB/T 30428.2 / CJ/T 214: code, class, state, accuracy, who owns it."""

from __future__ import annotations

from typing import Any

from hall.core.errors import BadInput
from hall.core.model import Doc

#: 完好 破损 丢失 废弃 移除; "" = the source does not say, or says what nobody knows (mark `state-unknown`)
STATES = ("", "intact", "damaged", "lost", "disused", "removed")
STATE_WORDS = {
    "完好": "intact", "正常": "intact", "intact": "intact", "good": "intact", "ok": "intact",
    "破损": "damaged", "损坏": "damaged", "damaged": "damaged", "broken": "damaged",
    "丢失": "lost", "缺失": "lost", "lost": "lost", "missing": "lost",
    "废弃": "disused", "停用": "disused", "disused": "disused", "abandoned": "disused",
    "移除": "removed", "拆除": "removed", "removed": "removed",
}  # fmt: skip
#: 大类 of GB/T 30428.2, by the code in a component's number
MAIN_CLASSES = {"01": "公用设施", "02": "交通设施", "03": "市容环境", "04": "园林绿化", "05": "其他"}
#: accuracy class of a survey -> metres
ACCURACY = {"A": 0.5, "B": 1.0, "C": 10.0}
#: what may be doubtful about a component that was taken in all the same; bits in this order
MARKS = (
    "coarse",  # its degrees have too few decimals
    "swapped",  # longitude and latitude were exchanged; put right
    "outside-districts",  # in the city's reach, in none of its districts
    "geometry-repaired",  # its outline crossed itself; put right by make_valid
    "state-unknown",
    "class-differs",  # the class said is not the one in its number
    "district-differs",  # it lies in another district than its source says
)
MARK_BITS = {name: 1 << bit for bit, name in enumerate(MARKS)}
ID_BOUND = 40  # bytes


class Component(Doc, kw_only=True):
    """One component. lon/lat: WGS-84 degrees; `crs`, `x`, `y`: as its source has them."""

    component_id: str
    source: str
    class_code: str = ""
    class_name: str = ""  # 大类
    subclass_name: str = ""  # 小类
    name: str = ""
    state: str = ""
    state_label: str = ""  # the source's own word
    accuracy_m: float | None = None  # of the survey, as stated
    department: str = ""  # 主管部门: who is competent
    owner: str = ""  # 产权单位
    maintainer: str = ""  # 养护单位
    district: str = ""
    cell: str = ""  # 单元网格 code
    address: str = ""
    updated: int | None = None  # when the source last changed it, ms
    lon: float
    lat: float
    crs: str = ""
    x: float | None = None
    y: float | None = None
    geometry: dict[str, Any] | None = None  # of lines and areas: GeoJSON, WGS-84
    marks: list[str] = []
    extra: dict[str, Any] = {}


def class_in(component_id: str, structure: str) -> tuple[str, str]:
    """`(class code, main class code)` in a number of 16 digits; raises BadInput `id-malformed`.

    `structure`: `6-2-2-6` (CJ/T 214: district, 大类, 小类, serial) or `6-2-3-5` (GB/T 30428.2 as some systems have it).
    """
    if len(component_id) != 16 or not (component_id.isascii() and component_id.isdigit()):
        raise BadInput("id-malformed", f"{component_id[:60]!r}: 16 digits are wanted")
    if component_id[:6] == "000000":
        raise BadInput("id-malformed", f"{component_id!r}: no district is called 000000")
    end = 10 if structure == "6-2-2-6" else 11
    return component_id[6:end], component_id[6:8]


def state_of(label: str) -> str | None:
    """The state a word stands for, None when nobody knows the word."""
    return STATE_WORDS.get(label.strip().lower(), label if label in STATES else None)


def accuracy_of(value: str) -> float | None:
    """Metres of an accuracy given as class A, B, C (±0.5, 1, 10 m) or as metres; None for nothing; raises BadInput."""
    text = value.strip().upper().removesuffix("级").removesuffix("类")
    if not text:
        return None
    if text in ACCURACY:
        return ACCURACY[text]
    try:
        metres = float(text.removesuffix("M").lstrip("±").strip())
    except ValueError:
        metres = -1.0
    if not 0 <= metres < 1e6:
        raise BadInput("accuracy-unknown", f"{value[:40]!r}: give A, B, C or metres")
    return metres
