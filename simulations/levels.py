"""The levels of a world: how requests get from node to node."""

from enum import StrEnum


class Level(StrEnum):
    """`direct`: the other node's application is called; `http`: real HTTP over links in memory."""

    DIRECT = "direct"
    HTTP = "http"
