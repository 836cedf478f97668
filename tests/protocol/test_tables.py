"""The tables are total, and changing one is a visible act (golden file)."""

from itertools import product
from pathlib import Path

import pytest

from protocol import tables
from protocol.events import Heard
from protocol.machine import find_act_row, hear
from protocol.modes import Mode
from protocol.records import DestinationRecord, SourceRecord
from protocol.tables import (
    DESTINATION_ACTS,
    DESTINATION_HEARS,
    DESTINATION_STATES,
    SOURCE_ACTS,
    SOURCE_HEARS,
    SOURCE_STATES,
    Act,
    Serial,
    State,
)
from protocol.vocabulary import PHASES_SAID, Phase, Preview, Reason, Role, Side, Statement

GOLDEN = Path(__file__).parent / "golden"

HEARS = {Role.SOURCE: SOURCE_HEARS, Role.DESTINATION: DESTINATION_HEARS}
ACTS = {Role.SOURCE: SOURCE_ACTS, Role.DESTINATION: DESTINATION_ACTS}
STATES = {Role.SOURCE: SOURCE_STATES, Role.DESTINATION: DESTINATION_STATES}


D, E, NOW, SERIAL = b"d" * 32, b"e" * 32, 1_000.0, 7
PREVIEW = Preview("a_to_b", "a", "b", Mode.SCRIPT, None, 2_000)


def side_of(phase: str) -> Side:
    reason = Reason.REMOVED if phase == Phase.CLOSED else None
    return Side(0 if phase == Phase.NONE else 1, Phase(phase), reason=reason)


def source_records():
    """Every source's record that can be: who is known, and whether the code has expired."""
    yield None
    for state in SOURCE_STATES - {State.NO_RECORD}:
        partners = {State.PENDING: (None,), State.CLOSED: (None, D, E)}.get(state, (D, E))
        for partner, addressee, expires_at in product(partners, (None, D, E), (int(NOW), int(NOW) + 1)):
            yield SourceRecord(
                serial=SERIAL,
                mine=side_of(state),
                partner=partner,
                theirs=side_of(Phase.ACCEPTED) if partner else None,
                addressee=addressee,
                expires_at=expires_at,
            )


def destination_records():
    yield None
    for state in DESTINATION_STATES - {State.NO_RECORD}:
        yield DestinationRecord(serial=SERIAL, mine=side_of(state), expires_at=2_000)


def situations(role: Role):
    """Every record × statement × serial relation × condition; the sender is always D."""
    records = source_records() if role is Role.SOURCE else destination_records()
    for record, phase, serial, is_answer, good, preview in product(
        list(records),
        sorted(PHASES_SAID[role.other]),
        (6, 7, 8),
        (False, True),
        (False, True),
        (None, PREVIEW),
    ):
        statement = Statement(serial=serial, side=side_of(phase), details=preview)
        yield (
            record,
            Heard(sender=D, statement=statement, is_answer=is_answer, proof_good=good, announcement_allowed=good),
        )


@pytest.mark.parametrize("role", Role)
def test_every_situation_has_its_row_and_every_row_its_situation(role):
    reached = {hear(role, record, heard, now=NOW).row for record, heard in situations(role)}
    assert reached == {row.number for row in HEARS[role]}


@pytest.mark.parametrize("role", Role)
def test_nothing_closed_comes_back_for_its_serial_whatever_is_heard(role):
    for record, heard in situations(role):
        step = hear(role, record, heard, now=NOW)
        if record is not None and record.mine.phase is Phase.CLOSED and step.record.serial == record.serial:
            assert step.record.mine == record.mine


@pytest.mark.parametrize("role", Role)
def test_every_question_has_an_answer_for_its_serial_and_no_answer_has_one(role):
    for record, heard in situations(role):
        answer = hear(role, record, heard, now=NOW).answer
        assert (answer is None) == heard.is_answer
        assert answer is None or answer.serial == heard.statement.serial


@pytest.mark.parametrize("role", Role)
def test_row_numbers_are_unique(role):
    numbers = [row.number for row in HEARS[role]]
    assert len(numbers) == len(set(numbers))


@pytest.mark.parametrize("role", Role)
def test_an_act_has_one_effect_in_a_state_or_none(role):
    for act, state, serial in product(Act, STATES[role], Serial):
        effects = {row.effect for row in ACTS[role] if row.act is act and state in row.state and serial in row.serial}
        assert len(effects) <= 1
        row = find_act_row(role, act, state, serial, lambda _condition: True)
        assert (row is None) == (not effects)


def words(values) -> str:
    return " | ".join(sorted(str(value.value) for value in values))


def statement_lines(role: Role) -> list[str]:
    return [
        f"{row.number:4}{words(row.state)} ; {words(row.serial)} ; {words(row.phase)} ; "
        f"{', '.join(row.when) or '-'} => {row.effect.value} => {row.answer}"
        for row in HEARS[role]
    ]


def act_lines(role: Role) -> list[str]:
    return [
        f"{row.act:13}{words(row.state)} ; {words(row.serial)} ; {', '.join(row.when) or '-'} => {row.effect.value}"
        for row in ACTS[role]
    ]


def test_the_tables_read_as_in_the_golden_file():
    text = "\n".join(
        line
        for role in Role
        for line in (
            f"# the {role} hears",
            *statement_lines(role),
            f"# the {role} acts",
            *act_lines(role),
        )
    )
    assert text + "\n" == (GOLDEN / "tables.txt").read_text()


def test_the_file_of_the_tables_opens_with_its_rules():
    assert tables.__doc__.startswith("Everything that decides what a connection does is in this file")
