"""The assembly: knows the other rooms, and puts the web process together; dispatch's share of it is in `dispatchroom.py`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from dash import html
from fastapi import FastAPI
from fastapi.responses import JSONResponse

from dispatch.casebook import Casebook
from dispatch.crews.approach import approach_of
from dispatch.heat.columns import Question
from dispatch.heat.index import HeatIndex
from dispatch.history.past import Past
from dispatch.history.settings import BEATS, TOPICS
from dispatch.history.settings import settings_of as history_of
from dispatch.policy import compile_policy
from dispatch.readings.ring import kept_readings
from dispatch.views import ViewDesk
from dispatch.webhooks.settings import hooks_of
from dispatch.webhooks.store import DeliveryStore
from feeds.components.asking import Inventory
from hall import __version__, access
from hall.app import boundaries, dispatchroom, geography, ingest, measures, rasters, shell, tiles
from hall.app.answers import install
from hall.app.api import Api
from hall.app.around import Around
from hall.app.cases import Cases
from hall.app.channels import Channels
from hall.app.components import Components
from hall.app.demoparts import first_import
from hall.app.dispatchparts import DispatchParts
from hall.app.doorkeeper import Doorkeeper
from hall.app.evaluation import Evaluation
from hall.app.find import Find
from hall.app.gazetteer import Gazetteer
from hall.app.heat import Heat
from hall.app.history import History
from hall.app.mapservices import MapServices
from hall.app.posters import Posters
from hall.app.regions import Regions
from hall.app.ruletrials import RuleTrials
from hall.app.shows import Shows
from hall.app.signin import SignIn
from hall.app.steering import Steering
from hall.app.stills import Stills
from hall.app.streams import Streams
from hall.app.users import FIRST_USER, Users
from hall.app.views import Views
from hall.app.visit import Visit
from hall.app.wallside import WallSide
from hall.app.webhooks import WebhookApi
from hall.app.whep import Whep
from hall.app.words import Words
from hall.core.errors import BusLost
from hall.core.process import Process
from layouts import admin, catalogue, chooser, crews, desk, evaluation, pair, walls
from layouts.context import Context, context_of
from layouts.emergency import emergency as emergency_console
from layouts.map import city_map
from layouts.wall import panels
from layouts.wall import wall as render_wall

log = logging.getLogger("hall.web")

CONSOLES: dict[str, Callable[[Context], Any]] = {
    "/desk": desk.desk,
    "/map": city_map,
    "/crews": crews.crews,
    "/emergency": emergency_console,
    "/admin/feeds": admin.feeds,
    "/admin/screens": admin.screens,
    "/admin/users": admin.users,
    "/evaluation": evaluation.evaluation,
    "/pair": pair.pair,
}


class Assembled(NamedTuple):
    """`door` is the ASGI application to serve; `close` ends what it holds open."""

    door: Doorkeeper
    close: Callable[[], Awaitable[None]]


class Pages:
    """Which layout an address shows."""

    def __init__(self, process: Process, words: Words) -> None:
        self.config, self.walls, self.words = process.config, walls.all(), words
        self.approach = approach_of(process.config)

    def wall_of(self, visit: Visit) -> tuple[str, str] | None:
        """Layout and wall name of `/wall/<layout or configured wall>?wall=`; None when there is no such wall."""
        name = visit.page.removeprefix("/wall/")
        configured = self.config.walls.get(name)
        if name in self.walls:
            return name, visit.query.get("wall") or visit.identity.wall or name
        layout = (configured.layout or name) if configured else ""
        return (layout, visit.query.get("wall") or name) if layout in self.walls else None

    def exists(self, path: str) -> bool:
        return not path.startswith("/wall/") or self.wall_of(Visit(page=path)) is not None

    def describe(self, visit: Visit) -> dict[str, Any]:
        """What the page's scripts are told beyond the shell's own settings."""
        acts = [act for act in access.MATRIX if access.may(visit.identity.role, act)]
        found: dict[str, Any] = {
            "may": acts,
            "locked": visit.identity.locked,
            "city": self.config.city.name,
            "home": {"lon": self.config.city.centre[0], "lat": self.config.city.centre[1], "zoom": self.config.city.zoom},
            "layouts": list(self.walls),
        }
        if visit.page.startswith("/wall/"):
            layout, wall = self.wall_of(visit) or ("", "")
            found["wall"] = {"name": wall, "layout": layout, "part": visit.query.get("part", "")}
        return found

    def layout(self, visit: Visit) -> Any:
        found = self.wall_of(visit) if visit.page.startswith("/wall/") else None
        locale = shell.page_language(visit, self.config)
        context = context_of(self.config, found[1] if found else "", self.words.catalogues, locale)
        context.approach = self.approach
        if found:
            return render_wall(self.walls[found[0]], context)
        if visit.page in CONSOLES:
            return CONSOLES[visit.page](context)
        if visit.page in ("/", "/walls"):
            return chooser.chooser(self.walls, {"": self.config.wall, **self.config.walls}, context)
        return html.Div()


async def assemble(process: Process) -> Assembled:
    """Builds the whole web application of one process."""
    users = await asyncio.to_thread(Users, process.settings.data_dir / "users.db")
    await _first_user(users)
    policy = compile_policy(process.config)
    words = Words(catalogue.of_city(policy.files.rules.labels))
    pages = Pages(process, words)
    server = FastAPI(
        title="Command Hall", version=__version__, docs_url=None, redoc_url=None, openapi_url="/api/v1/openapi.json"
    )
    install(server)
    _health(server, process)
    book = Casebook.open_reader(process.settings.data_dir / "cases.db")
    command_desk = await asyncio.to_thread(dispatchroom.desk, process, book, policy)
    posters = Posters(process)
    channels = Channels(process)
    room = await dispatchroom.room(process, command_desk, book, policy)
    parts = await asyncio.to_thread(DispatchParts, process, users, room, channels)
    parts.grids.layouts = frozenset(pages.walls)
    cases = Cases(process, book, parts.refusals.count)
    api = Api(process, users, list(pages.walls), parts.forget)
    routers = (SignIn(process, users, words).router, api.router, cases.router, posters.router, *parts.routers)
    deliveries = await asyncio.to_thread(DeliveryStore, process.settings.data_dir / "webhooks.db")
    routers += (WebhookApi(command_desk, deliveries, {hook.name: hook.shown() for hook in hooks_of(process.config)}).router,)
    emergency = {one.topic: one for one in policy.emergency}
    offered = {topic: one.offered for topic, one in emergency.items()}
    routers += (Streams(process, parts.commands, emergency, offered).router,)
    routers += dispatchroom.field(process, command_desk, words, parts, offered)
    routers += (dispatchroom.incidents(process, command_desk, policy).router,)
    trials = RuleTrials(process, command_desk.note, lambda: kept_readings(process.settings.data_dir))
    routers += (trials.router,)
    routers += (dispatchroom.cap(process, command_desk, emergency["bulletin"]).router,)
    shows = Shows(process, command_desk, list(pages.walls))
    process.spawn(shows.tidy(), "shows")
    routers += (shows.router, WallSide(process, users, command_desk).router)
    figures = Evaluation(process, dispatchroom.evaluator(process), words, command_desk.note)
    routers += (figures.router, *dispatchroom.seats(process, command_desk, users))
    record = ViewDesk(command_desk.run, command_desk.ledger.database)
    views = Views(process, channels, record, command_desk.note, parts.refusals.count)
    stills = Stills(views.looked_at)
    posters.sent = stills.take
    whep = Whep(process, views.grant)
    steering = Steering(process, channels, command_desk.note)
    regions = Regions(process, channels, command_desk.note)
    recordings = dispatchroom.recordings(process, parts, views, channels, command_desk, words)
    inventory = Inventory(process.settings.data_dir / "components")
    heat = Heat(HeatIndex(book), Question)
    components = Components(inventory, book, first_import(process), command_desk.state)
    routers += dispatchroom.mapwork(process, parts, command_desk, book, inventory, channels, heat)
    history = History(lambda: Past(process.settings.data_dir), TOPICS - BEATS, history_of(process.config).keep_ms)
    places = Gazetteer(process, tiles.Maps(process.config, process.settings.data_dir / "maps"))
    find = Find(process, book, channels, components, places, parts.picture, command_desk.states)
    around = Around(process, channels, components, parts.picture, parts.recommendations, command_desk.states)
    routers += (find.router, around.router)
    routers += (
        components.router,
        heat.router,
        history.router,
        channels.router,
        views.router,
        whep.router,
        steering.router,
        regions.router,
        recordings.router,
    )
    services = MapServices(process)
    routers += (services.router,)
    plain = (ingest, geography, boundaries, measures, rasters, tiles)
    for router in (*routers, *(one.router(process) for one in plain)):
        server.include_router(router)
    panels()  # imports the component libraries they use, so that the page knows their scripts
    app = shell.Shell(process, server, words, pages.describe)
    shell.start(app, pages.layout)

    async def close() -> None:
        cases.close()
        components.close()
        heat.close()
        history.close()
        await find.close()
        deliveries.close()
        figures.close()
        await parts.close()
        await stills.close()
        await asyncio.to_thread(command_desk.close)
        await posters.close()
        await channels.close()
        await whep.close()
        await steering.close()
        await regions.close()
        await trials.close()
        await recordings.close()
        await services.close()

    return Assembled(Doorkeeper(server, process, app.csp_hashes(), pages.exists, parts.refusals.count), close)


async def _first_user(users: Users) -> None:
    password = await asyncio.to_thread(users.first_password)
    if password:
        log.warning("first start: sign in as %r with the password  %s  (shown this once, kept nowhere)", FIRST_USER, password)


def _health(server: FastAPI, process: Process) -> None:
    @server.get("/healthz", include_in_schema=False)
    async def healthz() -> JSONResponse:
        try:
            await process.bus.ping()
        except BusLost as error:
            return JSONResponse({"ok": False, "process": "web", "build": __version__, "reason": f"bus: {error}"}, 503)
        return JSONResponse({"ok": True, "process": "web", "build": __version__})
