"""What the web process takes of the dispatch room, put together for `assembly.py`: the desk, and the addresses that ask it."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import msgspec
from fastapi import APIRouter

from dispatch.bulletins import Bulletins
from dispatch.bulletins.preview import options as bulletin_options
from dispatch.bulletins.preview import preview
from dispatch.bulletins.signing import Signer
from dispatch.casebook import Casebook
from dispatch.crews import recommender
from dispatch.crews.moves import MOVES as CREW_MOVES
from dispatch.crews.moves import allowed as crew_moves
from dispatch.crews.shifts import on_duty
from dispatch.desk import Desk
from dispatch.evaluation.evaluator import Evaluator
from dispatch.evaluation.store import Reader
from dispatch.ledger import Ledger
from dispatch.noticeboard import NoticeBoard
from dispatch.policy import Policy
from dispatch.shapes.model import COLOURS, SHARES
from dispatch.shapes.outline import geometry_of, parts_of
from feeds.places import Places
from hall.app.capfeed import CapFeed
from hall.app.channels import Channels
from hall.app.crewboard import CrewBoard
from hall.app.dispatchparts import DispatchParts, Room
from hall.app.evidence import Given
from hall.app.field import FieldApi
from hall.app.fieldmap import FieldMap
from hall.app.fieldpages import FieldPages
from hall.app.georeport import Service
from hall.app.heat import Heat
from hall.app.incidents import Incidents
from hall.app.locking import Lock
from hall.app.mapexports import MapExports
from hall.app.messages import MessageApi
from hall.app.notices import NoticeApi
from hall.app.recordings import Recordings
from hall.app.selecting import Selecting, Sources
from hall.app.shapeimports import ShapeImports
from hall.app.shifts import ShiftDesk
from hall.app.users import Users
from hall.app.viewfile import ViewFile
from hall.app.views import Views
from hall.app.words import Words, chosen_language
from hall.core.process import Process


def cap(process: Process, command_desk: Desk, kind: Bulletins) -> CapFeed:
    """The city's own warnings for others, and their preview."""
    rules = kind.rules
    signer = Signer.of(process.config, rules)
    look = lambda state, before, now: preview(rules, state, now, before)  # noqa: E731
    return CapFeed(process, command_desk, rules.feed, signer.signed, look, lambda: bulletin_options(kind))


def desk(process: Process, book: Casebook, policy: Policy) -> Desk:
    """What takes people's commands; opens the ledger, so it blocks."""
    return Desk(process, Ledger(process.settings.database_url, policy.aggregates()), policy.files, book.supplied)


async def room(process: Process, command_desk: Desk, book: Casebook, policy: Policy) -> Room:
    """What the HTTP side of dispatch needs of its room."""
    ranking = recommender.Recommender(process.config, process.settings.data_dir)
    process.spawn(asyncio.to_thread(ranking.load), "roads")  # until then distances are straight lines

    def conditions(case: dict[str, Any]) -> list[dict[str, Any]]:
        return [
            {
                "id": rule.id,
                "condition": rule.condition,
                "label": rule.limit.label,
                "kind": rule.limit.kind,
                "unit": rule.unit,
                "department": rule.competent,
                "closing": rule.closing,
            }
            for rule in policy.clocks.limits.conditions(case)
        ]

    def recommend(case: dict[str, Any], crews: list[Any], positions: list[Any], now: int) -> dict[str, Any]:
        found = recommender.as_json(ranking.recommend(case, crews, recommender.fixes(positions), now))
        return {**found, "first": policy.files.rules.first_choices}

    known = {rule.class_code or rule.subclass_name: rule for rule in reversed(policy.clocks.limits.rules) if rule.subclass_name}
    services = [Service(code, rule.subclass_name, rule.class_name, rule.kind) for code, rule in sorted(known.items())]
    return Room(command_desk, book, lambda: Places(process.config), conditions, recommend, services)


def field(process: Process, command_desk: Desk, words: Words, parts: DispatchParts, offered: Any) -> tuple[APIRouter, ...]:
    """Notices, messages to crews, and their phones."""
    board, pages = NoticeBoard(command_desk.ledger), FieldPages(process, command_desk, words)
    phone = FieldApi(process, command_desk, board, crew_moves, parts.commands.send, offered)
    seen = FieldMap(process, parts.picture, command_desk.states)
    messages = MessageApi(process, command_desk)
    return NoticeApi(command_desk, board).router, phone.router, seen.router, messages.router, pages.api, pages.router


def seats(process: Process, command_desk: Desk, users: Users) -> tuple[APIRouter, ...]:
    """Shifts, locked consoles, the crews' board."""
    zone = process.config.city.timezone
    board = CrewBoard(
        process,
        command_desk,
        lambda crew, actor: [(move, CREW_MOVES[move].reason) for move in crew_moves(crew, actor)],
        lambda crew, now: on_duty(crew.shifts, now, zone),
    )
    return ShiftDesk(process, command_desk, users).router, Lock(process, command_desk, users).router, board.router


def recordings(
    process: Process, parts: DispatchParts, views: Views, channels: Channels, command_desk: Desk, words: Words
) -> Recordings:
    """Pictures of the past: they follow the case they belong to and leave lines like any other view."""
    commands, say = parts.commands, partial(words.text, chosen_language(None, process.config.city.languages))
    given = Given(views.grant, channels.known, commands.view, commands.send, parts.media.keep, command_desk.note, say)
    return Recordings(process, given)


def incidents(process: Process, command_desk: Desk, policy: Policy) -> Incidents:
    kinds = {one.topic: one for one in policy.emergency}
    rules, hourly = kinds["incident"].rules, kinds["reporting"].rules
    named = ("grades", "kinds", "roles", "figures", "offer", "phone_first")
    settings = {name: msgspec.to_builtins(getattr(rules, name)) for name in named}
    settings["members"] = rules.members
    settings |= {"numbers": msgspec.to_builtins(hourly.numbers), "units": hourly.units, "every_minutes": hourly.every_minutes}
    return Incidents(process, command_desk, settings, rules.timeline)


def mapwork(
    process: Process, parts: DispatchParts, command_desk: Desk, book: Casebook, inventory: Any, channels: Channels, heat: Heat
) -> tuple[APIRouter, ...]:
    """Selections on the map, files of drawn shapes, pictures that leave the hall."""
    sources = Sources(book, inventory, command_desk, parts.picture, channels)
    selecting = Selecting(process, sources, geometry_of, command_desk.note)
    imports = ShapeImports(parts.commands, parts_of, SHARES, COLOURS)
    exports, views = MapExports(process, command_desk.note), ViewFile(process, selecting, heat, command_desk.note)
    return selecting.router, imports.router, exports.router, views.router


def evaluator(process: Process) -> Evaluator:
    return Evaluator(process.config, Reader(process.settings.data_dir / "evaluation.db"))
