"""The page about encoded queries tells of everything that there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from node.instance.query import dates, limits
from node.instance.query.grammar import ALIASES
from node.instance.query.tree import Operator

PAGE = (Path(__file__).parents[3] / "docs" / "encoded-queries.md").read_text(encoding="utf-8")
WORDS = set(re.findall(r"[A-Z][A-Z_ ]*[A-Z]|[A-Z]+|[<>=!*%]+", PAGE))


@pytest.mark.parametrize("spelling", [*Operator, *ALIASES])
def test_every_operator_is_told_of(spelling):
    assert f"`{spelling}" in PAGE or spelling.removeprefix("RELATIVE") in WORDS or "DYNAMIC" in spelling


@pytest.mark.parametrize("limit", [name for name in vars(limits) if name.endswith("_max")])
def test_every_limit_is_told_of(limit):
    number = getattr(limits, limit)
    assert f"{number:,}" in PAGE or {3: "three"}.get(number, "?") in PAGE


def test_every_unit_is_told_of():
    assert all(f"`{name}`" in PAGE for name in dates.UNITS)
