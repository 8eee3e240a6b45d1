"""Where a key stands in a TOML text: the standard parser does not tell lines."""

from __future__ import annotations

import re

_HEADER = re.compile(r"^\s*(\[\[?)\s*([^\]]+?)\s*\]\]?\s*(#.*)?$")
_ASSIGNMENT = re.compile(r"^\s*((?:[\w-]+|\"[^\"]*\"|'[^']*')(?:\s*\.\s*(?:[\w-]+|\"[^\"]*\"|'[^']*'))*)\s*=")


def _parts(name: str) -> list[str]:
    return [part.strip().strip("\"'") for part in re.findall(r"[\w-]+|\"[^\"]*\"|'[^']*'", name)]


def places(text: str) -> dict[str, int]:
    """Line (from 1) of each table and key, keys written as `feeds[0].mapping.time`."""
    found: dict[str, int] = {}
    counts: dict[str, int] = {}
    table, quote = "", ""
    for number, line in enumerate(text.splitlines(), 1):
        if quote:
            quote = "" if quote in line else quote
            continue
        header = _HEADER.match(line)
        if header:
            table = _table_name(_parts(header[2]), header[1] == "[[", counts)
            found.setdefault(table, number)
            continue
        assignment = _ASSIGNMENT.match(line)
        if assignment:
            found.setdefault(".".join(filter(None, [table, *_parts(assignment[1])])), number)
        for mark in ('"""', "'''"):
            if line.count(mark) % 2:
                quote = mark
    return found


def _table_name(parts: list[str], is_array: bool, counts: dict[str, int]) -> str:
    """The indexed name of a table: parts that are arrays of tables carry the index of their last element."""
    name = ""
    for depth, part in enumerate(parts):
        name = f"{name}.{part}" if name else part
        last = depth == len(parts) - 1
        if last and is_array:
            counts[name] = counts.get(name, -1) + 1
            for inner in [key for key in counts if key.startswith(f"{name}[") or key.startswith(f"{name}.")]:
                del counts[inner]
        if name in counts:
            name = f"{name}[{counts[name]}]"
    return name


def line_of(text: str, key: str) -> int | None:
    """The line of `key`, or of the nearest table above it; None when nothing of it is in the text."""
    known = places(text)
    while key:
        if key in known:
            return known[key]
        key = re.sub(r"(\.[^.\[\]]+|\[[^\]]*\])$", "", key) if re.search(r"[.\[]", key) else ""
    return None
