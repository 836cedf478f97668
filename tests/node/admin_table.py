"""Every route of the admin API: a request that it takes, and what it refuses of each parameter and field."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from node.admin.answers import API
from node.connections.acting import ADMIN_ACTS
from node.problems import Problem
from protocol.limits import COUNTER_LIMIT, PASTED_CHARACTERS_MAX

UNKNOWN = "0" * 32
BIDIRECTIONAL = "a\u202eb"
NAME = ("connection name", 100)
SHORT_NAME = ("short name", 64)


class Field(NamedTuple):
    """One field of a body: whether it must be there, and values that are refused, each with its problem."""

    required: bool
    refused: list[tuple[Any, Problem]]


def text(characters_max: int, *more: tuple[Any, Problem], may_be_empty: bool = False) -> list[tuple[Any, Problem]]:
    """What no text field takes."""
    values: list[Any] = [1, True, ["a"], {"a": "b"}, "x" * (characters_max + 1), BIDIRECTIONAL, "a\u0000b", "a\u2028b"]
    if not may_be_empty:
        values += ["", "  "]
    return [*((value, Problem.INVALID_FIELD) for value in values), *more]


CODE = Field(
    required=True,
    refused=[
        *((value, Problem.INVALID_FIELD) for value in (1, None, [], "x" * (PASTED_CHARACTERS_MAX + 1))),
        *((value, Problem.CODE_REFUSED) for value in ("", "nonsense", "handclasp_", "handclasp_aeanefvz", "\u202e")),
    ],
)


@dataclass(frozen=True)
class Route:
    """One route: a request that it takes, and what it takes of parameters and fields."""

    method: str
    path: str
    fields: dict[str, Field] = field(default_factory=dict)
    body: dict[str, Any] | None = None
    query: dict[str, list[str]] = field(default_factory=dict)
    """The parameters that it knows, each with values that are refused."""

    @property
    def template(self) -> str:
        return f"{API}{self.path}"

    @property
    def url(self) -> str:
        return self.template.replace("{sys_id}", UNKNOWN)

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


NUMBERS = [
    "",
    "-1",
    "x",
    "1.5",
    "\u0967",
    "1e3",
    " 1",
    "9" * 30,
    "0" * 20 + "9" * 30,
    "0" * 5000,
    str(COUNTER_LIMIT + 1),
]
LIMITS = [*NUMBERS, "0", "501"]

LIFETIMES = [(value, Problem.INVALID_FIELD) for value in (None, "60", 59, 0, -1, 60.5, 2_592_001, 2**64, 10**400)]

ROUTES = [
    Route("GET", "/node"),
    Route("GET", "/license"),
    Route(
        "PUT", "/license",
        body={"key": "x"},
        fields={
            "key": Field(
                required=True,
                refused=[
                    *((value, Problem.INVALID_FIELD) for value in (1, None, [])),
                    *((value, Problem.LICENSE_KEY_REFUSED) for value in ("", "x", "handclasp-license_", "x" * 2000)),
                ],
            )
        },
    ),
    Route(
        "POST", "/instance/oauth-clients",
        body={"name": "a program", "user": "admin"},
        fields={
            "name": Field(required=True, refused=text(64, (None, Problem.INVALID_FIELD))),
            "user": Field(
                required=False, refused=[(value, Problem.INVALID_FIELD) for value in (1, [], "", "nobody", "x" * 5000, "a\0")]
            ),
        },
    ),
    Route(
        "POST", "/instance/api-keys",
        body={"user": "admin"},
        fields={
            "user": Field(
                required=True,
                refused=[(value, Problem.INVALID_FIELD) for value in (1, None, [], "", "nobody", "x" * 5000, "' OR 1 = 1 --")],
            )
        },
    ),
    Route(
        "POST", "/check",
        body={"url": "http://127.0.0.1:1"},
        fields={
            "url": Field(
                required=True,
                refused=[
                    (value, Problem.INVALID_FIELD)
                    for value in (
                        1, None, "", "nonsense", "ftp://x", "javascript:alert(1)", "http://u:p@x", "http://x/?q", "http://",
                        "http://x:99999", "http://[::1", "http://\u202e", "http://a b", "http://x/..", "http://" + "x" * 300,
                    )
                ],
            )
        },
    ),
    Route("GET", "/connections", query={"status": ["", "happy"], "role": ["", "boss"], "removed": ["", "yes", "1"], "limit": LIMITS, "after": NUMBERS}),
    Route(
        "POST", "/connections",
        body={"name": "n", "local_short_name": "a", "remote_short_name": "b"},
        fields={
            "name": Field(required=True, refused=text(100, (None, Problem.INVALID_FIELD))),
            "local_short_name": Field(required=True, refused=text(64, (None, Problem.INVALID_FIELD))),
            "remote_short_name": Field(required=True, refused=text(64, (None, Problem.INVALID_FIELD))),
            "destination_url": Field(
                required=False,
                refused=[
                    *((value, Problem.INVALID_FIELD) for value in (1, "", "nonsense", "http://u@x", "x" * 300)),
                    ("http://127.0.0.1:1", Problem.CHECK_FAILED),
                    ("http://169.254.169.254", Problem.CHECK_FAILED),
                ],
            ),
            "mode": Field(
                required=False,
                refused=[
                    *((value, Problem.INVALID_FIELD) for value in (1, None, "", "Script", "magic")),
                    ("basic", Problem.MODE_NOT_OFFERED),
                    ("visual", Problem.MODE_NOT_OFFERED),
                ],
            ),
            "description": Field(required=False, refused=text(1000, may_be_empty=True)),
            "ask_me": Field(required=False, refused=[(value, Problem.INVALID_FIELD) for value in (1, "yes", [])]),
            "code_lifetime_s": Field(required=False, refused=LIFETIMES),
        },
    ),
    Route("GET", "/connections/{sys_id}"),
    Route("GET", "/connections/{sys_id}/events", query={"after": NUMBERS, "limit": LIMITS}),
    Route("GET", "/connections/{sys_id}/invitation"),
    Route("POST", "/invitations/show", body={"code": "x"}, fields={"code": CODE}),
    Route(
        "POST", "/invitations/accept",
        body={"code": "x"},
        fields={
            "code": CODE,
            "name": Field(required=False, refused=text(100)),
            "local_short_name": Field(required=False, refused=text(64)),
            "remote_short_name": Field(required=False, refused=text(64)),
            "description": Field(required=False, refused=text(1000, may_be_empty=True)),
        },
    ),
]  # fmt: skip

ROUTES += [
    Route("PATCH", "/connections/{sys_id}", body={"description": "d"},
          fields={"description": Field(required=True, refused=text(1000, (None, Problem.INVALID_FIELD), may_be_empty=True))}),
    Route("POST", "/connections/{sys_id}/new-code", body={},
          fields={"code_lifetime_s": Field(required=False, refused=LIFETIMES)}),
    Route("POST", "/connections/{sys_id}/retry", body={}),
    Route("POST", "/invitations/decline", body={"code": "x"}, fields={"code": CODE}),
    *(Route("POST", f"/connections/{{sys_id}}/{act}", body={}) for act in ADMIN_ACTS),
]  # fmt: skip

OPEN = [Route("GET", "/openapi.json"), Route("GET", "/asyncapi.json")]
"""Those that need no token."""

POSTS = [route for route in ROUTES if route.body is not None]
