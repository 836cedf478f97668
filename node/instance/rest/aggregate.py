"""The Aggregate API: figures over the records of a table (`/api/now/stats/…`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from node.instance.errors import BadRequestError
from node.instance.records.aggregating import COMPARISONS, Asked, Figure, GroupOrder, Having, aggregate
from node.instance.rest import parameters
from node.instance.rest.calls import Answer, result

if TYPE_CHECKING:
    from collections.abc import Sequence

    from node.instance.database import Transaction
    from node.instance.instance import Instance
    from node.instance.records.aggregating import Grouped
    from node.instance.rest.calls import Call

_OF_FIELDS: Final = (Figure.AVERAGE, Figure.SMALLEST, Figure.LARGEST, Figure.SUM)
_DESCENDING: Final = "DESC"


class AggregateApi:
    """The handler."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance

    async def get(self, call: Call, table: str) -> Answer:
        """The figures that are asked for."""
        figures = [(one, path) for one in _OF_FIELDS for path in _names(call, f"{one}_fields")]
        groups, having, orders = _names(call, "group_by"), _having(call), _orders(call)
        is_counted = parameters.is_on(call, "count")
        shown_as = parameters.text(call, "display_value").casefold()

        def unit(tx: Transaction) -> Answer:  # encoded here: there may be thousands of groups
            asked = Asked(
                table=table,
                query=parameters.query(call, tx.catalog.dictionary, table),
                is_counted=is_counted,
                figures=figures,
                groups=groups,
                having=having,
                orders=orders,
            )
            is_grouped, found = aggregate(tx, self._instance.scope(call.viewer, tx.catalog), asked)
            if is_grouped:
                return result([_group(one, shown_as) for one in found])
            return result({"stats": _stats(found[0]) if found else {}})

        return await (await self._instance.database()).read(unit)


def _stats(group: Grouped) -> dict[str, Any]:
    count = {} if group.count is None else {"count": group.count}
    return {**count, **{figure.value: dict(values) for figure, values in group.figures.items()}}


def _group(group: Grouped, shown_as: str) -> dict[str, Any]:
    fields = []
    for path, value, display_value in group.by:
        told = {"field": path, "value": display_value if shown_as == "true" else value}
        fields.append({**told, "display_value": display_value} if shown_as == "all" else told)
    return {"stats": _stats(group), "groupby_fields": fields}


def _names(call: Call, name: str) -> tuple[str, ...]:
    parts = parameters.text(call, name).split(",")
    return tuple(one for part in parts if (one := part.strip()))


def _having(call: Call) -> Sequence[Having]:
    return [_one_having(part) for part in _names(call, "having")]


def _one_having(text: str) -> Having:
    match text.split("^"):
        case [figure, path, comparison, value] if (
            figure.casefold() in set(Figure) and path and comparison in COMPARISONS and value
        ):
            return Having(figure=Figure(figure.casefold()), path=path, comparison=comparison, value=value)
        case _:
            raise BadRequestError(
                "Invalid value for sysparm_having", f"'{text[:80]}' is not of the form aggregate^field^operator^value."
            )


def _orders(call: Call) -> Sequence[GroupOrder]:
    found = []
    for text in _names(call, "order_by"):
        parts = text.split("^")
        is_descending = parts[-1].upper() == _DESCENDING
        if is_descending:
            del parts[-1]
        figure = Figure(parts[0].casefold()) if parts and parts[0].casefold() in set(Figure) else None
        path = parts[0] if figure is None and parts else "^".join(parts[1:])
        found.append(GroupOrder(path=path, figure=figure, is_descending=is_descending))
    return found
