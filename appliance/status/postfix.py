"""What Postfix on this machine is set to, as its own postconf tells it."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from typing import Self

SECONDS = 5.0
_WHERE = os.pathsep.join((os.defpath, "/usr/sbin", "/usr/local/sbin"))


@dataclass(frozen=True, slots=True)
class Listener:
    """A line of master.cf that listens on the network.  `port`: a number or a service's name.

    `filters`: what its own content_filter says, None where main.cf's counts.
    """

    name: str
    filters: str | None

    @property
    def port(self) -> str:
        return self.name.rpartition(":")[2]


@dataclass(frozen=True, slots=True)
class Postfix:
    """`content_filter`: main.cf's, "" where mail is not filtered.  `listeners`: of master.cf."""

    content_filter: str
    listeners: tuple[Listener, ...]

    @classmethod
    def parse(cls, main: str, master: str, overrides: str) -> Self:
        """Return what `postconf -h content_filter`, `-M` and `-P` have printed."""
        own = dict(line.split(" =", 1) for line in overrides.splitlines() if " =" in line)
        lines = [line.split() for line in master.splitlines()]
        listeners = [words[0] for words in lines if len(words) > 1 and words[1] == "inet"]
        return cls(main.strip(), tuple(Listener(name, _filters(own, name)) for name in listeners))

    @property
    def filter_port(self) -> str:
        """The port that mail is filtered at, "" where it is not, or where it names none."""
        return self.content_filter.rpartition("]:")[2] if "]:" in self.content_filter else ""

    def listener(self, port: int) -> Listener | None:
        """Return who listens on `port`."""
        return next((found for found in self.listeners if found.port == str(port)), None)


def read_postfix() -> Postfix | None:
    """Return what Postfix of this machine is set to, None where there is none that can be asked."""
    program = shutil.which("postconf", path=_WHERE)
    if program is None:
        return None
    try:
        asked = (["-h", "content_filter"], ["-M"], ["-P"])
        return Postfix.parse(*(_said(program, *options) for options in asked))
    except (OSError, subprocess.SubprocessError):
        return None


def _said(program: str, *options: str) -> str:
    done = subprocess.run(
        (program, *options), capture_output=True, check=True, timeout=SECONDS, text=True,
        errors="replace",
    )  # fmt: skip
    return done.stdout


def _filters(own: dict[str, str], name: str) -> str | None:
    value = own.get(f"{name}/inet/content_filter")
    return None if value is None else value.strip()
