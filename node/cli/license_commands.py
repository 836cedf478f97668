"""`handclasp license`: a key pair, and license keys, for one's own nodes; no command here talks to a node."""

import base64
import binascii
from pathlib import Path
from typing import Annotated

import typer

from node import words
from node.cli.connections_app import TeachingGroup
from node.cli.failures import CommandError
from node.cli.options import JsonOption
from node.cli.output import Output
from node.license.keys import LicenseKey, issue, read, read_public, write_public
from node.private_files import read_text, write_atomically
from node.real_ports import SystemClock, SystemEntropy
from protocol.identity import SigningKey
from protocol.limits import KEY_BYTES

license_app = typer.Typer(
    cls=TeachingGroup,
    help="""Make license keys for your own nodes.

    A node initiates connections in Script mode during the 30 days of its evaluation, and after that as long as a
    license key counts. Whoever runs nodes makes the keys: `new-keys` once, then `issue` for each license. A node
    that is started with the public key takes the license keys under License Details in its console.
    """,
)

FileOption = Annotated[
    Path, typer.Argument(metavar="FILE", help="The file with the license key pair.", show_default=False)
]


@license_app.command("new-keys")
def new_keys(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="Where to keep it; nothing may be there yet.", show_default=False),
    ],
    as_json: JsonOption = False,  # noqa: FBT002 - a flag
) -> None:
    """Make a key pair; show its public half.

    The file is the secret with which license keys are signed: keep it away from the nodes, and a copy of it safe.
    The public half is for every node that is to take these keys.

    \b
    Example:
      handclasp license new-keys license.key

    Next: start the nodes with --license-public-key, and `handclasp license issue`.
    """  # noqa: D301 - \b is typer's mark for lines that stay as they are
    if file.exists():
        raise CommandError(f"{file} is there already.", "Name a file that is not: a lost key pair can't be made again.")
    seed = SystemEntropy().token(KEY_BYTES)
    write_atomically(file, base64.b64encode(seed).decode() + "\n")
    public = write_public(SigningKey(seed).public)
    out = Output(as_json=as_json)
    out.document({"file": str(file), "public_key": public})
    out.line(f"The license key pair is in {file}: keep it secret, and a copy of it safe.")
    out.line(f"Start the nodes with HANDCLASP_LICENSE_PUBLIC_KEY={public}")


@license_app.command("issue")
def issue_key(
    file: FileOption,
    licensee: Annotated[str, typer.Option("--to", metavar="NAME", help="Who is licensed.", show_default=False)],
    lifetime: Annotated[
        str, typer.Option("--for", metavar="SPAN", help="How long from now: 365d, 52w, 12h or 30m.")
    ] = "365d",
    as_json: JsonOption = False,  # noqa: FBT002 - a flag
) -> None:
    """Issue a license key, signed with the key pair.

    \b
    Example:
      handclasp license issue license.key --to "Acme" --for 365d

    Next: the node's admin enters the key in the console, under License Details.
    """  # noqa: D301 - \b is typer's mark for lines that stay as they are
    try:
        lifetime_s = words.lifetime_s(lifetime)
    except ValueError as error:
        raise CommandError(f"--for is {lifetime!r}, which is no span of time: {error}.") from None
    now = int(SystemClock().now())
    key = LicenseKey(licensee=licensee, issued_at=now, expires_at=now + lifetime_s)
    text = issue(_key_pair(file), key)
    out = Output(as_json=as_json)
    out.document({"license_key": text, "licensee": licensee, "expires_at": words.rfc3339(key.expires_at)})
    out.line(text, whole=True)


@license_app.command("show")
def show(
    key: Annotated[str, typer.Argument(metavar="KEY", help="The license key.", show_default=False)],
    public_key: Annotated[
        str,
        typer.Option("--public-key", metavar="KEY", help="The public half of the key pair.", show_default=False),
    ],
    as_json: JsonOption = False,  # noqa: FBT002 - a flag
) -> None:
    """Verify a license key and show what it says.

    Needs no node, and tells nobody.

    \b
    Example:
      handclasp license show handclasp-license_… --public-key 11qYAYKx…

    Next: the node's admin enters the key in the console, under License Details.
    """  # noqa: D301 - \b is typer's mark for lines that stay as they are
    try:
        public = read_public(public_key)
    except ValueError as error:
        raise CommandError(f"--public-key is none: {error}.") from None
    found = read(key, public)
    left_s = found.expires_at - SystemClock().now()
    out = Output(as_json=as_json)
    out.document(
        {
            "licensee": found.licensee,
            "issued_at": words.rfc3339(found.issued_at),
            "expires_at": words.rfc3339(found.expires_at),
            "expired": left_s <= 0,
        }
    )
    when = words.day_and_time(found.expires_at)
    out.line(f"A license of {found.licensee}, issued on {words.day_and_time(found.issued_at)}.")
    out.line(f"It ends in {words.span(left_s)}, on {when}." if left_s > 0 else f"It ended on {when}.")


def _key_pair(file: Path) -> SigningKey:
    text = read_text(file, is_secret=True)
    if text is None:
        raise CommandError(f"There is no file {file}.", "`handclasp license new-keys FILE` makes one.")
    try:
        seed = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        seed = b""
    if len(seed) != KEY_BYTES:
        raise CommandError(f"{file} holds no license key pair.", "`handclasp license new-keys FILE` makes one.")
    return SigningKey(seed)
