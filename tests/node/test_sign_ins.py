"""What is noted of sign-ins: when the last one was, and how many have failed since."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from node.ports import StoreFullError
from tests.node.people_world import PASSWORD, people_database, people_world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from node.instance.database import InstanceDatabase
    from tests.node.people_world import PeopleWorld

pytestmark = pytest.mark.asyncio(loop_scope="module")

DAY_S = 24 * 3600
NOW, DAY = "2027-01-15 08:00:00", "2027-01-15"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def database(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[InstanceDatabase]:
    """One for all tests of this file."""
    async with people_database(tmp_path_factory.mktemp("instance")) as database:
        yield database


@pytest_asyncio.fixture(loop_scope="module")
async def world(database: InstanceDatabase) -> AsyncIterator[PeopleWorld]:
    """An instance with the user `mia`."""
    async with people_world(database) as world:
        await world.user("mia", sys_mod_count=7, sys_updated_on="2026-01-01 00:00:00")
        yield world
        await world.authentication.sign_ins.settle()


async def noted(world: PeopleWorld) -> tuple[Any, ...]:
    """When mia last signed in, on which day, and how often it has failed since."""
    await world.authentication.sign_ins.settle()
    found = await world.database.read(
        lambda tx: tx.connection.exec_driver_sql(
            "SELECT last_login_time, last_login, failed_attempts FROM sys_user WHERE user_name = 'mia'"
        ).one()
    )
    return tuple(found)


async def tried(world: PeopleWorld, password: str, name: str = "mia") -> bool:
    return await world.authentication.signed_in(name, password, network="here") is not None


async def test_failures_are_counted_and_a_success_is_noted_and_begins_the_count_anew(world: PeopleWorld) -> None:
    assert await noted(world) == (None, None, None)
    for count in (1, 2):
        assert not await tried(world, "wrong")
        assert await noted(world) == (None, None, count)
    assert await tried(world, PASSWORD)
    assert await noted(world) == (NOW, DAY, 0)
    assert not await tried(world, "wrong")
    assert await noted(world) == (NOW, DAY, 1)


async def test_what_comes_together_is_noted_in_its_order(world: PeopleWorld) -> None:
    for password in ("wrong", PASSWORD, "wrong", "wrong as well"):
        await tried(world, password)
    assert await noted(world) == (NOW, DAY, 2)


async def test_whoever_may_not_sign_in_fails_also_by_the_right_password(world: PeopleWorld) -> None:
    await world.user("mia", locked_out=1)
    assert not await tried(world, PASSWORD)
    assert await noted(world) == (None, None, 1)


async def test_a_client_that_shows_its_password_with_each_request_signs_in_once_a_day(world: PeopleWorld) -> None:
    commits: list[object] = []
    world.database.written.append(commits.append)
    for _ in range(3):
        assert (await world.whoami("mia", PASSWORD))[0] == 200
        assert await noted(world) == (NOW, DAY, 0)
    assert len(commits) == 1
    world.clock.ahead_s = DAY_S
    for _ in range(2):
        await world.whoami("mia", PASSWORD)
    assert (await noted(world))[1] == "2027-01-16"
    assert len(commits) == 2
    assert (await world.whoami("mia", "wrong"))[0] == 401
    assert (await noted(world))[2] == 1
    await world.whoami("mia", PASSWORD)
    assert (await noted(world))[2] == 0, "on the same day"
    world.database.written.remove(commits.append)


async def test_each_grant_by_password_is_noted_and_no_use_of_a_token(world: PeopleWorld) -> None:
    client = await world.registering.oauth_client("A program")
    form = {"client_id": client.client_id, "client_secret": client.client_secret}
    form |= {"grant_type": "password", "username": "mia", "password": PASSWORD}
    for ahead_s, at in ((0, NOW), (60, "2027-01-15 08:01:00")):
        world.clock.ahead_s = ahead_s
        _, granted = await world.token(**form)
        assert (await noted(world))[0] == at
    world.clock.ahead_s = 120
    assert (await world.whoami(Authorization=f"Bearer {granted['access_token']}"))[0] == 200
    assert (await noted(world))[0] == "2027-01-15 08:01:00"


async def test_it_is_no_change_of_the_user_and_what_is_remembered_of_people_goes_on_counting(
    world: PeopleWorld,
) -> None:
    before = dict(world.database.versions)
    await tried(world, "wrong")
    await tried(world, PASSWORD)
    await noted(world)
    assert dict(world.database.versions) == before
    changed = await world.database.read(
        lambda tx: tx.connection.exec_driver_sql(
            "SELECT sys_mod_count, sys_updated_on FROM sys_user WHERE user_name = 'mia'"
        ).one()
    )
    assert tuple(changed) == (7, "2026-01-01 00:00:00")


async def test_a_name_that_nobody_has_is_noted_nowhere(world: PeopleWorld) -> None:
    commits: list[object] = []
    world.database.written.append(commits.append)
    assert not await tried(world, PASSWORD, name="nobody")
    await noted(world)
    world.database.written.remove(commits.append)
    assert commits == []


async def test_a_full_disk_keeps_nobody_out_and_what_comes_later_is_noted(
    world: PeopleWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(_unit: object) -> None:
        raise StoreFullError

    with monkeypatch.context() as patch:
        patch.setattr(world.database, "write", full)
        assert await tried(world, PASSWORD)
        assert await noted(world) == (None, None, None)
    assert await tried(world, PASSWORD)
    assert await noted(world) == (NOW, DAY, 0)
