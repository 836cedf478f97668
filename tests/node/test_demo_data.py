import csv
import io
import re
import struct
import zlib
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta, timezone
from functools import cache
from zoneinfo import ZoneInfo

import pytest

from node.instance.base_tables import BASE_TABLES
from node.instance.demo_data import attachments, company, known
from node.instance.dictionary import Dictionary, FieldType, Kind
from node.instance.first_records import ADMIN_HAS_ROLE, FIRST_RECORDS

NOW = datetime(2026, 3, 17, 15, 20, tzinfo=UTC)
MIDNIGHT = "2026-03-17 00:00:00"
QUICK_SEEDS = (1, -(2**60))
DICTIONARY = Dictionary(BASE_TABLES)
COMES_LATER = {("cmn_department", "dept_head")}

_INSTANT = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
_SYS_ID = re.compile(r"[0-9a-f]{32}")

seeds = pytest.mark.parametrize(
    "seed", [*QUICK_SEEDS, *(pytest.param(one, marks=pytest.mark.slow) for one in range(100, 120))]
)


@cache
def records(seed):
    return tuple(company(seed, NOW))


def table(seed, name):
    return [record for found, record in records(seed) if DICTIONARY.root(found) == name or found == name]


def is_over(record):
    return record["state"] in {"6", "7", "8"}


@seeds
def test_every_field_is_in_the_dictionary_and_holds_what_it_may(seed):
    for name, record in records(seed):
        fields = DICTIONARY.fields(name)
        assert record.keys() <= fields.keys(), name
        for field_name, value in record.items():
            field = fields[field_name]
            assert value, f"{name}.{field_name} is empty: leave it out"
            assert len(value) <= field.length_max or field.kind in {Kind.INSTANT, Kind.DAY}, (name, field_name, value)
            assert value in field.choices or not field.choices, (name, field_name, value)
            match field.kind:
                case Kind.BOOLEAN:
                    assert value in {"true", "false"}
                case Kind.INTEGER:
                    assert str(int(value)) == value
                case Kind.DECIMAL:
                    float(value)
                case Kind.IDENTITY:
                    assert _SYS_ID.fullmatch(value)
                case Kind.INSTANT:
                    assert _INSTANT.fullmatch(value)
                    datetime.fromisoformat(value)
                case Kind.DAY:
                    datetime.fromisoformat(value)
                case kind:
                    assert kind is Kind.TEXT, f"{name}.{field_name} is written by nobody"
                    assert value == value.strip(), (name, field_name, value)
                    assert not re.search(r"[{}\[\]|]|  |\.\.", value), (name, field_name, value)


@seeds
def test_what_a_record_refers_to_comes_before_it(seed):
    tables = {record["sys_id"]: name for name, record in (*FIRST_RECORDS, *records(seed))}
    seen = {record["sys_id"] for name, record in FIRST_RECORDS} - {known.ADMIN_USER, ADMIN_HAS_ROLE}
    for name, record in records(seed):
        assert record["sys_id"] not in seen, "a sys_id comes twice"
        for field_name, value in record.items():
            field = DICTIONARY.fields(name)[field_name]
            if field.type not in {FieldType.REFERENCE, FieldType.LIST}:
                continue
            for referred in value.split(","):
                assert DICTIONARY.root(tables[referred]) == DICTIONARY.root(field.reference), (name, field_name)
                assert referred in seen or (name, field_name) in COMES_LATER, (name, field_name)
        seen.add(record["sys_id"])


@seeds
def test_journals_and_users_that_are_named_are_there(seed):
    people = {user["user_name"] for user in table(seed, "sys_user")} | {"system"}
    tables = {record["sys_id"]: name for name, record in records(seed)}
    for name, record in records(seed):
        assert record.get("sys_created_by", "admin") in people, name
        assert record.get("sys_updated_by", "admin") in people, name
    for entry in table(seed, "sys_journal_field"):
        assert tables[entry["element_id"]] == entry["name"]


@seeds
def test_times_of_work_are_in_order_and_past(seed):
    entries = defaultdict(list)
    for entry in table(seed, "sys_journal_field"):
        entries[entry["element_id"]].append(entry["sys_created_on"])
    for record in table(seed, "task"):
        steps = [record["opened_at"], *entries[record["sys_id"]], record["sys_updated_on"]]
        assert steps == sorted(steps), record["number"]
        resolved = record.get("resolved_at", record["opened_at"])
        closed = record.get("closed_at", resolved)
        assert record["opened_at"] <= resolved <= closed <= record["sys_updated_on"] <= MIDNIGHT, record["number"]
        reopened = record.get("reopened_time", resolved)
        assert record["opened_at"] <= reopened <= resolved, record["number"]
        assert record["sys_created_on"] == record["opened_at"]
    assert all(line["sys_created_on"] < MIDNIGHT for line in table(seed, "syslog"))


