"""Why a call to another node brought no answer, in the words that admins, logs and metrics share."""

from enum import StrEnum


class Cause(StrEnum):
    """Shown beside a connection that waits; each has its own sentence where it is told."""

    UNREACHABLE = "unreachable"
    TLS_FAILURE = "tls-failure"
    NOT_A_NODE = "not-a-node"
    OTHER_NODE = "other-node"
    RATE_LIMITED = "rate-limited"
    ADDRESS_BLOCKED = "address-blocked"
