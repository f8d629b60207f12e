"""A clamd and a spamd that find what the test says, to the point.

    engines.says(score=6.3)            # from now on, of every mail
    engines.says(virus="Win.Test")

Of a mail with the EICAR test file clamd always says so.  `scans`: how often a mail was shown to
each.
"""

import socket
from pathlib import Path

from tests.flows.mails import EICAR
from tests.scan.fake_engine import FakeEngine, clamd_judging, read_request


class Engines:
    """Both, on unix sockets in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.says()
        self._clamd = FakeEngine(folder / "clamd", self._scan_viruses)
        self._spamd = FakeEngine(folder / "spamd", self._score)

    def says(self, *, score: float = 0.0, virus: str = "", **rules: float) -> None:
        """Find the virus; give `score` by one rule, beside `rules`.  Forget what was counted."""
        self.virus = virus
        self.rules = {"EXACT": score, **rules}
        self.scans = {"clamd": 0, "spamd": 0}

    @property
    def settings(self) -> dict[str, str]:
        """Where they are, as FILTER_* variables."""
        return {
            "FILTER_CLAMD": str(self._clamd.endpoint),
            "FILTER_SPAMD": str(self._spamd.endpoint),
        }

    def stop(self) -> None:
        self._clamd.stop()
        self._spamd.stop()

    def _scan_viruses(self, connection: socket.socket) -> None:
        counted = False

        def verdict(content: bytes) -> bytes:
            nonlocal counted
            if not counted and content != EICAR.encode():  # a mail, not the filter's self-test
                counted = True
                self.scans["clamd"] += 1
            return self._verdict(content)

        clamd_judging(verdict)(connection)

    def _verdict(self, content: bytes) -> bytes:
        name = "Eicar-Test-Signature" if EICAR.encode() in content else self.virus
        return f"{name} FOUND".encode() if name else b"OK"

    def _score(self, connection: socket.socket) -> None:
        read_request(connection)
        self.scans["spamd"] += 1
        answer_spamd(connection, self.rules)


def answer_spamd(connection: socket.socket, rules: dict[str, float]) -> None:
    """Say that these rules fired, by our template."""
    score = sum(rules.values())
    tests = ",".join(f"{name}={points}" for name, points in rules.items())
    report = (
        f"POSTERN-REPORT 1\nscore {score} required 5.0 autolearn no prefix \ntests {tests}\n"
    ).encode()
    head = (
        "SPAMD/1.1 0 EX_OK\r\n"
        f"Content-length: {len(report)}\r\n"
        f"Spam: True ; {score:.1f} / 5.0\r\n\r\n"
    )
    connection.sendall(head.encode() + report)
