"""What the destination check can find, as data: each finding's outcome, sentence and remedy.

In a sentence, `url` is where it was found, `detail` what more there is to say, `name` the other node's name.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from node.causes import Cause
from protocol.node_info import NotTakingReason

if TYPE_CHECKING:
    from collections.abc import Mapping


class CheckOutcome(StrEnum):
    """What the check found; exactly one."""

    OK = "ok"
    THIS_INSTANCE = "this-instance"
    UNREACHABLE = "unreachable"
    TLS_FAILURE = "tls-failure"
    NOT_A_NODE = "not-a-node"
    VERSION_UNSUPPORTED = "version-unsupported"
    NOT_ACCEPTING = "not-accepting"
    ADDRESS_BLOCKED = "address-blocked"


class Finding(StrEnum):
    """The outcomes, told apart as far as their sentences and remedies are."""

    OK = "ok"
    THIS_INSTANCE = "this-instance"
    UNREACHABLE = "unreachable"
    BUSY = "busy"
    TLS_FAILURE = "tls-failure"
    NO_ANSWER_OF_A_NODE = "no-answer-of-a-node"
    STATUS = "status"
    NO_NODE_INFO = "no-node-info"
    REDIRECT_ASTRAY = "redirect-astray"
    REDIRECTED_TWICE = "redirected-twice"
    NODE_URL_ASTRAY = "node-url-astray"
    TWO_NODES = "two-nodes"
    VERSION = "version"
    NOT_TAKING = "not-taking"
    NO_COMMON_MODE = "no-common-mode"
    BLOCKED = "blocked"


_CHECK_THE_ADDRESS: Final = "Check the address, best by copying it from the other admin's console."
_TELL_THE_OTHER_ADMIN: Final = "Tell the other admin: the URLs that their node is started with are not right."

TABLE: Final[Mapping[Finding, tuple[CheckOutcome, str, str]]] = {
    Finding.OK: (
        CheckOutcome.OK,
        "{name} can be reached at {url} and takes invitations.",
        "Go on and initiate the connection.",
    ),
    Finding.THIS_INSTANCE: (
        CheckOutcome.THIS_INSTANCE,
        "{url} is this instance itself.",
        "Type the address of the other instance.",
    ),
    Finding.UNREACHABLE: (
        CheckOutcome.UNREACHABLE,
        "{detail}",
        'Try again when it can be reached; or choose "I don\'t have a URL" and send the code by hand.',
    ),
    Finding.BUSY: (
        CheckOutcome.UNREACHABLE,
        "{url} can't serve requests now (HTTP {detail}).",
        "Try again in a minute; if it stays so, tell the other admin.",
    ),
    Finding.TLS_FAILURE: (
        CheckOutcome.TLS_FAILURE,
        "{detail}",
        "The certificate can't be ignored: have it mended there, or its issuer made known to this node.",
    ),
    Finding.NO_ANSWER_OF_A_NODE: (CheckOutcome.NOT_A_NODE, "{detail}", _CHECK_THE_ADDRESS),
    Finding.STATUS: (
        CheckOutcome.NOT_A_NODE,
        "{url} is a web server, but no node answers there (HTTP {detail}).",
        _CHECK_THE_ADDRESS,
    ),
    Finding.NO_NODE_INFO: (
        CheckOutcome.NOT_A_NODE,
        "{url} answers, but not with the information that every node gives. {detail}",
        _CHECK_THE_ADDRESS,
    ),
    Finding.REDIRECT_ASTRAY: (
        CheckOutcome.NOT_A_NODE,
        "{url} sends its visitors on to something that is no node.",
        "If a sign-in page stands before it, have the node's address opened for other nodes.",
    ),
    Finding.REDIRECTED_TWICE: (
        CheckOutcome.NOT_A_NODE,
        "{url} sends on to one more address; a node follows one such step only.",
        "Type the node URL itself, which the other admin's console shows.",
    ),
    Finding.NODE_URL_ASTRAY: (
        CheckOutcome.NOT_A_NODE,
        "The node at {url} names {detail} as its own URL, and so can't be found for certain.",
        _TELL_THE_OTHER_ADMIN,
    ),
    Finding.TWO_NODES: (
        CheckOutcome.NOT_A_NODE,
        "{detail} says that its node is at {url}, but another node, with another key, answers there.",
        _TELL_THE_OTHER_ADMIN,
    ),
    Finding.VERSION: (
        CheckOutcome.VERSION_UNSUPPORTED,
        "{name} at {url} does not speak version {detail} of the protocol, the one that this node speaks.",
        "Bring the older of the two nodes up to date.",
    ),
    Finding.NOT_TAKING: (
        CheckOutcome.NOT_ACCEPTING,
        "{name} at {url} takes no invitations now: {detail}.",
        "Ask its admin to change that, then check again.",
    ),
    Finding.NO_COMMON_MODE: (
        CheckOutcome.NOT_ACCEPTING,
        "{name} at {url} offers no mode that this node offers too.",
        "Bring the older of the two nodes up to date.",
    ),
    Finding.BLOCKED: (
        CheckOutcome.ADDRESS_BLOCKED,
        "{detail}",
        "Use an address that this node may call, or ask whoever runs this node to change its settings.",
    ),
}

REASONS: Final[Mapping[NotTakingReason, str]] = {
    NotTakingReason.SET_UP: "it is still being set up",
    NotTakingReason.SWITCHED_OFF: "they are switched off there",
    NotTakingReason.MAINTENANCE: "it is being maintained",
    NotTakingReason.FULL: "it has no room for more connections",
    NotTakingReason.OTHER: "it does not say why",
}

BY_CAUSE: Final[Mapping[Cause, Finding]] = {
    Cause.UNREACHABLE: Finding.UNREACHABLE,
    Cause.RATE_LIMITED: Finding.UNREACHABLE,
    Cause.TLS_FAILURE: Finding.TLS_FAILURE,
    Cause.NOT_A_NODE: Finding.NO_ANSWER_OF_A_NODE,
    Cause.OTHER_NODE: Finding.NO_ANSWER_OF_A_NODE,
    Cause.ADDRESS_BLOCKED: Finding.BLOCKED,
}
