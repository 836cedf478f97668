"""How far ahead an expiry may lie: one rule for codes and announcements.

A serial is at least the instant at which its code was made (`max(old + 1, unix seconds)`), and a code lives at most
CODE_LIFETIME_S_MAX. So both instants are the source's own, and no clock of this side is needed to judge them: a
destination whose clock is years off still accepts what the source made.
"""

from protocol.errors import RemoteProtocolError
from protocol.limits import CODE_LIFETIME_S_MAX, INSTANT_LIMIT


def check_expiry(expires_at: int, *, serial: int) -> None:
    """Refuse an expiry that no source gives to the code of that serial; `expires_at` is in Unix seconds.

    Raises:
        RemoteProtocolError: it is not after 1970, lies beyond the year 9999, or is further ahead than a code lives.
    """
    if not 0 < expires_at < INSTANT_LIMIT:
        raise RemoteProtocolError("The field expires_at lies after 1970 and before the year 10000.")
    if expires_at > serial + CODE_LIFETIME_S_MAX:
        raise RemoteProtocolError(
            f"The field expires_at is at most {CODE_LIFETIME_S_MAX // 86_400} days after the serial."
        )
