"""The pages of records: the tables, a table's list with its filter, a record, and the form that changes one."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

from aiohttp import web
from multidict import MultiDict

from node.console.console import PREFIX
from node.console.forms import read_form
from node.console.guarding import ADMIN
from node.console.records import downloading
from node.console.records.asking import (
    COLUMNS_MAX,
    PATHS_CHARACTERS_MAX,
    PER_PAGE,
    WORDS_CHARACTERS_MAX,
    asked,
    built,
    curl_line,
)
from node.console.records.building import blank_row, builder
from node.console.records.cells import zone_name
from node.console.records.choosing import column_choices
from node.console.records.editing import UnfitError, form_of, refuse_overwriting, suggestions, values_of
from node.console.records.listing import page_of_list, tables
from node.console.records.long_queries import KEPT_MAX, is_long, keep, kept
from node.console.records.places import NEW_RECORD, RECORDS, record_place, table_place
from node.console.records.record_view import record_of
from node.console.refusing import PageError
from node.console.shell import see_other
from node.instance.catalog import CONNECTION_TABLE
from node.instance.errors import AbortedError, AccessError, InstanceError, InvalidTableError, NoRecordError
from node.instance.front import BODY_BYTES_MAX
from node.instance.query.limits import query_characters_max
from node.instance.records.attachments import NewFile, attach
from node.instance.records.writing import insert_record, update_record
from node.ports import StoreFullError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from multidict import MultiMapping

    from node.console.records.asking import Asked
    from node.console.records.editing import EditForm
    from node.console.shell import Shell
    from node.instance.database import InstanceDatabase, Transaction
    from node.instance.dictionary import Dictionary
    from node.instance.instance import Instance
    from node.instance.query.scope import Scope
    from node.instance.records.writing import Writing

MENU: Final = "records"
SUGGEST: Final = f"{PREFIX}/suggest"
TELL_EVERY_S: Final = 0.5
"""A client that writes a thousand records a second does not make open pages ask as often."""

_SAVED: Final[Mapping[str, str]] = {
    "new": "The record was made.",
    "changes": "What you changed was saved.",
    "file": "The file was attached.",
    "nothing": "Nothing was changed, so nothing was saved.",
}

T = TypeVar("T")


class RecordPages:
    """The handlers."""

    def __init__(self, shell: Shell, instance: Instance) -> None:
        self._shell = shell
        self._instance = instance
        self._listened_to: InstanceDatabase | None = None
        self._telling: asyncio.TimerHandle | None = None

    def routes(self) -> Sequence[web.RouteDef]:
        """Where they stand."""
        one = f"{RECORDS}/{{table}}/{{sys_id}}"
        return [
            web.get(RECORDS, self.tables),
            web.get(f"{RECORDS}/{{table}}", self.list),
            web.post(f"{RECORDS}/{{table}}", self.ask),
            web.get(one, self.show),
            web.post(one, self.change),
            web.get(f"{one}/edit", self.edit),
            web.post(f"{one}/attachments", self.attach),
            web.get(f"{one}/attachments/{{attachment}}", self.download),
            web.get(f"{NEW_RECORD}/{{table}}", self.edit),
            web.post(f"{NEW_RECORD}/{{table}}", self.change),
            web.get(f"{SUGGEST}/{{table}}", self.suggest),
        ]

    async def tables(self, request: web.Request) -> web.Response:
        """All tables."""
        lines = await self._read(request, tables)
        is_part = request.query.get("part") == "tables"
        return self._shell.page(
            request,
            "records/tables_part.html" if is_part else "records/tables.html",
            title="Records",
            menu=MENU,
            tables=lines,
            zone=zone_name(request[ADMIN].zone),
            instance_url=self._shell.context.instance_url,
        )

    async def list(self, request: web.Request) -> web.Response:
        """A page of a table's list, or of that the part that an open page asks for again."""
        table, part = request.match_info["table"], request.query.get("part", "")
        dictionary = await self._dictionary(table)
        if part in {"condition", "operators", "value"}:
            return self._shell.page(
                request,
                "records/condition.html",
                title="",
                row=blank_row(dictionary, table, request.query),
                part=part,
                place=table_place(table),
                suggest=SUGGEST,
            )
        wanted = await self._asked(table, request.query)
        addressed = await self._addressed(built(wanted, request.query, dictionary))
        if addressed != wanted or "sort" in request.query:
            return see_other(addressed.link())
        page = await self._read(request, partial(page_of_list, asked=wanted, per_page=PER_PAGE))
        fields = ",".join(heading.path for heading in page.headings)
        pages = max((page.total - 1) // PER_PAGE + 1, 1)
        return self._shell.page(
            request,
            "records/list_part.html" if part == "list" else "records/list.html",
            title=page.table.label,
            menu=MENU,
            page=page,
            zone=zone_name(request[ADMIN].zone),
            wanted=page.asked,
            first=(page.asked.page - 1) * PER_PAGE + 1,
            pages=pages,
            place=table_place(table),
            suggest=SUGGEST,
            new_place=f"{NEW_RECORD}/{table}",
            builder=builder(dictionary, table, wanted.tree),
            left_out=(*wanted.tree.ignored, *page.meaningless),
            columns=column_choices(dictionary, table, page.asked.shown_columns(dictionary)),
            columns_max=COLUMNS_MAX,
            paths_characters_max=PATHS_CHARACTERS_MAX,
            words_characters_max=WORDS_CHARACTERS_MAX,
            query_characters_max=query_characters_max,
            curl=self._curl(request, table, query=page.query, fields=fields, limit=str(PER_PAGE)),
        )

    async def ask(self, request: web.Request) -> web.Response:
        """Lead to the list that a form asks for: the filter's, or that of the encoded query, which may be long."""
        table = request.match_info["table"]
        dictionary = await self._dictionary(table)
        sent = MultiDict((name, text) for name, text in (await request.post()).items() if isinstance(text, str))
        wanted = replace(await self._asked(table, sent), page=1)
        changed = await self._addressed(built(wanted, sent, dictionary))
        place = changed.link(building=1) if changed.is_building else changed.link()
        return see_other(f"{place}#list")  # what comes next is looking at it, by eye or by Tab

    async def show(self, request: web.Request) -> web.Response:
        """A record, or of its page the part that an open one asks for again."""
        table, sys_id = request.match_info["table"], request.match_info["sys_id"]
        if table == CONNECTION_TABLE:
            return see_other(record_place(table, sys_id))
        is_part = request.query.get("part") == "record"
        try:
            view = await self._read(request, partial(record_of, table=table, sys_id=sys_id))
        except PageError as error:
            if is_part and error.status == web.HTTPNotFound.status_code:  # a client has removed it meanwhile
                return self._shell.page(request, "records/gone_part.html", title="", place=table_place(table))
            raise
        place = record_place(view.table.name, view.sys_id)
        if view.table.name != table:
            return see_other(place)
        return self._shell.page(
            request,
            "records/record_part.html" if is_part else "records/record.html",
            title=view.title,
            menu=MENU,
            view=view,
            zone=zone_name(request[ADMIN].zone),
            place=place,
            table_place=table_place(table),
            is_raw=bool(request.query.get("raw")),
            saved=_SAVED.get(request.query.get("saved", ""), ""),
            file_bytes_max=BODY_BYTES_MAX,
            curl=self._curl(request, f"{table}/{view.sys_id}", display_value="all"),
        )

    async def edit(self, request: web.Request) -> web.Response:
        """The form of a record, or of a new one."""
        return await self._form(request, {}, status=200)

    async def change(self, request: web.Request) -> web.Response:
        """Change a record, or make one, by the use cases that the Table API has too."""
        table, sys_id = request.match_info["table"], request.match_info.get("sys_id", "")
        typed = await read_form(request)
        try:
            values = await self._read(request, partial(values_of, table=table, typed=typed))

            def unit(tx: Transaction, writing: Writing) -> str:
                if not sys_id:
                    return insert_record(tx, writing, table, values)
                refuse_overwriting(tx, writing.scope, table, sys_id, values, typed)
                update_record(tx, writing, table, sys_id, values)
                return sys_id

            if sys_id and not values:
                return see_other(f"{record_place(table, sys_id)}?saved=nothing")
            done = await self._instance.write(request[ADMIN], unit)
            if sys_id == request[ADMIN].sys_id and "user_password" in values:
                await self._shell.go_on(request)
        except UnfitError as error:
            status = 409 if error.held else 422
            return await self._form(request, {**typed, **error.held}, status=status, faults=error.faults)
        except (InvalidTableError, NoRecordError) as error:
            raise _page_error(error) from error
        except InstanceError as error:
            return await self._form(request, typed, status=error.status, refused=_refusal(error))
        return see_other(f"{record_place(table, done)}?saved={'changes' if sys_id else 'new'}")

    async def attach(self, request: web.Request) -> web.Response:
        """Attach a file to a record, by the use case that the Attachment API has too."""
        table, sys_id = request.match_info["table"], request.match_info["sys_id"]
        sent = (await request.post()).get("file")
        if not isinstance(sent, web.FileField):
            raise PageError(422, "There was no file", "The form came without one.", "Go back and choose a file.")
        file = NewFile(
            table=table,
            record=sys_id,
            name=sent.filename,
            content_type=sent.content_type,
            content=await asyncio.to_thread(sent.file.read),
        )
        viewer = request[ADMIN]
        try:
            await (await self._database()).write(
                lambda tx: attach(tx, self._instance.writing(viewer, tx.catalog), file)
            )
        except InstanceError as error:
            raise _page_error(error) from error
        return see_other(f"{record_place(table, sys_id)}?saved=file")

    async def suggest(self, request: web.Request) -> web.Response:
        """What records of a table are called that begin as what was typed."""
        typed = next((text for name, text in request.query.items() if name == "v" or name.startswith("set.")), "")
        unit = partial(suggestions, table=request.match_info["table"], text=typed[:WORDS_CHARACTERS_MAX])
        names = await self._read(request, unit)
        return self._shell.page(request, "records/suggestions.html", title="", names=names)

    async def download(self, request: web.Request) -> web.StreamResponse:
        """The bytes of an attachment."""
        table, sys_id = request.match_info["table"], request.match_info["sys_id"]
        attachment = request.match_info["attachment"]
        named = partial(downloading.name_of, table=table, sys_id=sys_id, attachment=attachment)
        name = await self._read(request, named)
        return await downloading.send(
            request,
            await self._database(),
            attachment,
            file_name=name,
            headers=self._shell.headers,
        )

    async def _form(
        self,
        request: web.Request,
        typed: Mapping[str, str],
        *,
        status: int,
        faults: Mapping[str, str] | None = None,
        refused: str = "",
    ) -> web.Response:
        table, sys_id = request.match_info["table"], request.match_info.get("sys_id", "")
        form: EditForm = await self._read(request, partial(form_of, table=table, sys_id=sys_id, typed=typed))
        return self._shell.page(
            request,
            "records/form.html",
            title=f"Change {form.title}" if sys_id else f"New {form.table.label}",
            menu=MENU,
            status=status,
            form=form,
            faults=faults or {},
            refused=refused,
            place=record_place(table, sys_id) if sys_id else f"{NEW_RECORD}/{table}",
            table_place=table_place(table),
            suggest=SUGGEST,
        )

    async def _dictionary(self, table: str) -> Dictionary:
        """What the tables are made of, if that is one of them.

        Raises:
            PageError: it is none.
        """
        dictionary = (await self._database()).catalog.dictionary
        if table not in dictionary:
            raise _page_error(InvalidTableError(table))
        return dictionary

    async def _asked(self, table: str, parameters: MultiMapping[str]) -> Asked:
        """What is asked for, with the query that its name stands for.

        Raises:
            PageError: it is not kept any more, or too large.
        """
        if not (name := parameters.get("kept", "")):
            return asked(table, parameters)
        database = await self._database()
        found = await database.read(partial(kept, name=name))
        if found is None:
            raise PageError(
                410,
                "This query is not kept any more",
                "It is too long for an address, so the instance keeps it, and only the "
                f"{KEPT_MAX} that were used last stay.",
                "Paste it again: in the list of the table, under Encoded query.",
            )
        if found.is_to_be_noted:
            with suppress(StoreFullError):  # looking needs no room
                await database.write(partial(keep, query=found.query))
        return asked(table, parameters, kept_query=found.query)

    async def _addressed(self, wanted: Asked) -> Asked:
        """The same with an address: a query that is too long for one is kept."""
        if wanted.kept or not is_long(wanted.query):
            return wanted
        name = await (await self._database()).write(partial(keep, query=wanted.query))
        return replace(wanted, kept=name)

    def _curl(self, request: web.Request, path: str, **parameters: str) -> str:
        given = {f"sysparm_{name}": value for name, value in parameters.items()}
        return curl_line(self._shell.context.instance_url or "", request[ADMIN].user_name, path, **given)

    async def _read(self, request: web.Request, unit: Callable[[Transaction, Scope], T]) -> T:
        """What a unit reads as the admin who asks.

        Raises:
            PageError: there is nothing to be read, or it takes too long.
        """
        viewer = request[ADMIN]
        database = await self._database()
        table = request.match_info.get("table")
        try:
            if table is not None and table not in database.catalog.dictionary:
                raise InvalidTableError(table)
            return await database.read(lambda tx: unit(tx, self._instance.scope(viewer, tx.catalog)))
        except InstanceError as error:
            raise _page_error(error) from error

    async def _database(self) -> InstanceDatabase:
        database = await self._instance.database()
        if self._listened_to is not database:
            self._listened_to = database
            database.written.append(self._written)
        return database

    def _written(self, roots: frozenset[str]) -> None:
        if roots and self._telling is None:
            self._telling = asyncio.get_running_loop().call_later(TELL_EVERY_S, self._tell)

    def _tell(self) -> None:
        self._telling = None
        self._shell.changes.tell()


def _refusal(error: InstanceError) -> str:
    """Why a change was refused, for people; the API's own words where there are no better ones."""
    match error:
        case AbortedError():
            return f"The business rule “{error.rule}” does not allow it. Nothing was saved."
        case AccessError():
            return "You may not do that with this record. Nothing was saved."
        case _:
            return f"{(error.detail or error.message).rstrip('.')}. Nothing was saved."


def _page_error(error: InstanceError) -> PageError:
    match error:
        case InvalidTableError():
            return PageError(
                404, "There is no such table", "The instance has no table of that name.", "Choose one from Records."
            )
        case NoRecordError():
            return PageError(
                404,
                "There is no such record",
                "Nothing stands under that sys_id: it was removed, or never was there.",
                "Look for it in its table.",
            )
        case _:
            return PageError(error.status, "That is refused", _refusal(error), "Go back and change it.")
