"""Identity, sessions and the matrix of roles. The expected matrix is written out here by hand, role by role."""

from __future__ import annotations

import pytest

from hall import access
from hall.core.model import LOG_TOPICS, STATE_TOPICS
from hall.gate.filters import within
from hall.roles import bounds

# one row per act, one letter per role in this order
ROLES = ("viewer", "wall", "operator", "dispatcher", "supervisor", "leader", "admin", "inspector", "department", "crew")
EXPECTED = {
    "see-wall": "yyyyyyyyy-",
    "see-desk": "y-yyyyyyy-",
    "see-ground": "yyyyyyyyyy",
    "see-components": "yyyyyyyyyy",
    "see-system": "--yyyyy---",
    "see-parked": "--yyy-y---",
    "replay-parked": "----y-y---",
    "switch-scene": "--yyyyy---",
    "pair-wall": "------y---",
    "manage-users": "------y---",
    "command": "--yyyyyyyy",
    "command-many": "--yyyyyyy-",
    "report": "--yyy-yy--",
    "see-files": "y-yyyyyyy-",
    "see-crews": "y-yyyyyyy-",
    "manage-crews": "----y-y---",
    "upload": "--yyyyyyyy",
    "see-media": "yyyyyyyyyy",
    "keep-preferences": "y-yyyyyyy-",
    "see-notices": "--yyyyyyyy",
    "field": "---------y",
    "make-field-links": "--yyy-y-y-",
    "tell-crews": "---yyyy---",
    "push-to-wall": "--yyyyy---",
    "see-shows": "--yyyyy---",
    "act-at-wall": "-yyyyyyyy-",
    "see-shifts": "--yyyyy---",
    "hand-over": "--yyy-y---",
    "see-evaluation": "----yyy-y-",
    "see-audit": "----y-y---",
    "see-webhooks": "----y-y---",
    "manage-tokens": "------y---",
    "watch": "yyyyyyyyy-",
    "move-camera": "--yyy-y---",
    "record": "--yyy-y---",
    "see-recordings": "--yyyyyyy-",
    "manage-rounds": "--yyy-y---",
    "draw-regions": "--yyy-y---",
    "manage-channels": "----y-y---",
    "see-emergency": "y-yyyyyyy-",
    "act-emergency": "--yyyyyyy-",
    "try-rules": "----y-y---",
}


def test_the_table_here_covers_every_role_and_every_act():
    assert ROLES == access.ROLES
    assert set(EXPECTED) == set(access.MATRIX)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("act", EXPECTED)
def test_each_cell_of_the_matrix(role, act):
    assert access.may(role, act) == (EXPECTED[act][ROLES.index(role)] == "y")


@pytest.mark.parametrize("act", EXPECTED)
def test_an_unknown_role_may_nothing(act):
    assert not access.may("", act) and not access.may("root", act)


def test_only_supervisor_and_admin_follow_the_audit_and_walls_see_no_screens():
    assert {role for role in access.ROLES if "audit" in access.topics_for(role)} == {"supervisor", "admin"}
    assert not {"screen", "audit", "archive", "log"} & set(access.topics_for("wall"))
    assert access.topics_for("nobody") == ()
    assert all(set(access.topics_for(role)) <= {*STATE_TOPICS, *LOG_TOPICS} for role in access.ROLES)


def test_files_and_crews_are_shown_on_walls_notices_and_shifts_on_consoles_and_a_crew_follows_nothing():
    for role in ROLES:
        shown = set(access.topics_for(role))
        assert ({"file", "crew", "show", "case"} <= shown) == (role != "crew")
        assert ("notice" in shown) == (role not in ("viewer", "wall", "crew"))
        assert ("shift" in shown) == (role in ("operator", "dispatcher", "supervisor", "leader", "admin"))
        # a recording names its case and why: its document goes to nobody who could not open it
        assert "recording" not in shown or access.may(role, "see-recordings")
        assert "recording" not in access.topics_for(role, ("红旗区",))
    assert access.topics_for("crew") == ()
    assert not {"log", "archive", "screen", "shift", "audit", "recording"} & set(access.topics_for("department"))


async def test_a_session_carries_what_commands_need_to_know_of_its_person(bus):
    known = {"unit": "排水处", "districts": ("卫滨区",), "display": "王芳"}
    secret = await access.open_session(bus, "wang", "department", **known)
    assert await access.identify(bus, secret, None, demo_loopback=False) == access.Identity("wang", "department", **known)
    link = await access.open_session(bus, "crew:p1", "crew", crew="p1", case="file/a/1", kind="crew")
    found = await access.identify(bus, link, None, demo_loopback=False)
    assert (found.crew, found.case, found.kind) == ("p1", "file/a/1", "crew")


async def test_a_machine_clients_token_holds_until_it_is_taken_back_and_is_kept_as_a_sum(bus):
    token = await access.make_token(bus, "drains", "department", "排水处", (), "admin")
    expected = access.Identity("token:drains", "department", unit="排水处", kind="supplier")
    assert await access.identify_token(bus, token) == expected
    assert await access.identify(bus, token, token, demo_loopback=False) is None  # neither a cookie nor a wall's token
    ((key, kept),) = (await access.tokens(bus)).items()
    assert key == access.digest(token) and (kept.name, kept.made_by) == ("drains", "admin")
    assert await access.identify_token(bus, token + "x") is None and await access.identify_token(bus, "x" * 5000) is None
    assert await access.revoke_token(bus, key) and not await access.revoke_token(bus, key)
    assert await access.identify_token(bus, token) is None


