"""`./postern run`: one stack in the foreground, from its start to Ctrl-C.

Two launchers never share one var/: the lock ends with the process that holds it.  What a killed
launcher left behind is gone before a new stack starts.
"""

import fcntl
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn

from appliance.stack import environment as env
from appliance.stack import process, seed
from appliance.stack.environment import Environment, StackError
from appliance.stack.stack import Stack, web_url


class Stopped(Exception):
    """Ctrl-C, or a signal that asks for the end."""


def run(environ: Mapping[str, str]) -> int:
    """Run the stack until it is told to stop, then return 0.

    Raises StackError if a part does not start.
    """
    obey_signals()
    var = env.var_folder(environ)
    env.make_folders(var)
    with only_launcher(var):
        process.end_leftovers(var)
        environment = env.choose(environ)
        environment.save()
        stack = Stack(environment, environment.exported(environ))
        try:
            _start(stack)
            stack.watch(tell)
        except Stopped:
            tell("stopping")
        finally:
            ignore_signals()
            stack.stop()
    return 0


def _start(stack: Stack) -> None:
    environment = stack.environment
    stack.start_engines()
    stack.start_postgres()
    administrator = seed.prepare(environment.var, stack.environ)
    stack.start_appliance()
    stack.wait()
    tell(f"web {web_url(environment)}/")
    tell(f"filter {_listeners(environment)}")
    tell(f"next hop {environment.settings['FILTER_RELAY']} ({_about_next_hop(environment)})")
    if administrator is not None:
        tell(f"administrator {administrator.email} password {administrator.password}")
        administrator.told(environment.var)
    tell("ready")


def _listeners(environment: Environment) -> str:
    main, _, others = environment.settings["FILTER_LISTEN"].partition(",")
    return f"{main} (also {others})" if others else main


def _about_next_hop(environment: Environment) -> str:
    if "mailbox" in environment.private:
        return f"demo mailbox, keeps mail in {environment.var / 'inbox'}"
    return "not ours"


@contextmanager
def only_launcher(var: Path) -> Iterator[None]:
    """Hold the lock of `var`.  Raises StackError if another launcher holds it."""
    with (var / "run" / "lock").open("a", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StackError(f"a stack runs on {var} already") from error
        yield


def running(var: Path) -> bool:
    """Tell whether a launcher runs on `var`."""
    if not (var / "run" / "lock").exists():
        return False
    try:
        with only_launcher(var):
            return False
    except StackError:
        return True


def tell(line: str) -> None:
    """Print one line at once; a terminal that is gone is no reason to stop."""
    try:
        print(line, flush=True)
    except BrokenPipeError:
        return


def obey_signals() -> None:
    """Let signals that ask for the end raise Stopped, also where a shell had switched them off."""

    def stop(_number: int, _frame: FrameType | None) -> NoReturn:
        raise Stopped

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)


def ignore_signals() -> None:
    """Stop in peace: a second Ctrl-C must not leave half of it running."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
