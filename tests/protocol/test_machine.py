"""The machine as transcripts: who says what, what the record is then, what is answered."""

from dataclasses import replace

import pytest

from protocol import destination, machine, source
from protocol.errors import LocalProtocolError
from protocol.events import Code, Heard, Offer
from protocol.limits import CODE_LIFETIME_S_MAX, JUMP_LIMIT
from protocol.machine import Notice, act, hear, possible_acts
from protocol.modes import Mode
from protocol.records import (
    DestinationRecord,
    SourceRecord,
    Status,
    kind_of,
    reason_of,
    role_of,
    speak,
    status_of,
)
from protocol.tables import Act, Condition, Effect, Reply
from protocol.vocabulary import (
    Details,
    Echo,
    Kind,
    Phase,
    Preview,
    Reason,
    Role,
    Side,
    Statement,
)

D, E = b"d" * 32, b"e" * 32
NOW, EXPIRY, SERIAL = 1_000.0, 2_000, 7
PROOF = b"p" * 64
SOURCE, DESTINATION = Role.SOURCE, Role.DESTINATION

PREVIEW = Preview("a_to_b", "a", "b", Mode.SCRIPT, "http://127.0.0.1:1", EXPIRY)
DETAILS = Details(b"n" * 16, "b", None, "http://127.0.0.1:2", "a_to_b", "a", "b", "handclasp 0.1.0")


def side(phase, revision=1, *, enabled=None, reason=None):
    if phase is Phase.CLOSED and reason is None:
        reason = Reason.REMOVED
    on = phase in {Phase.AWAITING, Phase.ACTIVE, Phase.ACCEPTED} if enabled is None else enabled
    return Side(revision, phase, enabled=on, reason=reason)


def said(phase, revision=1, *, echo=None, serial=SERIAL, enabled=None, details=None):
    return Statement(serial=serial, side=side(phase, revision, enabled=enabled), echo=echo, details=details)


def by(sender, statement, *, answer=False, proof=False, allowed=False):
    return Heard(sender=sender, statement=statement, is_answer=answer, proof_good=proof, announcement_allowed=allowed)


def source_record(phase=Phase.PENDING, revision=1, **fields):
    taken = phase in {Phase.AWAITING, Phase.ACTIVE}
    standing = {
        "serial": SERIAL,
        "mine": side(phase, revision),
        "expires_at": EXPIRY,
        "partner": D if taken else None,
        "theirs": side(Phase.ACCEPTED) if taken else None,
    }
    return SourceRecord(**standing | fields)


def destination_record(phase=Phase.ACCEPTED, revision=1, **fields):
    standing = {"serial": SERIAL, "mine": side(phase, revision), "expires_at": EXPIRY, "proof": PROOF}
    return DestinationRecord(**standing | fields)


def source_hears(record, heard, now=NOW):
    return hear(SOURCE, record, heard, now=now)


def destination_hears(record, heard, now=NOW):
    return hear(DESTINATION, record, heard, now=now)


def answered(step):
    return step.answer.side.phase, step.answer.side.reason


# The source hears


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


# The destination hears


def test_destination_0_an_answer_that_finds_no_record_is_ignored():
    step = destination_hears(None, by(D, said(Phase.ACTIVE), answer=True))
    assert (step.row, step.record, step.answer) == ("0", None, None)


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
    [(PREVIEW, False, NOW), (None, True, NOW), (PREVIEW, True, EXPIRY)],
    ids=["over the caps", "without a preview", "past its expiry"],
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


# Acts

OFFER = Offer(serial=SERIAL, expires_at=EXPIRY, addressee=None, ask_me=False)
BOUND = replace(OFFER, addressee=D)
CODE = Code(serial=SERIAL, expires_at=EXPIRY, proof=PROOF)


def source_acts(record, wanted, now=NOW, offer=None):
    return act(SOURCE, record, wanted, now=now, offer=offer).record


def destination_acts(record, wanted, code=None):
    return act(DESTINATION, record, wanted, now=NOW, code=code).record


def test_initiating_owes_only_a_known_addressee():
    assert source_acts(None, Act.INITIATE, offer=OFFER) == source_record()
    assert source_acts(None, Act.INITIATE, offer=BOUND) == source_record(addressee=D, owed=True)


def test_a_new_code_begins_anew_unless_somebody_took_the_old_one():
    newer = replace(OFFER, serial=SERIAL + 1)
    for mine in (side(Phase.PENDING), side(Phase.CLOSED, 2, reason=Reason.EXPIRED)):
        record = source_acts(source_record(mine=mine, theirs=None), Act.NEW_CODE, offer=newer)
        assert record == source_record(serial=SERIAL + 1)
    for stopped in (
        source_record(Phase.CLOSED, mine=side(Phase.CLOSED, reason=Reason.WITHDRAWN)),
        source_record(Phase.CLOSED, mine=side(Phase.CLOSED, reason=Reason.EXPIRED), partner=D),
    ):
        with pytest.raises(LocalProtocolError, match="not possible now: the status is closed"):
            source_acts(stopped, Act.NEW_CODE, offer=newer)


