"""The pages of docs/ that are made from the code: they are what the code makes today, and name all there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from node.admin.operations import OPERATIONS
from node.problems import PROBLEMS, Problem
from node.settings_table import COMMAND_LINE_VARIABLES, SETTINGS
from protocol.code_outcomes import CodeOutcome
from scripts.pages import FOLDER, PAGES
from scripts.pages.commands import commands
from scripts.pages.settings import EXAMPLES, OF_THE_COMMAND_LINE


def text(name):
    return (FOLDER / name).read_text(encoding="utf-8")


def headings(page):
    return re.findall(r"^## (.*)$", page, re.MULTILINE)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_what_the_code_makes_today(name):
    assert text(name) == PAGES[name](), "run `make pages`, and look at what has changed"


@pytest.mark.parametrize("name", PAGES)
def test_its_links_lead_to_its_own_headings(name):
    links = re.findall(r"\]\(#(.*?)\)", text(name))
    assert len(links) > 10
    anchors = {heading.lower().replace(" ", "-") for heading in headings(text(name))}
    assert [link for link in links if link not in anchors] == []


def test_every_problem_type_has_its_section_with_what_to_do():
    page = text("problems.md")
    assert headings(page) == [kind.value for kind in Problem]
    for kind, section in zip(Problem, page.split("\n## ")[1:], strict=True):
        row = PROBLEMS[kind]
        assert f"HTTP {row.status}: {row.title}. {row.when}" in section
        assert f"**What to do.** {row.remedy}" in section
        assert all(f"- `{member}`" in section for member in (*row.members, *row.may_have))
    assert all(f"| `{outcome}` |" in page for outcome in CodeOutcome)
    only = next(one for one in OPERATIONS if Problem.LICENSE_KEY_REFUSED in one.problems)
    assert f"Answered by `{only.method} {only.url}`." in page


def test_every_command_and_every_option_has_its_section():
    page = text("commands.md")
    sections = dict(zip(headings(page), page.split("\n## ")[1:], strict=True))
    for name, command, _ in commands():
        for parameter in command.params:
            assert all(option in sections[name] for option in parameter.opts if option.startswith("--"))


def test_every_setting_has_its_section():
    page = text("settings.md")
    assert headings(page) == [*(one.variable for one in SETTINGS), "Variables of the command line"]
    assert list(EXAMPLES) == [one.field for one in SETTINGS]
    assert set(OF_THE_COMMAND_LINE) == set(COMMAND_LINE_VARIABLES)
    for one in SETTINGS:
        assert one.help in page
        assert f"`{one.flag} {one.metavar}`" in page


@pytest.mark.parametrize("one", [one for one in SETTINGS if EXAMPLES[one.field]], ids=lambda one: one.field)
def test_the_example_of_a_setting_is_one_that_a_node_takes(one, tmp_path):
    example = EXAMPLES[one.field]
    if one.metavar == "FILE":
        file = tmp_path / Path(example).name
        file.write_text("")
        example = str(file)
    assert one.parse(example) is not None or example == "none"
