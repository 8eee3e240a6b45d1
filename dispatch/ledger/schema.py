"""The ledger's tables, as code speaks of them. The migrations under `migrations/` make them; a test compares the two.

Texts hold JSON rather than a database's own JSON type: the bytes that were hashed are the bytes that are kept.
"""

from __future__ import annotations

import functools
import importlib
from typing import Any

import sqlalchemy as sa

#: every schema there was, oldest first: alembic's revision ids
REVISIONS = ("0001", "0002")

metadata = sa.MetaData()

entries = sa.Table(
    "entries",
    metadata,
    sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("revision", sa.BigInteger, nullable=False),
    sa.Column("move", sa.Text, nullable=False),
    sa.Column("time", sa.BigInteger, nullable=False),
    sa.Column("recorded", sa.BigInteger, nullable=False),
    sa.Column("real", sa.BigInteger, nullable=False),
    *(
        sa.Column(name, sa.Text, nullable=False)
        for name in ("who", "role", "kind", "desk", "unit", "reason", "data", "command", "correlation", "causation")
    ),
    sa.Column("previous", sa.Text, nullable=False),
    sa.Column("hash", sa.Text, nullable=False),
    sa.UniqueConstraint("subject", "revision", name="one_entry_per_revision"),
    sa.Index("entries_by_who", "who", "seq"),
    sa.Index("entries_by_recorded", "recorded", "seq"),
)

#: every stream as it stands: the fold of its entries, a cache that can be made again from them
streams = sa.Table(
    "streams",
    metadata,
    sa.Column("subject", sa.Text, primary_key=True),
    sa.Column("topic", sa.Text, nullable=False),
    sa.Column("revision", sa.BigInteger, nullable=False),
    sa.Column("ended", sa.Boolean(create_constraint=False), nullable=False),
    sa.Column("seq", sa.BigInteger, nullable=False),  # of its newest entry
    sa.Column("recorded", sa.BigInteger, nullable=False),
    sa.Column("state", sa.Text),  # JSON; none for notes
    sa.Index("streams_by_topic", "topic", "ended", "subject"),
    sa.Index("streams_by_seq", "seq"),
)

#: what is still to be told to the bus, and what was told lately
outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("document", sa.Text),
)

#: what became of every command, so that the same id asked again gets the same answer
commands = sa.Table(
    "commands",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("who", sa.Text, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),  # of what was asked
    sa.Column("outcome", sa.Text, nullable=False),
)

#: one row: the newest line, so that lines cut off the end are missed; and how far the bus was told
head = sa.Table(
    "head",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("seq", sa.BigInteger, nullable=False),
    sa.Column("hash", sa.Text, nullable=False),
    sa.Column("recorded", sa.BigInteger, nullable=False),
    sa.Column("relayed", sa.BigInteger, nullable=False),
)

#: who was let watch which channel, and why (dispatch/views.py): one row per channel of a view
views = sa.Table(
    "views",
    metadata,
    sa.Column("view", sa.Text, primary_key=True),
    sa.Column("channel", sa.Text, primary_key=True),
    sa.Column("opened", sa.BigInteger, nullable=False),
    sa.Column("real", sa.BigInteger, nullable=False),
    sa.Column("until", sa.BigInteger, nullable=False),
    *(
        sa.Column(name, sa.Text, nullable=False)
        for name in (
            "who",
            "role",
            "person",
            "desk",
            "unit",
            "reason",
            "why",
            "kind",
            "name",
            "district",
            "owner",
            "renews",
        )  # fmt: skip
    ),
    sa.Index("views_by_opened", "opened", "view", "channel"),
    sa.Index("views_by_channel", "channel", "opened"),
    sa.Index("views_by_who", "who", "opened"),
)

#: what the relay said of each time pictures of a view's channel flowed; `id` is the event's, so that it counts once
watches = sa.Table(
    "watches",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("view", sa.Text, nullable=False),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    *(sa.Column(name, sa.BigInteger, nullable=False) for name in ("started", "ended", "shown", "bytes")),
    sa.Index("watches_by_view", "view", "channel"),
    sa.Index("watches_by_ended", "ended"),
)

# The statements of every command, built once: building one costs as much as running it.
THE_HEAD = sa.select(head)
THE_STREAM = sa.select(streams).where(streams.c.subject == sa.bindparam("of"))
THE_COMMAND = sa.select(commands).where(commands.c.id == sa.bindparam("of"))
NEW_ENTRIES, NEW_OUTBOX, NEW_COMMANDS = sa.insert(entries), sa.insert(outbox), sa.insert(commands)
NEW_HEAD = (
    sa.update(head)
    .where(head.c.id == 1)
    .values(seq=sa.bindparam("seq"), hash=sa.bindparam("hash"), recorded=sa.bindparam("recorded"))
)


def inserting(dialect: str, table: sa.Table) -> Any:
    """An INSERT that can say what to do about rows that are there; of SQLite and PostgreSQL only the one used is loaded."""
    return importlib.import_module(f"sqlalchemy.dialects.{dialect}").insert(table)


@functools.cache
def new_streams(dialect: str) -> sa.Insert:
    """Writes streams, new ones and those that are there."""
    statement = inserting(dialect, streams)
    new = {name: statement.excluded[name] for name in ("revision", "ended", "seq", "recorded", "state")}
    return statement.on_conflict_do_update(index_elements=["subject"], set_=new)
