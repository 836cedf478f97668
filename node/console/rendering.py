"""Pages from templates. Jinja2 takes long to load, so it is loaded when the first page is asked for."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from protocol.text import plain_text

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

HERE: Final = Path(__file__).parent
ICONS: Final = HERE / "assets" / "vendor" / "lucide"


def render(template: str, **values: Any) -> str:
    """The page that a template makes; every value is escaped, and no character in it can deceive."""
    return templates_in(HERE / "templates").get_template(template).render(values)


@cache
def templates_in(folder: Path) -> Environment:
    """What makes pages of the templates in a folder, by the same rules."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415 - see the head of this file

    environment = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        auto_reload=False,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_seen_as_itself,
    )
    environment.globals["icon"] = _icon
    return environment


def compile_templates() -> None:
    """Make every template of the console ready, so that the first page need not wait for its own."""
    templates = templates_in(HERE / "templates")
    for name in templates.list_templates():
        templates.get_template(name)


def _seen_as_itself(value: Any) -> Any:
    return plain_text(value) if type(value) is str else value


@cache
def _icon(name: str) -> Markup:
    """One of the vendored icons; the words beside it say what it means."""
    from markupsafe import Markup  # noqa: PLC0415 - Jinja2 brings it

    svg = (ICONS / f"{name}.svg").read_text(encoding="utf-8")
    drawing = svg[svg.index("<svg") :].replace("<svg", '<svg aria-hidden="true" focusable="false"', 1)
    return Markup(drawing)  # noqa: S704 - a file of this package
