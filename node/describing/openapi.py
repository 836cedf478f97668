"""The admin API as OpenAPI 3.1 (https://spec.openapis.org/oas/v3.1.1), made from its operations, types and problems."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

import msgspec

from node.admin.bodies import BODY_BYTES_MAX, BODY_S_MAX, NAME_FORMAT, TEXT_FORMAT, URL_FORMAT
from node.admin.middleware import PROBLEM_JSON
from node.admin.operations import IDEMPOTENCY_PATTERN, OPERATIONS, TAGS, Operation
from node.admin.parameters import Number, Parameter
from node.connections.once import KEPT_MS
from node.connections.shapes import SYS_ID_PATTERN, CodeAnswer, ConnectionAnswer
from node.describing import examples
from node.describing.schemas import REF, given, taken
from node.network.findings import CheckOutcome
from node.problems import MEMBERS, PROBLEMS, Problem
from node.version import VERSION
from protocol.code_outcomes import CodeOutcome
from protocol.vocabulary import Reason

if TYPE_CHECKING:
    from collections.abc import Iterable

JSON: Final = "application/json"

OUTCOMES: Final = {
    Problem.CHECK_FAILED: [one.value for one in CheckOutcome if one is not CheckOutcome.OK],
    Problem.CODE_REFUSED: sorted({*map(str, CodeOutcome), *map(str, Reason)}),
}
"""The words of `outcome`. A code is also refused by the reason for which its connection is closed here."""

INTRODUCTION: Final = f"""\
What admins of this instance can do from a program: all that the console does with connections.

**Who may ask.** Send `Authorization: Bearer …` with the token from the file `admin.token` in the node's data directory,
or with one that was made under General Settings in the console.

**What is refused** is answered by a problem document (RFC 9457): `type` is a path on this node whose page says what it
means, `detail` says what is wrong in this case, `remedy` what to do. Nothing was changed then. With a token, a request
is answered 404 (`not-found`) at a path that is not listed here, and 405 (`method-not-allowed`, with `Allow`) by a
method that is not. A `GET` can be asked as a `HEAD`, too. What is no HTTP that this node reads (a line of the head
that is too long, a broken chunk, an expectation other than `100-continue`) is answered 400 or 417 in plain text.

