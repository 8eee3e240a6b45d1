"""Decisions about what an incident holds and what is known of it: members, facts, grade, objectives, its end. Pure."""

from __future__ import annotations

from dispatch.incidents import roof
from dispatch.incidents.deciding import Deciding, plain
from dispatch.incidents.duties import report_due
from dispatch.incidents.model import Incident, under_way
from hall.core.command import Draft
from hall.core.errors import Refused

OBJECTIVES = 100

# -- members -----------------------------------------------------------------------------------------------------------------


def opening(d: Deciding) -> list[Draft]:
    _may_grade(d, d.data["grade"], opening=True)
    members = roof.new_members(d.view, d.actor, d.incident_id, d.data.get("members", []), [], d.rules.members)
    return [d.draft(**{**d.data, "members": members}), *roof.linking(d.view, d.incident_id, members)]


def link(d: Deciding) -> list[Draft]:
    fresh = roof.new_members(d.view, d.actor, d.incident_id, d.data["members"], d.state.members, d.rules.members)
    return [d.draft(members=fresh), *roof.linking(d.view, d.incident_id, fresh)] if fresh else []


def unlink(d: Deciding) -> list[Draft]:
    gone = [name for name in map(roof.subject_of_member, d.data["members"]) if name in d.state.members]
    reason = d.command.reason.strip()
    return [d.draft(members=gone), *roof.unlinking(d.view, d.incident_id, gone, reason)] if gone else []


def linked(d: Deciding) -> list[Draft]:
    """The hall has seen that things name this incident themselves."""
    room = max(0, d.rules.members - len(d.state.members))
    fresh = [name for name in d.data["members"] if name not in d.state.members and name not in d.state.let_go][:room]
    return [d.draft(members=fresh)] if fresh else []


def unlinked(d: Deciding) -> list[Draft]:
    gone = [name for name in d.data["members"] if name in d.state.members]
    return [d.draft(members=gone)] if gone else []


def merge(d: Deciding) -> list[Draft]:
    into = d.data["into"]
    other = d.view.get(into) if into != d.command.subject else None
    if not isinstance(other, Incident) or other.state != "open":
        raise Refused("bad-target", f"{into[:200]} is no open incident to merge into", 409)
    if other.exercise != d.state.exercise:
        raise Refused("exercise", "an exercise and a real incident are not merged", 409)
    if len(set(other.members) | set(d.state.members)) > d.rules.members:
        raise Refused("too-many", f"an incident has at most {d.rules.members} members", 409)
    target = into.partition("/")[2]
    told = Draft(subject=into, move="absorb", data={"from": d.incident_id, "members": d.state.members})
    return [d.draft(into=target), told, *roof.linking(d.view, target, d.state.members)]


# -- what is known -----------------------------------------------------------------------------------------------------------


def correct(d: Deciding) -> list[Draft]:
    if not d.data:
        raise Refused("field-missing", "say what is to be corrected", 422)
    return plain(d)


def grade(d: Deciding) -> list[Draft]:
    _may_grade(d, d.data["grade"])
    return plain(d) if d.data["grade"] != d.state.grade else []


def _may_grade(d: Deciding, wanted: str, opening: bool = False) -> None:
    """A grade is given by those it names; whoever opens an incident says what it looks like, and a superior changes it."""
    roles = {*d.rules.grade(wanted).grade_by, "admin"}
    if not opening and d.actor.role not in roles:
        raise Refused("signer", f"grade {wanted} is given by {', '.join(sorted(roles))}", 403)


def figures(d: Deciding) -> list[Draft]:
    known = {figure.name for figure in d.rules.figures}
    if unknown := sorted(set(d.data["figures"]) - known):
        raise Refused("bad-field", f"figures.{unknown[0][:60]}: one of {', '.join(sorted(known))}", 422)
    if d.data.get("at", 0) > d.view.now:
        raise Refused("bad-field", "at: not a moment to come", 422)
    return plain(d)


def objective(d: Deciding) -> list[Draft]:
    if len(d.state.objectives) >= OBJECTIVES:
        raise Refused("too-many", f"at most {OBJECTIVES} objectives", 409)
    return plain(d)


def objective_ended(d: Deciding) -> list[Draft]:
    found = next((one for one in d.state.objectives if one.number == d.data["number"]), None)
    if found is None:
        raise Refused("unknown", f"there is no objective {d.data['number']}", 404)
    return plain(d) if found.state == "open" else []


# -- the end -----------------------------------------------------------------------------------------------------------------


def close(d: Deciding) -> list[Draft]:
    """`ends`: nothing is owed after it, so it leaves the screens at once."""
    ahead = Incident(**{name: getattr(d.state, name) for name in ("grade", "grades", "papers")}, state="closed")
    return [d.draft(ends=report_due(ahead, d.rules) is None and under_way(d.state) is None)]


def reopen(d: Deciding) -> list[Draft]:
    """Cases that came under another roof meanwhile stay there."""
    files = {name: d.view.get(name) for name in d.state.members if name.startswith("file/")}
    return [
        d.draft(gone=[name for name, file in files.items() if file is not None and file.incident not in ("", d.incident_id)])
    ]
