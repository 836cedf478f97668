"""When a file can't be written because its disk is full; a database says so differently (`node.store.database`)."""

import errno
from typing import Final

_NUMBERS: Final = frozenset({errno.ENOSPC, errno.EDQUOT})


def is_out_of_space(error: BaseException) -> bool:
    """Whether something could not be written for want of space, or of quota; standard output may be what is full."""
    return isinstance(error, OSError) and error.errno in _NUMBERS
