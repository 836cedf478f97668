"""Why a request is not answered with what it asked for, in ServiceNow's own words."""

from __future__ import annotations


class InstanceError(Exception):
    """A request fails: with which status, and what the body says.

    Attributes:
        status: of the HTTP answer.
        message: what clients compare.
        detail: what people read; none: null.
    """

    def __init__(self, status: int, message: str, detail: str | None = None) -> None:
        super().__init__(f"{message}: {detail}" if detail else message)
        self.status = status
        self.message = message
        self.detail = detail


class InvalidTableError(InstanceError):
    """There is no such table."""

    def __init__(self, table: str) -> None:
        super().__init__(400, f"Invalid table {table}")


class NoRecordError(InstanceError):
    """There is no such record, or none for this viewer: the two can't be told apart."""

    def __init__(self) -> None:
        super().__init__(404, "No Record found", "Record doesn't exist or ACL restricts the record retrieval")


class AccessError(InstanceError):
    """The viewer may read, but not do that."""

    def __init__(self, act: str) -> None:
        super().__init__(403, "Operation Failed", f"ACL Exception {act} Failed due to security constraints")


class AbortedError(InstanceError):
    """A business rule forbids the change.

    Attributes:
        rule: what it is called.
    """

    def __init__(self, table: str, rule: str, sys_id: str) -> None:
        super().__init__(
            403,
            "Operation Failed",
            f"Operation against file '{table}' was aborted by Business Rule '{rule}^{sys_id}'. "
            f"Business Rule Stack:{rule}",
        )
        self.rule = rule


class UniqueError(InstanceError):
    """Another record has that value already, where no two may have the same."""

    def __init__(self, table: str, what: str) -> None:
        super().__init__(
            403,
            "Operation Failed",
            f"Error during insert of {table} ({what}): Unique Key violation detected by database",
        )


class BadRequestError(InstanceError):
    """The request can't be read."""

    def __init__(self, message: str, detail: str | None = None) -> None:
        super().__init__(400, message, detail)


class TooManySearchesError(InstanceError):
    """A query that takes long has waited for others that do, or too many wait already."""

    def __init__(self) -> None:
        super().__init__(
            429,
            "Too many requests",
            "Other queries that take long are being answered. Ask again later, or by a field that is indexed",
        )


class ReadTooLongError(InstanceError):
    """A query searched longer than one may; 408, for clients try again by themselves after a 5xx."""

    def __init__(self, limit_s: float) -> None:
        super().__init__(
            408,
            "Transaction cancelled: maximum execution time exceeded",
            f"The query took longer than {limit_s:g} s. Ask for less, or by a field that is indexed",
        )
