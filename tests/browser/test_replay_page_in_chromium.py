"""The page of `replay --html` in a real browser: stepped through by keys, in both colour schemes, on a phone too."""

from __future__ import annotations

from typing import Any

import pytest

from node.cli.main import main
from simulations.checks.owing import Owing
from tests.browser.conftest import AXE

pytestmark = [pytest.mark.chromium, pytest.mark.slow]

EVIL = "<img src=x onerror=document.title='taken'></script><b>"


@pytest.fixture(scope="module", autouse=True)  # before the browser, whose loop a world's must not meet
def pages(tmp_path_factory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("worlds")
    assert main(["replay", "0", "--html", str(folder / "whole.html")]) == 0
    with pytest.MonkeyPatch.context() as monkeypatch:
        counted = []

        def fails_in_the_end(self: Any, _host: Any) -> None:
            counted.append(1)
            if len(counted) > 8:
                self.violated(EVIL)

        monkeypatch.setattr(Owing, "committed", fails_in_the_end)
        assert main(["replay", "0", "--html", str(folder / "broken.html")]) == 1
    return {name: (folder / f"{name}.html").as_uri() for name in ("whole", "broken")}


@pytest.fixture
def page(browser):
    context = browser.new_context()
    opened, faults = context.new_page(), []
    opened.on("request", lambda sent: faults.append(sent.url) if not sent.url.startswith("file:") else None)
    opened.on("console", lambda said: faults.append(said.text) if said.type in {"error", "warning"} else None)
    opened.on("pageerror", lambda error: faults.append(str(error)))
    yield opened
    context.close()
    assert faults == []


def selected(page) -> str:
    (row,) = page.locator(".row[aria-selected=true]").all()
    return row.locator(".said").text_content()


def test_keys_go_from_step_to_step_and_the_states_follow(page, pages):
    page.goto(pages["whole"])
    first = selected(page)
    page.keyboard.press("ArrowRight")
    assert selected(page) != first
    page.keyboard.press("ArrowLeft")
    assert selected(page) == first
    assert page.get_by_text("No node holds a connection yet.").is_visible()
    page.keyboard.press("End")
    assert page.locator("#count").inner_text().split()[0] == page.locator("#count").inner_text().split()[-1]
    assert page.locator(".connection").count() > 0
    page.keyboard.press("Home")
    page.keyboard.press("f")
    assert page.locator(".row[aria-selected=true] .note").first.is_visible()


def test_a_broken_property_is_where_the_page_opens_and_its_text_stays_text(page, pages):
    page.goto(pages["broken"])
    assert EVIL in selected(page)
    assert page.locator(".row[aria-selected=true]").bounding_box()["y"] < page.viewport_size["height"]
    page.keyboard.press("Home")
    assert EVIL not in selected(page)
    page.get_by_role("button", name="violation").click()
    assert EVIL in selected(page)
    assert page.locator("#violation").inner_text() == f"Owing: {EVIL}"
    assert page.title() != "taken"
    assert page.locator("img, b").count() == 0


def test_hidden_kinds_can_be_shown_and_a_fault_leads_to_its_row(page, pages):
    page.goto(pages["whole"])
    rows = page.locator(".row").count()
    page.get_by_text("What is shown").click()
    page.get_by_label("requests for node info").check()
    assert page.locator(".row").count() > rows
    page.get_by_text("Faults that struck").click()
    fault = page.locator("#struck button").last
    kind = fault.inner_text().partition(":")[0]
    fault.click()
    shown = {"crash": "power lost", "clock": "clock"}.get(kind.partition("-")[0], kind)
    assert shown in selected(page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1400])
def test_nothing_is_wider_than_the_screen_and_axe_finds_nothing(page, pages, width, scheme):
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 844})
    for address in pages.values():
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        row = page.locator(".row[aria-selected=true]").bounding_box()
        box = page.locator("#rows").bounding_box()
        assert box["y"] - 1 <= row["y"] <= box["y"] + box["height"] - row["height"] + 1
        page.evaluate(AXE.read_text())
        found = page.evaluate("axe.run().then(found => found.violations)")
        assert [(one["id"], one["nodes"][0]["html"][:200]) for one in found] == []
