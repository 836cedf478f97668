"""An instance that the tests of one file share: each looks at records of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest_asyncio

from tests.node.instance.rest_world import RestWorld, rest_world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import pytest


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def rest(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RestWorld]:
    """An instance that is asked in this process; the file says `pytestmark = SHARED`."""
    async with rest_world(tmp_path_factory.mktemp("instance")) as world:
        yield world
