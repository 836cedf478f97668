"""The demo's sequence diagram, as text, from a fixed list of what was seen."""

import pytest

from node.demo.diagram import draw
from node.demo.narrator import Style
from node.demo.seen import Act, Attempt, Handover, Killed, Message, Presence, Restarted, Status

TOPIC = "handclasp/v1/nodes/x/connections/y/status"


def message(sender: str, kind: str, phase: str, size: int, *, answer: bool = False) -> Message:
    recipient = "b" if sender == "a" else "a"
    return Message(
        at_s=1.0,
        received_at_s=1.1,
        sender=sender,
        recipient=recipient,
        kind=kind,
        phase=phase,
        message="0123456789abcdef",
        size_bytes=size,
        answer=answer,
    )


def status(side: str, word: str, seq: int) -> Status:
    return Status(at_s=1.0, side=side, topic=TOPIC, status=word, seq=seq, retained=False)


def handshake(source: str, destination: str) -> list:
    return [
        Presence(at_s=0.5, side=source, topic=TOPIC, state="online", retained=True),
        Act(at_s=1.0, side=source, what="initiate"),
        status(source, "pending", 1),
        message(source, "initiate", "pending", 258),
        message(destination, "status", "announced", 252, answer=True),
        Handover(at_s=2.0, sender=source, recipient=destination),
        Act(at_s=3.0, side=destination, what="accept"),
        status(destination, "accepting", 1),
        message(destination, "accept", "accepted", 375),
        status(source, "active", 2),
        message(source, "status", "active", 245, answer=True),
        status(destination, "active", 2),
    ]


def presence(side: str, state: str) -> Presence:
    return Presence(at_s=1.0, side=side, topic=TOPIC, state=state, retained=False)


def attempt(sender: str, number: int) -> Attempt:
    recipient = "b" if sender == "a" else "a"
    return Attempt(at_s=1.0, sender=sender, recipient=recipient, number=number, cause="unreachable", next_at_s=None)


def trouble(source: str, destination: str) -> list:
    begun, ended = handshake(source, destination)[1:6], handshake(source, destination)[8:]
    return [
        *begun,
        Killed(at_s=1.0, side=source, pid=1),
        presence(source, "lost"),
        Act(at_s=1.0, side=source, what="look", reached=False),
        Act(at_s=1.0, side=destination, what="accept"),
        status(destination, "accepting", 1),
        attempt(destination, 1),
        attempt(destination, 2),
        Killed(at_s=1.0, side=destination, pid=2),
        presence(destination, "lost"),
        Restarted(at_s=1.0, side=destination, pid=3),
        presence(destination, "online"),
        attempt(destination, 1),
        Restarted(at_s=1.0, side=source, pid=4),
        presence(source, "online"),
        *ended,
    ]


def text_of(rows) -> str:
    return "\n".join("".join(text for text, _ in row) for row in rows)


IN_80_COLUMNS = """\
 Admin A       node a                MQTT                node b        Admin B
    │─ initiate ─▶│                    │                    │             │
    │             │╌╌╌╌ pending #1 ╌╌╌▶│                    │             │
    │             │━━━━ initiate · pending · 258 bytes ━━━━▶│             │
    │             │◀━━━━ status · announced · 252 bytes ━━━━│             │
    │······················· the invitation code ························▶│
    │             │                    │                    │◀── accept ──│
    │             │                    │◀╌╌╌ accepting #1 ╌╌│             │
    │             │◀━━━━ accept · accepted · 375 bytes ━━━━━│             │
    │             │╌╌╌╌ active #2 ╌╌╌╌▶│                    │             │
    │             │━━━━━ status · active · 245 bytes ━━━━━━▶│             │
    │             │                    │◀╌╌╌╌ active #2 ╌╌╌╌│             │
─ admin's act   ━ signed message, HTTP   ╌ MQTT event, #seq   · carried by hand"""

FROM_B_IN_100_COLUMNS = """\
 Admin A           node a                      MQTT                      node b            Admin B
    │                 │                          │                          │◀─── initiate ───│
    │                 │                          │◀╌╌╌╌╌╌╌ pending #1 ╌╌╌╌╌╌│                 │
    │                 │◀━━━━━━━━━━ initiate · pending · 258 bytes ━━━━━━━━━━│                 │
    │                 │━━━━━━━━━━ status · announced · 252 bytes ━━━━━━━━━━▶│                 │
    │◀································· the invitation code ··································│
    │──── accept ────▶│                          │                          │                 │
    │                 │╌╌╌╌╌╌ accepting #1 ╌╌╌╌╌▶│                          │                 │
    │                 │━━━━━━━━━━ accept · accepted · 375 bytes ━━━━━━━━━━━▶│                 │
    │                 │                          │◀╌╌╌╌╌╌╌ active #2 ╌╌╌╌╌╌╌│                 │
    │                 │◀━━━━━━━━━━━ status · active · 245 bytes ━━━━━━━━━━━━│                 │
    │                 │╌╌╌╌╌╌╌ active #2 ╌╌╌╌╌╌╌▶│                          │                 │
─ admin's act   ━ signed message, HTTP   ╌ MQTT event, #seq   · carried by hand"""


