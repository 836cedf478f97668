"""What can go wrong with a test of yours: the test's own mistakes, and what nodes refuse."""

from __future__ import annotations

from typing import Final

NOT_OPEN: Final = "This world is not open: use it within `async with`."


class WorldError(Exception):
    """The kit is used in a way that can't work; the text is a sentence that says what to do instead."""


class NotQuietError(Exception):
    """A world does not come to rest within the time that it was given; the text says what is still waited for."""


class NoAnswerError(Exception):
    """A node did not answer its admin, however often it was asked: it is off, or its disk takes too long."""


class RefusedError(Exception):
    """A node refused what its admin asked, and changed nothing.

    The text is the node's own sentence, with its remedy.

    Attributes:
        problem: the problem type, as its slug: `not-possible-now`, `code-refused`, …
        status: the HTTP status, 400 to 499.
        document: the whole problem document (RFC 9457), for its further members.
    """

    def __init__(self, *, status: int, document: dict[str, object]) -> None:
        super().__init__(f"{document.get('detail')} {document.get('remedy', '')}".strip())
        self.status = status
        self.document = document
        self.problem = str(document.get("type", "")).rpartition("/")[2]
