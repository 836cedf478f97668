"""What the admin API can be asked: one row each, of which its routes are made, and the OpenAPI document too.

So nothing can be asked that is not described. Which problems an operation may answer follows from what it takes and
does, plus those that its row names; a test holds each problem that any test meets against it.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

import msgspec

from node.admin import parameters
from node.admin.answers import API
from node.admin.bodies import (
    AcceptBody,
    ApiKeyBody,
    CheckBody,
    CodeBody,
    DescribeBody,
    InitiateBody,
    LicenseBody,
    NewCodeBody,
    NothingBody,
    OauthClientBody,
)
from node.connections import shapes
from node.problems import Problem
from protocol.tables import Act

if TYPE_CHECKING:
    from collections.abc import Mapping

IDEMPOTENCY_PATTERN: Final = "^[!-~]{1,255}$"
"""What an `Idempotency-Key` may be."""


class Tag(StrEnum):
    """The groups in which operations are shown."""

    NODE = "Node"
    CONNECTIONS = "Connections"
    INVITATIONS = "Invitations"
    ACTS = "Acts"
    INSTANCE = "Instance"
    DOCUMENTS = "Documents"


TAGS: Final[Mapping[Tag, str]] = {
    Tag.NODE: "Who this node is, what its license allows, and whether a destination could be connected to.",
    Tag.CONNECTIONS: "Initiate a connection, and look at those there are.",
    Tag.INVITATIONS: "What the destination's admin does with an invitation code.",
    Tag.ACTS: "What an admin does with a connection. `possible_acts` of a connection says which of them it takes now. "
    "Each works while the partner is away: it is told as soon as it can be reached.",
    Tag.INSTANCE: "Let programs into the REST APIs of the instance. Their secrets are told once; what was made is "
    "listed and removed as records of `oauth_entity`, `oauth_credential` and `api_key`.",
    Tag.DOCUMENTS: "What you are reading, as it stands. Anybody may read these two.",
}
"""In the order in which they are shown."""


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that can be asked.

    Attributes:
        id: its name in documents and in the code.
        method: of HTTP.
        path: below `/api/v1`; `{sys_id}` names a connection.
        tag: the group in which it is shown.
        summary: what it does, in a few words.
        meaning: more about it, in CommonMark.
        query: the parameters that it knows.
        body: what it takes; none: nothing.
        may_be_empty: whether the body may be left out.
        status: of its good answer.
        answer: the shape of that answer.
        secret: whether the answer holds a code, and so is kept by no cache.
        once: whether it takes an `Idempotency-Key`.
        refusals: the problems that are its own.
        is_public: whether it is answered without a token.
    """

    id: str
    method: str
    path: str
    tag: Tag
    summary: str
    meaning: str
    query: tuple[parameters.Parameter, ...] = ()
    body: type[msgspec.Struct] | None = None
    may_be_empty: bool = False
    status: int = 200
    answer: type
    secret: bool = False
    once: bool = False
    refusals: frozenset[Problem] = frozenset()
    is_public: bool = False

    @property
    def url(self) -> str:
        """Where it is asked."""
        return API + self.path

    @property
    def names_connection(self) -> bool:
        """Whether its path names a connection."""
        return "{sys_id}" in self.path

    @property
    def problems(self) -> frozenset[Problem]:
        """All problems that it may answer."""
        found: set[Problem] = {Problem.INTERNAL, Problem.UNKNOWN_FIELD, *self.refusals}
        if not self.is_public:
            found |= {Problem.UNAUTHENTICATED}
        if self.query:
            found |= {Problem.INVALID_FIELD}
        if self.names_connection:
            found |= {Problem.NOT_FOUND}
        if self.body is not None:
            found |= {Problem.MALFORMED, Problem.UNSUPPORTED_MEDIA_TYPE, Problem.TOO_LARGE, Problem.TOO_SLOW}
            fields = msgspec.structs.fields(self.body)
            found |= {Problem.INVALID_FIELD} if fields else set()
            found |= {Problem.MISSING_FIELD} if any(field.required for field in fields) else set()
        if self.once:
            found |= {
                Problem.INVALID_FIELD,
                Problem.IDEMPOTENCY_KEY_REUSED,
                Problem.NOT_FOUND,
                Problem.DISK_FULL,
            }
        return frozenset(found)


_CODE_TAKEN: Final = frozenset({Problem.CODE_REFUSED})
_NOT_NOW: Final = frozenset({Problem.NOT_POSSIBLE_NOW})

