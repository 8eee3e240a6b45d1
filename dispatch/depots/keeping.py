"""Topic `depot`: what is there, and what is away. Pure.

Lending and taking back are no moves of their own: only a request's decision writes them (dispatch/depots/requests.py), in the
same transaction as its own line, so that stock and requests never tell different stories.
"""

from __future__ import annotations

from typing import Any

import msgspec

from dispatch.aggregate import View
from dispatch.depots.model import ITEM_KINDS, KINDS, Depot, Row, Stock
from dispatch.tabled import LEAD, SEATS, Field, Move, Tabled
from hall.core.command import Actor, Command, Draft, Entry
from hall.core.errors import Refused

MOST = 10_000_000  # pieces: beyond it is a slip of the pen
ITEMS_BOUND = 200
_COUNT = Field(kind="whole", low=0, high=MOST, must=True)
_SOME = Field(kind="whole", low=1, high=MOST, must=True)
_ITEM = Field(kind="line", longest=60, must=True, offer="items")
_KEEPERS = (*SEATS, "unit")

MOVES = {
    "count": Move(frm=("open",), by=_KEEPERS, fields={"item": _ITEM, "there": _COUNT}, reason=True),
    "receive": Move(
        frm=("open",),
        by=_KEEPERS,
        fields={
            "item": _ITEM,
            "count": _SOME,
            "kind": Field(kind="choice", choices=ITEM_KINDS),
            "measure": Field(kind="line", longest=20),
            "capacity": Field(kind="number", low=0, high=MOST),
            "capacity_unit": Field(kind="line", longest=20),
        },
    ),
    "write_off": Move(frm=("open",), by=_KEEPERS, fields={"item": _ITEM, "count": _SOME}, reason=True),
    "correct": Move(
        frm=("open",),
        by=SEATS,
        fields={
            "name": Field(kind="line", longest=100),
            "place": Field(kind="place"),
            "address": Field(kind="line", longest=200),
            "district": Field(kind="line", longest=100, offer="districts"),
            "unit": Field(kind="line", longest=100, offer="units"),
            "phone": Field(kind="line", longest=60),
        },
        reason=True,
    ),
    "enrol": Move(
        frm=("", "open", "closed"),
        by=(*LEAD, "system"),
        fields={
            "name": Field(kind="line", longest=100, must=True),
            "kind": Field(kind="choice", choices=KINDS),
            "place": Field(kind="place"),
            "address": Field(kind="line", longest=200),
            "district": Field(kind="line", longest=100, offer="districts"),
            "unit": Field(kind="line", longest=100, offer="units"),
            "phone": Field(kind="line", longest=60),
            "label": Field(kind="record"),
            "items": Field(kind="record"),
            "source": Field(kind="line", longest=40),
        },
        revision=False,
    ),
    "close": Move(frm=("open",), by=(*LEAD, "system"), reason=True),
    # written by requests only: nobody may ask for them
    "lend": Move(frm=("open",), by=()),
    "take_back": Move(frm=("open",), by=()),
}
_ABOUT = ("name", "label", "kind", "address", "district", "unit", "phone", "source")


class Depots(Tabled):
    """`dispatch.tabled.Tabled` over `Depot`."""

    topic, State, moves = "depot", Depot, MOVES

    def drafts(self, view: View, state: Depot | None, command: Command, actor: Actor, data: dict[str, Any]) -> list[Draft]:
        check = _CHECKS.get(command.move)
        if check is not None:
            data = check(state, data)
        if command.move == "enrol" and _stands_so(state, data):
            return []
        return [Draft(subject=command.subject, move=command.move, data=data, reason=command.reason.strip())]

    def offered(self, state: Depot | None, actor: Actor) -> list[dict[str, Any]]:
        """A new depot, or corrections of one; enrolling again is the list's business."""
        return [offer for offer in super().offered(state, actor) if state is None or offer["move"] != "enrol"]

    def document(self, state: Depot) -> dict[str, Any] | None:
        """Without the list it came from, which is in `stock`; a telephone number belongs to those who call."""
        found = super().document(state)
        for inner in ("rows", "phone"):
            (found or {}).pop(inner, None)
        return found

    def fold(self, state: Depot, entry: Entry) -> None:
        fold = _FOLDS.get(entry.move)
        if fold is not None:
            fold(state, entry)


def taken(state: Depot | None, subject: str, item: str, count: float) -> Draft:
    """What a request's allotment writes into the depot's stream. Raises Refused when it cannot be given."""
    if state is None or state.ended:
        raise Refused("depot-unknown", f"there is no {subject[:200]}", 404)
    stock = state.stock.get(item)
    free = stock.free if stock is not None else 0
    if count > free:
        raise Refused("stock-short", f"{state.name}: {free:g} of {item} free, {count:g} asked for", 409)
    return Draft(subject=subject, move="lend", data={"item": item, "count": count})


# -- deciding --------------------------------------------------------------------------------------------------------------


def _known(state: Depot, item: str) -> Stock:
    stock = state.stock.get(item)
    if stock is None:
        raise Refused("item-unknown", f"{state.name} keeps no {item}: receive some first", 404)
    return stock


def _count(state: Depot, data: dict[str, Any]) -> dict[str, Any]:
    _known(state, data["item"])
    return data


def _write_off(state: Depot, data: dict[str, Any]) -> dict[str, Any]:
    stock = _known(state, data["item"])
    if data["count"] > stock.free:
        raise Refused("stock-short", f"{stock.free:g} of {data['item']} are there", 409)
    return data


