"""Signing in as a browser does it: the form, its token, the cookie, the limits."""

from __future__ import annotations

import contextlib
import re
import sqlite3

import pytest
from argon2 import PasswordHasher

from hall import access
from hall.app.attempts import PER_NAME
from hall.app.signin import safe_next
from hall.app.users import Profile, Users
from hall.core.errors import Refused


async def fill_in(client, name, password, target="/desk", csrf=None):
    """Opens the form and sends it."""
    form = await client.get("/sign-in", params={"next": target})
    token = re.search(r'name="csrf" value="([0-9a-f]+)"', form.text)[1] if csrf is None else csrf
    return await client.post("/sign-in", params={"next": target}, data={"name": name, "password": password, "csrf": token})


async def test_the_first_admin_signs_in_with_the_printed_password_and_out_again(city_hall):
    async with await city_hall.client() as client:
        answer = await fill_in(client, "admin", city_hall.admin_password, "/admin/users?lang=en")
        assert (answer.status_code, answer.headers["location"]) == (303, "/admin/users?lang=en")
        cookie = next(line.lower() for line in answer.headers.get_list("set-cookie") if line.startswith(access.COOKIE))
        assert "httponly" in cookie and "samesite=strict" in cookie and "max-age=43200" in cookie and "path=/" in cookie
        me = (await client.get("/api/v1/me")).json()
        assert me["role"] == "admin" and set(me["may"]) == set(access.MATRIX) - {"field"}
        secret = client.cookies[access.COOKIE]
        assert (await client.post("/sign-out", data={"csrf": "0"})).status_code == 403
        out = await client.post("/sign-out", data={"csrf": access.csrf_token(secret)})
        assert out.headers["location"] == "/sign-in?why=signed-out"
        client.cookies.set(access.COOKIE, secret)
        assert (await client.get("/api/v1/me")).status_code == 401, "the session ends on the server too"


async def test_the_password_is_printed_once_and_kept_as_an_argon2id_sum_only(city_hall):
    log = city_hall.log.read_text()
    assert log.count(city_hall.admin_password) == 1
    stored = (city_hall.home / "var" / "users.db").read_bytes()
    assert city_hall.admin_password.encode() not in stored and b"$argon2id$" in stored
    assert (city_hall.home / "var" / "users.db").stat().st_mode & 0o077 == 0


async def test_a_form_without_its_token_or_cookie_is_refused(city_hall):
    async with await city_hall.client() as client:
        answer = await fill_in(client, "admin", city_hall.admin_password, csrf="0" * 64)
        assert answer.status_code == 403 and access.COOKIE not in client.cookies
    async with await city_hall.client() as other:
        form = await other.get("/sign-in")
        token = re.search(r'name="csrf" value="([0-9a-f]+)"', form.text)[1]
        other.cookies.clear()
        data = {"name": "admin", "password": city_hall.admin_password, "csrf": token}
        assert (await other.post("/sign-in", data=data)).status_code == 403


async def test_wrong_passwords_lock_a_name_and_say_for_how_long(city_hall):
    async with await city_hall.client() as client:
        for _ in range(PER_NAME):
            answer = await fill_in(client, "guessed", "wrong password")
            assert answer.status_code == 401 and "不正确" in answer.text
        answer = await fill_in(client, "guessed", "wrong password")
        assert answer.status_code == 429 and re.search(r"请 1[45] 分钟后再试", answer.text)
        other = await fill_in(client, "somebody", "wrong password")
        assert other.status_code == 401, "another name is not locked"


async def test_unknown_names_and_wrong_passwords_cost_one_hash_each(tmp_path):
    class Counting(PasswordHasher):
        verified = 0

        def verify(self, *args):
            Counting.verified += 1
            return super().verify(*args)

    users = Users(tmp_path / "users.db", Counting(time_cost=1, memory_cost=1024, parallelism=1))
    users.add("li", "viewer", "a long password")
    for name, password, found in (("li", "wrong", None), ("nobody", "wrong", None), ("nobody", "hall-decoy", None)):
        Counting.verified = 0
        assert users.check(name, password) is found and Counting.verified == 1
    assert users.check("li", "a long password").role == "viewer"


