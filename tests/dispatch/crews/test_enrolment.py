"""The roster, assignments and crews' moves through the real ledger (SQLite)."""

from __future__ import annotations

import itertools

import msgspec
import pytest

from dispatch.crews.aggregate import Crews, assignment_draft, release_draft
from dispatch.crews.enrolment import enrol
from dispatch.crews.recommender import Recommender
from dispatch.ledger import Ledger
from feeds.demo.write import write_city
from hall.core import config as configuration
from hall.core.command import Actor, Command, Draft
from hall.core.errors import Refused

DISPATCHER = Actor(name="李调度", role="dispatcher")
FIRST = Actor(name="一组手机", role="crew", kind="crew", crew="U001")
CITY = '[city]\nname = {en = "T"}\ncentre = [113.9, 35.3]\n\n[dispatch.crews]\nroster = "crews.csv"\n'


class Case(msgspec.Struct):
    told: list[str] = []
    revision: int = 0
    ended: bool = False


class Cases:
    """The least of a case file: assigns, is told, ends."""

    topic, State = "file", Case

    def decide(self, view, command, actor):
        crew = command.data["crew"]
        if command.move == "assign":
            own = Draft(subject=command.subject, move="assign", data={"crew": crew})
            return [own, assignment_draft(view.get(f"crew/{crew}"), command.subject, actor)]
        return [Draft(subject=command.subject, move="close"), release_draft(crew, command.subject)]

    def evolve(self, state, entry):
        word = f"{entry.move} {entry.data.get('state', '')}".strip()
        return Case(told=[*(state.told if state else []), word], revision=entry.revision)

    def document(self, state):
        return {"told": state.told}

    def needs_revision(self, move):
        return False


@pytest.fixture
def ledger(tmp_path):
    opened = Ledger(f"sqlite:///{tmp_path}/ledger.db", {"crew": Crews(), "file": Cases()})
    yield opened
    opened.close()


_ids = itertools.count()


def ask(ledger, actor, stream, move, now=1_000, /, reason="", **data):
    command = Command(id=f"t{next(_ids)}", subject=stream, move=move, data=data, reason=reason)
    return ledger.execute(command, actor, now, now)


def test_the_demo_roster_is_enrolled_once(ledger, tmp_path):
    config = configuration.load(write_city(tmp_path / "demo", 1))
    assert (enrol(ledger, config, 1_000, 1_000).written, enrol(ledger, config, 2_000, 2_000).written) == (40, 0)
    crews = dict(ledger.states("crew"))
    assert len(crews) == 40 and crews["crew/U001"].skills == ["排水", "应急抢险"]
    ponding = {"subclass_name": "道路积水", "lon": 113.92, "lat": 35.3, "district": "红旗区"}
    found = Recommender(config, tmp_path).recommend(ponding, crews.values(), {}, 1_000)
    assert found.counts["ranked"] == 12 and found.ranked[0].why[0].code == "no_network"


def test_a_crew_that_leaves_the_file_comes_back_with_the_same_row(ledger, tmp_path):
    config = configuration.parse(CITY, str(tmp_path / "hall.toml"))
    for body, standing in (("P1\nP2\n", 2), ("P1\n", 1), ("P1\nP2\n", 2), ("P1\n", 1), ("P1\nP2\n", 2)):
        (tmp_path / "crews.csv").write_text("crew_id\n" + body)
        assert enrol(ledger, config, 1_000, 1_000).refused == []
        assert len(dict(ledger.states("crew"))) == standing


def test_a_call_out_is_told_to_the_case_in_the_same_transaction(ledger, tmp_path):
    enrol(ledger, configuration.load(write_city(tmp_path / "demo", 1)), 1_000, 1_000)
    ask(ledger, DISPATCHER, "file/cases/1", "assign", crew="U001")
    with pytest.raises(Refused, match="crew-busy"):
        ask(ledger, DISPATCHER, "file/cases/2", "assign", crew="U001")
    assert ledger.state("file/cases/2") is None
    ask(ledger, FIRST, "crew/U001", "acknowledge", 2_000, subject="file/cases/1")
    ask(ledger, FIRST, "crew/U001", "on_scene", 3_000, subject="file/cases/1")
    with pytest.raises(Refused, match="not-permitted"):
        ask(ledger, FIRST, "crew/U002", "decline", subject="file/cases/1", reason="x")
    crew = ledger.state("crew/U001")
    assert (crew.state, crew.stamps["acknowledged"], crew.stamps["on_scene"]) == ("on_scene", 2_000, 3_000)
    ask(ledger, DISPATCHER, "file/cases/1", "close", 4_000, crew="U001")
    assert ledger.state("crew/U001").state == "available" and ledger.state("crew/U001").assignments == []
    assert ledger.state("file/cases/1").told == ["assign", "crew_state acknowledged", "crew_state on_scene", "close"]


def test_a_file_with_bad_rows_enrols_the_good_ones(ledger, tmp_path):
    (tmp_path / "crews.csv").write_text("crew_id,capacity\nP1,1\nP2,many\n")
    made = enrol(ledger, configuration.parse(CITY, str(tmp_path / "hall.toml")), 1_000, 1_000)
    assert made.written == 1 and [(r.row, r.reason.split(":")[0]) for r in made.refused] == [(2, "capacity")]
