import asyncio
import os
import re
import shutil
import signal
import subprocess
from collections import Counter
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, datetime

import pytest
from msgspec import structs
from sqlalchemy import inspect, select

from node.data_directory import DataDirectory
from node.instance import loading
from node.instance.database import InstanceDatabase
from node.instance.demo_data import mass
from node.instance.demo_data.batches import MakingFailedError, Order, batches, batches_apart
from node.instance.demo_data.mass import caller_records, mass_incidents
from node.instance.demo_data.world import world
from node.instance.dictionary import FieldType
from node.instance.filling import company_in, fill
from node.instance.loading import load_incidents
from node.instance.values import wire
from node.real_ports import SystemEntropy

NOW = datetime(2026, 3, 17, 15, 20, tzinfo=UTC)
MIDNIGHT = "2026-03-17 00:00:00"


@asynccontextmanager
async def opened(path):
    database = await asyncio.to_thread(InstanceDatabase, path, node_database=None)
    try:
        yield database
    finally:
        await database.close()


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """The file of an instance with a demo company in it."""
    path = tmp_path_factory.mktemp("filled") / "instance.db"

    async def make():
        async with opened(path) as database:
            await database.write(lambda tx: fill(tx, 7, NOW))

    asyncio.run(make())
    return path


@pytest.fixture
def path(filled, tmp_path):
    return shutil.copy(filled, tmp_path / "instance.db") and tmp_path / "instance.db"


def load(database, count, progressed=lambda _done: None):
    return load_incidents(database, count=count, seed=1, now=NOW, progressed=progressed)


def loaded_in(tx):
    incidents = tx.catalog.physical("incident")
    fields = tx.catalog.dictionary.fields("incident")
    wanted = (
        select(incidents).where(incidents.c.number.between("INC0010001", "INC9999999")).order_by(incidents.c.number)
    )
    return [
        {name: wire(field, row[name]) for name, field in fields.items() if row.get(name) is not None}
        for row in tx.connection.execute(wanted).mappings()
    ]


def ids_in(tx, table):
    return set(tx.connection.execute(select(tx.catalog.physical(table).c.sys_id)).scalars())


def indexes_in(tx):
    found = inspect(tx.connection)
    return {index["name"] for table in tx.catalog.metadata.tables for index in found.get_indexes(table)}


async def test_loaded_incidents_are_incidents_like_others(path):
    async with opened(path) as database:
        told = await load(database, 500)
        found = await database.read(loaded_in)
        assert (told.company, told.incidents, told.callers) == (7, 500, 10)
        assert (told.first, told.last) == ("INC0010001", "INC0010500")
        assert [one["number"] for one in found] == [f"INC{10_001 + position:07}" for position in range(500)]
        fields = database.catalog.dictionary.fields("incident")
        there = {
            table: await database.read(lambda tx, table=table: ids_in(tx, table))
            for table in {field.reference for field in fields.values() if field.reference}
        }
    for incident in found:
        for name, value in incident.items():
            field = fields[name]
            assert value in field.choices or not field.choices, (name, value)
            assert len(value) <= max(field.length_max, 40), (name, value)
            if field.type is FieldType.REFERENCE:
                assert value in there[field.reference], name
        check_state(incident)


def check_state(incident):
    state, number = incident["state"], incident["number"]
    assert incident["incident_state"] == state
    assert incident["priority"] == str(int(incident["impact"]) + int(incident["urgency"]) - 1), number
    assert (incident["active"] == "true") == (state not in {"7", "8"}), number
    assert ("hold_reason" in incident) == (state == "3"), number
    assert ("assigned_to" in incident) == (state != "1"), number
    assert ("resolved_at" in incident) == ("close_code" in incident) == (state in {"6", "7"}), number
    assert ("close_notes" in incident) == (state in {"6", "7", "8"}), number
    assert ("closed_at" in incident) == ("closed_by" in incident) == (state in {"7", "8"}), number
    resolved = incident.get("resolved_at", incident["opened_at"])
    assert incident["opened_at"] <= resolved <= incident.get("closed_at", resolved) <= MIDNIGHT, number
    assert incident["opened_at"] <= incident["sys_updated_on"] <= MIDNIGHT, number


async def test_a_second_load_goes_on_with_other_numbers_and_callers(path):
    async with opened(path) as database:
        await load(database, 60)
        told = await load(database, 60)
        assert (told.first, told.last) == ("INC0010061", "INC0010120")
        found = await database.read(loaded_in)
        assert len({one["number"] for one in found}) == len(found) == 120
        users = await database.read(
            lambda tx: Counter(tx.connection.execute(select(tx.catalog.physical("sys_user").c.user_name)).scalars())
        )
        assert max(users.values()) == 1


async def test_an_instance_without_a_company_gets_one_first(tmp_path):
    async with opened(tmp_path / "instance.db") as database:
        assert (await load(database, 1)).company == 1
        assert await database.read(company_in) == 1


async def test_a_large_load_leaves_every_index_and_statistics_behind(path, monkeypatch):
    monkeypatch.setattr(loading, "WITHOUT_INDEXES_FROM", 100)
    monkeypatch.setattr(loading, "ROWS_PER_COMMIT", 40)
    told = []
    async with opened(path) as database:
        before = await database.read(indexes_in)
        await load(database, 100, told.append)
        assert await database.read(indexes_in) == before
        counted = await database.read(
            lambda tx: tx.connection.exec_driver_sql("SELECT count(*) FROM sqlite_stat1 WHERE tbl = 'task'").scalar()
        )
        assert counted > 10
    assert told == [40, 80, 100]


