"""An MQTT broker as a child process: mosquitto where it is installed, else amqtt, on loopback only.

A child lives as long as its parent and no longer: on Linux the kernel ends it when the parent dies, however
that happens. It stands in a session of its own, so that Ctrl-C reaches the parent alone, and the nodes' last
words still find a broker.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import shutil
import socket
import subprocess
from enum import StrEnum
from typing import TYPE_CHECKING, BinaryIO, Final

from node.child_processes import die_with_parent, module_command, module_path

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LOOPBACK: Final = "127.0.0.1"
START_S_MAX: Final = 10.0
"""How long a broker may take until it accepts connections."""

STOP_S_MAX: Final = 5.0
"""How long a broker may take to end by itself before it is killed."""

POLL_S: Final = 0.01
LOG_TAIL_CHARACTERS: Final = 500
FREE_PORT_TRIES: Final = 3

_ELSEWHERE: Final = ("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin", "/opt/local/sbin")
"""Where packages put mosquitto though it is not on a user's PATH."""


class BrokerKind(StrEnum):
    """Which broker a child is."""

    MOSQUITTO = "mosquitto"
    AMQTT = "amqtt"


class BrokerStartError(Exception):
    """A broker did not start; the text is a sentence that says why and what to do."""


def find_mosquitto() -> str | None:
    """The path of the mosquitto program, None if it is not installed."""
    return shutil.which("mosquitto") or shutil.which("mosquitto", path=os.pathsep.join(_ELSEWHERE))


def choose_kind() -> BrokerKind:
    """The better one that is there: mosquitto if it is installed, else amqtt."""
    return BrokerKind.MOSQUITTO if find_mosquitto() else BrokerKind.AMQTT


