"""Texts of 初报, 续报 and 终报 as the hall drafts them from what it knows; a person edits and signs them. Pure.

A first report says source, time, place, cause, losses, trend, measures, officer on scene; a further one what changed since the
last that was given, and nothing else; the final one sums up and gives the times of response.
"""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from dispatch.incidents import words
from dispatch.incidents.settings import IncidentRules
from dispatch.incidents.words import UNKNOWN, amount, moment

Facts = dict[str, Any]
_CASE = "案卷 {n} 件，未结 {open} 件"
STEPS = (("sent", "首次派遣"), ("there", "首支队伍到场"), ("closed", "首次下令封控"), ("reopened", "全部恢复通行"))
_TASK = "任务 {n} 项，已完成 {done} 项"


class Writer:
    """Writes for one city."""

    def __init__(self, rules: IncidentRules) -> None:
        self.rules, self.zone = rules, ZoneInfo(rules.zone)

    def head(self, kind: str, nth: int, facts: Facts) -> str:
        """The first two lines. An exercise says so in the text itself: it is what is copied and read out."""
        mark = words.EXERCISE if facts.get("exercise") else ""
        return f"{mark}{self.rules.city}突发事件信息报告\n〔{words.name_of(kind, nth)}〕{moment(facts['at'], self.zone)}\n"

    # -- 初报 ----------------------------------------------------------------------------------------------------------------

    def initial(self, facts: Facts) -> str:
        """The first report's text."""
        rows = [
            ("事件名称", facts["title"]),
            ("事件等级", self.grade(facts)),
            ("信息来源", facts.get("source") or UNKNOWN),
            ("发生时间", moment(facts.get("started"), self.zone)),
            ("发生地点", facts.get("place") or UNKNOWN),
            ("事件起因", facts.get("cause") or UNKNOWN),
            ("伤亡和损失", self.losses(facts) or UNKNOWN),
            ("现状和趋势", _sentence(facts.get("trend", ""), *self.situation(facts)) or UNKNOWN),
            ("已采取措施", _sentence(facts.get("measures", ""), *self.measures(facts)) or UNKNOWN),
            ("现场负责人", _sentence(facts.get("officer") or UNKNOWN, f"总指挥：{facts.get('commander') or '未定'}")),
        ]
        lines = [f"{words.numeral(n)}、{name}：{text}" for n, (name, text) in enumerate(rows, 1)]
        return self.head("initial", 1, facts) + "\n".join(lines) + "\n"

    def grade(self, facts: Facts) -> str:
        kind = self.rules.label("kinds", facts["kind"]) if facts.get("kind") else ""
        label = f"{self.rules.label('grades', facts['grade'])}（{facts['grade']}级）"
        return f"{label}，{kind}" if kind else label

    def losses(self, facts: Facts) -> str:
        return "；".join(self.figure(name, *said) for name, said in facts["figures"].items())

    def figure(self, name: str, value: float, source: str, at: int) -> str:
        return f"{self._named(name)} {amount(value)} {self._unit(name)}（{source}，截至 {words.hour(at, self.zone)}）"

    def situation(self, facts: Facts) -> list[str]:
        """What the hall itself sees."""
        rows = [(name, _reading(value, unit), label) for name, label, value, unit in facts["alarms"]]
        found = [" ".join(part for part in row if part) for row in rows]
        made = [f"告警：{'；'.join(found)}"] if found else []
        return [*made, _CASE.format(**facts["cases"])] if facts["cases"]["n"] else made

    def measures(self, facts: Facts) -> list[str]:
        made = [f"应急响应：{facts['level']}级"] if facts.get("level") else []
        if facts["closures"]:
            made.append("封控：" + "；".join(f"{name}（{words.CLOSURES.get(at, at)}）" for name, at in facts["closures"]))
        if facts["crews"]:
            made.append(f"出动队伍：{'、'.join(facts['crews'])}")
        if facts["tasks"]["n"]:
            made.append(_TASK.format(**facts["tasks"]))
        if facts["requests"]:
            made.append("物资：" + "；".join(_request(*one) for one in facts["requests"]))
        return made

    # -- 续报 ----------------------------------------------------------------------------------------------------------------

    def further(self, facts: Facts, before: Facts, nth: int, last: str) -> str:
        """What changed since the report called `last`, whose facts were `before`."""
        changes = self.changes(facts, before)
        at = words.hour(before["at"], self.zone)
        head = self.head("further", nth, facts) + f"事件名称：{facts['title']}\n"
        if not changes:
            return head + f"{last}（{at}）以来情况无变化。\n"
        lines = [f"{n}. {text}" for n, text in enumerate(changes, 1)]
        return head + f"{last}（{at}）以来的变化：\n" + "\n".join(lines) + "\n其余情况无变化。\n"

    def changes(self, facts: Facts, before: Facts) -> list[str]:
        """Sentences, in the order of a first report."""
        made = []
        if facts["title"] != before["title"]:
            made.append(f"事件名称：{before['title']} → {facts['title']}")
        if (facts["grade"], facts["kind"]) != (before["grade"], before["kind"]):
            made.append(f"事件等级：{self.grade(before)} → {self.grade(facts)}")
        if facts.get("started") != before.get("started"):
            made.append(f"发生时间：更正为 {moment(facts.get('started'), self.zone)}")
        for key, name in (("source", "信息来源"), ("place", "发生地点"), ("cause", "事件起因")):
            if facts.get(key) and facts[key] != before.get(key):
                made.append(f"{name}：{facts[key]}")
        made += self._figures(facts["figures"], before["figures"])
        if facts.get("trend") and facts["trend"] != before.get("trend"):
            made.append(f"现状和趋势：{facts['trend']}")
        made += self._seen(facts, before)
        if facts.get("measures") and facts["measures"] != before.get("measures"):
            made.append(f"已采取措施：{facts['measures']}")
        made += self._done(facts, before)
        for key, name in (("officer", "现场负责人"), ("commander", "总指挥")):
            if facts.get(key) != before.get(key):
                made.append(f"{name}：{before.get(key) or '未定'} → {facts.get(key) or '未定'}")
        return made

    def _figures(self, now: dict[str, Any], before: dict[str, Any]) -> list[str]:
        made = []
        for name, (value, source, at) in now.items():
            old = before.get(name)
            if old is None:
                made.append(f"新增 {self.figure(name, value, source, at)}")
            elif old[0] != value:
                end = f"（{source}，截至 {words.hour(at, self.zone)}）"
                made.append(f"{self._named(name)}：{amount(old[0])} → {amount(value)} {self._unit(name)}{end}")
        return made

    def _seen(self, facts: Facts, before: Facts) -> list[str]:
        made, then = [], {name for name, *_ in before["alarms"]}
        now = {name for name, *_ in facts["alarms"]}
        if new := [name for name, *_ in facts["alarms"] if name not in then]:
            made.append(f"新增告警：{'、'.join(new)}")
        if gone := [name for name, *_ in before["alarms"] if name not in now]:
            made.append(f"告警解除：{'、'.join(gone)}")
        if facts["cases"] != before["cases"]:
            made.append(f"{_CASE.format(**before['cases'])} → {_CASE.format(**facts['cases'])}")
        return made

    def _done(self, facts: Facts, before: Facts) -> list[str]:
        made = []
        if facts.get("level") != before.get("level"):
            made.append(f"应急响应：{_level(before)} → {_level(facts)}")
        then = dict(before["closures"])
        shut = [f"{name}（{_closure(then.get(name), at)}）" for name, at in facts["closures"] if then.get(name) != at]
        if shut:
            made.append(f"封控：{'；'.join(shut)}")
        if new := [crew for crew in facts["crews"] if crew not in before["crews"]]:
            made.append(f"增派队伍：{'、'.join(new)}")
        if gone := [crew for crew in before["crews"] if crew not in facts["crews"]]:
            made.append(f"撤回队伍：{'、'.join(gone)}")
        if facts["tasks"] != before["tasks"]:
            made.append(f"{_TASK.format(**before['tasks'])} → {_TASK.format(**facts['tasks'])}")
        if facts["requests"] != before["requests"] and facts["requests"]:
            made.append("物资：" + "；".join(_request(*one) for one in facts["requests"] if one not in before["requests"]))
        return [text for text in made if not text.endswith("：")]

    # -- 终报 ----------------------------------------------------------------------------------------------------------------

    def final(self, facts: Facts, given: list[tuple[str, int | None]]) -> str:
        """Summary and times of response; `given`: names of the reports before and when they were sent."""
        done = [f"{text}（{words.OBJECTIVES[at]}）" for _, text, at in facts["objectives"]]
        rows = [
            ("事件概况", f"{facts['title']}，{self.grade(facts)}，{moment(facts.get('started'), self.zone)} 发生于"
                         f"{facts.get('place') or UNKNOWN}，起因：{facts.get('cause') or UNKNOWN}"),
            ("伤亡和损失", self.losses(facts) or "无"),
            ("处置经过", _sentence(facts.get("measures", ""), *self.situation(facts), *self.measures(facts)) or UNKNOWN),
            ("处置时效", "；".join(self.times(facts)) or UNKNOWN),
            ("目标完成情况", "；".join(done) or "未设目标"),
            ("信息报送", "；".join(f"{name} {moment(at, self.zone)}" for name, at in given) or "无"),
            ("评估", "（请填写：起因分析、处置评价、存在问题、改进措施）"),
        ]  # fmt: skip
        lines = [f"{words.numeral(n)}、{name}：{text}" for n, (name, text) in enumerate(rows, 1)]
        return self.head("final", 1, facts) + "\n".join(lines) + "\n"

    def times(self, facts: Facts) -> list[str]:
        """Response times, each from the first report of it."""
        first, started = facts["first"], facts.get("started")
        heard = min(first.get("reported", facts["since"]), facts["since"])
        after = f"（发生后 {words.span(heard - started)}）" if started and heard > started else ""
        made = [f"接报 {moment(heard, self.zone)}{after}"]
        for key, name in STEPS:
            if (at := first.get(key)) and at >= heard:
                made.append(f"{name} 接报后 {words.span(at - heard)}")
        if facts.get("closed_at"):
            made.append(f"事件结束 接报后 {words.span(facts['closed_at'] - heard)}")
        return made

    def _named(self, figure: str) -> str:
        return self.rules.label("figures", figure)

    def _unit(self, figure: str) -> str:
        return next((one.unit.get("zh-CN", "") for one in self.rules.figures if one.name == figure), "")


def _sentence(*parts: str) -> str:
    said = [part.strip().rstrip("。；") for part in parts if part.strip()]
    return "。".join(said) + "。" if said else ""


def _reading(value: float | None, unit: str) -> str:
    """As precise as a report is: centimetres of a depth in metres."""
    return "" if value is None else f"{round(value, 2):g} {unit}".strip()


def _request(item: str, wanted: float, missing: float, state: str) -> str:
    short = f"，缺 {amount(missing)}" if missing else ""
    return f"{item} {amount(wanted)}（{words.REQUESTS.get(state, state)}{short}）"


def _closure(then: str | None, now: str) -> str:
    said = words.CLOSURES.get(now, now)
    return f"新增，{said}" if then is None else f"{words.CLOSURES.get(then, then)} → {said}"


def _level(facts: Facts) -> str:
    return f"{facts['level']}级" if facts.get("level") else "未启动"
