"""The habits of the repository that a machine can hold us to."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from functools import cache
from importlib import import_module, metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("node", "protocol", "simulations")
LOCKS = ("main", "dev")
ALL_LOCKS = (*LOCKS, *(f"clients/{path.stem}" for path in sorted((ROOT / "requirements" / "clients").glob("*.in"))))

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 70
LONG_FILES: dict[str, str] = {}
"""Files beyond the limit, each with its reason: data tables and templates."""

LONG_FUNCTIONS = "node/store/migrations/versions/"
"""A migration is one function by Alembic's design, and a list of tables by nature."""

PURE_MODULES = {
    "__future__", "abc", "base64", "binascii", "bisect", "collections", "copy", "dataclasses",
    "enum", "functools", "hashlib", "heapq", "hmac", "html", "ipaddress", "itertools", "math",
    "operator", "re", "string", "struct", "textwrap", "types", "typing", "unicodedata", "urllib",
    "zlib",
}  # fmt: skip
PROTOCOL_MAY_IMPORT = PURE_MODULES | {"msgpack", "msgspec", "nacl", "protocol"}
IMPURE_PARTS = {"urllib.request", "nacl.utils"}

LAYERS = {
    "protocol": set(),
    "node": {"protocol"},
    "simulations": {"node", "protocol"},
    "scripts": set(PACKAGES),
}
"""Each room and the other rooms that it may import."""

ONE_MODULE_IMPORTS = {
    "secrets": {"node/real_ports.py"},
    "random": {"node/instance/demo_data/drawing.py"},
    "structlog": {"node/logs.py"},
}
"""What of the node imports dice, and the library behind `get_logger`."""


def files(suffix: str = "") -> list[Path]:
    """The project's own files; folders whose name begins with a dot are tools' own, but for .ci, and so is a `.git`."""
    found = []
    for folder, below, names in os.walk(ROOT):
        below[:] = [each for each in below if each == ".ci" or not each.startswith(".")]
        below[:] = [each for each in below if each not in {"__pycache__", "build", "dist"}]
        found += [Path(folder, name) for name in names if name.endswith(suffix) and name != ".git"]
    return sorted(found)


def test_what_a_tool_keeps_for_itself_is_not_the_projects() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("this is no git checkout")
    hidden = {name.split("/")[0] for name in listed.stdout.splitlines() if name.startswith(".")}
    assert hidden == {".ci", ".dockerignore", ".editorconfig", ".gitignore"}


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


SOURCES = files(".py")


@cache
def texts() -> list[tuple[Path, str]]:
    """What people wrote, but for the license."""
    contents = ((path, path.read_bytes()) for path in files() if path.name != "LICENSE")
    return [(path, content.decode()) for path, content in contents if b"\0" not in content]


class Source(NamedTuple):
    """What the tests below ask of a file."""

    imports: tuple[tuple[int, str], ...]
    """Each imported module with its line, wherever in the file it stands; a relative one is spelled out."""
    functions: tuple[tuple[int, str, int], ...]
    """Each function with its first line, its name and how many lines it has."""


@cache
def read(path: Path) -> Source:
    """Parse a file once; the trees themselves, if kept, are so many objects that looking for garbage takes longest."""
    found = list(statements(ast.parse(path.read_text(encoding="utf-8"))))
    return Source(
        imports=tuple(one for statement in found for one in imported(statement, path.relative_to(ROOT).parent.parts)),
        functions=tuple(
            (one.lineno, one.name, (one.end_lineno or one.lineno) - one.lineno + 1)
            for one in found
            if isinstance(one, (ast.FunctionDef, ast.AsyncFunctionDef))
        ),
    )


