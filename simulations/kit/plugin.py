"""The pytest plugin: fixtures, options, and how to come to a failed world again.

It reaches pytest by an entry point, so it is loaded wherever Handclasp and pytest are installed. Nothing else of
Handclasp is imported before a test asks for it.
"""

from __future__ import annotations

import argparse
import functools
import inspect
import shlex
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from simulations.kit.pair import Pair
    from simulations.kit.world import World

WORLD = "handclasp_world"
SEED = "handclasp_seed"
OTHERS_MARKS = frozenset({"asyncio", "anyio", "trio"})
"""How others mark the tests that they run on loops of their own."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """The kit's options."""
    group = parser.getgroup("handclasp", "Handclasp's test kit")
    group.addoption(
        "--handclasp-seed", type=_seed, default=0, metavar="SEED", help="The seed of each handclasp_world. [default: 0]"
    )
    group.addoption(
        "--handclasp-seeds",
        type=_count,
        default=1,
        metavar="N",
        help="Run each test that takes handclasp_world with so many seeds, from --handclasp-seed on. [default: 1]",
    )
    group.addoption(
        "--handclasp-level",
        choices=("direct", "http"),
        default="direct",
        help="How requests get from node to node in each handclasp_world: by a call, or as real HTTP over links in "
        "memory. [default: direct]",
    )
    group.addoption(
        "--handclasp-deep",
        action="store_true",
        help="Look in each handclasp_world for datetime.now and for clocks and dice imported by name, too; slower.",
    )


def _seed(text: str) -> int:
    return _at_least(text, 0)


def _count(text: str) -> int:
    return _at_least(text, 1)


def _at_least(text: str, lowest: int) -> int:
    try:
        number = int(text)
    except ValueError:
        number = lowest - 1
    if number < lowest:
        raise argparse.ArgumentTypeError(f"{text!r} is not possible: give a whole number, {lowest} or more.")
    return number


# The simulated world


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each seed."""
    if SEED in metafunc.fixturenames:
        first = metafunc.config.getoption("--handclasp-seed")
        seeds = range(first, first + metafunc.config.getoption("--handclasp-seeds"))
        metafunc.parametrize(SEED, seeds, ids=[f"seed{seed}" for seed in seeds], indirect=True)


@pytest.fixture
def handclasp_seed(request: pytest.FixtureRequest) -> int:
    """The seed of this run of the test; see `--handclasp-seed` and `--handclasp-seeds`."""
    seed: int = request.param
    return seed


@pytest.fixture
def handclasp_world(request: pytest.FixtureRequest, handclasp_seed: int) -> World:
    """A `World` as the options say: its seed, its level, and whether it looks deep.

    An `async def` test that takes it, or a fixture that takes it, runs on virtual time, and the world is open in it. In
    any other test it is not open yet: use it in a function that `run` runs.
    """
    from simulations.kit.world import World  # noqa: PLC0415 - see the module

    option = request.config.getoption
    return World(handclasp_seed, level=option("--handclasp-level"), deep=option("--handclasp-deep"))


@pytest.fixture
def handclasp_pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """A `Pair`: two real node processes, `a` and `b`, and a broker, all started; they end with the test.

    Starting takes some seconds. For a pair that several tests share, use `Pair` in a fixture of your own.
    """
    from simulations.kit.pair import Pair  # noqa: PLC0415 - see the module

    with Pair(tmp_path_factory.mktemp("handclasp")) as pair:
        yield pair


class SimulatedTest(pytest.Function):
    """A test that runs on virtual time, in its world."""

    def runtest(self) -> None:
        """Run it."""
        world: Any = self.funcargs[WORLD]
        self.obj = _in_its_world(self.obj, world)
        super().runtest()


def _in_its_world(test: Any, world: World) -> Any:
    from simulations.kit.running import run  # noqa: PLC0415 - see the module

    @functools.wraps(test)
    def plain(**arguments: Any) -> None:
        async def opened() -> None:
            async with world:
                await test(**arguments)

        run(opened)

    return plain


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_pycollect_makeitem(collector: pytest.Collector) -> Generator[None, Any, Any]:
    """Take the tests that take a world, whatever other plugins for asyncio have made of them."""
    made = yield
    if isinstance(made, list):
        return [_simulated(one, collector) if _is_ours(one) else one for one in made]
    return made


def _is_ours(item: object) -> bool:
    return isinstance(item, pytest.Function) and inspect.iscoroutinefunction(item.obj) and WORLD in item.fixturenames


def _simulated(item: pytest.Function, collector: pytest.Collector) -> pytest.Function:
    ours: pytest.Function = SimulatedTest.from_parent(
        collector,
        name=item.name,
        callspec=getattr(item, "callspec", None),
        callobj=item.obj,
        fixtureinfo=item._fixtureinfo,  # noqa: SLF001 - pytest has no other way to make a test of another kind
        originalname=item.originalname,
    )
    ours.own_markers = [mark for mark in item.own_markers if mark.name not in OTHERS_MARKS]
    return ours


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Say how to come to the world of a failed test again."""
    report = yield
    if report.failed and SEED in getattr(item, "fixturenames", ()):
        seed = item.callspec.params[SEED]  # type: ignore[attr-defined]
        level = item.config.getoption("--handclasp-level")
        deep = " --handclasp-deep" if item.config.getoption("--handclasp-deep") else ""
        again = f"pytest {shlex.quote(item.nodeid)} --handclasp-seed {seed} --handclasp-level {level}{deep}"
        report.sections.append(("Handclasp", f"seed {seed}, level {level}; run it again: {again}"))
    return report
