"""The pytest plugin, as somebody's tests meet it: beside other plugins for asyncio, with seeds, and in a failure."""

from __future__ import annotations

import shlex
import subprocess
import sys

import pytest

from simulations.kit import World

pytest_plugins = ["pytester"]

TESTS = """
import asyncio
import pytest
from simulations.kit import World, simulated

async def test_in_its_world(handclasp_world):
    a, b = await handclasp_world.nodes("a", "b")
    await b.accept(await a.initiate(b))
    await handclasp_world.quiet()
    assert a.status == b.status == "active"

class TestOfAClass:
    @pytest.mark.parametrize("name", ["one", "two"])
    async def test_with_parameters(self, handclasp_world, name, tmp_path):
        (node,) = await handclasp_world.nodes(name)
        await asyncio.sleep(1000)
        assert node.name == name

@pytest.fixture
def later(handclasp_world):
    return handclasp_world

async def test_through_a_fixture(later):
    assert await later.nodes("a")

@simulated
async def test_decorated():
    async with World(1) as w:
        await w.nodes("a")

def test_sync(handclasp_world):
    with pytest.raises(Exception, match="not open"):
        handclasp_world.drop("accept")
"""
OF_OTHERS = """
@pytest.mark.asyncio
async def test_of_pytest_asyncio():
    assert type(asyncio.get_running_loop()).__module__.startswith("asyncio")
"""

OF_ANYIO = """
@pytest.fixture
def anyio_backend():
    return "asyncio"

async def test_of_anyio(anyio_backend):
    assert type(asyncio.get_running_loop()).__module__.startswith("asyncio")
"""


@pytest.fixture
def run_pytest(pytester, monkeypatch):
    """Run somebody's tests in this process; what it printed, line by line."""

    assert World, "it is loaded already: each run would load it anew"
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # others' plugins take seconds to load

    def run(tests, *arguments):
        pytester.makepyfile(test_theirs=tests)
        usual = ("-q", "-p", "no:cacheprovider", "-p", "simulations.kit.plugin", "-W", "error")
        return pytester.runpytest_inprocess(*usual, *arguments).outlines

    return run


@pytest.mark.parametrize("mode", [pytest.param("auto", marks=pytest.mark.slow), "strict"])
def test_it_works_beside_pytest_asyncio(mode, run_pytest):
    scope = "asyncio_default_fixture_loop_scope=function"
    lines = run_pytest(TESTS + OF_OTHERS, "-p", "pytest_asyncio.plugin", "-o", f"asyncio_mode={mode}", "-o", scope)
    assert lines[-1].startswith("7 passed in "), "\n".join(lines)


@pytest.mark.slow
def test_it_works_beside_anyio(run_pytest):
    tests = TESTS.partition("@simulated")[0] + "\npytestmark = pytest.mark.anyio\n"  # all are marked for it, ours too
    lines = run_pytest(tests + OF_ANYIO, "-p", "anyio.pytest_plugin")
    assert lines[-1].startswith("5 passed in "), "\n".join(lines)


@pytest.mark.slow
def test_it_works_without_any_other_plugin_and_at_the_http_level(run_pytest):
    lines = run_pytest(TESTS, "--handclasp-level", "http", "--handclasp-seeds", "2")
    assert lines[-1].startswith("11 passed in "), "\n".join(lines)


FAILS = """
async def test_it(handclasp_world):
    await handclasp_world.nodes("a")
    assert handclasp_world.seed != 5, "mine"
"""


LOOKS_AT_THE_CLOCK = """
import datetime as dt

async def test_it(handclasp_world):
    await handclasp_world.nodes("a")
    dt.datetime.now(dt.UTC)
"""


def test_a_failure_tells_its_seed_and_the_line_that_fails_again(run_pytest):
    lines = run_pytest(FAILS, "--handclasp-seeds", "3", "--handclasp-seed", "4")
    assert "1 failed, 2 passed" in lines[-1]
    (line,) = [line for line in lines if line.startswith("seed 5, level direct; run it again: ")]
    command = line.partition("run it again: ")[2]
    assert command == "pytest 'test_theirs.py::test_it[seed5]' --handclasp-seed 5 --handclasp-level direct"
    assert any("World(seed=5, level='direct'); the last of" in line for line in lines)
    assert run_pytest(FAILS, *shlex.split(command)[1:])[-1].startswith("1 failed in")


WRONG_OPTIONS = {
    ("--handclasp-seeds", "0"): "argument --handclasp-seeds: '0' is not possible: give a whole number, 1 or more.",
    ("--handclasp-seed", "-1"): "argument --handclasp-seed: '-1' is not possible: give a whole number, 0 or more.",
    ("--handclasp-seed", "x"): "argument --handclasp-seed: 'x' is not possible: give a whole number, 0 or more.",
    ("--handclasp-level", "x"): "invalid choice: 'x'",
}


@pytest.mark.parametrize("wrong", WRONG_OPTIONS, ids=" ".join)
def test_an_option_that_makes_no_sense_is_refused_and_says_what_would(wrong):
    from simulations.kit import plugin

    parser = pytest.Parser(_ispytest=True)
    plugin.pytest_addoption(parser)
    with pytest.raises(pytest.UsageError) as caught:
        parser.parse(list(wrong))
    assert WRONG_OPTIONS[wrong] in str(caught.value)


def test_a_deep_world_is_an_option_and_stands_in_the_line_that_fails_again(run_pytest):
    lines = run_pytest(LOOKS_AT_THE_CLOCK, "--handclasp-deep")
    assert "1 failed" in lines[-1]
    assert any(line.endswith("--handclasp-seed 0 --handclasp-level direct --handclasp-deep") for line in lines)
    assert run_pytest(LOOKS_AT_THE_CLOCK)[-1].startswith("1 passed")


def test_the_plugin_loads_nothing_of_handclasp_nor_hypothesis():
    program = (
        "import sys, simulations.kit.plugin; "
        "print(sorted(name for name in sys.modules if name.partition('.')[0] in "
        "{'node', 'protocol', 'hypothesis', 'aiohttp', 'sqlalchemy'} or name.startswith('simulations.')))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['simulations.kit', 'simulations.kit.plugin']"
