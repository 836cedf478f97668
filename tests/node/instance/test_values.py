"""Values: as clients write them, as they are stored and written again, as people see them."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from node.instance.dictionary import Field, FieldType
from node.instance.values import ValueRefusedError, local, shown, stored, wire, written

ANGELES = ZoneInfo("America/Los_Angeles")


def field(type_: FieldType, **more: object) -> Field:
    return Field(name="it", label="It", type=type_, **more)


STATE = field(FieldType.INTEGER, choices={"1": "New", "2": "In Progress"})
WORD = field(FieldType.STRING, choices={"low": "Low", "Low": "Lowest"})


@pytest.mark.parametrize(
    ("one", "text", "kept", "again"),
    [
        (field(FieldType.STRING, length_max=5), "abcdefg", "abcde", "abcde"),
        (field(FieldType.STRING, length_max=0), "abcdefg", "abcdefg", "abcdefg"),
        (field(FieldType.REFERENCE, length_max=5), "a" * 40, "a" * 32, "a" * 32),
        (field(FieldType.INTEGER), "+12.0", 12, "12"),
        (field(FieldType.INTEGER), " 12 ", 12, "12"),
        (field(FieldType.INTEGER), str(2**63 - 1), 2**63 - 1, str(2**63 - 1)),
        (STATE, "in progress", 2, "2"),
        (STATE, "7", 7, "7"),
        (WORD, "Low", "Low", "Low"),
        (WORD, "LOWEST", "Low", "Low"),
        (WORD, "odd", "odd", "odd"),
        (field(FieldType.BOOLEAN), "Yes", 1, "true"),
        (field(FieldType.BOOLEAN), "0", 0, "false"),
        (field(FieldType.DECIMAL), "5", 5.0, "5"),
        (field(FieldType.DECIMAL), "-0.25", -0.25, "-0.25"),
        (field(FieldType.DECIMAL), "+.5", 0.5, "0.5"),
        (field(FieldType.DECIMAL), " 2.5E-1 ", 0.25, "0.25"),
        (field(FieldType.DATE), "2026-07-01 23:00:00", "2026-07-01", "2026-07-01"),
        (field(FieldType.DATE_TIME), "2026-07-01", "2026-07-01 00:00:00", "2026-07-01 00:00:00"),
        (field(FieldType.DATE_TIME), " 2026-07-01T12:30 ", "2026-07-01 12:30:00", "2026-07-01 12:30:00"),
        (field(FieldType.DATE_TIME), "2026-07-01T12:30:01.25Z", "2026-07-01 12:30:01", "2026-07-01 12:30:01"),
        (field(FieldType.LIST, length_max=5), "a,b,c", "a,b,c", "a,b,c"),
        (field(FieldType.STRING), "", None, ""),
        (field(FieldType.PASSWORD), "secret", "secret", ""),
    ],
)
def test_what_is_written_is_stored_and_written_again(one: Field, text: str, kept: object, again: str) -> None:
    found = stored(one, text)
    assert (found, type(found)) == (kept, type(kept))
    assert wire(one, found) == again


@pytest.mark.parametrize(
    ("type_", "text"),
    [
        (FieldType.INTEGER, str(2**63)),
        (FieldType.INTEGER, "1.5"),
        (FieldType.INTEGER, "many"),
        (FieldType.INTEGER, "1_0"),
        (FieldType.INTEGER, "\uff11\uff12"),
        (FieldType.BOOLEAN, "2"),
        (FieldType.DECIMAL, "1e999"),
        (FieldType.DECIMAL, "1e999999999999"),
        (FieldType.DECIMAL, "9" * 5_000),
        (FieldType.DECIMAL, "-Infinity"),
        (FieldType.DECIMAL, "sNaN"),
        (FieldType.DECIMAL, "1e19"),
        (FieldType.DECIMAL, "nan"),
        (FieldType.DECIMAL, "a lot"),
        (FieldType.DECIMAL, "1_0"),
        (FieldType.DECIMAL, "\uff11.5"),
        (FieldType.DECIMAL, "."),
        (FieldType.DECIMAL, "1 0"),
        (FieldType.DATE_TIME, "2026-02-30"),
        (FieldType.DATE_TIME, "2026-01-01 24:00:00"),
        (FieldType.DATE_TIME, "0999-12-31"),
        (FieldType.DATE_TIME, "9999-01-01"),
        (FieldType.DATE_TIME, "2026-01-01 12:00:00.\uff15"),
        (FieldType.DATE, "tomorrow"),
        (FieldType.DATE, "\uff12026-01-01"),
        (FieldType.DURATION, "5 Days"),
    ],
)
def test_what_is_none_of_its_type_is_refused_by_its_name(type_: FieldType, text: str) -> None:
    with pytest.raises(ValueRefusedError, match="which it takes"):
        stored(field(type_), text)


@pytest.mark.parametrize(
    ("one", "kept", "seen"),
    [
        (STATE, 2, "In Progress"),
        (STATE, 7, "7"),
        (field(FieldType.DATE_TIME), "2026-07-01 12:00:00", "2026-07-01 05:00:00"),
        (field(FieldType.DATE), "2026-07-01", "2026-07-01"),
        (field(FieldType.DURATION), "1970-01-01 00:00:00", "0 Seconds"),
        (field(FieldType.DURATION), "1970-01-02 01:01:01", "1 Day 1 Hour 1 Minute 1 Second"),
        (field(FieldType.DURATION), "1970-01-03 02:00:30", "2 Days 2 Hours 30 Seconds"),
        (field(FieldType.BOOLEAN), 1, "true"),
        (field(FieldType.DATE_TIME), None, ""),
        (field(FieldType.PASSWORD), "$argon2", "********"),
        (field(FieldType.PASSWORD), None, ""),
    ],
)
def test_what_is_stored_is_shown_as_people_see_it(one: Field, kept: str | int | None, seen: str) -> None:
    assert shown(one, kept, ANGELES) == seen


def test_an_instant_of_any_zone_is_stored_in_utc() -> None:
    assert written(datetime(2026, 7, 1, 5, tzinfo=ANGELES)) == "2026-07-01 12:00:00"


@pytest.mark.parametrize("odd", ["0001-01-01 00:00:00", "9999-12-31 23:59:59", "no instant"])
def test_an_instant_that_some_zone_does_not_have_is_shown_as_it_is(odd: str) -> None:
    assert local(odd, ANGELES) == odd
    assert local(odd, ZoneInfo("Asia/Tokyo")) == odd


def test_a_list_is_not_cut_within_a_sys_id() -> None:
    with pytest.raises(ValueRefusedError, match="takes 5 characters"):
        stored(field(FieldType.LIST, length_max=5), "aaa,bbb")
