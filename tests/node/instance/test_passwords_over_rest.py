"""A user's password set over REST: hashed before anybody waits for it, and what was given for the old one ends."""

from __future__ import annotations

import asyncio
import threading
from itertools import count
from typing import TYPE_CHECKING

import pytest

from node.instance import instance as shipped
from node.instance.describing import identity_of
from node.instance.first_records import ADMIN
from node.instance.people.persons import People
from node.passwords import hashed, is_hash_of
from tests.node.instance.rest_world import SHARED

if TYPE_CHECKING:
    from node.instance.database import Transaction
    from tests.node.instance.rest_world import RestWorld

pytestmark = SHARED

PASSWORD = "a password of mia"
NUMBERS = count()


def a_name() -> str:
    return f"user{next(NUMBERS)}"


async def row(rest: RestWorld, sys_id: str) -> tuple[str | None, int]:
    database = await rest.instance.database()
    found = await database.read(
        lambda tx: tx.connection.exec_driver_sql(
            "SELECT user_password, sys_mod_count FROM sys_user WHERE sys_id = ?", (sys_id,)
        ).one()
    )
    return found[0], found[1]


async def test_a_password_is_hashed_while_others_write(rest: RestWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    may_end, began = threading.Event(), threading.Event()

    def slowly(password: str) -> str:
        began.set()
        assert may_end.wait(30), "whoever wrote waited for it"
        return hashed(password)

    monkeypatch.setattr(shipped, "hashed", slowly)
    making = asyncio.create_task(rest.make("sys_user", user_name=a_name(), user_password=PASSWORD))
    await asyncio.to_thread(began.wait, 30)
    async with asyncio.timeout(20):
        await rest.make("incident", short_description="meanwhile")
    assert not making.done()
    may_end.set()
    kept, changes = await row(rest, await making)
    assert is_hash_of(kept, PASSWORD)
    said = await rest("PATCH", f"table/sys_user/{making.result()}", {"user_password": "another", "title": "Boss"})
    assert said.status == 200
    kept, changes = await row(rest, making.result())
    assert (is_hash_of(kept, "another"), changes) == (True, 1)
    assert (await rest("PATCH", f"table/sys_user/{making.result()}", {"user_password": ""})).status == 200
    assert (await row(rest, making.result()))[0] is None


@pytest.mark.slow
async def test_passwords_that_an_import_brings_are_hashed_as_well(rest: RestWorld) -> None:
    await rest.make(
        "sys_db_object", name="u_people", label="People", super_class=identity_of("sys_db_object", "sys_import_set_row")
    )
    for name in ("u_user_name", "u_user_password"):
        await rest.make("sys_dictionary", name="u_people", element=name, internal_type="string", max_length=100)
    await rest.make("sys_transform_map", name="people", source_table="u_people", target_table="sys_user")
    name = a_name()
    values = {"u_user_name": name, "u_user_password": PASSWORD}
    said = await rest("POST", "import/u_people", values)
    assert said.json["result"][0]["status"] == "inserted", said.body
    assert is_hash_of((await row(rest, said.json["result"][0]["sys_id"]))[0], PASSWORD)
    listed = await rest("GET", f"table/sys_user?sysparm_query=user_name={name}")
    assert len(listed.result) == 1


@pytest.mark.parametrize("out", [{"active": False}, {"locked_out": True}, {"web_service_access_only": True}])
async def test_who_was_put_out_and_let_in_again_begins_anew(rest: RestWorld, out: dict[str, bool]) -> None:
    user = await rest.make("sys_user", user_name=a_name(), user_password=PASSWORD)
    people = People(rest.instance.database)
    before, other = await people.of_id(user), await people.of_id(ADMIN)
    assert before is not None
    assert other is not None
    await rest.change("sys_user", user, title="Boss")
    same = await people.of_id(user)
    assert same is not None
    assert same.password_mark == before.password_mark
    for values in (out, {name: not value for name, value in out.items()}):
        await rest.change("sys_user", user, **values)
    after, unmoved = await people.of_id(user), await people.of_id(ADMIN)
    assert after is not None
    assert after.is_admitted
    assert after.password_mark != before.password_mark, "sessions and tokens of before are over"
    assert unmoved == other


async def tokens(rest: RestWorld) -> list[str]:
    database = await rest.instance.database()
    return await database.read(
        lambda tx: [one for (one,) in tx.connection.exec_driver_sql("SELECT name FROM oauth_credential ORDER BY name")]
    )


@pytest.mark.parametrize(
    ("value", "ends"),
    [
        ({"user_password": "another"}, True),
        pytest.param({"user_password": ""}, True, marks=pytest.mark.slow),
        ({"active": "false"}, True),
        pytest.param({"locked_out": "true"}, True, marks=pytest.mark.slow),
        pytest.param(None, True, marks=pytest.mark.slow),
        ({"title": "Boss", "active": "true", "locked_out": "false"}, False),
    ],
)
async def test_tokens_end_with_what_they_were_given_for(
    rest: RestWorld, value: dict[str, str] | None, *, ends: bool
) -> None:
    users = [await rest.make("sys_user", user_name=a_name(), user_password=PASSWORD) for _ in range(2)]

    def give(tx: Transaction) -> None:
        for user in users:
            tx.connection.exec_driver_sql(
                "INSERT INTO oauth_credential (sys_id, name, user) VALUES (?, ?, ?)", (f"t{user[1:]}", user, user)
            )

    database = await rest.instance.database()
    await database.write(give)
    before = database.versions["oauth_credential"]
    said = await rest("DELETE" if value is None else "PATCH", f"table/sys_user/{users[0]}", value or b"")
    assert said.status in {200, 204}
    assert [user for user in users if user in await tokens(rest)] == (users[1:] if ends else users)
    assert database.versions["oauth_credential"] == before + ends, "what is remembered of tokens counts no more"
