"""The first schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make every table of this version."""
    op.create_table(
        "broadcasts",
        sa.Column("n", _NUMBER, autoincrement=True, nullable=False),
        sa.Column("topic", sa.String(length=255), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("n", name=op.f("pk_broadcasts")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "connections",
        sa.Column("n", _NUMBER, autoincrement=True, nullable=False),
        sa.Column("sys_id", sa.String(length=32), nullable=False),
        sa.Column("role", sa.String(length=11), nullable=False),
        sa.Column("connection", sa.LargeBinary(length=16), nullable=False),
        sa.Column("source_key", sa.LargeBinary(length=32), nullable=False),
        sa.Column("serial", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("phase", sa.String(length=9), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(length=16), nullable=True),
        sa.Column("their_revision", sa.BigInteger(), nullable=True),
        sa.Column("their_phase", sa.String(length=9), nullable=True),
        sa.Column("their_enabled", sa.Boolean(), nullable=True),
        sa.Column("their_reason", sa.String(length=16), nullable=True),
        sa.Column("partner", sa.LargeBinary(length=32), nullable=True),
        sa.Column("addressee", sa.LargeBinary(length=32), nullable=True),
        sa.Column("owed", sa.Boolean(), nullable=False),
        sa.Column("proof", sa.LargeBinary(length=64), nullable=True),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("ask_me", sa.Boolean(), nullable=False),
        sa.Column("hidden", sa.Boolean(), nullable=False),
        sa.Column("invitation", sa.LargeBinary(), nullable=True),
        sa.Column("invitation_key", sa.LargeBinary(length=32), nullable=True),
        sa.Column("code_digest", sa.LargeBinary(length=32), nullable=True),
        sa.Column("salt", sa.LargeBinary(length=16), nullable=True),
        sa.Column("mode", sa.String(length=6), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("local_short_name", sa.String(length=64), nullable=False),
        sa.Column("remote_short_name", sa.String(length=64), nullable=False),
        sa.Column("description", sa.String(length=1000), nullable=False),
        sa.Column("partner_node_id", sa.LargeBinary(length=16), nullable=True),
        sa.Column("partner_name", sa.String(length=64), nullable=True),
        sa.Column("partner_node_url", sa.String(length=255), nullable=True),
        sa.Column("partner_instance_url", sa.String(length=255), nullable=True),
        sa.Column("partner_software", sa.String(length=64), nullable=True),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("changed_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("announced_prefix", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("n", name=op.f("pk_connections")),
        sa.UniqueConstraint("connection", "source_key", name=op.f("uq_connections_connection_source_key")),
        sa.UniqueConstraint("sys_id", name=op.f("uq_connections_sys_id")),
    )
    op.create_index(
        "ix_connections_owed",
        "connections",
        [sa.text("coalesce(partner, addressee)")],
        unique=False,
        sqlite_where=sa.text("owed = 1"),
    )
    op.create_index("ix_connections_partner", "connections", ["partner"], unique=False)
    op.create_index("ix_connections_phase", "connections", ["phase", "expires_at"], unique=False)
    op.create_index(
        "uq_connections_living_name",
        "connections",
        ["name"],
        unique=True,
        sqlite_where=sa.text("hidden = 0 AND phase NOT IN ('closed', 'announced')"),
    )
    op.create_table(
        "events",
        sa.Column("connection_n", _NUMBER, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("event_id", sa.String(length=36), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["connection_n"], ["connections.n"], name=op.f("fk_events_connection_n"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("connection_n", "seq", name=op.f("pk_events")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "notices",
        sa.Column("n", _NUMBER, autoincrement=True, nullable=False),
        sa.Column("connection_n", _NUMBER, nullable=True),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("about", sa.String(length=255), nullable=False),
        sa.ForeignKeyConstraint(
            ["connection_n"], ["connections.n"], name=op.f("fk_notices_connection_n"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("n", name=op.f("pk_notices")),
    )
    op.create_index(op.f("ix_notices_connection_n"), "notices", ["connection_n"], unique=False)
    op.create_table(
        "writes",
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("sys_id", sa.String(length=32), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_writes")),
    )
    op.create_index(op.f("ix_writes_at_ms"), "writes", ["at_ms"], unique=False)
