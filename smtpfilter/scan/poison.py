"""A message of which a scanner dies each time it is shown (A6).

Whoever restarts an engine breaks off a scan as well; so the content is to blame only where the
scanner broke off twice after it had taken all of it, and scans the EICAR test file in between or
right after.  An engine that is down, or dies of everything, blames nobody.
"""

import time

from smtpfilter.ports.engines import (
    BrokeInScan,
    ConnectionBroke,
    ScannerFailed,
    Specimen,
    VirusScan,
    VirusScanner,
)
from smtpfilter.scan.seat import Seat
from smtpfilter.scan.selftest import SelfTest
from smtpfilter.scan.wire import Deadline

RETURN_SECONDS = 20.0  # for so long a scanner that went away is expected back
_PAUSE_SECONDS = 0.25


class Suspicion(ScannerFailed):
    """The scanner dies of this very message."""


def ask_carefully(
    scanner: VirusScanner,
    seat: Seat,
    specimen: Specimen,
    deadline: Deadline,
    self_test: SelfTest,
) -> VirusScan:
    """Return its answer.  Raises ScannerFailed, Suspicion where the message is to blame."""
    breaks = 0

    def scan(seconds: float) -> VirusScan:
        nonlocal breaks
        try:
            return scanner.scan(specimen, seconds)
        except BrokeInScan:
            breaks += 1
            raise

    try:
        return seat.ask(scan, deadline.remaining())
    except ScannerFailed:
        if not breaks or not _lives(scanner, self_test, deadline):
            raise
    if breaks == 1:  # it went away and is back: others may have been the reason
        try:
            return seat.ask(scan, deadline.remaining())
        except ScannerFailed:
            if breaks == 1:
                raise
    raise Suspicion(
        f"{seat.name}: breaks off at one message, which is held at its third attempt, and scans "
        f"others; SHA-256 {specimen.mail.sha256}"
    )


def _lives(scanner: VirusScanner, self_test: SelfTest, deadline: Deadline) -> bool:
    """Tell whether it scans other content, waiting a while where it is being started again."""
    patience = Deadline(min(RETURN_SECONDS, deadline.remaining()))
    try:
        while True:
            try:
                self_test.scan(scanner, patience.remaining())
            except BrokeInScan:
                return False
            except ConnectionBroke:
                time.sleep(min(_PAUSE_SECONDS, patience.remaining()))
            else:
                return True
    except ScannerFailed:
        return False