async def test_a_load_that_breaks_off_is_mended_by_the_next_opening(path, monkeypatch):
    monkeypatch.setattr(loading, "WITHOUT_INDEXES_FROM", 100)
    monkeypatch.setattr(loading, "ROWS_PER_COMMIT", 40)
    async with opened(path) as database:
        before = await database.read(indexes_in)
        with pytest.raises(ZeroDivisionError):
            await load(database, 200, lambda _done: 1 / 0)
        assert len(await database.read(indexes_in)) < len(before)
    async with opened(path) as database:
        assert await database.read(indexes_in) == before
        kept = await database.read(loaded_in)
        assert 40 <= len(kept) < 200
        told = await load(database, 1)
        assert told.first == "INC0010201", "numbers that were reserved are not given again"


def test_what_is_rare_and_what_is_common_is_as_in_a_service_desk():
    here = world(7, NOW)
    callers = caller_records(here, 4_000, 10_001)
    found = list(mass_incidents(here, callers, 4_000, 10_001))
    states = Counter(one["state"] for one in found)
    assert states[7] > 0.9 * len(found)
    assert {1, 2, 3, 6, 7, 8} == states.keys()
    assert len({one["sys_id"] for one in found}) == len(found)
    often = [count for _, count in Counter(one["caller_id"] for one in found).most_common()]
    assert often[0] > 4 * often[-1]
    assert len({one["short_description"] for one in found}) > 500
    days = Counter(datetime.fromisoformat(one["opened_at"]).weekday() for one in found)
    assert days[0] > 4 * days[6], "Mondays and Sundays"
    again = mass_incidents(here, callers, 4_000, 10_001)
    assert all(one == other for one, other in zip(found, again, strict=True))


# Made apart

ORDER = Order(seed=7, now=NOW, count=250, first_number=10_001, at_once=100)


async def test_what_is_made_in_another_process_is_what_is_made_here():
    made = [batch async for batch in batches_apart(ORDER)]
    assert made == list(batches(ORDER))
    assert [len(batch.rows) for batch in made] == [100, 100, 50]


async def test_the_process_ends_with_whoever_has_enough(monkeypatch):
    processes = []

    class Noted(subprocess.Popen):
        def __init__(self, *arguments, **more):
            super().__init__(*arguments, **more)
            processes.append(self)

    monkeypatch.setattr(subprocess, "Popen", Noted)
    async with aclosing(batches_apart(structs.replace(ORDER, count=100_000))) as made:
        await anext(made)
        await asyncio.sleep(0.2)  # it is ahead then, and waits for its reader
        assert processes[0].poll() is None
        assert os.getsid(processes[0].pid) != os.getsid(0), "Ctrl-C is not for it"
    assert processes[0].returncode == -signal.SIGKILL


async def test_a_process_that_fails_is_told(capfd):
    without_zone = structs.replace(ORDER, now=datetime(2026, 3, 17))  # noqa: DTZ001 - that is what it fails at
    with pytest.raises(MakingFailedError, match=r"ended too early \(exit status 1\)"):
        _ = [batch async for batch in batches_apart(without_zone)]
    assert "now has no time zone" in capfd.readouterr().err


async def test_a_large_load_is_made_apart(path, monkeypatch):
    monkeypatch.setattr(loading, "APART_FROM", 100)
    monkeypatch.setattr(loading, "batches", lambda _order: pytest.fail("it is made here"))
    async with opened(path) as database:
        assert (await load(database, 100)).incidents == 100
        assert len(await database.read(loaded_in)) == 100


def test_callers_have_names_of_their_own_and_there_is_an_end_of_them(monkeypatch):
    here = world(7, NOW)
    assert len(caller_records(here, 51, 1)) == 2
    callers = caller_records(here, 100_000, 501)
    assert len({(one["first_name"], one["last_name"]) for one in callers}) < len(callers), "or nothing is tried here"
    assert [one["user_name"].rpartition(".")[2] for one in callers] == [str(at) for at in range(501, 2_501)]
    monkeypatch.setattr(mass, "CALLERS_MAX", 3)
    assert len(caller_records(here, 100_000, 1)) == 3


@pytest.fixture
def node_directory(filled, tmp_path):
    """A stopped node's data directory, whose instance has a company."""
    with DataDirectory(tmp_path / "a", entropy=SystemEntropy()) as held:
        shutil.copy(filled, held.instance_database_path)
    return tmp_path / "a"


def test_the_command_loads_into_a_stopped_node(handclasp, node_directory):
    told = handclasp.here("instance", "load", "--incidents", "120", "--data", node_directory, "--json").succeeded().json
    assert told.pop("took_s") > 0
    assert told == {
        "data": str(node_directory),
        "company": 7,
        "incidents": 120,
        "callers": 3,
        "first": "INC0010001",
        "last": "INC0010120",
    }
    said = handclasp.here("instance", "load", "--incidents", "1", "--data", node_directory).succeeded().out
    assert said.startswith("1 incidents, INC0010121 to INC0010121, are in ")


def test_the_command_refuses_a_node_that_runs(handclasp, node_directory):
    before = (node_directory / "instance.db").read_bytes()
    with DataDirectory(node_directory, entropy=SystemEntropy()):
        refused = handclasp.here("instance", "load", "--incidents", "1", "--data", node_directory)
    assert re.search(f"{node_directory} is in use by process \\d+: stop that node", refused.refused(2))
    assert (node_directory / "instance.db").read_bytes() == before
