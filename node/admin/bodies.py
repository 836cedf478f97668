"""What admins send: JSON bodies as types, read strictly; every fault is a problem that names the field."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Annotated, TypeVar

import msgspec

from node.connections.accepting import Adapted
from node.connections.initiating import Wish
from node.connections.stored import Names
from node.problems import Problem, ProblemError
from protocol.errors import TextError
from protocol.limits import (
    CODE_LIFETIME_S_DEFAULT,
    CODE_LIFETIME_S_MAX,
    CODE_LIFETIME_S_MIN,
    CONNECTION_NAME_CHARACTERS_MAX,
    DESCRIPTION_CHARACTERS_MAX,
    NAME_CHARACTERS_MAX,
    PASTED_CHARACTERS_MAX,
    URL_CHARACTERS_MAX,
)
from protocol.modes import Mode
from protocol.text import check_description, check_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiohttp import web

BODY_BYTES_MAX = 128 * 1024
BODY_S_MAX = 30.0
"""How long a body may take from its first byte to its last."""

NAME_FORMAT = "handclasp-name"
TEXT_FORMAT = "handclasp-text"
URL_FORMAT = "handclasp-url"
"""What JSON Schema has no word for: `protocol.text` checks it, and the OpenAPI document describes it."""

B = TypeVar("B", bound=msgspec.Struct)


def _about(meaning: str, **schema: object) -> msgspec.Meta:
    """What the OpenAPI document says of a field. The field's own check refuses what is beyond it, in a sentence."""
    return msgspec.Meta(description=meaning, extra_json_schema=schema)


def _name(meaning: str, characters_max: int = NAME_CHARACTERS_MAX) -> msgspec.Meta:
    return _about(meaning, minLength=1, maxLength=characters_max, format=NAME_FORMAT)


_LIFETIME = _about("How long the code can be accepted.", minimum=CODE_LIFETIME_S_MIN, maximum=CODE_LIFETIME_S_MAX)
_DESCRIPTION = _about("This side's own note.", maxLength=DESCRIPTION_CHARACTERS_MAX, format=TEXT_FORMAT)
_CODE = _about("The code, or a whole e-mail with one code in it.", maxLength=PASTED_CHARACTERS_MAX)


class CheckBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which destination to look at."""

    url: Annotated[str, _about("Its instance URL or node URL.", maxLength=URL_CHARACTERS_MAX, format=URL_FORMAT)]


class InitiateBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the admin of a source fills in."""

    name: Annotated[str, _name("The connection's name, which no other one may have.", CONNECTION_NAME_CHARACTERS_MAX)]
    local_short_name: Annotated[str, _name("What this instance is called in the connection.")]
    remote_short_name: Annotated[str, _name("What the other instance is called in it.")]
    destination_url: Annotated[
        str | None,
        _about(
            'Its instance URL or node URL, which is checked first; null, or left out: "I don\'t have a URL".',
            maxLength=URL_CHARACTERS_MAX,
            format=URL_FORMAT,
        ),
    ] = None
    mode: Annotated[Mode, _about("This version offers `script` alone.")] = Mode.SCRIPT
    description: Annotated[str, _DESCRIPTION] = ""
    ask_me: Annotated[
        bool | None,
        _about("Whether whoever accepts waits for your approval; null: only if the destination is unknown."),
    ] = None
    code_lifetime_s: Annotated[int, _LIFETIME] = CODE_LIFETIME_S_DEFAULT

    def wish(self) -> Wish:
        """The same, valid.

        Raises:
            ProblemError: a text or number is not allowed.
        """
        return Wish(
            destination_url=self.destination_url,
            mode=self.mode,
            names=Names(
                # The short names first: a name made of them has their faults, and these are what was typed.
                local_short_name=text("local_short_name", self.local_short_name, local_short_name),
                remote_short_name=text("remote_short_name", self.remote_short_name, remote_short_name),
                name=text("name", self.name, connection_name),
                description=text("description", self.description, check_description),
            ),
            ask_me=self.ask_me,
            code_lifetime_s=_lifetime(self.code_lifetime_s),
        )


class CodeBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An invitation code."""

    code: Annotated[str, _CODE]


class LicenseBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A license key."""

    key: Annotated[str, _about("The key, as its issuer has sent it.")]


class OauthClientBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A program that is to get OAuth tokens."""

    name: Annotated[str, _name("What admins call it.")]
    user: Annotated[
        str | None,
        _about("The user in whose name it acts by itself (client credentials); null: it asks for users' tokens alone."),
    ] = None

    def checked_name(self) -> str:
        """The name, valid.

        Raises:
            ProblemError: it is not allowed.
        """
        return text("name", self.name, client_name)


class ApiKeyBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whose an API key is to be."""

    user: Annotated[str, _about("The name by which the user signs in to the instance.")]


class NothingBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An empty object, or no body at all."""


class NewCodeBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long the new code lives."""

    code_lifetime_s: Annotated[int, _LIFETIME] = CODE_LIFETIME_S_DEFAULT

    def lifetime(self) -> int:
        """The same, valid.

        Raises:
            ProblemError: it is too short or too long.
        """
        return _lifetime(self.code_lifetime_s)


class DescribeBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What this side notes on the connection."""

    description: Annotated[str, _DESCRIPTION]

    def checked(self) -> str:
        """The same, valid.

        Raises:
            ProblemError: it holds what is not allowed.
        """
        return text("description", self.description, check_description)


class AcceptBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A code, and the names that this side wants to call things by."""

    code: Annotated[str, _CODE]
    name: Annotated[
        str | None, _name("The connection's name here; null: as the code says.", CONNECTION_NAME_CHARACTERS_MAX)
    ] = None
    local_short_name: Annotated[str | None, _name("What this instance is called; null: as the code says.")] = None
    remote_short_name: Annotated[str | None, _name("What the source is called; null: as the code says.")] = None
    description: Annotated[str, _DESCRIPTION] = ""

    def adapted(self) -> Adapted:
        """The names, valid.

        Raises:
            ProblemError: one of them is not allowed.
        """
        return Adapted(
            name=_optional("name", self.name, connection_name),
            local_short_name=_optional("local_short_name", self.local_short_name, local_short_name),
            remote_short_name=_optional("remote_short_name", self.remote_short_name, remote_short_name),
            description=text("description", self.description, check_description),
        )


def _lifetime(code_lifetime_s: int) -> int:
    if not CODE_LIFETIME_S_MIN <= code_lifetime_s <= CODE_LIFETIME_S_MAX:
        raise ProblemError(
            Problem.INVALID_FIELD,
            f"The field code_lifetime_s goes from {CODE_LIFETIME_S_MIN} to {CODE_LIFETIME_S_MAX} seconds.",
            field="code_lifetime_s",
        )
    return code_lifetime_s


def client_name(value: str) -> str:
    """A valid name of an OAuth client; raises TextError."""
    return check_name(value, what="client's name")


def connection_name(value: str) -> str:
    """A valid connection name; raises TextError."""
    return check_name(value, what="connection name", characters_max=CONNECTION_NAME_CHARACTERS_MAX)


def local_short_name(value: str) -> str:
    """A valid short name of this instance; raises TextError."""
    return check_name(value, what="local instance short name")


def remote_short_name(value: str) -> str:
    """A valid short name of the other instance; raises TextError."""
    return check_name(value, what="remote instance short name")


def text(field: str, value: str, check: Callable[[str], str]) -> str:
    """A checked text.

    Raises:
        ProblemError: naming the field.
    """
    try:
        return check(value)
    except TextError as error:
        raise ProblemError(Problem.INVALID_FIELD, error.sentence, field=field) from None


def _optional(field: str, value: str | None, check: Callable[[str], str]) -> str | None:
    return text(field, value, check) if value is not None else None


