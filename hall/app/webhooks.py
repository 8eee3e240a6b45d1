"""`/api/v1/webhooks`: what is told to departments' systems, what could not be told, and telling it again."""

from __future__ import annotations

import asyncio
from typing import Any, Protocol

from fastapi import APIRouter
from fastapi.responses import Response

from hall.app.actors import current_actor
from hall.app.answers import json
from hall.core.clock import real_ms
from hall.core.command import Actor
from hall.core.errors import Refused

STATES = ("waiting", "dead", "sent")


class Deliveries(Protocol):
    """dispatch.webhooks.store.DeliveryStore"""

    def counts(self) -> dict[str, dict[str, int]]: ...
    def listed(self, hook: str, state: str, limit: int) -> list[dict[str, Any]]: ...
    def hook_of(self, delivery_id: str) -> str | None: ...
    def again(self, delivery_id: str, now: int, give_up_at: int) -> bool: ...


class Desk(Protocol):
    async def note(self, what: str, actor: Actor, data: dict[str, Any], reason: str = "") -> None: ...


class WebhookApi:
    """`router` serves it. `hooks`: configured webhooks as `{name: {url, units, moves, give_up_hours}}`, without secrets."""

    def __init__(self, desk: Desk, deliveries: Deliveries, hooks: dict[str, dict[str, Any]]) -> None:
        self.desk, self.deliveries, self.hooks = desk, deliveries, hooks
        self.router = APIRouter(prefix="/api/v1/webhooks", tags=["webhooks"])
        self.router.add_api_route("", self.every, methods=["GET"])
        self.router.add_api_route("/{name}", self.one, methods=["GET"])
        self.router.add_api_route("/{delivery}/again", self.again, methods=["POST"])

    async def every(self) -> Response:
        """Each configured webhook with how many deliveries wait, were sent (last 7 days) and were given up."""
        counts = await asyncio.to_thread(self.deliveries.counts)
        none = dict.fromkeys(STATES, 0)
        return json({"webhooks": [{"name": name, **hook, **none, **counts.get(name, {})} for name, hook in self.hooks.items()]})

    async def one(self, name: str, state: str = "dead", limit: int = 100) -> Response:
        """Deliveries of a webhook, the newest first: `waiting`, `sent` or `dead`, with what the receiver last said."""
        if name not in self.hooks:
            raise Refused("unknown-webhook", f"no webhook is called {name[:80]!r}", 404)
        if state not in STATES:
            raise Refused("bad-field", f"state: one of {', '.join(STATES)}", 422)
        return json({"deliveries": await asyncio.to_thread(self.deliveries.listed, name, state, max(1, min(limit, 500)))})

    async def again(self, delivery: str) -> Response:
        """Sends one that was given up once more, with its whole time again. Later ones of its case may have gone before."""
        hook = await asyncio.to_thread(self.deliveries.hook_of, delivery[:200])
        hours = self.hooks.get(hook or "", {}).get("give_up_hours", 24.0)
        now = real_ms()
        if hook is None or not await asyncio.to_thread(self.deliveries.again, delivery, now, now + int(hours * 3_600_000)):
            raise Refused("not-dead", "there is no such delivery that was given up", 404)
        await self.desk.note("webhook-again", current_actor(), {"delivery": delivery[:200]})
        return json({"id": delivery, "state": "waiting"})
