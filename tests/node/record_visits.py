"""What tests of the console's pages of records have in common: what clients do meanwhile, and where forms lead."""

from __future__ import annotations

from node.instance.records.writing import insert_record, update_record
from tests.node.instance.rest_world import ADMIN_VIEWER

INCIDENTS = "/console/records/incident"


async def made(visit, table="incident", **values):
    """A record that a client made."""
    instance = visit.node.instance.instance
    database = await instance.database()
    return await database.write(lambda tx: insert_record(tx, instance.writing(ADMIN_VIEWER, tx.catalog), table, values))


async def changed(visit, sys_id, **values):
    """What a client changes."""
    instance = visit.node.instance.instance
    database = await instance.database()
    await database.write(
        lambda tx: update_record(tx, instance.writing(ADMIN_VIEWER, tx.catalog), "incident", sys_id, values)
    )


def token_of(page):
    """What each form of a page carries that is sent by POST."""
    return next(form["fields"]["form_token"] for form in page.forms if "form_token" in form["fields"])


async def asked_by_form(visit, **fields):
    """Where a form of the list of incidents leads."""
    page = await looked_at(visit, INCIDENTS)
    answer, page = await visit.post(INCIDENTS, {"form_token": token_of(page), **fields})
    assert answer.status == 303, page.source
    return answer.headers["Location"]


async def looked_at(visit, path):
    answer, page = await visit.get(path)
    assert answer.status == 200, (answer.status, path)
    return page