_MISSING = re.compile(r"missing required field `(\w+)`")
_UNKNOWN = re.compile(r"unknown field `(.*)`", re.DOTALL)
_SHOWN_CHARACTERS_MAX = 60
_PLACE = re.compile(r" - at `\$\.(\w+)`")


async def read_body(request: web.Request, body: type[B], *, may_be_absent: bool = False) -> B:
    """The JSON body of a request; where it may be absent, that is the same as an empty object.

    Raises:
        ProblemError: it is not JSON, or not what belongs here; the field is named.
    """
    for name in request.query:  # a code in a URL would stand in the log of every proxy
        raise ProblemError(Problem.UNKNOWN_FIELD, f"The parameter {name[:60]!a} is not known here.", field=name[:60])
    if may_be_absent and not request.can_read_body:
        return body()
    if "Content-Encoding" in request.headers:
        raise ProblemError(Problem.UNSUPPORTED_MEDIA_TYPE, "Nothing compressed is taken here.")
    if request.content_type != "application/json":
        raise ProblemError(
            Problem.UNSUPPORTED_MEDIA_TYPE, f"The content type {request.content_type} is not taken here."
        )
    if (request.content_length or 0) > BODY_BYTES_MAX:
        raise ProblemError(Problem.TOO_LARGE, f"The request has {request.content_length} bytes.")
    data = await _all_of(request)
    try:
        return _decoded(data, body)
    except msgspec.ValidationError as error:
        raise _field_problem(str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise ProblemError(Problem.MALFORMED, "The body is not JSON.") from None


def _decoded(data: bytes, body: type[B]) -> B:
    """A body; JSON has one kind of number, so 60.0 is the integer 60 (JSON Schema 2020-12, validation 6.1.1).

    Raises:
        MsgspecError: it is not JSON, or not what belongs here.
    """
    try:
        return msgspec.json.decode(data, type=body)
    except msgspec.ValidationError:
        fields = msgspec.json.decode(data)
        if not isinstance(fields, dict) or not any(map(_is_whole, fields.values())):
            raise
    return msgspec.convert({name: int(one) if _is_whole(one) else one for name, one in fields.items()}, body)


def _is_whole(value: object) -> bool:
    return isinstance(value, float) and value.is_integer()


async def _all_of(request: web.Request) -> bytes:
    """The bytes of a body. A sender who goes away before its end gets an answer that nobody hears.

    Raises:
        ProblemError: it has too many, is not all there in time, or breaks off.
    """
    data = b""
    try:
        async with asyncio.timeout(BODY_S_MAX):
            while len(data) <= BODY_BYTES_MAX and not request.content.at_eof():
                data += await request.content.read(BODY_BYTES_MAX + 1 - len(data))
    except TimeoutError:
        raise ProblemError(Problem.TOO_SLOW, f"The body was not all there after {BODY_S_MAX:g} s.") from None
    except ConnectionError:
        raise ProblemError(Problem.MALFORMED, "The body breaks off before its end.") from None
    if len(data) > BODY_BYTES_MAX:
        raise ProblemError(Problem.TOO_LARGE, f"The request has more than {BODY_BYTES_MAX} bytes.")
    return data


def _field_problem(message: str) -> ProblemError:
    if (missing := _MISSING.search(message)) is not None:
        return ProblemError(Problem.MISSING_FIELD, f"The field {missing[1]} is missing.", field=missing[1])
    if (unknown := _UNKNOWN.search(message)) is not None:
        name = unknown[1][:_SHOWN_CHARACTERS_MAX]
        return ProblemError(Problem.UNKNOWN_FIELD, f"The field {name!a} is not known here.", field=name)
    if (place := _PLACE.search(message)) is not None:
        said = message[: place.start()]
        return ProblemError(Problem.INVALID_FIELD, f"The field {place[1]} is not valid: {said}.", field=place[1])
    return ProblemError(Problem.MALFORMED, "The body is not a JSON object.")
