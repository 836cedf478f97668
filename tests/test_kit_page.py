"""docs/test-kit.md: every snippet is run, and every public name of the kit stands in it, with a docstring of its own."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest
from hypothesis import Phase, settings

import simulations.kit
from simulations.kit import HandshakeMachine, Node, Pair, RealNode, World, plugin

pytest_plugins = ["pytester"]

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "test-kit.md").read_text(encoding="utf-8")
BY_NAME = re.compile(r"pip3? install (?:-\S+ )*[\"']?handclasp\b(?!-)")
SNIPPETS = re.findall(r"^```python\n(.*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL)
COMMANDS = [
    line
    for block in re.findall(r"^```console\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    for line in block.splitlines()
]
NAMED = set(re.findall(r"`(-{0,2}\w[\w-]*)`", PAGE.partition("## All names")[2]))


def title(snippet):
    return re.findall(r"(?:def|class) (test_\w+|Watched)", snippet)[-1]


def is_slow(snippet):
    return any(word in snippet for word in ("handclasp_pair", "@given", "HandshakeMachine"))


@pytest.fixture
def found_is_enough():
    """What Hypothesis finds in a snippet it does not shrink, which takes minutes with whole worlds."""
    usual = settings.default
    settings.register_profile("page", usual, phases=(Phase.generate,))
    settings.load_profile("page")
    yield
    settings.load_profile("handclasp")
    assert settings.default == usual


@pytest.mark.usefixtures("found_is_enough")
@pytest.mark.parametrize(
    "snippet",
    [pytest.param(one, marks=[pytest.mark.slow] if is_slow(one) else [], id=title(one)) for one in SNIPPETS],
)
def test_a_snippet_passes_as_it_stands(snippet, pytester, monkeypatch):
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # others' plugins take seconds to load
    pytester.makepyfile(test_snippet=snippet)
    done = pytester.runpytest_inprocess("-q", "-p", "no:cacheprovider", "-p", "simulations.kit.plugin", "-W", "error")
    count = snippet.count("def test_") + snippet.count(".TestCase")
    assert f"{count} passed" in done.outlines[-1], "\n".join(done.outlines)


def test_there_are_snippets_and_each_command_is_known():
    assert len(SNIPPETS) > 10
    assert COMMANDS == [
        "pip install '/path/to/handclasp[testing]'",  # test_sample_project.py does, from a wheel
        "pytest --handclasp-seeds 20",  # test_kit_plugin.py does, with fewer
        "pytest --handclasp-seed 7 --handclasp-level http",
        "pytest --handclasp-deep",
    ]


def test_nobody_is_told_to_install_what_has_this_projects_name_on_an_index():
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("simulations/kit/*.py"), *ROOT.glob("*.toml")]
    told = [page.name for page in pages if BY_NAME.search(page.read_text(encoding="utf-8"))]
    assert told == []
    assert BY_NAME.search("pip install -q 'handclasp[testing]'")
    assert not BY_NAME.search(COMMANDS[0])


@pytest.mark.parametrize("name", simulations.kit.__all__)
def test_a_public_name_stands_in_the_page_and_says_what_it_is(name):
    assert name in NAMED
    documented = inspect.getdoc(getattr(simulations.kit, name))
    assert documented, f"{name} has no docstring"
    assert len(documented.split()) > 3


OF_OTHERS = {*dir(object), *dir(HandshakeMachine.__mro__[1])}


@pytest.mark.parametrize("kind", [World, Node, Pair, RealNode, HandshakeMachine])
def test_every_public_method_stands_in_the_page_and_says_what_it_does(kind):
    own = {name for name in dir(kind) if not name.startswith("_")}
    own -= OF_OTHERS if kind is HandshakeMachine else set()
    assert own - NAMED == set()
    undocumented = [
        name
        for name in own
        if name not in {"names", "level"} and not inspect.getdoc(inspect.getattr_static(kind, name))
    ]
    assert undocumented == []


def test_every_fixture_and_option_stands_in_the_page():
    parser = pytest.Parser(_ispytest=True)
    plugin.pytest_addoption(parser)
    options = {name for group in parser._groups for option in group.options for name in option.names()}
    fixtures = {name for name in vars(plugin) if name.startswith("handclasp_")}
    assert fixtures == {"handclasp_world", "handclasp_pair", "handclasp_seed"}
    assert (options | fixtures) - NAMED == set()
    assert len(options) == 4


def test_nothing_stands_in_the_list_that_is_not_there():
    known = {name for kind in (World, Node, Pair, RealNode, HandshakeMachine) for name in dir(kind)}
    known |= {*simulations.kit.__all__, *vars(plugin), "direct", "http"}
    assert {name for name in NAMED if not name.startswith("--")} - known == set()
