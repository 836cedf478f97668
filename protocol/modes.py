"""The modes of a connection, fixed when it is made."""

from enum import StrEnum


class Mode(StrEnum):
    """What a connection's synchronisation is set up by; a node offers some of them."""

    BASIC = "basic"
    VISUAL = "visual"
    SCRIPT = "script"
