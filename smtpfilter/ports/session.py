"""What a session does with a message."""

from collections.abc import Sequence
from typing import Protocol

from smtpfilter.mail.envelope import Envelope
from smtpfilter.mail.octets import SpooledMail
from smtpfilter.mail.reply import Reply


class Handler(Protocol):
    """What a session does with a message: the pipeline, from its side."""

    def process(self, envelope: Envelope, mail: SpooledMail) -> Sequence[Reply]:
        """Return one reply for SMTP input, one per recipient, in their order, for LMTP input.

        Blocking; called in a thread of the pool.  A FilterError that comes out is answered by its
        own reply, any other
        exception by 451 4.3.0.
        """
        ...

    def close(self) -> None:
        """End what this process holds open; called once, after the last message."""
        ...
