"""The search of the machine's worlds: what it counts, and that it finds what is broken, by a shortest way."""

from __future__ import annotations

import dataclasses
from functools import cache

import pytest
from msgspec.structs import replace

import protocol.machine
from protocol import merging
from protocol.merging import hear_echo, merged, replace_side, revision_past
from protocol.tables import Act, Effect, Reply, Serial, State
from protocol.vocabulary import Phase, Reason, Side
from simulations.exploring.rules import Bounds
from simulations.exploring.search import Search
from simulations.exploring.story import told

HONEST, BIG = Bounds(codes=1, acts=3), Bounds(codes=2, acts=4)
RESTORED, LIED_TO = Bounds(codes=2, acts=3, restores=1), Bounds(codes=2, acts=3, liars=1)

COUNTS = {
    HONEST: (2_165, 22_115),
    Bounds(codes=2, acts=3): (3_809, 44_989),
    Bounds(codes=1, acts=2, restores=1): (2_935, 26_196),
    Bounds(codes=1, acts=2, liars=1): (792, 34_374),
}
"""States and transitions, as spin counts them (test_exploring_by_spin.py)."""


def explored(bounds: Bounds):
    return Search(bounds).run()


@cache
def explored_once(bounds: Bounds):
    """A big search, for those tests that break nothing."""
    return explored(bounds)


@pytest.mark.parametrize("bounds", COUNTS)
def test_every_world_within_small_bounds_is_met_and_none_breaks_a_property(bounds):
    findings = explored(bounds)
    assert findings.violation is None
    assert findings.complete
    assert (findings.states, findings.transitions) == COUNTS[bounds]


@pytest.mark.slow
@pytest.mark.parametrize("bounds", [BIG, RESTORED, LIED_TO])
def test_no_world_within_bigger_bounds_breaks_a_property(bounds):
    findings = explored_once(bounds)
    assert findings.violation is None
    assert findings.complete


@pytest.mark.slow
def test_the_searches_together_reach_every_row_that_can_be_reached():
    never = {table.table: set(table.never) for table in explored_once(BIG).tables}
    for bounds in (RESTORED, LIED_TO):
        for table in explored_once(bounds).tables:
            never[table.table] &= set(table.never)
    # Row 11a asks for an addressee that is not the partner: rows 3a and 5 let no such partner be.
    assert never.pop("the source hears") == {"11a"}
    assert not any(never.values())


def test_a_search_that_is_stopped_says_so():
    findings = Search(HONEST, states_max=1_000).run()
    assert not findings.complete
    assert findings.violation is None
    assert 1_000 <= findings.states < 2_165


@pytest.mark.parametrize("wrong", [{"codes": 0}, {"codes": 4}, {"acts": 10}, {"restores": 2}, {"liars": -1}])
def test_bounds_have_bounds(wrong):
    with pytest.raises(ValueError, match="it goes from"):
        Bounds(**{"codes": 1, "acts": 1} | wrong)


# It is worth something: a broken table is found


@pytest.fixture
def tables(monkeypatch):
    """Change rows of a table; only the copy that the machine looks into."""

    def change(table, number=None, *, act=None, in_state=None, gone=False, **fields):
        def is_meant(row):
            return row.number == number if act is None else row.act is act and in_state in row.state

        rows = getattr(protocol.machine, table)
        assert any(map(is_meant, rows))
        kept = (row for row in rows if not (gone and is_meant(row)))
        changed = tuple(dataclasses.replace(row, **fields) if is_meant(row) else row for row in kept)
        monkeypatch.setattr(protocol.machine, table, changed)

    return change


SAME_OR_NEWER = frozenset({Serial.SAME, Serial.NEWER})

