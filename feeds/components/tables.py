"""Words that many components share, by number, so that a question over all of them is a pass over numbers; and the words one is
found by."""

from __future__ import annotations

import unicodedata

import msgspec

from feeds.components.record import STATES, Component
from hall.core.errors import HallError

MOST = 65_535


class Class(msgspec.Struct, frozen=True, array_like=True):
    """A class as a component names it: code, 大类, 小类."""

    code: str = ""
    main: str = ""
    sub: str = ""


class Tables(msgspec.Struct):
    """Entry 0 of each: not known. A table only grows, so that numbers keep their meaning from version to version."""

    classes: list[Class] = msgspec.field(default_factory=lambda: [Class()])
    districts: list[str] = msgspec.field(default_factory=lambda: [""])
    departments: list[str] = msgspec.field(default_factory=lambda: [""])
    sources: list[str] = msgspec.field(default_factory=lambda: [""])


class Numbering:
    """Gives numbers to words, in tables of its own (`tables`)."""

    def __init__(self, tables: Tables) -> None:
        self.tables = msgspec.convert(msgspec.to_builtins(tables), Tables)
        self._known = {
            name: {entry: number for number, entry in enumerate(getattr(self.tables, name))}
            for name in Tables.__struct_fields__
        }

    def _number(self, name: str, value: object) -> int:
        known = self._known[name]
        found = known.get(value)
        if found is None:
            if len(known) > MOST:
                raise HallError(f"more than {MOST:,} different {name}: is the right column mapped?")
            found = known[value] = len(known)
            getattr(self.tables, name).append(value)
        return found

    def numbers(self, made: Component) -> tuple[int, int, int, int]:
        """Of class, district, department and state."""
        kind = Class(made.class_code, made.class_name, made.subclass_name)
        return (
            self._number("classes", kind),
            self._number("districts", made.district),
            self._number("departments", made.department),
            STATES.index(made.state),
        )

    def source(self, name: str) -> int:
        return self._number("sources", name)


def normal(text: str) -> str:
    """Width and case do not count."""
    return text.lower() if text.isascii() else unicodedata.normalize("NFKC", text).lower()


def searched(made: Component) -> str:
    """What a search looks in: number, name, address, owner, maintainer, cell."""
    fields = (made.component_id, made.name, made.address, made.owner, made.maintainer, made.cell)
    return normal("\n".join(field for field in fields if field))
