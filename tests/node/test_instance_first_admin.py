"""The password file and the user `admin`: which of the two counts, and how they are kept in step."""

from __future__ import annotations

import contextlib
import shutil
from typing import TYPE_CHECKING

import pytest

from node.bearer import digest_of
from node.console.login import PASSWORD_FILE, make_login, read_login
from node.instance.database import InstanceDatabase
from node.instance.first_records import ADMIN, ADMIN_ROLE_ID
from node.instance.people.admins import Admins
from node.instance.people.authentication import Authentication
from node.instance.people.first_admin import FirstAdmin
from node.passwords import hashed, is_hash_of
from node.real_ports import SystemClock, SystemEntropy
from tests.node.people_world import image

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from node.instance.database import Transaction

CHOSEN = "a password of my own"
HERE = "127.0.0.0/24"


class Home:
    """A data directory with a password file and an instance, which can be started and stopped."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / PASSWORD_FILE
        shutil.copyfile(image(), folder / "instance.db")
        self.admins: Admins
        self.first: FirstAdmin
        self.database: InstanceDatabase

    @contextlib.asynccontextmanager
    async def started(self) -> AsyncIterator[None]:
        """What a node does with both when it starts, and when somebody first signs in."""
        login = read_login(self.file) or make_login(self.file, SystemEntropy())
        self.database = InstanceDatabase(self.folder / "instance.db", node_database=None)

        async def opened() -> InstanceDatabase:
            return self.database

        self.first = first = FirstAdmin(opened, login)
        clock, entropy = SystemClock(), SystemEntropy()
        authentication = Authentication(first.database, clock=clock, entropy=entropy)
        self.admins = Admins(authentication, first, clock=clock)
        try:
            yield
        finally:
            await authentication.sign_ins.settle()
            await first.close()
            await self.database.close()

    @property
    def password(self) -> str:
        return self.file.read_text().strip()

    async def lets_in(self, password: str, name: str = "admin") -> bool:
        return await self.admins.signed_in(name, password, network=HERE) is not None

    async def choose(self, password: str) -> None:
        database = await self.first.database()
        kept = await database.read(lambda tx: _kept(tx, ADMIN))
        admin = await self.admins.admin(ADMIN, digest_of(kept))
        assert admin is not None
        assert await self.admins.change_password(admin, password) != digest_of(kept)

    async def give_token(self) -> None:
        await self.execute("INSERT INTO oauth_credential (sys_id, user) VALUES ('t', :user)", user=ADMIN)

    async def tokens(self) -> int:
        count: int = await self.database.read(
            lambda tx: tx.connection.exec_driver_sql("SELECT count(*) FROM oauth_credential").scalar_one()
        )
        return count

    async def execute(self, statement: str, **values: object) -> None:
        """Change people behind everybody's back, as a client of the REST APIs with the role may."""

        def unit(tx: Transaction) -> None:
            tx.connection.exec_driver_sql(statement, values)
            tx.touched.update({"sys_user", "sys_user_has_role"})

        await self.database.write(unit)


def _kept(tx: Transaction, user_id: str) -> str:
    found: str = tx.connection.exec_driver_sql(
        "SELECT user_password FROM sys_user WHERE sys_id = ?", (user_id,)
    ).scalar_one()
    return found


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


async def test_the_first_password_is_that_of_the_user_admin(home: Home) -> None:
    async with home.started():
        assert await home.lets_in(home.password)
        assert not await home.lets_in("wrong")
        assert home.admins.first_password == home.password, "the file still tells it"
    async with home.started():
        assert await home.lets_in(home.password), "after another start, too"


async def test_a_chosen_password_counts_in_both_places_and_after_the_next_start(home: Home) -> None:
    async with home.started():
        first = home.password
        assert await home.lets_in(first)
        await home.give_token()
        await home.choose(CHOSEN)
        assert await home.tokens() == 0
        updated = "SELECT sys_updated_by, sys_updated_on > sys_created_on FROM sys_user WHERE user_name = 'admin'"
        said = await home.database.read(lambda tx: tx.connection.exec_driver_sql(updated).one())
        assert tuple(said) == ("admin", 1)
        assert home.password.startswith("$argon2id$")
        assert home.admins.first_password is None
        assert (await home.lets_in(CHOSEN), await home.lets_in(first)) == (True, False)
    async with home.started():
        assert (await home.lets_in(CHOSEN), await home.lets_in(first)) == (True, False)