_ACTS: Final[Mapping[Act, tuple[str, str]]] = {
    Act.WITHDRAW: (
        "Withdraw an invitation code",
        "For the source, while nobody has accepted. The code is dead at once and the connection closed.",
    ),
    Act.APPROVE: (
        "Approve whoever accepted",
        (
            "For the source, of a connection that was to ask first. Compare the fingerprint of `partner` with the "
            "other admin before. Both sides become active."
        ),
    ),
    Act.REFUSE: (
        "Refuse whoever accepted",
        "For the source, of a connection that was to ask first: somebody else used the code. The connection closes.",
    ),
    Act.DECLINE: (
        "Decline an announced invitation",
        "For the destination, of a connection that was announced to it. The code is used up and the connection closed.",
    ),
    Act.CANCEL: (
        "Cancel an acceptance",
        "For the destination, before the connection is active. The code is used up and the connection closed.",
    ),
    Act.ACTIVATE: (
        "Activate this side",
        "Each side has a switch of its own; the connection is active while both are on.",
    ),
    Act.DEACTIVATE: (
        "Deactivate this side",
        "Each side has a switch of its own. The other admin sees that this one is off.",
    ),
    Act.REMOVE: (
        "Close a connection, or take a closed one off the list",
        (
            "An active one closes on both sides, of a pending one the code is withdrawn, one that waits for approval "
            "is refused. A closed one leaves the list; late messages are still answered, and what is "
            "owed is still told."
        ),
    ),
    Act.FORGET: (
        "Forget a closed connection",
        (
            "For a partner that is gone for good: what is owed is never told. At the source everything about it goes, "
            "and the answer holds null."
        ),
    ),
}
"""What stands of each act in the documents; a test holds these to the acts that are offered."""


def act_id(act: Act) -> str:
    """The operation of an act."""
    return f"{act}Connection"


def _act(act: Act) -> Operation:
    summary, meaning = _ACTS[act]
    return Operation(
        id=act_id(act), method="POST", path=f"/connections/{{sys_id}}/{act}", tag=Tag.ACTS,
        summary=summary, meaning=meaning,
        body=NothingBody, may_be_empty=True, answer=shapes.ActAnswer, once=True, refusals=_NOT_NOW,
    )  # fmt: skip


