"""msgpack as the protocol uses it: what is refused, and that nothing but one error ever comes out."""

from __future__ import annotations

import os
import timeit
from enum import StrEnum
from typing import Annotated

import msgpack
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import RemoteProtocolError
from protocol.limits import ARRAY_ITEMS_MAX, NESTING_MAX
from protocol.packing import convert_fields, pack, unpack

BYTES_MAX = 4096

scalars = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.binary() | st.text()


def nested(depth):
    return scalars if depth == 0 else scalars | st.lists(nested(depth - 1), max_size=4)


class Colour(StrEnum):
    RED = "red"


class Inner(msgspec.Struct, frozen=True, array_like=True):
    colour: Colour
    size: int


class Outer(msgspec.Struct, frozen=True, array_like=True):
    name: str
    key: Annotated[bytes, msgspec.Meta(min_length=2, max_length=2)]
    inner: Inner | None


@given(nested(NESTING_MAX))
def test_what_is_packed_is_unpacked(value):
    assert unpack(pack(value), bytes_max=1 << 20) == value


@given(st.binary(max_size=200))
def test_hostile_bytes_raise_one_error_only(data):
    try:
        value = unpack(data, bytes_max=BYTES_MAX)
    except RemoteProtocolError:
        return
    assert msgpack.unpackb(data) == value


@given(nested(3).map(pack), st.data())
def test_changed_bytes_raise_one_error_only(packed, data):
    position = data.draw(st.integers(0, len(packed) - 1))
    changed = packed[:position] + data.draw(st.binary(max_size=4)) + packed[position + 1 :]
    try:
        unpack(changed, bytes_max=BYTES_MAX)
    except RemoteProtocolError as error:
        assert str(error).endswith(".")  # raising is not always right here


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "OutOfData"),
        (b"\x92\x01", "OutOfData"),
        (b"\xc1", "FormatError"),
        (b"\xa2\xff\xfe", "UnicodeDecodeError"),
        (b"\xa3\xed\xa0\x80", "UnicodeDecodeError"),
        (b"\x91" * 2000 + b"\x01", "StackError"),
        (b"\xdd\xff\xff\xff\xff", "ValueError"),
        (b"\xdc\x01\x01" + b"\x01" * (ARRAY_ITEMS_MAX + 1), "ValueError"),
        (b"\xdf\xff\xff\xff\xff", "ValueError"),
        (b"\x81\x01\x02", "ValueError"),
        (b"\xc6\xff\xff\xff\xff", "OutOfData"),
        (b"\xdb\xff\xff\xff\xff", "OutOfData"),
        (b"\xc9\xff\xff\xff\xff\x01", "ValueError"),
        (b"\xd6\xff\x00\x00\x00\x00", "ValueError"),
        (b"\xc7\x00\x05", "type ExtType"),
        (b"\xc7\x00\xff", "ValueError"),
        (b"\x80", "type dict"),
        (b"\x91\x80", "type dict"),
        (b"\xcb\x3f\xf0\x00\x00\x00\x00\x00\x00", "type float"),
        (b"\x91\xca\x3f\x80\x00\x00", "type float"),
        (b"\x01\x01", "1 bytes are left over"),
        (b"\x90\xc1", "1 bytes are left over"),
        (b"\xc5" + (BYTES_MAX - 2).to_bytes(2, "big") + bytes(BYTES_MAX - 2), "at most 4096"),
    ],
)
def test_what_the_protocol_does_not_use_is_refused(data, told):
    with pytest.raises(RemoteProtocolError, match=told):
        unpack(data, bytes_max=BYTES_MAX)


def test_the_deepest_nesting_is_taken_and_one_more_is_not():
    deepest = b"\x91" * (NESTING_MAX - 1) + b"\x90"
    assert unpack(deepest, bytes_max=BYTES_MAX) == [[[[[[[[]]]]]]]]
    for data in (b"\x91" + deepest, b"\x92\x01" + deepest, b"\x91" * NESTING_MAX + b"\x91\x01"):
        with pytest.raises(RemoteProtocolError, match="deeper than 8"):
            unpack(data, bytes_max=BYTES_MAX)


