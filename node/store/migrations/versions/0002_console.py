"""What the console needs: its sessions, and an index for its list of connections."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the table and the index."""
    op.create_table(
        "sessions",
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_sessions")),
    )
    op.create_index(
        "ix_connections_list",
        "connections",
        [
            "changed_at_ms",
            "hidden",
            "phase",
            "expires_at",
            "enabled",
            "their_phase",
            "their_enabled",
            "role",
            "mode",
            "created_at_ms",
            "name",
            "remote_short_name",
            "partner_name",
        ],
        unique=False,
    )