def _receive(state: Depot, data: dict[str, Any]) -> dict[str, Any]:
    if data["item"] not in state.stock and len(state.stock) >= ITEMS_BOUND:
        raise Refused("bad-field", f"at most {ITEMS_BOUND} items in one depot", 422)
    return data


def _enrol(state: Depot | None, data: dict[str, Any]) -> dict[str, Any]:
    rows = rows_of(data.get("items", []))
    for name, stock in (state.stock if state is not None else {}).items():
        row = rows.get(name)
        if row is not None and _changed(state, row) and row.count < stock.out:
            raise Refused("stock-short", f"{name}: {stock.out:g} are away, the list says {row.count:g} in all", 409)
    return data | {"items": msgspec.to_builtins(list(rows.values()))}


def _close(state: Depot, data: dict[str, Any]) -> dict[str, Any]:
    away = [name for name, stock in state.stock.items() if stock.out]
    if away:
        raise Refused("stock-away", f"{', '.join(away)[:200]}: to be returned first", 409)
    return data


_CHECKS = {"count": _count, "write_off": _write_off, "receive": _receive, "enrol": _enrol, "close": _close}


def rows_of(items: Any) -> dict[str, Row]:
    """A depot's list by name; raises Refused naming the row."""
    try:
        rows = msgspec.convert(items, list[Row])
    except msgspec.ValidationError as error:
        raise Refused("bad-field", f"items: {error}"[:300], 422) from None
    found: dict[str, Row] = {}
    for row in rows:
        amounts = (row.count, 0 if row.capacity is None else row.capacity)
        if not row.name.strip() or len(row.name) > 60 or row.name in found:
            raise Refused("bad-field", f"items: {row.name[:60]!r}: a name of its own", 422)
        if row.kind not in ITEM_KINDS or not all(0 <= amount <= MOST for amount in amounts):
            raise Refused("bad-field", f"items: {row.name}: kind one of {', '.join(ITEM_KINDS)}, amounts from 0", 422)
        found[row.name] = row
    if len(found) > ITEMS_BOUND:
        raise Refused("bad-field", f"items: at most {ITEMS_BOUND}", 422)
    return found


def _changed(state: Depot, row: Row) -> bool:
    before = next((known for known in state.rows if known.name == row.name), None)
    return before is None or before.count != row.count


def _stands_so(state: Depot | None, data: dict[str, Any]) -> bool:
    if state is None or state.state != "open":
        return False
    same = all(getattr(state, name) == data[name] for name in _ABOUT if name in data)
    placed = data.get("place", {"lon": state.lon, "lat": state.lat})
    return (
        same and (state.lon, state.lat) == (placed["lon"], placed["lat"]) and data["items"] == msgspec.to_builtins(state.rows)
    )


# -- folding ---------------------------------------------------------------------------------------------------------------


def _take(state: Depot, data: dict[str, Any]) -> None:
    for name in _ABOUT:
        if name in data:
            setattr(state, name, data[name])
    if "place" in data:
        state.lon, state.lat = data["place"]["lon"], data["place"]["lat"]


def _fold_enrol(state: Depot, entry: Entry) -> None:
    state.depot_id = entry.subject.partition("/")[2]
    state.state, state.ended = "open", False
    _take(state, entry.data)
    rows = msgspec.convert(entry.data.get("items", []), list[Row])
    before, state.rows = state.rows, rows
    named = {row.name for row in rows}
    for row in rows:
        stock = state.stock.setdefault(row.name, Stock())
        if all(known.name != row.name or known.count != row.count for known in before):
            stock.have = max(row.count, stock.out)
        stock.kind, stock.unit = row.kind, row.unit
        stock.capacity, stock.capacity_unit = row.capacity, row.capacity_unit
    for row in before:
        if row.name not in named and row.name in state.stock and not state.stock[row.name].out:
            del state.stock[row.name]


def _fold_count(state: Depot, entry: Entry) -> None:
    stock = state.stock[entry.data["item"]]
    stock.have = entry.data["there"] + stock.out
    state.counted = {"at": entry.time, "by": entry.who, "item": entry.data["item"]}


def _fold_receive(state: Depot, entry: Entry) -> None:
    stock = state.stock.setdefault(entry.data["item"], Stock())
    stock.have += entry.data["count"]
    stock.unit = entry.data.get("measure", stock.unit)
    for name in ("kind", "capacity", "capacity_unit"):
        if name in entry.data:
            setattr(stock, name, entry.data[name])


def _fold_write_off(state: Depot, entry: Entry) -> None:
    state.stock[entry.data["item"]].have -= entry.data["count"]


def _fold_lend(state: Depot, entry: Entry) -> None:
    state.stock[entry.data["item"]].out += entry.data["count"]


def _fold_take_back(state: Depot, entry: Entry) -> None:
    """`count` come back, `lost` never will."""
    stock, lost = state.stock[entry.data["item"]], entry.data.get("lost", 0)
    stock.out -= entry.data.get("count", 0) + lost
    stock.have -= lost


def _fold_close(state: Depot, entry: Entry) -> None:
    state.state, state.ended = "closed", True


_FOLDS = {
    "enrol": _fold_enrol, "count": _fold_count, "receive": _fold_receive, "write_off": _fold_write_off, "lend": _fold_lend,
    "take_back": _fold_take_back, "close": _fold_close, "correct": lambda state, entry: _take(state, entry.data),
}  # fmt: skip
