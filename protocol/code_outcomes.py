"""What can be wrong with an invitation code, and the sentence that an admin reads about it.

The first six are found by reading the text, the next two by the node that reads it,
and the last five are told by the source. One outcome, one sentence.
"""

from enum import StrEnum
from typing import Final


class CodeOutcome(StrEnum):
    """Why a code can't be used."""

    NOT_A_CODE = "not-a-code"
    SEVERAL_CODES = "several-codes"
    NEWER_VERSION = "newer-version"
    TRUNCATED = "truncated"
    MISTYPED = "mistyped"
    FORGED = "forged"
    OWN = "own"
    ALREADY_ACCEPTED_HERE = "already-accepted-here"
    USED = "used"
    REPLACED = "replaced"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    NOT_FOR_YOU = "not-for-you"


UNREADABLE: Final = frozenset(
    {
        CodeOutcome.NOT_A_CODE,
        CodeOutcome.SEVERAL_CODES,
        CodeOutcome.NEWER_VERSION,
        CodeOutcome.TRUNCATED,
        CodeOutcome.MISTYPED,
        CodeOutcome.FORGED,
    }
)
"""What is wrong with the text itself, whoever reads it."""

SENTENCES: Final[dict[CodeOutcome, str]] = {
    CodeOutcome.NOT_A_CODE: (
        'There is no invitation code in this text. A code begins with "handclasp_"; paste the whole of it.'
    ),
    CodeOutcome.SEVERAL_CODES: (
        "This text holds more than one invitation code. Paste only the one that you want to accept."
    ),
    CodeOutcome.NEWER_VERSION: (
        "This invitation code was made by a newer version of Handclasp. Upgrade this node, then paste it again."
    ),
    CodeOutcome.TRUNCATED: (
        "This invitation code is incomplete: characters are missing ({missing_count}). "
        'Copy it again, from "handclasp_" to its very end.'
    ),
    CodeOutcome.MISTYPED: (
        "This invitation code has been changed on its way: at least one character is wrong. "
        "Copy it again rather than typing it."
    ),
    CodeOutcome.FORGED: (
        "This invitation code is not genuine: the node that it names did not make it as it stands here. "
        "Do not use it; ask the admin of the source, by another way, for a new one."
    ),
    CodeOutcome.OWN: (
        "This node made this invitation code itself. It is for the admin of the other instance: send it there."
    ),
    CodeOutcome.ALREADY_ACCEPTED_HERE: (
        "This invitation code was already accepted on this node. Look for its connection in the list."
    ),
    CodeOutcome.USED: (
        "Another node has used this invitation code, and each works only once. "
        "Ask the admin of the source for a new one, and tell them if nobody else should have had it."
    ),
    CodeOutcome.REPLACED: (
        "The source has replaced this invitation code with a newer one. Ask its admin for the newest code."
    ),
    CodeOutcome.WITHDRAWN: (
        "The admin of the source has withdrawn this invitation code. Ask them for a new one if it is still wanted."
    ),
    CodeOutcome.EXPIRED: "This invitation code has expired. Ask the admin of the source for a new one.",
    CodeOutcome.NOT_FOR_YOU: (
        "This invitation code was made for another node. "
        "Accept it there, or ask the admin of the source for one made for this node."
    ),
}

TRUNCATED_EARLY: Final = (
    "This invitation code is incomplete: only its beginning is here, too little to tell how much is missing. "
    'Copy it again, from "handclasp_" to its very end.'
)
"""Of a code that is cut so early that its length is not known."""
