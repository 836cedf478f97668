"""The tables of a node's database.

Binary identities are stored as they travel; instants are Unix seconds, or milliseconds where the name says so.
No secret stands here: a code's seed is computed from the key file's master secret and the `salt`.
"""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    func,
    text,
)

SCHEMA_REVISION: Final = "0007"
"""The newest migration; a database that says something else is migrated, or refused when it is newer."""

_NUMBER = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts up only what it calls INTEGER

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

connections = Table(
    "connections",
    metadata,
    Column("n", _NUMBER, primary_key=True, autoincrement=True),
    Column("sys_id", String(32), nullable=False, unique=True),
    Column("role", String(11), nullable=False),
    Column("connection", LargeBinary(16), nullable=False),
    Column("source_key", LargeBinary(32), nullable=False),
    # the record of protocol section 4
    Column("serial", BigInteger, nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("phase", String(9), nullable=False),
    Column("enabled", Boolean(create_constraint=False), nullable=False),
    Column("reason", String(16)),
    Column("their_revision", BigInteger),
    Column("their_phase", String(9)),
    Column("their_enabled", Boolean(create_constraint=False)),
    Column("their_reason", String(16)),
    Column("partner", LargeBinary(32)),
    Column("addressee", LargeBinary(32)),
    Column("owed", Boolean(create_constraint=False), nullable=False),
    Column("proof", LargeBinary(64)),
    Column("expires_at", BigInteger, nullable=False),
    Column("ask_me", Boolean(create_constraint=False), nullable=False),
    Column("hidden", Boolean(create_constraint=False), nullable=False),
    # the source's code, without its secret
    Column("invitation", LargeBinary),
    Column("invitation_key", LargeBinary(32)),
    Column("code_digest", LargeBinary(32)),
    Column("salt", LargeBinary(16)),
    # what people and partners call things
    Column("mode", String(6), nullable=False),
    Column("name", String(100), nullable=False),
    Column("local_short_name", String(64), nullable=False),
    Column("remote_short_name", String(64), nullable=False),
    Column("description", String(1000), nullable=False),
    Column("partner_node_id", LargeBinary(16)),
    Column("partner_name", String(64)),
    Column("partner_node_url", String(255)),
    Column("partner_instance_url", String(255)),
    Column("partner_software", String(64)),
    # bookkeeping
    Column("seq", BigInteger, nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("changed_at_ms", BigInteger, nullable=False),
    Column("announced_prefix", String(64)),
    # what `status_of` says of the record, for the lists: SQLite adds no column to old tables without a default
    Column("status", String(17), nullable=False, server_default=""),
    UniqueConstraint("connection", "source_key"),
)

Index(
    "uq_connections_living_name",
    connections.c.name,
    unique=True,
    sqlite_where=text("hidden = 0 AND phase NOT IN ('closed', 'announced')"),
)
Index(
    "ix_connections_owed",
    func.coalesce(connections.c.partner, connections.c.addressee),
    sqlite_where=text("owed = 1"),
)
Index("ix_connections_partner", connections.c.partner)
Index("ix_connections_phase", connections.c.phase, connections.c.expires_at)
Index(
    "ix_connections_list",  # all that the console's list chooses and sorts by: a tenth of the table to go through
    *(
        connections.c[name]
        for name in (
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
        )
    ),
)

Index(  # to count by status and sort by it without going through more than this
    "ix_connections_status",
    *(connections.c[name] for name in ("status", "n", "hidden", "expires_at")),
)

events = Table(
    "events",
    metadata,
    Column("connection_n", _NUMBER, ForeignKey("connections.n", ondelete="CASCADE"), primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("event_id", String(36), nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("data", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

broadcasts = Table(
    "broadcasts",
    metadata,
    Column("n", _NUMBER, primary_key=True, autoincrement=True),
    Column("topic", String(255), nullable=False),
    Column("payload", LargeBinary, nullable=False),
    sqlite_autoincrement=True,
)

notices = Table(
    "notices",
    metadata,
    Column("n", _NUMBER, primary_key=True, autoincrement=True),
    Column("connection_n", _NUMBER, ForeignKey("connections.n", ondelete="CASCADE"), index=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("about", String(255), nullable=False),
)

writes = Table(
    "writes",
    metadata,
    Column("key", String(255), primary_key=True),
    Column("digest", LargeBinary(32), nullable=False),
    Column("sys_id", String(32), nullable=False),
    Column("at_ms", BigInteger, nullable=False, index=True),
)

sessions = Table(
    "sessions",
    metadata,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("user_id", String(32), nullable=False),
    Column("password_mark", LargeBinary(32), nullable=False),
    Column("made_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
)
"""Who is signed in to the console: a user of the instance, and by which password; instants in Unix seconds."""

api_tokens = Table(
    "api_tokens",
    metadata,
    Column("n", _NUMBER, primary_key=True, autoincrement=True),
    Column("name", String(64), nullable=False, unique=True),
    Column("digest", LargeBinary(32), nullable=False, unique=True),
    Column("made_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger),
)

restores = Table("restores", metadata, Column("at", BigInteger, primary_key=True, autoincrement=False))
"""When a backup was put back as this node's memory, in Unix seconds."""

schema_revision = Table(
    "alembic_version",
    metadata,
    Column("version_num", String(32), primary_key=True),
)
