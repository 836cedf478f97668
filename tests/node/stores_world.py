"""Some nodes' stores and the faulty channel between them: what is in the air, what comes back, what never does.

Everything that a rule of `test_stores_machine` does is one method here. Each tells in a sentence what happened, and
each atomic step is judged by `stores_checks`.
"""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from node.causes import Cause
from node.connections.acting import expire_codes
from node.connections.purging import purge
from node.delivery.exchange import NODE_INFO_PATH, PEER_PATH, NoAnswerError, exchange
from node.ports import HttpAnswer, NetworkError, StoreFullError
from node.problems import ProblemError
from protocol.envelope import CONTENT_TYPE, peek
from protocol.limits import CODE_LIFETIME_S_MAX, DELIVERY_BACKOFF_S_MAX
from tests.node.stores_broker import on_a_new_link, publish
from tests.node.stores_checks import Checks
from tests.node.stores_impostors import Impostor, pretended
from tests.node.stores_node import PowerCutError, StoresNode

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

    from node.connections.stored import Connection
    from tests.node.stores_checks import Watcher
    from tests.node.stores_node import Fate

BEGINNING_S = 1_800_000_000
IMAGES_MAX = 3
ROUNDS_MAX = 6
"""How many rounds of delivery may pass, each an hour after the other, until nobody has anything to say."""
RESYNCS = 2
REMOVALS = 2
"""Rounds in which admins remove everything: what lives is closed first, and then removed from the list."""
RESTORE_S = 60


@dataclass(kw_only=True, eq=False)
class Flight:
    """A question under way: `back` is what its sender waits for, `answer` what the other side has said so far."""

    sender: StoresNode
    recipient: bytes
    url: str
    n: int = 0
    body: bytes
    back: asyncio.Future[HttpAnswer]
    number: int
    task: asyncio.Task[Any] | None = None
    answer: HttpAnswer | None = None


