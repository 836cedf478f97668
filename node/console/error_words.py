"""What the page Errors says of each failure: what failed, and what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from node.causes import Cause
from protocol.vocabulary import Reason, Role

if TYPE_CHECKING:
    from collections.abc import Mapping

UNREACHED: Final[Mapping[Cause, tuple[str, str]]] = {
    Cause.UNREACHABLE: (
        "{partner} can't be reached",
        "Ask its admin whether the node runs and can be reached there. All is told as soon as it answers.",
    ),
    Cause.TLS_FAILURE: (
        "There is no secure link to {partner}",
        "Have the certificate mended there, or make its issuer known to this node with HANDCLASP_CA_FILE.",
    ),
    Cause.NOT_A_NODE: (
        "What answers at the URL of {partner} is not its node",
        "Ask its admin what stands there now: a sign-in page before a node has to let other nodes through.",
    ),
    Cause.OTHER_NODE: (
        "Another node answers at the URL of {partner}",
        "Tell its admin. If {partner} was set up anew, with another key, remove the connection and make another.",
    ),
    Cause.RATE_LIMITED: (
        "{partner} asks to be left alone for a while",
        "Nothing, if it passes. If it stays so, ask its admin why that node turns calls away.",
    ),
    Cause.ADDRESS_BLOCKED: (
        "This node may not call the address of {partner}",
        "If the address is right, whoever runs this node allows it with HANDCLASP_ALLOW_ADDRESSES.",
    ),
}
"""The title and the remedy for each cause."""

BROKER: Final = (
    "The MQTT broker is not reached",
    "See that the broker runs, and that HANDCLASP_MQTT_URL names it. This node tries again by itself.",
)

_NEW_CODE: Final = "Make a new invitation code, and send it to the other admin."
_INITIATE: Final = "Initiate the connection again."
_ASK: Final = "Ask the other admin for a new invitation code, and accept that."

LOST: Final[Mapping[Role, Mapping[Reason, str]]] = {
    Role.SOURCE: {
        Reason.EXPIRED: _NEW_CODE,
        Reason.RESTORED: _NEW_CODE,
        Reason.USED: _INITIATE,
        Reason.REPLACED: _INITIATE,
        Reason.NOT_FOR_YOU: _INITIATE,
        Reason.BAD_PROOF: _INITIATE,
        Reason.UNKNOWN: _INITIATE,
    },
    Role.DESTINATION: {
        Reason.EXPIRED: _ASK,
        Reason.RESTORED: _ASK,
        Reason.USED: "Ask the other admin who accepted the code. If it was nobody whom they know, they should remove "
        "that connection; then ask for a new code.",
        Reason.REPLACED: "Accept the newer code that the other admin has made.",
        Reason.NOT_FOR_YOU: "Ask the other admin for a code that is made for this instance, by its URL.",
        Reason.BAD_PROOF: _ASK,
        Reason.UNKNOWN: "The other instance has lost the connection. " + _ASK,
    },
}
"""What to do about a connection that closed though nobody decided it."""
