"""How a line of the ledger is written down and chained: any change of any line breaks its hash or the next one's."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from dispatch.ledger import schema
from hall.core.command import Command, Entry

_sorted_json = msgspec.json.Encoder(order="sorted").encode
FIELDS = Entry.__struct_fields__


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What a walk over all lines found. `lines` were right; `first_bad_seq` and `what` say where the first fault is."""

    lines: int
    ok: bool
    first_bad_seq: int | None = None
    what: str = ""
    head: str = ""  # hash of the last right line


def canonical(value: Any) -> bytes:
    """JSON with sorted keys, without white space, in UTF-8."""
    return _sorted_json(value)


def _filled(thing: msgspec.Struct) -> dict[str, Any]:
    """Its fields that are not empty: one that is added later, empty, changes no old hash."""
    return {name: value for name in thing.__struct_fields__ if (value := getattr(thing, name)) not in ("", None, {})}


def hash_of(entry: Entry) -> str:
    """SHA-256 of the line without its own hash, hexadecimal; the previous line's is inside."""
    fields = _filled(entry)
    fields.pop("hash", None)
    return hashlib.sha256(canonical(fields)).hexdigest()


def digest_of(command: Command) -> str:
    """What was asked, to tell a repetition from another command under the same id."""
    return hashlib.sha256(canonical(_filled(command))).hexdigest()


def row_of(entry: Entry) -> dict[str, Any]:
    row = msgspec.structs.asdict(entry)
    row["data"] = canonical(entry.data).decode()
    return row


def entry_of(row: Any) -> Entry:
    """An entry from a row of the table. Raises msgspec.MsgspecError where `data` was damaged."""
    fields = {name: row[name] for name in FIELDS}
    fields["data"] = msgspec.json.decode(row["data"])
    return Entry(**fields)


def verify(connection: Connection, page: int = 2_000) -> Verdict:
    """Walks every line of one snapshot: numbers without gaps, hashes, the head, and each stream's last line."""
    seq, last = 0, ""
    table = schema.entries
    while True:
        query = sa.select(table).where(table.c.seq > seq).order_by(table.c.seq).limit(page)
        rows = connection.execute(query).mappings().all()
        for row in rows:
            if what := _fault(row, seq + 1, last):
                return Verdict(lines=seq, ok=False, first_bad_seq=seq + 1, what=what, head=last)
            seq, last = row["seq"], row["hash"]
        if len(rows) < page:
            break
    bad, what = _ends(connection, seq, last)
    return Verdict(lines=seq, ok=not what, first_bad_seq=bad, what=what, head=last)


def _fault(row: Any, seq: int, last: str) -> str:
    if row["seq"] != seq:
        return f"line {seq} is missing, the next one is {row['seq']}"
    if row["previous"] != last:
        return "it does not follow the line before: one of the two was changed, or a line between them was taken out"
    try:
        right = hash_of(entry_of(row)) == row["hash"] and canonical(msgspec.json.decode(row["data"])).decode() == row["data"]
    except (msgspec.MsgspecError, TypeError, ValueError, UnicodeError):
        right = False
    return "" if right else "its content is not what was hashed when it was written"


def _ends(connection: Connection, seq: int, last: str) -> tuple[int | None, str]:
    """What the lines themselves cannot show: some cut off the end, or a stream that stands elsewhere than its lines."""
    found = connection.execute(sa.select(schema.head)).mappings().first()
    if found is None or (found["seq"], found["hash"]) != (seq, last):
        said = "nothing" if found is None else f"{found['seq']}"
        return seq + 1, f"the ledger's head says {said}, its lines end at {seq}: lines were cut off its end or added by hand"
    e, s = schema.entries, schema.streams
    lines = sa.select(e.c.subject, sa.func.max(e.c.revision).label("revision"), sa.func.max(e.c.seq).label("seq"))
    lines = lines.group_by(e.c.subject).subquery()
    told = sa.and_(s.c.revision == lines.c.revision, s.c.seq == lines.c.seq)
    odd = sa.select(lines.c.subject, lines.c.seq).outerjoin(s, sa.and_(s.c.subject == lines.c.subject, told))
    row = connection.execute(odd.where(s.c.subject.is_(None)).order_by(lines.c.seq).limit(1)).first()
    if row:
        return row[1], f"the stream {row[0]} does not stand at its last line"
    extra = sa.select(s.c.subject).outerjoin(lines, lines.c.subject == s.c.subject).where(lines.c.subject.is_(None))
    row = connection.execute(extra.limit(1)).first()
    return (seq + 1, f"the stream {row[0]} has no lines") if row else (None, "")