BROKEN_ROWS = {
    "closed is not final": (
        ("DESTINATION_ACTS", {"act": Act.ACCEPT, "in_state": State.CLOSED, "serial": SAME_OR_NEWER}),
        HONEST,
        "What was closed came back.",
        3,
    ),
    "a cancel that arrives before its accept is ignored": (
        ("SOURCE_HEARS", {"number": "7", "effect": Effect.NOTHING}),
        HONEST,
        "At rest A still owes what nobody will take.",
        2,
    ),
    "a second taker is taken": (
        ("SOURCE_HEARS", {"number": "11", "effect": Effect.TAKE}),
        Bounds(codes=1, acts=4),
        "The partner was exchanged.",
        5,
    ),
    "a closed code is taken": (
        ("SOURCE_HEARS", {"number": "6", "state": frozenset({State.PENDING, State.CLOSED})}),
        HONEST,
        "A code was taken that was no longer offered.",
        4,
    ),
    "expiry is not judged": (
        ("SOURCE_HEARS", {"number": "4", "gone": True}),
        HONEST,
        "A code was taken past its expiry.",
        4,
    ),
    "a bound code is anybody's": (
        ("SOURCE_HEARS", {"number": "5", "gone": True}),
        HONEST,
        "A code was used up by one whom it is not bound to.",
        3,
    ),
    "strangers are let in": (
        ("SOURCE_HEARS", {"number": "3a", "gone": True}),
        HONEST,
        "A stranger was told None.",
        1,
    ),
    "strangers are told what others are": (
        ("SOURCE_HEARS", {"number": "3a", "answer": Reply.MINE}),
        HONEST,
        "A stranger was told None.",
        1,
    ),
    "strangers are told that there is nothing": (
        ("SOURCE_HEARS", {"number": "3a", "answer": Reply.UNKNOWN}),
        HONEST,
        "A stranger was told unknown.",
        1,
    ),
    "no proof is asked for": (
        ("SOURCE_HEARS", {"number": "6", "when": ()}),
        Bounds(codes=1, acts=2, liars=1),
        "A code was used up without a proof of it.",
        2,
    ),
    "the destination stays accepted": (
        ("DESTINATION_HEARS", {"number": "10", "effect": Effect.NOTHING}),
        HONEST,
        "At rest B still owes what nobody will take.",
        2,
    ),
    "the source stays active": (
        ("SOURCE_HEARS", {"number": "12", "effect": Effect.NOTHING}),
        HONEST,
        "At rest A still owes what nobody will take.",
        4,
    ),
    "an announcement is told for ever": (
        ("SOURCE_HEARS", {"number": "9", "effect": Effect.NOTHING}),
        HONEST,
        "At rest the source still owes what nobody will take.",
        1,
    ),
    "a destination that lost its record is not told to close": (
        ("DESTINATION_HEARS", {"number": "3", "answer": Reply.NONE}),
        Bounds(codes=1, acts=2, restores=1),
        "At rest the source is alone in what it takes for a connection.",
        5,
    ),
    "an invitation outlives its connection": (
        ("DESTINATION_HEARS", {"number": "8", "effect": Effect.NOTHING}),
        Bounds(codes=1, acts=2, restores=1),
        "At rest A is invited to what is no longer offered.",
        6,
    ),
}


@pytest.mark.parametrize("name", BROKEN_ROWS)
def test_a_broken_row_is_found_by_a_shortest_way(name, tables):
    (table, change), bounds, sentence, length = BROKEN_ROWS[name]
    tables(table, **change)
    violation = explored(bounds).violation
    assert violation is not None
    assert violation.sentence == sentence
    assert len(violation.path) == length


def test_there_is_no_shorter_way_than_the_one_that_is_told(tables):
    tables("DESTINATION_ACTS", act=Act.ACCEPT, in_state=State.CLOSED, serial=SAME_OR_NEWER)
    assert len(explored(HONEST).violation.path) == 3
    assert explored(Bounds(codes=1, acts=2)).violation is None


def adopt_the_claim(record, statement):
    heard = hear_echo(record, statement)
    if heard.mine.revision == record.mine.revision:
        return heard
    reason = Reason.BY_PARTNER if statement.echo.phase is Phase.CLOSED else None
    return replace(heard, mine=Side(heard.mine.revision, statement.echo.phase, statement.echo.enabled, reason))


