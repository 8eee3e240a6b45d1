"""The first ledger: entries, streams, outbox, commands, head."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_ENTRY_TEXTS = ("who", "role", "kind", "desk", "unit", "reason", "data", "command", "correlation", "causation")


def upgrade() -> None:
    op.create_table(
        "entries",
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("move", sa.Text, nullable=False),
        sa.Column("time", sa.BigInteger, nullable=False),
        sa.Column("recorded", sa.BigInteger, nullable=False),
        sa.Column("real", sa.BigInteger, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in _ENTRY_TEXTS),
        sa.Column("previous", sa.Text, nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
        sa.UniqueConstraint("subject", "revision", name="one_entry_per_revision"),
    )
    op.create_index("entries_by_who", "entries", ["who", "seq"])
    op.create_index("entries_by_recorded", "entries", ["recorded", "seq"])
    op.create_table(
        "streams",
        sa.Column("subject", sa.Text, primary_key=True),
        sa.Column("topic", sa.Text, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("ended", sa.Boolean(create_constraint=False), nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("recorded", sa.BigInteger, nullable=False),
        sa.Column("state", sa.Text),
    )
    op.create_index("streams_by_topic", "streams", ["topic", "ended", "subject"])
    op.create_index("streams_by_seq", "streams", ["seq"])
    op.create_table(
        "outbox",
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("document", sa.Text),
    )
    op.create_table(
        "commands",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("who", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
    )
    head = op.create_table(
        "head",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
        sa.Column("recorded", sa.BigInteger, nullable=False),
        sa.Column("relayed", sa.BigInteger, nullable=False),
    )
    op.bulk_insert(head, [{"id": 1, "seq": 0, "hash": "", "recorded": 0, "relayed": 0}])
