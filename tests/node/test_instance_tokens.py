"""OAuth 2 tokens and API keys: who gets one, for how long it counts, what ends it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from aiohttp import encode_basic_auth

from node.instance.base_tables.access_tables import ACCESS_S, REFRESH_S
from node.instance.people.oauth import FORM, FORM_BYTES_MAX
from node.instance.people.passports import NAME_TRIES_AT_ONCE
from node.instance.people.registering import NoSuchUserError
from tests.node.people_world import PASSWORD, people_database, people_world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from node.instance.database import InstanceDatabase
    from node.instance.people.registering import MadeClient
    from tests.node.people_world import PeopleWorld

pytestmark = pytest.mark.asyncio(loop_scope="module")

DENIED = {"error": "server_error", "error_description": "access_denied"}


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


@pytest_asyncio.fixture(loop_scope="module")
async def client(world: PeopleWorld) -> MadeClient:
    """A client that may act as `mia` by itself."""
    return await world.registering.oauth_client("A program", user_name="mia")


def of(client: MadeClient, **form: str) -> dict[str, str]:
    """A form that names the client, too."""
    return {"client_id": client.client_id, "client_secret": client.client_secret, **form}


def by_password(client: MadeClient, **changed: str) -> dict[str, str]:
    """A form with all that the password grant asks for."""
    return of(client, grant_type="password", username="mia", password=PASSWORD) | changed


async def whose(world: PeopleWorld, token: str) -> str | None:
    """In whose name a token speaks; none: it does not count."""
    status, answer = await world.whoami(Authorization=f"Bearer {token}")
    assert status in {200, 401}
    return answer["user_name"] if status == 200 else None


async def test_a_user_signs_in_through_a_client_and_the_token_speaks_for_them(
    world: PeopleWorld, client: MadeClient
) -> None:
    status, answer = await world.token(**by_password(client))
    assert status == 200
    assert answer.keys() == {"access_token", "refresh_token", "scope", "token_type", "expires_in"}
    assert (answer["scope"], answer["token_type"], answer["expires_in"]) == ("useraccount", "Bearer", ACCESS_S)
    assert await whose(world, answer["access_token"]) == "mia"
    assert await whose(world, answer["refresh_token"]) is None


async def test_a_client_names_itself_in_the_body_or_by_basic(world: PeopleWorld, client: MadeClient) -> None:
    basic = encode_basic_auth(client.client_id, client.client_secret)
    assert (await world.token(basic, grant_type="password", username="mia", password=PASSWORD))[0] == 200
    assert (await world.token(basic, **by_password(client)))[0] == 200
    assert (await world.token(basic, grant_type="client_credentials"))[0] == 200


async def test_a_client_acts_by_itself_in_the_name_of_its_user(world: PeopleWorld, client: MadeClient) -> None:
    status, answer = await world.token(**of(client, grant_type="client_credentials"))
    assert (status, "refresh_token" in answer) == (200, False)
    assert await whose(world, answer["access_token"]) == "mia"


async def test_a_client_without_a_user_can_not_act_by_itself(world: PeopleWorld) -> None:
    nobody = await world.registering.oauth_client("Nobody's")
    status, answer = await world.token(**of(nobody, grant_type="client_credentials"))
    assert (status, answer["error"]) == (400, "unauthorized_client")


async def test_a_refresh_token_makes_new_access_tokens_and_stays_what_it_is(
    world: PeopleWorld, client: MadeClient
) -> None:
    _, first = await world.token(**by_password(client))
    world.clock.ahead_s += ACCESS_S
    assert await whose(world, first["access_token"]) is None, "expired"
    status, second = await world.token(**of(client, grant_type="refresh_token", refresh_token=first["refresh_token"]))
    assert (status, second["refresh_token"]) == (200, first["refresh_token"])
    assert await whose(world, second["access_token"]) == "mia"
    world.clock.ahead_s += REFRESH_S
    status, answer = await world.token(**of(client, grant_type="refresh_token", refresh_token=first["refresh_token"]))
    assert (status, answer) == (401, DENIED)


async def test_a_refresh_token_of_another_client_is_none(world: PeopleWorld, client: MadeClient) -> None:
    other = await world.registering.oauth_client("Another")
    _, granted = await world.token(**by_password(client))
    form = of(other, grant_type="refresh_token", refresh_token=granted["refresh_token"])
    assert await world.token(**form) == (401, DENIED)


async def test_an_access_token_counts_until_the_second_in_which_it_expires(
    world: PeopleWorld, client: MadeClient
) -> None:
    _, answer = await world.token(**by_password(client))
    world.clock.ahead_s += ACCESS_S - 1
    assert await whose(world, answer["access_token"]) == "mia"
    world.clock.ahead_s += 1
    assert await whose(world, answer["access_token"]) is None


@pytest.mark.parametrize(
    ("changed", "status", "error"),
    [
        ({"password": "wrong"}, 401, DENIED),
        ({"username": "nobody"}, 401, DENIED),
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_id": "nothing"}, 401, "invalid_client"),
        ({"client_id": ""}, 401, "invalid_client"),
        ({"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer"}, 400, "unsupported_grant_type"),
        ({"grant_type": ""}, 400, "invalid_request"),
        ({"username": ""}, 400, "invalid_request"),
        ({"password": ""}, 400, "invalid_request"),
        ({"grant_type": "refresh_token"}, 400, "invalid_request"),
        ({"grant_type": "refresh_token", "refresh_token": "wrong"}, 401, DENIED),
    ],
)
async def test_each_wrong_request_for_a_token_is_answered_by_its_error(
    world: PeopleWorld, client: MadeClient, changed: dict[str, str], status: int, error: Any
) -> None:
    found, answer = await world.token(**by_password(client, **changed))
    assert found == status
    assert (answer if isinstance(error, dict) else answer["error"]) == error


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        ("application/json", b'{"grant_type": "password"}', 400),
        ("multipart/form-data; boundary=x", b"--x--", 400),
        ("", b"", 400),
        (FORM, b"", 400),
        (FORM, b"\xff\xfe%00%zz=%ff", 400),
        (f"{FORM}; charset=klingon", b"grant_type=password", 400),
        (FORM, b"grant_type=password&more=" + b"x" * FORM_BYTES_MAX, 413),
    ],
)
async def test_what_is_no_form_is_refused(world: PeopleWorld, content_type: str, body: bytes, status: int) -> None:
    headers = {"Content-Type": content_type}
    async with world.client.post("/oauth_token.do", data=body, headers=headers) as answer:
        assert (answer.status, (await answer.json())["error"]) == (status, "invalid_request")


@pytest.mark.parametrize("state", [{"active": 0}, {"locked_out": 1}])
async def test_the_tokens_of_a_user_who_is_out_count_no_more(
    world: PeopleWorld, client: MadeClient, state: dict[str, int]
) -> None:
    _, granted = await world.token(**by_password(client))
    key = await world.registering.api_key("mia")
    assert await whose(world, granted["access_token"]) == "mia"
    await world.put("sys_user", await world.user("mia"), **state)
    assert await whose(world, granted["access_token"]) is None
    assert (await world.whoami(**{"x-sn-apikey": key}))[0] == 401
    form = of(client, grant_type="refresh_token", refresh_token=granted["refresh_token"])
    assert await world.token(**form) == (401, DENIED)
    assert (await world.token(**of(client, grant_type="client_credentials")))[0] == 400


@pytest.mark.parametrize("change", [{"user_password": "another"}, {"active": 0}, {"locked_out": 1}])
async def test_no_token_is_granted_by_what_ended_while_it_was_asked_for(
    world: PeopleWorld, client: MadeClient, change: dict[str, object]
) -> None:
    tokens, user_id = world.authentication.tokens, await world.user("mia")
    asking, user = await tokens.client(client.client_id), await world.authentication.people.of_id(user_id)
    assert asking is not None
    assert user is not None
    assert await tokens.grant(asking, user, may_refresh=True) is not None
    await world.put("sys_user", user_id, **change)
    assert await tokens.grant(asking, user, may_refresh=True) is None


async def test_a_refresh_token_that_is_gone_by_the_time_grants_nothing(world: PeopleWorld, client: MadeClient) -> None:
    tokens, user_id = world.authentication.tokens, await world.user("mia")
    asking, user = await tokens.client(client.client_id), await world.authentication.people.of_id(user_id)
    assert asking is not None
    assert user is not None
    granted = await tokens.grant(asking, user, may_refresh=True)
    assert granted is not None
    by = granted.refresh_token
    assert await tokens.grant(asking, user, may_refresh=False, by_token=by) is not None
    await world.drop("oauth_credential", type="refresh_token")
    assert await tokens.grant(asking, user, may_refresh=False, by_token=by) is None


async def test_a_token_that_is_removed_counts_no_more(world: PeopleWorld, client: MadeClient) -> None:
    _, granted = await world.token(**by_password(client))
    assert await whose(world, granted["access_token"]) == "mia"
    await world.drop("oauth_credential", type="access_token")
    assert await whose(world, granted["access_token"]) is None


async def test_the_tokens_of_a_client_that_is_switched_off_count_no_more(
    world: PeopleWorld, client: MadeClient
) -> None:
    _, granted = await world.token(**by_password(client))
    sys_id = await world.database.read(
        lambda tx: tx.connection.exec_driver_sql("SELECT sys_id FROM oauth_entity").scalar_one()
    )
    await world.put("oauth_entity", sys_id, active=0)
    assert await whose(world, granted["access_token"]) is None
    assert (await world.token(**by_password(client)))[1]["error"] == "invalid_client"


async def test_expired_tokens_go_when_new_ones_are_made(world: PeopleWorld, client: MadeClient) -> None:
    for _ in range(3):
        await world.token(**of(client, grant_type="client_credentials"))
        world.clock.ahead_s += ACCESS_S
    kept = await world.database.read(
        lambda tx: tx.connection.exec_driver_sql("SELECT count(*) FROM oauth_credential").scalar_one()
    )
    assert kept == 1


async def test_an_api_key_speaks_for_its_user_until_it_expires_or_is_switched_off(world: PeopleWorld) -> None:
    key = await world.registering.api_key("mia", name="For a script")
    assert await world.whoami(**{"x-sn-apikey": key}) == (200, {"user_name": "mia", "roles": [], "groups": []})
    assert (await world.whoami(**{"x-sn-apikey": key[:-1]}))[0] == 401
    sys_id = await world.database.read(
        lambda tx: tx.connection.exec_driver_sql("SELECT sys_id FROM api_key").scalar_one()
    )
    await world.put("api_key", sys_id, expires="2027-01-15 08:00:01")
    assert (await world.whoami(**{"x-sn-apikey": key}))[0] == 200
    world.clock.ahead_s += 1
    assert (await world.whoami(**{"x-sn-apikey": key}))[0] == 401
    await world.put("api_key", sys_id, expires=None)
    assert (await world.whoami(**{"x-sn-apikey": key}))[0] == 200
    await world.put("api_key", sys_id, active=0)
    assert (await world.whoami(**{"x-sn-apikey": key}))[0] == 401


async def test_an_access_token_is_no_api_key_and_a_key_no_token(world: PeopleWorld, client: MadeClient) -> None:
    _, granted = await world.token(**by_password(client))
    key = await world.registering.api_key("mia")
    assert await whose(world, key) is None
    assert (await world.whoami(**{"x-sn-apikey": granted["access_token"]}))[0] == 401


async def test_nobody_registers_a_program_for_a_user_who_is_not_there(world: PeopleWorld) -> None:
    await world.user("noah", active=0)
    for name in ("nobody", "noah"):
        with pytest.raises(NoSuchUserError, match=f"no active user '{name}'"):
            await world.registering.api_key(name)
        with pytest.raises(NoSuchUserError, match=f"no active user '{name}'"):
            await world.registering.oauth_client("A program", user_name=name)


@pytest.mark.parametrize("which", ["client_secret", "password"])
async def test_guesses_at_a_secret_or_a_password_are_slowed(world: PeopleWorld, client: MadeClient, which: str) -> None:
    tried = [
        (await world.token(**by_password(client, **{which: f"guess {n}"})))[0] for n in range(NAME_TRIES_AT_ONCE + 1)
    ]
    assert tried == [401] * NAME_TRIES_AT_ONCE + [429]


async def test_of_a_secret_only_what_can_not_be_turned_back_is_kept_and_nothing_of_it_is_told_again(
    world: PeopleWorld, client: MadeClient, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    _, granted = await world.token(**by_password(client))
    key = await world.registering.api_key("mia")
    await whose(world, granted["access_token"])
    await world.whoami(**{"x-sn-apikey": key})
    await world.token(**by_password(client, client_secret="wrong"))
    rows = await world.database.read(
        lambda tx: repr(
            [
                tx.connection.exec_driver_sql(f"SELECT * FROM {table}").all()  # noqa: S608 - names of this test's own
                for table in ("oauth_credential", "oauth_entity", "api_key")
            ]
        )
    )
    known = await world.authentication.tokens.client(client.client_id)
    told = rows + caplog.text + "".join(capsys.readouterr()) + repr(client) + repr(known)
    told += repr(vars(world.authentication.tokens))
    for secret in (granted["access_token"], granted["refresh_token"], key, client.client_secret):
        assert secret not in told
    assert rows.count("$argon2id$") == 1
