"""A rim that writes down what it is told, and worlds at chosen moments."""

from __future__ import annotations

import msgspec
import pytest

from feeds.demo import SEED
from feeds.demo.world import Memory, World
from hall.core.model import subject_of

#: Friday 2026-11-20 23:30 UTC = Saturday 07:30 in Xinxiang
ANCHOR = 1_795_217_400_000


class Notebook:
    """Takes what a teller says; `said` = (subject, time, document as JSON) in order."""

    def __init__(self) -> None:
        self.said: list[tuple[str, int, bytes]] = []
        self.archived: list[tuple[str, int, bytes]] = []
        self.urls: dict[str, str] = {}

    async def doc(self, doc, time):
        self.said.append((subject_of(doc), time, msgspec.json.encode(doc)))

    async def docs(self, docs):
        for ready in docs:
            await self.doc(ready.doc, ready.time)

    async def archive(self, case, time):
        self.archived.append((subject_of(case), time, msgspec.json.encode(case)))

    async def archives(self, cases):
        for ready in cases:
            await self.archive(ready.doc, ready.time)

    async def gone(self, subject, time):
        self.said.append((subject, time, b"null"))

    async def stream_url(self, subject, url):
        self.urls[subject] = url

    def board(self) -> dict[str, bytes]:
        """Newest document per subject, by the time told: a plain dict as oracle."""
        found: dict[str, tuple[int, bytes]] = {}
        for subject, time, data in self.said:
            if time >= found.get(subject, (0, b""))[0]:
                found[subject] = (time, data)
        return {subject: data for subject, (_, data) in found.items()}


@pytest.fixture
def notebook():
    return Notebook()


@pytest.fixture(scope="session")
def world():
    return World(SEED, Memory(ANCHOR))


@pytest.fixture(scope="session")
def anchor():
    return ANCHOR
