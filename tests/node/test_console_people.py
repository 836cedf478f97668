"""The console's admins are users of the instance: who gets in, who is shown, who is out again."""

from __future__ import annotations

import pytest
import pytest_asyncio

from node.instance.first_records import ADMIN, ADMIN_ROLE_ID
from node.instance.records.writing import update_record
from tests.node.console_visits import Visit
from tests.node.local_nodes import running_node
from tests.node.people_world import PASSWORD, drop, put, put_user

CHOSEN = "a password of my own"
ROLE = "1" * 32
MIA = "6d6961".ljust(32, "0")


@pytest_asyncio.fixture
async def node(tmp_path):
    """A node with the admin `mia` beside its first one."""
    async with running_node(tmp_path / "a") as node:
        database = await node.instance.instance.database()
        await put_user(database, "mia", name="Mia Berg")
        await put(database, "sys_user_has_role", ROLE, user=MIA, role=ADMIN_ROLE_ID)
        yield node


async def is_in(visit):
    answer, _ = await visit.get("/console/connections")
    assert answer.status in {200, 303}
    return answer.status == 200


async def test_every_admin_signs_in_by_their_own_password_and_sees_their_own_name(node):
    for name, password, shown in (("admin", node.password, "System Administrator"), ("mia", PASSWORD, "Mia Berg")):
        async with Visit(node) as visit:
            await visit.sign_in(password, name=name)
            _, page = await visit.get("/console/settings")
            assert f"Signed in as </span>{shown}<" in page.source
            assert page.form("/console/settings/password")["fields"]["name"] == name
            assert ("This is still the first password" in page.source) is (name == "admin")


async def test_an_admin_is_let_in_by_no_other_admins_password_and_a_user_without_the_role_by_none(node):
    await put_user(await node.instance.instance.database(), "noah", password=CHOSEN)
    async with Visit(node) as visit:
        for name, password in (("mia", node.password), ("admin", PASSWORD), ("noah", CHOSEN)):
            assert await visit.try_to_sign_in(name, password) == 401, name
        assert not await is_in(visit)


@pytest.mark.parametrize(
    ("table", "sys_id", "values"),
    [
        ("sys_user_has_role", ROLE, {"user": ADMIN}),
        ("sys_user_has_role", ROLE, None),
        ("sys_user", MIA, {"active": 0}),
        ("sys_user", MIA, {"locked_out": 1}),
        ("sys_user", MIA, {"web_service_access_only": 1}),
        ("sys_user", MIA, None),
    ],
)
async def test_whoever_is_no_admin_any_more_is_out_at_the_next_request_and_for_good(node, table, sys_id, values):
    database = await node.instance.instance.database()
    kept = await database.read(
        lambda tx: tx.connection.exec_driver_sql("SELECT user_password FROM sys_user WHERE user_name = 'mia'").scalar()
    )
    async with Visit(node) as visit, Visit(node) as other:
        await visit.sign_in(PASSWORD, name="mia")
        await other.sign_in()
        assert await is_in(visit)
        await (put(database, table, sys_id, **values) if values else drop(database, table, sys_id=sys_id))
        assert not await is_in(visit)
        assert await is_in(other), "another admin"
        await put_user(database, "mia", web_service_access_only=0)
        await put(database, "sys_user", MIA, user_password=kept)
        await put(database, "sys_user_has_role", ROLE, user=MIA, role=ADMIN_ROLE_ID)
        assert not await is_in(visit), "the session has ended"
        assert await visit.try_to_sign_in("mia", PASSWORD) == 303


async def test_a_password_that_is_set_over_rest_ends_all_sessions_of_that_user_and_no_others(node):
    instance = node.instance.instance
    database = await instance.database()
    async with Visit(node) as visit, Visit(node) as other:
        await visit.sign_in(PASSWORD, name="mia")
        await other.sign_in()
        for value in ({"title": "Boss"}, {"user_password": ""}, {"user_password": CHOSEN}):
            admin = (await node.instance.authentication.people.of_name("admin")).viewer
            await instance.write(
                admin, lambda tx, writing, value=value: update_record(tx, writing, "sys_user", MIA, value)
            )
            assert await is_in(visit) is ("title" in value)
        assert await is_in(other)
        assert await visit.try_to_sign_in("mia", CHOSEN) == 303
        await put(database, "sys_user", ADMIN, user_password=None)
        assert not await is_in(other), "also where there is none any more"


async def test_a_chosen_password_is_the_users_own_in_the_instance_and_ends_their_other_sessions_alone(node):
    async with Visit(node) as visit, Visit(node) as same, Visit(node) as other:
        for one in (visit, same):
            await one.sign_in(PASSWORD, name="mia")
        await other.sign_in()
        _, page = await visit.get("/console/settings")
        fields = {"present": PASSWORD, "new": CHOSEN, "again": CHOSEN}
        assert (await visit.send(page, "/console/settings/password", **fields))[0].status == 303
        assert [await is_in(one) for one in (visit, same, other)] == [True, False, True]
    people = node.instance.authentication
    assert await people.signed_in("mia", CHOSEN, network="here") is not None
    assert await people.signed_in("mia", PASSWORD, network="here") is None
    async with Visit(node) as first:
        assert await first.try_to_sign_in("admin", node.password) == 303, "the file is the first admin's alone"


async def test_whoever_sets_their_own_password_in_their_record_stays_and_it_is_what_was_typed(node):
    place = f"/console/records/sys_user/{MIA}"
    async with Visit(node) as visit, Visit(node) as same:
        for one in (visit, same):
            await one.sign_in(PASSWORD, name="mia")
        _, page = await visit.get(f"{place}/edit")
        answer, _ = await visit.send(page, place, **{"set.user_password": f"{CHOSEN} "})
        assert answer.headers["Location"] == f"{place}?saved=changes"
        assert [await is_in(one) for one in (visit, same)] == [True, False]
        assert await same.try_to_sign_in("mia", CHOSEN) == 401
        assert await same.try_to_sign_in("mia", f"{CHOSEN} ") == 303


async def test_an_admins_own_password_is_asked_for_to_change_it_and_no_other_admins_will_do(node):
    async with Visit(node) as visit:
        await visit.sign_in(PASSWORD, name="mia")
        _, page = await visit.get("/console/settings")
        fields = {"present": node.password, "new": CHOSEN, "again": CHOSEN}
        answer, page = await visit.send(page, "/console/settings/password", **fields)
        assert answer.status == 422
        assert "The present password is wrong." in page.source


async def test_a_session_outlives_the_node_and_the_instance_is_opened_for_it_again(tmp_path):
    async with running_node(tmp_path / "a") as node, Visit(node) as visit:
        await visit.sign_in()
        sent = "; ".join(f"{one.key}={one.value}" for one in visit.http.cookie_jar)
    async with running_node(tmp_path / "a") as node, Visit(node) as visit:
        assert (await visit.get("/console/connections", Cookie=sent))[0].status == 200


async def test_an_instance_that_can_not_be_opened_is_told_and_nobody_is_let_in(tmp_path):
    async with running_node(tmp_path / "a") as node:
        pass
    (tmp_path / "a" / "instance.db").write_bytes(b"no database at all, but for its name" * 100)
    async with running_node(tmp_path / "a") as node, Visit(node) as visit:
        _, page = await visit.get("/console/sign-in")
        answer, page = await visit.send(page, "/console/sign-in", name="admin", password=node.password)
        assert answer.status == 500
        assert "instance.db can&#39;t be used" in page.source
