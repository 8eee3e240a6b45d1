"""Who watched which channel, why, from when to when."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_TEXTS = ("who", "role", "person", "desk", "unit", "reason", "why", "kind", "name", "district", "owner", "renews")


def upgrade() -> None:
    op.create_table(
        "views",
        sa.Column("view", sa.Text, primary_key=True),
        sa.Column("channel", sa.Text, primary_key=True),
        sa.Column("opened", sa.BigInteger, nullable=False),
        sa.Column("real", sa.BigInteger, nullable=False),
        sa.Column("until", sa.BigInteger, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in _TEXTS),
    )
    op.create_index("views_by_opened", "views", ["opened", "view", "channel"])
    op.create_index("views_by_channel", "views", ["channel", "opened"])
    op.create_index("views_by_who", "views", ["who", "opened"])
    op.create_table(
        "watches",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("view", sa.Text, nullable=False),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in ("started", "ended", "shown", "bytes")),
    )
    op.create_index("watches_by_view", "watches", ["view", "channel"])
    op.create_index("watches_by_ended", "watches", ["ended"])
