import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from itertools import islice

import pytest
from sqlalchemy import func, select, update

from node.instance.database import InstanceDatabase
from node.instance.demo_data import attachments, company
from node.instance.filling import company_in, fill
from node.instance.first_records import ADMIN, FIRST_RECORDS
from node.instance.internal import attachment_contents
from node.instance.values import wire

NOW = datetime(2026, 3, 17, 15, 20, tzinfo=UTC)


@asynccontextmanager
async def opened(path):
    database = await asyncio.to_thread(InstanceDatabase, path / "instance.db", node_database=None)
    try:
        yield database
    finally:
        await database.close()


def records_in(tx, table):
    fields = tx.catalog.dictionary.fields(table)
    physical = tx.catalog.physical(table)
    rows = tx.connection.execute(select(physical)).mappings()
    return {
        row["sys_id"]: {name: wire(field, row[name]) for name, field in fields.items() if name in physical.c}
        for row in rows
        if row.get("sys_class_name") in {None, table}
    }


def use_admin(tx):
    users = tx.catalog.physical("sys_user")
    tx.connection.execute(update(users).where(users.c.sys_id == ADMIN).values(user_password="a hash", mobile_phone="1"))


def admin_in(tx):
    users = tx.catalog.physical("sys_user")
    wanted = select(users.c.user_password, users.c.mobile_phone, users.c.department, func.count()).where(
        users.c.user_name == "admin"
    )
    return tuple(tx.connection.execute(wanted).one())


def contents_in(tx):
    return dict(tx.connection.execute(select(attachment_contents.c.attachment, attachment_contents.c.content)).all())


async def test_a_company_is_put_in_whole_and_once(tmp_path):
    async with opened(tmp_path) as database:
        await database.write(use_admin)
        assert await database.write(lambda tx: fill(tx, 7, NOW))
        assert not await database.write(lambda tx: fill(tx, 8, NOW)), "another one does not come on top"
        assert await database.read(company_in) == 7
        assert {"task", "sys_user", "sys_metadata", "cmdb_ci", "sys_attachment"} <= database.versions.keys()

        given = list(company(7, NOW))
        for table in {name for name, _ in given}:
            there = await database.read(lambda tx, table=table: records_in(tx, table))
            for record in (record for name, record in given if name == table):
                for field, value in record.items():
                    found = there[record["sys_id"]][field]
                    assert found == value or float(found) == float(value), (table, field)
            begun = {record["sys_id"] for name, record in FIRST_RECORDS if name == table}
            assert there.keys() == {record["sys_id"] for name, record in given if name == table} | begun

        user = (await database.read(lambda tx: records_in(tx, "sys_user")))[ADMIN]
        assert user["web_service_access_only"] == "false", "a default of the dictionary"
        assert await database.read(admin_in) == ("a hash", "1", "a581ab703710200044e0bfc8bcbe5de8", 1)

        files = {one.sys_id: one for one in attachments(7, NOW)}
        rows = await database.read(lambda tx: records_in(tx, "sys_attachment"))
        assert await database.read(contents_in) == {sys_id: one.content for sys_id, one in files.items()}
        assert {sys_id: (row["file_name"], row["size_bytes"]) for sys_id, row in rows.items()} == {
            sys_id: (one.file_name, str(len(one.content))) for sys_id, one in files.items()
        }


async def test_a_company_that_fails_halfway_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr("node.instance.demo_data.company", lambda *of: islice(company(*of), 300))
    monkeypatch.setattr("node.instance.demo_data.attachments", lambda *_: 1 / 0)
    async with opened(tmp_path) as database:
        with pytest.raises(ZeroDivisionError):
            await database.write(lambda tx: fill(tx, 7, NOW))
        assert await database.read(company_in) is None
        assert (await database.read(lambda tx: records_in(tx, "sys_user"))).keys() == {ADMIN}
