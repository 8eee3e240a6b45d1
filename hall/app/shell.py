"""The Dash application: one page shell for all addresses, the layout chosen on the server, no request to anywhere else."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import dash
from dash import html
from fastapi import FastAPI

from hall import __version__
from hall.app.bundle import Bundle
from hall.app.visit import Visit, current_visit, page_prefix
from hall.app.words import LANGUAGES, Words, chosen_language
from hall.core.config import HallConfig
from hall.core.process import Process

ASSETS = Path(__file__).parent.parent.parent / "assets"
_CONFIG = re.compile(r"(<script[^>]*>)(.*)(</script>)", re.DOTALL)
_TABLE_SCRIPT = re.compile(r'\s*<script src="[^"]*/dash_ag_grid/[^"]*"></script>')

_INDEX = """<!DOCTYPE html>
<html lang="{lang}">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="hall-page" content="{page}">
<title>{title}</title>{metas}<link rel="icon" href="data:,">
{css}
</head>
<body>{app_entry}<script id="hall-catalogue" type="application/json">{catalogue}</script>
<footer>{config}{scripts}{renderer}</footer></body>
</html>"""


def embedded_json(data: Any) -> str:
    """JSON that can stand inside a <script> element whatever it holds."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("</", "<\\/").replace("<!--", "<\\!--")


class Shell(dash.Dash):
    """Dash with our own index: page settings and texts are in the page, and each page asks for its layout by its prefix."""

    def __init__(self, process: Process, server: FastAPI, words: Words, describe: Callable[[Visit], dict[str, Any]]) -> None:
        self._process, self._words, self._describe = process, words, describe
        self._bundle = Bundle(ASSETS)
        server.router.routes.append(self._bundle.route())  # before Dash takes all of /assets/
        super().__init__(
            "hall",
            server=server,
            backend="fastapi",
            assets_folder=str(ASSETS),
            assets_path_ignore=["^field$"],  # the phone's page has scripts of its own
            serve_locally=True,
            suppress_callback_exceptions=True,
            update_title=None,
            title="Command Hall",
            add_log_handler=False,
        )

    def interpolate_index(self, **parts: str) -> str:
        visit = current_visit()
        config = self._process.config
        language = page_language(visit, config)
        name = config.city.name.get(language) or next(iter(config.city.name.values()), "")
        target = visit.page + (f"?{urlencode(visit.query)}" if visit.query else "")
        parts["config"] = _CONFIG.sub(lambda found: found[1] + _page_config(found[2], target) + found[3], parts["config"])
        if not needs_tables(visit.page):
            parts["scripts"] = _TABLE_SCRIPT.sub("", parts["scripts"])
        parts["scripts"] = self._bundle.gather(parts["scripts"], "hall.js", '<script src="{}"></script>')
        parts["css"] = self._bundle.gather(parts["css"], "hall.css", '<link rel="stylesheet" href="{}">')
        return _INDEX.format(
            lang=language,
            page=escape(json.dumps(self._settings(visit, language), ensure_ascii=False)),
            catalogue=embedded_json({locale: self._words.catalogues[locale] for locale in LANGUAGES}),
            **{**parts, "title": escape(f"{self._words.text(language, 'app.title')} · {name}"), "metas": ""},
        )

    def _settings(self, visit: Visit, language: str) -> dict[str, Any]:
        """What the page's scripts are told, `<meta name="hall-page">` (see ARCHITECTURE.md)."""
        city = self._process.config.city
        who = visit.identity
        return {
            "gate_port": self._process.settings.gate_port,
            "pictures_port": self._process.settings.pictures_port,
            "demo": city.demo,
            "locale": language,
            "languages": city.languages,
            "build": __version__,
            "timezone": city.timezone,
            "who": {
                "name": who.name,
                "role": who.role,
                "wall": who.wall,
                **({"districts": who.districts} if who.districts else {}),
            },
            "csrf": visit.csrf if who.role != "wall" else "",
            **self._describe(visit),
        }


def _page_config(text: str, target: str) -> str:
    """Dash's own page configuration with this page's prefix, and without the server's versions."""
    config = json.loads(text)
    config["requests_pathname_prefix"] = page_prefix(target)
    config.pop("python_version", None)
    if not config.get("websocket", {}).get("enabled"):
        config.pop("websocket", None)  # else the page loads a worker that it never uses
    return embedded_json(config)


def needs_tables(page: str) -> bool:
    """Only consoles show big tables: walls are spared the table library."""
    return page == "/desk"


def page_language(visit: Visit, config: HallConfig) -> str:
    return chosen_language(visit.query.get("lang"), config.city.languages)


def start(shell: Shell, layout: Callable[[Visit], Any]) -> None:
    """Gives the shell its pages and does now what Dash would do at its first request.

    Dash on FastAPI prepares scripts at the first request of `/` only: a first visit to another address would miss them.
    The list of preparations is private to Dash 4.4; a test opens a deep link first and counts the scripts.
    """
    shell.layout = lambda: layout(current_visit()) if current_visit().identity.role else html.Div()
    for prepare in shell.backend._before_request_funcs:
        prepare()
