"""Every attack and abuse case of the protocol has a test of its name."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parent

CASES = (
    "mail-reader-bound", "mail-reader-first", "two-thieves-race", "stolen-seed-other-source", "code-edited",
    "code-re-signed", "code-repointed", "uuid-squat", "reflect", "cross-connection", "cross-kind", "answer-swap",
    "wait-then-activate", "cancel-overtakes", "decline-stranger", "old-serial", "expiry-skew", "portal",
    "forged-refusal", "other-node-at-url", "restore-destination", "restore-source-pending", "unknown-after-restore",
    "small-order-key", "malformed-corpus", "flood-stranger", "replay-all", "revision-max", "move-to-internal",
    "rebinding", "embedded-v4", "allow-list-narrow", "redirect-bomb", "announcement-spam", "secret-leak",
    "stolen-database", "mqtt-forge", "peer-text", "two-consoles",
)  # fmt: skip
"""The names of the protocol's table."""

NEVER_RUN = ("skip", "xfail")


WANTED = re.compile("|".join(case.replace("-", "_") for case in CASES))
"""Stands in a file that is worth reading; to parse all of them would take seconds."""


@cache
def names() -> frozenset[str]:
    """The names of all tests that are run: functions at the top of a test file, without a mark that leaves them out."""
    found = set()
    for path in TESTS.rglob("test_*.py"):
        text = path.read_text(encoding="utf-8")
        for statement in ast.parse(text).body if WANTED.search(text) else ():
            if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
                marks = {ast.unparse(mark).partition("(")[0].rpartition(".")[2] for mark in statement.decorator_list}
                if marks.isdisjoint(NEVER_RUN):
                    found.add(statement.name)
    return frozenset(found)


def found_for(case: str) -> list[str]:
    """The tests that have a case in their name."""
    wanted = case.replace("-", "_")
    return [name for name in names() if name.startswith("test_") and f"_{wanted}_" in f"{name}_"]


@pytest.mark.parametrize("case", CASES)
def test_an_abuse_case_has_a_test_of_its_name(case: str) -> None:
    assert found_for(case)


def test_all_39_abuse_cases_are_counted() -> None:
    assert len(set(CASES)) == len(CASES) == 39
