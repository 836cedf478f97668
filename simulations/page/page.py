"""The page itself: one file that needs nothing else, made of a template, its styles, its script and the story.

All text of the world goes in as JSON in which no markup can begin, and the script writes it as text only. The page's
own policy forbids it to load anything.
"""

from __future__ import annotations

import html
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import msgspec

from simulations.faults import MEANINGS, Fault
from simulations.page.story import GROUPS, Story

if TYPE_CHECKING:
    from simulations.world import Outcome, World


def page_of(world: World, outcome: Outcome, *, command: str) -> str:
    """A world that was lived, as HTML; `command` is the line that lives it again."""
    clients = {host.topic_id: host.name for host in world.hosts.values() if not host.plan.is_clone}
    story = Story(world.hosts, world.trace.entries, clients=clients)
    story.ends(outcome.virtual_s, outcome.violation)
    content = {
        **story.view(),
        "seed": outcome.seed,
        "command": command,
        "violation": outcome.violation,
        "digest": outcome.digest,
        "mended_s": world.shape.chaos_s,
        "virtual_s": outcome.virtual_s,
        "groups": GROUPS,
        "faults": [
            {"name": name, "meaning": MEANINGS[Fault(name.partition(":")[0])], "row": story.faults.get(name)}
            for name in outcome.struck
        ],
    }
    here = files("simulations.page")
    page = here.joinpath("page.html").read_text(encoding="utf-8")
    for mark, text in (
        ("{{title}}", html.escape(f"Handclasp: the world of seed {outcome.seed}")),
        ("{{styles}}", here.joinpath("page.css").read_text(encoding="utf-8")),
        ("{{script}}", here.joinpath("page.js").read_text(encoding="utf-8")),
        ("{{story}}", _harmless(content)),
    ):
        page = page.replace(mark, text, 1)
    return page


def _harmless(content: Any) -> str:
    """JSON in which no markup can begin or end."""
    text = msgspec.json.encode(content).decode()
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text