TROUBLE_IN_80_COLUMNS = """\
 Admin A       node a                MQTT                node b        Admin B
    │─ initiate ─▶│                    │                    │             │
    │             │╌╌╌╌ pending #1 ╌╌╌▶│                    │             │
    │             │━━━━ initiate · pending · 258 bytes ━━━━▶│             │
    │             │◀━━━━ status · announced · 252 bytes ━━━━│             │
    │······················· the invitation code ························▶│
    │             × kill -9            │                    │             │
    │              ╌╌ its will: lost ╌▶│                    │             │
    │─── look ───×                     │                    │             │
    │                                  │                    │◀── accept ──│
    │                                  │◀╌╌╌ accepting #1 ╌╌│             │
    │              ×┅┅┅┅┅┅┅┅┅ try 1 · unreachable ┅┅┅┅┅┅┅┅┅┅│             │
    │              ×┅┅┅┅┅┅┅┅┅ try 2 · unreachable ┅┅┅┅┅┅┅┅┅┅│             │
    │                                  │            kill -9 ×             │
    │                                  │◀╌╌ its will: lost ╌              │
    │                                  │      started again ↻             │
    │                                  │◀╌╌╌╌╌╌ online ╌╌╌╌╌│             │
    │              ×┅┅┅┅┅┅┅┅┅ try 1 · unreachable ┅┅┅┅┅┅┅┅┅┅│             │
    │             ↻ started again      │                    │             │
    │             │╌╌╌╌╌╌ online ╌╌╌╌╌▶│                    │             │
    │             │◀━━━━ accept · accepted · 375 bytes ━━━━━│             │
    │             │╌╌╌╌ active #2 ╌╌╌╌▶│                    │             │
    │             │━━━━━ status · active · 245 bytes ━━━━━━▶│             │
    │             │                    │◀╌╌╌╌ active #2 ╌╌╌╌│             │
─ admin's act   ━ signed message, HTTP   ╌ MQTT event, #seq   · carried by hand
┅ try   × reached nobody, or killed   ↻ started again   no lifeline: no process"""

TROUBLE_IN_40_COLUMNS = """\
Admin A ─▶ node a   initiate
 node a ╌▶ MQTT     pending #1
 node a ━▶ node b   initiate · pending
 node b ━▶ node a   status · announced
Admin A ·▶ Admin B  the invitation code
 node a × kill -9
 node a ╌▶ MQTT     its will: lost
Admin A ─× node a   look
Admin B ─▶ node b   accept
 node b ╌▶ MQTT     accepting #1
 node b ┅× node a   try 1 · unreachable
 node b ┅× node a   try 2 · unreachable
 node b × kill -9
 node b ╌▶ MQTT     its will: lost
 node b ↻ started again
 node b ╌▶ MQTT     online
 node b ┅× node a   try 1 · unreachable
 node a ↻ started again
 node a ╌▶ MQTT     online
 node b ━▶ node a   accept · accepted
 node a ╌▶ MQTT     active #2
 node a ━▶ node b   status · active
 node b ╌▶ MQTT     active #2
─ admin's act   ━ signed message, HTTP   ╌ MQTT event, #seq   · carried by hand
┅ try   × reached nobody, or killed   ↻ started again"""


TROUBLE_FROM_B_IN_100_COLUMNS = """\
 Admin A           node a                      MQTT                      node b            Admin B
    │                 │                          │                          │◀─── initiate ───│
    │                 │                          │◀╌╌╌╌╌╌╌ pending #1 ╌╌╌╌╌╌│                 │
    │                 │◀━━━━━━━━━━ initiate · pending · 258 bytes ━━━━━━━━━━│                 │
    │                 │━━━━━━━━━━ status · announced · 252 bytes ━━━━━━━━━━▶│                 │
    │◀································· the invitation code ··································│
    │                 │                          │                  kill -9 ×                 │
    │                 │                          │◀╌╌╌╌╌ its will: lost ╌╌╌╌                  │
    │                 │                          │                           ×───── look ─────│
    │──── accept ────▶│                          │                                            │
    │                 │╌╌╌╌╌╌ accepting #1 ╌╌╌╌╌▶│                                            │
    │                 │┅┅┅┅┅┅┅┅┅┅┅┅┅┅┅ try 1 · unreachable ┅┅┅┅┅┅┅┅┅┅┅┅┅┅┅┅×                  │
    │                 │┅┅┅┅┅┅┅┅┅┅┅┅┅┅┅ try 2 · unreachable ┅┅┅┅┅┅┅┅┅┅┅┅┅┅┅┅×                  │
    │                 × kill -9                  │                                            │
    │                  ╌╌╌╌╌ its will: lost ╌╌╌╌▶│                                            │
    │                 ↻ started again            │                                            │
    │                 │╌╌╌╌╌╌╌╌╌ online ╌╌╌╌╌╌╌╌▶│                                            │
    │                 │┅┅┅┅┅┅┅┅┅┅┅┅┅┅┅ try 1 · unreachable ┅┅┅┅┅┅┅┅┅┅┅┅┅┅┅┅×                  │
    │                 │                          │            started again ↻                 │
    │                 │                          │◀╌╌╌╌╌╌╌╌╌ online ╌╌╌╌╌╌╌╌│                 │
    │                 │━━━━━━━━━━ accept · accepted · 375 bytes ━━━━━━━━━━━▶│                 │
    │                 │                          │◀╌╌╌╌╌╌╌ active #2 ╌╌╌╌╌╌╌│                 │
    │                 │◀━━━━━━━━━━━ status · active · 245 bytes ━━━━━━━━━━━━│                 │
    │                 │╌╌╌╌╌╌╌ active #2 ╌╌╌╌╌╌╌▶│                          │                 │
─ admin's act   ━ signed message, HTTP   ╌ MQTT event, #seq   · carried by hand
┅ try   × reached nobody, or killed   ↻ started again   no lifeline: no process"""


