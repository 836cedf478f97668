"""Two real nodes and a real broker, each a process of its own, for tests that want no simulation."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from typing import TYPE_CHECKING, Any, Final, Self

from node.brokers.children import BrokerStartError
from node.cli.client import AdminClient
from node.cli.client import RefusedError as ClientRefusedError
from node.cli.failures import CommandError
from node.data_directory import read_admin_token
from node.local_pair.connecting import client_of
from node.local_pair.processes import LocalPair, PairStartError
from node.problems import PROBLEMS, Problem
from simulations.kit import given
from simulations.kit.errors import NoAnswerError, NotQuietError, RefusedError, WorldError
from simulations.kit.nodes import Connection

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator, Mapping
    from pathlib import Path

    from node.local_pair.processes import NodeChild

POLL_S: Final = 0.02
UNTIL_S: Final = 60.0


class RealNode:
    """One `handclasp node` process and its admin; `Pair` makes it. Every method waits until it is done.

    Attributes:
        name: its name.
        node_url: where partners and admins reach it, on loopback.
        instance_url: what people know it by, on loopback.
    """

    def __init__(self, child: NodeChild) -> None:
        self._child = child
        self._initiated = 0
        self.name = child.name
        self.node_url = child.node_url
        self.instance_url = child.instance_url

    @property
    def admin_token(self) -> str:
        """The bearer token of its admin API."""
        token = read_admin_token(self._child.data)
        assert token is not None  # noqa: S101 - it has started
        return token

    @property
    def data(self) -> Path:
        """Its data directory; the tables are in `node.db`."""
        return self._child.data

    @property
    def pid(self) -> int | None:
        """Its process id; none: it does not run."""
        return self._child.pid

    @property
    def log(self) -> str:
        """What it has logged, one JSON object a line."""
        return self._child.log_path.read_text(encoding="utf-8")

    @property
    def connections(self) -> tuple[Connection, ...]:
        """Its connections, oldest first.

        Raises:
            NoAnswerError: see there.
        """
        return tuple(_connection(view) for view in self._ask(AdminClient.connections))

    @property
    def status(self) -> str | None:
        """The status of its newest connection; none: it has no connection. Raises what `connections` does."""
        shown = self.connections
        return shown[-1].status if shown else None

    def initiate(self, to: RealNode | str | None = None, *, name: str | None = None, ask_me: bool = False) -> str:
        """Initiate a connection; the invitation code. See `Node.initiate`.

        Raises:
            RefusedError, NoAnswerError: see there.
        """
        self._initiated += 1
        remote = to.name if isinstance(to, RealNode) else "remote"
        wish = {
            "destination_url": to.instance_url if isinstance(to, RealNode) else to,
            "name": name if name is not None else f"{self.name}_to_{remote}_{self._initiated}",
            "local_short_name": self.name,
            "remote_short_name": remote,
            "ask_me": ask_me,
        }
        return str(self._ask(lambda client: client.initiate(wish))["invitation_code"])

    def accept(self, code: str) -> Connection:
        """Accept a code, or any text with one in it. Raises what `initiate` does."""
        return _connection(self._ask(lambda client: client.accept({"code": code}))["connection"])

    def decline(self, code: str) -> Connection:
        """Decline a code. Raises what `initiate` does."""
        return _connection(self._ask(lambda client: client.decline(code))["connection"])

    def act(self, act: str, connection: Connection | str | None = None) -> Connection | None:
        """Do something to a connection, the newest if none is named; see `Node.act`.

        Raises:
            RefusedError, NoAnswerError: see there.
            WorldError: it has no connection.
        """
        shown = [connection] if connection is not None else list(self.connections)
        if not shown:
            raise WorldError(f"{self.name} has no connection that something could be done to.")
        chosen = shown[-1]
        sys_id = chosen if isinstance(chosen, str) else chosen.sys_id
        view = self._ask(lambda client: client.act(sys_id, act)).get("connection")
        return _connection(view) if view is not None else None

    def kill(self) -> None:
        """End its process as a power cut would; `start` brings it back."""
        self._child.kill()

    def stop(self) -> None:
        """End its process as an operator does."""
        _run(self._child.stop())

    def start(self) -> None:
        """Start it again, on the same data and ports, and wait until it is ready.

        Raises:
            WorldError: it does not start; the text says why.
        """
        _start(self._child.start())

    def _ask(self, ask: Callable[[AdminClient], Any]) -> Any:
        try:
            return ask(client_of(self._child))
        except ClientRefusedError as error:
            document = dict(error.document)
            slug = str(document.get("type", "")).rpartition("/")[2]
            status = PROBLEMS[Problem(slug)].status if slug in {one.value for one in Problem} else 500
            raise RefusedError(status=status, document=document) from None
        except CommandError as error:
            raise NoAnswerError(str(error)) from None


class Pair:
    """Two node processes, `a` and `b`, and a broker, on free ports of loopback; started and ended by `with`.

    The broker is mosquitto if it is installed, else amqtt. The processes end with `with`, and on Linux also when the
    process that runs the tests is killed.

    Attributes:
        a: the first node.
        b: the second node.
    """

    def __init__(self, directory: Path, *, settings: Mapping[str, str] | None = None) -> None:
        """Name the parts; nothing is started yet.

        Args:
            directory: where data and logs go.
            settings: further settings of both nodes, as environment variables `HANDCLASP_…`.
        """
        self._processes = LocalPair(directory, settings=settings)
        self.a, self.b = (RealNode(child) for child in self._processes.nodes)

    def __enter__(self) -> Self:
        """Start all, and wait until all are ready.

        Raises:
            WorldError: one of them does not start; the text says why. None is left running.
        """
        _start(self._processes.start())
        return self

    def __exit__(self, *_error: object) -> None:
        """End all."""
        _run(self._processes.stop())

    def __iter__(self) -> Iterator[RealNode]:
        """`a, b = pair`."""
        return iter((self.a, self.b))

    @property
    def mqtt_url(self) -> str:
        """The broker's URL, `mqtt://127.0.0.1:…`."""
        return self._processes.broker.url

    @property
    def mqtt_port(self) -> int:
        """The broker's port, on 127.0.0.1."""
        return self._processes.broker.port

    def kill_broker(self) -> None:
        """End the broker's process as a power cut would."""
        pid = self._processes.broker.pid
        if pid is not None:
            os.kill(pid, signal.SIGKILL)
            self.until(lambda: not self._processes.broker.is_running)

    def start_broker(self) -> None:
        """Start the broker again, on the same port. Raises what `__enter__` does."""
        _start(self._processes.broker.start())

    def until(self, holds: Callable[[], bool], *, within_s: float = UNTIL_S) -> None:
        """Wait, in real time, until something holds.

        Args:
            holds: whether it does; a plain function. It is asked again and again.
            within_s: how long at most, in seconds.

        Raises:
            NotQuietError: it did not by then.
            WorldError: it is an `async` function.
        """
        deadline = time.monotonic() + within_s
        while not given.told_by(holds):
            if time.monotonic() > deadline:
                raise NotQuietError(f"What until() was given does not hold after {within_s:.0f} s.")
            time.sleep(POLL_S)  # noqa: TID251 - real processes are waited for


def _start(starting: Coroutine[Any, Any, None]) -> None:
    try:
        _run(starting)
    except (PairStartError, BrokerStartError) as error:
        raise WorldError(str(error)) from error


def _run(work: Coroutine[Any, Any, None]) -> None:
    """Run it here, in this thread (with which the processes end), also when a test's own loop runs in it."""
    running = asyncio._get_running_loop()  # noqa: SLF001 - a loop within a loop: the outer one rests meanwhile
    asyncio._set_running_loop(None)  # noqa: SLF001 - likewise
    try:
        asyncio.run(work)
    finally:
        asyncio._set_running_loop(running)  # noqa: SLF001 - likewise


def _connection(view: Mapping[str, Any]) -> Connection:
    return Connection(
        sys_id=view["sys_id"],
        name=view["name"],
        role=view["role"],
        status=view["status"],
        reason=view["reason"],
        seq=view["seq"],
        is_owed=view["owed"],
        possible_acts=tuple(view["possible_acts"]),
    )
