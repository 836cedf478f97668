"""The two documents as pages show them, in rows: nothing is shown but what they say."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from node.admin.middleware import PROBLEM_JSON

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_RANGES: Final = (("minLength", "maxLength", " characters"), ("minimum", "maximum", ""))
_LIMITS: Final[Mapping[str, str]] = {
    "exclusiveMaximum": "less than {}",
    "pattern": "as {}",
    "format": "{}",
    "default": "{} if left out",
}
"""How a schema's limits are told behind its type."""


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a type: a word, or the name of a type that stands further down."""

    text: str
    target: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A field, a parameter or a member; `limits` stand behind the type."""

    name: str
    parts: Sequence[Part]
    limits: Sequence[str]
    is_optional: bool
    meaning: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A problem type that may be answered."""

    status: str
    slug: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """An operation of the admin API."""

    id: str
    method: str
    path: str
    summary: str
    meaning: str
    parameters: Sequence[Field]
    body: Sequence[Field]
    body_example: str
    status: str
    answer: Sequence[Part]
    answer_example: str
    refusals: Sequence[Refusal]
    is_public: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Operations that belong together."""

    name: str
    meaning: str
    operations: Sequence[Asked]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A named type, as the others refer to it."""

    name: str
    meaning: str
    fields: Sequence[Field]
    words: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A topic and what is published there."""

    name: str
    title: str
    meaning: str
    address: str
    qos: int
    retain: bool
    messages: Sequence[tuple[str, str, Sequence[Part], str]]
    """Title, summary, type and example of each."""


def groups(document: Mapping[str, Any]) -> list[Group]:
    """The operations of an OpenAPI document, by their tags."""
    found: dict[str, list[Asked]] = {}
    for path, methods in document["paths"].items():
        for method, said in methods.items():
            found.setdefault(said["tags"][0], []).append(_asked(document, method.upper(), path, said))
    return [
        Group(name=tag["name"], meaning=tag["description"], operations=found[tag["name"]]) for tag in document["tags"]
    ]


def shapes(document: Mapping[str, Any]) -> list[Shape]:
    """The named types of either document, but for the problems, which have pages of their own."""
    return [
        Shape(
            name=name,
            meaning=schema.get("description", ""),
            fields=_fields(schema),
            words=[str(word) for word in schema.get("enum", ())],
        )
        for name, schema in document["components"]["schemas"].items()
        if not name.startswith("Problem-")
    ]


def told(document: Mapping[str, Any]) -> list[Told]:
    """What an AsyncAPI document says of each topic."""
    operations = {one["channel"]["$ref"].rpartition("/")[2]: one for one in document["operations"].values()}
    return [
        Told(
            name=name,
            title=channel["title"],
            meaning=channel["description"],
            address=channel["address"],
            qos=operations[name]["bindings"]["mqtt"]["qos"],
            retain=operations[name]["bindings"]["mqtt"]["retain"],
            messages=[
                (one["title"], one["summary"], list(_type(one["payload"])), _shown(one["examples"][0]["payload"]))
                for one in (_resolved(document, message) for message in channel["messages"].values())
            ],
        )
        for name, channel in document["channels"].items()
    ]


def _asked(document: Mapping[str, Any], method: str, path: str, said: Mapping[str, Any]) -> Asked:
    answers = {status: _resolved(document, answer) for status, answer in said["responses"].items()}
    status = next(status for status in answers if status.startswith("2"))
    good = answers[status]["content"]["application/json"]
    body: Mapping[str, Any] = said.get("requestBody", {}).get("content", {}).get("application/json", {})
    return Asked(
        id=said["operationId"],
        method=method,
        path=path,
        summary=said["summary"],
        meaning=said["description"],
        parameters=[_parameter(_resolved(document, one)) for one in said["parameters"]],
        body=_fields(_resolved(document, body["schema"])) if body else [],
        body_example=_shown(body["examples"]["usual"]["value"]) if body else "",
        status=status,
        answer=list(_type(good["schema"])),
        answer_example=_shown(good["examples"]["usual"]["value"]),
        refusals=[
            one for code, answer in answers.items() if code != status for one in _refusals(code, answer, document)
        ],
        is_public=said.get("security") == [],
    )


def _refusals(status: str, answer: Mapping[str, Any], document: Mapping[str, Any]) -> Iterator[Refusal]:
    for slug, example in answer["content"][PROBLEM_JSON]["examples"].items():
        yield Refusal(status=status, slug=slug, title=_resolved(document, example)["summary"])


def _parameter(said: Mapping[str, Any]) -> Field:
    return _field(
        said["name"], {**said["schema"], "description": said["description"]}, is_optional=not said["required"]
    )


def _fields(schema: Mapping[str, Any]) -> list[Field]:
    required = schema.get("required", ())
    return [_field(name, one, is_optional=name not in required) for name, one in schema.get("properties", {}).items()]


def _field(name: str, schema: Mapping[str, Any], *, is_optional: bool) -> Field:
    return Field(
        name=name,
        parts=list(_type(schema)),
        limits=list(_limits(schema)),
        is_optional=is_optional,
        meaning=schema.get("description", ""),
    )


def _limits(schema: Mapping[str, Any]) -> Iterator[str]:
    for low, high, unit in _RANGES:
        if low in schema and high in schema:
            yield f"{schema[low]} to {schema[high]}{unit}"
        elif low in schema:
            yield f"{schema[low]} or more{unit}"
        elif high in schema:
            yield f"at most {schema[high]}{unit}"
    for key, text in _LIMITS.items():
        if schema.get(key) not in {None, ""}:
            yield text.format(schema[key])


def _type(schema: Mapping[str, Any]) -> Iterator[Part]:
    match schema:
        case {"$ref": str(ref)}:
            name = ref.rpartition("/")[2]
            yield Part(name, name)
        case {"anyOf": [*some]}:
            for number, one in enumerate(some):
                yield from [Part(" or ")] if number else []
                yield from _type(one)
        case {"enum": [*words]}:
            *most, last = map(str, words)
            yield Part(f"{', '.join(most)} or {last}" if most else last)
        case {"type": "array", "items": one}:
            yield Part("list of ")
            yield from _type(one)
        case {"type": str(name)}:
            yield Part(name)


def _resolved(document: Mapping[str, Any], value: Mapping[str, Any]) -> Mapping[str, Any]:
    while "$ref" in value:
        found: Any = document
        for step in value["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        value = found
    return value


def _shown(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)
