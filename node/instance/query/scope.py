"""For whom, when and over which tables a query is asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from node.instance.catalog import Catalog
    from node.instance.people.access import Access
    from node.instance.viewer import Viewer


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Everything that a query's meaning depends on besides its text.

    Attributes:
        access: what the viewer may read; nothing else takes part in a query.
        now: an aware instant, for `javascript:gs.daysAgo(1)` and the like.
    """

    catalog: Catalog
    viewer: Viewer
    access: Access
    now: datetime
