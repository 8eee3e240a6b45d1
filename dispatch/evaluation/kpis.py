"""What a city evaluates: `[dispatch.evaluation]` of hall.toml over dispatch/defaults/kpi-cn.toml, checked and compiled."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import msgspec

from dispatch.evaluation.columns import BIT, COLUMNS, Selection
from hall.core.config import HallConfig

_DEFAULTS = Path(__file__).parent.parent / "defaults" / "kpi-cn.toml"
#: which moment of a case decides what period it belongs to
BASES = ("reported", "registered", "due", "closed")
PARTS = ("numerator", "denominator", "missed")


class Kpi(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One rate. `target`: the pass mark, a share of 1; `better`: whether more of it is good or bad."""

    name: str
    label: dict[str, str]
    numerator: str
    denominator: str
    exclusions: list[str] = []
    target: float | None = None
    better: str = "high"

    def part(self, part: str, raw: bool = False) -> Selection:
        """The cases behind a part of the figure; `missed`: in the denominator and not in the numerator.

        `raw` takes the columns as they are without exemptions.
        """
        numerator, denominator = (_bit(name, raw) for name in (self.numerator, self.denominator))
        excluded = sum({_bit(name, raw) for name in self.exclusions})
        if part == "numerator":
            return Selection(numerator | denominator, excluded)
        return Selection(denominator, excluded | (numerator if part == "missed" else 0))


def _bit(name: str, raw: bool) -> int:
    return BIT[f"{name}_raw"] if raw and COLUMNS[name].raw else BIT[name]


class EvaluationTable(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`[dispatch.evaluation]`. `hidden`: indicators of the default set a city does not want to see."""

    kpis: list[Kpi] = []
    hidden: list[str] = []
    patrol_sources: list[str] = []
    basis: str = "reported"
    month_begins: int = 1  # day of the month on which a working month begins: 26 = from the 26th to the 25th
    ranking: str = "late"  # column whose count ranks districts, units, persons: most first


def compile_evaluation(config: HallConfig) -> EvaluationTable:
    """Raises ConfigError naming file, line and key."""
    given = config.dispatch.get("evaluation", {})
    try:
        own = msgspec.convert(given, EvaluationTable)
    except msgspec.ValidationError as error:
        problem, _, place = str(error).partition(" - at `$")
        raise config.error(f"dispatch.evaluation{place.rstrip('`')}", problem) from None
    shipped = msgspec.convert(tomllib.loads(_DEFAULTS.read_text(encoding="utf-8")), EvaluationTable)
    _check(config, own)
    replaced = {kpi.name: kpi for kpi in own.kpis}
    kept = [replaced.pop(kpi.name, kpi) for kpi in shipped.kpis]
    own.kpis = [kpi for kpi in [*kept, *replaced.values()] if kpi.name not in own.hidden]
    if "patrol_sources" not in given:
        own.patrol_sources = shipped.patrol_sources
    return own


def _check(config: HallConfig, table: EvaluationTable) -> None:
    def refuse(key: str, problem: str) -> None:
        raise config.error(f"dispatch.evaluation.{key}", problem)

    for place, kpi in enumerate(table.kpis):
        named: dict[str, Any] = {"numerator": kpi.numerator, "denominator": kpi.denominator}
        named |= {f"exclusions[{n}]": name for n, name in enumerate(kpi.exclusions)}
        for key, column in named.items():
            if column not in COLUMNS:
                refuse(f"kpis[{place}].{key}", f"there is no column {column!r}: docs/EVALUATION.md lists them")
        if kpi.better not in ("high", "low"):
            refuse(f"kpis[{place}].better", "high or low")
        if kpi.target is not None and not 0 <= kpi.target <= 1:
            refuse(f"kpis[{place}].target", "a share from 0 to 1")
        if not kpi.label:
            refuse(f"kpis[{place}].label", 'a name for people: {zh-CN = "…", en = "…"}')
        if [other.name for other in table.kpis].count(kpi.name) > 1 or not kpi.name.replace("_", "").isalnum():
            refuse(f"kpis[{place}].name", "letters, digits and _, each name once")
    if table.basis not in BASES:
        refuse("basis", f"one of {', '.join(BASES)}")
    if not 1 <= table.month_begins <= 28:
        refuse("month_begins", "a day from 1 to 28")
    if table.ranking not in COLUMNS:
        refuse("ranking", f"there is no column {table.ranking!r}")
