"""What the source makes of each statement, row by row."""

import pytest
from msgspec.structs import replace

from protocol.limits import JUMP_LIMIT
from protocol.machine import Notice
from protocol.records import Status, reason_of, speak, status_of
from protocol.vocabulary import Echo, Phase, Reason, Side
from tests.protocol.transcript import (
    DETAILS,
    EXPIRY,
    SERIAL,
    D,
    E,
    answered,
    by,
    said,
    side,
    source_hears,
    source_record,
)


def test_source_0_an_answer_that_finds_no_record_is_ignored():
    step = source_hears(None, by(D, said(Phase.ACCEPTED), answer=True))
    assert (step.row, step.record, step.answer) == ("0", None, None)


def test_source_1_without_a_record_everything_is_unknown():
    step = source_hears(None, by(D, said(Phase.ACCEPTED)))
    assert (step.row, answered(step)) == ("1", (Phase.CLOSED, Reason.UNKNOWN))
    assert step.answer.side.revision == 0
    assert step.answer.echo is None


def test_source_2_an_older_code_was_replaced():
    step = source_hears(source_record(), by(D, said(Phase.ACCEPTED, serial=SERIAL - 1), proof=True))
    assert (step.row, answered(step)) == ("2", (Phase.CLOSED, Reason.REPLACED))
    assert step.answer.serial == SERIAL - 1


def test_source_3_a_newer_code_is_unknown():
    step = source_hears(source_record(), by(D, said(Phase.ACCEPTED, serial=SERIAL + 1), proof=True))
    assert (step.row, answered(step)) == ("3", (Phase.CLOSED, Reason.UNKNOWN))


@pytest.mark.parametrize("phase", [Phase.PENDING, Phase.AWAITING, Phase.ACTIVE, Phase.CLOSED])
@pytest.mark.parametrize("word", [Phase.NONE, Phase.ANNOUNCED, Phase.ACCEPTED, Phase.CLOSED])
def test_source_3a_a_stranger_without_a_good_proof_changes_and_learns_nothing(phase, word):
    record = source_record(phase)
    step = source_hears(record, by(E, said(word, revision=0 if word is Phase.NONE else 1)), now=EXPIRY + 1)
    assert (step.row, step.record) == ("3a", record)
    assert answered(step) == (Phase.CLOSED, Reason.BAD_PROOF)


@pytest.mark.parametrize("addressee", [None, D])
def test_source_4_a_code_past_its_expiry_is_closed_before_it_is_said(addressee):
    step = source_hears(source_record(addressee=addressee), by(D, said(Phase.ACCEPTED), proof=True), now=EXPIRY)
    assert step.row == "4"
    assert step.record.mine == Side(2, Phase.CLOSED, reason=Reason.EXPIRED)
    assert step.record.owed == (addressee is not None)
    assert answered(step) == (Phase.CLOSED, Reason.EXPIRED)


def test_source_5_a_code_bound_to_another_key_is_not_for_you():
    record = source_record(addressee=D)
    step = source_hears(record, by(E, said(Phase.ACCEPTED), proof=True))
    assert (step.row, step.record, answered(step)) == ("5", record, (Phase.CLOSED, Reason.NOT_FOR_YOU))


@pytest.mark.parametrize(("ask_me", "phase"), [(False, Phase.ACTIVE), (True, Phase.AWAITING)])
def test_source_6_a_good_proof_makes_its_sender_the_partner(ask_me, phase):
    step = source_hears(
        source_record(ask_me=ask_me, owed=True),
        by(D, said(Phase.ACCEPTED, 3, details=DETAILS), proof=True),
    )
    assert step.row == "6"
    assert step.record.partner == D
    assert step.record.theirs == side(Phase.ACCEPTED, 3)
    assert step.record.mine == Side(2, phase, enabled=True)
    assert not step.record.owed
    assert step.details == DETAILS
    assert step.answer == speak(step.record)
    assert step.answer.echo == Echo(3, Phase.ACCEPTED, enabled=True)


