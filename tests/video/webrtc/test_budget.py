"""What a player's reports lead to: fewer pictures and more again, pictures held back on a rough way."""

from __future__ import annotations

import asyncio

from aiortc.rtp import RtcpReceiverInfo, RtcpRrPacket

from tests.video.cameras import Recipe, make
from tests.video.webrtc.conftest import eventually
from video.egress import webrtc_viewer
from video.egress.webrtc_budget import Budget, Smoothing


async def test_a_way_that_loses_much_gets_key_pictures_then_the_sub_stream_and_is_told(join, stage, monkeypatch):
    monkeypatch.setattr(webrtc_viewer, "JUDGED_SECONDS", 0.0)
    stage.clips["sub"] = make(Recipe(width=320, height=180, kbit_s=200, gop=50))
    player = await join.join(report=False)
    await player.until(lambda p: len(p.pictures()) > 5)
    said = [1000, 0]  # highest number and packets lost, as a receiver would say them

    async def report_until(level):
        async def there():
            said[0], said[1] = said[0] + 60, said[1] + 30
            player.say(RtcpRrPacket(ssrc=7, reports=[RtcpReceiverInfo(ssrc=player.ssrc, fraction_lost=128, packets_lost=said[1],
                                                                      highest_sequence=said[0], jitter=0, lsr=0, dlsr=0)]))  # fmt: skip
            state = await join.state(player)
            return state["level"] == level and (level != "sub" or state["quality"] == "sub")

        await eventually(there)

    await report_until("keys")
    assert (await join.state(player))["why"] == "loss"
    await report_until("sub")
    had = len(player.pictures())
    await player.until(lambda p: len(p.pictures()) > had + 10)
    sub = {tuple(picture.nals) for picture in stage.clips["sub"].pictures}
    assert tuple(player.pictures()[-1][1]) in sub
    stamps = [stamp for stamp, _ in player.pictures()]
    assert all(0 < (b - a) & 0xFFFFFFFF < 1 << 31 for a, b in zip(stamps, stamps[1:], strict=False))
    assert sorted(player.payloads) == list(range(player.first, player.highest + 1))
    assert join.session(player).viewer.budget.quiet(1e9), "and back again when it is quiet"


async def test_after_key_pictures_only_the_rest_comes_back_with_a_key_picture(join, stage, clip):
    player = await join.join()
    await player.until(lambda p: len(p.pictures()) > 5)
    viewer = join.session(player).viewer
    viewer.budget.level = "keys"

    async def some_skipped():
        return viewer.counters["skipped"] > 3

    await eventually(some_skipped)
    viewer.budget.level = "all"
    had = len(player.pictures())
    await player.until(lambda p: len(p.pictures()) > had + 10)
    known = {tuple((*clip.sets, *p.nals) if p.key else p.nals): at for at, p in enumerate(clip.pictures)}
    places = [known[tuple(nals)] for _, nals in player.pictures()]
    jumps = [b for a, b in zip(places, places[1:], strict=False) if b != (a + 1) % len(clip.pictures)]
    assert jumps and all(clip.pictures[place].key for place in jumps), "nothing that lacks what it builds on"


async def test_a_player_that_asks_for_key_pictures_without_end_gets_them_seldom(join):
    player = await join.join()
    await player.until(lambda p: len(p.pictures()) > 5)
    session = join.session(player)
    for _ in range(300):
        player.pli()
        await asyncio.sleep(0.005)

    async def heard():
        return session.viewer.counters["key_requests"] >= 200

    await eventually(heard)
    fresh = session.viewer.counters["pictures"] - (session.track.number - 0)
    assert fresh < 4 * 50, "four times the kept group at most in a second and a half"


def test_one_bad_report_changes_nothing_and_better_times_are_tried_later_each_time():
    budget, now = Budget(0.0), 100.0
    assert not budget.lost(0.9, now) and not budget.lost(0.0, now + 1) and budget.level == "all"
    assert not budget.lost(0.05, now + 2), "what resending mends is no reason"
    waits = []
    for _ in range(3):
        while not budget.lost(0.5, now):
            now += 1
        assert budget.level == "keys"
        began = now
        while not budget.quiet(now):
            now += 0.5
        waits.append(now - began)
        assert budget.level == "all"
    assert waits[0] < waits[1] < waits[2]


def test_players_on_a_rough_way_hold_pictures_back_until_it_is_calm_again():
    smoothing = Smoothing(0, 0)
    assert not smoothing.heard(0.0, 1.0, 5.0, 1.0) and smoothing.asked == (0, 0), "on a smooth way nothing is held back"
    assert not smoothing.heard(0.05, 300.0, 20.0, 2.0), "one bad moment is none"
    assert smoothing.heard(0.05, 300.0, 20.0, 3.0) and smoothing.asked == (700, 1400), "there and back twice, and some"
    assert not smoothing.heard(0.05, 40.0, 20.0, 4.0) and smoothing.asked == (700, 1400)
    assert not smoothing.heard(0.0, 1.0, 5.0, 20.0)
    assert smoothing.heard(0.0, 1.0, 5.0, 40.0) and smoothing.asked == (0, 0)
    assert not smoothing.heard(0.0, 1.0, 5.0, 41.0)
    for second in range(50, 60):
        smoothing.heard(0.5, 50_000.0, 9_000.0, float(second))
    assert smoothing.asked == (2_000, 4_000)
