"""Alembic's migrations of the ledger, run by `dispatch.ledger.database` when it opens."""
