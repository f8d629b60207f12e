"""Is clamd's StreamMaxLength large enough for our messages (A9)?

clamd tells its limits to nobody, but it refuses a chunk that is too long as soon as its length has
arrived: so the length alone is sent.
"""

import struct

from smtpfilter.config import Endpoint
from smtpfilter.scan.wire import Connection, Deadline

_REFUSED = b"INSTREAM size limit exceeded"
_SILENCE_SECONDS = 0.5  # it refuses at once, or waits for the chunk


def takes_message(endpoint: Endpoint, size_bytes: int, seconds: float) -> bool:
    """Tell whether clamd would take a message of this size.  Raises ScannerFailed."""
    with Connection(endpoint, Deadline(seconds)) as connection:
        connection.send([b"zINSTREAM\0" + struct.pack("!L", size_bytes)])
        answer = connection.receive(len(_REFUSED), patience=_SILENCE_SECONDS)
    return not answer.startswith(_REFUSED)
