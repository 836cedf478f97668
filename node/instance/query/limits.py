"""How much one query may ask for, and the error for what asks for more."""

from __future__ import annotations

from typing import Final

query_characters_max: Final = 65_536
query_conditions_max: Final = 5_000
"""Of what is written, ignored parts too: a well known client writes 2,300 of those in one query."""
applied_conditions_max: Final = 400
"""Of what is left: SQLite takes an expression that is a thousand deep, and a condition may need two."""
list_values_max: Final = 10_000
"""In all lists of a query together; SQLite takes 32,766 parameters."""
walked_references_max: Final = 5
"""In one path, `caller_id.manager.department.name` having three."""
joined_tables_max: Final = 60
"""In one statement, for all paths, sub-queries and rules of access together; SQLite joins 64."""
nested_queries_max: Final = 3
"""`RLQUERY` within `RLQUERY`."""


class QueryTooLargeError(ValueError):
    """The query asks for more than one query may; the text is a sentence that says what and how much."""
