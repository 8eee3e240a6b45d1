"""`[dispatch.bulletins]` over the Chinese default set: who drafts, approves, is told. Errors name file, line and key."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from dispatch import overlay
from dispatch.bulletins.outlines import Outline, outlines_of
from dispatch.plans.settings import plans_of
from hall.core.config import HallConfig

#: roles that can be named as drafters or approvers
ROLES = ("operator", "dispatcher", "supervisor", "leader", "admin")
KINDS = ("warning", "message")
CATEGORIES = (
    "Geo", "Met", "Safety", "Security", "Rescue", "Fire", "Health", "Env", "Transport", "Infra", "CBRNE", "Other",
)  # fmt: skip
RESPONSES = ("Shelter", "Evacuate", "Prepare", "Execute", "Avoid", "Monitor", "Assess", "AllClear", "None")
ADDRESSEES = ("role", "unit", "person")
_PLACES = re.compile(r"\{(\w*)\}")
WORDS = {"mark", "sender", "headline", "text", "instruction", "event", "time", "expires"}


def plain_text(tag: str) -> str:
    """What is told where an audience has no text of its own in a language."""
    return "{mark}{headline}。{text}{instruction}" if tag.startswith("zh") else "{mark}{headline}. {text} {instruction}"


class Table(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Base: an unknown key is an error."""


class Approvals(Table, kw_only=True, frozen=True):
    """`number` different people of `roles`; from severity `lead_from` on at least one of `lead`."""

    number: int
    roles: tuple[str, ...]
    lead: tuple[str, ...] = ()
    lead_from: int = 4


class Audience(Table, kw_only=True, frozen=True):
    """Who is told: `feed` whoever reads the CAP feed; `notices`: `role:NAME`, `unit:NAME`, `person:NAME` of the hall; webhooks
    name audiences themselves. `text` by language; `longest` characters, 0 any."""

    label: dict[str, str] = {}
    feed: bool = False
    notices: tuple[str, ...] = ()
    text: dict[str, str] = {}
    longest: int = 0


class Template(Table, kw_only=True, frozen=True):
    """What a draft begins with."""

    label: dict[str, str] = {}
    kind: str = "message"
    severity: int = 0
    event: dict[str, str] = {}
    headline: dict[str, str] = {}
    text: dict[str, str] = {}
    instruction: dict[str, str] = {}
    category: tuple[str, ...] = ()
    responses: tuple[str, ...] = ()
    audience: tuple[str, ...] = ()


class Feed(Table, kw_only=True, frozen=True):
    """The CAP feed (hall/app/capfeed.py). `key` and `certificate` are PEM files: what is served is signed."""

    public: bool = False
    exercise: bool = False
    entries: int = 50
    key: str = ""
    certificate: str = ""


class BulletinRules(Table, kw_only=True, frozen=True):
    """The whole table. `city`, `languages`, `timezone` and `outlines` come from the city; `exercise`: all that this hall tells
    is one ([dispatch.plans] exercise, a demo city)."""

    sender: str
    sender_name: dict[str, str]
    issuer: str
    expires_hours: float
    longest_hours: float
    submitted_hours: float
    keep_hours: float
    forget_hours: float
    issue: str
    mark: dict[str, str]
    geocode_name: str
    geocode_property: str
    outline_metres: float
    drafters: tuple[str, ...]
    authors_may_approve: bool
    approvals: dict[str, Approvals]
    audiences: dict[str, Audience]
    templates: dict[str, Template] = {}
    feed: Feed = Feed()
    city: dict[str, str] = {}
    languages: tuple[str, ...] = ("zh-CN", "en")
    timezone: str = "Asia/Shanghai"
    outlines: dict[str, Outline] = {}
    exercise: bool = False

    def approvals_for(self, kind: str, message_type: str) -> Approvals:
        return self.approvals["cancel" if kind == "warning" and message_type == "Cancel" else kind]

    def in_language(self, texts: dict[str, str], tag: str) -> str:
        """A text in this language, else in the city's first that has one."""
        return next((texts[name] for name in (tag, *self.languages, *texts) if texts.get(name)), "")


