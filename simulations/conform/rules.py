"""The rules that a conformance run tries, each by the name that docs/protocol.md gives it.

Rows of the tables are made of the tables themselves; the others are listed here, with the section that states them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from protocol.code_outcomes import CodeOutcome
from protocol.errors import Refusal
from protocol.tables import DESTINATION_HEARS, SOURCE_HEARS, Act
from protocol.vocabulary import Role

if TYPE_CHECKING:
    from protocol.tables import StatementRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule: its name, the section of docs/protocol.md that states it, and the rule in a sentence."""

    name: str
    section: int
    sentence: str


def row_rule(role: Role, number: str) -> str:
    """The name of the rule that a row of a statement table is."""
    return f"{role} {number}"


def refusal_rule(refusal: Refusal) -> str:
    """The name of the rule that a refused envelope tries."""
    return f"refuses {refusal}"


def code_rule(outcome: CodeOutcome) -> str:
    """The name of the rule that a code that can't be taken tries."""
    return f"code {outcome}"


def act_rule(act: Act) -> str:
    """The name of the rule that an admin's act is told to the partner."""
    return f"act {act}"


NODE_INFO: Final = "node info"
SPEECH: Final = "speech"
ANSWER: Final = "answer"
NOTHING_STORED: Final = "nothing stored"
INFO_FIRST: Final = "node info first"
RETRY: Final = "retry"
RETRY_AT_ONCE: Final = "retry at once"
RETRY_AFTER: Final = "retry after"
TAIL: Final = "ignored tail"
OWED: Final = "owed"
ECHOED: Final = "echoed"
PROOF: Final = "proof"
CODE: Final = "code"
BOUND: Final = "code bound"

_BOTH: Final = {
    NODE_INFO: (5, "Node info is answered at the node URL itself, with all members, and the key in it is acceptable."),
    SPEECH: (6, "What it asks is a sealed statement of its role, of the right kind, and says its present side."),
    ANSWER: (7, "A question is answered with 200, the content type and one envelope that answers it."),
    NOTHING_STORED: (6, "What was refused has changed nothing."),
    "http 404": (7, "Another path is not found."),
    "http 405": (7, "Another method is not allowed."),
    "http 408": (7, "A body that does not come in time is not waited for."),
    "http 411": (7, "A body without Content-Length is not read."),
    "http 413": (7, "A body above MESSAGE_BYTES_MAX is not read."),
    "http 415": (7, "Another content type, or any Content-Encoding, is not taken."),
    INFO_FIRST: (7, "Before the first post, and after a failure, node info at that URL must show the key."),
    RETRY: (7, "What is no answer changes nothing: the statement stays owed and is said again."),
    RETRY_AT_ONCE: (7, "It tries at once when a verified envelope of the partner arrives."),
    RETRY_AFTER: (7, "It waits for as long as Retry-After says."),
    TAIL: (6, "Elements behind the last known one of an array are ignored."),
    OWED: (14, "What is owed is said again until it is echoed as it is."),
    ECHOED: (14, "What was echoed is not said again."),
    "no answer: no link": (7, "A link that breaks is no answer."),
    "no answer: late": (7, "An answer that comes after REQUEST_S_MAX is none."),
    "no answer: status": (7, "A status other than 200 is no answer."),
    "no answer: redirect": (7, "A redirect is not followed."),
    "no answer: content type": (7, "Another content type is no answer."),
    "no answer: garbage": (7, "Bytes that are no envelope are no answer."),
    "no answer: too long": (7, "More than ANSWER_BYTES_MAX bytes are no answer."),
    "no answer: forged": (6, "An answer that the partner did not sign is none."),
    "no answer: other key": (6, "An answer by another key than the one that was asked is none."),
    "no answer: other question": (6, "An answer to another question is none."),
    "no answer: kind": (6, "An answer that is no status is none."),
}  # fmt: skip

_DESTINATION: Final = {
    PROOF: (9, "The proof is by the invitation key, over this code and both keys; it goes with all that is said."),
    BOUND: (8, "A code that is bound to its key is taken."),
}

_SOURCE: Final = {
    CODE: (8, "The code can be read, names the source's key and URL, and lives within the limits."),
    BOUND: (8, "A code for a known destination is bound to the key that its node info showed."),
}

_CODES: Final = {
    CodeOutcome.NOT_A_CODE: "A text without a code is none.",
    CodeOutcome.TRUNCATED: "A code whose end is missing is truncated.",
    CodeOutcome.MISTYPED: "A code with another character is mistyped.",
    CodeOutcome.FORGED: "A code that its source did not sign is forged.",
    CodeOutcome.NEWER_VERSION: "A code of a source that speaks later versions alone is told apart.",
    CodeOutcome.NOT_FOR_YOU: "A code that is bound to another key is not taken.",
    CodeOutcome.ALREADY_ACCEPTED_HERE: "A code is taken once.",
}

_ACTS: Final = {
    Role.SOURCE: (Act.WITHDRAW, Act.APPROVE, Act.REFUSE, Act.DEACTIVATE, Act.ACTIVATE, Act.REMOVE),
    Role.DESTINATION: (Act.DECLINE, Act.DECLINE_CODE, Act.CANCEL, Act.DEACTIVATE, Act.ACTIVATE, Act.REMOVE),
}

UNTRIABLE: Final = {
    row_rule(Role.DESTINATION, "0"): "a destination keeps its tombstones, so nobody can answer a question of none",
    row_rule(Role.DESTINATION, "4"): "whether 4 or 4a is taken is the implementation's choice",
    row_rule(Role.DESTINATION, "4a"): "whether 4 or 4a is taken is the implementation's choice",
    row_rule(Role.SOURCE, "11a"): "row 3a answers every key that could come to it, unless a code was bound anew",
}
"""Rules that a run may not come to, and why."""

_REFUSALS: Final = (
    Refusal.MALFORMED,
    Refusal.VERSION,
    Refusal.REFLECTED,
    Refusal.NOT_FOR_ME,
    Refusal.KIND,
    Refusal.SIGNATURE,
)


def rules_of(role: Role) -> dict[str, Rule]:
    """All rules for an implementation in a role, by name, in the order of the report."""
    listed = _BOTH | (_SOURCE if role is Role.SOURCE else _DESTINATION)
    rules = [Rule(name=name, section=section, sentence=sentence) for name, (section, sentence) in listed.items()]
    rules += [
        Rule(name=refusal_rule(one), section=6, sentence=f"An envelope that is {one} is refused with 400.")
        for one in _REFUSALS
    ]
    table = SOURCE_HEARS if role is Role.SOURCE else DESTINATION_HEARS
    rules += [Rule(name=row_rule(role, row.number), section=11, sentence=_told(row)) for row in table]
    rules += [
        Rule(name=act_rule(act), section=12, sentence=f"The act {act} has its effect, and the partner is told.")
        for act in _ACTS[role]
    ]
    if role is Role.DESTINATION:
        rules += [Rule(name=code_rule(one), section=8, sentence=sentence) for one, sentence in _CODES.items()]
    return {rule.name: rule for rule in rules}


def _told(row: StatementRow) -> str:
    state, serial, phase = (", ".join(sorted(each)) for each in (row.state, row.serial, row.phase))
    when = f" when {'; '.join(row.when)}" if row.when else ""
    return f"[{state}] hears [{phase}] of [{serial}] serial{when}: {row.effect.value}; answers {row.answer}."
