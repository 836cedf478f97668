"""How a connection stands, in sentences: what it waits for, what is owed, and what helps; for each reader."""

import pytest

from node import words
from node.standing import Reader, standing, why_untold
from protocol.records import Status
from protocol.vocabulary import Role

NEW_CODE = {
    Reader.COMMAND_LINE: "`handclasp connections new-code 0123abcd` gives it a new invitation code",
    Reader.CONSOLE: "The button New invitation code gives it a new invitation code",
}


def view(status, role="source", **more):
    return {
        "sys_id": "0123abcd" * 4, "status": status, "role": role, "reason": None, "owed": False, "waiting": None,
        "possible_acts": [], "remote_short_name": "b", "partner": {"name": "Bravo", "node_url": "https://b.example"},
    } | more  # fmt: skip


def said(one, reader=Reader.COMMAND_LINE):
    return " ".join(standing(one, now=0.0, reader=reader))


@pytest.mark.parametrize("reader", Reader)
@pytest.mark.parametrize("reason", ["restored", "expired"])
def test_a_source_whose_code_died_is_told_how_it_makes_a_new_one(reason, reader):
    assert NEW_CODE[reader] in said(view("closed", reason=reason, possible_acts=["new-code", "remove"]), reader)


@pytest.mark.parametrize("reader", Reader)
def test_nobody_is_told_of_a_new_code_where_none_can_be_made(reader):
    for one in (
        view("closed", reason="restored"),
        view("closed", reason="withdrawn", possible_acts=["new-code"]),
        view("closed", "destination", reason="declined"),
    ):
        assert said(one, reader) == f"Closed: {words.REASONS[one['reason']]}."


@pytest.mark.parametrize("reader", Reader)
def test_a_destination_whose_code_died_asks_the_source_s_admin(reader):
    assert "Ask the admin of Bravo for a new invitation code." in said(
        view("closed", "destination", reason="restored"), reader
    )


@pytest.mark.parametrize("reader", Reader)
def test_a_partner_without_a_url_is_told_when_it_calls(reader):
    one = view("deactivated-here", owed=True, partner={"name": "Bravo", "node_url": None})
    assert words.NO_URL in said(one, reader)
    assert why_untold(one, now=0.0, reader=reader) == [words.NO_URL]


def test_why_a_partner_is_not_told_comes_with_the_next_try_and_only_a_command_line_names_the_command():
    waiting = {"cause": "unreachable", "sentence": "It can't be connected to.", "tries": 3}
    for next_at, when in (("1970-01-01T00:01:05Z", "in 1 minute and 5 seconds, at 00:01:05 UTC"),
                          ("1970-01-01T00:00:00Z", "now")):  # fmt: skip
        one = view("deactivated-here", owed=True, waiting=waiting | {"next_at": next_at})
        tries = f"It can't be connected to. Tries so far: 3. The next one is {when}"
        assert said(one, Reader.CONSOLE).endswith(f"{tries}.")
        assert said(one).endswith(f"{tries}; `handclasp connections retry 0123abcd` tries now.")
    under_way = view("active", owed=True, waiting=waiting | {"next_at": None})
    assert said(under_way).endswith("for as long as it takes. It can't be connected to.")


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("status", Status)
def test_every_status_but_active_says_what_it_waits_for_in_whole_sentences(status, role):
    for nobody in ({}, {"remote_short_name": "", "partner": {"name": None, "node_url": None}}):
        one = view(status, role, reason="removed" if status is Status.CLOSED else None, **nobody)
        sentences = standing(one, now=0.0, reader=Reader.CONSOLE)
        assert bool(sentences) == (status is not Status.ACTIVE)
        assert all(sentence.endswith(".") and "None" not in sentence for sentence in sentences)
