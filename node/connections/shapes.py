"""The shape of what admins are told: the JSON of each answer of the admin API, as types.

The functions that make the answers are checked against these types, and the OpenAPI document is made from them
(`node/describing/openapi.py`), so neither says what the other doesn't. They are read while the node runs, which is
why this file does without postponed annotations.
"""

from enum import StrEnum
from typing import Annotated, TypedDict

from msgspec import Meta

from node.causes import Cause
from node.delivery.events import StatusEvent
from node.license.license import Kind
from node.network.findings import CheckOutcome
from protocol.machine import Notice
from protocol.modes import Mode
from protocol.node_info import NotTakingReason
from protocol.records import Status
from protocol.tables import Act
from protocol.vocabulary import Phase, Reason, Role

SYS_ID_PATTERN = "^[0-9a-f]{32}$"

Instant = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
SysId = Annotated[str, Meta(extra_json_schema={"pattern": SYS_ID_PATTERN})]
Fingerprint = Annotated[str, Meta(extra_json_schema={"pattern": "^[a-z2-7]{4}(-[a-z2-7]{4}){5}$"})]
Uuid = Annotated[str, Meta(extra_json_schema={"format": "uuid"})]
Url = Annotated[str, Meta(extra_json_schema={"format": "uri"})]
InvitationCode = Annotated[str, Meta(extra_json_schema={"pattern": "^handclasp_[a-z2-7]+$"})]


class NoticeKind(StrEnum):
    """What an admin is told beside a change."""

    OTHER_HOLDER = Notice.OTHER_HOLDER.name.lower()
    OLDER_DATA = Notice.OLDER_DATA.name.lower()


class NodeView(TypedDict):
    """Who a node is."""

    name: Annotated[str, Meta(description="What people call this instance.")]
    node_id: Annotated[Uuid, Meta(description="The id that stands in MQTT topics. The key is the identity, not this.")]
    fingerprint: Annotated[Fingerprint, Meta(description="Of this node's key: what two admins compare.")]
    node_url: Annotated[Url | None, Meta(description="Where partners reach this node; null: a private node.")]
    instance_url: Annotated[Url | None, Meta(description="Where people find this instance; null: it is not served.")]
    software: Annotated[str, Meta(description="The software and its version.")]


class LicenseView(TypedDict):
    """What the license of a node is now."""

    kind: Annotated[Kind, Meta(description="A free node initiates no connection in Script mode.")]
    ends_at: Annotated[Instant, Meta(description="When it ends; of a free node, when what it had before ended.")]
    licensee: Annotated[str | None, Meta(description="Whom the key names that counts, or counted last.")]
    may_initiate: Annotated[bool, Meta(description="Whether a new connection may be initiated in Script mode.")]
    sentence: Annotated[str, Meta(description="All of it, for people.")]


class LicenseAnswer(TypedDict):
    """The license."""

    license: Annotated[LicenseView, Meta(description="What the license of this node is now.")]


class OauthClientAnswer(TypedDict):
    """An OAuth client of the instance, as it was just registered."""

    client_id: Annotated[str, Meta(description="Its public name, for the token endpoint.")]
    client_secret: Annotated[str, Meta(description="Its secret, told this once.")]


class ApiKeyAnswer(TypedDict):
    """An API key of the instance, as it was just made."""

    user: Annotated[str, Meta(description="In whose name it speaks.")]
    api_key: Annotated[str, Meta(description="The key, told this once.")]


class CheckAnswer(TypedDict):
    """What the destination check found."""

    outcome: Annotated[CheckOutcome, Meta(description="Only with `ok` can the destination be connected to.")]
    sentence: Annotated[str, Meta(description="The same for people.")]
    remedy: Annotated[str, Meta(description="What to do now.")]
    modes: Annotated[list[Mode], Meta(description="The modes that both nodes offer.")]
    reason: Annotated[NotTakingReason | None, Meta(description="Why no invitations are taken there; else null.")]
    node_url: Annotated[Url | None, Meta(description="Of the node that was found; null: none was.")]
    instance_url: Annotated[Url | None, Meta(description="Of the instance that was found; null: none was.")]
    name: Annotated[str | None, Meta(description="What the instance calls itself; null: none was found.")]
    fingerprint: Annotated[Fingerprint | None, Meta(description="Of the key that was seen; null: none was.")]


class SideView(TypedDict):
    """One side of a connection, as that side says of itself."""

    phase: Annotated[Phase, Meta(description="How far it is.")]
    revision: Annotated[int, Meta(description="Its counter of changes.", extra_json_schema={"minimum": 0})]
    enabled: Annotated[bool, Meta(description="Its switch.")]
    reason: Annotated[Reason | None, Meta(description="Why it is closed; null while it is not.")]


class PartnerView(TypedDict):
    """What is known of the other node; all but the fingerprint are hints."""

    fingerprint: Annotated[Fingerprint | None, Meta(description="Of its key; null: nobody has accepted yet.")]
    node_id: Annotated[Uuid | None, Meta(description="The id in its MQTT topics.")]
    name: Annotated[str | None, Meta(description="What it calls its instance.")]
    node_url: Annotated[Url | None, Meta(description="Where it is reached; null: unknown, or a private node.")]
    instance_url: Annotated[Url | None, Meta(description="Where people find its instance.")]
    software: Annotated[str | None, Meta(description="The software and its version.")]


