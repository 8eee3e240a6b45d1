"""Signed links for crews: a random secret of which only the sum is kept, bound to one crew and perhaps one case, until a
moment, revocable. Who opens one gets a session of the role `crew`."""

from __future__ import annotations

import asyncio
import secrets

import msgspec

from hall import access
from hall.core.bus import Bus
from hall.core.clock import real_ms
from hall.core.errors import Refused

HOUR_MS = 3_600_000
MAX_HOURS = 14 * 24
#: times that one link may sign a phone in: a crew's for two weeks, not a city's
MAX_USES = 100
MAX_LINKS = 2_000


class Link(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What is kept of a link; times are the machine's, ms. `case`: a file's subject, empty for all tasks of the crew."""

    link_id: str
    crew: str
    case: str = ""
    unit: str = ""  # the crew's department, when it was made
    made_by: str = ""
    made: int = 0
    expires: int = 0
    uses: int = 0
    digest: str = ""  # of the secret
    sessions: list[str] = []  # sums of the sessions it opened


class FieldLinks:
    """Kept on the bus: `field-link:<sum>` names the link, the hash `field-links` holds it. Methods raise BusLost."""

    def __init__(self, bus: Bus) -> None:
        self.bus, self._turn = bus, asyncio.Lock()  # two phones at once: neither's session may be forgotten by the link

    async def make(self, crew: str, hours: float, case: str, unit: str, made_by: str) -> tuple[Link, str]:
        """A new link and its secret, which is shown this once. Raises Refused 422 or 409."""
        if not 0 < hours <= MAX_HOURS:
            raise Refused("bad-field", f"hours: more than 0, at most {MAX_HOURS}", 422)
        if len(await self.all()) >= MAX_LINKS:
            raise Refused("too-many-links", f"{MAX_LINKS} links are in force; take some back", 409)
        secret, now = secrets.token_urlsafe(32), real_ms()
        link = Link(
            link_id=secrets.token_hex(6),
            crew=crew,
            case=case,
            unit=unit,
            made_by=made_by,
            made=now,
            expires=now + int(hours * HOUR_MS),
            digest=access.digest(secret),
        )
        await self._keep(link)
        left = max(1, (link.expires - now) // 1000)
        await self.bus.set(link.link_id, "field-link", link.digest, ttl_seconds=left)
        return link, secret

    async def use(self, secret: str) -> tuple[Link, str]:
        """Signs a device in: the link and the secret of its session. Raises Refused 401 for one that does not hold."""
        async with self._turn:
            return await self._use(secret)

    async def _use(self, secret: str) -> tuple[Link, str]:
        name = await self.bus.get("field-link", access.digest(secret)) if 0 < len(secret) <= 200 else None
        link = await self.find(name.decode()) if name else None
        if link is None or link.uses >= MAX_USES:
            raise Refused("link-expired", "this link is not valid, has expired or was taken back", 401)
        session = await access.open_session(
            self.bus, crew_name(link.crew), "crew", max(1, (link.expires - real_ms()) // 1000),
            crew=link.crew, case=link.case, kind="crew", desk=f"field:{link.link_id}",
        )  # fmt: skip
        if await self.find(link.link_id) is None:  # taken back in this very moment
            await access.close_session(self.bus, session)
            raise Refused("link-expired", "this link was taken back", 401)
        link.uses += 1
        link.sessions.append(access.digest(session))
        await self._keep(link)
        return link, session

    async def find(self, link_id: str) -> Link | None:
        """A link that is in force."""
        kept = await self.bus.hash_get(link_id, "field-links")
        link = msgspec.json.decode(kept, type=Link) if kept else None
        return link if link and link.expires > real_ms() else None

    async def all(self) -> list[Link]:
        """Links in force, the newest first; those that are over are forgotten."""
        kept = [msgspec.json.decode(value, type=Link) for value in (await self.bus.hash_all("field-links")).values()]
        now = real_ms()
        for link in kept:
            if link.expires <= now:
                await self.bus.call("HDEL", self.bus.key("field-links"), link.link_id)
        return sorted((link for link in kept if link.expires > now), key=lambda link: -link.made)

    async def revoke(self, link_id: str) -> Link:
        """Ends a link and every session it opened. Raises Refused 404."""
        link = await self.find(link_id)
        if link is None:
            raise Refused("unknown-link", "there is no such link in force", 404)
        await self.bus.delete("field-link", link.digest)
        for session in link.sessions:
            await self.bus.delete("session", session)
        await self.bus.call("HDEL", self.bus.key("field-links"), link_id)
        return link

    async def _keep(self, link: Link) -> None:
        await self.bus.hash_set({link.link_id: msgspec.json.encode(link)}, "field-links")


def crew_name(crew: str) -> str:
    """The name a crew acts under, whichever of its links and phones is used: what one sent is known of the other."""
    return f"crew:{crew}"
