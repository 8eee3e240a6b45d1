"""Topic `bulletin`: what the hall tells others. What was approved is what is sent, and nobody sends alone. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from dispatch.aggregate import View
from dispatch.bulletins import model
from dispatch.bulletins.compose import HOUR, message_of
from dispatch.bulletins.model import TEXTS, Bulletin
from dispatch.bulletins.settings import CATEGORIES, RESPONSES, BulletinRules
from dispatch.bulletins.table import moves_of
from dispatch.tabled import Tabled
from hall.core.command import Actor, Command, Draft, Entry
from hall.core.errors import Refused

LONGEST_TEXT, MOST_AREAS = 4_000, 50
_AREA = {"description", "districts", "circle", "polygon", "polygons"}


class Bulletins(Tabled):
    """Aggregate of `bulletin/<id>`."""

    topic, State = "bulletin", Bulletin

    def __init__(self, rules: BulletinRules) -> None:
        self.rules, self.moves = rules, moves_of(rules)

    # -- who ---------------------------------------------------------------------------------------------------------------

    def open_moves(self, state: Bulletin | None, actor: Actor, names: list[str]) -> list[str]:
        """Approving is offered to those who may; somebody who wrote it sees that it waits for others."""
        if state is None:
            return names
        closed = {"approve"} if state.state == "submitted" and self._approving_problem(state, actor) else set()
        if state.state in ("submitted", "approved") and actor.role not in self._approvals(state).roles:
            closed.add("refuse")
        return [name for name in names if name not in closed]

    def _approvals(self, state: Bulletin) -> Any:
        return self.rules.approvals_for(state.kind, state.message_type)

    def _approving_problem(self, state: Bulletin, actor: Actor) -> tuple[str, str] | None:
        """Why this person may not approve it: (reason, detail)."""
        wanted = self._approvals(state)
        if actor.role not in wanted.roles:
            return "not-permitted", f"{', '.join(wanted.roles)} approve this"
        if not self.rules.authors_may_approve and actor.name in state.authors:
            return "own-hand", "you wrote or submitted it: somebody else has to approve it"
        if any(act.by == actor.name for act in state.approvals):
            return "approved-already", "you approved it already: somebody else has to as well"
        lacking = not any(act.role in wanted.lead for act in state.approvals)
        last = len(state.approvals) == state.needed - 1
        if self._needs_lead(state) and lacking and last and actor.role not in wanted.lead:
            return "lead-missing", f"the last approval has to be one of {', '.join(wanted.lead)}"
        if outside := _outside(actor, state):
            return "not-permitted", f"it concerns {outside}: not yours to approve alone for the city"
        return None

    def _needs_lead(self, state: Bulletin) -> bool:
        wanted = self._approvals(state)
        return bool(wanted.lead) and state.severity >= wanted.lead_from

    # -- deciding ----------------------------------------------------------------------------------------------------------

    def drafts(self, view: View, state: Bulletin | None, command: Command, actor: Actor, data: dict[str, Any]) -> list[Draft]:
        made = getattr(self, f"_{command.move}")(view, state, command, actor, data)
        first = [Draft(subject=command.subject, move=command.move, data=made[0], reason=command.reason.strip())]
        return first + made[1:] if made[0] is not None else made[1:]

    def _draft(self, view: View, state: None, command: Command, actor: Actor, data: dict[str, Any]) -> list[Any]:
        if actor.kind != "system" and (data.get("cause") or data.get("response")):
            raise Refused("bad-field", "cause: only the hall drafts because of something", 422)
        made = self._said(self._from_template(data), view)
        return [made | {"exercise": True} if self.rules.exercise else made]

    def _edit(self, view: View, state: Bulletin, command: Command, actor: Actor, data: dict[str, Any]) -> list[Any]:
        if state.exercise and data.get("exercise") is False:
            raise Refused("exercise", "a draft of an exercise does not turn into a real one: draft it anew", 409)
        return [self._said(data, view)]

    def _submit(self, view: View, state: Bulletin, command: Command, actor: Actor, data: dict[str, Any]) -> list[Any]:
        if self.rules.exercise and not state.exercise:
            raise Refused("exercise", "this hall is for exercises: it tells nobody anything real", 409)
        before = self._before(view, state)
        message = message_of(state, self.rules, view.now, _identifiers(view, command.subject), before)
        return [{"message": msgspec.to_builtins(message), "needed": self._approvals(state).number}]

    def _take_back(self, view: View, state: Bulletin, command: Command, actor: Actor, data: dict[str, Any]) -> list[Any]:
        return [{}]

    def _approve(self, view: View, state: Bulletin, command: Command, actor: Actor, data: dict[str, Any]) -> list[Any]:
        if problem := self._approving_problem(state, actor):
            raise Refused(*problem, 403)
        if state.message is None or data["digest"] != state.message.digest:
            raise Refused("digest-wrong", "what you looked at is not what would be sent: look at it again", 409)
        self._fresh(view, state)
        complete = len(state.approvals) + 1 >= state.needed
        made: list[Any] = [data | {"complete": complete}]
        if complete and self.rules.issue == "on_approval":
            made += self._sent(view, state, command.subject)
        return made

    def _refuse(self, view: View, state: Bulletin, command: Command, actor: Actor, data: dict[str, Any]) -> list[Any]:
        if actor.role not in self._approvals(state).roles:
            raise Refused("not-permitted", f"{', '.join(self._approvals(state).roles)} decide on this", 403)
        return [{}]

    def _issue(self, view: View, state: Bulletin, command: Command, actor: Actor, data: dict[str, Any]) -> list[Any]:
        self._fresh(view, state)
        return [None, *self._sent(view, state, command.subject)]

    def _sent(self, view: View, state: Bulletin, subject: str) -> list[Draft]:
        """The line that sends it, and the end of what it replaces or cancels."""
        made = [Draft(subject=subject, move="issue", data={})]
        if self._before(view, state) is not None:
            move = "cancelled" if state.message_type == "Cancel" else "replaced"
            made.append(Draft(subject=state.replaces, move=move, data={"by": subject}))
        return made

    def _fresh(self, view: View, state: Bulletin) -> None:
        """Raises Refused for what is too old to be sent, or overtaken."""
        assert state.message is not None
        hours, anew = self.rules.submitted_hours, "take it back and submit it anew"
        if view.now - state.message.sent > hours * HOUR or state.message.expires <= view.now:
            raise Refused("too-old", f"it was submitted more than {hours:g} h ago, or is over: {anew}", 409)
        self._before(view, state)

    def _before(self, view: View, state: Bulletin) -> Bulletin | None:
        """What it replaces or cancels, which must be in force. Raises Refused."""
        if state.message_type == "Alert" and not state.replaces:
            return None
        before: Bulletin | None = view.get(state.replaces) if state.replaces else None
        if before is None or before.message is None:
            raise Refused("field-missing", "replaces: the bulletin that it replaces or cancels", 422)
        if before.state != "issued":
            raise Refused("state-wrong", f"{state.replaces} is {before.state}: it can no longer be replaced or cancelled", 409)
        if before.exercise != state.exercise or before.kind != state.kind:
            raise Refused("exercise", "an exercise replaces exercises only, a warning warnings", 409)
        return before

    def _update(self, view: View, state: Bulletin, command: Command, actor: Actor, data: dict[str, Any]) -> list[Any]:
        return [None, self._following(view, state, command, "Update")]

    def _cancel(self, view: View, state: Bulletin, command: Command, actor: Actor, data: dict[str, Any]) -> list[Any]:
        return [None, self._following(view, state, command, "Cancel")]

    def _following(self, view: View, state: Bulletin, command: Command, kind: str) -> Draft:
        """A draft that replaces or cancels this one; it is submitted and approved like any other."""
        number = 1
        while view.get(made := f"{command.subject}-{kind.lower()}{number}") is not None:
            number += 1
        said = {name: value for name in model.CONTENT if (value := msgspec.to_builtins(getattr(state, name)))}
        said |= {"replaces": command.subject, "message_type": kind, "cause": ""}
        for name in ("onset", "expires", "template", "cause"):
            said.pop(name, None)
        if kind == "Cancel":
            said |= self._all_clear(state) | {"note": command.reason.strip()[:500]}
        return Draft(subject=made, move="draft", data=said, reason=command.reason.strip())

    def _all_clear(self, state: Bulletin) -> dict[str, Any]:
        template = self.rules.templates.get("all_clear")
        if template is None:
            return {"responses": ["AllClear"]}
        pattern = template.headline
        heads = {tag: pattern.get(tag, "{headline}").replace("{headline}", text) for tag, text in state.headline.items()}
        texts = {tag: template.text.get(tag) or self.rules.in_language(template.text, tag) for tag in state.headline}
        made = {"headline": heads, "text": texts, "instruction": dict(template.instruction), "responses": ["AllClear"]}
        return made | {"urgency": "Past", "certainty": "Observed"}

    def _withdraw(self, view: View, state: Bulletin, command: Command, actor: Actor, data: dict[str, Any]) -> list[Any]:
        return [{}]

    def _expire(self, view: View, state: Bulletin, command: Command, actor: Actor, data: dict[str, Any]) -> list[Any]:
        assert state.message is not None
        return [{}] if state.message.expires <= view.now else [None]

    def _retire(self, view: View, state: Bulletin, command: Command, actor: Actor, data: dict[str, Any]) -> list[Any]:
        return [{}]

    # -- what a draft says -------------------------------------------------------------------------------------------------

    def _from_template(self, data: dict[str, Any]) -> dict[str, Any]:
        template = self.rules.templates.get(data.get("template", ""))
        if template is None:
            return data
        given = {name: value for name, value in msgspec.to_builtins(template).items() if value and name != "label"}
        return given | data

    def _said(self, data: dict[str, Any], view: View) -> dict[str, Any]:
        """The checked content; raises Refused naming the field."""
        made = dict(data)
        for name in TEXTS:
            if name in made:
                made[name] = self._texts(name, made[name])
        for name, known in (("category", CATEGORIES), ("responses", RESPONSES), ("audience", tuple(self.rules.audiences))):
            if bad := [value for value in made.get(name, ()) if value not in known]:
                raise Refused("bad-field", f"{name}: {bad[0][:40]} is none of {', '.join(known)[:300]}", 422)
        if "areas" in made:
            _areas(made["areas"])
        if "signal" in made and not _pairs(made["signal"]):
            raise Refused("bad-field", "signal: {kind, colour}", 422)
        if "replaces" in made and view.get(made["replaces"]) is None:
            raise Refused("unknown", f"there is no {made['replaces'][:200]}", 404)
        return made

    def _texts(self, name: str, value: Any) -> dict[str, str]:
        if isinstance(value, str):
            value = {self.rules.languages[0]: value}
        if not _pairs(value) or any(len(text) > LONGEST_TEXT for text in value.values()):
            raise Refused("bad-field", f"{name}: texts by language, each at most {LONGEST_TEXT} characters", 422)
        return {tag: text.strip() for tag, text in value.items() if text.strip()}

    # -- folding -----------------------------------------------------------------------------------------------------------

    def fold(self, state: Bulletin, entry: Entry) -> None:
        model.change(state, entry, self.rules.languages)

    def document(self, state: Bulletin) -> dict[str, Any] | None:
        """Everything but the long texts of the frozen message, which are asked for; None when it is done with."""
        if state.ended:
            return None
        made = msgspec.to_builtins(state)
        if message := made.get("message"):
            made["message"] = {name: message[name] for name in ("identifier", "sent", "expires", "digest") if name in message}
        return made | {"state": state.state, "kind": state.kind, "event_text": self.rules.in_language(state.event, "")}


def _identifiers(view: View, own: str) -> list[str]:
    states = (view.get(name) for name in view.names("bulletin") if name != own)
    return [state.message.identifier for state in states if state is not None and state.message is not None]


def _pairs(value: Any) -> bool:
    good = isinstance(value, dict) and len(value) <= 20
    return good and all(isinstance(text, str) and len(tag) <= 40 for tag, text in value.items())


def _areas(value: Any) -> None:
    good = isinstance(value, list) and len(value) <= MOST_AREAS and all(isinstance(area, dict) for area in value)
    if not good or any(set(area) - _AREA for area in value):
        raise Refused("bad-field", f"areas: at most {MOST_AREAS} of {{{', '.join(sorted(_AREA))}}}", 422)


def _outside(actor: Actor, state: Bulletin) -> str:
    """What of it lies outside the districts that somebody answers for; the whole city does."""
    if not actor.districts:
        return ""
    named = {name for area in state.areas for name in area.get("districts") or ()}
    drawn = any(any(area.get(name) for name in ("circle", "polygon", "polygons")) for area in state.areas)
    if not state.areas or drawn:
        return "more than your districts"
    return "、".join(sorted(named - set(actor.districts)))