class BrokerChild:
    """One broker process, startable again after it was stopped or killed.

    mosquitto keeps what is retained over a restart, in `data`; amqtt forgets it, and the nodes tell it again.
    """

    def __init__(self, *, kind: BrokerKind, data: Path, port: int | None = None) -> None:
        """Name the broker; nothing is started yet.

        Args:
            kind: which program.
            data: the directory for configuration, log and memory; made with mode 0700 when needed.
            port: 1 to 65535 on 127.0.0.1, or None for any that is free, which then stays the same.
        """
        self.kind = kind
        self._data = data
        self._wanted = port
        self._port = port
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def port(self) -> int:
        """Where it listens; known from the first start on.

        Raises:
            RuntimeError: it was not started yet, and any port will do.
        """
        if self._port is None:
            raise RuntimeError("A broker without a fixed port has one only after its start.")
        return self._port

    @property
    def url(self) -> str:
        """Its URL, for clients on this machine."""
        return f"mqtt://{LOOPBACK}:{self.port}"

    @property
    def pid(self) -> int | None:
        """Its process id while it runs."""
        return self._process.pid if self.is_running and self._process else None

    @property
    def is_running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.poll() is None

    @property
    def exit_status(self) -> int | None:
        """How its last start ended, as `subprocess` tells it; none while it runs."""
        return self._process.poll() if self._process is not None else None

    @property
    def log_path(self) -> Path:
        """Where it writes what went wrong since its last start."""
        return self._data / "broker.log"

    async def start(self) -> None:
        """Start it and return when it accepts connections.

        Call it in the main thread: the kernel ends the child with the *thread* that made it.

        Raises:
            BrokerStartError: the program is missing, the port is taken, or it ended at once.
        """
        if self.is_running:
            return
        self._make_directory()
        for tries_left in reversed(range(FREE_PORT_TRIES)):
            port = self._port = self._pick_port()
            self._process = self._spawn(port)
            try:
                await self._until_it_listens(port)
            except BrokerStartError:
                await self.stop()
                # Another program may have taken the free port meanwhile; then another one is picked.
                if self._wanted is not None or not tries_left or _is_free(port):
                    raise
            except BaseException:
                await self.stop()
                raise
            else:
                self._wanted = port
                return

    async def stop(self) -> None:
        """End it and wait for that; it is killed if it takes longer than 5 s."""
        process = self._process
        if process is None:
            return
        if process.poll() is None:
            process.terminate()
            if not await _within(STOP_S_MAX, lambda: process.poll() is not None):
                process.kill()
        process.wait()

    async def _until_it_listens(self, port: int) -> None:
        process = self._process
        if await _within(START_S_MAX, lambda: self._has_ended() or _accepts(port)) and not self._has_ended():
            return
        ending = (
            f"ended at once with exit status {process.returncode}"
            if process and self._has_ended()
            else f"did not accept connections within {START_S_MAX:.0f} s"
        )
        raise BrokerStartError(
            f"The {self.kind} broker on port {port} {ending}. The end of its log ({self.log_path}): {self._log_tail()}"
        )

    def _has_ended(self) -> bool:
        return not self.is_running

    def _pick_port(self) -> int:
        if self._wanted is None:
            return _free_port()
        if not _is_free(self._wanted):
            raise BrokerStartError(
                f"Port {self._wanted} on {LOOPBACK} is taken by another program: "
                f"stop that program, or choose another port for the {self.kind} broker."
            )
        return self._wanted

    def _spawn(self, port: int) -> subprocess.Popen[bytes]:
        command = self._command(port)
        with _private(self.log_path) as log:
            return subprocess.Popen(  # noqa: S603 - our own command line
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._data,
                env=os.environ | {"PYTHONPATH": module_path()},
                start_new_session=True,
                preexec_fn=die_with_parent(os.getpid()),  # noqa: PLW1509 - two system calls, prepared before the fork
            )

    def _command(self, port: int) -> list[str]:
        if self.kind is BrokerKind.AMQTT:
            return module_command("node.brokers.amqtt_child", str(port))
        program = find_mosquitto()
        if program is None:
            raise BrokerStartError(
                "mosquitto is not installed: install it (on Debian `apt install mosquitto`), "
                "or let the embedded broker, amqtt, serve instead."
            )
        configuration = self._data / "mosquitto.conf"
        with _private(configuration) as file:
            file.write(self._mosquitto_conf(port).encode())
        return [program, "-c", str(configuration.absolute())]

    def _mosquitto_conf(self, port: int) -> str:
        lines = [
            f"listener {port} {LOOPBACK}",  # a listener without an address would take every interface
            "allow_anonymous true",
            "persistence true",
            f"persistence_location {self._data.absolute()}/",
            "autosave_interval 5",  # half an hour by default: a kill would lose all that is retained
            "max_queued_messages 10000",
            "set_tcp_nodelay true",
            "log_dest stderr",
            "log_type error",
            "log_type warning",
            "connection_messages false",
        ]
        if os.name == "posix" and os.geteuid() == 0:
            lines.append("user root")  # else it becomes a user that can't read this directory
        return "\n".join(lines) + "\n"

    def _make_directory(self) -> None:
        try:
            self._data.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._data.chmod(0o700)
        except OSError as error:
            raise BrokerStartError(
                f"The broker's directory {self._data} can't be used ({error.strerror}): name another."
            ) from error
        if not str(self._data.absolute()).isprintable():
            raise BrokerStartError("The broker's directory has a line break in its name: name another.")

    def _log_tail(self) -> str:
        with contextlib.suppress(OSError):
            text = self.log_path.read_text(errors="replace").strip()
            return " | ".join(text[-LOG_TAIL_CHARACTERS:].splitlines()) or "it is empty."
        return "it can't be read."


def _private(path: Path) -> BinaryIO:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.fchmod(descriptor, 0o600)
    return os.fdopen(descriptor, "wb")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As the brokers do: a port whose old links still linger is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return False
            raise BrokerStartError(
                f"Port {port} on {LOOPBACK} can't be used ({error.strerror}): choose another, above 1023."
            ) from error
    return True


def _accepts(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.2)
        return probe.connect_ex((LOOPBACK, port)) == 0


async def _within(limit_s: float, condition: Callable[[], bool]) -> bool:
    loop = asyncio.get_running_loop()
    until = loop.time() + limit_s
    while not condition():
        if loop.time() >= until:
            return False
        await asyncio.sleep(POLL_S)
    return True
