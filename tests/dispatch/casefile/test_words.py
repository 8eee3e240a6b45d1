"""Everything a case file can refuse, do, be or ask has words in both languages."""

import re
from pathlib import Path

import pytest

from dispatch.casefile.table import MOVES, WRITTEN
from hall.core.model import CASE_STATES
from layouts import catalogue

SOURCES = sorted((Path(__file__).parents[3] / "dispatch" / "casefile").glob("*.py"))


def codes():
    """Every code of a refusal, as the core's sources write it."""
    found = set()
    for source in SOURCES:
        text = source.read_text()
        found |= set(re.findall(r'Refused\(\s*"([a-z-]+)"', text))
        if source.name == "guards.py":
            found |= set(re.findall(r'(?:return|else) "([a-z-]+)"', text)) | set(re.findall(r', "([a-z-]+)",?\s*\)', text))
            found |= set(re.findall(r'return "([a-z-]+)" if', text))
    return found


def test_the_codes_are_found_in_every_way_the_sources_write_them():
    assert {"role", "owned", "undo-too-late", "not-checked", "no-clock", "bad-field", "reopen-too-late"} <= codes()
    assert len(codes()) > 45


@pytest.mark.parametrize("locale", ["zh-CN", "en"])
def test_every_refusal_move_state_and_question_has_words(locale):
    texts = catalogue.texts()[locale]
    wanted = {f"desk.refused.{code}" for code in codes()}
    wanted |= {f"desk.move.{move}" for move in (*MOVES, *WRITTEN)}
    wanted |= {f"desk.state.{state}" for state in CASE_STATES}
    wanted |= {f"desk.ask.{what}" for what in ("postpone", "suspend", "takeover", "appeal")}
    assert not {key for key in wanted if not texts.get(key, "").strip()}
