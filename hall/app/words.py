"""The texts of the screens on the server's side: one flat catalogue per language."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

LANGUAGES = ("zh-CN", "en")


class Words:
    """Catalogues by language; a missing key shows itself, so that it is seen and mended."""

    def __init__(self, catalogues: Mapping[str, Mapping[str, str]]) -> None:
        self.catalogues = catalogues

    def text(self, language: str, key: str, **values: object) -> str:
        found = self.catalogues.get(language, self.catalogues[LANGUAGES[0]]).get(key, key)
        for name, value in values.items():
            found = found.replace("{" + name + "}", str(value))
        return found


def chosen_language(asked: str | None, city_languages: Iterable[str]) -> str:
    """The language asked for when the hall speaks it, else the city's first."""
    if asked in LANGUAGES:
        return asked
    return next((language for language in city_languages if language in LANGUAGES), LANGUAGES[0])
