"""What an instance is put together from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from node.console.login import Login


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceProfile:
    """Where the instance is, and what it begins with.

    Attributes:
        path: the file of its database.
        node_database: the file of the node's own database, for the table of connections; none: there are none.
        login: the password file, which is the way in for the first admin; none: nobody is let in by a file.
        demo_seed: of the demo company that a new instance gets; none: it begins empty.
    """

    path: Path
    node_database: Path | None
    login: Login | None = None
    demo_seed: int | None = None
