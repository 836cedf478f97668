"""A connection's status as a column of its own: the list is chosen, sorted and counted by it."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_FILL = """
    UPDATE connections SET status = CASE
        WHEN phase = 'closed' THEN 'closed'
        WHEN phase = 'pending' THEN 'pending'
        WHEN phase = 'announced' THEN 'invited'
        WHEN phase = 'awaiting' THEN 'awaiting-approval'
        WHEN phase = 'accepted' AND (their_phase IS NULL OR their_phase = 'pending') THEN 'accepting'
        WHEN phase = 'accepted' AND their_phase = 'awaiting' THEN 'awaiting-approval'
        WHEN enabled = 1 AND (their_phase IS NULL OR their_enabled = 1) THEN 'active'
        WHEN their_phase IS NULL OR their_enabled = 1 THEN 'deactivated-here'
        WHEN enabled = 1 THEN 'deactivated-there'
        ELSE 'deactivated-both'
    END
"""
"""`protocol.records.status_of` as it was when the column came; from then on each change writes it."""


def upgrade() -> None:
    """Add the column, fill it, and let the list's indexes have it."""
    op.add_column("connections", sa.Column("status", sa.String(length=17), server_default="", nullable=False))
    op.execute(_FILL)
    op.drop_index("ix_connections_list", "connections")
    op.create_index(
        "ix_connections_list",
        "connections",
        [
            "changed_at_ms",
            "hidden",
            "status",
            "expires_at",
            "role",
            "mode",
            "created_at_ms",
            "name",
            "remote_short_name",
            "partner_name",
        ],
        unique=False,
    )
    op.create_index("ix_connections_status", "connections", ["status", "n", "hidden", "expires_at"], unique=False)
