"""The levels of a world: how requests get from node to node."""

from enum import StrEnum


class Level(StrEnum):
    """See `simulations.carriers` for what each does."""

    DIRECT = "direct"
    HTTP = "http"