def compare_revisions_only(record, statement):
    heard = hear_echo(record, statement)
    is_equal = statement.echo is not None and statement.echo.revision == record.mine.revision
    return replace(record, owed=False) if is_equal else heard


def clear_what_is_owed(record, statement):
    return replace(hear_echo(record, statement), owed=False)


def never_jump(record, statement):
    heard = hear_echo(record, statement)
    return heard if heard.mine == record.mine else record


def jump_for_ever(record, statement):
    return replace(record, mine=replace_side(record.mine, revision=revision_past(record, statement)), owed=True)


RESTORED_ONCE = Bounds(codes=1, acts=4, restores=1)

BROKEN_RULES = {
    clear_what_is_owed: (HONEST, "A owes nothing any more, unheard.", 3),
    jump_for_ever: (HONEST, "Two nodes go on and on answering each other.", 2),
    never_jump: (RESTORED_ONCE, "At rest the source and A do not hold the same.", 7),
    adopt_the_claim: (RESTORED_ONCE, "The source became active without its admin's approval.", 8),
    compare_revisions_only: (RESTORED_ONCE, "At rest the source and A do not hold the same.", 9),
}


@pytest.mark.parametrize(
    "rule",
    [
        pytest.param(rule, marks=pytest.mark.slow if bounds.restores else ())
        for rule, (bounds, _, _) in BROKEN_RULES.items()
    ],
)
def test_a_broken_rule_of_the_echo_is_found_by_a_shortest_way(rule, monkeypatch):
    bounds, sentence, length = BROKEN_RULES[rule]
    for role in (protocol.source, protocol.destination):
        monkeypatch.setattr(role, "hear_echo", rule)
    violation = explored(bounds).violation
    assert violation is not None
    assert (violation.sentence, len(violation.path)) == (sentence, length)


def take_any_other_revision(theirs, said):
    if theirs is not None and Phase.CLOSED not in {theirs.phase, said.phase} and said.revision != theirs.revision:
        return said
    return merged(theirs, said)


def overwrite_closed(theirs, said):
    return said if theirs is None or said.phase is Phase.CLOSED or said.revision > theirs.revision else theirs


@pytest.mark.parametrize(
    ("rule", "sentence"),
    [
        (take_any_other_revision, "An older word of the partner was taken for a newer one."),
        (overwrite_closed, "The partner's closed was overwritten."),
    ],
)
def test_a_broken_merge_is_found(rule, sentence, monkeypatch):
    for module in (merging, protocol.source, protocol.destination):
        monkeypatch.setattr(module, "merged", rule)
    assert explored(Bounds(codes=1, acts=4)).violation.sentence == sentence


def test_serials_that_are_not_compared_are_found(monkeypatch):
    monkeypatch.setattr(protocol.machine, "serial_relation", lambda _serial, _record: Serial.SAME)
    assert explored(Bounds(codes=2, acts=3)).violation.sentence == "A stranger was told bad-proof."


def test_the_way_is_told_as_a_story(monkeypatch):
    monkeypatch.setattr(protocol.machine, "serial_relation", lambda _serial, _record: Serial.SAME)
    monkeypatch.setattr("simulations.exploring.search.broken_by_stranger", lambda _source: None)  # it is a short story
    assert "\n".join(told(explored(Bounds(codes=2, acts=3)).violation)) == STORY


STORY = """\
  1  The source's admin initiates: code 1, for whoever has it.
     The source is now pending 1 for code 1, holding nothing.
  2  The source's admin makes a new code: code 2, for whoever has it.
     The source is now pending 1 for code 2, holding nothing.
  3  A's admin accepts code 1.
     A is now accepted 1 for code 1, holding nothing, owing its word.
     Then all faults stop, and the nodes go on by themselves:
  4  The source hears the word of A: "code 1: accepted 1, with proof" (row 6); it answers "code 2: active 2, holding \
accepted 1".
  5  A hears the answer of the source: "code 2: active 2, holding accepted 1" (row 9).
     At rest A is connected to a source that stands for another."""
