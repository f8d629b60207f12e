"""The exact engines with a second one of each kind beside them, and with faults.

    engines.says(score=1.4, virus="Heuristics.Phishing.Email")
    engines.users = {"ann": 9.0}       # by whose preferences spamd scores otherwise
    engines.rspamd.points = {"R": 5.0}
    engines.sophie = "Worm.Klez"       # what Sophie finds: "" nothing, None: it fails
    engines.spamd = hangs              # a script in place of spamd's answers
    engines.broken_users = {"ann"}     # for whom spamd hangs up
    engines.clamd_fails = True

`letters`: what spamd was shown, with the name that was asked for.  A mail that has MARKER in what
spamd is shown gets a point more.
"""

import socket
from pathlib import Path

from tests.doubles.engines import Engines, answer_spamd
from tests.doubles.rspamd import Rspamd
from tests.scan.fake_engine import FakeEngine, Play, read_request

MARKER = "find-me-if-you-can"


class MoreEngines(Engines):
    """clamd, Sophie, spamd and Rspamd, on unix sockets in `folder`."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._sophie = FakeEngine(folder / "sophie", self._serve_sophie)
        self._rspamd = FakeEngine(folder / "rspamd", self._serve_rspamd)

    def says(self, *, score: float = 0.0, virus: str = "", **rules: float) -> None:
        super().says(score=score, virus=virus, **rules)
        self.users: dict[str, float] = {}
        self.letters: list[tuple[str, bytes]] = []
        self.sophie: str | None = ""
        self.spamd: Play | None = None
        self.broken_users: set[str] = set()
        self.clamd_fails = False
        self.rspamd = Rspamd()
        self.scans |= {"sophie": 0}

    @property
    def settings(self) -> dict[str, str]:
        return super().settings | {
            "FILTER_SOPHIE": str(self._sophie.endpoint),
            "FILTER_RSPAMD": str(self._rspamd.endpoint),
        }

    def stop(self) -> None:
        super().stop()
        self._sophie.stop()
        self._rspamd.stop()

    def _verdict(self, content: bytes) -> bytes:
        return b"no licence ERROR" if self.clamd_fails else super()._verdict(content)

    def _score(self, connection: socket.socket) -> None:
        if self.spamd:
            self.spamd(connection)
            return
        request = read_request(connection)
        head, _, content = request.partition(b"\r\n\r\n")
        (user,) = (line[6:] for line in head.decode().split("\r\n") if line.startswith("User: "))
        self.scans["spamd"] += 1
        self.letters.append((user, content))
        if user in self.broken_users:
            return
        points = {**self.rules, "EXACT": self.users.get(user, self.rules["EXACT"])}
        points |= {"MARKED": 1.0} if MARKER.encode() in content else {}
        answer_spamd(connection, points)

    def _serve_sophie(self, connection: socket.socket) -> None:
        with connection.makefile("rb") as file:
            while file.readline():
                self.scans["sophie"] += 1
                said = "-1:no licence" if self.sophie is None else f"1:{self.sophie}"
                connection.sendall(f"{said if self.sophie != '' else 0}\n".encode())

    def _serve_rspamd(self, connection: socket.socket) -> None:
        self.rspamd(connection)
