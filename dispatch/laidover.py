"""What the hall decided about a case, laid over what its supplier says: how the casebook keeps and reads it. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from dispatch.casefile.aggregate import effective
from hall.core.model import Case


class LaidOver(msgspec.Struct, omit_defaults=True):
    """`over`: fields of the case replaced (`dispatch/casefile`); `at`: when the file took its present state, ms."""

    over: dict[str, Any] = {}
    at: int = 0
    owner: str = ""
    revision: int = 0


_decode = msgspec.json.Decoder(LaidOver).decode
_decode_case = msgspec.json.Decoder(Case).decode


def of_document(document: dict[str, Any]) -> LaidOver:
    """From a file's document as the bus carries it."""
    at = document.get("state_since", 0) if "state" in document.get("over", {}) else 0
    return LaidOver(document.get("over", {}), at, document.get("owner", ""), document.get("revision", 0))


def shown(doc: bytes, laid_over: bytes | None) -> dict[str, Any]:
    """A case's fields as people see them."""
    case = msgspec.json.decode(doc)
    if not laid_over:
        return case
    kept = _decode(laid_over)
    return effective(case, kept.over) | ({"owner": kept.owner} if kept.owner else {})


def applied(case: Case, time: int, laid_over: bytes | None) -> tuple[Case, int, str]:
    """The case with the hall's decisions, the moment its state is true since, and its owner."""
    if not laid_over:
        return case, time, ""
    kept = _decode(laid_over)
    if not kept.over:
        return case, time, kept.owner
    made = msgspec.convert(effective(msgspec.to_builtins(case), kept.over), Case)
    return made, kept.at or time, kept.owner


def decoded(doc: bytes, time: int, laid_over: bytes | None) -> tuple[Case, int]:
    case, since, _ = applied(_decode_case(doc), time, laid_over)
    return case, since
