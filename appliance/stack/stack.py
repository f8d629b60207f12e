"""The parts of one stack: started in order, watched, stopped in reverse order.

Nothing is restarted silently: a part that ends by itself is named, with its last words, and the
stack is over.
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
from appliance.stack.environment import Environment, StackError, listening, reachable
from appliance.stack.private import clamd, postgres, redis, spamd

_DRAIN_SECONDS = (
    20.0  # for mail at work when the stack is stopped; the sender repeats what is cut off
)
_LOOK_SECONDS = 0.2
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
class Stack:
    """What runs.  `environ` is the environment of every part."""

    environment: Environment
    environ: Mapping[str, str]
    children: list[process.Child] = field(default_factory=list)
    _unready: list[tuple[process.Child, Callable[[], bool]]] = field(default_factory=list)

    def start_postgres(self, *, durable: bool = True) -> None:
        """Start the private Postgres, if it is ours, and wait until it answers."""
        if "postgres" in self.environment.private:
            child = postgres.start(self.environment, self.environ, durable=durable)
            self._add(child, partial(postgres.ready, self.environment))
            self.wait()

    def start_engines(self) -> None:
        """Start broker, scanners and demo mailbox, those that are ours; `wait` waits for them."""
        for service in (redis, clamd, spamd):
            if service.NAME in self.environment.private:
                child = service.start(self.environment, self.environ)
                self._add(child, partial(service.ready, self.environment))
        if "mailbox" in self.environment.private:
            self._start_mailbox()

    def start_appliance(self) -> None:
        """Start the filter, the web side and Celery; `wait` waits until they are ready."""
        self._empty_spool()
        settings = self.environment.settings
        self._start(
            "filter",
            ["manage.py", "runfilter"],
            partial(listening, settings["FILTER_LISTEN"]),
            grace=_DRAIN_SECONDS,
        )
        self._start(
            "web",
            [*_GUNICORN, "--bind", settings["WEB_LISTEN"]],
            partial(answers, f"{web_url(self.environment)}/{self.ready_page()}"),
            stop_signal=signal.SIGINT,  # TERM would wait for browsers that keep their connection
        )
        self._start("worker", [*_CELERY, "worker", "--pool", "threads", "--concurrency", "2"])
        schedule = self.environment.var / "run" / "beat-schedule"
        self._start("beat", [*_CELERY, "beat", "--pidfile=", "--schedule", str(schedule)])

    def ready_page(self) -> str:
        """Return what tells that all is ready: others' services may be down, and come later."""
        return "readyz" if self.environment.private >= _PARTS else "healthz"

    def wait(self) -> None:
        """Wait until all that was started is ready.  Raises StackError if a part is not."""
        while self._unready:
            process.wait_ready(*self._unready.pop(0))

    def watch(self) -> None:
        """Return never: raises StackError when a part has ended by itself."""
        while True:
            for child in self.children:
                if child.ended():
                    code = child.process.returncode
                    raise StackError(f"{child.name} ended (status {code})\n{child.last_words()}")
            time.sleep(_LOOK_SECONDS)

    def stop(self) -> None:
        """Stop every part, the last started first, and forget what lay in memory only."""
        while self.children:
            self.children.pop().stop()
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
    ) -> None:
        child = process.start(
            name,
            [sys.executable, *command],
            var=self.environment.var,
            environ=self.environ,
            stop_signal=stop_signal,
            grace_seconds=grace,
        )
        self._add(child, ready)

    def _add(self, child: process.Child, ready: Callable[[], bool]) -> None:
        self.children.append(child)
        self._unready.append((child, ready))


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
