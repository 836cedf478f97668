"""What a statement may say: the limits of its fields, what they may not say together, and the form of its texts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from protocol.errors import RemoteProtocolError, TextError
from protocol.expiry import check_expiry
from protocol.limits import (
    CONNECTION_NAME_CHARACTERS_MAX,
    COUNTER_LIMIT,
    NODE_ID_BYTES,
    SIGNATURE_BYTES,
    SOFTWARE_CHARACTERS_MAX,
)
from protocol.text import check_name, check_url
from protocol.vocabulary import (
    PHASES_SAID,
    PHASES_SWITCHED_ON,
    Details,
    Kind,
    Phase,
    Preview,
    Role,
    Side,
    Statement,
)

if TYPE_CHECKING:
    from protocol.vocabulary import Echo

_PHASE_ASKED = {Kind.INITIATE: Phase.PENDING, Kind.ACCEPT: Phase.ACCEPTED}


def checked(statement: Statement, *, kind: Kind, role: Role) -> Statement:
    """The statement with its texts in their normal form, unless no honest node makes it.

    Every *accepted* statement carries its details, question or answer (protocol section 4), so that nobody becomes a
    partner without a name. That it carries a proof too is not judged here: a missing proof is one that is not good,
    and the tables say what that leads to.

    Raises:
        RemoteProtocolError: with the field that is wrong.
    """
    side = statement.side
    if not 0 < statement.serial < COUNTER_LIMIT:
        raise RemoteProtocolError("A serial is above 0 and below 2^53.")
    if side.phase not in PHASES_SAID[role]:
        raise RemoteProtocolError(f"A {role} is never {side.phase}.")
    if kind in _PHASE_ASKED and side.phase is not _PHASE_ASKED[kind]:
        raise RemoteProtocolError(f"A message of the kind {kind} does not say {side.phase}.")
    _check_side(side)
    if statement.echo is not None:
        _check_echo(statement.echo, said_by=role.other)
    if statement.proof is not None and len(statement.proof) != SIGNATURE_BYTES:
        raise RemoteProtocolError("A proof has 64 bytes.")
    if side.phase is Phase.ACCEPTED and statement.details is None:
        raise RemoteProtocolError("An accepted statement carries its details.")
    return msgspec.structs.replace(statement, details=_checked_details(statement, role))


def _check_side(side: Side) -> None:
    if not 0 <= side.revision < COUNTER_LIMIT:
        raise RemoteProtocolError("A revision is below 2^53.")
    if (side.revision == 0) > (side.phase in {Phase.NONE, Phase.CLOSED}) or (
        side.phase is Phase.NONE and side.revision > 0
    ):
        raise RemoteProtocolError("Revision 0 is for a side without a record.")
    if (side.reason is not None) != (side.phase is Phase.CLOSED):
        raise RemoteProtocolError("A reason stands with closed, and only there.")
    _check_switch(side)


def _check_echo(echo: Echo, *, said_by: Role) -> None:
    if not 0 <= echo.revision < COUNTER_LIMIT:
        raise RemoteProtocolError("The revision of an echo is below 2^53.")
    if echo.phase not in PHASES_SAID[said_by]:
        raise RemoteProtocolError(f"A {said_by} is never {echo.phase}, so that is no echo of it.")
    _check_switch(echo)


def _check_switch(said: Side | Echo) -> None:
    if said.enabled and said.phase not in PHASES_SWITCHED_ON:
        raise RemoteProtocolError(f"No switch is on while {said.phase}.")


def _checked_details(statement: Statement, role: Role) -> Preview | Details | None:
    try:
        match statement.details:
            case Preview() as preview if role is Role.SOURCE:
                check_expiry(preview.expires_at, serial=statement.serial)
                return msgspec.structs.replace(preview, **_checked_names(preview))
            case Details() as details if role is Role.DESTINATION:
                return _checked(details)
            case None:
                return None
            case _:
                raise RemoteProtocolError(f"Those are not the details of a {role}.")
    except TextError as error:
        raise RemoteProtocolError(str(error)) from error


def _checked(details: Details) -> Details:
    if len(details.node_id) != NODE_ID_BYTES:
        raise RemoteProtocolError("The id of a node has 16 bytes.")
    return msgspec.structs.replace(
        details,
        node_name=check_name(details.node_name, what="name of the node"),
        software=check_name(details.software, what="software version", characters_max=SOFTWARE_CHARACTERS_MAX),
        instance_url=_checked_url(details.instance_url, what="instance URL"),
        **_checked_names(details),
    )


def _checked_names(told: Preview | Details) -> dict[str, str | None]:
    return {
        "name": check_name(told.name, what="connection name", characters_max=CONNECTION_NAME_CHARACTERS_MAX),
        "source_short_name": check_name(told.source_short_name, what="short name of the source"),
        "destination_short_name": check_name(told.destination_short_name, what="short name of the destination"),
        "node_url": _checked_url(told.node_url, what="node URL"),
    }


def _checked_url(url: str | None, *, what: str) -> str | None:
    return None if url is None else check_url(url, what=what)
