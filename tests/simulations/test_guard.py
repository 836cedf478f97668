"""The guard: a real clock, real randomness, a thread or a real socket fails the run; each is seen to fail here."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import random
import secrets
import socket
import subprocess
import sys
import threading
import time
import uuid
from random import Random as ImportedRandom
from random import random as imported_random
from time import localtime as imported_localtime
from time import monotonic as imported_monotonic

import pytest

from node.real_ports import SystemClock, SystemEntropy
from simulations.core.guard import Escaped, Guard
from simulations.observer import Observer
from simulations.stories import one_handshake
from simulations.world import World


def open_a_socket():
    with socket.socket() as client:
        client.connect(("127.0.0.1", 9))


def listen():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))


def start_a_thread():
    thread = threading.Thread(target=print)
    thread.start()
    thread.join()


def looked_up(module, name, *arguments):
    """A call that looks its function up when it is made, as most code does."""
    return lambda: getattr(module, name)(*arguments)


ESCAPES = {
    "clock: the wall's": looked_up(time, "time"),
    "clock: monotonic": looked_up(time, "monotonic"),
    "clock: perf_counter": looked_up(time, "perf_counter"),
    "clock: localtime of now": looked_up(time, "localtime"),
    "clock: sleep": looked_up(time, "sleep", 0),
    "clock: the real port": SystemClock().now,
    "randomness: urandom": looked_up(os, "urandom", 1),
    "randomness: the module's stream": looked_up(random, "random"),
    "randomness: choice": looked_up(random, "choice", [1]),
    "randomness: an unseeded stream": looked_up(random, "Random"),
    "randomness: secrets": looked_up(secrets, "token_hex"),
    "randomness: uuid4": looked_up(uuid, "uuid4"),
    "clock: uuid1": looked_up(uuid, "uuid1"),
    "randomness: the real port": looked_up(SystemEntropy(), "token", 1),
    "thread": start_a_thread,
    "process": lambda: subprocess.run([sys.executable, "-c", ""], check=True),
    "socket: connect": open_a_socket,
    "socket: look-up": lambda: socket.getaddrinfo("127.0.0.1", 80),
    "socket: listen": listen,
}

DEEP_ESCAPES = {
    "clock: imported by name": imported_monotonic,
    "clock: datetime": lambda: dt.datetime.now(dt.UTC),
    "randomness: imported by name": imported_random,
}


@pytest.mark.parametrize("escape", ESCAPES)
def test_an_escape_is_refused(escape):
    with pytest.raises(Escaped), Guard().armed():
        ESCAPES[escape]()


@pytest.mark.parametrize("escape", DEEP_ESCAPES)
def test_an_escape_through_a_name_imported_before_is_refused_where_the_guard_looks_deep(escape):
    with pytest.raises(Escaped), Guard().armed(deep=True):
        DEEP_ESCAPES[escape]()


class OwnDatetime(dt.datetime):
    pass


UNSEEN = {
    "time as text": lambda: time.strftime("%Y"),
    "a subclass of datetime": lambda: OwnDatetime.now(dt.UTC),
    "localtime imported by name": imported_localtime,
    "an unseeded stream imported by name": ImportedRandom,
}


@pytest.mark.parametrize("escape", UNSEEN)
def test_what_the_kits_guide_names_as_unseen_is_so(escape):
    """Once one is seen, the guide says too little: take it out there and here."""
    with Guard().armed(deep=True):
        UNSEEN[escape]()


@pytest.mark.parametrize("escape", ESCAPES)
def test_the_same_is_free_once_no_guard_is_armed(escape):
    with Guard().armed():
        pass
    if not escape.startswith("socket: connect"):
        ESCAPES[escape]()


def test_an_escape_that_was_swallowed_fails_the_run_at_its_end():
    def swallow():
        with contextlib.suppress(BaseException):
            time.time()

    with pytest.raises(Escaped), Guard().armed():
        swallow()


def test_another_thread_keeps_its_clock_and_its_sockets():
    seen = []
    ready, done = threading.Event(), threading.Event()

    def other():
        ready.wait()
        seen.append(time.time())
        seen.append(socket.getaddrinfo("127.0.0.1", 80))
        done.set()

    thread = threading.Thread(target=other)
    thread.start()
    with Guard().armed():
        ready.set()
        done.wait()
    thread.join()
    assert len(seen) == 2


def test_instants_that_are_given_may_be_converted():
    with Guard().armed(deep=True):
        assert time.gmtime(0).tm_year == 1970
        assert dt.datetime.fromtimestamp(0, dt.UTC).year == 1970


@pytest.mark.parametrize("escape", ["clock: the wall's", "randomness: urandom", "thread", "socket: connect"])
def test_a_node_that_reaches_for_the_real_world_fails_its_world(escape):
    """What the shipped code does within a transaction is done by an observer here: the same stack, the same loop."""

    class Reaches(Observer):
        def unit(self, host, result, changes):
            ESCAPES[escape]()

    outcome = World(1, story=one_handshake, kinds=frozenset(), observers=[Reaches]).run()
    assert outcome.violation is not None
    assert outcome.violation.startswith("Escaped: ")


def test_whole_worlds_pass_under_the_deep_guard():
    for seed in range(5):
        outcome = World(seed, is_deep=True).run()
        assert outcome.violation is None
        assert outcome.digest == World(seed).run().digest