async def test_what_is_typed_comes_back_as_text_never_as_markup(city_hall):
    async with await city_hall.client() as client:
        answer = await fill_in(client, '"><script>x</script>', "wrong password", '/desk"><script>y</script>')
        assert "<script" not in answer.text


@pytest.mark.parametrize(
    "target", ["//evil.example", "https://evil.example/desk", "/\\evil.example", "/nothing", "javascript:alert(1)", ""]
)
def test_signing_in_never_leads_to_another_site(target):
    assert safe_next(target) == "/desk"


def test_signing_in_leads_back_to_the_page_asked_for():
    assert safe_next("/wall/flood?wall=east&part=1,0") == "/wall/flood?wall=east&part=1,0"


async def test_the_printed_link_opens_the_desk_once(demo_hall):
    bus = demo_hall.bus()
    code = await access.make_link_code(bus, "demo", "supervisor")
    await bus.close()
    async with await demo_hall.client() as first, await demo_hall.client() as second:
        assert (await first.get(f"/enter/{code}")).headers["location"] == "/desk"
        assert (await first.get("/desk")).status_code == 200
        assert (await second.get(f"/enter/{code}")).headers["location"] == "/sign-in?why=link-used"
        assert (await second.get("/desk")).status_code == 303


async def test_guessing_links_is_limited(city_hall):
    async with await city_hall.client() as client:
        answers = [(await client.get(f"/enter/guess{n}")).status_code for n in range(PER_NAME + 2)]
    assert answers == [303] * PER_NAME + [429] * 2


async def test_users_are_made_changed_and_removed_and_their_sessions_end(city_hall):
    async with await city_hall.client("admin") as admin, await city_hall.client() as client:
        made = await admin.post("/api/v1/users", json={"name": "王芳", "role": "dispatcher", "password": "first password"})
        assert made.status_code == 201
        again = await admin.post("/api/v1/users", json={"name": "王芳", "role": "viewer", "password": "first password"})
        assert (again.status_code, again.json()["reason"]) == (409, "name-taken")
        assert (await fill_in(client, "王芳", "first password")).status_code == 303
        assert (await client.get("/api/v1/me")).json()["role"] == "dispatcher"
        assert (await admin.patch("/api/v1/users/王芳", json={"role": "leader"})).status_code == 200
        assert (await client.get("/api/v1/me")).status_code == 401
        assert (await fill_in(client, "王芳", "first password")).status_code == 303
        assert (await client.get("/api/v1/me")).json()["role"] == "leader"
        await admin.patch("/api/v1/users/王芳", json={"password": "second password"})
        assert (await fill_in(client, "王芳", "first password")).status_code == 401
        assert (await admin.delete("/api/v1/users/王芳")).status_code == 200
        assert (await fill_in(client, "王芳", "second password")).status_code == 401


@pytest.mark.parametrize(
    "body,reason",
    [
        ({"name": "a b", "role": "viewer", "password": "long enough"}, "bad-name"),
        ({"name": "ok", "role": "wall", "password": "long enough"}, "bad-role"),
        ({"name": "ok", "role": "viewer", "password": "short"}, "bad-password"),
        ({"name": "ok", "role": "viewer"}, "bad-request"),
        ({"name": "ok", "role": "viewer", "password": "long enough", "admin": True}, "bad-request"),
    ],
)
async def test_an_unfit_user_is_refused_with_a_reason(city_hall, body, reason):
    async with await city_hall.client("admin") as admin:
        answer = await admin.post("/api/v1/users", json=body)
        assert (answer.status_code, answer.json()["reason"]) == (422, reason)


def test_the_last_admin_stays(tmp_path):
    users = Users(tmp_path / "users.db", PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1))
    assert users.first_password() and users.first_password() is None
    for act in (lambda: users.remove("admin"), lambda: users.change("admin", "viewer", None)):
        with pytest.raises(Refused, match="last-admin"):
            act()
    users.add("second", "admin", "long enough")
    users.remove("admin")
    assert [user.name for user in users.all()] == ["second"]


