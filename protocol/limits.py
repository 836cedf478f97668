"""Every limit of the protocol, version 1, named with its unit last.

A node refuses what lies beyond a limit with a sentence that names it; nothing from outside is unbounded.
"""

from typing import Final

PROTOCOL_VERSION: Final = 1

KEY_BYTES: Final = 32
SIGNATURE_BYTES: Final = 64
CONNECTION_ID_BYTES: Final = 16
NODE_ID_BYTES: Final = 16
MESSAGE_ID_BYTES: Final = 32
ADDRESSEE_BYTES: Final = 16
"""The first bytes of an addressee's key thumbprint that a bound code carries."""

MESSAGE_BYTES_MAX: Final = 16 * 1024
"""The largest envelope that a node reads."""

ANSWER_BYTES_MAX: Final = 64 * 1024
"""The most a node reads of another's HTTP answer, whatever it is."""

NESTING_MAX: Final = 8
"""The deepest array in an envelope or code; also in a tail that is ignored."""

ARRAY_ITEMS_MAX: Final = 256
"""The longest array in an envelope or code; also in a tail that is ignored."""

NAME_CHARACTERS_MAX: Final = 64
CONNECTION_NAME_CHARACTERS_MAX: Final = 100
DESCRIPTION_CHARACTERS_MAX: Final = 1000
URL_CHARACTERS_MAX: Final = 255
SOFTWARE_CHARACTERS_MAX: Final = 64

PLAIN_LINE_CHARACTERS_MAX: Final = 255
"""The most that one line of a log or terminal shows of a text that another node wrote."""

NODE_INFO_BYTES_MAX: Final = 16 * 1024
"""The largest node info that is read."""

COUNTER_LIMIT: Final = 2**53
"""Serials, revisions and instants stay below this, so that every language reads them exactly."""

INSTANT_LIMIT: Final = 253_402_300_800
"""The beginning of the year 10000 in Unix seconds: what people are shown as a date lies before it."""

JUMP_LIMIT: Final = COUNTER_LIMIT - 2**32
"""No revision jumps to here or beyond on a partner's word, so this side's own changes always have room."""

VERSIONS_MAX: Final = 8
"""How many protocol versions a node may say that it speaks; each is 1 to 255."""

CODE_CHARACTERS_MAX: Final = 2247
"""The longest invitation code of this version: every text at its limit, in four-byte characters."""

PASTED_CHARACTERS_MAX: Final = 64 * 1024
"""The longest text (a whole e-mail) that is searched for a code."""

CODE_LIFETIME_S_DEFAULT: Final = 7 * 24 * 3600
CODE_LIFETIME_S_MIN: Final = 60
CODE_LIFETIME_S_MAX: Final = 30 * 24 * 3600
"""How long a code may live, counted from its serial; so an announcement too."""

CLOCKS_APART_S_MAX: Final = 24 * 3600
"""How much further ahead than a code lives an announcement may expire by this side's clock; beyond that it is not kept
(its code can still be pasted)."""

DELIVERY_BACKOFF_S_MAX: Final = 3600
"""The longest wait between two delivery attempts; a partner's Retry-After is honoured up to this."""

RESYNC_S: Final = 24 * 3600
"""How often each live connection is stated again though nothing is owed."""

REQUEST_S_MAX: Final = 5
"""How long one request to another node may take."""

ANNOUNCEMENT_BYTES_MAX: Final = 2 * 1024
"""The largest body of an `initiate`: a stranger's one line on the destination's console."""

ANNOUNCEMENTS_OPEN_MAX: Final = 20
ANNOUNCEMENTS_OPEN_PER_KEY_MAX: Final = 3
ANNOUNCEMENTS_PER_PREFIX_PER_HOUR_MAX: Final = 5

SECURITY_NOTICES_MAX: Final = 5
"""How many refused holders of a valid code are remembered for one connection."""
