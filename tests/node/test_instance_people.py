"""Who a user is: by name and password, with which roles, for how long that is remembered."""

from __future__ import annotations

import asyncio
import base64
import logging
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from node import passwords
from node.instance.people import passports
from node.instance.people.persons import zone_of
from tests.node.people_world import PASSWORD, people_database, people_world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from node.instance.database import InstanceDatabase
    from tests.node.people_world import PeopleWorld

pytestmark = pytest.mark.asyncio(loop_scope="module")

NOT_AUTHENTICATED = {
    "error": {"message": "User Not Authenticated", "detail": "Required to provide Auth information"},
    "status": "failure",
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def database(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[InstanceDatabase]:
    """One for all tests of this file."""
    async with people_database(tmp_path_factory.mktemp("instance")) as database:
        yield database


@pytest_asyncio.fixture(loop_scope="module")
async def world(database: InstanceDatabase) -> AsyncIterator[PeopleWorld]:
    """An instance with the user `mia`, who has no role."""
    async with people_world(database) as world:
        await world.user("mia")
        yield world


async def test_a_name_in_any_case_and_its_password_are_the_user(world: PeopleWorld) -> None:
    assert await world.whoami("mia", PASSWORD) == (200, {"user_name": "mia", "roles": [], "groups": []})
    assert (await world.whoami("MIA", PASSWORD))[0] == 200


@pytest.mark.parametrize(
    ("name", "password"),
    [("mia", "wrong"), ("mia", ""), ("nobody", PASSWORD), ("mia", PASSWORD.upper()), ("admin", ""), ("", "")],
)
async def test_a_wrong_name_or_password_is_answered_as_servicenow_does(
    world: PeopleWorld, name: str, password: str
) -> None:
    given = base64.b64encode(f"{name}:{password}".encode()).decode()
    assert await world.whoami(Authorization=f"Basic {given}") == (401, NOT_AUTHENTICATED)


@pytest.mark.parametrize(
    "header",
    ["", "Basic", "Basic !", "Basic bWlh", "Basic /////w==", "Bearer", "Bearer x", "Digest a=b", "bWlhOm1pYQ=="],
)
async def test_a_header_that_says_nothing_is_no_user_and_no_fault(world: PeopleWorld, header: str) -> None:
    async with world.client.get("/whoami", headers={"Authorization": header} if header else {}) as answer:
        assert (answer.status, await answer.json()) == (401, NOT_AUTHENTICATED)
        assert answer.headers["WWW-Authenticate"] == 'Basic realm="Service-now"'


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
async def test_a_password_is_read_in_both_encodings_that_clients_write(world: PeopleWorld, encoding: str) -> None:
    await world.user("jörg", password="schön genug für alle")
    given = base64.b64encode("jörg:schön genug für alle".encode(encoding)).decode()
    assert (await world.whoami(Authorization=f"Basic {given}"))[0] == 200


@pytest.mark.parametrize("state", [{"active": 0}, {"locked_out": 1}, {"user_password": None}])
async def test_a_user_who_may_not_sign_in_is_out_at_the_next_request(
    world: PeopleWorld, state: dict[str, int | None]
) -> None:
    mia = await world.user("mia")
    assert (await world.whoami("mia", PASSWORD))[0] == 200
    await world.put("sys_user", mia, **state)
    assert await world.whoami("mia", PASSWORD) == (401, NOT_AUTHENTICATED)


async def test_two_names_that_only_people_take_for_one_are_two_users(world: PeopleWorld) -> None:
    for name in ("straße", "STRASSE"):
        await world.user(name, password=f"password of {name}")
    for name in ("straße", "STRASSE", "strasse"):
        found = await world.authentication.signed_in(
            name, f"password of {name.replace('strasse', 'STRASSE')}", network="x"
        )
        assert found is not None, name
        assert found.viewer.user_name == name.replace("strasse", "STRASSE")


@pytest.mark.parametrize("name", ["\ud800", "a\0b", "\u202e", "x" * 100_000])
async def test_a_name_that_nobody_can_have_is_nobody(world: PeopleWorld, name: str) -> None:
    assert await world.authentication.signed_in(name, PASSWORD, network="x") is None


async def test_a_changed_password_counts_at_once_and_the_old_one_no_more(world: PeopleWorld) -> None:
    assert (await world.whoami("mia", PASSWORD))[0] == 200
    await world.user("mia", password="another one now")
    assert (await world.whoami("mia", PASSWORD))[0] == 401
    assert (await world.whoami("mia", "another one now"))[0] == 200


async def test_roles_come_from_the_user_the_groups_those_above_them_and_from_other_roles(world: PeopleWorld) -> None:
    mia = await world.user("mia")
    await world.put("sys_user_has_role", "1" * 32, user=mia, role=await world.role("direct"))
    for group, parent in (("a", None), ("b", "a"), ("c", "b"), ("d", "b")):
        await world.put("sys_user_group", group * 32, name=group, parent=parent and parent * 32)
        await world.put("sys_group_has_role", group * 32, group=group * 32, role=await world.role(f"of_{group}"))
    await world.put("sys_user_group", "a" * 32, parent="c" * 32)  # a ring, which an admin can make
    await world.put("sys_user_grmember", "2" * 32, user=mia, group="c" * 32)
    for n, (role, contained) in enumerate([("of_b", "inner"), ("inner", "core"), ("core", "of_b"), ("of_d", "not")]):
        await world.put(
            "sys_user_role_contains", str(n) * 32, role=await world.role(role), contains=await world.role(contained)
        )
    _, answer = await world.whoami("mia", PASSWORD)
    assert answer["roles"] == ["core", "direct", "inner", "of_a", "of_b", "of_c"]
    assert answer["groups"] == ["c" * 32]


async def test_a_role_that_is_given_or_taken_counts_at_the_next_request(world: PeopleWorld) -> None:
    mia = await world.user("mia")
    seen = []
    for put in (True, False):
        if put:
            await world.put("sys_user_has_role", "1" * 32, user=mia, role=await world.role("itil"))
        else:
            await world.drop("sys_user_has_role", user=mia)
        seen.append((await world.whoami("mia", PASSWORD))[1]["roles"])
    assert seen == [["itil"], []]


async def test_what_is_named_like_a_role_and_is_none_gives_none(world: PeopleWorld) -> None:
    mia = await world.user("mia")
    await world.put("sys_script", "9" * 32, sys_class_name="sys_script", name="admin")
    await world.put("sys_user_has_role", "1" * 32, user=mia, role="9" * 32)
    assert (await world.whoami("mia", PASSWORD))[1]["roles"] == []


async def test_right_credentials_are_checked_once_for_all_who_bring_them_together_and_then_for_some_minutes(
    world: PeopleWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked: list[str] = []

    def counted(kept: str | None, secret: str) -> bool:
        checked.append(secret)
        return passwords.is_hash_of(kept, secret)

    monkeypatch.setattr(passports, "is_hash_of", counted)
    answers = await asyncio.gather(*(world.whoami("mia", PASSWORD) for _ in range(30)))
    assert {status for status, _ in answers} == {200}
    assert len(checked) == 1
    await world.user("noah")  # people change, but not this password
    await world.whoami("mia", PASSWORD)
    assert len(checked) == 1
    world.clock.ahead_s += passports.REMEMBERED_S + 1
    await world.whoami("mia", PASSWORD)
    assert len(checked) == 2
    await world.whoami("mia", "wrong")
    await world.whoami("mia", "wrong")
    assert checked[2:] == ["wrong", "wrong"], "wrong ones are never remembered"


async def test_many_wrong_tries_of_a_name_are_slowed_and_shut_out_no_other_and_not_who_was_right_before(
    world: PeopleWorld,
) -> None:
    await world.user("noah")
    await world.whoami("mia", PASSWORD)
    tried = [(await world.whoami("mia", f"guess {n}"))[0] for n in range(passports.NAME_TRIES_AT_ONCE + 3)]
    assert tried == [401] * passports.NAME_TRIES_AT_ONCE + [429] * 3
    assert (await world.whoami("noah", PASSWORD))[0] == 200, "another user of the same network"
    assert (await world.whoami("mia", PASSWORD))[0] == 200, "what was right lately"
    world.clock.ahead_s += passports.REMEMBERED_S + 1
    for n in range(passports.NAME_TRIES_AT_ONCE + 3):
        await world.whoami("mia", f"later guess {n}")
    assert (await world.whoami("mia", PASSWORD))[0] == 200, "what was right today, after a new check"


async def test_whoever_tries_many_names_is_slowed_too_and_told_how_long_to_wait(world: PeopleWorld) -> None:
    passports_ = world.authentication.passports
    tried = [
        await passports_.is_right("user", f"name{n}", "guess", kept=None, network="127.0.0.0/24")
        for n in range(passports.NETWORK_TRIES_AT_ONCE)
    ]
    assert set(tried) == {False}
    refused = await world.whoami("mia", PASSWORD)
    assert refused[0] == 429, "mia was never right here before"
    assert refused[1]["error"]["detail"] == "Try again in 1 seconds"
    world.clock.ahead_s += 1
    assert (await world.whoami("mia", PASSWORD))[0] == 200


async def test_guesses_that_come_at_once_are_as_many_as_those_that_come_one_after_the_other(
    world: PeopleWorld,
) -> None:
    answers = await asyncio.gather(*(world.whoami("mia", f"guess {n}") for n in range(40)))
    assert sorted(status for status, _ in answers) == [401] * passports.NAME_TRIES_AT_ONCE + [429] * 30


async def test_no_password_and_no_hash_stands_in_a_log_or_a_repr(
    world: PeopleWorld, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    await world.whoami("mia", PASSWORD)
    await world.whoami("mia", "a wrong secret")
    person = await world.authentication.people.of_name("mia")
    assert person is not None
    assert person.password is not None
    said = caplog.text + "".join(capsys.readouterr()) + repr(person) + repr(vars(world.authentication.passports))
    said += repr(vars(world.authentication.people))
    for secret in (PASSWORD, "a wrong secret", person.password):
        assert secret not in said


async def test_a_user_without_a_time_zone_or_with_an_unknown_one_is_in_that_of_the_instance() -> None:
    zones = [str(zone_of(name)) for name in ("Europe/Berlin", None, "", "Nowhere/City", "../../etc/passwd", "a\0b")]
    assert zones == ["Europe/Berlin", *["America/Los_Angeles"] * 5]
