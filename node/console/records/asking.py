"""What the address of a list asks for: query, words, columns and page. Whatever makes no sense is not asked for."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlencode

from node.console.records.filtering import Row, encoded, field_at, groups_of, ordered_by, with_words
from node.console.records.layouts import columns_of, searched_fields
from node.console.records.places import table_place
from node.console.refusing import PageError
from node.http_server import INSTANCE_HEADS
from node.instance.dictionary import Kind
from node.instance.query.grammar import is_path, parse
from node.instance.query.limits import QueryTooLargeError
from node.instance.query.tree import Query

if TYPE_CHECKING:
    from multidict import MultiMapping

    from node.instance.dictionary import Dictionary

PER_PAGE: Final = 25
COLUMNS_MAX: Final = 20
WORDS_CHARACTERS_MAX: Final = 100
PAGE_DIGITS_MAX: Final = 6
PATHS_CHARACTERS_MAX: Final = 1_000
"""In the form that chooses columns; they stand in the address."""

_HEAD_BYTES: Final = 200
"""What else stands in a request's first line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A page of a table's list.

    Attributes:
        query: the encoded query, without the words.
        kept: the name by which it is kept, where it is too long for an address.
        words: what the quick search looks for.
        columns: those that the admin has chosen, as paths; none: the usual ones.
        is_building: whether the filter stays open, for another condition.
    """

    table: str
    query: str = ""
    kept: str = ""
    words: str = ""
    columns: tuple[str, ...] = ()
    page: int = 1
    is_building: bool = False
    tree: Query = field(default_factory=Query)

    def link(self, **more: str | int) -> str:
        """The address of the list with something changed."""
        fields: dict[str, str | int] = {
            "query": "" if self.kept else self.query,
            "kept": self.kept,
            "words": self.words,
            "columns": ",".join(self.columns),
            "page": self.page if self.page > 1 else "",
            **more,
        }
        return table_place(self.table, **fields)

    def sorted_link(self, path: str, *, descending: bool) -> str:
        """The address of the list in another order, from its first page on."""
        if self.kept:  # the other query is kept when it is asked for
            return self.link(sort=f"-{path}" if descending else path, page="")
        return self.link(query=encoded(ordered_by(self.tree, path, descending=descending)), page="")

    def with_all_link(self) -> str:
        """The address of the list with all records, in the same order."""
        everything = Query(orders=self.tree.orders)
        return replace(self, query=encoded(everything), kept="", words="", page=1).link()

    def whole_query(self, dictionary: Dictionary) -> str:
        """The encoded query that this list is: with the words."""
        if not self.words:
            return self.query
        return encoded(with_words(self.tree, self.words, searched_fields(dictionary, self.table)))

    def shown_columns(self, dictionary: Dictionary) -> tuple[str, ...]:
        """The paths of the columns that can be shown."""
        wanted = self.columns or columns_of(dictionary, self.table)
        known = ((path, field_at(dictionary, self.table, path)) for path in wanted)
        return tuple(path for path, one in known if one is not None and one.kind not in {Kind.JOURNAL, Kind.SECRET})


def asked(table: str, parameters: MultiMapping[str], *, kept_query: str | None = None) -> Asked:
    """What the parameters ask for; `kept_query` is the query that is kept by the name in them.

    Raises:
        PageError: the query is too large to be read.
    """
    query = (parameters.get("query", "") if kept_query is None else kept_query).strip()
    tree = _parsed(query)
    sort = parameters.get("sort", "")
    if is_path(path := sort.removeprefix("-")):
        tree = ordered_by(tree, path, descending=sort != path)
        query, kept_query = encoded(tree), None
    return Asked(
        table=table,
        query=query,
        kept="" if kept_query is None else parameters.get("kept", ""),
        words=parameters.get("words", "").strip()[:WORDS_CHARACTERS_MAX],
        columns=_paths(parameters.get("columns", "").split(",")),
        page=_page(parameters.get("page", "")),
        is_building=bool(parameters.get("building")),
        tree=tree,
    )


def built(wanted: Asked, parameters: MultiMapping[str], dictionary: Dictionary) -> Asked:
    """What a form of the list asks for that was filled in; what was wanted, if none was."""
    if "f" in parameters:
        rows = [
            Row(joining=joining, field=name.strip(), operator=operator, value=value.strip())
            for joining, name, operator, value in zip(
                *(parameters.getall(one, []) for one in ("j", "f", "o", "v")), strict=False
            )
        ]
        tree = Query(
            groups=groups_of(rows, dictionary, wanted.table),
            orders=wanted.tree.orders,
            grouped_by=wanted.tree.grouped_by,
        )
        return replace(wanted, query=encoded(tree), kept="", tree=tree, page=1, is_building=True)
    if "column" in parameters or "more" in parameters:
        chosen = _paths([*parameters.getall("column", []), *parameters.get("more", "").split(",")])
        kept = [one for one in wanted.shown_columns(dictionary) if one in chosen]
        columns = (*kept, *(one for one in chosen if one not in kept))
        is_usual = columns == columns_of(dictionary, wanted.table)
        return replace(wanted, columns=() if is_usual else columns)
    return wanted


def curl_line(instance_url: str, user_name: str, path: str, **parameters: str) -> str:
    """The same question to the Table API, for a shell; by the Batch API where it is too long for a URL."""
    given = {name: value for name, value in parameters.items() if value}
    place = f"/api/now/table/{path}"
    url = f"{place}?{urlencode(given, quote_via=quote)}"
    if len(url) + _HEAD_BYTES > INSTANCE_HEADS.url_bytes_max:
        batch = {"batch_request_id": "1", "rest_requests": [{"id": "1", "method": "GET", "url": url}]}
        sent = ["--header", "Content-Type: application/json", "--data", json.dumps(batch)]
        return shlex.join(["curl", "--user", user_name, f"{instance_url}/api/now/v1/batch", *sent])
    words = ["curl", "--user", user_name, "--get", f"{instance_url}{place}"]
    for name, value in given.items():
        words += ["--data-urlencode", f"{name}={value}"]
    return shlex.join(words)


def _parsed(query: str) -> Query:
    try:
        return parse(query)
    except QueryTooLargeError as error:
        raise PageError(400, "The query is too large", str(error), "Ask for less at a time.") from error


def _paths(texts: list[str]) -> tuple[str, ...]:
    found = (one for text in texts if is_path(one := text.strip().lower()))
    return tuple(dict.fromkeys(found))[:COLUMNS_MAX]


def _page(text: str) -> int:
    return max(int(text), 1) if text.isascii() and text.isdecimal() and len(text) <= PAGE_DIGITS_MAX else 1
