"""The errors of the protocol, named by blame.

    ProtocolError
    ├── RemoteProtocolError   the other side sent what the protocol does not allow
    │   └── EnvelopeError     an envelope that is refused, with the check that refused it
    ├── CodeError             a text that is not a usable invitation code, with its outcome
    ├── TextError             a name, description or URL that is not taken, whoever gave it
    └── LocalProtocolError    this side asked for what is not possible now

Each text is a sentence that an admin may read: what, where, what to do.
"""

from enum import StrEnum

from protocol.code_outcomes import SENTENCES, TRUNCATED_EARLY, CodeOutcome


class ProtocolError(Exception):
    """What all errors of this package are."""


class RemoteProtocolError(ProtocolError):
    """The other side sent what the protocol does not allow; nothing was changed."""


class Refusal(StrEnum):
    """Which check refused an envelope, in the order of the checks."""

    MALFORMED = "malformed"
    VERSION = "version-unsupported"
    NOT_FOR_ME = "not-for-me"
    REFLECTED = "reflected"
    KIND = "kind-not-allowed"
    NOT_AN_ANSWER = "not-an-answer"
    SIGNATURE = "bad-signature"


class EnvelopeError(RemoteProtocolError):
    """An envelope that is refused: it is no message of this protocol, and no answer either."""

    def __init__(self, refusal: Refusal, sentence: str) -> None:
        super().__init__(sentence)
        self.refusal = refusal


class LocalProtocolError(ProtocolError):
    """This side asked for what the protocol does not allow now; nothing was changed."""


class CodeError(ProtocolError):
    """A text that is not a usable invitation code; nothing of its secret part is in here.

    Attributes:
        outcome: which of the outcomes, each with its own sentence.
        missing_count: how many characters a truncated code lacks; None if that can't be known.
    """

    def __init__(self, outcome: CodeOutcome, *, missing_count: int | None = None) -> None:
        sentence = SENTENCES[outcome]
        if outcome is CodeOutcome.TRUNCATED:
            sentence = TRUNCATED_EARLY if missing_count is None else sentence.format(missing_count=missing_count)
        super().__init__(sentence)
        self.outcome = outcome
        self.missing_count = missing_count

    @property
    def sentence(self) -> str:
        """What happened and what to do, for an admin."""
        return str(self)


class TextError(ProtocolError):
    """A name, description or URL that is not taken.

    Attributes:
        what: which text, in words ("connection name").
        sentence: what is wrong with it, for an admin.
    """

    def __init__(self, what: str, sentence: str) -> None:
        super().__init__(sentence)
        self.what = what
        self.sentence = sentence
