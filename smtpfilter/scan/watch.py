"""Is a virus scanner that calls mail clean still able to find anything (A8)?

Beside the mail, once a minute, it is shown the EICAR test file.  One that calls that clean is
blind: worse than one that is down, since nobody notices.  It counts as down until it finds the file
again, for which it is asked more often.  A self-test that gets no answer says nothing; mail does.
"""

import logging
import threading
import time

from smtpfilter.ports.engines import ScannerFailed
from smtpfilter.scan.entries import Entry
from smtpfilter.scan.selftest import SelfTest
from smtpfilter.scan.wire import Clock

_log = logging.getLogger("postern.scan")

EACH_SECONDS = 60.0
EACH_SECONDS_WHILE_BLIND = 5.0
PATIENCE_SECONDS = 10.0


class Watch:
    """The self-tests of one process.  Safe for threads.  To be made after the fork."""

    def __init__(self, self_test: SelfTest, clock: Clock = time.monotonic) -> None:
        self._self_test = self_test
        self._clock = clock
        self._lock = threading.Lock()
        self._start = clock()
        self._tested: dict[str, float] = {}
        self._blind: set[str] = set()

    def refuse_blind(self, entry: Entry) -> None:
        """Raises ScannerFailed where its last self-test found it blind."""
        if entry.name in self._blind:
            self._test_if_due(entry, EACH_SECONDS_WHILE_BLIND)
            raise ScannerFailed(f"{entry.name}: it does not find the EICAR test file")

    def said_clean(self, entry: Entry) -> None:
        """Note that it found nothing in a mail: is that to be believed?"""
        self._test_if_due(entry, EACH_SECONDS)

    def _test_if_due(self, entry: Entry, seconds: float) -> None:
        with self._lock:
            now = self._clock()
            if now - self._tested.get(entry.name, self._start) < seconds:
                return
            self._tested[entry.name] = now
        threading.Thread(target=self._test, args=(entry,), name="self-test", daemon=True).start()

    def _test(self, entry: Entry) -> None:
        try:
            found = self._self_test.scan(entry.scanner, PATIENCE_SECONDS).viruses
        except ScannerFailed:
            return
        if found:
            if entry.name in self._blind:
                _log.warning("%s finds the EICAR test file again", entry.name)
            self._blind.discard(entry.name)
        elif entry.name not in self._blind:
            _log.error("%s does not find the EICAR test file: it counts as down", entry.name)
            self._blind.add(entry.name)
