"""Who of the hall's own people is told of an issued bulletin, and which webhooks: the notices are its delivery ledger. Pure."""

from __future__ import annotations

from dispatch.bulletins.model import Bulletin
from dispatch.bulletins.settings import BulletinRules
from dispatch.notices import subject_for
from dispatch.webhooks.settings import Hook
from hall.core.command import Command, Entry

#: characters of a notice's value (dispatch/notices.py)
TEXT_BOUND = 300


def receivers(bulletin: Bulletin, rules: BulletinRules, hooks: list[Hook]) -> list[dict[str, str]]:
    """Addressees of notices: those of its audiences, each once, and one per webhook that carries it."""
    found = []
    for name in bulletin.audience:
        for to in rules.audiences[name].notices if name in rules.audiences else ():
            kind, _, who = to.partition(":")
            found.append({kind: who})
    found += [{"unit": hook.name} for hook in hooks if carries(hook, bulletin)]
    return list({str(to): to for to in found}.values())


def carries(hook: Hook, bulletin: Bulletin) -> bool:
    """Whether a webhook is told: one of its audiences, and an exercise only where it is configured to take exercises."""
    return not set(hook.audiences).isdisjoint(bulletin.audience) and (hook.exercise or not bulletin.exercise)


def _text_for(to: dict[str, str], bulletin: Bulletin, rules: BulletinRules) -> str:
    """The frozen text of the audience that names this addressee, in the city's first language; cut where it is too long."""
    kind, who = next(iter(to.items()))
    for name in bulletin.audience:
        if name in rules.audiences and f"{kind}:{who}" in rules.audiences[name].notices:
            texts = [text for text in (bulletin.message.texts if bulletin.message else []) if text["audience"] == name]
            found = next((text["text"] for text in texts if text["language"] == rules.languages[0]), "")
            return found if len(found) <= TEXT_BOUND else f"{found[: TEXT_BOUND - 1]}…"
    return ""


def notices_for(entry: Entry, bulletin: Bulletin, rules: BulletinRules, hooks: list[Hook]) -> list[Command]:
    """One `tell` per receiver, named by the line that issued it: told twice it is done once."""
    first = rules.languages[0]
    mark = rules.in_language(rules.mark, first) if bulletin.exercise else ""
    headline = mark + rules.in_language(bulletin.headline, first)
    urgency = "normal" if bulletin.severity < 2 else "urgent" if bulletin.severity < 4 or bulletin.exercise else "emergency"
    made = []
    for to in receivers(bulletin, rules, hooks):
        subject = subject_for(entry.seq, entry.subject, to)
        data = {"to": to, "about": entry.subject, "key": "notice.bulletin", "urgency": urgency, "cause": entry.seq}
        data["values"] = {"headline": headline[:TEXT_BOUND], "text": _text_for(to, bulletin, rules) or headline[:TEXT_BOUND]}
        made.append(Command(id=f"tell-{subject}", subject=subject, move="tell", data=data, correlation=entry.correlation))
    return made