**Sent twice, done once.** A write with an `Idempotency-Key` can be sent again when its answer did not come: for
{KEPT_MS // 3_600_000} hours it is not done again and is answered as the connection is then.

**Names and URLs.** A schema's `format` says what JSON Schema has no word for. `{NAME_FORMAT}`: one line of text in
which nothing is invisible, turns the direction of writing or is a control character; blanks around it do not count, and
something must be left without them. `{TEXT_FORMAT}`: likewise, but it may be empty and have several lines.
`{URL_FORMAT}`: an `http://` or `https://` address in ASCII, without user name, `?` and `#`.

**Limits.** A request has at most {BODY_BYTES_MAX // 1024} KiB, and comes within {BODY_S_MAX:g} seconds.

A later version of the node may add members to its answers: leave aside what you don't know.
"""

_FOLLOWERS: Final = tuple(one for one in OPERATIONS if one.names_connection)
"""What can be done next with a connection that an answer shows."""


@cache
def openapi_json() -> bytes:
    """The document as JSON."""
    return msgspec.json.encode(openapi())


def openapi() -> dict[str, Any]:
    """The document."""
    bodies = {one.body for one in OPERATIONS if one.body is not None}
    answers = {one.answer for one in OPERATIONS if one.answer is not dict}
    paths: dict[str, dict[str, Any]] = {}
    for one in OPERATIONS:
        paths.setdefault(one.url, {})[one.method.lower()] = _operation(one)
    return {
        "openapi": "3.1.1",
        "info": {
            "title": "Handclasp: the admin API",
            "version": VERSION,
            "summary": "Connections of this instance with others, from a program.",
            "description": INTRODUCTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/", "description": "The node that serves this document."}],
        "security": [{"token": []}],
        "tags": [{"name": tag.value, "description": said} for tag, said in TAGS.items()],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "The admin token in the node's data directory, or one made in the console.",
                }
            },
            "parameters": {"sys_id": _SYS_ID, "Idempotency-Key": _IDEMPOTENCY_KEY},
            "links": {
                one.id: {"operationId": one.id, "parameters": {"sys_id": "$response.body#/connection/sys_id"}}
                for one in _FOLLOWERS
            },
            "headers": {"no-store": _NO_STORE},
            "responses": {kind.value: _refusal([kind]) for kind in Problem},
            "examples": {
                kind.value: {"summary": PROBLEMS[kind].title, "value": examples.problem(kind)} for kind in Problem
            },
            "schemas": {
                **taken(bodies)[1],
                **given(answers)[1],
                **{problem_schema(kind): _problem(kind) for kind in Problem},
            },
        },
    }


_SYS_ID: Final = {
    "name": "sys_id",
    "in": "path",
    "required": True,
    "description": "The connection's id.",
    "schema": {"type": "string", "pattern": SYS_ID_PATTERN},
    "example": examples.SYS_ID,
}
_IDEMPOTENCY_KEY: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "A new one for each new request, the same when that request is sent again.",
    "schema": {"type": "string", "pattern": IDEMPOTENCY_PATTERN},
    "example": examples.IDEMPOTENCY_KEY,
}
_NO_STORE: Final = {
    "description": "The answer holds a code: no cache keeps it.",
    "required": True,
    "schema": {"type": "string", "const": "no-store"},
}


def problem_schema(kind: Problem) -> str:
    """What the schema of a problem type is called."""
    return "Problem-" + kind.value


def _problem(kind: Problem) -> dict[str, Any]:
    row = PROBLEMS[kind]
    members = {
        "type": {"const": f"/problems/{kind}", "description": "A path on this node, whose page explains the type."},
        "title": {"const": row.title},
        "status": {"const": row.status, "description": "The HTTP status."},
        "detail": {"type": "string", "description": "What is wrong in this case."},
        "remedy": {"type": "string", "description": "What to do about it.", "examples": [row.remedy]},
        **{name: _member(kind, name) for name in (*row.members, *row.may_have)},
    }
    return {
        "type": "object",
        "description": f"{row.title}. {row.when} {row.remedy}",
        "properties": members,
        "required": [name for name in members if name not in row.may_have],
        "additionalProperties": False,
    }


def _member(kind: Problem, name: str) -> dict[str, Any]:
    made: dict[str, Any] = {"type": "string", "description": MEMBERS[name]}
    if name == "outcome":
        made["enum"] = OUTCOMES[kind]
    return made


def _operation(one: Operation) -> dict[str, Any]:
    made: dict[str, Any] = {
        "operationId": one.id,
        "tags": [one.tag.value],
        "summary": one.summary,
        "description": one.meaning,
        "parameters": [
            *([_at("parameters", "sys_id")] if one.names_connection else []),
            *map(_parameter, one.query),
            *([_at("parameters", "Idempotency-Key")] if one.once else []),
        ],
        "responses": {str(one.status): _good(one), **_bad(one.problems)},
    }
    if one.body is not None:
        content = {"schema": _ref(one.body), "examples": {"usual": {"value": examples.BODIES[one.body]}}}
        made["requestBody"] = {"required": not one.may_be_empty, "content": {JSON: content}}
    if one.is_public:
        made["security"] = []
    return made


def _parameter(parameter: Parameter) -> dict[str, Any]:
    if isinstance(parameter, Number):
        schema = {
            "type": "integer",
            "minimum": parameter.lowest,
            "maximum": parameter.highest,
            "default": parameter.default,
        }
        example: int | str = parameter.default
    else:
        schema = {"type": "string", "enum": [word.value for word in parameter.words]}
        example = next(iter(parameter.words)).value
    return {
        "name": parameter.name,
        "in": "query",
        "required": False,
        "description": parameter.meaning,
        "schema": schema,
        "example": example,
    }


def _good(one: Operation) -> dict[str, Any]:
    if one.answer is dict:
        content = {"schema": {"type": "object"}, "examples": {"usual": {"value": {"info": {"version": VERSION}}}}}
        return {"description": "The document.", "content": {JSON: content}}
    content = {"schema": _ref(one.answer), "examples": {"usual": {"value": examples.ANSWERS[one.answer]}}}
    made: dict[str, Any] = {"description": _said(one.answer), "content": {JSON: content}}
    if one.secret:
        made["headers"] = {"Cache-Control": _at("headers", "no-store")}
    if one.answer in {CodeAnswer, ConnectionAnswer}:
        made["links"] = {follower.id: _at("links", follower.id) for follower in _FOLLOWERS}
    return made


def _bad(kinds: Iterable[Problem]) -> dict[str, Any]:
    by_status: dict[int, list[Problem]] = {}
    for kind in Problem:  # in their own order
        if kind in kinds:
            by_status.setdefault(PROBLEMS[kind].status, []).append(kind)
    return {
        str(status): _at("responses", some[0].value) if len(some) == 1 else _refusal(some)
        for status, some in sorted(by_status.items())
    }


def _refusal(kinds: list[Problem]) -> dict[str, Any]:
    schemas = [{"$ref": REF.format(name=problem_schema(kind))} for kind in kinds]
    made: dict[str, Any] = {
        "description": "\n".join(f"- `{kind}`: {PROBLEMS[kind].title}. {PROBLEMS[kind].when}" for kind in kinds),
        "content": {
            PROBLEM_JSON: {
                "schema": schemas[0] if len(schemas) == 1 else {"oneOf": schemas},
                "examples": {kind.value: _at("examples", kind.value) for kind in kinds},
            }
        },
    }
    if Problem.UNAUTHENTICATED in kinds:
        made["headers"] = {"WWW-Authenticate": {"required": True, "schema": {"type": "string", "const": "Bearer"}}}
    return made


def _said(kind: type) -> str:
    return (kind.__doc__ or "").strip()


def _ref(kind: type) -> dict[str, str]:
    return {"$ref": REF.format(name=kind.__name__)}


def _at(where: str, name: str) -> dict[str, str]:
    return {"$ref": f"#/components/{where}/{name}"}