def test_the_longest_array_is_taken():
    data = b"\xdc" + ARRAY_ITEMS_MAX.to_bytes(2, "big") + b"\x01" * ARRAY_ITEMS_MAX
    assert unpack(data, bytes_max=BYTES_MAX) == [1] * ARRAY_ITEMS_MAX


def test_an_error_shows_nothing_of_the_data():
    with pytest.raises(RemoteProtocolError) as caught:
        unpack(b"\xa7secret\xff", bytes_max=BYTES_MAX)
    assert "secret" not in repr(caught.value)
    assert caught.value.__cause__ is None


def test_a_message_of_361_bytes_is_unpacked_in_microseconds():
    data = pack([os.urandom(32) for _ in range(10)] + list(range(16)) + ["x"])
    assert len(data) == 361
    seconds = min(timeit.repeat(lambda: unpack(data, bytes_max=BYTES_MAX), number=200, repeat=5)) / 200
    assert seconds < 100e-6  # 4 µs on the machine it was written on


def test_structs_are_packed_by_position():
    assert unpack(pack(Outer("n", b"kk", Inner(Colour.RED, 3))), bytes_max=99) == ["n", b"kk", ["red", 3]]


def test_packing_what_has_no_msgpack_form_is_the_callers_error():
    with pytest.raises(TypeError):
        pack([object()])


@given(
    st.builds(
        Outer,
        st.text(),
        st.binary(min_size=2, max_size=2),
        st.none() | st.builds(Inner, st.just(Colour.RED), st.integers(0, 9)),
    ),
    st.lists(scalars, max_size=3),
)
def test_fields_are_converted_and_an_unknown_tail_is_cut_off(value, tail):
    fields = unpack(pack(value), bytes_max=1 << 20)
    assert convert_fields([*fields, *tail], Outer) == value
    assert convert_fields((*fields, *tail), Outer) == value


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        (["n", b"kk"], "The field inner is missing."),
        ([], "The field name is missing."),
        (5, "The fields do not stand in an array."),
        (None, "The fields do not stand in an array."),
        ([1, b"kk", None], "The field name is not valid: Expected `str`, got `int`."),
        (["n", "a2s=", None], "The field key is not valid: Expected `bytes`, got `str`."),
        (["n", b"k", None], "The field key is not valid: Expected `bytes` of length >= 2."),
        (["n", b"kk", ["red", True]], "The field inner is not valid: Expected `int`, got `bool`."),
        (["n", b"kk", ["\u202e\nå", 1]], r"Invalid enum value '\\u202e\\n\?'\.$"),
        (
            ["n", b"kk", ["red"]],
            "The field inner is not valid: Expected `array` of at least length 2, got 1.",
        ),
        (["n", b"kk", [float("nan"), 1]], "The field inner is not valid"),
    ],
)
def test_a_wrong_field_is_named(fields, told):
    with pytest.raises(RemoteProtocolError, match=told):
        convert_fields(fields, Outer)


def test_a_long_wrong_value_is_not_repeated_at_length():
    with pytest.raises(RemoteProtocolError) as caught:
        convert_fields(["n", b"kk", ["x" * 9999, 1]], Outer)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("fields", [["\ud800", b"kk", ["\ud800", 1]], ["n", b"kk", [10**400, 1]]])
def test_any_other_failure_to_convert_is_the_same_error(fields):
    with pytest.raises(RemoteProtocolError):
        convert_fields(fields, Outer)


@given(st.recursive(scalars | st.floats(), st.lists))
def test_no_positions_raise_anything_else(fields):
    try:
        convert_fields(fields, Outer)
    except RemoteProtocolError as error:
        assert str(error).isprintable()  # raising is not always right here
