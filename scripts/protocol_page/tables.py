"""The four tables as Markdown, and the exact meaning of each of their words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from protocol.tables import (
    DESTINATION_ACTS,
    DESTINATION_HEARS,
    DESTINATION_STATES,
    SOURCE_ACTS,
    SOURCE_HEARS,
    SOURCE_STATES,
    Condition,
    Effect,
    Reply,
    Serial,
)
from protocol.vocabulary import PHASES_SAID, Role

if TYPE_CHECKING:
    from collections.abc import Iterable
    from enum import Enum

_HEARS = {Role.SOURCE: SOURCE_HEARS, Role.DESTINATION: DESTINATION_HEARS}
_ACTS = {Role.SOURCE: SOURCE_ACTS, Role.DESTINATION: DESTINATION_ACTS}
_STATES = {Role.SOURCE: SOURCE_STATES, Role.DESTINATION: DESTINATION_STATES}

CONDITIONS: Final = {
    Condition.ANSWER: "`in_reply_to` is set: this is the answer to a question of mine.",
    Condition.STRANGER: "the sender's key is neither `partner` nor `addressee`, and its proof is not good.",
    Condition.EXPIRED: "now ≥ `expires_at`, by the source's own clock.",
    Condition.OTHER_ADDRESSEE: "`addressee` is set and is not the sender's key.",
    Condition.PROOF_GOOD: "the statement carries a proof that is good for this record and this sender.",
    Condition.PROOF_GOOD_OR_ADDRESSEE: "the proof is good, or the sender's key is `addressee`.",
    Condition.NO_PARTNER: "`partner` is not set.",
    Condition.OTHER_PARTNER: "`partner` is not the sender's key.",
    Condition.ANNOUNCEABLE: (
        "it is a question, its details are a preview, now < `expires_at` ≤ now + 31 days "
        "(`CODE_LIFETIME_S_MAX` + `CLOCKS_APART_S_MAX`), and the caps of announcements admit one more."
    ),
    Condition.QUESTION_UNDER_CAPS: "it is a question, and the caps of announcements admit one more.",
    Condition.ACCEPTING: "`theirs` is not set, or its phase is `pending`.",
    Condition.NOT_YET_ACTIVE: "the phase of `theirs` is not `active` (or it is not set).",
    Condition.BOTH_ACTIVE: "the phase of `theirs` is `active`.",
    Condition.PARTNER_ACCEPTED: "the phase of `theirs` is `accepted`.",
    Condition.REISSUABLE: "`partner` is not set, and the reason of `mine` is `expired` or `restored`.",
    Condition.NOT_REMOVED: "`hidden` is no.",
}

EFFECTS: Final = {
    Effect.NOTHING: "The record stays as it is.",
    Effect.EXPIRE: "*Close* with `expired`; `owed` := whether `addressee` is set.",
    Effect.TAKE: (
        "In one write: `partner` := sender; `theirs` := what it says of itself; `mine` := (*revision past the echo*, "
        "`awaiting` if `ask_me` else `active`, switch on); `owed` := no; the details are kept."
    ),
    Effect.TAKE_CLOSED: (
        "`partner` := sender; `theirs` := what it says of itself; *close* with `by-partner`; `owed` := no."
    ),
    Effect.SETTLE_ANNOUNCED: (
        "If the sender is `addressee` and its echo equals `mine`: `owed` := no. Neither *merge* nor *compare the echo*."
    ),
    Effect.SETTLE_UNTAKEN: "If the sender is `addressee`: *settle*. Otherwise nothing.",
    Effect.NOTICE: "The record stays as it is; the admin is told that another key holds a valid code.",
    Effect.ECHO: "*Compare the echo*; no *merge*.",
    Effect.ANNOUNCE: (
        "A new record takes the place of the old one, if any: the statement's serial, `mine` := (1, `announced`, off), "
        "`theirs` := what it says of itself, `owed` := no, no proof, `expires_at` of the preview."
    ),
    Effect.ENTOMB: (
        "A new record takes the place of the old one, if any: the statement's serial, "
        "`mine` := (1, `closed`, off, `by-partner`), `theirs` := what it says of itself, `owed` := no, no proof, "
        "`expires_at` := serial + `CODE_LIFETIME_S_MAX` (nobody told it); "
        "`hidden` := yes, unless it takes the place of a record that was not hidden."
    ),
    Effect.ENTOMB_RESTORED: "As the row above, with the reason `restored`.",
    Effect.MERGE: "*Merge*. The echo is not looked at.",
    Effect.CLOSE_RESTORED: (
        "*Merge*; `mine` := (*revision past the echo*, `closed`, off, `restored`); `owed` := **yes**: "
        "the one change made by a statement that is owed."
    ),
    Effect.MERGE_ECHO: "*Merge*, then *compare the echo*. At the source the details are kept, whatever the revision.",
    Effect.CLOSE_BY_PARTNER: "*Merge*; *close* with `by-partner`; `owed` := no.",
    Effect.SETTLE: "If the statement says `closed`: *merge*. Then *settle*.",
    Effect.INITIATE: (
        "A new record: the new code's serial and expiry, `mine` := (1, `pending`, off), `theirs` and `partner` not "
        "set, `owed` := whether `addressee` is set."
    ),
    Effect.REISSUE: "As `initiate`, in place of the old record, with a higher serial; `addressee`, `ask_me` stay.",
    Effect.WITHDRAW: "*Close* with `withdrawn`; `owed` := whether `addressee` is set.",
    Effect.EXPIRE_NOW: "*Close* with `expired`; `owed` := whether `addressee` is set.",
    Effect.RESTORE: "*Close* with `restored`; `owed` := whether `addressee` is set.",
    Effect.APPROVE: "`mine` := (revision + 1, `active`, switch as it is); `owed` := yes.",
    Effect.REFUSE: "*Close* with `refused`; `owed` := yes.",
    Effect.SWITCH_ON: "If the switch is off: on, revision + 1, `owed` := yes. Otherwise nothing.",
    Effect.SWITCH_OFF: "If the switch is on: off, revision + 1, `owed` := yes. Otherwise nothing.",
    Effect.REMOVE: "*Close* with `removed`; `owed` := yes.",
    Effect.HIDE: "`hidden` := yes. Nothing else: what is owed stays owed, and the tombstone answers.",
    Effect.FORGET_RECORD: "The record is deleted.",
    Effect.FORGET_OWED: "`owed` := no. The record stays for good.",
    Effect.ACCEPT: (
        "A new record takes the place of the old one, if any: the code's serial and expiry, "
        "`mine` := (1, `accepted`, on), `theirs` not set, the proof; `owed` := yes."
    ),
    Effect.DECLINE: "*Close* with `declined`; `owed` := yes.",
    Effect.DECLINE_CODE: (
        "A new record takes the place of the old one, if any: the code's serial and expiry, "
        "`mine` := (1, `closed`, off, `declined`), `theirs` not set, the proof; `owed` := yes."
    ),
    Effect.CANCEL: "*Close* with `cancelled`; the proof stays; `owed` := yes.",
}

REPLIES: Final = {
    Reply.MINE: "my present statement, from the record as it is after the effect.",
    Reply.SILENCE: "nothing: only an answer gets here, and an answer is not answered.",
    Reply.NONE: (
        "`none` with revision 0 for the serial asked; its echo is (revision, phase, switch) of what was said. "
        "Nothing of a record of mine is in it."
    ),
    Reply.UNKNOWN: "a *computed* `closed` with the reason `unknown`.",
    Reply.REPLACED: "a *computed* `closed` with the reason `replaced`.",
    Reply.BAD_PROOF: "a *computed* `closed` with the reason `bad-proof`.",
    Reply.NOT_FOR_YOU: "a *computed* `closed` with the reason `not-for-you`.",
    Reply.USED: "a *computed* `closed` with the reason `used`.",
}


def statement_table(role: Role) -> str:
    """What a statement does to the record of that role."""
    lines = ["| # | my state | serial | it says | when | effect | answer |", "| --- " * 7 + "|"]
    lines += [
        f"| {row.number} | {_words(row.state, _STATES[role])} | {_words(row.serial, Serial)} "
        f"| {_words(row.phase, PHASES_SAID[role.other])} | {_all(row.when)} | {_cell(row.effect.value)} "
        f"| {_cell(row.answer.value)} |"
        for row in _HEARS[role]
    ]
    return "\n".join(lines)


def act_table(role: Role) -> str:
    """What an admin, a timer or a restore does to it."""
    lines = ["| act | my state | code's serial | when | effect |", "| --- " * 5 + "|"]
    lines += [
        f"| {row.act.value} | {_words(row.state, _STATES[role])} | {_words(row.serial, Serial)} "
        f"| {_all(row.when)} | {_cell(row.effect.value)} |"
        for row in _ACTS[role]
    ]
    return "\n".join(lines)


def conditions() -> str:
    """Each condition and what it looks at."""
    return _glossary((condition.value, CONDITIONS[condition]) for condition in Condition)


def effects() -> str:
    """Each effect and what it writes."""
    return _glossary((effect.value, EFFECTS[effect]) for effect in Effect)


def replies() -> str:
    """Each answer and what is in it."""
    return _glossary((reply.value, REPLIES[reply]) for reply in Reply)


def _glossary(pairs: Iterable[tuple[str, str]]) -> str:
    lines = ["| in the tables | means |", "| --- | --- |"]
    return "\n".join([*lines, *(f"| {_cell(word)} | {meaning} |" for word, meaning in pairs)])


def _words(values: frozenset[Enum] | Iterable[Enum], every: Iterable[Enum]) -> str:
    chosen = set(values)
    if chosen >= set(every):
        return "any"
    order = list(type(next(iter(chosen))))
    return ", ".join(str(value.value) for value in sorted(chosen, key=order.index))


def _all(when: tuple[Condition, ...]) -> str:
    return "; ".join(_cell(condition.value) for condition in when) or "–"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