class WaitingView(TypedDict):
    """What a statement to the partner waits for."""

    cause: Annotated[Cause | None, Meta(description="Why the last try brought no answer; null before the first.")]
    sentence: Annotated[str, Meta(description="The same for people.")]
    tries: Annotated[int, Meta(description="How many tries in a row brought none.", extra_json_schema={"minimum": 0})]
    next_at: Annotated[Instant | None, Meta(description="When the next one is; null while one is under way.")]


class ConnectionView(TypedDict):
    """One connection, as this node sees it."""

    sys_id: Annotated[SysId, Meta(description="Its id, here and in MQTT topics.")]
    role: Annotated[Role, Meta(description="What this node is in it.")]
    status: Annotated[Status, Meta(description="The status that people are shown and that is broadcast.")]
    reason: Annotated[Reason | None, Meta(description="Why it is closed; null while it is not.")]
    name: Annotated[str, Meta(description="The connection's name, one of a kind on this node while it is open.")]
    local_short_name: Annotated[str, Meta(description="What this side calls itself in it.")]
    remote_short_name: Annotated[str, Meta(description="What this side calls the other one.")]
    description: Annotated[str, Meta(description="This side's own note; the partner never hears of it.")]
    mode: Annotated[Mode, Meta(description="Chosen once; another mode needs another connection.")]
    mine: Annotated[SideView, Meta(description="This side.")]
    theirs: Annotated[SideView | None, Meta(description="The other side as last heard; null: nothing yet.")]
    partner: Annotated[PartnerView, Meta(description="The other node.")]
    fingerprint: Annotated[Fingerprint, Meta(description="Of this node's own key.")]
    bound: Annotated[bool, Meta(description="At the source: whether one known node alone can accept the code.")]
    ask_me: Annotated[bool, Meta(description="At the source: whether whoever accepts waits for this admin's approval.")]
    expires_at: Annotated[Instant | None, Meta(description="When the code expires; null: it is not pending.")]
    owed: Annotated[bool, Meta(description="Whether the partner has yet to hear of this side's last change.")]
    removed: Annotated[bool, Meta(description="Whether it was taken off the list while the partner is still owed.")]
    waiting: Annotated[WaitingView | None, Meta(description="What the statement to the partner waits for.")]
    possible_acts: Annotated[list[Act], Meta(description="What this side's admin may do now.")]
    seq: Annotated[int, Meta(description="Of its last broadcast status.", extra_json_schema={"minimum": 0})]
    created_at: Annotated[Instant, Meta(description="When this node first knew of it.")]
    changed_at: Annotated[Instant, Meta(description="When it last changed here.")]


class NoticeView(TypedDict):
    """Something that this connection's admin should know."""

    at: Annotated[Instant, Meta(description="When it happened.")]
    kind: Annotated[NoticeKind, Meta(description="What happened.")]
    about: Annotated[Fingerprint, Meta(description="The fingerprint of whom it is about.")]


class ConnectionAnswer(TypedDict):
    """A connection."""

    connection: Annotated[ConnectionView, Meta(description="The connection as it is now.")]


class ActAnswer(TypedDict):
    """A connection after an act."""

    connection: Annotated[ConnectionView | None, Meta(description="As it is now; null once nothing of it is left.")]


class CodeAnswer(TypedDict):
    """A connection with its invitation code."""

    connection: Annotated[ConnectionView, Meta(description="The connection as it is now.")]
    invitation_code: Annotated[
        InvitationCode | None,
        Meta(description="The code to hand to the other admin; null: this was done before, and it is dead by now."),
    ]


class ConnectionsAnswer(TypedDict):
    """A page of connections."""

    connections: Annotated[list[ConnectionView], Meta(description="Oldest first.")]
    next: Annotated[int | None, Meta(description="The `after` of the next page; null: this was the last one.")]


class ShownAnswer(TypedDict):
    """A connection with its notices."""

    connection: Annotated[ConnectionView, Meta(description="The connection as it is now.")]
    notices: Annotated[list[NoticeView], Meta(description="Oldest first.")]


class EventsAnswer(TypedDict):
    """A page of a connection's history."""

    events: Annotated[list[StatusEvent], Meta(description="Oldest first, each exactly as it was broadcast by MQTT.")]


class InvitationCodeAnswer(TypedDict):
    """The living code of a pending connection."""

    invitation_code: Annotated[InvitationCode, Meta(description="The code to hand to the other admin.")]


class CodeSourceView(TypedDict):
    """Who made a code."""

    node_url: Annotated[Url, Meta(description="Where the source will be called.")]
    fingerprint: Annotated[Fingerprint, Meta(description="Of the key that signed the code.")]
    short_name: Annotated[str, Meta(description="What the source calls itself.")]


class InvitationView(TypedDict):
    """The public part of an invitation code."""

    another_key: Annotated[bool, Meta(description="A warning: that connection or URL is known here with another key.")]
    connection: Annotated[SysId, Meta(description="The connection's id.")]
    source: Annotated[CodeSourceView, Meta(description="Who made it.")]
    destination_short_name: Annotated[str, Meta(description="What the source calls whoever accepts.")]
    name: Annotated[str, Meta(description="The connection's name.")]
    mode: Annotated[Mode, Meta(description="The connection's mode.")]
    expires_at: Annotated[int, Meta(description="When it expires by the source's clock, in Unix seconds.")]
    expired: Annotated[bool, Meta(description="Whether it has, by this node's clock. The source's clock decides.")]
    bound_to_this_node: Annotated[bool, Meta(description="Whether this node alone can accept it.")]
    label: Annotated[str, Meta(description="What the logs of both nodes call the code.")]


class InvitationAnswer(TypedDict):
    """What a code offers."""

    invitation: Annotated[InvitationView, Meta(description="The public part of the code.")]
