"""The columns worked out the slow way, case by case, from docs/EVALUATION.md: dates are None where there are none."""

from __future__ import annotations

from dispatch.evaluation.record import NEVER


def _done(moment, at):
    return moment is not None and moment <= at


def _gone_by(moment, at):
    return moment is not None and moment < at


def _within(moment, limit):
    return moment is not None and (limit is None or moment <= limit)


def columns(record, at):
    """The names of the columns that are 1."""
    r = {k: None if v == NEVER else v for k, v in record._asdict().items()}
    found = set()

    def say(name, holds):
        if holds:
            found.add(name)

    done = {
        k: _done(r[k], at)
        for k in ("reported", "accepted", "registered", "dispatched", "handled", "closed", "checked", "verified")
    }
    own, gone, exempt = r["own"] == 1, _done(r["dropped"], at), r["exempt"] == 1
    overdue = _gone_by(r["due"], at)
    say("report", own and done["reported"])
    say("public_report", own and done["reported"] and r["public"])
    say("accept", own and done["accepted"])
    say("intime_accept", own and done["accepted"] and _within(r["accepted"], r["accept_due"]))
    say("valid_report", own and done["reported"] and done["accepted"] and not gone)
    say("reject", own and _done(r["rejected"], at))
    say("cancel", own and _done(r["cancelled"], at))
    say("merge", own and _done(r["merged"], at))
    say("register", own and done["registered"])
    say("intime_register", own and done["registered"] and _within(r["registered"], r["register_due"]))
    say("exact_register", own and done["registered"] and not gone)
    say("public_register", own and done["registered"] and r["public"])
    waiting = done["registered"] and _gone_by(r["dispatch_due"], at) and not gone
    say("need_dispatch", own and (done["dispatched"] or waiting))
    say("dispatch", own and done["dispatched"])
    say("intime_dispatch", own and done["dispatched"] and _within(r["dispatched"], r["dispatch_due"]))
    say("exact_dispatch", own and done["dispatched"] and not r["returns"])
    say("need_dispose", done["handled"] or (done["dispatched"] and overdue and not gone))
    say("dispose", done["handled"])
    in_time = done["handled"] and _within(r["handled"], r["due"])
    say("intime_dispose_raw", in_time)
    say("intime_dispose", in_time or (done["handled"] and exempt))
    undisposed = not done["handled"] and done["dispatched"] and overdue and not gone
    say("overtime_dispose_raw", done["handled"] and not in_time)
    say("overtime_dispose", done["handled"] and not in_time and not exempt)
    say("overdue_undisposed_raw", undisposed)
    say("overdue_undisposed", undisposed and not exempt)
    say("late_raw", undisposed or (done["handled"] and not in_time))
    say("late", (undisposed or (done["handled"] and not in_time)) and not exempt)
    say("need_close", own and (done["closed"] or (done["registered"] and overdue and not gone)))
    say("close", own and done["closed"])
    late_handling = r["due"] is not None and (r["handled"] is None or r["handled"] > r["due"])
    late_check = r["check_due"] is not None and (r["checked"] is None or r["checked"] > r["check_due"])
    say("intime_close_raw", own and done["closed"] and not late_handling and not late_check)
    say("intime_close", own and done["closed"] and (exempt or not (late_handling or late_check)))
    say("overtime_close_raw", own and done["closed"] and (late_handling or late_check))
    say("overtime_close", own and done["closed"] and (late_handling or late_check) and not exempt)
    say("force_close", own and done["closed"] and r["forced"])
    say("rework", done["dispatched"] and r["reworks"] > 0)
    say("multi_rework", done["dispatched"] and r["reworks"] > 1)
    say("hang", _done(r["suspended"], at))
    say("his_hang", done["reported"] and (r["suspensions"] > 0 or _done(r["suspended"], at)))
    say("postpone", done["reported"] and r["postponed"] > 0)
    say("back", done["reported"] and r["returns"] > 0)
    for which, asked, limit in (("verify", "verify_asked", "verify_due"), ("check", "check_asked", "check_due")):
        told = "verified" if which == "verify" else "checked"
        say(f"need_{which}", done[told] or (_done(r[asked], at) and _gone_by(r[limit], at)))
        say(which, done[told])
        say(f"intime_{which}", done[told] and _within(r[told], r[limit]))
    answered = _done(r["answered"], at)
    say("urge", _done(r["urged"], at))
    say("need_reply", answered or (_done(r["urged"], at) and _gone_by(r["reply_due"], at)))
    say("reply", answered)
    say("intime_reply", answered and not r["reply_late"])
    say("call_back", done["reported"] and r["called_back"])
    say("satisfied", done["reported"] and r["satisfied"])
    say("exempt", done["reported"] and exempt)
    say("open", own and done["reported"] and not done["closed"] and not gone)
    say("emergency", own and done["reported"] and r["emergency"])
    say("subtask", not own and done["reported"])
    return found
