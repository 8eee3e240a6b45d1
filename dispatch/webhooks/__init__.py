"""Webhooks out: a professional department's own system is told of its tasks, signed, in order per case, at least once."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dispatch.desk import Desk
    from dispatch.ledger import Ledger
    from hall.core.process import Process


async def run(process: Process, desk: Desk, ledger: Ledger) -> None:
    """Delivers until cancelled; returns at once where no webhook is configured."""
    from dispatch.webhooks.settings import hooks_of

    if hooks := hooks_of(process.config):
        from dispatch.webhooks.deliverer import Deliverer

        await Deliverer(process, desk, ledger, hooks).run()
