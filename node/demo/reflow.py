"""A line that is too wide, on several: broken between things, then columns, then words; each piece keeps its colour."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from node.demo.narrator import Piece

BETWEEN_PARTS: Final = " " * 6
"""What parts two things that are told on one line; where there is no room, each has its own."""

DEEPER: Final = 2
"""How much further in than the line itself its continuation stands."""

_HEAD: Final = re.compile(r" *(?:\d+  |✓ )?")
"""What a line begins with: blanks, and perhaps the number of a step or a tick, below which nothing stands."""

_WORD: Final = re.compile(r"\S+")

Word = tuple[int, int]
"""Where a word begins and ends."""


def reflowed(pieces: Sequence[Piece], *, columns: int) -> list[list[Piece]]:
    """The lines that these pieces make where a line has that many columns.

    A word that is wider than a whole line stays in one piece.
    """
    text = "".join(piece for piece, _ in pieces)
    if len(text) <= columns:
        return [list(pieces)]
    head = _HEAD.match(text)
    begin = head.end() if head is not None else 0
    indent = begin if text[:begin].strip() else begin + DEEPER
    words = [(found.start(), found.end()) for found in _WORD.finditer(text, begin)]
    first, *others = _broken(words, columns - indent)
    rows = [_cut(pieces, 0, first[-1][1])]
    for line in others:
        start, end = line[0][0], line[-1][1]
        margin = " " * max(0, min(indent, columns - (end - start)))
        rows.append([(margin, pieces[0][1]), *_cut(pieces, start, end)])
    return rows


def _broken(words: Sequence[Word], room: int) -> list[list[Word]]:
    """The words on lines: parts are the first to be broken apart, then columns, then words."""
    if len(words) < 2 or words[-1][1] - words[0][0] <= room:  # noqa: PLR2004 - one word has no gap
        return [list(words)]
    strengths = [_strength(after[0] - before[1]) for before, after in pairwise(words)]
    parts: list[list[Word]] = [[words[0]]]
    for strength, word in zip(strengths, words[1:], strict=True):
        if strength == max(strengths):
            parts.append([word])
        else:
            parts[-1].append(word)
    lines: list[list[Word]] = []
    for part in parts:
        if lines and part[-1][1] - lines[-1][0][0] <= room:
            lines[-1] += part
        else:
            lines += _broken(part, room)
    return lines


def _strength(gap: int) -> int:
    return 3 if gap == len(BETWEEN_PARTS) else min(gap, 2)


def _cut(pieces: Sequence[Piece], begin: int, end: int) -> list[Piece]:
    """The pieces between two places of their common text."""
    cut: list[Piece] = []
    at = 0
    for text, style in pieces:
        part = text[max(0, begin - at) : max(0, end - at)]
        if part:
            cut.append((part, style))
        at += len(text)
    return cut