async def test_whoever_has_lost_the_password_deletes_the_file_and_starts_the_node_again(home: Home) -> None:
    async with home.started():
        await home.choose(CHOSEN)
        await home.give_token()
    home.file.unlink()
    async with home.started():
        assert (await home.lets_in(home.password), await home.lets_in(CHOSEN)) == (True, False)
        assert await home.tokens() == 0, "whoever had the old one is out"


@pytest.mark.parametrize(
    "harm",
    [
        "UPDATE sys_user SET active = 0",
        "UPDATE sys_user SET locked_out = 1",
        "UPDATE sys_user SET web_service_access_only = 1",
        "DELETE FROM sys_user_has_role",
        "DELETE FROM sys_user",
        "UPDATE sys_user SET user_name = 'root'",
        "DELETE FROM sys_metadata WHERE sys_class_name = 'sys_user_role'",
        "UPDATE sys_user SET user_password = NULL",
    ],
)
async def test_the_way_back_in_works_whatever_has_become_of_the_user(home: Home, harm: str) -> None:
    async with home.started():
        assert await home.lets_in(home.password)
        await home.execute(harm)
        assert not await home.lets_in(home.password)
    async with home.started():
        assert not await home.lets_in(home.password), "the same file does not undo what an admin has done"
    home.file.unlink()
    async with home.started():
        assert await home.lets_in(home.password)


async def test_a_password_that_was_changed_elsewhere_counts_and_the_file_follows(home: Home) -> None:
    async with home.started():
        first = home.password
        assert await home.lets_in(first)
        for password in ("a password for an hour", CHOSEN):
            await home.execute("UPDATE sys_user SET user_password = :kept", kept=hashed(password))
        assert (await home.lets_in(CHOSEN), await home.lets_in(first)) == (True, False)
        await home.first.close()
        assert is_hash_of(home.password, CHOSEN)
        assert home.admins.first_password is None, "no page tells where the first one stands"
    async with home.started():
        assert (await home.lets_in(CHOSEN), await home.lets_in(first)) == (True, False)
        assert home.password.startswith("$argon2id$")


async def test_a_password_chosen_before_there_was_an_instance_goes_on_counting(home: Home) -> None:
    home.file.write_text(hashed(CHOSEN) + "\n")
    home.file.chmod(0o600)
    async with home.started():
        assert await home.lets_in(CHOSEN)


async def test_after_an_older_instance_was_put_back_the_password_that_was_chosen_last_counts(home: Home) -> None:
    async with home.started():
        assert await home.lets_in(home.password)
    shutil.copyfile(home.folder / "instance.db", home.folder / "older")
    async with home.started():
        await home.choose(CHOSEN)
    shutil.copyfile(home.folder / "older", home.folder / "instance.db")
    async with home.started():
        assert await home.lets_in(CHOSEN)


async def test_a_file_that_can_not_be_written_follows_later(home: Home) -> None:
    async with home.started():
        first = home.password
        assert await home.lets_in(first)
        home.file.unlink()
        home.file.mkdir()  # a full disk, for want of one
        await home.choose(CHOSEN)
        assert await home.lets_in(CHOSEN)
        home.file.rmdir()
        home.file.write_text(first)
        home.file.chmod(0o600)
    async with home.started():
        assert await home.lets_in(CHOSEN)
        assert home.password.startswith("$argon2id$")


@pytest.mark.parametrize(
    ("has_role", "only_programs", "may"), [(True, False, True), (False, False, False), (True, True, False)]
)
async def test_admins_are_those_who_have_the_role_and_use_pages(
    home: Home, *, has_role: bool, only_programs: bool, may: bool
) -> None:
    async with home.started():
        await home.execute(
            "INSERT INTO sys_user (sys_id, user_name, user_password, active, web_service_access_only) "
            "VALUES ('mia', 'mia', :kept, 1, :only)",
            kept=hashed(CHOSEN),
            only=only_programs,
        )
        if has_role:
            await home.execute(
                "INSERT INTO sys_user_has_role (sys_id, user, role) VALUES ('1', 'mia', :role)", role=ADMIN_ROLE_ID
            )
        assert await home.lets_in(CHOSEN, "mia") is may
        mark = digest_of(await home.database.read(lambda tx: _kept(tx, "mia")))
        assert (await home.admins.admin("mia", mark) is not None) is may
        assert await home.admins.admin("mia", digest_of(hashed(CHOSEN))) is None, "the same password, set again"
