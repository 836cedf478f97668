"""How the demo ends: what was shown, what to try next, or the one JSON document."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from node.cli.program import program
from node.data_directory import TOKEN_FILE
from node.demo.diagram import draw
from node.demo.narrator import Style, style_of

if TYPE_CHECKING:
    from node.demo.narrator import Narrator
    from node.demo.scenes import Scenes
    from node.local_pair.processes import LocalPair


def tell_closing(narrator: Narrator, story: Scenes) -> None:
    """The diagram, what was shown with its figures, and what to try next."""
    narrator.heading("What went where")
    narrator.lines(draw(story.told.seen, columns=narrator.columns))
    narrator.heading("What was shown")
    for text, took in story.shown():
        narrator.line(("  ✓ ", Style.GOOD), text, right=took)
    narrator.heading("Try next")
    width = max(len(command) for command, _ in story.NEXT)
    for command, why in story.NEXT:
        narrator.line(f"  {program()} ", (f"{command:<{width}}", Style.STRONG), f"   {why}")


def document(narrator: Narrator, story: Scenes, pair: LocalPair) -> dict[str, Any]:
    """All of it, for programs; no code and no token stands in it."""
    told = story.told
    return {
        "story": story.KIND,
        "from": told.source,
        "active": True,
        "broker": {"kind": pair.broker.kind.value, "url": pair.broker.url, "pid": pair.broker.pid},
        "nodes": [
            {
                "name": node.name,
                "node_url": node.node_url,
                "instance_url": node.instance_url,
                "data": str(node.data),
                "pid": node.pid,
            }
            for node in pair.nodes
        ],
        "steps": narrator.steps,
        "messages": [asdict(one) for one in told.messages],
        "attempts": [asdict(one) for one in told.attempts],
        "fates": [{"fate": type(one).__name__.lower(), **asdict(one)} for one in told.fates],
        "events": told.documents,
        "logs": told.logs,
        "retained": [asdict(one) for one in told.retained],
        "timings_ms": told.timings_ms,
    }


def tell_kept(narrator: Narrator, pair: LocalPair) -> None:
    """Where everything is that stays up."""
    narrator.heading("Still running, until Ctrl-C")
    for node in pair.nodes:
        narrator.line(
            (f"  node {node.name}  ", style_of(node.name)), f"instance {node.instance_url}   node {node.node_url}"
        )
        narrator.line(f"          admin token in {node.data / TOKEN_FILE}", whole=True)
    narrator.line(f"  {program()} connections list --data {pair.nodes[0].data}", whole=True)
    narrator.line(
        ("  mosquitto_sub", Style.MQTT), f" -h 127.0.0.1 -p {pair.broker.port} -t 'handclasp/#' -v", whole=True
    )
    narrator.line(f"Ctrl-C stops all three and removes {pair.nodes[0].data.parent}.", whole=True)
