"""What a broker does for the nodes of a `tests.node.stores_world`: it takes what waits, or half of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.node.stores_node import StoresNode
    from tests.node.stores_world import World

PORTION = 50


def publish(world: World, node: StoresNode, *, most: int = 1000, is_cut: bool = False) -> None:
    """The broker takes what waits for it; `is_cut`: the link breaks before the rows are crossed out."""
    if not node.broadcasts_due:
        return
    rows = world.attempt(node, node.outbox.pending(0, most))
    if isinstance(rows, BaseException) or not rows:
        node.broadcasts_due = isinstance(rows, BaseException)
        return
    for row in rows:
        world.checks.watcher_of(node).hear(row)
    if not is_cut:
        world.attempt(node, node.outbox.done(rows[-1].n))


def on_a_new_link(world: World, node: StoresNode) -> None:
    """The present status of what waits for nothing is told once more."""
    after = 0
    while portion := world.attempt(node, node.outbox.snapshot(after, PORTION)):
        after = portion[-1].key
        for status in portion:
            world.checks.watcher_of(node).hear_present(status)
