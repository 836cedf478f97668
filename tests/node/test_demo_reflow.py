"""The demo's lines where a terminal is narrow."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.demo.narrator import Style
from node.demo.reflow import BETWEEN_PARTS, reflowed


def lines(*texts, columns):
    rows = reflowed([(text, Style.PLAIN) for text in texts], columns=columns)
    return ["".join(text for text, _ in row) for row in rows]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("    it fits", ["    it fits"]),
        (
            "    a → MQTT  pending · seq 1     nodes/a01e…/connections/10fc…/status",
            ["    a → MQTT  pending · seq 1", "    nodes/a01e…/connections/10fc…/status"],
        ),
        (
            "    a → b     initiate · pending  258 bytes, id 89c1893b",
            ["    a → b     initiate · pending", "      258 bytes, id 89c1893b"],
        ),
        (
            f"    Admin A  a_to_b  Active{BETWEEN_PARTS}Admin B  a_to_b  Active",
            ["    Admin A  a_to_b  Active", "      Admin B  a_to_b  Active"],
        ),
        (
            " 2  Admin A · Connections › Initiate connection › Destination instance URL",
            [" 2  Admin A · Connections › Initiate", "    connection › Destination instance", "    URL"],
        ),
        (
            "  ✓ b checked by its URL: only the key seen there may accept",
            ["  ✓ b checked by its URL: only the key", "    seen there may accept"],
        ),
        (f"  {'x' * 50} y", [f"  {'x' * 50}", "    y"]),
        ("", [""]),
    ],
)
def test_a_line_of_40_columns_breaks_between_things_then_columns_then_words(text, shown):
    assert lines(text, columns=40) == shown


def test_a_piece_keeps_its_colour_on_every_line():
    rows = reflowed([("from here, fingerprint ", Style.PLAIN), ("abcd efgh", Style.A)], columns=30)
    assert rows[0] == [("from here, fingerprint ", Style.PLAIN), ("abcd", Style.A)]
    assert rows[1] == [("  ", Style.PLAIN), ("efgh", Style.A)]


TEXTS = st.lists(st.text("ab1·✓ ", max_size=30), min_size=1, max_size=5)


@given(TEXTS, st.integers(20, 60))
def test_no_word_is_lost_or_broken_and_no_line_is_wider_than_it_must_be(texts, columns):
    shown = lines(*texts, columns=columns)
    assert " ".join(shown).split() == "".join(texts).split()
    for line in shown:
        if len(line) > columns:
            assert len(line.split()) <= 1 or len("".join(texts)) <= columns, line