def test_source_6_jumps_past_what_the_destination_heard_of_it():
    echo = Echo(9, Phase.ACTIVE, enabled=True)
    step = source_hears(source_record(), by(D, said(Phase.ACCEPTED, echo=echo), proof=True))
    assert step.record.mine.revision == 10


def test_source_6_fires_on_an_answer_too_and_then_says_nothing():
    step = source_hears(
        source_record(addressee=D), by(D, said(Phase.ACCEPTED, details=DETAILS), answer=True, proof=True)
    )
    assert (step.row, step.record.partner, step.answer, step.details) == ("6", D, None, DETAILS)


@pytest.mark.parametrize(("proof", "addressee"), [(True, None), (False, D)])
def test_source_7_a_cancel_that_overtakes_its_accept_uses_the_code_up(proof, addressee):
    step = source_hears(source_record(addressee=addressee), by(D, said(Phase.CLOSED, 2), proof=proof))
    assert step.row == "7"
    assert step.record.partner == D
    assert step.record.mine == Side(2, Phase.CLOSED, reason=Reason.BY_PARTNER)
    assert reason_of(step.record) is Reason.REMOVED
    assert answered(step) == (Phase.CLOSED, Reason.BY_PARTNER)


def test_source_8_the_addressee_needs_a_good_proof_to_accept():
    record = source_record(addressee=D)
    step = source_hears(record, by(D, said(Phase.ACCEPTED)))
    assert (step.row, step.record, answered(step)) == ("8", record, (Phase.CLOSED, Reason.BAD_PROOF))


@pytest.mark.parametrize(
    ("addressee", "echo", "owed"),
    [
        (D, Echo(1, Phase.PENDING, enabled=False), False),
        (D, None, True),
        (D, Echo(5, Phase.PENDING, enabled=False), True),
        (None, Echo(1, Phase.PENDING, enabled=False), True),
    ],
)
def test_source_9_an_announcement_is_settled_by_its_echo_from_the_addressee_only(addressee, echo, owed):
    record = source_record(addressee=addressee, owed=True)
    step = source_hears(record, by(D, said(Phase.ANNOUNCED, echo=echo), proof=True))
    assert step.row == "9"
    assert step.record == replace(record, owed=owed)
    assert answered(step) == (Phase.PENDING, None)


def test_source_10_a_closed_code_that_nobody_took_tells_its_reason():
    record = source_record(Phase.CLOSED, 2, mine=side(Phase.CLOSED, 2, reason=Reason.WITHDRAWN))
    step = source_hears(record, by(D, said(Phase.ACCEPTED), proof=True))
    assert (step.row, step.record, answered(step)) == ("10", record, (Phase.CLOSED, Reason.WITHDRAWN))


def test_source_10a_and_is_not_for_another_key_than_its_addressee():
    record = source_record(Phase.CLOSED, 2, addressee=D)
    step = source_hears(record, by(E, said(Phase.ACCEPTED), proof=True))
    assert (step.row, step.record, answered(step)) == ("10a", record, (Phase.CLOSED, Reason.NOT_FOR_YOU))


@pytest.mark.parametrize(
    ("statement", "owed"),
    [
        (said(Phase.CLOSED), False),
        (said(Phase.ANNOUNCED, echo=Echo(2, Phase.CLOSED, enabled=False)), False),
        (said(Phase.ANNOUNCED, echo=Echo(1, Phase.PENDING, enabled=False)), True),
    ],
)
def test_source_10_its_closing_is_owed_to_the_addressee_until_that_is_closed_too(statement, owed):
    record = source_record(Phase.CLOSED, 2, addressee=D, owed=True)
    assert source_hears(record, by(D, statement)).record == replace(record, owed=owed)


@pytest.mark.parametrize("phase", [Phase.AWAITING, Phase.ACTIVE, Phase.CLOSED])
def test_source_11_a_second_holder_is_told_used_and_the_admin_is_told_of_it(phase):
    record = source_record(phase, partner=D, theirs=side(Phase.ACCEPTED))
    step = source_hears(record, by(E, said(Phase.ACCEPTED), proof=True))
    assert (step.row, step.record, answered(step)) == ("11", record, (Phase.CLOSED, Reason.USED))
    assert step.notice is Notice.OTHER_HOLDER


