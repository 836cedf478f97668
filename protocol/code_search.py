"""Where in a pasted text an invitation code stands, and what of it is there.

People paste whole e-mails. Line breaks, quote marks, blanks, soft hyphens, zero-width characters,
punctuation, mark-up and upper case are seen through: between the prefix and the code's known length all that
is neither letter nor digit is skipped, and the checksum decides. Only when it says no, the layout of the text
is looked at, to tell a code that is cut off before a "Best regards" from one with a wrong character.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field

from protocol.code_format import PREFIX
from protocol.limits import PASTED_CHARACTERS_MAX

# `\W` skips what is neither letter nor digit; each step ends at a letter, so the search stays linear.
_PREFIX = re.compile(r"\W*".join(PREFIX), re.IGNORECASE)
_SKIPPED = re.compile(r"[\W_]+")
_BLOCK = re.compile(r"</?(?:p|div|table|tr|td|li|pre|blockquote|h[1-6])\b[^<>]*>", re.IGNORECASE)
_TAG = re.compile(r"</?[a-z][a-z0-9]*(?:\s[^<>]*)?/?>", re.IGNORECASE)
_QUOTE_MARKS = " \t\u00a0>|"
# Hyphens, invisible characters and soft breaks ("=" ending a line) stand in codes; other marks end them.
_STOP = re.compile("=(?!$)|_|[^\\w=\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff-]")


@dataclass(frozen=True, slots=True)
class Candidate:
    """The text behind one prefix, up to the next; it may hold a code's secret, so it does not show itself."""

    text: str = field(repr=False)

    @property
    def characters(self) -> str:
        """Every letter and digit, in lower case: a code's characters, and whatever stands behind them."""
        return _SKIPPED.sub("", self.text).lower()

    @property
    def visible_count(self) -> int:
        """How many characters look like one code: up to a blank line, a foreign mark or a change of case."""
        count = 0
        cases = {str.lower, str.upper}
        for number, line in enumerate(self.text.splitlines()):
            content = line.lstrip(_QUOTE_MARKS)
            if number and not content:
                return count
            for word in content.split():
                stop = _STOP.search(word)
                run = _SKIPPED.sub("", word[: stop.start()] if stop else word)
                fitting = {case for case in cases if case(run) == run}
                if count and not fitting:
                    return count
                cases = fitting or cases
                count += len(run)
                if stop:
                    return count
        return count


def views(text: str) -> list[str]:
    """The text as it is and, where it may be HTML, without tags and entities."""
    searched = text[:PASTED_CHARACTERS_MAX]
    plain = html.unescape(_TAG.sub("", _BLOCK.sub("\n\n", searched)))
    return [searched] if plain == searched else [searched, plain]


def candidates(text: str) -> list[Candidate]:
    """What stands behind each prefix, in the order of the text."""
    found = list(_PREFIX.finditer(text))
    ends = [*(match.start() for match in found), len(text)][1:]
    return [Candidate(text[match.end() : end]) for match, end in zip(found, ends, strict=True)]
