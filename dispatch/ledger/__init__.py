"""The ledger of the hall's decisions: append-only, numbered, chained by hash, durable, and the outbox to the bus."""

from dispatch.ledger.chain import Verdict
from dispatch.ledger.ledger import STEPS, Ledger
from dispatch.ledger.reading import OutboxRow
from hall.core.errors import LedgerFault

__all__ = ["STEPS", "Ledger", "LedgerFault", "OutboxRow", "Verdict"]