def test_source_11a_an_addressee_that_is_not_the_partner_is_told_used():
    record = source_record(Phase.ACTIVE, partner=D, addressee=E)
    step = source_hears(record, by(E, said(Phase.ANNOUNCED)))
    assert (step.row, step.record, step.notice) == ("11a", record, None)
    assert answered(step) == (Phase.CLOSED, Reason.USED)


@pytest.mark.parametrize("phase", [Phase.AWAITING, Phase.ACTIVE])
def test_source_12_closes_when_its_partner_is_closed(phase):
    step = source_hears(source_record(phase, 2, owed=True), by(D, said(Phase.CLOSED, 5)))
    assert step.row == "12"
    assert step.record.mine == Side(3, Phase.CLOSED, reason=Reason.BY_PARTNER)
    assert step.record.theirs.revision == 5
    assert not step.record.owed


def test_source_13_merges_a_higher_revision_and_takes_details_with_any():
    record = source_record(Phase.ACTIVE, theirs=side(Phase.ACCEPTED, 3))
    newer = source_hears(record, by(D, said(Phase.ACCEPTED, 4, enabled=False)))
    assert newer.row == "13"
    assert status_of(newer.record) is Status.DEACTIVATED_THERE
    older = source_hears(record, by(D, said(Phase.ACCEPTED, 2, enabled=False, details=DETAILS)))
    assert older.record == record
    assert older.details == DETAILS


def test_source_13_its_word_is_no_longer_owed_once_it_is_echoed_exactly():
    record = source_record(Phase.ACTIVE, 4, owed=True)
    wrong_switch = Echo(4, Phase.ACTIVE, enabled=False)
    lower = Echo(3, Phase.ACTIVE, enabled=True)
    assert source_hears(record, by(D, said(Phase.ACCEPTED, echo=lower))).record.owed
    assert source_hears(record, by(D, said(Phase.ACCEPTED, echo=wrong_switch))).record.mine.revision == 5
    step = source_hears(record, by(D, said(Phase.ACCEPTED, echo=record.mine.echo)))
    assert step.record == replace(record, owed=False)


def test_source_13_jumps_past_a_higher_echo_and_owes_it_since_its_data_are_older():
    step = source_hears(
        source_record(Phase.ACTIVE, 2), by(D, said(Phase.ACCEPTED, echo=Echo(6, Phase.ACTIVE, enabled=False)))
    )
    assert step.record.mine == Side(7, Phase.ACTIVE, enabled=True)
    assert step.record.owed
    assert step.notice is Notice.OLDER_DATA


def test_source_13_no_partner_can_push_a_revision_to_the_end_of_the_counter():
    record = source_record(Phase.ACTIVE, 2)
    echo = Echo(JUMP_LIMIT, Phase.ACTIVE, enabled=True)
    assert source_hears(record, by(D, said(Phase.ACCEPTED, echo=echo))).record == record
    taken = source_hears(source_record(), by(D, said(Phase.ACCEPTED, echo=echo), proof=True))
    assert taken.record.mine.revision == 2


def test_source_14_hears_only_the_echo_of_a_partner_that_was_restored():
    record = source_record(Phase.ACTIVE, 2)
    step = source_hears(record, by(D, said(Phase.ANNOUNCED, 9)))
    assert (step.row, step.record) == ("14", record)


def test_source_15_a_tombstone_answers_and_owes_nothing_to_a_closed_partner():
    record = source_record(Phase.CLOSED, 3, partner=D, theirs=side(Phase.ACCEPTED), owed=True)
    late = source_hears(record, by(D, said(Phase.ACCEPTED, 8)))
    assert (late.row, late.record) == ("15", record)
    closed = source_hears(record, by(D, said(Phase.CLOSED, 9)))
    assert closed.record == replace(record, theirs=side(Phase.CLOSED, 9), owed=False)
    again = source_hears(closed.record, by(D, said(Phase.CLOSED, 10)))
    assert again.record == closed.record
