"""How a connection stands: what it waits for, who has to do what, and what its partner has not been told yet.

Sentences for people, made from a connection's JSON view. The command line and the console say the same ones; they
differ in how an act is done there, a command or a button.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING, Any, Final

from node import words
from protocol.records import Status
from protocol.tables import Act
from protocol.vocabulary import Reason, Role

if TYPE_CHECKING:
    from collections.abc import Mapping

_DEAD_CODES: Final = frozenset({Reason.EXPIRED, Reason.RESTORED})
"""What closes a connection that another code brings back."""


class Reader(Enum):
    """Where the sentences are read."""

    COMMAND_LINE = auto()
    CONSOLE = auto()


def standing(view: Mapping[str, Any], *, now: float, reader: Reader) -> list[str]:
    """What a connection waits for or why it is closed, and what is owed to its partner; `now` in Unix seconds."""
    return [*waits_for(view, reader=reader), *owed_to_partner(view, now=now, reader=reader)]


def waits_for(view: Mapping[str, Any], *, reader: Reader) -> list[str]:
    """What happens next, or who has to do what; none while all is well."""
    partner = _partner(view)
    match view["status"], view["role"]:
        case Status.PENDING, _:
            return [f"Waiting for {partner or 'the other admin'} to accept the invitation code."]
        case Status.INVITED, _:
            who = partner or "Somebody"
            doubt = "Nobody has proved who that is: ask for the invitation code, and accept it here."
            return [f"{who} wants to connect. {doubt}"]
        case Status.ACCEPTING, _:
            return [f"Accepted here. Waiting until {partner or 'the source'} has been told."]
        case Status.AWAITING_APPROVAL, Role.SOURCE:
            who = partner or "The destination"
            first = "Compare both fingerprints with its admin first."
            return [f"{who} has accepted and waits for your approval. {first}"]
        case Status.AWAITING_APPROVAL, _:
            return [f"Waiting for the admin of {partner or 'the source'} to approve."]
        case Status.DEACTIVATED_HERE, _:
            return ["Waiting for an admin of this side to activate it again."]
        case Status.DEACTIVATED_THERE, _:
            return [f"Waiting for the admin of {partner or 'the other side'} to activate it again."]
        case Status.DEACTIVATED_BOTH, _:
            return ["Waiting for the admins of both sides to activate it again."]
        case Status.CLOSED, _:
            return [f"Closed: {words.reason(view) or 'nothing is known of the reason'}.", *_remedy(view, reader)]
        case _:
            return []


def owed_to_partner(view: Mapping[str, Any], *, now: float, reader: Reader) -> list[str]:
    """What the partner is still to be told, why it was not yet, and when it is tried again; often none."""
    if not view["owed"]:
        return []
    untold = f"{_partner(view) or 'The partner'} has not been told of the last change yet."
    if view["partner"]["node_url"] is None:
        return [untold, words.NO_URL]
    told = "It is told as soon as it can be reached, for as long as it takes."
    return [f"{untold} {told}", *why_untold(view, now=now, reader=reader)]


def why_untold(view: Mapping[str, Any], *, now: float, reader: Reader) -> list[str]:
    """Why the last try to tell the partner failed, and when the next one is; none before the first has failed."""
    if view["partner"]["node_url"] is None:
        return [words.NO_URL]
    waiting = view["waiting"]
    if waiting is None:
        return []
    if waiting["next_at"] is None:
        return [waiting["sentence"]]
    at = words.unix_s(waiting["next_at"])
    soon = f"in {words.span(at - now)}, at {words.time_of_day(at)}" if at - now >= 1 else "now"
    by_hand = f"; `handclasp connections retry {_short(view)}` tries now" if reader is Reader.COMMAND_LINE else ""
    return [waiting["sentence"], f"Tries so far: {waiting['tries']}. The next one is {soon}{by_hand}."]


def _remedy(view: Mapping[str, Any], reader: Reader) -> list[str]:
    """What helps where only the code died."""
    if view["reason"] not in _DEAD_CODES:
        return []
    if Act.NEW_CODE in view["possible_acts"]:
        how = (
            f"`handclasp connections new-code {_short(view)}` gives"
            if reader is Reader.COMMAND_LINE
            else "The button New invitation code gives"
        )
        return [f"{how} it a new invitation code, which opens it again."]
    if view["role"] == Role.DESTINATION:
        return [f"Ask the admin of {_partner(view) or 'the source'} for a new invitation code."]
    return []


def _partner(view: Mapping[str, Any]) -> str | None:
    return view["partner"]["name"] or view["remote_short_name"] or None


def _short(view: Mapping[str, Any]) -> str:
    return str(view["sys_id"])[:8]
