"""An instance that the tests of one file share: each looks at records of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest_asyncio

from node.instance.describing import identity_of
from tests.node.instance.import_world import MADE, STAGING
from tests.node.instance.rest_world import RestWorld, rest_world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import pytest


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def rest(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RestWorld]:
    """An instance that is asked in this process; the file says `pytestmark = SHARED`."""
    async with rest_world(tmp_path_factory.mktemp("instance")) as world:
        yield world


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def staging(rest: RestWorld) -> None:
    """A staging table; to make one takes longer than most tests of it."""
    await rest.make(
        "sys_db_object", name=STAGING, label="Ticket", super_class=identity_of("sys_db_object", "sys_import_set_row")
    )
    for element, label in (("u_short_description", "What"), ("u_ref", "Their Number"), ("u_urgency", "State")):
        field = {"element": element, "column_label": label, "internal_type": "string", "max_length": 200}
        await rest.make("sys_dictionary", name=STAGING, **field)


@pytest_asyncio.fixture(loop_scope="module")
async def emptied_of_imports(rest: RestWorld) -> AsyncIterator[None]:
    """Each test finds neither maps nor rows nor tasks."""
    yield
    await rest.empty(*MADE, "sys_transform_map", "sys_transform_entry", "task")
