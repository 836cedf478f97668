"""The pages of records: the tables, a table's list with its filter, a record, and the form that changes one."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

from aiohttp import web

from node.console.console import PREFIX
from node.console.forms import read_form
from node.console.guarding import ADMIN
from node.console.records import downloading
from node.console.records.asking import COLUMNS_MAX, PER_PAGE, WORDS_CHARACTERS_MAX, asked, built, curl_line
from node.console.records.building import blank_row, builder
from node.console.records.choosing import column_choices
from node.console.records.editing import UnfitError, form_of, suggestions, values_of
from node.console.records.listing import page_of_list, tables
from node.console.records.places import NEW_RECORD, RECORDS, record_place, table_place
from node.console.records.record_view import record_of
from node.console.refusing import PageError
from node.console.shell import see_other
from node.instance.catalog import CONNECTION_TABLE
from node.instance.errors import InstanceError, InvalidTableError, NoRecordError
from node.instance.query.limits import query_characters_max
from node.instance.records.writing import insert_record, update_record

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from node.console.records.editing import EditForm
    from node.console.shell import Shell
    from node.instance.database import InstanceDatabase, Transaction
    from node.instance.instance import Instance
    from node.instance.query.scope import Scope

MENU: Final = "records"
SUGGEST: Final = f"{PREFIX}/suggest"
TELL_EVERY_S: Final = 0.5
"""A client that writes a thousand records a second does not make open pages ask as often."""

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
            web.get(one, self.show),
            web.post(one, self.change),
            web.get(f"{one}/edit", self.edit),
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
        )

    async def list(self, request: web.Request) -> web.Response:
        """A page of a table's list, or of that the part that an open page asks for again."""
        table = request.match_info["table"]
        wanted = asked(table, request.query)
        dictionary = (await self._database()).catalog.dictionary
        if table not in dictionary:
            raise _page_error(InvalidTableError(table))
        part = request.query.get("part")
        if part == "condition":
            row = blank_row(dictionary, table, request.query)
            return self._shell.page(request, "records/condition.html", title="", row=row, place=table_place(table))
        if (place := built(wanted, request.query, dictionary)) is not None:
            return see_other(place)
        page = await self._read(request, partial(page_of_list, asked=wanted, per_page=PER_PAGE))
        fields = ",".join(heading.path for heading in page.headings)
        pages = max((page.total - 1) // PER_PAGE + 1, 1)
        return self._shell.page(
            request,
            "records/list_part.html" if part == "list" else "records/list.html",
            title=page.table.label,
            menu=MENU,
            page=page,
            wanted=page.asked,
            first=(page.asked.page - 1) * PER_PAGE + 1,
            pages=pages,
            place=table_place(table),
            new_place=f"{NEW_RECORD}/{table}",
            builder=builder(dictionary, table, wanted.tree),
            ignored=wanted.tree.ignored,
            columns=column_choices(dictionary, table, page.asked.shown_columns(dictionary)),
            columns_max=COLUMNS_MAX,
            words_characters_max=WORDS_CHARACTERS_MAX,
            query_characters_max=query_characters_max,
            curl=self._curl(request, table, query=page.query, fields=fields, limit=str(PER_PAGE)),
        )

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
                return web.Response(status=204, headers={"HX-Redirect": table_place(table)})
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
            place=place,
            table_place=table_place(table),
            is_raw=bool(request.query.get("raw")),
            is_saved=bool(request.query.get("saved")),
            curl=self._curl(request, f"{table}/{view.sys_id}", display_value="all"),
        )

    async def edit(self, request: web.Request) -> web.Response:
        """The form of a record, or of a new one."""
        return await self._form(request, {}, status=200)

    async def change(self, request: web.Request) -> web.Response:
        """Change a record, or make one, by the use cases that the Table API has too."""
        table, sys_id = request.match_info["table"], request.match_info.get("sys_id", "")
        typed = await read_form(request)
        viewer = request[ADMIN]
        try:
            values = await self._read(request, partial(values_of, table=table, typed=typed))

            def unit(tx: Transaction) -> str:
                writing = self._instance.writing(viewer, tx.catalog)
                if not sys_id:
                    return insert_record(tx, writing, table, values)
                update_record(tx, writing, table, sys_id, values)
                return sys_id

            done = await (await self._database()).write(unit)
        except UnfitError as error:
            return await self._form(request, typed, status=422, faults=error.faults)
        except (InvalidTableError, NoRecordError) as error:
            raise _page_error(error) from error
        except InstanceError as error:
            return await self._form(request, typed, status=error.status, refused=error.detail or error.message)
        return see_other(f"{record_place(table, done)}?saved=1")

    async def suggest(self, request: web.Request) -> web.Response:
        """What records of a table are called that begin as what was typed."""
        typed = next((text for name, text in request.query.items() if name.startswith("set.")), "")
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
            return PageError(error.status, error.message, error.detail or error.message, "Go back and change it.")
