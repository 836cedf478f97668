"""What a page says when it can't do what was asked."""

from __future__ import annotations


class PageError(Exception):
    """A request that is refused with a page; nothing was changed.

    Attributes:
        status: HTTP's.
        title: what happened, in a few words.
        sentence: what happened.
        remedy: what to do now.
    """

    def __init__(self, status: int, title: str, sentence: str, remedy: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.title = title
        self.sentence = sentence
        self.remedy = remedy