@seeds
def test_each_state_of_an_incident_has_what_belongs_to_it(seed):
    for incident in table(seed, "incident"):
        state, number = incident["state"], incident["number"]
        assert incident["incident_state"] == state
        assert (incident["active"] == "true") == (state not in {"7", "8"}), number
        assert ("hold_reason" in incident) == (state == "3"), number
        assert ("assigned_to" in incident) == (state != "1"), number
        assert ("resolved_at" in incident) == ("close_code" in incident) == (state in {"6", "7"}), number
        assert ("close_notes" in incident) == is_over(incident), number
        assert ("closed_at" in incident) == ("closed_by" in incident) == (state in {"7", "8"}), number
        assert ("reopened_time" in incident) == (incident["reopen_count"] != "0"), number
        assert incident["priority"] == str(int(incident["impact"]) + int(incident["urgency"]) - 1), number
        assert ("problem_id" in incident) == (
            incident.get("hold_reason") == "3" or incident.get("close_code") == "Resolved by problem"
        ), number
        if state == "6":
            resolved = datetime.fromisoformat(incident["resolved_at"])
            assert resolved > datetime.fromisoformat(MIDNIGHT) - timedelta(days=7), f"{number} has closed by itself"


@seeds
def test_there_is_as_much_as_promised(seed):
    incidents = table(seed, "incident")
    assert 380 <= len(incidents) <= 520
    assert Counter(one["state"] for one in incidents).keys() == {"1", "2", "3", "6", "7", "8"}
    assert {one["hold_reason"] for one in incidents if one["state"] == "3"} == {"1", "3", "4", "5"}
    assert any("parent_incident" in one for one in incidents)
    assert any(one["reopen_count"] != "0" for one in incidents)
    assert len(table(seed, "problem")) >= 20
    assert len({one["problem_id"] for one in incidents if "problem_id" in one}) > 5
    assert "email" in {one.get("subcategory") for one in table(seed, "problem")}
    assert len(table(seed, "change_request")) >= 36
    assert len(table(seed, "syslog")) > 650
    assert len(table(seed, "sys_journal_field")) > 1_000
    assert len(table(seed, "cmn_location")) == 12
    users, groups = table(seed, "sys_user"), table(seed, "sys_user_group")
    assert len(users) > 40
    assert 0 < sum("mobile_phone" in one for one in users) < 20
    assert 0 < sum(one["active"] == "false" for one in users) < 10
    assert len(groups) > 10
    assert {one["active"] for one in groups} == {"true", "false"}
    for group, count in Counter(one["group"] for one in table(seed, "sys_user_grmember")).items():
        assert count > 1, group


@seeds
def test_numbers_are_unique_and_leave_room_for_new_ones(seed):
    for name in ("incident", "problem", "change_request"):
        numbers = [record["number"] for record in table(seed, name)]
        numbering = DICTIONARY.numbering(name)
        assert numbers == [f"{numbering.prefix}{position:07}" for position in range(1, len(numbers) + 1)]
        assert len(numbers) < numbering.first
        opened = [record["opened_at"] for record in table(seed, name)]
        assert opened == sorted(opened), "a later one has a higher number"


@seeds
def test_what_clients_know_of_servicenow_s_demo_data_is_there(seed):
    users = {user["sys_id"]: user for user in table(seed, "sys_user")}
    admin = users["6816f79cc0a8016401c5a33be04be441"]
    assert (admin["user_name"], admin["name"], admin["email"], admin["active"]) == (
        "admin",
        "System Administrator",
        "admin@example.com",
        "true",
    )
    department = {one["sys_id"]: one for one in table(seed, "cmn_department")}[admin["department"]]
    assert department["sys_id"] == "a581ab703710200044e0bfc8bcbe5de8"
    assert department["name"] == "Finance"
    assert department["dept_head"] == "46c5bf6ca9fe1981010713e3ac7d3384"
    assert users[department["dept_head"]]["email"] == "natasha.ingram@example.com"
    assert users["26fbff173b331300ad3cc9bb34efc4bd"]["user_name"] == "problem.admin"
    assert "problem.manager" in {user["user_name"] for user in users.values()}
    assert users[min(users)]["active"] == "true", "the first by sys_id"


@seeds
def test_the_admin_s_clock_never_shows_utc(seed):
    [zone] = [user["time_zone"] for user in table(seed, "sys_user") if user["sys_id"] == known.ADMIN_USER]
    [place] = [one for one in table(seed, "cmn_location") if one["time_zone"] == zone]
    for month in range(1, 13):
        assert datetime(2026, month, 1, tzinfo=ZoneInfo(place["time_zone"])).utcoffset()


