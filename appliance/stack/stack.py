"""The parts of one stack: started in order, watched, stopped in reverse order.

A part that ends by itself is named, with its last words, and started again: mail waits meanwhile,
as on a real machine.
"""

import shutil
import signal
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from appliance.stack import process
from appliance.stack.environment import Environment, filter_address, listening, reachable
from appliance.stack.private import clamd, postgres, redis, spamd

_DRAIN_SECONDS = (
    20.0  # for mail at work when the stack is stopped; the sender repeats what is cut off
)
_LOOK_SECONDS = 0.2
_LONGEST_PAUSE_SECONDS = 30.0  # before a part that ends again and again is started once more
_STEADY_SECONDS = 60.0  # a part that ran so long is started again at once

Make = Callable[[], process.Child]
_GUNICORN = [
    "-m",
    "gunicorn",
    "appliance.wsgi",
    "--workers",
    "2",
    "--threads",
    "4",
    "--graceful-timeout",
    "5",
    "--no-control-socket",
]
_PARTS = {"postgres", "redis", "clamd", "spamd", "mailbox"}
_CELERY = ["-m", "celery", "-A", "appliance"]


@dataclass(slots=True)
class Part:
    """One program of the stack: how it is made, and the child that it is now."""

    make: Make
    child: process.Child
    born: float = field(default_factory=time.monotonic)
    early_deaths: int = 0
    due: float | None = None  # when it is to be started again; None while it runs

    def look(self, now: float) -> str:
        """Start it again if it ended; return what is to be told about that, mostly nothing."""
        if self.due is None and self.child.ended():
            self.early_deaths = 0 if now - self.born > _STEADY_SECONDS else self.early_deaths + 1
            pause = min(_LONGEST_PAUSE_SECONDS, self.early_deaths * 2.0**self.early_deaths / 4)
            self.due = now + pause
            code, name = self.child.process.returncode, self.child.name
            told = f"{name} ended (status {code}), starts again in {pause:.1f} s"
            return f"{told}\n{self.child.last_words()}"
        if self.due is not None and now >= self.due:
            self.child.stop()  # what is left of its group
            self.child, self.born, self.due = self.make(), now, None
        return ""


@dataclass(slots=True)
class Stack:
    """What runs.  `environ` is the environment of every part."""

    environment: Environment
    environ: Mapping[str, str]
    parts: list[Part] = field(default_factory=list)
    _unready: list[tuple[process.Child, Callable[[], bool]]] = field(default_factory=list)

    def start_postgres(self, *, durable: bool = True) -> None:
        """Start the private Postgres, if it is ours, and wait until it answers."""
        if "postgres" in self.environment.private:
            make = partial(postgres.start, self.environment, self.environ, durable=durable)
            self._add(make, partial(postgres.ready, self.environment))
            self.wait()

    def start_engines(self, *, shared: bool = True) -> None:
        """Start broker, scanners and demo mailbox, those that are ours; `wait` waits for them.

        Without `shared` the engines do not use Postgres, which then may lack its tables.
        """
        for service in (redis, clamd, spamd):
            if service.NAME in self.environment.private:
                start = partial(spamd.start, shared=shared) if service is spamd else service.start
                make = partial(start, self.environment, self.environ)
                self._add(make, partial(service.ready, self.environment))
        if "mailbox" in self.environment.private:
            self._start_mailbox()

    def start_appliance(self) -> None:
        """Start filter, web side, Celery and agent; `wait` waits until they are ready."""
        self._empty_spool()
        settings = self.environment.settings
        self._start(
            "filter",
            ["manage.py", "runfilter"],
            partial(listening, filter_address(settings)),
            grace=_DRAIN_SECONDS,
        )
        self._start(
            "web",
            [*_GUNICORN, "--bind", settings["WEB_LISTEN"]],
            partial(answers, f"{web_url(self.environment)}/{self.ready_page()}"),
            stop_signal=signal.SIGINT,  # TERM would wait for browsers that keep their connection
        )
        self._start("worker", [*_CELERY, "worker", "--pool", "threads", "--concurrency", "2"])
        if "spamd" in self.environment.private:
            known = spamd.agent_settings(self.environment)
            self._start("agent", ["manage.py", "runagent"], further=known)
        schedule = self.environment.var / "run" / "beat-schedule"
        self._start("beat", [*_CELERY, "beat", "--pidfile=", "--schedule", str(schedule)])

    def ready_page(self) -> str:
        """Return what tells that all is ready: others' services may be down, and come later."""
        return "readyz" if self.environment.private >= _PARTS else "healthz"

    def wait(self) -> None:
        """Wait until all that was started is ready.  Raises StackError if a part is not."""
        while self._unready:
            process.wait_ready(*self._unready.pop(0))

    def watch(self, tell: Callable[[str], None]) -> None:
        """Return never: keep every part running, and `tell` about each that ended by itself."""
        while True:
            for part in self.parts:
                told = part.look(time.monotonic())
                if told:
                    tell(told)
            time.sleep(_LOOK_SECONDS)

    def stop(self) -> None:
        """Stop every part, the last started first, and forget what lay in memory only."""
        while self.parts:
            self.parts.pop().child.stop()
        process.forget(self.environment.var)
        self.environment.forget()

    def _empty_spool(self) -> None:
        """Make the spool if it is ours, without what a killed filter left in it."""
        if self.environment.spool is not None:
            shutil.rmtree(self.environment.spool, ignore_errors=True)
            self.environment.spool.mkdir(mode=0o700)

    def _start_mailbox(self) -> None:
        relay = self.environment.settings["FILTER_RELAY"]
        inbox = str(self.environment.var / "inbox")
        command = ["-m", "appliance.stack", "mailbox", relay, inbox]
        self._start("mailbox", command, partial(listening, relay))

    def _start(
        self,
        name: str,
        command: list[str],
        ready: Callable[[], bool] = lambda: True,
        *,
        stop_signal: signal.Signals = signal.SIGTERM,
        grace: float = 10.0,
        further: Mapping[str, str] | None = None,
    ) -> None:
        make = partial(
            process.start,
            name,
            [sys.executable, *command],
            var=self.environment.var,
            environ={**self.environ, **(further or {})},
            stop_signal=stop_signal,
            grace_seconds=grace,
        )
        self._add(make, ready)

    def _add(self, make: Make, ready: Callable[[], bool]) -> None:
        part = Part(make, make())
        self.parts.append(part)
        self._unready.append((part.child, ready))


def web_url(environment: Environment) -> str:
    """Return where the web side answers on this machine, without a slash at the end."""
    return f"http://{reachable(environment.settings['WEB_LISTEN'])}"


def answers(url: str) -> bool:
    """Tell whether a GET of `url` is answered with 200."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(url, timeout=10) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False
