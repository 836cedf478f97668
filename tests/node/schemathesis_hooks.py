"""What Schemathesis is told of this API beside its document: texts of our own formats, what exists on the node, and one
check more. `tests/node/test_admin_schemathesis.py` runs it.
"""

from __future__ import annotations

import hashlib
import json
import os
import re

import schemathesis
from hypothesis import strategies as st

from node.admin.bodies import BODY_BYTES_MAX, NAME_FORMAT, TEXT_FORMAT, URL_FORMAT
from node.admin.operations import IDEMPOTENCY_PATTERN
from node.connections.shapes import SYS_ID_PATTERN
from protocol.errors import TextError
from protocol.limits import CONNECTION_NAME_CHARACTERS_MAX, NAME_CHARACTERS_MAX, URL_CHARACTERS_MAX
from protocol.text import check_description, check_name

CODES = os.environ["HANDCLASP_TEST_CODES"].split(",")
CONNECTIONS = os.environ["HANDCLASP_TEST_CONNECTIONS"].split(",")
CLOSED_PORT = "http://127.0.0.1:1/"
URLS = [
    os.environ["HANDCLASP_TEST_PARTNER"],
    CLOSED_PORT,
    "HTTP://LOCALHOST:1/a/b/",
    "https://[::1]:1",
    *(CLOSED_PORT.ljust(length, "x") for length in (URL_CHARACTERS_MAX - 1, URL_CHARACTERS_MAX)),
]
"""Nobody outside this machine is called."""

SHOWN = st.characters(exclude_categories=("Cs", "Co", "Cc", "Cf", "Cn", "Zl", "Zp"), max_codepoint=0x1FFFF)
LENGTHS = [length + by for length in (NAME_CHARACTERS_MAX, CONNECTION_NAME_CHARACTERS_MAX) for by in (-1, 0)]


def is_taken_by(check, **options):
    def is_taken(text):
        try:
            check(text, what="text", **options)
        except TextError:
            return False
        return True

    return is_taken


NAMES = st.text(SHOWN, min_size=1, max_size=12) | st.builds(
    lambda character, length: character * length, st.sampled_from("xä한😀"), st.sampled_from([1, 2, *LENGTHS])
)
TEXTS = st.text(SHOWN, max_size=30) | st.sampled_from(["", "x", "two\nlines", "x" * 999, "ä" * 1000])

schemathesis.openapi.format(
    NAME_FORMAT, NAMES.filter(is_taken_by(check_name, characters_max=CONNECTION_NAME_CHARACTERS_MAX))
)
schemathesis.openapi.format(TEXT_FORMAT, TEXTS.filter(is_taken_by(check_description)))
schemathesis.openapi.format(URL_FORMAT, st.sampled_from(URLS))

calls = [0]


@schemathesis.hook
def before_call(_context, case, _kwargs):
    """Give most requests that are right what exists: a code, outside stories a connection; and a key of their own."""
    calls[0] += 1
    if case.meta is None or not case.meta.generation.mode.is_positive or calls[0] % 8 == 0:
        return
    key = (case.headers or {}).get("Idempotency-Key")
    if key is not None and re.fullmatch(IDEMPOTENCY_PATTERN, key):
        case.headers["Idempotency-Key"] = hashlib.sha256(f"{calls[0]} {key}".encode()).hexdigest()
    if CODES and isinstance(case.body, dict) and "code" in case.body:
        case.body["code"] = CODES[0] if case.path.endswith("/show") else CODES.pop()
    if isinstance(case.body, dict) and isinstance(case.body.get("user"), str):
        case.body["user"] = "admin"
    sys_id = (case.path_parameters or {}).get("sys_id")
    if sys_id is not None and case.meta.phase.name.value != "stateful" and re.fullmatch(SYS_ID_PATTERN, str(sys_id)):
        case.path_parameters["sys_id"] = CONNECTIONS[calls[0] % len(CONNECTIONS)]


NOT_IN_ANY_SCHEMA = {"code-refused", "license-key-refused", "idempotency-key-reused"}
"""What is wrong with a text that is right by its schema: whether a code is signed, which keys were used before."""


@schemathesis.check
def refused_only_for_what_no_schema_can_say(_context, response, case):
    """A request that is right by the document is refused for what the document says in words alone."""
    if (
        case.meta is None
        or not case.meta.generation.mode.is_positive
        or response.status_code not in {400, 413, 415, 422}
    ):
        return
    kind = json.loads(response.content)["type"].removeprefix("/problems/")
    is_long = kind == "too-large" and len(response.request.body or b"") > BODY_BYTES_MAX
    is_stranger = kind == "invalid-field" and b"There is no active user" in response.content
    assert kind in NOT_IN_ANY_SCHEMA or is_long or is_stranger, f"{kind}: {response.content[:300]!r}"
