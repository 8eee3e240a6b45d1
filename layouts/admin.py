"""Administration pages: feeds, screens, users. Contents are painted by assets/desk-4-feeds.js and its neighbours."""

from __future__ import annotations

from dash import html

from layouts.context import Context
from layouts.desk_frame import console
from layouts.panel import Panel

FEEDS = Panel(name="admin-feeds", title="desk.feeds.title", topics=("feed", "process"), needs=("feeds",))
PARKED = Panel(name="admin-parked", title="desk.parked.title", topics=("feed",), needs=("web",))
PROCESSES = Panel(name="admin-processes", title="desk.processes.title", topics=("process",))
SCREENS = Panel(name="admin-screens", title="desk.screens.title", topics=("screen",), needs=("gate",))
SCENE = Panel(name="admin-scene", title="desk.scene.title", topics=("scene", "screen"), needs=("gate", "web"))
SHOWS = Panel(name="admin-shows", title="push.what-is-shown", topics=("show", "screen"), needs=("gate", "web"))
USERS = Panel(name="admin-users", title="desk.users.title", topics=("process",), needs=("web",))
WALLS = Panel(name="admin-walls", title="desk.pairing.title", topics=("process",), needs=("web",))


def feeds(context: Context) -> html.Div:
    """`/admin/feeds`: what every supplier sends, and what was refused and why."""
    return console("feeds", context, [FEEDS.render(context), PARKED.render(context), PROCESSES.render(context)])


def screens(context: Context) -> html.Div:
    """`/admin/screens`: every screen that shows the hall, with what it shows and how old that is; switching a wall's layout."""
    return console("screens", context, [SHOWS.render(context), SCREENS.render(context), SCENE.render(context)])


def users(context: Context) -> html.Div:
    """`/admin/users`: who may sign in, and paired screens."""
    return console("users", context, [USERS.render(context), WALLS.render(context)])
