"""Each check is seen to find something: a rule of the shipped code is broken here, and some seed shows it."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

import node.app
from node.app import Node
from node.connections import changing, initiating
from node.delivery.dispatcher import Dispatcher
from node.network import client
from node.store import statements
from protocol import destination, envelope, source
from protocol.tables import Condition, Effect
from protocol.vocabulary import Phase, Side
from simulations.campaign import live
from simulations.disk import DISKS
from simulations.host import ADMIN_TOKEN
from simulations.levels import Level

SEEDS_MAX = 150


def found_by(*checks: str, first: int = 0, level: Level = Level.DIRECT) -> str:
    """What the first failing seed says; it must be that check's, or one of those."""
    for seed in range(first, first + SEEDS_MAX):
        _, outcome = live(seed, level=level, is_deep=False)
        if outcome.violation is not None:
            assert outcome.violation.startswith(checks), f"{seed}: {outcome.violation}"
            return outcome.violation
    raise AssertionError(f"{SEEDS_MAX} seeds found nothing")


def test_durability_finds_a_commit_that_does_not_wait_for_the_disk(monkeypatch):
    DISKS.stock(4)
    for disk in DISKS.free:
        monkeypatch.setattr(disk, "_synchronous", 1)
    assert "after a crash it is not as it was" in found_by("Durability")


@pytest.mark.slow
def test_conformance_finds_a_switch_that_is_taken_without_comparing_revisions(monkeypatch):
    def taken(record, statement):
        return replace(record, theirs=statement.side)

    monkeypatch.setattr(source, "merge", taken)
    monkeypatch.setattr(destination, "merge", taken)
    found_by("Conformance")


def test_conformance_finds_a_tombstone_of_the_destination_that_is_purged(monkeypatch):
    async def purge_everything(context):
        def unit(tx):
            tx.exec_driver_sql("DELETE FROM connections WHERE phase = 'closed' AND owed = 0")

        await context.store.run(unit)
        return False

    monkeypatch.setattr(node.app, "purge", purge_everything)
    assert "is gone" in found_by("Conformance")


def test_conformance_finds_a_status_that_another_row_is_listed_with(monkeypatch):
    genuine = statements.change

    def change(tx, connection):
        genuine(tx, connection)
        tx.exec_driver_sql("UPDATE connections SET status = 'pending' WHERE n != ?", (connection.n,))

    monkeypatch.setattr(statements, "change", change)
    assert "is listed as pending" in found_by("Conformance")


def test_owing_finds_that_owed_is_cleared_by_any_answer(monkeypatch):
    def cleared(record, _statement):
        return replace(record, owed=False)

    monkeypatch.setattr(source, "hear_echo", cleared)
    monkeypatch.setattr(destination, "hear_echo", cleared)
    found_by("Owing")


@pytest.mark.slow
def test_agreement_finds_that_delivery_gives_up(monkeypatch):
    genuine = Dispatcher._next_batch

    async def next_batch(self, partner):
        return [] if partner.tries > 3 else await genuine(self, partner)

    monkeypatch.setattr(Dispatcher, "_next_batch", next_batch)
    assert "still owes" in found_by("Agreement")


@pytest.mark.slow
def test_speech_finds_an_answer_that_is_believed_without_its_signature(monkeypatch):
    monkeypatch.setattr(envelope, "verify_signature", lambda _sealed: None)
    assert "which that never said" in found_by("Speech")


def test_speech_finds_an_answer_that_leaves_before_its_commit(monkeypatch):
    from node.peer import endpoint

    genuine = endpoint.take_in

    def uncommitted(context, tx, message, **more):
        tx.exec_driver_sql("SAVEPOINT early")
        outcome = genuine(context, tx, message, **more)
        tx.exec_driver_sql("ROLLBACK TO early")  # what a node forgets that answers too early
        return outcome

    monkeypatch.setattr(endpoint, "take_in", uncommitted)
    assert "which it has not committed" in found_by("Speech")


def test_consent_finds_that_the_wrong_key_is_pinned(monkeypatch):
    genuine = source._take

    keys = []

    def first_one(record, heard):
        keys.append(heard.sender)
        return replace(genuine(record, heard), partner=keys[0])

    monkeypatch.setattr(source, "_take", first_one)
    found_by("Speech", "Consent")


@pytest.mark.slow
def test_consent_finds_that_a_code_is_taken_past_its_expiry(monkeypatch):
    genuine = source.holds

    def never_past(condition, *rest):
        return condition is not Condition.EXPIRED and genuine(condition, *rest)

    monkeypatch.setattr(source, "holds", never_past)
    assert "past its expiry" in found_by("Consent")


def test_closing_finds_that_closed_is_not_final(monkeypatch):
    genuine = destination._settle_closed

    def revived(record, statement):
        if statement.side.phase is Phase.ACTIVE:
            return replace(record, mine=Side(record.mine.revision + 1, Phase.ACCEPTED, enabled=True))
        return genuine(record, statement)

    monkeypatch.setattr(destination, "_settle_closed", revived)
    found_by("Closing", "Conformance")


def test_broadcasts_finds_a_change_that_is_not_told(monkeypatch):
    monkeypatch.setattr(changing, "_tell", lambda *_: None)
    assert "without its event" in found_by("Broadcasts")


def test_broadcasts_finds_a_seq_that_is_skipped(monkeypatch):
    genuine = statements.change

    def skipping(tx, connection):
        genuine(tx, replace(connection, seq=connection.seq + (connection.seq == 2)))

    monkeypatch.setattr(statements, "change", skipping)
    found_by("Broadcasts")


def test_health_finds_an_error_that_a_node_does_not_know(monkeypatch):
    def broken(*_arguments, **_more):
        raise KeyError("phase")

    monkeypatch.setattr(statements, "expired", broken)
    assert "KeyError" in found_by("Health")


def test_health_finds_that_only_a_constraint_of_the_database_stopped_a_node(monkeypatch):
    genuine = statements.add_event

    def twice(tx, **event):
        genuine(tx, **event)
        genuine(tx, **event)

    monkeypatch.setattr(statements, "add_event", twice)
    assert "IntegrityError" in found_by("Health")


def test_endless_finds_two_nodes_that_ask_each_other_for_ever(monkeypatch):
    genuine = source.apply

    def deaf_to_a_refusal(effect, record, heard):
        return record if effect is Effect.TAKE_CLOSED else genuine(effect, record, heard)

    monkeypatch.setattr(source, "apply", deaf_to_a_refusal)
    assert "nothing has changed" in found_by("Endless")


def test_secrets_finds_a_seed_in_the_database(monkeypatch):
    def seed_is_the_salt(_master_secret, _connection_id, _serial, salt):
        return salt

    monkeypatch.setattr(initiating, "seed_of", seed_is_the_salt)
    assert "the seed of a code stands in the database" in found_by("Secrets")


@pytest.mark.slow
def test_endless_finds_nodes_that_never_stop_talking(monkeypatch):
    monkeypatch.setitem(Node.__init__.__kwdefaults__, "resync_s", 600.0)
    assert "nothing has changed" in found_by("Endless")


def test_secrets_finds_a_token_in_a_header_between_nodes(monkeypatch):
    monkeypatch.setitem(client._HEADERS, "X-Token", ADMIN_TOKEN)
    assert "the admin token stands in a message between nodes" in found_by("Secrets", level=Level.HTTP)


@pytest.mark.parametrize("seed", range(3))
def test_the_same_seeds_are_clean_with_the_rules_whole(seed):
    assert live(seed)[1].violation is None