class World:
    """The nodes by name, their time, and the wire."""

    def __init__(self, names: tuple[str, ...], *, private: tuple[str, ...] = (), tell: Callable[[str], None]) -> None:
        self.tell, self.now_s = tell, float(BEGINNING_S)
        self.loop = asyncio.new_event_loop()
        self.flights: list[Flight] = []
        self.asked: list[tuple[str, str, bytes]] = []
        self.answers: list[HttpAnswer] = []
        self._departed: Flight | None = None
        self._numbers = 0
        self.nodes = {name: StoresNode(name, self, is_public=name not in private) for name in names}
        self.checks = Checks(list(self.nodes.values()))
        for node in self.nodes.values():
            node.boot()

    def close(self) -> None:
        """Let what is under way go."""
        for flight in list(self.flights):
            self._drop(flight)
        self.run(asyncio.sleep(0))
        self.loop.close()

    # the ports of the nodes

    def network_of(self, node: StoresNode) -> Any:
        """The peer network of one node."""
        return _Network(self, node)

    def run(self, *coroutines: Coroutine[Any, Any, Any] | asyncio.Task[Any]) -> list[Any]:
        """Do these at the same moment; each one's result, or what it raised."""

        async def together() -> list[Any]:
            return await asyncio.gather(*coroutines, return_exceptions=True)

        return self.loop.run_until_complete(together())

    def attempt(
        self, node: StoresNode, coroutine: Coroutine[Any, Any, Any], acted: Callable[[], None] = lambda: None
    ) -> Any:
        """Let a node do something; what came of it, or how it failed in a way that may happen to anybody.

        `acted` is called before the step is judged: it tells the witness what an admin has done.
        """
        (result,) = self.run(coroutine)
        acted()
        if isinstance(result, PowerCutError):
            self.restart(node)
        elif isinstance(result, BaseException) and not isinstance(result, ProblemError | StoreFullError):
            raise result
        self.checks.look()
        return result

    # processes

    def restart(self, node: StoresNode) -> None:
        """A process dies and is started again: what it waited for is forgotten, what it sent is not."""
        self.tell(f"  {node.name} starts again")
        for flight in [flight for flight in self.flights if flight.sender is node]:
            self._drop(flight)
        node.boot()

    @contextmanager
    def trouble(self, node: StoresNode, fate: Fate | None) -> Iterator[None]:
        """Something befalls that node's first change in this step, if it makes any."""
        if fate is not None:
            self.tell(f"  ({node.name} {fate.value})")
        node.store.fate = fate
        try:
            yield
        finally:
            node.store.fate = None

    def back_up(self, node: StoresNode) -> None:
        """Keep an image of a node's database, and what watchers had heard then."""
        image = node.store.image(), self.checks.watcher_of(node).copy()
        node.images = [*node.images, image][-IMAGES_MAX:]

    def restore(self, node: StoresNode, image: tuple[bytes, Watcher], *, marked: bool) -> None:
        """Put an older image in the database's place and start; that takes a while."""
        database, watcher = image
        self.now_s += RESTORE_S
        for flight in [flight for flight in self.flights if flight.sender is node]:
            self._drop(flight)
        node.store.put_back(database, marked=marked)
        self.checks.restored(node, watcher, silently=not marked)
        node.lives += 1
        node.boot()
        self.checks.look()

    # the channel

    def depart(self, sender: StoresNode, url: str, body: bytes) -> asyncio.Future[HttpAnswer]:
        """A question leaves its node."""
        self._numbers += 1
        flight = Flight(
            sender=sender,
            recipient=peek(body).head.recipient,
            url=url,
            body=body,
            back=self.loop.create_future(),
            number=self._numbers,
        )
        self.asked.append((sender.name, url, body))
        self.flights.append(flight)
        self._departed = flight
        return flight.back

    def send(self, node: StoresNode, recipient: bytes, connection: Connection) -> Flight:
        """Ask once; the question is in the air then."""
        self._departed = None

        async def begin() -> asyncio.Task[Any]:
            task = asyncio.create_task(exchange(node.context, connection, recipient))
            while self._departed is None and not task.done():
                await asyncio.sleep(0)
            return task

        (task,) = self.run(begin())
        if self._departed is None:
            raise AssertionError(f"no question left {node.name}") from task.exception()
        self._departed.task, self._departed.n = task, connection.n
        record = connection.record
        self.tell(
            f"  #{self._departed.number}: {node.name} says {record.mine.phase} r{record.mine.revision} "
            f"(serial {record.serial}) of {connection.names.name} to {self.name_of(recipient)}"
        )
        return self._departed

    def name_of(self, key: bytes) -> str:
        """Who has that key."""
        return next((node.name for node in self.nodes.values() if node.key == key), "nobody")

    def deliver(self, *flights: Flight) -> None:
        """Questions arrive, at the same moment; their answers are in the air then."""
        for flight in flights:
            self.tell(f"  #{flight.number} arrives")
        answers = self.hear(*((flight.sender.name, flight.url, flight.body) for flight in flights))
        for flight, answer in zip(flights, answers, strict=True):
            if answer is None:
                self.lose(flight)
            else:
                flight.answer = answer

    def hear(self, *questions: tuple[str, str, bytes]) -> list[HttpAnswer | None]:
        """What is answered to some questions; none by one that died."""
        targets = [self.at(url) for _, url, _ in questions]
        results = self.run(
            *(
                target.hear(body, remote=f"192.0.{list(self.nodes).index(sender)}.1")
                for target, (sender, _, body) in zip(targets, questions, strict=True)
            )
        )
        for target, result in zip(targets, results, strict=True):
            if isinstance(result, PowerCutError):
                self.restart(target)
            elif isinstance(result, BaseException):
                raise result
        self.checks.look()
        answers = [None if isinstance(result, BaseException) else result for result in results]
        self.answers += [answer for answer in answers if answer is not None and answer.status == 200]
        return answers

    def arrive(self, flight: Flight, answer: HttpAnswer | None = None) -> Any:
        """Something comes back to whoever asked: the answer, or what stands in its place; what that came to."""
        self.flights.remove(flight)
        flight.back.set_result(answer or flight.answer)  # type: ignore[arg-type]
        return self._end(flight)

    def lose(self, flight: Flight) -> None:
        """Nothing comes back: whatever of it is in the air may only be heard as a repetition."""
        self.tell(f"  #{flight.number} is lost")
        self.flights.remove(flight)
        flight.back.set_exception(NetworkError(Cause.UNREACHABLE, "The channel lost it."))
        self._end(flight)

    def impersonate(self, flight: Flight, impostor: Impostor) -> None:
        """Something else than the answer comes back."""
        self.tell(f"  #{flight.number} gets {impostor.value}")
        result = self.arrive(flight, pretended(impostor, flight.body, self.answers))
        assert isinstance(result, NoAnswerError), f"{impostor.value} was taken for an answer"

    def _end(self, flight: Flight) -> Any:
        sender = flight.sender
        assert flight.task is not None
        (result,) = self.run(flight.task)
        if isinstance(result, PowerCutError):
            self.restart(sender)
        elif isinstance(result, NoAnswerError):
            self.tell(f"  #{flight.number} had no answer: {result.cause}")
        elif isinstance(result, BaseException) and not isinstance(result, StoreFullError):
            raise result
        elif not isinstance(result, BaseException):
            self.tell(f"  #{flight.number} is answered")
            for again in sender.outgoing.values():
                again.pop(flight.n, None)
            if result is not None:
                sender.context.signals.owed(result)
        self.checks.look()
        return result

    def _drop(self, flight: Flight) -> None:
        self.flights.remove(flight)
        assert flight.task is not None
        flight.task.cancel()
        self.run(flight.task)

    def at(self, url: str) -> StoresNode:
        """The node that listens there."""
        return next(node for node in self.nodes.values() if url == node.url + PEER_PATH)

    # what can be sent now

    def due(self, node: StoresNode) -> list[tuple[bytes, Connection]]:
        """Everything that a node's workers would send next; a worker with nothing to say ends."""
        found = []
        for target in list(node.outgoing):
            batch = node.due_to(target)
            if not batch and not any(flight.sender is node for flight in self.flights):
                del node.outgoing[target]
            found += [(target[0], connection) for connection in batch]
        return found

    def round(self, node: StoresNode) -> bool:
        """A node's workers each say what they have to say, over a line without fault; whether there was anything."""
        for one in (due := self.due(node)):
            self.exchange(node, *one)
        return bool(due)

    def exchange(
        self,
        node: StoresNode,
        recipient: bytes,
        connection: Connection,
        *,
        there: Fate | None = None,
        here: Fate | None = None,
        meanwhile: Callable[[], None] = lambda: None,
    ) -> None:
        """Ask, and take the answer in, over a line without fault; the stores may have some.

        `meanwhile` happens where the question was asked, while the answer is under way.
        """
        flight = self.send(node, recipient, connection)
        with self.trouble(self.at(flight.url), there):
            self.deliver(flight)
        meanwhile()
        if flight in self.flights:
            with self.trouble(node, here):
                self.arrive(flight)

    # the end

    def heal(self) -> None:
        """Faults stop: what is owed is delivered until all is quiet, and then both sides must agree."""
        for flight in list(self.flights):
            if flight.answer is not None:
                self.tell(f"  #{flight.number} is answered at last")
                self.arrive(flight)
            else:
                self.lose(flight)
        self.until_quiet()
        self.repeat_all()
        for _ in range(RESYNCS):
            self.resync()
            self.until_quiet()
        for node in self.nodes.values():
            publish(self, node)
            on_a_new_link(self, node)
        self.checks.agreed()

    def end(self, remove_all: Callable[[], None]) -> None:
        """All is removed and told; when no code can live any more, whatever was ever asked is heard once more.

        `remove_all` does what admins can do now, towards removing everything from every list.
        """
        for _ in range(REMOVALS):
            remove_all()
            self.resync()
            self.until_quiet()
        self.checks.all_is_gone()
        self.now_s += CODE_LIFETIME_S_MAX + 1
        for node in self.nodes.values():
            self.purge(node)
        told = [node.store.told() for node in self.nodes.values()]
        self.repeat_all()
        self.checks.all_is_gone()
        assert [node.store.told() for node in self.nodes.values()] == told, "somebody was told something"

    def repeat_all(self) -> None:
        """Whatever was ever asked is heard once more, lost or not."""
        self.tell("what was ever asked is heard once more")
        for question in dict.fromkeys(self.asked):
            self.now_s += 1  # a stranger's patience comes back
            self.hear(question)

    def resync(self) -> None:
        """Every node states everything that lives once more."""
        for node in self.nodes.values():
            self.attempt(node, node.resync())

    def until_quiet(self) -> None:
        """Rounds of delivery until nobody has anything to say; between two lies the longest backoff."""
        for _ in range(ROUNDS_MAX):
            self.now_s += DELIVERY_BACKOFF_S_MAX + 1
            for node in self.nodes.values():
                self.attempt(node, expire_codes(node.context))
            said = [self.round(node) for node in self.nodes.values()]
            if not any(said):
                return
        raise AssertionError(f"still not quiet after {ROUNDS_MAX} rounds")

    def purge(self, node: StoresNode) -> None:
        """Let tombstones go."""
        with self.checks.purges(node):
            self.attempt(node, purge(node.context))


class _Network:
    """The `PeerNetwork` of one node."""

    def __init__(self, world: World, node: StoresNode) -> None:
        self._world, self._node = world, node

    async def get(self, url: str) -> HttpAnswer:
        for node in self._world.nodes.values():
            if node.is_public and url == node.url + NODE_INFO_PATH:
                return HttpAnswer(status=200, headers={"content-type": "application/json"}, body=node.node_info())
        raise NetworkError(Cause.UNREACHABLE, "Nobody is there.")

    async def post(self, url: str, body: bytes, *, content_type: str) -> HttpAnswer:
        assert content_type == CONTENT_TYPE
        return await self._world.depart(self._node, url, body)
