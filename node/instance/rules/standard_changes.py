"""A standard change begins with what its template says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, select

from node.instance.errors import BadRequestError
from node.instance.rules.business_rules import of_the_instance, values_of
from node.instance.values import ValueRefusedError

if TYPE_CHECKING:
    from sqlalchemy import Select

    from node.instance.catalog import Catalog
    from node.instance.records.changes import Change


def begin_standard_change(change: Change) -> None:
    """Give a new change the values of the template whose version it names, where its client has given none.

    Raises:
        BadRequestError: the template names a field that is not there, or a value that is none of its field's type.
    """
    if not change.is_new or not change.is_of("change_request"):
        return
    version = change.new.get("std_change_producer_version")
    if version is None:
        return
    catalog = change.tx.catalog
    statement = catalog.planned(("template of a standard change",), lambda: _statement(catalog))
    template = change.tx.connection.execute(statement, {"version": version}).scalar()
    try:
        values = values_of(of_the_instance(change.scope), change.table, str(template or ""))
    except (KeyError, ValueRefusedError) as error:
        detail = f"The template of {version} can't be used for a change: {error}"
        raise BadRequestError("Invalid template", detail) from error
    change.new |= {name: value for name, value in values.items() if name not in change.given}


def _statement(catalog: Catalog) -> Select[Any]:
    versions = catalog.physical("std_change_producer_version").c
    producers = catalog.physical("std_change_record_producer").c
    templates = catalog.physical("std_change_template").c
    return select(templates.template).where(
        versions.sys_id == bindparam("version"),
        producers.sys_id == versions.std_change_producer,
        templates.sys_id == producers.template,
    )
