"""docs/problems.md: every problem type, when it is answered, and what to do about it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from node.admin.operations import OPERATIONS
from node.cli.client import WRONG_INPUT
from node.cli.failures import EXIT_REFUSED, EXIT_USAGE
from node.describing.examples import problem
from node.network.findings import TABLE, CheckOutcome
from node.problems import MEMBERS, PROBLEMS, Problem
from protocol.code_outcomes import SENTENCES, UNREADABLE

if TYPE_CHECKING:
    from collections.abc import Iterator

_MANY: Final = 8
"""From so many operations on, a type is not one of a few."""

_HEAD: Final = """\
# Problem types

*Made from the code by `make pages`.*

What a node refuses its admins is answered by a problem document ([RFC 9457](https://www.rfc-editor.org/rfc/rfc9457)),
with the media type `application/problem+json`. Nothing was changed then. `type` is a path on the node, whose page says
what stands here too; `detail` says what is wrong in this case; `remedy` says what to do.

```json
{example}
```

The commands print `detail` and `remedy`, and end with exit code {refused}, or {usage} where something was typed wrong.

| type | HTTP | |
| --- | --- | --- |
{rows}
"""


def page() -> str:
    """The page."""
    example = json.dumps(problem(Problem.NAME_TAKEN), indent=2, ensure_ascii=False)
    rows = "\n".join(f"| [`{kind}`](#{kind}) | {PROBLEMS[kind].status} | {PROBLEMS[kind].title} |" for kind in Problem)
    head = _HEAD.format(example=example, refused=EXIT_REFUSED, usage=EXIT_USAGE, rows=rows)
    return "\n".join([head, *("\n".join(_section(kind)) for kind in Problem)])


def _section(kind: Problem) -> Iterator[str]:
    row = PROBLEMS[kind]
    yield f"## {kind}\n"
    yield f"HTTP {row.status}: {row.title}. {row.when}\n"
    yield f"**What to do.** {row.remedy}\n"
    if where := _where(kind):
        yield f"Answered by {where}.\n"
    if row.members or row.may_have:
        yield "Its document also has:\n"
        yield from (f"- `{name}`: {_lower(MEMBERS[name])}" for name in row.members)
        yield from (f"- `{name}`, not always: {_lower(MEMBERS[name])}" for name in row.may_have)
        yield ""
    yield f"Exit code of a command: {EXIT_USAGE if kind in WRONG_INPUT else EXIT_REFUSED}{_but(kind)}.\n"
    if kind is Problem.CODE_REFUSED:
        yield from _code_outcomes()
    if kind is Problem.CHECK_FAILED:
        yield from _check_outcomes()


def _where(kind: Problem) -> str:
    found = [one for one in OPERATIONS if kind in one.problems]
    if not found:
        return "every path that is asked so"
    if len(found) == len(OPERATIONS):
        return "every operation"
    if len(found) > _MANY:
        return f"{len(found)} of the {len(OPERATIONS)} operations of the admin API"
    return ", ".join(f"`{one.method} {one.url}`" for one in found)


def _but(kind: Problem) -> str:
    if kind is not Problem.CODE_REFUSED:
        return ""
    return f", or {EXIT_USAGE} where the text itself is wrong ({', '.join(f'`{one}`' for one in sorted(UNREADABLE))})"


def _code_outcomes() -> Iterator[str]:
    yield "| `outcome` | `detail` |\n| --- | --- |"
    for outcome, sentence in SENTENCES.items():
        yield f"| `{outcome}` | {sentence.format(missing_count='…')} |"
    yield "| another word | The connection of this code is closed here, and this is the reason. |\n"


def _check_outcomes() -> Iterator[str]:
    yield "| `outcome` | `detail`, such as | `remedy` |\n| --- | --- | --- |"
    for outcome, sentence, remedy in TABLE.values():
        if outcome is not CheckOutcome.OK:
            said = "what exactly" if sentence == "{detail}" else sentence.format(url="…", name="…", detail="…")
            yield f"| `{outcome}` | {said} | {remedy} |"
    yield ""


def _lower(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]