def rules_of(config: HallConfig) -> BulletinRules:
    """Raises ConfigError naming file, line and key."""
    made = overlay.settings(config, "bulletins", "bulletins-cn.toml", BulletinRules)
    for key, problem in _mistakes(made):
        raise config.error(f"dispatch.bulletins.{key}", problem)
    for name in ("key", "certificate"):
        if (file := getattr(made.feed, name)) and not config.path(file).is_file():
            raise config.error(f"dispatch.bulletins.feed.{name}", f"no such file: {file}")
    for number, hook in enumerate(config.dispatch.get("webhooks", [])):
        if unknown := [name for name in hook.get("audiences", ()) if name not in made.audiences]:
            known = ", ".join(made.audiences)
            raise config.error(f"dispatch.webhooks[{number}].audiences", f"no audience {unknown[0]!r}: one of {known}")
    city = config.city
    return msgspec.structs.replace(
        made,
        sender=made.sender or f"hall@{city.code or 'city'}",
        city=city.name,
        languages=tuple(city.languages) or made.languages,
        timezone=city.timezone,
        exercise=made.exercise or plans_of(config).exercise,
        outlines=outlines_of(config, made.geocode_property, made.outline_metres),
    )


def _mistakes(rules: BulletinRules) -> list[tuple[str, str]]:
    found = [(f"drafters[{n}]", f"one of {', '.join(ROLES)}") for n, role in enumerate(rules.drafters) if role not in ROLES]
    if rules.issuer and not re.fullmatch(r"[0-9A-Za-z]{14}", rules.issuer):
        found.append(("issuer", "14 letters and figures, as GB/T 35965.1 has it"))
    if re.search(r"[\s,<&]", rules.sender):
        found.append(("sender", "no blanks, commas, < or &: CAP 1.2"))
    if rules.issue not in ("on_approval", "by_hand"):
        found.append(("issue", "on_approval or by_hand"))
    for name in ("expires_hours", "longest_hours", "submitted_hours", "keep_hours", "forget_hours", "outline_metres"):
        if not 0 < getattr(rules, name) <= 10_000:
            found.append((name, "above 0"))
    for kind in (*KINDS, "cancel"):
        found += _approval_mistakes(kind, rules.approvals.get(kind))
    for name, audience in rules.audiences.items():
        found += _audience_mistakes(f"audiences.{name}", audience)
    for name, template in rules.templates.items():
        found += _template_mistakes(f"templates.{name}", template, rules)
    if bool(rules.feed.key) != bool(rules.feed.certificate):
        found.append(("feed.certificate", "a key and its certificate, or neither"))
    return found


def _approval_mistakes(kind: str, approvals: Approvals | None) -> list[tuple[str, str]]:
    if approvals is None:
        return [(f"approvals.{kind}", "say how many approve")]
    bad = [role for role in (*approvals.roles, *approvals.lead) if role not in ROLES]
    if bad or not approvals.roles:
        return [(f"approvals.{kind}.roles", f"some of {', '.join(ROLES)}")]
    if not 1 <= approvals.number <= 5:
        return [(f"approvals.{kind}.number", "1 to 5")]
    if not set(approvals.lead) <= set(approvals.roles):
        return [(f"approvals.{kind}.lead", "some of its roles")]
    return []


def _audience_mistakes(key: str, audience: Audience) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for number, to in enumerate(audience.notices):
        kind, _, name = to.partition(":")
        if kind not in ADDRESSEES or not name:
            found.append((f"{key}.notices[{number}]", "role:NAME, unit:NAME or person:NAME"))
    for tag, text in audience.text.items():
        if unknown := set(_PLACES.findall(text)) - WORDS:
            found.append((f"{key}.text.{tag}", f"no {{{sorted(unknown)[0]}}}: {', '.join(sorted(WORDS))}"))
    return found


def _template_mistakes(key: str, template: Template, rules: BulletinRules) -> list[tuple[str, str]]:
    checks: tuple[tuple[str, Any, Any], ...] = (
        ("kind", [template.kind], KINDS), ("category", template.category, CATEGORIES),
        ("responses", template.responses, RESPONSES), ("audience", template.audience, rules.audiences),
    )  # fmt: skip
    found = [(f"{key}.{name}", f"one of {', '.join(known)}") for name, values, known in checks if set(values) - set(known)]
    return found + ([] if 0 <= template.severity <= 4 else [(f"{key}.severity", "0 to 4")])
