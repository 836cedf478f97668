"""Files that hang on incidents: logs, tables, pictures of a screen. Small, and readable by what reads such files."""

from __future__ import annotations

import csv
import io
import struct
import zlib
from typing import TYPE_CHECKING, Final

from node.instance.demo_data.drawing import DAY_S, Draw, instant, sys_id
from node.instance.demo_data.record import DemoAttachment

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from node.instance.demo_data.plans import Plan
    from node.instance.demo_data.world import World

FILE_COUNT: Final = 24

_WIDTH: Final = 160
_HEIGHT: Final = 100
_WINDOW_WIDTH: Final = 104
_DESK: Final = bytes((206, 214, 222))
_PAPER: Final = bytes((250, 250, 250))
_INK: Final = bytes((70, 70, 70))
_ACCENTS: Final = tuple(map(bytes, ((0, 90, 158), (168, 52, 48), (22, 120, 92), (112, 72, 160))))


def files(world: World, plans: Sequence[Plan]) -> Iterable[DemoAttachment]:
    """The attachments, each on another incident."""
    draw = Draw(world.seed, "files")
    makers = (_log, _table, _screen)
    for position, plan in enumerate(draw.some(FILE_COUNT, [plan for plan in plans if plan.item is not None])):
        name, content_type, content = makers[position % len(makers)](draw, plan)
        yield DemoAttachment(
            sys_id=sys_id(world.seed, "file", plan.sys_id),
            table_name="incident",
            table_sys_id=plan.sys_id,
            file_name=name,
            content_type=content_type,
            created_on=instant(plan.opened_s + draw.whole(5, 600)),
            created_by=plan.caller.user_name,
            content=content,
        )


def png(width: int, height: int, rows: Iterable[bytes]) -> bytes:
    """A picture in PNG: red, green and blue of eight bits each, no filter (ISO/IEC 15948)."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    lines = b"".join(b"\x00" + row for row in rows)
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(lines, 9)) + chunk(b"IEND", b"")


def _log(draw: Draw, plan: Plan) -> tuple[str, str, bytes]:
    item = plan.item.name if plan.item is not None else ""
    at_s = plan.opened_s - 900
    lines = [f"# {item}, exported by {plan.caller.user_name}"]
    for _ in range(draw.whole(12, 40)):
        at_s += draw.between(0.3, 60)
        level = draw.weighted(("INFO ", "WARN ", "ERROR"), (6, 2, 1))
        lines.append(
            f"{instant(at_s)} {level} [{draw.digits(4)}] "
            + draw.one(
                (
                    f"connection {draw.digits(3)} opened",
                    f"retry {draw.whole(1, 5)} of 5",
                    f"timeout after {draw.whole(1, 30)} s",
                    f"request {draw.digits(6)} took {draw.whole(2, 9000)} ms",
                    f"{item}: state changed to {draw.one(('ready', 'busy', 'failed'))}",
                )
            )
        )
    return f"{item}.log", "text/plain", ("\n".join(lines) + "\n").encode()


def _table(draw: Draw, plan: Plan) -> tuple[str, str, bytes]:
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(["time", "item", "metric", "value", "site"])
    item = plan.item.name if plan.item is not None else ""
    for number in range(draw.whole(10, 30)):
        at_s = plan.opened_s - DAY_S / 2 + number * 300
        metric = draw.one(("load", "free memory", "response", "packet loss"))
        writer.writerow([instant(at_s), item, metric, f"{draw.between(0, 100):.1f}", plan.caller.place.city])
    return f"measurements-{plan.number}.csv", "text/csv", out.getvalue().encode()


def _screen(draw: Draw, plan: Plan) -> tuple[str, str, bytes]:
    """A window with a message in it, as of a screen seen from far away."""
    title, top, left = draw.one(_ACCENTS), draw.whole(18, 30), draw.whole(20, 36)
    right = _WIDTH - left - _WINDOW_WIDTH
    lengths = [draw.whole(32, 82) for _ in range(3)]

    def row(inside: bytes) -> bytes:
        return _DESK * left + inside + _DESK * right

    written = [_PAPER * 8 + _INK * length + _PAPER * (_WINDOW_WIDTH - 8 - length) for length in lengths]
    blank = row(_PAPER * _WINDOW_WIDTH)
    window = [row(title * _WINDOW_WIDTH)] * 9 + [blank] * 7
    for line in written:
        window += [row(line)] * 3 + [blank] * 5
    below = _HEIGHT - top - len(window)
    rows = [_DESK * _WIDTH] * top + window + [_DESK * _WIDTH] * below
    return f"screenshot {plan.number}.png", "image/png", png(_WIDTH, _HEIGHT, rows)
