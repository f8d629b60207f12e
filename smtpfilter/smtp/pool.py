"""The bounded pool of threads in which messages are processed, and its waiting line.

asyncio speaks SMTP; a message is worked on in one thread from start to end.  When pool and waiting
line are full, mail waits in the sender's queue.
"""

import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from smtpfilter.errors import Overloaded
from smtpfilter.mail.envelope import Envelope
from smtpfilter.mail.reply import Reply
from smtpfilter.ports.session import Handler
from smtpfilter.smtp.spool import SpoolFile

_START_SECONDS = 10.0


class Pool:
    """Threads with one handler for all of them."""

    def __init__(self, handler: Handler, *, threads: int, backlog: int) -> None:
        self._handler = handler
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="message")
        # All threads start now: later, out of threads, submit() would raise and queue all the same.
        started = threading.Barrier(threads, timeout=_START_SECONDS)
        for _ in range(threads):
            self._executor.submit(started.wait)
        self._capacity = threads + backlog
        self._taken = 0
        self._lock = threading.Lock()

    @property
    def full(self) -> bool:
        return self._taken >= self._capacity

    @property
    def idle(self) -> bool:
        return self._taken == 0

    def submit(self, envelope: Envelope, file: SpoolFile) -> Future[Sequence[Reply]]:
        """Let a thread process the message; the future holds the handler's replies or exception.

        The message leaves the spool when it is done, or cancelled while it waited.
        Raises Overloaded, SpoolFull; then the file is still the caller's to remove.
        """
        mail = file.finish()
        with self._lock:
            if self.full:
                raise Overloaded("pool and waiting line are full")
            self._taken += 1
        future = self._executor.submit(self._handler.process, envelope, mail)
        future.add_done_callback(lambda _: self._done(file))
        return future

    def _done(self, file: SpoolFile) -> None:
        file.remove()
        with self._lock:
            self._taken -= 1
