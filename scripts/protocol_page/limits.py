"""The limits as a table: each constant of `protocol/limits.py` with its value today and what it bounds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from node.delivery import broadcast, dispatcher
from node.peer import endpoint, rates
from protocol import limits

if TYPE_CHECKING:
    from types import ModuleType

LIMITS: Final = {
    "PROTOCOL_VERSION": "the version in the head of every body, in node info and in codes",
    "KEY_BYTES": "a public key; the seed of a key pair",
    "SIGNATURE_BYTES": "a signature; a proof",
    "CONNECTION_ID_BYTES": "the id of a connection",
    "NODE_ID_BYTES": "the UUID of a node",
    "MESSAGE_ID_BYTES": "the id of a message",
    "ADDRESSEE_BYTES": "what a bound code names its addressee by",
    "MESSAGE_BYTES_MAX": "an envelope, and the body within it",
    "ANSWER_BYTES_MAX": "what is read of an HTTP answer, whatever it is; beyond that it is no answer",
    "NESTING_MAX": "arrays within arrays, the outermost counted, in a body or a code; also in an ignored tail",
    "ARRAY_ITEMS_MAX": "the elements of one array, likewise",
    "NAME_CHARACTERS_MAX": "a node's name, a short name (Unicode code points)",
    "CONNECTION_NAME_CHARACTERS_MAX": "a connection's name",
    "DESCRIPTION_CHARACTERS_MAX": "a description, which never leaves its own node",
    "URL_CHARACTERS_MAX": "a URL",
    "SOFTWARE_CHARACTERS_MAX": "a software version",
    "PLAIN_LINE_CHARACTERS_MAX": "what one line of a log shows of a stranger's text",
    "NODE_INFO_BYTES_MAX": "a node info",
    "COUNTER_LIMIT": "serials, revisions and times stay below it (2^53)",
    "INSTANT_LIMIT": "an expiry lies before it: the year 10000, in Unix seconds",
    "JUMP_LIMIT": "no revision jumps on an echo that is this high or higher (2^53 − 2^32)",
    "VERSIONS_MAX": "the protocol versions that a node info or a code may list",
    "CODE_CHARACTERS_MAX": "the longest code there can be",
    "PASTED_CHARACTERS_MAX": "a text that is searched for a code",
    "CODE_LIFETIME_S_DEFAULT": "how long a code lives if nothing else is asked for",
    "CODE_LIFETIME_S_MIN": "the shortest life of a code",
    "CODE_LIFETIME_S_MAX": "the longest life of a code: no expiry lies further behind its serial",
    "CLOCKS_APART_S_MAX": "how much further ahead than that an announcement's expiry may seem to a destination",
    "DELIVERY_BACKOFF_S_MAX": "the longest wait between two tries; a Retry-After is honoured up to this",
    "RESYNC_S": "how often each living connection is stated again though nothing is owed",
    "REQUEST_S_MAX": "how long one request to another node may take, and how long a body may drip in",
    "ANNOUNCEMENT_BYTES_MAX": "the body of an `initiate`",
    "ANNOUNCEMENTS_OPEN_MAX": "open announcements of all strangers together",
    "ANNOUNCEMENTS_OPEN_PER_KEY_MAX": "open announcements of one key",
    "ANNOUNCEMENTS_PER_PREFIX_PER_HOUR_MAX": "announcements from one network within an hour",
    "SECURITY_NOTICES_MAX": "notices kept of one connection",
}

NODE_LIMITS: Final[tuple[tuple[ModuleType, str, str], ...]] = (
    (rates, "REFUSED_BURST_MAX", "refused envelopes that one network may send at once"),
    (rates, "REFUSED_PER_S_MAX", "refused envelopes a second that one network may send on and on"),
    (endpoint, "ANNOUNCEMENTS_RETRY_S", "the Retry-After, in seconds, when a network has announced too much"),
    (dispatcher, "BACKOFF_S_FIRST", "the longest wait after the first try that brought no answer; it doubles"),
    (dispatcher, "WINDOW", "connections spoken of at once at one URL"),
    (broadcast, "BACKOFF_S_MAX", "the longest wait between two tries to reach the broker"),
    (broadcast, "TRACES_MAX", "traces that wait while a status is in flight; more are dropped"),
)
"""What our node does where the protocol leaves it open; another node may choose otherwise."""


def table() -> str:
    """Every limit of the protocol."""
    lines = ["| constant | value | bounds |", "| --- | --- | --- |"]
    return "\n".join(
        [*lines, *(f"| `{name}` | {getattr(limits, name):,} | {meaning} |" for name, meaning in LIMITS.items())]
    )


def node_table() -> str:
    """What our node chooses itself."""
    lines = ["| constant | value | bounds |", "| --- | --- | --- |"]
    return "\n".join(
        [
            *lines,
            *(
                f"| `{module.__name__}.{name}` | {getattr(module, name):,} | {meaning} |"
                for module, name, meaning in NODE_LIMITS
            ),
        ]
    )
