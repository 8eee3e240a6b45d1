"""Ids of the hall's own commands, made of what caused them: asked again, they are the same."""

from __future__ import annotations

import hashlib

#: characters of a command's id (dispatch/ledger/rules.py)
LONGEST = 200


def name_of(cause: str) -> str:
    """The cause itself, or its beginning and its sum where a supplier's names are longer than an id may be."""
    if len(cause) <= LONGEST:
        return cause
    return f"{cause[: LONGEST - 65]}-{hashlib.sha256(cause.encode('utf-8', 'replace')).hexdigest()}"
