"""msgpack, strictly: what arrives is judged by its shape before anything reads its meaning.

`unpack` takes arrays, binaries, UTF-8 texts, integers, booleans and nil; maps, floats and extension types
have no place in the protocol. `convert_fields` then gives positions their names and types. Whatever a library
raises on the way becomes one RemoteProtocolError.
"""

from __future__ import annotations

import re
from typing import TypeVar

import msgpack  # type: ignore[import-untyped]  # it ships no types
import msgspec

from protocol.errors import RemoteProtocolError
from protocol.limits import ARRAY_ITEMS_MAX, NESTING_MAX

StructT = TypeVar("StructT", bound=msgspec.Struct)

_SCALARS = frozenset({bytes, str, int, bool, type(None)})
_PLACE = re.compile(r" - at `\$\[(\d+)\][^`]*`$")
_REASON_CHARACTERS_MAX = 120


def pack(value: object) -> bytes:
    """The msgpack bytes of a value: arrays (list, tuple, array_like Struct), bytes, str, int, bool, None.

    That it holds nothing else, and within the limits of `unpack`, is the caller's duty.
    """
    packed: bytes = msgpack.packb(value, default=msgspec.structs.astuple)
    return packed


def unpack(data: bytes, *, bytes_max: int) -> object:
    """Read exactly one msgpack value; arrays become lists.

    Raises:
        RemoteProtocolError: longer than `bytes_max`, not msgpack, bytes left over, an array longer than
            ARRAY_ITEMS_MAX or nested deeper than NESTING_MAX, or a type that the protocol does not use.
    """
    if len(data) > bytes_max:
        raise RemoteProtocolError(f"The data have {len(data)} bytes; at most {bytes_max} are allowed.")
    # A new Unpacker for every value: it keeps state after an error, and threads may not share one.
    unpacker = msgpack.Unpacker(
        max_buffer_size=bytes_max,
        max_str_len=bytes_max,
        max_bin_len=bytes_max,
        max_array_len=ARRAY_ITEMS_MAX,
        max_map_len=0,
        max_ext_len=0,
        strict_map_key=True,
        raw=False,
    )
    try:
        unpacker.feed(data)
        value: object = unpacker.unpack()
        end: int = unpacker.tell()
    except Exception as error:  # the library raises a dozen kinds; each of them is the sender's fault  # noqa: BLE001 - whatever the library raises, one fault is told
        raise RemoteProtocolError(
            f"The data are not msgpack as the protocol uses it ({type(error).__name__})."
        ) from None
    if end != len(data):
        raise RemoteProtocolError(f"{len(data) - end} bytes are left over behind the end of the data.")
    _check_shape(value)
    return value


def _check_shape(value: object) -> None:
    # Level by level, not recursive: the depth is counted, and no stack is at the sender's mercy.
    level: list[object] = [value]
    depth = 0
    while level:
        inner: list[object] = []
        for item in level:
            kind = type(item)
            if kind is list:
                if depth == NESTING_MAX:
                    raise RemoteProtocolError(f"Arrays are nested deeper than {NESTING_MAX}.")
                inner += item  # type: ignore[arg-type]  # `kind` says what mypy can't follow
            elif kind not in _SCALARS:
                raise RemoteProtocolError(f"The protocol has no place for a value of the type {kind.__name__}.")
        level = inner
        depth += 1


def convert_fields(fields: object, struct: type[StructT]) -> StructT:
    """Give a positional list the names and types of an array_like Struct; an unknown tail is cut off.

    Raises:
        RemoteProtocolError: naming the field that is missing or of the wrong type.
    """
    try:
        # bytes are native here: without this, msgspec would take a base64 text where bytes belong.
        return msgspec.convert(fields, struct, strict=True, builtin_types=(bytes,))
    except msgspec.ValidationError as error:
        raise RemoteProtocolError(_sentence(str(error), fields, struct)) from None
    except Exception as error:  # as in unpack: whatever it is, the sender's data caused it  # noqa: BLE001 - whatever the library raises, one fault is told
        raise RemoteProtocolError(f"The fields can't be read ({type(error).__name__}).") from None


def _sentence(reason: str, fields: object, struct: type[msgspec.Struct]) -> str:
    names = struct.__struct_fields__
    place = _PLACE.search(reason)
    if place is None:
        if isinstance(fields, list | tuple) and len(fields) < len(names):
            return f"The field {names[len(fields)]} is missing."
        return "The fields do not stand in an array."
    shown = reason[: place.start()].encode("ascii", "replace").decode()[:_REASON_CHARACTERS_MAX]
    return f"The field {names[int(place.group(1))]} is not valid: {shown}."
