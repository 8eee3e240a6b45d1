"""Every cell of role x state x move against a grid that was read against DOMAIN 1.5, and is data from then on."""

import pytest

from dispatch.casefile.guards import refusal
from dispatch.casefile.model import CaseFile, CrewWork
from dispatch.casefile.rules import CaseRules
from dispatch.casefile.table import MOVES
from hall.core.command import Actor
from hall.core.model import CASE_STATES

#: o 受理员 d 派遣员 s 值班长 a admin l 领导 u 处置部门 c 处置人员 i 监督员 v who only looks y the hall itself
ROLES = dict(
    o="operator", d="dispatcher", s="supervisor", a="admin", l="leader", u="department", c="crew", i="inspector", v="viewer", y="system"
)  # fmt: skip
#: letter of a cell -> who may
WHO = dict(A="dsa", B="dsaly", C="dsau", D="dsauc", E="dsay", F="odsa", G="odsaluci", H="odsay", I="osa", J="osai", K="sa", L="sal", M="sau", N="y")  # fmt: skip
#: one column per state, in this order
COLUMNS = (
    "reported pending_verify pending_register not_accepted pending_dispatch pending_handle handling handle_finish "
    "pending_check closed forced_close returned suspended cancelled"
).split()
GRID = """
open           ..............
accept         I.............
send_verify    I.I...........
report_verify  .J............
register       I.I...........
dispatch       K.K.A......A..
take           .....D........
feed_back      .....DD.......
request_check  .......F......
report_check   ........J.....
close          .......II.....
reject         III...........
cancel         KKK.K......K..
force_close    ....LLLLL..LL.
return         ....ACC....A..
confirm_return ..L........L..
rework         .......FF.....
ask_postpone   .....CC.......
ask_suspend    ....ACC....A..
resume         ............E.
grant          GGGGGGGGGGGGGG
refuse         GGGGGGGGGGGGGG
urge           BBB.BBBBB..BB.
reply_urge     DDD.DDDDD..DD.
merge          FFF.FFFFF..FF.
unmerge        ...K.....KK..K
split          ....AAAAA..A..
link           FFF.FFFFF..FF.
unlink         FFF.FFFFF..FF.
appeal         .........MM...
reopen         ...K.....KK..K
claim          FFF.FFFFF..FF.
release        HHH.HHHHH..HH.
ask_takeover   FFF.FFFFF..FF.
seize          KKK.KKKKK..KK.
give           HHH.HHHHH..HH.
assign         .....CC.......
unassign       .....CCCC.....
note           GGGGGGGGGGGGGG
call_back      FFFFFFFFFFFFFF
attach         GGGGGGGGGGGGGG
correct        FFF.FFFFF..FF.
emergency      EEE.EEEEE..E..
undo           GGGGGGGGGGGGGG
stop_ladder    LLL.LLLLL..LL.
supplied       NNNNNNNNNNNNNN
raise_level    NNN.NNNNN..N..
settle_level   NNN.NNNNN..N..
escalate       NNN.NNNNN..NN.
"""
CELLS = {row.split()[0]: row.split()[1] for row in GRID.strip().splitlines()}
#: refusals that follow from role and state alone; all others need something of the case besides
OF_THE_CELL = ("role", "state", "not-registered", "not-in-your-hands")


def who_may(state, move):
    """On a case of unit roads with crew c1 at work, asked by people whose business it is."""
    work = CrewWork(crew="c1", state="assigned", by="x", at=0)
    file = CaseFile(feed="f", case_id="1", state=state, unit="roads", crews=[work])
    found = set()
    for letter, role in ROLES.items():
        kind = role if role in ("crew", "system") else "person"
        actor = Actor(name="x", role=role, kind=kind, unit="roads" if letter == "u" else "", crew="c1" if letter == "c" else "")
        if refusal(file, move, actor, CaseRules(), 0) not in OF_THE_CELL:
            found.add(letter)
    return found


def test_the_grid_has_every_move_and_every_state():
    assert set(CELLS) == set(MOVES) and tuple(COLUMNS) == CASE_STATES
    assert all(len(row) == len(COLUMNS) for row in CELLS.values())


@pytest.mark.parametrize("move", MOVES)
def test_each_cell_of_a_move_is_open_to_those_the_grid_names_and_nobody_else(move):
    for state, letter in zip(COLUMNS, CELLS[move], strict=True):
        assert who_may(state, move) == set(WHO.get(letter, "")), (move, state)


def test_a_new_case_is_taken_down_by_the_desk_an_inspector_or_the_hall():
    assert set(MOVES["open"].roles) == {"operator", "dispatcher", "supervisor", "admin", "inspector", "system"}