@pytest.mark.parametrize(
    ("wanted", "reason", "now"),
    [
        (Act.WITHDRAW, Reason.WITHDRAWN, NOW),
        (Act.REMOVE, Reason.WITHDRAWN, NOW),
        (Act.EXPIRE, Reason.EXPIRED, EXPIRY),
        (Act.RESTORE, Reason.RESTORED, NOW),
    ],
)
@pytest.mark.parametrize("addressee", [None, D])
def test_a_pending_code_dies_and_its_addressee_is_told(wanted, reason, now, addressee):
    record = source_acts(source_record(addressee=addressee), wanted, now=now)
    assert record.mine == Side(2, Phase.CLOSED, reason=reason)
    assert record.owed == (addressee is not None)


def test_a_code_does_not_expire_early():
    with pytest.raises(LocalProtocolError):
        source_acts(source_record(), Act.EXPIRE)


def test_approval_makes_it_active_and_refusal_closes_it():
    awaiting = source_record(Phase.AWAITING, 2)
    approved = source_acts(awaiting, Act.APPROVE)
    assert (approved.mine, approved.owed) == (Side(3, Phase.ACTIVE, enabled=True), True)
    for wanted in (Act.REFUSE, Act.REMOVE):
        refused = source_acts(awaiting, wanted)
        assert (refused.mine.reason, refused.owed) == (Reason.REFUSED, True)


def test_each_side_has_its_own_switch():
    active = source_record(Phase.ACTIVE, 2)
    off = source_acts(active, Act.DEACTIVATE)
    assert (off.mine, off.owed) == (Side(3, Phase.ACTIVE, enabled=False), True)
    assert status_of(off) is Status.DEACTIVATED_HERE
    assert source_acts(off, Act.DEACTIVATE) == off
    on = source_acts(off, Act.ACTIVATE)
    assert (on.mine.revision, status_of(on)) == (4, Status.ACTIVE)
    there = destination_record(theirs=side(Phase.ACTIVE, enabled=False))
    both = destination_acts(there, Act.DEACTIVATE)
    assert status_of(both) is Status.DEACTIVATED_BOTH
    assert status_of(destination_acts(both, Act.ACTIVATE)) is Status.DEACTIVATED_THERE


def test_no_switch_reaches_the_end_of_the_counter():
    last = source_record(Phase.ACTIVE, 2**53 - 1)
    assert source_acts(last, Act.DEACTIVATE) == last


def test_removing_closes_then_hides_and_forgetting_lets_the_source_row_go():
    removed = source_acts(source_record(Phase.ACTIVE), Act.REMOVE)
    assert (removed.mine.reason, removed.owed, removed.hidden) == (Reason.REMOVED, True, False)
    assert source_acts(removed, Act.REMOVE).hidden
    assert source_acts(removed, Act.FORGET) is None
    active = destination_record(theirs=side(Phase.ACTIVE))
    gone = destination_acts(active, Act.REMOVE)
    assert (gone.mine.reason, gone.owed) == (Reason.REMOVED, True)
    assert destination_acts(gone, Act.REMOVE).hidden
    assert destination_acts(gone, Act.FORGET) == replace(gone, owed=False)


@pytest.mark.parametrize(
    "before",
    [
        None,
        destination_record(Phase.ANNOUNCED, proof=None, theirs=side(Phase.PENDING)),
        destination_record(Phase.CLOSED, serial=SERIAL - 1),
        destination_record(serial=SERIAL - 1, theirs=side(Phase.PENDING)),
        destination_record(serial=SERIAL - 1),
    ],
)
def test_a_code_is_accepted_or_declined_over_anything_that_is_not_further(before):
    assert destination_acts(before, Act.ACCEPT, CODE) == destination_record(owed=True)
    declined = destination_acts(before, Act.DECLINE_CODE, CODE)
    assert declined == destination_record(Phase.CLOSED, mine=Side(1, Phase.CLOSED, reason=Reason.DECLINED), owed=True)


@pytest.mark.parametrize(
    "before",
    [
        destination_record(Phase.CLOSED),
        destination_record(),
        destination_record(serial=SERIAL + 1),
        destination_record(serial=SERIAL - 1, theirs=side(Phase.ACTIVE)),
        destination_record(serial=SERIAL - 1, theirs=side(Phase.AWAITING)),
    ],
)
@pytest.mark.parametrize("wanted", [Act.ACCEPT, Act.DECLINE_CODE])
def test_a_code_is_refused_at_once_where_it_can_do_nothing(before, wanted):
    with pytest.raises(LocalProtocolError):
        destination_acts(before, wanted, CODE)


def test_an_announcement_is_declined_without_a_proof():
    declined = destination_acts(
        destination_record(Phase.ANNOUNCED, proof=None, theirs=side(Phase.PENDING)), Act.DECLINE
    )
    assert (declined.mine.reason, declined.owed, declined.proof) == (Reason.DECLINED, True, None)


