"""What somebody's asyncio program may do with pysnc: many things at once."""

from __future__ import annotations

import asyncio

from pysnc.asyncio import AsyncServiceNowClient
from pysnc.asyncio.auth import AsyncServiceNowClientCredentialsFlow, AsyncServiceNowPasswordGrantFlow
from telling import said, tell, the_instance

AT_ONCE = 20

at = the_instance()


async def insert(client, short_description):
    row = await client.GlideRecord("incident")
    row.initialize()
    row.short_description = short_description
    return str(await row.insert())


async def matching(client, start):
    rows = await client.GlideRecord("incident")
    rows.add_query("short_description", "STARTSWITH", start)
    rows.order_by("short_description")
    await rows.query()
    return rows


async def pages(client):
    rows = await client.GlideRecord("incident", batch_size=7)
    rows.fields = ["number", "opened_by.user_name"]
    rows.add_query("short_description", "STARTSWITH", "Pump ")
    rows.order_by("number")
    await rows.query()
    found = [(row.get_value("number"), row.get_value("opened_by.user_name")) async for row in rows]
    return {"in order": found == sorted(set(found)), "count": len(found), "by": sorted({by for _, by in found})}


async def not_allowed(sys_id):
    client = AsyncServiceNowClient(at["url"], (at["other_name"], at["other_password"]))
    try:
        row = await client.GlideRecord("incident")
        return await row.get(sys_id)
    finally:
        await client.close()


async def attachment(client, sys_id):
    row = await client.GlideRecord("incident")
    await row.get(sys_id)
    location = await row.add_attachment("notes.txt", "line one\nline two")
    found = await row.get_attachments()
    await found.next()
    return {"lines": await found.readlines(), "where it was said to be": found.get_link() == location}


async def signed_in(flow):
    # By the session itself: 1.2.1 builds its requests outside it, without the header that the password flow has set.
    session = await flow.authenticate(at["url"])
    try:
        answer = await session.get("/api/now/table/sys_user", params={"sysparm_query": f"user_name={at['user_name']}"})
        return [one["user_name"] for one in answer.json()["result"]]
    finally:
        await session.aclose()


async def refused(awaitable):
    try:
        return await awaitable
    except Exception as error:  # noqa: BLE001 - what it raises is what the test asks
        return said(error)


async def wrong_password():
    client = AsyncServiceNowClient(at["url"], (at["user_name"], "wrong"))
    try:
        row = await client.GlideRecord("incident")
        return await row.get("x")
    finally:
        await client.close()


async def story(client):
    sys_ids = await asyncio.gather(*(insert(client, f"Pump {number:02} leaks") for number in range(AT_ONCE)))
    rows = await matching(client, "Pump ")
    numbers = []
    async for row in rows:
        numbers.append(row.get_value("number"))
        row.short_description = row.short_description + ", badly"
    seen = {
        "inserted": len(set(sys_ids)),
        "numbers": len(set(numbers)),
        "updated": await rows.update_multiple(),
        "changed": len(await matching(client, "Pump 07 leaks, badly")),
        "pages": await pages(client),
        "not allowed": await refused(not_allowed(sys_ids[0])),
        "attachment": await attachment(client, sys_ids[0]),
        "oauth": await asyncio.gather(
            refused(
                signed_in(
                    AsyncServiceNowPasswordGrantFlow(
                        at["user_name"], at["password"], at["client_id"], at["client_secret"]
                    )
                )
            ),
            refused(signed_in(AsyncServiceNowClientCredentialsFlow(at["client_id"], at["client_secret"]))),
            refused(
                signed_in(
                    AsyncServiceNowPasswordGrantFlow(at["user_name"], "wrong", at["client_id"], at["client_secret"])
                )
            ),
        ),
        "wrong password": await refused(wrong_password()),
    }
    missing = await client.GlideRecord("no_such_table")
    seen["no such table"] = await refused(missing.get("x"))
    seen["removed"] = await (await matching(client, "Pump ")).delete_multiple()
    seen["left"] = len(await matching(client, "Pump "))
    return seen


async def main():
    client = AsyncServiceNowClient(at["url"], (at["user_name"], at["password"]))
    try:
        return await story(client)
    finally:
        await client.close()


tell(asyncio.run(main()))