async def test_a_session_tells_who_it_is_until_it_is_closed(bus):
    secret = await access.open_session(bus, "王芳", "dispatcher")
    assert await access.identify(bus, secret, None, demo_loopback=False) == access.Identity("王芳", "dispatcher")
    await access.close_session(bus, secret)
    assert await access.identify(bus, secret, None, demo_loopback=False) is None


async def test_a_session_has_an_end_and_its_secret_is_not_on_the_bus(bus):
    secret = await access.open_session(bus, "li", "viewer")
    keys = [key.decode() for key in await bus.redis.keys(f"{bus.prefix}*")]
    assert keys and not any(secret in key for key in keys)
    assert 12 * 3600 - 5 <= await bus.redis.ttl(bus.key("session", access.digest(secret))) <= 12 * 3600


async def test_changing_a_user_ends_all_sessions_of_that_user_and_of_no_other(bus):
    first, second = [await access.open_session(bus, "li", "viewer") for _ in range(2)]
    other = await access.open_session(bus, "wu", "viewer")
    await access.end_sessions(bus, "li")
    assert await access.identify(bus, first, None, demo_loopback=False) is None
    assert await access.identify(bus, second, None, demo_loopback=False) is None
    assert (await access.identify(bus, other, None, demo_loopback=False)).name == "wu"
    again = await access.open_session(bus, "li", "viewer")
    assert (await access.identify(bus, again, None, demo_loopback=False)).name == "li"


async def test_a_paired_wall_is_known_by_address_or_cookie_until_unpaired(bus):
    token = await access.pair_wall(bus, "east", "admin")
    for cookie, address in ((None, token), (token, None)):
        assert await access.identify(bus, cookie, address, demo_loopback=False) == access.Identity("wall:east", "wall", "east")
    (sum_of_token,) = await access.paired_walls(bus)
    assert await access.unpair_wall(bus, sum_of_token)
    assert not await access.unpair_wall(bus, sum_of_token)
    assert await access.identify(bus, token, token, demo_loopback=False) is None


async def test_a_session_secret_in_an_address_is_worth_nothing(bus):
    secret = await access.open_session(bus, "li", "admin")
    assert await access.identify(bus, None, secret, demo_loopback=False) is None


async def test_nobody_is_a_wall_only_in_the_demo_on_this_machine(bus):
    assert await access.identify(bus, None, None, demo_loopback=False) is None
    assert (await access.identify(bus, None, None, demo_loopback=True)).role == "wall"
    assert (await access.identify(bus, "wrong", "x" * 5000, demo_loopback=True)).role == "wall"
    secret = await access.open_session(bus, "li", "leader")
    assert (await access.identify(bus, secret, None, demo_loopback=True)).role == "leader"


async def test_a_link_code_works_once(bus):
    code = await access.make_link_code(bus, "demo", "supervisor")
    assert await access.use_link_code(bus, code) == access.Identity("demo", "supervisor")
    assert await access.use_link_code(bus, code) is None


def test_the_form_token_follows_the_session_and_does_not_show_it():
    assert access.csrf_token("a") == access.csrf_token("a") != access.csrf_token("b")
    assert "secret" not in access.csrf_token("secret")


def test_who_answers_for_a_district_or_a_unit_is_told_of_nothing_else():
    east = access.Identity("li", "operator", districts=("东区",))
    assert set(access.topics_for("operator")) - set(access.topics_for("operator", ("东区",))) == {"log", "archive", "recording"}
    same = {topic: {"district": ["东区", "", None]} for topic in ("case", "file", "channel", "ptz", "message")}
    shapes = {"shape": {"to": ["room", "walls"]}}
    assert bounds(east) == {**shapes, **same, "round": {"district": ["东区", ""]}}, "null: a round over several districts"
    drains = access.Identity("wu", "department", unit="排水处")
    own = {topic: {"owner": ["排水处"]} for topic in ("channel", "ptz", "round")}
    own |= {topic: {"unit": ["排水处"]} for topic in ("file", "crew", "task", "request")}
    own |= {"shape": {"to": ["walls", "unit:排水处"]}}
    assert bounds(drains) == {**own, "notice": {"for": ["person:wu", "role:department", "unit:排水处"]}}
    assert bounds(access.Identity("sun", "supervisor")) == shapes
    locked = access.Identity("sun", "supervisor", unit="市容处", locked=True)
    assert bounds(locked) == bounds(access.Identity("east", "wall")) == {"shape": {"to": ["walls"]}}, "no more than a wall"


def test_a_subscription_asks_for_no_more_than_its_asker_may_see():
    limits = {"file": {"district": ["东区", ""]}}
    assert within(None, limits) == limits
    assert within({"file": {"district": ["西区"]}, "case": {"state": ["closed"]}}, limits) == {
        "file": {"district": []},
        "case": {"state": ["closed"]},
    }
    assert within({"file": {"district": ["东区", "西区"], "state": ["x"]}}, limits)["file"] == {
        "district": ["东区"],
        "state": ["x"],
    }
    assert within({"file": {"district": {"min": 0}}}, limits)["file"] == {"district": ["东区", ""]}
