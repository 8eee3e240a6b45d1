"""The rules of a case as the model of a shift knows them, told from the domain: 国标 GB/T 30428 and docs/DISPATCH.md."""

from __future__ import annotations

BEFORE = {"reported", "pending_verify", "pending_register"}
HANDS = {"pending_handle", "handling"}
BACK = {"handle_finish", "pending_check"}
SENDABLE = {"pending_dispatch", "returned"}
ENDED = {"closed", "forced_close", "cancelled", "not_accepted"}
OPEN = BEFORE | HANDS | BACK | SENDABLE | {"suspended"}
ANY = OPEN | ENDED
#: the loop: move -> (from, to); "" = the state stays
LOOP: dict[str, tuple[set[str], str]] = {
    "accept": ({"reported"}, "pending_register"), "send_verify": ({"reported", "pending_register"}, "pending_verify"),
    "report_verify": ({"pending_verify"}, "pending_register"), "register": ({"reported", "pending_register"}, "pending_dispatch"),
    "dispatch": ({"reported", "pending_register"} | SENDABLE, "pending_handle"), "take": ({"pending_handle"}, "handling"),
    "feed_back": (HANDS, "handle_finish"), "request_check": ({"handle_finish"}, "pending_check"),
    "report_check": ({"pending_check"}, ""), "rework": (BACK, "pending_handle"),
}  # fmt: skip
ENDS = {
    "close": (BACK, "closed"), "reject": (BEFORE, "not_accepted"), "cancel": (BEFORE | SENDABLE, "cancelled"),
    "force_close": (OPEN - BEFORE, "forced_close"), "merge": (OPEN, "cancelled"),
}  # fmt: skip
#: words, questions and pictures: in which states, and nothing of what the model knows changes
WORDS = {
    "note": ANY, "call_back": ANY, "attach": ANY, "correct": OPEN, "link": OPEN, "urge": OPEN, "reply_urge": OPEN,
    "emergency": OPEN - {"suspended"}, "stop_ladder": OPEN,
}  # fmt: skip
TAKEN_BACK = {
    *LOOP, *ENDS, "return", "assign", "link", "correct", "emergency",
}  # fmt: skip
#: while a case has an owner, no other operator or dispatcher makes these
OWNERS = {*LOOP, *ENDS, "return", "assign", "unassign", "split", "link", "correct", "emergency", "resume"} - {
    "take", "feed_back", "report_verify", "report_check", "cancel", "force_close",
}  # fmt: skip
ONWARD = {"accept", "send_verify", "register", "dispatch", "request_check", "close", "reject", "rework"}
_LEADS = {"supervisor", "admin"}
#: whose roles can take a case on from a state; elsewhere everybody may stay its owner
GOES_ON = {
    "reported": {"operator"} | _LEADS, "pending_verify": {"operator", "inspector"} | _LEADS,
    "pending_register": {"operator"} | _LEADS, "pending_dispatch": {"dispatcher"} | _LEADS, "returned": {"dispatcher"} | _LEADS,
    "handle_finish": {"operator", "dispatcher"} | _LEADS, "pending_check": {"operator"} | _LEADS,
}  # fmt: skip