def test_a_handshake_in_80_columns():
    assert text_of(draw(handshake("a", "b"), columns=80)) == IN_80_COLUMNS


def test_a_handshake_from_the_other_side_in_100_columns():
    assert text_of(draw(handshake("b", "a"), columns=100)) == FROM_B_IN_100_COLUMNS


def test_two_deaths_in_80_columns_leave_no_lifeline_while_a_process_is_dead():
    assert text_of(draw(trouble("a", "b"), columns=80)) == TROUBLE_IN_80_COLUMNS


def test_two_deaths_from_the_other_side_in_100_columns():
    assert text_of(draw(trouble("b", "a"), columns=100)) == TROUBLE_FROM_B_IN_100_COLUMNS


def test_signs_of_death_and_return_have_their_own_colours():
    rows = draw([Killed(at_s=1.0, side="a", pid=1), attempt("b", 1), Restarted(at_s=1.0, side="a", pid=2)], columns=80)
    signs = [(text, style) for row in rows[1:4] for text, style in row if text in {"×", "↻"}]
    assert signs == [("×", Style.BAD_STRONG), ("×", Style.BAD_STRONG), ("↻", Style.GOOD_STRONG)]


@pytest.mark.parametrize("columns", range(80, 101))
def test_no_line_of_trouble_is_wider_than_the_terminal(columns):
    rows = text_of(draw(trouble("b", "a"), columns=columns)).splitlines()
    assert max(map(len, rows)) <= columns
    assert len({(row.index("│"), row.rindex("│")) for row in rows[1:-2]}) == 1, "the admins outlive their nodes"


@pytest.mark.parametrize("columns", range(80, 101))
def test_no_line_is_wider_than_the_terminal_and_every_lifeline_is_whole(columns):
    rows = text_of(draw(handshake("a", "b"), columns=columns)).splitlines()
    assert max(map(len, rows)) <= columns
    ends = {(row.index("│"), row.rindex("│")) for row in rows[1:-1]}
    assert len(ends) == 1


def test_where_there_is_no_room_for_lifelines_the_same_rows_are_a_list():
    assert text_of(draw(trouble("a", "b"), columns=40)) == TROUBLE_IN_40_COLUMNS
    in_79 = text_of(draw(handshake("a", "b"), columns=79)).splitlines()
    assert in_79[2] == " node a ━▶ node b   initiate · pending · 258 bytes"


@pytest.mark.parametrize("columns", range(40, 80))
def test_no_row_of_the_list_is_wider_than_the_terminal_and_none_is_missing(columns):
    rows = text_of(draw(trouble("b", "a"), columns=columns)).splitlines()[:-2]
    assert max(map(len, rows)) <= columns
    assert len(rows) == len(text_of(draw(trouble("b", "a"), columns=80)).splitlines()) - 3, "but for the names"


def test_a_word_that_is_too_long_is_cut_and_leaves_the_columns_where_they_are():
    row = text_of(draw([status("a", "deactivated-there", 12)], columns=80)).splitlines()[1]
    assert row == "    │             │ deactivated-ther… ▶│                    │             │"


def test_nothing_that_was_not_seen_is_drawn():
    assert len(draw([], columns=80)) == 2
    seen = handshake("a", "b")
    assert len(draw(seen[:4], columns=80)) == 2 + 3, "the presence is told elsewhere"


def test_each_side_has_its_colour():
    rows = draw([message("a", "accept", "accepted", 1), message("b", "accept", "accepted", 1)], columns=80)
    assert [row[1][1] for row in rows[1:3]] == [Style.A, Style.B]
