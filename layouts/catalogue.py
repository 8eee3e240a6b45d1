"""The texts of the interface: every assets/i18n/*.json merged by language, `zh-CN.json` first, then `<part>.zh-CN.json`."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from pathlib import Path

FOLDER = Path(__file__).parent.parent / "assets" / "i18n"
LOCALES = ("zh-CN", "en")


@functools.cache
def texts(folder: Path = FOLDER) -> dict[str, dict[str, str]]:
    """`{locale: {key: text}}`; a key told in two files takes the last one's text."""
    found: dict[str, dict[str, str]] = {}
    for locale in LOCALES:
        files = [folder / f"{locale}.json", *sorted(folder.glob(f"*.{locale}.json"))]
        merged: dict[str, str] = {}
        for file in files:
            if file.exists():
                merged.update(json.loads(file.read_text(encoding="utf-8")))
        found[locale] = merged
    return found


#: what a city's own word is kept under: `state.pending_verify` of its labels -> keys of the catalogue
_LABELLED = {"state": ("desk.state", "case"), "move": ("desk.move", "case.move"), "kind": ("desk.kind-of",)}


def of_city(labels: Mapping[str, Mapping[str, str]]) -> dict[str, dict[str, str]]:
    """The texts with a city's own words for states, moves and kinds: some cities say 核实 for what others call 核查."""
    found = {locale: dict(words) for locale, words in texts().items()}
    for name, by_language in labels.items():
        sort, _, value = name.partition(".")
        for locale, word in by_language.items():
            for prefix in _LABELLED.get(sort, ()):
                if locale in found:
                    found[locale][f"{prefix}.{value}"] = word
    return found


def script() -> str:
    """The catalogue as a data block for a page's head; assets/10-hall.js reads it before anything is painted."""
    body = json.dumps(texts(), ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    return f'<script type="application/json" id="hall-catalogue">{body}</script>'