async def test_the_language_chosen_at_the_sign_in_goes_along_to_the_page(city_hall):
    async with await city_hall.client() as client:
        asked = {"next": "/desk?wall=a", "lang": "en"}
        form = await client.get("/sign-in", params=asked)
        data = {
            "name": "admin",
            "password": city_hall.admin_password,
            "csrf": re.search(r'name="csrf" value="([0-9a-f]+)"', form.text)[1],
        }
        answer = await client.post("/sign-in", params=asked, data=data)
        assert answer.headers["location"] == "/desk?wall=a&lang=en"
        assert '<html lang="en">' in (await client.get("/sign-in", params={"next": "/desk?lang=en"})).text


async def test_a_visitor_of_the_demo_is_told_to_sign_in_not_of_a_role(demo_hall):
    async with await demo_hall.client() as client:
        sent = (await client.get("/desk")).headers["location"]
        text = (await client.get(sent)).text
        assert "角色" not in text and "此页需要登录" in text


async def test_the_password_that_the_hall_made_is_changed_at_the_first_sign_in(new_hall):
    hall = new_hall().start()
    first = hall.admin_password
    async with await hall.client() as client:
        answer = await fill_in(client, "admin", first)
        assert answer.status_code == 422 and 'name="new"' in answer.text and access.COOKIE not in client.cookies
        token = re.search(r'name="csrf" value="([0-9a-f]+)"', answer.text)[1]
        for new in ("short", first):
            data = {"name": "admin", "password": first, "csrf": token, "new": new}
            assert (await client.post("/sign-in", data=data)).status_code == 422
        data["new"] = "one of my own"
        assert (await client.post("/sign-in", data=data)).status_code == 303
        assert (await client.get("/api/v1/me")).json()["role"] == "admin"
    async with await hall.client() as client:
        assert (await fill_in(client, "admin", first)).status_code == 401
        assert (await fill_in(client, "admin", "one of my own")).status_code == 303


def test_a_user_file_of_an_earlier_hall_is_taken_over(tmp_path):
    hasher = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1)
    with contextlib.closing(sqlite3.connect(tmp_path / "users.db")) as db, db:
        db.execute(
            "create table users (name text primary key, role text not null, password_hash text not null,"
            " made integer not null, changed integer not null)"
        )
        db.execute("insert into users values ('old', 'operator', ?, 1, 2)", (hasher.hash("0123456789"),))
    for _ in range(2):
        users = Users(tmp_path / "users.db", hasher)
    found = users.check("old", "0123456789")
    assert (found.role, found.unit, found.districts, found.has_pin, found.must_change) == ("operator", "", (), False, False)


def test_a_pin_is_digits_that_are_not_guessed_first_and_opens_only_for_its_owner(tmp_path):
    users = Users(tmp_path / "users.db", PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1))
    users.add("wang", "dispatcher", "0123456789", Profile(display="王芳", districts=["东区", "东区", " "], pin="4711"))
    users.add("li", "operator", "0123456789")
    assert users.check_pin("wang", "4711").display == "王芳" and users.get("wang").districts == ("东区",)
    for name, pin in (("wang", "4712"), ("wang", ""), ("li", "4711"), ("li", ""), ("nobody", "4711"), ("li", "hall-decoy")):
        assert users.check_pin(name, pin) is None
    for pin, reason in (
        ("1111", "weak-pin"),
        ("1234", "weak-pin"),
        ("98765", "weak-pin"),
        ("123", "bad-pin"),
        ("12a4", "bad-pin"),
    ):
        with pytest.raises(Refused, match=reason):
            users.change("wang", None, None, Profile(pin=pin))
    users.change("wang", None, None, Profile(pin=""))
    assert users.check_pin("wang", "4711") is None and not users.get("wang").has_pin
    assert b"4711" not in (tmp_path / "users.db").read_bytes()


def test_a_departments_seat_names_its_unit(tmp_path):
    users = Users(tmp_path / "users.db", PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1))
    with pytest.raises(Refused, match="unit-missing"):
        users.add("d", "department", "0123456789")
    users.add("d", "department", "0123456789", Profile(unit="排水处"))
    with pytest.raises(Refused, match="unit-missing"):
        users.change("d", None, None, Profile(unit=""))
    with pytest.raises(Refused, match="bad-role"):
        users.add("c", "crew", "0123456789")
