"""`handclasp conform`: it reaches the command line by the entry points of this distribution."""

import asyncio
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from node.cli.failures import CommandError
from node.cli.options import JsonOption
from node.cli.output import Output
from protocol.vocabulary import Role

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simulations.conform.bench import Driver
    from simulations.conform.findings import Verdict

WAIT_S_DEFAULT: Final = 10.0
QUIET_S: Final = 0.7
EXIT_BROKEN: Final = 1


UrlArgument = Annotated[str, typer.Argument(metavar="URL", help="The implementation's node URL.", show_default=False)]
RoleOption = Annotated[
    Role, typer.Option("--as", help="The role that the implementation plays; the runner plays the other.")
]
DriverOption = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        help="Let the admin API at this node URL act; needs its token. [default: a person is asked to]",
        show_default=False,
    ),
]
TokenFileOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="With --driver: the file that holds the admin token. [env: HANDCLASP_TOKEN: the token itself]",
        show_default=False,
    ),
]
ListenOption = Annotated[
    str, typer.Option(metavar="HOST:PORT", help="Where the runner listens; port 0: any that is free.")
]
AdvertiseOption = Annotated[
    str | None,
    typer.Option(metavar="URL", help="Where the implementation reaches the runner, if not there.", show_default=False),
]
WaitOption = Annotated[
    float, typer.Option("--wait", metavar="SECONDS", min=1, max=600, help="How long what must come is waited for.")
]
StoryOption = Annotated[
    list[str] | None,
    typer.Option("--story", metavar="NAME", help="Tell this story and no other; may be repeated.", show_default=False),
]
JunitOption = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Write the report as JUnit's XML too.", show_default=False)
]


def conform(  # noqa: PLR0913 - its options
    *,
    url: UrlArgument,
    role: RoleOption,
    driver: DriverOption = None,
    token_file: TokenFileOption = None,
    listen: ListenOption = "127.0.0.1:0",
    advertise: AdvertiseOption = None,
    wait_s: WaitOption = WAIT_S_DEFAULT,
    stories: StoryOption = None,
    junit: JunitOption = None,
    as_json: JsonOption = False,
) -> int:
    """Try the protocol's rules on any node at a URL.

    The runner plays the partner, with a key and a server of its own: it says what is right, late, repeated, out of
    order, forged and wrong, gives wrong answers or none, and judges what comes back by the rules and rows of
    docs/protocol.md. The implementation's admin has to act now and then: a person at this terminal is told what to
    do, or the admin API of a Handclasp node is (--driver). It leaves closed connections behind.

    \b
    Examples:
      handclasp conform http://127.0.0.1:8101 --as destination
      handclasp conform http://127.0.0.1:8101 --as source --driver http://127.0.0.1:8101 --token-file a/admin-token
      handclasp conform https://node.example --as destination --listen 0.0.0.0:8300 --advertise https://me.example

    Exit code 0: no rule was broken; 1: one was; 2: wrong usage, or no node answers at the URL.
    """  # noqa: D301 - \b is typer's mark for lines that stay as they are
    from protocol.text import check_url  # noqa: PLC0415 - --help needs none of it
    from simulations.conform.reports import document, lines  # noqa: PLC0415 - likewise
    from simulations.conform.reports import junit as junit_of  # noqa: PLC0415 - likewise

    checked = check_url(url, what="URL of the implementation")
    advertised = check_url(advertise, what="URL of --advertise") if advertise is not None else None
    host, port = _listening(listen)
    verdicts = _run(
        checked,
        role,
        _chosen(role, stories),
        driver=_driver(driver, token_file),
        host=host,
        port=port,
        advertised=advertised,
        wait_s=wait_s,
    )
    out = Output(as_json=as_json)
    out.document(document(verdicts, url=checked, role=role.value))
    for line in lines(verdicts):
        out.line(line, whole=True)
    if junit is not None:
        _write(junit, junit_of(verdicts, title=f"handclasp conform {checked} --as {role}"))
    return EXIT_BROKEN if any(verdict.faults for verdict in verdicts) else 0


def _run(
    url: str,
    role: Role,
    stories: "Sequence[str]",
    *,
    driver: "Driver",
    host: str,
    port: int,
    advertised: str | None,
    wait_s: float,
) -> "list[Verdict]":
    from simulations.conform.bench import UnreachableError  # noqa: PLC0415 - --help needs none of it
    from simulations.conform.running import NoNodeError, run  # noqa: PLC0415 - likewise
    from simulations.conform.shell import CantListenError, Shell, serving  # noqa: PLC0415 - likewise
    from simulations.status_line import StatusLine  # noqa: PLC0415 - likewise

    status = StatusLine(is_shown=sys.stderr.isatty())

    async def whole() -> "list[Verdict]":
        shell = Shell(url, driver=driver, wait_s=wait_s, quiet_s=QUIET_S)
        async with serving(shell, host=host, port=port, advertised=advertised):
            findings = await run(shell, role, stories, told=lambda title: status.show(f"{title} … "))
        return findings.verdicts()

    try:
        return asyncio.run(whole())
    except (NoNodeError, UnreachableError) as error:
        raise CommandError(
            f"There is no node at {url}: {str(error).rstrip('.')}.", "Name its node URL, as partners have it."
        ) from error
    except CantListenError as error:
        raise CommandError(
            f"The runner can't listen at {host}:{port} ({error}).", "Choose another --listen."
        ) from error
    finally:
        status.wipe()


def _chosen(role: Role, stories: "list[str] | None") -> "Sequence[str]":
    from simulations.conform.running import STORIES  # noqa: PLC0415 - --help needs none of it

    known = tuple(STORIES[role])
    for name in stories or ():
        if name not in known:
            raise CommandError(
                f"There is no story {name[:60]!r} of a {role}.", f"There are: {', '.join(known)}; or leave --story out."
            )
    return stories or known


def _driver(url: str | None, token_file: Path | None) -> "Driver":
    from simulations.conform.drivers import AdminDriver, person  # noqa: PLC0415 - --help needs none of it

    if url is None:
        if token_file is not None:
            raise CommandError("--token-file belongs to --driver.", "Name the node URL with --driver.")
        return person()
    from node.cli.places import Choice, find_place  # noqa: PLC0415 - likewise

    return AdminDriver(find_place(Choice(url=url, token_file=token_file), os.environ))


def _listening(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if colon and host and port.isascii() and port.isdecimal() and int(port) < 1 << 16:
        return host.removeprefix("[").removesuffix("]"), int(port)
    raise CommandError(f"--listen {text[:60]!a} is no host and port.", "Write it as in 127.0.0.1:8300.")


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise CommandError(
            f"The report can't be written to {path}: {error.strerror}.",
            "Name a file in a directory that can be written.",
        ) from error
