"""What happens to codes on their way from one person to another, and what a node must say of the result."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from hypothesis import strategies as st

from protocol.code_outcomes import CodeOutcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from hypothesis.strategies import DrawFn, SearchStrategy

    from simulations.admins import Code

PREFIX: Final = "handclasp_"
HEAD_CHARACTERS: Final = len(PREFIX) + 8
ALPHABET: Final = "abcdefghijklmnopqrstuvwxyz234567"
MARKS: Final = " \t\r\n>|\u00a0\u00ad\u200b\u200d\u2060\ufeff*`\"'"

_MAILS: Final = (
    "{}",
    "  {}\n",
    "“{}”",
    "<{}>",
    "**{}**",
    "```\n{}\n```",
    "Dear Mr 2,\n\nhere is the code:\n\n{}\n\nBest regards,\nAnn 5\n",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Damaged:
    """A text that was a code once.

    Attributes:
        text: what is pasted.
        outcome: what a node must say of it: `mistyped`, `truncated` or `not-a-code`; none: it must read the code all
            the same, for this is what mail programs and markup do.
        missing_count: of a truncated one: how many characters are missing; none: that can't be known.
    """

    text: str
    outcome: str | None
    missing_count: int | None = None


def damaged(code: str | Code) -> SearchStrategy[Damaged]:
    """What becomes of a code: it is wrapped, quoted, mistyped in one place, or cut; with what must be said of it.

    Args:
        code: a whole one.
    """
    text = code if isinstance(code, str) else code.text
    return st.one_of(_forgiven(text), _marked(text), _mistyped(text), _cut(text), _without_beginning(text))


@st.composite
def _forgiven(draw: DrawFn, code: str) -> Damaged:
    return Damaged(text=draw(_mailed())(draw(st.sampled_from((code, code.upper())))), outcome=None)


@st.composite
def _marked(draw: DrawFn, code: str) -> Damaged:
    marks = draw(st.lists(st.tuples(st.integers(0, len(code)), st.text(MARKS, max_size=3)), max_size=20))
    text = code
    for position, mark in sorted(marks, reverse=True):
        text = text[:position] + mark + text[position:]
    return Damaged(text=text, outcome=None)


@st.composite
def _mistyped(draw: DrawFn, code: str) -> Damaged:
    place = draw(st.integers(len(PREFIX), len(code) - 2))
    other = draw(st.sampled_from([one for one in ALPHABET if one != code[place]]))
    changes = [code[:place] + other + code[place + 1 :], code[:place] + other + code[place:]]
    if code[place] != code[place + 1]:
        changes.append(code[:place] + code[place + 1] + code[place] + code[place + 2 :])
    return Damaged(text=draw(_mailed())(draw(st.sampled_from(changes))), outcome=CodeOutcome.MISTYPED.value)


@st.composite
def _cut(draw: DrawFn, code: str) -> Damaged:
    length = draw(st.integers(HEAD_CHARACTERS, len(code) - 1))
    text = draw(_mailed())(code[:length])
    return Damaged(text=text, outcome=CodeOutcome.TRUNCATED.value, missing_count=len(code) - length)


@st.composite
def _without_beginning(draw: DrawFn, code: str) -> Damaged:
    return Damaged(text=code[draw(st.integers(1, len(code))) :], outcome=CodeOutcome.NOT_A_CODE.value)


@st.composite
def _mailed(draw: DrawFn) -> Callable[[str], str]:
    """As a mail program shows it: wrapped, with a mark at the beginning of each line, in some text."""
    width, mark, mail = (
        draw(st.integers(20, 76)),
        draw(st.sampled_from(("", "> ", "| "))),
        draw(st.sampled_from(_MAILS)),
    )
    is_wrapped = draw(st.booleans())

    def mailed(code: str) -> str:
        lines = textwrap.wrap(code, width, break_long_words=True) if is_wrapped else [code]
        return mail.format("\n".join(mark + line for line in lines) if is_wrapped else code)

    return mailed
