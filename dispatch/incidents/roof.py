"""What may come under an incident's roof, and what a link means for the case files linked. Pure."""

from __future__ import annotations

from dispatch.aggregate import View
from dispatch.casefile.guards import person
from dispatch.incidents.model import Incident
from dispatch.incidents.table import MEMBERS
from hall.core.command import Actor, Draft
from hall.core.errors import Refused

#: topics whose things the ledger may not know: what is suppressed, derived or supplied
_UNKEPT = ("alarm", "group", "channel")


def subject_of_member(name: str) -> str:
    """A case is its file."""
    return f"file/{name.removeprefix('case/')}" if name.startswith("case/") else name


def new_members(view: View, actor: Actor, incident_id: str, asked: list[str], known: list[str], most: int) -> list[str]:
    """Those of `asked` that are not there yet, each found fit. Raises Refused naming the one that is not."""
    fresh = [name for name in dict.fromkeys(map(subject_of_member, asked)) if name not in known]
    for name in fresh:
        topic, _, rest = name.partition("/")
        if topic not in MEMBERS or not rest:
            raise Refused("bad-field", f"{name[:100]}: one of {', '.join(MEMBERS)} and its name", 422)
        if topic not in _UNKEPT and (thing := view.get(name)) is None:
            raise Refused("unknown", f"there is no {name[:200]}", 404)
        if topic == "file":
            _fit(view, actor, incident_id, name, thing)
    if len(known) + len(fresh) > most:
        raise Refused("too-many", f"an incident has at most {most} members", 409)
    return fresh


def _fit(view: View, actor: Actor, incident_id: str, name: str, file) -> None:
    if code := person(file, actor):
        raise Refused(code, f"{name} is not yours to link", 403)
    other = view.get(f"incident/{file.incident}") if file.incident and file.incident != incident_id else None
    if isinstance(other, Incident) and other.state == "open":
        raise Refused("linked-elsewhere", f"{name} belongs to {other.title} ({file.incident}): unlink it there first", 409)


def linking(view: View, incident_id: str, members: list[str]) -> list[Draft]:
    """The files say so themselves; one that has ended is a member without being written to again."""
    files = [name for name in members if name.startswith("file/")]
    open_ = [name for name in files if (file := view.get(name)) is not None and not file.ended and file.incident != incident_id]
    return [Draft(subject=name, move="link", data={"incident": incident_id}) for name in open_]


def unlinking(view: View, incident_id: str, members: list[str], reason: str) -> list[Draft]:
    files = [name for name in members if name.startswith("file/")]
    mine = [name for name in files if (file := view.get(name)) is not None and not file.ended and file.incident == incident_id]
    return [Draft(subject=name, move="unlink", reason=reason) for name in mine]