def statements(tree: ast.AST) -> Iterator[ast.stmt]:
    """Every statement, however deep it stands, without looking into expressions, which are nine of ten nodes."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.stmt):
            yield node
        if not isinstance(node, ast.expr):
            yield from statements(node)


def imported(statement: ast.stmt, package: tuple[str, ...]) -> Iterator[tuple[int, str]]:
    match statement:
        case ast.Import():
            yield from ((statement.lineno, alias.name) for alias in statement.names)
        case ast.ImportFrom():
            above = package[: len(package) - statement.level + 1] if statement.level else ()
            base = ".".join((*above, *filter(None, [statement.module])))
            yield statement.lineno, base
            yield from ((statement.lineno, f"{base}.{alias.name}") for alias in statement.names)
        case _:
            pass


def room_of(path: Path) -> str:
    return path.relative_to(ROOT).parts[0]


# Dependencies


@pytest.fixture(scope="module")
def pyproject() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def locked(level: str) -> dict[str, str]:
    """Each requirement of a lock file with the text of its entry."""
    text = (ROOT / "requirements" / f"{level}.lock").read_text(encoding="utf-8")
    entries = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE | re.IGNORECASE)[1:]
    return {entry.split()[0]: entry for entry in entries}


@pytest.mark.parametrize("level", ALL_LOCKS)
def test_a_lock_file_pins_every_requirement_with_a_hash(level: str) -> None:
    entries = locked(level)
    assert len(entries) > (30 if level in LOCKS else 5)
    for requirement, entry in entries.items():
        assert re.fullmatch(r"[a-z0-9-]+==[\w.]+", requirement), requirement
        assert re.search(r"--hash=sha256:[0-9a-f]{64}\b", entry), f"{requirement} has no hash"


@pytest.mark.parametrize("level", ALL_LOCKS)
def test_a_lock_file_names_no_index_and_no_address(level: str) -> None:
    text = (ROOT / "requirements" / f"{level}.lock").read_text(encoding="utf-8")
    assert "://" not in text
    assert not re.search(r"^\s*-(?!-hash=)", text, flags=re.MULTILINE), "an option of pip stands in the lock file"
    assert "@" not in re.sub(r"#.*", "", text)


def test_the_development_lock_holds_all_of_the_main_lock() -> None:
    assert locked("main").keys() <= locked("dev").keys()


def test_the_locks_hold_every_declared_dependency(pyproject: dict[str, Any]) -> None:
    project = pyproject["project"]
    declared = {
        "main": project["dependencies"] + pyproject["build-system"]["requires"],
        "dev": project["optional-dependencies"]["dev"],
    }
    for level, requirements in declared.items():
        names = {requirement.partition("==")[0] for requirement in locked(level)}
        wanted = {re.split(r"[^\w.-]", each)[0].lower().replace("_", "-") for each in requirements}
        assert wanted <= names, f"run `make lock`: {wanted - names} not in {level}.lock"


def test_the_build_requirements_are_those_of_pyproject(pyproject: dict[str, Any]) -> None:
    lines = (ROOT / "requirements" / "build.in").read_text(encoding="utf-8").splitlines()
    assert set(pyproject["build-system"]["requires"]) <= set(lines)


# Names


def test_the_distribution_can_not_be_uploaded(pyproject: dict[str, Any]) -> None:
    assert "Private :: Do Not Upload" in pyproject["project"]["classifiers"]


@pytest.mark.parametrize("package", PACKAGES)
def test_only_handclasp_owns_the_package_name(package: str) -> None:
    owners = owners_named().get(package, [])  # empty: an editable install names no package
    assert set(owners) <= {"handclasp"}
    # Some other distribution may bring the package without naming it as its own.
    found = {name for name, tops in brought() if not tops.isdisjoint({package, f"{package}.py"})}
    assert found <= {"handclasp"}


@cache
def owners_named() -> Mapping[str, list[str]]:
    return metadata.packages_distributions()


@cache
def brought() -> list[tuple[str, set[str]]]:
    """Each distribution, and what it lays into the folder of all packages."""
    return [
        (name_of_distribution(each), {one.parts[0] for one in each.files or ()}) for each in metadata.distributions()
    ]


def name_of_distribution(distribution: metadata.Distribution) -> str:
    return str(distribution.metadata["Name"])


@pytest.mark.parametrize("package", PACKAGES)
def test_the_package_that_is_imported_is_this_folders(package: str) -> None:
    folders = [Path(folder).resolve() for folder in import_module(package).__path__]
    assert folders == [ROOT / package]


def test_the_wheel_holds_the_three_packages_and_nothing_else(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", tmp_path]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.partition("/")[0] for name in names} == {
        *PACKAGES,
        wheel.name.rsplit("-", 3)[0] + ".dist-info",
    }
    assert {f"{package}/py.typed" for package in PACKAGES} <= set(names)
    console = {name_of(path) for path in files() if path.is_relative_to(ROOT / "node" / "console")}
    assert len(console) > 80
    assert console <= set(names), "the console's templates and assets are a part of the package"


def test_no_package_marker_stands_under_tests() -> None:
    assert [name_of(path) for path in (ROOT / "tests").rglob("__init__.py")] == []


def test_test_modules_have_unique_names() -> None:
    names = [path.name for path in (ROOT / "tests").rglob("*.py") if path.name != "conftest.py"]
    assert sorted(names) == sorted(set(names))


# Imports


def test_protocol_imports_only_what_is_pure() -> None:
    found = [
        f"{name_of(path)}:{line} {module}"
        for path in SOURCES
        if room_of(path) == "protocol"
        for line, module in read(path).imports
        if module.partition(".")[0] not in PROTOCOL_MAY_IMPORT
        or any(f"{module}.".startswith(f"{part}.") for part in IMPURE_PARTS)
    ]
    assert found == []


def test_imports_run_one_way() -> None:
    found = [
        f"{name_of(path)}:{line} {module}"
        for path in SOURCES
        if (room := room_of(path)) in LAYERS
        for line, module in read(path).imports
        if module.split(".")[0] in (LAYERS.keys() | {"tests"}) - LAYERS[room] - {room}
    ]
    assert found == []


@pytest.mark.parametrize("library", ONE_MODULE_IMPORTS)
def test_one_module_of_the_node_imports(library: str) -> None:
    found = {
        name_of(path)
        for path in SOURCES
        if room_of(path) == "node"
        for _, module in read(path).imports
        if module.split(".")[0] == library
    }
    assert found == ONE_MODULE_IMPORTS[library], "the others take what they need from there"


def test_a_company_is_drawn_by_streams_that_its_seed_determines() -> None:
    text = (ROOT / "node" / "instance" / "demo_data" / "drawing.py").read_text(encoding="utf-8")
    assert "random.Random(" in text


# Size and words


def test_a_file_is_short_enough_to_read() -> None:
    lines = {name_of(path): path.read_text(encoding="utf-8").count("\n") for path in SOURCES}
    assert {name: count for name, count in lines.items() if count > FILE_LINES_MAX and name not in LONG_FILES} == {}


def test_a_function_is_short_enough_to_read() -> None:
    found = [
        f"{name_of(path)}:{first} {name}: {lines} lines"
        for path in SOURCES
        if not name_of(path).startswith(LONG_FUNCTIONS)
        for first, name, lines in read(path).functions
        if lines > FUNCTION_LINES_MAX
    ]
    assert found == []


# Put together here, so that this file does not find itself.
UNWELCOME = {
    "a note to oneself": r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "X" + "XX")) + r")\b",
    "a folder of somebody's machine": r"(?<![\w.-])/(" + "|".join(("ro" + "ot", "wo" + "rk")) + r")/\w",
    "the folder of whoever runs this": re.escape(str(Path.home() / "-")[:-1]),
    "a scratch folder": r"(?<![\w.-])/tm" + r"p/\w",
    "a package registry's host": r"pyp" + r"i\.org|python" + r"hosted|npmj" + r"s\.|debia" + r"n\.org",
}


@pytest.mark.parametrize("what", UNWELCOME)
def test_no_file_holds(what: str) -> None:
    pattern = re.compile(UNWELCOME[what])
    found = [
        f"{name_of(path)}:{number}"
        for path, text in texts()
        if pattern.search(text)  # most files need not be looked at line by line
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]
    assert found == []


# One-word commands


def test_make_help_tells_every_target() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z][a-z-]*):", makefile, flags=re.MULTILINE))
    phony = re.findall(r"^\.PHONY: (.*)$", makefile, flags=re.MULTILINE)[0].split()
    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    told = dict(re.findall(r"^  make ([a-z-]+) +(\S.*)$", shown, flags=re.MULTILINE))
    assert targets == set(phony) == told.keys()
    assert {"demo", "pair", "test", "test-slow", "check", "help", "clean"} <= targets


def test_make_alone_shows_the_help() -> None:
    texts = [
        subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout
        for command in (["make"], ["make", "help"])
    ]
    assert texts[0] == texts[1]


def test_a_script_can_be_started() -> None:
    scripts = [path for path in files() if path.read_bytes()[:2] == b"#!"]
    assert scripts
    assert [name_of(path) for path in scripts if not path.stat().st_mode & 0o111] == []