@seeds
def test_roles_are_held_as_clients_tests_count_on(seed):
    roles = {role["sys_id"]: role["name"] for name, role in (*FIRST_RECORDS, *records(seed)) if name == "sys_user_role"}
    assert len(set(roles.values())) == len(roles)
    assert roles["2831a114c611228501d4ea6c309d626d"] == "admin"
    held = table(seed, "sys_user_has_role")
    assert len({(one["user"], one["role"]) for one in held}) == len(held), "nobody has a role twice"
    assert 11 <= sum(roles[one["role"]] == "admin" for one in held) <= 24
    admin_groups = {one["group"] for one in table(seed, "sys_group_has_role") if "admin" in roles[one["role"]]}
    assert 3 <= len(admin_groups) <= 7
    assert len({one["group"] for one in table(seed, "sys_group_has_role")} - admin_groups) > 1
    active = {user["sys_id"] for user in table(seed, "sys_user") if user["active"] == "true"}
    assert {one["user"] for one in held} <= active
    managers = {group["manager"] for group in table(seed, "sys_user_group") if group["active"] == "true"}
    assert 1 < len(managers) < len(active)


@seeds
def test_texts_are_no_copies_of_each_other(seed):
    incidents = table(seed, "incident")
    descriptions = {(one["short_description"], one["description"]) for one in incidents}
    assert len(descriptions) > 0.95 * len(incidents)
    said = Counter(entry["value"] for entry in table(seed, "sys_journal_field"))
    assert max(said.values()) < 60, said.most_common(1)
    assert len(said) > 0.7 * said.total()


def test_the_same_seed_and_day_give_the_same_bytes():
    later = NOW.replace(hour=23, minute=59).astimezone(timezone(timedelta(hours=-5)))
    assert repr(tuple(company(1, later))) == repr(records(1))
    assert [(one, one.content) for one in attachments(1, NOW)] == [(one, one.content) for one in attachments(1, later)]


def test_another_day_moves_the_history_and_keeps_the_people():
    later = list(company(1, NOW + timedelta(days=1)))
    people = {record["user_name"]: record["sys_id"] for name, record in later if name == "sys_user"}
    assert people == {user["user_name"]: user["sys_id"] for user in table(1, "sys_user")}
    assert max(record["opened_at"] for name, record in later if name == "incident") > MIDNIGHT


def test_two_seeds_give_two_companies():
    mine, theirs = ({record["sys_id"] for _, record in records(seed)} for seed in QUICK_SEEDS)
    assert mine & theirs == {
        known.ADMIN_USER,
        known.FINANCE_DEPARTMENT,
        known.FINANCE_HEAD,
        known.PROBLEM_ADMIN_USER,
        known.STANDARD_CHANGE_VERSION,
        ADMIN_HAS_ROLE,
    }
    names = [{user["name"] for user in table(seed, "sys_user")} for seed in QUICK_SEEDS]
    assert len(names[0] & names[1]) < 10
    assert len({table(seed, "core_company")[0]["name"] for seed in QUICK_SEEDS}) == 2


def test_a_moment_without_a_time_zone_is_refused():
    with pytest.raises(ValueError, match="time zone"):
        next(company(1, NOW.replace(tzinfo=None)))


def test_attachments_are_files_that_can_be_read():
    incidents = {one["sys_id"]: one for one in table(1, "incident")}
    users = {one["user_name"] for one in table(1, "sys_user")}
    found = list(attachments(1, NOW))
    assert len(found) > 10
    assert len({one.sys_id for one in found}) == len(found)
    for one in found:
        assert one.table_name == "incident"
        assert incidents[one.table_sys_id]["opened_at"] < one.created_on
        assert one.created_by in users
        assert len(one.content) < 20_000
        match one.content_type:
            case "text/plain":
                assert one.file_name.endswith(".log")
                assert len(one.content.decode().splitlines()) > 10
            case "text/csv":
                rows = list(csv.DictReader(io.StringIO(one.content.decode(), newline="")))
                assert {datetime.fromisoformat(row["time"]) for row in rows}
                assert all(0 <= float(row["value"]) <= 100 for row in rows)
            case "image/png":
                check_png(one.content)
            case other:
                pytest.fail(f"nobody reads {other}")


def check_png(content):
    """Read it as ISO/IEC 15948 says: the signature, chunks with their sums, as many pixels as the head promises."""
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    chunks, rest = {}, content[8:]
    while rest:
        (length,) = struct.unpack(">I", rest[:4])
        kind, body, crc = rest[4:8], rest[8 : 8 + length], rest[8 + length : 12 + length]
        assert struct.unpack(">I", crc) == (zlib.crc32(kind + body),)
        chunks[kind], rest = body, rest[12 + length :]
    width, height, depth, colour = struct.unpack(">IIBB", chunks[b"IHDR"][:10])
    assert (depth, colour) == (8, 2)
    assert len(zlib.decompress(chunks[b"IDAT"])) == height * (1 + 3 * width)
    assert list(chunks)[-1] == b"IEND"