OPERATIONS: Final = (
    Operation(
        id="getNode", method="GET", path="/node", tag=Tag.NODE,
        summary="Who this node is",
        meaning="Its names, its URLs, and the fingerprint of its key.",
        answer=shapes.NodeView,
    ),
    Operation(
        id="getLicense", method="GET", path="/license", tag=Tag.NODE,
        summary="What the license allows now",
        meaning="Evaluation, paid or free, and until when.",
        answer=shapes.LicenseAnswer, refusals=frozenset({Problem.NOT_FOUND}),
    ),
    Operation(
        id="enterLicense", method="PUT", path="/license", tag=Tag.NODE,
        summary="Enter a license key",
        meaning="The key counts from now on. One that is refused changes nothing.",
        body=LicenseBody, answer=shapes.LicenseAnswer,
        refusals=frozenset({Problem.LICENSE_KEY_REFUSED, Problem.NOT_FOUND}),
    ),
    Operation(
        id="checkDestination", method="POST", path="/check", tag=Tag.NODE,
        summary="Look at a destination",
        meaning="Whether a node answers there and which modes it offers. Nothing is changed, here or there. Each "
        "outcome is an answer, with what to do; a problem is only what is no URL. It may take 10 seconds.",
        body=CheckBody, answer=shapes.CheckAnswer,
    ),
    Operation(
        id="listConnections", method="GET", path="/connections", tag=Tag.CONNECTIONS,
        summary="List connections",
        meaning="A page of them, oldest first. Ask with `after` for the next one until `next` is null.",
        query=(parameters.STATUS, parameters.ROLE, parameters.REMOVED, parameters.LIMIT, parameters.AFTER_NUMBER),
        answer=shapes.ConnectionsAnswer,
    ),
    Operation(
        id="initiateConnection", method="POST", path="/connections", tag=Tag.CONNECTIONS,
        summary="Initiate a connection",
        meaning="This node becomes the source and makes the invitation code, which is for the other admin alone. A "
        "destination that is named is checked first, and only the key that was seen there can accept the code.",
        body=InitiateBody, status=201, answer=shapes.CodeAnswer, secret=True, once=True,
        refusals=frozenset(
            {
                Problem.NOT_PUBLIC, Problem.MODE_NOT_OFFERED, Problem.NOT_LICENSED, Problem.CHECK_FAILED,
                Problem.NAME_TAKEN,
            }
        ),
    ),
    Operation(
        id="getConnection", method="GET", path="/connections/{sys_id}", tag=Tag.CONNECTIONS,
        summary="Show a connection",
        meaning="With what its admin should know of: another holder of the code, or a partner with older data.",
        answer=shapes.ShownAnswer,
    ),
    Operation(
        id="describeConnection", method="PATCH", path="/connections/{sys_id}", tag=Tag.CONNECTIONS,
        summary="Change the description",
        meaning="It is this side's own and told to nobody.",
        body=DescribeBody, answer=shapes.ConnectionAnswer, once=True,
    ),
    Operation(
        id="listEvents", method="GET", path="/connections/{sys_id}/events", tag=Tag.CONNECTIONS,
        summary="The history of a connection",
        meaning="Each status that was broadcast, oldest first. Whoever missed some reads them here by their `seq`.",
        query=(parameters.AFTER_SEQ, parameters.LIMIT), answer=shapes.EventsAnswer,
    ),
    Operation(
        id="getInvitationCode", method="GET", path="/connections/{sys_id}/invitation", tag=Tag.CONNECTIONS,
        summary="Show the invitation code again",
        meaning="For the source, while the connection is pending.",
        answer=shapes.InvitationCodeAnswer, secret=True, refusals=_NOT_NOW,
    ),
    Operation(
        id="newInvitationCode", method="POST", path="/connections/{sys_id}/new-code", tag=Tag.CONNECTIONS,
        summary="Replace the invitation code",
        meaning="For the source, while nobody has accepted, or after the code has expired. The code before is dead.",
        body=NewCodeBody, may_be_empty=True, status=201, answer=shapes.CodeAnswer, secret=True, once=True,
        refusals=_NOT_NOW | {Problem.NAME_TAKEN},
    ),
    Operation(
        id="retryDelivery", method="POST", path="/connections/{sys_id}/retry", tag=Tag.CONNECTIONS,
        summary="Try to reach the partner now",
        meaning="Instead of at the next try, which `waiting` tells.",
        body=NothingBody, may_be_empty=True, status=202, answer=shapes.ConnectionAnswer, refusals=_NOT_NOW,
    ),
    Operation(
        id="showInvitation", method="POST", path="/invitations/show", tag=Tag.INVITATIONS,
        summary="Read an invitation code",
        meaning="What it offers and who made it, so that an admin can compare the fingerprint before accepting. "
        "Nothing is changed and nobody is asked. It is a POST since a code in a URL would stand in logs.",
        body=CodeBody, answer=shapes.InvitationAnswer, refusals=_CODE_TAKEN,
    ),
    Operation(
        id="acceptInvitation", method="POST", path="/invitations/accept", tag=Tag.INVITATIONS,
        summary="Accept an invitation code",
        meaning="This node becomes the destination. It is stored at once; the source is told as soon as it can be "
        "reached, and only then the connection is active, or waits for the approval of the source's admin.",
        body=AcceptBody, status=201, answer=shapes.ConnectionAnswer, once=True,
        refusals=_CODE_TAKEN | {Problem.NAME_TAKEN},
    ),
    Operation(
        id="declineInvitation", method="POST", path="/invitations/decline", tag=Tag.INVITATIONS,
        summary="Decline an invitation code",
        meaning="The code is used up, and the source is told as soon as it can be reached.",
        body=CodeBody, status=201, answer=shapes.ConnectionAnswer, once=True,
        refusals=_CODE_TAKEN | {Problem.NAME_TAKEN},
    ),
    *(_act(act) for act in _ACTS),
    Operation(
        id="makeOauthClient", method="POST", path="/instance/oauth-clients", tag=Tag.INSTANCE,
        summary="Register an OAuth client",
        meaning="A program that gets tokens at `/oauth_token.do` of the instance URL. The secret is told in this "
        "answer and never again.",
        body=OauthClientBody, status=201, answer=shapes.OauthClientAnswer, secret=True,
        refusals=frozenset({Problem.NOT_FOUND}),
    ),
    Operation(
        id="makeApiKey", method="POST", path="/instance/api-keys", tag=Tag.INSTANCE,
        summary="Make an API key",
        meaning="A program that sends it as `x-sn-apikey` speaks in the name of the user. It is told in this answer "
        "and never again.",
        body=ApiKeyBody, status=201, answer=shapes.ApiKeyAnswer, secret=True,
        refusals=frozenset({Problem.NOT_FOUND}),
    ),
    Operation(
        id="getOpenApi", method="GET", path="/openapi.json", tag=Tag.DOCUMENTS,
        summary="This API as OpenAPI 3.1",
        meaning="What this page is made from.",
        answer=dict, is_public=True,
    ),
    Operation(
        id="getAsyncApi", method="GET", path="/asyncapi.json", tag=Tag.DOCUMENTS,
        summary="The MQTT broadcasts as AsyncAPI 3",
        meaning="Topics and events, for whoever subscribes.",
        answer=dict, is_public=True,
    ),
)  # fmt: skip
"""In the order in which they are shown."""

BY_ID: Final[Mapping[str, Operation]] = {one.id: one for one in OPERATIONS}
