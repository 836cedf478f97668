"""What somebody's asyncio program may do with aiosnow: models of its own, and the library's model of an incident."""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiosnow
from aiosnow.models import TableModel, fields
from aiosnow.models.table.declared import IncidentModel
from telling import said, tell, the_instance

at = the_instance()


class UserSchema(aiosnow.ModelSchema):
    sys_id = fields.String(is_primary=True)
    user_name = fields.String()
    name = fields.String()


class IncidentWithUser(TableModel):
    """Follows the link of a reference."""

    sys_id = fields.String(is_primary=True)
    number = fields.String()
    short_description = fields.String()
    priority = fields.IntegerMap()
    opened_by = UserSchema


async def refused(awaitable):
    try:
        return await awaitable
    except Exception as error:  # noqa: BLE001 - what it raises is what the test asks
        return said(error)


async def record(incidents):
    created = await incidents.create({"short_description": "The tap drips", "impact": 3, "urgency": 3})
    sys_id = created["sys_id"]
    changed = await incidents.update(sys_id, {"short_description": "The tap drips all night", "urgency": 1})
    return sys_id, {
        "created": [created["short_description"], created["priority"].key, created["priority"].value],
        "changed": [changed["short_description"], changed["priority"].key, changed["sys_mod_count"]],
        "status": [created.status, changed.status],
    }


async def queries(incidents, with_users, sys_id):
    one = await with_users.get_one(IncidentWithUser.sys_id.equals(sys_id))
    drips = await incidents.get(
        (IncidentModel.short_description.starts_with("The tap")) & (IncidentModel.priority.equals(3)), limit=10
    )
    numbers = [
        row["number"]
        async for _, row in incidents.stream(aiosnow.select().order_asc(IncidentModel.number), page_size=50)
    ]
    ordered = aiosnow.select().order_asc(IncidentModel.number)
    pages = [
        [row["number"] for row in await incidents.get(ordered, limit=limit, offset=offset)]
        for limit, offset in ((5, 0), (2, 0), (1, 2))  # 0.6.0 asks for `offset + limit` records
    ]
    either = await incidents.get(IncidentModel.number.equals("INC-none") | IncidentModel.sys_id.equals(sys_id), limit=9)
    return {
        "opened by": one["opened_by"]["user_name"],
        "found": [row["sys_id"] for row in drips] == [sys_id],
        "either": [row["sys_id"] for row in either] == [sys_id],
        "streamed": len(set(numbers)) > 50,
        "two pages are one": pages[1] + pages[2] == pages[0] == numbers[:5],
        "none": await refused(incidents.get_one(IncidentModel.number.equals("INC-none"))),
    }


async def attachments(incidents, sys_id):
    uploaded = await incidents.upload_file(sys_id, str(sound))
    downloaded = await incidents.download_file(f"table_sys_id={sys_id}", str(sound.parent / "downloaded"))
    listed = await incidents.get_attachments(f"table_sys_id={sys_id}")
    return {
        "uploaded": [uploaded["file_name"], uploaded["size_bytes"], uploaded.status],
        "downloaded": downloaded.file_path,
        "listed": [one["file_name"] for one in listed],
    }


async def refusals(sys_id):
    stranger = aiosnow.Client(at["host"], basic_auth=(at["user_name"], "wrong"), use_ssl=False)
    client = aiosnow.Client(at["host"], basic_auth=(at["user_name"], at["password"]), use_ssl=False)
    async with IncidentModel(stranger, table_name="incident") as incidents:
        wrong_password = await refused(incidents.get(limit=1))
    async with IncidentModel(client, table_name="no_such_table") as nowhere:
        no_such_table = await refused(nowhere.get(limit=1))
    other = aiosnow.Client(at["host"], basic_auth=(at["other_name"], at["other_password"]), use_ssl=False)
    async with IncidentModel(other, table_name="incident") as incidents:
        unseen = len(await incidents.get(IncidentModel.sys_id.equals(sys_id), limit=1))
        not_allowed = await refused(incidents.update(sys_id, {"short_description": "Mine"}))
    return {
        "wrong password": wrong_password,
        "no such table": no_such_table,
        "not allowed": [unseen, not_allowed],
    }


async def main():
    client = aiosnow.Client(at["host"], basic_auth=(at["user_name"], at["password"]), use_ssl=False)
    async with (
        IncidentModel(client, table_name="incident") as incidents,
        IncidentWithUser(client, table_name="incident") as with_users,
    ):
        sys_id, seen = await record(incidents)
        return {
            "record": seen,
            "queries": await queries(incidents, with_users, sys_id),
            "attachments": await attachments(incidents, sys_id),
            "refused": await refusals(sys_id),
            "deleted": (await incidents.delete(sys_id)).status,
            "deleted twice": await refused(incidents.delete(sys_id)),
            "left": await refused(incidents.get_one(IncidentModel.sys_id.equals(sys_id))),
        }


at["host"] = at["url"].partition("://")[2]
sound = Path(at["folder"], "tap.txt")
sound.write_text("drip, drip", encoding="utf-8")
seen = asyncio.run(main())
seen["attachments"]["downloaded"] = Path(seen["attachments"]["downloaded"]).read_text(encoding="utf-8")
tell(seen)
