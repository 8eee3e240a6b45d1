"""The brief with which command goes from one to the other, assembled by the hall; who hands over edits it. Pure."""

from __future__ import annotations

from typing import Any

from dispatch.incidents import words
from dispatch.incidents.reports import Writer

#: as long as a field of the brief may be
LONGEST = 2000


def brief_of(facts: dict[str, Any], writer: Writer) -> dict[str, str]:
    """`{situation, organisation, resources, objectives}` of the incident whose facts these are."""
    rules = writer.rules
    situation = [
        f"{facts['title']}，{writer.grade(facts)}",
        f"{words.moment(facts.get('started'), writer.zone)}，{facts.get('place') or words.UNKNOWN}",
        *([f"伤亡和损失：{losses}"] if (losses := writer.losses(facts)) else []),
        *([facts["trend"]] if facts.get("trend") else []),
        *writer.situation(facts),
    ]
    roles = [f"{rules.label('roles', role)}：{person}" for role, person in facts["roles"].items()]
    organisation = [f"总指挥：{facts.get('commander') or '未定'}", *roles]
    if facts.get("officer"):
        organisation.append(f"现场负责人：{facts['officer']}")
    objectives = [f"{priority}. {text}（{words.OBJECTIVES[at]}）" for priority, text, at in sorted(facts["objectives"])]
    made = {
        "situation": situation, "organisation": organisation, "resources": writer.measures(facts) or ["未投入"],
        "objectives": objectives or ["未设目标"],
    }  # fmt: skip
    return {name: "\n".join(lines)[:LONGEST] for name, lines in made.items()}
