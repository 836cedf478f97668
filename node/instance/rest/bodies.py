"""Bodies of requests: JSON objects of fields."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from node.instance.errors import BadRequestError, InstanceError

if TYPE_CHECKING:
    from node.instance.rest.calls import Call

FIELDS_MAX: Final = 1_000
CHARACTERS_MAX: Final = 1_000_000
"""Of one value."""


def record_of(call: Call, *, as_shown: bool = False) -> dict[str, str]:
    """The fields of a record, as wire values; `as_shown` says that of two values people see the one that is meant.

    Raises:
        InstanceError: the body is of another type, no JSON, or no object.
    """
    _check_type(call)
    return wire_record(json_of(call.body), as_shown=as_shown)


def records_of(call: Call, count_max: int) -> list[dict[str, str]]:
    """The fields of several records: `{"records": [{…}, …]}`.

    Raises:
        InstanceError: the body is of another type, no JSON, no such object, or holds none or more than so many.
    """
    _check_type(call)
    body = json_of(call.body)
    records = body.get("records") if isinstance(body, dict) else None
    if not isinstance(records, list) or not 0 < len(records) <= count_max:
        raise BadRequestError(
            "Exception while reading request", f"The payload needs an array records, of 1 to {count_max} objects"
        )
    return [wire_record(one) for one in records]


def _check_type(call: Call) -> None:
    content_type = call.headers.get("content-type", "").partition(";")[0].strip().casefold()
    if content_type and content_type not in {"application/json", "text/json"} and not content_type.endswith("+json"):
        raise InstanceError(
            415, "Unsupported Media Type", f"The instance reads application/json, not {content_type[:80]}"
        )


def json_of(body: bytes) -> Any:
    """What a JSON body says.

    Raises:
        BadRequestError: it is no JSON.
    """
    if not body.strip():
        return {}
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadRequestError("Exception while reading request", f"Cannot decode: {error}") from error


def wire_record(value: Any, *, as_shown: bool = False) -> dict[str, str]:
    """An object's fields as wire values; JSON's own true, false, null and numbers are taken too.

    Raises:
        BadRequestError: it is no object, or a field holds one.
    """
    if not isinstance(value, dict) or len(value) > FIELDS_MAX:
        raise BadRequestError("Exception while reading request", "The payload is not an object of fields")
    return {str(name): _wire(str(name), one, as_shown=as_shown) for name, one in value.items()}


def _wire(name: str, value: Any, *, as_shown: bool) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
        case str() if len(value) <= CHARACTERS_MAX:
            return value.replace("\0", "")
        case {"display_value": str() as inner} if as_shown and inner:
            return inner
        case {"value": str() | None as inner}:  # a reference as this API itself shows it
            return inner or ""
        case _:
            raise BadRequestError("Exception while reading request", f"The field {name[:80]} holds no simple value")
