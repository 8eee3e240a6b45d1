"""Identity, sessions and the matrix of roles. The expected matrix is written out here by hand, role by role."""

from __future__ import annotations

import pytest

from hall import access
from hall.core.model import LOG_TOPICS, STATE_TOPICS

# one row per role in this order: wall, desk, system, parked, replay, scene, pair, users
ACTS = ("see-wall", "see-desk", "see-system", "see-parked", "replay-parked", "switch-scene", "pair-wall", "manage-users")
EXPECTED = {
    "viewer": "yy------",
    "wall": "y-------",
    "operator": "yyyy-y--",
    "dispatcher": "yyyy-y--",
    "supervisor": "yyyyyy--",
    "leader": "yyy--y--",
    "admin": "yyyyyyyy",
}


def test_the_table_here_covers_every_role_and_every_act():
    assert set(EXPECTED) == set(access.ROLES)
    assert set(ACTS) == set(access.MATRIX)


@pytest.mark.parametrize("role", EXPECTED)
@pytest.mark.parametrize("act", ACTS)
def test_each_cell_of_the_matrix(role, act):
    assert access.may(role, act) == (EXPECTED[role][ACTS.index(act)] == "y")


@pytest.mark.parametrize("act", ACTS)
def test_an_unknown_role_may_nothing(act):
    assert not access.may("", act) and not access.may("root", act)


def test_only_supervisor_and_admin_follow_the_audit_and_walls_see_no_screens():
    assert {role for role in access.ROLES if "audit" in access.topics_for(role)} == {"supervisor", "admin"}
    assert not {"screen", "audit", "archive", "log"} & set(access.topics_for("wall"))
    assert access.topics_for("nobody") == ()
    assert all(set(access.topics_for(role)) <= {*STATE_TOPICS, *LOG_TOPICS} for role in access.ROLES)


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
