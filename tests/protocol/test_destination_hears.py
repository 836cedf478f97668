"""What the destination makes of each statement, row by row."""

import pytest
from msgspec.structs import replace

from protocol.limits import CLOCKS_APART_S_MAX, CODE_LIFETIME_S_MAX
from protocol.records import Status, reason_of, status_of
from protocol.vocabulary import Echo, Phase, Reason, Side, Statement
from tests.protocol.transcript import (
    EXPIRY,
    NOW,
    PREVIEW,
    PROOF,
    SERIAL,
    D,
    answered,
    by,
    destination_hears,
    destination_record,
    said,
    side,
)


def test_destination_0_an_answer_that_finds_no_record_is_ignored():
    step = destination_hears(None, by(D, said(Phase.ACTIVE), answer=True))
    assert (step.row, step.record, step.answer) == ("0", None, None)


AHEAD_S_MAX = CODE_LIFETIME_S_MAX + CLOCKS_APART_S_MAX


@pytest.mark.parametrize("now", [EXPIRY - AHEAD_S_MAX, EXPIRY - 1])
def test_destination_1_the_clocks_may_be_a_day_apart(now):
    assert destination_hears(None, by(D, said(Phase.PENDING, details=PREVIEW), allowed=True), now=now).row == "1"


def test_destination_1_an_announcement_is_kept_when_it_may():
    step = destination_hears(None, by(D, said(Phase.PENDING, details=PREVIEW), allowed=True))
    assert step.row == "1"
    assert step.record.mine == Side(1, Phase.ANNOUNCED)
    assert step.record.expires_at == EXPIRY
    assert not step.record.owed
    assert answered(step) == (Phase.ANNOUNCED, None)
    assert step.answer.echo == Echo(1, Phase.PENDING, enabled=False)


@pytest.mark.parametrize(
    ("details", "allowed", "now"),
    [(PREVIEW, False, NOW), (None, True, NOW), (PREVIEW, True, EXPIRY), (PREVIEW, True, EXPIRY - AHEAD_S_MAX - 1)],
    ids=["over the caps", "without a preview", "past its expiry", "too far ahead of this side's clock"],
)
def test_destination_2_an_announcement_that_is_not_kept_is_echoed_all_the_same(details, allowed, now):
    step = destination_hears(None, by(D, said(Phase.PENDING, details=details), allowed=allowed), now=now)
    assert (step.row, step.record) == ("2", None)
    assert answered(step) == (Phase.NONE, None)
    assert step.answer.echo == Echo(1, Phase.PENDING, enabled=False)


@pytest.mark.parametrize("phase", [Phase.AWAITING, Phase.ACTIVE])
def test_destination_3_what_it_does_not_know_is_closed(phase):
    step = destination_hears(None, by(D, said(phase, 2)))
    assert (step.row, step.record, answered(step)) == ("3", None, (Phase.CLOSED, Reason.UNKNOWN))


def test_destination_4_a_closing_leaves_a_tombstone_under_the_caps():
    step = destination_hears(None, by(D, said(Phase.CLOSED, 2), allowed=True))
    assert step.row == "4"
    assert step.record.mine == Side(1, Phase.CLOSED, reason=Reason.BY_PARTNER)
    assert step.record.expires_at == SERIAL + CODE_LIFETIME_S_MAX
    over = destination_hears(None, by(D, said(Phase.CLOSED, 2)))
    assert (over.row, over.record, answered(over)) == ("4a", None, (Phase.CLOSED, Reason.UNKNOWN))


def test_destination_5_an_older_code_was_replaced():
    record = destination_record()
    step = destination_hears(record, by(D, said(Phase.ACTIVE, 2, serial=SERIAL - 1)))
    assert (step.row, step.record, answered(step)) == ("5", record, (Phase.CLOSED, Reason.REPLACED))


@pytest.mark.parametrize(
    ("statement", "allowed", "row", "mine"),
    [
        (said(Phase.PENDING, serial=8, details=PREVIEW), True, "6", Side(1, Phase.ANNOUNCED)),
        (said(Phase.CLOSED, serial=8), False, "6b", Side(1, Phase.CLOSED, reason=Reason.BY_PARTNER)),
        (said(Phase.ACTIVE, serial=8), False, "6c", Side(1, Phase.CLOSED, reason=Reason.RESTORED)),
    ],
)
def test_destination_6_a_newer_code_drops_the_older_attempt(statement, allowed, row, mine):
    step = destination_hears(destination_record(owed=True), by(D, statement, allowed=allowed))
    assert (step.row, step.record.mine, step.record.serial) == (row, mine, 8)
    assert (step.record.owed, step.record.proof) == (False, None)


def test_destination_6a_beyond_the_limits_the_older_attempt_stays():
    record = destination_record(owed=True)
    step = destination_hears(record, by(D, said(Phase.PENDING, serial=8, details=PREVIEW)))
    assert (step.row, step.record, answered(step)) == ("6a", record, (Phase.NONE, None))


def test_destination_7_an_announcement_follows_the_source():
    record = destination_record(Phase.ANNOUNCED, proof=None, theirs=side(Phase.PENDING))
    assert destination_hears(record, by(D, said(Phase.PENDING, 2))).record.theirs.revision == 2
    step = destination_hears(record, by(D, said(Phase.CLOSED, 2)))
    assert (step.row, step.record.mine.phase, step.record.owed) == ("7a", Phase.CLOSED, False)


def test_destination_8_was_restored_and_says_so():
    record = destination_record(Phase.ANNOUNCED, proof=None, theirs=side(Phase.PENDING))
    echo = Echo(4, Phase.ACCEPTED, enabled=True)
    step = destination_hears(record, by(D, said(Phase.ACTIVE, 2, echo=echo)))
    assert step.row == "8"
    assert step.record.mine == Side(5, Phase.CLOSED, reason=Reason.RESTORED)
    assert step.record.owed
    assert answered(step) == (Phase.CLOSED, Reason.RESTORED)


def test_destination_9_learns_that_it_is_active_and_answers_with_its_proof():
    record = destination_record(owed=True)
    echo = record.mine.echo
    step = destination_hears(record, by(D, said(Phase.ACTIVE, 2, echo=echo), answer=True))
    assert (step.row, step.answer) == ("9", None)
    assert status_of(step.record) is Status.ACTIVE
    assert not step.record.owed
    asked = destination_hears(record, by(D, said(Phase.ACTIVE, 2, echo=echo)))
    assert asked.answer.proof == PROOF


def test_destination_10_closes_with_the_reason_of_the_source():
    step = destination_hears(
        destination_record(owed=True),
        by(D, Statement(serial=SERIAL, side=side(Phase.CLOSED, 0, reason=Reason.EXPIRED)), answer=True),
    )
    assert step.row == "10"
    assert step.record.mine.reason is Reason.BY_PARTNER
    assert reason_of(step.record) is Reason.EXPIRED
    assert not step.record.owed


def test_destination_11_a_tombstone_never_comes_back():
    record = destination_record(Phase.CLOSED, 3, owed=True)
    late = destination_hears(record, by(D, said(Phase.ACTIVE, 9)))
    assert (late.row, late.record) == ("11", record)
    echoed = destination_hears(record, by(D, said(Phase.ACTIVE, 9, echo=record.mine.echo)))
    assert not echoed.record.owed
    closed = destination_hears(record, by(D, said(Phase.CLOSED, 9)))
    assert closed.record == replace(record, theirs=side(Phase.CLOSED, 9), owed=False)
