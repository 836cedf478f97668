"""The last messages of each connection, for the sequence diagram of its page; kept in memory only."""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import TYPE_CHECKING, Final

from node.delivery.events import TraceEvent, decode_event, parse_topic

if TYPE_CHECKING:
    from collections.abc import Sequence

    from node.ports import Publication

MESSAGES_MAX: Final = 40
CONNECTIONS_MAX: Final = 500


class Traces:
    """The messages that this process has sent and received, as they were broadcast."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, deque[bytes]] = OrderedDict()

    def tell(self, publication: Publication) -> None:
        """Keep one more; the oldest go."""
        parts = parse_topic(publication.topic)
        if parts is None or parts.connection is None:
            return
        if parts.connection not in self._kept:
            self._kept[parts.connection] = deque(maxlen=MESSAGES_MAX)
            if len(self._kept) > CONNECTIONS_MAX:
                self._kept.popitem(last=False)
        self._kept.move_to_end(parts.connection)
        self._kept[parts.connection].append(publication.payload)

    def of(self, sys_id: str) -> Sequence[TraceEvent]:
        """The last messages of a connection, oldest first."""
        events = [decode_event(payload) for payload in self._kept.get(sys_id, ())]
        return [event for event in events if isinstance(event, TraceEvent)]