def test_a_cancel_carries_the_proof_and_is_for_what_is_not_active_yet():
    cancelled = destination_acts(destination_record(theirs=side(Phase.AWAITING)), Act.CANCEL)
    assert (cancelled.mine.reason, cancelled.owed) == (Reason.CANCELLED, True)
    assert speak(cancelled).proof == PROOF
    with pytest.raises(LocalProtocolError, match="the status is active"):
        destination_acts(destination_record(theirs=side(Phase.ACTIVE)), Act.CANCEL)


def test_an_act_without_a_connection_is_told_so():
    with pytest.raises(LocalProtocolError, match="there is no such connection"):
        source_acts(None, Act.NEW_CODE, offer=OFFER)
    with pytest.raises(LocalProtocolError, match="there is no such connection"):
        destination_acts(None, Act.CANCEL)


@pytest.mark.parametrize(
    ("record", "acts"),
    [
        (source_record(), [Act.NEW_CODE, Act.WITHDRAW, Act.REMOVE]),
        (source_record(Phase.AWAITING), [Act.APPROVE, Act.REFUSE, Act.REMOVE]),
        (source_record(Phase.ACTIVE), [Act.DEACTIVATE, Act.REMOVE]),
        (source_record(Phase.CLOSED), [Act.REMOVE, Act.FORGET]),
        (destination_record(Phase.ANNOUNCED), [Act.DECLINE]),
        (destination_record(), [Act.CANCEL]),
        (
            destination_record(mine=side(Phase.ACCEPTED, enabled=False), theirs=side(Phase.ACTIVE)),
            [Act.ACTIVATE, Act.REMOVE],
        ),
    ],
)
def test_an_admin_is_offered_what_is_possible(record, acts):
    assert possible_acts(record, now=NOW) == acts


# Shown status and kinds


@pytest.mark.parametrize(
    ("record", "status", "kind"),
    [
        (source_record(), Status.PENDING, Kind.INITIATE),
        (source_record(Phase.AWAITING), Status.AWAITING_APPROVAL, Kind.STATUS),
        (source_record(Phase.ACTIVE), Status.ACTIVE, Kind.STATUS),
        (source_record(Phase.CLOSED), Status.CLOSED, Kind.STATUS),
        (destination_record(Phase.ANNOUNCED), Status.INVITED, Kind.STATUS),
        (destination_record(), Status.ACCEPTING, Kind.ACCEPT),
        (destination_record(theirs=side(Phase.PENDING)), Status.ACCEPTING, Kind.ACCEPT),
        (destination_record(theirs=side(Phase.AWAITING)), Status.AWAITING_APPROVAL, Kind.ACCEPT),
        (destination_record(theirs=side(Phase.ACTIVE)), Status.ACTIVE, Kind.STATUS),
    ],
)
def test_a_record_has_a_shown_status_and_a_kind_of_question(record, status, kind):
    assert (status_of(record), kind_of(record)) == (status, kind)


def test_a_record_knows_its_role_and_the_shown_reason():
    assert (role_of(source_record()), role_of(destination_record())) == (SOURCE, DESTINATION)
    closed = destination_record(Phase.CLOSED, mine=side(Phase.CLOSED, reason=Reason.BY_PARTNER))
    assert reason_of(closed) is Reason.BY_PARTNER
    assert SOURCE.other is DESTINATION
    assert DESTINATION.other is SOURCE


def test_a_source_speaks_to_its_partner_or_else_to_its_addressee():
    assert source_record().recipient is None
    assert source_record(addressee=E).recipient == E
    assert source_record(Phase.ACTIVE, addressee=E).recipient == D


# What only a programming error brings about


def test_records_and_roles_are_not_mixed():
    with pytest.raises(TypeError, match="source's table"):
        hear(SOURCE, destination_record(), by(D, said(Phase.ACCEPTED)), now=NOW)
    with pytest.raises(TypeError, match="destination's table"):
        act(DESTINATION, source_record(), Act.CANCEL, now=NOW)


def test_effects_without_their_record_offer_or_code_are_errors():
    heard = by(D, said(Phase.ACCEPTED))
    with pytest.raises(TypeError):
        source.perform(Effect.INITIATE, None, None)
    with pytest.raises(TypeError):
        destination.perform(Effect.ACCEPT, None, None)
    for call in (
        lambda: source.apply(Effect.TAKE, None, heard),
        lambda: source.apply(Effect.ANNOUNCE, source_record(), heard),
        lambda: source.perform(Effect.WITHDRAW, None, None),
        lambda: source.perform(Effect.CANCEL, source_record(), None),
        lambda: destination.apply(Effect.MERGE, None, heard),
        lambda: destination.apply(Effect.TAKE, destination_record(), heard),
        lambda: destination.perform(Effect.CANCEL, None, None),
        lambda: destination.perform(Effect.APPROVE, destination_record(), None),
        lambda: machine._answer(Reply.MINE, None, said(Phase.ACTIVE)),
        lambda: destination.holds(Condition.STRANGER, destination_record(), heard, NOW),
    ):
        with pytest.raises(AssertionError):
            call()
    assert not source.allows(Condition.EXPIRED, None, NOW)
