"""A child process that does not outlive the launcher, whatever ends the launcher.

Each child is started through `setpriv --pdeathsig`, so that the kernel ends it when the launcher is
killed, in a session of its own, so that Ctrl-C reaches the launcher alone, and writes to a log file
of its own, so that a terminal that nobody reads never stops mail.

The kernel sends the signal when the *thread* that started the child ends: start children from the
main thread only.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from appliance.stack.environment import CHECKOUT, StackError

_LOG_LIMIT_BYTES = 10_000_000  # a longer log is set aside at the next start
_STALE_GRACE_SECONDS = 15.0


@dataclass(slots=True)
class Child:
    """A running program of the stack.  `stop_signal` asks it to end within `grace_seconds`."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path
    stop_signal: signal.Signals = signal.SIGTERM
    grace_seconds: float = 10.0

    def ended(self) -> bool:
        return self.process.poll() is not None

    def stop(self) -> None:
        """End the child and all of its group; it is gone when this returns."""
        if not self.ended():
            self.process.send_signal(self.stop_signal)
            try:
                self.process.wait(self.grace_seconds)
            except subprocess.TimeoutExpired:
                _kill_group(self.process.pid)
        self.process.wait()
        _kill_group(self.process.pid)

    def last_words(self, lines: int = 15) -> str:
        """Return the end of its log, for the terminal."""
        text = self.log.read_bytes()[-8192:].decode("utf-8", "replace")
        return "\n".join(f"  {self.name}: {line}" for line in text.splitlines()[-lines:])


def start(
    name: str,
    command: Sequence[str],
    *,
    var: Path,
    environ: Mapping[str, str],
    prefix: Sequence[str] = (),
    stop_signal: signal.Signals = signal.SIGTERM,
    grace_seconds: float = 10.0,
) -> Child:
    """Start `command`; `prefix` are the words of its identity.  Raises StackError if it is missing.

    The death signal is set after the identity, since a change of user clears it (prctl(2)).
    """
    log = var / "log" / f"{name}.log"
    if log.exists() and log.stat().st_size > _LOG_LIMIT_BYTES:
        log.replace(log.with_suffix(".log.old"))
    on_death = ("setpriv", "--pdeathsig", stop_signal.name.removeprefix("SIG"), "--")
    with log.open("ab") as out:
        try:
            process = subprocess.Popen(
                [*prefix, *on_death, *command],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env=dict(environ),
                cwd=CHECKOUT if not prefix else "/",
                start_new_session=True,
            )
        except OSError as error:
            raise StackError(f"{name} cannot be started: {error}") from error
    _remember(var, name, process.pid)
    return Child(name, process, log, stop_signal, grace_seconds)


def wait_ready(child: Child, ready: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait until `ready()` is true.  Raises StackError if the child ends or takes too long."""
    until = time.monotonic() + seconds
    while not ready():
        if child.ended():
            raise StackError(f"{child.name} did not start; its last words:\n{child.last_words()}")
        if time.monotonic() > until:
            raise StackError(f"{child.name} is not ready after {seconds:.0f} s; see {child.log}")
        time.sleep(0.05)


def end_leftovers(var: Path) -> None:
    """Wait for the children of a killed launcher, which were told to end; kill those that stay."""
    leftovers = [pid for pid, born in _remembered(var) if _born(pid) == born]
    until = time.monotonic() + _STALE_GRACE_SECONDS
    while leftovers and time.monotonic() < until:
        time.sleep(0.1)
        leftovers = [pid for pid in leftovers if alive(pid)]
    for pid in leftovers:
        _kill_group(pid)
    forget(var)


def forget(var: Path) -> None:
    """Remove the notes about children, all of which are gone."""
    for file in (*(var / "run").glob("*.pid"), var / "run" / "children"):
        file.unlink(missing_ok=True)


def alive(pid: int) -> bool:
    """Tell whether the process runs; one that has ended and waits for its parent does not."""
    return _born(pid) != ""


def _remember(var: Path, name: str, pid: int) -> None:
    (var / "run" / f"{name}.pid").write_text(f"{pid}\n", encoding="ascii")
    with (var / "run" / "children").open("a", encoding="ascii") as out:
        out.write(f"{pid} {_born(pid)}\n")


def _remembered(var: Path) -> list[tuple[int, str]]:
    try:
        lines = (var / "run" / "children").read_text(encoding="ascii").splitlines()
    except FileNotFoundError:
        return []
    words = [line.split() for line in lines]
    return [(int(word[0]), word[1]) for word in words if len(word) == 2]


def _born(pid: int) -> str:
    """Return when the process started (clock ticks, proc(5)): a re-used pid has another time."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""
    state, *fields = stat.rpartition(")")[2].split()
    return "" if state in ("Z", "X") else fields[18]


def _kill_group(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return
