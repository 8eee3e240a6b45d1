"""What is sealed opens only here and only as what it is about; tickets cannot be made, changed or used too late."""

from __future__ import annotations

import base64
import stat
from concurrent.futures import ThreadPoolExecutor

import msgspec
import pytest

from hall.core import secrets, tickets
from hall.core.errors import ConfigError, HallError, Refused

URL = "rtsp://admin:密码@10.1.2.3/1"


@pytest.fixture
def keyring(tmp_path, monkeypatch):
    monkeypatch.delenv("HALL_SECRET", raising=False)
    return secrets.load(tmp_path)


def test_what_is_sealed_comes_back_and_shows_nothing(keyring):
    sealed = keyring.seal(URL, "channel/f/1")
    assert "admin" not in sealed and "10.1.2.3" not in sealed
    assert keyring.unseal(sealed, "channel/f/1") == URL
    assert keyring.seal(URL, "channel/f/1") != sealed


def test_a_sealed_line_does_not_open_as_another_subject_or_when_changed(keyring):
    sealed = keyring.seal(URL, "channel/f/1")
    broken = sealed[:-6] + ("AAAAAA" if not sealed.endswith("AAAAAA") else "BBBBBB")
    for text, about in ((sealed, "channel/f/2"), (broken, "channel/f/1"), ("s1:", "channel/f/1"), ("s1:%%", "channel/f/1")):
        with pytest.raises(HallError):
            keyring.unseal(text, about)


def test_text_that_never_was_sealed_stays(keyring):
    assert keyring.unseal("test://card", "channel/f/1") == "test://card"


def test_processes_that_start_together_share_one_key(tmp_path, monkeypatch):
    monkeypatch.delenv("HALL_SECRET", raising=False)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: secrets.load(tmp_path), range(16)))
    assert len({each.sign(b"x", "view") for each in found}) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["secret.key"]
    assert stat.S_IMODE((tmp_path / "secret.key").stat().st_mode) == 0o600


def test_a_key_from_the_environment_comes_first_and_a_bad_one_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("HALL_SECRET", base64.b64encode(bytes(32)).decode())
    assert secrets.load(tmp_path).sign(b"x", "view") == secrets.Secrets(bytes(32)).sign(b"x", "view")
    assert not list(tmp_path.iterdir())
    monkeypatch.setenv("HALL_SECRET", "short")
    with pytest.raises(ConfigError, match="HALL_SECRET"):
        secrets.load(tmp_path)


def _ticket(**more):
    return tickets.Ticket(view="v1", person="li", role="operator", channels=("channel/f/1",), until=1000, **more)


def test_a_ticket_says_what_was_issued_until_its_time(keyring):
    text = tickets.issue(keyring, _ticket(why="案件 7"))
    assert tickets.read(keyring, text, 1000) == _ticket(why="案件 7")
    with pytest.raises(Refused, match="ticket-expired"):
        tickets.read(keyring, text, 1001)


def test_no_character_of_a_ticket_can_be_changed(keyring):
    text = tickets.issue(keyring, _ticket())
    for place in range(len(text)):
        other = "A" if text[place] != "A" else "B"
        try:
            found = tickets.read(keyring, text[:place] + other + text[place + 1 :], 0)
        except Refused:
            continue
        assert found == _ticket(), "base64's last character has spare bits; what it says is the same"
    for junk in ("", ".", "é.é", "a" * 20_000, text.split(".")[0], text + "."):
        with pytest.raises(Refused, match="ticket-bad"):
            tickets.read(keyring, junk, 0)


def test_what_was_signed_for_one_purpose_is_nothing_for_another(keyring):
    """A body that both kinds could be read from, signed as a manifest and as each kind of ticket."""
    view = _ticket()
    handover = tickets.Handover(export="e1", recording="r1", person="li", why="移交", until=1000)
    assert tickets.read(keyring, tickets.issue(keyring, handover), 1000, tickets.Handover) == handover
    for issued, other in ((view, tickets.Handover), (handover, tickets.Ticket)):
        with pytest.raises(Refused, match="ticket-bad"):
            tickets.read(keyring, tickets.issue(keyring, issued), 0, other)
    both = msgspec.json.encode(msgspec.to_builtins(view) | msgspec.to_builtins(handover))
    encoded = [base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in (both, keyring.sign(both, "manifest"))]
    for kind in (tickets.Ticket, tickets.Handover):
        with pytest.raises(Refused, match="ticket-bad"):
            tickets.read(keyring, ".".join(encoded), 0, kind)
    assert len({keyring.sign(both, purpose) for purpose in ("view", "export", "manifest")}) == 3
    assert keyring.signed(both, keyring.sign(both, "manifest"), "manifest")
