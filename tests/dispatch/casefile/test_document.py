"""docs/CASEFILE.md shows the table as it is, names every state and every refusal."""

import re
from pathlib import Path

from dispatch.casefile.table import ENDED, MOVES, OPEN, WRITTEN
from hall.core.model import CASE_STATES
from tests.dispatch.casefile.test_words import codes

PAGE = (Path(__file__).parents[3] / "docs" / "CASEFILE.md").read_text()
NAMED = {"any": OPEN | ENDED, "open": OPEN, "ended": ENDED, "no file yet": frozenset()}


def listed(cell):
    return tuple(name for name in cell.split(", ") if name)


def told():
    """Rows of the page's table, read back."""
    for line in PAGE.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 8 and cells[0].startswith("`"):
            yield cells[0].strip("`"), cells[1:]


def test_the_page_shows_every_row_of_the_table_as_it_is():
    rows = dict(told())
    assert list(rows) == list(MOVES)
    for name, (sources, target, roles, reason, data, guards, rules) in rows.items():
        move, words = MOVES[name], data.split()
        assert NAMED.get(sources, frozenset(listed(sources))) == move.sources, name
        assert (target, listed(roles), reason == "yes") == (move.target, move.roles, move.reason), name
        assert tuple(word for word in words if word[0] != "(") == move.needs, name
        assert tuple(word.strip("()") for word in words if word[0] == "(") == move.takes, name
        assert listed(guards) == move.guards, name
        flags = ("forward", "bound", "undoable", "field")
        assert listed(rules) == tuple(flag for flag in flags if getattr(move, flag)), name


def test_the_page_names_every_state_every_refusal_and_what_others_write():
    quoted = set(re.findall(r"`([\w-]+)`", PAGE))
    assert {*CASE_STATES, *codes(), *WRITTEN} <= quoted
