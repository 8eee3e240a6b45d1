"""Words of official reports. They are Chinese documents whatever the language of a screen: 党委、政府信息报告 has one form."""

from __future__ import annotations

from datetime import datetime, tzinfo

KINDS = {"initial": "初报", "further": "续报", "final": "终报"}
UNKNOWN = "正在核实"
EXERCISE = "【演练】"
CLOSURES = {
    "proposed": "建议封控", "ordered": "已下令封控", "confirmed": "已封控", "reopening_proposed": "封控中，建议恢复",
    "reopened": "已恢复通行", "declined": "不予封控", "cancelled": "已取消",
}  # fmt: skip
REQUESTS = {
    "open": "待调拨", "partly": "部分调拨", "allotted": "已调拨", "delivered": "已送达", "returned": "已归还",
    "refused": "未批准", "cancelled": "已取消",
}  # fmt: skip
OBJECTIVES = {"open": "进行中", "done": "已完成"}
_DIGITS = "零一二三四五六七八九"


def numeral(n: int) -> str:
    """1 … 99 as 一 … 九十九; beyond that in figures."""
    if not 0 < n < 100:
        return str(n)
    tens, ones = divmod(n, 10)
    head = "" if tens == 0 else "十" if tens == 1 else f"{_DIGITS[tens]}十"
    return head + (_DIGITS[ones] if ones else "")


def name_of(kind: str, nth: int) -> str:
    """初报, 续报一, 续报二 …, 终报."""
    return KINDS[kind] + (numeral(nth) if kind == "further" else "")


def moment(at: int | None, zone: tzinfo) -> str:
    """2026年7月20日 16:40"""
    if not at:
        return UNKNOWN
    local = datetime.fromtimestamp(at / 1000, zone)
    return f"{local.year}年{local.month}月{local.day}日 {local:%H:%M}"


def hour(at: int, zone: tzinfo) -> str:
    return f"{datetime.fromtimestamp(at / 1000, zone):%H:%M}"


def span(ms: int) -> str:
    """How long something took: 35 分钟, 2 小时 5 分钟."""
    minutes = round(ms / 60_000)
    hours, rest = divmod(minutes, 60)
    if not hours:
        return f"{minutes} 分钟"
    return f"{hours} 小时" + (f" {rest} 分钟" if rest else "")


def amount(value: float) -> str:
    return f"{value:g}" if abs(value) < 1e6 else f"{value:.0f}"
